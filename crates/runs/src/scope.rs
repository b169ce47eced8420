//! What an expression of a promotion sees (Kargo reference §7.2, §7.3): the run's facts in the form that `expr` reads.

use jiff::Timestamp;
use seaway_expr::promotion::{Answers, Facts, Names, Reach};
use seaway_expr::{Budget, CallError, Env, Error, Evaluated, Need, Signature, Value};
use serde_json::{Map, Value as Json, json};
use std::collections::BTreeMap;

use crate::projection::metadata;
use crate::resolve::Fetched;
use crate::run::Run;
use crate::spec::TASK_SEPARATOR;
use crate::state::merge_outputs;

/// Evaluates a template of the step at `index`: variables first, in order, each seeing those before it.
///
/// The first part of an error is the variable that failed; it is empty where the template itself did.
pub(crate) fn evaluate(run: &Run, index: usize, json: &Json, budget: &Budget) -> Result<Evaluated, (String, Error)> {
    let facts = facts(run, index);
    let now = run.facts.started_at;
    let mut vars = BTreeMap::new();
    for (list, reach) in [(&run.spec.vars, Reach::Promotion), (&run.spec.steps[index].vars, Reach::Vars)] {
        for variable in list {
            let names = facts.names(index, reach, &vars);
            let value = seaway_expr::template(&variable.value, &Clocked { names: &names, now }, budget);
            let value = value.map_err(|err| (format!("variable `{}`", variable.name), err))?;
            vars.insert(variable.name.clone(), value);
        }
    }
    let names = facts.names(index, Reach::Step, &vars);
    seaway_expr::json_template(json, &Clocked { names: &names, now }, budget).map_err(|err| (String::new(), err))
}

/// The promotion's names, and `now()`: the instant at which it began.
struct Clocked<'a> {
    names: &'a Names<'a>,
    now: Timestamp,
}

impl Env for Clocked<'_> {
    fn variable(&self, name: &str) -> Option<Value> {
        self.names.variable(name)
    }
    fn names(&self) -> Vec<String> {
        self.names.names()
    }
    fn function(&self, name: &str) -> Option<Signature> {
        self.names.function(name)
    }
    fn call(&self, name: &str, args: &[Value]) -> Result<Value, CallError> {
        self.names.call(name, args)
    }
    fn now(&self) -> Option<Timestamp> {
        Some(self.now)
    }
}

/// The run's facts as the Promotion and Stage would show them.
fn facts(run: &Run, index: usize) -> Facts {
    let known = &run.facts;
    let items: Map<String, Json> =
        known.freight.iter().map(|freight| (format!("Warehouse/{}", freight.origin.name), json!(freight))).collect();
    let steps: Vec<Json> = run.spec.steps.iter().map(|step| json!({ "as": step.alias })).collect();
    let metas: Vec<Json> = run.state.steps.iter().take(index + 1).filter(|step| step.status.is_some()).map(metadata).collect();
    let promotion = json!({
        "metadata": { "namespace": known.project, "name": known.promotion },
        "spec": { "stage": known.stage, "freight": known.target_freight, "steps": steps },
        "status": {
            "freight": { "name": known.target_freight, "origin": { "kind": "Warehouse", "name": known.target_freight_origin } },
            "freightCollection": { "items": items },
            "stepExecutionMetadata": metas,
        },
    });
    let stage = json!({ "spec": { "requestedFreight": known.requested } });
    let mut facts = Facts::new(promotion, stage);
    facts.freight_alias.clone_from(&known.target_freight_alias);
    facts.actor.clone_from(&known.actor);
    facts.ui_base_url.clone_from(&known.ui_base_url);
    facts.outputs = outputs(run, index);
    facts.answers = answers(run);
    facts
}

fn answers(run: &Run) -> Answers {
    let mut answers = Answers::default();
    for warehouse in &run.facts.warehouses {
        let need = Need { function: "subscriptions".into(), args: vec![json!(warehouse.metadata.name)] };
        answers.add(&need, json!(warehouse.spec.subscriptions));
    }
    for request in &run.facts.requested {
        // A Warehouse that is gone answers null.
        if !run.facts.warehouses.iter().any(|warehouse| warehouse.metadata.name.as_deref() == Some(&request.origin.name)) {
            answers.add(&Need { function: "subscriptions".into(), args: vec![json!(request.origin.name)] }, Json::Null);
        }
    }
    for (ask, fetched) in run.memory.data.values() {
        let arguments = ask.arguments.iter().filter_map(|text| serde_json::from_str(text).ok()).collect();
        let value = match fetched {
            Fetched::Value(value) => value.clone(),
            Fetched::Secret(data) => Json::Object(data.clone()),
        };
        answers.add(&Need { function: ask.function.clone(), args: arguments }, value);
    }
    answers
}

/// The outputs before a step, as they really were; in a plan with what only a run will know.
fn outputs(run: &Run, index: usize) -> BTreeMap<String, Value> {
    let steps = run.state.steps.iter().enumerate().take(index);
    let known =
        merge_outputs(steps.filter_map(|(i, step)| {
            Some((step.alias.as_str(), step.task_output, run.memory.raw.get(&i).or(step.output.as_ref())?))
        }));
    let mut all: BTreeMap<String, Value> = known.iter().map(|(key, value)| (key.clone(), Value::from_json(value))).collect();
    for (i, step) in run.state.steps.iter().enumerate().take(index) {
        let after = || Value::unknown_because(&format!("known after `{}`", step.alias));
        let names = run.memory.unknown.get(&i).filter(|names| !names.is_empty());
        if names.is_none() && !run.memory.opaque.contains(&i) {
            continue;
        }
        let task = step.alias.split_once(TASK_SEPARATOR).map(|(task, _)| task).filter(|_| step.task_output);
        for key in task.into_iter().chain([step.alias.as_str()]) {
            let value = match names {
                None => after(),
                Some(names) => {
                    let known = known
                        .get(key)
                        .and_then(Json::as_object)
                        .into_iter()
                        .flatten()
                        .map(|(name, value)| (name.clone(), Value::from_json(value)));
                    Value::map(known.chain(names.iter().map(|name| (name.clone(), after()))))
                }
            };
            all.insert(key.to_owned(), value);
        }
    }
    all
}
