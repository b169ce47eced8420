//! One life of the control plane: store, API server and controllers on a runtime of their own, so that all of it can be dropped at any instant.

use crate::control::{self, Controlling};
use crate::counted::{Counted, Ledger};
use crate::death::Life;
use crate::options::Options as Chosen;
use anyhow::{Context as _, Result};
use kube::Client;
use parking_lot::RwLock;
use seaway_apiserver::{ApiServer, Identity, Options, Rules, Running, ours};
use seaway_base::{Random, Secret};
use seaway_store::{SqliteStore, Store, StoreError};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};

/// A store that another life still holds is free by then.
const FREE_WITHIN: Duration = Duration::from_secs(20);
/// How often it is tried.
const LOOK: Duration = Duration::from_millis(10);
/// What is left of a killed life ends by then.
const BURIED_WITHIN: Duration = Duration::from_secs(10);

/// The door to whichever life stands now; clients made here outlive each of them.
#[derive(Clone, Default)]
pub(crate) struct Gate(Arc<RwLock<Option<ApiServer>>>);

/// The control plane is down.
#[derive(Debug, thiserror::Error)]
#[error("the control plane is down")]
struct Down;

impl Gate {
    /// A client with this identity.
    pub(crate) fn client(&self, identity: &Identity) -> Client {
        let (gate, identity) = (self.clone(), identity.clone());
        let service = tower::service_fn(move |mut request: http::Request<kube::client::Body>| {
            let api = gate.0.read().clone();
            request.extensions_mut().insert(identity.clone());
            async move {
                let api = api.ok_or(Down)?;
                // A router never fails: what goes wrong is in its answer.
                Ok::<_, Down>(tower::ServiceExt::oneshot(api.router(), request).await.unwrap_or_else(|never| match never {}))
            }
        });
        Client::new(service, "default")
    }

    fn close(&self) {
        self.0.write().take();
    }

    pub(crate) fn is_open(&self) -> bool {
        self.0.read().is_some()
    }
}

/// What every life of one world shares.
pub(crate) struct Ground {
    pub(crate) folder: PathBuf,
    pub(crate) key: [u8; 32],
    pub(crate) ledger: Ledger,
    pub(crate) gate: Gate,
}

/// One life.
pub(crate) struct Plane {
    runtime: Option<Runtime>,
    parts: Option<Parts>,
    pub(crate) life: Arc<Life>,
    /// For the world, and for its own controllers.
    gates: [Gate; 2],
}

struct Parts {
    api: ApiServer,
    _running: Running,
    controllers: Controlling,
}

impl Plane {
    /// Starts a life on the folder.
    pub(crate) async fn start(ground: &Ground, chosen: &Chosen, n_lives: u64) -> Result<Self> {
        let life = Life::new(chosen.death.clone());
        let store = open(ground, &life).await?;
        let runtime = Builder::new_multi_thread()
            .worker_threads(chosen.n_threads.max(1))
            .thread_name("control-plane")
            .enable_all()
            .build()
            .context("make a runtime")?;
        let counted = Counted { store, ledger: Arc::clone(&ground.ledger) };
        let random = Random::seeded(chosen.seed.wrapping_add(n_lives.wrapping_mul(1_000_003)));
        // Whatever of a life is never dropped holds this, and not the store.
        let inner = Gate::default();
        let own = inner.clone();
        let (folder, chosen, seam) = (ground.folder.clone(), chosen.clone(), Arc::clone(&life));
        let parts = runtime
            .spawn(async move {
                let store: Arc<dyn Store> = Arc::new(counted);
                let api =
                    ApiServer::new(store, ours(), Arc::new(Rules), chosen.clock.clone(), random.clone(), Options::default());
                let running = api.start().await.context("start the API server")?;
                *own.0.write() = Some(api.clone());
                let controllers = control::start(&own, &folder.join("data"), &chosen, &random, seam).await?;
                anyhow::Ok(Parts { api, _running: running, controllers })
            })
            .await
            .context("start the control plane")?;
        let (runtime, parts) = match parts {
            Ok(parts) => (Some(runtime), Some(parts)),
            Err(err) => {
                inner.close();
                bury(runtime, None).await;
                // One that died on the way up is a life too.
                if !life.is_over() {
                    return Err(err);
                }
                (None, None)
            }
        };
        *ground.gate.0.write() = parts.as_ref().map(|parts| parts.api.clone());
        Ok(Self { runtime, parts, life, gates: [ground.gate.clone(), inner] })
    }

    /// Drops all of it without a goodbye, and returns once nothing of it is left.
    pub(crate) async fn crash(mut self) {
        self.gates.iter().for_each(Gate::close);
        if let Some(parts) = &self.parts {
            parts.api.end_watches();
        }
        if let Some(runtime) = self.runtime.take() {
            bury(runtime, self.parts.take()).await;
        }
    }

    /// Stops it in order.
    pub(crate) async fn stop(mut self) {
        if let Some(parts) = self.parts.take() {
            parts.controllers.stop().await;
            self.parts = Some(parts);
        }
        self.crash().await;
    }

    /// Copies the database while it is written to.
    pub(crate) async fn backup(&self, path: &Path) -> Result<()> {
        let parts = self.parts.as_ref().context("the control plane is down")?;
        parts.api.store().backup_to(path).await.context("copy the database")
    }

    /// Is there nothing that a controller would do now?
    pub(crate) fn is_idle(&self) -> bool {
        self.parts.as_ref().is_none_or(|parts| parts.controllers.is_idle())
    }
}

impl Drop for Plane {
    fn drop(&mut self) {
        self.gates.iter().for_each(Gate::close);
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

async fn bury(runtime: Runtime, parts: Option<Parts>) {
    let buried = tokio::task::spawn_blocking(move || {
        runtime.shutdown_timeout(BURIED_WITHIN);
        drop(parts);
    });
    if let Err(err) = buried.await {
        std::panic::resume_unwind(err.into_panic());
    }
}

/// Opens the store; the life before may need a moment until its file is free.
async fn open(ground: &Ground, life: &Arc<Life>) -> Result<SqliteStore> {
    let path = database(&ground.folder);
    let tried = async {
        loop {
            let mut options = seaway_store::Options::new(&path).sealing(Secret::new(ground.key), &["secrets"]);
            options.faults = life.for_store();
            match SqliteStore::open(options) {
                Err(StoreError::InUse { .. }) => tokio::time::sleep(LOOK).await,
                other => return other,
            }
        }
    };
    tokio::time::timeout(FREE_WITHIN, tried)
        .await
        .context("the store is still in use by the life before")?
        .context("open the store")
}

/// The database file of a folder.
pub(crate) fn database(folder: &Path) -> PathBuf {
    folder.join("data").join("seaway.db")
}
