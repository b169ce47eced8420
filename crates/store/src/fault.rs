//! The seam of the crash sweep: a hook at every durable commit, by which a test stops the store there.

use std::sync::Arc;

/// What happens at a point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Go on.
    Go,
    /// The store ends here, as if the process had died: nothing more is written, published or acknowledged.
    Stop,
}

/// Asked with the point (`before-commit`, `after-commit`) and the number of the commit since opening, from 1.
///
/// While a plan is set every batch is a commit of its own, so that the numbers mean the same in each run.
pub type FaultPlan = Arc<dyn Fn(&str, u64) -> Fault + Send + Sync>;
