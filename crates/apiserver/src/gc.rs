//! What happens behind the requests: dependents follow their owners, namespaces are emptied, old Events go.
//!
//! It reads the store's log as a watcher does, and looks at everything once when it starts or has fallen off the log. Each step
//! is a commit that expects what was read; where that fails, the change in the way brings its own event and the step is taken again.
//! It asks no admission: what follows from a deletion that was admitted is not asked for a second time.

use crate::ApiServer;
use crate::events;
use crate::meta::{metadata, texts};
use crate::remove::{FOREGROUND, ORPHAN};
use crate::write::is_finished;
use seaway_store::{Batch, Document, Event, EventKind, Expect, Key, Object, Op, StoreError};
use serde_json::{Value, json};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval};

/// Events taken from the log at a time.
const N_PULLED_MAX: usize = 1024;
/// Objects deleted in one commit, at most.
const N_DELETED_MAX: usize = 500;

/// The background work of a server; it ends when this is dropped.
#[derive(Debug)]
pub struct Running(JoinHandle<()>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl ApiServer {
    /// Makes what is there from the start, if it is missing, and begins the background work.
    ///
    /// # Errors
    /// What the store said.
    pub async fn start(&self) -> Result<Running, StoreError> {
        self.install().await?;
        let collector = Collector { api: self.clone(), cursors: HashMap::new() };
        Ok(Running(tokio::spawn(collector.run())))
    }
}

struct Collector {
    api: ApiServer,
    cursors: HashMap<Arc<str>, u64>,
}

/// What became of a step.
type Step = Result<(), StoreError>;

impl Collector {
    async fn run(mut self) {
        let mut bell = self.api.store.doorbell(None);
        let mut ending = self.api.ending.subscribe();
        let mut sweep = interval(self.api.options.event_sweep);
        sweep.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            bell.borrow_and_update();
            if self.catch_up().await {
                continue;
            }
            tokio::select! {
                rang = bell.changed() => if rang.is_err() { return },
                () = ended(&mut ending) => return,
                _ = sweep.tick() => self.settle(self.expire_events().await, "expire events"),
            }
        }
    }

    /// Reads on in every log; answers whether there was anything.
    async fn catch_up(&mut self) -> bool {
        let kinds: Vec<_> = self.api.kinds.stored().cloned().collect();
        let (mut any, mut emptying) = (false, HashSet::new());
        for kind in kinds {
            let pulled =
                self.cursors.get(&kind.storage).map(|cursor| self.api.store.events(&kind.storage, *cursor, N_PULLED_MAX));
            match pulled {
                Some(Ok(pulled)) => {
                    self.cursors.insert(kind.storage.clone(), pulled.cursor);
                    any |= !pulled.events.is_empty();
                    for event in pulled.events {
                        self.on_event(&event).await;
                        emptying.extend(self.namespace_in_deletion(&event));
                    }
                }
                None | Some(Err(_)) => {
                    let listed = self.api.store.list(&kind.storage, None, None, usize::MAX);
                    self.cursors.insert(kind.storage.clone(), listed.revision);
                    for object in listed.objects {
                        let step = self.on_object(&object).await;
                        self.settle(step, "look at an object");
                    }
                    let namespaces = self.api.store.list("namespaces", None, None, usize::MAX).objects;
                    emptying.extend(namespaces.iter().filter(|it| is_marked(it)).map(|it| it.key.clone()));
                }
            }
        }
        for namespace in emptying {
            self.settle(self.empty_namespace(&namespace).await, "empty a namespace");
        }
        any
    }

    /// The namespace of what was deleted or written, if that is being emptied: what is written meanwhile was in its way, and it is tried
    /// again.
    fn namespace_in_deletion(&self, event: &Event) -> Option<Key> {
        if event.kind != EventKind::Deleted && is_marked(&event.object) {
            return None;
        }
        let key = Key::new("namespaces", "", &event.object.key.namespace);
        self.api.store.get(&key).is_some_and(|namespace| is_marked(&namespace)).then_some(key)
    }

    /// A step that met a changed world is taken again with that change's event; anything else is worth a line.
    fn settle(&self, step: Step, doing: &str) {
        match step {
            Ok(())
            | Err(StoreError::Conflict { .. } | StoreError::NotFound { .. } | StoreError::Changed { .. } | StoreError::Stopped) =>
                {}
            Err(err) => tracing::error!(error = %seaway_base::chain(&err), doing, "garbage collection"),
        }
    }

    /// Each step by itself: one that is crossed is not in the way of the others.
    async fn on_event(&self, event: &Event) {
        let store = &self.api.store;
        let object = &event.object;
        if event.kind == EventKind::Deleted {
            for dependent in store.dependents(&object.meta.uid) {
                self.settle(self.follow_owners(&dependent).await, "follow an owner that is gone");
            }
        } else if let Some(live) = store.get(&object.key) {
            self.settle(self.on_object(&live).await, "look at an object");
        }
        let before = event.previous.iter().flat_map(|object| &object.meta.owner_references);
        let owners: HashSet<&str> = before.chain(&object.meta.owner_references).map(|owner| owner.uid.as_str()).collect();
        for owner in owners {
            if let Some(owner) = store.by_uid(owner) {
                self.settle(self.release_owner(&owner).await, "release an owner");
            }
        }
    }

    async fn on_object(&self, object: &Arc<Object>) -> Step {
        self.release_owner(object).await?;
        if &*object.key.resource == "namespaces" && is_marked(object) {
            self.empty_namespace(&object.key).await?;
        }
        self.follow_owners(object).await
    }

    /// Deletes an object whose owners are all gone, and drops references to those that are.
    async fn follow_owners(&self, object: &Arc<Object>) -> Step {
        if object.meta.owner_references.is_empty() || is_marked(object) {
            return Ok(());
        }
        let (mut n_solid, mut n_waiting, mut gone) = (0, 0, Vec::new());
        for owner in &object.meta.owner_references {
            let found = self.api.store.by_uid(&owner.uid);
            // An owner is in the same namespace or in none; anything else counts as absent.
            match found.filter(|found| found.key.namespace.is_empty() || found.key.namespace == object.key.namespace) {
                None => gone.push(owner.uid.clone()),
                Some(found) if is_held_by(&found, FOREGROUND) => {
                    n_waiting += 1;
                    gone.push(owner.uid.clone());
                }
                Some(_) => n_solid += 1,
            }
        }
        if gone.is_empty() {
            return Ok(());
        }
        if n_solid > 0 {
            return self.drop_references(object, &gone).await;
        }
        let has_dependents = !self.api.store.dependents(&object.meta.uid).is_empty();
        let propagation = if n_waiting > 0 && has_dependents { "Foreground" } else { "" };
        let op = self.deletion(object, propagation);
        self.commit(op.into_iter().collect()).await
    }

    /// Does for an owner in deletion what its finalizer promises, and takes the finalizer off when that is done.
    async fn release_owner(&self, owner: &Arc<Object>) -> Step {
        let uid = &owner.meta.uid;
        if is_held_by(owner, ORPHAN) {
            for dependent in self.api.store.dependents(uid) {
                self.drop_references(&dependent, std::slice::from_ref(uid)).await?;
            }
            self.take_off(owner, ORPHAN).await
        } else if is_held_by(owner, FOREGROUND) {
            for dependent in self.api.store.dependents(uid) {
                Box::pin(self.follow_owners(&dependent)).await?;
            }
            let blocks = |object: &Arc<Object>| {
                object.meta.owner_references.iter().any(|owner| owner.uid == *uid && owner.block_owner_deletion == Some(true))
            };
            if self.api.store.dependents(uid).iter().any(blocks) { Ok(()) } else { self.take_off(owner, FOREGROUND).await }
        } else {
            Ok(())
        }
    }

    async fn drop_references(&self, object: &Arc<Object>, uids: &[String]) -> Step {
        let Ok(mut value) = object.value() else { return Ok(()) };
        let metadata = metadata(&mut value);
        if let Some(owners) = metadata.get_mut("ownerReferences").and_then(Value::as_array_mut) {
            owners.retain(|owner| !uids.iter().any(|uid| owner["uid"] == json!(uid)));
            if owners.is_empty() {
                metadata.shift_remove("ownerReferences");
            }
        }
        self.commit(put(object, &value).into_iter().collect()).await
    }

    async fn take_off(&self, object: &Arc<Object>, finalizer: &str) -> Step {
        let Ok(mut value) = object.value() else { return Ok(()) };
        let mut finalizers = texts(&value, "/metadata/finalizers");
        finalizers.retain(|name| name != finalizer);
        metadata(&mut value).insert("finalizers".into(), finalizers.into());
        self.commit(put(object, &value).into_iter().collect()).await
    }

    /// Deletes what is in a namespace that is being deleted; when nothing is left, lets the namespace go.
    async fn empty_namespace(&self, key: &Key) -> Step {
        let Some(namespace) = self.api.store.get(key).filter(|it| is_marked(it)) else { return Ok(()) };
        loop {
            let (ops, is_empty) = self.content(&key.name);
            if is_empty {
                break;
            }
            let is_all = ops.len() < N_DELETED_MAX;
            self.commit(ops).await?;
            if is_all {
                return Ok(());
            }
        }
        let Ok(mut value) = namespace.value() else { return Ok(()) };
        value["spec"] = json!({});
        self.commit(put(&namespace, &value).into_iter().collect()).await
    }

    /// Deletions of what is in a namespace, as many as go into a commit, and whether nothing at all is in it. What is marked already
    /// waits for its finalizers, and is not in the way of the others.
    fn content(&self, namespace: &str) -> (Vec<Op>, bool) {
        let (mut ops, mut is_empty) = (Vec::new(), true);
        for kind in self.api.kinds.stored().filter(|kind| kind.namespaced) {
            let listed = self.api.store.list(&kind.storage, Some(namespace), None, usize::MAX);
            is_empty &= listed.objects.is_empty();
            let unmarked = listed.objects.iter().filter(|object| !is_marked(object));
            let n_more = N_DELETED_MAX - ops.len();
            ops.extend(unmarked.filter_map(|object| self.deletion(object, "")).take(n_more));
        }
        (ops, is_empty)
    }

    async fn expire_events(&self) -> Step {
        let ttl = jiff::SignedDuration::try_from(self.api.options.event_ttl).unwrap_or(jiff::SignedDuration::from_hours(1));
        let Ok(oldest) = self.api.clock.now().checked_sub(ttl) else { return Ok(()) };
        let listed = self.api.store.list("events", None, None, usize::MAX);
        let old =
            |object: &&Arc<Object>| object.value().is_ok_and(|value| events::last_seen(&value).is_some_and(|seen| seen < oldest));
        let deleted: Vec<Op> = listed.objects.iter().filter(old).filter_map(|object| self.deletion(object, "")).collect();
        for ops in deleted.chunks(N_DELETED_MAX) {
            self.commit(ops.to_vec()).await?;
        }
        Ok(())
    }

    /// The operation that deletes an object, or marks it where finalizers have their part to do.
    fn deletion(&self, object: &Arc<Object>, propagation: &str) -> Option<Op> {
        put(object, &self.api.marked(&object.value().ok()?, propagation))
    }

    async fn commit(&self, ops: Vec<Op>) -> Step {
        if ops.is_empty() {
            return Ok(());
        }
        self.api.commit(Batch { reads: Vec::new(), ops }).await.map(drop)
    }
}

/// Is it being deleted?
fn is_marked(object: &Object) -> bool {
    object.meta.deletion_timestamp.is_some()
}

/// Is it being deleted and held by this finalizer?
fn is_held_by(object: &Object, finalizer: &str) -> bool {
    is_marked(object) && object.meta.finalizers.iter().any(|name| name == finalizer)
}

/// The change of an object to `value`: a deletion where nothing holds it any more.
fn put(object: &Object, value: &Value) -> Option<Op> {
    let (key, expect) = (object.key.clone(), Expect::Revision(object.revision));
    let document = Document::new(value).ok()?;
    Some(if is_finished(value) {
        Op::Delete { key, expect, last: Some(document) }
    } else {
        Op::Put { key, document, expect, unique: object.unique.to_vec() }
    })
}

/// Waits for the server's end.
pub(crate) async fn ended(ending: &mut watch::Receiver<bool>) {
    // An error means that the server is gone, which is the same.
    let _ = ending.wait_for(|ending| *ending).await;
}
