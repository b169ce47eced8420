//! How a stage stands, in the glossary's list and no other word; a warehouse has two of its own.

use serde::Serialize;
use std::fmt;

/// How a stage or a warehouse stands.
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
    /// A warehouse looks for the first time.
    Looking,
    /// A warehouse looked, and all is well.
    Ready,
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
            Self::Looking => "looking",
            Self::Ready => "ready",
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
