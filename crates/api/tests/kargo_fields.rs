//! Our schemas have the fields of Kargo's published CRDs: no less, and no more.

use seaway_api::kinds;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Where ours differs on purpose, and why. A place under a key of this list is not compared.
const DIFFERENCES: [(&str, &str); 0] = [];

type Places = BTreeMap<String, BTreeSet<String>>;

/// The facts, with the parts put in where they are named.
fn facts() -> Places {
    let mut lines: Vec<(String, Vec<String>)> = Vec::new();
    for line in include_str!("kargo-fields.txt").lines().filter(|l| !l.is_empty() && !l.starts_with('#')) {
        let (place, fields) = line.split_once(": ").unwrap();
        lines.push((place.to_owned(), fields.split(' ').map(str::to_owned).collect()));
    }
    let mut places = Places::new();
    for (place, fields) in lines.iter().filter(|(place, _)| !place.starts_with('@')) {
        put(place, fields, &lines, &mut places);
    }
    places
}

fn put(place: &str, fields: &[String], lines: &[(String, Vec<String>)], places: &mut Places) {
    let Some(part) = fields[0].strip_prefix('@') else {
        places.insert(place.to_owned(), fields.iter().cloned().collect());
        return;
    };
    for (name, fields) in lines {
        let rest = name.strip_prefix('@').and_then(|n| n.strip_prefix(part));
        if let Some(rest) = rest.filter(|rest| rest.is_empty() || rest.starts_with(['.', '[', '{'])) {
            put(&format!("{place}{rest}"), fields, lines, places);
        }
    }
}

/// Every place of a schema that has fields, or keeps what it is given.
fn of_schema(schema: &Value, place: String, places: &mut Places) {
    if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
        places.insert(place.clone(), properties.keys().cloned().collect());
        for (name, inner) in properties {
            of_schema(inner, format!("{place}.{name}"), places);
        }
    } else if schema.get("x-kubernetes-preserve-unknown-fields").is_some() {
        places.insert(place.clone(), BTreeSet::from(["*".to_owned()]));
    }
    for (key, mark) in [("items", "[]"), ("additionalProperties", "{}")] {
        if let Some(inner) = schema.get(key) {
            of_schema(inner, format!("{place}{mark}"), places);
        }
    }
}

#[test]
fn our_schemas_have_the_fields_of_kargos() {
    let mut ours = Places::new();
    for info in kinds().iter().filter(|info| info.group == seaway_api::kargo::GROUP) {
        of_schema(&info.schema, info.kind.to_owned(), &mut ours);
    }
    let mut facts = facts();
    let known = |place: &str| {
        place.ends_with(".metadata") && !place.contains(".metadata.")
            || place.ends_with("secretRef")
            || DIFFERENCES.iter().any(|(known, _)| place.starts_with(known))
    };
    ours.retain(|place, _| !known(place));
    facts.retain(|place, _| !known(place));
    let mut wrong = Vec::new();
    for place in ours.keys().chain(facts.keys()).collect::<BTreeSet<_>>() {
        if ours.get(place) != facts.get(place) {
            wrong.push(format!("{place}: ours {:?}, Kargo's {:?}", ours.get(place), facts.get(place)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What must hold of any schema of a CRD: structural, no references, nothing nullable.
fn structural(schema: &Value, place: &str) {
    let map = schema.as_object().unwrap_or_else(|| panic!("{place} is no schema"));
    for key in ["$ref", "$schema", "$defs", "title", "nullable", "anyOf", "oneOf", "allOf", "const", "x-required", "x-default"] {
        assert!(!map.contains_key(key), "{place} has {key}: {schema}");
    }
    let typed = map.get("type").is_some_and(Value::is_string);
    assert!(typed || map.contains_key("x-kubernetes-preserve-unknown-fields"), "{place} has no type: {schema}");
    for (name, inner) in map.get("properties").and_then(Value::as_object).into_iter().flatten() {
        structural(inner, &format!("{place}.{name}"));
    }
    for name in map.get("required").and_then(Value::as_array).into_iter().flatten() {
        assert!(map["properties"].get(name.as_str().unwrap()).is_some(), "{place} requires {name}, which it has not");
    }
    for key in ["items", "additionalProperties"] {
        if let Some(inner) = map.get(key) {
            structural(inner, &format!("{place}.{key}"));
        }
    }
}

#[test]
fn every_schema_is_structural() {
    for info in kinds() {
        structural(&info.schema, info.kind);
    }
    for key in ["git", "image", "chart"] {
        structural(&seaway_api::kargo::subscription::body_schema(key).unwrap(), key);
    }
    assert_eq!(seaway_api::crd_documents().len(), kinds().len());
}

#[track_caller]
fn check(kind: &str, pointer: &str, expected: Value) {
    let schema = &seaway_api::kind(kind).unwrap().schema;
    let path = pointer.replace('.', "/properties/");
    assert_eq!(schema.pointer(&path), Some(&expected), "{kind} {path}");
}

#[test]
fn the_schemas_carry_kargos_rules() {
    check("Warehouse", ".spec.interval/default", "5m0s".into());
    check("Warehouse", ".spec.interval/pattern", seaway_api::GoDuration::PATTERN.into());
    check("Warehouse", ".spec.freightCreationPolicy/enum", serde_json::json!(["Automatic", "Manual"]));
    check("Warehouse", ".spec.subscriptions/minItems", 1.into());
    check("Warehouse", ".status.conditions/x-kubernetes-list-map-keys", serde_json::json!(["type"]));
    check(
        "Stage",
        ".spec.requestedFreight/items/properties/sources.availabilityStrategy/enum",
        serde_json::json!(["All", "OneOf", ""]),
    );
    check("Stage", ".spec/required", serde_json::json!(["requestedFreight"]));
    check("Promotion", ".spec.steps/minItems", 1.into());
    check("Freight", ".origin/required", serde_json::json!(["kind", "name"]));
    check(
        "Stage",
        ".status.observedGeneration",
        serde_json::json!({ "type": "integer", "format": "int64", "description": "The generation that was last wholly applied." }),
    );
}

#[test]
fn an_object_keeps_its_kind_and_what_we_do_not_know_reads_as_nothing() {
    let text = r#"{"apiVersion":"kargo.akuity.io/v1alpha1","kind":"Promotion","metadata":{"name":"p"},
        "spec":{"stage":"qa","freight":"f","steps":[{"uses":"http","vars":[{"name":"a"}],"retry":{}}],"later":1},"status":{"phase":"Resting"}}"#;
    let promotion: seaway_api::kargo::Promotion = serde_json::from_str(text).unwrap();
    assert_eq!(promotion.status.as_ref().unwrap().phase.as_str(), "Resting");
    let again = serde_json::to_value(&promotion).unwrap();
    assert_eq!(again["kind"], "Promotion");
    assert_eq!(again["spec"]["steps"][0].to_string(), r#"{"uses":"http","retry":{},"vars":[{"name":"a"}]}"#);
    let empty: seaway_api::kargo::Stage = serde_json::from_str("{}").unwrap();
    assert_eq!(serde_json::to_value(&empty).unwrap().get("spec"), None);
}

#[test]
fn subscriptions_are_kept_as_they_were_written() {
    use seaway_api::kargo::{Subscription, Typed};
    let text = r#"{"image":{"repoURL":"ghcr.io/bank/fund-transfer","konstraint":"x"},"name":"app"}"#;
    let subscription: Subscription = serde_json::from_str(text).unwrap();
    assert_eq!(serde_json::to_string(&subscription).unwrap(), text);
    assert_eq!(subscription.name(), "app");
    let Some(Typed::Image(image)) = subscription.typed() else { panic!("not an image") };
    assert_eq!((image.discovery_limit, image.strict_semvers), (20, true));
    let other: Subscription = serde_json::from_str(r#"{"jira":{"a":1},"name":"t"}"#).unwrap();
    assert!(matches!(other.typed(), Some(Typed::Other(o)) if o.subscription_type == "jira" && o.name == "t"));
}

/// What a place of a schema asks of a value, in one line; empty where it asks nothing but its type.
fn asked(schema: &Value) -> String {
    let mut words = Vec::new();
    let list = |value: &Value| {
        let items = value.as_array().into_iter().flatten();
        let mut items: Vec<String> = items.map(|item| item.as_str().map_or_else(|| item.to_string(), str::to_owned)).collect();
        items.sort();
        items.join(",")
    };
    if let Some(type_) = schema.get("type").and_then(Value::as_str) {
        words.push(type_.to_owned());
    }
    for (key, word) in [("required", "required"), ("enum", "one of"), ("x-kubernetes-list-map-keys", "by")] {
        words.extend(schema.get(key).map(|value| format!("{word} [{}]", list(value))));
    }
    let plain = [
        "default",
        "format",
        "minLength",
        "maxLength",
        "minItems",
        "maxItems",
        "minimum",
        "maximum",
        "x-kubernetes-list-type",
        "x-kubernetes-map-type",
    ];
    for key in plain {
        let value = schema.get(key).map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned));
        words.extend(value.map(|value| format!("{}={value}", key.trim_start_matches("x-kubernetes-"))));
    }
    words.extend(schema.get("pattern").and_then(Value::as_str).map(|pattern| format!("like {pattern}")));
    let rules = schema.get("x-kubernetes-validations").and_then(Value::as_array).into_iter().flatten();
    words.extend(rules.map(|rule| format!("rule {}", rule["rule"].as_str().unwrap())));
    words.join(" ")
}

fn asks(schema: &Value, place: &str, lines: &mut Vec<String>) {
    let words = asked(schema);
    if !words.is_empty() && place.contains('.') {
        lines.push(format!("{place}: {words}"));
    }
    for (name, inner) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
        if !["status", "metadata", "apiVersion", "kind"].contains(&name.as_str()) || place.contains('.') {
            asks(inner, &format!("{place}.{name}"), lines);
        }
    }
    for (key, mark) in [("items", "[]"), ("additionalProperties", "{}")] {
        if let Some(inner) = schema.get(key) {
            asks(inner, &format!("{place}{mark}"), lines);
        }
    }
}

/// Types, needed fields, enumerations, lengths, patterns, defaults and rules of what people write, as Kargo publishes them.
#[test]
fn our_schemas_ask_what_kargos_ask() {
    let mut ours = Vec::new();
    for info in kinds().iter().filter(|info| info.group == seaway_api::kargo::GROUP) {
        asks(&info.schema, info.kind, &mut ours);
    }
    for key in ["git", "image", "chart"] {
        let schema = seaway_api::kargo::subscription::body_schema(key).unwrap();
        asks(&schema, &format!("subscription.{key}"), &mut ours);
    }
    ours.sort();
    let facts: Vec<&str> = include_str!("kargo-rules.txt").lines().filter(|l| !l.is_empty() && !l.starts_with('#')).collect();
    let known: BTreeSet<&str> = facts.iter().copied().collect();
    let found: BTreeSet<&str> = ours.iter().map(String::as_str).collect();
    let more: Vec<String> = found.difference(&known).map(|line| format!("ours asks {line}")).collect();
    let less: Vec<String> = known.difference(&found).map(|line| format!("Kargo's asks {line}")).collect();
    assert!(more.is_empty() && less.is_empty(), "{}\n{}", more.join("\n"), less.join("\n"));
    assert!(facts.len() > 150, "{}", facts.len());
}
