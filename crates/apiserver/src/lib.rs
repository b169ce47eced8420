//! The Kubernetes API over the store, as an axum router that `kube::Client` takes as it is and a port can serve.
//!
//! One request is at most one commit of the store; what is read comes from memory. Authentication happens before: a request
//! carries its [`Identity`] as an extension, put there by the port's authenticator or by an in-process client's layer.

mod access;
mod admit;
mod authorizer;
mod builtin;
pub mod discovery;
mod dispatch;
mod events;
mod failure;
mod gc;
pub mod identity;
mod install;
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
mod tokens;
pub mod validate;
mod watch;
mod write;

pub use access::{NotActing, names_another};
pub use admit::{Admission, AdmitAll, Admitted, Denied, Operation, Request, Right, Rules, World};
pub use authorizer::Authorizer;
pub use gc::Running;
pub use identity::{Identity, Lease, LeaseHolder};
pub use kind::{Kind, Mode, ours};
pub use tokens::{Bound, Issued, Later, TokenAsk, TokenRefused, Tokens};

use crate::kind::Kinds;
use axum::Router;
use seaway_base::{Random, SharedClock, Shares};
use seaway_store::{Batch, Committed, Store, StoreError};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tower::ServiceBuilder;

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
    pub(crate) authorizer: Authorizer,
    pub(crate) tokens: Arc<OnceLock<Arc<dyn Tokens>>>,
    pub(crate) ending: Arc<tokio::sync::watch::Sender<bool>>,
    /// Who holds how many watches open.
    pub(crate) watches: Shares<Arc<str>>,
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
        let authorizer = Authorizer::new(Arc::clone(&store));
        let (options, tokens) = (Arc::new(options), Arc::default());
        Self { store, kinds, admission, clock, random, options, authorizer, tokens, ending, watches: Shares::default() }
    }

    /// The router: for `kube::Client::new`, and for a port behind an authenticator.
    pub fn router(&self) -> Router {
        Router::new().fallback(dispatch::serve).with_state(self.clone())
    }

    /// A client of this process that acts as somebody, through the same doors as everybody.
    pub fn client(&self, identity: Identity) -> kube::Client {
        kube::Client::new(ServiceBuilder::new().layer(identity).service(self.router()), "default")
    }

    /// Who may do what.
    pub fn authorizer(&self) -> Authorizer {
        self.authorizer.clone()
    }

    /// From now on, makes and reads tokens of service accounts by these; only the first call counts. It comes after the start, because
    /// whoever keeps tokens keeps them here.
    pub fn serve_tokens(&self, tokens: Arc<dyn Tokens>) {
        let _ = self.tokens.set(tokens);
    }

    /// Commits; what it changes of rights is in force when this returns.
    pub(crate) async fn commit(&self, batch: Batch) -> Result<Committed, StoreError> {
        let done = self.store.commit(batch).await;
        self.authorizer.catch_up();
        done
    }

    /// The store beneath.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// Turns true when the server ends: what is held open beside the watches ends with them.
    pub fn ending(&self) -> tokio::sync::watch::Receiver<bool> {
        self.ending.subscribe()
    }

    /// Ends every open watch, so that a graceful shutdown does not wait for them.
    pub fn end_watches(&self) {
        self.ending.send_replace(true);
    }
}
