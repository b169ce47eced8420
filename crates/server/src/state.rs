//! What every handler of the port has at hand.

use seaway_apiserver::ApiServer;
use seaway_base::{Random, SharedClock};
use sha2::{Digest as _, Sha256};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The state of all routes; clones are one.
#[derive(Clone)]
pub struct ServerState {
    /// The Kubernetes API in this process; `api.client(identity)` acts as somebody.
    pub api: ApiServer,
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
    /// Where large things are made before they are sent.
    pub scratch: PathBuf,
    /// Whether a promotion step of that name is built into this binary.
    pub is_built: fn(&str) -> bool,
}

impl Info {
    /// Of the data folder `data`, reached at `url`; no step is built.
    pub fn new(version: &str, url: &str, data: &Path) -> Self {
        let digest = Sha256::digest(data.as_os_str().as_encoded_bytes());
        let cookie_suffix = digest.iter().take(6).map(|byte| format!("{byte:02x}")).collect();
        let url = url.trim_end_matches('/').to_owned();
        Self { version: version.to_owned(), url, cookie_suffix, scratch: data.join("scratch"), is_built: |_| false }
    }
}
