//! A person's hand on what moves or stands still: abort, resolve, resume, refresh.

use super::ask::{Body, Caller, NotDone, Nothing, Place, Refused, named, require};
use crate::live::within;
use crate::problem::Problem;
use axum::http::StatusCode;
use seaway_verbs::{Refreshable, Resolution, Verbs};
use serde::Deserialize;
use utoipa::ToSchema;

/// Ends a promotion; what was pushed stays pushed
#[utoipa::path(post, path = "/seaway/v1/projects/{project}/promotions/{name}/abort", tag = "promotions",
    params(("project" = String, Path), ("name" = String, Path)), request_body = Nothing,
    responses((status = 202, description = "It was asked for"), Refused, NotDone))]
pub(super) async fn abort(
    caller: Caller,
    Place((project, name)): Place<(String, String)>,
    _: Body<Nothing>,
) -> Result<StatusCode, Problem> {
    let verbs = caller.verbs(&project).await?;
    may_steer(&caller, &verbs, named("promotion", &name)?).await?;
    verbs.abort(&name).await?;
    Ok(StatusCode::ACCEPTED)
}

/// What becomes of an effect of which nobody knows whether it happened.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ResolveAsk {
    /// What to do.
    choice: Choice,
}

/// What to do.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Choice {
    /// It did not happen: send it again.
    Repeat,
    /// It happened, or is not wanted: go on.
    Skip,
}

/// Decides an effect of which nobody knows whether it happened
#[utoipa::path(post, path = "/seaway/v1/projects/{project}/promotions/{name}/resolve", tag = "promotions",
    params(("project" = String, Path), ("name" = String, Path)), request_body = ResolveAsk,
    responses((status = 202, description = "It was asked for"), Refused, NotDone))]
pub(super) async fn resolve(
    caller: Caller,
    Place((project, name)): Place<(String, String)>,
    asked: Body<ResolveAsk>,
) -> Result<StatusCode, Problem> {
    let how = match asked.value.choice {
        Choice::Repeat => Resolution::Repeat,
        Choice::Skip => Resolution::Skip,
    };
    let verbs = caller.verbs(&project).await?;
    may_steer(&caller, &verbs, named("promotion", &name)?).await?;
    verbs.resolve(&name, how).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Lifts the holds of a stage: its automation goes on with the newest freight
#[utoipa::path(post, path = "/seaway/v1/projects/{project}/stages/{stage}/resume", tag = "stages",
    params(("project" = String, Path), ("stage" = String, Path)), request_body = Nothing,
    responses((status = 202, description = "It was asked for"), Refused, NotDone))]
pub(super) async fn resume(
    caller: Caller,
    Place((project, stage)): Place<(String, String)>,
    _: Body<Nothing>,
) -> Result<StatusCode, Problem> {
    let verbs = caller.verbs(&project).await?;
    require(&caller, "promote", within(&project, "stages", named("stage", &stage)?))?;
    verbs.resume(&stage, caller.state.clock.now()).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Lets a stage decide again now
#[utoipa::path(post, path = "/seaway/v1/projects/{project}/stages/{stage}/refresh", tag = "stages",
    params(("project" = String, Path), ("stage" = String, Path)), request_body = Nothing,
    responses((status = 202, description = "It was asked for"), Refused, NotDone))]
pub(super) async fn refresh_stage(
    caller: Caller,
    Place((project, stage)): Place<(String, String)>,
    _: Body<Nothing>,
) -> Result<StatusCode, Problem> {
    refresh(&caller, &project, Refreshable::Stage, named("stage", &stage)?).await
}

/// Lets a warehouse look now
#[utoipa::path(post, path = "/seaway/v1/projects/{project}/warehouses/{warehouse}/refresh", tag = "warehouses",
    params(("project" = String, Path), ("warehouse" = String, Path)), request_body = Nothing,
    responses((status = 202, description = "It was asked for"), Refused, NotDone))]
pub(super) async fn refresh_warehouse(
    caller: Caller,
    Place((project, warehouse)): Place<(String, String)>,
    _: Body<Nothing>,
) -> Result<StatusCode, Problem> {
    refresh(&caller, &project, Refreshable::Warehouse, named("warehouse", &warehouse)?).await
}

async fn refresh(caller: &Caller, project: &str, kind: Refreshable, name: &str) -> Result<StatusCode, Problem> {
    let verbs = caller.verbs(project).await?;
    let resource = if kind == Refreshable::Stage { "stages" } else { "warehouses" };
    require(caller, "refresh", within(project, resource, name))?;
    verbs.refresh(kind, name, caller.state.clock.now(), None).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Whoever steers a promotion may promote to its stage: asked first, so that who may not is told of nothing else.
async fn may_steer(caller: &Caller, verbs: &Verbs, promotion: &str) -> Result<(), Problem> {
    let stage = verbs.promotion(promotion).await?.spec.stage;
    require(caller, "promote", within(verbs.project(), "stages", &stage))
}
