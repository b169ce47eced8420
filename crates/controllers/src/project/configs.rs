//! ProjectConfig and ClusterConfig: what is in force of them, and what is not built yet.

use crate::frame::{Cache, Failure, Key, Kind, Queue, Reconcile, Requeue};
use crate::write::status_seen;
use async_trait::async_trait;
use kube::Client;
use kube::api::Api;
use seaway_api::conditions::{self, Condition, types};
use seaway_api::kargo::names::annotation;
use seaway_api::kargo::{ClusterConfig, ProjectConfig, ProjectConfigStatus};
use seaway_base::SharedClock;
use seaway_core::unbuilt::{self, Unbuilt};
use std::sync::Arc;

const MANAGER: &str = "configs";

/// A kind of settings. The statuses of both have the same fields.
pub trait Config: Kind {
    /// The reconciler's name in logs and metrics.
    const NAME: &'static str;

    /// Its objects in a project, or in the installation.
    fn api(client: &Client, project: &str) -> Api<Self>;

    /// The parts that are known and not built.
    fn unbuilt(&self) -> Vec<Unbuilt>;

    /// The status as it stands.
    fn status(&self) -> ProjectConfigStatus;
}

impl Config for ProjectConfig {
    const NAME: &'static str = "projectconfigs";

    fn api(client: &Client, project: &str) -> Api<Self> {
        Api::namespaced(client.clone(), project)
    }

    fn unbuilt(&self) -> Vec<Unbuilt> {
        unbuilt::project_config(&self.spec)
    }

    fn status(&self) -> ProjectConfigStatus {
        self.status.clone().unwrap_or_default()
    }
}

impl Config for ClusterConfig {
    const NAME: &'static str = "clusterconfigs";

    fn api(client: &Client, _: &str) -> Api<Self> {
        Api::all(client.clone())
    }

    fn unbuilt(&self) -> Vec<Unbuilt> {
        unbuilt::cluster_config(&self.spec)
    }

    fn status(&self) -> ProjectConfigStatus {
        let status = self.status.clone().unwrap_or_default();
        ProjectConfigStatus {
            conditions: status.conditions,
            observed_generation: status.observed_generation,
            last_handled_refresh: status.last_handled_refresh,
            webhook_receivers: status.webhook_receivers,
        }
    }
}

/// The reconciler of one kind of settings. It only says how they stand; who works by them reads them from the cache.
pub struct Configs<K> {
    client: Client,
    cache: Arc<Cache<K>>,
    queue: Arc<Queue>,
    clock: SharedClock,
}

impl<K: Config> Configs<K> {
    /// The reconciler over a cache that somebody else feeds.
    pub fn new(client: Client, cache: Arc<Cache<K>>, clock: SharedClock) -> Arc<Self> {
        let queue = Arc::<Queue>::default();
        let own = Arc::clone(&queue);
        cache.listen(move |change| {
            let wants = |it: &K| (it.meta().generation, token(it).to_owned());
            if change.before.as_deref().map(wants) != change.after.as_deref().map(wants) {
                own.add(change.key.clone());
            }
        });
        Arc::new(Self { client, cache, queue, clock })
    }

    /// The keys that are due; give it to [`crate::frame::run`].
    pub const fn queue(&self) -> &Arc<Queue> {
        &self.queue
    }
}

fn token<K: Kind>(object: &K) -> &str {
    object.meta().annotations.as_ref().and_then(|all| all.get(annotation::REFRESH)).map_or("", String::as_str)
}

#[async_trait]
impl<K: Config> Reconcile for Configs<K> {
    fn name(&self) -> &'static str {
        K::NAME
    }

    async fn reconcile(&self, key: &Key) -> Result<Requeue, Failure> {
        let Some(config) = self.cache.get(key).filter(|it| it.meta().deletion_timestamp.is_none()) else {
            return Ok(Requeue::OnChange);
        };
        let (before, now, generation) = (config.status(), self.clock.now(), config.meta().generation);
        let mut after = before.clone();
        after.observed_generation = generation;
        if !token(&*config).is_empty() {
            after.last_handled_refresh = token(&*config).to_owned();
        }
        let mut set = |type_: &str, value: bool, reason: &str, message: &str| {
            conditions::set(&mut after.conditions, Condition::new(type_, value, reason, message).at(generation), now);
        };
        match unbuilt::sentence(&config.unbuilt()) {
            None => {
                set(types::READY, true, "Synced", "everything in it is in force");
                conditions::remove(&mut after.conditions, types::BLOCKED);
            }
            Some(parts) => {
                let message = format!("{parts}; the rest is in force");
                set(types::READY, false, "NotBuilt", &message);
                set(types::BLOCKED, true, "NotBuilt", &message);
            }
        }
        let api = K::api(&self.client, &key.project);
        let written = status_seen((&api, &self.cache), MANAGER, &key.name, &before, &after).await;
        written.map(|_| Requeue::OnChange).map_err(|err| Failure::api("write the status of the settings", &err))
    }
}
