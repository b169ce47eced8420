//! Who asks: a request extension that the port's authenticator, or an in-process client's layer, puts there.

use seaway_base::Actor;
use std::sync::Arc;
use std::task::{Context, Poll};
use tower::{Layer, Service};

/// Where our controllers' service accounts begin.
const CONTROLLERS: &str = "system:serviceaccount:seaway:";

/// The identity behind a request. A request without one is refused.
///
/// As a tower layer it gives every request of an in-process client this identity:
/// `Client::new(ServiceBuilder::new().layer(identity).service(router), "default")`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The user's name, never empty; controllers are `system:serviceaccount:…`.
    pub username: Arc<str>,
    /// The groups the user is in.
    pub groups: Arc<[String]>,
}

impl Identity {
    /// An identity; `None` where the name is empty.
    pub fn new(username: &str, groups: &[&str]) -> Option<Self> {
        let groups = groups.iter().map(|group| (*group).to_owned()).collect();
        (!username.trim().is_empty()).then(|| Self { username: username.into(), groups })
    }

    /// A service account of our own, such as `system:serviceaccount:seaway:stages`.
    pub fn service_account(namespace: &str, name: &str) -> Self {
        let groups = ["system:serviceaccounts".to_owned(), format!("system:serviceaccounts:{namespace}")];
        Self { username: format!("system:serviceaccount:{namespace}:{name}").into(), groups: groups.into() }
    }

    /// One of Seaway's own controllers: its service account in the namespace `seaway`.
    pub fn controller(name: &str) -> Self {
        Self::service_account("seaway", name)
    }

    /// Is it one of Seaway's own controllers? Names that begin with `system:` cannot come from outside.
    pub fn is_control_plane(&self) -> bool {
        self.username.starts_with(CONTROLLERS)
    }

    /// May it do everything?
    pub fn is_cluster_admin(&self) -> bool {
        self.groups.iter().any(|group| group == "system:masters")
    }

    /// The actor, as it is recorded: `controller:stages`, else `kubernetes:admin`.
    pub fn actor(&self) -> Actor {
        match self.username.strip_prefix(CONTROLLERS) {
            Some(name) => Actor::controller(name),
            // The username is never empty, so neither is this.
            None => Actor::new(format!("kubernetes:{}", self.username)).unwrap_or_else(|| Actor::controller("unknown")),
        }
    }
}

impl<S> Layer<S> for Identity {
    type Service = Identified<S>;
    fn layer(&self, inner: S) -> Identified<S> {
        Identified { inner, identity: self.clone() }
    }
}

/// A service whose requests all come from one identity.
#[derive(Debug, Clone)]
pub struct Identified<S> {
    inner: S,
    identity: Identity,
}

impl<S: Service<http::Request<B>>, B> Service<http::Request<B>> for Identified<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: http::Request<B>) -> S::Future {
        request.extensions_mut().insert(self.identity.clone());
        self.inner.call(request)
    }
}
