//! What Kargo's clients see of a run: `Promotion.status`, made from the journal.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::state::{RunState, StepState, StepStatus};

/// The fields of `Promotion.status` that a run owns; merge them over what is there. `freight` and `freightCollection` are the controller's.
pub fn promotion_status(state: &RunState) -> Value {
    let mut status = Map::new();
    status.insert("phase".into(), Value::String(state.phase.as_str().to_owned()));
    status.insert("message".into(), Value::String(state.message.clone()));
    let last = state.steps.len().saturating_sub(1);
    status.insert("currentStep".into(), Value::from(state.current_step().min(last)));
    let steps: Vec<Value> = state.steps.iter().filter(|step| step.status.is_some()).map(metadata).collect();
    status.insert("stepExecutionMetadata".into(), Value::Array(steps));
    status.insert("state".into(), Value::Object(state.outputs(state.steps.len())));
    for (key, at) in [("startedAt", state.started_at), ("finishedAt", state.finished_at)] {
        if let Some(at) = at {
            status.insert(key.into(), Value::String(seconds(at)));
        }
    }
    Value::Object(status)
}

/// One step's `stepExecutionMetadata`, which is `stepMetas.<alias>` in expressions too.
pub(crate) fn metadata(step: &StepState) -> Value {
    let mut json = json!({ "alias": step.alias, "status": step.status.map_or("", StepStatus::as_str) });
    let Value::Object(map) = &mut json else { return json };
    for (key, at) in [("startedAt", step.started_at), ("finishedAt", step.finished_at)] {
        if let Some(at) = at {
            map.insert(key.into(), Value::String(seconds(at)));
        }
    }
    if step.error_count > 0 {
        map.insert("errorCount".into(), Value::from(step.error_count));
    }
    if !step.message.is_empty() {
        map.insert("message".into(), Value::String(step.message.clone()));
    }
    if step.continue_on_error {
        map.insert("continueOnError".into(), Value::Bool(true));
    }
    json
}

/// RFC 3339 to the second, as Kubernetes writes times.
fn seconds(at: Timestamp) -> String {
    Timestamp::from_second(at.as_second()).unwrap_or(at).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::Phase;

    #[test]
    fn the_projection_is_kargos() {
        let at = Timestamp::from_nanosecond(1_700_000_000_123_456_789).unwrap();
        let step = StepState {
            alias: "a".into(),
            status: Some(StepStatus::Succeeded),
            started_at: Some(at),
            output: Some(json!({"k": 1}).as_object().unwrap().clone()),
            ..StepState::default()
        };
        let state = RunState {
            phase: Phase::Running,
            started_at: Some(at),
            steps: vec![step, StepState::default()],
            ..RunState::default()
        };
        insta::assert_snapshot!(promotion_status(&state), @r#"{"phase":"Running","message":"","currentStep":0,"stepExecutionMetadata":[{"alias":"a","status":"Succeeded","startedAt":"2023-11-14T22:13:20Z"}],"state":{"a":{"k":1}},"startedAt":"2023-11-14T22:13:20Z"}"#);
    }
}
