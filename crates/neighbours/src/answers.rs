//! A plain HTTP neighbour that answers by a function: for demos and tests that need somebody to ask.

use axum::Router;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::routing::get;

/// Answers `GET <prefix>/<name>` with the status and text that `answer` gives for the name. To be merged into another neighbour's router.
pub fn answers<F, A>(prefix: &str, answer: F) -> Router
where
    F: Fn(String) -> A + Clone + Send + Sync + 'static,
    A: Future<Output = (u16, String)> + Send + 'static,
{
    let handler = move |Path(name): Path<String>| async move {
        let (status, text) = answer(name).await;
        (StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), text)
    };
    Router::new().route(&format!("{prefix}/{{name}}"), get(handler))
}
