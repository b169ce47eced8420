//! Figures of the store for `/metrics`: what a promotion or a poll costs is counted in these.

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use seaway_server::Metrics;
use seaway_store::Store;
use std::fmt;
use std::sync::{Arc, Weak};

struct Figures(Weak<dyn Store>);

impl fmt::Debug for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Figures")
    }
}

/// Shows the store's counts; it is not kept open for them.
pub(super) fn register(metrics: &Metrics, store: &Arc<dyn Store>) {
    let figures = Figures(Arc::downgrade(store));
    metrics.register(|registry| registry.register_collector(Box::new(figures)));
}

impl Collector for Figures {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let Some(store) = self.0.upgrade() else { return Ok(()) };
        let stats = store.stats();
        for (name, help, count) in [
            ("seaway_store_batches", "Batches that changed something", stats.n_batches),
            ("seaway_store_commits", "Durable commits", stats.n_commits),
        ] {
            let counter = ConstCounter::new(count);
            counter.encode(encoder.encode_descriptor(name, help, None, counter.metric_type())?)?;
        }
        let revision = ConstGauge::new(i64::try_from(store.revision()).unwrap_or(i64::MAX));
        revision.encode(encoder.encode_descriptor(
            "seaway_store_revision",
            "The newest revision",
            None,
            revision.metric_type(),
        )?)
    }
}
