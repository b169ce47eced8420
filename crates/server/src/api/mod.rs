//! `/seaway/v1`: what is more than a resource. Every handler acts through `seaway_verbs` with the caller's own client, so that the one
//! authorization point decides.

mod about;
mod activity;
pub(crate) mod ask;
mod board;
mod difference;
mod etag;
mod freight;
mod plans;
mod promotion;
mod promotions;
mod repeat;
mod search;
mod steer;
mod what_is_where;
mod written;

use crate::idempotency::Idempotency;
use crate::limits::{BODY_BYTES_MAX, Limits};
use crate::live::Hub;
use crate::problem::{Problem, Type};
use crate::state::ServerState;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::{Method, Uri};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use axum::routing::any;
use futures::FutureExt as _;
use seaway_apiserver::ApiServer;
use seaway_base::SharedClock;
use seaway_runs::Past;
use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// What the handlers of `/seaway/v1` share: cheap to clone, all clones are one.
#[derive(Debug, Clone)]
pub struct Served {
    /// The live boards.
    pub hub: Hub,
    /// How much one identity may ask.
    pub limits: Limits,
    /// The idempotency keys that were used.
    pub idempotency: Idempotency,
    /// What git tells of the past; nothing unless it is given.
    pub past: Past,
    /// One promotion of a stage is asked for at a time: whoever comes second sees the first.
    turns: Arc<parking_lot::Mutex<Turns>>,
}

/// The turn at each stage that somebody has or waits for, by project and stage.
type Turns = HashMap<(String, String), Arc<tokio::sync::Mutex<()>>>;

impl Served {
    /// Nothing asked yet; `is_built` tells which kinds of steps there are.
    pub fn new(api: &ApiServer, clock: SharedClock, is_built: fn(&str) -> bool) -> Self {
        let (limits, turns) = (Limits::default(), Arc::default());
        let (hub, idempotency) = (Hub::new(api, clock.clone(), is_built), Idempotency::new(clock));
        Self { hub, limits, idempotency, past: Past::default(), turns }
    }

    /// The turn at a stage.
    async fn turn(&self, project: &str, stage: &str) -> tokio::sync::OwnedMutexGuard<()> {
        let turn = {
            let mut turns = self.turns.lock();
            // Those that nobody has or waits for go.
            turns.retain(|_, turn| Arc::strong_count(turn) > 1);
            Arc::clone(turns.entry((project.to_owned(), stage.to_owned())).or_default())
        };
        turn.lock_owned().await
    }
}

/// The routes; they need an identity.
pub fn router() -> OpenApiRouter<ServerState> {
    OpenApiRouter::new()
        .routes(routes!(about::about))
        .routes(routes!(about::projects))
        .routes(routes!(about::credentials))
        .routes(routes!(board::board))
        .routes(routes!(board::changes))
        .routes(routes!(board::why))
        .routes(routes!(plans::plan))
        .routes(routes!(promotions::promote))
        .routes(routes!(promotion::promotion))
        .routes(routes!(written::written))
        .routes(routes!(steer::abort))
        .routes(routes!(steer::resolve))
        .routes(routes!(steer::resume))
        .routes(routes!(steer::refresh_stage))
        .routes(routes!(steer::refresh_warehouse))
        .routes(routes!(freight::approve))
        .routes(routes!(difference::difference))
        .routes(routes!(activity::activity))
        .routes(routes!(search::search))
        .routes(routes!(what_is_where::what_is_where))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(middleware::from_fn(etag::tag))
        .layer(middleware::from_fn(guard))
}

/// The routes that answer to anybody: the document of all of them.
pub fn open() -> OpenApiRouter<ServerState> {
    OpenApiRouter::new().routes(routes!(crate::openapi::document)).layer(middleware::from_fn(etag::tag))
}

/// What is under `/seaway/v1` and is nothing: refused as a problem, not left to the Kubernetes API.
pub fn nothing_else() -> axum::Router<ServerState> {
    axum::Router::new().route("/seaway/v1", any(not_found)).route("/seaway/v1/{*rest}", any(not_found))
}

async fn not_found(method: Method, uri: Uri) -> Problem {
    Problem::not_found(format_args!("{method} {}", uri.path())).hint("GET /seaway/v1/openapi.json lists what there is")
}

/// The refusal of a method that a path does not answer to.
pub async fn method_not_allowed(method: Method, uri: Uri) -> Problem {
    Problem::new(Type::MethodNotAllowed, format!("{} does not answer to {method}", uri.path()))
        .hint("GET /seaway/v1/openapi.json lists what there is")
}

/// A handler that panics is an error of ours, told as one, and ends nothing else.
async fn guard(request: Request, next: Next) -> Response {
    let what = format!("{} {}", request.method(), request.uri().path());
    match AssertUnwindSafe(next.run(request)).catch_unwind().await {
        Ok(response) => response,
        Err(_) => Problem::bug(&what, "the handler panicked").into_response(),
    }
}
