//! Kargo's ProjectConfig: how promotions go in one project.

use super::common::{DeepLink, PromotionWindow, StageSelector};
use super::receivers::{WebhookReceiverConfig, WebhookReceiverDetails};
use crate::conditions::Condition;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How promotions go in a project.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct ProjectConfigSpec {
    /// Which stages promote by themselves; the first that matches decides.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub promotion_policies: Vec<PromotionPolicy>,
    /// Where the outside may tell of news.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub webhook_receivers: Vec<WebhookReceiverConfig>,
    /// Links shown beside freight.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub freight_links: Vec<DeepLink>,
    /// Links shown beside stages.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub stage_links: Vec<DeepLink>,
    /// When promotions are allowed.
    #[serde(skip_serializing_if = "crate::is_default")]
    #[schemars(extend("x-kubernetes-list-type" = "map"), extend("x-kubernetes-list-map-keys" = ["name"]))]
    pub promotion_windows: Vec<PromotionWindow>,
}

/// Whether stages promote by themselves.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = [
    { "rule": "has(self.stage) != has(self.stageSelector)", "message": "a policy has exactly one of stage and stageSelector" }
]))]
pub struct PromotionPolicy {
    /// The stage's name; `stageSelector` has taken its place.
    #[serde(skip_serializing_if = "crate::is_default")]
    #[schemars(extend("pattern" = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"))]
    pub stage: String,
    /// The stages it is for.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub stage_selector: Option<StageSelector>,
    /// Whether new freight is promoted without being asked.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub auto_promotion_enabled: bool,
    /// When to go back by itself.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub auto_rollback: Option<AutoRollback>,
}

/// When a stage goes back to its last stable freight.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct AutoRollback {
    /// Promotion phases that trigger it.
    #[serde(skip_serializing_if = "crate::is_default")]
    #[schemars(extend("maxItems" = 2), extend("x-kubernetes-list-type" = "set"), extend("x-kubernetes-validations" = [
        { "rule": "self.all(phase, phase in ['Failed', 'Errored'])", "message": "onPromotion takes Failed and Errored" }
    ]))]
    pub on_promotion: Vec<String>,
    /// Verification phases that trigger it.
    #[serde(skip_serializing_if = "crate::is_default")]
    #[schemars(extend("maxItems" = 2), extend("x-kubernetes-list-type" = "set"), extend("x-kubernetes-validations" = [
        { "rule": "self.all(phase, phase in ['Failed', 'Error'])", "message": "onVerification takes Failed and Error" }
    ]))]
    pub on_verification: Vec<String>,
}

/// What is known of a project's configuration.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct ProjectConfigStatus {
    /// Why it is as it is.
    #[serde(skip_serializing_if = "crate::is_default")]
    #[schemars(extend("x-kubernetes-list-type" = "map"), extend("x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
    /// The generation that was last wholly applied.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub observed_generation: Option<i64>,
    /// The refresh token last handled.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub last_handled_refresh: String,
    /// Where the receivers are.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub webhook_receivers: Vec<WebhookReceiverDetails>,
}

resource! {
    /// How promotions go in the project it is in; it bears the project's name.
    pub struct ProjectConfig: crate::kargo::GROUP, crate::kargo::VERSION, "projectconfigs", NamespaceResourceScope {
            /// What is wanted.
            spec: ProjectConfigSpec,
            /// What is known.
            status: Option<ProjectConfigStatus>,
    }
}
with_spec!(ProjectConfig, ProjectConfigSpec);
