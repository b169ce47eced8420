//! PromotionRun: what a promotion is carried out from. Same name as its Promotion, and owned by it.

use super::plan::PlannedPath;
use crate::conditions::Condition;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Whose run it is.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
#[schemars(extend("x-required" = ["promotion", "promotionUID"]))]
pub struct PromotionRunSpec {
    /// The promotion's name.
    #[schemars(extend("minLength" = 1))]
    pub promotion: String,
    /// The promotion's uid.
    #[serde(rename = "promotionUID")]
    #[schemars(extend("minLength" = 1))]
    pub promotion_uid: String,
    /// The plan it keeps to, if one was named.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub plan: String,
}

/// How the run stands.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct PromotionRunStatus {
    /// The generation that was last handled.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub observed_generation: Option<i64>,
    /// The promotion's phase as the engine sees it; `Uncertain` beside Kargo's words.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub phase: String,
    /// Why, in a sentence.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub message: String,
    /// What was done, in order: versioned and written by the engine of runs alone (`seaway_runs::RunState`).
    #[serde(skip_serializing_if = "crate::is_default")]
    pub journal: Option<Value>,
    /// What was read and may change, so that a resumed run reads the same.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub records: Vec<Record>,
    /// The digest the run keeps to.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub plan_digest: String,
    /// The version of the digest.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub digest_version: Option<i64>,
    /// The paths the digest covers, to name the one that differs.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub planned: Vec<PlannedPath>,
    /// What it waits for, since when, and what would release it.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub waits: Vec<Wait>,
    /// Why it is as it is.
    #[serde(skip_serializing_if = "crate::is_default")]
    #[schemars(extend("x-kubernetes-list-type" = "map"), extend("x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
    /// Events that were written with their transition, numbered, until they are published.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub events: Vec<OutboxEvent>,
    /// The number the next event gets.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub next_event: i64,
    /// The number of the last event that was published.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub published: i64,
    /// What tools said, oldest cut.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub logs: Vec<LogLine>,
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

/// An event in the same write as the transition it tells of.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
#[schemars(extend("x-required" = ["number", "type"]))]
pub struct OutboxEvent {
    /// Its number in this run.
    pub number: i64,
    /// Its type, such as `PromotionSucceeded`.
    pub type_: String,
    /// When.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub at: Option<Time>,
    /// Who.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub actor: String,
    /// What.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub message: String,
    /// Whatever else belongs to it.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub data: Option<Value>,
}

/// What a tool said.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct LogLine {
    /// The step.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub alias: String,
    /// When.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub at: Option<Time>,
    /// The text.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub text: String,
}

resource! {
    /// What a promotion is carried out from.
    pub struct PromotionRun: crate::seaway::GROUP, crate::seaway::VERSION, "promotionruns", NamespaceResourceScope {
            /// What is wanted.
            spec: PromotionRunSpec,
            /// What is known.
            status: Option<PromotionRunStatus>,
    }
}
with_spec!(PromotionRun, PromotionRunSpec);
