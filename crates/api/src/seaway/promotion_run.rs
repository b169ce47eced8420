//! PromotionRun: what a promotion is carried out from. Same name as its Promotion, and owned by it.

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
    /// The digest the run keeps to.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub plan_digest: String,
    /// The version of the digest.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub digest_version: Option<i64>,
    /// What it waits for, since when, and what would release it.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub waits: Vec<Wait>,
    /// Why it is as it is.
    #[serde(skip_serializing_if = "crate::is_default")]
    #[schemars(extend("x-kubernetes-list-type" = "map"), extend("x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
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
