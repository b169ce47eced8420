//! The journal of a run: everything a resume needs, versioned, small enough for one object.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

use crate::spec::{RunSpec, TASK_SEPARATOR};
use crate::step::GitIdentity;

/// The version this release writes; it reads all before.
pub const VERSION: u32 = 1;
/// Events kept until they are acknowledged; older ones are dropped first.
const EVENTS_MAX: usize = 256;
/// Tool output kept in all, oldest cut.
const TOOL_OUTPUT_MAX: usize = 128 * 1024;

/// Where a promotion stands, in Kargo's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub enum Phase {
    /// Not begun.
    #[default]
    Pending,
    /// Begun.
    Running,
    /// Over, all well.
    Succeeded,
    /// Over: a step says no.
    Failed,
    /// Over: a step could not run.
    Errored,
    /// Over: somebody ended it.
    Aborted,
}

impl Phase {
    /// Is it over?
    pub const fn is_over(self) -> bool {
        !matches!(self, Self::Pending | Self::Running)
    }

    /// The word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "Pending",
            Self::Running => "Running",
            Self::Succeeded => "Succeeded",
            Self::Failed => "Failed",
            Self::Errored => "Errored",
            Self::Aborted => "Aborted",
        }
    }
}

/// Where a step stands, in Kargo's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum StepStatus {
    /// Begun, not over.
    Running,
    /// Done.
    Succeeded,
    /// Not run, or there was nothing to do.
    Skipped,
    /// Says no.
    Failed,
    /// Could not run.
    Errored,
    /// Ended by an abort.
    Aborted,
}

impl StepStatus {
    /// The word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "Running",
            Self::Succeeded => "Succeeded",
            Self::Skipped => "Skipped",
            Self::Failed => "Failed",
            Self::Errored => "Errored",
            Self::Aborted => "Aborted",
        }
    }

    /// Did it not succeed?
    pub const fn is_bad(self) -> bool {
        matches!(self, Self::Failed | Self::Errored | Self::Aborted)
    }
}

/// The journal. Kept in `PromotionRun.status` as JSON.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RunState {
    /// Version of this form.
    pub version: u32,
    /// How often it was saved.
    pub revision: u64,
    /// Where the run stands.
    pub phase: Phase,
    /// Why, for people.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub message: String,
    /// Why, for the catalogue of reasons.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// When it began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// When it was over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Timestamp>,
    /// The steps, in order.
    pub steps: Vec<StepState>,
    /// What data functions answered: key to value, or to the version of a Secret.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub data: BTreeMap<String, DataRecord>,
    /// What it waits for now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wait: Option<Wait>,
    /// Digest of what it would write, as computed by this run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plan_digest: Option<String>,
    /// How often it began anew because the disk was gone.
    #[serde(skip_serializing_if = "is_zero")]
    pub restarts: u32,
    /// Transitions not acknowledged yet: told in the same write that made them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<Event>,
    /// Number of the last event.
    pub last_event: u64,
    /// What tools printed, oldest cut.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tool_output: Vec<ToolOutput>,
}

/// One step of the journal.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct StepState {
    /// Its full alias.
    pub alias: String,
    /// The step of the table.
    pub uses: String,
    /// Whether its failure counts for nothing.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub continue_on_error: bool,
    /// Where it stands; nothing before its turn.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<StepStatus>,
    /// When it was started first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// When it was over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Timestamp>,
    /// Errors in a row.
    #[serde(skip_serializing_if = "is_zero")]
    pub error_count: u32,
    /// Why, for people.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub message: String,
    /// Why, for the catalogue.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// It was really run: a rebuilt folder needs it again if it is local.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub ran: bool,
    /// How it behaves, as its configuration decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class: Option<ClassRecord>,
    /// What later steps see of it; secrets masked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<Map<String, Value>>,
    /// Its output is the task's own too.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub task_output: bool,
    /// What a recorded step must reuse.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub record: Option<Value>,
    /// Mounts of it that stand on another commit now, by path: the branch moved since it was recorded.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub moved: BTreeMap<String, String>,
    /// Mounts it made.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub mounts: Vec<String>,
    /// The repository it checked out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repository: Option<Repository>,
    /// Who commits in its checkouts, if it said so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub author: Option<GitIdentity>,
    /// Its effect, from the moment before it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub effect: Option<EffectState>,
}

/// A repository that the run works with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Repository {
    /// The URL as the clone wrote it.
    pub url: String,
    /// Accept any certificate.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub skip_tls_verify: bool,
}

/// The class that a step had when it ran.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ClassRecord {
    /// Run again on resume.
    Local,
    /// Its record is reused.
    Recorded,
    /// By its delivery contract.
    Effect,
    /// Asked again.
    Wait,
}

/// An effect that was begun.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EffectState {
    /// When it was begun.
    pub started_at: Timestamp,
    /// How often it was begun.
    pub n_tries: u32,
    /// The answer was seen.
    pub done: bool,
    /// Nobody can tell whether it happened, and nobody has decided yet.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub uncertain: bool,
    /// What a person or a policy decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolution: Option<Resolution>,
    /// For a push: what was meant to land, and what did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub push: Option<PushIntent>,
}

/// The way out of `Uncertain`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Resolution {
    /// What to do.
    pub choice: Choice,
    /// Who decided.
    pub by: String,
}

/// What to do about an effect that nobody can tell of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Choice {
    /// Do it again.
    Repeat,
    /// Take it as done.
    Skip,
}

/// A push as it was meant, journalled before it is sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PushIntent {
    /// The repository.
    pub repository: Repository,
    /// The mount whose commits are pushed.
    pub mount: String,
    /// Branch or tag, short.
    pub name: String,
    /// The full ref name.
    pub refname: String,
    /// What the ref held when this push was first meant; `None`: it did not exist.
    pub base: Option<String>,
    /// What the ref held before the present round.
    pub old: Option<String>,
    /// The commit to land.
    pub commit: String,
    /// The round, from 1.
    pub round: u32,
    /// Overwrites what is there.
    pub force: bool,
    /// What landed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub landed: Option<String>,
}

/// What a data function answered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum DataRecord {
    /// A value that anyone may read.
    Value(Value),
    /// A Secret: only which one, never what is in it.
    #[serde(rename_all = "camelCase")]
    Secret {
        /// Its uid; empty if there is none.
        uid: String,
        /// Its version.
        resource_version: String,
        /// It was another, or of another version, when the run read it first.
        #[serde(default, skip_serializing_if = "is_false")]
        changed: bool,
    },
}

/// What a run waits for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Wait {
    /// The step that waits.
    pub step: String,
    /// For what: a wait of a step, an error that is tried again, a decision of a person, an input.
    pub kind: WaitKind,
    /// For people.
    pub message: String,
    /// For the catalogue.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// Since when.
    pub since: Timestamp,
    /// When it is asked again; `None`: when an input changes.
    pub until: Option<Timestamp>,
}

/// The kinds of waiting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum WaitKind {
    /// The step asks the world.
    World,
    /// An error is tried again.
    Retry,
    /// A person decides.
    Uncertain,
    /// An input must change.
    Blocked,
}

/// A transition, numbered within the run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    /// Its number, from 1.
    pub number: u64,
    /// When.
    pub at: Timestamp,
    /// What: `PromotionStarted`, `StepSucceeded`, `EffectStarted`, `PushLanded`, …
    pub kind: String,
    /// Of which step.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub step: String,
    /// For people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub message: String,
}

/// What a tool printed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolOutput {
    /// Under which step.
    pub step: String,
    /// The text, secrets masked.
    pub text: String,
}

const fn is_zero(n: &u32) -> bool {
    *n == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
const fn is_false(it: &bool) -> bool {
    !*it
}

/// Why a journal cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// A later release wrote it.
    #[error("the journal has version {0}, this release reads up to {VERSION}; run the newer release")]
    Newer(u32),
    /// It is none.
    #[error("the journal cannot be read")]
    Malformed(#[source] serde_json::Error),
}

impl RunState {
    /// The journal of a run that has not begun.
    pub fn new(spec: &RunSpec) -> Self {
        let steps = spec
            .steps
            .iter()
            .map(|step| StepState {
                alias: step.alias.clone(),
                uses: step.uses.clone(),
                continue_on_error: step.continue_on_error,
                ..StepState::default()
            })
            .collect();
        Self { version: VERSION, steps, ..Self::default() }
    }

    /// Reads a journal that this or an earlier release wrote.
    ///
    /// # Errors
    /// [`StateError`].
    pub fn from_json(json: &Value) -> Result<Self, StateError> {
        let state: Self = Self::deserialize(json).map_err(StateError::Malformed)?;
        if state.version > VERSION {
            return Err(StateError::Newer(state.version));
        }
        Ok(state)
    }

    /// The journal as the object holds it.
    pub fn to_json(&self) -> Value {
        serde_json::to_value(self).unwrap_or(Value::Null)
    }

    /// Index of the step whose turn it is; the number of steps when all are over.
    pub fn current_step(&self) -> usize {
        self.steps.iter().position(|step| step.finished_at.is_none()).unwrap_or(self.steps.len())
    }

    /// The effect that nobody can tell of, if a person must decide.
    pub fn uncertain(&self) -> Option<&StepState> {
        self.steps.iter().find(|step| step.effect.as_ref().is_some_and(|effect| effect.uncertain))
    }

    /// Enters a person's or a policy's decision about the uncertain effect. False if there is none.
    pub fn resolve(&mut self, choice: Choice, by: &str) -> bool {
        let Some(effect) = self.steps.iter_mut().filter_map(|step| step.effect.as_mut()).find(|effect| effect.uncertain) else {
            return false;
        };
        effect.uncertain = false;
        effect.resolution = Some(Resolution { choice, by: by.to_owned() });
        self.wait = None;
        true
    }

    /// Forgets events that have been told.
    pub fn acknowledge_events(&mut self, up_to: u64) {
        self.events.retain(|event| event.number > up_to);
    }

    /// What the outputs map holds before step `before`: alias to output, and task alias to composed output.
    pub fn outputs(&self, before: usize) -> Map<String, Value> {
        merge_outputs(
            self.steps
                .iter()
                .take(before)
                .filter_map(|step| Some((step.alias.as_str(), step.task_output, step.output.as_ref()?))),
        )
    }

    /// The repositories that it has checked out, once each.
    pub(crate) fn repositories(&self) -> Vec<Repository> {
        let mut all: Vec<Repository> = Vec::new();
        for repository in self.steps.iter().filter_map(|step| step.repository.as_ref()) {
            if !all.contains(repository) {
                all.push(repository.clone());
            }
        }
        all
    }

    pub(crate) fn event(&mut self, at: Timestamp, kind: &str, step: &str, message: &str) {
        self.last_event += 1;
        self.events.push(Event { number: self.last_event, at, kind: kind.into(), step: step.into(), message: message.into() });
        if self.events.len() > EVENTS_MAX {
            self.events.remove(0);
        }
    }

    pub(crate) fn print(&mut self, step: &str, text: String) {
        self.tool_output.push(ToolOutput { step: step.into(), text });
        let mut over = self.tool_output.iter().map(|it| it.text.len()).sum::<usize>().saturating_sub(TOOL_OUTPUT_MAX);
        while over > 0 {
            let Some(first) = self.tool_output.first_mut() else { return };
            if first.text.len() <= over {
                over -= first.text.len();
                self.tool_output.remove(0);
            } else {
                let cut = (over..=first.text.len()).find(|&at| first.text.is_char_boundary(at)).unwrap_or(first.text.len());
                first.text.drain(..cut);
                return;
            }
        }
    }
}

/// Merges the outputs of steps in order, the last write wins; composed output is published under the task's alias too.
pub(crate) fn merge_outputs<'a>(steps: impl Iterator<Item = (&'a str, bool, &'a Map<String, Value>)>) -> Map<String, Value> {
    let mut all = Map::new();
    for (alias, task_output, output) in steps {
        all.insert(alias.to_owned(), Value::Object(output.clone()));
        if let (true, Some((task, _))) = (task_output, alias.split_once(TASK_SEPARATOR)) {
            let entry = all.entry(task.to_owned()).or_insert_with(|| Value::Object(Map::new()));
            if let Value::Object(entry) = entry {
                entry.extend(output.clone());
            }
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn tool_output_is_cut_at_the_oldest_end() {
        let mut state = RunState::default();
        state.print("a", "x".repeat(TOOL_OUTPUT_MAX));
        state.print("b", "ÿ".repeat(8));
        assert_eq!(state.tool_output.iter().map(|it| it.text.len()).sum::<usize>(), TOOL_OUTPUT_MAX);
        state.print("c", "y".repeat(TOOL_OUTPUT_MAX + 5));
        assert_eq!((state.tool_output.len(), state.tool_output[0].text.len()), (1, TOOL_OUTPUT_MAX));
    }

    #[test]
    fn a_journal_of_a_later_release_is_refused() {
        let err = RunState::from_json(&json!({"version": 2})).unwrap_err();
        insta::assert_snapshot!(err, @"the journal has version 2, this release reads up to 1; run the newer release");
        let state = RunState { version: 1, last_event: 3, ..RunState::default() };
        assert_eq!(RunState::from_json(&state.to_json()).unwrap(), state);
    }

    #[test]
    fn composed_output_is_the_tasks_own_too() {
        let output = |json: Value| json.as_object().unwrap().clone();
        let (a, b) = (output(json!({"x": 1})), output(json!({"y": 2})));
        let all = merge_outputs([("t::a", true, &a), ("t::b", false, &b)].into_iter());
        assert_eq!(Value::Object(all), json!({"t::a": {"x": 1}, "t": {"x": 1}, "t::b": {"y": 2}}));
    }
}
