//! What is done about a stage: its status, the marks on freight, the promotions it makes, and its end.

use super::NAME;
use super::observe::Seen;
use crate::caches::{index, within};
use crate::frame::{Failure, Key};
use crate::house::House;
use crate::write::{by, is_code, status, status_seen};
use kube::api::{Api, Patch, PostParams};
use seaway_api::conditions::{self, types};
use seaway_api::kargo::names::{FINALIZER, annotation};
use seaway_api::kargo::{Freight, Promotion, PromotionSpec, Stage};
use seaway_core::stage::{AutoPromotion, Decision, FreightChange};
use serde_json::json;
use std::sync::Arc;

/// Carries a decision out, in the order that repeats harmlessly: what is, what it means for freight, what comes of it.
pub(super) async fn carry_out(house: &House, key: &Key, seen: &Seen, mut decision: Decision) -> Result<(), Failure> {
    let token = seen.stage.metadata.annotations.as_ref().and_then(|it| it.get(annotation::REFRESH));
    if let Some(token) = token {
        decision.status.last_handled_refresh.clone_from(token);
    }
    if conditions::is_true(&decision.status.conditions, types::READY) {
        decision.status.observed_generation = seen.stage.metadata.generation;
    }
    let api: Api<Stage> = house.api(NAME, &key.project);
    let before = seen.stage.status.clone().unwrap_or_default();
    let written = status(&api, NAME, &key.name, &before, &decision.status).await;
    written.map_err(|err| Failure::api("write the stage's status", &err))?;
    mark(house, key, &seen.freight, &decision.freight).await?;
    for wanted in &decision.promote {
        promote(house, key, wanted).await?;
    }
    Ok(())
}

/// Writes what changes on freight: one patch a piece, and nothing on what stays.
async fn mark(house: &House, key: &Key, seen: &[Arc<Freight>], changes: &[FreightChange]) -> Result<(), Failure> {
    let api: Api<Freight> = house.api(NAME, &key.project);
    for freight in seen {
        let name = freight.metadata.name.as_deref().unwrap_or_default();
        let own: Vec<&FreightChange> = changes.iter().filter(|change| change.freight() == name).collect();
        if own.is_empty() {
            continue;
        }
        let before = freight.status.clone().unwrap_or_default();
        let mut after = before.clone();
        for change in &own {
            change.apply(&key.name, &mut after);
        }
        match status_seen((&api, &house.caches.freight), NAME, name, &before, &after).await {
            // Freight that went away needs no mark.
            Err(err) if !is_code(&err, 404) => return Err(Failure::api("mark the freight", &err)),
            _ => {}
        }
    }
    Ok(())
}

/// Asks for a promotion. What admission refuses is left: the world has moved on, and the next look decides afresh.
async fn promote(house: &House, key: &Key, wanted: &AutoPromotion) -> Result<(), Failure> {
    let api: Api<Promotion> = house.api(NAME, &key.project);
    let spec = PromotionSpec { stage: key.name.to_string(), freight: wanted.freight.clone(), ..PromotionSpec::default() };
    let mut promotion = Promotion { spec, ..Promotion::default() };
    promotion.metadata.generate_name = Some(format!("{}.", key.name));
    promotion.metadata.namespace = Some(key.project.to_string());
    let params = PostParams { field_manager: by(NAME).field_manager, ..PostParams::default() };
    match api.create(&params, &promotion).await {
        Ok(made) => {
            tracing::info!(stage = %key, promotion = made.metadata.name.as_deref().unwrap_or_default(), "promotes by itself");
            Ok(())
        }
        Err(kube::Error::Api(answer)) if matches!(answer.code, 403 | 404 | 409 | 422) => {
            tracing::warn!(stage = %key, freight = wanted.freight, why = answer.message, "may not promote by itself");
            Ok(())
        }
        Err(err) => Err(Failure::api("make a promotion", &err)),
    }
}

/// Holds the stage back from going away until its marks are off the freight.
pub(super) async fn hold(house: &House, key: &Key, stage: &Stage) -> Result<(), Failure> {
    let mut finalizers = stage.metadata.finalizers.clone().unwrap_or_default();
    if finalizers.iter().any(|it| it == FINALIZER) {
        return Ok(());
    }
    finalizers.push(FINALIZER.to_owned());
    put_finalizers(house, key, stage, &finalizers).await
}

/// Takes the stage's marks off freight, then lets it go.
pub(super) async fn let_go(house: &House, key: &Key, stage: &Stage) -> Result<(), Failure> {
    let mut finalizers = stage.metadata.finalizers.clone().unwrap_or_default();
    if !finalizers.iter().any(|it| it == FINALIZER) {
        return Ok(());
    }
    let api: Api<Freight> = house.api(NAME, &key.project);
    for freight in house.caches.freight.find(index::STAGE, &within(&key.project, &key.name)) {
        let before = freight.status.clone().unwrap_or_default();
        let mut after = before.clone();
        after.currently_in.remove(&*key.name);
        after.verified_in.remove(&*key.name);
        after.approved_for.remove(&*key.name);
        let name = freight.metadata.name.as_deref().unwrap_or_default();
        match status(&api, NAME, name, &before, &after).await {
            Err(err) if !is_code(&err, 404) => return Err(Failure::api("take the stage's mark off the freight", &err)),
            _ => {}
        }
    }
    finalizers.retain(|it| it != FINALIZER);
    match put_finalizers(house, key, stage, &finalizers).await {
        Err(failure) if failure.reason == "Gone" => Ok(()),
        other => other,
    }
}

async fn put_finalizers(house: &House, key: &Key, stage: &Stage, finalizers: &[String]) -> Result<(), Failure> {
    let api: Api<Stage> = house.api(NAME, &key.project);
    // The revision goes with it: somebody else may have added a finalizer of theirs meanwhile.
    let version = stage.metadata.resource_version.clone();
    let patch = json!({ "metadata": { "finalizers": finalizers, "resourceVersion": version } });
    match api.patch(&key.name, &by(NAME), &Patch::Merge(&patch)).await {
        Ok(_) => Ok(()),
        Err(err) if is_code(&err, 404) => Err(Failure { reason: "Gone", ..Failure::api("the stage is gone", &err) }),
        Err(err) => Err(Failure::api("write the stage's finalizer", &err)),
    }
}
