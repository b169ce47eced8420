//! From a Rust type to a CRD's structural schema: nothing nullable, no references, only the defaults that were asked for.

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value, json};

/// The structural schema of a type.
pub(crate) fn of<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|s| {
        s.inline_subschemas = true;
        s.meta_schema = None;
    });
    let mut schema = SchemaGenerator::new(settings).into_root_schema_for::<T>().to_value();
    structural(&mut schema);
    if let Some(map) = schema.as_object_mut() {
        map.shift_remove("title");
    }
    schema
}

fn structural(schema: &mut Value) {
    if let Value::Bool(_) = schema {
        *schema = json!({ "x-kubernetes-preserve-unknown-fields": true });
        return;
    }
    let Some(map) = schema.as_object_mut() else { return };
    // An optional part is one that may be absent, not one that may be null.
    if let Some(Value::Array(choices)) = map.shift_remove("anyOf")
        && let Some(Value::Object(only)) = choices.into_iter().find(|c| c.get("type") != Some(&json!("null")))
    {
        for (key, value) in only {
            map.entry(key).or_insert(value);
        }
    }
    if let Some(Value::Array(types)) = map.get("type")
        && let Some(only) = types.iter().find(|t| *t != "null").cloned()
    {
        map.insert("type".into(), only);
    }
    map.shift_remove("default");
    rename(map, "x-default", "default");
    rename(map, "x-required", "required");
    // Rules of the items of a list: the schema of an item is another type's, which may be used elsewhere.
    if let (Some(rules), Some(Value::Object(items))) = (map.shift_remove("x-item-rules"), map.get_mut("items")) {
        items.insert("x-kubernetes-validations".into(), rules);
    }
    if map.get("format").and_then(Value::as_str).is_some_and(|f| f.starts_with("uint")) {
        map.shift_remove("format");
    }
    if !map.contains_key("type") && !map.contains_key("properties") {
        map.entry("x-kubernetes-preserve-unknown-fields").or_insert(Value::Bool(true));
    }
    for (_, property) in map.get_mut("properties").and_then(Value::as_object_mut).into_iter().flatten() {
        structural(property);
    }
    for key in ["items", "additionalProperties"] {
        if let Some(inner) = map.get_mut(key) {
            structural(inner);
        }
    }
}

fn rename(map: &mut Map<String, Value>, from: &str, to: &str) {
    if let Some(value) = map.shift_remove(from) {
        map.insert(to.into(), value);
    }
}

/// The schema of a kind: the words and metadata every object has, and its own parts.
pub(crate) fn object(description: &str, parts: Vec<(&'static str, Value)>, required: &[&str]) -> Value {
    let mut properties = Map::new();
    for word in ["apiVersion", "kind"] {
        properties.insert(word.into(), json!({ "type": "string" }));
    }
    properties.insert("metadata".into(), json!({ "type": "object" }));
    for (name, schema) in parts {
        properties.insert(name.into(), schema);
    }
    let mut schema = json!({ "type": "object", "description": description, "properties": properties });
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    schema
}
