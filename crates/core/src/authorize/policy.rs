//! The policy: all roles and bindings, compiled so that a decision costs what the caller's own bindings cost.

use super::ask::{Attributes, ServiceAccount, Target, Who};
use super::claims::{Accounts, ClaimIndex, Claims};
use super::decision::{Allowed, By, Decision, Nearly, denial};
use super::index::Index;
use super::objects::{Binding, ClusterRole, RoleKind, RoleRef, Rules};
use super::rule::Rule;
use super::{GLOBAL_NAMESPACE, RBAC};
use crate::stage::selects;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// Namespace and name of a namespaced object; the namespace of the cluster's is empty.
type Place = (String, String);

/// Roles, bindings and the claims of service accounts, as of now.
///
/// Kept by [`Policy::apply`] and [`Policy::forget`] from the stored objects, in any order: a binding may come before its role.
#[derive(Debug, Clone)]
pub struct Policy {
    roles: HashMap<String, HashMap<String, Rules>>,
    cluster_roles: BTreeMap<String, ClusterRole>,
    bindings: HashMap<Place, Arc<Binding>>,
    index: Index,
    claims: ClaimIndex,
    /// Namespaces whose service accounts count everywhere, for those whose claims lead to them.
    global: BTreeSet<String>,
    revision: u64,
}

impl Default for Policy {
    fn default() -> Self {
        Self::new([GLOBAL_NAMESPACE.to_owned()])
    }
}

impl Policy {
    /// A policy that grants nothing. The service accounts of `global` namespaces count everywhere (Kargo's `globalServiceAccounts`);
    /// none of them may be a project, for a project's admin gives away what its accounts have.
    pub fn new(global: impl IntoIterator<Item = String>) -> Self {
        Self {
            roles: HashMap::new(),
            cluster_roles: BTreeMap::new(),
            bindings: HashMap::new(),
            index: Index::default(),
            claims: ClaimIndex::default(),
            global: global.into_iter().collect(),
            revision: 0,
        }
    }

    /// A policy of these objects; kinds it does not know are passed over.
    pub fn of<'a>(objects: impl IntoIterator<Item = &'a Value>) -> Self {
        let mut policy = Self::default();
        for object in objects {
            policy.apply(object);
        }
        policy
    }

    /// Counts the changes of rights: who holds a stream open asks again when it has moved.
    pub const fn revision(&self) -> u64 {
        self.revision
    }

    /// Takes in an object as it now is. Returns whether any right may have changed by it.
    pub fn apply(&mut self, object: &Value) -> bool {
        let metadata =
            |key: &str| object.pointer("/metadata").and_then(|it| it.get(key)).and_then(Value::as_str).unwrap_or_default();
        let (namespace, name) = (metadata("namespace"), metadata("name"));
        let (group, kind) = (super::objects::text(object, "apiVersion"), super::objects::text(object, "kind"));
        let ours = group.strip_prefix(RBAC).is_some_and(|version| version.starts_with('/'));
        let changed = match kind {
            "Role" if ours => self.set_role(namespace, name, Some(Rules::read(object))),
            "ClusterRole" if ours => self.set_cluster_role(name, Some(ClusterRole::read(object))),
            "RoleBinding" if ours && !namespace.is_empty() => {
                self.set_binding(namespace, name, Binding::read(object, namespace, name))
            }
            "ClusterRoleBinding" if ours => self.set_binding("", name, Binding::read(object, "", name)),
            "ServiceAccount" if group == "v1" => {
                ServiceAccount::new(namespace, name).is_some_and(|account| self.claims.set(account, &Claims::granted(object)))
            }
            _ => false,
        };
        self.count(changed)
    }

    /// Takes out an object that is gone. Returns whether any right may have changed by it.
    pub fn forget(&mut self, kind: &str, namespace: &str, name: &str) -> bool {
        let changed = match kind {
            "Role" => self.set_role(namespace, name, None),
            "ClusterRole" => self.set_cluster_role(name, None),
            "RoleBinding" if !namespace.is_empty() => self.set_binding(namespace, name, None),
            "ClusterRoleBinding" => self.set_binding("", name, None),
            "ServiceAccount" => {
                ServiceAccount::new(namespace, name).is_some_and(|account| self.claims.set(account, &Claims::default()))
            }
            _ => false,
        };
        self.count(changed)
    }

    /// Decides, and says why.
    pub fn decide(&self, asked: &Attributes<'_>) -> Decision {
        if let Some(denied) = asked.who.scope.and_then(|scope| scope.refuses(asked)) {
            return Decision::Denied(denied);
        }
        if asked.who.is_master() {
            return Decision::Allowed(Allowed { by: By::Masters, account: None });
        }
        let allowed = |binding: &Arc<Binding>, account| Decision::Allowed(Allowed { by: By::Binding(binding.clone()), account });
        if let Some(binding) = self.granting(asked.who.name, asked.who.groups, asked) {
            return allowed(binding, None);
        }
        for account in self.counting(&asked.who, &asked.target) {
            if let Some(binding) = self.granting(&account.username(), &account.groups(), asked) {
                return allowed(binding, Some(account.clone()));
            }
        }
        Decision::Denied(denial(asked, &self.nearly(asked)))
    }

    /// Whether it may be done, without a word.
    pub fn allows(&self, asked: &Attributes<'_>) -> bool {
        if asked.who.scope.is_some_and(|scope| scope.refuses(asked).is_some()) {
            return false;
        }
        asked.who.is_master()
            || self.granting(asked.who.name, asked.who.groups, asked).is_some()
            || self
                .counting(&asked.who, &asked.target)
                .any(|account| self.granting(&account.username(), &account.groups(), asked).is_some())
    }

    /// The service accounts that these claims of a person lead to (reference §10.2).
    pub fn accounts_of(&self, claims: &Claims) -> Accounts {
        self.claims.accounts_of(claims)
    }

    /// The rules somebody has in a namespace, or cluster-wide where it is empty; rules about paths hold through the cluster's bindings
    /// alone. Whoever is in `system:masters` has all of them.
    pub(super) fn rules_of(&self, who: &Who<'_>, namespace: &str) -> Vec<&Rule> {
        let mut rules = self.rules_of_user(who.name, who.groups, namespace);
        let target = Target::Resource(super::Resource { namespace, ..Default::default() });
        for account in self.counting(who, &target) {
            rules.extend(self.rules_of_user(&account.username(), &account.groups(), namespace));
        }
        rules
    }

    /// The cluster's rules that somebody has by their claims in a project, and there alone; none of those that count everywhere.
    pub(super) fn rules_by_claim(&self, who: &Who<'_>, project: &str) -> Vec<&Rule> {
        let accounts = who.accounts.filter(|_| !self.global.contains(project)).map(|accounts| accounts.within(project));
        let accounts = accounts.unwrap_or_default().iter();
        accounts.flat_map(|account| self.rules_of_user(&account.username(), &account.groups(), "")).collect()
    }

    fn rules_of_user(&self, name: &str, groups: &[String], namespace: &str) -> Vec<&Rule> {
        let mut all = Vec::new();
        for binding in self.index.of(name, groups, namespace) {
            let everywhere = binding.namespace.is_empty();
            let rules = self.rules_by(&binding.role, &binding.namespace).map(|rules| rules.known.as_slice()).unwrap_or_default();
            all.extend(rules.iter().filter(|rule| everywhere || rule.non_resource_urls.is_empty()));
        }
        all
    }

    /// The rules a role grants; `None` if it is not there. `namespace` is the binding's.
    pub(super) fn rules_by(&self, role: &RoleRef, namespace: &str) -> Option<&Rules> {
        match role.kind {
            RoleKind::Role => self.roles.get(namespace)?.get(&role.name),
            RoleKind::ClusterRole => self.cluster_roles.get(&role.name).map(|role| &role.granted),
        }
    }

    /// The namespaces in which an account has rights; the empty one if everywhere.
    pub(super) fn namespaces_of(&self, account: &ServiceAccount) -> BTreeSet<String> {
        let mut all: BTreeSet<String> = self.index.namespaces(&account.username(), &account.groups()).cloned().collect();
        if !self.global.contains(&account.namespace) {
            all.retain(|namespace| namespace.is_empty() || *namespace == account.namespace);
        }
        all
    }

    /// What stands in the way of a complete answer for somebody: roles that are not there or cannot be read.
    pub(super) fn troubles(&self, who: &Who<'_>, namespace: &str) -> Nearly {
        let mut nearly = Nearly::default();
        let mut look = |name: &str, groups: &[String]| {
            for binding in self.index.of(name, groups, namespace) {
                match self.rules_by(&binding.role, &binding.namespace) {
                    None => nearly.dangling.extend([format!("{binding} grants {}", binding.role)]),
                    Some(rules) if rules.unreadable > 0 => nearly.unreadable.extend([binding.role.to_string()]),
                    Some(_) => {}
                }
            }
        };
        look(who.name, who.groups);
        let target = Target::Resource(super::Resource { namespace, ..Default::default() });
        for account in self.counting(who, &target) {
            look(&account.username(), &account.groups());
        }
        nearly
    }

    fn nearly(&self, asked: &Attributes<'_>) -> Nearly {
        let Target::Resource(resource) = asked.target else { return self.troubles(&asked.who, "") };
        let mut nearly = self.troubles(&asked.who, resource.namespace);
        let named = self.rules_of(&asked.who, resource.namespace).into_iter();
        let names = named.filter(|rule| rule.allows_but_for_name(asked.verb, &resource)).flat_map(|rule| &rule.resource_names);
        nearly.names = names.cloned().collect();
        nearly
    }

    /// The bindings that a question of this user in this namespace looks at.
    #[cfg(test)]
    pub(super) fn bindings_of<'a>(
        &'a self,
        name: &'a str,
        groups: &'a [String],
        namespace: &'a str,
    ) -> impl Iterator<Item = &'a Binding> {
        self.index.of(name, groups, namespace).map(|binding| &**binding)
    }

    /// The first binding of a user or their groups that lets it through.
    fn granting<'a>(&'a self, name: &str, groups: &[String], asked: &Attributes<'_>) -> Option<&'a Arc<Binding>> {
        let namespace = match asked.target {
            Target::Resource(resource) => resource.namespace,
            Target::Path(_) => "",
        };
        self.index.of(name, groups, namespace).find_map(|binding| {
            let rules = self.rules_by(&binding.role, &binding.namespace)?;
            rules.known.iter().any(|rule| rule.allows(asked.verb, &asked.target)).then_some(binding)
        })
    }

    /// The mapped accounts whose rights count there: those of the namespace and the global ones; of a Project, those of its namespace.
    fn counting<'w>(&'w self, who: &Who<'w>, target: &Target<'w>) -> impl Iterator<Item = &'w ServiceAccount> + use<'w> {
        let namespace = match *target {
            Target::Resource(resource) if resource.namespace.is_empty() && resource.group == seaway_api::kargo::GROUP => {
                if resource.resource == "projects" {
                    resource.name
                } else {
                    ""
                }
            }
            Target::Resource(resource) => resource.namespace,
            Target::Path(_) => "",
        };
        let here = Some(namespace).filter(|it| !it.is_empty() && !self.global.contains(*it));
        let accounts = who.accounts;
        let places = here.into_iter().chain(self.global.iter().map(String::as_str));
        places.flat_map(move |place| accounts.map(|accounts| accounts.within(place)).unwrap_or_default())
    }

    fn set_role(&mut self, namespace: &str, name: &str, rules: Option<Rules>) -> bool {
        if namespace.is_empty() {
            return false;
        }
        let roles = self.roles.entry(namespace.to_owned()).or_default();
        let changed = roles.get(name) != rules.as_ref();
        match rules {
            Some(rules) => drop(roles.insert(name.to_owned(), rules)),
            None => drop(roles.remove(name)),
        }
        if roles.is_empty() {
            self.roles.remove(namespace);
        }
        changed
    }

    fn set_cluster_role(&mut self, name: &str, role: Option<ClusterRole>) -> bool {
        let same = match (self.cluster_roles.get(name), &role) {
            (Some(old), Some(new)) => (&old.own, &old.labels, &old.gathers) == (&new.own, &new.labels, &new.gathers),
            (old, new) => old.is_none() && new.is_none(),
        };
        if same {
            return false;
        }
        match role {
            Some(role) => drop(self.cluster_roles.insert(name.to_owned(), role)),
            None => drop(self.cluster_roles.remove(name)),
        }
        self.gather();
        true
    }

    fn set_binding(&mut self, namespace: &str, name: &str, binding: Option<Binding>) -> bool {
        let key = (namespace.to_owned(), name.to_owned());
        if self.bindings.get(&key).map(|old| &**old) == binding.as_ref() {
            return false;
        }
        if let Some(old) = self.bindings.remove(&key) {
            self.index.remove(&old);
        }
        if let Some(binding) = binding.map(Arc::new) {
            self.index.insert(&binding);
            self.bindings.insert(key, binding);
        }
        true
    }

    /// Fills the roles that gather others: with the rules of every role their selectors take, and of those that these take.
    fn gather(&mut self) {
        let gathering = self.cluster_roles.iter().filter(|(_, role)| role.gathers.is_some());
        let filled: Vec<(String, Rules)> = gathering.map(|(name, _)| (name.clone(), self.gathered(name))).collect();
        for (name, rules) in filled {
            if let Some(role) = self.cluster_roles.get_mut(&name) {
                role.granted = rules;
            }
        }
    }

    fn gathered(&self, name: &str) -> Rules {
        let (mut seen, mut open) = (BTreeSet::from([name]), vec![name]);
        let (mut rules, mut unreadable) = (BTreeSet::new(), 0);
        while let Some(next) = open.pop() {
            let Some(role) = self.cluster_roles.get(next) else { continue };
            let Some(selectors) = &role.gathers else {
                rules.extend(role.own.known.iter().cloned());
                unreadable += role.own.unreadable;
                continue;
            };
            for (other, taken) in &self.cluster_roles {
                // A selector with an operator that cannot be read takes nothing.
                let takes = selectors.iter().any(|selector| selects(selector, "", &taken.labels).unwrap_or(false));
                if takes && seen.insert(other) {
                    open.push(other);
                }
            }
        }
        Rules { known: rules.into_iter().collect(), unreadable }
    }

    fn count(&mut self, changed: bool) -> bool {
        self.revision += u64::from(changed);
        changed
    }
}
