//! A stage: what one look at it decides (reference §4.1–§4.7).
//!
//! The steps come in Kargo's order (fold ended promotions in, note what is in the stage, assess health, verify, hold, promote by
//! itself), and one more that Kargo leaves to the next look: elect the next promotion.

mod auto;
mod conditions;
mod control_flow;
mod fold;
mod health;
mod holds;
mod policy;
mod presence;
pub mod queue;

pub use auto::{AutoPromotion, Refusal};
pub use control_flow::is_control_flow;
pub use fold::fold;
pub use health::assess;
pub use holds::{RESUME_ANNOTATION, effective_holds, hold_annotation};
pub use policy::{PolicyError, auto_promotion_enabled, deciding_policy, selects};
pub use presence::FreightChange;
pub use queue::Election;

use crate::unbuilt::Unbuilt;
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use seaway_api::kargo::{Freight, Health, Promotion, PromotionPolicy, Stage, StageStatus, VerificationInfo, VerificationPhase};
use serde::Serialize;
use std::collections::BTreeSet;

/// All that a look at a stage goes by.
#[derive(Debug, Clone, Copy)]
pub struct World<'a> {
    /// The stage as it is stored.
    pub stage: &'a Stage,
    /// All its promotions, in any order.
    pub promotions: &'a [Promotion],
    /// All freight of the origins it requests.
    pub freight: &'a [&'a Freight],
    /// The policies of the project's configuration, in their order.
    pub policies: &'a [PromotionPolicy],
    /// The project's control-flow stages, by name.
    pub control_flow: &'a BTreeSet<String>,
    /// The project's warehouses, by name.
    pub warehouses: &'a BTreeSet<String>,
    /// Parts of the stage that are known and not built; see [`crate::unbuilt::stage`].
    pub unbuilt: &'a [Unbuilt],
    /// What the checks that the last promotion registered say; `None` if they were not run.
    pub checked: Option<&'a Health>,
    /// The present instant.
    pub now: Timestamp,
    /// The id a verification gets that is over as it begins.
    pub verification_id: &'a str,
}

impl World<'_> {
    /// The stage's name.
    pub fn name(&self) -> &str {
        self.stage.metadata.name.as_deref().unwrap_or_default()
    }

    /// Whether a stage only passes freight on.
    pub fn passes_on(&self, stage: &str) -> bool {
        self.control_flow.contains(stage)
    }
}

/// What a look decides. Printed, it is the whole story.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Decision {
    /// The stage's status as it should be.
    pub status: StageStatus,
    /// What changes on freight.
    pub freight: Vec<FreightChange>,
    /// The promotion that may run now, if it is not running yet.
    pub start: Option<String>,
    /// Why the next promotion does not start, if one waits.
    pub election: Election,
    /// Promotions to make.
    pub promote: Vec<AutoPromotion>,
    /// Why nothing is promoted by itself, origin by origin.
    pub refused: Vec<(String, Refusal)>,
    /// The next instant at which this could change by time alone.
    pub next: Option<Timestamp>,
}

/// Decides what is to be done about a stage.
pub fn decide(world: &World<'_>) -> Decision {
    if is_control_flow(world.stage) {
        return control_flow::decide(world);
    }
    let mut status = fold(world.stage, world.promotions);
    let changed_at = status.last_promotion.as_ref().and_then(|p| p.finished_at.as_ref()).map_or(world.now, |t| t.0);
    let mut freight = presence::changes(world.name(), &status, world.freight, changed_at.min(world.now), world.now);
    status.health = assess(&status, world.checked);
    let verified = world.unbuilt.is_empty() && verify(&mut status, world);
    if verified {
        presence::mark_verified(world.name(), &status, world.freight, world.now, &mut freight);
    }
    let election = queue::elect(&status, world.promotions, world.unbuilt);
    status.current_promotion = queue::current(&election, world.promotions);
    status.freight_summary = summary(world.stage, &status);
    status.auto_promotion_enabled = auto_promotion_enabled(world.stage, world.policies);
    holds::settle(&mut status, world.stage);
    status.effective_auto_promotion_holds = effective_holds(world.stage, &status, world.promotions);
    let auto = auto::decide(world, &status);
    conditions::set(&mut status, world, &election);
    let start = match &election {
        Election::Start(name) => Some(name.clone()),
        _ => None,
    };
    Decision { status, freight, start, election, promote: auto.promote, refused: auto.refused, next: auto.next }
}

/// What is in the stage, in a word: `0/N Fulfilled`, the one freight's name, or `k/N Fulfilled`.
fn summary(stage: &Stage, status: &StageStatus) -> String {
    let n = stage.spec.requested_freight.len();
    match status.freight_history.first() {
        Some(current) if n == 1 && current.items.len() == 1 => {
            current.items.values().next().map(|f| f.name.clone()).unwrap_or_default()
        }
        current => format!("{}/{n} Fulfilled", current.map_or(0, |c| c.items.len())),
    }
}

/// Gives the current collection its verification, if none is needed: it is over as it begins.
/// Says whether what is in the stage now is verified.
fn verify(status: &mut StageStatus, world: &World<'_>) -> bool {
    let well = health::is_well(status.health.as_ref());
    let settled = status.current_promotion.is_none() || !status.freight_history.is_empty();
    let Some(current) = status.freight_history.first_mut() else { return false };
    if current.verification_history.is_empty() && well && settled && world.stage.spec.verification.is_none() {
        let now = Some(Time(world.now));
        current.verification_history.push(VerificationInfo {
            id: world.verification_id.to_owned(),
            start_time: now.clone(),
            finish_time: now,
            phase: VerificationPhase::Successful.to_string(),
            ..VerificationInfo::default()
        });
    }
    let latest = current.verification_history.first();
    well && latest.is_some_and(|v| v.phase == VerificationPhase::Successful.as_str())
}
