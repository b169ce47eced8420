//! Reading an HTTP answer and judging it by the step's expressions.

use super::ContentType;
use crate::config::Text;
use crate::error::Error;
use reqwest::header::{CONTENT_TYPE, HeaderMap};
use schemars::JsonSchema;
use seaway_base::Next;
use seaway_expr::{Budget, CallError, Env, Signature};
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// An output and the expression that makes it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Output {
    /// Its name.
    name: Text,
    /// A raw expression over `response`.
    from_expression: Text,
}

impl Output {
    pub(super) fn name(&self) -> &str {
        &self.name
    }
}

/// What decides.
pub(super) struct Criteria<'a> {
    pub(super) success: Option<&'a str>,
    pub(super) failure: Option<&'a str>,
    pub(super) error: Option<&'a str>,
}

/// What came of it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Succeeded,
    Failed(String),
    /// No criteria, and the status is not 2xx.
    NotOk,
    /// One criterion set and unmet.
    NotYet,
}

/// An answer as expressions see it.
pub(super) struct Seen {
    status: u16,
    response: seaway_expr::Value,
}

/// Reads the body by its type: JSON, YAML, text; an unknown type is tried as JSON.
pub(super) fn read(status: u16, headers: &HeaderMap, body: &[u8], wanted: Option<ContentType>) -> Result<Seen, Error> {
    let named = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let named = named.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let kind = wanted.or(match named.as_str() {
        "application/json" => Some(ContentType::Json),
        "application/yaml" | "text/yaml" | "application/x-yaml" => Some(ContentType::Yaml),
        "text/plain" => Some(ContentType::Text),
        _ => None,
    });
    let bad =
        |what: &str, why: String| Error::errored("HttpBody", Next::Retry, format!("the answer ({status}) is no {what}: {why}"));
    let parsed = match kind {
        Some(ContentType::Text) => json!(String::from_utf8_lossy(body)),
        _ if body.is_empty() => json!({}),
        Some(ContentType::Json) => serde_json::from_slice(body).map_err(|err| bad("JSON", err.to_string()))?,
        Some(ContentType::Yaml) => {
            let text = String::from_utf8_lossy(body);
            seaway_render::yaml::read_all(&text)
                .map_err(|err| bad("YAML", err.to_string()))?
                .into_iter()
                .next()
                .unwrap_or_else(|| json!({}))
        }
        None => serde_json::from_slice(body).unwrap_or_else(|_| json!({})),
    };
    let mut names: Map<String, Value> = Map::new();
    for (name, value) in headers {
        let value = json!(String::from_utf8_lossy(value.as_bytes()));
        match names.entry(canonical(name.as_str())).or_insert_with(|| json!([])) {
            Value::Array(values) => values.push(value),
            other => *other = value,
        }
    }
    Ok(Seen { status, response: response_value(status, names, parsed) })
}

/// `x-test` as Go writes it: `X-Test`.
fn canonical(name: &str) -> String {
    let mut upper = true;
    let letters = name.chars().map(|c| {
        let c = if upper { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() };
        upper = c == '-';
        c
    });
    letters.collect()
}

/// Failure wins over success; without criteria the status decides.
pub(super) fn judge(seen: &Seen, criteria: &Criteria<'_>) -> Result<Verdict, Error> {
    if let Some(expression) = criteria.failure
        && truth(seen, "failureExpression", expression)?
    {
        let mut message = format!("HTTP ({}) response met failure criteria", seen.status);
        if let Some(Ok(why)) = criteria.error.map(|expression| evaluate(seen, expression))
            && !why.is_null()
        {
            message = why.as_str().map_or_else(|| why.to_string(), str::to_owned);
        }
        return Ok(Verdict::Failed(message));
    }
    match criteria.success {
        Some(expression) if truth(seen, "successExpression", expression)? => Ok(Verdict::Succeeded),
        None if criteria.failure.is_none() => {
            Ok(if (200..300).contains(&seen.status) { Verdict::Succeeded } else { Verdict::NotOk })
        }
        _ => Ok(Verdict::NotYet),
    }
}

/// The outputs of a success.
pub(super) fn outputs(seen: &Seen, outputs: &[Output]) -> Result<Map<String, Value>, Error> {
    outputs
        .iter()
        .map(|output| {
            Ok((output.name.to_string(), evaluate(seen, &output.from_expression).map_err(|err| wrong(&output.name, &err))?))
        })
        .collect()
}

fn truth(seen: &Seen, field: &str, expression: &str) -> Result<bool, Error> {
    match evaluate(seen, expression).map_err(|err| wrong(field, &err))? {
        Value::Bool(truth) => Ok(truth),
        other => Err(Error::errored("HttpExpression", Next::Failed, format!("`{field}` must be true or false, and is {other}"))),
    }
}

/// What does not parse will never parse; what failed to run may run on the next answer.
fn wrong(field: &str, err: &seaway_expr::Error) -> Error {
    let failed = Error::errored("HttpExpression", Next::Failed, format!("`{field}`: {err}"));
    if matches!(err.class(), seaway_expr::Class::Parse | seaway_expr::Class::Type) { failed.terminal() } else { failed }
}

fn evaluate(seen: &Seen, expression: &str) -> Result<Value, seaway_expr::Error> {
    struct Scope<'a>(&'a Seen);
    impl Env for Scope<'_> {
        fn variable(&self, name: &str) -> Option<seaway_expr::Value> {
            (name == "response").then(|| self.0.response.clone())
        }
        fn function(&self, _: &str) -> Option<Signature> {
            None
        }
        fn call(&self, name: &str, _: &[seaway_expr::Value]) -> Result<seaway_expr::Value, CallError> {
            Err(CallError::Failed(format!("unknown function `{name}`")))
        }
    }
    let value = seaway_expr::evaluate(expression, &Scope(seen), &Budget::default())?;
    value.to_json()
}

/// `response` as expressions see it.
fn response_value(status: u16, headers: Map<String, Value>, body: Value) -> seaway_expr::Value {
    use seaway_expr::Value as E;
    let headers = E::from_json(&Value::Object(headers));
    E::map([
        ("status".to_owned(), E::Int(i64::from(status))),
        ("header".to_owned(), E::Method(Box::new(headers.clone()), "header".into())),
        ("headers".to_owned(), headers),
        ("body".to_owned(), E::from_json(&body)),
    ])
}
