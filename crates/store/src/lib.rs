//! Objects, revisions and the watch log: what the embedded Kubernetes API stands on, as a trait and its SQLite engine.
//!
//! One writer thread commits batches in groups; reads are served from memory and never touch the disk. Nothing is visible or
//! acknowledged before it is durable, a revision is never given twice, and a second process on the same file is refused.

mod batch;
mod fault;
mod model;
mod object;
mod schema;
mod seal;
mod sqlite;
mod writer;

pub use batch::{Batch, Committed, Expect, Op, Outcome, Precondition, StoreError};
pub use fault::{Fault, FaultPlan};
pub use object::{Document, DocumentError, Event, EventKind, Key, Meta, Object};
pub use sqlite::{Options, SqliteStore, Stats};

use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use tokio::sync::watch;

/// A future that a trait object can return.
pub type Later<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Objects under keys, each with the revision of its last change, and the recent changes of each resource in order.
pub trait Store: Send + Sync + 'static {
    /// The revision of the newest published change.
    fn revision(&self) -> u64;

    /// The object under `key`.
    fn get(&self, key: &Key) -> Option<Arc<Object>>;

    /// The object that carries this uid, whatever its resource.
    fn by_uid(&self, uid: &str) -> Option<Arc<Object>>;

    /// The objects that name this uid among their owners.
    fn dependents(&self, uid: &str) -> Vec<Arc<Object>>;

    /// Who holds a unique key, see [`Op::Put`].
    fn holder(&self, unique: &str) -> Option<Key>;

    /// Objects of a resource by namespace and name: at most `limit` that come after `after`.
    fn list(&self, resource: &str, namespace: Option<&str>, after: Option<(&str, &str)>, limit: usize) -> Listed;

    /// The changes of a resource after revision `after`, oldest first, at most `limit`.
    ///
    /// # Errors
    /// [`Expired`] where the log no longer reaches back to `after`, or `after` was never given.
    fn events(&self, resource: &str, after: u64, limit: usize) -> Result<Pulled, Expired>;

    /// Rings, with the newest revision, after each change of the resource (`None`: of any resource).
    fn doorbell(&self, resource: Option<&str>) -> watch::Receiver<u64>;

    /// Carries out the batch entirely or not at all, and returns once it is durable and visible.
    ///
    /// A caller that stops waiting does not undo it: the batch is then either not begun or carried out whole.
    fn commit(&self, batch: Batch) -> Later<'_, Result<Committed, StoreError>>;

    /// Writes a consistent copy to `path` while serving; sealed objects stay sealed in it.
    fn backup_to<'a>(&'a self, path: &'a Path) -> Later<'a, Result<(), StoreError>>;

    /// What was committed since this store was opened.
    fn stats(&self) -> Stats;

    /// The rows that could not be read at opening: kept as they are, not served.
    fn parked(&self) -> Vec<(Key, String)>;
}

/// One page of a list.
#[derive(Debug, Clone)]
pub struct Listed {
    /// The objects, by namespace and name.
    pub objects: Vec<Arc<Object>>,
    /// The revision at which the page was read.
    pub revision: u64,
    /// How many more would have followed.
    pub n_remaining: usize,
}

/// Changes read from the log.
#[derive(Debug, Clone)]
pub struct Pulled {
    /// Oldest first.
    pub events: Vec<Arc<Event>>,
    /// Everything of this resource up to here has been read: the next cursor, fit for a bookmark.
    pub cursor: u64,
}

/// The log does not reach back that far: list again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("revision {after} is no longer in the log, which begins after {floor}: list again")]
pub struct Expired {
    /// The revision asked for.
    pub after: u64,
    /// The oldest revision that can be resumed from.
    pub floor: u64,
}
