//! What an expression of a promotion sees: `ctx`, `vars`, `outputs`, `task`, `stepMetas` and the functions (Kargo reference §7.2, §7.3).

use jiff::Timestamp;
use seaway_expr::{Budget, CallError, Env, Error, Evaluated, Need, Param, Signature, Value};
use serde_json::{Map, Value as Json, json};
use std::collections::BTreeMap;
use std::sync::Arc;

use crate::decide::failed_before;
use crate::freight;
use crate::projection::{metadata, task_outputs};
use crate::resolve::Fetched;
use crate::run::Run;
use crate::spec::TASK_SEPARATOR;
use crate::state::merge_outputs;

/// Which part of the scope a template sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Visible {
    /// A promotion-level variable: no outputs, no status.
    Promotion,
    /// A step's variable: outputs, but no status functions.
    StepVariable,
    /// A step's `if` or configuration: everything.
    Step,
}

/// The scope of one step.
pub(crate) struct Scope<'a> {
    run: &'a Run,
    index: usize,
    /// Variables so far; a later one of a name replaces an earlier one.
    pub(crate) vars: Vec<(String, Value)>,
    outputs: Value,
    task: Value,
    metas: Value,
}

impl<'a> Scope<'a> {
    pub(crate) fn new(run: &'a Run, index: usize) -> Self {
        let alias = run.spec.steps[index].alias.as_str();
        let all = outputs(run, index);
        let own = task_outputs(&all, alias)
            .map_or(Value::Null, |own| known_or_not(run, &own, |key| format!("{}{TASK_SEPARATOR}{key}", task_of(alias))));
        let metas: Map<String, Json> = run
            .state
            .steps
            .iter()
            .take(index + 1)
            .filter(|step| step.status.is_some())
            .map(|step| (step.alias.clone(), metadata(step)))
            .collect();
        Self {
            run,
            index,
            vars: Vec::new(),
            outputs: known_or_not(run, &all, ToOwned::to_owned),
            task: Value::map([("outputs".to_owned(), own)]),
            metas: Value::from_json(&Json::Object(metas)),
        }
    }

    pub(crate) fn variable(&self, text: &str, visible: Visible, budget: &Budget) -> Result<Value, Error> {
        seaway_expr::template(text, &View { scope: self, visible }, budget)
    }

    pub(crate) fn template(&self, json: &Json, budget: &Budget) -> Result<Evaluated, Error> {
        seaway_expr::json_template(json, &View { scope: self, visible: Visible::Step }, budget)
    }

    fn context(&self) -> Value {
        let facts = &self.run.facts;
        Value::from_json(&json!({
            "project": facts.project,
            "stage": facts.stage,
            "promotion": facts.promotion,
            "uiBaseUrl": facts.ui_base_url,
            "targetFreight": { "name": facts.target_freight, "alias": facts.target_freight_alias, "origin": { "name": facts.target_freight_origin } },
            "meta": { "promotion": { "actor": facts.actor, "rollback": false }, "step": { "alias": self.run.spec.steps[self.index].alias } },
        }))
    }

    fn status(&self, alias: &str) -> Value {
        // Inside a task only its own steps have names.
        let own = self.run.spec.steps[self.index].task();
        let alias = own.map_or_else(|| alias.to_owned(), |task| format!("{task}{TASK_SEPARATOR}{alias}"));
        let step = self.run.state.steps.iter().find(|step| step.alias == alias);
        Value::text(step.and_then(|step| step.status).map_or("", crate::state::StepStatus::as_str))
    }

    fn datum(&self, function: &str, args: &[Value]) -> Result<Value, CallError> {
        let name = args.first().and_then(Value::as_str).unwrap_or_default();
        let need = Need { function: function.to_owned(), args: vec![Json::String(name.to_owned())] };
        let key =
            crate::ports::DataAsk { function: need.function.clone(), arguments: need.args.iter().map(Json::to_string).collect() }
                .key();
        match self.run.memory.data.get(&key) {
            None => Err(CallError::Needs(need)),
            Some(Fetched::Value(Json::Object(map))) if function.ends_with("onfigMap") => Ok(texts(map, |value| value)),
            Some(Fetched::Value(value)) => Ok(Value::from_json(value)),
            Some(Fetched::Secret(map)) => Ok(texts(map, Value::secret)),
        }
    }
}

/// One template's view of the scope.
struct View<'a> {
    scope: &'a Scope<'a>,
    visible: Visible,
}

impl Env for View<'_> {
    fn variable(&self, name: &str) -> Option<Value> {
        let late = self.visible != Visible::Promotion;
        match name {
            "ctx" => Some(self.scope.context()),
            "vars" => Some(Value::map(self.scope.vars.iter().cloned())),
            "outputs" if late => Some(self.scope.outputs.clone()),
            "task" if late => Some(self.scope.task.clone()),
            "stepMetas" if late => Some(self.scope.metas.clone()),
            _ => None,
        }
    }

    fn names(&self) -> Vec<String> {
        let names: &[&str] =
            if self.visible == Visible::Promotion { &["ctx", "vars"] } else { &["ctx", "outputs", "stepMetas", "task", "vars"] };
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn function(&self, name: &str) -> Option<Signature> {
        const NONE: Signature = Signature { required: 0, params: &[] };
        const NAME: Signature = Signature { required: 1, params: &[Param::String] };
        const FROM: Signature = Signature { required: 1, params: &[Param::String, Param::Any] };
        const CHART: Signature = Signature { required: 1, params: &[Param::String, Param::Any, Param::Any] };
        match name {
            "always" | "success" | "failure" if self.visible == Visible::Step => Some(NONE),
            "status" if self.visible == Visible::Step => Some(NAME),
            "warehouse" | "freightMetadata" | "freightStatus" | "stageMetadata" | "configMap" | "secret" | "sharedConfigMap"
            | "sharedSecret" => Some(NAME),
            "imageFrom" | "commitFrom" | "artifactFrom" => Some(FROM),
            "chartFrom" => Some(CHART),
            name => seaway_expr::text_signature(name),
        }
    }

    fn call(&self, name: &str, args: &[Value]) -> Result<Value, CallError> {
        let failed = || failed_before(&self.scope.run.state.steps, self.scope.index);
        match name {
            "always" => Ok(Value::Bool(true)),
            "success" => Ok(Value::Bool(!failed())),
            "failure" => Ok(Value::Bool(failed())),
            "status" => Ok(self.scope.status(args.first().and_then(Value::as_str).unwrap_or_default())),
            "warehouse" | "imageFrom" | "commitFrom" | "chartFrom" | "artifactFrom" => {
                freight::call(&self.scope.run.facts, name, args)
            }
            _ => self.scope.datum(name, args),
        }
    }

    fn now(&self) -> Option<Timestamp> {
        Some(self.scope.run.facts.started_at)
    }
}

fn task_of(alias: &str) -> &str {
    alias.split_once(TASK_SEPARATOR).map_or("", |(task, _)| task)
}

/// The outputs before a step, as they really were.
fn outputs(run: &Run, index: usize) -> Map<String, Json> {
    let steps = run.state.steps.iter().enumerate().take(index);
    merge_outputs(
        steps.filter_map(|(i, step)| {
            Some((step.alias.as_str(), step.task_output, run.memory.raw.get(&i).or(step.output.as_ref())?))
        }),
    )
}

/// Outputs as values; in a plan with what only a run will know.
fn known_or_not(run: &Run, outputs: &Map<String, Json>, full: impl Fn(&str) -> String) -> Value {
    if run.memory.unknown.is_empty() && run.memory.opaque.is_empty() {
        return Value::from_json(&Json::Object(outputs.clone()));
    }
    let mut all: BTreeMap<String, Value> = outputs.iter().map(|(key, value)| (key.clone(), Value::from_json(value))).collect();
    for (i, step) in run.state.steps.iter().enumerate() {
        let after = Value::unknown_because(&format!("known after `{}`", step.alias));
        let short = |key: &str| full(key) == step.alias;
        let key = all.keys().find(|key| short(key)).cloned().or_else(|| {
            let own = step.alias.rsplit(TASK_SEPARATOR).next().unwrap_or(&step.alias);
            [step.alias.as_str(), own].into_iter().find(|key| short(key)).map(ToOwned::to_owned)
        });
        let Some(key) = key else { continue };
        if run.memory.opaque.contains(&i) {
            all.insert(key, after);
        } else if let Some(names) = run.memory.unknown.get(&i).filter(|names| !names.is_empty()) {
            let known = outputs
                .get(&key)
                .and_then(Json::as_object)
                .into_iter()
                .flatten()
                .map(|(name, value)| (name.clone(), Value::from_json(value)));
            all.insert(key, Value::map(known.chain(names.iter().map(|name| (name.clone(), after.clone())))));
        }
    }
    Value::map(all)
}

/// A map of texts, in which an absent key reads as the empty text.
fn texts(map: &Map<String, Json>, each: impl Fn(Value) -> Value) -> Value {
    let entry = |(key, value): (&String, &Json)| {
        let value = value.as_str().map_or_else(|| Value::from_json(value), Value::text);
        (Arc::from(key.as_str()), each(value))
    };
    Value::Map(Arc::new(seaway_expr::Map::of_texts(map.iter().map(entry).collect())))
}
