//! From a request to the part that answers it.

use crate::ApiServer;
use crate::discovery;
use crate::failure::Failure;
use crate::identity::Identity;
use crate::kind::Mode;
use crate::openapi;
use crate::read::json_response;
use crate::request::{self, BODY_BYTES_MAX, Call, Place, Query};
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures::FutureExt as _;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, header};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use serde_json::{Value, json};
use std::panic::AssertUnwindSafe;

/// What is told of the version: inside the skew of the kubectl releases that are supported.
const VERSION: (&str, &str) = ("1", "35");

/// Answers any request.
pub(crate) async fn serve(State(api): State<ApiServer>, request: Request<Body>) -> Response {
    let (mut parts, body) = request.into_parts();
    // In process a panic would otherwise unwind through the caller; the store's own thread is not touched by it.
    match AssertUnwindSafe(api.dispatch(&mut parts, body)).catch_unwind().await {
        Ok(Ok(response)) => response,
        Ok(Err(failure)) => failure.into_response(),
        Err(_) => Failure::Internal(format!("{} {} panicked: this is a bug", parts.method, parts.uri.path())).into_response(),
    }
}

fn header_text<'a>(headers: &'a HeaderMap, name: &header::HeaderName) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

impl ApiServer {
    async fn dispatch(&self, parts: &mut Parts, body: Body) -> Result<Response, Failure> {
        if matches!(parts.uri.path(), "/healthz" | "/livez" | "/readyz") {
            return Ok((StatusCode::OK, "ok").into_response());
        }
        let identity = parts.extensions.get::<Identity>().cloned().ok_or(Failure::Unauthorized)?;
        if identity.lease.has_ended() {
            return Err(Failure::Unauthorized);
        }
        let identity = self.acting(&identity, &mut parts.headers)?.unwrap_or(identity);
        match request::place(parts.uri.path(), &self.kinds)? {
            Place::Other(path) => {
                self.authorize_path(&identity, &parts.method, parts.uri.path())?;
                self.documents(&path, parts)
            }
            Place::Resource { kind, namespace, name, subresource } => {
                let content_type = header_text(&parts.headers, &header::CONTENT_TYPE);
                let mut call = Call {
                    identity,
                    denied: None,
                    method: parts.method.clone(),
                    api_version: kind.api_version(),
                    kind,
                    namespace,
                    name,
                    subresource,
                    query: Query::read(&parts.uri)?,
                    form: request::form(&parts.headers)?,
                    content_type: content_type.split(';').next().unwrap_or_default().trim().to_owned(),
                    user_agent: header_text(&parts.headers, &header::USER_AGENT).to_owned(),
                    body: Bytes::new(),
                };
                // Whoever may not is not read at length.
                self.authorize(&mut call)?;
                call.body = read_body(body).await?;
                self.resource(call).await
            }
        }
    }

    async fn resource(&self, mut call: Call) -> Result<Response, Failure> {
        let named = call.name.is_some();
        match (call.kind.mode, call.method.clone()) {
            (Mode::Review, Method::POST) if !named => self.review(&call),
            (_, Method::POST) if call.subresource.as_deref() == Some("token") => self.token_request(&call).await,
            (_, _) if call.subresource.as_deref() == Some("token") => Err(Failure::Method),
            (_, ref method) if call.subresource.as_deref() == Some("finalize") && method != Method::PUT => Err(Failure::Method),
            (Mode::Review, _) => Err(Failure::Method),
            (Mode::Empty, Method::GET) if call.query.watch => Err(Failure::Method),
            (Mode::Empty, Method::GET) if named => self.get(&call),
            (Mode::Empty, Method::GET) => self.list(&call),
            (Mode::Empty, _) => Err(Failure::Method),
            (_, Method::GET) if call.query.watch => {
                if let Some(name) = call.name.take() {
                    call.query.field_selector = format!("metadata.name={name}");
                }
                self.watch(call)
            }
            (_, Method::GET) if named => self.get(&call),
            (_, Method::GET) => self.list(&call),
            (_, Method::POST) if !named => self.create(&call).await,
            (_, Method::PUT) if named => self.update(&call).await.map_err(|failure| call.veiled(failure)),
            (_, Method::PATCH) if named => self.patch(&call).await.map_err(|failure| call.veiled(failure)),
            (_, Method::DELETE) if call.subresource.is_some() => Err(Failure::Method),
            (_, Method::DELETE) if named => self.delete(&mut call).await,
            (_, Method::DELETE) if !call.kind.verbs().contains(&"deletecollection") => Err(Failure::Method),
            (_, Method::DELETE) => self.delete_collection(&mut call).await,
            _ => Err(Failure::Method),
        }
    }

    /// Everything that is no resource: version, discovery, OpenAPI.
    fn documents(&self, path: &[String], parts: &Parts) -> Result<Response, Failure> {
        if parts.method != Method::GET {
            return Err(Failure::Method);
        }
        let form = discovery::Form::negotiate(header_text(&parts.headers, &header::ACCEPT));
        let served = self.kinds.served();
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        let (document, form) = match path.as_slice() {
            [] => (json!({"paths": ["/api", "/apis", "/healthz", "/livez", "/openapi/v3", "/readyz", "/version"]}), None),
            ["version"] => (version(), None),
            ["api"] => (discovery::core(served, form, &self.options.address), Some(form)),
            ["apis"] => (discovery::groups(served, form), Some(form)),
            ["api", "v1"] => (discovery::resources(served, "", "v1").ok_or(Failure::NoResource)?, None),
            ["apis", group] => (discovery::group(served, group).ok_or(Failure::NoResource)?, None),
            ["apis", group, version] => (discovery::resources(served, group, version).ok_or(Failure::NoResource)?, None),
            ["openapi", "v3"] => (openapi::index(served), None),
            ["openapi", "v3", "api", "v1"] => (openapi::document(served, "", "v1").ok_or(Failure::NoResource)?, None),
            ["openapi", "v3", "apis", group, version] => {
                (openapi::document(served, group, version).ok_or(Failure::NoResource)?, None)
            }
            _ => return Err(Failure::NoResource),
        };
        let mut response = json_response(StatusCode::OK, document.to_string().into(), &[]);
        if let Some(value) = form.and_then(|form| HeaderValue::from_str(&form.content_type()).ok()) {
            response.headers_mut().insert(header::CONTENT_TYPE, value);
        }
        Ok(response)
    }
}

async fn read_body(body: Body) -> Result<Bytes, Failure> {
    match Limited::new(body, BODY_BYTES_MAX).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(err) if err.is::<LengthLimitError>() => Err(Failure::TooLarge),
        Err(err) => Err(Failure::BadRequest(format!("read the body: {err}"))),
    }
}

fn version() -> Value {
    let (major, minor) = VERSION;
    json!({"major": major, "minor": minor, "gitVersion": format!("v{major}.{minor}.0+seaway-{}", env!("CARGO_PKG_VERSION")),
        "gitCommit": "", "gitTreeState": "clean", "buildDate": "1970-01-01T00:00:00Z", "goVersion": "none (Rust)",
        "compiler": "rustc", "platform": format!("{}/{}", std::env::consts::OS, std::env::consts::ARCH)})
}
