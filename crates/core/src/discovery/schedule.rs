//! When a warehouse looks: at once for a new generation or a refresh, else by its interval (reference §2.1).

use crate::freight::later;
use jiff::Timestamp;
use seaway_api::kargo::Warehouse;
use seaway_api::kargo::names::annotation;
use std::time::Duration;

/// Whether a look is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Due {
    /// Now, and why.
    Now(&'static str),
    /// At that instant.
    At(Timestamp),
}

/// A warehouse without an interval looks this often.
const INTERVAL_DEFAULT: Duration = Duration::from_secs(300);

/// Whether the warehouse is to look now. `interval_min` is the control plane's lower bound on intervals.
pub fn due(warehouse: &Warehouse, interval_min: Duration, now: Timestamp) -> Due {
    let status = warehouse.status.as_ref();
    let looked = status.and_then(|s| s.discovered_artifacts.as_ref()).and_then(|d| d.discovered_at.as_ref()).map(|t| t.0);
    let Some(looked) = looked else { return Due::Now("it never looked") };
    let seen = status.and_then(|s| s.observed_generation).unwrap_or_default();
    if warehouse.metadata.generation.is_some_and(|generation| generation > seen) {
        return Due::Now("its spec changed");
    }
    let asked = warehouse.metadata.annotations.as_ref().and_then(|a| a.get(annotation::REFRESH));
    if asked.is_some_and(|token| status.is_none_or(|s| s.last_handled_refresh != *token)) {
        return Due::Now("a refresh was asked for");
    }
    let next = later(looked, interval(warehouse).max(interval_min));
    if next <= now { Due::Now("its interval is over") } else { Due::At(next) }
}

fn interval(warehouse: &Warehouse) -> Duration {
    warehouse.spec.interval.get().filter(|i| !i.is_zero()).unwrap_or(INTERVAL_DEFAULT)
}

/// When the warehouse looks next if nobody asks for it, by its own interval; `None` before its first look.
pub fn next_look(warehouse: &Warehouse) -> Option<Timestamp> {
    let found = warehouse.status.as_ref()?.discovered_artifacts.as_ref()?;
    Some(later(found.discovered_at.as_ref()?.0, interval(warehouse)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
    use seaway_api::GoDuration;
    use seaway_api::kargo::{DiscoveredArtifacts, WarehouseSpec, WarehouseStatus};

    #[test]
    fn a_look_is_due_for_a_reason() {
        let at = |s: i64| Timestamp::from_second(s).unwrap();
        let mut warehouse =
            Warehouse::new("bank", WarehouseSpec { interval: GoDuration::from("1m"), ..WarehouseSpec::default() });
        let check = |warehouse: &Warehouse, now, expect| assert_eq!(due(warehouse, Duration::ZERO, at(now)), expect);
        check(&warehouse, 0, Due::Now("it never looked"));
        let found = DiscoveredArtifacts { discovered_at: Some(Time(at(0))), ..DiscoveredArtifacts::default() };
        warehouse.status = Some(WarehouseStatus { discovered_artifacts: Some(found), ..WarehouseStatus::default() });
        check(&warehouse, 59, Due::At(at(60)));
        check(&warehouse, 60, Due::Now("its interval is over"));
        warehouse.metadata.annotations.get_or_insert_default().insert(annotation::REFRESH.into(), "t".into());
        check(&warehouse, 1, Due::Now("a refresh was asked for"));
        warehouse.metadata.generation = Some(2);
        check(&warehouse, 1, Due::Now("its spec changed"));
    }
}
