//! Why a step did not succeed, as its own code says it: the adapter puts the step's name in front.

use seaway_base::Next;
use seaway_git::{FolderError, GitError};
use seaway_runs::StepError;

/// An error within a step.
#[derive(Debug)]
pub(crate) enum Error {
    /// The configuration is refused before anything is done, for this.
    Config(String),
    /// The step's own words, read after its name.
    Own(StepError),
    /// Words that stand alone: a user's, or those of somebody who has said already who speaks.
    Alone(StepError),
}

impl Error {
    /// A configuration that is refused.
    pub(crate) fn config(why: impl Into<String>) -> Self {
        Self::Config(why.into())
    }

    /// Over for good: a person decides.
    pub(crate) fn failed(reason: &'static str, message: impl Into<String>) -> Self {
        Self::Own(StepError::failed(reason, message))
    }

    /// Could not run; may be tried again within `retry.errorThreshold`.
    pub(crate) fn errored(reason: &'static str, next: Next, message: impl Into<String>) -> Self {
        Self::Own(StepError::errored(reason, next, message))
    }

    /// Something of Kargo's that is not built yet: blocked until it is left out.
    pub(crate) fn not_built(message: impl Into<String>) -> Self {
        Self::errored("NotBuilt", Next::Blocked, message).terminal()
    }

    /// The same, never tried again.
    pub(crate) fn terminal(self) -> Self {
        match self {
            Self::Config(why) => Self::Config(why),
            Self::Own(err) => Self::Own(err.terminal()),
            Self::Alone(err) => Self::Alone(err.terminal()),
        }
    }

    /// As runs are told it, by the step of this name.
    pub(crate) fn of(self, step: &str) -> StepError {
        match self {
            Self::Config(why) => {
                StepError::failed("InvalidConfig", format!("{step}: invalid config: {why}; see docs/steps/{step}.md"))
            }
            Self::Own(err) => StepError { message: format!("{step}: {}", err.message), ..err },
            Self::Alone(err) => err,
        }
    }
}

impl From<FolderError> for Error {
    fn from(err: FolderError) -> Self {
        let reason = match err {
            FolderError::NotFound(_) => "MissingFile",
            FolderError::Leaves { .. } | FolderError::TooManyLinks(_) => "LinkLeaves",
            FolderError::TooLarge { .. } | FolderError::Full { .. } => "TooLarge",
            FolderError::NoCheckout(_) => "NoCheckout",
            FolderError::Git(err) => return err.into(),
            _ => "WorkFolder",
        };
        let hint = if reason == "MissingFile" { "; paths are relative to the promotion's work folder" } else { "" };
        Self::errored(reason, err.next(), format!("{}{hint}", seaway_base::chain(&err)))
    }
}

impl From<GitError> for Error {
    fn from(err: GitError) -> Self {
        Self::errored(err.reason(), err.next(), seaway_base::chain(&err))
    }
}

/// A port of runs has said already who speaks.
impl From<StepError> for Error {
    fn from(err: StepError) -> Self {
        Self::Alone(err)
    }
}
