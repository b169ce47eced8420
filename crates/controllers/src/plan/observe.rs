//! What a plan is made from: the stage as it stands, its freight, and the steps a promotion would get now.

use crate::frame::Key;
use crate::house::House;
use crate::promotion::{warehouses, whole_second};
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use seaway_api::kargo::{Freight, PromotionSpec, PromotionStep, Stage};
use seaway_api::seaway::{CanStart, PlanSpec};
use seaway_base::chain;
use seaway_core::admission::{World as Admission, inflate};
use seaway_core::freight::Availability;
use seaway_core::stage::{is_control_flow, queue};
use seaway_core::unbuilt;
use seaway_runs::{Facts, Gates, PlanRequest, RunSpec};
use serde_json::Value;
use std::sync::Arc;

/// What is to be planned, and whether it could start now.
pub(super) struct World {
    pub(super) request: PlanRequest,
    pub(super) can_start: CanStart,
}

/// Reads the world; the error is a sentence for the plan's own message.
pub(super) fn look(house: &House, project: &str, spec: &PlanSpec) -> Result<World, String> {
    let stage = house.caches.stages.get(&Key::new(project, &spec.stage));
    let stage = stage.ok_or_else(|| format!("there is no stage `{}` in project `{project}`", spec.stage))?;
    if is_control_flow(&stage) {
        return Err(format!("stage `{}` has no steps, it only passes freight on; plan a stage after it", spec.stage));
    }
    let all: Vec<Freight> = house.caches.freight.in_project(project).iter().map(|it| (**it).clone()).collect();
    let freight = seaway_core::freight::find(&spec.freight, &all).map_err(|err| chain(&err))?;
    let promotion = promotion_of(house, project, &stage, freight, spec)?;
    let collection = seaway_core::freight::collection(&stage, freight);
    let requested = stage.spec.requested_freight.clone();
    let facts = Facts {
        project: project.to_owned(),
        stage: spec.stage.clone(),
        promotion: String::new(),
        promotion_uid: String::new(),
        actor: String::new(),
        started_at: whole_second(house.now()),
        target_freight: freight.metadata.name.clone().unwrap_or_default(),
        target_freight_alias: freight.alias.clone(),
        target_freight_origin: freight.origin.name.clone(),
        freight: collection.items.into_values().collect(),
        warehouses: warehouses(house, project, &requested),
        requested,
        ui_base_url: house.settings.ui_base_url.clone(),
    };
    let run = RunSpec::from_promotion(&promotion).map_err(|err| chain(&err))?;
    let can_start = can_start(house, project, &stage, freight, &promotion);
    let request = PlanRequest { facts, spec: Arc::new(run), identity: house.identity(), gates: Gates::default() };
    Ok(World { request, can_start })
}

/// The promotion as admission would make it now, with the plan's own variables over the stage's.
fn promotion_of(
    house: &House,
    project: &str,
    stage: &Stage,
    freight: &Freight,
    spec: &PlanSpec,
) -> Result<PromotionSpec, String> {
    let stage_json = serde_json::to_value(stage).map_err(|err| chain(&err))?;
    let (vars, steps) = inflate(&stage_json, &Tasks { house, project }).map_err(|err| chain(&err))?;
    let mut vars: Vec<seaway_api::kargo::ExpressionVariable> = read(Value::Array(vars))?;
    vars.extend(spec.vars.iter().cloned());
    let steps: Vec<PromotionStep> = read(Value::Array(steps))?;
    let freight = freight.metadata.name.clone().unwrap_or_default();
    Ok(PromotionSpec { stage: spec.stage.clone(), freight, vars, steps, ..PromotionSpec::default() })
}

fn read<T: serde::de::DeserializeOwned>(value: Value) -> Result<T, String> {
    serde_json::from_value(value).map_err(|err| chain(&err))
}

/// The tasks a stage may call, as admission reads them.
struct Tasks<'a> {
    house: &'a House,
    project: &'a str,
}

impl Admission for Tasks<'_> {
    fn get(&self, kind: &str, _: Option<&str>, name: &str) -> Option<Arc<Value>> {
        let caches = &self.house.caches;
        let found = match kind {
            "PromotionTask" => serde_json::to_value(&*caches.tasks.get(&Key::new(self.project, name))?),
            "ClusterPromotionTask" => serde_json::to_value(&*caches.cluster_tasks.get(&Key::new("", name))?),
            _ => return None,
        };
        found.ok().map(Arc::new)
    }

    fn list(&self, _: &str, _: Option<&str>) -> Vec<Arc<Value>> {
        Vec::new()
    }
}

/// Whether the promotion could start now, and everything that says no.
fn can_start(house: &House, project: &str, stage: &Stage, freight: &Freight, promotion: &PromotionSpec) -> CanStart {
    let name = stage.metadata.name.as_deref().unwrap_or_default();
    let mut reasons = Vec::new();
    let mut next: Option<Timestamp> = None;
    let mut parts = house.unbuilt(project, stage);
    parts.extend(unbuilt::promotion(promotion, &|step| house.is_built(step)));
    let mut seen: Vec<String> = Vec::new();
    parts.retain(|part| {
        let new = !seen.contains(&part.part);
        seen.push(part.part.clone());
        new
    });
    reasons.extend(unbuilt::sentence(&parts));
    let now = house.now();
    let availability = seaway_core::freight::to_stage(freight, stage, now, &|it| house.caches.passes_on(project, it));
    if let Some(reason) = missing(&availability, name) {
        reasons.push(reason);
        next = availability.next_change();
    }
    let open: Vec<_> = house.caches.promotions.find(crate::caches::index::STAGE, &crate::caches::within(project, name));
    let open: Vec<_> = open.iter().map(|it| (**it).clone()).collect();
    if let Some(first) = queue::waiting(&open).first() {
        let first = first.metadata.name.as_deref().unwrap_or_default();
        reasons.push(format!("promotion `{first}` comes first"));
    }
    CanStart { allowed: reasons.is_empty(), reasons, next_change_at: next.map(Time) }
}

fn missing(availability: &Availability, stage: &str) -> Option<String> {
    match availability {
        it if it.is_available() => None,
        Availability::Soaking { stage: upstream, until } => Some(format!("it soaks in stage `{upstream}` until {until}")),
        Availability::SoakCutShort { stage: upstream, had, needs } => {
            let (had, needs) = (seaway_api::GoDuration::from(*had), seaway_api::GoDuration::from(*needs));
            Some(format!(
                "it was in stage `{upstream}` for {had} and needs {needs}; approve it for `{stage}`, or promote it there again"
            ))
        }
        Availability::Unverified { stages, .. } if stages.is_empty() => {
            Some(format!("stage `{stage}` names no source; approve the freight for it"))
        }
        Availability::Unverified { stages, .. } => Some(format!("it is not verified in stage `{}`", stages.join("`, `"))),
        _ => Some(format!("stage `{stage}` does not request freight of its warehouse")),
    }
}
