//! What the control plane would refuse a document for by itself, known without asking it: metadata, and the fields of Kubernetes' own kinds.

use seaway_apiserver::discovery::Served;
use seaway_apiserver::validate;
use seaway_verbs::{Document, Fault};
use serde_json::{Value, json};

/// What is wrong with the metadata, or with a Secret, ConfigMap, ServiceAccount or Namespace.
pub(super) fn faults(document: &Document) -> Vec<Fault> {
    let (kind, value) = (document.kind(), &document.value);
    let mut faults = metadata(document);
    if value["apiVersion"] == "v1"
        && let Some(served) = Served::builtins().into_iter().find(|served| served.group.is_empty() && served.kind == kind)
    {
        let unknown = validate::unknown_fields(&served.schema, value);
        faults.extend(unknown.iter().map(|field| document.fault(field, "unknown field; take it out")));
        let wrong = validate::check(&served.schema, value);
        faults.extend(wrong.iter().map(|wrong| {
            let is_secret = kind == "Secret" && ["data", "stringData"].iter().any(|map| wrong.path.starts_with(map));
            // What stands in a Secret is not repeated, only what is the matter with it: the words after the value.
            let rule = wrong.message.rsplit_once(": ").map_or(wrong.message.as_str(), |(_, rule)| rule);
            document.fault(&wrong.path, if is_secret { rule } else { &wrong.message })
        }));
        let maps = ["data", "stringData", "binaryData"].into_iter().filter(|_| matches!(kind, "Secret" | "ConfigMap"));
        for (map, key) in maps.flat_map(|map| keys(&value[map]).map(move |key| (map, key))) {
            if !is_data_key(key) {
                let rule = "a key is made of letters, digits, '-', '_' and '.', at most 253 of them";
                faults.push(document.fault(&format!("{map}[{key}]"), rule));
            }
        }
    }
    faults
}

fn keys(map: &Value) -> impl Iterator<Item = &str> {
    map.as_object().into_iter().flat_map(|map| map.keys().map(String::as_str))
}

fn is_data_key(key: &str) -> bool {
    (1..=253).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
}

fn metadata(document: &Document) -> Vec<Fault> {
    let (kind, value) = (document.kind(), &document.value);
    let metadata = &value["metadata"];
    let mut faults = Vec::new();
    // Its project may be named on the command line.
    let namespaced = metadata["namespace"].is_string();
    for wrong in validate::check_metadata(kind, namespaced, value) {
        let is_unnamed = metadata["name"].is_null() || metadata["name"] == "";
        if wrong.path == "metadata.name" && is_unnamed && document.is_named_when_made() {
            continue;
        }
        if wrong.path != "metadata.labels" || !metadata["labels"].is_object() {
            faults.push(document.fault(&wrong.path, &wrong.message));
        }
    }
    for field in ["name", "generateName", "namespace"] {
        let given = &metadata[field];
        let path = format!("metadata.{field}");
        if !given.is_null() && !given.is_string() && !faults.iter().any(|fault: &Fault| fault.field == path) {
            faults.push(document.fault(&path, &format!("{given} must be of type string; write it in quotes")));
        }
    }
    // Each label by itself, so that it is named.
    for (key, label) in metadata["labels"].as_object().into_iter().flatten().filter(|(_, label)| label.is_string()) {
        let mut one = json!({ "metadata": { "name": "x", "labels": {} } });
        one["metadata"]["labels"][key.as_str()] = label.clone();
        for wrong in validate::check_metadata(kind, false, &one) {
            faults.push(document.fault(&format!("metadata.labels[{key}]"), &wrong.message));
        }
    }
    faults
}
