//! One cache a kind: a watch feeds it, indexes of ours answer it, listeners hear what changed.

use super::Key;
use super::stored::Stored;
use futures::StreamExt as _;
use kube::api::Api;
use kube::core::ObjectMeta;
use kube::runtime::watcher::{self, Event};
use kube::{Client, Resource};
use parking_lot::RwLock;
use serde::de::DeserializeOwned;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fmt::Debug;
use std::sync::Arc;
use tokio::sync::watch;

/// A kind that can be cached.
pub trait Kind: Resource<DynamicType = ()> + DeserializeOwned + Clone + Debug + Send + Sync + 'static {}
impl<K: Resource<DynamicType = ()> + DeserializeOwned + Clone + Debug + Send + Sync + 'static> Kind for K {}

/// What became of an object.
#[derive(Debug)]
pub struct Change<K> {
    /// Its key.
    pub key: Key,
    /// As it was; `None` if it is new.
    pub before: Option<Arc<K>>,
    /// As it is; `None` if it is gone.
    pub after: Option<Arc<K>>,
    /// It is part of the first list: nobody works yet, and every object wakes its own reconciler as it becomes known.
    pub first: bool,
}

type Listener<K> = Box<dyn Fn(&Change<K>) + Send + Sync>;
type Unparked = Box<dyn Fn(&Key) + Send + Sync>;
type Indexer<K> = Box<dyn Fn(&K) -> Vec<String> + Send + Sync>;

/// The objects of one kind, as last seen. Reading costs a lock and an `Arc`.
pub struct Cache<K> {
    state: RwLock<State<K>>,
    indexers: Vec<(&'static str, Indexer<K>)>,
    listeners: RwLock<Vec<Listener<K>>>,
    unparked: RwLock<Vec<Unparked>>,
    synced: watch::Sender<bool>,
}

struct State<K> {
    objects: BTreeMap<Key, Arc<K>>,
    /// Index name → value → keys.
    indexes: HashMap<&'static str, HashMap<String, BTreeSet<Key>>>,
    /// Objects that could not be read: why. They stop nothing but themselves.
    parked: BTreeMap<Key, String>,
}

impl<K: Kind> Default for Cache<K> {
    fn default() -> Self {
        let state = State { objects: BTreeMap::new(), indexes: HashMap::new(), parked: BTreeMap::new() };
        Self {
            state: RwLock::new(state),
            indexers: Vec::new(),
            listeners: RwLock::new(Vec::new()),
            unparked: RwLock::new(Vec::new()),
            synced: watch::channel(false).0,
        }
    }
}

impl<K: Kind> Cache<K> {
    /// With an index: the values under which an object is found.
    #[must_use]
    pub fn indexed(mut self, name: &'static str, by: impl Fn(&K) -> Vec<String> + Send + Sync + 'static) -> Self {
        self.indexers.push((name, Box::new(by)));
        self
    }

    /// Tells `listener` of every change from now on.
    pub fn listen(&self, listener: impl Fn(&Change<K>) + Send + Sync + 'static) {
        self.listeners.write().push(Box::new(listener));
    }

    /// Tells `listener` of every object that could not be read and is gone from now on.
    pub fn listen_unparked(&self, listener: impl Fn(&Key) + Send + Sync + 'static) {
        self.unparked.write().push(Box::new(listener));
    }

    fn gone(&self, key: Key) {
        if self.state.write().parked.remove(&key).is_some() {
            self.unparked.read().iter().for_each(|listener| listener(&key));
        }
        self.change(key, None);
    }

    /// The object of that key.
    pub fn get(&self, key: &Key) -> Option<Arc<K>> {
        self.state.read().objects.get(key).cloned()
    }

    /// All objects of a project, by name.
    pub fn in_project(&self, project: &str) -> Vec<Arc<K>> {
        let state = self.state.read();
        let from = Key::new(project, "");
        state
            .objects
            .range(from..)
            .take_while(|(key, _)| &*key.project == project)
            .map(|(_, object)| Arc::clone(object))
            .collect()
    }

    /// All objects.
    pub fn all(&self) -> Vec<Arc<K>> {
        self.state.read().objects.values().cloned().collect()
    }

    /// The objects that stand under `value` in an index, by name.
    pub fn find(&self, index: &'static str, value: &str) -> Vec<Arc<K>> {
        let state = self.state.read();
        let keys = state.indexes.get(index).and_then(|values| values.get(value));
        keys.into_iter().flatten().filter_map(|key| state.objects.get(key).cloned()).collect()
    }

    /// The same, keys only.
    pub fn find_keys(&self, index: &'static str, value: &str) -> Vec<Key> {
        self.state.read().indexes.get(index).and_then(|values| values.get(value)).into_iter().flatten().cloned().collect()
    }

    /// Objects that cannot be read, and why.
    pub fn parked(&self) -> Vec<(Key, String)> {
        self.state.read().parked.iter().map(|(key, why)| (key.clone(), why.clone())).collect()
    }

    /// How many objects there are.
    pub fn len(&self) -> usize {
        self.state.read().objects.len()
    }

    /// Is there none?
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Is the first list in?
    pub fn is_synced(&self) -> bool {
        *self.synced.borrow()
    }

    /// Waits until the first list is in.
    pub async fn synced(&self) {
        let mut synced = self.synced.subscribe();
        // The sender lives in this cache: it cannot be gone while we hold it.
        let _ = synced.wait_for(|synced| *synced).await;
    }

    /// Puts an object in as if the watch had brought it: what we wrote ourselves is seen at once.
    pub fn put(&self, mut object: K) {
        let key = key_of(object.meta());
        let version = |object: &K| object.meta().resource_version.as_deref().and_then(|version| version.parse::<u64>().ok());
        let seen = self.get(&key).and_then(|seen| version(&seen));
        if seen.is_none() || version(&object) > seen {
            object.meta_mut().managed_fields = None;
            self.change(key, Some(Arc::new(object)));
        }
    }

    fn apply(&self, object: Stored<K>) {
        let key = key_of(&object.meta);
        match object.read {
            Ok(object) => self.change(key, Some(Arc::new(object))),
            Err(why) => {
                tracing::error!(kind = %K::kind(&()), object = %key, error = why, "parked: the object cannot be read");
                self.state.write().parked.insert(key.clone(), why);
                self.change(key, None);
            }
        }
    }

    fn change(&self, key: Key, after: Option<Arc<K>>) {
        let before = {
            let mut state = self.state.write();
            let before = match &after {
                Some(object) => {
                    state.parked.remove(&key);
                    state.objects.insert(key.clone(), Arc::clone(object))
                }
                None => state.objects.remove(&key),
            };
            for (name, by) in &self.indexers {
                let (old, new) = (before.as_deref().map(by).unwrap_or_default(), after.as_deref().map(by).unwrap_or_default());
                if old == new {
                    continue;
                }
                let index = state.indexes.entry(name).or_default();
                for value in old {
                    if let Some(keys) = index.get_mut(&value) {
                        keys.remove(&key);
                        if keys.is_empty() {
                            index.remove(&value);
                        }
                    }
                }
                for value in new {
                    index.entry(value).or_default().insert(key.clone());
                }
            }
            before
        };
        if before.is_none() && after.is_none() {
            return;
        }
        let change = Change { key, before, after, first: !self.is_synced() };
        for listener in self.listeners.read().iter() {
            listener(&change);
        }
    }

    /// Feeds the cache from a watch until the task is dropped. Errors of the watch are logged and tried again with backoff.
    pub async fn feed(self: Arc<Self>, client: Client, selector: Option<&'static str>) {
        let api: Api<Stored<K>> = Api::all(client);
        let mut config = watcher::Config::default();
        if let Some(selector) = selector {
            config = config.labels(selector);
        }
        let mut stream = Box::pin(kube::runtime::WatchStreamExt::default_backoff(watcher::watcher(api, config)));
        let mut listed: HashSet<Key> = HashSet::new();
        while let Some(event) = stream.next().await {
            match event {
                Ok(Event::Init) => listed.clear(),
                Ok(Event::InitApply(object)) => {
                    listed.insert(key_of(&object.meta));
                    self.apply(object);
                }
                Ok(Event::InitDone) => {
                    let gone: Vec<Key> = {
                        let state = self.state.read();
                        let known = state.objects.keys().chain(state.parked.keys());
                        known.filter(|key| !listed.contains(*key)).cloned().collect()
                    };
                    gone.into_iter().for_each(|key| self.gone(key));
                    listed.clear();
                    self.synced.send_replace(true);
                }
                Ok(Event::Apply(object)) => self.apply(object),
                Ok(Event::Delete(object)) => self.gone(key_of(&object.meta)),
                Err(err) => tracing::warn!(kind = %K::kind(&()), error = %err, "watch"),
            }
        }
    }
}

fn key_of(meta: &ObjectMeta) -> Key {
    Key::new(meta.namespace.as_deref().unwrap_or_default(), meta.name.as_deref().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use seaway_api::kargo::Stage;
    use serde_json::json;

    #[test]
    fn what_could_not_be_read_and_is_gone_is_heard_once() {
        let cache = Cache::<Stage>::default();
        let heard = Arc::new(RwLock::new(Vec::new()));
        let hears = Arc::clone(&heard);
        cache.listen_unparked(move |key| hears.write().push(key.to_string()));
        let stored = |name: &str, requested: serde_json::Value| {
            let metadata = json!({ "namespace": "bank", "name": name });
            serde_json::from_value(json!({ "metadata": metadata, "spec": { "requestedFreight": requested } })).unwrap()
        };
        cache.apply(stored("qa", json!([])));
        cache.apply(stored("e2e", json!("everything")));
        assert_eq!((cache.len(), cache.parked().len()), (1, 1));
        for name in ["qa", "e2e", "e2e"] {
            cache.gone(Key::new("bank", name));
        }
        assert_eq!((cache.len(), cache.parked().len()), (0, 0));
        assert_eq!(*heard.read(), ["bank/e2e"]);
    }
}
