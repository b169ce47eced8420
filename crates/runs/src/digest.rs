//! What of a plan its digest covers (version 1, `core::plan`), and how a plan and its run are made comparable.
//!
//! The promotion's name, its actor and `now()` differ between a plan and its run. So a digest is always taken over files and arguments
//! that were made with symbols in their place: a run that has a plan to keep to plans itself once more, with the same symbols.

use jiff::Timestamp;
use seaway_api::seaway::{PlannedEffect, PlannedPath};
use seaway_core::plan::{Inputs, Symbols, first_difference};
use serde_json::{Value, json};
use std::collections::BTreeMap;

use crate::facts::Facts;
use crate::plan::Gates;
use crate::spec::{RunSpec, StepSpec, Variable};

pub use seaway_core::plan::DIGEST_VERSION;

/// Stands for `now()`.
pub(crate) const NOW: Timestamp = Timestamp::UNIX_EPOCH;

/// The same promotion with symbols in the place of its name and its actor.
pub(crate) fn symbolic(facts: &Facts) -> Facts {
    Facts { promotion: Symbols::symbol("promotion"), actor: Symbols::symbol("actor"), ..facts.clone() }
}

/// Does any expression ask for the time?
pub(crate) fn uses_now(spec: &RunSpec) -> bool {
    mentions(spec, &["now"])
}

/// Does any expression ask for what differs between a plan and its run?
pub(crate) fn uses_symbols(spec: &RunSpec) -> bool {
    mentions(spec, &["now", "ctx.promotion", "ctx.meta", "ctx[", "ctx)", "$env"])
}

fn mentions(spec: &RunSpec, words: &[&str]) -> bool {
    fn has(value: &Value, words: &[&str]) -> bool {
        match value {
            Value::String(text) => asks(text, words),
            Value::Array(items) => items.iter().any(|item| has(item, words)),
            Value::Object(map) => map.values().any(|item| has(item, words)),
            _ => false,
        }
    }
    fn asks(text: &str, words: &[&str]) -> bool {
        (text.contains("${{") || text.contains("${%")) && words.iter().any(|word| text.contains(word))
    }
    let in_vars = |vars: &[Variable]| vars.iter().any(|variable| asks(&variable.value, words));
    let in_step = |step: &StepSpec| {
        has(&step.config, words) || in_vars(&step.vars) || step.condition.as_deref().is_some_and(|text| asks(text, words))
    };
    in_vars(&spec.vars) || spec.steps.iter().any(in_step)
}

/// What a digest covers.
pub(crate) struct Covered<'a> {
    pub(crate) facts: &'a Facts,
    pub(crate) spec: &'a RunSpec,
    pub(crate) decisions: &'a [(String, bool)],
    pub(crate) paths: &'a [PlannedPath],
    pub(crate) effects: &'a [PlannedEffect],
    pub(crate) tools: &'a BTreeMap<String, String>,
    pub(crate) gates: &'a Gates,
}

/// The digest.
pub(crate) fn digest(covered: &Covered<'_>) -> String {
    let run: serde_json::Map<_, _> = covered.decisions.iter().map(|(alias, run)| (alias.clone(), Value::Bool(*run))).collect();
    let inputs = Inputs {
        project: covered.facts.project.clone(),
        stage: covered.facts.stage.clone(),
        freight: covered.facts.target_freight.clone(),
        steps: json!({ "steps": covered.spec.steps, "run": run }),
        vars: json!(covered.spec.vars),
        paths: covered.paths.to_vec(),
        effects: covered.effects.to_vec(),
        gates: covered.gates.ids.clone(),
        policy: covered.gates.policy_hash.clone(),
        tools: covered.tools.clone(),
    };
    seaway_core::plan::digest(&inputs, &Symbols::default())
}

/// What differs, for people: the first path, else that it is no path.
pub(crate) fn difference(planned: &[PlannedPath], now: &[PlannedPath]) -> String {
    match first_difference(planned, now) {
        Some(difference) => difference.to_string(),
        None if planned.is_empty() && !now.is_empty() => "the files it would write differ".into(),
        None => "not its files, but its steps, variables, effects, gates or tools".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_expressions_ask_for_the_time() {
        let spec = |config: Value| RunSpec { vars: Vec::new(), steps: vec![StepSpec::new("a", "x", config)] };
        assert!(uses_now(&spec(json!({ "a": [{ "b": "${{ now() }}" }] }))));
        assert!(!uses_now(&spec(json!({ "a": "now", "b": "${{ ctx.stage }}" }))));
    }
}
