//! One step's turn: is it run at all, with which configuration, and what follows from its answer (Kargo reference §5.4).

use futures::FutureExt as _;
use seaway_base::{Next, RelPath};
use serde_json::{Map, Value};
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use crate::cancel::Cancel;
use crate::decide::failed_before;
use crate::engine::{Engine, Pass};
use crate::faults::{Point, Side};
use crate::ports::{Lookup, Milestone};
use crate::run::{Outcome, Run};
use crate::state::{Choice, ClassRecord, EffectState, StepState, StepStatus, WaitKind};
use crate::step::{Answer, Class, Contract, GitIdentity, Purpose, Step, StepContext, StepError};

/// How long an effect in hand may take after the run was asked to leave.
const GRACE: Duration = Duration::from_secs(20);
/// The reason of a [`StepError`] that says: it was sent, and the answer is lost. An unknowable effect is then `Uncertain`.
pub const ANSWER_LOST: &str = "AnswerLost";
/// Steps that only ask for a push.
const PUSHES: [&str; 1] = ["git-push"];

/// What came of asking a step.
#[expect(clippy::large_enum_variant, reason = "it lives for a moment")]
pub(crate) enum Tried {
    /// It answered.
    Answer(Result<Answer, StepError>),
    /// The run was asked to leave meanwhile; what the step did in memory is dropped.
    Interrupted,
}

/// May a step be dropped in the middle?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hold {
    /// It only works in memory, or only asks.
    Drop,
    /// It may have changed the world: it is given time to finish.
    Finish,
}

impl Engine {
    /// Gives the step at `index` its turn. `None`: the loop goes on.
    pub(crate) async fn turn(&self, run: &mut Run, index: usize) -> Pass<Option<Outcome>> {
        let spec = run.spec.clone();
        let spec = &spec.steps[index];
        let now = self.clock().now();
        if run.memory.work.is_none()
            && lacks_secrets(run, index)
            && let Some(outcome) = self.folder(run, index).await?
        {
            return Ok(Some(outcome));
        }
        if run.state.steps[index].started_at.is_none() {
            let wanted = match &spec.condition {
                None => Ok(!failed_before(&run.state.steps, index)),
                Some(text) => self.condition(run, index, text).await,
            };
            match wanted {
                Ok(true) => {}
                Ok(false) => {
                    self.over(run, index, StepStatus::Skipped, String::new(), "");
                    return Ok(None);
                }
                Err(err) => return self.unresolved(run, index, err).await,
            }
        }
        let step = match self.steps.get(&spec.uses) {
            Lookup::Step(step) => step,
            Lookup::NotBuilt => return self.park_not_built(run, index).await.map(Some),
            Lookup::Unknown => {
                self.over(
                    run,
                    index,
                    StepStatus::Errored,
                    format!("there is no step `{}`: docs/steps tells of those there are", spec.uses),
                    "UnknownStep",
                );
                return Ok(None);
            }
        };
        let state = &mut run.state.steps[index];
        state.started_at.get_or_insert(now);
        state.status = Some(StepStatus::Running);
        let config = match self.config(run, index).await {
            Ok(config) => config,
            Err(err) => return self.unresolved(run, index, err).await,
        };
        if let Err(err) = step.check(&config) {
            return self.conclude(run, index, Err(err)).await;
        }
        let class = step.class(&config);
        let state = &mut run.state.steps[index];
        state.class = Some(record_class(class));
        state.task_output = step.publishes_task_output();
        match class {
            Class::Local | Class::Recorded => self.local(run, index, &*step, &config).await,
            Class::Wait => self.wait(run, index, &*step, &config).await,
            Class::Effect(_) if PUSHES.contains(&step.name()) => self.push_turn(run, index, &*step, &config).await,
            Class::Effect(contract) => self.effect(run, index, &*step, &config, contract).await,
        }
    }

    async fn local(&self, run: &mut Run, index: usize, step: &dyn Step, config: &Value) -> Pass<Option<Outcome>> {
        if run.memory.unsaved {
            self.save(run, Milestone::Effect).await?;
        }
        if let Some(outcome) = self.folder(run, index).await? {
            return Ok(Some(outcome));
        }
        let before = run.memory.heads();
        let answer = match self.attempt(run, index, step, config, Purpose::Run, Hold::Drop).await {
            Tried::Answer(answer) => answer,
            Tried::Interrupted => return Ok(None),
        };
        self.point(&Point::Local { step: run.spec.steps[index].alias.clone() })?;
        let answer = match answer {
            Ok(answer) => self.inspect(run, index, &before, config).map(|()| answer),
            err => err,
        };
        if answer.is_err() {
            // A step that failed leaves no trace in the folder: it is rebuilt from those that did not.
            run.memory.work = None;
        }
        self.answered(run, index, answer).await
    }

    async fn wait(&self, run: &mut Run, index: usize, step: &dyn Step, config: &Value) -> Pass<Option<Outcome>> {
        match self.attempt(run, index, step, config, Purpose::Run, Hold::Drop).await {
            Tried::Answer(answer) => self.answered(run, index, answer).await,
            Tried::Interrupted => Ok(None),
        }
    }

    async fn effect(
        &self,
        run: &mut Run,
        index: usize,
        step: &dyn Step,
        config: &Value,
        contract: Contract,
    ) -> Pass<Option<Outcome>> {
        let alias = run.spec.steps[index].alias.clone();
        if contract == Contract::Unknowable
            && let Some(outcome) = self.settle_uncertain(run, index, "it was interrupted between start and answer").await?
        {
            return Ok(outcome);
        }
        if let Some(outcome) = self.folder(run, index).await? {
            return Ok(Some(outcome));
        }
        if let Some(outcome) = self.check_digest(run, index, None).await? {
            return Ok(Some(outcome));
        }
        let now = self.clock().now();
        let effect = run.state.steps[index].effect.get_or_insert_with(|| EffectState::new(now));
        effect.n_tries += 1;
        run.state.event(now, "EffectStarted", &alias, "");
        self.save(run, Milestone::Effect).await?;
        self.point(&Point::Effect { step: alias.clone(), side: Side::Before })?;
        let tried = self.attempt(run, index, step, config, Purpose::Run, Hold::Finish).await;
        self.point(&Point::Effect { step: alias.clone(), side: Side::After })?;
        let answer = match tried {
            Tried::Answer(answer) => answer,
            Tried::Interrupted => return Ok(None),
        };
        run.memory.unsaved = true;
        if contract == Contract::Unknowable
            && let Err(err) = &answer
            && (err.reason == ANSWER_LOST || err.next == Next::Bug)
        {
            let why = err.message.clone();
            return Ok(self.settle_uncertain(run, index, &why).await?.flatten());
        }
        if let Some(effect) = &mut run.state.steps[index].effect {
            effect.done = true;
        }
        let outcome = self.answered(run, index, answer).await?;
        if contract == Contract::Unknowable && run.memory.unsaved {
            // A repeated message is worse than one more write.
            self.save(run, Milestone::Effect).await?;
        }
        Ok(outcome)
    }

    /// An unknowable effect that was begun: asks for a decision, or carries one out. `None`: the effect may be sent.
    async fn settle_uncertain(&self, run: &mut Run, index: usize, why: &str) -> Pass<Option<Option<Outcome>>> {
        let alias = run.spec.steps[index].alias.clone();
        let Some(effect) = run.state.steps[index].effect.as_mut().filter(|effect| !effect.done) else { return Ok(None) };
        match effect.resolution.take() {
            Some(resolution) if resolution.choice == Choice::Repeat => {
                run.state.event(self.clock().now(), "EffectRepeated", &alias, &format!("decided by {}", resolution.by));
                Ok(None)
            }
            Some(resolution) => {
                effect.done = true;
                run.memory.unsaved = true;
                self.over(run, index, StepStatus::Skipped, format!("taken as done: decided by {}", resolution.by), "Resolved");
                Ok(Some(None))
            }
            None => {
                effect.uncertain = true;
                let message = format!(
                    "nobody can tell whether step `{alias}` happened: {why}; look, then `seaway resolve {} --repeat` or `--skip`",
                    run.facts.promotion
                );
                self.leave(run, index, WaitKind::Uncertain, ("Uncertain", message.clone()), None).await?;
                Ok(Some(Some(Outcome::Uncertain { step: alias, why: run.memory.masker.text(&message) })))
            }
        }
    }

    /// Asks the step. The work folder is lent to it; a panic is a bug of ours, never the process's end.
    pub(crate) async fn attempt(
        &self,
        run: &mut Run,
        index: usize,
        step: &dyn Step,
        config: &Value,
        purpose: Purpose,
        hold: Hold,
    ) -> Tried {
        let spec = &run.spec.steps[index];
        let had_folder = run.memory.work.is_some();
        let mut work = run.memory.work.take().unwrap_or_default();
        let state = &run.state.steps[index];
        let trailers = trailers(run, index);
        let answer = {
            let mut cx = StepContext {
                facts: &run.facts,
                alias: &spec.alias,
                work: &mut work,
                ports: &self.ports,
                record: state.record.as_ref(),
                purpose,
                identity: identity(run, index, config),
                idempotency_key: format!("{}/{}", run.facts.promotion_uid, spec.alias),
                started_at: state.started_at.unwrap_or(run.facts.started_at),
                trailers: &trailers,
            };
            let call = self.telling(&run.facts, &run.memory.masker, &spec.alias, step.run(&mut cx, config));
            let call = AssertUnwindSafe(call).catch_unwind();
            let leave = leave(&run.cancel, hold);
            tokio::select! {
                biased;
                answer = call => Some(answer),
                () = leave => None,
            }
        };
        match answer {
            None => Tried::Interrupted,
            Some(Ok(answer)) => {
                if had_folder {
                    run.memory.work = Some(work);
                }
                Tried::Answer(answer)
            }
            Some(Err(panic)) => {
                let text = panic
                    .downcast_ref::<String>()
                    .cloned()
                    .or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
                let message = format!("step `{}` panicked: {}; this is a bug of Seaway", spec.alias, text.unwrap_or_default());
                Tried::Answer(Err(StepError::errored("Bug", Next::Bug, message).terminal()))
            }
        }
    }
}

/// Returns once a run that was asked to leave must do so.
pub(crate) async fn leave(cancel: &Cancel, hold: Hold) {
    cancel.wait().await;
    if hold == Hold::Finish {
        tokio::time::sleep(GRACE).await;
    }
}

/// Did an earlier step publish a secret that the journal holds only masked? Then it is run again before anything reads it.
fn lacks_secrets(run: &Run, index: usize) -> bool {
    let masked = |output: &Map<String, Value>| Value::Object(output.clone()).to_string().contains(crate::mask::MASK);
    let repeatable = |class| matches!(class, Some(ClassRecord::Local | ClassRecord::Recorded));
    let steps = run.state.steps[..index].iter().enumerate();
    steps
        .into_iter()
        .any(|(i, step)| repeatable(step.class) && !run.memory.raw.contains_key(&i) && step.output.as_ref().is_some_and(masked))
}

impl EffectState {
    pub(crate) fn new(started_at: jiff::Timestamp) -> Self {
        Self { started_at, n_tries: 0, done: false, uncertain: false, resolution: None, push: None }
    }
}

pub(crate) const fn record_class(class: Class) -> ClassRecord {
    match class {
        Class::Local => ClassRecord::Local,
        Class::Recorded => ClassRecord::Recorded,
        Class::Effect(_) => ClassRecord::Effect,
        Class::Wait => ClassRecord::Wait,
    }
}

/// What commits of this step carry: the push to come is the first one below it that names the same path, else the first one.
pub(crate) fn trailers(run: &Run, index: usize) -> Vec<(String, String)> {
    let path = |i: usize| run.spec.steps[i].config.get("path");
    let pushes = || (index..run.spec.steps.len()).filter(|&i| PUSHES.contains(&run.spec.steps[i].uses.as_str()));
    let push = pushes().find(|&i| path(i) == path(index)).or_else(|| pushes().next()).unwrap_or(index);
    vec![
        ("Promotion-Id".into(), promotion_id(run)),
        ("Promotion-Step".into(), run.spec.steps[push].alias.clone()),
        ("Promoted-By".into(), run.facts.actor.clone()),
    ]
}

/// Who commits in this step: the author that its checkout was cloned with, else that of the last clone, else the run's.
pub(crate) fn identity(run: &Run, index: usize, config: &Value) -> GitIdentity {
    let path = config.get("path").and_then(Value::as_str).and_then(|path| RelPath::parse(path).ok());
    let holds = |step: &StepState| {
        let mounts = step.mounts.iter().filter_map(|mount| RelPath::parse(mount).ok());
        path.as_ref().is_some_and(|path| mounts.into_iter().any(|mount| path.below(&mount).is_some()))
    };
    let cloned = || run.state.steps[..index].iter().rev();
    let own = cloned().find(|step| holds(step)).map(|step| step.author.clone());
    own.unwrap_or_else(|| cloned().find_map(|step| step.author.clone())).unwrap_or_else(|| run.identity.clone())
}

/// `<namespace>/<name>`.
pub(crate) fn promotion_id(run: &Run) -> String {
    format!("{}/{}", run.facts.project, run.facts.promotion)
}
