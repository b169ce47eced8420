//! Paths inside a work folder: normalised once, at the edge, and unable to leave it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A path relative to the work folder, without `.`, `..` or empty parts; the folder itself is the empty path.
///
/// `./a/../b` reads as `b`; a path that would leave the folder is refused. A leading `/` is read as the folder's root.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct RelPath(String);

/// Why a path was refused.
#[derive(Debug, thiserror::Error, Clone, PartialEq, Eq)]
pub enum PathError {
    /// It points outside the work folder.
    #[error("path `{0}` leaves the work folder")]
    Leaves(String),
    /// It holds a NUL byte.
    #[error("path `{0}` holds a NUL byte")]
    Nul(String),
}

impl RelPath {
    /// Reads a path as a user wrote it.
    ///
    /// # Errors
    /// [`PathError::Leaves`] where `..` would leave the folder.
    pub fn parse(text: &str) -> Result<Self, PathError> {
        if text.contains('\0') {
            return Err(PathError::Nul(text.replace('\0', "\\0")));
        }
        let mut parts: Vec<&str> = Vec::new();
        for part in text.split('/') {
            match part {
                "" | "." => {}
                ".." => {
                    parts.pop().ok_or_else(|| PathError::Leaves(text.to_owned()))?;
                }
                part => parts.push(part),
            }
        }
        Ok(Self(parts.join("/")))
    }

    /// The work folder itself.
    pub fn root() -> Self {
        Self::default()
    }

    /// Is it the work folder itself?
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// The normalised text, parts joined by `/`; empty for the root.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The parts, from the top down.
    pub fn parts(&self) -> impl Iterator<Item = &str> {
        self.0.split('/').filter(|part| !part.is_empty())
    }

    /// This path with `more` below it.
    ///
    /// # Errors
    /// As [`RelPath::parse`].
    pub fn join(&self, more: &str) -> Result<Self, PathError> {
        if self.is_root() { Self::parse(more) } else { Self::parse(&format!("{}/{more}", self.0)) }
    }

    /// The part of this path below `base`; `None` where it is not below it. A path is below itself, by the root path.
    pub fn below(&self, base: &Self) -> Option<Self> {
        if base.is_root() {
            return Some(self.clone());
        }
        let rest = self.0.strip_prefix(base.as_str())?;
        if rest.is_empty() { Some(Self::root()) } else { rest.strip_prefix('/').map(|rest| Self(rest.to_owned())) }
    }

    /// The folder that holds it; `None` for the root.
    pub fn parent(&self) -> Option<Self> {
        if self.is_root() {
            return None;
        }
        Some(Self(self.0.rsplit_once('/').map_or_else(String::new, |(parent, _)| parent.to_owned())))
    }

    /// The last part; empty for the root.
    pub fn file_name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or_default()
    }
}

impl TryFrom<String> for RelPath {
    type Error = PathError;
    fn try_from(text: String) -> Result<Self, PathError> {
        Self::parse(&text)
    }
}

impl From<RelPath> for String {
    fn from(path: RelPath) -> Self {
        path.0
    }
}

impl fmt::Display for RelPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_root() { "." } else { &self.0 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<&str>) {
        assert_eq!(RelPath::parse(text).ok().as_ref().map(RelPath::as_str), expected, "{text}");
    }

    #[test]
    fn a_path_is_normalised_and_cannot_leave() {
        check("./a//b/", Some("a/b"));
        check("a/../b", Some("b"));
        check("", Some(""));
        check("/a", Some("a"));
        check("..", None);
        check("a/../../b", None);
        check("a\0b", None);
    }

    #[test]
    fn below_is_by_whole_parts() {
        let path = RelPath::parse("src/base/x").unwrap();
        assert_eq!(path.below(&RelPath::parse("src").unwrap()).unwrap().as_str(), "base/x");
        assert_eq!(path.below(&RelPath::parse("sr").unwrap()), None);
        assert_eq!(path.below(&path).unwrap(), RelPath::root());
    }
}
