//! What a stage promotes by itself, and what keeps it from that (reference §4.6).

use super::World;
use super::queue::{name, phase};
use crate::freight::{Candidate, candidate, list, own_name};
use jiff::Timestamp;
use seaway_api::kargo::{Freight, FreightOrigin, FreightRequest, Promotion, PromotionPhase, StageStatus};
use serde::Serialize;

/// A promotion to make.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AutoPromotion {
    /// The origin it is for.
    pub origin: FreightOrigin,
    /// The freight.
    pub freight: String,
}

/// Why an origin is not promoted by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Refusal {
    /// No policy lets the stage promote by itself.
    NotEnabled,
    /// A part of the stage is not built.
    NotBuilt,
    /// A person chose other freight.
    Held,
    /// Nothing is available.
    NothingAvailable,
    /// Upstream is just changing.
    Ambiguous,
    /// The candidate is in the stage.
    UpToDate,
    /// It is on its way, or just landed.
    Underway,
    /// The last attempt did not succeed; only a person tries again.
    LastAttempt {
        /// That promotion.
        promotion: String,
        /// How it ended.
        phase: String,
    },
}

pub(super) struct Auto {
    pub(super) promote: Vec<AutoPromotion>,
    pub(super) refused: Vec<(String, Refusal)>,
    pub(super) next: Option<Timestamp>,
}

pub(super) fn decide(world: &World<'_>, status: &StageStatus) -> Auto {
    let mut auto = Auto { promote: Vec::new(), refused: Vec::new(), next: None };
    for request in &world.stage.spec.requested_freight {
        let listing = list(world.freight.iter().copied(), world.name(), request, world.now, &|stage| world.passes_on(stage));
        auto.next = [auto.next, listing.next_change].into_iter().flatten().min();
        match eligible(world, status, request, &candidate(&listing, request)) {
            Ok(freight) => {
                let freight = own_name(freight).to_owned();
                auto.promote.push(AutoPromotion { origin: request.origin.clone(), freight });
            }
            Err(refusal) => auto.refused.push((request.origin.key(), refusal)),
        }
    }
    auto
}

fn eligible<'a>(
    world: &World<'_>,
    status: &StageStatus,
    request: &FreightRequest,
    candidate: &Candidate<'a>,
) -> Result<&'a Freight, Refusal> {
    let key = request.origin.key();
    if !status.auto_promotion_enabled {
        return Err(Refusal::NotEnabled);
    }
    if !world.unbuilt.is_empty() {
        return Err(Refusal::NotBuilt);
    }
    if status.effective_auto_promotion_holds.contains_key(&key) {
        return Err(Refusal::Held);
    }
    let freight = match candidate {
        Candidate::One(freight) => *freight,
        Candidate::None => return Err(Refusal::NothingAvailable),
        Candidate::Ambiguous(_) => return Err(Refusal::Ambiguous),
    };
    let current = status.freight_history.first().and_then(|c| c.items.get(&key));
    if current.is_some_and(|current| current.name == own_name(freight)) {
        return Err(Refusal::UpToDate);
    }
    last_attempt(world, status, own_name(freight)).map_or(Ok(freight), Err)
}

/// What an earlier attempt at the same freight says against another.
fn last_attempt(world: &World<'_>, status: &StageStatus, freight: &str) -> Option<Refusal> {
    let folded = status.last_promotion.as_ref().map_or("", |p| p.name.as_str());
    let attempts: Vec<&Promotion> = world.promotions.iter().filter(|p| p.spec.freight == freight).collect();
    let unprocessed = |p: &Promotion| {
        let phase = phase(p);
        !phase.is_terminal() || (phase == PromotionPhase::Succeeded && name(p) > folded)
    };
    if attempts.iter().any(|p| unprocessed(p)) {
        return Some(Refusal::Underway);
    }
    let newest = attempts.into_iter().max_by(|a, b| name(a).cmp(name(b)))?;
    let phase = phase(newest);
    (phase != PromotionPhase::Succeeded)
        .then(|| Refusal::LastAttempt { promotion: name(newest).to_owned(), phase: phase.to_string() })
}
