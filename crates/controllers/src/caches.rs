//! The caches that all controllers share: one a kind, with the indexes that reconcilers ask.

use crate::frame::{Cache, Key, Kind};
use kube::Client;
use seaway_api::kargo::names::label;
use seaway_api::kargo::{
    ClusterConfig, ClusterPromotionTask, Freight, Project, ProjectConfig, Promotion, PromotionTask, Stage, Warehouse,
};
use seaway_api::seaway::Plan;
use std::sync::Arc;
use tokio::task::JoinSet;

/// Names of indexes.
pub mod index {
    /// Freight by the warehouse it came from; stages by the warehouses they request from.
    pub const WAREHOUSE: &str = "warehouse";
    /// Freight by the stages it is in, verified in or approved for; promotions by their stage.
    pub const STAGE: &str = "stage";
    /// Stages by the stages they take freight from.
    pub const UPSTREAM: &str = "upstream";
}

/// Selects promotions that do not bear [`label::TERMINAL`].
const OPEN: &str = "!seaway.dev/terminal";

/// The value an index holds for `name` in `project`.
pub fn within(project: &str, name: &str) -> String {
    format!("{project}/{name}")
}

/// One cache a kind; clones share them. Promotions that have ended are left out once they bear the terminal label.
#[derive(Clone)]
pub struct Caches {
    /// Projects.
    pub projects: Arc<Cache<Project>>,
    /// Their configurations.
    pub project_configs: Arc<Cache<ProjectConfig>>,
    /// The installation's settings.
    pub cluster_configs: Arc<Cache<ClusterConfig>>,
    /// Warehouses.
    pub warehouses: Arc<Cache<Warehouse>>,
    /// Freight, by warehouse and by stage.
    pub freight: Arc<Cache<Freight>>,
    /// Stages, by upstream and by warehouse.
    pub stages: Arc<Cache<Stage>>,
    /// Promotions that have not ended, by stage.
    pub promotions: Arc<Cache<Promotion>>,
    /// Plans.
    pub plans: Arc<Cache<Plan>>,
    /// Tasks of projects.
    pub tasks: Arc<Cache<PromotionTask>>,
    /// Tasks of all.
    pub cluster_tasks: Arc<Cache<ClusterPromotionTask>>,
}

impl Default for Caches {
    fn default() -> Self {
        let freight = Cache::<Freight>::default()
            .indexed(index::WAREHOUSE, |freight| vec![of(freight, &freight.origin.name)])
            .indexed(index::STAGE, freight_stages);
        let stages = Cache::<Stage>::default()
            .indexed(index::WAREHOUSE, |stage| {
                stage.spec.requested_freight.iter().map(|request| of(stage, &request.origin.name)).collect()
            })
            .indexed(index::UPSTREAM, |stage| {
                stage.spec.requested_freight.iter().flat_map(|it| &it.sources.stages).map(|name| of(stage, name)).collect()
            });
        let promotions = Cache::<Promotion>::default().indexed(index::STAGE, |it| vec![of(it, &it.spec.stage)]);
        Self {
            projects: Arc::default(),
            project_configs: Arc::default(),
            cluster_configs: Arc::default(),
            warehouses: Arc::default(),
            freight: Arc::new(freight),
            stages: Arc::new(stages),
            promotions: Arc::new(promotions),
            plans: Arc::default(),
            tasks: Arc::default(),
            cluster_tasks: Arc::default(),
        }
    }
}

fn of<K: Kind>(object: &K, name: &str) -> String {
    within(object.meta().namespace.as_deref().unwrap_or_default(), name)
}

fn freight_stages(freight: &Freight) -> Vec<String> {
    let Some(status) = &freight.status else { return Vec::new() };
    let names = status.currently_in.keys().chain(status.verified_in.keys()).chain(status.approved_for.keys());
    let mut stages: Vec<String> = names.map(|name| of(freight, name)).collect();
    stages.sort_unstable();
    stages.dedup();
    stages
}

impl Caches {
    /// Feeds all caches from watches, until the tasks are dropped.
    pub(crate) fn feed(&self, client: &Client, tasks: &mut JoinSet<()>) {
        debug_assert!(OPEN.ends_with(label::TERMINAL));
        tasks.spawn(Arc::clone(&self.projects).feed(client.clone(), None));
        tasks.spawn(Arc::clone(&self.project_configs).feed(client.clone(), None));
        tasks.spawn(Arc::clone(&self.cluster_configs).feed(client.clone(), None));
        tasks.spawn(Arc::clone(&self.warehouses).feed(client.clone(), None));
        tasks.spawn(Arc::clone(&self.freight).feed(client.clone(), None));
        tasks.spawn(Arc::clone(&self.stages).feed(client.clone(), None));
        tasks.spawn(Arc::clone(&self.promotions).feed(client.clone(), Some(OPEN)));
        tasks.spawn(Arc::clone(&self.plans).feed(client.clone(), None));
        tasks.spawn(Arc::clone(&self.tasks).feed(client.clone(), None));
        tasks.spawn(Arc::clone(&self.cluster_tasks).feed(client.clone(), None));
    }

    /// Waits until every kind has been listed once.
    pub async fn synced(&self) {
        self.projects.synced().await;
        self.project_configs.synced().await;
        self.cluster_configs.synced().await;
        self.warehouses.synced().await;
        self.freight.synced().await;
        self.stages.synced().await;
        self.promotions.synced().await;
        self.plans.synced().await;
        self.tasks.synced().await;
        self.cluster_tasks.synced().await;
    }

    /// All freight that a stage may ask for.
    pub(crate) fn freight_for(&self, stage: &Stage) -> Vec<Arc<Freight>> {
        let project = stage.metadata.namespace.as_deref().unwrap_or_default();
        let mut origins: Vec<&str> = stage.spec.requested_freight.iter().map(|it| it.origin.name.as_str()).collect();
        origins.sort_unstable();
        origins.dedup();
        origins.into_iter().flat_map(|name| self.freight.find(index::WAREHOUSE, &within(project, name))).collect()
    }

    /// Whether a stage of the project only passes freight on.
    pub(crate) fn passes_on(&self, project: &str, stage: &str) -> bool {
        self.stages.get(&Key::new(project, stage)).is_some_and(|stage| seaway_core::stage::is_control_flow(&stage))
    }
}
