//! Which freight a stage may have now, and which it would get by itself: what `freight` decides, over stored objects.

use super::World;
use super::json::list;
use crate::freight;
use jiff::Timestamp;
use seaway_api::kargo::{Freight, FreightOrigin, FreightRequest, Stage};
use serde::Deserialize;
use serde_json::Value;

/// Whether a stage may have this freight. An object that cannot be read may not.
pub fn is_available(stage: &Value, freight: &Value, world: &dyn World, now: Timestamp) -> bool {
    let (Ok(stage), Ok(freight)) = (Stage::deserialize(stage), Freight::deserialize(freight)) else { return false };
    let namespace = stage.metadata.namespace.clone().unwrap_or_default();
    freight::to_stage(&freight, &stage, now, &|name| passes_on(world, &namespace, name)).is_available()
}

/// The name of the freight of an origin that a stage would get by itself, if there is one.
pub fn candidate(stage: &Value, origin: &Value, world: &dyn World, now: Timestamp) -> Option<String> {
    let stage = Stage::deserialize(stage).ok()?;
    let origin = FreightOrigin::deserialize(origin).ok()?;
    let request: &FreightRequest = stage.spec.requested_freight.iter().find(|request| request.origin == origin)?;
    let (name, namespace) = (stage.metadata.name.as_deref()?, stage.metadata.namespace.as_deref()?);
    let all: Vec<Freight> =
        world.list("Freight", Some(namespace)).iter().filter_map(|f| Freight::deserialize(&**f).ok()).collect();
    let listing = freight::list(&all, name, request, now, &|name| passes_on(world, namespace, name));
    freight::candidate(&listing, request).one()?.metadata.name.clone()
}

/// Whether a stage has no steps, so that freight only passes through it.
fn passes_on(world: &dyn World, namespace: &str, name: &str) -> bool {
    let stage = world.get("Stage", Some(namespace), name);
    stage.is_some_and(|s| list(&s, &["spec", "promotionTemplate", "spec", "steps"]).is_empty())
}
