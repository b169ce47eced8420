//! Listening on loopback until told to stop.

use crate::NeighbourError;
use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// How long open requests may take to end after a stop.
const GRACE: Duration = Duration::from_secs(2);

/// A running server; dropping it stops it at once.
#[derive(Debug)]
pub struct Serving {
    addr: SocketAddr,
    stop: watch::Sender<bool>,
    task: Option<JoinHandle<()>>,
}

/// Serves `router` on `127.0.0.1:port`; port 0 takes a free one. What a web page may have made a browser send is refused: a host
/// that is not this machine's own (421), an origin that is not this server's own (403).
///
/// # Errors
/// [`NeighbourError::Io`] where the port is taken.
pub async fn serve(port: u16, router: Router) -> Result<Serving, NeighbourError> {
    let listener = TcpListener::bind(("127.0.0.1", port)).await.map_err(NeighbourError::io(format!("listen on port {port}")))?;
    let addr = listener.local_addr().map_err(NeighbourError::io("read the port"))?;
    let router = router.layer(middleware::from_fn(from_here));
    let (stop, mut stopped) = watch::channel(false);
    let task = tokio::spawn(async move {
        let signal = async move {
            let _ = stopped.wait_for(|stop| *stop).await;
        };
        if let Err(err) = axum::serve(listener, router).with_graceful_shutdown(signal).await {
            tracing::error!("the server on {addr} ended: {err}");
        }
    });
    Ok(Serving { addr, stop, task: Some(task) })
}

async fn from_here(request: Request, next: Next) -> Response {
    let headers = request.headers();
    let line = request.uri().authority().map(|authority| authority.as_str());
    let hosts = headers.get_all(header::HOST).iter().map(|host| host.to_str().unwrap_or_default());
    let hosts: Vec<&str> = line.into_iter().chain(hosts).collect();
    if hosts.is_empty() || !hosts.iter().all(|host| is_loopback(host)) {
        return (StatusCode::MISDIRECTED_REQUEST, "this host name is not served here; use 127.0.0.1\n").into_response();
    }
    let is_own = |origin: &HeaderValue| {
        let origin = origin.to_str().unwrap_or_default().to_ascii_lowercase();
        hosts.iter().all(|host| origin == format!("http://{}", host.to_ascii_lowercase()))
    };
    if !headers.get_all(header::ORIGIN).iter().all(is_own) {
        return (StatusCode::FORBIDDEN, "the request came from a page of another origin\n").into_response();
    }
    next.run(request).await
}

/// Does this authority, `name:port`, name this machine by a name that no foreign name server can lead elsewhere?
fn is_loopback(authority: &str) -> bool {
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    };
    host.eq_ignore_ascii_case("localhost") || matches!(host, "127.0.0.1" | "[::1]")
}

impl Serving {
    /// Where it listens.
    pub const fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// `http://127.0.0.1:<port>`, without a trailing slash.
    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// Takes no more connections and waits a moment for the open requests to end.
    pub async fn shutdown(mut self) {
        self.stop.send_replace(true);
        if let Some(mut task) = self.task.take()
            && tokio::time::timeout(GRACE, &mut task).await.is_err()
        {
            task.abort();
        }
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.stop.send_replace(true);
        if let Some(task) = self.task.take() {
            task.abort();
        }
    }
}
