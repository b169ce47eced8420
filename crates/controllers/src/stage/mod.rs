//! Stages: what has ended is folded in, freight is marked, the next promotion gets its turn, new freight is promoted.

mod act;
mod observe;

use crate::caches::{index, within};
use crate::frame::{Cache, Change, Failure, Key, Kind, Queue, Reconcile, Requeue};
use crate::house::House;
use async_trait::async_trait;
use kube::api::Api;
use seaway_api::conditions::{self, Condition, types};
use seaway_api::kargo::{Freight, ProjectConfig, Promotion, Stage};
use std::sync::Arc;

/// The controller's name, as it signs its writes.
const NAME: &str = "stages";

/// Looks after stages.
pub(crate) struct Stages {
    house: Arc<House>,
}

impl Stages {
    pub(crate) fn new(house: Arc<House>) -> Self {
        Self { house }
    }

    /// Listens to what moves stages.
    pub(crate) fn listen(&self, queue: &Arc<Queue>) {
        let caches = &self.house.caches;
        let (stages, own) = (Arc::clone(&caches.stages), Arc::clone(queue));
        caches.stages.listen(move |change| stage_changed(&stages, change, &own));
        let own = Arc::clone(queue);
        caches.promotions.listen(move |change: &Change<Promotion>| {
            let phase = |it: &Promotion| it.status.as_ref().map(|status| status.phase.clone()).unwrap_or_default();
            let moved = match (&change.before, &change.after) {
                (Some(before), Some(after)) => phase(before) != phase(after),
                _ => true,
            };
            if let (Some(promotion), true) = (change.after.as_ref().or(change.before.as_ref()), moved) {
                own.add(Key::new(&change.key.project, &promotion.spec.stage));
            }
        });
        let (stages, own) = (Arc::clone(&caches.stages), Arc::clone(queue));
        caches.freight.listen(move |change: &Change<Freight>| {
            let marks = |it: &Freight| {
                let status = it.status.clone().unwrap_or_default();
                (status.currently_in, status.verified_in, status.approved_for)
            };
            let same = matches!((&change.before, &change.after), (Some(before), Some(after)) if marks(before) == marks(after));
            if let (Some(freight), false) = (change.after.as_ref().or(change.before.as_ref()), same) {
                add_all(&stages, index::WAREHOUSE, &within(&change.key.project, &freight.origin.name), &own);
            }
        });
        let (stages, own) = (Arc::clone(&caches.stages), Arc::clone(queue));
        caches.warehouses.listen(move |change| {
            if change.before.is_none() || change.after.is_none() {
                add_all(&stages, index::WAREHOUSE, &within(&change.key.project, &change.key.name), &own);
            }
        });
        let (stages, own) = (Arc::clone(&caches.stages), Arc::clone(queue));
        caches.project_configs.listen(move |change: &Change<ProjectConfig>| {
            let spec = |it: &Option<Arc<ProjectConfig>>| it.as_ref().map(|it| it.spec.clone());
            if spec(&change.before) != spec(&change.after) {
                stages.in_project(&change.key.project).iter().for_each(|stage| add(stage.as_ref(), &own));
            }
        });
        let (stages, own) = (Arc::clone(&caches.stages), Arc::clone(queue));
        caches.cluster_configs.listen(move |_| stages.all().iter().for_each(|stage| add(stage.as_ref(), &own)));
    }
}

fn add<K: Kind>(object: &K, queue: &Queue) {
    let meta = object.meta();
    queue.add(Key::new(meta.namespace.as_deref().unwrap_or_default(), meta.name.as_deref().unwrap_or_default()));
}

fn add_all(stages: &Cache<Stage>, index: &'static str, value: &str, queue: &Queue) {
    stages.find_keys(index, value).into_iter().for_each(|key| queue.add(key));
}

fn stage_changed(stages: &Cache<Stage>, change: &Change<Stage>, queue: &Queue) {
    let meta = |it: &Stage| {
        let meta = it.metadata.clone();
        (meta.generation, meta.annotations, meta.labels, meta.deletion_timestamp)
    };
    let (before, after) = (change.before.as_deref(), change.after.as_deref());
    // Our own writes to the status are no news.
    if after.is_some() && before.map(meta) != after.map(meta) {
        queue.add(change.key.clone());
    }
    let passes_on = |it: &Stage| seaway_core::stage::is_control_flow(it);
    if before.map(passes_on) != after.map(passes_on) {
        add_all(stages, index::UPSTREAM, &within(&change.key.project, &change.key.name), queue);
    }
}

#[async_trait]
impl Reconcile for Stages {
    fn name(&self) -> &'static str {
        NAME
    }

    async fn reconcile(&self, key: &Key) -> Result<Requeue, Failure> {
        let Some(seen) = observe::look(&self.house, key).await? else { return Ok(Requeue::OnChange) };
        if seen.stage.metadata.deletion_timestamp.is_some() {
            act::let_go(&self.house, key, &seen.stage).await?;
            return Ok(Requeue::OnChange);
        }
        act::hold(&self.house, key, &seen.stage).await?;
        let decision = seen.decide();
        let next = decision.next;
        act::carry_out(&self.house, key, &seen, decision).await?;
        Ok(next.map_or(Requeue::OnChange, |at| Requeue::After(self.house.wait_until(at))))
    }

    async fn failed(&self, key: &Key, failure: &Failure) {
        let api: Api<Stage> = self.house.api(NAME, &key.project);
        let Ok(Some(stage)) = api.get_opt(&key.name).await else { return };
        let before = stage.status.unwrap_or_default();
        let mut after = before.clone();
        let reason = if failure.reason == "Bug" { "Bug" } else { "ReconcileError" };
        let ready = Condition::new(types::READY, false, reason, failure.message.clone());
        conditions::set(&mut after.conditions, ready.at(stage.metadata.generation), self.house.now());
        if let Err(err) = crate::write::status(&api, NAME, &key.name, &before, &after).await {
            tracing::debug!(stage = %key, error = %err, "tell of a failed look");
        }
    }
}
