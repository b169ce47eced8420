//! A project's board, its stream of changes, and why it does not move.

use super::ask::{Caller, Params, Place, Refused};
use crate::live::{self, Rights};
use crate::problem::Problem;
use axum::Json;
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;
use seaway_core::view::{FreightRow, PromotionRow, StageRow, WarehouseRow};
use seaway_core::why::{self, Answer};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::convert::Infallible;
use utoipa::ToSchema;

/// A project as the page shows it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Board {
    /// Counts the changes of this board.
    revision: u64,
    /// Revisions begin anew in another epoch.
    epoch: String,
    /// The project.
    project: String,
    /// The warehouses.
    warehouses: Vec<WarehouseRow>,
    /// The stages.
    stages: Vec<StageRow>,
    /// The freight.
    freight: Vec<FreightRow>,
    /// The promotions that are not over, and the newest of each stage.
    promotions: Vec<PromotionRow>,
    /// What does not move.
    answers: Vec<Answer>,
    /// The server's clock.
    now: jiff::Timestamp,
    /// What the caller may do here.
    rights: Rights,
}

/// What changed of a board: rows that are other than before, and the names of those that are no more. What did not change is left out.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BoardChange {
    /// The board's revision after it.
    revision: u64,
    /// Stages.
    stages: Option<Vec<StageRow>>,
    /// Freight.
    freight: Option<Vec<FreightRow>>,
    /// Warehouses.
    warehouses: Option<Vec<WarehouseRow>>,
    /// Promotions.
    promotions: Option<Vec<PromotionRow>>,
    /// Answers that are other than before; the rest stands.
    answers: Option<Vec<Answer>>,
    /// By kind, the names of what is no more; answers go by `Kind/name`.
    gone: Option<std::collections::BTreeMap<String, Vec<String>>>,
}

/// The board of a project
#[utoipa::path(get, path = "/seaway/v1/projects/{project}/board", tag = "board", params(("project" = String, Path)),
    responses((status = 200, body = Board), (status = 304, description = "It is as it was"), Refused))]
pub(super) async fn board(caller: Caller, Place(project): Place<String>) -> Result<Response, Problem> {
    let live = caller.live(&project).await?;
    let names = live.stages.borrow().clone();
    let rights = Rights::of(&caller.authorizer(), &caller.identity, &project, &names);
    let (revision, shared) = live.board();
    let rights = serde_json::to_string(&rights).map_err(|err| Problem::bug("show rights", err))?;
    let own = format!(",\"now\":\"{}\",\"rights\":{rights}}}", caller.state.clock.now());
    let hash: String = Sha256::digest(rights.as_bytes()).iter().take(6).map(|byte| format!("{byte:02x}")).collect();
    let tag = HeaderValue::from_str(&format!("W/\"{}-{revision}-{hash}\"", live.epoch))
        .map_err(|err| Problem::bug("tag a board", err))?;
    let n_bytes = shared.len() + own.len();
    // The shared part is sent as it is kept: a thousand readers have one copy.
    let parts = [shared, Bytes::from(own)].map(Ok::<_, Infallible>);
    let mut response = Response::new(Body::from_stream(futures::stream::iter(parts)));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(n_bytes));
    headers.insert(header::ETAG, tag);
    Ok(response)
}

/// The changes of a board, as server-sent events
///
/// `board`: a `BoardChange`, its id `<epoch>:<revision>`. `rights`: the caller's rights, whole. `resync`: too much was missed; read the
/// board again. With `Last-Event-ID` it goes on after that event, else it begins at the newest. A comment comes every 10 s.
#[utoipa::path(get, path = "/seaway/v1/projects/{project}/changes", tag = "board",
    params(("project" = String, Path), ("Last-Event-ID" = Option<String>, Header, description = "the id of the last event that was seen")),
    responses((status = 200, body = BoardChange, content_type = "text/event-stream"), Refused))]
pub(super) async fn changes(caller: Caller, Place(project): Place<String>, headers: HeaderMap) -> Result<Response, Problem> {
    caller.verbs(&project).await?;
    let last = headers.get("last-event-id").map(|value| value.to_str().unwrap_or_default());
    let (authorizer, ending) = (caller.authorizer(), caller.state.api.ending());
    live::changes(&caller.state.served.hub, authorizer, ending, caller.identity.clone(), &project, last).await
}

/// A list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Answers {
    /// What does not move: what cannot be read, then warehouses, then stages in the order of the pipeline.
    items: Vec<Answer>,
}

/// What is asked about.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct About {
    /// One object: `stage/qa`, `warehouse/images`, `promotion/NAME`, `freight/1.5.1`; else everything that does not move
    about: Option<String>,
}

/// Why it does not move, since when, and what would release it
#[utoipa::path(get, path = "/seaway/v1/projects/{project}/why", tag = "board", params(("project" = String, Path), About),
    responses((status = 200, body = Answers), (status = 304, description = "It is as it was"), Refused))]
pub(super) async fn why(
    caller: Caller,
    Place(project): Place<String>,
    Params(asked): Params<About>,
) -> Result<Json<Answers>, Problem> {
    let verbs = caller.verbs(&project).await?;
    let now = caller.state.clock.now();
    let world = seaway_verbs::World::read(&verbs, caller.state.info.is_built, now).await?;
    let Some(about) = asked.about else { return Ok(Json(Answers { items: world.stuck() })) };
    let (kind, name) = about.split_once('/').unwrap_or(("stage", &about));
    let missing = || Problem::not_found(format_args!("{kind} `{name}` in project `{project}`"));
    let is = |object: &dyn Fn() -> Option<String>| object().as_deref() == Some(name);
    let items = match kind {
        "stage" => {
            let stage = world.stages.iter().find(|it| is(&|| it.metadata.name.clone())).ok_or_else(missing)?;
            vec![world.ask(|project| why::stage(project, stage))]
        }
        "warehouse" => {
            let warehouse = world.warehouses.iter().find(|it| is(&|| it.metadata.name.clone())).ok_or_else(missing)?;
            vec![world.ask(|project| why::warehouse(project, warehouse))]
        }
        "promotion" => {
            let promotion = world.promotions.iter().find(|it| is(&|| it.metadata.name.clone())).ok_or_else(missing)?;
            vec![world.ask(|project| why::promotion(project, promotion))]
        }
        "freight" => {
            let freight = seaway_core::freight::find(name, &world.freight).map_err(seaway_verbs::VerbError::from)?;
            world.ask(|project| why::freight_on_its_way(project, freight))
        }
        _ => return Err(Problem::invalid(format!("about: `{kind}` is none of stage, warehouse, promotion, freight"))),
    };
    Ok(Json(Answers { items }))
}
