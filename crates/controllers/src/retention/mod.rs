//! Retention: lets go of what is old and unused, from time to time. Doing it twice does no harm.
//!
//! Promotions and freight by Kargo's rules (`core::retention`), plans that have expired, what ended runs keep in mirrors, and mirrors
//! that nobody used for long.

use futures::StreamExt as _;
use kube::api::{Api, DeleteParams, ListParams, Preconditions};
use kube::{Client, Resource, ResourceExt};
use parking_lot::Mutex;
use seaway_api::kargo::{Freight, Project, Promotion, Stage};
use seaway_api::seaway::Plan;
use seaway_base::SharedClock;
use seaway_core::retention::{self, Keep};
use seaway_git::Mirrors;
use serde::de::DeserializeOwned;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt::Debug;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// Deletions on their way at one time.
const N_AT_ONCE: usize = 8;
/// A look leaves what is beyond this for the next one.
const N_DELETED_MAX: usize = 5_000;
/// The first look comes so long after the start, or after one interval if that is shorter.
const FIRST_AFTER: Duration = Duration::from_secs(30);

/// What is kept, and for how long.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How often it is looked through.
    pub every: Duration,
    /// Promotions of each stage.
    pub promotions: Keep,
    /// Freight of each warehouse.
    pub freight: Keep,
    /// A mirror that was not used for so long goes; it is fetched anew when needed.
    pub mirror_unused: Duration,
}

impl Default for Settings {
    /// Hourly, Kargo's numbers, and mirrors for a month.
    fn default() -> Self {
        Self {
            every: Duration::from_hours(1),
            promotions: Keep::default(),
            freight: Keep::default(),
            mirror_unused: Duration::from_hours(720),
        }
    }
}

/// How much went.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Gone {
    /// Promotions.
    pub promotions: usize,
    /// Freight.
    pub freight: usize,
    /// Plans.
    pub plans: usize,
    /// Runs whose objects mirrors kept.
    pub runs: usize,
    /// Mirrors.
    pub mirrors: usize,
}

/// Looks things through and lets go.
pub struct Retention {
    client: Client,
    mirrors: Mirrors,
    clock: SharedClock,
    settings: Settings,
    /// Runs in mirrors whose promotion the last look did not know.
    unknown: Arc<Mutex<HashSet<String>>>,
}

/// One look: what went, and what could not be looked at, which holds up nothing else.
#[derive(Debug, Default)]
pub struct Look {
    /// What went.
    pub gone: Gone,
    /// What was left out; the next look tries again.
    pub errors: Vec<RetentionError>,
}

impl Look {
    /// Takes what a part of the look answered, or notes why it did not.
    fn take<T>(&mut self, part: Result<T, RetentionError>) -> Option<T> {
        part.map_err(|err| self.errors.push(err)).ok()
    }
}

/// What keeps a part of a look from being done.
#[derive(Debug, thiserror::Error)]
pub enum RetentionError {
    /// The control plane did not list them.
    #[error("list {what}{}", within(.project))]
    List {
        /// Which objects.
        what: &'static str,
        /// Of which project; empty for all.
        project: String,
        /// The cause.
        #[source]
        err: Box<kube::Error>,
    },
    /// A mirror could not be cleared.
    #[error("clear the mirrors")]
    Mirrors(#[from] seaway_git::GitError),
}

impl Retention {
    /// Retention over the whole control plane.
    pub fn new(client: Client, mirrors: Mirrors, clock: SharedClock, settings: Settings) -> Self {
        Self { client, mirrors, clock, settings, unknown: Arc::default() }
    }

    /// Looks soon after the start, which has enough to do without it, and then from time to time, until the task is dropped.
    pub async fn run(self) {
        let every = self.settings.every.max(Duration::from_secs(1));
        let mut ticks = tokio::time::interval_at(tokio::time::Instant::now() + FIRST_AFTER.min(every), every);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let Look { gone, errors } = self.once().await;
            if gone != Gone::default() {
                tracing::info!(?gone, "old objects are gone");
            }
            for err in errors {
                tracing::warn!("retention leaves this for its next look: {}", seaway_base::chain(&err));
            }
        }
    }

    /// Looks once. What cannot be looked at is told in the answer, and the rest is done all the same.
    pub async fn once(&self) -> Look {
        let mut look = Look::default();
        let projects = list::<Project>(&Api::all(self.client.clone()), "projects", "").await;
        for project in look.take(projects).unwrap_or_default() {
            self.clear_project(&project.name_any(), &mut look).await;
        }
        let cleared = self.clear_mirrors(&mut look.gone).await;
        look.take(cleared);
        look
    }

    async fn clear_project(&self, project: &str, look: &mut Look) {
        let now = self.clock.now();
        let promotions: Api<Promotion> = Api::namespaced(self.client.clone(), project);
        let all = list(&promotions, "promotions", project).await;
        let by_stage = group(look.take(all).unwrap_or_default(), |it| it.spec.stage.clone());
        let old = by_stage.values().flat_map(|all| named(all, &retention::promotions(all, self.settings.promotions, now)));
        look.gone.promotions += delete(&promotions, old.collect()).await;

        let freight: Api<Freight> = Api::namespaced(self.client.clone(), project);
        let stages = list::<Stage>(&Api::namespaced(self.client.clone(), project), "stages", project).await;
        // Freight that a stage may have is not judged without the stages.
        if let Some(stages) = look.take(stages) {
            let all = list(&freight, "freight", project).await;
            let by_origin = group(look.take(all).unwrap_or_default(), |it| it.origin.name.clone());
            let old =
                by_origin.values().flat_map(|all| named(all, &retention::freight(all, &stages, self.settings.freight, now)));
            look.gone.freight += delete(&freight, old.collect()).await;
        }

        let plans: Api<Plan> = Api::namespaced(self.client.clone(), project);
        let over =
            |plan: &&Plan| plan.status.as_ref().and_then(|it| it.expires_at.as_ref()).is_some_and(|expires| expires.0 <= now);
        let all = list(&plans, "plans", project).await;
        let old = look.take(all).unwrap_or_default().iter().filter(over).map(key).collect();
        look.gone.plans += delete(&plans, old).await;
    }

    async fn clear_mirrors(&self, gone: &mut Gone) -> Result<(), RetentionError> {
        let promotions: Vec<Promotion> = list(&Api::all(self.client.clone()), "promotions", "").await?;
        let ended = |it: &Promotion| it.status.as_ref().is_some_and(|status| status.phase.is_terminal());
        let known: HashMap<String, bool> =
            promotions.iter().filter_map(|it| Some((it.metadata.uid.clone()?, !ended(it)))).collect();
        let (before, unknown) = (std::mem::take(&mut *self.unknown.lock()), Arc::clone(&self.unknown));
        // A run that nobody knows may have begun after the list was made: it goes if the next look does not know it either.
        let is_live = move |uid: &str| match known.get(uid) {
            Some(live) => *live,
            None if before.contains(uid) => false,
            None => {
                unknown.lock().insert(uid.to_owned());
                true
            }
        };
        gone.runs = self.mirrors.unpin_all(is_live).await?;
        gone.mirrors = self.mirrors.evict(SystemTime::from(self.clock.now()), self.settings.mirror_unused).await?;
        Ok(())
    }
}

async fn list<K: Clone + DeserializeOwned + Debug>(
    api: &Api<K>,
    what: &'static str,
    project: &str,
) -> Result<Vec<K>, RetentionError> {
    let listed = api.list(&ListParams::default()).await;
    listed.map(|it| it.items).map_err(|err| RetentionError::List { what, project: project.to_owned(), err: Box::new(err) })
}

fn within(project: &str) -> String {
    if project.is_empty() { String::new() } else { format!(" of project `{project}`") }
}

fn group<K>(all: Vec<K>, by: impl Fn(&K) -> String) -> BTreeMap<String, Vec<K>> {
    let mut groups: BTreeMap<String, Vec<K>> = BTreeMap::new();
    for object in all {
        groups.entry(by(&object)).or_default().push(object);
    }
    groups
}

fn key<K: Resource>(object: &K) -> (String, Option<String>) {
    (object.meta().name.clone().unwrap_or_default(), object.meta().uid.clone())
}

/// Name and uid of those that are named.
fn named<K: Resource>(all: &[K], names: &[String]) -> Vec<(String, Option<String>)> {
    let names: HashSet<&str> = names.iter().map(String::as_str).collect();
    all.iter().map(key).filter(|(name, _)| names.contains(name.as_str())).collect()
}

/// Deletes exactly these; says how many went. One that admission keeps, or that went by itself, is no error.
async fn delete<K: Clone + DeserializeOwned + Debug>(api: &Api<K>, old: Vec<(String, Option<String>)>) -> usize {
    let deletions = old.into_iter().take(N_DELETED_MAX).map(|(name, uid)| async move {
        let preconditions = Preconditions { uid, resource_version: None };
        let parameters = DeleteParams { preconditions: Some(preconditions), ..DeleteParams::default() };
        match api.delete(&name, &parameters).await {
            Ok(_) => true,
            Err(kube::Error::Api(refused)) if refused.is_not_found() || refused.is_conflict() => false,
            Err(err) => {
                tracing::warn!(object = name, "an old object is kept for now: {err}");
                false
            }
        }
    });
    futures::stream::iter(deletions).buffer_unordered(N_AT_ONCE).filter(|gone| std::future::ready(*gone)).count().await
}
