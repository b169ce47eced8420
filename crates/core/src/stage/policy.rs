//! Which stages promote by themselves: the first policy that matches decides (reference §1.6).

use crate::go_regex;
use crate::paths::glob;
use seaway_api::kargo::{LabelSelectorRequirement, PromotionPolicy, Stage, StageSelector};
use std::collections::BTreeMap;

/// A selector that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// The part before the colon is no kind of pattern.
    #[error("`{0}` is no kind of name pattern; write an exact name, or `regex:`, `regexp:` or `glob:` and a pattern")]
    Kind(String),
    /// The pattern is malformed.
    #[error("name pattern `{0}` cannot be read")]
    Pattern(String),
    /// An operator there is not.
    #[error("label operator `{0}` is none of In, NotIn, Exists, DoesNotExist")]
    Operator(String),
}

/// Whether the stage promotes by itself. A policy that cannot be read matches nothing: admission refuses it before it is stored.
pub fn auto_promotion_enabled(stage: &Stage, policies: &[PromotionPolicy]) -> bool {
    deciding_policy(stage, policies).is_some_and(|policy| policy.auto_promotion_enabled)
}

/// The first policy that matches the stage.
pub fn deciding_policy<'a>(stage: &Stage, policies: &'a [PromotionPolicy]) -> Option<&'a PromotionPolicy> {
    let name = stage.metadata.name.as_deref().unwrap_or_default();
    let none = BTreeMap::new();
    let labels = stage.metadata.labels.as_ref().unwrap_or(&none);
    policies.iter().find(|policy| match &policy.stage_selector {
        Some(selector) => selects(selector, name, labels).unwrap_or(false),
        None => !policy.stage.is_empty() && policy.stage == name,
    })
}

/// Whether a selector takes what bears that name and those labels; name and labels must both match.
///
/// # Errors
/// The selector's pattern or an operator cannot be read.
pub fn selects(selector: &StageSelector, name: &str, labels: &BTreeMap<String, String>) -> Result<bool, PolicyError> {
    if !selector.name.is_empty() && !matches_name(&selector.name, name)? {
        return Ok(false);
    }
    if selector.match_labels.iter().any(|(key, value)| labels.get(key) != Some(value)) {
        return Ok(false);
    }
    for requirement in &selector.match_expressions {
        if !holds(requirement, labels)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn matches_name(pattern: &str, name: &str) -> Result<bool, PolicyError> {
    let malformed = || PolicyError::Pattern(pattern.to_owned());
    match pattern.split_once(':') {
        None => Ok(pattern == name),
        Some(("regex" | "regexp", regex)) => Ok(go_regex::compile(regex).map_err(|_| malformed())?.is_match(name)),
        Some(("glob", text)) => Ok(glob::compile(text).ok_or_else(malformed)?.is_match(name)),
        Some((kind, _)) => Err(PolicyError::Kind(kind.to_owned())),
    }
}

fn holds(requirement: &LabelSelectorRequirement, labels: &BTreeMap<String, String>) -> Result<bool, PolicyError> {
    let value = labels.get(&requirement.key);
    let among = value.is_some_and(|value| requirement.values.contains(value));
    match requirement.operator.as_str() {
        "In" => Ok(among),
        "NotIn" => Ok(!among),
        "Exists" => Ok(value.is_some()),
        "DoesNotExist" => Ok(value.is_none()),
        other => Err(PolicyError::Operator(other.to_owned())),
    }
}
