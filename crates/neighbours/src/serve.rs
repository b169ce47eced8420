//! Listening on loopback until told to stop.

use crate::NeighbourError;
use axum::Router;
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

/// Serves `router` on `127.0.0.1:port`; port 0 takes a free one.
///
/// # Errors
/// [`NeighbourError::Io`] where the port is taken.
pub async fn serve(port: u16, router: Router) -> Result<Serving, NeighbourError> {
    let listener = TcpListener::bind(("127.0.0.1", port)).await.map_err(NeighbourError::io(format!("listen on port {port}")))?;
    let addr = listener.local_addr().map_err(NeighbourError::io("read the port"))?;
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
