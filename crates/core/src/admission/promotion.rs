//! Promotions: a stage and freight are enough; everything else is written here, and nothing of it changes afterwards.

use super::json::{annotation, flag, label, list, map_at, name, present, set_map_entry, text};
use super::{Admission, Cause, Denied, InflateError, Right, available, config, inflate, promotion_name, shorten_label};
use seaway_api::kargo::PromotionPhase;
use seaway_api::kargo::names::{annotation as key, label as labels};
use serde_json::{Value, json};
use std::sync::Arc;

pub(super) fn admit(admission: &mut Admission<'_>) -> Result<(), Denied> {
    if admission.creates() {
        create(admission)?;
    } else if !admission.deletes() {
        update(admission)?;
    }
    let object = admission.admitted.object.as_ref().or(admission.request.old);
    let stage = object.map(|o| text(o, &["spec", "stage"]).to_owned()).unwrap_or_default();
    let namespace = admission.namespace();
    admission.admitted.right =
        Some(Right { verb: "promote", group: seaway_api::kargo::GROUP, resource: "stages", namespace, name: stage });
    Ok(())
}

/// A promotion that has ended is labelled in the write that ends it, so that watches leave it out at no write more.
pub(super) fn mark_ended(admission: &mut Admission<'_>) {
    let phase = text(admission.object(), &["status", "phase"]).to_owned();
    if serde_json::from_value(Value::from(phase)).is_ok_and(|phase: PromotionPhase| phase.is_terminal()) {
        admission.sync_label(labels::TERMINAL, "true");
    }
}

/// What can be said of a promotion that somebody writes.
pub(super) fn rules(object: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    if present(object, &["spec", "freight"]) == present(object, &["spec", "origin"]) {
        causes.push(Cause::invalid("spec", "say what to promote by exactly one of freight and origin"));
    }
    causes
}

fn create(admission: &mut Admission<'_>) -> Result<(), Denied> {
    admission.invalid(rules(admission.request.new.unwrap_or(&Value::Null)))?;
    let namespace = admission.namespace();
    let stage = stage_of(admission, &namespace)?;
    check_targets(admission, &stage)?;
    resolve_origin(admission, &stage)?;
    let (vars, steps) = inflated(admission, &stage)?;
    let ulid = admission.request.ulid;
    let object = admission.object();
    let (target, freight) = (text(object, &["spec", "target"]).to_owned(), text(object, &["spec", "freight"]).to_owned());
    let own_name = promotion_name(name(&stage), &target, ulid, &freight);
    let metadata = map_at(object, "metadata");
    metadata.shift_remove("generateName");
    metadata.insert("name".into(), Value::from(own_name));
    let spec = map_at(object, "spec");
    spec.shift_remove("vars");
    if !vars.is_empty() {
        spec.insert("vars".into(), Value::Array(vars));
    }
    spec.insert("steps".into(), Value::Array(steps));
    mark(admission, &stage);
    let found = admission.world.get("Freight", Some(&namespace), &freight);
    let refused = match found.as_deref() {
        None => {
            Some(format!("there is no freight {freight} in project {namespace}; see which there is with: seaway get freight"))
        }
        Some(found) => available::refusal(&stage, found, admission.world, admission.request.now)
            .map(|why| format!("stage {} may not have freight {freight}{why}", name(&stage))),
    };
    if let Some(message) = refused {
        // No name: the promotion never was.
        return Err(Denied::invalid("Promotion", "", vec![Cause::invalid("spec.freight", message)]));
    }
    holds(admission, &stage, found.as_ref());
    Ok(())
}

fn stage_of(admission: &mut Admission<'_>, namespace: &str) -> Result<Arc<Value>, Denied> {
    let wanted = text(admission.object(), &["spec", "stage"]).to_owned();
    match admission.world.get("Stage", Some(namespace), &wanted) {
        Some(stage) if list(&stage, &["spec", "promotionTemplate", "spec", "steps"]).is_empty() => {
            let message = format!("stage {wanted} has no steps, it only passes freight on; promote to a stage after it");
            Err(Denied::invalid("Promotion", "", vec![Cause::invalid("spec.stage", message)]))
        }
        Some(stage) => Ok(stage),
        None => {
            let message =
                format!("there is no stage {wanted} in project {namespace}; see which there are with: seaway get stages");
            Err(Denied::invalid("Promotion", "", vec![Cause::invalid("spec.stage", message)]))
        }
    }
}

/// A stage that fans out is promoted to by its requests alone.
fn check_targets(admission: &mut Admission<'_>, stage: &Value) -> Result<(), Denied> {
    let of_request = owned_by_request(admission.object());
    if stage.pointer("/spec/targets").is_some_and(|t| !t.is_null()) && !of_request {
        let message = format!("stage {} has targets; only a promotion request promotes to them", name(stage));
        return admission.invalid(vec![Cause::forbidden("spec.stage", message)]);
    }
    Ok(())
}

fn owned_by_request(object: &Value) -> bool {
    list(object, &["metadata", "ownerReferences"]).iter().any(|o| text(o, &["kind"]) == "PromotionRequest")
}

/// `origin` means: whatever the stage would get from there by itself, as of now.
fn resolve_origin(admission: &mut Admission<'_>, stage: &Value) -> Result<(), Denied> {
    let Some(origin) = admission.object().pointer("/spec/origin").cloned() else { return Ok(()) };
    let (world, now) = (admission.world, admission.request.now);
    let Some(found) = available::candidate(stage, &origin, world, now) else {
        let message = format!("stage {} has nothing to get from {} now", name(stage), origin_key(&origin));
        return admission.invalid(vec![Cause::invalid("spec.origin", message)]);
    };
    let spec = map_at(admission.object(), "spec");
    spec.shift_remove("origin");
    spec.insert("freight".into(), Value::from(found));
    Ok(())
}

fn inflated(admission: &Admission<'_>, stage: &Value) -> Result<(Vec<Value>, Vec<Value>), Denied> {
    inflate(stage, admission.world).map_err(|error| match &error {
        InflateError::NoTask { kind, name, .. } => Denied::not_found(kind, name, "create it, or take the step out of the stage"),
        InflateError::NoValue { .. } => {
            Denied::invalid("Promotion", &admission.name(), vec![Cause::required("spec.vars", error.to_string())])
        }
    })
}

/// Labels, annotations and the owner.
fn mark(admission: &mut Admission<'_>, stage: &Value) {
    let stage_name = name(stage).to_owned();
    admission.sync_label(labels::SHARD, text(stage, &["spec", "shard"]));
    admission.sync_label(labels::STAGE, &shorten_label(&stage_name));
    admission.sync_label(labels::TERMINAL, "");
    admission.stamp_actor();
    let object = admission.object();
    set_map_entry(object, "annotations", key::STAGE, Some(&stage_name));
    if owned_by_request(object) {
        return;
    }
    let owner = json!({
        "apiVersion": format!("{}/{}", seaway_api::kargo::GROUP, seaway_api::kargo::VERSION),
        "kind": "Stage", "name": stage_name, "uid": text(stage, &["metadata", "uid"]),
        "controller": true, "blockOwnerDeletion": true,
    });
    let mut owners: Vec<Value> =
        list(object, &["metadata", "ownerReferences"]).iter().filter(|o| !flag(o, &["controller"])).cloned().collect();
    owners.push(owner);
    map_at(object, "metadata").insert("ownerReferences".into(), Value::Array(owners));
}

/// A person who chooses other freight than the stage would get holds the origin; one who chooses that lifts the hold.
fn holds(admission: &mut Admission<'_>, stage: &Value, freight: Option<&Arc<Value>>) {
    let by_person =
        !admission.request.control_plane || !annotation(admission.object(), key::CREATE_ACTOR).starts_with("controller:");
    if !by_person {
        return;
    }
    for hold in [key::AUTO_PROMOTION_HOLD, key::AUTO_PROMOTION_RESUME] {
        set_map_entry(admission.object(), "annotations", hold, None);
    }
    let namespace = admission.namespace();
    let enabled = admission
        .world
        .get("ProjectConfig", Some(&namespace), &namespace)
        .is_some_and(|config| config::auto_promotes(&config, stage));
    let Some(freight) = freight.filter(|_| enabled) else { return };
    let (world, now) = (admission.world, admission.request.now);
    let candidate = available::candidate(stage, &freight["origin"], world, now);
    let same = candidate.as_deref() == Some(name(freight));
    let hold = if same { key::AUTO_PROMOTION_RESUME } else { key::AUTO_PROMOTION_HOLD };
    set_map_entry(admission.object(), "annotations", hold, Some(&origin_key(&freight["origin"])));
}

fn origin_key(origin: &Value) -> String {
    format!("{}/{}", text(origin, &["kind"]), text(origin, &["name"]))
}

fn update(admission: &mut Admission<'_>) -> Result<(), Denied> {
    let Some(old) = admission.request.old else { return Ok(()) };
    if admission.object().get("spec") != old.get("spec") {
        let cause = Cause::forbidden("spec", "a promotion is not changed once it is made; make another");
        return admission.invalid(vec![cause]);
    }
    for kept in [key::CREATE_ACTOR, key::AUTO_PROMOTION_HOLD, key::AUTO_PROMOTION_RESUME, key::REQUEST] {
        let value = annotation(old, kept);
        set_map_entry(admission.object(), "annotations", kept, (!value.is_empty()).then_some(value));
    }
    let digest = annotation(old, key::PLAN_DIGEST);
    if annotation(admission.object(), key::PLAN_DIGEST) != digest && (!digest.is_empty() || begun(old)) {
        let field = format!("metadata.annotations[{}]", key::PLAN_DIGEST);
        let message = "the plan a promotion keeps to is settled when it is made; make another promotion";
        return admission.invalid(vec![Cause::forbidden(field, message)]);
    }
    for kept in [labels::STAGE, labels::REQUEST_KEY] {
        admission.sync_label(kept, label(old, kept));
    }
    if !admission.request.control_plane {
        // Watches leave out what bears it: put on by hand, nobody would look after the promotion any more.
        admission.sync_label(labels::TERMINAL, label(old, labels::TERMINAL));
    }
    admission.enrich(key::ABORT, "action");
    admission.enrich(key::RESOLVE, "choice");
    Ok(())
}

fn begun(promotion: &Value) -> bool {
    !matches!(text(promotion, &["status", "phase"]), "" | "Pending")
}
