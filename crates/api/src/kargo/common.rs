//! The parts that several of Kargo's kinds share: origins, artifacts, steps, variables, links, selectors.

use super::enums::{FreightOriginKind, PromotionStepStatus};
use crate::duration::GoDuration;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// Where freight comes from.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema, Eq, PartialOrd, Ord)]
#[serde(default, rename_all = "camelCase")]
#[schemars(extend("x-required" = ["kind", "name"]))]
pub struct FreightOrigin {
    /// What kind of thing made the freight; a Warehouse today.
    #[schemars(extend("enum" = ["Warehouse"]))]
    pub kind: FreightOriginKind,
    /// Its name.
    pub name: String,
}

/// A commit, as freight carries it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct GitCommit {
    /// The repository, as the subscription wrote it.
    #[serde(rename = "repoURL", skip_serializing_if = "crate::is_default")]
    pub repo_url: String,
    /// The commit id.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub id: String,
    /// The branch it was found on, if one was named.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub branch: String,
    /// The tag it was found by.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub tag: String,
    /// The first line of its message.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub message: String,
    /// Who wrote it.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub author: String,
    /// Who committed it.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub committer: String,
    /// The name of the subscription that found it.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub subscription_name: String,
}

/// A container image, as freight carries it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct Image {
    /// The repository, without a scheme.
    #[serde(rename = "repoURL", skip_serializing_if = "crate::is_default")]
    pub repo_url: String,
    /// The tag.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub tag: String,
    /// The digest.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub digest: String,
    /// The image's annotations.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub annotations: BTreeMap<String, String>,
    /// The name of the subscription that found it.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub subscription_name: String,
}

/// A Helm chart, as freight carries it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct Chart {
    /// The chart repository.
    #[serde(rename = "repoURL", skip_serializing_if = "crate::is_default")]
    pub repo_url: String,
    /// The chart's name; empty for an OCI chart.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub name: String,
    /// The version.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub version: String,
    /// The name of the subscription that found it.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub subscription_name: String,
}

/// An artifact of another kind, as freight carries it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
#[schemars(extend("x-required" = ["subscriptionName", "version"]))]
pub struct ArtifactReference {
    /// The type of the artifact.
    #[serde(skip_serializing_if = "crate::is_default")]
    #[schemars(extend("minLength" = 1))]
    pub artifact_type: String,
    /// The name of the subscription that found it.
    #[schemars(extend("minLength" = 1))]
    pub subscription_name: String,
    /// The version.
    #[schemars(extend("minLength" = 1))]
    pub version: String,
    /// Whatever else is known of it.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub metadata: Option<Value>,
}

/// A snapshot of a piece of freight inside another object.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct FreightReference {
    /// The freight's name.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub name: String,
    /// Where it came from.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub origin: FreightOrigin,
    /// The commits.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub commits: Vec<GitCommit>,
    /// The images.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub images: Vec<Image>,
    /// The charts.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub charts: Vec<Chart>,
    /// Artifacts of other kinds.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub artifacts: Vec<ArtifactReference>,
}

/// Pieces of freight, one an origin, that are in a stage together.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
#[schemars(extend("x-required" = ["id"]))]
pub struct FreightCollection {
    /// The id, made from the names of the freight.
    pub id: String,
    /// The freight by origin key (`Warehouse/<name>`).
    #[serde(skip_serializing_if = "crate::is_default")]
    pub items: BTreeMap<String, FreightReference>,
    /// The verifications of this collection, newest first.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub verification_history: Vec<VerificationInfo>,
}

/// One verification of a collection.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct VerificationInfo {
    /// The id of the verification.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub id: String,
    /// Who asked for it.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub actor: String,
    /// When it started.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub start_time: Option<Time>,
    /// Where it stands.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub phase: String,
    /// Why.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub message: String,
    /// The AnalysisRun that does it.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub analysis_run: Option<AnalysisRunReference>,
    /// When it ended.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub finish_time: Option<Time>,
}

/// A reference to an AnalysisRun.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
#[schemars(extend("x-required" = ["namespace", "name", "phase"]))]
pub struct AnalysisRunReference {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its phase.
    pub phase: String,
}

/// A variable whose value may hold expressions.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
#[schemars(extend("x-required" = ["name"]))]
pub struct ExpressionVariable {
    /// The name.
    #[schemars(extend("minLength" = 1), extend("pattern" = r"^[a-zA-Z_]\w*$"))]
    pub name: String,
    /// The value; templates are evaluated.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub value: String,
}

/// A step of a promotion, or of a task.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct PromotionStep {
    /// The step to run.
    #[serde(skip_serializing_if = "crate::is_default")]
    #[schemars(extend("minLength" = 1))]
    pub uses: String,
    /// The task to put in the step's place.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub task: Option<PromotionTaskReference>,
    /// Whether to run, as a template.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub if_: String,
    /// The alias outputs are found by.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub r#as: String,
    /// Whether a failure of this step fails the promotion.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub continue_on_error: bool,
    /// When to give up.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub retry: Option<PromotionStepRetry>,
    /// Variables of this step.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub vars: Vec<ExpressionVariable>,
    /// The step's own configuration.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub config: Option<Value>,
}

/// A reference to a task.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
#[schemars(extend("x-required" = ["name"]))]
pub struct PromotionTaskReference {
    /// The task's name.
    #[schemars(extend("minLength" = 1), extend("maxLength" = 253), extend("pattern" = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"))]
    pub name: String,
    /// The kind: PromotionTask (the default) or ClusterPromotionTask.
    #[serde(skip_serializing_if = "crate::is_default")]
    #[schemars(extend("enum" = ["PromotionTask", "ClusterPromotionTask"]))]
    pub kind: String,
}

/// When a step is given up.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct PromotionStepRetry {
    /// How long the step may take in all.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub timeout: Option<GoDuration>,
    /// How many errors end it.
    #[serde(skip_serializing_if = "crate::is_default")]
    #[schemars(extend("format" = "int32"))]
    pub error_threshold: i64,
}

/// A check that a promotion left behind.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
#[schemars(extend("x-required" = ["uses"]))]
pub struct HealthCheckStep {
    /// The step whose check it is.
    #[schemars(extend("minLength" = 1))]
    pub uses: String,
    /// What the check needs.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub config: Option<Value>,
}

/// What is known of a step's execution.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct StepExecutionMetadata {
    /// The step's alias.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub alias: String,
    /// When it started.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub started_at: Option<Time>,
    /// When it ended.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub finished_at: Option<Time>,
    /// How many errors it met.
    #[serde(skip_serializing_if = "crate::is_default")]
    #[schemars(extend("format" = "int32"))]
    pub error_count: i64,
    /// How it stands.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub status: PromotionStepStatus,
    /// Why.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub message: String,
    /// Whether its failure fails the promotion.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub continue_on_error: bool,
}

/// A selector over labels.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-map-type" = "atomic"))]
pub struct LabelSelector {
    /// Labels that must be there with these values.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub match_labels: BTreeMap<String, String>,
    /// Requirements, all of which must hold.
    #[serde(skip_serializing_if = "crate::is_default")]
    #[schemars(extend("x-kubernetes-list-type" = "atomic"))]
    pub match_expressions: Vec<LabelSelectorRequirement>,
}

/// One requirement of a selector.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
#[schemars(extend("x-required" = ["key", "operator"]))]
pub struct LabelSelectorRequirement {
    /// The label.
    pub key: String,
    /// In, NotIn, Exists or DoesNotExist.
    pub operator: String,
    /// The values for In and NotIn.
    #[serde(skip_serializing_if = "crate::is_default")]
    #[schemars(extend("x-kubernetes-list-type" = "atomic"))]
    pub values: Vec<String>,
}

/// A name in the same namespace.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-map-type" = "atomic"))]
pub struct LocalObjectReference {
    /// The name.
    #[serde(skip_serializing_if = "crate::is_default")]
    #[schemars(extend("x-default" = ""))]
    pub name: String,
}

/// A link that is shown beside an object.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
#[schemars(extend("x-required" = ["title", "url"]))]
pub struct DeepLink {
    /// What the link says.
    #[schemars(extend("minLength" = 1))]
    pub title: String,
    /// Where it goes; a template.
    #[schemars(extend("minLength" = 1))]
    pub url: String,
    /// More about it.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub description: String,
    /// An expression that says whether it is shown.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub if_: String,
}

/// A window in which promotions are allowed or denied.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
#[schemars(extend("x-required" = ["name", "kind"]))]
pub struct PromotionWindow {
    /// The name of the window.
    #[schemars(extend("minLength" = 1), extend("maxLength" = 253), extend("pattern" = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"))]
    pub name: String,
    /// Why there is this window, for people.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub description: String,
    /// Whether the window is left out of account.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub disabled: bool,
    /// The stages it is for; all if absent.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub stage_selector: Option<StageSelector>,
    /// The projects it is for; ClusterConfig only.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub project_selector: Option<StageSelector>,
    /// Allow or Deny.
    #[schemars(extend("enum" = ["Allow", "Deny"]))]
    pub kind: String,
    /// How it recurs (RFC 5545).
    #[serde(skip_serializing_if = "crate::is_default")]
    pub rrule: String,
    /// When it begins.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub dtstart: String,
    /// When it ends.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub dtend: String,
}

/// Selects by name pattern and labels, both of which must match.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-map-type" = "atomic"))]
pub struct StageSelector {
    /// An exact name, or `regex:`, `regexp:` or `glob:` and a pattern.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub name: String,
    /// Labels that must be there with these values.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub match_labels: BTreeMap<String, String>,
    /// Requirements, all of which must hold.
    #[serde(skip_serializing_if = "crate::is_default")]
    #[schemars(extend("x-kubernetes-list-type" = "atomic"))]
    pub match_expressions: Vec<LabelSelectorRequirement>,
}

impl FreightOrigin {
    /// The origin that is the warehouse of that name.
    pub fn warehouse(name: &str) -> Self {
        Self { kind: FreightOriginKind::Warehouse, name: name.to_owned() }
    }

    /// The key collections and holds file it under: `Warehouse/<name>`.
    pub fn key(&self) -> String {
        format!("{}/{}", self.kind, self.name)
    }
}

impl std::fmt::Display for FreightOrigin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.kind, self.name)
    }
}
