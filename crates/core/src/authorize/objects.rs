//! Roles and bindings as they are read from stored objects: tolerantly, and what cannot be read grants nothing.

use super::RBAC;
use super::ask::ServiceAccount;
use super::rule::Rule;
use seaway_api::kargo::{LabelSelectorRequirement, StageSelector};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;

/// Which kind of role a binding names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RoleKind {
    /// A role of the binding's own namespace.
    Role,
    /// A role of the cluster, which a namespaced binding grants in its namespace alone.
    ClusterRole,
}

impl RoleKind {
    /// The kind's name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Role => "Role",
            Self::ClusterRole => "ClusterRole",
        }
    }

    /// The plural, as rules name it.
    pub const fn resource(self) -> &'static str {
        match self {
            Self::Role => "roles",
            Self::ClusterRole => "clusterroles",
        }
    }
}

/// The role that a binding grants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleRef {
    /// Its kind.
    pub kind: RoleKind,
    /// Its name.
    pub name: String,
}

impl RoleRef {
    /// Reads a `roleRef`; a binding of the cluster can only name a ClusterRole.
    pub(super) fn read(value: &Value, namespace: &str) -> Option<Self> {
        let kind = match text(value, "kind") {
            "Role" if !namespace.is_empty() => RoleKind::Role,
            "ClusterRole" => RoleKind::ClusterRole,
            _ => return None,
        };
        let ours = matches!(text(value, "apiGroup"), "" | RBAC);
        let name = text(value, "name");
        (ours && !name.is_empty() && knows(value, &["apiGroup", "kind", "name"])).then(|| Self { kind, name: name.to_owned() })
    }
}

impl fmt::Display for RoleRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind.as_str(), self.name)
    }
}

/// Whom a binding grants a role to. A service account is the user of its username.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Subject {
    /// One user.
    User(String),
    /// Everybody in a group.
    Group(String),
}

impl Subject {
    /// Reads a subject; a service account without a namespace is one of the binding's.
    fn read(value: &Value, namespace: &str) -> Option<Self> {
        let (group, name) = (text(value, "apiGroup"), text(value, "name"));
        if name.is_empty() || !knows(value, &["apiGroup", "kind", "name", "namespace"]) {
            return None;
        }
        match text(value, "kind") {
            "User" if matches!(group, "" | RBAC) => Some(Self::User(name.to_owned())),
            "Group" if matches!(group, "" | RBAC) => Some(Self::Group(name.to_owned())),
            "ServiceAccount" if group.is_empty() => {
                let own = text(value, "namespace");
                let account = ServiceAccount::new(if own.is_empty() { namespace } else { own }, name)?;
                Some(Self::User(account.username()))
            }
            _ => None,
        }
    }
}

/// A binding, of a namespace or of the cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binding {
    /// Its namespace; a ClusterRoleBinding's is empty.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// The role it grants.
    pub role: RoleRef,
    /// To whom.
    pub subjects: Vec<Subject>,
}

impl Binding {
    /// Reads a RoleBinding, or a ClusterRoleBinding where there is no namespace. `None` if it cannot tell which role it grants.
    pub(super) fn read(object: &Value, namespace: &str, name: &str) -> Option<Self> {
        let role = RoleRef::read(object.get("roleRef")?, namespace)?;
        let subjects = object.get("subjects").and_then(Value::as_array).into_iter().flatten();
        let subjects = subjects.filter_map(|subject| Subject::read(subject, namespace)).collect();
        Some(Self { namespace: namespace.to_owned(), name: name.to_owned(), role, subjects })
    }
}

impl fmt::Display for Binding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.namespace.as_str() {
            "" => write!(f, "ClusterRoleBinding {}", self.name),
            namespace => write!(f, "RoleBinding {namespace}/{}", self.name),
        }
    }
}

/// The rules of a role, and how many more it has that cannot be read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Rules {
    pub(super) known: Vec<Rule>,
    pub(super) unreadable: usize,
}

impl Rules {
    /// Reads the `rules` of a role.
    pub(super) fn read(object: &Value) -> Self {
        let mut rules = Self::default();
        match object.get("rules") {
            None | Some(Value::Null) => {}
            Some(Value::Array(list)) => {
                for rule in list {
                    match Rule::read(rule) {
                        Some(rule) => rules.known.extend(rule.parted()),
                        None => rules.unreadable += 1,
                    }
                }
            }
            Some(_) => rules.unreadable = 1,
        }
        rules
    }
}

/// A ClusterRole: its rules are its own, or those of the roles it gathers.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct ClusterRole {
    pub(super) own: Rules,
    pub(super) labels: BTreeMap<String, String>,
    /// Selectors of the roles it gathers; a role that gathers has no rules of its own, whatever stands in it.
    pub(super) gathers: Option<Vec<StageSelector>>,
    /// What it grants in the end.
    pub(super) granted: Rules,
}

impl ClusterRole {
    pub(super) fn read(object: &Value) -> Self {
        let own = Rules::read(object);
        let labels = object.pointer("/metadata/labels").and_then(Value::as_object).into_iter().flatten();
        let labels = labels.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect();
        Self { granted: own.clone(), own, labels, gathers: gathers(object) }
    }
}

/// The selectors of an `aggregationRule`, if there is one; a selector that cannot be read selects nothing.
fn gathers(object: &Value) -> Option<Vec<StageSelector>> {
    let rule = object.get("aggregationRule").filter(|rule| !rule.is_null())?;
    let list = rule.get("clusterRoleSelectors").and_then(Value::as_array).into_iter().flatten();
    Some(list.filter_map(selector).collect())
}

fn selector(value: &Value) -> Option<StageSelector> {
    if !knows(value, &["matchLabels", "matchExpressions"]) {
        return None;
    }
    let labels = value.get("matchLabels").filter(|it| !it.is_null());
    let match_labels = labels.map_or_else(|| Some(BTreeMap::new()), |it| serde_json::from_value(it.clone()).ok())?;
    let expressions = value.get("matchExpressions").filter(|it| !it.is_null());
    let match_expressions: Vec<LabelSelectorRequirement> =
        expressions.map_or_else(|| Some(Vec::new()), |it| serde_json::from_value(it.clone()).ok())?;
    Some(StageSelector { name: String::new(), match_labels, match_expressions })
}

/// The text of a field, or an empty one.
pub(super) fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// Whether it is a map of no other fields than these, all texts or absent where a text is asked for.
fn knows(value: &Value, fields: &[&str]) -> bool {
    value.as_object().is_some_and(|map| map.keys().all(|key| fields.contains(&key.as_str())))
}
