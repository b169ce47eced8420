//! What the control plane tells of its objects, with the instant at which we heard it.

use anyhow::{Context as _, Result};
use futures::TryStreamExt as _;
use kube::api::Api;
use kube::runtime::{WatchStreamExt as _, watcher};
use kube::{Resource, ResourceExt as _};
use parking_lot::Mutex;
use serde::de::DeserializeOwned;
use std::fmt::Debug;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Nothing that is measured here takes longer.
const PATIENCE: Duration = Duration::from_mins(3);

/// One version of one object.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    /// When we heard of it.
    pub(crate) at: Instant,
    /// Its kind's plural.
    pub(crate) plural: String,
    /// Its name.
    pub(crate) name: String,
    /// Its version.
    pub(crate) version: String,
    /// What we look for in it: a phase, a token.
    pub(crate) state: String,
    /// Why, for people.
    pub(crate) message: String,
}

/// A watch, and all it has told.
pub(crate) struct News {
    seen: Arc<Mutex<Vec<Seen>>>,
    changed: watch::Sender<u64>,
    tasks: Vec<JoinHandle<()>>,
}

impl Drop for News {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

impl News {
    pub(crate) fn new() -> Self {
        Self { seen: Arc::default(), changed: watch::Sender::new(0), tasks: Vec::new() }
    }

    /// Listens to a kind; `tell` picks the state and the message. Returns once everything there is has been told.
    pub(crate) async fn listen<K>(&mut self, api: Api<K>, tell: fn(&K) -> (String, String)) -> Result<()>
    where
        K: Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned + Send + 'static,
    {
        let (seen, changed) = (Arc::clone(&self.seen), self.changed.clone());
        let (ready, mut is_ready) = watch::channel(false);
        self.tasks.push(tokio::spawn(async move {
            let mut events = std::pin::pin!(watcher(api, watcher::Config::default()).default_backoff());
            loop {
                match events.try_next().await {
                    Ok(Some(watcher::Event::Apply(object) | watcher::Event::InitApply(object))) => {
                        let (state, message) = tell(&object);
                        let version = object.resource_version().unwrap_or_default();
                        let plural = K::plural(&()).into_owned();
                        seen.lock().push(Seen { at: Instant::now(), plural, name: object.name_any(), version, state, message });
                        changed.send_modify(|n| *n += 1);
                    }
                    Ok(Some(watcher::Event::InitDone)) => drop(ready.send_replace(true)),
                    Ok(Some(_)) => {}
                    Ok(None) => return,
                    Err(err) => eprintln!("watch {}: {err}", K::plural(&())),
                }
            }
        }));
        tokio::time::timeout(PATIENCE, is_ready.wait_for(|ready| *ready)).await.context("the watch does not start")??;
        Ok(())
    }

    /// Forgets what was told so far.
    pub(crate) fn forget(&self) {
        self.seen.lock().clear();
    }

    /// Looks at all that was told.
    pub(crate) fn with<T>(&self, look: impl FnOnce(&[Seen]) -> T) -> T {
        look(&self.seen.lock())
    }

    /// Waits until what was told answers a question.
    pub(crate) async fn until<T>(&self, what: &str, mut answer: impl FnMut(&[Seen]) -> Option<T>) -> Result<T> {
        let mut changed = self.changed.subscribe();
        let answered = async {
            loop {
                if let Some(answer) = answer(&self.seen.lock()) {
                    return answer;
                }
                // The sender lives as long as we do.
                let _ = changed.changed().await;
            }
        };
        tokio::time::timeout(PATIENCE, answered).await.with_context(|| format!("{what}: not within {} s", PATIENCE.as_secs()))
    }
}
