//! The read model: every object in memory, indexes over them, and per resource a bounded ring of recent changes.

use crate::object::{Event, EventKind, Key, Object};
use crate::{Expired, Listed, Pulled};
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::ops::Bound;
use std::sync::Arc;
use tokio::sync::watch;

/// How much of each resource's history is kept.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RingLimits {
    pub(crate) n_events: usize,
    pub(crate) bytes: usize,
}

pub(crate) struct Model {
    tables: HashMap<Arc<str>, Table>,
    uids: HashMap<String, Key>,
    owned: HashMap<String, BTreeSet<Key>>,
    unique: HashMap<String, Key>,
    revision: u64,
    opened: u64,
    limits: RingLimits,
    any: watch::Sender<u64>,
}

struct Table {
    objects: BTreeMap<(Arc<str>, Arc<str>), Arc<Object>>,
    ring: VecDeque<Arc<Event>>,
    ring_bytes: usize,
    /// Every change after this revision is in the ring.
    floor: u64,
    bell: watch::Sender<u64>,
}

impl Model {
    pub(crate) fn new(revision: u64, limits: RingLimits) -> Self {
        Self {
            tables: HashMap::new(),
            uids: HashMap::new(),
            owned: HashMap::new(),
            unique: HashMap::new(),
            revision,
            opened: revision,
            limits,
            any: watch::Sender::new(revision),
        }
    }

    pub(crate) fn revision(&self) -> u64 {
        self.revision
    }

    pub(crate) fn get(&self, key: &Key) -> Option<&Arc<Object>> {
        self.tables.get(&key.resource)?.objects.get(&(key.namespace.clone(), key.name.clone()))
    }

    pub(crate) fn by_uid(&self, uid: &str) -> Option<&Arc<Object>> {
        self.get(self.uids.get(uid)?)
    }

    pub(crate) fn dependents(&self, uid: &str) -> Vec<Arc<Object>> {
        self.owned.get(uid).into_iter().flatten().filter_map(|key| self.get(key).cloned()).collect()
    }

    pub(crate) fn holder(&self, unique: &str) -> Option<&Key> {
        self.unique.get(unique)
    }

    pub(crate) fn list(&self, resource: &str, namespace: Option<&str>, after: Option<(&str, &str)>, limit: usize) -> Listed {
        let mut listed = Listed { objects: Vec::new(), revision: self.revision, n_remaining: 0 };
        let Some(table) = self.tables.get(resource) else { return listed };
        let start = match (after, namespace) {
            (Some((namespace, name)), _) => Bound::Excluded((Arc::from(namespace), Arc::from(name))),
            (None, Some(namespace)) => Bound::Included((Arc::from(namespace), Arc::from(""))),
            (None, None) => Bound::Unbounded,
        };
        let inside = |entry: &(&(Arc<str>, Arc<str>), &Arc<Object>)| namespace.is_none_or(|namespace| *entry.0.0 == *namespace);
        let mut rest = table.objects.range((start, Bound::Unbounded)).take_while(inside);
        listed.objects.extend(rest.by_ref().take(limit).map(|(_, object)| object.clone()));
        listed.n_remaining = rest.count();
        listed
    }

    pub(crate) fn events(&self, resource: &str, after: u64, limit: usize) -> Result<Pulled, Expired> {
        let floor = self.tables.get(resource).map_or(self.opened, |table| table.floor);
        if after < floor || after > self.revision {
            return Err(Expired { after, floor });
        }
        let Some(table) = self.tables.get(resource) else { return Ok(Pulled { events: Vec::new(), cursor: self.revision }) };
        let start = table.ring.partition_point(|event| event.object.revision <= after);
        let events: Vec<_> = table.ring.range(start..).take(limit).cloned().collect();
        let cut = table.ring.len() - start > events.len();
        let cursor = if cut { events.last().map_or(after, |event| event.object.revision) } else { self.revision };
        Ok(Pulled { events, cursor })
    }

    pub(crate) fn doorbell(&mut self, resource: Option<&str>) -> watch::Receiver<u64> {
        match resource {
            None => self.any.subscribe(),
            Some(resource) => self.table(&Arc::from(resource)).bell.subscribe(),
        }
    }

    /// Takes in an object at opening: no event.
    pub(crate) fn load(&mut self, object: Arc<Object>) {
        self.index(&object);
        let table = self.table(&object.key.resource.clone());
        table.objects.insert((object.key.namespace.clone(), object.key.name.clone()), object);
    }

    /// Makes a committed change visible; the bells are rung by [`Model::ring`] once all changes are in.
    pub(crate) fn publish(&mut self, event: Event) {
        if let Some(previous) = &event.previous {
            self.unindex(&previous.clone());
        }
        let object = event.object.clone();
        self.revision = object.revision;
        let limits = self.limits;
        if event.kind != EventKind::Deleted {
            self.index(&object);
        }
        let table = self.table(&object.key.resource.clone());
        let place = (object.key.namespace.clone(), object.key.name.clone());
        if event.kind == EventKind::Deleted {
            table.objects.remove(&place);
        } else {
            table.objects.insert(place, object);
        }
        table.ring_bytes += cost(&event);
        table.ring.push_back(Arc::new(event));
        while table.ring.len() > limits.n_events || table.ring_bytes > limits.bytes {
            let Some(dropped) = table.ring.pop_front() else { break };
            table.ring_bytes -= cost(&dropped);
            table.floor = dropped.object.revision;
        }
    }

    /// Wakes those who wait for changes of these resources.
    pub(crate) fn ring<'a>(&self, resources: impl IntoIterator<Item = &'a Arc<str>>) {
        for table in resources.into_iter().filter_map(|resource| self.tables.get(resource)) {
            table.bell.send_replace(self.revision);
        }
        self.any.send_replace(self.revision);
    }

    fn table(&mut self, resource: &Arc<str>) -> &mut Table {
        let opened = self.opened;
        self.tables.entry(resource.clone()).or_insert_with(|| Table {
            objects: BTreeMap::new(),
            ring: VecDeque::new(),
            ring_bytes: 0,
            floor: opened,
            bell: watch::Sender::new(opened),
        })
    }

    fn index(&mut self, object: &Object) {
        if !object.meta.uid.is_empty() {
            self.uids.insert(object.meta.uid.clone(), object.key.clone());
        }
        for owner in &object.meta.owner_references {
            self.owned.entry(owner.uid.clone()).or_default().insert(object.key.clone());
        }
        for unique in object.unique.iter() {
            self.unique.insert(unique.clone(), object.key.clone());
        }
    }

    fn unindex(&mut self, object: &Object) {
        if self.uids.get(&object.meta.uid) == Some(&object.key) {
            self.uids.remove(&object.meta.uid);
        }
        for owner in &object.meta.owner_references {
            if let Some(keys) = self.owned.get_mut(&owner.uid) {
                keys.remove(&object.key);
                if keys.is_empty() {
                    self.owned.remove(&owner.uid);
                }
            }
        }
        for unique in object.unique.iter() {
            if self.unique.get(unique) == Some(&object.key) {
                self.unique.remove(unique);
            }
        }
    }
}

/// What an event weighs in the ring: its own object and the one before, which mostly only the ring still holds.
fn cost(event: &Event) -> usize {
    256 + event.object.bytes.len() + event.previous.as_ref().map_or(0, |object| object.bytes.len())
}
