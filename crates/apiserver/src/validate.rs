//! Objects against the structural schemas of their kinds: defaults, unknown fields, values, and metadata.

mod metadata;
mod shape;

use std::collections::HashMap;
use std::fmt;
use std::sync::LazyLock;

use parking_lot::RwLock;
use regex::Regex;
use serde_json::{Map, Value};

pub use metadata::{check_metadata, is_label_value, is_qualified_name};
pub use shape::{default, prune, unknown_fields};

/// How many errors one object is told about.
const ERRORS_MAX: usize = 64;
/// How many compiled patterns are kept; schemas are fixed at build time, so this is never reached by them.
const PATTERNS_MAX: usize = 512;
/// How deep a value may nest before it is refused.
const DEPTH_MAX: usize = 128;

/// What is wrong with a field, as the causes of a `Status` name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// It is missing.
    Required,
    /// Its value breaks a rule.
    Invalid,
    /// Its value is none of an enumeration.
    NotSupported,
    /// It has another type.
    TypeInvalid,
    /// Too many items.
    TooMany,
    /// Too long a text.
    TooLong,
    /// An item that may stand once stands twice.
    Duplicate,
    /// It may not be set.
    Forbidden,
}

impl ErrorKind {
    /// The `reason` of a `StatusCause`.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Required => "FieldValueRequired",
            Self::Invalid => "FieldValueInvalid",
            Self::NotSupported => "FieldValueNotSupported",
            Self::TypeInvalid => "FieldValueTypeInvalid",
            Self::TooMany => "FieldValueTooMany",
            Self::TooLong => "FieldValueTooLong",
            Self::Duplicate => "FieldValueDuplicate",
            Self::Forbidden => "FieldValueForbidden",
        }
    }
}

/// One wrong field of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    /// Where: `spec.list[0].bar`.
    pub path: String,
    /// Of what sort.
    pub kind: ErrorKind,
    /// What to tell, without the path: `Required value`, `Invalid value: 3: must be at least 4`.
    pub message: String,
}

impl FieldError {
    /// An invalid value, shown, and the rule it breaks.
    pub fn invalid(path: &str, value: &Value, rule: impl fmt::Display) -> Self {
        Self { path: path.to_owned(), kind: ErrorKind::Invalid, message: format!("Invalid value: {}: {rule}", shown(value)) }
    }

    /// A missing field.
    pub fn required(path: &str) -> Self {
        Self { path: path.to_owned(), kind: ErrorKind::Required, message: "Required value".to_owned() }
    }

    /// A field that may not be set.
    pub fn forbidden(path: &str, rule: impl fmt::Display) -> Self {
        Self { path: path.to_owned(), kind: ErrorKind::Forbidden, message: format!("Forbidden: {rule}") }
    }
}

impl fmt::Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.message)
    }
}

/// A value as an error shows it: short, on one line.
fn shown(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(200) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// Checks an object against its structural schema; an empty list is a valid object. `metadata` is [`check_metadata`]'s.
pub fn check(schema: &Value, object: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    walk(schema, object, "", 0, &mut errors);
    errors.truncate(ERRORS_MAX);
    errors
}

fn walk(schema: &Value, value: &Value, path: &str, depth: usize, errors: &mut Vec<FieldError>) {
    let Some(rules) = schema.as_object() else { return };
    if errors.len() >= ERRORS_MAX {
        return;
    }
    if depth > DEPTH_MAX {
        errors.push(FieldError {
            path: path.to_owned(),
            kind: ErrorKind::Invalid,
            message: format!("Invalid value: nested deeper than {DEPTH_MAX} levels"),
        });
        return;
    }
    if value.is_null() && is_true(rules, "nullable") {
        return;
    }
    if !check_type(rules, value, path, errors) {
        return;
    }
    check_enum(rules, value, path, errors);
    match value {
        Value::String(text) => check_text(rules, value, text, path, errors),
        Value::Number(_) => check_number(rules, value, path, errors),
        Value::Array(items) => check_list(rules, items, path, depth, errors),
        Value::Object(fields) => check_map(rules, fields, path, depth, errors),
        _ => {}
    }
    check_combinations(rules, value, path, depth, errors);
}

fn is_true(rules: &Map<String, Value>, key: &str) -> bool {
    rules.get(key) == Some(&Value::Bool(true))
}

fn check_type(rules: &Map<String, Value>, value: &Value, path: &str, errors: &mut Vec<FieldError>) -> bool {
    // Bytes are the values of Secrets: they are never shown.
    let shown =
        |value: &Value| if rules.get("format").and_then(Value::as_str) == Some("byte") { "…".to_owned() } else { shown(value) };
    let fits = |wanted: &str| match wanted {
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64() || value.as_f64().is_some_and(|number| number.fract() == 0.0),
        "number" => value.is_number(),
        "object" => value.is_object(),
        "array" => value.is_array(),
        "null" => value.is_null(),
        _ => true,
    };
    let (ok, wanted) = if is_true(rules, "x-kubernetes-int-or-string") {
        (fits("integer") || fits("string"), "integer or string".to_owned())
    } else {
        match rules.get("type") {
            Some(Value::String(wanted)) => (fits(wanted), wanted.clone()),
            Some(Value::Array(several)) => {
                let several: Vec<&str> = several.iter().filter_map(Value::as_str).collect();
                (several.iter().any(|wanted| fits(wanted)), several.join(" or "))
            }
            _ => (true, String::new()),
        }
    };
    if !ok {
        errors.push(FieldError {
            path: path.to_owned(),
            kind: ErrorKind::TypeInvalid,
            message: format!("Invalid value: {}: must be of type {wanted}, not {}", shown(value), type_name(value)),
        });
    }
    ok
}

fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn check_enum(rules: &Map<String, Value>, value: &Value, path: &str, errors: &mut Vec<FieldError>) {
    if let Some(Value::Array(allowed)) = rules.get("enum")
        && !allowed.contains(value)
    {
        let list: Vec<String> = allowed.iter().map(ToString::to_string).collect();
        errors.push(FieldError {
            path: path.to_owned(),
            kind: ErrorKind::NotSupported,
            message: format!("Unsupported value: {}: supported values: {}", shown(value), list.join(", ")),
        });
    }
}

fn check_text(rules: &Map<String, Value>, value: &Value, text: &str, path: &str, errors: &mut Vec<FieldError>) {
    let length = text.chars().count() as u64;
    if let Some(least) = rules.get("minLength").and_then(Value::as_u64)
        && length < least
    {
        errors.push(FieldError::invalid(path, value, format_args!("must be at least {least} characters long")));
    }
    if let Some(most) = rules.get("maxLength").and_then(Value::as_u64)
        && length > most
    {
        errors.push(FieldError {
            path: path.to_owned(),
            kind: ErrorKind::TooLong,
            message: format!("Too long: may not be more than {most} characters, has {length}"),
        });
    }
    if let Some(pattern) = rules.get("pattern").and_then(Value::as_str)
        && compiled(pattern).is_some_and(|regex| !regex.is_match(text))
    {
        errors.push(FieldError::invalid(path, value, format_args!("must match '{pattern}'")));
    }
    let format = rules.get("format").and_then(Value::as_str).unwrap_or_default();
    let rule = match format {
        "date-time" if text.parse::<jiff::Timestamp>().is_err() => "must be a time as in RFC 3339",
        "date" if text.parse::<jiff::civil::Date>().is_err() => "must be a date, YYYY-MM-DD",
        "duration" if !is_duration(text) => "must be a duration such as 1h30m",
        "email" if !seaway_core::admission::schema::is_email(text) => "must be an e-mail address",
        "byte" if !is_base64(text) => {
            // The values of Secrets are never shown.
            errors.push(FieldError {
                path: path.to_owned(),
                kind: ErrorKind::Invalid,
                message: "Invalid value: must be base64".to_owned(),
            });
            return;
        }
        _ => return,
    };
    errors.push(FieldError::invalid(path, value, rule));
}

/// Go's durations (`1h30m`, `-1.5s`, `0`) and ISO 8601's (`PT1H`).
fn is_duration(text: &str) -> bool {
    static GO: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r"^[+-]?(0|(([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h|d|w))+)$").ok());
    GO.as_ref().is_some_and(|go| go.is_match(text)) || text.parse::<jiff::Span>().is_ok()
}

fn is_base64(text: &str) -> bool {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.decode(text).is_ok()
}

/// A pattern compiled once. One that the regex crate cannot read (look-around, which RE2 refuses as well) checks nothing.
fn compiled(pattern: &str) -> Option<Regex> {
    static PATTERNS: LazyLock<RwLock<HashMap<String, Option<Regex>>>> = LazyLock::new(RwLock::default);
    if let Some(known) = PATTERNS.read().get(pattern) {
        return known.clone();
    }
    let regex = Regex::new(pattern).ok();
    let mut patterns = PATTERNS.write();
    if patterns.len() >= PATTERNS_MAX {
        patterns.clear();
    }
    patterns.insert(pattern.to_owned(), regex.clone());
    regex
}

fn check_number(rules: &Map<String, Value>, value: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let Some(number) = value.as_f64() else { return };
    if let Some(least) = rules.get("minimum").and_then(Value::as_f64) {
        let open = is_true(rules, "exclusiveMinimum");
        if number < least || (open && number == least) {
            errors.push(FieldError::invalid(
                path,
                value,
                format_args!("must be {} {least}", if open { "greater than" } else { "at least" }),
            ));
        }
    }
    if let Some(most) = rules.get("maximum").and_then(Value::as_f64) {
        let open = is_true(rules, "exclusiveMaximum");
        if number > most || (open && number == most) {
            errors.push(FieldError::invalid(
                path,
                value,
                format_args!("must be {} {most}", if open { "less than" } else { "at most" }),
            ));
        }
    }
    if let Some(step) = rules.get("multipleOf").and_then(Value::as_f64)
        && step > 0.0
        && (number / step).fract() != 0.0
    {
        errors.push(FieldError::invalid(path, value, format_args!("must be a multiple of {step}")));
    }
    if rules.get("format").and_then(Value::as_str) == Some("int32")
        && !(f64::from(i32::MIN)..=f64::from(i32::MAX)).contains(&number)
    {
        errors.push(FieldError::invalid(path, value, "must fit into 32 bits"));
    }
}

fn check_list(rules: &Map<String, Value>, items: &[Value], path: &str, depth: usize, errors: &mut Vec<FieldError>) {
    check_count(rules, items.len(), ["minItems", "maxItems"], "items", path, errors);
    if let Some(schema) = rules.get("items") {
        for (at, item) in items.iter().enumerate() {
            walk(schema, item, &format!("{path}[{at}]"), depth + 1, errors);
        }
    }
    let keys: Vec<&str> = match rules.get("x-kubernetes-list-type").and_then(Value::as_str) {
        Some("map") => rules
            .get("x-kubernetes-list-map-keys")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect(),
        Some("set") => Vec::new(),
        _ if is_true(rules, "uniqueItems") => Vec::new(),
        _ => return,
    };
    let mut seen = std::collections::HashSet::with_capacity(items.len());
    for (at, item) in items.iter().enumerate() {
        let identity = if keys.is_empty() {
            item.clone()
        } else {
            keys.iter().map(|key| ((*key).to_owned(), item.get(key).cloned().unwrap_or_default())).collect::<Map<_, _>>().into()
        };
        if !seen.insert(identity.to_string()) {
            errors.push(FieldError {
                path: format!("{path}[{at}]"),
                kind: ErrorKind::Duplicate,
                message: format!("Duplicate value: {}", shown(&identity)),
            });
        }
    }
}

fn check_count(
    rules: &Map<String, Value>,
    count: usize,
    [least, most]: [&str; 2],
    what: &str,
    path: &str,
    errors: &mut Vec<FieldError>,
) {
    let count = count as u64;
    if let Some(least) = rules.get(least).and_then(Value::as_u64)
        && count < least
    {
        errors.push(FieldError {
            path: path.to_owned(),
            kind: ErrorKind::Invalid,
            message: format!("Invalid value: {count}: must have at least {least} {what}"),
        });
    }
    if let Some(most) = rules.get(most).and_then(Value::as_u64)
        && count > most
    {
        errors.push(FieldError {
            path: path.to_owned(),
            kind: ErrorKind::TooMany,
            message: format!("Too many: {count}: must have at most {most} {what}"),
        });
    }
}

fn check_map(rules: &Map<String, Value>, fields: &Map<String, Value>, path: &str, depth: usize, errors: &mut Vec<FieldError>) {
    check_count(rules, fields.len(), ["minProperties", "maxProperties"], "properties", path, errors);
    let properties = rules.get("properties").and_then(Value::as_object);
    for name in rules.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str) {
        if !fields.contains_key(name) {
            errors.push(FieldError::required(&shape::join(path, name)));
        }
    }
    let others = rules.get("additionalProperties").filter(|schema| schema.is_object());
    for (name, value) in fields {
        // The root's metadata has rules of its own.
        if depth == 0 && path.is_empty() && name == "metadata" {
            continue;
        }
        match properties.and_then(|known| known.get(name)) {
            Some(schema) => walk(schema, value, &shape::join(path, name), depth + 1, errors),
            None => {
                if let Some(schema) = others {
                    walk(schema, value, &shape::join_key(path, name), depth + 1, errors);
                }
            }
        }
    }
}

fn check_combinations(rules: &Map<String, Value>, value: &Value, path: &str, depth: usize, errors: &mut Vec<FieldError>) {
    let attempt = |schema: &Value| {
        let mut inner = Vec::new();
        walk(schema, value, path, depth + 1, &mut inner);
        inner
    };
    for schema in rules.get("allOf").and_then(Value::as_array).into_iter().flatten() {
        walk(schema, value, path, depth + 1, errors);
    }
    if let Some(Value::Array(choices)) = rules.get("anyOf") {
        let tries: Vec<_> = choices.iter().map(attempt).collect();
        if !tries.is_empty() && tries.iter().all(|errors| !errors.is_empty()) {
            errors.push(FieldError::invalid(path, &brief(value), format_args!("must fit at least one form: {}", list(&tries))));
        }
    }
    if let Some(Value::Array(choices)) = rules.get("oneOf") {
        let tries: Vec<_> = choices.iter().map(attempt).collect();
        match tries.iter().filter(|errors| errors.is_empty()).count() {
            1 => {}
            0 => errors.push(FieldError::invalid(path, &brief(value), format_args!("must fit one form: {}", list(&tries)))),
            several => {
                errors.push(FieldError::invalid(path, &brief(value), format_args!("must fit exactly one form, fits {several}")))
            }
        }
    }
    if let Some(schema) = rules.get("not")
        && attempt(schema).is_empty()
    {
        errors.push(FieldError::invalid(path, &brief(value), "has a form that is not allowed"));
    }
}

/// Containers are named by their type, as they would drown the message.
fn brief(value: &Value) -> Value {
    if value.is_object() || value.is_array() { Value::from(type_name(value)) } else { value.clone() }
}

fn list(tries: &[Vec<FieldError>]) -> String {
    tries.iter().filter_map(|errors| errors.first()).map(ToString::to_string).collect::<Vec<_>>().join("; or ")
}

#[cfg(test)]
mod tests;
