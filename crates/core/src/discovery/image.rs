//! Images: by SemVer, Lexical, NewestBuild or Digest (reference §2.4).

use super::{DiscoveryError, TagFilter, limit};
use crate::semver::{self, Constraint, Selection};
use seaway_api::kargo::{DiscoveredImageReference, ImageSelectionStrategy, ImageSubscription};
use std::collections::VecDeque;

#[derive(Debug, Clone)]
enum Order {
    SemVer(Selection),
    Lexical,
    NewestBuild,
    Digest,
}

/// The search for one image subscription.
///
/// Ask [`needs_tags`](Self::needs_tags); give them to [`tags`](Self::tags); then answer [`next_tags`](Self::next_tags) in order until
/// it is empty; [`finish`](Self::finish) has the result.
#[derive(Debug, Clone)]
pub struct ImageSearch {
    order: Order,
    filter: TagFilter,
    n_max: usize,
    waiting: VecDeque<String>,
    found: Vec<DiscoveredImageReference>,
}

impl ImageSearch {
    /// Reads the subscription.
    ///
    /// # Errors
    /// A pattern, constraint or platform is malformed, or a field is used that Kargo gave up.
    pub fn new(subscription: &ImageSubscription) -> Result<Self, DiscoveryError> {
        if !subscription.platform.is_empty() {
            let parts: Vec<&str> = subscription.platform.split('/').collect();
            if !matches!(parts.len(), 2 | 3) || parts[..2].iter().any(|p| p.is_empty()) {
                return Err(DiscoveryError::Platform(subscription.platform.clone()));
            }
        }
        let n_max = limit(subscription.discovery_limit);
        if subscription.image_selection_strategy == ImageSelectionStrategy::Digest {
            let tag = &subscription.constraint;
            // Without a tag to follow nothing is found; Kargo says no more about it either.
            let waiting = VecDeque::from_iter(Some(tag.clone()).filter(|tag| !tag.is_empty()));
            return Ok(Self { order: Order::Digest, filter: TagFilter::default(), n_max: 1, waiting, found: Vec::new() });
        }
        let filter = TagFilter::of_subscription(
            &subscription.allow_tags_regexes,
            &subscription.ignore_tags_regexes,
            &subscription.allow_tags,
            &subscription.ignore_tags,
        )?;
        let order = match &subscription.image_selection_strategy {
            // An empty word is the schema's default.
            word if *word == ImageSelectionStrategy::SemVer || word.as_str().is_empty() => {
                let text = &subscription.constraint;
                let constraint = (!text.is_empty()).then(|| Constraint::parse(text)).transpose()?;
                Order::SemVer(Selection { constraint, strict: subscription.strict_semvers })
            }
            ImageSelectionStrategy::Lexical => Order::Lexical,
            ImageSelectionStrategy::NewestBuild => Order::NewestBuild,
            other => return Err(DiscoveryError::Strategy(other.to_string())),
        };
        Ok(Self { order, filter, n_max, waiting: VecDeque::new(), found: Vec::new() })
    }

    /// Whether the list of the repository's tags is needed; Digest follows one tag and needs none.
    pub fn needs_tags(&self) -> bool {
        !matches!(self.order, Order::Digest)
    }

    /// Takes the repository's tags, in any order.
    pub fn tags(&mut self, tags: Vec<String>) {
        let allowed = tags.into_iter().filter(|tag| self.filter.allows(tag));
        let ordered = match &self.order {
            Order::SemVer(selection) => semver::select(allowed, selection, |tag| tag.as_str()),
            Order::Lexical | Order::NewestBuild | Order::Digest => {
                let mut tags: Vec<String> = allowed.collect();
                tags.sort_unstable_by(|a, b| b.cmp(a));
                tags
            }
        };
        self.waiting = ordered.into();
    }

    /// The tags whose metadata is needed next, at most `n` and no more than could be of use.
    pub fn next_tags(&self, n: usize) -> Vec<&str> {
        let n_missing = match self.order {
            Order::NewestBuild => n,
            _ => n.min(self.n_max.saturating_sub(self.found.len())),
        };
        self.waiting.iter().take(n_missing).map(String::as_str).collect()
    }

    /// Takes what is behind the first tag asked for; `None` if it is gone or lacks the platform.
    pub fn answer(&mut self, image: Option<DiscoveredImageReference>) {
        self.waiting.pop_front();
        self.found.extend(image);
    }

    /// The result, best first.
    pub fn finish(mut self) -> Vec<DiscoveredImageReference> {
        if matches!(self.order, Order::NewestBuild) {
            let at = |image: &DiscoveredImageReference| image.created_at.as_ref().map(|t| t.0);
            self.found.sort_by(|a, b| at(b).cmp(&at(a)).then_with(|| b.tag.cmp(&a.tag)));
        }
        self.found.truncate(self.n_max);
        self.found
    }
}
