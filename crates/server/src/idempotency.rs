//! `Idempotency-Key`: the same caller with the same key and body gets the same answer, and it is done once.
//!
//! Answers are kept for a day, in memory: after a restart a key counts as new.

use crate::problem::{Problem, Type};
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use jiff::{SignedDuration, Timestamp};
use parking_lot::Mutex;
use seaway_base::SharedClock;
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::future::Future;
use std::sync::Arc;

/// The header.
pub(crate) const HEADER: &str = "idempotency-key";
/// How long an answer is kept.
const KEPT: SignedDuration = SignedDuration::from_hours(24);
/// Answers that are kept; the oldest go first.
const N_KEPT_MAX: usize = 10_000;
/// The longest key.
const KEY_BYTES_MAX: usize = 200;

/// What is answered again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) body: Bytes,
}

/// One key: what it was used for, and what came of it.
struct Used {
    asked: [u8; 32],
    answer: Arc<tokio::sync::Mutex<Option<Answer>>>,
}

#[derive(Default)]
struct Keys {
    used: HashMap<(String, String), Used>,
    by_age: BTreeMap<(Timestamp, u64), (String, String)>,
    n: u64,
}

/// The keys that were used: cheap to clone, all clones are one.
#[derive(Clone)]
pub struct Idempotency {
    clock: SharedClock,
    keys: Arc<Mutex<Keys>>,
}

impl fmt::Debug for Idempotency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Idempotency")
    }
}

/// The key of a request, if it has one.
///
/// # Errors
/// It is empty, too long, or not visible ASCII.
pub(crate) fn key_of(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let Some(value) = headers.get(HEADER) else { return Ok(None) };
    let text = value
        .to_str()
        .ok()
        .filter(|text| !text.is_empty() && text.len() <= KEY_BYTES_MAX && text.bytes().all(|byte| byte.is_ascii_graphic()));
    let wanted =
        || Problem::new(Type::Malformed, format!("Idempotency-Key: 1 to {KEY_BYTES_MAX} visible ASCII characters are wanted"));
    text.map(|text| Some(text.to_owned())).ok_or_else(wanted)
}

impl Idempotency {
    /// None used yet.
    pub fn new(clock: SharedClock) -> Self {
        Self { clock, keys: Arc::default() }
    }

    /// Does it, or answers as it was answered before. `asked` is a hash of all that was asked.
    ///
    /// # Errors
    /// The key was used for something else; or what `act` answers, which is not kept.
    pub(crate) async fn once(
        &self,
        username: &str,
        key: Option<String>,
        asked: [u8; 32],
        act: impl Future<Output = Result<Answer, Problem>>,
    ) -> Result<Answer, Problem> {
        let Some(key) = key else { return act.await };
        let kept = self.place((username.to_owned(), key), asked)?;
        // Whoever comes with the same key meanwhile waits here for the first one's answer.
        let mut kept = kept.lock().await;
        if let Some(answer) = &*kept {
            return Ok(answer.clone());
        }
        let answer = act.await?;
        *kept = Some(answer.clone());
        Ok(answer)
    }

    fn place(&self, key: (String, String), asked: [u8; 32]) -> Result<Arc<tokio::sync::Mutex<Option<Answer>>>, Problem> {
        let now = self.clock.now();
        let mut keys = self.keys.lock();
        let keys = &mut *keys;
        let old = now.checked_sub(KEPT).unwrap_or(Timestamp::MIN);
        while let Some(entry) = keys.by_age.first_entry() {
            if entry.key().0 > old && keys.used.len() < N_KEPT_MAX {
                break;
            }
            let gone = entry.remove();
            keys.used.remove(&gone);
        }
        if let Some(used) = keys.used.get(&key) {
            if used.asked != asked {
                let detail = "this Idempotency-Key was used for something else";
                return Err(Problem::invalid(detail).hint("a new request needs a new key"));
            }
            return Ok(Arc::clone(&used.answer));
        }
        let answer = Arc::default();
        keys.n += 1;
        let place = (now, keys.n);
        keys.by_age.insert(place, key.clone());
        keys.used.insert(key, Used { asked, answer: Arc::clone(&answer) });
        Ok(answer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};

    async fn ask(keys: &Idempotency, who: &str, key: &str, asked: u8, n: &AtomicU32) -> Result<Answer, Problem> {
        let act = async {
            n.fetch_add(1, Ordering::SeqCst);
            Ok(Answer { status: StatusCode::CREATED, body: Bytes::from(format!("{asked}")) })
        };
        keys.once(who, Some(key.to_owned()), [asked; 32], act).await
    }

    #[tokio::test]
    async fn the_same_key_is_done_once_and_another_question_under_it_is_refused() {
        let (keys, n) = (Idempotency::new(seaway_base::SystemClock::shared()), AtomicU32::new(0));
        let (first, second) = tokio::join!(ask(&keys, "bob", "k", 1, &n), ask(&keys, "bob", "k", 1, &n));
        assert_eq!(first.unwrap(), second.unwrap());
        assert_eq!(n.load(Ordering::SeqCst), 1);
        assert_eq!(ask(&keys, "bob", "k", 2, &n).await.unwrap_err().status(), StatusCode::UNPROCESSABLE_ENTITY);
        ask(&keys, "eve", "k", 2, &n).await.unwrap();
        assert_eq!(n.load(Ordering::SeqCst), 2);
    }

    #[tokio::test]
    async fn what_failed_may_be_asked_again() {
        let keys = Idempotency::new(seaway_base::SystemClock::shared());
        let fails = async { Err(Problem::not_found("stage")) };
        keys.once("bob", Some("k".to_owned()), [1; 32], fails).await.unwrap_err();
        ask(&keys, "bob", "k", 1, &AtomicU32::new(0)).await.unwrap();
    }

    #[test]
    fn a_key_is_short_and_visible() {
        let check = |text: &str, good: bool| {
            let headers = HeaderMap::from_iter([(HEADER.parse().unwrap(), text.parse().unwrap())]);
            assert_eq!(key_of(&headers).is_ok(), good, "{text}");
        };
        check("3b2c-1", true);
        check("", false);
        check("a b", false);
        check(&"x".repeat(201), false);
    }
}
