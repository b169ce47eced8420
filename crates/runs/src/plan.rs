//! A plan: the same run with effects described instead of done, cut into segments where a later step needs what only exists afterwards.

use seaway_api::seaway::{PlannedEffect, PlannedFile, PlannedPath, PlannedWait, Segment};
use seaway_base::RelPath;
use seaway_core::plan::Difference;
use seaway_git::ObjectId;
use serde_json::Value;
use std::sync::Arc;

use crate::decide::failed_before;
use crate::digest;
use crate::engine::{Engine, Pass};
use crate::facts::Facts;
use crate::folder;
use crate::planning::Planning;
use crate::ports::Lookup;
use crate::push::{stands_on, target, within_mount};
use crate::resolve::{Condition, ResolveError};
use crate::run::{AdvanceError, Expected, Outcome, Run};
use crate::spec::RunSpec;
use crate::state::{Phase, RunState, StepStatus};
use crate::step::{Answer, Class, GitIdentity, Purpose, PushAsk, Step, StepContext, StepError};
use crate::turn::{Hold, Tried, identity, record_class, trailers};

pub(crate) mod shown;

/// Bytes of diffs in a plan.
pub const DIFF_MAX: usize = 512 * 1024;
/// Paths that a plan lists.
pub const PATHS_MAX: usize = 500;

/// What is to be planned. `promotion` and `actor` of the facts are replaced by symbols.
#[derive(Debug, Clone)]
pub struct PlanRequest {
    /// As of a promotion that began now.
    pub facts: Facts,
    /// What it would carry out.
    pub spec: Arc<RunSpec>,
    /// Who commits by default.
    pub identity: GitIdentity,
    /// What else the digest covers.
    pub gates: Gates,
}

/// Gates and policies that hold for the stage.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Gates {
    /// Ids of the gates, sorted.
    pub ids: Vec<String>,
    /// Hash of the policies.
    pub policy_hash: String,
}

/// What a promotion would do.
#[derive(Debug, Clone, Default)]
pub struct PlanResult {
    /// The steps, cut where something is known only afterwards.
    pub segments: Vec<Segment>,
    /// Files that would change, at most [`PATHS_MAX`].
    pub files: Vec<PlannedFile>,
    /// All paths that the digest covers: kept with it, so that a difference can be named.
    pub paths: Vec<PlannedPath>,
    /// What would be done to the world.
    pub effects: Vec<PlannedEffect>,
    /// What it would wait for.
    pub waits: Vec<PlannedWait>,
    /// Would anything change?
    pub changed: bool,
    /// Diffs or files were left out.
    pub truncated: bool,
    /// The digest.
    pub digest: String,
    /// Why the promotion would not succeed, with its reason.
    pub failure: Option<(String, String)>,
}

/// Why a plan could not be made; a plan of a promotion that would fail is a [`PlanResult`].
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct PlanError(pub(crate) String);

impl Engine {
    /// Plans a promotion: local and recorded steps are really run, effects and waits are described.
    ///
    /// # Errors
    /// [`PlanError`] if data or a repository cannot be read now.
    pub async fn plan(&self, request: &PlanRequest) -> Result<PlanResult, PlanError> {
        let facts = digest::symbolic(&request.facts);
        let mut planning = Planning::new(&facts, request.spec.clone(), request.identity.clone());
        self.planned(&mut planning, None).await?;
        if digest::uses_now(&request.spec) {
            let mut symbolic = facts.clone();
            symbolic.started_at = digest::NOW;
            let mut again = Planning::new(&symbolic, request.spec.clone(), request.identity.clone());
            again.run.state.data.clone_from(&planning.run.state.data);
            self.planned(&mut again, Some(&planning.run.state)).await?;
            planning.result.paths = again.result.paths;
            planning.covered = Some(again.result.effects);
        }
        Ok(planning.finish(&request.gates))
    }

    /// Compares what this run would write with what it was bound to: before its first effect, and again where a branch moved under a push.
    /// The digest is kept in every run.
    pub(crate) async fn check_digest(
        &self,
        run: &mut Run,
        index: usize,
        moved: Option<(&RelPath, ObjectId)>,
    ) -> Pass<Option<Outcome>> {
        let wanted = match moved {
            None => run.state.plan_digest.is_none(),
            // On a branch that holds an earlier push of this run the change is no longer the planned one.
            Some((mount, _)) => run.expected.is_some() && stands_on(run, index, mount).is_none(),
        };
        if !wanted {
            return Ok(None);
        }
        let symbols = digest::uses_symbols(&run.spec);
        let mut facts = digest::symbolic(&run.facts);
        if digest::uses_now(&run.spec) {
            facts.started_at = digest::NOW;
        }
        let mut planning = Planning::new(&facts, run.spec.clone(), run.identity.clone());
        planning.run.state.data.clone_from(&run.state.data);
        for (planned, real) in planning.run.state.steps.iter_mut().zip(&run.state.steps) {
            // A tool that saw the promotion's name must see the symbol now.
            if !symbols || !real.mounts.is_empty() {
                planned.record.clone_from(&real.record);
            }
            planned.moved.clone_from(&real.moved);
            if let Some((mount, tip)) = moved.filter(|(mount, _)| real.mounts.iter().any(|path| path == mount.as_str())) {
                planned.moved.insert(mount.as_str().to_owned(), tip.to_string());
            }
        }
        planning.with_diffs = false;
        let decisions = run.state.clone();
        if let Err(PlanError(why)) = self.planned(&mut planning, Some(&decisions)).await {
            return match &run.expected {
                None => Ok(None),
                Some(_) => self.retry(run, index, "PlanUnknown", format!("the plan cannot be compared: {why}")).await,
            };
        }
        let result = planning.finish(&run.gates);
        run.state.plan_digest = Some(result.digest.clone());
        let Some(Expected { digest, paths }) = run.expected.clone() else { return Ok(None) };
        if digest == result.digest {
            return Ok(None);
        }
        let what = digest::difference(&paths, &result.paths);
        let message = format!("the plan has changed since it was made: {what}; plan again and promote with the new digest");
        run.state.steps[index].started_at = None;
        run.state.steps[index].status = None;
        self.end(run, Phase::Failed, message, "PlanChanged".into()).await.map(Some)
    }

    /// A bound run whose steps do not work on the branch as it is now was not planned on it: says what is different there. `None`: no plan
    /// binds it.
    pub(crate) async fn voided(&self, run: &Run, why: &str) -> Option<String> {
        let expected = run.expected.as_ref()?;
        let mut moved = None;
        for path in &expected.paths {
            let repository = run.state.repositories().into_iter().find(|it| it.url == path.repository);
            let Some(repository) = repository else { continue };
            let Ok(remote) = self.reach(run, &repository).await else { continue };
            if folder::is_moved(&self.ports.git.mirror(&remote), path) {
                moved = Some(Difference::Moved { path: path.path.clone(), branch: path.branch.clone() });
                break;
            }
        }
        let what = moved.map(|moved| format!("{moved}; ")).unwrap_or_default();
        Some(format!("the plan has changed since it was made: {what}{why}; plan again and promote with the new digest"))
    }

    /// The loop of a plan. With `decisions`, what `if` said there holds here.
    async fn planned(&self, planning: &mut Planning, decisions: Option<&RunState>) -> Result<(), PlanError> {
        for index in 0..planning.run.spec.steps.len() {
            self.plan_step(planning, index, decisions).await?;
        }
        Ok(())
    }

    /// Would the step be run? In its real run that is decided already.
    async fn plan_decision(
        &self,
        planning: &mut Planning,
        index: usize,
        decisions: Option<&RunState>,
    ) -> Result<bool, PlanError> {
        let spec = planning.run.spec.clone();
        let spec = &spec.steps[index];
        let decided = decisions
            .and_then(|state| state.steps[index].status)
            .map(|status| status != StepStatus::Skipped || decisions.is_some_and(|state| state.steps[index].ran));
        let wanted = match (decided, &spec.condition) {
            (Some(wanted), _) => Ok(Condition::Known(wanted)),
            (None, None) => Ok(Condition::Known(!failed_before(&planning.run.state.steps, index))),
            (None, Some(text)) => self.condition_or_unknown(&mut planning.run, index, text).await,
        };
        match wanted {
            Ok(Condition::Known(true)) => {}
            Ok(Condition::Known(false)) => {
                planning.decided(index, false);
                planning.step(index, StepStatus::Skipped, "");
                return Ok(false);
            }
            Ok(Condition::Unknown(on)) => planning.cut("conditional", &on),
            Err(ResolveError::Data { message, .. }) => return Err(PlanError(message)),
            Err(ResolveError::Expression(message)) => {
                planning.fail(index, StepStatus::Errored, message, "Expression");
                return Ok(false);
            }
        }
        planning.decided(index, true);
        Ok(true)
    }

    async fn plan_step(&self, planning: &mut Planning, index: usize, decisions: Option<&RunState>) -> Result<(), PlanError> {
        let spec = planning.run.spec.clone();
        let spec = &spec.steps[index];
        if !self.plan_decision(planning, index, decisions).await? {
            return Ok(());
        }
        let step = match self.steps.get(&spec.uses) {
            Lookup::Step(step) => step,
            Lookup::NotBuilt => {
                planning.opaque(index, &format!("step `{}` is not built in this release of Seaway", spec.uses));
                planning.result.failure.get_or_insert(("NotBuilt".into(), format!("step `{}` is not built", spec.uses)));
                return Ok(());
            }
            Lookup::Unknown => {
                planning.fail(index, StepStatus::Errored, format!("there is no step `{}`", spec.uses), "UnknownStep");
                return Ok(());
            }
        };
        let now = planning.run.facts.started_at;
        planning.run.state.steps[index].started_at = Some(now);
        planning.run.state.steps[index].status = Some(StepStatus::Running);
        let (config, unknowns) = match self.config_and_unknowns(&mut planning.run, index).await {
            Ok(config) => config,
            Err(ResolveError::Data { message, .. }) => return Err(PlanError(message)),
            Err(ResolveError::Expression(message)) => {
                planning.fail(index, StepStatus::Errored, message, "Expression");
                return Ok(());
            }
        };
        let class = step.class(&config);
        planning.run.state.steps[index].class = Some(record_class(class));
        planning.run.state.steps[index].task_output = step.publishes_task_output();
        if unknowns.is_empty()
            && let Err(err) = step.check(&config)
        {
            planning.fail(index, StepStatus::Failed, err.message, err.reason);
            return Ok(());
        }
        match class {
            Class::Local | Class::Recorded if !unknowns.is_empty() => {
                planning.opaque(index, &format!("its configuration is {}", unknowns.join(", ")))
            }
            Class::Local | Class::Recorded if planning.blind => {
                planning.opaque(index, "an earlier step could not be told, so the folder is not known")
            }
            Class::Local | Class::Recorded => self.plan_local(planning, index, &*step, &config).await?,
            Class::Effect(_) | Class::Wait => {
                if !unknowns.is_empty() {
                    planning.cut("conditional", &unknowns.join(", "));
                }
                self.plan_effect(planning, index, &*step, &config, class == Class::Wait).await?;
            }
        }
        Ok(())
    }

    async fn plan_local(&self, planning: &mut Planning, index: usize, step: &dyn Step, config: &Value) -> Result<(), PlanError> {
        let run = &mut planning.run;
        run.memory.work.get_or_insert_default();
        let before = run.memory.heads();
        let done = match self.attempt(run, index, step, config, Purpose::Plan, Hold::Drop).await {
            Tried::Answer(Ok(Answer::Done(done))) => done,
            Tried::Answer(Ok(_)) => {
                planning.opaque(index, "it would wait");
                return Ok(());
            }
            Tried::Answer(Err(err)) => return planning.failed(index, err),
            Tried::Interrupted => return Err(PlanError("interrupted".into())),
        };
        for (mount, commit) in run.state.steps[index].moved.clone() {
            if let Some(work) = run.memory.work.as_mut()
                && let Err(err) = folder::remount(work, &mount, &commit)
            {
                return planning.failed(index, err);
            }
        }
        if let Err(err) = self.inspect(run, index, &before, config) {
            return planning.failed(index, err);
        }
        if let Err(err) = self.publish(run, index, done.output) {
            return planning.failed(index, err);
        }
        run.state.steps[index].ran = true;
        if let Some(record) = &done.record {
            for key in ["tool", "version"] {
                if let Some(value) = record.get(key) {
                    planning.tools.insert(format!("{}.{key}", run.spec.steps[index].alias), value.to_string());
                }
            }
        }
        let status = if done.skipped { StepStatus::Skipped } else { StepStatus::Succeeded };
        planning.step(index, status, &done.message.unwrap_or_default());
        Ok(())
    }

    async fn plan_effect(
        &self,
        planning: &mut Planning,
        index: usize,
        step: &dyn Step,
        config: &Value,
        waits: bool,
    ) -> Result<(), PlanError> {
        let run = &mut planning.run;
        let trailers = trailers(run, index);
        let mut work = run.memory.work.take().unwrap_or_default();
        let described = {
            let mut cx = StepContext {
                facts: &run.facts,
                alias: &run.spec.steps[index].alias,
                work: &mut work,
                ports: &self.ports,
                record: None,
                purpose: Purpose::Plan,
                identity: identity(run, index, config),
                idempotency_key: String::new(),
                started_at: run.facts.started_at,
                trailers: &trailers,
            };
            step.describe(&mut cx, config).await
        };
        run.memory.work = Some(work);
        let description = match described {
            Ok(description) => description,
            Err(err) => return planning.failed(index, err),
        };
        if let Err(err) = self.publish(run, index, description.output) {
            return planning.failed(index, err);
        }
        run.memory.unknown.insert(index, description.unknown_outputs);
        let alias = run.spec.steps[index].alias.clone();
        let summary = run.memory.masker.text(&description.summary);
        let arguments = run.memory.masker.map(&description.arguments);
        if waits {
            planning.result.waits.push(PlannedWait { alias, for_: summary, released_by: String::new() });
        } else {
            if let Some(ask) = description.push
                && let Err(err) = self.plan_push(planning, ask).await
            {
                return planning.failed(index, err);
            }
            let kind = step.name().to_owned();
            planning.result.effects.push(PlannedEffect {
                alias,
                kind,
                description: summary,
                arguments: Some(Value::Object(arguments)),
            });
        }
        planning.step(index, StepStatus::Succeeded, "");
        Ok(())
    }

    /// Lists what a push would change.
    async fn plan_push(&self, planning: &mut Planning, ask: PushAsk) -> Result<(), StepError> {
        let ask = &within_mount(&planning.run, ask);
        self.refuse_secrets(&planning.run, &ask.mount)?;
        let run = &planning.run;
        let (Some(work), Some(info)) = (&run.memory.work, run.memory.mount(&ask.mount)) else { return Ok(()) };
        let branch = target(run, ask, info.head.branch.as_deref())?.name;
        let cloned = run.state.steps.iter().rev().find(|step| step.mounts.iter().any(|path| path == ask.mount.as_str()));
        let url = cloned.and_then(|step| step.repository.as_ref()).map(|repository| repository.url.clone()).unwrap_or_default();
        let changes = folder::changes(work, &ask.mount, &url, &branch)?;
        let objects = info.objects;
        let mut listed = Vec::new();
        for change in changes {
            let path = change.path();
            // A second push to a branch holds what the first one did.
            let same = |repository: &str, branch: &str, name: &str| {
                (repository, branch, name) == (path.repository.as_str(), path.branch.as_str(), path.path.as_str())
            };
            planning.result.paths.retain(|it| !same(&it.repository, &it.branch, &it.path));
            planning.result.files.retain(|it| !same(&it.repository, &it.branch, &it.path));
            planning.result.changed = true;
            planning.result.paths.push(path);
            listed.push(change);
        }
        let n_free = PATHS_MAX.saturating_sub(planning.result.files.len());
        planning.result.truncated |= listed.len() > n_free;
        listed.truncate(n_free);
        if planning.with_diffs {
            let shown = shown::of_plan(listed, objects, planning.run.memory.masker.clone(), planning.room.clone());
            let (files, whole, room) = shown.await.map_err(|err| folder::git_error(&err))?;
            planning.room = room;
            planning.result.truncated |= !whole;
            planning.result.files.extend(files);
        } else {
            planning.result.files.extend(listed.iter().map(folder::Change::file));
        }
        Ok(())
    }
}

impl From<AdvanceError> for PlanError {
    fn from(err: AdvanceError) -> Self {
        Self(seaway_base::chain(&err))
    }
}
