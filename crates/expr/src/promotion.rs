//! The names an expression of a promotion's step can use, over plain facts given by the caller.
//!
//! Nothing is fetched here: a function whose datum is not among the [`Answers`] ends the evaluation with
//! [`Error::Needs`]; the caller fetches it, adds it and evaluates again.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use seaway_base::urls::normalise_git;
use serde_json::Value as Json;

use crate::artifacts::{artifact, chart, commit, image, record, text};
use crate::error::{CallError, Error, Need};
use crate::template::text_signature;
use crate::value::{Map, Value};
use crate::{Budget, Env, Evaluated, Param, Signature};

/// What has been fetched: the answer to each need.
///
/// `subscriptions(warehouse)` answers the list `spec.subscriptions`, null when there is no such Warehouse; `configMap`,
/// `sharedConfigMap`, `secret` and `sharedSecret` answer an object of texts; `freightMetadata`, `freightStatus` and
/// `stageMetadata` answer JSON, null when there is none.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Answers(BTreeMap<(String, String), Json>);

impl Answers {
    /// Adds what a need asked for.
    pub fn add(&mut self, need: &Need, answer: Json) {
        self.0.insert((need.function.clone(), first_text(need)), answer);
    }

    fn get(&self, function: &str, name: &str) -> Result<&Json, CallError> {
        let key = (function.to_string(), name.to_string());
        self.0.get(&key).ok_or_else(|| CallError::Needs(Need { function: key.0, args: vec![Json::String(key.1)] }))
    }
}

fn first_text(need: &Need) -> String {
    need.args.first().and_then(Json::as_str).unwrap_or_default().to_string()
}

/// What a promotion's expressions are about.
#[derive(Debug, Clone)]
pub struct Facts {
    /// The Promotion.
    pub promotion: Json,
    /// The Stage it promotes to.
    pub stage: Json,
    /// The alias of the freight.
    pub freight_alias: String,
    /// Who created the promotion.
    pub actor: String,
    /// Where the user interface is.
    pub ui_base_url: String,
    /// The outputs of the steps so far; a step that has not run may be unknown.
    pub outputs: BTreeMap<String, Value>,
    /// What has been fetched.
    pub answers: Answers,
}

impl Facts {
    /// Facts with the outputs that stand in the promotion's status.
    #[must_use]
    pub fn new(promotion: Json, stage: Json) -> Self {
        let state = promotion["status"]["state"].as_object();
        let outputs = state.map(|s| s.iter().map(|(k, v)| (k.clone(), Value::from_json(v))).collect()).unwrap_or_default();
        let (freight_alias, actor, ui_base_url) = Default::default();
        Facts { promotion, stage, freight_alias, actor, ui_base_url, outputs, answers: Answers::default() }
    }

    fn step(&self, index: usize) -> &Json {
        &self.promotion["spec"]["steps"][index]
    }

    /// The variables a step sees: the promotion's, then its own, each able to use those before it.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn vars(&self, step: usize, budget: &Budget) -> Result<BTreeMap<String, Value>, Error> {
        let mut vars = BTreeMap::new();
        for (list, stage) in [(&self.promotion["spec"]["vars"], Reach::Promotion), (&self.step(step)["vars"], Reach::Vars)] {
            for var in list.as_array().into_iter().flatten() {
                let name = text(var, "name");
                let value = crate::template(text(var, "value"), &self.names(step, stage, &vars), budget)?;
                vars.insert(name.to_string(), value);
            }
        }
        Ok(vars)
    }

    /// The configuration of a step; null when it has none.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn config(&self, step: usize, budget: &Budget) -> Result<Evaluated, Error> {
        let vars = self.vars(step, budget)?;
        crate::json_template(&self.step(step)["config"], &self.names(step, Reach::Step, &vars), budget)
    }

    /// Whether a step runs: `None` when that is not known yet.
    ///
    /// # Errors
    /// See [`Error`]; also when `if` is neither true nor false.
    pub fn runs(&self, step: usize, budget: &Budget) -> Result<Option<bool>, Error> {
        let Some(condition) = self.step(step)["if"].as_str().filter(|c| !c.is_empty()) else {
            return Ok(Some(!self.failed()));
        };
        let vars = self.vars(step, budget)?;
        match crate::template(condition, &self.names(step, Reach::Step, &vars), budget)?.open().0 {
            Value::Bool(b) => Ok(Some(*b)),
            Value::Unknown(_) => Ok(None),
            other => Err(Error::other(format!("`if` must give true or false, got {}", other.go_type()))),
        }
    }

    /// The names as a step's expressions see them, for evaluations of the caller's own.
    #[must_use]
    pub fn names<'a>(&'a self, step: usize, reach: Reach, vars: &BTreeMap<String, Value>) -> Names<'a> {
        let alias = text(self.step(step), "as").to_string();
        let vars = Value::map(vars.clone());
        Names { facts: self, reach, alias, vars, known: RefCell::default() }
    }

    fn metadata(&self) -> impl Iterator<Item = &Json> {
        self.promotion["status"]["stepExecutionMetadata"].as_array().into_iter().flatten()
    }

    /// Whether an earlier step that must not fail did.
    fn failed(&self) -> bool {
        self.metadata().any(|m| m["continueOnError"] != true && matches!(text(m, "status"), "Failed" | "Errored"))
    }
}

/// Which names an expression may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Variables of the promotion: no outputs.
    Promotion,
    /// Variables of a step: outputs too.
    Vars,
    /// A step's configuration and `if`: the status functions too.
    Step,
}

/// The environment of one step.
pub struct Names<'a> {
    facts: &'a Facts,
    reach: Reach,
    alias: String,
    vars: Value,
    known: RefCell<BTreeMap<String, Value>>,
}

/// The task a step belongs to, and its name within.
fn task(alias: &str) -> (&str, &str) {
    match alias.split_once("::") {
        Some((task, name)) if !name.contains("::") => (task, name),
        _ => ("", alias),
    }
}

impl Names<'_> {
    fn context(&self) -> Value {
        let Facts { promotion, freight_alias, actor, ui_base_url, .. } = self.facts;
        let meta = &promotion["metadata"];
        let freight = &promotion["status"]["freight"];
        Value::from_json(&serde_json::json!({
            "project": meta["namespace"],
            "promotion": meta["name"],
            "stage": promotion["spec"]["stage"],
            "uiBaseUrl": ui_base_url,
            "targetFreight": {
                "name": promotion["spec"]["freight"],
                "alias": freight_alias,
                "origin": { "name": freight["origin"]["name"].as_str().unwrap_or_default() },
            },
            "meta": {
                "promotion": { "actor": actor, "rollback": meta["annotations"]["kargo.akuity.io/rollback"] == "true" },
                "step": { "alias": self.alias },
            },
        }))
    }

    fn siblings(&self) -> Option<Value> {
        let (task, _) = task(&self.alias);
        if task.is_empty() {
            return None;
        }
        let prefix = format!("{task}::");
        let outputs = self.facts.outputs.iter();
        let own = outputs.filter_map(|(k, v)| k.strip_prefix(&prefix).map(|k| (k.to_string(), v.clone())));
        Some(Value::map([("outputs".to_string(), Value::map(own))]))
    }

    fn step_metas(&self) -> Value {
        Value::map(self.facts.metadata().map(|m| {
            let field = |name, json: &'static str| (name, json, true, Value::from_json(&m[json]));
            let or = |name, json: &'static str, absent: Value| {
                (name, json, true, if m[json].is_null() { absent } else { Value::from_json(&m[json]) })
            };
            let fields = vec![
                or("Alias", "alias", Value::text("")),
                field("StartedAt", "startedAt"),
                field("FinishedAt", "finishedAt"),
                or("ErrorCount", "errorCount", Value::Int(0)),
                or("Status", "status", Value::text("")),
                or("Message", "message", Value::text("")),
                or("ContinueOnError", "continueOnError", Value::Bool(false)),
            ];
            (text(m, "alias").to_string(), record("v1alpha1.StepExecutionMetadata", fields))
        }))
    }

    fn status(&self, args: &[Value]) -> Value {
        let wanted = args.first().and_then(Value::as_str).unwrap_or_default();
        let (own, _) = task(&self.alias);
        let mut steps = self.facts.metadata();
        let hit = steps.find(|m| task(text(m, "alias")) == (own, wanted));
        Value::text(hit.map_or("", |m| text(m, "status")))
    }

    fn datum(&self, function: &str, args: &[Value]) -> Result<Value, CallError> {
        let name = args.first().and_then(Value::as_str).unwrap_or_default();
        let maps = matches!(function, "configMap" | "sharedConfigMap" | "secret" | "sharedSecret");
        if maps && name.is_empty() {
            return Ok(Value::Map(Arc::new(Map::of_texts(BTreeMap::new()))));
        }
        let json = self.facts.answers.get(function, name)?;
        if !maps {
            return Ok(Value::from_json(json));
        }
        let secret = function.ends_with("ecret");
        let entries = json.as_object().into_iter().flatten().map(|(k, v)| {
            let value = Value::from_json(v);
            (Arc::from(k.as_str()), if secret { value.secret() } else { value })
        });
        Ok(Value::Map(Arc::new(Map::of_texts(entries.collect()))))
    }

    /// The origin asked for, or the only one whose Warehouse subscribes to the artifact; `None` when there is none.
    fn origin(&self, args: &[Value], what: &str, subscribes: impl Fn(&Json) -> bool) -> Result<Option<String>, CallError> {
        let given = args.iter().find_map(|a| match a.open().0 {
            Value::Struct(s) if s.name == ORIGIN => s.fields.iter().find(|f| f.0 == "Name").and_then(|f| f.3.as_str()),
            _ => None,
        });
        if let Some(name) = given {
            return Ok(Some(name.to_string()));
        }
        let mut found = None;
        for request in self.facts.stage["spec"]["requestedFreight"].as_array().into_iter().flatten() {
            let name = text(&request["origin"], "name");
            let subscriptions = self.facts.answers.get("subscriptions", name)?;
            let Some(subscriptions) = subscriptions.as_array() else {
                return Err(CallError::Failed(format!("warehouse {name:?} not found; name one that exists")));
            };
            if !subscriptions.iter().any(&subscribes) {
                continue;
            }
            if found.is_some() {
                return Err(CallError::Failed(format!(
                    "more than one requested freight could provide {what}; name its origin with warehouse(…)"
                )));
            }
            found = Some(name.to_string());
        }
        Ok(found)
    }

    /// The artifacts of one kind in the freight of an origin.
    fn artifacts<'b>(&'b self, origin: &'b str, list: &'b str) -> impl Iterator<Item = &'b Json> {
        let items = self.facts.promotion["status"]["freightCollection"]["items"].as_object().into_iter().flatten();
        let own = items.filter(move |(_, f)| text(&f["origin"], "name") == origin);
        own.flat_map(move |(_, f)| f[list].as_array().into_iter().flatten())
    }

    fn freight(&self, function: &str, args: &[Value]) -> Result<Value, CallError> {
        let wanted = args.first().and_then(Value::as_str).unwrap_or_default();
        let what = format!("{function}({wanted:?})");
        let found = |value: Option<Value>| value.unwrap_or(Value::Null);
        match function {
            "commitFrom" => {
                let url = normalise_git(wanted);
                let origin =
                    self.origin(args, &what, |s| normalise_git(text(&s["git"], "repoURL")) == url && s["git"].is_object())?;
                let Some(origin) = origin else { return Ok(Value::Null) };
                Ok(found(self.artifacts(&origin, "commits").find(|c| normalise_git(text(c, "repoURL")) == url).map(commit)))
            }
            "imageFrom" => {
                let origin = self.origin(args, &what, |s| text(&s["image"], "repoURL") == wanted)?;
                let Some(origin) = origin else { return Ok(Value::Null) };
                Ok(found(self.artifacts(&origin, "images").find(|i| text(i, "repoURL") == wanted).map(image)))
            }
            "chartFrom" => {
                let name = args.get(1).and_then(Value::as_str).unwrap_or_default();
                let same = |c: &Json| text(c, "repoURL") == wanted && text(c, "name") == name;
                let Some(origin) = self.origin(args, &what, |s| same(&s["chart"]))? else {
                    return Err(CallError::Failed(format!("chart from {wanted} not found in the requested freight")));
                };
                Ok(found(self.artifacts(&origin, "charts").find(|c| same(c)).map(chart)))
            }
            _ => {
                let origin = self.origin(args, &what, |s| {
                    s.as_object().is_some_and(|s| {
                        s.iter().any(|(k, v)| !matches!(k.as_str(), "git" | "image" | "chart") && text(v, "name") == wanted)
                    })
                })?;
                let Some(origin) = origin else { return Ok(Value::Null) };
                Ok(found(self.artifacts(&origin, "artifacts").find(|a| text(a, "subscriptionName") == wanted).map(artifact)))
            }
        }
    }
}

const ORIGIN: &str = "v1alpha1.FreightOrigin";

/// The answer of `warehouse(name)`: the origin of freight.
///
/// # Errors
/// When the name is empty.
pub fn warehouse(args: &[Value]) -> Result<Value, CallError> {
    let name = args.first().and_then(Value::as_str).unwrap_or_default();
    if name.is_empty() {
        return Err(CallError::Failed("name must not be empty".into()));
    }
    let fields = vec![("Kind", "kind", false, Value::text("Warehouse")), ("Name", "name", false, Value::text(name))];
    Ok(record(ORIGIN, fields))
}

impl Env for Names<'_> {
    fn variable(&self, name: &str) -> Option<Value> {
        if let Some(value) = self.known.borrow().get(name) {
            return Some(value.clone());
        }
        let value = match name {
            "ctx" => self.context(),
            "vars" => self.vars.clone(),
            "outputs" if self.reach != Reach::Promotion => Value::map(self.facts.outputs.clone()),
            "task" if self.reach != Reach::Promotion => self.siblings()?,
            "stepMetas" if self.reach != Reach::Promotion => self.step_metas(),
            _ => return None,
        };
        self.known.borrow_mut().insert(name.to_string(), value.clone());
        Some(value)
    }

    fn names(&self) -> Vec<String> {
        ["ctx", "vars", "outputs", "task", "stepMetas"].map(String::from).into()
    }

    fn function(&self, name: &str) -> Option<Signature> {
        const NONE: Signature = Signature { required: 0, params: &[] };
        const TEXT: Signature = Signature { required: 1, params: &[Param::String] };
        const ORIGIN: Signature = Signature { required: 1, params: &[Param::String, Param::Any] };
        const CHART: Signature = Signature { required: 1, params: &[Param::String, Param::Any, Param::Any] };
        match name {
            "always" | "success" | "failure" if self.reach == Reach::Step => Some(NONE),
            "status" if self.reach == Reach::Step => Some(TEXT),
            "commitFrom" | "imageFrom" | "artifactFrom" => Some(ORIGIN),
            "chartFrom" => Some(CHART),
            "warehouse" | "freightMetadata" | "freightStatus" | "stageMetadata" | "configMap" | "sharedConfigMap" | "secret"
            | "sharedSecret" => Some(TEXT),
            _ => text_signature(name),
        }
    }

    fn call(&self, name: &str, args: &[Value]) -> Result<Value, CallError> {
        match name {
            "always" => Ok(Value::Bool(true)),
            "success" => Ok(Value::Bool(!self.facts.failed())),
            "failure" => Ok(Value::Bool(self.facts.failed())),
            "status" => Ok(self.status(args)),
            "warehouse" => warehouse(args),
            "commitFrom" | "imageFrom" | "chartFrom" | "artifactFrom" => self.freight(name, args),
            _ => self.datum(name, args),
        }
    }
}
