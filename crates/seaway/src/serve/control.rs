//! The controllers: what they are given, and how they are stopped.

use crate::config::Config;
use crate::data::Data;
use crate::exit::Failure;
use seaway_apiserver::ApiServer;
use seaway_base::http::HttpClient;
use seaway_base::{Random, SharedClock};
use seaway_server::Metrics;

/// The running controllers.
pub(super) struct Control;

/// Starts them.
pub(super) async fn start(
    _config: &Config,
    _data: &Data,
    _api: &ApiServer,
    _http: &HttpClient,
    _world: (&SharedClock, &Random),
    _metrics: &Metrics,
    _url: &str,
) -> Result<Control, Failure> {
    Ok(Control)
}

impl Control {
    /// Waits until they have seen everything there is.
    pub(super) async fn synced(&self) {}

    /// Stops them: what is in hand is finished, nothing new is begun.
    pub(super) async fn stop(self) {}
}
