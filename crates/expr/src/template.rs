//! Texts and JSON documents with `${{ … }}` and `${% … %}` in them, and the functions that write text into them.

use std::sync::Arc;

use serde_json::Value as Json;

use crate::error::{Done, Error};
use crate::eval::Meter;
use crate::gotext;
use crate::value::{Unknown, Value};
use crate::{Budget, Env, Param, Signature};

/// A JSON document with its expressions worked out.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluated {
    /// The document; an unknown stands in it as a text that says so.
    pub json: Json,
    /// The secret texts that went into it.
    pub secrets: Vec<String>,
    /// JSON pointers of the values made with a secret.
    pub secret_paths: Vec<String>,
    /// JSON pointers of the values not known yet.
    pub unknowns: Vec<(String, Arc<Unknown>)>,
}

const RESERVED: [&str; 3] = ["quote", "asYAML", "asJSON"];

/// The signature of a function that only writes text, which every template has.
#[must_use]
pub fn text_signature(name: &str) -> Option<Signature> {
    const ONE: Signature = Signature { required: 1, params: &[Param::Any] };
    const TEXT: Signature = Signature { required: 1, params: &[Param::String] };
    const TWO: Signature = Signature { required: 2, params: &[Param::String, Param::String] };
    match name {
        "quote" | "unsafeQuote" | "asYAML" | "asJSON" => Some(ONE),
        "semverParse" => Some(TEXT),
        "semverDiff" => Some(TWO),
        _ => None,
    }
}

/// Answers a function that needs nothing but its arguments.
pub(crate) fn text_function(name: &str, args: &[Value], at: usize, meter: &Meter<'_>) -> Option<Done> {
    text_signature(name)?;
    let arg = args.first()?.open().0;
    let weight = args.iter().map(Value::weight).fold(0, u64::saturating_add);
    if let Err(error) = meter.reserve(weight).and_then(|()| meter.step(weight / 32)) {
        return Some(Err(error));
    }
    let fail = |message: String| Error::run(at, message);
    let text = |i: usize| args.get(i).and_then(Value::as_str).unwrap_or_default();
    Some(match name {
        "quote" => match arg {
            Value::String(s) => Ok(Value::text(&gotext::quote(s))),
            other => gotext::json(other, None).map(|s| Value::text(&format!("\"{s}\""))).map_err(fail),
        },
        "unsafeQuote" => gotext::json(arg, None).map(|s| Value::text(&format!("\"{s}\""))).map_err(fail),
        "asJSON" => gotext::json(arg, Some(0)).map(|s| Value::text(&format!("\"{s}\n\""))).map_err(fail),
        "asYAML" => crate::yaml::write(arg).map(|s| Value::text(&format!("\"{s}\""))).map_err(fail),
        "semverDiff" => Ok(Value::text(crate::version::diff(text(0), text(1)))),
        _ => crate::version::parse(text(0))
            .map(|v| Value::Version(Arc::new(v), Some(Arc::from(text(0)))))
            .ok_or_else(|| fail(format!("{:?} is no semantic version", text(0)))),
    })
}

struct Filled {
    value: Value,
    secrets: Vec<String>,
}

/// Fills a text; what stands alone keeps its type.
///
/// # Errors
/// See [`Error`].
pub fn template(text: &str, env: &dyn Env, budget: &Budget) -> Result<Value, Error> {
    let filled = fill(text, env, &Meter::new(budget))?;
    Ok(if filled.secrets.is_empty() { filled.value } else { filled.value.secret() })
}

fn fill(text: &str, env: &dyn Env, meter: &Meter<'_>) -> Result<Filled, Error> {
    if text.len() > meter.budget.source {
        return Err(Error::parse(0, "template is too long"));
    }
    if !text.contains("${{") && !text.contains("${%") {
        return Ok(Filled { value: Value::text(text), secrets: Vec::new() });
    }
    let mut out = String::new();
    let mut secrets = Vec::new();
    let mut unknown = None;
    let mut rest = text;
    loop {
        let (braces, percent) = (rest.find("${{"), rest.find("${%"));
        let (start, close) = match (braces, percent) {
            (Some(b), Some(p)) if p < b => (p, "%}"),
            (Some(b), _) => (b, "}}"),
            (None, Some(p)) => (p, "%}"),
            (None, None) => break,
        };
        out.push_str(&rest[..start]);
        let body = &rest[start + 3..];
        let at = text.len() - body.len();
        let length = body.find(close).ok_or_else(|| Error::parse(at, format!("unclosed expression: {close:?} is missing")))?;
        let source = &body[..length];
        rest = &body[length + 2..];
        if source.is_empty() {
            break;
        }
        let value = crate::eval::run(source, env, meter)?;
        if let Some(u) = value.unknown() {
            unknown = unknown.or(Some(u));
            continue;
        }
        let piece = shown(&value, meter)?;
        if value.holds_secret() {
            collect(&value, &mut secrets);
        }
        out.push_str(&piece);
    }
    if let Some(unknown) = unknown {
        return Ok(Filled { value: Value::Unknown(unknown), secrets });
    }
    out.push_str(rest);
    Ok(Filled { value: typed(&out), secrets })
}

fn shown(value: &Value, meter: &Meter<'_>) -> Result<String, Error> {
    meter.step(value.weight() / 32)?;
    meter.reserve(value.weight())?;
    match value.open().0 {
        Value::String(s) => Ok(s.to_string()),
        Value::Float(f) if !f.is_finite() => Err(Error::other(format!("JSON cannot hold {}", gotext::float_g(*f)))),
        other => gotext::json(other, None).map_err(Error::other),
    }
}

/// The secret texts in a value, as they stand in what was made of them.
fn collect(value: &Value, out: &mut Vec<String>) {
    match value {
        Value::Secret(inner) => leaves(inner, out),
        Value::List(items) | Value::AnyMap(items) => items.iter().for_each(|v| collect(v, out)),
        Value::Map(map) => map.values().for_each(|v| collect(v, out)),
        Value::Struct(record) => record.fields.iter().for_each(|f| collect(&f.3, out)),
        _ => {}
    }
}

fn leaves(value: &Value, out: &mut Vec<String>) {
    match value {
        Value::List(items) | Value::AnyMap(items) => items.iter().for_each(|v| leaves(v, out)),
        Value::Map(map) => map.values().for_each(|v| leaves(v, out)),
        Value::Secret(inner) => leaves(inner, out),
        Value::Null | Value::Bool(_) | Value::NoList => {}
        other => {
            let text = gotext::plain(other);
            let bare = text.strip_suffix('\n').unwrap_or(&text);
            let bare = bare.strip_prefix('"').and_then(|t| t.strip_suffix('"')).unwrap_or(bare);
            if !bare.is_empty() && !out.iter().any(|s| s == bare) {
                out.push(bare.to_string());
            }
        }
    }
}

/// Turns a finished text into the value it looks like.
fn typed(text: &str) -> Value {
    let bare = text.strip_suffix('\n').unwrap_or(text);
    if bare.len() > 1 && bare.starts_with('"') && bare.ends_with('"') {
        return Value::text(&format!("{}{}", &bare[1..bare.len() - 1], &text[bare.len()..]));
    }
    if let Some(number) = gotext::parse_float(bare) {
        return Value::Float(number);
    }
    if let Some(truth) = gotext::parse_bool(bare) {
        return Value::Bool(truth);
    }
    if let Ok(json) = serde_json::from_str::<Json>(bare)
        && !huge_numbers(&json)
    {
        return Value::from_json(&json);
    }
    Value::text(text)
}

fn huge_numbers(json: &Json) -> bool {
    match json {
        Json::Number(n) => n.as_f64().is_none_or(f64::is_infinite),
        Json::Array(items) => items.iter().any(huge_numbers),
        Json::Object(map) => map.values().any(huge_numbers),
        _ => false,
    }
}

/// Fills every text of a JSON document; keys stay as they are.
///
/// # Errors
/// See [`Error`]; the first failure ends it.
pub fn json_template(json: &Json, env: &dyn Env, budget: &Budget) -> Result<Evaluated, Error> {
    for name in RESERVED {
        if env.variable(name).is_some() {
            return Err(Error::other(format!("{name:?} is reserved and cannot be the name of a variable")));
        }
    }
    let meter = Meter::new(budget);
    let mut out = Evaluated { json: Json::Null, secrets: Vec::new(), secret_paths: Vec::new(), unknowns: Vec::new() };
    out.json = walk(json, "", 0, env, &meter, &mut out)?;
    Ok(out)
}

fn walk(json: &Json, path: &str, depth: usize, env: &dyn Env, meter: &Meter<'_>, out: &mut Evaluated) -> Result<Json, Error> {
    if depth > meter.budget.depth {
        return Err(Error::Budget { what: "depth" });
    }
    match json {
        Json::String(text) => leaf(text, path, env, meter, out),
        Json::Array(items) => {
            let each = items.iter().enumerate();
            each.map(|(i, v)| walk(v, &format!("{path}/{i}"), depth + 1, env, meter, out)).collect()
        }
        Json::Object(map) => {
            let mut filled = serde_json::Map::new();
            for (key, value) in map {
                let path = format!("{path}/{}", key.replace('~', "~0").replace('/', "~1"));
                filled.insert(key.clone(), walk(value, &path, depth + 1, env, meter, out)?);
            }
            Ok(Json::Object(filled))
        }
        other => Ok(other.clone()),
    }
}

fn leaf(text: &str, path: &str, env: &dyn Env, meter: &Meter<'_>, out: &mut Evaluated) -> Result<Json, Error> {
    let filled = fill(text, env, meter)?;
    if !filled.secrets.is_empty() {
        out.secret_paths.push(path.to_string());
        for secret in filled.secrets {
            if !out.secrets.contains(&secret) {
                out.secrets.push(secret);
            }
        }
    }
    if let Value::Unknown(unknown) = &filled.value {
        out.unknowns.push((path.to_string(), unknown.clone()));
        return Ok(Json::String(format!("({})", unknown.reason)));
    }
    filled.value.to_json()
}

impl Value {
    /// The value as JSON; secrets are opened.
    ///
    /// # Errors
    /// When JSON cannot hold it.
    pub fn to_json(&self) -> Result<Json, Error> {
        if self.weight() > 1 << 28 {
            return Err(Error::Budget { what: "memory" });
        }
        let text = gotext::json(self, None).map_err(Error::other)?;
        serde_json::from_str(&text).map_err(|e| Error::other(e.to_string()))
    }
}

/// Whether a result means yes: a bool, or text that Go's ParseBool reads.
///
/// # Errors
/// When it means neither yes nor no.
pub fn truth(value: &Value) -> Result<bool, Error> {
    match value.open().0 {
        Value::Bool(b) => Ok(*b),
        other => {
            let text = gotext::plain(other);
            gotext::parse_bool(&text).ok_or_else(|| Error::other(format!("expected true or false, got {text:?}")))
        }
    }
}
