//! `plan`: what a promotion would do, asked of the control plane and waited for.

use crate::{VerbError, Verbs};
use kube::api::{Api, PostParams};
use kube::runtime::wait::await_condition;
use kube::{Resource as _, ResourceExt as _};
use seaway_api::kargo::Freight;
use seaway_api::seaway::{Plan, PlanSpec};
use std::time::Duration;

impl Verbs {
    /// Makes a plan and waits until it is there.
    ///
    /// # Errors
    /// [`VerbError::NotNow`] with the plan's own words if it could not be made; [`VerbError::TimedOut`].
    pub async fn plan(&self, stage: &str, freight: &Freight, timeout: Duration) -> Result<Plan, VerbError> {
        let plan = self.plan_settled(stage, freight, timeout).await?;
        match &plan.status {
            Some(status) if status.phase == "Ready" => Ok(plan),
            Some(status) => Err(VerbError::NotNow(format!("no plan for `{stage}`: {}", status.message))),
            None => Err(VerbError::NotNow(format!("no plan for `{stage}`"))),
        }
    }

    /// The same, and one that could not be made is an answer too: its phase and message say why.
    ///
    /// # Errors
    /// [`VerbError::NoSuch`], [`VerbError::Refused`], [`VerbError::TimedOut`].
    pub async fn plan_settled(&self, stage: &str, freight: &Freight, timeout: Duration) -> Result<Plan, VerbError> {
        self.stage(stage).await?;
        let mut plan = Plan {
            spec: PlanSpec { stage: stage.to_owned(), freight: freight.name_any(), ..PlanSpec::default() },
            ..Plan::default()
        };
        plan.meta_mut().generate_name = Some(format!("{stage}-"));
        plan.meta_mut().namespace = Some(self.project().to_owned());
        let api: Api<Plan> = self.api();
        let made =
            api.create(&PostParams::default(), &plan).await.map_err(|err| VerbError::api(format!("plan `{stage}`"), err))?;
        let name = made.name_any();
        let settled = |plan: Option<&Plan>| {
            plan.and_then(|plan| plan.status.as_ref())
                .is_some_and(|status| !matches!(status.phase.as_str(), "" | "Pending" | "Running"))
        };
        let found = tokio::time::timeout(timeout, await_condition(api, &name, settled)).await;
        match found {
            Ok(Ok(Some(plan))) => Ok(plan),
            Ok(Ok(None)) => Err(VerbError::NotNow(format!("plan `{name}` was deleted before it was made"))),
            Ok(Err(err)) => Err(VerbError::NotNow(format!("plan `{name}`: {err}"))),
            Err(_) => Err(VerbError::TimedOut { what: format!("plan `{stage}`"), seconds: timeout.as_secs() }),
        }
    }
}
