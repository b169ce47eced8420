//! Server-side apply and the tracking of field owners: who last wrote which field, in `metadata.managedFields`.
//!
//! The rules are those of Kubernetes' structured merge: an apply owns exactly what it names, conflicts with those who own a field
//! that it would change, and removes what it named last time and nobody else owns. Every other write takes over what it changes.

mod managed;
mod set;
mod walk;

use std::fmt;

use jiff::Timestamp;
use serde_json::{Map, Value};

use managed::{Entry, Operation};
use set::Set;
use walk::{Difference, Schema};

const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";
/// What stands in the place of a secret value in an annotation.
const REDACTED: &str = "(redacted)";
/// How many `Update` entries are kept before the oldest are folded into one; kube-apiserver's own bound.
const UPDATERS_MAX: usize = 10;
/// What the server alone writes: neither applied nor owned.
const SERVERS_METADATA: [&str; 8] = [
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "generation",
    "managedFields",
    "resourceVersion",
    "selfLink",
    "uid",
];

/// Who writes, through which door, and when.
#[derive(Debug, Clone, Copy)]
pub struct Writer<'a> {
    /// The field manager's name.
    pub manager: &'a str,
    /// The version the request is in, as `group/version`.
    pub api_version: &'a str,
    /// `status`, or none for the main resource.
    pub subresource: Option<&'a str>,
    /// The kind's structural schema, for its list and map types; `null` when there is none.
    pub schema: &'a Value,
    /// The time of the write.
    pub now: Timestamp,
}

/// One field that another manager owns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    /// `.spec.list[name="a"].value`.
    pub field: String,
    /// Its owner.
    pub manager: String,
    /// What a `StatusCause` says.
    pub message: String,
}

/// Why an apply was refused (409): fields that others own would change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflicts {
    /// One per field and owner.
    pub causes: Vec<Cause>,
}

impl fmt::Display for Conflicts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let n = self.causes.len();
        write!(f, "Apply failed with {n} conflict{}: ", if n == 1 { "" } else { "s" })?;
        for (at, cause) in self.causes.iter().enumerate() {
            write!(f, "{}{}: {}", if at == 0 { "" } else { "; " }, cause.message, cause.field)?;
        }
        Ok(())
    }
}

impl std::error::Error for Conflicts {}

/// Applies a partial object as its manager. Returns the object to store; equal to `live` when the apply changes nothing.
///
/// Without a subresource the applied status is ignored when the schema has one; with `status` everything else is.
pub fn apply(live: Option<&Value>, applied: &Value, force: bool, writer: Writer<'_>) -> Result<Value, Conflicts> {
    let root = Schema::root(writer.schema);
    let applied = scoped(applied, writer);
    let wanted = walk::fields_of(root, &unnamed(&applied));

    let mut entries = live.map(managed::decode).unwrap_or_default();
    if let Some(live) = live
        && entries.is_empty()
    {
        // The object was written before anybody kept count: its fields are nobody's in particular, but they are somebody's.
        let fields = walk::fields_of(root, &unnamed(live));
        entries.push(Entry {
            manager: "before-first-apply".to_owned(),
            operation: Operation::Update,
            api_version: writer.api_version.to_owned(),
            time: None,
            subresource: None,
            fields,
        });
    }
    let mine = entries.iter().position(|entry| entry.is_applier(writer.manager, writer.subresource));
    let last = mine.map(|at| entries.remove(at));

    let mut merged = live.cloned().unwrap_or_else(|| Value::Object(Map::new()));
    walk::merge(root, &mut merged, &applied);
    let changed = walk::compare(root, live.map(unnamed).as_ref(), &unnamed(&merged)).written();
    let force = force || migrates(live, &changed, &entries, writer);
    take_over(&mut entries, &changed, force)?;

    if let Some(last) = &last {
        let mut others = Set::default();
        entries.iter().for_each(|entry| others.union(&entry.fields));
        // An empty list is named without being owned: it stays as well.
        let named = walk::compare(root, None, &unnamed(&applied)).added;
        walk::drop_fields(root, &mut merged, &last.fields, &named, &others);
    }
    let removed = walk::compare(root, live.map(unnamed).as_ref(), &unnamed(&merged)).removed;
    entries.iter_mut().for_each(|entry| entry.fields.subtract(&removed));
    update_last_applied(live, &mut merged, &applied, writer.manager);

    let same_object = live.is_some_and(|live| without_managed(live) == without_managed(&merged));
    let same_owners = last.as_ref().is_some_and(|last| last.fields == wanted && last.api_version == writer.api_version);
    let time = if same_object && same_owners { last.and_then(|last| last.time) } else { Some(managed::time(writer.now)) };
    entries.push(Entry {
        manager: writer.manager.to_owned(),
        operation: Operation::Apply,
        api_version: writer.api_version.to_owned(),
        time,
        subresource: writer.subresource.map(str::to_owned),
        fields: wanted,
    });
    managed::encode(entries, &mut merged);
    Ok(merged)
}

/// Records the owner of what a create, an update or a patch changed, in the new object's `managedFields`.
///
/// Managed fields that the client sends are taken over (kubectl moves its own that way), an explicit empty list forgets them all.
pub fn track_update(old: Option<&Value>, new: &mut Value, writer: Writer<'_>) {
    let root = Schema::root(writer.schema);
    let mut entries = match managed::sent(new) {
        managed::Sent::Nothing => old.map(managed::decode).unwrap_or_default(),
        managed::Sent::Reset => Vec::new(),
        managed::Sent::Entries(entries) => entries,
    };
    let Difference { removed, modified, added } = walk::compare(root, old.map(unnamed).as_ref(), &unnamed(new));
    let mut written = modified;
    written.union(&added);

    let mine = entries.iter().position(|entry| entry.is_updater(writer.manager, writer.api_version, writer.subresource));
    let mine = mine.map(|at| entries.remove(at));
    for entry in &mut entries {
        entry.fields.subtract(&written);
        entry.fields.subtract(&removed);
    }
    let before = mine.as_ref().map(|entry| entry.fields.clone());
    let mut entry = mine.unwrap_or_else(|| Entry {
        manager: writer.manager.to_owned(),
        operation: Operation::Update,
        api_version: writer.api_version.to_owned(),
        time: None,
        subresource: writer.subresource.map(str::to_owned),
        fields: Set::default(),
    });
    entry.fields.subtract(&removed);
    entry.fields.union(&written);
    if before.as_ref() != Some(&entry.fields) {
        entry.time = Some(managed::time(writer.now));
    }
    entries.push(entry);
    managed::fold_oldest(&mut entries, UPDATERS_MAX);
    managed::encode(entries, new);
}

/// Makes a Secret's last-applied annotation safe to keep: its keys stay, which `kubectl apply` needs, its values go.
pub fn redact_last_applied(object: &mut Value) {
    if object.get("kind").and_then(Value::as_str) != Some("Secret") {
        return;
    }
    let Some(annotations) = object.pointer_mut("/metadata/annotations").and_then(Value::as_object_mut) else { return };
    let Some(text) = annotations.get_mut(LAST_APPLIED) else { return };
    match text.as_str().and_then(|text| serde_json::from_str::<Value>(text).ok()) {
        Some(mut applied) => {
            for field in ["data", "stringData"] {
                for value in applied.get_mut(field).and_then(Value::as_object_mut).into_iter().flat_map(Map::values_mut) {
                    *value = Value::from(REDACTED);
                }
            }
            // The annotations inside may hold another copy.
            if let Some(inner) = applied.pointer_mut("/metadata/annotations").and_then(Value::as_object_mut) {
                inner.shift_remove(LAST_APPLIED);
            }
            *text = Value::from(format!("{applied}\n"));
        }
        None => {
            annotations.shift_remove(LAST_APPLIED);
        }
    }
}

/// Takes from the other managers what an apply changes, or says whose it is.
fn take_over(entries: &mut [Entry], changed: &Set, force: bool) -> Result<(), Conflicts> {
    let mut causes = Vec::new();
    for entry in entries.iter_mut() {
        let contested = entry.fields.intersection(changed);
        if force {
            entry.fields.subtract(&contested);
        } else {
            let message = entry.conflict();
            causes.extend(contested.paths().into_iter().map(|field| Cause {
                field,
                manager: entry.manager.clone(),
                message: message.clone(),
            }));
        }
    }
    if causes.is_empty() { Ok(()) } else { Err(Conflicts { causes }) }
}

/// Whether kubectl's apply contests only fields that its own client-side apply wrote: then it may have them.
fn migrates(live: Option<&Value>, changed: &Set, entries: &[Entry], writer: Writer<'_>) -> bool {
    let Some(last) = live.filter(|_| writer.manager == "kubectl").and_then(last_applied) else { return false };
    let allowed = walk::fields_of(Schema::root(writer.schema), &unnamed(&last));
    entries.iter().all(|entry| {
        let mut contested = entry.fields.intersection(changed);
        contested.subtract(&allowed);
        contested.is_empty()
    })
}

fn last_applied(live: &Value) -> Option<Value> {
    let text = live.pointer("/metadata/annotations")?.get(LAST_APPLIED)?.as_str()?;
    serde_json::from_str(text).ok()
}

/// Keeps the annotation of client-side apply true, so that a client that goes back to it removes the right fields.
///
/// It is written as kubectl writes it, keys in order and annotations always there: a diff then shows nothing.
fn update_last_applied(live: Option<&Value>, merged: &mut Value, applied: &Value, manager: &str) {
    if manager != "kubectl" || live.and_then(last_applied).is_none() {
        return;
    }
    let mut text = applied.clone();
    if let Some(metadata) = text.get_mut("metadata").and_then(Value::as_object_mut) {
        let inner = metadata.entry("annotations").or_insert_with(|| Value::Object(Map::new()));
        if let Value::Object(inner) = inner {
            inner.shift_remove(LAST_APPLIED);
        }
    }
    text.sort_all_objects();
    if let Some(annotations) = merged.pointer_mut("/metadata/annotations").and_then(Value::as_object_mut)
        && annotations.contains_key(LAST_APPLIED)
    {
        annotations.insert(LAST_APPLIED.to_owned(), Value::from(format!("{text}\n")));
    }
    redact_last_applied(merged);
}

/// What of an applied object its door takes.
fn scoped(applied: &Value, writer: Writer<'_>) -> Value {
    let mut object = Map::new();
    let has_status = writer.schema.pointer("/properties/status").is_some();
    for (name, value) in applied.as_object().into_iter().flatten() {
        let taken = match (name.as_str(), writer.subresource) {
            ("apiVersion" | "kind" | "metadata", _) => true,
            ("status", Some("status")) => true,
            ("status", None) => !has_status,
            (_, subresource) => subresource.is_none(),
        };
        if taken {
            object.insert(name.clone(), value.clone());
        }
    }
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.retain(|name, _| {
            let named = ["name", "namespace"].contains(&name.as_str());
            named || (writer.subresource.is_none() && !SERVERS_METADATA.contains(&name.as_str()))
        });
    }
    Value::Object(object)
}

/// The part of an object that can be owned: without its type, its name and what the server writes.
fn unnamed(object: &Value) -> Value {
    let mut owned = object.clone();
    if let Value::Object(fields) = &mut owned {
        fields.shift_remove("apiVersion");
        fields.shift_remove("kind");
        if let Some(metadata) = fields.get_mut("metadata").and_then(Value::as_object_mut) {
            metadata
                .retain(|name, _| !["name", "namespace"].contains(&name.as_str()) && !SERVERS_METADATA.contains(&name.as_str()));
            if metadata.is_empty() {
                fields.shift_remove("metadata");
            }
        }
    }
    owned
}

fn without_managed(object: &Value) -> Value {
    let mut object = object.clone();
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.shift_remove("managedFields");
    }
    object
}

#[cfg(test)]
mod laws;
#[cfg(test)]
mod tests;
