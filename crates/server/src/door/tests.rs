//! Connections that hold a place and ask nothing.

use super::*;
use crate::tls::Source;
use axum::routing::{get, post};
use rustls::pki_types::{CertificateDer, pem::PemObject as _};
use seaway_base::SystemClock;
use seaway_base::http::Cidr;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// What is waited for comes by then.
const SOON: Duration = Duration::from_secs(10);
const LONG: Duration = Duration::from_secs(600);

struct Served {
    address: SocketAddr,
    connector: TlsConnector,
    _stop: watch::Sender<bool>,
    _dir: tempfile::TempDir,
}

impl Served {
    async fn new(patience: Patience) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let clock = SystemClock::shared();
        let source = Source::Own { dir: dir.path().into(), names: Vec::new(), lifetime: Duration::from_hours(720) };
        let certificates = Certificates::open(source, clock.now()).unwrap();
        let mut roots = rustls::RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(certificates.ca_pem().as_bytes()).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let config = config.with_root_certificates(roots).with_no_client_auth();
        let routes = Router::new()
            .route("/healthz", get(|| async { "ok" }))
            .route("/open", get(std::future::pending::<()>))
            .route("/body", post(|body: axum::body::Bytes| async move { body.len().to_string() }));
        let door = Door::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
        let (address, (stop, stopped)) = (door.address(), watch::channel(false));
        let options = Options { routes, reach: Reach::default(), certificates, clock, trust: Box::new(|_| {}) };
        tokio::spawn(door.serve_with(options, patience, stopped));
        Self { address, connector: TlsConnector::from(Arc::new(config)), _stop: stop, _dir: dir }
    }

    /// A connection on which this was sent.
    async fn send(&self, sent: &str) -> TlsStream<TcpStream> {
        let stream = TcpStream::connect(self.address).await.unwrap();
        let mut stream = self.connector.connect("127.0.0.1".try_into().unwrap(), stream).await.unwrap();
        stream.write_all(sent.as_bytes()).await.unwrap();
        stream
    }

    /// All that is said until the connection is closed by the other side.
    async fn rest(&self, sent: &str) -> String {
        rest(self.send(sent).await).await
    }
}

async fn rest(mut stream: TlsStream<TcpStream>) -> String {
    let mut said = Vec::new();
    // How it is closed does not matter.
    let _ = timeout(SOON, stream.read_to_end(&mut said)).await.expect("it is closed in time");
    String::from_utf8_lossy(&said).into_owned()
}

fn patient() -> Patience {
    Patience { handshake: LONG, first: LONG, idle: LONG, body: LONG, drain: Duration::from_millis(50) }
}

#[tokio::test]
async fn a_connection_on_which_nothing_whole_is_asked_is_closed() {
    let served = Served::new(Patience { first: Duration::from_millis(200), ..patient() }).await;
    for sent in ["", "PRI * HTTP/2.0\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "GET /healthz HTTP/1.1\r\nHost: x\r\n"] {
        served.rest(sent).await;
    }
}

#[tokio::test]
async fn a_connection_on_which_nothing_is_open_is_closed_and_another_is_not() {
    let served = Served::new(Patience { idle: Duration::from_millis(200), ..patient() }).await;
    let mut open = served.send("GET /open HTTP/1.1\r\nHost: x\r\n\r\n").await;
    let said = served.rest("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").await;
    assert!(said.starts_with("HTTP/1.1 200") && said.ends_with("ok"), "{said}");
    let more = timeout(Duration::from_millis(400), open.read_u8()).await;
    assert!(more.is_err(), "it is still open: {more:?}");
}

#[tokio::test]
async fn a_body_that_does_not_arrive_is_not_waited_for() {
    let served = Served::new(Patience { body: Duration::from_millis(200), ..patient() }).await;
    let said = served.rest("POST /body HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhalf").await;
    assert!(said.starts_with("HTTP/1.1 400"), "{said}");
    let said = served.rest("POST /body HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nConnection: close\r\n\r\nhalf").await;
    assert!(said.starts_with("HTTP/1.1 200") && said.ends_with('4'), "{said}");
}

#[test]
fn no_address_takes_the_places_of_all() {
    let (shares, reach) = (Shares::default(), Reach::new("", &[], vec![Cidr::parse("10.0.0.0/8").unwrap()]));
    let mut held = Vec::new();
    let mut check = |address: &str, n: usize| {
        let of = |_| share(&shares, &reach, address.parse().unwrap());
        let taken: Vec<_> = (0..2_000).map_while(of).collect();
        assert_eq!(taken.len(), n, "{address}");
        held.extend(taken);
    };
    check("192.0.2.1", 256);
    check("192.0.2.2", 256);
    check("2001:db8::1", 256);
    // The same network: its client changes the rest at will.
    check("2001:db8::2", 0);
    check("127.0.0.1", 1500);
    check("10.0.0.1", 2_000);
}
