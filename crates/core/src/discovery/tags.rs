//! The name filter of tags: what is ignored goes first, then only what is allowed stays.

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

    /// Whether a tag passes.
    pub fn allows(&self, tag: &str) -> bool {
        !self.ignore.iter().any(|p| p.is_match(tag)) && (self.allow.is_empty() || self.allow.iter().any(|p| p.is_match(tag)))
    }
}
