//! A port of this machine that takes one request: the browser that comes back from the identity provider.

use crate::exit::Failure;
use axum::Router;
use axum::extract::{Query, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, HOST};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use parking_lot::Mutex;
use seaway_identity::oidc::Answer;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use url::Url;

/// Nobody signs in for longer.
const PATIENCE: Duration = Duration::from_secs(600);
/// What the browser shows at the end.
const PAGE: &str =
    "<!doctype html><meta charset=\"utf-8\"><title>Seaway</title><p>The command line goes on. You can close this window.</p>\n";

/// The port.
pub(super) struct Door {
    listener: TcpListener,
    port: u16,
}

/// Who waits for the answer; the first one counts.
#[derive(Clone)]
struct Waiting {
    host: Arc<str>,
    answered: Arc<Mutex<Option<oneshot::Sender<Answer>>>>,
}

impl Door {
    /// Takes a port of loopback; 0 is any.
    pub(super) async fn open(port: u16) -> Result<Self, Failure> {
        let failed = |err: std::io::Error| Failure::io(format!("listen on 127.0.0.1:{port}"), &err);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(failed)?;
        let port = listener.local_addr().map_err(failed)?.port();
        Ok(Self { listener, port })
    }

    /// Where the provider sends the browser.
    pub(super) fn url(&self) -> Result<Url, Failure> {
        Url::parse(&format!("http://127.0.0.1:{}/callback", self.port)).map_err(Failure::bug)
    }

    /// What the first browser brings; then the port is closed.
    pub(super) async fn answer(self) -> Result<Answer, Failure> {
        let (answered, answer) = oneshot::channel();
        let waiting = Waiting { host: format!("127.0.0.1:{}", self.port).into(), answered: Arc::new(Mutex::new(Some(answered))) };
        let router = Router::new().route("/callback", get(take)).with_state(waiting);
        let (brought, wait) = oneshot::channel();
        let serving = axum::serve(self.listener, router).with_graceful_shutdown(async move {
            if let Ok(Ok(answer)) = tokio::time::timeout(PATIENCE, answer).await {
                let _ = brought.send(answer);
            }
        });
        serving.await.map_err(|err| Failure::io("wait for the browser", &err))?;
        wait.await.map_err(|_| Failure::new("no browser came back within ten minutes", "repeat `seaway login`"))
    }
}

async fn take(State(waiting): State<Waiting>, headers: HeaderMap, Query(answer): Query<Answer>) -> Response {
    // Another site that makes its name mean this machine is not the provider.
    if headers.get(HOST).is_none_or(|host| host.as_bytes() != waiting.host.as_bytes()) {
        return StatusCode::MISDIRECTED_REQUEST.into_response();
    }
    let Some(answered) = waiting.answered.lock().take() else { return StatusCode::GONE.into_response() };
    let _ = answered.send(answer);
    ([(CACHE_CONTROL, "no-store"), (CONTENT_SECURITY_POLICY, "default-src 'none'")], Html(PAGE)).into_response()
}
