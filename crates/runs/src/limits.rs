//! How much a step and a run may publish: a journal must fit into one object.

use serde_json::{Map, Value};

/// Bytes of one step's output, as JSON.
pub const STEP_OUTPUT_MAX: usize = 64 * 1024;
/// Bytes of all outputs of a run, as JSON.
pub const RUN_OUTPUT_MAX: usize = 256 * 1024;

/// Why an output was refused.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum TooLarge {
    /// One step's output.
    #[error(
        "the output is {size} bytes, a step may publish {STEP_OUTPUT_MAX}; the largest key is `{key}`: publish less, or write it to a file"
    )]
    Step {
        /// Its size, in bytes.
        size: usize,
        /// The largest key.
        key: String,
    },
    /// All outputs together.
    #[error(
        "the outputs of the run are {size} bytes, a run may publish {RUN_OUTPUT_MAX}; the largest key is `{key}`: publish less, or write it to a file"
    )]
    Run {
        /// Their size, in bytes.
        size: usize,
        /// The largest key of the output that was one too many.
        key: String,
    },
}

/// Size of a value as JSON, in bytes.
pub(crate) fn size(value: &impl serde::Serialize) -> usize {
    serde_json::to_string(value).map_or(usize::MAX, |text| text.len())
}

/// May a step publish this, given what the others have?
///
/// # Errors
/// [`TooLarge`] naming the largest key.
pub(crate) fn check(output: &Map<String, Value>, others_size: usize) -> Result<(), TooLarge> {
    let own = size(output);
    let key = || output.iter().max_by_key(|(_, value)| size(value)).map(|(key, _)| key.clone()).unwrap_or_default();
    if own > STEP_OUTPUT_MAX {
        return Err(TooLarge::Step { size: own, key: key() });
    }
    if own.saturating_add(others_size) > RUN_OUTPUT_MAX {
        return Err(TooLarge::Run { size: own.saturating_add(others_size), key: key() });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_output_too_large_names_its_key() {
        let output = json!({"small": 1, "big": "x".repeat(STEP_OUTPUT_MAX)}).as_object().unwrap().clone();
        insta::assert_snapshot!(check(&output, 0).unwrap_err(), @"the output is 65556 bytes, a step may publish 65536; the largest key is `big`: publish less, or write it to a file");
        let output = json!({"a": 1}).as_object().unwrap().clone();
        assert!(check(&output, 0).is_ok());
        assert!(matches!(check(&output, RUN_OUTPUT_MAX), Err(TooLarge::Run { .. })));
    }
}
