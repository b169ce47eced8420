//! The project as `why` sees it: everything in it, read at once.

use anyhow::{Context as _, Result};
use jiff::Timestamp;
use kube::Resource;
use kube::api::{Api, ListParams};
use seaway_api::kargo::{Freight, ProjectConfig, Promotion, PromotionPolicy, Stage, Warehouse};
use seaway_api::seaway::PromotionRun;
use seaway_core::why::Project;
use seaway_verbs::Verbs;
use serde::de::DeserializeOwned;
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
