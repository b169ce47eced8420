//! Kargo's Stage: a place that freight is promoted to.

use super::common::{ExpressionVariable, FreightCollection, FreightOrigin, FreightReference, LabelSelector, PromotionStep};
use super::enums::{AutoPromotionSelectionPolicy, FreightAvailabilityStrategy, HealthState};
use super::promotion::PromotionStatus;
use crate::conditions::Condition;
use crate::duration::GoDuration;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// What a stage takes and how.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
#[schemars(extend("x-required" = ["requestedFreight"]))]
pub struct StageSpec {
    /// The shard that looks after it.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub shard: String,
    /// Variables for its promotions and verifications.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub vars: Vec<ExpressionVariable>,
    /// What freight it takes, from where.
    #[schemars(extend("minItems" = 1))]
    pub requested_freight: Vec<FreightRequest>,
    /// How it is promoted; without steps it only passes freight on.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub promotion_template: Option<PromotionTemplate>,
    /// How its freight is verified.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub verification: Option<Verification>,
    /// The targets it fans out to.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub targets: Option<StageTargets>,
}

/// Freight of one origin, and where it may come from.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
#[schemars(extend("x-required" = ["origin", "sources"]))]
pub struct FreightRequest {
    /// The origin.
    pub origin: FreightOrigin,
    /// Where it may come from.
    pub sources: FreightSources,
}

/// Where freight may come from.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct FreightSources {
    /// Straight from its warehouse.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub direct: bool,
    /// From these stages, once verified there.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub stages: Vec<String>,
    /// How long it must have been there.
    #[serde(skip_serializing_if = "crate::is_default")]
    #[schemars(extend("pattern" = GoDuration::PATTERN))]
    pub required_soak_time: Option<GoDuration>,
    /// Whether all of the stages or one must have verified it.
    #[serde(skip_serializing_if = "crate::is_default")]
    #[schemars(extend("enum" = ["All", "OneOf", ""]))]
    pub availability_strategy: FreightAvailabilityStrategy,
    /// How the freight that is promoted by itself is chosen.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub auto_promotion_options: Option<AutoPromotionOptions>,
}

/// How the freight that is promoted by itself is chosen.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct AutoPromotionOptions {
    /// The newest, or what the upstream stage has.
    #[serde(skip_serializing_if = "crate::is_default")]
    #[schemars(extend("enum" = ["NewestFreight", "MatchUpstream"]))]
    pub selection_policy: AutoPromotionSelectionPolicy,
}

/// How promotions to a stage are made.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
#[schemars(extend("x-required" = ["spec"]))]
pub struct PromotionTemplate {
    /// The steps and variables.
    pub spec: PromotionTemplateSpec,
}

/// The steps and variables of a stage's promotions.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct PromotionTemplateSpec {
    /// Variables of the promotion.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub vars: Vec<ExpressionVariable>,
    /// The steps, in order.
    #[serde(skip_serializing_if = "crate::is_default")]
    #[schemars(extend("minItems" = 1), extend("x-item-rules" = [
        { "rule": "has(self.uses) != has(self.task)", "message": "a step has exactly one of uses and task" },
        { "rule": "!has(self.task) || !has(self.continueOnError)", "message": "a step that calls a task cannot have continueOnError" },
        { "rule": "!has(self.task) || !has(self.retry)", "message": "a step that calls a task cannot have retry" }
    ]))]
    pub steps: Vec<PromotionStep>,
}

/// How a stage's freight is verified.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct Verification {
    /// The templates of the analysis.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub analysis_templates: Vec<AnalysisTemplateReference>,
    /// What the analysis run bears.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub analysis_run_metadata: Option<AnalysisRunMetadata>,
    /// Arguments of the templates.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub args: Vec<AnalysisRunArgument>,
}

/// A reference to an analysis template.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
#[schemars(extend("x-required" = ["name"]))]
pub struct AnalysisTemplateReference {
    /// Its name.
    pub name: String,
    /// AnalysisTemplate (the default) or ClusterAnalysisTemplate.
    #[serde(skip_serializing_if = "crate::is_default")]
    #[schemars(extend("enum" = ["AnalysisTemplate", "ClusterAnalysisTemplate"]))]
    pub kind: String,
}

/// What an analysis run bears.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct AnalysisRunMetadata {
    /// Labels.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub labels: BTreeMap<String, String>,
    /// Annotations.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub annotations: BTreeMap<String, String>,
}

/// An argument of an analysis.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
#[schemars(extend("x-required" = ["name", "value"]))]
pub struct AnalysisRunArgument {
    /// Its name.
    pub name: String,
    /// Its value; a template.
    pub value: String,
}

/// The targets a stage fans out to.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct StageTargets {
    /// Which; the union of them.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub selectors: Vec<LabelSelector>,
}

/// What is known of a stage.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct StageStatus {
    /// Why it is as it is.
    #[serde(skip_serializing_if = "crate::is_default")]
    #[schemars(extend("x-kubernetes-list-type" = "map"), extend("x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
    /// The refresh token last handled.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub last_handled_refresh: String,
    /// What is and was in it, newest first.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub freight_history: Vec<FreightCollection>,
    /// What is in it, in a word.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub freight_summary: String,
    /// How it fares.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub health: Option<Health>,
    /// The generation that was last wholly applied.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub observed_generation: Option<i64>,
    /// The promotion that runs.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub current_promotion: Option<PromotionReference>,
    /// The promotion that ended last.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub last_promotion: Option<PromotionReference>,
    /// The request that runs.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub current_promotion_request: Option<PromotionRequestReference>,
    /// The request that ended last.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub last_promotion_request: Option<PromotionRequestReference>,
    /// Whether new freight is promoted without being asked.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub auto_promotion_enabled: bool,
    /// Origins that are held, by key.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub auto_promotion_holds: BTreeMap<String, AutoPromotionHold>,
    /// The same, with what is on its way.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub effective_auto_promotion_holds: BTreeMap<String, AutoPromotionHold>,
    /// Whether a window is closed.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub promotion_window_status: Option<PromotionWindowStatus>,
    /// What steps wrote about it.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub metadata: BTreeMap<String, Value>,
}

/// How a stage fares.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct Health {
    /// In a word.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub status: HealthState,
    /// What is wrong.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub issues: Vec<String>,
    /// What was checked.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub config: Option<Value>,
    /// What the checks said.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub output: Option<Value>,
}

/// A promotion, as its stage remembers it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
#[schemars(extend("x-required" = ["name"]))]
pub struct PromotionReference {
    /// Its name.
    pub name: String,
    /// Its freight.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub freight: Option<FreightReference>,
    /// How it ended.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub status: Option<PromotionStatus>,
    /// When it ended.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub finished_at: Option<Time>,
}

/// A promotion request, as its stage remembers it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct PromotionRequestReference {
    /// Its name.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub name: String,
    /// Its freight.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub freight: Option<NamedFreight>,
    /// How it stands.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub phase: String,
    /// When it ended.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub finished_at: Option<Time>,
}

/// Freight by its name.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct NamedFreight {
    /// Its name.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub name: String,
}

/// Why an origin is not promoted by itself.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
#[schemars(extend("x-required" = ["freightName", "origin"]))]
pub struct AutoPromotionHold {
    /// The freight that was chosen.
    pub freight_name: String,
    /// The origin that is held.
    pub origin: FreightOrigin,
    /// The promotion that set the hold.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub promotion_name: String,
    /// Who made it.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub actor: String,
    /// When.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub created_at: Option<Time>,
}

/// Whether a window is closed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct PromotionWindowStatus {
    /// Whether promotions are kept out now.
    pub closed: bool,
    /// Why.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub reason: String,
    /// When it opens.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub next_open: Option<Time>,
    /// When it closes.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub next_close: Option<Time>,
    /// Why it closes then.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub next_close_reason: String,
}

resource! {
    /// A place that freight is promoted to.
    pub struct Stage: crate::kargo::GROUP, crate::kargo::VERSION, "stages", NamespaceResourceScope {
            /// What is wanted.
            spec: StageSpec,
            /// What is known.
            status: Option<StageStatus>,
    }
}
with_spec!(Stage, StageSpec);
