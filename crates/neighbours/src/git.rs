//! A git server over smart HTTP: bare repositories in a folder, served by `git upload-pack` and `git receive-pack`.

mod faults;
mod protocol;
mod repositories;

pub use faults::{Fault, Service};

use crate::NeighbourError;
use crate::auth::Login;
use crate::serve::{Serving, serve};
use axum::Router;
use faults::Faults;
use parking_lot::Mutex;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::broadcast;

/// Events that a slow listener may lag behind.
const MAX_EVENTS: usize = 1024;

/// How the server behaves.
#[derive(Debug, Clone, Default)]
pub struct GitOptions {
    /// The login that every request must carry, if any.
    pub login: Option<Login>,
}

/// What happened at the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GitEvent {
    /// A push has arrived; nothing has changed yet.
    ReceiveBegan {
        /// The repository, without `.git`.
        repository: String,
    },
    /// A push is over; its answer has not been sent yet.
    ReceiveEnded {
        /// The repository, without `.git`.
        repository: String,
        /// The refs that changed; none where it was refused.
        changes: Vec<RefChange>,
    },
}

/// A ref that a push moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefChange {
    /// The full name: `refs/heads/main`.
    pub name: String,
    /// Where it stood; `None` if it is new.
    pub old: Option<String>,
    /// Where it stands; `None` if it is gone.
    pub new: Option<String>,
}

/// Called with each event, in order, before the answer of the push is sent.
pub type GitHook = Arc<dyn Fn(&GitEvent) + Send + Sync>;

/// The server; cheap to clone. Not for production.
#[derive(Clone)]
pub struct GitServer(Arc<Inner>);

struct Inner {
    dir: PathBuf,
    options: GitOptions,
    events: broadcast::Sender<GitEvent>,
    hooks: Mutex<Vec<GitHook>>,
    faults: Faults,
    n_receives: AtomicU64,
    n_requests: AtomicU64,
}

impl GitServer {
    /// A server of the bare repositories in `dir`, which is made if it is missing.
    ///
    /// # Errors
    /// [`NeighbourError::Io`] where the folder cannot be made.
    pub async fn open(dir: impl Into<PathBuf>, options: GitOptions) -> Result<Self, NeighbourError> {
        let dir = dir.into();
        repositories::prepare(&dir).await?;
        let dir = tokio::fs::canonicalize(&dir).await.map_err(NeighbourError::io("find the folder of repositories"))?;
        let inner = Inner {
            dir,
            options,
            events: broadcast::channel(MAX_EVENTS).0,
            hooks: Mutex::default(),
            faults: Faults::default(),
            n_receives: AtomicU64::new(0),
            n_requests: AtomicU64::new(0),
        };
        Ok(Self(Arc::new(inner)))
    }

    /// The routes: everything that no other route takes. May be merged with a router that has no fallback.
    pub fn router(&self) -> Router {
        let server = self.clone();
        Router::new().fallback(move |request: axum::extract::Request| {
            let server = server.clone();
            async move { protocol::answer(&server.0, request).await }
        })
    }

    /// Serves the repositories on `127.0.0.1:port`; port 0 takes a free one.
    ///
    /// # Errors
    /// [`NeighbourError::Io`] where the port is taken.
    pub async fn serve(&self, port: u16) -> Result<Serving, NeighbourError> {
        serve(port, self.router()).await
    }

    /// Makes a bare repository with one commit of `files` on `main`; one that exists is left as it is.
    ///
    /// # Errors
    /// [`NeighbourError`] for a name that is none and where `git` fails.
    pub async fn create_repo(&self, name: &str, files: &[(&str, &[u8])]) -> Result<PathBuf, NeighbourError> {
        repositories::create(&self.0.dir, name, files).await
    }

    /// Commits `files` (path and content, `None` deletes) on top of a branch, as if somebody had pushed; tells no listener.
    ///
    /// # Errors
    /// [`NeighbourError`] where the repository is missing and where `git` fails.
    pub async fn commit(
        &self,
        name: &str,
        branch: &str,
        message: &str,
        files: &[(&str, Option<&[u8]>)],
    ) -> Result<String, NeighbourError> {
        repositories::commit(&self.path(name)?, branch, message, files).await
    }

    /// Runs `git` in a repository and returns what it printed, trimmed: for tests and setups.
    ///
    /// # Errors
    /// [`NeighbourError`] where the repository is missing and where `git` fails.
    pub async fn git(&self, name: &str, args: &[&str]) -> Result<String, NeighbourError> {
        repositories::git(&self.path(name)?, args, Vec::new()).await
    }

    /// Where a repository lies.
    ///
    /// # Errors
    /// [`NeighbourError::Name`].
    pub fn path(&self, name: &str) -> Result<PathBuf, NeighbourError> {
        repositories::path(&self.0.dir, name)
    }

    /// The folder of repositories.
    pub fn dir(&self) -> &Path {
        &self.0.dir
    }

    /// Everything that happens from now on; a listener that lags loses the oldest.
    pub fn events(&self) -> broadcast::Receiver<GitEvent> {
        self.0.events.subscribe()
    }

    /// Calls `hook` with each event from now on, before the answer of the push is sent.
    pub fn on_event(&self, hook: GitHook) {
        self.0.hooks.lock().push(hook);
    }

    /// How many pushes have arrived, refused ones included.
    pub fn n_receives(&self) -> u64 {
        self.0.n_receives.load(Ordering::SeqCst)
    }

    /// How many requests have arrived.
    pub fn n_requests(&self) -> u64 {
        self.0.n_requests.load(Ordering::SeqCst)
    }

    /// Lets the next `times` requests of a service go wrong; faults queue up.
    pub fn fail(&self, service: Service, fault: Fault, times: u32) {
        self.0.faults.add(service, fault, times);
    }

    /// Forgets the faults that have not happened yet.
    pub fn heal(&self) {
        self.0.faults.clear();
    }
}

impl Inner {
    fn tell(&self, event: &GitEvent) {
        let hooks = self.hooks.lock().clone();
        for hook in hooks {
            hook(event);
        }
        // Nobody may be listening.
        let _ = self.events.send(event.clone());
    }
}
