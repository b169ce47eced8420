//! All controllers, started and stopped as one.

use crate::credentials::SecretCredentials;
use crate::frame::{Queue, Reconcile, Workers, run};
use crate::house::{Context, House};
use crate::plan::Plans;
use crate::promotion::Promotions;
use crate::stage::Stages;
use crate::upkeep::{Parts, Upkeep};
use crate::warehouse::Warehouses;
use parking_lot::Mutex;
use seaway_oci::{Registries, RegistryOptions};
use seaway_runs::Past;
use std::sync::Arc;
use tokio::task::JoinSet;

/// The controllers.
#[derive(Debug)]
pub struct Controllers;

impl Controllers {
    /// Starts all controllers; they work once the caches are filled.
    pub fn start(context: Context) -> Handle {
        let house = Arc::new(House::new(&context));
        let mut feeds = JoinSet::new();
        let promotions = Arc::new(Promotions::new(Arc::clone(&house)));
        let stages = Arc::new(Stages::new(Arc::clone(&house)));
        let plans = Arc::new(Plans::new(Arc::clone(&house)));
        let mut crew = Crew { context: &context, house: Arc::clone(&house), queues: Vec::new(), workers: JoinSet::new() };
        let (n, n_runs) = (context.settings.concurrency, context.settings.n_runs_max);
        let queue = crew.hire(promotions.clone(), n_runs);
        promotions.listen(&queue);
        let queue = crew.hire(stages.clone(), n);
        stages.listen(&queue);
        let queue = crew.hire(plans.clone(), n);
        plans.listen(&queue);
        let Crew { mut queues, mut workers, .. } = crew;
        let upkeep = upkeep(&context, &house, &mut workers, &mut feeds);
        queues.extend(upkeep.queues);
        // The first list is heard too, so every listener is there before it.
        house.caches.feed(&(house.client_for)("caches"), &mut feeds);
        let (workers, feeds) = (Mutex::new(Some(workers)), Mutex::new(Some(feeds)));
        let credentials = Arc::clone(&context.credentials);
        Handle { house, credentials, promotions, warehouses: upkeep.warehouses, queues, workers, feeds }
    }
}

fn upkeep(context: &Context, house: &House, workers: &mut JoinSet<()>, feeds: &mut JoinSet<()>) -> Upkeep {
    let parts = Parts {
        client_for: &*house.client_for,
        caches: &house.caches,
        registries: Registries::new(context.ports.http.clone(), RegistryOptions::default()),
        mirrors: (*context.ports.git).clone(),
        credentials: Arc::clone(&context.credentials),
        clock: context.ports.clock.clone(),
        random: context.random.clone(),
        registry: &context.registry,
        settings: &context.settings,
    };
    Upkeep::start(parts, workers, feeds)
}

/// Workers as they are hired, a queue a reconciler.
struct Crew<'a> {
    context: &'a Context,
    house: Arc<House>,
    queues: Vec<Arc<Queue>>,
    workers: JoinSet<()>,
}

impl Crew<'_> {
    fn hire(&mut self, reconciler: Arc<dyn Reconcile>, n: usize) -> Arc<Queue> {
        let queue = Arc::new(Queue::default());
        let workers = Workers::new(n, reconciler.name(), self.context.random.clone(), &mut self.context.registry.lock());
        let (house, own, credentials) = (Arc::clone(&self.house), Arc::clone(&queue), Arc::clone(&self.context.credentials));
        self.workers.spawn(async move {
            // A run without the logins would fail at its first step, and end its promotion.
            let all = async { tokio::join!(house.caches.synced(), credentials.synced()) };
            if own.open_until(all).await {
                run(reconciler, own, workers).await;
            }
        });
        self.queues.push(Arc::clone(&queue));
        queue
    }
}

/// The controllers at work. Dropping it ends them where they stand; [`Handle::stop`] lets them finish what is in hand.
pub struct Handle {
    house: Arc<House>,
    credentials: Arc<SecretCredentials>,
    promotions: Arc<Promotions>,
    warehouses: Arc<Warehouses>,
    queues: Vec<Arc<Queue>>,
    workers: Mutex<Option<JoinSet<()>>>,
    feeds: Mutex<Option<JoinSet<()>>>,
}

impl Handle {
    /// Waits until every kind, logins too, has been listed once: from then on nothing is overlooked.
    pub async fn synced(&self) {
        tokio::join!(self.house.caches.synced(), self.credentials.synced());
    }

    /// What git tells of the past, through the mirrors, logins and data of the runs.
    pub fn past(&self) -> Past {
        Past::new(&self.house.engine.ports, Arc::clone(&self.house.engine.data))
    }

    /// Has every warehouse that subscribes to this image or git repository look at once, however it is spelt: for news of a
    /// push. Says how many they are.
    pub fn refresh_warehouses_of(&self, url: &str) -> usize {
        self.warehouses.refresh_all_of(url)
    }

    /// Whether nothing waits for a worker and no worker is at work; what is due later does not count.
    pub fn is_idle(&self) -> bool {
        self.queues.iter().all(|queue| queue.is_idle())
    }

    /// Stops: no key is handed out any more, runs leave at the next safe place, the effect in hand is finished within
    /// [`crate::Settings::stop_within`]. What is not finished by then is resumed from its journal.
    pub async fn stop(&self) {
        self.promotions.stop();
        self.queues.iter().for_each(|queue| queue.close());
        let (workers, feeds) = (self.workers.lock().take(), self.feeds.lock().take());
        if let Some(mut workers) = workers {
            let all = async { while workers.join_next().await.is_some() {} };
            if tokio::time::timeout(self.house.settings.stop_within, all).await.is_err() {
                tracing::warn!("an effect was not finished in time; its run is resumed from the journal");
            }
        }
        drop(feeds);
    }
}

impl std::fmt::Debug for Handle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Handle").field("n_queues", &self.queues.len()).finish_non_exhaustive()
    }
}
