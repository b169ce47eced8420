//! How a stage fares. Where nothing is checked nothing is claimed: `NotApplicable`, never `Healthy` (reference §17 row 20).

use seaway_api::kargo::{Health, HealthState, PromotionPhase, StageStatus};

/// The stage's health; `None` for a stage that was never promoted.
///
/// `checked` is what the checks of the last promotion said; `None` if it registered some and nobody ran them.
pub fn assess(status: &StageStatus, checked: Option<&Health>) -> Option<Health> {
    let say = |state: HealthState, issue: String| Some(Health { status: state, issues: vec![issue], ..Health::default() });
    let last = status.last_promotion.as_ref()?;
    let ended = last.status.as_ref();
    let phase = ended.map(|s| s.phase.clone()).unwrap_or_default();
    if phase != PromotionPhase::Succeeded {
        return say(HealthState::Unknown, format!("the last promotion, {}, ended {phase}", last.name));
    }
    if ended.is_none_or(|s| s.health_checks.is_empty()) {
        return Some(Health { status: HealthState::NotApplicable, ..Health::default() });
    }
    match checked {
        Some(health) => Some(health.clone()),
        None => say(HealthState::Unknown, "the checks of the last promotion were not run".into()),
    }
}

/// Whether nothing speaks against the stage: unknown yet, checked and well, or nothing to check.
pub(crate) fn is_well(health: Option<&Health>) -> bool {
    health.is_none_or(|h| matches!(h.status, HealthState::Healthy | HealthState::NotApplicable))
}
