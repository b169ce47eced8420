//! What Kubernetes' own kinds do beyond storing: Secrets' `stringData`, immutability, Namespaces' phase and finalizer.

use crate::kind::Kind;
use crate::meta::{is_deleting, metadata, text};
use crate::ssa;
use crate::validate::{ErrorKind, FieldError};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use seaway_core::authorize::RBAC;
use serde_json::{Map, Value, json};

/// Brings an object to the form it is stored in.
pub(crate) fn normalise(kind: &Kind, object: &mut Value) {
    match &*kind.storage {
        "secrets" => {
            fold_string_data(object);
            if text(object, "/type").is_empty() {
                object["type"] = json!("Opaque");
            }
            ssa::redact_last_applied(object);
        }
        "namespaces" => {
            let name = text(object, "/metadata/name").to_owned();
            if let Some(labels) = metadata(object).entry("labels").or_insert_with(|| json!({})).as_object_mut() {
                labels.insert("kubernetes.io/metadata.name".to_owned(), name.into());
            }
            let deleting = is_deleting(object);
            if let Some(spec) = inner(object, "spec").filter(|_| !deleting) {
                spec.insert("finalizers".to_owned(), json!(["kubernetes"]));
            }
            if let Some(status) = inner(object, "status") {
                status.insert("phase".to_owned(), if deleting { "Terminating" } else { "Active" }.into());
            }
        }
        storage if storage.ends_with("bindings.rbac.authorization.k8s.io") => name_groups(object),
        _ => {}
    }
}

/// The API group of a binding's role, and of its users and groups, where nothing else is said.
fn name_groups(binding: &mut Value) {
    let name = |part: &mut Value| {
        if let Some(part) = part.as_object_mut()
            && part.get("apiGroup").and_then(Value::as_str).is_none_or(str::is_empty)
        {
            part.insert("apiGroup".to_owned(), RBAC.into());
        }
    };
    if let Some(role) = binding.get_mut("roleRef") {
        name(role);
    }
    let subjects = binding.get_mut("subjects").and_then(Value::as_array_mut).into_iter().flatten();
    subjects.filter(|subject| matches!(subject["kind"].as_str(), Some("User" | "Group"))).for_each(name);
}

/// A map within an object, made where there is nothing; `None` where something else stands there, which validation will tell.
fn inner<'a>(object: &'a mut Value, field: &str) -> Option<&'a mut Map<String, Value>> {
    let place = object.as_object_mut()?.entry(field).or_insert(Value::Null);
    if place.is_null() {
        *place = json!({});
    }
    place.as_object_mut()
}

/// The same for what a client applies: only what it wrote, nothing filled in.
pub(crate) fn normalise_applied(kind: &Kind, applied: &mut Value) {
    if &*kind.storage == "secrets" {
        fold_string_data(applied);
    }
}

/// `stringData` is only ever written: its entries go into `data`, encoded, over what is there. What is no map stays, and is refused.
fn fold_string_data(object: &mut Value) {
    let Some(map) = object.as_object_mut() else { return };
    for field in ["data", "stringData"] {
        if let Some(value) = map.get_mut(field).filter(|value| !value.is_object()) {
            hide(value);
        }
    }
    if map.get("stringData").is_some_and(|value| !value.is_object() && !value.is_null()) {
        return;
    }
    let Some(Value::Object(plain)) = map.shift_remove("stringData") else { return };
    if plain.is_empty() {
        return;
    }
    if !object["data"].is_object() {
        object["data"] = Value::Object(Map::new());
    }
    for (name, value) in plain {
        object["data"][name] = match value {
            Value::String(text) => STANDARD.encode(text).into(),
            other => other,
        };
    }
}

/// A value of the same type that tells nothing: what refuses it shows it.
fn hide(value: &mut Value) {
    match value {
        Value::String(_) => *value = "…".into(),
        Value::Number(_) => *value = 0.into(),
        Value::Array(_) => *value = json!(["…"]),
        _ => {}
    }
}

/// What the schemas of built-in kinds do not say.
pub(crate) fn check(kind: &Kind, object: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let data = object.get("data").and_then(Value::as_object).into_iter().flatten();
    for (name, value) in data {
        let path = format!("data[{name}]");
        match &*kind.storage {
            // The value is never shown.
            "secrets" if value.as_str().is_none_or(|text| STANDARD.decode(text).is_err()) => {
                errors.push(FieldError { path, kind: ErrorKind::Invalid, message: "Invalid value: must be base64".to_owned() });
            }
            "secrets" | "configmaps" if !is_data_key(name) => {
                let rule = "a key is made of letters, digits, '-', '_' and '.', at most 253";
                errors.push(FieldError::invalid(&path, &name.as_str().into(), rule));
            }
            _ => {}
        }
    }
    errors
}

fn is_data_key(name: &str) -> bool {
    (1..=253).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
}

/// Immutable Secrets and ConfigMaps, and a Secret's type, do not change.
pub(crate) fn check_change(kind: &Kind, old: &Value, new: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let frozen = |field: &str| FieldError::forbidden(field, "field is immutable when `immutable` is set");
    if matches!(&*kind.storage, "secrets" | "configmaps") && old["immutable"] == json!(true) {
        let fields = ["immutable", "data", "binaryData"].into_iter();
        errors.extend(fields.filter(|field| old.get(*field) != new.get(*field)).map(frozen));
    }
    if &*kind.storage == "secrets" && old.get("type") != new.get("type") {
        errors.push(FieldError::invalid("type", &new["type"], "field is immutable"));
    }
    errors
}
