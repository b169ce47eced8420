//! The digest of a plan, version 1: what a promotion would write and do, without what differs between a plan and its run.

use jiff::Timestamp;
use seaway_api::seaway::PlannedPath;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use crate::facts::Facts;
use crate::plan::Gates;
use crate::spec::RunSpec;

/// The version of the digest.
pub const DIGEST_VERSION: i64 = 1;
/// Stands for the actor, who is never part of the digest.
pub(crate) const ACTOR: &str = "seaway:plan";
/// Stands for `now()`: a plan and its run are never made at one instant.
pub(crate) const NOW: Timestamp = Timestamp::UNIX_EPOCH;

/// Stands for the promotion's name, of the same shape as a real one.
pub(crate) fn symbol_name(stage: &str, freight: &str) -> String {
    format!("{stage}.{}.{}", "0".repeat(26), freight.get(..7).unwrap_or(freight))
}

/// Does any expression ask for the time?
pub(crate) fn uses_now(spec: &RunSpec) -> bool {
    fn has(value: &Value) -> bool {
        match value {
            Value::String(text) => asks_time(text),
            Value::Array(items) => items.iter().any(has),
            Value::Object(map) => map.values().any(has),
            _ => false,
        }
    }
    let in_vars = |vars: &[crate::spec::Variable]| vars.iter().any(|variable| asks_time(&variable.value));
    in_vars(&spec.vars)
        || spec
            .steps
            .iter()
            .any(|step| has(&step.config) || in_vars(&step.vars) || step.condition.as_deref().is_some_and(asks_time))
}

fn asks_time(text: &str) -> bool {
    text.contains("now") && (text.contains("${{") || text.contains("${%"))
}

/// What a digest covers.
pub(crate) struct DigestInputs<'a> {
    pub(crate) facts: &'a Facts,
    pub(crate) spec: &'a RunSpec,
    pub(crate) decisions: &'a [(String, bool)],
    pub(crate) paths: &'a [PlannedPath],
    pub(crate) arguments: &'a Map<String, Value>,
    pub(crate) tools: &'a Map<String, Value>,
    pub(crate) gates: &'a Gates,
}

impl DigestInputs<'_> {
    pub(crate) fn to_json(&self) -> Value {
        json!({
            "version": DIGEST_VERSION,
            "project": self.facts.project,
            "stage": self.facts.stage,
            "freight": self.facts.target_freight,
            // Long pipelines: their hash is as good as they are.
            "pipeline": digest(&serde_json::to_value(self.spec).unwrap_or(Value::Null)),
            "decisions": self.decisions.iter().map(|(alias, run)| (alias.clone(), Value::Bool(*run))).collect::<Map<_, _>>(),
            "paths": self.paths.iter().map(|path| json!([path.repository, path.branch, path.path, path.mode, path.old_blob, path.new_blob])).collect::<Vec<_>>(),
            "arguments": self.arguments,
            "tools": self.tools,
            "gates": self.gates.ids,
            "policies": self.gates.policy_hash,
        })
    }
}

/// `sha256:…` over the value with its keys sorted.
pub(crate) fn digest(inputs: &Value) -> String {
    let mut text = String::new();
    canonical(inputs, &mut text);
    format!("sha256:{}", hex::encode(Sha256::digest(text.as_bytes())))
}

fn canonical(value: &Value, out: &mut String) {
    match value {
        Value::Object(map) => {
            let mut keys: Vec<&String> = map.keys().collect();
            keys.sort();
            out.push('{');
            for key in keys {
                out.push_str(&Value::String(key.clone()).to_string());
                out.push(':');
                canonical(&map[key], out);
                out.push(',');
            }
            out.push('}');
        }
        Value::Array(items) => {
            out.push('[');
            for item in items {
                canonical(item, out);
                out.push(',');
            }
            out.push(']');
        }
        other => out.push_str(&other.to_string()),
    }
}

/// Names what differs: the first path, else the first thing.
pub(crate) fn difference(planned: &Value, now: &Value) -> Option<String> {
    let rows = |value: &Value| value.get("paths").and_then(Value::as_array).cloned().unwrap_or_default();
    let (before, after) = (rows(planned), rows(now));
    let name = |row: &Value| [0, 1, 2].map(|i| row.get(i).and_then(Value::as_str).unwrap_or_default().to_owned());
    let shown = |row: &Value| {
        let [repository, branch, path] = name(row);
        format!("`{path}` on `{branch}` of {repository}")
    };
    for row in &before {
        match after.iter().find(|other| name(other) == name(row)) {
            None => return Some(format!("{} would not be changed any more", shown(row))),
            Some(other) if other.get(4) != row.get(4) => return Some(format!("{} was changed by somebody else", shown(row))),
            Some(other) if other != row => return Some(format!("{} would get other content", shown(row))),
            Some(_) => {}
        }
    }
    if let Some(row) = after.iter().find(|row| !before.iter().any(|other| name(other) == name(row))) {
        return Some(format!("{} would be changed too", shown(row)));
    }
    for (key, label) in [
        ("freight", "the freight"),
        ("pipeline", "the steps or variables"),
        ("decisions", "which steps run"),
        ("tools", "the version of a tool"),
        ("gates", "the gates"),
        ("policies", "the policies"),
    ] {
        if planned.get(key) != now.get(key) {
            return Some(format!("{label} changed"));
        }
    }
    let arguments = |value: &Value| value.get("arguments").and_then(Value::as_object).cloned().unwrap_or_default();
    let (before, after) = (arguments(planned), arguments(now));
    let alias = before.keys().chain(after.keys()).find(|alias| before.get(*alias) != after.get(*alias))?;
    Some(format!("what step `{alias}` would send changed"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inputs(rows: &[[&str; 6]]) -> Value {
        json!({ "paths": rows, "freight": "f", "arguments": {"push": {"branch": "main"}} })
    }

    #[test]
    fn a_difference_names_the_path() {
        let row = |path: &'static str, old: &'static str, new: &'static str| ["u", "main", path, "100644", old, new];
        let planned = inputs(&[row("a", "1", "2")]);
        let check = |now: &Value, expected: &str| assert_eq!(difference(&planned, now).as_deref(), Some(expected));
        check(&inputs(&[row("a", "9", "2")]), "`a` on `main` of u was changed by somebody else");
        check(&inputs(&[row("a", "1", "3")]), "`a` on `main` of u would get other content");
        check(&inputs(&[]), "`a` on `main` of u would not be changed any more");
        check(&inputs(&[row("a", "1", "2"), row("b", "", "2")]), "`b` on `main` of u would be changed too");
        let mut other = planned.clone();
        other["arguments"]["push"]["branch"] = json!("x");
        check(&other, "what step `push` would send changed");
        assert_eq!(difference(&planned, &planned), None);
    }

    #[test]
    fn the_order_of_keys_does_not_count() {
        assert_eq!(digest(&json!({"a": 1, "b": [1, {"c": 2, "d": 3}]})), digest(&json!({"b": [1, {"d": 3, "c": 2}], "a": 1})));
        assert_ne!(digest(&json!(["ab"])), digest(&json!(["a", "b"])));
    }
}
