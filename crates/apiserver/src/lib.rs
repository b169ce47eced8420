//! The Kubernetes API over the store, as an axum router that `kube::Client` takes as it is and a port can serve.
//!
//! One request is at most one commit of the store; what is read comes from memory. Authentication happens before: a request
//! carries its [`Identity`] as an extension, put there by the port's authenticator or by an in-process client's layer.

mod admit;
mod builtin;
pub mod discovery;
mod dispatch;
mod events;
mod failure;
mod gc;
pub mod identity;
mod judge;
mod kind;
mod meta;
pub mod openapi;
pub mod patch;
pub mod proto;
mod read;
mod remove;
mod request;
mod reviews;
pub mod selectors;
pub mod ssa;
pub mod table;
pub mod validate;
mod watch;
mod write;

pub use admit::{Admission, AdmitAll, Admitted, Denied, Operation, Request, Rules, World};
pub use gc::Running;
pub use identity::Identity;
pub use kind::{Kind, Mode, ours};

use crate::kind::Kinds;
use axum::Router;
use seaway_base::{Random, SharedClock};
use seaway_store::Store;
use std::sync::Arc;
use std::time::Duration;

/// What can be chosen.
#[derive(Debug, Clone)]
pub struct Options {
    /// How long an Event is kept after it last said something.
    pub event_ttl: Duration,
    /// How often Events are looked through for old ones.
    pub event_sweep: Duration,
    /// The address told by legacy discovery, such as `127.0.0.1:7443`.
    pub address: String,
}

impl Default for Options {
    /// Events for an hour, looked through once a minute.
    fn default() -> Self {
        Self { event_ttl: Duration::from_secs(3600), event_sweep: Duration::from_secs(60), address: String::new() }
    }
}

/// The server: cheap to clone, all clones are one.
#[derive(Clone)]
pub struct ApiServer {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) kinds: Arc<Kinds>,
    pub(crate) admission: Arc<dyn Admission>,
    pub(crate) clock: SharedClock,
    pub(crate) random: Random,
    pub(crate) options: Arc<Options>,
    pub(crate) ending: Arc<tokio::sync::watch::Sender<bool>>,
}

impl ApiServer {
    /// A server for these kinds ([`ours`] in production) and the built-in ones.
    pub fn new(
        store: Arc<dyn Store>,
        kinds: Vec<Kind>,
        admission: Arc<dyn Admission>,
        clock: SharedClock,
        random: Random,
        options: Options,
    ) -> Self {
        let kinds = Arc::new(Kinds::new(kind::builtin().into_iter().chain(kinds)));
        let ending = Arc::new(tokio::sync::watch::Sender::new(false));
        Self { store, kinds, admission, clock, random, options: Arc::new(options), ending }
    }

    /// The router: for `kube::Client::new`, and for a port behind an authenticator.
    pub fn router(&self) -> Router {
        Router::new().fallback(dispatch::serve).with_state(self.clone())
    }

    /// The store beneath.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// Ends every open watch, so that a graceful shutdown does not wait for them.
    pub fn end_watches(&self) {
        self.ending.send_replace(true);
    }
}
