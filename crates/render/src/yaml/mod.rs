//! YAML as it stands in the file: read with its places, edited one scalar at a time, every other byte kept.

mod edit;
mod scalar;
mod tree;

pub use edit::{Edit, set_scalars};
pub use scalar::scalar_text;
pub use tree::{Kind, Node, documents};

use serde_json::Value;

/// Why YAML could not be read or edited. Lines count from 1.
#[derive(Debug, thiserror::Error, Clone, PartialEq, Eq)]
pub enum YamlError {
    /// The text is no YAML.
    #[error("line {line}, column {column}: {message}")]
    Syntax {
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
        /// What the parser says.
        message: String,
    },
    /// There is no document in it.
    #[error("the file holds no YAML document")]
    Empty,
    /// The key leads nowhere.
    #[error("key `{key}` is not there: {at} has no `{part}`; it has {has}")]
    Missing {
        /// The whole key.
        key: String,
        /// As far as it led.
        at: String,
        /// The part that was missing.
        part: String,
        /// What is there instead.
        has: String,
    },
    /// The key leads to a map or list.
    #[error("key `{key}` is a {what} on line {line}; only a single value can be set")]
    NotScalar {
        /// The whole key.
        key: String,
        /// `map` or `list`.
        what: &'static str,
        /// Line, from 1.
        line: usize,
    },
    /// The edit would have changed something else too: a limit of ours, never written.
    #[error("key `{key}` on line {line} cannot be set without touching something else; write it in a simpler style")]
    Unsafe {
        /// The whole key.
        key: String,
        /// Line, from 1.
        line: usize,
    },
}

/// Reads every document as plain values, the way kubectl does: merge keys applied, `on` and `yes` are booleans.
///
/// # Errors
/// [`YamlError::Syntax`] with the place.
pub fn read_all(text: &str) -> Result<Vec<Value>, YamlError> {
    let options = serde_saphyr::options! {
        strict_indentation: false,
        duplicate_keys: serde_saphyr::options::DuplicateKeyPolicy::LastWins,
        legacy_octal_numbers: true,
        ignore_binary_tag_for_string: true,
    };
    let strict = serde_saphyr::from_multiple_with_options::<Value>(text, options);
    strict.or_else(|err| {
        // Continuation lines of quoted scalars that are not indented: Go and libyaml take them, the others do not.
        let lenient: Result<Vec<Value>, _> =
            serde_yaml_ng::Deserializer::from_str(text).map(serde::Deserialize::deserialize).collect();
        lenient.map_err(|_| {
            let place = err.location();
            YamlError::Syntax {
                line: place.map_or(0, |place| usize::try_from(place.line()).unwrap_or(0)),
                column: place.map_or(0, |place| usize::try_from(place.column()).unwrap_or(0)),
                message: err.without_snippet().to_string(),
            }
        })
    })
}
