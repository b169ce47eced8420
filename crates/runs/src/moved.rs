//! The branch moved under a push: its tip is found, and this promotion's change is carried there.

use seaway_base::Next;
use seaway_git::ObjectId;
use serde_json::Value;

use crate::engine::{Engine, Pass};
use crate::folder::{self, git_error};
use crate::push::{Halt, Job};
use crate::rebuild::{INTERRUPTED, Rebuild};
use crate::run::Run;
use crate::state::{ClassRecord, Phase, StepStatus};
use crate::step::StepError;

impl Engine {
    /// Where the ref is now. A change that does not stand on what this process last saw there is carried to that first: the push says
    /// whether it moved since.
    pub(crate) async fn look(
        &self,
        run: &Run,
        job: &mut Job,
        old: Option<ObjectId>,
        based: bool,
    ) -> Result<Option<ObjectId>, StepError> {
        let unasked = std::mem::take(&mut job.unasked);
        let tip = match old {
            Some(known) if unasked && !based => Some(known),
            _ => {
                let tip = folder::tip(&job.mirror, &job.target.refname);
                let tip = self.telling(&run.facts, &run.memory.masker, &job.alias, tip).await;
                tip.map_err(|err| git_error(&err))?
            }
        };
        match tip {
            Some(tip) if job.target.tag => {
                let message =
                    format!("tag `{}` exists already, at {}; tags are not moved", job.target.name, tip.to_hex_with_len(7));
                Err(StepError::failed("TagExists", message))
            }
            tip => Ok(tip),
        }
    }

    /// The branch moved: carries this promotion's change to the new tip.
    pub(crate) async fn integrate(&self, run: &mut Run, job: &Job, tip: ObjectId) -> Pass<Result<(), Halt>> {
        let (index, mount) = (job.index, job.mount.as_str().to_owned());
        let acts = |class| matches!(class, Some(ClassRecord::Effect | ClassRecord::Wait));
        let cloned = run.state.steps[..index].iter().rposition(|step| step.mounts.contains(&mount));
        let cloned = cloned.filter(|&cloned| {
            job.target.current && !run.state.steps[cloned..index].iter().any(|step| step.ran && acts(step.class))
        });
        if let Some(cloned) = cloned {
            let steps = run.state.steps.clone();
            run.state.steps[cloned].moved.insert(mount, tip.to_string());
            if let Err(broken) = self.rebuild(run, index, Rebuild::Rerun).await? {
                run.state.steps = steps;
                if broken.err.reason == INTERRUPTED {
                    return Ok(Err(Halt::Left(None)));
                }
                let message = format!(
                    "branch `{}` moved to {} and step `{}` does not work there: {}",
                    job.target.name,
                    tip.to_hex_with_len(7),
                    broken.step,
                    broken.err.message
                );
                if broken.err.next != Next::Retry
                    && let Some(message) = self.voided(run, &message).await
                {
                    (run.state.steps[index].started_at, run.state.steps[index].status) = (None, None);
                    let outcome = self.end(run, Phase::Failed, message, "PlanChanged".into()).await?;
                    return Ok(Err(Halt::Left(Some(outcome))));
                }
                let err = StepError { message, ..broken.err };
                return Ok(Err(if err.next == Next::Retry { err } else { err.terminal() }.into()));
            }
        } else {
            let Some(work) = run.memory.work.as_mut() else { return Ok(Err(Halt::Left(None))) };
            match folder::merge(work, &job.mount, tip, &job.target.name) {
                Ok(moved) => rename_commits(run, index, &moved),
                Err(err) => return Ok(Err(err.into())),
            }
        }
        // What was planned may be voided by what came in between.
        Ok(match self.check_digest(run, index, Some((&job.mount, tip))).await? {
            Some(outcome) => Err(Halt::Left(Some(outcome))),
            None => Ok(()),
        })
    }
}

/// Puts the ids of landed commits into the outputs of the steps that made them.
pub(crate) fn rename_commits(run: &mut Run, before: usize, moved: &[(String, String)]) {
    for step in run.state.steps.iter_mut().take(before).filter(|step| step.status != Some(StepStatus::Failed)) {
        let Some(Value::String(commit)) = step.output.as_mut().and_then(|output| output.get_mut("commit")) else { continue };
        if let Some((_, new)) = moved.iter().find(|(old, _)| old == commit) {
            commit.clone_from(new);
        }
    }
}
