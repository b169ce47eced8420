//! Which servers a piece of work waits for: said by whoever sends a request, seen by whoever asked for the work.
//!
//! It goes along with the task: what is spawned elsewhere is not seen.

use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

tokio::task_local! {
    static HERE: Awaited;
    static PUSHING: ();
}

/// A server that was asked and is not done answering.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// Its host, with a port that is not the usual one.
    pub name: String,
    /// When it was asked.
    pub since: Instant,
    /// How long it is waited for, from then on.
    pub at_most: Duration,
    /// Whether it has begun to answer.
    pub answers: bool,
    /// Whether it was sent a push, which may land even where no answer comes.
    pub pushed: bool,
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let how = if self.answers { "is still answering" } else { "has not answered" };
        let seconds = self.at_most.as_secs();
        let (n, unit) = if seconds < 120 { (seconds, 's') } else { (seconds / 60, 'm') };
        let then = if self.pushed { ", then it is asked whether the push landed" } else { "" };
        write!(f, "{} {how} ({n}{unit} at most{then})", self.name)
    }
}

/// The servers that one piece of work waits for; clones are one.
#[derive(Debug, Clone, Default)]
pub struct Awaited(Arc<Mutex<Asked>>);

#[derive(Debug, Default)]
struct Asked {
    last: u64,
    servers: BTreeMap<u64, Server>,
}

impl Awaited {
    /// Does the work and sees whom it waits for.
    pub async fn over<T>(&self, work: impl Future<Output = T>) -> T {
        HERE.scope(self.clone(), work).await
    }

    /// The server that was asked first of those that have kept the work waiting for so long.
    pub fn longest(&self, least: Duration) -> Option<Server> {
        let asked = self.0.lock();
        let first = asked.servers.values().min_by_key(|server| server.since);
        first.filter(|server| server.since.elapsed() >= least).cloned()
    }
}

/// A request under way; dropped, nobody is waited for any more.
#[derive(Debug)]
#[must_use = "dropped, nobody is waited for"]
pub struct Waiting(Option<(Awaited, u64)>);

/// Does work that sends a push: who is waited for meanwhile was sent it.
pub async fn pushing<T>(work: impl Future<Output = T>) -> T {
    PUSHING.scope((), work).await
}

/// Says that this task waits for a server from now on.
pub fn waits_for(name: &str, at_most: Duration) -> Waiting {
    let Ok(awaited) = HERE.try_with(Awaited::clone) else { return Waiting(None) };
    let pushed = PUSHING.try_with(|()| ()).is_ok();
    let mut asked = awaited.0.lock();
    asked.last += 1;
    let id = asked.last;
    let server = Server { name: name.to_owned(), since: Instant::now(), at_most, answers: false, pushed };
    asked.servers.insert(id, server);
    drop(asked);
    Waiting(Some((awaited, id)))
}

impl Waiting {
    /// The answer has begun, and may take so long from the question on.
    pub fn answers(&self, at_most: Duration) {
        let Some((awaited, id)) = &self.0 else { return };
        if let Some(server) = awaited.0.lock().servers.get_mut(id) {
            server.answers = true;
            server.at_most = at_most;
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if let Some((awaited, id)) = &self.0 {
            awaited.0.lock().servers.remove(id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    #[tokio::test(start_paused = true)]
    async fn the_one_that_was_asked_first_is_named_until_it_is_done() {
        let awaited = Awaited::default();
        let seen = || awaited.longest(Duration::from_secs(5)).map(|server| server.to_string());
        let work = awaited.over(async {
            let first = waits_for("git.example", MINUTE);
            let second = waits_for("registry.example:5000", MINUTE);
            tokio::time::sleep(Duration::from_secs(4)).await;
            assert_eq!(seen(), None);
            tokio::time::sleep(Duration::from_secs(1)).await;
            assert_eq!(seen().as_deref(), Some("git.example has not answered (60s at most)"));
            first.answers(10 * MINUTE);
            assert_eq!(seen().as_deref(), Some("git.example is still answering (10m at most)"));
            drop(first);
            assert_eq!(seen().as_deref(), Some("registry.example:5000 has not answered (60s at most)"));
            drop(second);
            let push = pushing(async { waits_for("git.example", MINUTE) }).await;
            tokio::time::sleep(Duration::from_secs(5)).await;
            assert_eq!(
                seen().as_deref(),
                Some("git.example has not answered (60s at most, then it is asked whether the push landed)")
            );
            drop(push);
        });
        work.await;
        assert_eq!(seen(), None);
    }

    #[tokio::test]
    async fn where_nobody_looks_nothing_is_kept() {
        let waiting = waits_for("git.example", MINUTE);
        waiting.answers(MINUTE);
        assert!(waiting.0.is_none());
    }
}
