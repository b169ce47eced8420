//! What a write tells: its events are stored in the commit that they tell of, so that none is lost, doubled or waited for.

use super::Admission;
use super::json::{annotation, at, text};
use crate::events::{Event, Happening};
use seaway_api::kargo::names::annotation::CREATE_ACTOR;
use seaway_api::kargo::{Freight, FreightReference, Promotion, PromotionPhase};
use serde::Deserialize as _;
use serde_json::Value;
use ulid::Ulid;

/// Adds the events of an admitted write to what is stored with it, and what its writer should know of parts that are not built.
pub(super) fn tell(admission: &mut Admission<'_>) {
    super::replicated::warn(admission);
    let request = admission.request;
    let Some(object) = admission.admitted.object.as_ref().filter(|_| !admission.deletes()) else { return };
    let events = match (request.kind, request.subresource) {
        ("Promotion", None) if admission.creates() => promotion_created(admission, object),
        ("Promotion", Some("status")) => promotion_ended(admission, object),
        ("Freight", None) if admission.creates() => freight_created(admission, object),
        ("Freight", Some("status")) => freight_moved(admission, object),
        _ => return,
    };
    // A ULID tells this write's events from all others', and one from the next.
    let mark = |n: u128| Ulid(request.ulid.0.wrapping_add(n)).to_string().to_lowercase();
    let objects = events.into_iter().zip(0..).map(|(event, n)| event.object(&mark(n)));
    admission.admitted.also.extend(objects);
}

fn promotion_created(admission: &Admission<'_>, object: &Value) -> Vec<Event> {
    let Ok(promotion) = Promotion::deserialize(object) else { return Vec::new() };
    let actor = annotation(object, CREATE_ACTOR);
    let note = format!("promotion to stage `{}` was asked for by {actor}", promotion.spec.stage);
    let freight = freight_of(admission, &promotion);
    let freight = freight.as_ref().map(|(freight, alias)| (freight, alias.as_str()));
    vec![Event::of_promotion(Happening::PromotionCreated, &promotion, freight, note, admission.request.now)]
}

/// A terminal phase never changes, so it is told once.
fn promotion_ended(admission: &Admission<'_>, object: &Value) -> Vec<Event> {
    let phase = |object: &Value| PromotionPhase::from(text(object, &["status", "phase"]));
    if admission.request.old.is_some_and(|old| phase(old).is_terminal()) {
        return Vec::new();
    }
    let phase = phase(object);
    let Some(happening) = Happening::of_end(&phase) else { return Vec::new() };
    let Ok(promotion) = Promotion::deserialize(object) else { return Vec::new() };
    let message = text(object, &["status", "message"]);
    let note = if message.is_empty() { format!("promotion {}", phase.as_str().to_lowercase()) } else { message.to_owned() };
    let mut freight = freight_of(admission, &promotion);
    // The freight as it was when the promotion began, if it did.
    if let Some(begun) = promotion.status.as_ref().and_then(|status| status.freight.clone()) {
        let alias = freight.map(|(_, alias)| alias).unwrap_or_default();
        freight = Some((begun, alias));
    }
    let freight = freight.as_ref().map(|(freight, alias)| (freight, alias.as_str()));
    let event = Event::of_promotion(happening, &promotion, freight, note, admission.request.now);
    if happening != Happening::PromotionSucceeded {
        return vec![event];
    }
    let stage = admission.world.get("Stage", Some(&admission.namespace()), &promotion.spec.stage);
    let verifies = stage.is_some_and(|stage| at(&stage, &["spec", "verification"]).is_some_and(|it| !it.is_null()));
    vec![event.with("verification-pending", verifies.to_string())]
}

fn freight_of(admission: &Admission<'_>, promotion: &Promotion) -> Option<(FreightReference, String)> {
    let found = admission.world.get("Freight", Some(&admission.namespace()), &promotion.spec.freight)?;
    let freight = Freight::deserialize(&*found).ok()?;
    Some((freight.reference(), freight.alias))
}

/// As in Kargo, a person who makes freight is not told that it was made.
fn freight_created(admission: &Admission<'_>, object: &Value) -> Vec<Event> {
    let request = admission.request;
    let Some(freight) = Freight::deserialize(object).ok().filter(|_| request.control_plane) else { return Vec::new() };
    let note = format!("freight `{}` was made of what warehouse `{}` found", freight.alias, freight.origin.name);
    vec![Event::of_freight(Happening::FreightCreated, &freight, request.actor, note, request.now)]
}

/// Approvals by people, and verifications.
fn freight_moved(admission: &Admission<'_>, object: &Value) -> Vec<Event> {
    let request = admission.request;
    let new = |field: &str| -> Vec<String> {
        let stages = |object: &Value| at(object, &["status", field]).and_then(Value::as_object).cloned().unwrap_or_default();
        let before = request.old.map(stages).unwrap_or_default();
        stages(object).into_iter().map(|(stage, _)| stage).filter(|stage| !before.contains_key(stage)).collect()
    };
    let approved = if request.control_plane { Vec::new() } else { new("approvedFor") };
    let verified = new("verifiedIn");
    if approved.is_empty() && verified.is_empty() {
        return Vec::new();
    }
    let Ok(freight) = Freight::deserialize(object) else { return Vec::new() };
    let tell = |happening: Happening, stage: &str, note: String| {
        Event::of_freight(happening, &freight, request.actor, note, request.now).with("stage-name", stage)
    };
    let approved = approved.iter().map(|stage| {
        let note = format!("freight `{}` was approved for stage `{stage}` by {}", freight.alias, request.actor);
        tell(Happening::FreightApproved, stage, note)
    });
    let verified = verified.iter().map(|stage| {
        let note = format!("freight `{}` counts as verified in stage `{stage}`: nothing verifies it there", freight.alias);
        tell(Happening::FreightVerificationSucceeded, stage, note)
    });
    approved.chain(verified).collect()
}

#[cfg(test)]
mod tests {
    use super::super::{Operation, Request, World, admit};
    use crate::admission::vector::Objects;
    use serde_json::{Value, json};
    use std::sync::Arc;
    use ulid::Ulid;

    const ULID: Ulid = Ulid(1 << 80);

    fn freight(status: Value) -> Value {
        json!({
            "kind": "Freight", "metadata": { "name": "f", "namespace": "bank", "uid": "uf" }, "alias": "calm-otter",
            "origin": { "kind": "Warehouse", "name": "images" }, "images": [{ "repoURL": "a/b", "tag": "1" }], "status": status,
        })
    }

    fn promotion(phase: &str) -> Value {
        json!({
            "kind": "Promotion", "metadata": { "name": "qa.1.f", "namespace": "bank", "uid": "up" },
            "spec": { "stage": "qa", "freight": "f" }, "status": { "phase": phase, "message": "because" },
        })
    }

    /// What the write of a status tells: `reason name note`, an event a line.
    #[track_caller]
    fn check(actor: &str, old: &Value, new: &Value, expected: &[&str]) {
        let stage = json!({
            "kind": "Stage", "metadata": { "name": "qa", "namespace": "bank" }, "spec": { "verification": { "analysisTemplates": [] } },
        });
        let world: &dyn World = &Objects(vec![Arc::new(stage), Arc::new(freight(json!({})))]);
        let request = Request {
            operation: Operation::Update,
            kind: new["kind"].as_str().unwrap(),
            subresource: Some("status"),
            namespace: Some("bank"),
            new: Some(new),
            old: Some(old),
            actor,
            control_plane: actor.starts_with("controller:"),
            cluster_admin: false,
            dry_run: false,
            now: "2026-03-01T12:00:00Z".parse().unwrap(),
            ulid: ULID,
            random: 5,
        };
        let also = admit(&request, world).unwrap().also;
        let text = |event: &Value, pointer: &str| event.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
        let line = |event: &Value| [text(event, "/reason"), text(event, "/metadata/name"), text(event, "/message")].join(" ");
        assert_eq!(also.iter().map(line).collect::<Vec<_>>(), expected);
        for event in &also {
            assert_eq!(text(event, "/metadata/annotations/event.kargo.akuity.io~1freight-alias"), "calm-otter");
        }
    }

    #[test]
    fn a_promotions_end_is_told_with_the_write_that_ends_it() {
        let name = "qa.1.f.00000000010000000000000000";
        check("controller:promotions", &promotion(""), &promotion("Running"), &[]);
        let told = format!("PromotionSucceeded {name} because");
        check("controller:promotions", &promotion("Running"), &promotion("Succeeded"), &[&told]);
        let told = format!("PromotionAborted {name} because");
        check("controller:promotions", &promotion("Pending"), &promotion("Aborted"), &[&told]);
        check("controller:promotions", &promotion("Failed"), &promotion("Failed"), &[]);
    }

    #[test]
    fn marks_on_freight_are_told_once_and_approvals_only_of_people() {
        let (none, both) = (json!({}), json!({ "approvedFor": { "uat": {} }, "verifiedIn": { "qa": {} } }));
        check(
            "kubernetes:alice",
            &freight(none.clone()),
            &freight(both.clone()),
            &[
                "FreightApproved f.00000000010000000000000000 freight `calm-otter` was approved for stage `uat` by kubernetes:alice",
                "FreightVerificationSucceeded f.00000000010000000000000001 freight `calm-otter` counts as verified in stage `qa`: nothing verifies it there",
            ],
        );
        check(
            "controller:stages",
            &freight(none),
            &freight(both.clone()),
            &[
                "FreightVerificationSucceeded f.00000000010000000000000000 freight `calm-otter` counts as verified in stage `qa`: nothing verifies it there",
            ],
        );
        check("kubernetes:alice", &freight(both.clone()), &freight(both), &[]);
    }
}
