//! `promote`: freight into a stage, and waiting for what comes of it.

use crate::{VerbError, Verbs};
use futures::StreamExt as _;
use jiff::Timestamp;
use kube::api::{Api, PostParams};
use kube::runtime::watcher::Event;
use kube::runtime::{WatchStreamExt as _, watcher};
use kube::{Resource as _, ResourceExt as _};
use seaway_api::conditions::{self, types};
use seaway_api::kargo::names::{annotation, label};
use seaway_api::kargo::{Freight, Promotion, PromotionSpec, Stage};
use seaway_api::seaway::PromotionRun;
use seaway_core::why::{self, Project};
use std::collections::BTreeSet;
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
    /// It waits for its turn behind a promotion that stands still: a stage's promotions go strictly one after another.
    Behind {
        /// The promotion in front.
        front: String,
        /// What that one waits for: `Uncertain` or `Blocked`.
        stands: Box<Ended>,
    },
}

/// The request that a promotion is made by, as it bears it from its first moment on: whoever repeats the request finds it, whatever was lost
/// since. Both are hashes; nobody reads a key off a promotion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Of the caller and their key; it fits into a label.
    pub key: String,
    /// Of what they asked for.
    pub asked: String,
}

/// What became of a promotion into all stages behind one.
#[derive(Debug, Default)]
pub struct Downstream {
    /// Stages and the promotions that were made.
    pub made: Vec<(String, String)>,
    /// Stages that refused it, and why.
    pub refused: Vec<(String, VerbError)>,
}

/// The stages with steps that take the freight from `stage`, directly or through stages that only pass it on; by name.
fn behind(stages: &[Stage], stage: &str, freight: &Freight) -> BTreeSet<String> {
    let (mut found, mut passed) = (BTreeSet::new(), BTreeSet::from([stage.to_owned()]));
    let mut from = vec![stage.to_owned()];
    while let Some(from_stage) = from.pop() {
        let takes = |it: &&Stage| {
            let mut requests = it.spec.requested_freight.iter().filter(|request| request.origin == freight.origin);
            requests.any(|request| request.sources.stages.contains(&from_stage))
        };
        for next in stages.iter().filter(takes) {
            let name = next.name_any();
            if !seaway_core::stage::is_control_flow(next) {
                found.insert(name);
            } else if passed.insert(name.clone()) {
                from.push(name);
            }
        }
    }
    found
}

impl Verbs {
    /// Asks for a promotion; the control plane names it and takes the steps from the stage.
    ///
    /// # Errors
    /// [`VerbError::NotAvailable`] if the stage may not have the freight, [`VerbError::Refused`] if it has no steps.
    pub async fn promote(&self, stage: &str, freight: &Freight, plan_digest: Option<&str>) -> Result<Promotion, VerbError> {
        self.promote_by(None, stage, freight, plan_digest).await
    }

    /// The same, by a request that can be repeated.
    ///
    /// # Errors
    /// As [`Verbs::promote`].
    pub async fn promote_by(
        &self,
        request: Option<&Request>,
        stage: &str,
        freight: &Freight,
        plan_digest: Option<&str>,
    ) -> Result<Promotion, VerbError> {
        let into = self.stage(stage).await?;
        let spec = PromotionSpec { stage: stage.to_owned(), freight: freight.name_any(), ..PromotionSpec::default() };
        let mut promotion = Promotion { spec, ..Promotion::default() };
        promotion.meta_mut().generate_name = Some(format!("{stage}."));
        promotion.meta_mut().namespace = Some(self.project().to_owned());
        if let Some(digest) = plan_digest {
            promotion.annotations_mut().insert(PLAN_DIGEST.to_owned(), digest.to_owned());
        }
        if let Some(request) = request {
            promotion.labels_mut().insert(label::REQUEST_KEY.to_owned(), request.key.clone());
            promotion.annotations_mut().insert(annotation::REQUEST.to_owned(), request.asked.clone());
        }
        let api: Api<Promotion> = self.api();
        match api.create(&PostParams::default(), &promotion).await {
            Ok(made) => Ok(made),
            Err(err) => Err(match self.unavailable(&into, freight, &err).await {
                Some(unavailable) => unavailable,
                None => VerbError::api(format!("promote to `{stage}`"), err),
            }),
        }
    }

    /// Asks for a promotion into every stage behind this one that takes the freight; stages that only pass it on are passed. What is
    /// refused for one stage stops no other. `made` are the stages that have theirs already, and the promotions that the same request made.
    ///
    /// # Errors
    /// [`VerbError::NotNow`] if no stage behind it takes the freight.
    pub async fn promote_downstream(
        &self,
        request: Option<&Request>,
        stage: &str,
        freight: &Freight,
        made: Vec<(String, String)>,
    ) -> Result<Downstream, VerbError> {
        self.stage(stage).await?;
        let api: Api<Stage> = self.api();
        let stages = api.list(&Default::default()).await.map_err(|err| VerbError::api("list stages", err))?.items;
        let mut behind = behind(&stages, stage, freight);
        behind.retain(|name| !made.iter().any(|(stage, _)| stage == name));
        if behind.is_empty() && made.is_empty() {
            return Err(VerbError::NotNow(format!("no stage behind `{stage}` takes freight of {}", freight.origin.name)));
        }
        let mut downstream = Downstream { made, refused: Vec::new() };
        for name in behind {
            match self.promote_by(request, &name, freight, None).await {
                Ok(promotion) => downstream.made.push((name, promotion.name_any())),
                Err(err) => downstream.refused.push((name, err)),
            }
        }
        downstream.made.sort();
        Ok(downstream)
    }

    /// Why the stage may not have the freight, if that is what was refused: the same answer as `why` gives.
    async fn unavailable(&self, stage: &Stage, freight: &Freight, refused: &kube::Error) -> Option<VerbError> {
        let kube::Error::Api(status) = refused else { return None };
        if status.code != 422 || !status.message.contains("spec.freight") {
            return None;
        }
        let stages = self.api::<Stage>().list(&Default::default()).await.ok()?.items;
        let all = self.all_freight().await.ok()?;
        let passes_on = |name: &str| {
            stages.iter().any(|it| it.metadata.name.as_deref() == Some(name) && seaway_core::stage::is_control_flow(it))
        };
        if seaway_core::freight::to_stage(freight, stage, Timestamp::now(), &passes_on).is_available() {
            return None;
        }
        let answer = why::freight(
            &Project {
                stages: &stages,
                warehouses: &[],
                freight: &all,
                promotions: &[],
                runs: &[],
                policies: &[],
                is_built: &|_| true,
                may_promote: &|_| true,
                now: Timestamp::now(),
            },
            freight,
            stage,
        );
        let what = format!("promote to `{}`", stage.name_any());
        Some(VerbError::NotAvailable { what, why: answer.cause, releases: answer.releases, hint: answer.hint })
    }

    /// Waits until the promotion is over, or it or the one in front of it stands still until a person or an input moves it.
    ///
    /// # Errors
    /// [`VerbError::TimedOut`] after `timeout`; the promotion goes on.
    pub async fn wait_for(&self, promotion: &str, timeout: Duration) -> Result<Ended, VerbError> {
        let ended = async {
            tokio::select! {
                own = self.ends(promotion) => own,
                behind = self.held_up(promotion) => behind,
            }
        };
        match tokio::time::timeout(timeout, ended).await {
            Ok(ended) => ended,
            Err(_) => Err(VerbError::TimedOut { what: format!("wait for promotion `{promotion}`"), seconds: timeout.as_secs() }),
        }
    }

    /// Waits until the promotion is over or stands still.
    async fn ends(&self, promotion: &str) -> Result<Ended, VerbError> {
        let field = watcher::Config::default().fields(&format!("metadata.name={promotion}"));
        let mut promotions = std::pin::pin!(watcher(self.api::<Promotion>(), field.clone()).default_backoff());
        let mut runs = std::pin::pin!(watcher(self.api::<PromotionRun>(), field).default_backoff().applied_objects());
        let mut seen = false;
        loop {
            tokio::select! {
                event = promotions.next() => match event {
                    Some(Ok(Event::Init)) => seen = false,
                    Some(Ok(Event::InitApply(promotion) | Event::Apply(promotion))) => {
                        seen = true;
                        if let Some(ended) = over(&promotion) {
                            return Ok(ended);
                        }
                    }
                    Some(Ok(Event::InitDone)) if seen => {}
                    Some(Ok(Event::InitDone | Event::Delete(_))) | None => {
                        return Err(VerbError::NotNow(format!("promotion `{promotion}` was deleted before it was over")));
                    }
                    // A watch repairs itself; an error in between is no answer.
                    Some(Err(err)) => tracing::debug!(error = %err, "watch a promotion"),
                },
                run = runs.next() => if let Some(ended) = run.and_then(Result::ok).as_ref().and_then(stands_still) {
                    return Ok(ended);
                },
            }
        }
    }

    /// Waits until the promotion that has the stage's turn before this one stands still; for ever if none does.
    async fn held_up(&self, promotion: &str) -> Result<Ended, VerbError> {
        loop {
            let Some(front) = self.in_front_of(promotion).await? else { return std::future::pending().await };
            match self.ends(&front).await {
                Ok(stands @ (Ended::Uncertain { .. } | Ended::Blocked { .. })) => {
                    return Ok(Ended::Behind { front, stands: Box::new(stands) });
                }
                // It is over or gone: another one may be in front now.
                Ok(_) | Err(VerbError::NotNow(_)) => {}
                Err(err) => return Err(err),
            }
        }
    }

    /// The promotion of the same stage that has the turn, if that is another.
    async fn in_front_of(&self, promotion: &str) -> Result<Option<String>, VerbError> {
        let own = self.promotion(promotion).await?;
        let api: Api<Promotion> = self.api();
        let all = api.list(&Default::default()).await.map_err(|err| VerbError::api("list promotions", err))?.items;
        let of_stage: Vec<Promotion> = all.into_iter().filter(|it| it.spec.stage == own.spec.stage).collect();
        let first = seaway_core::stage::queue::waiting(&of_stage).first().map(|it| it.name_any());
        Ok(first.filter(|first| first != promotion))
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
    // One that its controller gave up on does not move either.
    if let Some(stalled) = conditions::get(&status.conditions, types::STALLED).filter(|it| it.is_true()) {
        return Some(Ended::Blocked { message: stalled.message.clone() });
    }
    let message = status.message.clone();
    match status.phase.as_str() {
        "Uncertain" => Some(Ended::Uncertain { message }),
        "Blocked" => Some(Ended::Blocked { message }),
        _ => None,
    }
}
