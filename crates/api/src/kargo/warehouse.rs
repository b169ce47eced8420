//! Kargo's Warehouse: what to look for, and what was found.

use super::common::ArtifactReference;
use super::enums::FreightCreationPolicy;
use super::subscription::Subscription;
use crate::conditions::Condition;
use crate::duration::GoDuration;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What a warehouse looks for.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
#[schemars(extend("x-required" = ["interval", "subscriptions"]))]
pub struct WarehouseSpec {
    /// The shard that looks after it.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub shard: String,
    /// How often it looks.
    #[serde(skip_serializing_if = "crate::is_default")]
    #[schemars(extend("x-default" = "5m0s"), extend("pattern" = GoDuration::PATTERN))]
    pub interval: GoDuration,
    /// Whether what is found becomes freight by itself.
    #[serde(skip_serializing_if = "crate::is_default")]
    #[schemars(extend("enum" = ["Automatic", "Manual"]), extend("x-default" = "Automatic"))]
    pub freight_creation_policy: FreightCreationPolicy,
    /// What it looks for.
    #[schemars(extend("minItems" = 1))]
    pub subscriptions: Vec<Subscription>,
    /// What must hold of the artifacts before they become freight.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub freight_creation_criteria: Option<FreightCreationCriteria>,
}

/// What must hold of the artifacts before they become freight.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct FreightCreationCriteria {
    /// An expression that says whether they may.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub expression: String,
}

/// What is known of a warehouse.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct WarehouseStatus {
    /// Why it is as it is.
    #[serde(skip_serializing_if = "crate::is_default")]
    #[schemars(extend("x-kubernetes-list-type" = "map"), extend("x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
    /// The refresh token last handled.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub last_handled_refresh: String,
    /// The generation that was last wholly applied.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub observed_generation: Option<i64>,
    /// The freight made last.
    #[serde(rename = "lastFreightID", skip_serializing_if = "crate::is_default")]
    pub last_freight_id: String,
    /// What was found.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub discovered_artifacts: Option<DiscoveredArtifacts>,
}

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct DiscoveredArtifacts {
    /// When.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub discovered_at: Option<Time>,
    /// In git repositories.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub git: Vec<GitDiscoveryResult>,
    /// In image repositories.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub images: Vec<ImageDiscoveryResult>,
    /// In chart repositories.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub charts: Vec<ChartDiscoveryResult>,
    /// Elsewhere.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub results: Vec<DiscoveryResult>,
}

/// What was found in a git repository.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
#[schemars(extend("x-required" = ["repoURL"]))]
pub struct GitDiscoveryResult {
    /// The repository.
    #[serde(rename = "repoURL")]
    #[schemars(extend("minLength" = 1), extend("pattern" = super::subscription::GIT_URL))]
    pub repo_url: String,
    /// The subscription.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub subscription_name: String,
    /// The commits, best first.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub commits: Vec<DiscoveredCommit>,
    /// The references as they were seen.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub observed_refs: Option<ObservedRefs>,
}

/// References as they were seen.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct ObservedRefs {
    /// The tip of the branch.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub branch_head: String,
    /// The tags.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub tags: Vec<ObservedTag>,
}

/// A tag as it was seen.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
#[schemars(extend("x-required" = ["name", "id"]))]
pub struct ObservedTag {
    /// Its name.
    #[schemars(extend("minLength" = 1))]
    pub name: String,
    /// What it points to.
    #[schemars(extend("minLength" = 1))]
    pub id: String,
}

/// A commit that was found.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct DiscoveredCommit {
    /// The commit id.
    #[serde(skip_serializing_if = "crate::is_default")]
    #[schemars(extend("minLength" = 1))]
    pub id: String,
    /// The branch it was found on.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub branch: String,
    /// The tag it was found by.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub tag: String,
    /// The first line of its message.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub subject: String,
    /// Who wrote it.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub author: String,
    /// Who committed it.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub committer: String,
    /// When.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub creator_date: Option<Time>,
}

/// What was found in an image repository.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
#[schemars(extend("x-required" = ["repoURL"]))]
pub struct ImageDiscoveryResult {
    /// The repository.
    #[serde(rename = "repoURL")]
    #[schemars(extend("minLength" = 1))]
    pub repo_url: String,
    /// The platform that was asked for.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub platform: String,
    /// The subscription.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub subscription_name: String,
    /// The images, best first.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub references: Vec<DiscoveredImageReference>,
}

/// An image that was found.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
#[schemars(extend("x-required" = ["tag", "digest"]))]
pub struct DiscoveredImageReference {
    /// The tag.
    #[schemars(extend("minLength" = 1), extend("maxLength" = 128), extend("pattern" = r"^[\w.\-\_]+$"))]
    pub tag: String,
    /// The digest.
    #[schemars(extend("minLength" = 1), extend("pattern" = r"^[a-z0-9]+:[a-f0-9]+$"))]
    pub digest: String,
    /// Its annotations.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub annotations: BTreeMap<String, String>,
    /// When it was made.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub created_at: Option<Time>,
}

/// What was found in a chart repository.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
#[schemars(extend("x-required" = ["repoURL"]))]
pub struct ChartDiscoveryResult {
    /// The repository.
    #[serde(rename = "repoURL")]
    #[schemars(extend("minLength" = 1))]
    pub repo_url: String,
    /// The chart.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub name: String,
    /// The constraint that was applied.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub semver_constraint: String,
    /// The versions, best first.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub versions: Vec<String>,
    /// The subscription.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub subscription_name: String,
}

/// What was found by another kind of subscription.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
#[schemars(extend("x-required" = ["name"]))]
pub struct DiscoveryResult {
    /// The subscription.
    #[schemars(extend("minLength" = 1))]
    pub name: String,
    /// The artifacts, best first.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub artifact_references: Vec<ArtifactReference>,
}

resource! {
    /// Looks for new versions of artifacts and makes freight of them.
    pub struct Warehouse: crate::kargo::GROUP, crate::kargo::VERSION, "warehouses", NamespaceResourceScope {
            /// What is wanted.
            spec: WarehouseSpec,
            /// What is known.
            status: Option<WarehouseStatus>,
    }
}
with_spec!(Warehouse, WarehouseSpec);
