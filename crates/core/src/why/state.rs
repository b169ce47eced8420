//! How a stage stands: the glossary's list and no other word.

use serde::Serialize;
use std::fmt;

/// How a stage stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Nothing was ever promoted here.
    Empty,
    /// A promotion runs.
    Promoting,
    /// The last promotion succeeded and nothing verifies the stage.
    Unchecked,
    /// What is in the stage is verified.
    Verified,
    /// Time or a person releases it.
    Waiting,
    /// An input must change.
    Blocked,
    /// The last attempt failed.
    Failed,
    /// Automation is kept off after a person chose older freight.
    Held,
    /// Nobody knows whether an effect happened.
    Uncertain,
}

impl State {
    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::Promoting => "promoting",
            Self::Unchecked => "unchecked",
            Self::Verified => "verified",
            Self::Waiting => "waiting",
            Self::Blocked => "blocked",
            Self::Failed => "failed",
            Self::Held => "held",
            Self::Uncertain => "uncertain",
        }
    }

    /// Whether it is stuck: blocked, failed or uncertain.
    pub fn is_stuck(self) -> bool {
        matches!(self, Self::Blocked | Self::Failed | Self::Uncertain)
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
