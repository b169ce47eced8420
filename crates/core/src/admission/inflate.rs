//! Inflation: the steps and variables of a new promotion, from its stage and the tasks it calls (reference §5.3).
//!
//! Kargo shares one slice between a task's steps, so that the last step's variables can overwrite the others'
//! (reference §22.6). Each step here has its own.

use super::World;
use super::json::{as_map, list, text};
use seaway_api::GoDuration;
use seaway_api::kargo::PromotionStep;
use serde::Deserialize;
use serde_json::{Map, Value};

/// Why steps cannot be inflated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InflateError {
    /// A task is not there.
    #[error("{kind} {name} is not there; create it, or take the step out of the stage")]
    NoTask {
        /// The task's kind.
        kind: &'static str,
        /// The task's name.
        name: String,
    },
    /// A task needs a value that nobody gives.
    #[error("task {task} (step {alias}) needs a value for {variable}; give one in the step's vars or the stage's")]
    NoValue {
        /// The task's name.
        task: String,
        /// The alias of the step that calls it.
        alias: String,
        /// The variable.
        variable: String,
    },
}

/// The variables and steps that a promotion to this stage gets.
///
/// # Errors
/// A task is not there, or one of its variables has no value.
pub fn inflate(stage: &Value, world: &dyn World) -> Result<(Vec<Value>, Vec<Value>), InflateError> {
    let template = ["spec", "promotionTemplate", "spec"];
    let vars: Vec<Value> =
        list(stage, &["spec", "vars"]).iter().chain(list(stage, &[&template[..], &["vars"]].concat())).map(variable).collect();
    let mut steps = Vec::new();
    for (i, step) in list(stage, &[&template[..], &["steps"]].concat()).iter().enumerate() {
        match step.get("task").filter(|t| !t.is_null()) {
            Some(task) => {
                let alias = alias_of(step, "task", i);
                task_steps(stage, task, step, &alias, &vars, world, &mut steps)?;
            }
            None => steps.push(finished(step, &alias_of(step, "step", i), list(step, &["vars"]).iter().map(variable).collect())),
        }
    }
    Ok((vars, steps))
}

fn task_steps(
    stage: &Value,
    reference: &Value,
    caller: &Value,
    alias: &str,
    promotion_vars: &[Value],
    world: &dyn World,
    steps: &mut Vec<Value>,
) -> Result<(), InflateError> {
    let name = text(reference, &["name"]);
    let (kind, namespace) = match text(reference, &["kind"]) {
        "ClusterPromotionTask" => ("ClusterPromotionTask", None),
        _ => ("PromotionTask", Some(text(stage, &["metadata", "namespace"]))),
    };
    let task = world.get(kind, namespace, name).ok_or_else(|| InflateError::NoTask { kind, name: name.to_owned() })?;
    let given: Vec<Value> = list(caller, &["vars"]).iter().map(variable).collect();
    let has_value =
        |vars: &[Value], name: &str| vars.iter().any(|v| text(v, &["name"]) == name && !text(v, &["value"]).is_empty());
    let mut shared = Vec::new();
    for input in list(&task, &["spec", "vars"]) {
        let (input_name, default) = (text(input, &["name"]), text(input, &["value"]));
        if has_value(promotion_vars, input_name) {
            continue;
        }
        if default.is_empty() {
            if !has_value(&given, input_name) {
                let (task, alias, variable) = (name.to_owned(), alias.to_owned(), input_name.to_owned());
                return Err(InflateError::NoValue { task, alias, variable });
            }
            continue;
        }
        shared.push(variable(input));
    }
    shared.extend(given);
    for (i, step) in list(&task, &["spec", "steps"]).iter().enumerate() {
        let own = list(step, &["vars"]).iter().map(variable);
        let vars = shared.iter().cloned().chain(own).collect();
        steps.push(finished(step, &format!("{alias}::{}", alias_of(step, "step", i)), vars));
    }
    Ok(())
}

/// The alias as it is compared: its own without blanks around it, else by its place.
fn alias_of(step: &Value, word: &str, index: usize) -> String {
    match text(step, &["as"]).trim() {
        "" => format!("{word}-{}", index + 1),
        own => own.to_owned(),
    }
}

/// A variable as it is stored: an empty value is left out.
fn variable(variable: &Value) -> Value {
    let mut stored = Map::new();
    stored.insert("name".into(), Value::from(text(variable, &["name"])));
    let value = text(variable, &["value"]);
    if !value.is_empty() {
        stored.insert("value".into(), Value::from(value));
    }
    Value::Object(stored)
}

/// A step as a promotion stores it: empty fields are left out, durations are written as Go writes them.
fn finished(step: &Value, alias: &str, vars: Vec<Value>) -> Value {
    let mut stored = match PromotionStep::deserialize(step) {
        Ok(mut typed) => {
            typed.task = None;
            if let Some(timeout) = typed.retry.as_mut().and_then(|retry| retry.timeout.as_mut())
                && let Some(length) = timeout.get()
            {
                *timeout = GoDuration::from(length);
            }
            serde_json::to_value(typed).unwrap_or_default()
        }
        // What cannot be read is kept as it is, for the schema to refuse.
        Err(_) => step.clone(),
    };
    let map = as_map(&mut stored);
    map.insert("as".into(), Value::from(alias));
    map.shift_remove("vars");
    if !vars.is_empty() {
        map.insert("vars".into(), Value::Array(vars));
    }
    stored
}
