//! What the engine is given from above: the table of steps, data of the control plane, and where the journal is saved.

use async_trait::async_trait;
use seaway_base::{Next, Secret};
use serde_json::{Map, Value};
use std::sync::Arc;

use crate::facts::Facts;
use crate::state::{RunState, Wait};
use crate::step::Step;

/// The table of steps.
pub trait StepTable: Send + Sync + 'static {
    /// The step of that name.
    fn get(&self, name: &str) -> Lookup;
}

/// What the table knows of a name.
#[derive(Clone)]
pub enum Lookup {
    /// The step.
    Step(Arc<dyn Step>),
    /// Kargo has it, this release does not: the run is blocked, not failed.
    NotBuilt,
    /// Nobody has it.
    Unknown,
}

impl std::fmt::Debug for Lookup {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Step(step) => write!(f, "Step({})", step.name()),
            Self::NotBuilt => f.write_str("NotBuilt"),
            Self::Unknown => f.write_str("Unknown"),
        }
    }
}

/// Answers data functions of expressions. Implemented over the control plane by `controllers`.
#[async_trait]
pub trait DataSource: Send + Sync + 'static {
    /// Answers one call, in the name of the project.
    ///
    /// # Errors
    /// [`DataError`] if it cannot be read now or ever; a missing object is a [`Datum`], not an error.
    async fn fetch(&self, project: &str, ask: &DataAsk) -> Result<Datum, DataError>;
}

/// One call of a data function.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DataAsk {
    /// `configMap`, `secret`, `sharedConfigMap`, `sharedSecret`, `freightMetadata`, `freightStatus` or `stageMetadata`.
    pub function: String,
    /// Its arguments, as JSON text.
    pub arguments: Vec<String>,
}

impl DataAsk {
    /// The name of the object that is asked for: the first argument.
    pub fn name(&self) -> Option<String> {
        self.arguments.first().and_then(|text| serde_json::from_str(text).ok())
    }

    /// The key it is journalled under.
    pub fn key(&self) -> String {
        format!("{}({})", self.function, self.arguments.join(","))
    }

    /// The call that is journalled under a key; `None` if that is none of ours.
    pub fn of_key(key: &str) -> Option<Self> {
        let (function, arguments) = key.strip_suffix(')')?.split_once('(')?;
        let arguments: Vec<Value> = serde_json::from_str(&format!("[{arguments}]")).ok()?;
        Some(Self { function: function.to_owned(), arguments: arguments.iter().map(Value::to_string).collect() })
    }
}

/// What a data function answers.
#[derive(Debug, Clone)]
pub enum Datum {
    /// A value that anyone may read; `null` or `{}` for what does not exist, as the function says.
    Value(Value),
    /// The content of a Secret; empty uid and version if there is none.
    Secret {
        /// Its uid.
        uid: String,
        /// Its version.
        resource_version: String,
        /// Its content.
        data: Secret<Map<String, Value>>,
    },
}

/// Why a datum could not be had.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct DataError {
    /// What comes next.
    pub next: Next,
    /// What was tried, and why it did not work.
    pub message: String,
}

/// Knows nothing: for pipelines without data functions, and for tests.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoData;

#[async_trait]
impl DataSource for NoData {
    async fn fetch(&self, _: &str, ask: &DataAsk) -> Result<Datum, DataError> {
        let empty = matches!(ask.function.as_str(), "configMap" | "secret" | "sharedConfigMap" | "sharedSecret");
        Ok(Datum::Value(if empty { Value::Object(Map::new()) } else { Value::Null }))
    }
}

/// What a save is for: the Promotion's own status is written at [`Milestone::Started`] and [`Milestone::Finished`], and where it helps at waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Milestone {
    /// The run has begun.
    Started,
    /// An effect is about to be sent, or was answered.
    Effect,
    /// The run waits.
    Waiting,
    /// The process goes down.
    Stopped,
    /// The run is over.
    Finished,
}

/// Saves journals. One call is one durable write to the PromotionRun; when it returns, the journal survives anything.
#[async_trait]
pub trait JournalSink: Send + Sync + 'static {
    /// Saves the journal of a run.
    ///
    /// # Errors
    /// [`JournalError`]; the engine then drops what it has in memory, and the run is resumed from the last journal saved.
    async fn save(&self, facts: &Facts, state: &RunState, milestone: Milestone) -> Result<(), JournalError>;

    /// Tells of a wait in the midst of a step, or that it is over. It is for people alone: no run rests on it, and the next save replaces it.
    ///
    /// # Errors
    /// [`JournalError`], as for a save.
    async fn tell(&self, _: &Facts, _: Option<&Wait>) -> Result<(), JournalError> {
        Ok(())
    }
}

/// Why a journal was not saved.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// Somebody else wrote it: another process carries out this run.
    #[error("the journal was written by somebody else; read it again")]
    Conflict,
    /// The control plane cannot be reached or refused.
    #[error("save the journal: {0}")]
    Unavailable(String),
}
