//! What looks outwards and keeps house, started as one: warehouses, projects, settings, retention.

use crate::caches::Caches;
use crate::credentials::SecretCredentials;
use crate::frame::{Queue, Reconcile, Workers, run};
use crate::project::{Configs, Projects};
use crate::retention::{self, Retention};
use crate::settings::Settings;
use crate::warehouse::{self, N_WORKERS, Outside, Warehouses};
use kube::Client;
use parking_lot::Mutex;
use prometheus_client::registry::Registry;
use seaway_base::{Random, SharedClock};
use seaway_git::Mirrors;
use seaway_oci::Registries;
use std::sync::Arc;
use tokio::task::JoinSet;

/// What upkeep is started with.
pub struct Parts<'a> {
    /// One client a controller identity.
    pub client_for: &'a (dyn Fn(&str) -> Client + Send + Sync),
    /// The shared caches, which the caller feeds, and not before this has started.
    pub caches: &'a Caches,
    /// Image registries.
    pub registries: Registries,
    /// Git servers.
    pub mirrors: Mirrors,
    /// Logins; fed from here on.
    pub credentials: Arc<SecretCredentials>,
    /// The clock.
    pub clock: SharedClock,
    /// For backoff.
    pub random: Random,
    /// Where figures are registered.
    pub registry: &'a Mutex<Registry>,
    /// What an operator chose.
    pub settings: &'a Settings,
}

/// Upkeep at work.
pub struct Upkeep {
    /// To tell of pushes: [`Warehouses::refresh_all_of`].
    pub warehouses: Arc<Warehouses>,
    /// To be closed at the end, so that workers finish what is in hand.
    pub queues: Vec<Arc<Queue>>,
}

impl Upkeep {
    /// Starts everything: workers end when their queues are closed, feeds when they are dropped.
    pub fn start(parts: Parts<'_>, workers: &mut JoinSet<()>, feeds: &mut JoinSet<()>) -> Self {
        let Parts { caches, credentials, clock, settings, .. } = &parts;
        let outside = Outside::new(parts.registries.clone(), parts.mirrors.clone(), Arc::clone(credentials));
        let own = warehouse::Settings {
            interval_min: settings.warehouse_interval_min,
            n_at_once: settings.concurrency,
            ..warehouse::Settings::default()
        };
        let client = (parts.client_for)("warehouses");
        let warehouses = {
            let mut figures = parts.registry.lock();
            Warehouses::new(client.clone(), Arc::clone(&caches.warehouses), outside, clock.clone(), own, &mut figures)
        };
        feeds.spawn(Arc::clone(credentials).feed(client));

        let client = (parts.client_for)("projects");
        let of = (Arc::clone(&caches.projects), Arc::clone(&caches.warehouses), Arc::clone(&caches.stages));
        let projects = Projects::new(client.clone(), of.0, of.1, of.2, clock.clone());
        feeds.spawn(Arc::clone(&projects).feed(client.clone()));
        let project_configs = Configs::new(client.clone(), Arc::clone(&caches.project_configs), clock.clone());
        let cluster_configs = Configs::new(client, Arc::clone(&caches.cluster_configs), clock.clone());

        let keep = retention::Settings {
            promotions: settings.keep_promotions,
            freight: settings.keep_freight,
            ..retention::Settings::default()
        };
        let retention = Retention::new((parts.client_for)("retention"), parts.mirrors.clone(), clock.clone(), keep);
        feeds.spawn(retention.run());

        let all: [(Arc<dyn Reconcile>, Arc<Queue>, usize); 4] = [
            (warehouses.clone(), Arc::clone(warehouses.queue()), N_WORKERS),
            (projects.clone(), Arc::clone(projects.queue()), settings.concurrency),
            (project_configs.clone(), Arc::clone(project_configs.queue()), 1),
            (cluster_configs.clone(), Arc::clone(cluster_configs.queue()), 1),
        ];
        let mut queues = Vec::new();
        for (reconciler, queue, n) in all {
            let figures = Workers::new(n, reconciler.name(), parts.random.clone(), &mut parts.registry.lock());
            queues.push(Arc::clone(&queue));
            workers.spawn(run(reconciler, queue, figures));
        }
        Self { warehouses, queues }
    }
}
