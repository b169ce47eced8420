//! Small readings of objects that may be anything: a wrong type reads as nothing, and the schema says so elsewhere.

use serde_json::{Map, Value};

/// The text at a path, or an empty one.
pub(super) fn text<'a>(value: &'a Value, path: &[&str]) -> &'a str {
    at(value, path).and_then(Value::as_str).unwrap_or_default()
}

/// The value at a path.
pub(super) fn at<'a>(value: &'a Value, path: &[&str]) -> Option<&'a Value> {
    path.iter().try_fold(value, |inner, key| inner.get(key))
}

/// The list at a path, or an empty one.
pub(super) fn list<'a>(value: &'a Value, path: &[&str]) -> &'a [Value] {
    at(value, path).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// Whether the flag at a path is set.
pub(super) fn flag(value: &Value, path: &[&str]) -> bool {
    at(value, path).and_then(Value::as_bool).unwrap_or_default()
}

/// Whether there is something at a path: neither null nor empty.
pub(super) fn present(value: &Value, path: &[&str]) -> bool {
    match at(value, path) {
        None | Some(Value::Null) => false,
        Some(Value::String(s)) => !s.is_empty(),
        Some(Value::Array(a)) => !a.is_empty(),
        Some(Value::Bool(b)) => *b,
        Some(_) => true,
    }
}

/// A label, or an empty text.
pub(super) fn label<'a>(object: &'a Value, key: &str) -> &'a str {
    text(object, &["metadata", "labels", key])
}

/// An annotation, or an empty text.
pub(super) fn annotation<'a>(object: &'a Value, key: &str) -> &'a str {
    text(object, &["metadata", "annotations", key])
}

/// The object's name.
pub(super) fn name(object: &Value) -> &str {
    text(object, &["metadata", "name"])
}

/// The map at a key, made if it is not there.
pub(super) fn map_at<'a>(value: &'a mut Value, key: &str) -> &'a mut Map<String, Value> {
    let inner = as_map(value).entry(key).or_insert_with(|| Value::Object(Map::new()));
    as_map(inner)
}

/// The value as a map; what is none becomes an empty one.
pub(super) fn as_map(value: &mut Value) -> &mut Map<String, Value> {
    if !value.is_object() {
        *value = Value::Object(Map::new());
    }
    match value {
        Value::Object(map) => map,
        _ => unreachable!("it was made an object above"),
    }
}

/// Sets or removes a label or annotation; an empty map goes too.
pub(super) fn set_map_entry(object: &mut Value, map: &str, key: &str, value: Option<&str>) {
    let metadata = map_at(object, "metadata");
    match value {
        Some(value) => {
            let entries = metadata.entry(map).or_insert_with(|| Value::Object(Map::new()));
            as_map(entries).insert(key.to_owned(), Value::from(value));
        }
        None => {
            if let Some(Value::Object(entries)) = metadata.get_mut(map) {
                entries.shift_remove(key);
                if entries.is_empty() {
                    metadata.shift_remove(map);
                }
            }
        }
    }
}
