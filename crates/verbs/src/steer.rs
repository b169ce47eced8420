//! `abort`, `resolve` and `resume`: a person's hand on what moves or stands still.

use crate::{VerbError, Verbs};
use jiff::Timestamp;
use kube::api::{Api, Patch, PatchParams};
use seaway_api::kargo::names::annotation;
use seaway_api::kargo::{Promotion, Stage};
use serde_json::json;

/// What a person decides of an effect that nobody can be sure of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resolution {
    /// It did not happen: send it again.
    Repeat,
    /// It happened, or is not wanted: go on.
    Skip,
}

impl Resolution {
    /// The word in the annotation.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Repeat => "repeat",
            Self::Skip => "skip",
        }
    }
}

impl Verbs {
    /// Ends a promotion. What was pushed stays pushed.
    ///
    /// # Errors
    /// [`VerbError::NoSuch`]; [`VerbError::NotNow`] if it is over.
    pub async fn abort(&self, promotion: &str) -> Result<(), VerbError> {
        // Nobody carries out what nobody can read, so there is nothing to ask: it can only go.
        let found = self.promotion(promotion).await.map_err(|err| match err {
            VerbError::Unreadable { what, message, .. } => {
                VerbError::Unreadable { what, message, hint: format!("`seaway delete promotion {promotion}` ends it") }
            }
            err => err,
        })?;
        if let Some(phase) = found.status.as_ref().map(|status| status.phase.to_string()).filter(|phase| is_over(phase)) {
            return Err(VerbError::NotNow(format!("promotion `{promotion}` is over: {phase}")));
        }
        self.annotate_promotion(promotion, annotation::ABORT, "terminate", "abort").await
    }

    /// Decides an uncertain effect of a promotion.
    ///
    /// # Errors
    /// [`VerbError::NotNow`] if nothing of it is uncertain.
    pub async fn resolve(&self, promotion: &str, how: Resolution) -> Result<(), VerbError> {
        self.promotion(promotion).await?;
        let runs: Api<seaway_api::seaway::PromotionRun> = self.api();
        let run = runs.get_opt(promotion).await.map_err(|err| VerbError::api("read the run", err))?;
        if run.and_then(|run| run.status).is_none_or(|status| status.phase != "Uncertain") {
            return Err(VerbError::NotNow(format!("nothing of promotion `{promotion}` is uncertain")));
        }
        self.annotate_promotion(promotion, annotation::RESOLVE, how.as_str(), "resolve").await
    }

    /// Lifts the holds of a stage: its automation goes on with the newest freight.
    ///
    /// # Errors
    /// [`VerbError::NotNow`] if it has no hold.
    pub async fn resume(&self, stage: &str, now: Timestamp) -> Result<(), VerbError> {
        let found = self.stage(stage).await?;
        if found
            .status
            .as_ref()
            .is_none_or(|status| status.auto_promotion_holds.is_empty() && status.effective_auto_promotion_holds.is_empty())
        {
            return Err(VerbError::NotNow(format!("stage `{stage}` has no hold")));
        }
        let patch = json!({ "metadata": { "annotations": { annotation::RESUME: now.to_string() } } });
        let api: Api<Stage> = self.api();
        api.patch(stage, &PatchParams::default(), &Patch::Merge(&patch))
            .await
            .map_err(|err| VerbError::api(format!("resume `{stage}`"), err))?;
        Ok(())
    }

    /// A promotion of this project, by name.
    ///
    /// # Errors
    /// [`VerbError::NoSuch`].
    pub async fn promotion(&self, name: &str) -> Result<Promotion, VerbError> {
        let api: Api<Promotion> = self.api();
        let found = api.get_opt(name).await.map_err(|err| VerbError::api("read the promotion", err))?;
        match found {
            Some(promotion) => Ok(promotion),
            None => {
                let all = api.list(&Default::default()).await.map_err(|err| VerbError::api("list promotions", err))?;
                let mut names: Vec<String> = all.items.into_iter().filter_map(|promotion| promotion.metadata.name).collect();
                names.sort_by(|a, b| born(b).cmp(born(a)));
                Err(VerbError::no_such("promotion", name, self.project(), names.into_iter()))
            }
        }
    }

    async fn annotate_promotion(&self, name: &str, annotation: &str, value: &str, what: &str) -> Result<(), VerbError> {
        let patch = json!({ "metadata": { "annotations": { annotation: value } } });
        let api: Api<Promotion> = self.api();
        api.patch(name, &PatchParams::default(), &Patch::Merge(&patch))
            .await
            .map_err(|err| VerbError::api(format!("{what} `{name}`"), err))?;
        Ok(())
    }
}

/// What tells the older from the younger in a promotion's name, whatever its stage: `qa.01k….a1b2c3d`.
fn born(name: &str) -> &str {
    name.split_once('.').map_or(name, |(_, rest)| rest)
}

fn is_over(phase: &str) -> bool {
    matches!(phase, "Succeeded" | "Failed" | "Errored" | "Aborted")
}
