//! Warehouses: look at registries and repositories when it is time, and make freight of what is new.
//!
//! A look that brings nothing new costs no write: that it took place is kept in memory and in the metrics. What a look found is
//! written when it differs, when somebody asked for it by a refresh token, and when an error comes, changes or goes.

mod act;
mod decide;
mod error;
mod metrics;
mod observe;

use crate::credentials::SecretCredentials;
use crate::frame::{Cache, Failure, Key, Queue, Reconcile, Requeue};
use async_trait::async_trait;
use decide::{Asked, Verdict};
use error::LookError;
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::Client;
use metrics::Metrics;
use parking_lot::Mutex;
use prometheus_client::registry::Registry;
use seaway_api::kargo::names::annotation;
use seaway_api::kargo::{DiscoveredArtifacts, Typed, Warehouse, WarehouseStatus};
use seaway_base::awaited::{Awaited, Server};
use seaway_base::urls::{normalise_git, normalise_image};
use seaway_base::{Next, SharedClock};
use seaway_core::discovery::{Due, due};
use seaway_core::unbuilt;
use seaway_git::Mirrors;
use seaway_oci::Registries;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

/// How many warehouses may be on their way at one time, slow ones included; see [`Settings::n_at_once`].
pub const N_WORKERS: usize = 64;
/// A server that has not answered a look for so long is spoken of.
const SILENT: Duration = Duration::from_secs(5);
/// How often it is looked whether one has not.
const LISTEN: Duration = Duration::from_secs(1);
const MANAGER: &str = "warehouses";
/// After a start every warehouse looks once, whatever its interval says: one after the other, so far apart.
const APART: Duration = Duration::from_millis(20);
/// All of them within this time.
const FIRST_LOOKS: Duration = Duration::from_secs(60);

/// How warehouses are looked after.
#[derive(Debug, Clone)]
pub struct Settings {
    /// No warehouse looks more often than this by itself.
    pub interval_min: Duration,
    /// Looks at one time. A look that takes longer than `patience` does not count any more, so that servers that hang hold up nobody.
    pub n_at_once: usize,
    /// When a look counts as slow: its warehouse says that it is looking.
    pub patience: Duration,
    /// The warehouses looked after: those whose `spec.shard` is this.
    pub shard: String,
}

impl Default for Settings {
    /// Every five minutes at most (as Kargo), four at one time, slow after two seconds.
    fn default() -> Self {
        Self { interval_min: Duration::from_secs(300), n_at_once: 4, patience: Duration::from_secs(2), shard: String::new() }
    }
}

/// The world outside that looks go to.
#[derive(Clone)]
pub struct Outside {
    /// Image registries.
    pub registries: Registries,
    /// Git servers.
    pub mirrors: Mirrors,
    /// Logins for both.
    pub credentials: Arc<SecretCredentials>,
    /// An image subscription is given up after this; git's own limits are the mirrors'.
    pub image_timeout: Duration,
}

impl Outside {
    /// With two minutes for an image subscription.
    pub fn new(registries: Registries, mirrors: Mirrors, credentials: Arc<SecretCredentials>) -> Self {
        Self { registries, mirrors, credentials, image_timeout: Duration::from_secs(120) }
    }
}

/// The reconciler of warehouses.
pub struct Warehouses {
    client: Client,
    cache: Arc<Cache<Warehouse>>,
    queue: Arc<Queue>,
    outside: Outside,
    clock: SharedClock,
    settings: Settings,
    memory: Arc<Mutex<Memory>>,
    started_at: Timestamp,
    permits: Semaphore,
    metrics: Metrics,
}

/// What is remembered of looks; a restart forgets it and looks again.
#[derive(Default)]
struct Memory {
    looks: HashMap<Key, Looked>,
    /// Warehouses to be looked at whatever their interval says.
    wanted: HashSet<Key>,
    /// Who subscribes to a repository.
    subscribers: HashMap<String, BTreeSet<Key>>,
}

#[derive(Clone)]
struct Looked {
    generation: Option<i64>,
    at: Timestamp,
    /// `None` if the look failed.
    found: Option<Arc<DiscoveredArtifacts>>,
}

impl Memory {
    /// Keeps the index of subscribers.
    fn subscribe(&mut self, key: &Key, before: Option<&Warehouse>, after: Option<&Warehouse>) {
        for repository in before.map(repositories).unwrap_or_default() {
            if let Some(keys) = self.subscribers.get_mut(&repository) {
                keys.remove(key);
            }
        }
        self.subscribers.retain(|_, keys| !keys.is_empty());
        for repository in after.map(repositories).unwrap_or_default() {
            self.subscribers.entry(repository).or_default().insert(key.clone());
        }
    }
}

/// The repositories a warehouse subscribes to, as they are compared.
fn repositories(warehouse: &Warehouse) -> Vec<String> {
    let subscriptions = warehouse.spec.subscriptions.iter().filter_map(|it| it.typed());
    let index = |typed| match typed {
        Typed::Git(body) => Some(format!("git {}", normalise_git(&body.repo_url))),
        Typed::Image(body) => Some(format!("image {}", normalise_image(&body.repo_url))),
        Typed::Chart(_) | Typed::Other(_) => None,
    };
    subscriptions.filter_map(index).collect()
}

impl Warehouses {
    /// The reconciler over a cache that somebody else feeds; what is due goes into its own [`Self::queue`].
    pub fn new(
        client: Client,
        cache: Arc<Cache<Warehouse>>,
        outside: Outside,
        clock: SharedClock,
        settings: Settings,
        registry: &mut Registry,
    ) -> Arc<Self> {
        let (queue, memory) = (Arc::<Queue>::default(), Arc::<Mutex<Memory>>::default());
        let (changed, forget) = (Arc::clone(&queue), Arc::clone(&memory));
        let metrics = Metrics::new(registry);
        let figures = metrics.clone();
        let seen = cache.all();
        cache.listen(move |change| {
            let (before, after) = (change.before.as_deref(), change.after.as_deref());
            let mut memory = forget.lock();
            if before.map(|it| &it.spec) != after.map(|it| &it.spec) {
                memory.subscribe(&change.key, before, after);
            }
            let Some(after) = after else {
                memory.looks.remove(&change.key);
                figures.forget(&change.key);
                memory.wanted.remove(&change.key);
                return;
            };
            drop(memory);
            // What we write ourselves changes neither, and must not wake us.
            let wakes =
                |before: &Warehouse| before.metadata.generation != after.metadata.generation || token(before) != token(after);
            if before.is_none_or(wakes) {
                changed.add(change.key.clone());
            }
        });
        for warehouse in seen {
            let meta = &warehouse.metadata;
            let key = Key::new(meta.namespace.as_deref().unwrap_or_default(), meta.name.as_deref().unwrap_or_default());
            memory.lock().subscribe(&key, None, Some(&warehouse));
            queue.add(key);
        }
        let warehouses = Arc::new(Self {
            client,
            cache,
            queue,
            started_at: whole(clock.now()),
            clock,
            memory,
            permits: Semaphore::new(settings.n_at_once.max(1)),
            metrics,
            settings,
            outside,
        });
        let weak = Arc::downgrade(&warehouses);
        warehouses.outside.credentials.listen(move |project| {
            if let Some(warehouses) = weak.upgrade() {
                warehouses.try_again(project);
            }
        });
        warehouses
    }

    /// The keys that are due; give it to [`crate::frame::run`] with [`N_WORKERS`].
    pub const fn queue(&self) -> &Arc<Queue> {
        &self.queue
    }

    /// Looks at once at every warehouse that subscribes to this image or git repository, however it is spelt; says how many they are.
    /// For news of a push.
    pub fn refresh_all_of(&self, url: &str) -> usize {
        let spellings = [format!("image {}", normalise_image(url)), format!("git {}", normalise_git(url))];
        let keys: BTreeSet<Key> = {
            let memory = self.memory.lock();
            spellings.iter().filter_map(|it| memory.subscribers.get(it)).flatten().cloned().collect()
        };
        keys.iter().for_each(|key| self.look_now(key.clone()));
        keys.len()
    }

    /// Looks at one warehouse at once.
    pub fn look_now(&self, key: Key) {
        self.memory.lock().wanted.insert(key.clone());
        self.queue.add(key);
    }

    /// When the warehouse looked last, with or without success; `None` if it has not since the start.
    pub fn last_look(&self, key: &Key) -> Option<Timestamp> {
        self.memory.lock().looks.get(key).map(|looked| looked.at)
    }

    /// A login has changed: what failed may work now.
    fn try_again(&self, project: Option<&str>) {
        let memory = self.memory.lock();
        let failed = memory.looks.iter().filter(|(_, looked)| looked.found.is_none()).map(|(key, _)| key);
        let keys: Vec<Key> = failed.filter(|key| project.is_none_or(|project| *key.project == *project)).cloned().collect();
        drop(memory);
        keys.into_iter().for_each(|key| self.queue.add(key));
    }

    /// Whether a look is due, looks that nothing was written of included.
    fn due(&self, key: &Key, warehouse: &Warehouse, now: Timestamp) -> Due {
        let looked = self.memory.lock().looks.get(key).cloned();
        let looked = looked.filter(|looked| looked.generation == warehouse.metadata.generation);
        let is_first = looked.is_none();
        let at = match looked {
            Some(Looked { found: None, .. }) => return Due::Now("its last look failed"),
            Some(looked) => Some(Time(looked.at)),
            None => {
                warehouse.status.as_ref().and_then(|it| it.discovered_artifacts.as_ref()).and_then(|it| it.discovered_at.clone())
            }
        };
        let mut slim = Warehouse { metadata: warehouse.metadata.clone(), ..Warehouse::default() };
        slim.spec.interval = warehouse.spec.interval.clone();
        slim.status = warehouse.status.as_ref().map(|status| WarehouseStatus {
            last_handled_refresh: status.last_handled_refresh.clone(),
            observed_generation: status.observed_generation,
            discovered_artifacts: at.map(|at| DiscoveredArtifacts { discovered_at: Some(at), ..DiscoveredArtifacts::default() }),
            ..WarehouseStatus::default()
        });
        match (due(&slim, self.settings.interval_min, now), is_first) {
            // What was pushed while nobody ran is to be seen soon.
            (Due::At(at), true) => {
                let soon = self.started_at.checked_add(spread(key, self.cache.len())).map_or(at, |soon| soon.min(at));
                if soon <= now { Due::Now("it has not looked since the start") } else { Due::At(soon) }
            }
            (due, _) => due,
        }
    }

    /// Looks, in one of the few places for looks as long as it is quick.
    async fn look(
        &self,
        key: &Key,
        warehouse: &Warehouse,
        asked: Asked<'_>,
        news: bool,
    ) -> Result<Result<DiscoveredArtifacts, LookError>, Failure> {
        let status = warehouse.status.as_ref();
        let looked = self.memory.lock().looks.get(key).filter(|looked| looked.generation == asked.generation).cloned();
        let written =
            status.filter(|it| it.observed_generation == asked.generation).and_then(|it| it.discovered_artifacts.as_ref());
        let by_clock = !news
            && (looked.is_some() || written.is_some())
            && status.is_some_and(|it| asked.token.is_empty() || it.last_handled_refresh == asked.token);
        let remembered = looked.as_ref().and_then(|it| it.found.as_deref());
        let look = observe::Look { before: remembered.or(written), thorough: !by_clock };
        let permit = self.permits.acquire().await;
        let awaited = Awaited::default();
        let mut look = pin!(awaited.over(observe::look(&self.outside, warehouse, look)));
        if let Ok(answer) = tokio::time::timeout(self.settings.patience, &mut look).await {
            return Ok(answer);
        }
        drop(permit);
        if !by_clock {
            let before = status.cloned().unwrap_or_default();
            self.write(key, &before, &decide::looking(&before, asked)).await?;
        }
        let mut told: Option<Server> = None;
        loop {
            if let Ok(answer) = tokio::time::timeout(LISTEN, &mut look).await {
                return Ok(answer);
            }
            let silent = awaited.longest(SILENT);
            if silent != told {
                let since = silent.as_ref().map(|server| (server.to_string(), self.ago(server.since.elapsed())));
                let before = self.status(key);
                self.write(key, &before, &decide::waiting(&before, asked, since)).await?;
                told = silent;
            }
        }
    }

    /// The instant so long ago, in whole seconds.
    fn ago(&self, span: Duration) -> Timestamp {
        let now = self.clock.now();
        whole(now.checked_sub(jiff::SignedDuration::try_from(span).unwrap_or_default()).unwrap_or(now))
    }

    async fn found(&self, key: &Key, warehouse: &Warehouse, asked: Asked<'_>, found: DiscoveredArtifacts) -> Result<(), Failure> {
        let verdict = decide::judge(warehouse, &found);
        // Freight first: a crash between the two looks again and finds it there.
        let made = match &verdict {
            Verdict::Make(freight) => match self.make(freight).await {
                Ok(made) => Some(made),
                Err(failure) => {
                    let before = self.status(key);
                    self.write(key, &before, &decide::unmade(&before, asked, &failure.message)).await?;
                    return Err(failure);
                }
            },
            _ => None,
        };
        let before = self.status(key);
        self.write(key, &before, &decide::found(&before, asked, &found, (&verdict, made.as_ref()))).await?;
        self.remember(key, asked, Some(Arc::new(found)));
        Ok(())
    }

    async fn failed_look(&self, key: &Key, asked: Asked<'_>, interval: Duration, err: &LookError) -> Result<Requeue, Failure> {
        self.metrics.failed.inc();
        self.remember(key, asked, None);
        let before = self.status(key);
        let news = self.write(key, &before, &decide::failed(&before, asked, err)).await?;
        // What is handed on as a failure is logged by the frame.
        let handed_on = err.next() != Next::Blocked && (err.next() != Next::Retry || err.retry_after().is_none());
        if news && !handed_on {
            tracing::warn!(project = %key.project, warehouse = %key.name, reason = %err.reason(), "look for artifacts: {err}");
        }
        match (err.next(), err.retry_after()) {
            (Next::Retry, Some(wait)) => Ok(Requeue::After(wait.max(Duration::from_secs(1)))),
            // The other side may change without telling us: a right that is granted, a repository that is made.
            (Next::Blocked, _) => Ok(Requeue::After(interval)),
            (next, _) => Err(Failure { next, reason: err.reason().as_str(), message: err.to_string() }),
        }
    }

    fn remember(&self, key: &Key, asked: Asked<'_>, found: Option<Arc<DiscoveredArtifacts>>) {
        self.metrics.looked(key, asked.now);
        let looked = Looked { generation: asked.generation, at: asked.now, found };
        self.memory.lock().looks.insert(key.clone(), looked);
    }

    /// The status as it stands now: a slow look may have written to it.
    fn status(&self, key: &Key) -> WarehouseStatus {
        self.cache.get(key).and_then(|warehouse| warehouse.status.clone()).unwrap_or_default()
    }
}

#[async_trait]
impl Reconcile for Warehouses {
    fn name(&self) -> &'static str {
        "warehouses"
    }

    async fn reconcile(&self, key: &Key) -> Result<Requeue, Failure> {
        let own = |it: &Arc<Warehouse>| it.metadata.deletion_timestamp.is_none() && it.spec.shard == self.settings.shard;
        let Some(warehouse) = self.cache.get(key).filter(own) else { return Ok(Requeue::OnChange) };
        let now = self.now();
        let asked = Asked { generation: warehouse.metadata.generation, token: token(&warehouse), now };
        if let Some(parts) = unbuilt::sentence(&unbuilt::warehouse(&warehouse.spec)) {
            let before = self.status(key);
            self.write(key, &before, &decide::not_built(&before, asked, &parts)).await?;
            return Ok(Requeue::OnChange);
        }
        let news = self.memory.lock().wanted.remove(key);
        match self.due(key, &warehouse, now) {
            Due::At(at) if !news => return Ok(Requeue::After(until(now, at))),
            _ => {}
        }
        let done = self.turn(key, &warehouse, asked, news).await;
        if done.is_err() {
            // What the look was for is not done: the next try must not wait for the interval.
            self.memory.lock().wanted.insert(key.clone());
        }
        done
    }
}

impl Warehouses {
    async fn turn(&self, key: &Key, warehouse: &Warehouse, mut asked: Asked<'_>, news: bool) -> Result<Requeue, Failure> {
        let answer = self.look(key, warehouse, asked, news).await?;
        asked.now = self.now();
        let interval = warehouse.spec.interval.get().filter(|it| !it.is_zero()).unwrap_or(Duration::from_secs(300));
        let interval = interval.max(self.settings.interval_min);
        match answer {
            Ok(found) => {
                self.found(key, warehouse, asked, found).await?;
                Ok(Requeue::After(interval))
            }
            Err(err) => self.failed_look(key, asked, interval, &err).await,
        }
    }

    /// The present instant in whole seconds, as statuses hold it.
    fn now(&self) -> Timestamp {
        whole(self.clock.now())
    }
}

fn whole(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second()).unwrap_or(at)
}

/// When a warehouse looks first after a start, of `n` of them: each at its own place in a time that grows with their number.
fn spread(key: &Key, n: usize) -> Duration {
    let window = APART.saturating_mul(u32::try_from(n).unwrap_or(u32::MAX)).min(FIRST_LOOKS);
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    let place = u32::try_from(hasher.finish() % 1000).unwrap_or_default();
    // Statuses, and so instants here, are of whole seconds.
    Duration::from_secs((window * place / 1000).as_secs())
}

fn until(now: Timestamp, at: Timestamp) -> Duration {
    Duration::try_from(at.duration_since(now)).unwrap_or_default().max(Duration::from_millis(100))
}

/// The refresh token; empty if there is none.
fn token(warehouse: &Warehouse) -> &str {
    warehouse.metadata.annotations.as_ref().and_then(|all| all.get(annotation::REFRESH)).map_or("", String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_looks_come_soon_and_not_all_at_once() {
        let places = |n: usize| -> Vec<Duration> { (0..n).map(|it| spread(&Key::new("bank", &it.to_string()), n)).collect() };
        assert!(places(1)[0] < APART);
        let mut many = places(5000);
        many.sort();
        assert!(many[4999] < FIRST_LOOKS);
        let n_busiest = many.chunk_by(|a, b| a.as_secs() == b.as_secs()).map(<[Duration]>::len).max();
        assert!(n_busiest < Some(250), "{n_busiest:?}");
    }
}
