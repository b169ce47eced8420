//! Which freight a stage may have now, and which it would get by itself: what `freight` decides, over stored objects.

use super::World;
use super::json::list;
use crate::freight::{self, Availability};
use jiff::Timestamp;
use seaway_api::kargo::{Freight, FreightOrigin, FreightRequest, Stage};
use serde::Deserialize;
use serde_json::Value;

/// Whether a stage may have this freight. An object that cannot be read may not.
pub fn is_available(stage: &Value, freight: &Value, world: &dyn World, now: Timestamp) -> bool {
    refusal(stage, freight, world, now).is_none()
}

/// Why a stage may not have this freight, as it follows on *may not have it*, and what would let it in; `None` if it may.
pub(super) fn refusal(stage: &Value, freight: &Value, world: &dyn World, now: Timestamp) -> Option<String> {
    let (Ok(stage), Ok(freight)) = (Stage::deserialize(stage), Freight::deserialize(freight)) else {
        return Some(": one of the two cannot be read; write it anew".to_owned());
    };
    let namespace = stage.metadata.namespace.clone().unwrap_or_default();
    let approve = "approve it for the stage, or wait";
    match freight::to_stage(&freight, &stage, now, &|name| passes_on(world, &namespace, name)) {
        Availability::Approved { .. } | Availability::Direct { .. } | Availability::Upstream { .. } => None,
        Availability::Unverified { stages, all } => {
            Some(format!(" yet: it is not verified in {}; {approve}", stages.join(if all { " and " } else { " or " })))
        }
        Availability::Soaking { stage, until } => {
            let left = crate::why::left(until, now);
            Some(format!(" yet: it has to be in {stage} for {left} more; {approve}"))
        }
        Availability::SoakCutShort { stage, had, needs } => Some(format!(
            " yet: it was in {stage} for {} s of the {} s it must be there, and left; approve it for the stage, or bring it back there",
            had.as_secs(),
            needs.as_secs()
        )),
        Availability::OtherOrigin => {
            let asked: Vec<String> = stage.spec.requested_freight.iter().map(|request| request.origin.to_string()).collect();
            Some(format!(": it comes from {}, and the stage asks for freight of {}", freight.origin, asked.join(", ")))
        }
    }
}

/// The name of the freight of an origin that a stage would get by itself, if there is one.
pub fn candidate(stage: &Value, origin: &Value, world: &dyn World, now: Timestamp) -> Option<String> {
    let stage = Stage::deserialize(stage).ok()?;
    let origin = FreightOrigin::deserialize(origin).ok()?;
    let request: &FreightRequest = stage.spec.requested_freight.iter().find(|request| request.origin == origin)?;
    let (name, namespace) = (stage.metadata.name.as_deref()?, stage.metadata.namespace.as_deref()?);
    let all: Vec<Freight> =
        world.mentioning("Freight", namespace, &origin.name).iter().filter_map(|f| Freight::deserialize(&**f).ok()).collect();
    let listing = freight::list(&all, name, request, now, &|name| passes_on(world, namespace, name));
    freight::candidate(&listing, request).one()?.metadata.name.clone()
}

/// Whether a stage has no steps, so that freight only passes through it.
fn passes_on(world: &dyn World, namespace: &str, name: &str) -> bool {
    let stage = world.get("Stage", Some(namespace), name);
    stage.is_some_and(|s| list(&s, &["spec", "promotionTemplate", "spec", "steps"]).is_empty())
}
