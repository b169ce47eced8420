//! The project as `why` sees it: everything in it, read at once.

use anyhow::{Context as _, Result};
use jiff::{SignedDuration, Timestamp};
use kube::api::{Api, ListParams};
use kube::{Resource, ResourceExt};
use seaway_api::kargo::{Freight, ProjectConfig, Promotion, PromotionPolicy, Stage, Warehouse};
use seaway_api::seaway::PromotionRun;
use seaway_core::stage::{World, decide, is_control_flow};
use seaway_core::unbuilt;
use seaway_core::why::Project;
use seaway_verbs::Verbs;
use serde::de::DeserializeOwned;
use std::collections::BTreeSet;
use std::fmt::Debug;

/// What there is in a project.
pub(crate) struct Read {
    pub(crate) stages: Vec<Stage>,
    pub(crate) warehouses: Vec<Warehouse>,
    pub(crate) freight: Vec<Freight>,
    pub(crate) promotions: Vec<Promotion>,
    pub(crate) runs: Vec<PromotionRun>,
    policies: Vec<PromotionPolicy>,
    pub(crate) now: Timestamp,
}

impl Read {
    pub(crate) async fn all(verbs: &Verbs, now: Timestamp) -> Result<Self> {
        let configs = list::<ProjectConfig>(verbs).await?;
        Ok(Self {
            stages: list(verbs).await?,
            warehouses: list(verbs).await?,
            freight: list(verbs).await?,
            promotions: list(verbs).await?,
            runs: list(verbs).await?,
            policies: configs.into_iter().flat_map(|config| config.spec.promotion_policies).collect(),
            now,
        })
    }

    /// Would `core` do something about a stage now, or within `soon`?
    pub(crate) fn moves(&self, stage: &Stage, soon: SignedDuration) -> bool {
        let names = |of: &mut dyn Iterator<Item = String>| of.collect::<BTreeSet<_>>();
        let control_flow = names(&mut self.stages.iter().filter(|it| is_control_flow(it)).map(ResourceExt::name_any));
        let warehouses = names(&mut self.warehouses.iter().map(ResourceExt::name_any));
        let asks = |freight: &&Freight| stage.spec.requested_freight.iter().any(|request| request.origin == freight.origin);
        let freight: Vec<&Freight> = self.freight.iter().filter(asks).collect();
        let own = |promotion: &&Promotion| promotion.spec.stage == stage.name_any();
        let promotions: Vec<Promotion> = self.promotions.iter().filter(own).cloned().collect();
        let decision = decide(&World {
            stage,
            promotions: &promotions,
            freight: &freight,
            policies: &self.policies,
            control_flow: &control_flow,
            warehouses: &warehouses,
            unbuilt: &unbuilt::stage(&stage.spec, &|step| seaway_steps::find(step).is_some()),
            checked: None,
            now: self.now,
            verification_id: "",
        });
        let time_alone = decision.next.is_some_and(|at| at.duration_since(self.now) < soon);
        !decision.promote.is_empty() || !decision.freight.is_empty() || time_alone
    }

    pub(crate) fn ask<T>(&self, question: impl FnOnce(&Project<'_>) -> T) -> T {
        question(&Project {
            stages: &self.stages,
            warehouses: &self.warehouses,
            freight: &self.freight,
            promotions: &self.promotions,
            runs: &self.runs,
            policies: &self.policies,
            is_built: &|step| seaway_steps::find(step).is_some(),
            may_promote: &|_| true,
            now: self.now,
        })
    }
}

/// Every object of a kind in the project.
pub(crate) async fn list<K>(verbs: &Verbs) -> Result<Vec<K>>
where
    K: Resource<Scope = k8s_openapi::NamespaceResourceScope, DynamicType = ()> + DeserializeOwned + Clone + Debug,
{
    let api: Api<K> = verbs.api();
    Ok(api.list(&ListParams::default()).await.with_context(|| format!("list {}", K::plural(&())))?.items)
}
