//! Warehouses: their subscriptions are checked and their defaults written, since the CRD keeps whatever it is given.

use super::json::{as_map, list, present, text};
use super::names::is_label;
use super::{Admission, Cause, Denied, schema};
use crate::semver::Constraint;
use seaway_api::kargo::subscription::body_schema;
use seaway_base::urls::{normalise_chart, normalise_git, normalise_image};
use serde_json::{Map, Value};
use std::collections::HashMap;

/// Fields that were taken away, and what took their place.
const REMOVED: [(&str, &str, &str); 4] = [
    ("image", "semverConstraint", "write constraint"),
    ("image", "tagSelectionStrategy", "write imageSelectionStrategy"),
    ("image", "gitRepoURL", "it has no successor; take it out"),
    ("chart", "registryURL", "write repoURL"),
];

pub(super) fn admit(admission: &mut Admission<'_>) -> Result<(), Denied> {
    if admission.deletes() {
        return Ok(());
    }
    admission.sync_shard();
    admission.check_project()?;
    if admission.spec_changed() {
        default_all(admission.object());
        admission.check_rules()?;
        let warnings = warnings(admission.object());
        admission.admitted.warnings.extend(warnings);
    }
    Ok(())
}

/// What is admitted, as Kargo admits it, and yet will find nothing.
fn warnings(object: &Value) -> Vec<String> {
    let mut warnings = Vec::new();
    for (i, subscription) in list(object, &["spec", "subscriptions"]).iter().enumerate() {
        for key in ["git", "image"] {
            for (old, new) in [("allowTags", "allowTagsRegexes"), ("ignoreTags", "ignoreTagsRegexes")] {
                if present(subscription, &[key, old]) {
                    warnings.push(format!(
                        "spec.subscriptions[{i}].{key}.{old} is not used any more and stops discovery; write {new}"
                    ));
                }
            }
        }
    }
    warnings
}

/// Writes the defaults of the subscriptions.
pub(super) fn default_all(object: &mut Value) {
    if let Some(Value::Array(subscriptions)) = object.pointer_mut("/spec/subscriptions") {
        subscriptions.iter_mut().for_each(default);
    }
}

/// Writes the defaults of a subscription of a known type; an empty text, a null and a zero say as much as nothing.
fn default(subscription: &mut Value) {
    let Value::Object(map) = subscription else { return };
    for key in ["git", "image", "chart"] {
        if let (Some(body), Some(schema)) = (map.get_mut(key).filter(|b| b.is_object()), body_schema(key)) {
            let said = |key: &String, value: &Value| key == "repoURL" || !(value.is_null() || *value == "" || *value == 0);
            as_map(body).retain(|key, value| said(key, value));
            schema::apply_defaults(&schema, body);
        }
    }
}

pub(super) fn rules(object: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    let mut seen = Seen::default();
    for (i, subscription) in list(object, &["spec", "subscriptions"]).iter().enumerate() {
        let field = format!("spec.subscriptions[{i}]");
        let Value::Object(map) = subscription else {
            causes.push(Cause::invalid(field, "a subscription is an object with one of git, image, chart"));
            continue;
        };
        let keys: Vec<&String> = map.keys().filter(|key| *key != "name").collect();
        let [key] = keys.as_slice() else {
            causes.push(Cause::invalid(field, one_type(&keys)));
            continue;
        };
        named(map, key, &field, &mut seen, &mut causes);
        body(key, &map[*key], &format!("{field}.{key}"), &field, &mut seen, &mut causes);
    }
    causes
}

fn one_type(keys: &[&String]) -> String {
    if keys.is_empty() {
        "a subscription has one type; add git, image or chart".into()
    } else {
        let keys: Vec<&str> = keys.iter().map(|k| k.as_str()).collect();
        format!(
            "a subscription has exactly one type beside name, and this has {}; make one subscription of each",
            keys.join(", ")
        )
    }
}

#[derive(Default)]
struct Seen {
    names: HashMap<String, String>,
    repositories: HashMap<String, String>,
}

fn named(map: &Map<String, Value>, key: &str, field: &str, seen: &mut Seen, causes: &mut Vec<Cause>) {
    let field = format!("{field}.name");
    let known = matches!(key, "git" | "image" | "chart");
    match map.get("name").map(|n| n.as_str().unwrap_or("\0")) {
        None | Some("") if known => {}
        None | Some("") => causes.push(Cause::required(field, format!("a subscription of type {key} needs a name"))),
        Some(name) if !is_label(name) => {
            causes.push(Cause::invalid(
                field,
                "write at most 63 of lower-case letters, digits and -, beginning and ending with no -",
            ));
        }
        Some(name) => {
            if let Some(first) = seen.names.insert(name.to_owned(), field.clone()) {
                causes.push(Cause::duplicate(field, format!("{first} is {name} already; choose another")));
            }
        }
    }
}

fn body(key: &str, body: &Value, path: &str, field: &str, seen: &mut Seen, causes: &mut Vec<Cause>) {
    let Some(schema) = body_schema(key) else {
        let limit = body.get("discoveryLimit").and_then(Value::as_i64).unwrap_or(20);
        if !(1..=100).contains(&limit) {
            causes.push(Cause::invalid(format!("{path}.discoveryLimit"), "write a number from 1 to 100"));
        }
        return;
    };
    for mut cause in schema::unknown_fields(&schema, body) {
        let successor = REMOVED.iter().find(|(k, removed, _)| *k == key && *removed == cause.field);
        cause.message = match successor {
            Some((_, removed, hint)) => format!("{removed} was removed; {hint}"),
            None => cause.message,
        };
        cause.field = format!("{path}.{}", cause.field);
        causes.push(cause);
    }
    let wrong = schema::check(&schema, body);
    let sound = wrong.is_empty();
    causes.extend(wrong.into_iter().map(|mut cause| {
        cause.field = if cause.field.is_empty() { path.to_owned() } else { format!("{path}.{}", cause.field) };
        cause
    }));
    if !sound {
        return;
    }
    of_type(key, body, path, causes);
    let url = text(body, &["repoURL"]);
    let repository = match key {
        "git" => format!("git {}", normalise_git(url)),
        "image" => format!("image {}", normalise_image(url)),
        _ => format!("chart {} {}", normalise_chart(url), text(body, &["name"])),
    };
    if let Some(first) = seen.repositories.insert(repository, field.to_owned()) {
        let message = format!("{first} subscribes to this repository already; a warehouse has one subscription a repository");
        causes.push(Cause::duplicate(format!("{path}.repoURL"), message));
    }
}

fn of_type(key: &str, body: &Value, path: &str, causes: &mut Vec<Cause>) {
    let constraint_key = if key == "image" { "constraint" } else { "semverConstraint" };
    let constraint = text(body, &[constraint_key]);
    let digest = key == "image" && text(body, &["imageSelectionStrategy"]) == "Digest";
    if digest {
        if constraint.is_empty() {
            causes.push(Cause::required(format!("{path}.constraint"), "the Digest strategy follows one tag; name it here"));
        }
    } else if !constraint.is_empty()
        && let Err(error) = Constraint::parse(constraint)
    {
        causes.push(Cause::invalid(format!("{path}.{constraint_key}"), error.to_string()));
    }
    if key == "chart" {
        let oci = text(body, &["repoURL"]).to_ascii_lowercase().starts_with("oci://");
        let name = text(body, &["name"]);
        if oci && !name.is_empty() {
            causes.push(Cause::forbidden(format!("{path}.name"), "an oci:// address names the chart itself; take the name out"));
        } else if !oci && name.is_empty() {
            causes.push(Cause::required(format!("{path}.name"), "a chart repository holds many charts; name one"));
        }
    }
    let platform = text(body, &["platform"]);
    let parts = platform.split('/').count();
    if !platform.is_empty() && (!(2..=3).contains(&parts) || platform.split('/').any(str::is_empty)) {
        causes.push(Cause::invalid(format!("{path}.platform"), "write os/arch or os/arch/variant, such as linux/amd64"));
    }
}
