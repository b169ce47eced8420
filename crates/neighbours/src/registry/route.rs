//! From path to handler, and the form of the registry's errors.

use super::{Access, Inner, blobs, manifests, storage};
use crate::auth::challenge;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, header};
use std::collections::HashMap;
use std::io;
use std::sync::atomic::Ordering;

/// A request the registry does not grant, with the specification's code.
#[derive(Debug)]
pub(super) struct Denied {
    status: StatusCode,
    code: &'static str,
    message: String,
}

impl Denied {
    pub(super) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into() }
    }

    pub(super) fn missing(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, code, message)
    }

    pub(super) fn bad(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, message)
    }

    fn into_response(self) -> Response<Body> {
        let json = serde_json::json!({ "errors": [{ "code": self.code, "message": self.message, "detail": {} }] });
        let mut response = json_response(&json);
        *response.status_mut() = self.status;
        response
    }
}

impl From<io::Error> for Denied {
    fn from(err: io::Error) -> Self {
        tracing::warn!("registry: {err}");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "UNKNOWN", "the registry's folder failed it")
    }
}

pub(super) type Answer = Result<Response<Body>, Denied>;

/// An answer of this status and these headers, without a body.
pub(super) fn empty(status: StatusCode, headers: &[(&'static str, &str)]) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    for (name, value) in headers {
        set(&mut response, name, value);
    }
    response
}

pub(super) fn set(response: &mut Response<Body>, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(HeaderName::from_static(name), value);
    }
}

pub(super) fn json_response(json: &serde_json::Value) -> Response<Body> {
    let mut response = Response::new(Body::from(json.to_string()));
    set(&mut response, "content-type", "application/json");
    response
}

/// The query's pairs, decoded.
pub(super) fn query(request: &Request) -> HashMap<String, String> {
    url::form_urlencoded::parse(request.uri().query().unwrap_or_default().as_bytes()).into_owned().collect()
}

/// Answers one request.
pub(super) async fn answer(inner: &Inner, request: Request) -> Response<Body> {
    inner.n_requests.fetch_add(1, Ordering::SeqCst);
    let head = request.method() == Method::HEAD;
    let mut response = match inner.next_fault() {
        Some((status, retry_after)) => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            let mut response = Denied::new(status, "TOOMANYREQUESTS", "as you asked").into_response();
            if let Some(seconds) = retry_after {
                set(&mut response, "retry-after", &seconds.to_string());
            }
            response
        }
        None => guarded(inner, request).await,
    };
    set(&mut response, "docker-distribution-api-version", "registry/2.0");
    if head {
        *response.body_mut() = Body::empty();
    }
    response
}

async fn guarded(inner: &Inner, request: Request) -> Response<Body> {
    let path = request.uri().path().trim_start_matches("/v2").trim_start_matches('/').to_owned();
    match &inner.options.access {
        Access::Open => {}
        Access::Basic(login) if login.is_in(request.headers()) => {}
        Access::Basic(_) => return challenge("Basic realm=\"registry\"", Body::empty()),
        Access::Token(login) if path == "token" => {
            if !login.is_in(request.headers()) {
                return challenge("Basic realm=\"registry\"", Body::empty());
            }
            return json_response(&serde_json::json!({ "token": inner.tokens.give(), "expires_in": 300 }));
        }
        Access::Token(_) if inner.tokens.knows(text(request.headers(), "authorization")) => {}
        Access::Token(_) => return token_challenge(request.headers(), &path),
    }
    route(inner, request, &path).await.unwrap_or_else(Denied::into_response)
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

fn token_challenge(headers: &HeaderMap, path: &str) -> Response<Body> {
    let host = text(headers, header::HOST.as_str());
    let name = split(path).map_or("", |(name, _, _)| name);
    let scope = if name.is_empty() { String::new() } else { format!(",scope=\"repository:{name}:pull,push\"") };
    let value = format!("Bearer realm=\"http://{host}/v2/token\",service=\"neighbour\"{scope}");
    let denied = Denied::new(StatusCode::UNAUTHORIZED, "UNAUTHORIZED", "a token is needed");
    let mut response = denied.into_response();
    set(&mut response, "www-authenticate", &value);
    response
}

/// `<name>/<kind>/<reference>`.
fn split(path: &str) -> Option<(&str, &str, &str)> {
    if let Some(name) = path.strip_suffix("/tags/list") {
        return Some((name, "tags", "list"));
    }
    for kind in ["/blobs/uploads/", "/blobs/", "/manifests/", "/referrers/"] {
        if let Some((name, reference)) = path.rsplit_once(kind) {
            return Some((name, kind.trim_matches('/'), reference));
        }
    }
    path.strip_suffix("/blobs/uploads").map(|name| (name, "blobs/uploads", ""))
}

async fn route(inner: &Inner, request: Request, path: &str) -> Answer {
    if path.is_empty() {
        return Ok(json_response(&serde_json::json!({})));
    }
    let unknown = || Denied::missing("UNSUPPORTED", "no such endpoint");
    let (name, kind, reference) = split(path).ok_or_else(unknown)?;
    if !storage::is_name(name) {
        return Err(Denied::bad("NAME_INVALID", format!("`{name}` is no repository name")));
    }
    let method = request.method().clone();
    let headers = request.headers().clone();
    match (kind, method.as_str()) {
        ("tags", "GET") => manifests::tags(inner, name, &query(&request)).await,
        ("manifests", "GET" | "HEAD") => manifests::get(inner, name, reference, &headers).await,
        ("manifests", "PUT") => manifests::put(inner, name, reference, request).await,
        ("manifests", "DELETE") => manifests::delete(inner, name, reference).await,
        ("referrers", "GET") => manifests::referrers(inner, name, reference, &query(&request)).await,
        ("blobs", "GET" | "HEAD") => blobs::get(inner, name, reference, &headers, method == Method::HEAD).await,
        ("blobs", "DELETE") => blobs::delete(inner, name, reference).await,
        ("blobs/uploads", "POST") => blobs::begin(inner, name, request).await,
        ("blobs/uploads", "PATCH") => blobs::append(inner, name, reference, request).await,
        ("blobs/uploads", "PUT") => blobs::finish(inner, name, reference, request).await,
        ("blobs/uploads", "GET") => blobs::progress(inner, name, reference).await,
        ("blobs/uploads", "DELETE") => blobs::cancel(inner, reference).await,
        _ => Err(Denied::new(StatusCode::METHOD_NOT_ALLOWED, "UNSUPPORTED", "no such method here")),
    }
}
