//! A value that prints as `***`, and the credential that holds one.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Holds what must never be printed: a password, a token, a key. `Debug` and `Display` show `***`.
///
/// It has no `Serialize`, so that it cannot slip into an object or a log.
#[derive(Clone, PartialEq, Eq, Hash, Default)]
pub struct Secret<T = String>(T);

impl<T> Secret<T> {
    /// Wraps a value.
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// The value itself, for the one place that needs it.
    pub const fn reveal(&self) -> &T {
        &self.0
    }
}

impl<T> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl<T> fmt::Display for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Secret<T> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize(deserializer).map(Self)
    }
}

/// A user name and a password or token, for a repository or a registry.
#[derive(Debug, Clone)]
pub struct Credential {
    /// What tells it from others: its Secret's uid and a hash of its content. Mirrors and caches are kept apart by it.
    pub key: String,
    /// The user name; may be empty for tokens.
    pub username: String,
    /// The password or token.
    pub password: Secret<String>,
}

/// Serializes as `***`: for records that must show that a secret was there.
pub fn serialize_masked<S: serde::Serializer, T>(_: &Secret<T>, serializer: S) -> Result<S::Ok, S::Error> {
    "***".serialize(serializer)
}
