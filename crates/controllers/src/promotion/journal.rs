//! Where a run's journal is kept: one write to `PromotionRun.status` a save, and Kargo's projection where its clients look.

use super::projection::{promotion_status, run_status, told};
use crate::write::{by, is_code, status};
use async_trait::async_trait;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kube::Resource;
use kube::api::{Api, PostParams};
use parking_lot::Mutex;
use seaway_api::kargo::{FreightCollection, FreightReference, Promotion};
use seaway_api::seaway::{PromotionRun, PromotionRunSpec, PromotionRunStatus};
use seaway_base::{SharedClock, chain};
use seaway_runs::{Facts, JournalError, JournalSink, Milestone, RunState, Wait};

/// The controller's name, as it signs its writes.
pub(super) const NAME: &str = "promotions";

/// Saves the journal of one promotion's run. What it holds was read or written last; a conflict means that it is stale.
pub(super) struct ObjectJournal {
    pub(super) runs: Api<PromotionRun>,
    pub(super) promotions: Api<Promotion>,
    pub(super) clock: SharedClock,
    /// The freight as it was when the run began, and what is in the stage after it.
    pub(super) freight: Option<(FreightReference, FreightCollection)>,
    /// The plan the promotion keeps to; empty for none.
    pub(super) plan: String,
    pub(super) held: Mutex<Held>,
}

/// Both objects as they stand.
#[derive(Debug, Clone)]
pub(super) struct Held {
    pub(super) promotion: Promotion,
    pub(super) run: Option<PromotionRun>,
}

#[async_trait]
impl JournalSink for ObjectJournal {
    async fn save(&self, _: &Facts, state: &RunState, milestone: Milestone) -> Result<(), JournalError> {
        if milestone == Milestone::Started && self.held.lock().run.is_none() {
            // A run that exists and has no journal has begun, and so has a promotion that says so and has no run: neither rests on
            // the other, and both are waited for at once.
            let (made, projected) = tokio::join!(self.made(), self.project(state));
            return made.map(|_| ()).and(projected);
        }
        let run = self.made().await?;
        if milestone != Milestone::Started || run.status.is_some() {
            self.write(run, |before, generation, now| run_status(before, state, generation, now)).await?;
        }
        if matches!(milestone, Milestone::Started | Milestone::Waiting) {
            self.project(state).await?;
        }
        Ok(())
    }

    async fn tell(&self, _: &Facts, wait: Option<&Wait>) -> Result<(), JournalError> {
        let Some(run) = self.held.lock().run.clone() else { return Ok(()) };
        self.write(run, |before, generation, now| told(before, wait, generation, now)).await
    }
}

impl ObjectJournal {
    /// The run's object, made if it is not there.
    pub(super) async fn made(&self) -> Result<PromotionRun, JournalError> {
        let Held { promotion, run } = self.held.lock().clone();
        if let Some(run) = run {
            return Ok(run);
        }
        let name = promotion.metadata.name.clone().unwrap_or_default();
        let uid = promotion.metadata.uid.clone().unwrap_or_default();
        let spec = PromotionRunSpec { promotion: name.clone(), promotion_uid: uid.clone(), plan: self.plan.clone() };
        let mut run = PromotionRun::new(&name, spec);
        run.metadata.owner_references = Some(vec![OwnerReference {
            api_version: Promotion::api_version(&()).into_owned(),
            kind: Promotion::kind(&()).into_owned(),
            name,
            uid,
            controller: Some(true),
            block_owner_deletion: Some(true),
        }]);
        let params = PostParams { field_manager: by(NAME).field_manager, ..PostParams::default() };
        let made = self.runs.create(&params, &run).await.map_err(|err| refused(&err))?;
        self.held.lock().run = Some(made.clone());
        Ok(made)
    }

    /// Writes the run's status, if nobody else has meanwhile.
    pub(super) async fn write(
        &self,
        mut run: PromotionRun,
        change: impl FnOnce(PromotionRunStatus, Option<i64>, jiff::Timestamp) -> PromotionRunStatus,
    ) -> Result<(), JournalError> {
        let before = run.status.take().unwrap_or_default();
        let after = change(before.clone(), run.metadata.generation, self.clock.now());
        if after == before {
            return Ok(());
        }
        run.status = Some(after);
        // The whole status with the revision it rests on: a merge patch would lose what is `null` in the journal.
        let name = run.metadata.name.clone().unwrap_or_default();
        let params = PostParams { field_manager: by(NAME).field_manager, ..PostParams::default() };
        let written = self.runs.replace_status(&name, &params, &run).await.map_err(|err| refused(&err))?;
        self.held.lock().run = Some(written);
        Ok(())
    }

    /// Writes what Kargo's clients see of the run.
    pub(super) async fn project(&self, state: &RunState) -> Result<(), JournalError> {
        let promotion = self.held.lock().promotion.clone();
        let name = promotion.metadata.name.clone().unwrap_or_default();
        let after = promotion_status(&promotion, state, self.freight.as_ref());
        let written = status(&self.promotions, NAME, &name, &promotion.status, &after).await.map_err(|err| refused(&err))?;
        if let Some(written) = written {
            self.held.lock().promotion = written;
        }
        Ok(())
    }
}

fn refused(err: &kube::Error) -> JournalError {
    // Gone counts as a conflict too: what we hold is not what there is.
    if is_code(err, 409) || is_code(err, 404) { JournalError::Conflict } else { JournalError::Unavailable(chain(err)) }
}
