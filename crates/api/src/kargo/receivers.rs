//! Webhook receivers: where the outside may tell of news.

use super::common::{LabelSelector, LocalObjectReference};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A receiver; exactly one of the types is set.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
#[schemars(extend("x-required" = ["name"]))]
pub struct WebhookReceiverConfig {
    /// The name, which is part of the address.
    #[schemars(extend("minLength" = 1), extend("maxLength" = 253), extend("pattern" = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"))]
    pub name: String,
    /// Bitbucket.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub bitbucket: Option<SecretReceiver>,
    /// Docker Hub.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub dockerhub: Option<SecretReceiver>,
    /// GitHub.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub github: Option<SecretReceiver>,
    /// GitLab.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub gitlab: Option<SecretReceiver>,
    /// Harbor.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub harbor: Option<SecretReceiver>,
    /// Quay.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub quay: Option<SecretReceiver>,
    /// Artifactory.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub artifactory: Option<ArtifactoryReceiver>,
    /// Azure.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub azure: Option<SecretReceiver>,
    /// Gitea.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub gitea: Option<SecretReceiver>,
    /// Anything that posts JSON.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub generic: Option<GenericReceiver>,
}

/// A receiver that needs no more than a Secret.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
#[schemars(extend("x-required" = ["secretRef"]))]
pub struct SecretReceiver {
    /// The Secret.
    pub secret_ref: LocalObjectReference,
}

/// A receiver for Artifactory.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
#[schemars(extend("x-required" = ["secretRef"]))]
pub struct ArtifactoryReceiver {
    /// The Secret.
    pub secret_ref: LocalObjectReference,
    /// The virtual repository that clients pull from.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub virtual_repo_name: String,
}

/// A receiver for anything that posts JSON.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
#[schemars(extend("x-required" = ["secretRef"]))]
pub struct GenericReceiver {
    /// The Secret.
    pub secret_ref: LocalObjectReference,
    /// What to do.
    #[serde(skip_serializing_if = "crate::is_default")]
    #[schemars(extend("minItems" = 1))]
    pub actions: Vec<GenericAction>,
}

/// What a generic receiver does.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
#[schemars(extend("x-required" = ["action"]))]
pub struct GenericAction {
    /// The action: Refresh.
    #[schemars(extend("enum" = ["Refresh"]))]
    pub action: String,
    /// When to do it; empty is always.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub when_expression: String,
    /// Parameters of the action.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub parameters: BTreeMap<String, String>,
    /// What to do it to.
    #[serde(skip_serializing_if = "crate::is_default")]
    #[schemars(extend("minItems" = 1))]
    pub target_selection_criteria: Vec<TargetCriteria>,
}

/// What an action is done to; all given selectors must match.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
#[schemars(extend("x-required" = ["kind"]))]
pub struct TargetCriteria {
    /// The kind.
    #[schemars(extend("enum" = ["Warehouse"]))]
    pub kind: String,
    /// The name; a template.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub name: String,
    /// The labels; values are templates.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub label_selector: Option<LabelSelector>,
    /// The indexed values.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub index_selector: Option<IndexSelector>,
}

/// Selects by an index.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct IndexSelector {
    /// Requirements, all of which must hold.
    #[serde(skip_serializing_if = "crate::is_default")]
    #[schemars(extend("minItems" = 1))]
    pub match_indices: Vec<IndexRequirement>,
}

/// One requirement of an index selector.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
#[schemars(extend("x-required" = ["key", "operator", "value"]))]
pub struct IndexRequirement {
    /// The index.
    #[schemars(extend("enum" = ["subscribedURLs", "receiverPaths"]))]
    pub key: String,
    /// Equals or NotEquals; Kargo's schema takes any text.
    pub operator: String,
    /// The value; a template.
    pub value: String,
}

/// Where a receiver is.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct WebhookReceiverDetails {
    /// Its name.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub name: String,
    /// Its path.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub path: String,
    /// Its address.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub url: String,
}
