//! The name filter of tags: what is ignored goes first, then only what is allowed stays.

use super::DiscoveryError;
use crate::go_regex::{self, PatternError};
use regex::Regex;

/// `allowTagsRegexes` and `ignoreTagsRegexes` of a subscription; searches, not anchored.
#[derive(Debug, Clone, Default)]
pub struct TagFilter {
    allow: Vec<Regex>,
    ignore: Vec<Regex>,
}

impl TagFilter {
    /// Compiles the patterns.
    ///
    /// # Errors
    /// One of them is malformed.
    pub fn new(allow: &[String], ignore: &[String]) -> Result<Self, PatternError> {
        let read = |list: &[String]| list.iter().map(|p| go_regex::compile(p)).collect::<Result<Vec<_>, _>>();
        Ok(Self { allow: read(allow)?, ignore: read(ignore)? })
    }

    /// The same for a whole subscription: the fields that Kargo gave up are refused with their successors.
    pub(super) fn of_subscription(
        allow: &[String],
        ignore: &[String],
        old_allow: &str,
        old_ignore: &[String],
    ) -> Result<Self, DiscoveryError> {
        if !old_allow.is_empty() {
            return Err(DiscoveryError::Deprecated { field: "allowTags", successor: "allowTagsRegexes" });
        }
        if !old_ignore.is_empty() {
            return Err(DiscoveryError::Deprecated { field: "ignoreTags", successor: "ignoreTagsRegexes" });
        }
        Ok(Self::new(allow, ignore)?)
    }

    /// Whether a tag passes.
    pub fn allows(&self, tag: &str) -> bool {
        !self.ignore.iter().any(|p| p.is_match(tag)) && (self.allow.is_empty() || self.allow.iter().any(|p| p.is_match(tag)))
    }
}
