//! A store that remembers which objects each of its commits touched: what a promotion costs is counted here.

use parking_lot::Mutex;
use seaway_store::{
    Batch, Committed, Expired, Key, Later, Listed, Object, Outcome, Pulled, SqliteStore, Stats, Store, StoreError,
};
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use tokio::sync::watch;

/// One commit: the objects that changed in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// Their keys, in the order they were written.
    pub keys: Vec<Key>,
    /// Those of them that are gone by it.
    pub deleted: Vec<Key>,
}

impl Written {
    /// Did it change an object of this resource, such as `promotions.kargo.akuity.io`?
    pub fn touches(&self, resource: &str) -> bool {
        self.keys.iter().any(|key| &*key.resource == resource)
    }

    /// What it did, in resources: `delete promotions.kargo.akuity.io, write stages.kargo.akuity.io`.
    pub fn what(&self) -> String {
        let verb = |key: &Key| if self.deleted.contains(key) { "delete" } else { "write" };
        let did: BTreeSet<String> = self.keys.iter().map(|key| format!("{} {}", verb(key), key.resource)).collect();
        did.into_iter().collect::<Vec<_>>().join(", ")
    }
}

/// What was written, over all lives of a control plane.
pub(crate) type Ledger = Arc<Mutex<Vec<Written>>>;

/// The store, with a ledger.
pub(crate) struct Counted {
    pub(crate) store: SqliteStore,
    pub(crate) ledger: Ledger,
}

impl Store for Counted {
    fn revision(&self) -> u64 {
        self.store.revision()
    }
    fn get(&self, key: &Key) -> Option<Arc<Object>> {
        self.store.get(key)
    }
    fn by_uid(&self, uid: &str) -> Option<Arc<Object>> {
        self.store.by_uid(uid)
    }
    fn dependents(&self, uid: &str) -> Vec<Arc<Object>> {
        self.store.dependents(uid)
    }
    fn holder(&self, unique: &str) -> Option<Key> {
        self.store.holder(unique)
    }
    fn list(&self, resource: &str, namespace: Option<&str>, after: Option<(&str, &str)>, limit: usize) -> Listed {
        self.store.list(resource, namespace, after, limit)
    }
    fn events(&self, resource: &str, after: u64, limit: usize) -> Result<Pulled, Expired> {
        self.store.events(resource, after, limit)
    }
    fn doorbell(&self, resource: Option<&str>) -> watch::Receiver<u64> {
        self.store.doorbell(resource)
    }
    fn commit(&self, batch: Batch) -> Later<'_, Result<Committed, StoreError>> {
        Box::pin(async move {
            let committed = self.store.commit(batch).await?;
            let changed = committed.outcomes.iter().filter(|outcome| !matches!(outcome, Outcome::Unchanged(_)));
            let keys: Vec<Key> = changed.map(|outcome| outcome.object().key.clone()).collect();
            let gone = committed.outcomes.iter().filter(|outcome| matches!(outcome, Outcome::Deleted(_)));
            let deleted = gone.map(|outcome| outcome.object().key.clone()).collect();
            if !keys.is_empty() {
                self.ledger.lock().push(Written { keys, deleted });
            }
            Ok(committed)
        })
    }
    fn backup_to<'a>(&'a self, path: &'a Path) -> Later<'a, Result<(), StoreError>> {
        self.store.backup_to(path)
    }
    fn stats(&self) -> Stats {
        self.store.stats()
    }
    fn parked(&self) -> Vec<(Key, String)> {
        self.store.parked()
    }
}
