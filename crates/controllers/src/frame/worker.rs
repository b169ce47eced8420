//! Workers: take keys from a queue, reconcile them, requeue by what came of it. A panic becomes the error `Bug`.

use super::{Key, Queue};
use async_trait::async_trait;
use futures::FutureExt as _;
use parking_lot::Mutex;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::registry::Registry;
use seaway_base::backoff::Backoff;
use seaway_base::{Next, Random};
use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// So many failures in a row are told on the object, so that `why` knows of them: three take about three seconds.
const STALLED_AFTER: u32 = 3;

/// Brings one object nearer to what is wanted. Given a key and nothing else, it reads the world afresh.
#[async_trait]
pub trait Reconcile: Send + Sync + 'static {
    /// Its name in logs and metrics.
    fn name(&self) -> &'static str;

    /// Reconciles the object.
    ///
    /// # Errors
    /// [`Failure`]: tried again with backoff if its `next` is `Retry`, else left until an input changes.
    async fn reconcile(&self, key: &Key) -> Result<Requeue, Failure>;

    /// Tells the object that reconciling it failed, for the `n_failures`th time in a row; the frame calls it before it requeues.
    async fn failed(&self, key: &Key, failure: &Failure, n_failures: u32) {
        let _ = (key, failure, n_failures);
    }
}

/// When the object is looked at again, besides on every change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Requeue {
    /// When something changes.
    OnChange,
    /// After this long at the latest.
    After(Duration),
}

/// Why an object could not be reconciled.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// What comes next.
    pub next: Next,
    /// Reason for the condition, CamelCase.
    pub reason: &'static str,
    /// What, where, what to do.
    pub message: String,
}

impl Failure {
    /// Whether it is more than a hitch: it is not tried again, or was tried so often that a person should know.
    pub fn stalls(&self, n_failures: u32) -> bool {
        !matches!(self.next, Next::Retry) || n_failures >= STALLED_AFTER
    }

    /// An error of the control plane's API: worth another try.
    pub fn api(what: &str, err: &kube::Error) -> Self {
        Self { next: Next::Retry, reason: "ApiError", message: format!("{what}: {err}") }
    }
}

/// What the workers of one reconciler share.
#[derive(Debug, Clone)]
pub struct Workers {
    /// How many keys at one time.
    pub n: usize,
    /// Randomness for backoff.
    pub random: Random,
    /// Reconciles begun.
    pub begun: Counter,
    /// Reconciles that failed.
    pub failed: Counter,
}

impl Workers {
    /// `n` workers, their figures registered under the reconciler's name.
    pub fn new(n: usize, name: &'static str, random: Random, registry: &mut Registry) -> Self {
        let workers = Self { n, random, begun: Counter::default(), failed: Counter::default() };
        let labelled = registry.sub_registry_with_label(("controller".into(), name.into()));
        labelled.register("seaway_reconciles", "Reconciles begun", workers.begun.clone());
        labelled.register("seaway_reconcile_failures", "Reconciles that failed", workers.failed.clone());
        workers
    }
}

/// Works on the queue until it is closed; then finishes what is in hand.
pub async fn run(reconciler: Arc<dyn Reconcile>, queue: Arc<Queue>, workers: Workers) {
    let attempts: Arc<Mutex<HashMap<Key, u32>>> = Arc::default();
    // A quarter of the places is out of reach of any one project, however much of it hangs.
    queue.share(workers.n.saturating_sub(workers.n / 4));
    let mut tasks = JoinSet::new();
    for _ in 0..workers.n.max(1) {
        let (reconciler, queue, workers, attempts) =
            (Arc::clone(&reconciler), Arc::clone(&queue), workers.clone(), Arc::clone(&attempts));
        tasks.spawn(async move {
            while let Some(key) = queue.next().await {
                turn(&*reconciler, &queue, &workers, &attempts, &key).await;
                queue.done(&key);
            }
        });
    }
    while tasks.join_next().await.is_some() {}
}

async fn turn(reconciler: &dyn Reconcile, queue: &Queue, workers: &Workers, attempts: &Mutex<HashMap<Key, u32>>, key: &Key) {
    workers.begun.inc();
    let began = Instant::now();
    let result = AssertUnwindSafe(reconciler.reconcile(key)).catch_unwind().await.unwrap_or_else(|panic| {
        let what =
            panic.downcast_ref::<&str>().map(|text| (*text).to_owned()).or_else(|| panic.downcast_ref::<String>().cloned());
        let message = format!("seaway has a fault: {}; please report it", what.as_deref().unwrap_or("panic"));
        Err(Failure { next: Next::Bug, reason: "Bug", message })
    });
    match result {
        Ok(requeue) => {
            attempts.lock().remove(key);
            tracing::trace!(controller = reconciler.name(), object = %key, elapsed = ?began.elapsed(), "reconciled");
            if let Requeue::After(wait) = requeue {
                queue.add_after(key.clone(), wait);
            }
        }
        Err(failure) => {
            workers.failed.inc();
            let level_up = !matches!(failure.next, Next::Retry);
            if level_up {
                tracing::error!(controller = reconciler.name(), project = %key.project, object = %key, reason = failure.reason, "{}", failure.message);
            } else {
                tracing::warn!(controller = reconciler.name(), project = %key.project, object = %key, reason = failure.reason, "{}", failure.message);
            }
            let n_failures = {
                let mut attempts = attempts.lock();
                let n = attempts.entry(key.clone()).or_default();
                *n = n.saturating_add(1);
                *n
            };
            reconciler.failed(key, &failure, n_failures).await;
            match failure.next {
                Next::Retry | Next::Bug => queue.add_after(key.clone(), Backoff::default().wait(n_failures - 1, &workers.random)),
                Next::Blocked | Next::Failed => {}
            }
        }
    }
}
