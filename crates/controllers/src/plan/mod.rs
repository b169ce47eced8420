//! Plans: each is made once, kept for an hour, and goes.

mod act;
mod observe;

use crate::frame::{Change, Failure, Key, Queue, Reconcile, Requeue};
use crate::house::House;
use crate::write::{by, is_code};
use async_trait::async_trait;
use kube::api::{Api, DeleteParams, PostParams};
use seaway_api::seaway::{Plan, PlanStatus};
use std::sync::Arc;
use std::time::Duration;

/// The controller's name, as it signs its writes.
const NAME: &str = "plans";
/// A plan that takes longer has failed.
const PLAN_WITHIN: Duration = Duration::from_mins(5);
/// Bytes of a status; past that diffs go first. An object may have 1 MiB.
const STATUS_MAX: usize = 900 * 1024;

/// Makes plans.
pub(crate) struct Plans {
    house: Arc<House>,
}

impl Plans {
    pub(crate) fn new(house: Arc<House>) -> Self {
        Self { house }
    }

    /// Listens to what moves plans: that they are made.
    pub(crate) fn listen(&self, queue: &Arc<Queue>) {
        let queue = Arc::clone(queue);
        self.house.caches.plans.listen(move |change: &Change<Plan>| {
            let generation = |it: &Arc<Plan>| it.metadata.generation;
            if change.after.is_some() && change.before.as_ref().map(generation) != change.after.as_ref().map(generation) {
                queue.add(change.key.clone());
            }
        });
    }

    async fn make(&self, key: &Key, plan: &Plan) -> PlanStatus {
        let (house, ttl) = (&self.house, self.house.settings.plan_ttl);
        let world = match observe::look(house, &key.project, &plan.spec) {
            Ok(world) => world,
            Err(message) => return act::failed(plan, message, house.now(), ttl),
        };
        match tokio::time::timeout(PLAN_WITHIN, house.engine.plan(&world.request)).await {
            Ok(Ok(result)) => act::made(plan, result, world.can_start, house.now(), ttl),
            Ok(Err(err)) => act::failed(plan, err.to_string(), house.now(), ttl),
            Err(_) => {
                let message = format!("it was not made within {} s; plan again", PLAN_WITHIN.as_secs());
                act::failed(plan, message, house.now(), ttl)
            }
        }
    }

    async fn write(&self, api: &Api<Plan>, mut plan: Plan, mut status: PlanStatus) -> Result<(), Failure> {
        if serde_json::to_string(&status).map_or(usize::MAX, |text| text.len()) > STATUS_MAX {
            status.files.iter_mut().for_each(|file| file.diff.clear());
            status.truncated = true;
        }
        plan.status = Some(status);
        let params = PostParams { field_manager: by(NAME).field_manager, ..PostParams::default() };
        let name = plan.metadata.name.clone().unwrap_or_default();
        match api.replace_status(&name, &params, &plan).await {
            Err(err) if !is_code(&err, 404) => Err(Failure::api("write the plan", &err)),
            _ => Ok(()),
        }
    }
}

#[async_trait]
impl Reconcile for Plans {
    fn name(&self) -> &'static str {
        NAME
    }

    async fn reconcile(&self, key: &Key) -> Result<Requeue, Failure> {
        let api: Api<Plan> = self.house.api(NAME, &key.project);
        let found = api.get_opt(&key.name).await.map_err(|err| Failure::api("read the plan", &err))?;
        let Some(plan) = found.filter(|it| it.metadata.deletion_timestamp.is_none()) else { return Ok(Requeue::OnChange) };
        let handled = plan.status.as_ref().filter(|it| it.observed_generation == plan.metadata.generation);
        if let Some(expires_at) = handled.and_then(|it| it.expires_at.as_ref()) {
            if expires_at.0 > self.house.now() {
                return Ok(Requeue::After(self.house.wait_until(expires_at.0)));
            }
            return match api.delete(&key.name, &DeleteParams::default()).await {
                Err(err) if !is_code(&err, 404) => Err(Failure::api("delete the expired plan", &err)),
                _ => Ok(Requeue::OnChange),
            };
        }
        let status = self.make(key, &plan).await;
        self.write(&api, plan, status).await?;
        Ok(Requeue::After(self.house.settings.plan_ttl))
    }
}
