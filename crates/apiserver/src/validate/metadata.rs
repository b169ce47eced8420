//! The rules every object's metadata keeps: names, labels, annotations, finalizers and owner references.

use serde_json::{Map, Value};

use super::{ErrorKind, FieldError};

/// All annotations of an object together, keys and values.
const ANNOTATIONS_BYTES_MAX: usize = 256 * 1024;
const SUBDOMAIN: &str = "must be a lower-case RFC 1123 subdomain: letters a-z, digits, '-' and '.', starting and ending with a letter or digit, at most 253 characters";
const LABEL: &str = "must be a lower-case RFC 1123 label: letters a-z, digits and '-', starting and ending with a letter or digit, at most 63 characters";
const QUALIFIED: &str = "must be a name of at most 63 letters, digits, '-', '_' and '.', with a letter or digit at both ends, after an optional DNS prefix and '/'";
const LABEL_VALUE: &str = "must be empty, or at most 63 letters, digits, '-', '_' and '.', with a letter or digit at both ends";

/// Checks the metadata of an object that is about to be stored. `kind` decides the rule for its name, `namespaced` whether it needs a namespace.
pub fn check_metadata(kind: &str, namespaced: bool, object: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let empty = Map::new();
    let metadata = match object.get("metadata") {
        None | Some(Value::Null) => &empty,
        Some(Value::Object(fields)) => fields,
        Some(other) => return vec![FieldError::invalid("metadata", other, "must be of type object")],
    };
    check_name(kind, metadata, &mut errors);
    check_namespace(namespaced, metadata, &mut errors);
    check_texts(metadata, "labels", &mut errors);
    check_texts(metadata, "annotations", &mut errors);
    check_finalizers(metadata, &mut errors);
    check_owners(metadata, &mut errors);
    errors
}

fn check_name(kind: &str, metadata: &Map<String, Value>, errors: &mut Vec<FieldError>) {
    let rule = if kind == "Namespace" { LABEL } else { SUBDOMAIN };
    let fits = |name: &str| match kind {
        "Namespace" => is_dns_label(name),
        // Names of RBAC objects are path segments: `system:node` is one.
        "Role" | "RoleBinding" | "ClusterRole" | "ClusterRoleBinding" => {
            !name.is_empty() && ![".", ".."].contains(&name) && !name.contains(['/', '%'])
        }
        _ => is_dns_subdomain(name),
    };
    match metadata.get("name") {
        Some(Value::String(name)) if !name.is_empty() => {
            if !fits(name) {
                errors.push(FieldError::invalid("metadata.name", &Value::from(name.as_str()), rule));
            }
        }
        None | Some(Value::Null | Value::String(_)) => errors.push(FieldError {
            path: "metadata.name".to_owned(),
            kind: ErrorKind::Required,
            message: "Required value: name or generateName is required".to_owned(),
        }),
        Some(other) => errors.push(FieldError::invalid("metadata.name", other, "must be of type string")),
    }
    if let Some(Value::String(prefix)) = metadata.get("generateName")
        && !prefix.is_empty()
        && !fits(&format!("{}x", prefix.trim_end_matches('-')))
    {
        errors.push(FieldError::invalid("metadata.generateName", &Value::from(prefix.as_str()), rule));
    }
}

fn check_namespace(namespaced: bool, metadata: &Map<String, Value>, errors: &mut Vec<FieldError>) {
    match metadata.get("namespace").and_then(Value::as_str).unwrap_or_default() {
        "" if namespaced => errors.push(FieldError::required("metadata.namespace")),
        "" => {}
        _ if !namespaced => errors.push(FieldError::forbidden("metadata.namespace", "this kind is not namespaced")),
        name if !is_dns_label(name) => errors.push(FieldError::invalid("metadata.namespace", &Value::from(name), LABEL)),
        _ => {}
    }
}

fn check_texts(metadata: &Map<String, Value>, which: &str, errors: &mut Vec<FieldError>) {
    let path = format!("metadata.{which}");
    let map = match metadata.get(which) {
        None | Some(Value::Null) => return,
        Some(Value::Object(map)) => map,
        Some(other) => {
            errors.push(FieldError::invalid(&path, other, "must be of type object"));
            return;
        }
    };
    let mut bytes = 0;
    for (key, value) in map {
        // Annotation keys may hold capitals in their prefix; label keys may not.
        let well_formed = if which == "labels" { is_qualified_name(key) } else { is_qualified_name(&key.to_lowercase()) };
        if !well_formed {
            errors.push(FieldError::invalid(&path, &Value::from(key.as_str()), QUALIFIED));
        }
        match value {
            Value::String(text) => {
                bytes += key.len() + text.len();
                if which == "labels" && !is_label_value(text) {
                    errors.push(FieldError::invalid(&path, value, LABEL_VALUE));
                }
            }
            other => errors.push(FieldError::invalid(&format!("{path}[{key}]"), other, "must be of type string")),
        }
    }
    if which == "annotations" && bytes > ANNOTATIONS_BYTES_MAX {
        errors.push(FieldError {
            path,
            kind: ErrorKind::TooLong,
            message: format!("Too long: may not be more than {ANNOTATIONS_BYTES_MAX} bytes, has {bytes}"),
        });
    }
}

fn check_finalizers(metadata: &Map<String, Value>, errors: &mut Vec<FieldError>) {
    for (at, finalizer) in metadata.get("finalizers").and_then(Value::as_array).into_iter().flatten().enumerate() {
        if !finalizer.as_str().is_some_and(is_qualified_name) {
            errors.push(FieldError::invalid(&format!("metadata.finalizers[{at}]"), finalizer, QUALIFIED));
        }
    }
}

fn check_owners(metadata: &Map<String, Value>, errors: &mut Vec<FieldError>) {
    let owners = metadata.get("ownerReferences").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    for (at, owner) in owners.iter().enumerate() {
        for field in ["apiVersion", "kind", "name", "uid"] {
            if owner.get(field).and_then(Value::as_str).is_none_or(str::is_empty) {
                errors.push(FieldError::required(&format!("metadata.ownerReferences[{at}].{field}")));
            }
        }
    }
    let controllers = owners.iter().filter(|owner| owner.get("controller") == Some(&Value::Bool(true))).count();
    if controllers > 1 {
        errors.push(FieldError {
            path: "metadata.ownerReferences".to_owned(),
            kind: ErrorKind::Invalid,
            message: format!("Invalid value: {controllers} owners are marked as controller: only one may be"),
        });
    }
}

fn is_dns_label(name: &str) -> bool {
    let inner = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit();
    (1..=63).contains(&name.len())
        && name.bytes().all(|c| inner(c) || c == b'-')
        && name.bytes().next().is_some_and(inner)
        && name.bytes().next_back().is_some_and(inner)
}

fn is_dns_subdomain(name: &str) -> bool {
    // The parts of a subdomain are labels in form, but only the whole is bounded in length.
    let part = |part: &str| {
        let inner = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit();
        part.bytes().all(|c| inner(c) || c == b'-')
            && part.bytes().next().is_some_and(inner)
            && part.bytes().next_back().is_some_and(inner)
    };
    name.len() <= 253 && name.split('.').all(part)
}

fn is_name_part(name: &str) -> bool {
    (1..=63).contains(&name.len())
        && name.bytes().all(|c| c.is_ascii_alphanumeric() || b"-_.".contains(&c))
        && name.bytes().next().is_some_and(|c| c.is_ascii_alphanumeric())
        && name.bytes().next_back().is_some_and(|c| c.is_ascii_alphanumeric())
}

/// Whether a text can be a label key: a name, with an optional DNS prefix before a `/`.
pub fn is_qualified_name(key: &str) -> bool {
    match key.split_once('/') {
        Some((prefix, name)) => is_dns_subdomain(prefix) && is_name_part(name),
        None => is_name_part(key),
    }
}

/// Whether a text can be a label value; the empty text can.
pub fn is_label_value(value: &str) -> bool {
    value.is_empty() || is_name_part(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(kind: &str, namespaced: bool, metadata: Value) -> Vec<String> {
        check_metadata(kind, namespaced, &json!({"metadata": metadata}))
            .iter()
            .map(|err| format!("{} {}", err.path, err.kind.reason()))
            .collect()
    }

    #[test]
    fn good_metadata_passes() {
        assert_eq!(
            check(
                "Stage",
                true,
                json!({"name": "a.b-c", "namespace": "bank", "labels": {"seaway.dev/x": "Y_1", "a": ""}, "annotations": {"Kargo.dev/x": "any text"},
                       "finalizers": ["kargo.akuity.io/f"], "ownerReferences": [{"apiVersion": "v1", "kind": "K", "name": "n", "uid": "u", "controller": true}]})
            ),
            Vec::<String>::new()
        );
        assert_eq!(check("ClusterRole", false, json!({"name": "system:Node"})), Vec::<String>::new());
    }

    #[test]
    fn bad_metadata_is_named() {
        assert_eq!(check("Stage", true, json!({"name": "A", "namespace": "b"})), ["metadata.name FieldValueInvalid"]);
        assert_eq!(check("Namespace", false, json!({"name": "a.b"})), ["metadata.name FieldValueInvalid"]);
        assert_eq!(
            check("Stage", true, json!({})),
            ["metadata.name FieldValueRequired", "metadata.namespace FieldValueRequired"]
        );
        assert_eq!(check("Namespace", false, json!({"name": "a", "namespace": "b"})), ["metadata.namespace FieldValueForbidden"]);
        assert_eq!(
            check("Namespace", false, json!({"name": "a", "labels": {"-a": "b", "b": "c d", "c": 1}})),
            ["metadata.labels FieldValueInvalid", "metadata.labels FieldValueInvalid", "metadata.labels[c] FieldValueInvalid"]
        );
        assert_eq!(
            check("Namespace", false, json!({"name": "a", "annotations": {"a": "x".repeat(262_144)}})),
            ["metadata.annotations FieldValueTooLong"]
        );
        assert_eq!(
            check("Namespace", false, json!({"name": "a", "finalizers": ["not good"]})),
            ["metadata.finalizers[0] FieldValueInvalid"]
        );
        assert_eq!(
            check("Namespace", false, json!({"name": "a", "ownerReferences": [{"apiVersion": "v1", "kind": "K", "name": "n"}]})),
            ["metadata.ownerReferences[0].uid FieldValueRequired"]
        );
        assert_eq!(
            check("Namespace", false, json!({"name": "a", "generateName": "A-"})),
            ["metadata.generateName FieldValueInvalid"]
        );
    }
}
