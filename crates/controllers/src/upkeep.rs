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
        let own = looks(settings);
        let client = (parts.client_for)("warehouses");
        let warehouses = {
            let mut figures = parts.registry.lock();
            Warehouses::new(client.clone(), Arc::clone(&caches.warehouses), outside, clock.clone(), own, &mut figures)
        };
        feeds.spawn(Arc::clone(credentials).feed((parts.client_for)("credentials")));

        let client = (parts.client_for)("projects");
        let of = (Arc::clone(&caches.projects), Arc::clone(&caches.warehouses), Arc::clone(&caches.stages));
        let projects = Projects::new(client.clone(), of.0, of.1, of.2, clock.clone());
        feeds.spawn(Arc::clone(&projects).feed(client.clone()));
        let project_configs = Configs::new(client.clone(), Arc::clone(&caches.project_configs), clock.clone());
        let cluster_configs = Configs::new(client, Arc::clone(&caches.cluster_configs), clock.clone());

        let retention = Retention::new((parts.client_for)("retention"), parts.mirrors.clone(), clock.clone(), kept(settings));
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
            let (caches, credentials) = ((*caches).clone(), Arc::clone(credentials));
            workers.spawn(async move {
                // A look without the logins would fail, and say so, at every start.
                let all = async { tokio::join!(caches.synced(), credentials.synced()) };
                if queue.open_until(all).await {
                    run(reconciler, queue, figures).await;
                }
            });
        }
        Self { warehouses, queues }
    }
}

fn looks(settings: &Settings) -> warehouse::Settings {
    warehouse::Settings {
        interval_min: settings.warehouse_interval_min,
        n_at_once: settings.concurrency,
        ..warehouse::Settings::default()
    }
}

fn kept(settings: &Settings) -> retention::Settings {
    retention::Settings {
        every: settings.retention_interval,
        promotions: settings.keep_promotions,
        freight: settings.keep_freight,
        mirror_unused: settings.mirror_unused,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use seaway_core::retention::Keep;
    use std::time::Duration;

    #[test]
    fn warehouses_and_retention_go_by_the_settings() {
        let seconds = Duration::from_secs;
        let settings = Settings {
            keep_promotions: Keep { n: 1, min_age: seconds(2) },
            keep_freight: Keep { n: 3, min_age: seconds(4) },
            retention_interval: seconds(5),
            mirror_unused: seconds(6),
            warehouse_interval_min: seconds(7),
            concurrency: 8,
            ..Settings::default()
        };
        let kept = kept(&settings);
        let counts = [(kept.promotions.n, kept.promotions.min_age), (kept.freight.n, kept.freight.min_age)];
        assert_eq!(counts, [(1, seconds(2)), (3, seconds(4))]);
        assert_eq!([kept.every, kept.mirror_unused], [seconds(5), seconds(6)]);
        let looks = looks(&settings);
        assert_eq!((looks.interval_min, looks.n_at_once), (seconds(7), 8));
    }
}
