//! The table of routes: which need nobody's identity, which do, and behind them the Kubernetes API.

use crate::authenticate;
use crate::backup;
use crate::health::{Health, Metrics};
use crate::state::ServerState;
use crate::tokens::Tokens;
use axum::Router;
use axum::http::{StatusCode, header};
use axum::middleware;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use utoipa_axum::router::OpenApiRouter;

/// The routes of `/seaway/v1` that answer to anybody, a line a part.
fn open() -> OpenApiRouter<ServerState> {
    OpenApiRouter::new()
}

/// The routes of `/seaway/v1` that need an identity, a line a part.
fn closed() -> OpenApiRouter<ServerState> {
    OpenApiRouter::new()
}

/// All routes of `/seaway/v1` with what documents them.
pub fn documented() -> OpenApiRouter<ServerState> {
    open().merge(closed())
}

/// Everything that stands behind the port.
pub fn router(state: ServerState, tokens: Tokens, health: Health, metrics: Metrics) -> Router {
    let open = Router::new()
        .route("/healthz", get(|| async { "ok" }))
        .route("/livez", get(|| async { "ok" }))
        .route("/readyz", get(move || async move { ready(&health) }))
        .merge(Router::from(open()))
        .merge(crate::page::router());
    let kubernetes = state.api.router();
    let closed = Router::new()
        .route("/metrics", get(move || async move { figures(&metrics) }))
        .merge(backup::router(&state.api, state.info.scratch.clone()))
        .merge(Router::from(closed()))
        .fallback_service(kubernetes)
        .layer(middleware::from_fn_with_state(tokens, authenticate::bearer));
    open.merge(closed).with_state(state)
}

fn ready(health: &Health) -> Response {
    let (ready, report) = health.report();
    if ready { report.into_response() } else { (StatusCode::SERVICE_UNAVAILABLE, report).into_response() }
}

fn figures(metrics: &Metrics) -> Response {
    ([(header::CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], metrics.text()).into_response()
}
