//! Walks over values with their schema: which fields there are, what differs, merging, and dropping.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use serde_json::{Map, Value, json};

use super::set::{Node, Set};

/// The lists of every object's metadata that merge by key or as a set.
static METADATA: LazyLock<Value> = LazyLock::new(|| {
    let text = json!({"type": "string"});
    let texts = json!({"type": "object", "additionalProperties": {"type": "string"}});
    json!({"properties": {
        "annotations": texts, "labels": texts, "generateName": text,
        "finalizers": {"type": "array", "x-kubernetes-list-type": "set", "items": text},
        "ownerReferences": {"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["uid"], "items": {"type": "object", "x-kubernetes-map-type": "atomic"}}
    }})
});

/// A place in a schema.
#[derive(Debug, Clone, Copy)]
pub(super) struct Schema<'a> {
    rules: &'a Value,
    is_root: bool,
}

enum Shape<'a> {
    Leaf,
    Map,
    Set,
    Keyed(Vec<&'a str>),
}

impl<'a> Schema<'a> {
    pub(super) fn root(rules: &'a Value) -> Self {
        Self { rules, is_root: true }
    }

    fn inner(rules: &'a Value) -> Self {
        Self { rules, is_root: false }
    }

    fn declares(&self, name: &str) -> bool {
        (self.is_root && name == "metadata") || self.rules.get("properties").is_some_and(|known| known.get(name).is_some())
    }

    fn field(&self, name: &str) -> Schema<'a> {
        if self.is_root && name == "metadata" {
            return Schema::inner(&METADATA);
        }
        let declared = self.rules.get("properties").and_then(|known| known.get(name));
        Schema::inner(declared.or_else(|| self.rules.get("additionalProperties")).unwrap_or(&Value::Null))
    }

    fn items(&self) -> Schema<'a> {
        Schema::inner(self.rules.get("items").unwrap_or(&Value::Null))
    }

    fn shape(&self, value: &Value) -> Shape<'a> {
        let hint = |name: &str| self.rules.get(name).and_then(Value::as_str);
        match value {
            Value::Object(_) if hint("x-kubernetes-map-type") != Some("atomic") => Shape::Map,
            Value::Array(_) => match hint("x-kubernetes-list-type") {
                Some("set") => Shape::Set,
                Some("map") => {
                    let keys = self.rules.get("x-kubernetes-list-map-keys").and_then(Value::as_array);
                    let mut keys: Vec<&str> = keys.into_iter().flatten().filter_map(Value::as_str).collect();
                    keys.sort_unstable();
                    Shape::Keyed(keys)
                }
                _ => Shape::Leaf,
            },
            _ => Shape::Leaf,
        }
    }

    /// The path element of a list item.
    fn element(&self, shape: &Shape<'_>, item: &Value) -> String {
        match shape {
            Shape::Keyed(keys) => {
                let value = |key: &str| item.get(key).or_else(|| self.items().field(key).rules.get("default")).cloned();
                let identity: Map<String, Value> = keys.iter().filter_map(|key| Some(((*key).to_owned(), value(key)?))).collect();
                format!("k:{}", Value::Object(identity))
            }
            _ => format!("v:{item}"),
        }
    }
}

/// The fields that an apply of this value owns.
pub(super) fn fields_of(schema: Schema<'_>, value: &Value) -> Set {
    let mut set = Set::default();
    collect(schema, value, false, &mut set);
    set
}

/// `whole`: containers are members as well, which is how fields that are new as a whole are counted.
fn collect(schema: Schema<'_>, value: &Value, whole: bool, into: &mut Set) {
    let shape = schema.shape(value);
    match (&shape, value) {
        (Shape::Map, Value::Object(fields)) => {
            for (name, value) in fields {
                let inner = schema.field(name);
                let node = into.node(format!("f:{name}"));
                let is_empty = value.as_object().is_some_and(Map::is_empty);
                let is_metadata = schema.is_root && name == "metadata";
                node.member =
                    matches!(inner.shape(value), Shape::Leaf) || is_empty || !schema.declares(name) || (whole && !is_metadata);
                collect(inner, value, whole, &mut node.below);
            }
        }
        (Shape::Set | Shape::Keyed(_), Value::Array(items)) => {
            for item in items {
                let node = into.node(schema.element(&shape, item));
                node.member = true;
                collect(schema.items(), item, whole, &mut node.below);
            }
        }
        _ => {}
    }
    into.tidy();
}

/// What happened between two states of an object.
#[derive(Debug, Default)]
pub(super) struct Difference {
    pub(super) removed: Set,
    pub(super) modified: Set,
    pub(super) added: Set,
}

impl Difference {
    /// What was changed or added.
    pub(super) fn written(self) -> Set {
        let mut written = self.modified;
        written.union(&self.added);
        written
    }
}

/// Compares two states; no old state is a creation.
pub(super) fn compare(schema: Schema<'_>, old: Option<&Value>, new: &Value) -> Difference {
    let mut difference = Difference::default();
    let nothing = Value::Object(Map::new());
    differ(schema, old.unwrap_or(&nothing), new, &mut difference);
    difference
}

/// Compares two containers of the same shape.
fn differ(schema: Schema<'_>, old: &Value, new: &Value, into: &mut Difference) {
    for (element, inner, before, after) in pairs(schema, old, new) {
        let is_metadata = schema.is_root && element == "f:metadata";
        match (before, after) {
            (Some(before), Some(after)) => {
                if same_container(inner, before, after) {
                    let mut below = Difference::default();
                    differ(inner, before, after, &mut below);
                    into.removed.node(element.clone()).below = below.removed;
                    into.modified.node(element.clone()).below = below.modified;
                    into.added.node(element).below = below.added;
                } else if before != after {
                    into.modified.node(element).member = true;
                }
            }
            (None, Some(after)) => {
                let node = into.added.node(element);
                node.member = !is_metadata;
                collect(inner, after, true, &mut node.below);
            }
            (Some(before), None) => {
                let node = into.removed.node(element);
                node.member = !is_metadata;
                collect(inner, before, true, &mut node.below);
            }
            (None, None) => {}
        }
    }
    for set in [&mut into.removed, &mut into.modified, &mut into.added] {
        set.tidy();
    }
}

fn same_container(schema: Schema<'_>, a: &Value, b: &Value) -> bool {
    a.is_object() == b.is_object()
        && a.is_array() == b.is_array()
        && !matches!(schema.shape(a), Shape::Leaf)
        && !matches!(schema.shape(b), Shape::Leaf)
}

type Pair<'a> = (String, Schema<'a>, Option<&'a Value>, Option<&'a Value>);

/// The children of two containers, matched by name, key or value.
fn pairs<'a>(schema: Schema<'a>, old: &'a Value, new: &'a Value) -> Vec<Pair<'a>> {
    let mut pairs: Vec<Pair<'a>> = Vec::new();
    match (old, new) {
        (Value::Object(before), Value::Object(after)) => {
            for (name, value) in before {
                pairs.push((format!("f:{name}"), schema.field(name), Some(value), after.get(name)));
            }
            for (name, value) in after.iter().filter(|(name, _)| !before.contains_key(*name)) {
                pairs.push((format!("f:{name}"), schema.field(name), None, Some(value)));
            }
        }
        (Value::Array(before), Value::Array(after)) => {
            let shape = schema.shape(old);
            let after: Vec<(String, &Value)> = after.iter().map(|item| (schema.element(&shape, item), item)).collect();
            let before: Vec<(String, &Value)> = before.iter().map(|item| (schema.element(&shape, item), item)).collect();
            let now: HashMap<&str, &Value> = after.iter().rev().map(|(element, item)| (element.as_str(), *item)).collect();
            let then: HashSet<&str> = before.iter().map(|(element, _)| element.as_str()).collect();
            let added = after.iter().filter(|(element, _)| !then.contains(element.as_str()));
            pairs.extend(
                before
                    .iter()
                    .map(|(element, item)| (element.clone(), schema.items(), Some(*item), now.get(element.as_str()).copied())),
            );
            pairs.extend(added.map(|(element, item)| (element.clone(), schema.items(), None, Some(*item))));
        }
        _ => {}
    }
    pairs
}

/// Merges an applied value over a live one: maps by field, keyed lists by key, sets by value, all else as a whole.
pub(super) fn merge(schema: Schema<'_>, live: &mut Value, applied: &Value) {
    if !same_container(schema, live, applied) {
        *live = applied.clone();
        return;
    }
    match (live, applied) {
        (Value::Object(live), Value::Object(applied)) => {
            for (name, value) in applied {
                match live.get_mut(name) {
                    Some(slot) => merge(schema.field(name), slot, value),
                    None => {
                        live.insert(name.clone(), value.clone());
                    }
                }
            }
        }
        (Value::Array(live), Value::Array(applied)) => merge_list(schema, live, applied),
        _ => {}
    }
}

/// The applied order holds; items that only the live list has stay before those they stood before.
fn merge_list(schema: Schema<'_>, live: &mut Vec<Value>, applied: &[Value]) {
    let shape = schema.shape(&Value::Array(Vec::new()));
    let elements: Vec<String> = applied.iter().map(|item| schema.element(&shape, item)).collect();
    let wanted: HashSet<&str> = elements.iter().map(String::as_str).collect();
    let mut old: Vec<(String, Option<Value>)> = live.drain(..).map(|item| (schema.element(&shape, &item), Some(item))).collect();
    let places: HashMap<String, usize> = old.iter().enumerate().rev().map(|(at, (element, _))| (element.clone(), at)).collect();
    let mut next = 0;
    for (element, item) in elements.iter().zip(applied) {
        while let Some((other, slot)) = old.get_mut(next)
            && (slot.is_none() || !wanted.contains(other.as_str()))
        {
            live.extend(slot.take());
            next += 1;
        }
        let known = places.get(element).and_then(|at| old.get_mut(*at)).and_then(|(_, slot)| slot.take());
        live.push(match known {
            Some(mut slot) => {
                merge(schema.items(), &mut slot, item);
                slot
            }
            None => item.clone(),
        });
    }
    live.extend(old.into_iter().filter_map(|(_, slot)| slot));
}

/// Drops what a manager named last time and names no more, unless others own it or something below it.
pub(super) fn drop_fields(schema: Schema<'_>, value: &mut Value, last: &Set, wanted: &Set, others: &Set) {
    drop_below(schema, value, last, wanted, others, &[]);
}

fn drop_below(schema: Schema<'_>, value: &mut Value, last: &Set, wanted: &Set, others: &Set, keys: &[&str]) {
    let shape = schema.shape(value);
    match value {
        Value::Object(fields) => {
            for (element, node) in last.iter() {
                let Some(name) = element.strip_prefix("f:").filter(|name| !keys.contains(name)) else { continue };
                let (mine, theirs) = (wanted.get(element), others.get(element));
                let is_metadata = schema.is_root && name == "metadata";
                if mine.is_none() && theirs.is_none() && !is_metadata {
                    fields.shift_remove(name);
                } else if let Some(inner) = fields.get_mut(name) {
                    drop_below(schema.field(name), inner, &node.below, below(mine), below(theirs), &[]);
                }
            }
        }
        Value::Array(items) => {
            let keys: &[&str] = if let Shape::Keyed(keys) = &shape { keys } else { &[] };
            items.retain_mut(|item| {
                let element = schema.element(&shape, item);
                let Some(node) = last.get(&element) else { return true };
                let (mine, theirs) = (wanted.get(&element), others.get(&element));
                if mine.is_none() && theirs.is_none() {
                    return false;
                }
                drop_below(schema.items(), item, &node.below, below(mine), below(theirs), keys);
                true
            });
        }
        _ => {}
    }
}

fn below(node: Option<&Node>) -> &Set {
    static NOTHING: Set = Set::new();
    node.map_or(&NOTHING, |node| &node.below)
}
