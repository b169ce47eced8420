//! The controllers: what they are given, and how they are stopped.

use super::STOP_WITHIN;
use crate::config::Config;
use crate::data::Data;
use seaway_apiserver::{ApiServer, Identity};
use seaway_base::http::HttpClient;
use seaway_base::{Random, SharedClock};
use seaway_controllers::credentials::SecretCredentials;
use seaway_controllers::{ClientFor, Context, Controllers, Handle, Settings};
use seaway_core::retention::Keep;
use seaway_git::{MirrorOptions, Mirrors};
use seaway_runs::{GitIdentity, NoFaults, Ports};
use seaway_server::Metrics;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;

/// Between the controllers' own deadline and ours, so that theirs is the one that is told.
const SPARE: Duration = Duration::from_secs(2);

/// The running controllers.
pub(super) struct Control {
    handle: Handle,
    credentials: JoinHandle<()>,
}

/// What the controllers are made from.
pub(super) struct Parts<'a> {
    pub(super) config: &'a Config,
    pub(super) data: &'a Data,
    pub(super) api: &'a ApiServer,
    pub(super) http: HttpClient,
    pub(super) clock: SharedClock,
    pub(super) random: Random,
    pub(super) metrics: &'a Metrics,
    pub(super) url: &'a str,
}

/// Starts them; they begin to work once they have seen everything there is.
pub(super) fn start(parts: Parts<'_>) -> Control {
    let Parts { config, data, api, http, clock, random, metrics, url } = parts;
    let settings = settings(config, url);
    let credentials = SecretCredentials::new(http.clone(), settings.shared_namespace.clone());
    let ports = Ports {
        git: Arc::new(Mirrors::new(data.join("mirrors"), http.clone(), MirrorOptions::default())),
        credentials: credentials.clone(),
        http,
        clock,
        scratch: data.join("scratch"),
    };
    let served = api.clone();
    let client_for: ClientFor = Arc::new(move |name: &str| super::in_process(&served, Identity::controller(name)));
    let feeding = tokio::spawn(credentials.feed(client_for("credentials")));
    let handle = Controllers::start(Context {
        client_for,
        ports,
        steps: Arc::new(seaway_steps::Table),
        settings,
        random,
        registry: metrics.registry(),
        faults: Arc::new(NoFaults),
    });
    Control { handle, credentials: feeding }
}

fn settings(config: &Config, url: &str) -> Settings {
    let keep = |n: &str, age: &str| Keep { n: config.whole(n), min_age: config.duration(age) };
    let text = |name: &str| config.text(name).unwrap_or_default().to_owned();
    Settings {
        identity: GitIdentity { name: text("git.name"), email: text("git.email") },
        ui_base_url: url.to_owned(),
        keep_promotions: keep("retention.promotions", "retention.promotionAge"),
        keep_freight: keep("retention.freight", "retention.freightAge"),
        warehouse_interval_min: config.duration("warehouses.minInterval"),
        stop_within: STOP_WITHIN.saturating_sub(SPARE),
        ..Settings::default()
    }
}

impl Control {
    /// Waits until they have seen everything there is.
    pub(super) async fn synced(&self) {
        self.handle.synced().await;
    }

    /// Stops them: what is in hand is finished, nothing new is begun.
    pub(super) async fn stop(self) {
        self.handle.stop().await;
        self.credentials.abort();
    }
}
