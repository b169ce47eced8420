//! A plan in the making: what is known of each step, and in which segment it stands.

use seaway_api::seaway::{PlannedEffect, PlannedStep, Segment};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

use crate::digest::{self, Covered};
use crate::facts::Facts;
use crate::plan::shown::Room;
use crate::plan::{Gates, PlanError, PlanResult};
use crate::run::Run;
use crate::spec::RunSpec;
use crate::state::{Phase, StepStatus};
use crate::step::{FailureStatus, GitIdentity, StepError};

/// A plan in the making.
pub(crate) struct Planning {
    pub(crate) run: Run,
    pub(crate) result: PlanResult,
    /// Effects as the digest covers them, where they are not those that are shown.
    pub(crate) covered: Option<Vec<PlannedEffect>>,
    pub(crate) tools: BTreeMap<String, String>,
    pub(crate) decisions: Vec<(String, bool)>,
    /// A local step could not be run: what follows it is not known either.
    pub(crate) blind: bool,
    pub(crate) with_diffs: bool,
    pub(crate) room: Room,
}

impl Planning {
    pub(crate) fn new(facts: &Facts, spec: Arc<RunSpec>, identity: GitIdentity) -> Self {
        let mut run = Run::new(Arc::new(facts.clone()), spec, None);
        run.identity = identity;
        run.state.phase = Phase::Running;
        let result =
            PlanResult { segments: vec![Segment { kind: "exact".into(), ..Segment::default() }], ..PlanResult::default() };
        Self {
            run,
            result,
            covered: None,
            tools: BTreeMap::new(),
            decisions: Vec::new(),
            blind: false,
            with_diffs: true,
            room: Room::default(),
        }
    }

    pub(crate) fn decided(&mut self, index: usize, wanted: bool) {
        self.decisions.push((self.run.spec.steps[index].alias.clone(), wanted));
    }

    /// Begins a segment, unless the present one is of that kind and for that reason already.
    pub(crate) fn cut(&mut self, kind: &str, condition: &str) {
        if let Some(last) = self.result.segments.last_mut() {
            if last.kind == kind && last.condition == condition {
                return;
            }
            if last.steps.is_empty() {
                (last.kind, last.condition) = (kind.to_owned(), condition.to_owned());
                return;
            }
        }
        self.result.segments.push(Segment { kind: kind.to_owned(), condition: condition.to_owned(), steps: Vec::new() });
    }

    pub(crate) fn step(&mut self, index: usize, status: StepStatus, message: &str) {
        let message = self.run.memory.masker.text(message);
        let now = self.run.facts.started_at;
        let state = &mut self.run.state.steps[index];
        state.status = Some(status);
        state.finished_at = Some(now);
        state.message.clone_from(&message);
        let planned = PlannedStep {
            alias: state.alias.clone(),
            uses: state.uses.clone(),
            status: status.as_str().to_owned(),
            message,
            output: state.output.clone().filter(|output| !output.is_empty()).map(Value::Object),
        };
        if let Some(last) = self.result.segments.last_mut() {
            last.steps.push(planned);
        }
    }

    pub(crate) fn fail(&mut self, index: usize, status: StepStatus, message: String, reason: &str) {
        self.step(index, status, &message);
        self.run.state.steps[index].reason = reason.to_owned();
        if !self.run.state.steps[index].continue_on_error {
            let message = self.run.state.steps[index].message.clone();
            self.result
                .failure
                .get_or_insert((reason.to_owned(), format!("step `{}`: {message}", self.run.state.steps[index].alias)));
        }
    }

    /// A step that failed in a plan would fail in the promotion; a world that cannot be reached now says nothing.
    pub(crate) fn failed(&mut self, index: usize, err: StepError) -> Result<(), PlanError> {
        if err.next == seaway_base::Next::Retry && !err.terminal {
            return Err(PlanError(format!(
                "step `{}`: {}",
                self.run.spec.steps[index].alias,
                self.run.memory.masker.text(&err.message)
            )));
        }
        let status = if err.status == FailureStatus::Failed { StepStatus::Failed } else { StepStatus::Errored };
        self.fail(index, status, err.message, err.reason);
        self.blind = true;
        Ok(())
    }

    pub(crate) fn opaque(&mut self, index: usize, why: &str) {
        self.cut("opaque", why);
        self.blind = true;
        self.run.memory.opaque.insert(index);
        self.step(index, StepStatus::Succeeded, why);
    }

    pub(crate) fn finish(mut self, gates: &Gates) -> PlanResult {
        self.result.paths.sort_by(|a, b| (&a.repository, &a.branch, &a.path).cmp(&(&b.repository, &b.branch, &b.path)));
        self.result.changed |= self.result.effects.iter().any(|effect| effect.kind != "git-push");
        self.result.digest = digest::digest(&Covered {
            facts: &self.run.facts,
            spec: &self.run.spec,
            decisions: &self.decisions,
            paths: &self.result.paths,
            effects: self.covered.as_deref().unwrap_or(&self.result.effects),
            tools: &self.tools,
            gates,
        });
        self.result
    }
}
