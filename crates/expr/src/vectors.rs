//! Runs one recorded case of Kargo's own expressions against this crate.

use serde_json::Value as Json;

use crate::error::{CallError, Class, Error};
use crate::value::Value;
use crate::{Budget, Env, Param, Signature};

struct Plain<'a> {
    variables: &'a serde_json::Map<String, Json>,
}

impl Env for Plain<'_> {
    fn variable(&self, name: &str) -> Option<Value> {
        self.variables.get(name).map(Value::from_json)
    }

    fn names(&self) -> Vec<String> {
        self.variables.keys().cloned().collect()
    }

    fn function(&self, name: &str) -> Option<Signature> {
        const WAREHOUSE: Signature = Signature { required: 1, params: &[Param::String] };
        crate::template::text_signature(name).or_else(|| (name == "warehouse").then_some(WAREHOUSE))
    }

    fn call(&self, name: &str, args: &[Value]) -> Result<Value, CallError> {
        if name != "warehouse" {
            return Err(CallError::Failed(format!("there is no function {name}")));
        }
        crate::promotion::warehouse(args)
    }

    fn now(&self) -> Option<jiff::Timestamp> {
        jiff::Timestamp::from_second(1_790_000_000).ok()
    }
}

/// Runs one case of a file of vectors, named like `expressions.jsonl`.
///
/// # Errors
/// Says how the outcome differs from what Kargo does.
pub fn check_case(file: &str, case: &Json) -> Result<(), String> {
    match file {
        "expressions.jsonl" => expression(case),
        "expressions-promotion.jsonl" => promotion(case),
        "expressions-freight-criteria.jsonl" => criterion(case),
        other => Err(format!("{other} holds no expressions")),
    }
}

fn expression(case: &Json) -> Result<(), String> {
    let none = serde_json::Map::new();
    let env = Plain { variables: case["env"].as_object().unwrap_or(&none) };
    let budget = Budget::default();
    let template = &case["template"];
    if case["kind"] == "json" {
        let outcome = match template {
            Json::String(text) => match serde_json::from_str::<Json>(text) {
                Ok(json) => crate::json_template(&json, &env, &budget).map(|e| e.json),
                Err(e) => Err(Error::Other { message: e.to_string() }),
            },
            json => crate::json_template(json, &env, &budget).map(|e| e.json),
        };
        return compare(case, "result", outcome);
    }
    let outcome = crate::template(template.as_str().unwrap_or_default(), &env, &budget);
    if let (Some(expected), Ok(Value::Float(got))) = (case.get("result_nonfinite"), &outcome) {
        let text = crate::gotext::float_g(*got);
        return if *expected == text.as_str() { Ok(()) } else { Err(format!("expected {expected}, got {text}")) };
    }
    compare(case, "result", outcome.and_then(|v| v.to_json()))
}

/// Compares an outcome with the `error` or the value a case expects.
pub(crate) fn compare(case: &Json, field: &str, outcome: Result<Json, Error>) -> Result<(), String> {
    match (case.get("error"), outcome) {
        (Some(_), Ok(got)) => Err(format!("expected a failure, got {got}")),
        (Some(_), Err(_)) => Ok(()),
        (None, Err(error)) => Err(format!("expected {}, failed: {error}", case[field])),
        (None, Ok(got)) if same(&case[field], &got) => Ok(()),
        (None, Ok(got)) => Err(format!("expected {}, got {got}", case[field])),
    }
}

/// The class of a failure as the files of cases spell it.
#[must_use]
pub fn class_of(error: &Error) -> &'static str {
    match error.class() {
        Class::Parse => "parse",
        Class::Type => "type",
        Class::Runtime => "runtime",
        Class::Other => "other",
    }
}

/// Equality of JSON with every number a double.
pub(crate) fn same(a: &Json, b: &Json) -> bool {
    match (a, b) {
        (Json::Number(x), Json::Number(y)) => x.as_f64() == y.as_f64(),
        (Json::Array(x), Json::Array(y)) => x.len() == y.len() && x.iter().zip(y).all(|(x, y)| same(x, y)),
        (Json::Object(x), Json::Object(y)) => x.len() == y.len() && x.iter().all(|(k, v)| y.get(k).is_some_and(|w| same(v, w))),
        _ => a == b,
    }
}

fn criterion(case: &Json) -> Result<(), String> {
    let budget = Budget::default();
    let (expression, artifacts) = (case["expression"].as_str().unwrap_or_default(), &case["artifacts"]);
    if case.get("error").is_some() {
        return match crate::criteria::satisfied(expression, artifacts, &budget) {
            Ok(got) => Err(format!("expected a failure, got {got}")),
            Err(_) => Ok(()),
        };
    }
    let value = crate::criteria::evaluate(expression, artifacts, &budget);
    compare(case, "value", value.and_then(|v| v.to_json()))?;
    compare(case, "satisfied", crate::criteria::satisfied(expression, artifacts, &budget).map(Json::Bool))
}

/// Answers a need out of the objects a case comes with.
fn answer(need: &crate::Need, objects: &[Json]) -> Json {
    use base64::Engine as _;
    let name = need.args.first().and_then(Json::as_str).unwrap_or_default();
    let find = |kind: &str, namespace: &str| {
        let mut all = objects.iter();
        all.find(|o| o["kind"] == kind && o["metadata"]["name"] == name && o["metadata"]["namespace"] == namespace)
    };
    let (own, shared) = ("vec-project", "kargo-shared-resources");
    let found = match need.function.as_str() {
        "subscriptions" => find("Warehouse", own).map(|o| o["spec"]["subscriptions"].clone()),
        "configMap" => find("ConfigMap", own).map(|o| o["data"].clone()),
        "sharedConfigMap" => find("ConfigMap", shared).map(|o| o["data"].clone()),
        "freightMetadata" => find("Freight", own).map(|o| o["status"]["metadata"].clone()),
        "freightStatus" => find("Freight", own).map(|o| o["status"].clone()),
        "stageMetadata" => find("Stage", own).map(|o| o["status"]["metadata"].clone()),
        secret => {
            let object = find("Secret", if secret == "secret" { own } else { shared });
            let decode = |v: &Json| {
                let bytes = base64::engine::general_purpose::STANDARD.decode(v.as_str().unwrap_or_default());
                Json::String(crate::gotext::lossy(&bytes.unwrap_or_default()))
            };
            let data = object.and_then(|o| o["data"].as_object());
            data.map(|d| Json::Object(d.iter().map(|(k, v)| (k.clone(), decode(v))).collect()))
        }
    };
    found.unwrap_or(Json::Null)
}

fn promotion(case: &Json) -> Result<(), String> {
    let budget = Budget::default();
    let mut facts = crate::promotion::Facts::new(case["promotion"].clone(), case["stage"].clone());
    let text = |field: &str| case[field].as_str().unwrap_or_default().to_string();
    facts.freight_alias = text("targetFreightAlias");
    facts.actor = text("actor");
    facts.ui_base_url = text("uiBaseUrl");
    let step = case["step"].as_u64().and_then(|s| usize::try_from(s).ok()).unwrap_or(0);
    let objects = case["objects"].as_array().cloned().unwrap_or_default();
    for _ in 0..50 {
        let outcome = match case["operation"].as_str() {
            Some("vars") => facts.vars(step, &budget).and_then(|v| Value::map(v).to_json()),
            Some("skip") => facts.runs(step, &budget).map(|runs| runs.map_or(Json::Null, |r| Json::Bool(!r))),
            _ => facts.config(step, &budget).map(|c| c.json),
        };
        match outcome {
            Err(Error::Needs(need)) => facts.answers.add(&need, answer(&need, &objects)),
            outcome => return compare(case, "result", outcome),
        }
    }
    Err("asked for data 50 times".into())
}
