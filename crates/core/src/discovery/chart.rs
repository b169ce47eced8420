//! Chart versions, best first (reference §2.5).

use super::DiscoveryError;
use crate::semver::{Constraint, Version};

/// Where a chart's versions come from; the two are read by different rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChartSource {
    /// `index.yaml` over HTTP: versions are read loosely.
    Http,
    /// Tags of an OCI repository: `_` stands for `+`, and a version must be whole, without a `v`.
    Oci,
}

/// The wanted versions, best first; equal ones by the larger text.
///
/// # Errors
/// The constraint is malformed.
pub fn charts(
    versions: impl IntoIterator<Item = String>,
    source: ChartSource,
    constraint: &str,
    n_max: usize,
) -> Result<Vec<String>, DiscoveryError> {
    let constraint = (!constraint.is_empty()).then(|| Constraint::parse(constraint)).transpose()?;
    let read = |text: String| match source {
        ChartSource::Http => Version::loose(&text).ok(),
        ChartSource::Oci => Version::strict(&text.replace('_', "+")).ok(),
    };
    let mut wanted: Vec<Version> =
        versions.into_iter().filter_map(read).filter(|version| constraint.as_ref().is_none_or(|c| c.matches(version))).collect();
    wanted.sort_by(Version::best_first);
    wanted.truncate(n_max);
    Ok(wanted.into_iter().map(|version| version.original).collect())
}
