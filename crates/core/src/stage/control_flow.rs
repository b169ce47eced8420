//! Control-flow stages: no steps, no history; whatever is available to them is verified at once (reference §4.2).
//!
//! Unlike Kargo we look again when soak is over (§17 row 27), and soak *behind* such a stage counts from its verification.

use super::presence::FreightChange;
use super::queue::Election;
use super::{Decision, World, conditions};
use crate::freight::{Availability, list, own_name};
use seaway_api::kargo::{Stage, StageStatus};

/// Whether a stage only passes freight on.
pub fn is_control_flow(stage: &Stage) -> bool {
    stage.spec.promotion_template.as_ref().is_none_or(|template| template.spec.steps.is_empty())
}

pub(super) fn decide(world: &World<'_>) -> Decision {
    let before = world.stage.status.clone().unwrap_or_default();
    let mut status = StageStatus {
        conditions: before.conditions,
        last_handled_refresh: before.last_handled_refresh,
        observed_generation: before.observed_generation,
        metadata: before.metadata,
        freight_summary: "N/A".into(),
        ..StageStatus::default()
    };
    let (mut freight, mut next) = (Vec::new(), None);
    if world.unbuilt.is_empty() {
        for request in &world.stage.spec.requested_freight {
            let listing = list(world.freight.iter().copied(), world.name(), request, world.now, &|stage| world.passes_on(stage));
            next = [next, listing.next_change].into_iter().flatten().min();
            for (piece, _) in listing.freight.iter().filter(|(_, a)| Availability::is_available(a)) {
                if !piece.status.as_ref().is_some_and(|s| s.verified_in.contains_key(world.name())) {
                    freight.push(FreightChange::Verified { freight: own_name(piece).to_owned(), at: world.now });
                }
            }
        }
    }
    // What was in it when it still had steps is not in it any more.
    for piece in world.freight {
        let marks = piece.status.as_ref();
        if marks.is_some_and(|it| it.currently_in.contains_key(world.name())) {
            freight.push(FreightChange::Leaves { freight: own_name(piece).to_owned(), soaked: None });
        }
    }
    conditions::set_control_flow(&mut status, world);
    Decision { status, freight, start: None, election: Election::Idle, promote: Vec::new(), refused: Vec::new(), next }
}
