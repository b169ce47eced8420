//! `Idempotency-Key`: the same caller with the same key and body gets the same answer, and it is done once, whether or not the caller
//! waits for the answer.
//!
//! Answers are kept for a day, in memory. What must not be done again after a restart is found by what it made: a promotion bears its
//! request (`api/repeat.rs`), and to approve twice changes nothing. A failure is not kept.

use crate::problem::{Problem, Type};
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use futures::FutureExt as _;
use futures::future::{BoxFuture, Shared};
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
pub(crate) const KEPT: SignedDuration = SignedDuration::from_hours(24);
/// Answers that are kept; the oldest of whoever has most go first.
const N_KEPT_MAX: usize = 10_000;
/// Those of one identity, whose oldest go first.
const N_OF_ONE_MAX: usize = 1_000;
/// What one identity can have under way.
const N_UNDER_WAY_MAX: usize = 200;
/// The longest key.
const KEY_BYTES_MAX: usize = 200;

/// What is answered again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) body: Bytes,
}

/// What came of an act, for all who wait for it.
type Outcome = Shared<BoxFuture<'static, Result<Answer, Problem>>>;

/// One key: what it was used for, and what came or comes of it.
struct Used {
    asked: [u8; 32],
    outcome: Outcome,
}

/// The keys of one identity. Those that are kept are in `by_age` too; the others are under way.
#[derive(Default)]
struct Own {
    used: HashMap<String, Used>,
    by_age: BTreeMap<(Timestamp, u64), String>,
}

impl Own {
    /// Forgets the oldest that is kept.
    fn forget_oldest(&mut self) -> bool {
        let oldest = self.by_age.pop_first().map(|(_, key)| self.used.remove(&key));
        oldest.is_some()
    }

    /// Forgets what is older; answers how many those were.
    fn forget_before(&mut self, old: Timestamp) -> usize {
        let mut n = 0;
        while self.by_age.first_key_value().is_some_and(|((at, _), _)| *at <= old) && self.forget_oldest() {
            n += 1;
        }
        n
    }
}

#[derive(Default)]
struct Keys {
    of: HashMap<String, Own>,
    n_kept: usize,
    n: u64,
}

impl Keys {
    /// From now on the answer is kept, and what is too much goes.
    fn keep(&mut self, who: &str, key: &str, now: Timestamp, bounds: Bounds) {
        self.n += 1;
        let Some(own) = self.of.get_mut(who) else { return };
        own.by_age.insert((now, self.n), key.to_owned());
        self.n_kept += 1;
        if own.by_age.len() > bounds.n_of_one && own.forget_oldest() {
            self.n_kept -= 1;
        }
        if self.n_kept > bounds.n_kept
            && let Some(most) = self.of.values_mut().max_by_key(|own| own.by_age.len())
            && most.forget_oldest()
        {
            self.n_kept -= 1;
            self.of.retain(|_, own| !own.used.is_empty());
        }
    }

    /// Forgets what came to nothing.
    fn forget(&mut self, who: &str, key: &str) {
        let Some(own) = self.of.get_mut(who) else { return };
        own.used.remove(key);
        if own.used.is_empty() {
            self.of.remove(who);
        }
    }
}

/// How much is kept.
#[derive(Debug, Clone, Copy)]
struct Bounds {
    n_kept: usize,
    n_of_one: usize,
    n_under_way: usize,
}

/// The keys that were used: cheap to clone, all clones are one.
#[derive(Clone)]
pub struct Idempotency {
    clock: SharedClock,
    bounds: Bounds,
    keys: Arc<Mutex<Keys>>,
}

impl fmt::Debug for Idempotency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Idempotency")
    }
}

/// The place of an act under way; dropped without an answer, the key is free again.
struct UnderWay {
    all: Idempotency,
    who: String,
    key: String,
    is_kept: bool,
}

impl UnderWay {
    fn keep(mut self) {
        self.is_kept = true;
        self.all.keys.lock().keep(&self.who, &self.key, self.all.clock.now(), self.all.bounds);
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        if !self.is_kept {
            self.all.keys.lock().forget(&self.who, &self.key);
        }
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

/// The refusal of a key that was used already.
pub(crate) fn used_for_something_else() -> Problem {
    Problem::invalid("this Idempotency-Key was used for something else").hint("a new request needs a new key")
}

impl Idempotency {
    /// None used yet.
    pub fn new(clock: SharedClock) -> Self {
        let bounds = Bounds { n_kept: N_KEPT_MAX, n_of_one: N_OF_ONE_MAX, n_under_way: N_UNDER_WAY_MAX };
        Self { clock, bounds, keys: Arc::default() }
    }

    /// Does it, or answers as it was answered before. `asked` is a hash of all that was asked. Under a key it is done to its end even where
    /// this is dropped; whoever comes with the same key meanwhile gets the same answer.
    ///
    /// # Errors
    /// The key was used for something else; too much is under way; or what `act` answers, which is not kept.
    pub(crate) async fn once(
        &self,
        username: &str,
        key: Option<String>,
        asked: [u8; 32],
        act: impl Future<Output = Result<Answer, Problem>> + Send + 'static,
    ) -> Result<Answer, Problem> {
        match key {
            Some(key) => self.outcome(username, key, asked, act)?.await,
            None => act.await,
        }
    }

    fn outcome(
        &self,
        username: &str,
        key: String,
        asked: [u8; 32],
        act: impl Future<Output = Result<Answer, Problem>> + Send + 'static,
    ) -> Result<Outcome, Problem> {
        let old = self.clock.now().checked_sub(KEPT).unwrap_or(Timestamp::MIN);
        let mut locked = self.keys.lock();
        let keys = &mut *locked;
        let own = keys.of.entry(username.to_owned()).or_default();
        keys.n_kept -= own.forget_before(old);
        if let Some(used) = own.used.get(&key) {
            if used.asked != asked {
                return Err(used_for_something_else());
            }
            return Ok(used.outcome.clone());
        }
        if own.used.len() - own.by_age.len() >= self.bounds.n_under_way {
            let detail = format!("{} requests of yours with an Idempotency-Key are under way", self.bounds.n_under_way);
            return Err(Problem::new(Type::TooManyRequests, detail).retry_after(1));
        }
        let (tell, told) = tokio::sync::oneshot::channel();
        let told = told.map(|told| told.unwrap_or_else(|err| Err(Problem::bug("do what was asked once", err))));
        let outcome = told.boxed().shared();
        own.used.insert(key.clone(), Used { asked, outcome: outcome.clone() });
        // What is not spawned is dropped, which takes the lock.
        drop(locked);
        let under_way = UnderWay { all: self.clone(), who: username.to_owned(), key, is_kept: false };
        tokio::spawn(async move {
            let answer = act.await;
            if answer.is_ok() {
                under_way.keep();
            }
            // Nobody may be left to hear it.
            let _ = tell.send(answer);
        });
        Ok(outcome)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};

    async fn ask(keys: &Idempotency, who: &str, key: &str, asked: u8, n: &Arc<AtomicU32>) -> Result<Answer, Problem> {
        let n = Arc::clone(n);
        let act = async move {
            n.fetch_add(1, Ordering::SeqCst);
            Ok(Answer { status: StatusCode::CREATED, body: Bytes::from(format!("{asked}")) })
        };
        keys.once(who, Some(key.to_owned()), [asked; 32], act).await
    }

    #[tokio::test]
    async fn the_same_key_is_done_once_and_another_question_under_it_is_refused() {
        let (keys, n) = (Idempotency::new(seaway_base::SystemClock::shared()), Arc::default());
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
        ask(&keys, "bob", "k", 1, &Arc::default()).await.unwrap();
        assert!(keys.keys.lock().n_kept == 1 && keys.keys.lock().of["bob"].used.len() == 1);
    }

    #[tokio::test]
    async fn what_a_client_left_in_mid_flight_is_done_once_and_answered_to_who_asks_again() {
        let keys = Idempotency::new(seaway_base::SystemClock::shared());
        let n: Arc<AtomicU32> = Arc::default();
        let (go, wait) = tokio::sync::oneshot::channel::<()>();
        let done = Arc::clone(&n);
        let act = async move {
            done.fetch_add(1, Ordering::SeqCst);
            wait.await.unwrap();
            Ok(Answer { status: StatusCode::CREATED, body: Bytes::from("1") })
        };
        let mut first = Box::pin(keys.once("bob", Some("k".to_owned()), [1; 32], act));
        assert!(futures::poll!(&mut first).is_pending());
        while n.load(Ordering::SeqCst) == 0 {
            tokio::task::yield_now().await;
        }
        drop(first);
        let mut again = Box::pin(ask(&keys, "bob", "k", 1, &n));
        assert!(futures::poll!(&mut again).is_pending());
        go.send(()).unwrap();
        assert_eq!(again.await.unwrap().body, "1");
        assert_eq!(ask(&keys, "bob", "k", 1, &n).await.unwrap().body, "1");
        assert_eq!(n.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn an_act_that_panics_frees_its_key() {
        let keys = Idempotency::new(seaway_base::SystemClock::shared());
        let act = async { panic!("a bug") };
        assert_eq!(keys.once("bob", Some("k".to_owned()), [1; 32], act).await.unwrap_err().kind(), Type::Bug);
        ask(&keys, "bob", "k", 1, &Arc::default()).await.unwrap();
    }

    #[tokio::test]
    async fn whoever_uses_many_keys_loses_their_own() {
        let (mut keys, n) = (Idempotency::new(seaway_base::SystemClock::shared()), Arc::default());
        keys.bounds = Bounds { n_kept: 6, n_of_one: 4, n_under_way: 1 };
        for key in ["b1", "b2"] {
            ask(&keys, "bob", key, 1, &n).await.unwrap();
        }
        for who in ["eve", "mallory"] {
            for at in 0..9 {
                ask(&keys, who, &format!("k{at}"), 1, &n).await.unwrap();
            }
            let fails = async { Err(Problem::not_found("stage")) };
            keys.once(who, Some("refused".to_owned()), [1; 32], fails).await.unwrap_err();
        }
        let kept = |who: &str| keys.keys.lock().of[who].used.len();
        assert_eq!((kept("bob"), kept("eve") + kept("mallory"), keys.keys.lock().n_kept), (2, 4, 6));
        let before = n.load(Ordering::SeqCst);
        ask(&keys, "bob", "b1", 1, &n).await.unwrap();
        assert_eq!(n.load(Ordering::SeqCst), before);
        // What is under way is bounded by itself.
        let mut stays = Box::pin(keys.once("eve", Some("stays".to_owned()), [1; 32], std::future::pending()));
        assert!(futures::poll!(&mut stays).is_pending());
        assert_eq!(ask(&keys, "eve", "more", 1, &n).await.unwrap_err().kind(), Type::TooManyRequests);
        ask(&keys, "bob", "b3", 1, &n).await.unwrap();
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
