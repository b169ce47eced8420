//! Bindings by subject and by where they hold, so that a decision looks at those of the one who asks alone.

use super::objects::{Binding, Subject};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// The bindings of one subject, by namespace (the cluster's under the empty one) and name.
type Bound = HashMap<String, BTreeMap<String, Arc<Binding>>>;

/// Bindings by subject.
#[derive(Debug, Clone, Default)]
pub(super) struct Index {
    users: HashMap<String, Bound>,
    groups: HashMap<String, Bound>,
}

impl Index {
    pub(super) fn insert(&mut self, binding: &Arc<Binding>) {
        for subject in &binding.subjects {
            let (side, name) = self.side(subject);
            let bound = side.entry(name.to_owned()).or_default();
            bound.entry(binding.namespace.clone()).or_default().insert(binding.name.clone(), binding.clone());
        }
    }

    pub(super) fn remove(&mut self, binding: &Binding) {
        for subject in &binding.subjects {
            let (side, name) = self.side(subject);
            let Some(bound) = side.get_mut(name) else { continue };
            if let Some(here) = bound.get_mut(&binding.namespace) {
                here.remove(&binding.name);
                if here.is_empty() {
                    bound.remove(&binding.namespace);
                }
            }
            if bound.is_empty() {
                side.remove(name);
            }
        }
    }

    /// The bindings of a user and their groups that hold in a namespace: the cluster's and its own.
    pub(super) fn of<'p, 'w>(
        &'p self,
        user: &'w str,
        groups: &'w [String],
        namespace: &'w str,
    ) -> impl Iterator<Item = &'p Arc<Binding>> + use<'p, 'w> {
        self.bound(user, groups).flat_map(move |bound| {
            let own = if namespace.is_empty() { None } else { bound.get(namespace) };
            bound.get("").into_iter().chain(own).flat_map(BTreeMap::values)
        })
    }

    /// The namespaces that any binding of a user and their groups holds in; the empty one if in all.
    pub(super) fn namespaces<'p, 'w>(
        &'p self,
        user: &'w str,
        groups: &'w [String],
    ) -> impl Iterator<Item = &'p String> + use<'p, 'w> {
        self.bound(user, groups).flat_map(HashMap::keys)
    }

    fn bound<'p, 'w>(&'p self, user: &'w str, groups: &'w [String]) -> impl Iterator<Item = &'p Bound> + use<'p, 'w> {
        let of_groups = groups.iter().filter_map(move |group| self.groups.get(group));
        self.users.get(user).into_iter().chain(of_groups)
    }

    fn side<'a>(&mut self, subject: &'a Subject) -> (&mut HashMap<String, Bound>, &'a str) {
        match subject {
            Subject::User(name) => (&mut self.users, name),
            Subject::Group(name) => (&mut self.groups, name),
        }
    }
}
