//! Stages: what has ended is folded in, freight is marked, the next promotion gets its turn, new freight is promoted.

mod act;
mod observe;

use crate::caches::{index, within};
use crate::frame::{Cache, Change, Failure, Key, Queue, Reconcile, Requeue};
use crate::house::House;
use async_trait::async_trait;
use kube::api::Api;
use seaway_api::conditions::{self, Condition, types};
use seaway_api::kargo::{Freight, ProjectConfig, Promotion, Stage};
use std::sync::{Arc, Weak};

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
        let wake = Wake { stages: Arc::downgrade(&caches.stages), queue: Arc::clone(queue) };
        let own = wake.clone();
        caches.stages.listen(move |change| own.stage_changed(change));
        let own = wake.clone();
        caches.promotions.listen(move |change: &Change<Promotion>| {
            let phase = |it: &Promotion| it.status.as_ref().map(|status| status.phase.clone()).unwrap_or_default();
            let moved = match (&change.before, &change.after) {
                (Some(before), Some(after)) => phase(before) != phase(after),
                _ => true,
            };
            if let (Some(promotion), true) = (change.after.as_ref().or(change.before.as_ref()), moved) {
                own.queue.add(Key::new(&change.key.project, &promotion.spec.stage));
            }
        });
        // Which stage it was of is not known: what held one up is gone, and it must not wait for its backoff.
        let own = wake.clone();
        caches.promotions.listen_unparked(move |key| own.each(|stages| stages.in_project(&key.project)));
        let own = wake.clone();
        caches.freight.listen(move |change: &Change<Freight>| {
            let marks = |it: &Freight| {
                let status = it.status.clone().unwrap_or_default();
                (status.currently_in, status.verified_in, status.approved_for)
            };
            let same = matches!((&change.before, &change.after), (Some(before), Some(after)) if marks(before) == marks(after));
            if let (Some(freight), false) = (change.after.as_ref().or(change.before.as_ref()), same || change.first) {
                own.all(index::WAREHOUSE, &within(&change.key.project, &freight.origin.name));
            }
        });
        let own = wake.clone();
        caches.warehouses.listen(move |change| {
            if !change.first && (change.before.is_none() || change.after.is_none()) {
                own.all(index::WAREHOUSE, &within(&change.key.project, &change.key.name));
            }
        });
        let own = wake.clone();
        caches.project_configs.listen(move |change: &Change<ProjectConfig>| {
            let spec = |it: &Option<Arc<ProjectConfig>>| it.as_ref().map(|it| it.spec.clone());
            if !change.first && spec(&change.before) != spec(&change.after) {
                own.each(|stages| stages.in_project(&change.key.project));
            }
        });
        caches.cluster_configs.listen(move |change| {
            if !change.first {
                wake.each(Cache::all);
            }
        });
    }
}

/// Wakes stages. It does not keep their cache: that one keeps its listeners, of which this is part.
#[derive(Clone)]
struct Wake {
    stages: Weak<Cache<Stage>>,
    queue: Arc<Queue>,
}

impl Wake {
    /// Those that stand under `value` in an index.
    fn all(&self, index: &'static str, value: &str) {
        let keys = self.stages.upgrade().map(|stages| stages.find_keys(index, value));
        keys.into_iter().flatten().for_each(|key| self.queue.add(key));
    }

    fn each(&self, which: impl Fn(&Cache<Stage>) -> Vec<Arc<Stage>>) {
        for stage in self.stages.upgrade().map(|stages| which(&stages)).into_iter().flatten() {
            let meta = &stage.metadata;
            self.queue.add(Key::new(meta.namespace.as_deref().unwrap_or_default(), meta.name.as_deref().unwrap_or_default()));
        }
    }

    fn stage_changed(&self, change: &Change<Stage>) {
        let meta = |it: &Stage| {
            let meta = it.metadata.clone();
            (meta.generation, meta.annotations, meta.labels, meta.deletion_timestamp)
        };
        let (before, after) = (change.before.as_deref(), change.after.as_deref());
        // Our own writes to the status are no news.
        if after.is_some() && before.map(meta) != after.map(meta) {
            self.queue.add(change.key.clone());
        }
        let passes_on = |it: &Stage| seaway_core::stage::is_control_flow(it);
        if !change.first && before.map(passes_on) != after.map(passes_on) {
            self.all(index::UPSTREAM, &within(&change.key.project, &change.key.name));
        }
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

    async fn failed(&self, key: &Key, failure: &Failure, n_failures: u32) {
        let api: Api<Stage> = self.house.api(NAME, &key.project);
        let Ok(Some(stage)) = api.get_opt(&key.name).await else { return };
        let before = stage.status.unwrap_or_default();
        let mut after = before.clone();
        let reason = if failure.reason == "Bug" { "Bug" } else { "ReconcileError" };
        let ready = Condition::new(types::READY, false, reason, failure.message.clone());
        conditions::set(&mut after.conditions, ready.at(stage.metadata.generation), self.house.now());
        if failure.stalls(n_failures) {
            let stalled = Condition::new(types::STALLED, true, reason, failure.message.clone());
            conditions::set(&mut after.conditions, stalled.at(stage.metadata.generation), self.house.now());
        }
        if let Err(err) = crate::write::status(&api, NAME, &key.name, &before, &after).await {
            tracing::debug!(stage = %key, error = %err, "tell of a failed look");
        }
    }
}
