//! The short cut of git discovery: as long as the references that count stand where they stood, nothing is read anew.

use super::{DiscoveryError, TagFilter};
use seaway_api::kargo::{CommitSelectionStrategy, GitSubscription, ObservedRefs, ObservedTag};
use std::collections::BTreeMap;

/// With more tags than these none are kept, and every look reads anew.
pub const N_TAGS_OBSERVED_MAX: usize = 1000;

/// The references that count for a subscription; `None` if there are too many to keep or the branch is not there.
///
/// `branches` and `tags` are by short name; `head` is what the remote's HEAD points to. The short cut holds only for the same
/// generation and the same URL.
///
/// # Errors
/// A tag pattern is malformed.
pub fn observe(
    subscription: &GitSubscription,
    head: Option<&str>,
    branches: &BTreeMap<String, String>,
    tags: &BTreeMap<String, String>,
) -> Result<Option<ObservedRefs>, DiscoveryError> {
    if subscription.commit_selection_strategy == CommitSelectionStrategy::NewestFromBranch {
        let tip = if subscription.branch.is_empty() { head } else { branches.get(&subscription.branch).map(String::as_str) };
        return Ok(tip.map(|tip| ObservedRefs { branch_head: tip.to_owned(), tags: Vec::new() }));
    }
    let filter = TagFilter::new(&subscription.allow_tags_regexes, &subscription.ignore_tags_regexes)?;
    let own = tags.iter().filter(|(name, _)| filter.allows(name));
    let tags: Vec<ObservedTag> = own.map(|(name, id)| ObservedTag { name: name.clone(), id: id.clone() }).collect();
    Ok((tags.len() <= N_TAGS_OBSERVED_MAX).then(|| ObservedRefs { branch_head: String::new(), tags }))
}
