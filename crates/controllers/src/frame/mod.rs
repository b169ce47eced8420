//! The frame of every reconciler: caches with indexes, a queue of keys, workers; a reconciler is given a key and nothing else.

mod cache;
mod key;
mod queue;
mod stored;
mod worker;

pub use cache::{Cache, Change, Kind};
pub use key::Key;
pub use queue::Queue;
pub use worker::{Failure, Reconcile, Requeue, Workers, run};
