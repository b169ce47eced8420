//! Errors of the work folder and of git, as steps report them.

use seaway_git::{FolderError, GitError};
use seaway_runs::StepError;

/// An error of the work folder.
pub(crate) fn folder_error(step: &str, err: &FolderError) -> StepError {
    let reason = match err {
        FolderError::NotFound(_) => "MissingFile",
        FolderError::Leaves { .. } | FolderError::TooManyLinks(_) => "LinkLeaves",
        FolderError::TooLarge { .. } | FolderError::Full { .. } => "TooLarge",
        FolderError::NoCheckout(_) => "NoCheckout",
        FolderError::Git(err) => return git_error(step, err),
        _ => "WorkFolder",
    };
    let where_ = if reason == "MissingFile" { "; paths are relative to the promotion's work folder" } else { "" };
    StepError::errored(reason, err.next(), format!("{step}: {}{where_}", seaway_base::chain(err)))
}

/// An error of git or of its server.
pub(crate) fn git_error(step: &str, err: &GitError) -> StepError {
    StepError::errored(err.reason(), err.next(), format!("{step}: {}", seaway_base::chain(err)))
}
