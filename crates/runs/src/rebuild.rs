//! The work folder of a run that comes back: finished local and recorded steps are run again, on what was recorded.

use seaway_base::Next;
use serde_json::{Map, Value};
use std::time::Duration;

use crate::engine::{Engine, Pass};
use crate::folder;
use crate::ports::{Lookup, Milestone};
use crate::resolve::ResolveError;
use crate::run::{Outcome, Run};
use crate::state::{ClassRecord, Phase, StepState, StepStatus};
use crate::step::{Answer, Purpose, StepError};
use crate::turn::{Hold, Tried};

/// How often a run may begin anew because the disk was gone.
const RESTARTS_MAX: u32 = 3;
/// How often a folder that cannot be rebuilt now is tried before the run begins anew.
const REPLAYS_MAX: u32 = 5;

/// Why the folder is built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rebuild {
    /// The same folder again: records are reused, outputs stand.
    Replay,
    /// On a branch that moved: what tools answered is asked anew, outputs are recomputed, decisions stand.
    Rerun,
}

/// A step that worked before and does not now.
pub(crate) struct Broken {
    pub(crate) step: String,
    pub(crate) err: StepError,
}

impl Engine {
    /// Sees to it that the folder holds what all steps before `index` made. `Some`: the pass ends here.
    pub(crate) async fn folder(&self, run: &mut Run, index: usize) -> Pass<Option<Outcome>> {
        if run.memory.work.is_some() {
            return Ok(None);
        }
        let Err(broken) = self.rebuild(run, index, Rebuild::Replay).await? else { return Ok(None) };
        if broken.err.reason == INTERRUPTED {
            // The loop sees why.
            return Ok(Some(Outcome::Stopped));
        }
        let n_errors = run.state.steps[index].error_count;
        if broken.err.next == Next::Retry && broken.err.reason != DISK_GONE && n_errors < REPLAYS_MAX {
            run.state.steps[index].error_count += 1;
            run.memory.unsaved = true;
            self.refresh_mirrors(run).await;
            return self
                .retry(run, index, broken.err.reason, format!("step `{}` is run again: {}", broken.step, broken.err.message))
                .await;
        }
        let message = format!("step `{}` worked before and does not when it is run again: {}", broken.step, broken.err.message);
        self.begin_anew(run, index, StepError { message, ..broken.err }).await.map(Some)
    }

    /// What the run had made is gone: it begins anew, but for effects that were done.
    pub(crate) async fn begin_anew(&self, run: &mut Run, index: usize, err: StepError) -> Pass<Outcome> {
        if run.state.restarts >= RESTARTS_MAX {
            return self.end(run, Phase::Errored, err.message, "NotRepeatable".into()).await;
        }
        self.start_over(run, index, &err.message);
        self.save(run, Milestone::Effect).await?;
        Ok(Outcome::Retry { after: Duration::ZERO, why: format!("begins anew: {}", run.memory.masker.text(&err.message)) })
    }

    /// Forgets what local and recorded steps made; effects that were done stay done.
    fn start_over(&self, run: &mut Run, index: usize, why: &str) {
        run.state.restarts += 1;
        let why = run.memory.masker.text(why);
        run.state.event(self.clock().now(), "PromotionRestarted", "", &why);
        run.state.wait = None;
        for step in run.state.steps.iter_mut().take(index) {
            if matches!(step.class, Some(ClassRecord::Local | ClassRecord::Recorded)) {
                *step = StepState {
                    alias: std::mem::take(&mut step.alias),
                    uses: std::mem::take(&mut step.uses),
                    continue_on_error: step.continue_on_error,
                    ..StepState::default()
                };
            }
        }
        run.memory.work = None;
        run.memory.raw.clear();
    }

    /// Builds the folder from nothing up to `index`.
    pub(crate) async fn rebuild(&self, run: &mut Run, index: usize, why: Rebuild) -> Pass<Result<(), Broken>> {
        run.memory.work = Some(seaway_git::WorkFolder::new());
        for i in 0..index {
            let state = &run.state.steps[i];
            let result = match state.class {
                Some(ClassRecord::Local | ClassRecord::Recorded)
                    if state.ran && matches!(state.status, Some(StepStatus::Succeeded | StepStatus::Skipped)) =>
                {
                    self.again(run, i, why).await?
                }
                Some(ClassRecord::Effect) => relanded(run, i),
                _ => continue,
            };
            if let Err(err) = result {
                run.memory.work = None;
                return Ok(Err(Broken { step: run.spec.steps[i].alias.clone(), err }));
            }
        }
        Ok(Ok(()))
    }

    /// Runs one finished step again.
    async fn again(&self, run: &mut Run, i: usize, why: Rebuild) -> Pass<Result<(), StepError>> {
        let uses = run.spec.steps[i].uses.clone();
        let Lookup::Step(step) = self.steps.get(&uses) else {
            return Ok(Err(StepError::errored(
                "UnknownStep",
                Next::Blocked,
                format!("step `{uses}` is not in this release any more"),
            )));
        };
        let config = match self.config(run, i).await {
            Ok(config) => config,
            Err(ResolveError::Data { next, message }) => return Ok(Err(StepError::errored("DataUnavailable", next, message))),
            Err(ResolveError::Expression(message)) => return Ok(Err(StepError::failed("Expression", message))),
        };
        let before = run.memory.heads();
        let kept = run.state.steps[i].record.clone();
        let anew = why == Rebuild::Rerun
            && run.state.steps[i].mounts.is_empty()
            && run.state.steps[i].class == Some(ClassRecord::Recorded);
        if anew {
            run.state.steps[i].record = None;
        }
        let answer = match self.attempt(run, i, &*step, &config, Purpose::Run, Hold::Drop).await {
            Tried::Interrupted => return Ok(Err(StepError::errored(INTERRUPTED, Next::Retry, "interrupted"))),
            Tried::Answer(answer) => answer,
        };
        let done = match answer {
            Ok(Answer::Done(done)) => done,
            Ok(_) => return Ok(Err(StepError::errored("Bug", Next::Bug, format!("step `{uses}` is over and waits now")))),
            Err(err) => {
                run.state.steps[i].record = kept;
                return Ok(Err(err));
            }
        };
        let mut done = done;
        let moved = run.state.steps[i].moved.clone();
        for (mount, commit) in &moved {
            let Some(work) = run.memory.work.as_mut() else { break };
            match folder::remount(work, mount, commit) {
                Ok(Some(was)) => substitute(&mut done.output, &was, commit),
                Ok(None) => {}
                Err(err) => return Ok(Err(err)),
            }
        }
        if let Err(err) = self.inspect(run, i, &before, &config) {
            return Ok(Err(err));
        }
        run.memory.pins.extend(done.pins);
        if why == Rebuild::Rerun {
            let state = &mut run.state.steps[i];
            state.status = Some(if done.skipped { StepStatus::Skipped } else { StepStatus::Succeeded });
            if anew {
                state.record = done.record;
            }
            if moved.is_empty() {
                state.message = run.memory.masker.text(&done.message.unwrap_or_default());
            }
            return Ok(self.publish(run, i, done.output));
        }
        if run.memory.masker.map(&done.output) != done.output
            && run.state.steps[i].output.as_ref() == Some(&run.memory.masker.map(&done.output))
        {
            // The journal holds it masked: later steps see what it really was.
            run.memory.raw.insert(i, done.output);
        }
        Ok(Ok(()))
    }
}

/// The reason of a rebuild that was interrupted.
pub(crate) const INTERRUPTED: &str = "Interrupted";
/// The reason steps give for a missing or damaged object in a mirror.
pub const DISK_GONE: &str = "DiskGone";

/// After a push the mount stands on what landed.
fn relanded(run: &mut Run, i: usize) -> Result<(), StepError> {
    let Some(push) = run.state.steps[i].effect.as_ref().filter(|effect| effect.done).and_then(|effect| effect.push.clone())
    else {
        return Ok(());
    };
    let (Some(landed), Ok(mount)) = (push.landed, seaway_base::RelPath::parse(&push.mount)) else { return Ok(()) };
    match run.memory.work.as_mut() {
        Some(work) => folder::land(work, &mount, &landed),
        None => Ok(()),
    }
}

/// Puts one commit id in another's place, wherever it stands as a whole value.
fn substitute(output: &mut Map<String, Value>, old: &str, new: &str) {
    fn walk(value: &mut Value, old: &str, new: &str) {
        match value {
            Value::String(text) if text == old => new.clone_into(text),
            Value::Array(items) => items.iter_mut().for_each(|item| walk(item, old, new)),
            Value::Object(map) => map.values_mut().for_each(|item| walk(item, old, new)),
            _ => {}
        }
    }
    output.values_mut().for_each(|value| walk(value, old, new));
}
