//! The engine: advances a run as far as it goes, journalling before and after whatever changes the world.

use seaway_base::backoff::Backoff;
use seaway_base::{Random, SharedClock};
use std::sync::Arc;

use crate::cancel::Ask;
use crate::decide::final_phase;
use crate::faults::{Faults, Point, Side};
use crate::ports::{DataSource, JournalSink, Lookup, Milestone, StepTable};
use crate::queue::BranchQueues;
use crate::run::{AdvanceError, Memory, Outcome, Run};
use crate::state::{Phase, StepStatus, Wait, WaitKind};
use crate::step::Ports;

/// Carries out runs. One value a process; cheap to clone.
#[derive(Clone)]
pub struct Engine {
    /// The world outside.
    pub ports: Ports,
    /// The steps.
    pub steps: Arc<dyn StepTable>,
    /// Data of the control plane.
    pub data: Arc<dyn DataSource>,
    /// Where journals are saved.
    pub journal: Arc<dyn JournalSink>,
    /// For backoff.
    pub random: Random,
    /// The crash seam.
    pub faults: Arc<dyn Faults>,
    /// One queue a branch.
    pub queues: Arc<BranchQueues>,
}

/// Ends a function with what stops the whole pass.
pub(crate) type Pass<T> = Result<T, AdvanceError>;

impl Engine {
    /// Advances the run as far as it goes now. A run that leaves holds no folder: it is rebuilt when the run comes back.
    ///
    /// # Errors
    /// [`AdvanceError`]: the run must be read again from its journal before the next pass.
    pub async fn advance(&self, run: &mut Run) -> Result<Outcome, AdvanceError> {
        if run.state.steps.len() != run.spec.steps.len() {
            return Err(AdvanceError::Mismatch { journal: run.state.steps.len(), promotion: run.spec.steps.len() });
        }
        let outcome = self.pass(run).await;
        run.memory = Memory::default();
        outcome
    }

    async fn pass(&self, run: &mut Run) -> Pass<Outcome> {
        if run.state.phase.is_over() {
            self.unpin(run).await;
            return Ok(Outcome::Finished(run.state.phase));
        }
        if let Ask::Abort(actor) = run.cancel.asked() {
            return self.abort(run, &actor).await;
        }
        if run.state.phase == Phase::Pending {
            self.start(run).await?;
        }
        if let Some(index) = self.not_built(run) {
            // Nothing is promoted half-way: what is sure to be met later blocks before anything is done.
            return self.park_not_built(run, index).await;
        }
        loop {
            match run.cancel.asked() {
                Ask::None => {}
                Ask::Stop => return self.stop(run).await,
                Ask::Abort(actor) => return self.abort(run, &actor).await,
            }
            let index = run.state.current_step();
            if index == run.spec.steps.len() {
                return self.finish(run).await;
            }
            match self.turn(run, index).await? {
                // Somebody asked for it meanwhile: the loop sees who, and what for.
                None | Some(Outcome::Stopped) => {}
                Some(outcome) => return Ok(outcome),
            }
        }
    }

    /// The first step to come that this release cannot do, and that no condition may skip.
    fn not_built(&self, run: &Run) -> Option<usize> {
        let steps = run.spec.steps.iter().zip(&run.state.steps).enumerate();
        let mut to_come = steps.filter(|(_, (spec, state))| state.finished_at.is_none() && spec.condition.is_none());
        to_come.find(|(_, (spec, _))| matches!(self.steps.get(&spec.uses), Lookup::NotBuilt)).map(|(index, _)| index)
    }

    async fn start(&self, run: &mut Run) -> Pass<()> {
        run.state.phase = Phase::Running;
        run.state.started_at = Some(run.facts.started_at);
        run.state.event(self.clock().now(), "PromotionStarted", "", &run.facts.actor.clone());
        self.save(run, Milestone::Started).await
    }

    async fn finish(&self, run: &mut Run) -> Pass<Outcome> {
        let (phase, message, reason) = final_phase(&run.state.steps);
        if phase != Phase::Succeeded
            && run.state.plan_digest.is_none()
            && let Some(message) = self.voided(run, &message).await
        {
            // It never came to its first effect, where what it would write is compared with the plan.
            return self.end(run, Phase::Failed, message, "PlanChanged".into()).await;
        }
        self.end(run, phase, message, reason).await
    }

    async fn abort(&self, run: &mut Run, actor: &str) -> Pass<Outcome> {
        let now = self.clock().now();
        for step in run.state.steps.iter_mut().filter(|step| step.status == Some(StepStatus::Running)) {
            step.status = Some(StepStatus::Aborted);
            step.finished_at = Some(now);
            step.message = match &step.effect {
                Some(effect) if !effect.done => {
                    "aborted between the start of its effect and the answer: it may have happened".into()
                }
                _ => "aborted".into(),
            };
            if let Some(effect) = &mut step.effect {
                effect.uncertain = false;
            }
        }
        self.end(run, Phase::Aborted, format!("promotion aborted by {actor}"), "Aborted".into()).await
    }

    /// Ends a run that must not go on, whatever its steps say.
    pub(crate) async fn end(&self, run: &mut Run, phase: Phase, message: String, reason: String) -> Pass<Outcome> {
        let now = self.clock().now();
        let message = run.memory.masker.text(&message);
        run.state.phase = phase;
        run.state.finished_at = Some(now);
        run.state.wait = None;
        run.state.event(now, &format!("Promotion{}", phase.as_str()), "", &message);
        (run.state.message, run.state.reason) = (message, reason);
        run.memory.pins.clear();
        self.save(run, Milestone::Finished).await?;
        self.unpin(run).await;
        Ok(Outcome::Finished(phase))
    }

    async fn stop(&self, run: &mut Run) -> Pass<Outcome> {
        if run.memory.unsaved {
            self.save(run, Milestone::Stopped).await?;
        }
        Ok(Outcome::Stopped)
    }

    /// Saves the journal; what a resume needs from mirrors is pinned before.
    pub(crate) async fn save(&self, run: &mut Run, milestone: Milestone) -> Pass<()> {
        self.pin_pending(run).await?;
        let revision = run.state.revision + 1;
        self.point(&Point::Save { revision, side: Side::Before })?;
        run.state.revision = revision;
        self.journal.save(&run.facts, &run.state, milestone).await.map_err(AdvanceError::Journal)?;
        run.memory.unsaved = false;
        self.point(&Point::Save { revision, side: Side::After })
    }

    /// Asks the fault plan.
    pub(crate) fn point(&self, point: &Point) -> Pass<()> {
        self.faults.at(point).map_or(Ok(()), |_| Err(AdvanceError::Crashed))
    }

    pub(crate) fn clock(&self) -> &SharedClock {
        &self.ports.clock
    }

    /// Leaves the run waiting; saved only if something changed, so that a poll that finds nothing writes nothing.
    pub(crate) async fn leave(
        &self,
        run: &mut Run,
        index: usize,
        kind: WaitKind,
        (reason, message): (&str, String),
        until: Option<jiff::Timestamp>,
    ) -> Pass<()> {
        let step = run.spec.steps[index].alias.clone();
        let message = run.memory.masker.text(&message);
        let same = run.state.wait.as_ref().filter(|wait| wait.step == step && wait.kind == kind && wait.message == message);
        if let (Some(_), false) = (same, run.memory.unsaved) {
            return Ok(());
        }
        let since = same.map_or_else(|| self.clock().now(), |wait| wait.since);
        if same.is_none() {
            let name = match kind {
                WaitKind::World => "StepWaiting",
                WaitKind::Retry => "StepRetried",
                WaitKind::Uncertain => "EffectUncertain",
                WaitKind::Blocked => "StepBlocked",
            };
            run.state.event(self.clock().now(), name, &step, &message);
        }
        run.state.message.clone_from(&message);
        run.state.wait = Some(Wait { step, kind, message, reason: reason.to_owned(), since, until });
        self.save(run, Milestone::Waiting).await
    }

    /// Journals that a step will be tried again and says when.
    pub(crate) async fn retry(&self, run: &mut Run, index: usize, reason: &str, message: String) -> Pass<Option<Outcome>> {
        let after = Backoff::default().wait(run.state.steps[index].error_count.saturating_sub(1), &self.random);
        let until = crate::decide::later(self.clock().now(), after);
        self.leave(run, index, WaitKind::Retry, (reason, message.clone()), Some(until)).await?;
        Ok(Some(Outcome::Retry { after, why: run.memory.masker.text(&message) }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Controllers spawn passes: they must be able to move between threads.
    #[test]
    fn a_pass_can_be_spawned() {
        fn spawnable<T: Send>(_: impl FnOnce(&'static Engine, &'static mut Run) -> T) {}
        spawnable(|engine, run| engine.advance(run));
        fn plannable<T: Send>(_: impl FnOnce(&'static Engine, &'static crate::PlanRequest) -> T) {}
        plannable(|engine, request| engine.plan(request));
    }
}
