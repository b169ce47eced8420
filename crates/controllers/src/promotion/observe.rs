//! What is looked at before a promotion moves: itself and its run live, the rest from caches.

use crate::frame::{Failure, Key};
use crate::house::House;
use kube::api::Api;
use seaway_api::kargo::names::annotation;
use seaway_api::kargo::{Freight, FreightCollection, FreightReference, Promotion, PromotionPhase, Stage, Warehouse};
use seaway_api::seaway::PromotionRun;
use seaway_core::unbuilt::{self, Unbuilt};
use seaway_runs::{Choice, Expected, Facts, Phase};
use std::sync::Arc;

/// A promotion and what it depends on.
pub(super) struct World {
    pub(super) promotion: Promotion,
    pub(super) run: Option<PromotionRun>,
    pub(super) stage: Option<Arc<Stage>>,
    pub(super) freight: Option<Arc<Freight>>,
    pub(super) unbuilt: Vec<Unbuilt>,
}

/// Reads the world; `None` if the promotion is gone or on its way out.
pub(super) async fn look(house: &House, key: &Key) -> Result<Option<World>, Failure> {
    let promotions: Api<Promotion> = house.api(super::NAME, &key.project);
    let runs: Api<PromotionRun> = house.api(super::NAME, &key.project);
    let found = promotions.get_opt(&key.name).await.map_err(|err| Failure::api("read the promotion", &err))?;
    let Some(promotion) = found.filter(|it| it.metadata.deletion_timestamp.is_none()) else { return Ok(None) };
    let run = runs.get_opt(&key.name).await.map_err(|err| Failure::api("read the run", &err))?;
    let stage = house.caches.stages.get(&Key::new(&key.project, &promotion.spec.stage));
    let freight = house.caches.freight.get(&Key::new(&key.project, &promotion.spec.freight));
    let mut parts = stage.as_ref().map(|stage| house.unbuilt(&key.project, stage)).unwrap_or_default();
    parts.extend(unbuilt::promotion(&promotion.spec, &|step| house.is_built(step)));
    let mut named: Vec<Unbuilt> = Vec::new();
    for part in parts {
        // A step stands in the stage and in the promotion made from it: it is named once.
        if !named.iter().any(|it| it.part == part.part) {
            named.push(part);
        }
    }
    Ok(Some(World { promotion, run, stage, freight, unbuilt: named }))
}

impl World {
    pub(super) fn name(&self) -> &str {
        self.promotion.metadata.name.as_deref().unwrap_or_default()
    }

    pub(super) fn project(&self) -> &str {
        self.promotion.metadata.namespace.as_deref().unwrap_or_default()
    }

    pub(super) fn phase(&self) -> PromotionPhase {
        self.promotion.status.as_ref().map(|status| status.phase.clone()).unwrap_or_default()
    }

    /// Has its stage given it its turn?
    pub(super) fn is_elected(&self) -> bool {
        let status = self.stage.as_ref().and_then(|stage| stage.status.as_ref());
        status.and_then(|status| status.current_promotion.as_ref()).is_some_and(|current| current.name == self.name())
    }

    /// Has it begun?
    pub(super) fn has_begun(&self) -> bool {
        self.phase() == PromotionPhase::Running
    }

    fn annotation(&self, name: &str) -> Option<&str> {
        annotated(&self.promotion, name)
    }

    /// Who asks to end it, if somebody does.
    pub(super) fn abort(&self) -> Option<String> {
        aborter(&self.promotion)
    }

    /// What a person decided of an uncertain effect, and who; `Some(None)` for a word that is none.
    pub(super) fn resolution(&self) -> Option<Option<(Choice, String)>> {
        self.annotation(annotation::RESOLVE).map(resolution)
    }

    /// The refresh token that was not handled yet.
    pub(super) fn refresh(&self) -> Option<&str> {
        let handled = self.promotion.status.as_ref().map_or("", |status| status.last_handled_refresh.as_str());
        self.annotation(annotation::REFRESH).filter(|token| *token != handled)
    }

    /// The freight and the collection that this promotion is about: as they were when it began, if it has.
    pub(super) fn collection(&self) -> Option<(FreightReference, FreightCollection)> {
        let begun = self.promotion.status.as_ref().filter(|_| self.has_begun());
        let kept = begun.and_then(|status| Some((status.freight.clone()?, status.freight_collection.clone()?)));
        kept.or_else(|| {
            let (stage, freight) = (self.stage.as_deref()?, self.freight.as_deref()?);
            Some((freight.reference(), seaway_core::freight::collection(stage, freight)))
        })
    }

    /// What the run knows of it all.
    pub(super) fn facts(&self, house: &House) -> Facts {
        let collection = self.collection();
        let requested = self.stage.as_ref().map(|stage| stage.spec.requested_freight.clone()).unwrap_or_default();
        let began = self.promotion.status.as_ref().filter(|_| self.has_begun()).and_then(|it| it.started_at.as_ref());
        let origin = collection.as_ref().map(|(freight, _)| freight.origin.name.clone());
        Facts {
            project: self.project().to_owned(),
            stage: self.promotion.spec.stage.clone(),
            promotion: self.name().to_owned(),
            promotion_uid: self.promotion.metadata.uid.clone().unwrap_or_default(),
            actor: self.annotation(annotation::CREATE_ACTOR).unwrap_or("unknown actor").to_owned(),
            started_at: began.map_or_else(|| whole_second(house.now()), |at| at.0),
            target_freight: self.promotion.spec.freight.clone(),
            target_freight_alias: self.freight.as_ref().map(|freight| freight.alias.clone()).unwrap_or_default(),
            target_freight_origin: origin.unwrap_or_default(),
            freight: collection.map(|(_, it)| it.items.into_values().collect()).unwrap_or_default(),
            warehouses: warehouses(house, self.project(), &requested),
            requested,
            ui_base_url: house.settings.ui_base_url.clone(),
        }
    }

    /// The plan it was bound to when it was made, and that plan's name.
    pub(super) fn expected(&self, house: &House) -> Option<(Expected, String)> {
        let digest = self.annotation(annotation::PLAN_DIGEST)?.to_owned();
        let plans = house.caches.plans.in_project(self.project());
        let plan = plans.iter().find(|plan| plan.status.as_ref().is_some_and(|status| status.digest == digest));
        let paths = plan.and_then(|plan| plan.status.as_ref()).map(|status| status.paths.clone()).unwrap_or_default();
        let name = plan.and_then(|plan| plan.metadata.name.clone()).unwrap_or_default();
        Some((Expected { digest, paths }, name))
    }

    /// Why it may not begin, if it may not: its freight is gone, or not available any more.
    pub(super) fn refusal(&self, house: &House) -> Option<String> {
        let stage = self.stage.as_deref()?;
        let Some(freight) = self.freight.as_deref() else {
            return Some(format!("freight `{}` is not there any more", self.promotion.spec.freight));
        };
        let passes_on = |name: &str| house.caches.passes_on(self.project(), name);
        let available = seaway_core::freight::to_stage(freight, stage, house.now(), &passes_on).is_available();
        (!available)
            .then(|| format!("freight `{}` is not available to stage `{}` any more", freight.alias, self.promotion.spec.stage))
    }
}

/// The warehouses that a stage requests freight from.
pub(crate) fn warehouses(house: &House, project: &str, requested: &[seaway_api::kargo::FreightRequest]) -> Vec<Warehouse> {
    let of = |name: &str| house.caches.warehouses.get(&Key::new(project, name));
    requested.iter().filter_map(|request| of(&request.origin.name)).map(|it| (*it).clone()).collect()
}

/// Kubernetes keeps times to the second: what a run is told must be what it reads after a restart.
pub(crate) fn whole_second(at: jiff::Timestamp) -> jiff::Timestamp {
    jiff::Timestamp::from_second(at.as_second()).unwrap_or(at)
}

/// A decision as admission writes it, `{"choice": …, "actor": …}`, or the bare word.
fn resolution(text: &str) -> Option<(Choice, String)> {
    let json: Option<serde_json::Value> = serde_json::from_str(text).ok();
    let part = |name: &str| json.as_ref().and_then(|it| it.get(name)).and_then(serde_json::Value::as_str);
    let choice = match part("choice").unwrap_or(text) {
        "repeat" => Choice::Repeat,
        "skip" => Choice::Skip,
        _ => return None,
    };
    Some((choice, part("actor").unwrap_or("unknown actor").to_owned()))
}

/// Who asks to end a promotion, if somebody does and it has not ended.
pub(super) fn aborter(promotion: &Promotion) -> Option<String> {
    let word = annotated(promotion, annotation::ABORT)?;
    if word == "terminate" {
        return Some("unknown actor".into());
    }
    let json: serde_json::Value = serde_json::from_str(word).ok()?;
    let actor = json.get("actor").and_then(serde_json::Value::as_str).unwrap_or("unknown actor");
    (json.get("action")? == "terminate").then(|| actor.to_owned())
}

fn annotated<'a>(promotion: &'a Promotion, name: &str) -> Option<&'a str> {
    promotion.metadata.annotations.as_ref()?.get(name).map(String::as_str).filter(|value| !value.is_empty())
}

/// Kargo's word for the engine's.
pub(super) fn kargo(phase: Phase) -> PromotionPhase {
    PromotionPhase::from(phase.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, decided: Option<(Choice, &str)>) {
        assert_eq!(resolution(text), decided.map(|(choice, actor)| (choice, actor.to_owned())));
    }

    #[test]
    fn a_decision_is_a_word_or_says_who_took_it() {
        check("repeat", Some((Choice::Repeat, "unknown actor")));
        check("skip", Some((Choice::Skip, "unknown actor")));
        check(r#"{"choice":"skip","actor":"kubernetes:ann"}"#, Some((Choice::Skip, "kubernetes:ann")));
        check(r#"{"choice":"repeat","controlPlane":true}"#, Some((Choice::Repeat, "unknown actor")));
        check("perhaps", None);
        check(r#"{"choice":"perhaps"}"#, None);
    }
}
