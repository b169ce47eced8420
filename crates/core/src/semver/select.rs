//! Filter and order a list of tags by version: what the SemVer strategies of images, git tags and charts have in common.

use super::{Constraint, Version};

/// How tags are read as versions and which of them are wanted.
#[derive(Debug, Clone)]
pub struct Selection {
    /// Only versions that satisfy it; `None` takes all.
    pub constraint: Option<Constraint>,
    /// All three numbers are asked for (one leading `v` is allowed).
    pub strict: bool,
}

impl Selection {
    /// The version of a tag, if this selection wants it.
    pub fn version(&self, tag: &str) -> Option<Version> {
        let version = Version::of_tag(tag, self.strict).ok()?;
        self.constraint.as_ref().is_none_or(|c| c.matches(&version)).then_some(version)
    }
}

/// The wanted items, best version first; equal versions by the larger original text.
pub fn select<T>(items: impl IntoIterator<Item = T>, selection: &Selection, tag: impl Fn(&T) -> &str) -> Vec<T> {
    let mut wanted: Vec<(Version, T)> =
        items.into_iter().filter_map(|item| Some((selection.version(tag(&item))?, item))).collect();
    wanted.sort_by(|(a, _), (b, _)| a.best_first(b));
    wanted.into_iter().map(|(_, item)| item).collect()
}
