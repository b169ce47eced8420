//! What a run carries out: the promotion's variables and inflated steps, read once from the object.

use seaway_api::kargo::PromotionSpec;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeSet;
use std::time::Duration;

/// Separates a task's alias from its steps'.
pub(crate) const TASK_SEPARATOR: &str = "::";

/// A promotion's variables and steps.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct RunSpec {
    /// Promotion-level variables, in order.
    pub vars: Vec<Variable>,
    /// The steps, tasks inflated.
    pub steps: Vec<StepSpec>,
}

/// A name and a template.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Variable {
    /// The name.
    pub name: String,
    /// The value as written.
    pub value: String,
}

/// One step as it is written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StepSpec {
    /// Its full alias (`task::step` inside a task).
    pub alias: String,
    /// The step of the table.
    pub uses: String,
    /// The condition; `None` means: unless something failed before.
    #[serde(default, rename = "if", skip_serializing_if = "Option::is_none")]
    pub condition: Option<String>,
    /// Its failure counts for nothing.
    #[serde(default)]
    pub continue_on_error: bool,
    /// How long it may take in all, from its first start; `None`: the step's own default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Duration>,
    /// How many errors in a row end it; at least 1.
    pub error_threshold: u32,
    /// Variables of this step.
    #[serde(default)]
    pub vars: Vec<Variable>,
    /// The configuration as written.
    #[serde(default)]
    pub config: Value,
}

impl StepSpec {
    /// A step with nothing but a name and a configuration.
    pub fn new(alias: &str, uses: &str, config: Value) -> Self {
        Self {
            alias: alias.into(),
            uses: uses.into(),
            condition: None,
            continue_on_error: false,
            timeout: None,
            error_threshold: 1,
            vars: Vec::new(),
            config,
        }
    }

    /// The alias of the task it belongs to.
    pub fn task(&self) -> Option<&str> {
        self.alias.split_once(TASK_SEPARATOR).map(|(task, _)| task)
    }
}

/// Why a promotion's steps cannot be read.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum SpecError {
    /// Two steps have one alias.
    #[error("two steps have the alias `{0}`; aliases must differ")]
    Duplicate(String),
    /// A task was not inflated: only admission does that.
    #[error("step {0} names a task that admission has not put its steps in place of; create the promotion through the API")]
    Task(usize),
    /// The promotion has no steps.
    #[error("the promotion has no steps")]
    Empty,
}

impl RunSpec {
    /// Reads the object's spec.
    ///
    /// # Errors
    /// [`SpecError`] where admission was passed by.
    pub fn from_promotion(spec: &PromotionSpec) -> Result<Self, SpecError> {
        let mut seen = BTreeSet::new();
        let mut steps = Vec::with_capacity(spec.steps.len());
        for (i, step) in spec.steps.iter().enumerate() {
            if step.task.is_some() {
                return Err(SpecError::Task(i + 1));
            }
            let alias = match step.r#as.trim() {
                "" => format!("step-{}", i + 1),
                alias => alias.to_owned(),
            };
            if !seen.insert(alias.clone()) {
                return Err(SpecError::Duplicate(alias));
            }
            let retry = step.retry.as_ref();
            steps.push(StepSpec {
                alias,
                uses: step.uses.clone(),
                condition: (!step.if_.is_empty()).then(|| step.if_.clone()),
                continue_on_error: step.continue_on_error,
                timeout: retry.and_then(|retry| retry.timeout.as_ref()).and_then(seaway_api::GoDuration::get),
                error_threshold: retry.map_or(1, |retry| u32::try_from(retry.error_threshold).unwrap_or(u32::MAX)).max(1),
                vars: step.vars.iter().map(|v| Variable { name: v.name.clone(), value: v.value.clone() }).collect(),
                config: step.config.clone().unwrap_or_else(|| Value::Object(serde_json::Map::new())),
            });
        }
        if steps.is_empty() {
            return Err(SpecError::Empty);
        }
        Ok(Self { vars: spec.vars.iter().map(|v| Variable { name: v.name.clone(), value: v.value.clone() }).collect(), steps })
    }
}
