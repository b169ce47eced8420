//! Kargo's Promotion: one piece of freight moved into one stage.

use super::common::{
    ExpressionVariable, FreightCollection, FreightOrigin, FreightReference, HealthCheckStep, PromotionStep, StepExecutionMetadata,
};
use super::enums::PromotionPhase;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What is promoted, where and how.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
#[schemars(extend("x-required" = ["stage", "steps"]), extend("x-kubernetes-validations" = [
    { "rule": "has(self.freight) != has(self.origin)", "message": "a promotion has exactly one of freight and origin" }
]))]
pub struct PromotionSpec {
    /// The stage.
    #[schemars(extend("minLength" = 1), extend("maxLength" = 253), extend("pattern" = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"))]
    pub stage: String,
    /// The freight's name.
    #[serde(skip_serializing_if = "crate::is_default")]
    #[schemars(extend("minLength" = 1), extend("maxLength" = 253), extend("pattern" = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"))]
    pub freight: String,
    /// The origin whose candidate is promoted.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub origin: Option<FreightOrigin>,
    /// The target, for a child of a promotion request.
    #[serde(skip_serializing_if = "crate::is_default")]
    #[schemars(extend("maxLength" = 253), extend("pattern" = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"))]
    pub target: String,
    /// Variables, written by admission.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub vars: Vec<ExpressionVariable>,
    /// The steps, written by admission.
    #[serde(skip_serializing_if = "crate::is_default")]
    #[schemars(extend("minItems" = 1), extend("x-item-rules" = [
        { "rule": "has(self.uses) && !has(self.task)", "message": "a promotion's step has uses and no task" }
    ]))]
    pub steps: Vec<PromotionStep>,
}

/// How a promotion stands.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct PromotionStatus {
    /// The refresh token last handled.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub last_handled_refresh: String,
    /// In a word.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub phase: PromotionPhase,
    /// Why.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub message: String,
    /// The freight as it was.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub freight: Option<FreightReference>,
    /// That and the freight of the stage's other origins.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub freight_collection: Option<FreightCollection>,
    /// What to check afterwards.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub health_checks: Vec<HealthCheckStep>,
    /// When it started.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub started_at: Option<Time>,
    /// When it ended.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub finished_at: Option<Time>,
    /// The index of the step that runs.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub current_step: i64,
    /// How the steps went.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub step_execution_metadata: Vec<StepExecutionMetadata>,
    /// Outputs by alias.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub state: Option<Value>,
}

resource! {
    /// One piece of freight moved into one stage.
    pub struct Promotion: crate::kargo::GROUP, crate::kargo::VERSION, "promotions", NamespaceResourceScope {
            /// What is wanted.
            spec: PromotionSpec,
            /// What is known.
            status: Option<PromotionStatus>,
    }
}
with_spec!(Promotion, PromotionSpec);
