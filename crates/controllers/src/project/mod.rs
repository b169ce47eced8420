//! Projects: their namespace, their roles, their finalizer, their figures; and the status of their settings.

mod configs;
mod namespace;
mod roles;

pub use configs::{Config, Configs};

use crate::frame::{Cache, Change, Failure, Key, Kind, Queue, Reconcile, Requeue};
use crate::write::{by, status_seen};
use async_trait::async_trait;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Namespace;
use kube::Client;
use kube::api::{Api, DeleteParams, Patch};
use namespace::Found;
use parking_lot::Mutex;
use seaway_api::conditions::{self, Condition, Status, types};
use seaway_api::kargo::names::{FINALIZER, annotation, label};
use seaway_api::kargo::{HealthStats, PartStats, Project, ProjectStats, ProjectStatus, Stage, Warehouse};
use seaway_base::SharedClock;
use seaway_core::stage::is_control_flow;
use serde_json::json;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

const MANAGER: &str = "projects";
/// Namespaces that are projects'.
const SELECTOR: &str = "kargo.akuity.io/project=true";
/// As Kargo: every project is looked at this often.
const EVERY: Duration = Duration::from_secs(300);

/// The reconciler of projects; its keys have no project, only a name.
pub struct Projects {
    client: Client,
    projects: Arc<Cache<Project>>,
    namespaces: Arc<Cache<Namespace>>,
    warehouses: Arc<Cache<Warehouse>>,
    stages: Arc<Cache<Stage>>,
    queue: Arc<Queue>,
    clock: SharedClock,
    /// When each project's roles were last seen whole.
    roles_seen: Mutex<HashMap<Key, Timestamp>>,
}

impl Projects {
    /// The reconciler over caches that somebody else feeds; the namespaces are fed by [`Self::feed`].
    pub fn new(
        client: Client,
        projects: Arc<Cache<Project>>,
        warehouses: Arc<Cache<Warehouse>>,
        stages: Arc<Cache<Stage>>,
        clock: SharedClock,
    ) -> Arc<Self> {
        let (queue, namespaces) = (Arc::<Queue>::default(), Arc::<Cache<Namespace>>::default());
        let own = Arc::clone(&queue);
        projects.listen(move |change| {
            // Our own status wakes nobody.
            let meta = |project: &Option<Arc<Project>>| project.as_deref().map(meta);
            if meta(&change.before) != meta(&change.after) {
                own.add(change.key.clone());
            }
        });
        let own = Arc::clone(&queue);
        namespaces.listen(move |change| own.add(change.key.clone()));
        let (own, other) = (Arc::clone(&queue), Arc::clone(&queue));
        warehouses.listen(move |change| {
            let health = |it: &Warehouse| Some(is_healthy(it.status.as_ref().map(|it| &it.conditions)));
            wake(&own, change, health);
        });
        stages.listen(move |change| {
            let health = |it: &Stage| (!is_control_flow(it)).then(|| is_healthy(it.status.as_ref().map(|it| &it.conditions)));
            wake(&other, change, health);
        });
        Arc::new(Self { client, projects, namespaces, warehouses, stages, queue, clock, roles_seen: Mutex::default() })
    }

    /// The keys that are due; give it to [`crate::frame::run`].
    pub const fn queue(&self) -> &Arc<Queue> {
        &self.queue
    }

    /// Follows the projects' namespaces until the task is dropped.
    pub async fn feed(self: Arc<Self>, client: Client) {
        Arc::clone(&self.namespaces).feed(client, Some(SELECTOR)).await;
    }

    fn stats(&self, project: &str) -> ProjectStats {
        let count = |healthy: Vec<bool>| PartStats {
            count: i64::try_from(healthy.len()).unwrap_or(i64::MAX),
            health: HealthStats { healthy: i64::try_from(healthy.iter().filter(|it| **it).count()).unwrap_or(i64::MAX) },
        };
        let warehouses = self.warehouses.in_project(project);
        let stages = self.stages.in_project(project);
        let of_stages = stages.iter().filter(|it| !is_control_flow(it));
        ProjectStats {
            warehouses: count(warehouses.iter().map(|it| is_healthy(it.status.as_ref().map(|it| &it.conditions))).collect()),
            stages: count(of_stages.map(|it| is_healthy(it.status.as_ref().map(|it| &it.conditions))).collect()),
        }
    }

    /// Looks for the roles once in a while: what wakes a project most is a stage's health.
    async fn ensure_roles(&self, key: &Key, project: &Project) -> Result<(), Failure> {
        let (now, often) = (self.clock.now(), EVERY / 2);
        let seen = self.roles_seen.lock().get(key).copied();
        if seen.is_some_and(|seen| now.duration_since(seen).unsigned_abs() < often) {
            return Ok(());
        }
        roles::ensure(&self.client, &key.name, project).await?;
        self.roles_seen.lock().insert(key.clone(), now);
        Ok(())
    }

    async fn delete(&self, key: &Key, project: &Project) -> Result<(), Failure> {
        self.roles_seen.lock().remove(key);
        let kept = |annotations: Option<&std::collections::BTreeMap<String, String>>| {
            annotations.and_then(|all| all.get(annotation::KEEP_NAMESPACE)).is_some_and(|value| value == "true")
        };
        if let Some(namespace) = namespace::get(&self.client, &key.name).await?
            && namespace.metadata.labels.as_ref().and_then(|all| all.get(label::PROJECT)).is_some_and(|value| value == "true")
        {
            let keep = kept(project.metadata.annotations.as_ref()) || kept(namespace.metadata.annotations.as_ref());
            if !keep && namespace.metadata.deletion_timestamp.is_none() {
                namespace::delete(&self.client, &key.name).await?;
            }
            namespace::let_go(&self.client, &key.name).await?;
        }
        self.set_finalizers(key, project, false).await
    }

    async fn set_finalizers(&self, key: &Key, project: &Project, held: bool) -> Result<(), Failure> {
        let mut finalizers = project.metadata.finalizers.clone().unwrap_or_default();
        if finalizers.iter().any(|it| it == FINALIZER) == held {
            return Ok(());
        }
        if held {
            finalizers.push(FINALIZER.to_owned())
        } else {
            finalizers.retain(|it| it != FINALIZER)
        }
        let patch = Patch::Merge(
            json!({ "metadata": { "resourceVersion": project.metadata.resource_version, "finalizers": finalizers } }),
        );
        let api: Api<Project> = Api::all(self.client.clone());
        match api.patch(&key.name, &by(MANAGER), &patch).await {
            Ok(_) => Ok(()),
            Err(kube::Error::Api(refused)) if refused.is_not_found() => Ok(()),
            Err(err) => Err(Failure::api("write the project's finalizer", &err)),
        }
    }

    async fn write(&self, key: &Key, project: &Project, found: Found) -> Result<(), Failure> {
        let before = project.status.clone().unwrap_or_default();
        let mut after = ProjectStatus { stats: Some(self.stats(&key.name)), ..before.clone() };
        let (now, generation) = (self.clock.now(), project.metadata.generation);
        let mut set = |type_: &str, value: bool, reason: &str, message: String| {
            conditions::set(&mut after.conditions, Condition::new(type_, value, reason, message).at(generation), now);
        };
        match found {
            Found::Ready => set(types::READY, true, "Synced", format!("the namespace `{}` is there", key.name)),
            Found::Foreign => {
                let message = format!(
                    "namespace `{0}` exists and is not marked as a project's: label it {1}=true to adopt it",
                    key.name,
                    label::PROJECT
                );
                set(types::READY, false, "EnsuringNamespaceFailed", message.clone());
                set(types::STALLED, true, "ExistingNamespaceMissingLabel", message);
            }
        }
        if found == Found::Ready {
            conditions::remove(&mut after.conditions, types::STALLED);
        }
        conditions::remove(&mut after.conditions, types::RECONCILING);
        let api: Api<Project> = Api::all(self.client.clone());
        let written = status_seen((&api, &self.projects), MANAGER, &key.name, &before, &after).await;
        written.map(drop).map_err(|err| Failure::api("write the project's status", &err))
    }
}

/// What of a project matters to us.
fn meta(project: &Project) -> (bool, Option<Vec<String>>, Option<String>) {
    let meta = &project.metadata;
    (meta.deletion_timestamp.is_some(), meta.finalizers.clone(), meta.uid.clone())
}

fn is_healthy(conditions: Option<&Vec<Condition>>) -> bool {
    conditions.and_then(|all| conditions::get(all, types::HEALTHY)).is_some_and(|it| it.status == Status::True)
}

/// Wakes the project of an object whose share in the figures changes.
fn wake<K: Kind>(queue: &Queue, change: &Change<K>, share: impl Fn(&K) -> Option<bool>) {
    if change.before.as_deref().map(&share) != change.after.as_deref().map(&share) {
        queue.add(Key::new("", &change.key.project));
    }
}

#[async_trait]
impl Reconcile for Projects {
    fn name(&self) -> &'static str {
        "projects"
    }

    async fn reconcile(&self, key: &Key) -> Result<Requeue, Failure> {
        let leaving = self.namespaces.get(key).is_some_and(|it| it.metadata.deletion_timestamp.is_some());
        let Some(project) = self.projects.get(key) else {
            if leaving {
                namespace::let_go(&self.client, &key.name).await?;
            }
            return Ok(Requeue::OnChange);
        };
        if project.metadata.deletion_timestamp.is_some() {
            self.delete(key, &project).await?;
            return Ok(Requeue::OnChange);
        }
        if leaving {
            // Who deletes the namespace means the project; the rest follows from its deletion.
            let api: Api<Project> = Api::all(self.client.clone());
            return match api.delete(&key.name, &DeleteParams::default()).await {
                Ok(_) => Ok(Requeue::OnChange),
                Err(kube::Error::Api(refused)) if refused.is_not_found() => Ok(Requeue::OnChange),
                Err(err) => Err(Failure::api("delete the project of a deleted namespace", &err)),
            };
        }
        self.set_finalizers(key, &project, true).await?;
        let found = namespace::ensure(&self.client, &key.name).await?;
        if found == Found::Ready {
            self.ensure_roles(key, &project).await?;
        }
        self.write(key, &project, found).await?;
        Ok(Requeue::After(EVERY))
    }
}
