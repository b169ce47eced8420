//! What follows from a step's answer: it is over, is tried again, is asked again later, or the run waits (Kargo reference §5.4).

use seaway_base::Next;
use serde_json::{Map, Value};

use crate::decide::{Attempt, Verdict, judge};
use crate::engine::{Engine, Pass};
use crate::limits;
use crate::resolve::ResolveError;
use crate::run::{Outcome, Run};
use crate::state::{StepStatus, WaitKind};
use crate::step::{Answer, Done, StepError};

/// Bytes of a step's message in the journal.
const MESSAGE_MAX: usize = 4096;
/// Bytes of what a recorded step may record; larger things go by their git id.
const RECORD_MAX: usize = 192 * 1024;
/// Reasons for which a run waits instead of failing: the installation lacks something, the promotion is not at fault.
const PARKS: [&str; 4] = ["NotBuilt", "MissingTool", "NoIsolation", "NoNetworkIsolation"];

impl Engine {
    /// Enters an answer that is not a push.
    pub(crate) async fn answered(&self, run: &mut Run, index: usize, answer: Result<Answer, StepError>) -> Pass<Option<Outcome>> {
        match answer {
            Ok(Answer::Done(done)) => self.conclude(run, index, Ok(done)).await,
            Err(err) => self.conclude(run, index, Err(err)).await,
            Ok(Answer::Waiting { output, retry_after, message }) => {
                let changed =
                    run.state.steps[index].output.as_ref() != Some(&run.memory.masker.map(&output)) && !output.is_empty();
                if let Err(err) = self.publish(run, index, output) {
                    return self.conclude(run, index, Err(err)).await;
                }
                run.memory.unsaved |= changed;
                run.state.steps[index].error_count = 0;
                self.judged(run, index, &Attempt::Waiting { retry_after }, "", message).await
            }
            Ok(Answer::Push(_)) => {
                let message =
                    format!("step `{}` asks for a push and is not known to; this is a bug of Seaway", run.spec.steps[index].uses);
                self.conclude(run, index, Err(StepError::errored("Bug", Next::Bug, message).terminal())).await
            }
        }
    }

    /// Enters the end of an attempt: outputs first, then what the table of §5.4 makes of it.
    pub(crate) async fn conclude(&self, run: &mut Run, index: usize, result: Result<Done, StepError>) -> Pass<Option<Outcome>> {
        let result = match result {
            Ok(mut done) => match self.publish(run, index, std::mem::take(&mut done.output)) {
                Ok(()) if done.record.as_ref().is_some_and(|record| limits::size(record) > RECORD_MAX) => {
                    let message = format!(
                        "step `{}` records more than {RECORD_MAX} bytes; this is a bug of Seaway",
                        run.spec.steps[index].uses
                    );
                    Err(StepError::errored("Bug", Next::Bug, message).terminal())
                }
                Ok(()) => Ok(done),
                Err(err) => Err(err),
            },
            Err(mut err) => match self.publish(run, index, std::mem::take(&mut err.output)) {
                Ok(()) => Err(err),
                Err(too_large) => Err(too_large),
            },
        };
        match result {
            Ok(done) => {
                let state = &mut run.state.steps[index];
                state.ran = true;
                state.error_count = 0;
                // A record that holds a secret is not kept: the step is run again on resume.
                let clean = |record: &Value| run.memory.masker.value(record) == *record;
                state.record = done.record.filter(clean).or_else(|| state.record.take());
                run.memory.pins.extend(done.pins);
                if let Some(text) = done.tool_output {
                    let (alias, text) = (run.spec.steps[index].alias.clone(), run.memory.masker.text(&text));
                    run.state.print(&alias, text);
                }
                let message = done.message.unwrap_or_default();
                self.judged(run, index, &Attempt::Done { skipped: done.skipped, message: Some(&message) }, "", String::new())
                    .await
            }
            Err(err) => {
                if err.next == Next::Blocked && PARKS.contains(&err.reason) {
                    return self.park(run, index, err.reason, err.message).await.map(Some);
                }
                let state = &mut run.state.steps[index];
                state.error_count = state.error_count.saturating_add(1);
                run.memory.unsaved = true;
                self.judged(run, index, &Attempt::Error(&err), err.reason, String::new()).await
            }
        }
    }

    async fn judged(
        &self,
        run: &mut Run,
        index: usize,
        attempt: &Attempt<'_>,
        reason: &str,
        waits_for: String,
    ) -> Pass<Option<Outcome>> {
        let spec = run.spec.clone();
        let spec = &spec.steps[index];
        let state = &run.state.steps[index];
        let (now, started_at) = (self.clock().now(), state.started_at.unwrap_or(run.facts.started_at));
        match judge(attempt, spec, spec.timeout, started_at, now, state.error_count) {
            Verdict::Over { status, message } => {
                let reason = if status == StepStatus::Errored && message.contains("timed out after") && reason.is_empty() {
                    "TimedOut"
                } else {
                    reason
                };
                self.over(run, index, status, message, reason);
                Ok(None)
            }
            Verdict::Again { message } => {
                let state = &mut run.state.steps[index];
                // The answer was seen: the next try is a new effect.
                state.effect = state.effect.take().filter(|effect| effect.push.is_some());
                state.message = run.memory.masker.text(&message);
                run.memory.work = None;
                self.retry(run, index, reason, message).await
            }
            Verdict::Ask { until } => {
                run.memory.work = None;
                run.state.steps[index].message = run.memory.masker.text(&waits_for);
                self.leave(run, index, WaitKind::World, ("", waits_for.clone()), Some(until)).await?;
                Ok(Some(Outcome::Waiting { until, why: run.memory.masker.text(&waits_for) }))
            }
        }
    }

    /// Ends a step.
    pub(crate) fn over(&self, run: &mut Run, index: usize, status: StepStatus, message: String, reason: &str) {
        let now = self.clock().now();
        let message = cut(run.memory.masker.text(&message));
        let state = &mut run.state.steps[index];
        state.status = Some(status);
        state.finished_at = Some(now);
        state.message.clone_from(&message);
        state.reason = reason.to_owned();
        run.state.wait = None;
        run.state.message.clear();
        let alias = run.spec.steps[index].alias.clone();
        run.state.event(now, &format!("Step{}", status.as_str()), &alias, &message);
    }

    /// Publishes what a step gave out, on every attempt; too much of it fails the step.
    pub(crate) fn publish(&self, run: &mut Run, index: usize, output: Map<String, Value>) -> Result<(), StepError> {
        if output.is_empty() && run.state.steps[index].output.is_some() {
            return Ok(());
        }
        let masked = run.memory.masker.map(&output);
        let others = run.state.steps.iter().enumerate().filter(|(i, _)| *i != index).filter_map(|(_, step)| step.output.as_ref());
        limits::check(&masked, others.map(limits::size).sum())
            .map_err(|err| StepError::failed("OutputTooLarge", format!("step `{}`: {err}", run.spec.steps[index].alias)))?;
        if masked == output {
            run.memory.raw.remove(&index);
        } else {
            run.memory.raw.insert(index, output);
        }
        run.state.steps[index].output = Some(masked);
        Ok(())
    }

    /// An expression could not be evaluated: the step is Errored and the loop goes on; data that cannot be read now is asked for again.
    pub(crate) async fn unresolved(&self, run: &mut Run, index: usize, err: ResolveError) -> Pass<Option<Outcome>> {
        match err {
            ResolveError::Data { next: Next::Retry, message } => self.retry(run, index, "DataUnavailable", message).await,
            ResolveError::Data { message, .. } => {
                self.over(run, index, StepStatus::Errored, message, "DataUnavailable");
                Ok(None)
            }
            ResolveError::Expression(message) => {
                self.over(run, index, StepStatus::Errored, message, "Expression");
                Ok(None)
            }
        }
    }

    /// Blocks for a step that this release does not have.
    pub(crate) async fn park_not_built(&self, run: &mut Run, index: usize) -> Pass<Outcome> {
        let message = format!("step `{}` is not built in this release of Seaway", run.spec.steps[index].uses);
        self.park(run, index, "NotBuilt", message).await
    }

    async fn park(&self, run: &mut Run, index: usize, reason: &str, message: String) -> Pass<Outcome> {
        self.leave(run, index, WaitKind::Blocked, (reason, message.clone()), None).await?;
        Ok(Outcome::Blocked { reason: reason.to_owned(), why: run.memory.masker.text(&message) })
    }
}

/// A message as the journal keeps it.
fn cut(mut text: String) -> String {
    if text.len() > MESSAGE_MAX {
        let end = (0..=MESSAGE_MAX).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
        text.truncate(end);
        text.push('…');
    }
    text
}
