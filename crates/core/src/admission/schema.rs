//! Structural schemas: defaults written, unknown fields found, values checked. What a CRD's schema says, and no more.

use super::Cause;
use regex::Regex;
use serde_json::{Map, Value};
use std::collections::HashMap;
use std::sync::{LazyLock, Mutex};

/// How deep a document may nest; what lies deeper is not looked at.
const DEEPEST: usize = 64;

/// Writes the defaults of fields that are not there, in objects that are. A null where none may be counts as not there.
pub fn apply_defaults(schema: &Value, value: &mut Value) {
    match value {
        Value::Object(map) => {
            for (name, property) in properties(schema) {
                let typed = property.get("type").is_some() && property.get("nullable") != Some(&Value::Bool(true));
                if typed && map.get(name).is_some_and(Value::is_null) {
                    map.shift_remove(name);
                }
                if let (None, Some(default)) = (map.get(name), property.get("default")) {
                    map.insert(name.clone(), default.clone());
                }
                if let Some(inner) = map.get_mut(name) {
                    apply_defaults(property, inner);
                }
            }
            if let Some(extra) = schema.get("additionalProperties") {
                map.values_mut().for_each(|inner| apply_defaults(extra, inner));
            }
        }
        Value::Array(items) => {
            if let Some(schema) = schema.get("items") {
                items.iter_mut().for_each(|item| apply_defaults(schema, item));
            }
        }
        _ => {}
    }
}

/// The fields that no schema knows, with the name that was probably meant.
pub fn unknown_fields(schema: &Value, value: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    unknown(schema, value, &mut Path::default(), &mut causes);
    causes
}

/// What is wrong with the values of a document. Unknown fields are not looked at.
pub fn check(schema: &Value, value: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    walk(schema, value, &mut Path::default(), &mut causes);
    causes
}

#[derive(Default)]
struct Path(Vec<String>);

impl Path {
    fn within<T>(&mut self, part: String, f: impl FnOnce(&mut Self) -> T) -> T {
        self.0.push(part);
        let result = f(self);
        self.0.pop();
        result
    }
}

impl std::fmt::Display for Path {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (i, part) in self.0.iter().enumerate() {
            let dot = if i == 0 || part.starts_with('[') { "" } else { "." };
            write!(f, "{dot}{part}")?;
        }
        Ok(())
    }
}

fn properties(schema: &Value) -> impl Iterator<Item = (&String, &Value)> {
    schema.get("properties").and_then(Value::as_object).into_iter().flatten()
}

fn open(schema: &Value) -> bool {
    let preserves = schema.get("x-kubernetes-preserve-unknown-fields") == Some(&Value::Bool(true));
    preserves || (schema.get("properties").is_none() && schema.get("additionalProperties").is_none())
}

fn unknown(schema: &Value, value: &Value, path: &mut Path, causes: &mut Vec<Cause>) {
    if path.0.len() > DEEPEST {
        return;
    }
    match value {
        Value::Object(map) if !open(schema) => {
            let known = schema.get("properties").and_then(Value::as_object);
            let extra = schema.get("additionalProperties");
            for (key, inner) in map {
                path.within(key.clone(), |path| match (known.and_then(|k| k.get(key)), extra) {
                    (Some(property), _) | (None, Some(property)) => unknown(property, inner, path, causes),
                    (None, None) => causes.push(Cause::invalid(path.to_string(), not_known(key, known))),
                });
            }
        }
        Value::Array(items) => {
            let Some(schema) = schema.get("items") else { return };
            for (i, item) in items.iter().enumerate() {
                path.within(format!("[{i}]"), |path| unknown(schema, item, path, causes));
            }
        }
        _ => {}
    }
}

fn not_known(key: &str, known: Option<&Map<String, Value>>) -> String {
    let near = known
        .into_iter()
        .flat_map(Map::keys)
        .map(|name| (similar::TextDiff::from_chars(key, name.as_str()).ratio(), name))
        .filter(|(ratio, _)| *ratio > 0.7)
        .max_by(|a, b| a.0.total_cmp(&b.0));
    match near {
        Some((_, name)) => format!("unknown field {key}; did you mean {name}?"),
        None => format!("unknown field {key}; take it out"),
    }
}

fn walk(schema: &Value, value: &Value, path: &mut Path, causes: &mut Vec<Cause>) {
    if path.0.len() > DEEPEST {
        return;
    }
    if let Some(type_) = schema.get("type").and_then(Value::as_str)
        && !of_type(type_, value)
    {
        causes.push(Cause::invalid(path.to_string(), format!("this must be of type {type_}")));
        return;
    }
    if let Some(allowed) = schema.get("enum").and_then(Value::as_array)
        && !allowed.contains(value)
    {
        let words: Vec<String> = allowed
            .iter()
            .map(|v| v.as_str().map_or_else(|| v.to_string(), |s| if s.is_empty() { "\"\"".into() } else { s.into() }))
            .collect();
        causes.push(Cause::not_supported(path.to_string(), format!("{value} is none of {}", words.join(", "))));
    }
    match value {
        Value::String(text) => string(schema, text, path, causes),
        Value::Number(number) => {
            let value = number.as_f64().unwrap_or_default();
            bounds(schema, value, ["minimum", "maximum"], "a number", path, causes);
        }
        Value::Array(items) => {
            bounds(schema, count(items.len()), ["minItems", "maxItems"], "items", path, causes);
            if let Some(schema) = schema.get("items") {
                for (i, item) in items.iter().enumerate() {
                    path.within(format!("[{i}]"), |path| walk(schema, item, path, causes));
                }
            }
        }
        Value::Object(map) => {
            for name in schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str) {
                if !map.contains_key(name) {
                    path.within(name.to_owned(), |path| {
                        causes.push(Cause::required(path.to_string(), format!("{name} is missing; add it")))
                    });
                }
            }
            let known = schema.get("properties").and_then(Value::as_object);
            let extra = schema.get("additionalProperties");
            for (key, inner) in map {
                if let Some(property) = known.and_then(|k| k.get(key)).or(extra) {
                    path.within(key.clone(), |path| walk(property, inner, path, causes));
                }
            }
        }
        _ => {}
    }
}

fn of_type(type_: &str, value: &Value) -> bool {
    match type_ {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64() || value.as_f64().is_some_and(|f| f.fract() == 0.0),
        "number" => value.is_number(),
        _ => true,
    }
}

fn string(schema: &Value, text: &str, path: &Path, causes: &mut Vec<Cause>) {
    bounds(schema, count(text.chars().count()), ["minLength", "maxLength"], "characters", path, causes);
    if let Some(pattern) = schema.get("pattern").and_then(Value::as_str)
        && !matches(pattern, text)
    {
        causes.push(Cause::invalid(path.to_string(), format!("{text:?} does not match {pattern}")));
    }
    match schema.get("format").and_then(Value::as_str) {
        Some("date-time") if text.parse::<jiff::Timestamp>().is_err() => {
            causes.push(Cause::invalid(path.to_string(), format!("{text:?} is no time; write one such as 2026-01-31T12:00:00Z")));
        }
        Some("email") if !is_email(text) => {
            causes.push(Cause::invalid(
                path.to_string(),
                format!("{text:?} is no e-mail address; write one such as ci@bank.example"),
            ));
        }
        _ => {}
    }
}

/// Whether a text is an e-mail address, perhaps with a name before it: `Ada <ada@bank.example>`.
pub fn is_email(text: &str) -> bool {
    let text = text.trim();
    let address = text.strip_suffix('>').and_then(|inner| inner.rsplit_once('<')).map_or(text, |(_, address)| address);
    let part =
        |part: &str| !part.is_empty() && !part.contains(|c: char| c.is_whitespace() || c.is_control() || "<>,;@".contains(c));
    address.rsplit_once('@').is_some_and(|(local, domain)| part(local) && part(domain))
}

#[expect(clippy::cast_precision_loss, reason = "lengths are far below 2^52")]
fn count(n: usize) -> f64 {
    n as f64
}

fn bounds(schema: &Value, value: f64, keys: [&str; 2], what: &str, path: &Path, causes: &mut Vec<Cause>) {
    let bound = |key: &str| schema.get(key).and_then(Value::as_f64);
    if let Some(least) = bound(keys[0]).filter(|least| value < *least) {
        causes.push(Cause::invalid(path.to_string(), format!("write at least {least} {what}").replace(" a number", "")));
    }
    if let Some(most) = bound(keys[1]).filter(|most| value > *most) {
        causes.push(Cause::invalid(path.to_string(), format!("write at most {most} {what}").replace(" a number", "")));
    }
}

/// Whether a text matches a pattern of a schema; one that is no pattern matches everything.
fn matches(pattern: &str, text: &str) -> bool {
    static COMPILED: LazyLock<Mutex<HashMap<String, Option<Regex>>>> = LazyLock::new(Mutex::default);
    // Patterns come from our own schemas, so that their number is bounded.
    let Ok(mut compiled) = COMPILED.lock() else { return true };
    let regex = compiled.entry(pattern.to_owned()).or_insert_with(|| crate::go_regex::compile(pattern).ok());
    regex.as_ref().is_none_or(|regex| regex.is_match(text))
}
