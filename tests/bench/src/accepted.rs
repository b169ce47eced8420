//! Goals that are missed for a reason: written down here, a miss is told with its reason and does not fail the run.

/// A benchmark, as its line calls it, and why its miss is accepted.
pub(crate) type Accepted = (&'static str, &'static str);

/// The accepted misses. A line goes when its goal is met again: the run says so.
pub(crate) const MISSES: &[Accepted] = &[];
