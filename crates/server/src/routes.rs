//! The table of routes: which need nobody's identity, which do, and behind them the Kubernetes API.

use crate::authenticate::{self, Guard};
use crate::backup;
use crate::health::{Health, Metrics};
use crate::limits::{self, PortLimits};
use crate::problem::Problem;
use crate::state::ServerState;
use crate::tokens::Tokens;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::middleware;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::{Extension, Router};
use seaway_apiserver::Identity;
use utoipa_axum::router::OpenApiRouter;

/// The routes of `/seaway/v1` that answer to anybody, a line a part.
fn open() -> OpenApiRouter<ServerState> {
    OpenApiRouter::new().merge(crate::session::open()).merge(crate::api::open()).merge(crate::oidc::routes())
}

/// The routes of `/seaway/v1` that need an identity, a line a part.
fn closed() -> OpenApiRouter<ServerState> {
    OpenApiRouter::new()
        .merge(crate::session::closed())
        .merge(crate::users::router())
        .merge(crate::api_tokens::router())
        .merge(crate::api::router())
        .merge(backup::router())
}

/// All routes of `/seaway/v1` with what documents them.
pub fn documented() -> OpenApiRouter<ServerState> {
    open().merge(closed())
}

/// Everything that stands behind the port.
pub fn router(state: ServerState, folder: Tokens, health: Health, metrics: Metrics) -> Router {
    let open = Router::new()
        .route("/healthz", get(|| async { "ok" }))
        .route("/livez", get(|| async { "ok" }))
        .route("/readyz", get(move || async move { ready(&health) }))
        .merge(Router::from(open()).method_not_allowed_fallback(crate::api::method_not_allowed))
        .route("/status", get(crate::status::page))
        .merge(crate::page::router());
    let kubernetes = state.api.router();
    let closed = Router::new()
        .route("/metrics", get(async move |State(state), Extension(identity)| figures(&state, &identity, &metrics)))
        .merge(Router::from(closed()).method_not_allowed_fallback(crate::api::method_not_allowed))
        .merge(crate::api::nothing_else())
        .fallback_service(kubernetes)
        .layer(middleware::from_fn(authenticate::require));
    let guard = Guard { state: state.clone(), folder };
    let all = open.merge(closed).layer(middleware::from_fn_with_state(PortLimits::default(), limits::bound));
    all.layer(middleware::from_fn_with_state(guard, authenticate::guard)).with_state(state)
}

fn ready(health: &Health) -> Response {
    let (ready, report) = health.report();
    if ready { report.into_response() } else { (StatusCode::SERVICE_UNAVAILABLE, report).into_response() }
}

fn figures(state: &ServerState, identity: &Identity, metrics: &Metrics) -> Response {
    match state.api.authorizer().decide_path(identity, "get", "/metrics").into_result() {
        Ok(_) => {
            let form = "application/openmetrics-text; version=1.0.0; charset=utf-8";
            ([(header::CONTENT_TYPE, form)], metrics.text()).into_response()
        }
        Err(denied) => Problem::from(denied).into_response(),
    }
}
