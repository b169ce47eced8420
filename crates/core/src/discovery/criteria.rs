//! `freightCreationCriteria`: what must hold of what was found before it becomes freight (reference §2.8).

use super::DiscoveryError;
use seaway_api::kargo::{DiscoveredArtifacts, WarehouseSpec};
use seaway_expr::Budget;

/// Whether what was found may become freight. Without criteria, and where nothing they could speak of was found, it may.
///
/// # Errors
/// The expression failed, or means neither yes nor no. Nothing changes before the next look.
pub fn criteria(spec: &WarehouseSpec, found: &DiscoveredArtifacts) -> Result<bool, DiscoveryError> {
    let expression = spec.freight_creation_criteria.as_ref().map_or("", |c| c.expression.as_str());
    if expression.is_empty() || (found.git.is_empty() && found.images.is_empty() && found.charts.is_empty()) {
        return Ok(true);
    }
    let artifacts = serde_json::to_value(found).unwrap_or_default();
    seaway_expr::criteria::satisfied(expression, &artifacts, &Budget::default())
        .map_err(|err| DiscoveryError::Criteria { expression: expression.to_owned(), err })
}
