//! Steps of stages and tasks: one thing to run each, aliases that can be told apart, names that can be spelt.

use super::json::{at as json_at, list, present, text};
use super::{Admission, Cause, Denied};
use regex::Regex;
use seaway_api::GoDuration;
use serde_json::Value;
use std::collections::HashMap;
use std::sync::LazyLock;

static RESERVED: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"^(step|task)-[0-9]+$").expect("a constant pattern"));

pub(super) fn admit_task(admission: &mut Admission<'_>) -> Result<(), Denied> {
    if admission.deletes() {
        return Ok(());
    }
    if admission.request.kind == "PromotionTask" {
        admission.check_project()?;
    }
    admission.check_rules()
}

pub(super) fn rules_task(object: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    variables(list(object, &["spec", "vars"]), "spec.vars", &mut causes);
    check(list(object, &["spec", "steps"]), "spec.steps", true, &mut causes);
    causes
}

/// Checks a list of steps; those of a task may not call a task.
pub(super) fn check(steps: &[Value], field: &str, in_task: bool, causes: &mut Vec<Cause>) {
    let mut aliases: HashMap<&str, usize> = HashMap::new();
    for (i, step) in steps.iter().enumerate() {
        let at = format!("{field}[{i}]");
        let task = step.get("task").is_some_and(|t| !t.is_null());
        if task && in_task {
            causes.push(Cause::forbidden(format!("{at}.task"), "a task cannot call a task; write the steps out"));
        } else if task == present(step, &["uses"]) {
            causes.push(Cause::invalid(&at, "a step runs exactly one thing; write either uses or task"));
        }
        if task && !in_task {
            for key in ["if", "config", "retry", "continueOnError"] {
                if present(step, &[key]) {
                    let message = format!("a step that calls a task cannot have {key}; write it at the task's own steps");
                    causes.push(Cause::forbidden(format!("{at}.{key}"), message));
                }
            }
        }
        retry(step, &at, causes);
        variables(list(step, &["vars"]), &format!("{at}.vars"), causes);
        let alias = text(step, &["as"]).trim();
        if alias.is_empty() {
            continue;
        }
        if RESERVED.is_match(alias) {
            let message = format!("{alias} is reserved for steps without an alias; choose another");
            causes.push(Cause::invalid(format!("{at}.as"), message));
        } else if let Some(first) = aliases.insert(alias, i) {
            let message = format!("{alias} is the alias of {field}[{first}] already; choose another");
            causes.push(Cause::invalid(format!("{at}.as"), message));
        }
    }
}

/// Checks when a step is given up: what the schema takes for any text and any number has a form all the same.
fn retry(step: &Value, at: &str, causes: &mut Vec<Cause>) {
    let timeout = text(step, &["retry", "timeout"]);
    if !timeout.is_empty() && GoDuration::from(timeout.trim_start_matches('-')).get().is_none() {
        causes
            .push(Cause::invalid(format!("{at}.retry.timeout"), format!("{timeout:?} is no duration; write one such as 1h30m")));
    }
    if json_at(step, &["retry", "errorThreshold"]).and_then(Value::as_i64).is_some_and(|n| n < 0) {
        causes.push(Cause::invalid(
            format!("{at}.retry.errorThreshold"),
            "write 0 for the step's own number, or how many errors end it",
        ));
    }
}

/// Checks the names of variables.
pub(super) fn variables(variables: &[Value], field: &str, causes: &mut Vec<Cause>) {
    static NAME: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"^[a-zA-Z_][0-9A-Za-z_]*$").expect("a constant pattern"));
    for (i, variable) in variables.iter().enumerate() {
        if !NAME.is_match(text(variable, &["name"])) {
            let message = "write letters, digits and _, beginning with no digit";
            causes.push(Cause::invalid(format!("{field}[{i}].name"), message));
        }
    }
}
