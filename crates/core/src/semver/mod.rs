//! Versions and constraints, read and ordered by the rules of Masterminds/semver v3.4.0.
//!
//! No crate agrees with those rules (`1.2` is a version, `v1` equals `1.0.0`, `~0.0.0` takes everything), so they are written out here.

mod constraint;
mod select;

pub use constraint::{Constraint, ConstraintError};
pub use select::{Selection, select};

use regex::Regex;
use std::cmp::Ordering;
use std::fmt;
use std::sync::LazyLock;

/// Text that is no version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a semantic version")]
pub struct NotAVersion(pub String);

/// A version as it was written, and what it means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// The first number.
    pub major: u64,
    /// The second number; 0 where it was left out.
    pub minor: u64,
    /// The third number; 0 where it was left out.
    pub patch: u64,
    /// What follows the `-`; empty for a release.
    pub prerelease: String,
    /// What follows the `+`; never part of an order or a match.
    pub metadata: String,
    /// The text it was read from.
    pub original: String,
}

static LOOSE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"\Av?([0-9]+)(?:\.([0-9]+))?(?:\.([0-9]+))?(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(?:\+([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?\z")
        .expect("a constant pattern")
});

impl Version {
    /// Reads a version as `NewVersion` does: a leading `v`, missing numbers and leading zeros in numbers are fine.
    ///
    /// # Errors
    /// Anything else, a number past 64 bits, or a leading zero in a numeric part of the pre-release.
    pub fn loose(text: &str) -> Result<Self, NotAVersion> {
        let no = || NotAVersion(text.to_owned());
        let parts = LOOSE.captures(text).ok_or_else(no)?;
        let number = |i: usize| parts.get(i).map_or(Ok(0), |m| m.as_str().parse::<u64>().map_err(|_| no()));
        let owned = |i: usize| parts.get(i).map_or_else(String::new, |m| m.as_str().to_owned());
        let prerelease = owned(4);
        if prerelease.split('.').any(|part| part.len() > 1 && part.starts_with('0') && is_number(part)) {
            return Err(no());
        }
        Ok(Self {
            major: number(1)?,
            minor: number(2)?,
            patch: number(3)?,
            prerelease,
            metadata: owned(5),
            original: text.to_owned(),
        })
    }

    /// Reads a version as `StrictNewVersion` does: all three numbers, no leading zero, no `v`.
    ///
    /// # Errors
    /// Anything else.
    pub fn strict(text: &str) -> Result<Self, NotAVersion> {
        let version = Self::loose(text)?;
        let numbers = text.split(['-', '+']).next().unwrap_or_default();
        let complete = numbers.split('.').count() == 3;
        let plain = numbers.split('.').all(|n| is_number(n) && (n.len() == 1 || !n.starts_with('0')));
        if complete && plain { Ok(version) } else { Err(NotAVersion(text.to_owned())) }
    }

    /// Reads an image's or git's tag: loosely, or with `strict_semvers` strictly after one leading `v`.
    ///
    /// # Errors
    /// The tag is no version by the chosen rule.
    pub fn of_tag(tag: &str, strict_semvers: bool) -> Result<Self, NotAVersion> {
        if strict_semvers {
            Self::strict(tag.strip_prefix('v').unwrap_or(tag))?;
        }
        Self::loose(tag)
    }

    /// Order by precedence: build metadata does not count.
    pub fn precedence(&self, other: &Self) -> Ordering {
        (self.major, self.minor, self.patch)
            .cmp(&(other.major, other.minor, other.patch))
            .then_with(|| compare_prereleases(&self.prerelease, &other.prerelease))
    }

    /// Best first: the higher version, then the larger original text (`v1.0.0` before `1.0.0`).
    pub fn best_first(&self, other: &Self) -> Ordering {
        other.precedence(self).then_with(|| other.original.cmp(&self.original))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)?;
        if !self.prerelease.is_empty() {
            write!(f, "-{}", self.prerelease)?;
        }
        if !self.metadata.is_empty() {
            write!(f, "+{}", self.metadata)?;
        }
        Ok(())
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

/// A release is above its pre-releases; else part by part, numbers below words, and the longer list above its own beginning.
pub(crate) fn compare_prereleases(a: &str, b: &str) -> Ordering {
    match (a.is_empty(), b.is_empty()) {
        (true, true) => return Ordering::Equal,
        (true, false) => return Ordering::Greater,
        (false, true) => return Ordering::Less,
        (false, false) => {}
    }
    let (mut left, mut right) = (a.split('.'), b.split('.'));
    loop {
        let order = match (left.next(), right.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => Ordering::Less,
            (Some(_), None) => Ordering::Greater,
            (Some(x), Some(y)) => compare_parts(x, y),
        };
        if order != Ordering::Equal {
            return order;
        }
    }
}

fn compare_parts(a: &str, b: &str) -> Ordering {
    match (a.parse::<u64>(), b.parse::<u64>()) {
        (Ok(x), Ok(y)) => x.cmp(&y),
        (Ok(_), Err(_)) => Ordering::Less,
        (Err(_), Ok(_)) => Ordering::Greater,
        (Err(_), Err(_)) => a.cmp(b),
    }
}
