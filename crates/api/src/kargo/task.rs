//! Kargo's PromotionTask and ClusterPromotionTask: steps that stages share.

use super::common::{ExpressionVariable, PromotionStep};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Steps that stages share.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
#[schemars(extend("x-required" = ["steps"]))]
pub struct PromotionTaskSpec {
    /// Inputs, with their defaults; an empty one must be given.
    #[serde(skip_serializing_if = "crate::is_default")]
    pub vars: Vec<ExpressionVariable>,
    /// The steps.
    #[schemars(extend("minItems" = 1), extend("x-item-rules" = [
        { "rule": "has(self.uses) && !has(self.task)", "message": "a task's step has uses and calls no other task" }
    ]))]
    pub steps: Vec<PromotionStep>,
}

resource! {
    /// Steps that the stages of a project share.
    pub struct PromotionTask: crate::kargo::GROUP, crate::kargo::VERSION, "promotiontasks", NamespaceResourceScope {
            /// What is wanted.
            spec: PromotionTaskSpec,
    }
}
with_spec!(PromotionTask, PromotionTaskSpec);

resource! {
    /// Steps that the stages of all projects share.
    pub struct ClusterPromotionTask: crate::kargo::GROUP, crate::kargo::VERSION, "clusterpromotiontasks", ClusterResourceScope {
            /// What is wanted.
            spec: PromotionTaskSpec,
    }
}
with_spec!(ClusterPromotionTask, PromotionTaskSpec);
