//! Figures of warehouses: looks that nothing is written of can be seen here.

use crate::frame::Key;
use jiff::Timestamp;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

type Labels = [(&'static str, String); 2];

#[derive(Clone)]
pub(super) struct Metrics {
    looks: Counter,
    pub(super) failed: Counter,
    pub(super) freight_made: Counter,
    last_look: Family<Labels, Gauge>,
}

impl Metrics {
    pub(super) fn new(registry: &mut Registry) -> Self {
        let metrics = Self {
            looks: Counter::default(),
            failed: Counter::default(),
            freight_made: Counter::default(),
            last_look: Family::default(),
        };
        registry.register("seaway_warehouse_looks", "Looks for new artifacts", metrics.looks.clone());
        registry.register("seaway_warehouse_look_failures", "Looks that failed", metrics.failed.clone());
        registry.register("seaway_freight_made", "Freight made of what was found", metrics.freight_made.clone());
        let help = "When a warehouse looked last, in seconds since 1970";
        registry.register("seaway_warehouse_last_look_seconds", help, metrics.last_look.clone());
        metrics
    }

    pub(super) fn looked(&self, key: &Key, at: Timestamp) {
        self.looks.inc();
        self.last_look.get_or_create(&labels(key)).set(at.as_second());
    }

    pub(super) fn forget(&self, key: &Key) {
        self.last_look.remove(&labels(key));
    }
}

fn labels(key: &Key) -> Labels {
    [("project", key.project.to_string()), ("warehouse", key.name.to_string())]
}
