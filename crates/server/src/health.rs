//! `/healthz`, `/readyz` and `/metrics`.

use parking_lot::Mutex;
use prometheus_client::encoding::text::encode;
use prometheus_client::registry::Registry;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What is ready and what is not, part by part.
#[derive(Debug, Clone, Default)]
pub struct Health(Arc<Mutex<BTreeMap<&'static str, Result<(), String>>>>);

impl Health {
    /// A part that must become ready before the process is.
    pub fn expect(&self, part: &'static str) {
        self.0.lock().insert(part, Err("starting".to_owned()));
    }

    /// The part is ready.
    pub fn ready(&self, part: &'static str) {
        self.0.lock().insert(part, Ok(()));
    }

    /// The part is not ready, and why.
    pub fn not_ready(&self, part: &'static str, why: impl Into<String>) {
        self.0.lock().insert(part, Err(why.into()));
    }

    /// A line a part, and whether all are ready.
    pub fn report(&self) -> (bool, String) {
        let parts = self.0.lock();
        let text = parts.iter().map(|(part, state)| match state {
            Ok(()) => format!("[+] {part} ok\n"),
            Err(why) => format!("[-] {part}: {why}\n"),
        });
        (parts.values().all(Result::is_ok), text.collect())
    }
}

/// What `/metrics` shows, in the OpenMetrics text format.
#[derive(Clone, Default)]
pub struct Metrics(Arc<Mutex<Registry>>);

impl std::fmt::Debug for Metrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Metrics")
    }
}

impl Metrics {
    /// Registers figures.
    pub fn register(&self, with: impl FnOnce(&mut Registry)) {
        with(&mut self.0.lock());
    }

    /// The registry itself, for parts that register their figures while they start.
    pub fn registry(&self) -> Arc<Mutex<Registry>> {
        Arc::clone(&self.0)
    }

    /// The page.
    pub fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a String cannot fail.
        let _ = encode(&mut text, &self.0.lock());
        text
    }
}
