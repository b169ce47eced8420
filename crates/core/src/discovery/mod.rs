//! Discovery: which tags, commits and chart versions a subscription takes, best first, asking for as little as it can.
//!
//! Nothing is fetched here. A search is asked what it needs next, is given it, and is asked again; so a controller reads one tag's
//! metadata or one commit's paths at a time, and stops as soon as there is enough.

mod assemble;
mod chart;
mod criteria;
mod expression;
mod git;
mod image;
mod refs;
mod schedule;
mod tags;

pub use assemble::{Missing, assemble};
pub use chart::{ChartSource, charts};
pub use criteria::criteria;
pub use git::{Ask, Commit, GitSearch, Tag};
pub use image::ImageSearch;
pub use refs::{N_TAGS_OBSERVED_MAX, observe};
pub use schedule::{Due, due, next_look};
pub use tags::TagFilter;

use crate::go_regex::PatternError;
use crate::paths::PathError;
use crate::semver::ConstraintError;
use seaway_base::Next;

/// A subscription that cannot be searched for.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum DiscoveryError {
    /// A tag pattern is malformed.
    #[error("tag filter")]
    Tags(#[from] PatternError),
    /// The constraint is malformed.
    #[error("version constraint")]
    Constraint(#[from] ConstraintError),
    /// A path selector is malformed.
    #[error("path filter")]
    Paths(#[from] PathError),
    /// A field that Kargo gave up.
    #[error("`{field}` is not supported any more; use `{successor}`")]
    Deprecated {
        /// The field.
        field: &'static str,
        /// What has taken its place.
        successor: &'static str,
    },
    /// A strategy this release does not know.
    #[error("`{0}` is no selection strategy")]
    Strategy(String),
    /// `since` is no instant.
    #[error("`since: {0}` is no RFC 3339 instant, such as 2026-11-21T10:00:00Z")]
    Since(String),
    /// The platform is malformed.
    #[error("platform `{0}` is not `os/arch` or `os/arch/variant`")]
    Platform(String),
    /// `freightCreationCriteria` failed.
    #[error("freightCreationCriteria `{expression}`")]
    Criteria {
        /// The expression.
        expression: String,
        /// What went wrong.
        #[source]
        err: seaway_expr::Error,
    },
    /// The expression filter failed.
    #[error("expressionFilter `{expression}`")]
    Expression {
        /// The expression.
        expression: String,
        /// What went wrong.
        #[source]
        err: seaway_expr::Error,
    },
}

impl DiscoveryError {
    /// All of them are the subscription's own fault: nothing changes until it does.
    pub fn next(&self) -> Next {
        Next::Blocked
    }
}

/// How many results are kept; at least one.
fn limit(discovery_limit: i64) -> usize {
    usize::try_from(discovery_limit).unwrap_or(1).max(1)
}
