//! How a stage stands, in the glossary's list and no other word; a warehouse and a promotion have two of their own each.

use serde::Serialize;
use std::fmt;

/// How a stage, a warehouse or a promotion stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, utoipa::ToSchema)]
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
    /// A promotion ended well.
    Succeeded,
    /// A person ended a promotion.
    Aborted,
}

impl State {
    /// All of them: the state, what stands so, and what that means.
    pub const ALL: &[(Self, &str, &str)] = &[
        (Self::Empty, "stage", "nothing was ever promoted here"),
        (Self::Promoting, "stage, promotion", "a promotion runs, or begins at the next look"),
        (Self::Unchecked, "stage", "the last promotion succeeded and nothing verifies the stage; its freight opens the next one"),
        (Self::Verified, "stage", "what is in the stage is verified"),
        (Self::Waiting, "stage, promotion, warehouse", "time or a person releases it"),
        (Self::Blocked, "stage, promotion, warehouse", "an input must change: a document, a Secret, a repository"),
        (Self::Failed, "stage, promotion", "the last attempt failed; what was good before is still the stage's freight"),
        (Self::Held, "stage", "automation is kept off after a person chose other freight than the newest"),
        (Self::Uncertain, "stage, promotion", "nobody knows whether an effect happened; a person decides"),
        (Self::Looking, "warehouse", "it looks for the first time"),
        (Self::Ready, "warehouse", "it looked, and found what was asked for"),
        (Self::Succeeded, "promotion", "it ended well"),
        (Self::Aborted, "promotion", "a person ended it; what it pushed stays pushed"),
    ];

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
            Self::Succeeded => "succeeded",
            Self::Aborted => "aborted",
        }
    }

    /// The same as it is said of a promotion: how it ended is no way to stand.
    pub(crate) fn of_promotion(self) -> &'static str {
        match self {
            Self::Succeeded => "has succeeded",
            Self::Aborted => "was aborted",
            Self::Failed => "has failed",
            Self::Promoting => "is running",
            Self::Waiting => "is waiting",
            Self::Blocked => "is blocked",
            Self::Uncertain => "is uncertain",
            other => other.as_str(),
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
