//! The queue of a stage's promotions: strictly in order, one at a time, nothing superseded (reference §4.3).

use super::health;
use crate::unbuilt::Unbuilt;
use seaway_api::kargo::{Promotion, PromotionPhase, PromotionReference, StageStatus, VerificationPhase};
use serde::Serialize;

/// Which promotion has its turn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Election {
    /// Nothing waits and nothing runs.
    Idle,
    /// This one has its turn already.
    Runs(String),
    /// This one gets its turn now.
    Start(String),
    /// This one is next, once what is in the stage now has been verified.
    AwaitsVerification(String),
    /// This one is next, but a part of the stage is not built.
    NotBuilt(String),
}

impl Election {
    /// The promotion it is about.
    pub fn promotion(&self) -> Option<&str> {
        match self {
            Self::Idle => None,
            Self::Runs(name) | Self::Start(name) | Self::AwaitsVerification(name) | Self::NotBuilt(name) => Some(name),
        }
    }
}

pub(crate) fn name(promotion: &Promotion) -> &str {
    promotion.metadata.name.as_deref().unwrap_or_default()
}

pub(crate) fn phase(promotion: &Promotion) -> PromotionPhase {
    promotion.status.as_ref().map(|s| s.phase.clone()).unwrap_or_default()
}

/// Running first, then what waits in the order of names (which is that of creation), then what has ended, newest first.
pub fn sort(promotions: &mut [&Promotion]) {
    let rank = |p: &Promotion| match phase(p) {
        PromotionPhase::Running => 0,
        phase if phase.is_terminal() => 2,
        _ => 1,
    };
    promotions.sort_by(|a, b| {
        let (x, y) = (rank(a), rank(b));
        x.cmp(&y).then_with(|| if x == 2 { name(b).cmp(name(a)) } else { name(a).cmp(name(b)) })
    });
}

/// The promotions that have not ended, in the order of their turns.
pub fn waiting(promotions: &[Promotion]) -> Vec<&Promotion> {
    let mut all: Vec<&Promotion> = promotions.iter().filter(|p| !phase(p).is_terminal()).collect();
    sort(&mut all);
    all
}

/// Whose turn it is.
pub fn elect(status: &StageStatus, promotions: &[Promotion], unbuilt: &[Unbuilt]) -> Election {
    let queue = waiting(promotions);
    let Some(first) = queue.first() else { return Election::Idle };
    let chosen = status.current_promotion.as_ref().and_then(|c| queue.iter().find(|p| name(p) == c.name));
    if let Some(current) = chosen.or(Some(first).filter(|p| phase(p) == PromotionPhase::Running)) {
        return Election::Runs(name(current).to_owned());
    }
    let next = name(first).to_owned();
    if !unbuilt.is_empty() {
        return Election::NotBuilt(next);
    }
    if awaits_verification(status) { Election::AwaitsVerification(next) } else { Election::Start(next) }
}

/// What is in the stage keeps it while it is being verified, and while it is well and not yet verified.
/// A stage that is not well may be promoted without: that is the way out.
fn awaits_verification(status: &StageStatus) -> bool {
    let Some(current) = status.freight_history.first() else { return false };
    match current.verification_history.first() {
        Some(latest) => !VerificationPhase::from(latest.phase.as_str()).is_terminal(),
        None => health::is_well(status.health.as_ref()),
    }
}

/// The reference the stage keeps to the promotion that has its turn.
pub(super) fn current(election: &Election, promotions: &[Promotion]) -> Option<PromotionReference> {
    let (Election::Runs(chosen) | Election::Start(chosen)) = election else { return None };
    promotions.iter().find(|p| name(p) == chosen).map(reference)
}

/// A promotion as its stage remembers it.
pub(crate) fn reference(promotion: &Promotion) -> PromotionReference {
    let status = promotion.status.clone().unwrap_or_default();
    let freight = status
        .freight
        .clone()
        .unwrap_or_else(|| seaway_api::kargo::FreightReference { name: promotion.spec.freight.clone(), ..Default::default() });
    let finished_at = status.finished_at.clone();
    let ended = status.phase.is_terminal();
    PromotionReference { name: name(promotion).to_owned(), freight: Some(freight), status: ended.then_some(status), finished_at }
}
