//! Which changed paths concern a git subscription: `includePaths` and `excludePaths` (reference §2.3).

pub(crate) mod glob;

use crate::go_regex::{self, PatternError};
use regex::Regex;

/// A malformed selector.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// A glob that does not parse.
    #[error("path selector `{0}` is no glob: a `[` or `{{` is not closed")]
    Glob(String),
    /// A regular expression that does not compile.
    #[error("path selector `{selector}`")]
    Regex {
        /// The selector as it was written.
        selector: String,
        /// What is wrong with it.
        #[source]
        err: PatternError,
    },
}

/// One selector: a folder or file by name, a glob, or a regular expression.
#[derive(Debug, Clone)]
enum Selector {
    Below(String),
    Pattern(Regex),
}

/// The path filter of one subscription.
#[derive(Debug, Clone, Default)]
pub struct PathFilter {
    include: Vec<Selector>,
    exclude: Vec<Selector>,
}

impl PathFilter {
    /// Reads the selectors of a subscription: `glob:`, `regex:` or `regexp:`, otherwise the name of a folder or file.
    ///
    /// # Errors
    /// A glob or regular expression is malformed.
    pub fn new(include: &[String], exclude: &[String]) -> Result<Self, PathError> {
        let read = |list: &[String]| list.iter().map(|s| Selector::parse(s)).collect::<Result<Vec<_>, _>>();
        Ok(Self { include: read(include)?, exclude: read(exclude)? })
    }

    /// Whether nothing is filtered, so that paths need not be asked for.
    pub fn is_empty(&self) -> bool {
        self.include.is_empty() && self.exclude.is_empty()
    }

    /// Whether any changed path is included (or nothing is) and not excluded.
    pub fn matches<S: AsRef<str>>(&self, changed: impl IntoIterator<Item = S>) -> bool {
        changed.into_iter().any(|path| {
            let path = path.as_ref();
            let included = self.include.is_empty() || self.include.iter().any(|s| s.matches(path));
            included && !self.exclude.iter().any(|s| s.matches(path))
        })
    }
}

impl Selector {
    fn parse(text: &str) -> Result<Self, PathError> {
        if let Some(pattern) = text.strip_prefix("glob:") {
            return glob::compile(pattern).map(Self::Pattern).ok_or_else(|| PathError::Glob(text.to_owned()));
        }
        if let Some(pattern) = text.strip_prefix("regex:").or_else(|| text.strip_prefix("regexp:")) {
            return go_regex::compile(pattern)
                .map(Self::Pattern)
                .map_err(|err| PathError::Regex { selector: text.to_owned(), err });
        }
        Ok(Self::Below(clean(text)))
    }

    fn matches(&self, path: &str) -> bool {
        match self {
            Self::Pattern(pattern) => pattern.is_match(path),
            Self::Below(folder) => is_below(folder, &clean(path)),
        }
    }
}

/// Whether `path` is `folder` or lies in it; a rest with `..` anywhere in it never counts (Kargo's own test is that plain).
fn is_below(folder: &str, path: &str) -> bool {
    if folder == path {
        return true;
    }
    let rest = match folder {
        "." => (!path.starts_with('/')).then_some(path),
        "/" => path.strip_prefix('/'),
        _ => path.strip_prefix(folder).and_then(|rest| rest.strip_prefix('/')),
    };
    rest.is_some_and(|rest| !rest.contains(".."))
}

/// The shortest equal spelling of a path, as Go's `filepath.Clean` gives it on Unix.
pub(crate) fn clean(path: &str) -> String {
    let rooted = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            ".." if rooted => {}
            _ => parts.push(part),
        }
    }
    match (rooted, parts.is_empty()) {
        (true, _) => format!("/{}", parts.join("/")),
        (false, true) => ".".to_owned(),
        (false, false) => parts.join("/"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_asks_for_one_path_that_counts() {
        let check = |include: &[&str], exclude: &[&str], paths: &[&str], expect: bool| {
            let owned = |list: &[&str]| list.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>();
            let filter = PathFilter::new(&owned(include), &owned(exclude)).unwrap();
            assert_eq!(filter.matches(paths), expect, "{include:?} {exclude:?} {paths:?}");
        };
        check(&["base"], &[], &["base/app.yaml"], true);
        check(&["base"], &[], &["stages/qa/app.yaml"], false);
        check(&[], &["stages"], &["stages/qa/app.yaml", "README.md"], true);
        check(&["glob:apps/**/values.yaml"], &[], &["apps/values.yaml"], true);
        check(&["glob:apps/**"], &[], &["apps"], true);
        check(&["apps"], &[], &["apps/a..b"], false);
    }
}
