//! The conditions of a stage, in Kargo's types and order of precedence, with our reasons.

use super::World;
use super::queue::Election;
use crate::reason::Reason;
use seaway_api::conditions::{Condition, Status, remove, set as put, types};
use seaway_api::kargo::{HealthState, PromotionPhase, StageStatus};

pub(super) fn set(status: &mut StageStatus, world: &World<'_>, election: &Election) {
    let promoting = promoting(status, election);
    let healthy = healthy(status);
    let verified = verified(status);
    let blocked = blocked(world);
    let ready = ready(status, &[promoting.as_ref(), blocked.as_ref()], &healthy, &verified);
    let generation = world.stage.metadata.generation;
    let conditions = &mut status.conditions;
    remove(conditions, types::RECONCILING);
    remove(conditions, types::STALLED);
    for (type_, condition) in [(types::PROMOTING, promoting), (types::BLOCKED, blocked)] {
        match condition {
            Some(condition) => {
                put(conditions, condition.at(generation), world.now);
            }
            None => {
                remove(conditions, type_);
            }
        }
    }
    for condition in [healthy, verified, ready] {
        put(conditions, condition.at(generation), world.now);
    }
}

pub(super) fn set_control_flow(status: &mut StageStatus, world: &World<'_>) {
    for type_ in [types::HEALTHY, types::VERIFIED, types::PROMOTING, types::RECONCILING, types::STALLED, types::BLOCKED] {
        remove(&mut status.conditions, type_);
    }
    let generation = world.stage.metadata.generation;
    let blocked = blocked(world);
    let ready = match &blocked {
        Some(blocked) => Condition::new(types::READY, false, &blocked.reason, blocked.message.clone()),
        None => Condition::new(types::READY, true, "ControlFlow", "passes on whatever is available to it"),
    };
    for condition in blocked.into_iter().chain([ready]) {
        put(&mut status.conditions, condition.at(generation), world.now);
    }
}

fn promoting(status: &StageStatus, election: &Election) -> Option<Condition> {
    let (Election::Runs(name) | Election::Start(name)) = election else { return None };
    debug_assert!(status.current_promotion.is_some(), "an elected promotion is the current one");
    Some(Condition::new(types::PROMOTING, true, Reason::Promoting.as_str(), format!("{name} has its turn")))
}

fn blocked(world: &World<'_>) -> Option<Condition> {
    if let Some(message) = crate::unbuilt::sentence(world.unbuilt) {
        return Some(Condition::new(types::BLOCKED, true, Reason::NotBuilt.as_str(), message));
    }
    let missing = |name: &&str| !world.warehouses.contains(*name);
    let wanted = world.stage.spec.requested_freight.iter().map(|r| r.origin.name.as_str());
    let missing: Vec<&str> = wanted.filter(missing).collect();
    let text = format!("there is no warehouse `{}` in the project", missing.join("`, `"));
    (!missing.is_empty()).then(|| Condition::new(types::BLOCKED, true, Reason::WarehouseMissing.as_str(), text))
}

fn healthy(status: &StageStatus) -> Condition {
    let say = |state: Status, reason: &str, text: String| Condition::new(types::HEALTHY, state, reason, text);
    let Some(health) = &status.health else {
        return say(Status::Unknown, "NoFreight", "nothing was ever promoted here".into());
    };
    let text = health.issues.join("; ");
    match &health.status {
        HealthState::Healthy => say(Status::True, "Healthy", text),
        HealthState::Unhealthy => say(Status::False, "Unhealthy", text),
        HealthState::NotApplicable => {
            say(Status::Unknown, Reason::Unchecked.as_str(), "no step registered a health check".into())
        }
        other => {
            let phase = status.last_promotion.as_ref().and_then(|p| p.status.as_ref()).map(|s| s.phase.clone());
            match phase {
                Some(phase) if phase != PromotionPhase::Succeeded => say(Status::Unknown, &format!("LastPromotion{phase}"), text),
                _ => say(Status::Unknown, other.as_str(), text),
            }
        }
    }
}

fn verified(status: &StageStatus) -> Condition {
    let say = |state: Status, reason: &str, text: &str| Condition::new(types::VERIFIED, state, reason, text);
    let Some(current) = status.freight_history.first() else {
        return say(Status::Unknown, "NoFreight", "nothing is in the stage");
    };
    match current.verification_history.first() {
        None => say(Status::Unknown, Reason::VerificationPending.as_str(), "what is in the stage is not verified yet"),
        Some(latest) if latest.analysis_run.is_none() && latest.phase == "Successful" => say(
            Status::True,
            Reason::Unchecked.as_str(),
            "nothing verifies this stage; its freight opens the next one all the same",
        ),
        Some(latest) => say((latest.phase == "Successful").into(), &format!("Verification{}", latest.phase), &latest.message),
    }
}

/// Promoting, then blocked, then the last promotion's end, then health, then verification.
fn ready(status: &StageStatus, first: &[Option<&Condition>], healthy: &Condition, verified: &Condition) -> Condition {
    let no = |reason: &str, text: String| Condition::new(types::READY, false, reason, text);
    if let Some(condition) = first.iter().flatten().next() {
        return no(&condition.reason, condition.message.clone());
    }
    if let Some(last) = status.last_promotion.as_ref().and_then(|p| p.status.as_ref())
        && last.phase != PromotionPhase::Succeeded
    {
        return no(&format!("LastPromotion{}", last.phase), last.message.clone());
    }
    let nothing_checked = healthy.reason == Reason::Unchecked.as_str();
    if !healthy.is_true() && !nothing_checked {
        return no(&healthy.reason, healthy.message.clone());
    }
    if !verified.is_true() {
        return no(&verified.reason, verified.message.clone());
    }
    Condition::new(types::READY, true, &verified.reason, verified.message.clone())
}
