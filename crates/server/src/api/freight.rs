//! Approving freight: a person lets one piece into one stage without its upstream.

use super::ask::{Body, Caller, NotDone, Place, Refused, freight, named, require};
use super::promotions::response;
use crate::idempotency::{Answer, key_of};
use crate::live::within;
use crate::problem::Problem;
use axum::body::Bytes;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use std::sync::Arc;
use utoipa::ToSchema;

/// What the freight is approved for.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "stage": "prod-eu" }))]
pub(crate) struct ApproveAsk {
    /// The stage.
    stage: String,
}

/// Approves freight for a stage; to approve it twice changes nothing
#[utoipa::path(post, path = "/seaway/v1/projects/{project}/freight/{freight}/approve", tag = "freight",
    params(("project" = String, Path), ("freight" = String, Path, description = "name, alias or version"),
        ("Idempotency-Key" = Option<String>, Header, description = "the same key, caller and body: the same answer, done once")),
    request_body = ApproveAsk, responses((status = 204, description = "It is approved"), Refused, NotDone))]
pub(super) async fn approve(
    caller: Caller,
    Place((project, query)): Place<(String, String)>,
    asked: Body<ApproveAsk>,
) -> Result<Response, Problem> {
    let verbs = caller.verbs(&project).await?;
    let (key, hash) = (key_of(&asked.headers)?, asked.hash);
    let (idempotency, who) = (caller.state.served.idempotency.clone(), Arc::clone(&caller.identity.username));
    let act = async move {
        let stage = named("stage", &asked.value.stage)?;
        require(&caller, "promote", within(&project, "stages", stage))?;
        let freight = freight(&verbs, &query).await?;
        verbs.approve(&freight, stage, caller.state.clock.now()).await?;
        Ok(Answer { status: StatusCode::NO_CONTENT, body: Bytes::new() })
    };
    let answer = idempotency.once(&who, key, hash, act).await?;
    Ok(response(answer))
}
