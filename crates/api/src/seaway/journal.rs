//! The journal of a run: what was begun, what came of it, and what may not be read twice.

use crate::kargo::PromotionStepStatus;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What a run has done. A run begun by the last release is finished by this one.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
#[schemars(extend("x-required" = ["version"]))]
pub struct Journal {
    /// The version of this form; see [`JOURNAL_VERSION`].
    pub version: i64,
    /// The entries, in order.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub entries: Vec<Entry>,
}

/// One step's line in the journal.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
#[schemars(extend("x-required" = ["index", "alias"]))]
pub struct Entry {
    /// The step's place, from 0.
    pub index: i64,
    /// The step's alias.
    pub alias: String,
    /// The step's kind.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub uses: String,
    /// How it stands.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub status: PromotionStepStatus,
    /// When it began.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub started_at: Option<Time>,
    /// When it ended.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub finished_at: Option<Time>,
    /// How many errors it met.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub error_count: i64,
    /// Why.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub message: String,
    /// What it put out; secrets are masked.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub output: Option<Value>,
    /// What its `if` decided; kept when the step runs again.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub skipped: Option<bool>,
    /// Whether its failure fails the promotion.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub continue_on_error: bool,
    /// The effect it is about, if it has one.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub effect: Option<Effect>,
}

/// An effect on the world, journalled before it is tried.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct Effect {
    /// How often it may happen.
    #[serde(skip_serializing_if = "crate::is_default")]
    #[schemars(extend("enum" = ["Checkable", "Keyed", "Unknowable"]))]
    pub contract: String,
    /// How far it came.
    #[serde(skip_serializing_if = "crate::is_default")]
    #[schemars(extend("enum" = ["Intended", "Sent", "Done", "Uncertain", "Refused"]))]
    pub state: String,
    /// The key a receiver tells repetitions by.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub key: String,
    /// How often it was tried.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub attempts: i64,
    /// When it was last tried.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub started_at: Option<Time>,
    /// What came back.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub answer: Option<Value>,
    /// The push, if it is one.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub push: Option<PushIntent>,
}

/// A push, journalled before it is sent.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
#[schemars(extend("x-required" = ["repository", "branch"]))]
pub struct PushIntent {
    /// The repository.
    pub repository: String,
    /// The branch.
    pub branch: String,
    /// The tip it was made on; empty for a new branch.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub base: String,
    /// The commits it was to push, oldest first.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub commits: Vec<String>,
    /// The commit that landed.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub landed: String,
    /// What each `git-commit` in the push became.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub landed_commits: Vec<LandedCommit>,
    /// Whether it overwrites.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub force: bool,
    /// How often the branch had moved.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub rounds: i64,
}

/// What a `git-commit` became.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct LandedCommit {
    /// The step.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub alias: String,
    /// The commit it made first.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub intended: String,
    /// The commit that landed.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub landed: String,
}

/// Something that was read and may change.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
#[schemars(extend("x-required" = ["kind", "key"]))]
pub struct Record {
    /// The step that read it; empty for the promotion's variables.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub step: String,
    /// What it is: `resolve`, `tree`, `function`, `download`, `secret`.
    pub kind: String,
    /// What was asked.
    pub key: String,
    /// What came; for a secret its uid and resourceVersion, never its content.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub value: Option<Value>,
    /// When.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub at: Option<Time>,
}

/// What a run waits for.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
#[schemars(extend("x-required" = ["for"]))]
pub struct Wait {
    /// The step that waits.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub step: String,
    /// For what.
    pub for_: String,
    /// Since when.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub since: Option<Time>,
    /// When it is looked at again at the latest.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub until: Option<Time>,
    /// What would release it.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub released_by: String,
}

/// The version of the journal this release writes.
pub const JOURNAL_VERSION: i64 = 1;
