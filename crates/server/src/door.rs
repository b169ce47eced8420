//! The port: TLS and connections; what stands behind it is the table of routes.

use crate::connection::{self, Patience};
use crate::limits::network;
use crate::reach::{Peer, Reach};
use crate::tls::Certificates;
use axum::Router;
use seaway_base::{Share, SharedClock, Shares};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio_rustls::TlsAcceptor;
use tokio_util::task::TaskTracker;

/// Connections at one time; more wait in the system's queue.
const CONNECTIONS_MAX: usize = 2048;
/// Of them from one address, so that nobody takes the places of all.
const CONNECTIONS_OF_ONE_MAX: usize = 256;
/// The same from this machine itself, where many who ask are one address.
const CONNECTIONS_OF_LOOPBACK_MAX: usize = 1500;

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
    /// By which names and through which proxies we are reached: a proxy's connections are not counted as one client's.
    pub reach: Reach,
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
    pub async fn serve(self, options: Options, stop: watch::Receiver<bool>) -> Result<(), DoorError> {
        self.serve_with(options, Patience::default(), stop).await
    }

    async fn serve_with(self, options: Options, patience: Patience, mut stop: watch::Receiver<bool>) -> Result<(), DoorError> {
        let Options { routes, reach, certificates, clock, trust } = options;
        let acceptor = TlsAcceptor::from(certificates.server_config()?);
        let renewal = tokio::spawn(renew(certificates, clock, trust));
        let (open, shares) = (TaskTracker::new(), Shares::default());
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
            let Some(share) = share(&shares, &reach, remote.ip()) else {
                tracing::debug!(%remote, "closed a connection: its address has too many");
                continue;
            };
            let Ok(slot) = Arc::clone(&slots).acquire_owned().await else { break };
            let peer = Peer { remote, local: stream.local_addr().unwrap_or(self.address) };
            let serving = connection::serve(stream, acceptor.clone(), routes.clone(), peer, patience, stop.clone());
            open.spawn(async move {
                serving.await;
                drop((share, slot));
            });
        }
        renewal.abort();
        open.close();
        if tokio::time::timeout(patience.drain, open.wait()).await.is_err() {
            tracing::info!("closing connections that did not finish");
        }
        Ok(())
    }
}

/// A place among the connections of an address; inside it is none where the address is a proxy.
fn share(shares: &Shares<IpAddr>, reach: &Reach, remote: IpAddr) -> Option<Option<Share<IpAddr>>> {
    if reach.is_proxy(remote) {
        return Some(None);
    }
    let of = network(remote);
    let n_max = if of.is_loopback() { CONNECTIONS_OF_LOOPBACK_MAX } else { CONNECTIONS_OF_ONE_MAX };
    shares.take(&of, n_max).map(Some)
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

#[cfg(test)]
mod tests;
