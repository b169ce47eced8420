//! Kargo's ClusterConfig: settings for the whole installation.

use super::common::{DeepLink, LocalObjectReference, PromotionWindow};
use super::receivers::{WebhookReceiverConfig, WebhookReceiverDetails};
use crate::conditions::Condition;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Settings for the whole installation.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct ClusterConfigSpec {
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
    /// Who writes commits.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub git_client: Option<GitClientConfig>,
}

/// Who writes commits, and the key that signs them.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
#[schemars(extend("x-required" = ["name", "email"]))]
pub struct GitClientConfig {
    /// The name commits bear.
    #[schemars(extend("minLength" = 1))]
    pub name: String,
    /// The address commits bear.
    #[schemars(extend("minLength" = 1), extend("format" = "email"))]
    pub email: String,
    /// The Secret that holds the key, under `signingKey`.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub signing_key_secret: Option<LocalObjectReference>,
}

/// What is known of the settings.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct ClusterConfigStatus {
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
    /// Settings for the whole installation; its name is `cluster`.
    pub struct ClusterConfig: crate::kargo::GROUP, crate::kargo::VERSION, "clusterconfigs", ClusterResourceScope {
            /// What is wanted.
            spec: ClusterConfigSpec,
            /// What is known.
            status: Option<ClusterConfigStatus>,
    }
}
with_spec!(ClusterConfig, ClusterConfigSpec);
