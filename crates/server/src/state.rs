//! What every handler of the port has at hand.

use crate::api::Served;
use crate::reach::Reach;
use seaway_apiserver::ApiServer;
use seaway_base::{Random, SharedClock};
use seaway_identity::Identities;
use seaway_identity::oidc::Oidc;
use sha2::{Digest as _, Sha256};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The state of all routes; clones are one.
#[derive(Clone)]
pub struct ServerState {
    /// The Kubernetes API in this process; `api.client(identity)` acts as somebody.
    pub api: ApiServer,
    /// Who is who.
    pub identities: Identities,
    /// The identity provider, if there is one.
    pub oidc: Option<Oidc>,
    /// What `/seaway/v1` shares.
    pub served: Served,
    /// The clock.
    pub clock: SharedClock,
    /// Randomness for names, not for secrets.
    pub random: Random,
    /// What does not change while the process runs.
    pub info: Arc<Info>,
}

/// What does not change while the process runs.
#[derive(Debug, Clone)]
pub struct Info {
    /// Seaway's version.
    pub version: String,
    /// The URL by which others reach it, without a slash at its end: `https://127.0.0.1:7443`.
    pub url: String,
    /// What ends the names of cookies: cookies ignore ports, so that two data folders on one host need two names.
    pub cookie_suffix: String,
    /// The name of a session's cookie.
    pub cookie: String,
    /// By which names and through which proxies we are reached.
    pub reach: Reach,
    /// Where large things are made before they are sent.
    pub scratch: PathBuf,
    /// Whether a promotion step of that name is built into this binary.
    pub is_built: fn(&str) -> bool,
    /// Whether `/status` shows everything to everybody.
    pub status_is_public: bool,
}

impl Info {
    /// Of the data folder `data`, reached at `url` and at the names of this machine; no step is built.
    pub fn new(version: &str, url: &str, data: &Path) -> Self {
        let digest = Sha256::digest(data.as_os_str().as_encoded_bytes());
        let cookie_suffix = hex::encode(&digest[..6]);
        let url = url.trim_end_matches('/').to_owned();
        Self {
            version: version.to_owned(),
            cookie: format!("__Host-seaway-{cookie_suffix}"),
            cookie_suffix,
            reach: Reach::new(&url, &[], Vec::new()),
            url,
            scratch: data.join("scratch"),
            is_built: |_| false,
            status_is_public: false,
        }
    }
}
