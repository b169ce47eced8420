//! The port: TLS and connections; what stands behind it is the table of routes.

use crate::reach::Peer;
use crate::tls::Certificates;
use axum::middleware::AddExtension;
use axum::{Extension, Router};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use seaway_base::SharedClock;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio_rustls::TlsAcceptor;
use tower::Layer as _;

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
    /// All routes, authentication included.
    pub routes: Router,
    /// The certificate.
    pub certificates: Arc<Certificates>,
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
        let Options { routes, certificates, clock, trust } = options;
        let acceptor = TlsAcceptor::from(certificates.server_config()?);
        let renewal = tokio::spawn(renew(certificates, clock, trust));
        let (graceful, address) = (GracefulShutdown::new(), self.address);
        let slots = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        loop {
            let accepted = tokio::select! {
                accepted = self.listener.accept() => accepted,
                _ = stop.wait_for(|stop| *stop) => break,
            };
            let (stream, remote) = match accepted {
                Ok((stream, remote)) => (stream, remote),
                Err(err) => {
                    // Out of file descriptors, most likely: waiting lets others close.
                    tracing::warn!(error = %err, "accept a connection");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
            };
            let Ok(slot) = Arc::clone(&slots).acquire_owned().await else { break };
            let (acceptor, app, watcher) = (acceptor.clone(), routes.clone(), graceful.watcher());
            tokio::spawn(async move {
                let local = stream.local_addr().unwrap_or(address);
                let app = Extension(Peer { remote, local }).layer(app);
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

async fn connection(
    stream: TcpStream,
    acceptor: TlsAcceptor,
    app: AddExtension<Router, Peer>,
    watcher: hyper_util::server::graceful::Watcher,
) {
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
