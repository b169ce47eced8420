//! What becomes of a plan: its status, in one write.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use seaway_api::conditions::{self, Condition, types};
use seaway_api::seaway::{CanStart, Plan, PlanStatus};
use seaway_runs::{DIGEST_VERSION, PATHS_MAX, PlanResult};
use std::time::Duration;

/// A plan that was made. One of a promotion that would not succeed is `Failed`, with all that is known.
pub(super) fn made(plan: &Plan, result: PlanResult, can_start: CanStart, now: Timestamp, ttl: Duration) -> PlanStatus {
    let (phase, reason, message) = match &result.failure {
        Some((reason, message)) => ("Failed", reason.clone(), message.clone()),
        None if result.changed => ("Ready", "Planned".to_owned(), "this is what it would do".to_owned()),
        None => ("Ready", "NothingToDo".to_owned(), "it would change nothing".to_owned()),
    };
    let known = PlanStatus {
        changed: Some(result.changed),
        digest: result.digest,
        digest_version: Some(DIGEST_VERSION),
        paths: if result.paths.len() <= PATHS_MAX { result.paths } else { Vec::new() },
        segments: result.segments,
        files: result.files,
        effects: result.effects,
        waits: result.waits,
        can_start: Some(can_start),
        truncated: result.truncated,
        ..PlanStatus::default()
    };
    ended(plan, known, phase, &reason, message, now, ttl)
}

/// A plan that could not be made.
pub(super) fn failed(plan: &Plan, message: String, now: Timestamp, ttl: Duration) -> PlanStatus {
    ended(plan, PlanStatus::default(), "Failed", "PlanFailed", message, now, ttl)
}

fn ended(
    plan: &Plan,
    known: PlanStatus,
    phase: &str,
    reason: &str,
    message: String,
    now: Timestamp,
    ttl: Duration,
) -> PlanStatus {
    let mut conditions = plan.status.as_ref().map(|it| it.conditions.clone()).unwrap_or_default();
    let ready = Condition::new(types::READY, phase == "Ready", reason, message.clone()).at(plan.metadata.generation);
    conditions::set(&mut conditions, ready, now);
    let expires_at = jiff::SignedDuration::try_from(ttl).ok().and_then(|ttl| now.checked_add(ttl).ok()).map(Time);
    PlanStatus {
        observed_generation: plan.metadata.generation,
        phase: phase.into(),
        message,
        conditions,
        planned_at: Some(Time(now)),
        expires_at,
        ..known
    }
}
