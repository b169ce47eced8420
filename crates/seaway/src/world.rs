//! A project as `core` sees it: everything in it, read at once, for rows and for why.

use crate::exit::Failure;
use jiff::Timestamp;
use kube::Resource;
use kube::api::{Api, ListParams};
use seaway_api::kargo::{Freight, ProjectConfig, Promotion, PromotionPolicy, Stage, Warehouse};
use seaway_api::seaway::PromotionRun;
use seaway_core::freight::Labels;
use seaway_core::why::Project;
use seaway_verbs::{VerbError, Verbs};
use serde::de::DeserializeOwned;
use std::fmt::Debug;

/// What there is in a project.
pub(crate) struct World {
    pub(crate) stages: Vec<Stage>,
    pub(crate) warehouses: Vec<Warehouse>,
    pub(crate) freight: Vec<Freight>,
    pub(crate) promotions: Vec<Promotion>,
    pub(crate) runs: Vec<PromotionRun>,
    policies: Vec<PromotionPolicy>,
    pub(crate) now: Timestamp,
}

impl World {
    /// Reads the project.
    ///
    /// # Errors
    /// The control plane does not answer, or refuses.
    pub(crate) async fn read(verbs: &Verbs) -> Result<Self, Failure> {
        let (stages, warehouses, freight, promotions, runs, configs) = tokio::try_join!(
            all::<Stage>(verbs),
            all::<Warehouse>(verbs),
            all::<Freight>(verbs),
            all::<Promotion>(verbs),
            all::<PromotionRun>(verbs),
            all::<ProjectConfig>(verbs),
        )?;
        let policies = configs.into_iter().flat_map(|config| config.spec.promotion_policies).collect();
        Ok(Self { stages, warehouses, freight, promotions, runs, policies, now: Timestamp::now() })
    }

    /// Asks something of it.
    pub(crate) fn ask<T>(&self, question: impl FnOnce(&Project<'_>) -> T) -> T {
        question(&Project {
            stages: &self.stages,
            warehouses: &self.warehouses,
            freight: &self.freight,
            promotions: &self.promotions,
            runs: &self.runs,
            policies: &self.policies,
            is_built: &|step| seaway_steps::find(step).is_some(),
            // Until there are rights, whoever holds the token may promote.
            may_promote: &|_| true,
            now: self.now,
        })
    }

    /// What the project's freight is called.
    pub(crate) fn labels(&self) -> Labels {
        self.ask(|project| project.labels())
    }

    /// How long ago, in a word; empty if it is not known.
    pub(crate) fn age(&self, since: Option<Timestamp>) -> String {
        since.map(|since| seaway_core::why::age(since, self.now)).unwrap_or_default()
    }
}

async fn all<K>(verbs: &Verbs) -> Result<Vec<K>, Failure>
where
    K: Resource<Scope = k8s_openapi::NamespaceResourceScope, DynamicType = ()> + DeserializeOwned + Clone + Debug,
{
    let api: Api<K> = verbs.api();
    let list = api.list(&ListParams::default()).await.map_err(|err| VerbError::api(format!("list {}", K::plural(&())), err))?;
    Ok(list.items)
}
