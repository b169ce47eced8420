//! The port: TLS, authentication, then the Kubernetes API; `/healthz` and `/readyz` need no token.

use crate::health::{Health, Metrics};
use crate::tls::Certificates;
use crate::tokens::Tokens;
use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use seaway_apiserver::identity::Identity;
use seaway_base::SharedClock;
use serde_json::json;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio_rustls::TlsAcceptor;

/// Connections at one time; more wait in the system's queue.
const CONNECTIONS_MAX: usize = 2048;
/// A client must have finished its handshake by then.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// A client must have sent its headers by then.
const HEADERS: Duration = Duration::from_secs(15);
/// Connections that stand when the door closes may finish their answer for so long.
const DRAIN: Duration = Duration::from_secs(5);

/// Why the door does not open.
#[derive(Debug, thiserror::Error)]
pub enum DoorError {
    /// The address is taken or not ours.
    #[error("listen on {address}: {}", if err.kind() == std::io::ErrorKind::AddrInUse { "the port is taken; stop what uses it, or choose another with --listen" } else { "the address cannot be used" })]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The cause.
        #[source]
        err: std::io::Error,
    },
    /// No certificate.
    #[error(transparent)]
    Tls(#[from] crate::tls::TlsError),
}

/// A renewal that failed is tried again after this long.
const RETRY: Duration = Duration::from_secs(2);

/// What stands behind the door.
pub struct Options {
    /// The Kubernetes API, without authentication.
    pub api: Router,
    /// The certificate.
    pub certificates: Arc<Certificates>,
    /// Who is who.
    pub tokens: Tokens,
    /// What is ready.
    pub health: Health,
    /// Figures.
    pub metrics: Metrics,
    /// The clock, for renewing the certificate.
    pub clock: SharedClock,
    /// Told what clients must trust from now on, PEM, when that changes while running.
    pub trust: Trust,
}

/// Hears what clients must trust.
pub type Trust = Box<dyn Fn(&str) + Send + Sync>;

/// A bound port.
#[derive(Debug)]
pub struct Door {
    listener: TcpListener,
    address: SocketAddr,
}

impl Door {
    /// Takes the port; nothing is served yet.
    ///
    /// # Errors
    /// [`DoorError::Listen`] naming the address.
    pub async fn bind(address: SocketAddr) -> Result<Self, DoorError> {
        let listener = TcpListener::bind(address).await.map_err(|err| DoorError::Listen { address, err })?;
        let address = listener.local_addr().map_err(|err| DoorError::Listen { address, err })?;
        Ok(Self { listener, address })
    }

    /// The address that was taken: with port 0, the one the system chose.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `stop` turns true, then lets standing answers finish for a few seconds.
    ///
    /// # Errors
    /// [`DoorError::Tls`] if the certificate cannot be used.
    pub async fn serve(self, options: Options, mut stop: watch::Receiver<bool>) -> Result<(), DoorError> {
        let Options { api, certificates, tokens, health, metrics, clock, trust } = options;
        let acceptor = TlsAcceptor::from(certificates.server_config()?);
        let app = router(api, tokens, health, metrics);
        let renewal = tokio::spawn(renew(certificates, clock, trust));
        let graceful = GracefulShutdown::new();
        let slots = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        loop {
            let accepted = tokio::select! {
                accepted = self.listener.accept() => accepted,
                _ = stop.wait_for(|stop| *stop) => break,
            };
            let stream = match accepted {
                Ok((stream, _)) => stream,
                Err(err) => {
                    // Out of file descriptors, most likely: waiting lets others close.
                    tracing::warn!(error = %err, "accept a connection");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
            };
            let Ok(slot) = Arc::clone(&slots).acquire_owned().await else { break };
            let (acceptor, app, watcher) = (acceptor.clone(), app.clone(), graceful.watcher());
            tokio::spawn(async move {
                connection(stream, acceptor, app, watcher).await;
                drop(slot);
            });
        }
        renewal.abort();
        if tokio::time::timeout(DRAIN, graceful.shutdown()).await.is_err() {
            tracing::info!("closing connections that did not finish");
        }
        Ok(())
    }
}

async fn connection(stream: TcpStream, acceptor: TlsAcceptor, app: Router, watcher: hyper_util::server::graceful::Watcher) {
    // Without it a small answer waits for the client's delayed acknowledgement.
    let _ = stream.set_nodelay(true);
    let Ok(Ok(stream)) = tokio::time::timeout(HANDSHAKE, acceptor.accept(stream)).await else { return };
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEADERS);
    builder.http2().timer(TokioTimer::new()).keep_alive_interval(Some(Duration::from_secs(30)));
    let serving = builder.serve_connection_with_upgrades(TokioIo::new(stream), TowerToHyperService::new(app)).into_owned();
    if let Err(err) = watcher.watch(serving).await {
        tracing::debug!(error = %err, "a connection ended");
    }
}

async fn renew(certificates: Arc<Certificates>, clock: SharedClock, trust: Trust) {
    let mut trusted = certificates.ca_pem();
    let mut told = String::new();
    loop {
        let wait = certificates.look_in(clock.now());
        tokio::time::sleep(if told.is_empty() { wait } else { wait.max(RETRY) }).await;
        match certificates.renew_if_due(clock.now()) {
            Ok(false) => {}
            Ok(true) => {
                told.clear();
                tracing::info!("renewed the certificate of the port");
                let now = certificates.ca_pem();
                if now != trusted {
                    trust(&now);
                    trusted = now;
                }
            }
            Err(err) => {
                // It is tried again and again: a fault is told once.
                let err = seaway_base::chain(&err);
                if err != told {
                    tracing::error!(error = err, "renew the certificate of the port; the present one stays");
                    told = err;
                }
            }
        }
    }
}

/// The routes: health without a token, everything else with one.
fn router(api: Router, tokens: Tokens, health: Health, metrics: Metrics) -> Router {
    let open = Router::new()
        .route("/healthz", get(|| async { "ok" }))
        .route("/livez", get(|| async { "ok" }))
        .route("/readyz", get(move || async move { ready(&health) }));
    let closed = Router::new()
        .route(
            "/metrics",
            get(move || async move {
                ([(header::CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], metrics.text())
            }),
        )
        .fallback_service(api)
        .layer(middleware::from_fn_with_state(Arc::new(tokens), authenticate));
    open.merge(closed)
}

fn ready(health: &Health) -> Response {
    let (ready, report) = health.report();
    if ready { report.into_response() } else { (StatusCode::SERVICE_UNAVAILABLE, report).into_response() }
}

/// Puts the token's owner on the request. Whatever identity a client claims by itself never counts.
async fn authenticate(State(tokens): State<Arc<Tokens>>, mut request: Request, next: Next) -> Response {
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

#[cfg(test)]
mod tests {
    use super::*;
    use seaway_base::Secret;
    use tower::ServiceExt as _;

    async fn ask(path: &str, token: Option<&str>) -> StatusCode {
        let health = Health::default();
        health.expect("store");
        let api = Router::new().fallback(|request: Request| async move {
            request.extensions().get::<Identity>().map_or_else(String::new, |identity| identity.username.to_string())
        });
        let tokens = Tokens::default().with(&Secret::new("right".into()), Identity::new("admin", &[]).unwrap());
        let mut request = Request::builder().uri(path);
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        router(api, tokens, health, Metrics::default()).oneshot(request.body(Body::empty()).unwrap()).await.unwrap().status()
    }

    #[tokio::test]
    async fn everything_but_health_needs_a_known_token() {
        assert_eq!(ask("/healthz", None).await, StatusCode::OK);
        assert_eq!(ask("/readyz", None).await, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(ask("/api/v1/namespaces", None).await, StatusCode::UNAUTHORIZED);
        assert_eq!(ask("/metrics", Some("wrong")).await, StatusCode::UNAUTHORIZED);
        assert_eq!(ask("/metrics", Some("right")).await, StatusCode::OK);
        assert_eq!(ask("/api", Some("right")).await, StatusCode::OK);
    }
}
