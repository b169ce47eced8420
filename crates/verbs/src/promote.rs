//! `promote`: freight into a stage, and waiting for what comes of it.

use crate::{VerbError, Verbs};
use futures::TryStreamExt as _;
use kube::api::{Api, PostParams};
use kube::runtime::{WatchStreamExt as _, watcher};
use kube::{Resource as _, ResourceExt as _};
use seaway_api::kargo::{Freight, Promotion, PromotionSpec};
use seaway_api::seaway::PromotionRun;
use std::time::Duration;

/// The annotation that binds a promotion to a plan.
pub const PLAN_DIGEST: &str = "seaway.dev/plan-digest";

/// Where a promotion ended, or where it stands and will not move by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// All well.
    Succeeded {
        /// For people.
        message: String,
    },
    /// `Failed` or `Errored`.
    Failed {
        /// The phase.
        phase: String,
        /// Why.
        message: String,
    },
    /// Somebody ended it.
    Aborted {
        /// Who, and why.
        message: String,
    },
    /// Nobody can tell whether an effect happened.
    Uncertain {
        /// What is known, and what decides it.
        message: String,
    },
    /// An input must change.
    Blocked {
        /// Which, and how.
        message: String,
    },
}

impl Verbs {
    /// Asks for a promotion; the control plane names it and takes the steps from the stage.
    ///
    /// # Errors
    /// [`VerbError::Refused`] if the freight is not available to the stage, or the stage has no steps.
    pub async fn promote(&self, stage: &str, freight: &Freight, plan_digest: Option<&str>) -> Result<Promotion, VerbError> {
        self.stage(stage).await?;
        let spec = PromotionSpec { stage: stage.to_owned(), freight: freight.name_any(), ..PromotionSpec::default() };
        let mut promotion = Promotion { spec, ..Promotion::default() };
        promotion.meta_mut().generate_name = Some(format!("{stage}."));
        promotion.meta_mut().namespace = Some(self.project().to_owned());
        if let Some(digest) = plan_digest {
            promotion.annotations_mut().insert(PLAN_DIGEST.to_owned(), digest.to_owned());
        }
        let api: Api<Promotion> = self.api();
        api.create(&PostParams::default(), &promotion).await.map_err(|err| VerbError::api(format!("promote to `{stage}`"), err))
    }

    /// Waits until the promotion is over, or stands still until a person or an input moves it.
    ///
    /// # Errors
    /// [`VerbError::TimedOut`] after `timeout`; the promotion goes on.
    pub async fn wait_for(&self, promotion: &str, timeout: Duration) -> Result<Ended, VerbError> {
        let what = || format!("wait for promotion `{promotion}`");
        let field = watcher::Config::default().fields(&format!("metadata.name={promotion}"));
        let promotions = watcher(self.api::<Promotion>(), field.clone()).default_backoff().applied_objects();
        let runs = watcher(self.api::<PromotionRun>(), field).default_backoff().applied_objects();
        let ended = async {
            let over = promotions.try_filter_map(|promotion| async move { Ok(over(&promotion)) });
            let still = runs.try_filter_map(|run| async move { Ok(stands_still(&run)) });
            let mut both = std::pin::pin!(futures::stream::select(over, still));
            loop {
                // A watch repairs itself; an error in between is no answer.
                match both.try_next().await {
                    Ok(Some(ended)) => return Some(ended),
                    Ok(None) => return None,
                    Err(err) => tracing::debug!(error = %err, "watch a promotion"),
                }
            }
        };
        match tokio::time::timeout(timeout, ended).await {
            Ok(Some(ended)) => Ok(ended),
            Ok(None) | Err(_) => Err(VerbError::TimedOut { what: what(), seconds: timeout.as_secs() }),
        }
    }
}

fn over(promotion: &Promotion) -> Option<Ended> {
    let status = promotion.status.as_ref()?;
    let message = status.message.clone();
    match status.phase.to_string().as_str() {
        "Succeeded" => Some(Ended::Succeeded { message }),
        phase @ ("Failed" | "Errored") => Some(Ended::Failed { phase: phase.to_owned(), message }),
        "Aborted" => Some(Ended::Aborted { message }),
        _ => None,
    }
}

fn stands_still(run: &PromotionRun) -> Option<Ended> {
    let status = run.status.as_ref()?;
    let message = status.message.clone();
    match status.phase.as_str() {
        "Uncertain" => Some(Ended::Uncertain { message }),
        "Blocked" => Some(Ended::Blocked { message }),
        _ => None,
    }
}
