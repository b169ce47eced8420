//! Small readings and writings of an object's metadata.

use jiff::Timestamp;
use seaway_api::kargo::names::annotation::CHANGED_BY;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// What people write of an object's metadata.
const IN_METADATA: &[&str] = &["annotations", "finalizers", "labels", "ownerReferences"];

/// The metadata map, made if it is missing or no map.
pub(crate) fn metadata(object: &mut Value) -> &mut Map<String, Value> {
    if !object.is_object() {
        *object = json!({});
    }
    let place = &mut object["metadata"];
    if !place.is_object() {
        *place = json!({});
    }
    match place {
        Value::Object(map) => map,
        _ => unreachable!("it was made a map above"),
    }
}

/// The text at a JSON pointer, empty where there is none.
pub(crate) fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// The list of texts at a JSON pointer.
pub(crate) fn texts(object: &Value, pointer: &str) -> Vec<String> {
    let list = object.pointer(pointer).and_then(Value::as_array);
    list.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// An instant as Kubernetes writes it: UTC, whole seconds.
pub(crate) fn instant(now: Timestamp) -> String {
    now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Sets or removes a key.
pub(crate) fn set(map: &mut Map<String, Value>, key: &str, value: Option<Value>) {
    match value {
        Some(value) => drop(map.insert(key.to_owned(), value)),
        None => drop(map.shift_remove(key)),
    }
}

/// Is it being deleted?
pub(crate) fn is_deleting(object: &Value) -> bool {
    !text(object, "/metadata/deletionTimestamp").is_empty()
}

/// Is nothing different but the revision and the times in managedFields? Such a write is none.
pub(crate) fn is_same(a: &Value, b: &Value) -> bool {
    let plain = |object: &Value| {
        let mut object = object.clone();
        let metadata = metadata(&mut object);
        metadata.shift_remove("resourceVersion");
        if metadata.get("managedFields").and_then(Value::as_array).is_some_and(Vec::is_empty) {
            metadata.shift_remove("managedFields");
        }
        for entry in metadata.get_mut("managedFields").and_then(Value::as_array_mut).into_iter().flatten() {
            if let Some(entry) = entry.as_object_mut() {
                entry.shift_remove("time");
            }
        }
        object
    };
    plain(a) == plain(b)
}

/// Has anything but metadata and status changed? That is a new generation.
pub(crate) fn is_new_generation(old: &Value, new: &Value) -> bool {
    let spec = |object: &Value| {
        let mut map = object.as_object().cloned().unwrap_or_default();
        for outside in ["metadata", "status", "apiVersion", "kind"] {
            map.shift_remove(outside);
        }
        map
    };
    spec(old) != spec(new)
}

/// The fields that differ, but for the status and what the server keeps; none is as good as an empty one.
pub(crate) fn changed<'a>(old: &'a Value, new: &'a Value) -> Vec<&'a str> {
    let said = |object: &Value, field: &str| -> Option<Value> {
        let (place, field) = match IN_METADATA.contains(&field) {
            true => (object.get("metadata")?, field),
            false => (object, field),
        };
        let mut value = place.get(field)?.clone();
        if let (true, Some(map)) = (field == "annotations", value.as_object_mut()) {
            map.shift_remove(CHANGED_BY);
        }
        let empty = value.as_object().is_some_and(Map::is_empty) || value.as_array().is_some_and(Vec::is_empty);
        (!value.is_null() && !empty).then_some(value)
    };
    let keys = |object: &'a Value| object.as_object().into_iter().flat_map(|map| map.keys().map(String::as_str));
    let own = |field: &&str| !["metadata", "status", "apiVersion", "kind"].contains(field) && !IN_METADATA.contains(field);
    let fields: BTreeSet<&str> = keys(old).chain(keys(new)).filter(own).chain(IN_METADATA.iter().copied()).collect();
    fields.into_iter().filter(|field| said(old, field) != said(new, field)).collect()
}
