//! A project as `core` sees it: everything in it, read at once, for rows and for why.

use crate::exit::Failure;
use jiff::Timestamp;
use kube::api::{Api, ApiResource, DynamicObject, ListParams};
use kube::{Resource, ResourceExt as _};
use seaway_api::kargo::{Freight, ProjectConfig, Promotion, PromotionPolicy, Stage, Warehouse};
use seaway_api::seaway::PromotionRun;
use seaway_core::freight::Labels;
use seaway_core::why::{self, Answer, Project};
use seaway_verbs::{VerbError, Verbs};
use serde::de::DeserializeOwned;

/// What there is in a project.
pub(crate) struct World {
    pub(crate) stages: Vec<Stage>,
    pub(crate) warehouses: Vec<Warehouse>,
    pub(crate) freight: Vec<Freight>,
    pub(crate) promotions: Vec<Promotion>,
    pub(crate) runs: Vec<PromotionRun>,
    /// What is stored and cannot be read.
    pub(crate) unreadable: Vec<Answer>,
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
        let policies = configs.read.into_iter().flat_map(|config| config.spec.promotion_policies).collect();
        let unreadable = [
            warehouses.unreadable,
            stages.unreadable,
            freight.unreadable,
            promotions.unreadable,
            runs.unreadable,
            configs.unreadable,
        ];
        Ok(Self {
            stages: stages.read,
            warehouses: warehouses.read,
            freight: freight.read,
            promotions: promotions.read,
            runs: runs.read,
            unreadable: unreadable.concat(),
            policies,
            now: Timestamp::now(),
        })
    }

    /// The answer about an object that cannot be read, if that is what it is.
    pub(crate) fn unreadable(&self, kind: &str, name: &str) -> Option<Answer> {
        self.unreadable.iter().find(|answer| answer.kind == kind && answer.name == name).cloned()
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

/// The objects of a kind.
struct All<K> {
    read: Vec<K>,
    unreadable: Vec<Answer>,
}

/// Every object of a kind by itself: one that cannot be read hides no other.
async fn all<K>(verbs: &Verbs) -> Result<All<K>, Failure>
where
    K: Resource<Scope = k8s_openapi::NamespaceResourceScope, DynamicType = ()> + DeserializeOwned,
{
    let resource = ApiResource::erase::<K>(&());
    let api: Api<DynamicObject> = Api::namespaced_with(verbs.client().clone(), verbs.project(), &resource);
    let list = api.list(&ListParams::default()).await.map_err(|err| VerbError::api(format!("list {}", K::plural(&())), err))?;
    let mut all = All { read: Vec::with_capacity(list.items.len()), unreadable: Vec::new() };
    for object in list.items {
        let (name, since) = (object.name_any(), last_written(&object));
        match serde_json::to_value(object).and_then(serde_json::from_value) {
            Ok(read) => all.read.push(read),
            Err(err) => all.unreadable.push(why::unreadable(kind_of::<K>(), &name, &err.to_string(), since)),
        }
    }
    Ok(all)
}

/// The kind's word as answers bear it.
fn kind_of<K: Resource<DynamicType = ()>>() -> &'static str {
    let kind = K::kind(&());
    seaway_api::kinds().iter().find(|info| info.kind == kind).map_or("Object", |info| info.kind)
}

/// When it was last written to, as far as its managers tell; else when it was made.
fn last_written(object: &DynamicObject) -> Option<Timestamp> {
    let managed = object.metadata.managed_fields.iter().flatten().filter_map(|entry| entry.time.as_ref());
    managed.map(|time| time.0).max().or_else(|| object.metadata.creation_timestamp.as_ref().map(|time| time.0))
}
