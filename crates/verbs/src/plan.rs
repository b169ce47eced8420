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
        let timed_out = || VerbError::TimedOut { what: format!("plan `{stage}`"), seconds: timeout.as_secs() };
        let plan = match found {
            Ok(Ok(Some(plan))) => plan,
            Ok(Ok(None)) => return Err(VerbError::NotNow(format!("plan `{name}` was deleted before it was made"))),
            Ok(Err(err)) => return Err(VerbError::NotNow(format!("plan `{name}`: {err}"))),
            Err(_) => return Err(timed_out()),
        };
        match &plan.status {
            Some(status) if status.phase == "Ready" => Ok(plan),
            Some(status) => Err(VerbError::NotNow(format!("no plan for `{stage}`: {}", status.message))),
            None => Err(timed_out()),
        }
    }
}
