//! Identities over an embedded engine in a temporary folder, with a clock that moves when told to.

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Secret as Kept, ServiceAccount};
use kube::Api;
use seaway_apiserver::{ApiServer, Identity, Options, Rules, Running, ours};
use seaway_base::{ManualClock, Random, Secret, SharedClock};
use seaway_identity::{Identities, NewSession, Settings, SignInError, SignedIn};
use seaway_store::{SqliteStore, Store, StoreError};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

/// What is waited for comes by then.
const SOON: Duration = Duration::from_secs(10);
pub(crate) const RIGHT: &str = "correct horse battery";
pub(crate) const HOME: &str = "192.0.2.1";

pub(crate) struct Place {
    folder: TempDir,
    pub(crate) clock: Arc<ManualClock>,
}

pub(crate) struct Opened {
    pub(crate) api: ApiServer,
    pub(crate) identities: Identities,
    _running: Running,
}

pub(crate) fn secret(text: &str) -> Secret<String> {
    Secret::new(text.to_owned())
}

pub(crate) fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// Tries until it holds.
pub(crate) async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let trying = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(SOON, trying).await.unwrap_or_else(|_| panic!("{what}"));
}

impl Place {
    pub(crate) fn new() -> Self {
        let start: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        Self { folder: TempDir::new().unwrap(), clock: ManualClock::at(start) }
    }

    /// Opens it, again too: as a start of the process does.
    pub(crate) async fn open(&self) -> Opened {
        let clock: SharedClock = self.clock.clone();
        let mut opened = None;
        until("the store of before is closed", async || {
            let options =
                seaway_store::Options::new(self.folder.path().join("store.db")).sealing(Secret::new([9; 32]), &["secrets"]);
            match SqliteStore::open(options) {
                Ok(store) => opened = Some(store),
                Err(StoreError::InUse { .. }) => {}
                Err(err) => panic!("{err}"),
            }
            opened.is_some()
        })
        .await;
        let store: Arc<dyn Store> = Arc::new(opened.unwrap());
        let options = Options::default();
        let api = ApiServer::new(store, ours(), Arc::new(Rules), clock.clone(), Random::seeded(1), options);
        let running = api.start().await.unwrap();
        let client = api.client(Identity::controller("identity"));
        let identities = Identities::start(client, clock, Random::system(), Settings::default()).await.unwrap();
        Opened { api, identities, _running: running }
    }

    /// With bob, who has the right password.
    pub(crate) async fn with_bob(&self) -> Opened {
        let opened = self.open().await;
        opened.identities.add_user("bob", &secret(RIGHT), &["team-a".to_owned()]).await.unwrap();
        opened
    }
}

impl Opened {
    pub(crate) fn secrets(&self) -> Api<Kept> {
        Api::namespaced(self.api.client(Identity::new("admin", &["system:masters"]).unwrap()), "seaway")
    }

    pub(crate) fn accounts(&self) -> Api<ServiceAccount> {
        Api::namespaced(self.api.client(Identity::new("admin", &["system:masters"]).unwrap()), "default")
    }

    /// Signs bob in from home; the cookie.
    pub(crate) async fn bob(&self) -> Secret<String> {
        self.identities.sign_in("bob", &secret(RIGHT), ip(HOME)).await.unwrap().cookie
    }

    /// A session by a link that this one made.
    pub(crate) async fn by_link_of(&self, maker: &SignedIn) -> NewSession {
        let link = self.identities.make_link(&maker.person, Some(maker.bound())).await.unwrap();
        self.identities.sign_in_by_link(link.secret.reveal(), ip(HOME)).await.unwrap()
    }

    /// Why bob is not let in with a password from an address; empty if he is.
    pub(crate) async fn refused(&self, password: &str, from: &str) -> String {
        let tried = self.identities.sign_in("bob", &secret(password), ip(from)).await;
        tried.err().map(|err: SignInError| err.to_string()).unwrap_or_default()
    }
}
