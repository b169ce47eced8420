//! Kargo's Freight: artifacts that move together. It has no spec; the payload is at the top.

use super::common::{ArtifactReference, Chart, FreightOrigin, GitCommit, Image};
use crate::duration::GoDuration;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// What became of a piece of freight.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct FreightStatus {
    /// The stages it is in.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub currently_in: BTreeMap<String, CurrentStage>,
    /// The stages it was verified in.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub verified_in: BTreeMap<String, VerifiedStage>,
    /// The stages it was approved for by hand.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub approved_for: BTreeMap<String, ApprovedStage>,
    /// What steps wrote about it.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub metadata: BTreeMap<String, Value>,
}

/// Since when freight is in a stage.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct CurrentStage {
    /// Since when.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub since: Option<Time>,
}

/// When freight was verified in a stage.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct VerifiedStage {
    /// When.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub verified_at: Option<Time>,
    /// The longest time it has completed there.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub longest_soak: Option<GoDuration>,
}

/// When freight was approved for a stage.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct ApprovedStage {
    /// When.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub approved_at: Option<Time>,
}
resource! {
    /// Artifacts that move together.
    pub struct Freight: crate::kargo::GROUP, crate::kargo::VERSION, "freights", NamespaceResourceScope {
        /// A name for people, one a project.
        alias: String,
        /// When it was found; the order of freight is the order of these.
        discovered_at: Option<Time>,
        /// Where it came from.
        origin: FreightOrigin,
        /// The commits.
        commits: Vec<GitCommit>,
        /// The images.
        images: Vec<Image>,
        /// The charts.
        charts: Vec<Chart>,
        /// Artifacts of other kinds.
        artifacts: Vec<ArtifactReference>,
        /// What became of it.
        status: Option<FreightStatus>,
    }
}

impl Freight {
    /// When it was found, or made if that was not recorded.
    pub fn found_at(&self) -> Option<jiff::Timestamp> {
        self.discovered_at.as_ref().or(self.metadata.creation_timestamp.as_ref()).map(|time| time.0)
    }

    /// The snapshot of it that other objects carry.
    pub fn reference(&self) -> super::common::FreightReference {
        super::common::FreightReference {
            name: self.metadata.name.clone().unwrap_or_default(),
            origin: self.origin.clone(),
            commits: self.commits.clone(),
            images: self.images.clone(),
            charts: self.charts.clone(),
            artifacts: self.artifacts.clone(),
        }
    }
}
