//! A set of field paths, in the form `fieldsV1` has: `f:name`, `k:{"type":"Ready"}`, `v:"item"`, and `.` for the field itself.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// A set of paths as a tree.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Set(BTreeMap<String, Node>);

/// One step of a path: whether it is a member itself, and what is below.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Node {
    pub(super) member: bool,
    pub(super) below: Set,
}

impl Node {
    fn is_empty(&self) -> bool {
        !self.member && self.below.is_empty()
    }
}

impl Set {
    /// The empty set.
    pub(super) const fn new() -> Self {
        Self(BTreeMap::new())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.values().all(Node::is_empty)
    }

    pub(super) fn node(&mut self, element: String) -> &mut Node {
        self.0.entry(element).or_default()
    }

    /// The node of an element, when anything of it is in the set.
    pub(super) fn get(&self, element: &str) -> Option<&Node> {
        self.0.get(element).filter(|node| !node.is_empty())
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&String, &Node)> {
        self.0.iter()
    }

    pub(super) fn union(&mut self, other: &Self) {
        for (element, theirs) in &other.0 {
            let node = self.0.entry(element.clone()).or_default();
            node.member |= theirs.member;
            node.below.union(&theirs.below);
        }
        self.tidy();
    }

    pub(super) fn subtract(&mut self, other: &Self) {
        for (element, theirs) in &other.0 {
            if let Some(node) = self.0.get_mut(element) {
                node.member &= !theirs.member;
                node.below.subtract(&theirs.below);
            }
        }
        self.tidy();
    }

    pub(super) fn intersection(&self, other: &Self) -> Self {
        let mut both = Self::default();
        for (element, mine) in &self.0 {
            if let Some(theirs) = other.0.get(element) {
                both.0.insert(
                    element.clone(),
                    Node { member: mine.member && theirs.member, below: mine.below.intersection(&theirs.below) },
                );
            }
        }
        both.tidy();
        both
    }

    /// Drops empty nodes, so that equal sets are equal trees.
    pub(super) fn tidy(&mut self) {
        self.0.retain(|_, node| !node.is_empty());
    }

    /// Every member as people read it: `.spec.list[name="a"].value`.
    pub(super) fn paths(&self) -> Vec<String> {
        let mut paths = Vec::new();
        self.collect("", &mut paths);
        paths
    }

    fn collect(&self, prefix: &str, paths: &mut Vec<String>) {
        for (element, node) in &self.0 {
            let path = format!("{prefix}{}", readable(element));
            node.below.collect(&path, paths);
            if node.member {
                paths.push(path);
            }
        }
    }

    /// The `fieldsV1` form.
    pub(super) fn to_fields(&self) -> Value {
        let fields = self.0.iter().map(|(element, node)| {
            let mut inner = Map::new();
            if node.member && !node.below.is_empty() {
                inner.insert(".".to_owned(), Value::Object(Map::new()));
            }
            if let Value::Object(below) = node.below.to_fields() {
                inner.extend(below);
            }
            (element.clone(), Value::Object(inner))
        });
        Value::Object(fields.collect())
    }

    /// Reads the `fieldsV1` form; elements of an unheard-of sort are left out.
    pub(super) fn from_fields(fields: &Value) -> Self {
        let mut set = Self::default();
        for (element, inner) in fields.as_object().into_iter().flatten() {
            if !["f:", "k:", "v:", "i:"].iter().any(|sort| element.starts_with(sort)) {
                continue;
            }
            let member = inner.as_object().is_none_or(|inner| inner.is_empty() || inner.contains_key("."));
            set.0.insert(element.clone(), Node { member, below: Self::from_fields(inner) });
        }
        set
    }
}

fn readable(element: &str) -> String {
    match element.split_once(':') {
        Some(("f", name)) => format!(".{name}"),
        Some(("k", keys)) => match serde_json::from_str::<Map<String, Value>>(keys) {
            Ok(keys) => format!("[{}]", keys.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(",")),
            Err(_) => format!("[{keys}]"),
        },
        Some(("v", value)) => format!("[={value}]"),
        _ => format!("[{element}]"),
    }
}
