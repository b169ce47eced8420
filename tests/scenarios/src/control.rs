//! The controllers of one life, put together as `seaway serve` does it.

use crate::death::{Life, RunSeam};
use crate::options::Options;
use crate::plane::Gate;
use anyhow::{Context as _, Result};
use parking_lot::Mutex;
use prometheus_client::registry::Registry;
use seaway_apiserver::Identity;
use seaway_base::Random;
use seaway_base::http::{Egress, HttpClient};
use seaway_controllers::credentials::SecretCredentials;
use seaway_controllers::{ClientFor, Context, Controllers, Handle};
use seaway_git::{MirrorOptions, Mirrors};
use seaway_runs::Ports;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Everything has been listed once by then.
const SYNCED_WITHIN: Duration = Duration::from_secs(30);

/// The controllers at work.
pub(crate) struct Controlling {
    handle: Handle,
}

impl Controlling {
    /// Lets them finish what is in hand.
    pub(crate) async fn stop(&self) {
        self.handle.stop().await;
    }

    /// Is there nothing that waits for a worker or is worked on?
    pub(crate) fn is_idle(&self) -> bool {
        self.handle.is_idle()
    }
}

/// Starts them on `data`, and returns once they have seen everything there is.
pub(crate) async fn start(gate: &Gate, data: &Path, options: &Options, random: &Random, life: Arc<Life>) -> Result<Controlling> {
    let http = HttpClient::new(Egress { own: options.own.clone(), ..Egress::local() }).context("make an HTTP client")?;
    let settings = options.settings.clone();
    let credentials = SecretCredentials::new(http.clone(), settings.shared_namespace.clone());
    let ports = Ports {
        git: Arc::new(Mirrors::new(data.join("mirrors"), http.clone(), MirrorOptions::default())),
        credentials: credentials.clone(),
        http,
        clock: options.clock.clone(),
        scratch: data.join("scratch"),
    };
    let gate = gate.clone();
    let client_for: ClientFor = Arc::new(move |name: &str| gate.client(&Identity::controller(name)));
    let handle = Controllers::start(Context {
        client_for,
        ports,
        credentials,
        steps: Arc::new(seaway_steps::Table),
        settings,
        random: random.clone(),
        registry: Arc::new(Mutex::new(Registry::default())),
        faults: Arc::new(RunSeam(life)),
    });
    tokio::time::timeout(SYNCED_WITHIN, handle.synced()).await.context("the controllers have not seen everything in time")?;
    Ok(Controlling { handle })
}
