//! The shape of an object by its schema: filling defaults in, and finding or dropping fields that the schema does not know.

use serde_json::{Map, Value};

/// The fields of ObjectMeta; whatever else stands in `metadata` is unknown.
const METADATA: [&str; 15] = [
    "annotations",
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "finalizers",
    "generateName",
    "generation",
    "labels",
    "managedFields",
    "name",
    "namespace",
    "ownerReferences",
    "resourceVersion",
    "selfLink",
    "uid",
];

/// Fills in the schema's defaults where a field is missing. A null that may not be null counts as missing, as in Kubernetes.
pub fn default(schema: &Value, object: &mut Value) {
    match object {
        Value::Object(fields) => {
            if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
                default_properties(properties, fields);
            }
            if let Some(others) = schema.get("additionalProperties").filter(|schema| schema.is_object()) {
                let known = schema.get("properties");
                fields.retain(|name, value| {
                    let is_other = known.and_then(|known| known.get(name)).is_none();
                    if is_other {
                        default(others, value);
                    }
                    !is_other || !value.is_null() || is_nullable(others)
                });
            }
        }
        Value::Array(items) => {
            if let Some(schema) = schema.get("items") {
                items.iter_mut().for_each(|item| default(schema, item));
            }
        }
        _ => {}
    }
}

fn default_properties(properties: &Map<String, Value>, fields: &mut Map<String, Value>) {
    for (name, schema) in properties {
        let is_missing = match fields.get(name) {
            None => true,
            Some(value) => value.is_null() && !is_nullable(schema),
        };
        if is_missing {
            match schema.get("default") {
                Some(value) => drop(fields.insert(name.clone(), value.clone())),
                None => drop(fields.shift_remove(name)),
            }
        }
        if let Some(value) = fields.get_mut(name) {
            default(schema, value);
        }
    }
}

fn is_nullable(schema: &Value) -> bool {
    schema.get("nullable") == Some(&Value::Bool(true))
}

/// Drops the fields that the schema does not know.
pub fn prune(schema: &Value, object: &mut Value) {
    strip(schema, object, "", true, false, &mut Vec::new());
}

/// The paths of fields that the schema does not know, as kubectl prints them: `spec.foo`, `spec.list[0].bar`.
pub fn unknown_fields(schema: &Value, object: &Value) -> Vec<String> {
    let mut found = Vec::new();
    strip(schema, &mut object.clone(), "", true, false, &mut found);
    found
}

fn strip(schema: &Value, value: &mut Value, path: &str, is_object: bool, preserved: bool, found: &mut Vec<String>) {
    let keeps = preserved || schema.get("x-kubernetes-preserve-unknown-fields") == Some(&Value::Bool(true));
    match value {
        Value::Object(fields) => {
            let is_object = is_object || schema.get("x-kubernetes-embedded-resource") == Some(&Value::Bool(true));
            let properties = schema.get("properties").and_then(Value::as_object);
            let others = schema.get("additionalProperties");
            let open = keeps || schema.as_object().is_none_or(Map::is_empty) || others == Some(&Value::Bool(true));
            fields.retain(|name, value| {
                if is_object && ["apiVersion", "kind"].contains(&name.as_str()) {
                    return true;
                }
                if is_object && name == "metadata" {
                    strip_metadata(value, &join(path, name), found);
                    return true;
                }
                if let Some(schema) = properties.and_then(|known| known.get(name)) {
                    strip(schema, value, &join(path, name), false, false, found);
                    return true;
                }
                if let Some(schema) = others.filter(|schema| schema.is_object()) {
                    strip(schema, value, &join(path, name), false, false, found);
                    return true;
                }
                if !open {
                    found.push(join(path, name));
                }
                open
            });
        }
        Value::Array(items) => {
            if let Some(schema) = schema.get("items") {
                for (at, item) in items.iter_mut().enumerate() {
                    strip(schema, item, &format!("{path}[{at}]"), false, false, found);
                }
            }
        }
        _ => {}
    }
}

fn strip_metadata(metadata: &mut Value, path: &str, found: &mut Vec<String>) {
    if let Value::Object(fields) = metadata {
        fields.retain(|name, _| {
            let known = METADATA.contains(&name.as_str());
            if !known {
                found.push(join(path, name));
            }
            known
        });
    }
}

/// A field's path under its parent's.
pub(super) fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

/// A map entry's path under the map's; keys may hold dots, so they stand in brackets.
pub(super) fn join_key(path: &str, key: &str) -> String {
    format!("{path}[{key}]")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn schema() -> Value {
        json!({"type": "object", "properties": {
            "spec": {"type": "object", "properties": {
                "name": {"type": "string", "default": "x"},
                "maybe": {"type": "string", "nullable": true, "default": "y"},
                "inner": {"type": "object", "properties": {"n": {"type": "integer", "default": 3}}},
                "filled": {"type": "object", "default": {}, "properties": {"n": {"type": "integer", "default": 4}}},
                "list": {"type": "array", "items": {"type": "object", "properties": {"on": {"type": "boolean", "default": true}}}},
                "map": {"type": "object", "additionalProperties": {"type": "object", "properties": {"on": {"type": "boolean", "default": false}}}},
                "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": true},
                "object": {"type": "object", "x-kubernetes-embedded-resource": true, "x-kubernetes-preserve-unknown-fields": true}
            }}
        }})
    }

    #[test]
    fn defaults_fill_what_is_missing_and_stop_where_the_parent_is() {
        let mut object = json!({"spec": {"maybe": null, "list": [{}, {"on": false}], "map": {"k": {}}}});
        default(&schema(), &mut object);
        assert_eq!(
            object,
            json!({"spec": {"maybe": null, "list": [{"on": true}, {"on": false}], "map": {"k": {"on": false}}, "name": "x", "filled": {"n": 4}}})
        );
        let mut object = json!({"spec": {"name": null, "maybe": "z", "inner": {}, "filled": {"n": 1}, "list": null, "map": {"k": null}, "free": {"x": null}}});
        default(&schema(), &mut object);
        assert_eq!(
            object,
            json!({"spec": {"name": "x", "maybe": "z", "inner": {"n": 3}, "filled": {"n": 1}, "map": {}, "free": {"x": null}}})
        );
    }

    #[test]
    fn unknown_fields_have_kubectls_paths() {
        let object = json!({
            "apiVersion": "v1", "kind": "K", "metadata": {"name": "a", "colour": 1}, "extra": 1,
            "spec": {"foo": 1, "list": [{"bar": 1}], "map": {"k": {"z": 1}}, "free": {"a": {"b": 1}}, "object": {"metadata": {"name": "x"}, "any": 1}, "inner": {"m": 1}}
        });
        assert_eq!(
            unknown_fields(&schema(), &object),
            ["metadata.colour", "extra", "spec.foo", "spec.list[0].bar", "spec.map.k.z", "spec.inner.m"]
        );
        let mut pruned = object;
        prune(&schema(), &mut pruned);
        assert_eq!(
            pruned,
            json!({
                "apiVersion": "v1", "kind": "K", "metadata": {"name": "a"},
                "spec": {"list": [{}], "map": {"k": {}}, "free": {"a": {"b": 1}}, "object": {"metadata": {"name": "x"}, "any": 1}, "inner": {}}
            })
        );
        assert_eq!(unknown_fields(&schema(), &pruned), Vec::<String>::new());
    }
}
