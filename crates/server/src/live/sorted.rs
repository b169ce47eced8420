//! Objects of one kind in the order of their names, in one slice that `core` can look at.

use kube::Resource;

/// Objects by name.
#[derive(Debug)]
pub(crate) struct Sorted<K>(Vec<K>);

impl<K> Default for Sorted<K> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

fn name<K: Resource>(object: &K) -> &str {
    object.meta().name.as_deref().unwrap_or_default()
}

impl<K: Resource> Sorted<K> {
    /// These, in whatever order they come.
    pub(super) fn new(mut items: Vec<K>) -> Self {
        items.sort_by(|a, b| name(a).cmp(name(b)));
        Self(items)
    }

    /// All of them.
    pub(crate) fn as_slice(&self) -> &[K] {
        &self.0
    }

    /// All names.
    pub(super) fn names(&self) -> Vec<String> {
        self.0.iter().map(|object| name(object).to_owned()).collect()
    }

    /// The one of that name.
    pub(crate) fn get(&self, wanted: &str) -> Option<&K> {
        self.0.binary_search_by(|object| name(object).cmp(wanted)).ok().and_then(|at| self.0.get(at))
    }

    /// The one of that name is this now, or is gone.
    pub(super) fn put(&mut self, wanted: &str, object: Option<K>) {
        match (self.0.binary_search_by(|object| name(object).cmp(wanted)), object) {
            (Ok(at), Some(object)) => self.0[at] = object,
            (Err(at), Some(object)) => self.0.insert(at, object),
            (Ok(at), None) => drop(self.0.remove(at)),
            (Err(_), None) => {}
        }
    }
}
