//! Values against schemas, by example: what is told of each wrong one.

use super::*;
use serde_json::json;

fn check_one(schema: Value, value: Value) -> String {
    let schema = json!({"type": "object", "properties": {"spec": schema}});
    check(&schema, &json!({"spec": value})).iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

fn passes(schema: Value, value: Value) {
    assert_eq!(check_one(schema, value), "");
}

#[test]
fn types() {
    insta::assert_snapshot!(check_one(json!({"type": "integer"}), json!("a")), @r#"spec: Invalid value: "a": must be of type integer, not string"#);
    insta::assert_snapshot!(check_one(json!({"type": "string"}), json!(null)), @"spec: Invalid value: null: must be of type string, not null");
    insta::assert_snapshot!(check_one(json!({"x-kubernetes-int-or-string": true}), json!(true)), @"spec: Invalid value: true: must be of type integer or string, not boolean");
    passes(json!({"type": "integer"}), json!(3.0));
    passes(json!({"type": "string", "nullable": true}), json!(null));
    passes(json!({"x-kubernetes-int-or-string": true}), json!("50%"));
    passes(json!({"x-kubernetes-preserve-unknown-fields": true}), json!([1]));
}

#[test]
fn texts() {
    insta::assert_snapshot!(check_one(json!({"type": "string", "pattern": "^[a-z]+$"}), json!("A1")), @r#"spec: Invalid value: "A1": must match '^[a-z]+$'"#);
    insta::assert_snapshot!(check_one(json!({"type": "string", "minLength": 1}), json!("")), @r#"spec: Invalid value: "": must be at least 1 characters long"#);
    insta::assert_snapshot!(check_one(json!({"type": "string", "maxLength": 2}), json!("äöü")), @"spec: Too long: may not be more than 2 characters, has 3");
    insta::assert_snapshot!(check_one(json!({"type": "string", "enum": ["a", "b"]}), json!("c")), @r#"spec: Unsupported value: "c": supported values: "a", "b""#);
    insta::assert_snapshot!(check_one(json!({"type": "string", "format": "date-time"}), json!("noon")), @r#"spec: Invalid value: "noon": must be a time as in RFC 3339"#);
    insta::assert_snapshot!(check_one(json!({"type": "string", "format": "duration"}), json!("soon")), @r#"spec: Invalid value: "soon": must be a duration such as 1h30m"#);
    for text in ["1h30m", "0", "-1.5s", "PT1H", "100ms"] {
        passes(json!({"type": "string", "format": "duration"}), json!(text));
    }
    passes(json!({"type": "string", "format": "date-time"}), json!("2026-01-02T03:04:05Z"));
    passes(json!({"type": "string", "format": "unheard-of"}), json!("x"));
    passes(json!({"type": "string", "pattern": "(?=x)"}), json!("y"));
}

#[test]
fn numbers() {
    insta::assert_snapshot!(check_one(json!({"type": "integer", "minimum": 1}), json!(0)), @"spec: Invalid value: 0: must be at least 1");
    insta::assert_snapshot!(check_one(json!({"type": "integer", "maximum": 1, "exclusiveMaximum": true}), json!(1)), @"spec: Invalid value: 1: must be less than 1");
    insta::assert_snapshot!(check_one(json!({"type": "integer", "format": "int32"}), json!(3_000_000_000_u64)), @"spec: Invalid value: 3000000000: must fit into 32 bits");
    insta::assert_snapshot!(check_one(json!({"type": "integer", "multipleOf": 5}), json!(12)), @"spec: Invalid value: 12: must be a multiple of 5");
}

#[test]
fn lists_and_maps() {
    let object =
        json!({"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}, "n": {"type": "integer"}}});
    insta::assert_snapshot!(check_one(json!({"type": "array", "items": object}), json!([{"name": "a"}, {"n": "x"}])), @r#"
    spec[1].name: Required value
    spec[1].n: Invalid value: "x": must be of type integer, not string
    "#);
    insta::assert_snapshot!(check_one(json!({"type": "array", "maxItems": 1}), json!([1, 2])), @"spec: Too many: 2: must have at most 1 items");
    insta::assert_snapshot!(check_one(json!({"type": "array", "minItems": 1}), json!([])), @"spec: Invalid value: 0: must have at least 1 items");
    insta::assert_snapshot!(check_one(json!({"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]}), json!([{"type": "A"}, {"type": "A"}])), @r#"spec[1]: Duplicate value: {"type":"A"}"#);
    insta::assert_snapshot!(check_one(json!({"type": "array", "x-kubernetes-list-type": "set"}), json!(["a", "a"])), @r#"spec[1]: Duplicate value: "a""#);
    insta::assert_snapshot!(check_one(json!({"type": "object", "additionalProperties": {"type": "string"}}), json!({"a.b": 1})), @"spec[a.b]: Invalid value: 1: must be of type string, not integer");
}

#[test]
fn combinations() {
    let one = json!({"oneOf": [{"required": ["a"]}, {"required": ["b"]}]});
    insta::assert_snapshot!(check_one(one.clone(), json!({})), @r#"spec: Invalid value: "object": must fit one form: spec.a: Required value; or spec.b: Required value"#);
    insta::assert_snapshot!(check_one(one.clone(), json!({"a": 1, "b": 2})), @r#"spec: Invalid value: "object": must fit exactly one form, fits 2"#);
    passes(one, json!({"a": 1}));
    passes(json!({"anyOf": [{"type": "integer"}, {"type": "string"}]}), json!("x"));
    insta::assert_snapshot!(check_one(json!({"not": {"required": ["x"]}}), json!({"x": 1})), @r#"spec: Invalid value: "object": has a form that is not allowed"#);
    insta::assert_snapshot!(check_one(json!({"allOf": [{"minLength": 2}]}), json!("x")), @r#"spec: Invalid value: "x": must be at least 2 characters long"#);
}

#[test]
fn bytes_are_never_shown() {
    insta::assert_snapshot!(check_one(json!({"type": "string", "format": "byte"}), json!("hunter2!")), @"spec: Invalid value: must be base64");
    insta::assert_snapshot!(check_one(json!({"type": "string", "format": "byte"}), json!(1234)), @"spec: Invalid value: …: must be of type string, not integer");
}

/// A pattern that cannot be compiled would silently check nothing.
#[test]
fn every_pattern_of_our_kinds_is_understood() {
    fn patterns(schema: &Value, found: &mut Vec<String>) {
        match schema {
            Value::Object(fields) => {
                found.extend(fields.get("pattern").and_then(Value::as_str).map(str::to_owned));
                fields.values().for_each(|inner| patterns(inner, found));
            }
            Value::Array(items) => items.iter().for_each(|inner| patterns(inner, found)),
            _ => {}
        }
    }
    for info in seaway_api::kinds() {
        let mut found = Vec::new();
        patterns(&info.schema, &mut found);
        for pattern in found {
            assert!(compiled(&pattern).is_some(), "{}: `{pattern}`", info.kind);
        }
    }
}
