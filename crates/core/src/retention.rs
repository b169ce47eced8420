//! What may go: promotions and freight that are old, past the number kept, and that nothing depends on (reference §5.9).

use crate::freight::{newest_first, own_name};
use crate::stage::queue;
use jiff::Timestamp;
use seaway_api::kargo::{Freight, Promotion, Stage};
use std::collections::BTreeSet;
use std::time::Duration;

/// How much is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keep {
    /// So many of what has ended, beside whatever is in use.
    pub n: usize,
    /// And whatever is younger than this.
    pub min_age: Duration,
}

impl Default for Keep {
    /// Kargo's: 20, and two weeks.
    fn default() -> Self {
        Self { n: 20, min_age: Duration::from_secs(336 * 3600) }
    }
}

/// The promotions of one stage that may go, by name.
pub fn promotions(all: &[Promotion], keep: Keep, now: Timestamp) -> Vec<String> {
    let mut sorted: Vec<&Promotion> = all.iter().collect();
    sorted.sort_by(|a, b| queue::name(b).cmp(queue::name(a)));
    let anchor = sorted.iter().rposition(|p| !queue::phase(p).is_terminal());
    let aged = |p: &&Promotion| old_enough(p.metadata.creation_timestamp.as_ref().map(|t| t.0), keep, now);
    beyond(&sorted, anchor, keep).iter().filter(|p| aged(p)).map(|p| queue::name(p).to_owned()).collect()
}

/// The freight of one warehouse that may go, by name: older than the oldest that any stage has now.
pub fn freight(all: &[Freight], stages: &[Stage], keep: Keep, now: Timestamp) -> Vec<String> {
    let in_use: BTreeSet<&str> = stages
        .iter()
        .filter_map(|s| s.status.as_ref())
        .flat_map(|s| s.freight_history.first().into_iter().flat_map(|c| c.items.values()).map(|f| f.name.as_str()))
        .collect();
    let underway: BTreeSet<&str> = stages
        .iter()
        .filter_map(|s| s.status.as_ref()?.current_promotion.as_ref()?.freight.as_ref())
        .map(|f| f.name.as_str())
        .collect();
    let used = |f: &Freight| in_use.contains(own_name(f)) || underway.contains(own_name(f));
    let sorted = newest_first(all.iter().collect());
    let anchor = sorted.iter().rposition(|f| used(f));
    let aged = |f: &&Freight| old_enough(f.found_at(), keep, now);
    beyond(&sorted, anchor, keep).iter().filter(|f| aged(f) && !used(f)).map(|f| own_name(f).to_owned()).collect()
}

/// The uids of runs whose refs in mirrors may go: those whose promotion has ended or is gone.
pub fn run_refs<'a>(pinned: impl IntoIterator<Item = &'a str>, promotions: &[Promotion]) -> Vec<String> {
    let alive: BTreeSet<&str> =
        promotions.iter().filter(|p| !queue::phase(p).is_terminal()).filter_map(|p| p.metadata.uid.as_deref()).collect();
    pinned.into_iter().filter(|uid| !alive.contains(uid)).map(str::to_owned).collect()
}

/// What lies beyond the number kept, counted from the oldest that is in use.
fn beyond<'s, 'a, T>(sorted: &'s [&'a T], anchor: Option<usize>, keep: Keep) -> &'s [&'a T] {
    let first = anchor.map_or(0, |i| i + 1) + keep.n;
    sorted.get(first..).unwrap_or_default()
}

fn old_enough(made: Option<Timestamp>, keep: Keep, now: Timestamp) -> bool {
    made.is_some_and(|made| Duration::try_from(now.duration_since(made)).is_ok_and(|age| age >= keep.min_age))
}
