//! A project as `core` sees it: everything in it, read at once, for rows and for why.

use crate::{VerbError, Verbs};
use jiff::Timestamp;
use k8s_openapi::api::authorization::v1::{SelfSubjectRulesReview, SelfSubjectRulesReviewSpec};
use kube::api::{Api, ApiResource, DynamicObject, ListParams, PostParams};
use kube::{Resource, ResourceExt as _};
use seaway_api::kargo::{Freight, GROUP, ProjectConfig, Promotion, PromotionPolicy, Stage, Warehouse};
use seaway_api::seaway::PromotionRun;
use seaway_core::freight::Labels;
use seaway_core::why::{self, Answer, Project};
use serde::de::DeserializeOwned;
use std::collections::BTreeSet;

/// What there is in a project, and what whoever reads it may do.
pub struct World {
    /// Its stages.
    pub stages: Vec<Stage>,
    /// Its warehouses.
    pub warehouses: Vec<Warehouse>,
    /// Its freight.
    pub freight: Vec<Freight>,
    /// Its promotions.
    pub promotions: Vec<Promotion>,
    /// Their runs.
    pub runs: Vec<PromotionRun>,
    /// What is stored and cannot be read.
    pub unreadable: Vec<Answer>,
    /// The policies of its configuration.
    pub policies: Vec<PromotionPolicy>,
    /// Whether a kind of step is built.
    pub is_built: fn(&str) -> bool,
    /// Where whoever reads it may promote.
    pub promoter: Promoter,
    /// When it was read.
    pub now: Timestamp,
}

/// Where somebody may promote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Promoter {
    /// To every stage.
    Everywhere,
    /// To these stages.
    To(BTreeSet<String>),
}

impl Promoter {
    /// Whether they may promote to this stage.
    pub fn may(&self, stage: &str) -> bool {
        match self {
            Self::Everywhere => true,
            Self::To(stages) => stages.contains(stage),
        }
    }
}

impl World {
    /// Reads the project at `now`; `is_built` tells which kinds of steps there are.
    ///
    /// # Errors
    /// The control plane does not answer, or refuses.
    pub async fn read(verbs: &Verbs, is_built: fn(&str) -> bool, now: Timestamp) -> Result<Self, VerbError> {
        let (stages, warehouses, freight, promotions, runs, configs, promoter) = tokio::try_join!(
            all::<Stage>(verbs),
            all::<Warehouse>(verbs),
            all::<Freight>(verbs),
            all::<Promotion>(verbs),
            all::<PromotionRun>(verbs),
            all::<ProjectConfig>(verbs),
            verbs.promoter(),
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
            is_built,
            promoter,
            now,
        })
    }

    /// The answer about an object that cannot be read, if that is what it is.
    pub fn unreadable(&self, kind: &str, name: &str) -> Option<Answer> {
        self.unreadable.iter().find(|answer| answer.kind == kind && answer.name == name).cloned()
    }

    /// Asks something of it.
    pub fn ask<T>(&self, question: impl FnOnce(&Project<'_>) -> T) -> T {
        question(&Project {
            stages: &self.stages,
            warehouses: &self.warehouses,
            freight: &self.freight,
            promotions: &self.promotions,
            runs: &self.runs,
            policies: &self.policies,
            is_built: &self.is_built,
            may_promote: &|stage| self.promoter.may(stage),
            now: self.now,
        })
    }

    /// What does not move: first what is parked, for it may be why the rest stands.
    pub fn stuck(&self) -> Vec<Answer> {
        self.unreadable.iter().cloned().chain(self.ask(why::stuck)).collect()
    }

    /// What the project's freight is called.
    pub fn labels(&self) -> Labels {
        self.ask(|project| project.labels())
    }

    /// How long ago, in a word; empty if it is not known.
    pub fn age(&self, since: Option<Timestamp>) -> String {
        since.map(|since| why::age(since, self.now)).unwrap_or_default()
    }
}

impl Verbs {
    /// Where whoever asks may promote in this project, by the control plane's own answer.
    ///
    /// # Errors
    /// [`VerbError::Refused`], [`VerbError::Unreachable`].
    pub async fn promoter(&self) -> Result<Promoter, VerbError> {
        let spec = SelfSubjectRulesReviewSpec { namespace: Some(self.project().to_owned()) };
        let review = SelfSubjectRulesReview { spec, ..SelfSubjectRulesReview::default() };
        let api: Api<SelfSubjectRulesReview> = Api::all(self.client().clone());
        let answer =
            api.create(&PostParams::default(), &review).await.map_err(|err| VerbError::api("ask for one's own rights", err))?;
        let mut to = BTreeSet::new();
        for rule in answer.status.map(|status| status.resource_rules).unwrap_or_default() {
            let has = |list: &Option<Vec<String>>, word: &str| list.iter().flatten().any(|own| own == "*" || own == word);
            let verb = rule.verbs.iter().any(|own| own == "*" || own == "promote");
            if !verb || !has(&rule.api_groups, GROUP) || !has(&rule.resources, "stages") {
                continue;
            }
            match rule.resource_names.filter(|names| !names.is_empty()) {
                None => return Ok(Promoter::Everywhere),
                Some(names) => to.extend(names),
            }
        }
        Ok(Promoter::To(to))
    }
}

/// The objects of a kind.
struct All<K> {
    read: Vec<K>,
    unreadable: Vec<Answer>,
}

/// Every object of a kind by itself: one that cannot be read hides no other.
async fn all<K>(verbs: &Verbs) -> Result<All<K>, VerbError>
where
    K: Resource<Scope = k8s_openapi::NamespaceResourceScope, DynamicType = ()> + DeserializeOwned,
{
    let resource = ApiResource::erase::<K>(&());
    let api: Api<DynamicObject> = Api::namespaced_with(verbs.client().clone(), verbs.project(), &resource);
    let list = api.list(&ListParams::default()).await.map_err(|err| VerbError::api(format!("list {}", K::plural(&())), err))?;
    let mut all = All { read: Vec::with_capacity(list.items.len()), unreadable: Vec::new() };
    for object in list.items {
        match read_object(object) {
            Ok(read) => all.read.push(read),
            Err(unreadable) => all.unreadable.push(*unreadable),
        }
    }
    Ok(all)
}

/// An object as its kind, or the answer that it cannot be read.
///
/// # Errors
/// What is said of it then.
pub fn read_object<K>(object: DynamicObject) -> Result<K, Box<Answer>>
where
    K: Resource<DynamicType = ()> + DeserializeOwned,
{
    let (name, since) = (object.name_any(), last_written(&object));
    let read = serde_json::to_value(object).and_then(serde_json::from_value);
    read.map_err(|err| Box::new(why::unreadable(kind_of::<K>(), &name, &err.to_string(), since)))
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
