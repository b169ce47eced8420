//! Promotions: asked for with the plan that was shown, and never anything that was not.

use super::ask::{Body, Caller, NotDone, Place, Refused, freight, named, require};
use super::plans;
use super::repeat::Repeat;
use crate::idempotency::{Answer, key_of};
use crate::live::within;
use crate::problem::{Problem, Type};
use axum::body::Body as Bytes;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use kube::ResourceExt as _;
use kube::api::{Api, ListParams};
use seaway_api::kargo::names::annotation;
use seaway_api::kargo::{Freight, Promotion};
use seaway_api::seaway::Plan;
use seaway_core::freight::Labels;
use seaway_core::plan::first_difference;
use seaway_core::stage::queue;
use seaway_core::why::who;
use seaway_verbs::Verbs;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;

/// What is to be promoted: into one stage, or into all behind one.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({ "stage": "prod-eu", "freight": "1.5.0" }))]
pub(crate) struct PromotionAsk {
    /// Into this stage.
    stage: Option<String>,
    /// Into all stages behind this one, instead.
    downstream_of: Option<String>,
    /// The freight: name, alias or version.
    freight: String,
    /// Refuse it if what would be written differs from this plan's; for one stage alone.
    plan_digest: Option<String>,
}

/// What was made of it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum Asked {
    /// A promotion.
    One {
        /// Its name.
        name: String,
    },
    /// Promotions into all stages behind one.
    Downstream {
        /// Those that were made.
        items: Vec<Made>,
        /// Stages that refused it.
        refused: Vec<RefusedStage>,
    },
}

/// A promotion that was made.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Made {
    /// Into this stage.
    stage: String,
    /// Its name.
    name: String,
}

/// A stage that refused it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RefusedStage {
    /// The stage.
    stage: String,
    /// Why.
    reason: String,
}

/// Promotes freight into a stage, or into all stages behind one
///
/// With `planDigest` it is planned again: if anything would be written otherwise, it is refused (`plan-changed`) and the path that moved is
/// named. If the stage has an open promotion, it is refused (`promotion-open`): the detail names it, its version
/// and whose it is.
#[utoipa::path(post, path = "/seaway/v1/projects/{project}/promotions", tag = "promotions",
    params(("project" = String, Path), ("Idempotency-Key" = Option<String>, Header, description = "the same key, caller and body: the same answer, done once")),
    request_body = PromotionAsk, responses((status = 201, body = Asked), Refused, NotDone))]
pub(super) async fn promote(
    caller: Caller,
    Place(project): Place<String>,
    asked: Body<PromotionAsk>,
) -> Result<Response, Problem> {
    let verbs = caller.verbs(&project).await?;
    let (key, hash) = (key_of(&asked.headers)?, asked.hash);
    let (idempotency, who) = (caller.state.served.idempotency.clone(), Arc::clone(&caller.identity.username));
    let repeat = Repeat::of(&caller.identity, key.as_deref(), hash);
    let act = async move {
        let made = match (&asked.value.stage, &asked.value.downstream_of) {
            (Some(stage), None) => one(&caller, &verbs, named("stage", stage)?, &asked.value, &repeat).await?,
            (None, Some(stage)) if asked.value.plan_digest.is_none() => {
                downstream(&caller, &verbs, named("stage", stage)?, &asked.value, &repeat).await?
            }
            (None, Some(_)) => return Err(Problem::invalid("planDigest: a plan is for one stage; name it as `stage`")),
            _ => return Err(Problem::invalid("exactly one of stage and downstreamOf is wanted")),
        };
        let body = serde_json::to_vec(&made).map_err(|err| Problem::bug("show a promotion", err))?;
        Ok(Answer { status: StatusCode::CREATED, body: body.into() })
    };
    let answer = idempotency.once(&who, key, hash, act).await?;
    Ok(response(answer))
}

/// A kept answer, as it is sent.
pub(super) fn response(answer: Answer) -> Response {
    let mut response = Response::new(Bytes::from(answer.body));
    *response.status_mut() = answer.status;
    if answer.status != StatusCode::NO_CONTENT {
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    response
}

async fn one(caller: &Caller, verbs: &Verbs, stage: &str, asked: &PromotionAsk, repeat: &Repeat) -> Result<Asked, Problem> {
    // The right first, so that whoever lacks it is told of nothing else.
    require(caller, "promote", within(verbs.project(), "stages", stage))?;
    if let Some(made) = repeat.made(caller, verbs.project()).await?.iter().find(|made| made.spec.stage == stage) {
        return Ok(Asked::One { name: made.name_any() });
    }
    verbs.stage(stage).await?;
    let freight = freight(verbs, &asked.freight).await?;
    let _turn = caller.state.served.turn(verbs.project(), stage).await;
    refuse_if_open(verbs, stage).await?;
    if let Some(digest) = &asked.plan_digest {
        refuse_if_changed(verbs, stage, &freight, digest).await?;
        refuse_if_open(verbs, stage).await?;
    }
    let promotion = verbs.promote_by(repeat.request(), stage, &freight, asked.plan_digest.as_deref()).await?;
    Ok(Asked::One { name: promotion.name_any() })
}

async fn refuse_if_open(verbs: &Verbs, stage: &str) -> Result<(), Problem> {
    let api: Api<Promotion> = verbs.api();
    let all = api.list(&ListParams::default()).await?.items;
    let own: Vec<Promotion> = all.into_iter().filter(|it| it.spec.stage == stage).collect();
    let open = queue::waiting(&own);
    let Some(first) = open.first() else { return Ok(()) };
    let actor = first.annotations().get(annotation::CREATE_ACTOR).map_or("somebody", |actor| who(actor));
    let known: Vec<_> = verbs.all_freight().await?.iter().map(Freight::reference).collect();
    let of = known.iter().find(|it| it.name == first.spec.freight);
    let of = of.map(|it| format!(" of {}", Labels::new(&known).of(it))).unwrap_or_default();
    let detail = format!("stage `{stage}` has promotion {}{of} already, asked for by {actor}", first.name_any());
    Err(Problem::new(Type::PromotionOpen, detail).hint("wait for its end, or abort it"))
}

/// Plans again, and names what differs from the plan that was shown.
async fn refuse_if_changed(verbs: &Verbs, stage: &str, freight: &Freight, digest: &str) -> Result<(), Problem> {
    let now = plans::again(verbs, stage, freight).await?;
    if now.phase == "Ready" && now.digest == digest {
        return Ok(());
    }
    let hint = "look at the new plan, then decide again";
    if now.phase != "Ready" {
        let detail = format!("`{stage}` cannot be planned any more: {}", now.message);
        return Err(Problem::new(Type::PlanChanged, detail).hint(hint));
    }
    let api: Api<Plan> = verbs.api();
    let shown = api.list(&ListParams::default()).await?.items.into_iter().filter_map(|plan| plan.status);
    let shown = shown.into_iter().find(|status| status.digest == digest);
    let differs = shown.and_then(|shown| first_difference(&shown.paths, &now.paths));
    let detail = match differs {
        Some(difference) => difference.to_string(),
        None => format!("what would be done in `{stage}` is not what was planned"),
    };
    Err(Problem::new(Type::PlanChanged, detail).hint(hint))
}

async fn downstream(
    caller: &Caller,
    verbs: &Verbs,
    stage: &str,
    asked: &PromotionAsk,
    repeat: &Repeat,
) -> Result<Asked, Problem> {
    let made = repeat.made(caller, verbs.project()).await?;
    // What was begun goes on with the freight it was begun with: the words for it may mean another by now.
    let freight = freight(verbs, made.first().map_or(&asked.freight, |made| &made.spec.freight)).await?;
    let made = made.iter().map(|made| (made.spec.stage.clone(), made.name_any())).collect();
    let downstream = verbs.promote_downstream(repeat.request(), stage, &freight, made).await?;
    // Nothing was done: then it is the refusal that is answered, which names what is lacking.
    let (made, mut refused) = (downstream.made, downstream.refused);
    if made.is_empty() && !refused.is_empty() {
        return Err(refused.swap_remove(0).1.into());
    }
    let items = made.into_iter().map(|(stage, name)| Made { stage, name }).collect();
    let refused = refused.into_iter().map(|(stage, err)| RefusedStage { stage, reason: err.to_string() }).collect();
    Ok(Asked::Downstream { items, refused })
}
