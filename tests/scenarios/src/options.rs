//! What a test chooses about its world.

use crate::death::Death;
use seaway_base::{SharedClock, SystemClock};
use seaway_controllers::Settings;
use seaway_neighbours::git::GitOptions;
use seaway_neighbours::registry::Access;
use std::net::SocketAddr;
use std::time::Duration;

/// How a world is started.
#[derive(Clone)]
pub struct Options {
    /// What is applied at the start, by file name; the demo's addresses 127.0.0.1:7480 (git), :7450 (registry) and :7490 (the ear)
    /// are replaced by those at hand. The bank unless told otherwise; empty applies nothing.
    pub documents: Vec<(String, String)>,
    /// What stands in for the bank's `requiredSoakTime` of a minute; whole seconds.
    pub soak: Duration,
    /// Asked at every moment of every life whether the control plane dies there. While it is set, commits are not grouped.
    pub death: Option<Death>,
    /// The control plane's clock.
    pub clock: SharedClock,
    /// The git server.
    pub git: GitOptions,
    /// Who may read the registry.
    pub registry: Access,
    /// Addresses that count as the control plane's own, which no step may reach.
    pub own: Vec<SocketAddr>,
    /// What an operator sets.
    pub settings: Settings,
    /// Threads of the control plane.
    pub n_threads: usize,
    /// Names, ids and backoff come from it.
    pub seed: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            documents: crate::bank::DOCUMENTS.map(|(name, text)| (name.to_owned(), text.to_owned())).to_vec(),
            soak: Duration::from_secs(1),
            death: None,
            clock: SystemClock::shared(),
            git: GitOptions::default(),
            registry: Access::default(),
            own: Vec::new(),
            settings: Settings::default(),
            n_threads: 2,
            seed: 7,
        }
    }
}

impl Options {
    /// A world with these documents in place of the bank.
    pub fn documents(name: &str, text: &str) -> Self {
        Self::default().and(name, text).without_bank()
    }

    /// The same, and more documents.
    #[must_use]
    pub fn and(mut self, name: &str, text: &str) -> Self {
        self.documents.push((name.to_owned(), text.to_owned()));
        self
    }

    /// The same without the bank's documents.
    #[must_use]
    pub fn without_bank(mut self) -> Self {
        self.documents.retain(|(name, _)| !name.starts_with("examples/bank/"));
        self
    }
}
