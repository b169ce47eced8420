//! A collector whose commit is crossed: somebody writes an object between its look and its deletion.

use crate::support::{Crate, Harbour, Setup, crate_of};
use k8s_openapi::api::core::v1::Namespace;
use kube::ResourceExt as _;
use kube::api::{Api, DeleteParams, PostParams};
use kube::runtime::wait::{await_condition, conditions::is_deleted};
use seaway_store::{
    Batch, Committed, Document, Expect, Expired, Key, Later, Listed, Object, Op, Pulled, Stats, Store, StoreError,
};
use serde_json::json;
use std::collections::HashSet;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::timeout;

const SOON: Duration = Duration::from_secs(10);

/// A store in which each crate that the collector deletes has just been written, the first time it tries.
struct Crossed {
    inner: Arc<dyn Store>,
    done: Mutex<HashSet<Key>>,
}

impl Crossed {
    /// The crates of a batch as somebody writes them right before it.
    fn writes(&self, batch: &Batch) -> Vec<Op> {
        let write = |op: &Op| {
            // Only the collector says what is told last.
            let Op::Delete { key, last: Some(_), .. } = op else { return None };
            let live = self.inner.get(key).filter(|_| &*key.resource == "crates.test.seaway.dev")?;
            if !self.done.lock().unwrap().insert(key.clone()) {
                return None;
            }
            let mut value = live.value().unwrap();
            value["status"] = json!({"phase": "seen"});
            let document = Document::new(&value).unwrap();
            Some(Op::Put { key: key.clone(), document, expect: Expect::Any, unique: live.unique.to_vec() })
        };
        batch.ops.iter().filter_map(write).collect()
    }
}

impl Store for Crossed {
    fn revision(&self) -> u64 {
        self.inner.revision()
    }

    fn get(&self, key: &Key) -> Option<Arc<Object>> {
        self.inner.get(key)
    }

    fn by_uid(&self, uid: &str) -> Option<Arc<Object>> {
        self.inner.by_uid(uid)
    }

    fn dependents(&self, uid: &str) -> Vec<Arc<Object>> {
        self.inner.dependents(uid)
    }

    fn holder(&self, unique: &str) -> Option<Key> {
        self.inner.holder(unique)
    }

    fn list(&self, resource: &str, namespace: Option<&str>, after: Option<(&str, &str)>, limit: usize) -> Listed {
        self.inner.list(resource, namespace, after, limit)
    }

    fn events(&self, resource: &str, after: u64, limit: usize) -> Result<Pulled, Expired> {
        self.inner.events(resource, after, limit)
    }

    fn doorbell(&self, resource: Option<&str>) -> watch::Receiver<u64> {
        self.inner.doorbell(resource)
    }

    fn commit(&self, batch: Batch) -> Later<'_, Result<Committed, StoreError>> {
        let ops = self.writes(&batch);
        Box::pin(async move {
            if !ops.is_empty() {
                self.inner.commit(Batch { reads: Vec::new(), ops }).await?;
            }
            self.inner.commit(batch).await
        })
    }

    fn backup_to<'a>(&'a self, path: &'a Path) -> Later<'a, Result<(), StoreError>> {
        self.inner.backup_to(path)
    }

    fn stats(&self) -> Stats {
        self.inner.stats()
    }

    fn parked(&self) -> Vec<(Key, String)> {
        self.inner.parked()
    }
}

async fn open() -> Harbour {
    Setup { between: |inner| Arc::new(Crossed { inner, done: Mutex::default() }), ..Setup::default() }.open().await
}

#[tokio::test]
async fn a_namespace_goes_though_its_content_is_written_meanwhile() {
    let harbour = open().await;
    let namespaces: Api<Namespace> = Api::all(harbour.client.clone());
    let namespace: Namespace = serde_json::from_value(json!({"metadata": {"name": "bank"}})).unwrap();
    let namespace = namespaces.create(&PostParams::default(), &namespace).await.unwrap();
    let api: Api<Crate> = Api::namespaced(harbour.client.clone(), "bank");
    for name in ["a", "b", "c"] {
        api.create(&PostParams::default(), &crate_of(name, 1)).await.unwrap();
    }
    namespaces.delete("bank", &DeleteParams::default()).await.unwrap();
    timeout(SOON, await_condition(namespaces, "bank", is_deleted(&namespace.uid().unwrap()))).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_dependent_goes_though_it_is_written_meanwhile() {
    let harbour = open().await;
    let api: Api<Crate> = Api::default_namespaced(harbour.client.clone());
    let owner = api.create(&PostParams::default(), &crate_of("owner", 1)).await.unwrap();
    let mut dependent = crate_of("dependent", 1);
    dependent.metadata.owner_references = Some(vec![
        serde_json::from_value(
            json!({"apiVersion": "test.seaway.dev/v1", "kind": "Crate", "name": "owner", "uid": owner.uid().unwrap()}),
        )
        .unwrap(),
    ]);
    let dependent = api.create(&PostParams::default(), &dependent).await.unwrap();
    api.delete("owner", &DeleteParams::default()).await.unwrap();
    timeout(SOON, await_condition(api, "dependent", is_deleted(&dependent.uid().unwrap()))).await.unwrap().unwrap();
}
