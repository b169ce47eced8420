//! What a look at a stage goes by: the stage and its promotions live, the rest from caches.

use super::NAME;
use crate::caches::{index, within};
use crate::frame::{Failure, Key};
use crate::house::House;
use jiff::Timestamp;
use kube::api::{Api, ListParams};
use seaway_api::kargo::names::label;
use seaway_api::kargo::{Freight, Promotion, PromotionPolicy, Stage};
use seaway_core::stage::{Decision, World};
use seaway_core::unbuilt::Unbuilt;
use std::collections::BTreeSet;
use std::sync::Arc;

/// All that is read, owned.
pub(super) struct Seen {
    pub(super) stage: Stage,
    pub(super) promotions: Vec<Promotion>,
    pub(super) freight: Vec<Arc<Freight>>,
    policies: Vec<PromotionPolicy>,
    control_flow: BTreeSet<String>,
    warehouses: BTreeSet<String>,
    unbuilt: Vec<Unbuilt>,
    now: Timestamp,
    verification_id: String,
}

/// Reads the world; `None` if the stage is gone.
pub(super) async fn look(house: &House, key: &Key) -> Result<Option<Seen>, Failure> {
    let stages: Api<Stage> = house.api(NAME, &key.project);
    let found = stages.get_opt(&key.name).await.map_err(|err| Failure::api("read the stage", &err))?;
    let Some(stage) = found else { return Ok(None) };
    // Live, so that a stale cache can neither double a promotion nor miss one that has ended.
    let promotions: Api<Promotion> = house.api(NAME, &key.project);
    let of_stage = format!("{}={}", label::STAGE, seaway_core::admission::shorten_label(&key.name));
    let listed = promotions.list(&ListParams::default().labels(&of_stage)).await;
    let mut promotions = listed.map_err(|err| Failure::api("list the stage's promotions", &err))?.items;
    promotions.retain(|promotion| promotion.spec.stage == *key.name && promotion.metadata.deletion_timestamp.is_none());
    // Only what the stage names is looked up: a look costs the same in a project of ten stages and of a thousand.
    let requests = &stage.spec.requested_freight;
    let upstream = requests.iter().flat_map(|it| &it.sources.stages);
    let control_flow = upstream.filter(|name| house.caches.passes_on(&key.project, name)).cloned().collect();
    let warehouse = |name: &String| house.caches.warehouses.get(&Key::new(&key.project, name)).is_some();
    let warehouses = requests.iter().map(|it| it.origin.name.clone()).filter(warehouse).collect();
    Ok(Some(Seen {
        freight: freight(house, key, &stage),
        policies: house.policies(&key.project),
        control_flow,
        warehouses,
        unbuilt: house.unbuilt(&key.project, &stage),
        now: house.now(),
        verification_id: house.random.uuid(),
        promotions,
        stage,
    }))
}

/// The freight it may ask for, and what bears its mark from the time it asked for other: that has left, or leaves next.
fn freight(house: &House, key: &Key, stage: &Stage) -> Vec<Arc<Freight>> {
    let mut all = house.caches.freight_for(stage);
    let asked = |it: &Arc<Freight>| stage.spec.requested_freight.iter().any(|request| request.origin == it.origin);
    let marked = house.caches.freight.find(index::STAGE, &within(&key.project, &key.name));
    all.extend(marked.into_iter().filter(|it| !asked(it)));
    all
}

impl Seen {
    /// What core decides of it.
    pub(super) fn decide(&self) -> Decision {
        let freight: Vec<&Freight> = self.freight.iter().map(Arc::as_ref).collect();
        seaway_core::stage::decide(&World {
            stage: &self.stage,
            promotions: &self.promotions,
            freight: &freight,
            policies: &self.policies,
            control_flow: &self.control_flow,
            warehouses: &self.warehouses,
            unbuilt: &self.unbuilt,
            checked: None,
            now: self.now,
            verification_id: &self.verification_id,
        })
    }
}
