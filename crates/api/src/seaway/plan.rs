//! Plan: what a promotion would do, and what an approval binds to.

use crate::conditions::Condition;
use crate::kargo::ExpressionVariable;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What is to be planned; the project is the namespace.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
#[schemars(extend("x-required" = ["stage", "freight"]))]
pub struct PlanSpec {
    /// The stage.
    #[schemars(extend("minLength" = 1))]
    pub stage: String,
    /// The freight, by name or alias.
    #[schemars(extend("minLength" = 1))]
    pub freight: String,
    /// Variables that stand in for the stage's, to see what they would do.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub vars: Vec<ExpressionVariable>,
}

/// What the promotion would do.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct PlanStatus {
    /// The generation that was planned.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub observed_generation: Option<i64>,
    /// Pending, Running, Ready, Failed or Expired.
    #[serde(skip_serializing_if = "crate::is_default")]
    #[schemars(extend("enum" = ["Pending", "Running", "Ready", "Failed", "Expired"]))]
    pub phase: String,
    /// Why.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub message: String,
    /// Whether anything would change.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub changed: Option<bool>,
    /// The digest an approval binds to.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub digest: String,
    /// Its version.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub digest_version: Option<i64>,
    /// The paths the digest covers, to name the one that differs; left out where they are too many.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub paths: Vec<PlannedPath>,
    /// The plan, cut where a later step needs what only exists afterwards.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub segments: Vec<Segment>,
    /// The files that would change.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub files: Vec<PlannedFile>,
    /// What would be done to the world.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub effects: Vec<PlannedEffect>,
    /// The waits and gates it would meet.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub waits: Vec<PlannedWait>,
    /// Whether it could start now.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub can_start: Option<CanStart>,
    /// Whether diffs were left out because they grew too big.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub truncated: bool,
    /// Why it is as it is.
    #[serde(skip_serializing_if = "crate::is_default")]
    #[schemars(extend("x-kubernetes-list-type" = "map"), extend("x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
    /// When it was made.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub planned_at: Option<Time>,
    /// When it goes.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub expires_at: Option<Time>,
}

/// A part of a plan.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
#[schemars(extend("x-required" = ["kind"]))]
pub struct Segment {
    /// How sure it is.
    #[schemars(extend("enum" = ["exact", "conditional", "opaque"]))]
    pub kind: String,
    /// What it hangs on, or why it cannot be told.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub condition: String,
    /// The steps in it.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub steps: Vec<PlannedStep>,
}

/// A step as it was planned.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
#[schemars(extend("x-required" = ["alias"]))]
pub struct PlannedStep {
    /// Its alias.
    pub alias: String,
    /// Its kind.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub uses: String,
    /// What would become of it.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub status: String,
    /// Why.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub message: String,
    /// What it would put out.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub output: Option<Value>,
}

/// A path a plan touches, as the digest covers it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
#[schemars(extend("x-required" = ["path"]))]
pub struct PlannedPath {
    /// The repository.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub repository: String,
    /// The branch.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub branch: String,
    /// The path.
    pub path: String,
    /// The mode, in octal; empty if it goes away.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub mode: String,
    /// The blob that was there.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub old_blob: String,
    /// The blob that would be there.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub new_blob: String,
}

/// A file that would change.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
#[schemars(extend("x-required" = ["path"]))]
pub struct PlannedFile {
    /// The repository.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub repository: String,
    /// The branch.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub branch: String,
    /// The path.
    pub path: String,
    /// The mode, in octal; empty if it goes away.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub mode: String,
    /// The blob that was there.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub old_blob: String,
    /// The blob that would be there.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub new_blob: String,
    /// The change, as a unified diff.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub diff: String,
    /// Whether it is not text.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub binary: bool,
}

/// Something that would be done to the world.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
#[schemars(extend("x-required" = ["kind"]))]
pub struct PlannedEffect {
    /// The step.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub alias: String,
    /// What it is, such as `git-push`.
    pub kind: String,
    /// What it would do, in a sentence.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub description: String,
    /// With what; what is not yet known is a symbol.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub arguments: Option<Value>,
}

/// A wait or gate the run would meet.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
#[schemars(extend("x-required" = ["for"]))]
pub struct PlannedWait {
    /// The step; empty for a gate before the first.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub alias: String,
    /// For what.
    pub for_: String,
    /// What would release it.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub released_by: String,
}

/// Whether a promotion could start now.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct CanStart {
    /// Whether it could.
    pub allowed: bool,
    /// Why not.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub reasons: Vec<String>,
    /// The next instant at which that could change.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub next_change_at: Option<Time>,
}

resource! {
    /// What a promotion would do.
    pub struct Plan: crate::seaway::GROUP, crate::seaway::VERSION, "plans", NamespaceResourceScope {
            /// What is wanted.
            spec: PlanSpec,
            /// What is known.
            status: Option<PlanStatus>,
    }
}
with_spec!(Plan, PlanSpec);
