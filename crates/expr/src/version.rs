//! Semantic versions in expressions: reading them loosely, comparing them, their methods.

use std::sync::Arc;

use semver::Version;

use crate::value::Value;

/// The methods of every version, with their number of arguments.
pub(crate) const METHODS: &[(&str, usize)] = &[
    ("Major", 0),
    ("Minor", 0),
    ("Patch", 0),
    ("Prerelease", 0),
    ("Metadata", 0),
    ("String", 0),
    ("IncPatch", 0),
    ("IncMinor", 0),
    ("IncMajor", 0),
    ("SetMetadata", 1),
    ("SetPrerelease", 1),
];

/// What only a version that was read has, not one derived from it.
pub(crate) const READ_METHODS: &[(&str, usize)] = &[
    ("Original", 0),
    ("Equal", 1),
    ("GreaterThan", 1),
    ("LessThan", 1),
    ("GreaterThanEqual", 1),
    ("LessThanEqual", 1),
    ("Compare", 1),
];

/// Reads a version as Masterminds' NewVersion does: a leading `v` and missing parts are fine.
pub(crate) fn parse(text: &str) -> Option<Version> {
    let rest = text.strip_prefix('v').unwrap_or(text);
    let split = rest.find(['-', '+']).unwrap_or(rest.len());
    let (core, tail) = rest.split_at(split);
    let parts: Vec<&str> = core.split('.').collect();
    if parts.len() > 3 {
        return None;
    }
    let mut numbers = [0u64; 3];
    for (slot, part) in numbers.iter_mut().zip(&parts) {
        if part.is_empty() || !part.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        *slot = part.parse().ok()?;
    }
    let (pre, build) = match tail.split_once('+') {
        Some((pre, build)) => (pre, Some(build)),
        None => (tail, None),
    };
    let pre = match pre.strip_prefix('-') {
        Some("") => return None,
        Some(pre) => semver::Prerelease::new(pre).ok()?,
        None => semver::Prerelease::EMPTY,
    };
    let build = match build {
        Some("") => return None,
        Some(build) => semver::BuildMetadata::new(build).ok()?,
        None => semver::BuildMetadata::EMPTY,
    };
    Some(Version { major: numbers[0], minor: numbers[1], patch: numbers[2], pre, build })
}

/// What differs first between two versions.
pub(crate) fn diff(a: &str, b: &str) -> &'static str {
    let (Some(a), Some(b)) = (parse(a), parse(b)) else { return "Incomparable" };
    if a.major != b.major {
        "Major"
    } else if a.minor != b.minor {
        "Minor"
    } else if a.patch != b.patch {
        "Patch"
    } else if a.build != b.build {
        "Metadata"
    } else {
        "None"
    }
}

/// Calls a method; `None` if it cannot be called with these arguments.
pub(crate) fn method(version: &Arc<Version>, original: Option<&str>, name: &str, args: &[Value]) -> Option<Value> {
    let int = |n: u64| Value::Int(i64::try_from(n).unwrap_or(i64::MAX));
    let other = match args.first().map(|a| a.open().0) {
        Some(Value::Version(v, _)) => Some(v.clone()),
        _ => None,
    };
    let order = other.map(|o| version.cmp_precedence(&o));
    let up = |major, minor, patch| Value::Version(Arc::new(Version::new(major, minor, patch)), None);
    Some(match name {
        "Major" => int(version.major),
        "Minor" => int(version.minor),
        "Patch" => int(version.patch),
        "Prerelease" => Value::text(&version.pre),
        "Metadata" => Value::text(&version.build),
        "String" => Value::text(&version.to_string()),
        "Original" => Value::text(original?),
        "SetMetadata" => {
            let build = semver::BuildMetadata::new(args.first()?.as_str()?).ok()?;
            Value::Version(Arc::new(Version { build, ..(**version).clone() }), None)
        }
        "SetPrerelease" => {
            let pre = semver::Prerelease::new(args.first()?.as_str()?).ok()?;
            Value::Version(Arc::new(Version { pre, ..(**version).clone() }), None)
        }
        "Equal" => Value::Bool(order?.is_eq()),
        "GreaterThan" => Value::Bool(order?.is_gt()),
        "LessThan" => Value::Bool(order?.is_lt()),
        "GreaterThanEqual" => Value::Bool(order?.is_ge()),
        "LessThanEqual" => Value::Bool(order?.is_le()),
        "Compare" => Value::Int(order? as i64),
        "IncMajor" => up(version.major.saturating_add(1), 0, 0),
        "IncMinor" => up(version.major, version.minor.saturating_add(1), 0),
        "IncPatch" if !version.pre.is_empty() => up(version.major, version.minor, version.patch),
        "IncPatch" => up(version.major, version.minor, version.patch.saturating_add(1)),
        _ => return None,
    })
}
