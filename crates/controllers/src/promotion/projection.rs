//! How a run is told: to Kargo's clients in `Promotion.status`, to ours in `PromotionRun.status`.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use seaway_api::conditions::{self, Condition, types};
use seaway_api::kargo::{FreightCollection, FreightReference, Promotion};
use seaway_api::seaway::{PromotionRunStatus, Wait};
use seaway_runs::{DIGEST_VERSION, Phase, RunState, WaitKind};
use serde_json::Value;

/// `Promotion.status` as it should be; fields that no run owns stay.
pub(super) fn promotion_status(
    promotion: &Promotion,
    state: &RunState,
    freight: Option<&(FreightReference, FreightCollection)>,
) -> Value {
    let before = serde_json::to_value(&promotion.status).ok();
    let mut status = before.and_then(|it| it.as_object().cloned()).unwrap_or_default();
    if let Value::Object(owned) = seaway_runs::promotion_status(state) {
        status.extend(owned);
    }
    if status.get("message").is_some_and(|message| message == "") {
        status.shift_remove("message");
    }
    if let (Some((freight, collection)), true) = (freight, state.started_at.is_some()) {
        for (key, value) in [("freight", serde_json::to_value(freight)), ("freightCollection", serde_json::to_value(collection))]
        {
            if let Ok(value) = value {
                status.insert(key.into(), value);
            }
        }
    }
    Value::Object(status)
}

/// `PromotionRun.status` for a journal.
pub(super) fn run_status(
    before: PromotionRunStatus,
    state: &RunState,
    generation: Option<i64>,
    now: Timestamp,
) -> PromotionRunStatus {
    let stands = state.wait.as_ref().filter(|_| !state.phase.is_over());
    let phase = match stands.map(|wait| wait.kind) {
        Some(WaitKind::Uncertain) => "Uncertain",
        Some(WaitKind::Blocked) => "Blocked",
        _ => state.phase.as_str(),
    };
    let mut conditions = before.conditions;
    conditions::remove(&mut conditions, types::STALLED);
    let blocked = stands.filter(|wait| wait.kind == WaitKind::Blocked);
    match blocked {
        Some(wait) => {
            let blocked = Condition::new(types::BLOCKED, true, word(&wait.reason, "Blocked"), wait.message.clone());
            conditions::set(&mut conditions, blocked.at(generation), now);
        }
        None => {
            conditions::remove(&mut conditions, types::BLOCKED);
        }
    }
    conditions::set(&mut conditions, ready(state).at(generation), now);
    let waiting = stands.filter(|wait| matches!(wait.kind, WaitKind::World | WaitKind::Retry));
    PromotionRunStatus {
        observed_generation: generation,
        phase: phase.to_owned(),
        message: state.message.clone(),
        journal: Some(state.to_json()),
        plan_digest: state.plan_digest.clone().unwrap_or_default(),
        digest_version: state.plan_digest.as_ref().map(|_| DIGEST_VERSION),
        waits: waiting.into_iter().map(wait).collect(),
        conditions,
    }
}

/// The status of a run whose step waits for a server in its midst, or does not any more. The journal stays as it was saved.
pub(super) fn told(
    mut before: PromotionRunStatus,
    waits: Option<&seaway_runs::Wait>,
    generation: Option<i64>,
    now: Timestamp,
) -> PromotionRunStatus {
    let (reason, message) = match waits {
        Some(wait) => (wait.reason.as_str(), wait.message.as_str()),
        None if before.waits.is_empty() => return before,
        None => ("Promoting", "the server has answered"),
    };
    let ready = Condition::new(types::READY, false, reason, message).at(generation);
    conditions::set(&mut before.conditions, ready, now);
    if before.phase.is_empty() {
        before.phase = Phase::Running.as_str().to_owned();
    }
    let released_by = "its answer".to_owned();
    PromotionRunStatus {
        waits: waits.into_iter().map(|it| Wait { released_by: released_by.clone(), ..wait(it) }).collect(),
        ..before
    }
}

/// The status of a run that cannot begin.
pub(super) fn blocked(
    mut before: PromotionRunStatus,
    reason: &str,
    message: &str,
    generation: Option<i64>,
    now: Timestamp,
) -> PromotionRunStatus {
    let say = |type_: &str, holds: bool| Condition::new(type_, holds, reason, message).at(generation);
    conditions::set(&mut before.conditions, say(types::BLOCKED, true), now);
    conditions::set(&mut before.conditions, say(types::READY, false), now);
    PromotionRunStatus { observed_generation: generation, phase: "Blocked".into(), message: message.to_owned(), ..before }
}

fn wait(wait: &seaway_runs::Wait) -> Wait {
    let released_by = match wait.kind {
        WaitKind::Retry => "the next attempt",
        _ => "what the step asks for",
    };
    Wait {
        step: wait.step.clone(),
        for_: wait.message.clone(),
        since: Some(Time(wait.since)),
        until: wait.until.map(Time),
        released_by: released_by.into(),
    }
}

fn ready(state: &RunState) -> Condition {
    let no = |reason: &str, message: &str| Condition::new(types::READY, false, reason, message);
    match (state.phase, &state.wait) {
        (Phase::Succeeded, _) => Condition::new(types::READY, true, "Succeeded", state.message.clone()),
        (phase, _) if phase.is_over() => no(word(&state.reason, phase.as_str()), &state.message),
        (_, Some(wait)) => {
            let usual = match wait.kind {
                WaitKind::World => "StepWaiting",
                WaitKind::Retry => "Retrying",
                WaitKind::Uncertain => "EffectUncertain",
                WaitKind::Blocked => "Blocked",
            };
            let reason = if wait.kind == WaitKind::Blocked { word(&wait.reason, usual) } else { usual };
            no(reason, &wait.message)
        }
        (_, None) => {
            let at = state.current_step();
            let step = state.steps.get(at).map_or("the end", |step| step.alias.as_str());
            no("Promoting", &format!("step {} of {}, `{step}`", (at + 1).min(state.steps.len()), state.steps.len()))
        }
    }
}

fn word<'a>(reason: &'a str, otherwise: &'a str) -> &'a str {
    if reason.is_empty() { otherwise } else { reason }
}
