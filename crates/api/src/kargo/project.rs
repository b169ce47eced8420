//! Kargo's Project: a tenant, with a namespace of its own name.

use crate::conditions::Condition;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What is known of a project.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct ProjectStatus {
    /// Why it is as it is.
    #[serde(skip_serializing_if = "crate::is_default")]
    #[schemars(extend("x-kubernetes-list-type" = "map"), extend("x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
    /// Counts of what is in it.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub stats: Option<ProjectStats>,
}

/// Counts of a project's parts.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct ProjectStats {
    /// The warehouses.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub warehouses: PartStats,
    /// The stages.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub stages: PartStats,
}

/// How many there are and how many are healthy.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct PartStats {
    /// How many there are.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub count: i64,
    /// How they fare.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub health: HealthStats,
}

/// How many are healthy.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct HealthStats {
    /// How many are healthy.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub healthy: i64,
}

resource! {
    /// A tenant. It has no spec; its namespace has its name.
    pub struct Project: crate::kargo::GROUP, crate::kargo::VERSION, "projects", ClusterResourceScope {
            /// What is known.
            status: Option<ProjectStatus>,
    }
}
