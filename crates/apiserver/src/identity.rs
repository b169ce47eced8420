//! Who asks: a request extension that the port's authenticator, or an in-process client's layer, puts there.

use seaway_base::Actor;
use seaway_core::authorize::{AUTHENTICATED, Claims, MASTERS, SYSTEM_NAMESPACE, Scope, ServiceAccount, actor};
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::sync::watch;
use tower::{Layer, Service};

/// The identity behind a request. A request without one is refused.
///
/// As a tower layer it gives every request of an in-process client this identity:
/// `Client::new(ServiceBuilder::new().layer(identity).service(router), "default")`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The user's name, never empty; controllers are `system:serviceaccount:…`.
    pub username: Arc<str>,
    /// The groups the user is in, `system:authenticated` among them.
    pub groups: Arc<[String]>,
    /// What an identity provider vouched for: at each decision it leads to service accounts whose rights count too.
    pub claims: Option<Arc<Claims>>,
    /// The claim that the name came from, for the actor; empty for a name of our own.
    pub claim: Arc<str>,
    /// What the API token they come by is narrowed to.
    pub scope: Option<Arc<Scope>>,
    /// Ends what they hold open.
    pub lease: Lease,
}

impl Identity {
    /// An identity that was proven, so that it is in `system:authenticated` too; `None` where the name is empty.
    pub fn new(username: &str, groups: &[&str]) -> Option<Self> {
        let groups = groups.iter().map(|group| (*group).to_owned()).collect();
        (!username.trim().is_empty()).then(|| Self::proven(username, groups))
    }

    /// A service account, such as `system:serviceaccount:bank:ci`.
    pub fn service_account(namespace: &str, name: &str) -> Self {
        let groups = vec!["system:serviceaccounts".to_owned(), format!("system:serviceaccounts:{namespace}")];
        Self::proven(&format!("system:serviceaccount:{namespace}:{name}"), groups)
    }

    /// One of Seaway's own controllers: its service account in the namespace `seaway`.
    pub fn controller(name: &str) -> Self {
        Self::service_account(SYSTEM_NAMESPACE, name)
    }

    fn proven(username: &str, mut groups: Vec<String>) -> Self {
        if !groups.iter().any(|group| group == AUTHENTICATED) {
            groups.push(AUTHENTICATED.to_owned());
        }
        Self::exactly(username, groups)
    }

    /// The identity of this name and these groups alone: whom somebody acts as.
    pub(crate) fn exactly(username: &str, groups: Vec<String>) -> Self {
        let (username, groups) = (username.into(), groups.into());
        Self { username, groups, claims: None, claim: "".into(), scope: None, lease: Lease::forever() }
    }

    /// The same, vouched for by an identity provider; `claim` is the one its name came from.
    #[must_use]
    pub fn with_claims(self, claims: Claims, claim: &str) -> Self {
        Self { claims: Some(Arc::new(claims)), claim: claim.into(), ..self }
    }

    /// The same, by an API token of this scope.
    #[must_use]
    pub fn with_scope(self, scope: Scope) -> Self {
        Self { scope: Some(Arc::new(scope)), ..self }
    }

    /// The same, for as long as this lasts.
    #[must_use]
    pub fn with_lease(self, lease: Lease) -> Self {
        Self { lease, ..self }
    }

    /// Is it one of Seaway's own controllers? Names that begin with `system:` cannot come from outside.
    pub fn is_control_plane(&self) -> bool {
        ServiceAccount::of_username(&self.username).is_some_and(|account| account.namespace == SYSTEM_NAMESPACE)
    }

    /// May it do everything?
    pub fn is_cluster_admin(&self) -> bool {
        self.groups.iter().any(|group| group == MASTERS)
    }

    /// The actor, as it is recorded: the table is [`seaway_core::authorize::ACTORS`].
    pub fn actor(&self) -> Actor {
        // The username is never empty, so there always is one.
        actor(&self.username, &self.claim).unwrap_or_else(|| Actor::controller("unknown"))
    }
}

/// How long an identity lasts: a session, a token, a user. Cheap to clone; all clones end together.
#[derive(Debug, Clone)]
pub struct Lease(Option<watch::Receiver<bool>>);

/// Whoever ends a [`Lease`]; it ends too when this is dropped.
#[derive(Debug)]
pub struct LeaseHolder(watch::Sender<bool>);

impl Lease {
    /// One that does not end before the process.
    pub const fn forever() -> Self {
        Self(None)
    }

    /// One that its holder ends.
    pub fn new() -> (LeaseHolder, Self) {
        let (holder, lease) = watch::channel(false);
        (LeaseHolder(holder), Self(Some(lease)))
    }

    /// Has it ended?
    pub fn has_ended(&self) -> bool {
        self.0.as_ref().is_some_and(|lease| *lease.borrow() || lease.has_changed().is_err())
    }

    /// Waits for its end.
    pub async fn ended(&self) {
        match &self.0 {
            // An error means that the holder is gone, which is the same.
            Some(lease) => drop(lease.clone().wait_for(|ended| *ended).await),
            None => std::future::pending().await,
        }
    }
}

impl LeaseHolder {
    /// Ends it: what is held open by it closes.
    pub fn end(&self) {
        self.0.send_replace(true);
    }
}

impl From<watch::Receiver<bool>> for Lease {
    /// One that ends when the flag is set, or nobody is left to set it.
    fn from(ended: watch::Receiver<bool>) -> Self {
        Self(Some(ended))
    }
}

impl PartialEq for Lease {
    fn eq(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Some(own), Some(other)) => own.same_channel(other),
            (own, other) => own.is_none() && other.is_none(),
        }
    }
}

impl Eq for Lease {}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_was_proven_is_authenticated() {
        let groups = |identity: Identity| identity.groups.to_vec();
        assert_eq!(groups(Identity::new("admin", &[MASTERS]).unwrap()), [MASTERS, AUTHENTICATED]);
        assert_eq!(groups(Identity::new("a", &[AUTHENTICATED]).unwrap()), [AUTHENTICATED]);
        assert_eq!(groups(Identity::service_account("bank", "ci")), ServiceAccount::new("bank", "ci").unwrap().groups());
        assert_eq!(Identity::new(" ", &[]), None);
    }

    #[test]
    fn actors_are_those_of_the_table() {
        for row in seaway_core::authorize::ACTORS {
            let identity = Identity::new(row.username, &[]).unwrap().with_claims(Claims::default(), row.claim);
            assert_eq!(identity.actor().as_str(), row.actor, "{}", row.who);
        }
    }

    #[tokio::test]
    async fn a_lease_ends_by_its_holder_or_with_it() {
        let (holder, lease) = Lease::new();
        assert!(!lease.has_ended());
        holder.end();
        assert!(lease.has_ended());
        lease.ended().await;
        let (holder, lease) = Lease::new();
        drop(holder);
        assert!(lease.has_ended());
        lease.ended().await;
        assert!(!Lease::forever().has_ended());
        assert_eq!(lease, lease.clone());
        assert_ne!(lease, Lease::forever());
    }
}
