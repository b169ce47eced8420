//! One queue per (exact URL, branch, credential): pushes of this process to one branch go one at a time, first come first served.

use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::{Arc, Weak};
use tokio::sync::OwnedMutexGuard;

/// What one queue is for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct QueueKey {
    /// The exact URL.
    pub url: String,
    /// The full ref name.
    pub refname: String,
    /// The key of the credential; empty for none.
    pub credential: String,
}

/// The queues of a process. Correctness never rests on them: compare-and-swap protects a branch.
#[derive(Debug, Default)]
pub struct BranchQueues(Mutex<HashMap<QueueKey, Weak<tokio::sync::Mutex<()>>>>);

impl BranchQueues {
    /// Waits for one's turn; dropping the guard lets the next one go.
    pub async fn turn(&self, key: QueueKey) -> OwnedMutexGuard<()> {
        let queue = {
            let mut queues = self.0.lock();
            queues.retain(|_, queue| queue.strong_count() > 0);
            match queues.get(&key).and_then(Weak::upgrade) {
                Some(queue) => queue,
                None => {
                    let queue = Arc::new(tokio::sync::Mutex::new(()));
                    queues.insert(key, Arc::downgrade(&queue));
                    queue
                }
            }
        };
        queue.lock_owned().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt as _;

    #[tokio::test]
    async fn one_at_a_time_per_branch() {
        let queues = BranchQueues::default();
        let key = |branch: &str| QueueKey { url: "u".into(), refname: branch.into(), credential: String::new() };
        let first = queues.turn(key("a")).await;
        let mut second = Box::pin(queues.turn(key("a")));
        assert!(second.as_mut().now_or_never().is_none());
        assert!(queues.turn(key("b")).now_or_never().is_some());
        drop(first);
        second.await;
    }
}
