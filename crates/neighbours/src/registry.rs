//! An OCI registry (distribution 1.1, push and pull) that keeps its content in a folder.

mod blobs;
mod manifests;
mod route;
mod storage;
mod tokens;

use crate::NeighbourError;
use crate::auth::Login;
use crate::serve::{Serving, serve};
use axum::Router;
use axum::routing::any;
use parking_lot::Mutex;
use seaway_base::Random;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use storage::Storage;
use tokens::Tokens;
use tokio::sync::broadcast;

/// Events that a slow listener may lag behind.
const MAX_EVENTS: usize = 1024;

/// Who may use the registry.
#[derive(Debug, Clone, Default)]
pub enum Access {
    /// Everyone.
    #[default]
    Open,
    /// Who carries this login on every request.
    Basic(Login),
    /// Who carries a token, got for this login at `/v2/token`.
    Token(Login),
}

/// How the registry behaves.
#[derive(Debug, Clone, Default)]
pub struct RegistryOptions {
    /// Who may use it.
    pub access: Access,
    /// The most tags in one answer, whatever the client asks for; 0 for all.
    pub page_tags_max: usize,
}

/// What happened at the registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RegistryEvent {
    /// A tag was pushed, new or moved.
    Pushed {
        /// The repository.
        repository: String,
        /// The tag.
        tag: String,
        /// The digest of its manifest.
        digest: String,
    },
    /// A tag was deleted.
    Deleted {
        /// The repository.
        repository: String,
        /// The tag.
        tag: String,
    },
}

/// The next requests that are answered by a status alone.
#[derive(Debug)]
struct Fault {
    status: u16,
    retry_after_seconds: Option<u32>,
    times: u32,
}

/// The registry; cheap to clone. Not for production.
#[derive(Clone)]
pub struct Registry(Arc<Inner>);

struct Inner {
    storage: Storage,
    options: RegistryOptions,
    tokens: Tokens,
    random: Random,
    events: broadcast::Sender<RegistryEvent>,
    n_requests: AtomicU64,
    fault: Mutex<Option<Fault>>,
}

impl Registry {
    /// A registry over the content of `dir`, which is made if it is missing.
    ///
    /// # Errors
    /// [`NeighbourError::Io`] where the folder cannot be made.
    pub async fn open(dir: impl Into<PathBuf>, options: RegistryOptions) -> Result<Self, NeighbourError> {
        let inner = Inner {
            storage: Storage::open(dir.into()).await.map_err(NeighbourError::io("open the registry's folder"))?,
            options,
            tokens: Tokens::default(),
            random: Random::system(),
            events: broadcast::channel(MAX_EVENTS).0,
            n_requests: AtomicU64::new(0),
            fault: Mutex::default(),
        };
        Ok(Self(Arc::new(inner)))
    }

    /// The routes, all under `/v2`.
    pub fn router(&self) -> Router {
        let registry = self.clone();
        let handler = any(move |request: axum::extract::Request| {
            let registry = registry.clone();
            async move { route::answer(&registry.0, request).await }
        });
        Router::new().route("/v2", handler.clone()).route("/v2/", handler.clone()).route("/v2/{*path}", handler)
    }

    /// Serves the registry on `127.0.0.1:port`; port 0 takes a free one.
    ///
    /// # Errors
    /// [`NeighbourError::Io`] where the port is taken.
    pub async fn serve(&self, port: u16) -> Result<Serving, NeighbourError> {
        serve(port, self.router()).await
    }

    /// Everything that happens from now on; a listener that lags loses the oldest.
    pub fn events(&self) -> broadcast::Receiver<RegistryEvent> {
        self.0.events.subscribe()
    }

    /// How many requests have arrived.
    pub fn n_requests(&self) -> u64 {
        self.0.n_requests.load(Ordering::SeqCst)
    }

    /// How many tokens were given out.
    pub fn n_tokens(&self) -> u64 {
        self.0.tokens.n_given()
    }

    /// Forgets every token given out so far.
    pub fn revoke_tokens(&self) {
        self.0.tokens.clear();
    }

    /// Answers the next `times` requests with this status alone.
    pub fn fail(&self, status: u16, retry_after_seconds: Option<u32>, times: u32) {
        *self.0.fault.lock() = Some(Fault { status, retry_after_seconds, times });
    }
}

impl Inner {
    fn tell(&self, event: RegistryEvent) {
        // Nobody may be listening.
        let _ = self.events.send(event);
    }

    fn next_fault(&self) -> Option<(u16, Option<u32>)> {
        let mut fault = self.fault.lock();
        let plan = fault.as_mut()?;
        let answer = (plan.status, plan.retry_after_seconds);
        plan.times = plan.times.saturating_sub(1);
        if plan.times == 0 {
            *fault = None;
        }
        Some(answer)
    }
}
