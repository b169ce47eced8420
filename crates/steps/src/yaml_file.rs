//! A YAML file of the work folder that a step edits as text.

use crate::error::Error;
use seaway_base::{Next, RelPath};
use seaway_git::WorkFolder;
use std::fmt::Display;

/// Reads a file, has it edited, and writes it if that changed it. What `edit` complains of names the file.
///
/// # Errors
/// `BadYaml`, or what the work folder says.
pub(crate) fn edit<T, E: Display>(
    work: &mut WorkFolder,
    path: &RelPath,
    edit: impl FnOnce(&str) -> Result<(String, T), E>,
) -> Result<T, Error> {
    let bad = |why: String| Error::errored("BadYaml", Next::Failed, format!("`{path}`: {why}"));
    let bytes = work.read(path)?;
    let text = std::str::from_utf8(&bytes).map_err(|err| bad(format!("no UTF-8 from byte {} on", err.valid_up_to())))?;
    let (next, told) = edit(text).map_err(|err| bad(err.to_string()))?;
    if next != text {
        work.write(path, next.into_bytes(), None)?;
    }
    Ok(told)
}
