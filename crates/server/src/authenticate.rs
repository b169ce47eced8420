//! Who asks: proven by a bearer token. Whatever identity a client claims by itself never counts.

use crate::tokens::Tokens;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use seaway_apiserver::identity::Identity;
use serde_json::json;

/// Puts the token's owner on the request.
pub(crate) async fn bearer(State(tokens): State<Tokens>, mut request: Request, next: Next) -> Response {
    request.extensions_mut().remove::<Identity>();
    let bearer = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).and_then(bearer_of);
    let Some(identity) = bearer.and_then(|token| tokens.identity(token)) else {
        let why = if bearer.is_some() {
            "the token is not known"
        } else {
            "no token: send `Authorization: Bearer …`, or use the data folder's kubeconfig"
        };
        return unauthorized(why);
    };
    request.extensions_mut().insert(identity.clone());
    next.run(request).await
}

fn bearer_of(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn unauthorized(why: &str) -> Response {
    let status = json!({ "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": why, "reason": "Unauthorized", "code": 401 });
    let mut response = Response::new(Body::from(status.to_string()));
    *response.status_mut() = StatusCode::UNAUTHORIZED;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    response
}
