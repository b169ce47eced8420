//! The port's certificate with the real binary: a CA that is kept, names that are covered, renewal while serving, one's own files.

use crate::running::{Plane, Said, run, seaway};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::crypto::aws_lc_rs;
use rustls::{ClientConfig, ClientConnection, RootCertStore};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, ServerName};
use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use tempfile::TempDir;
use time::{Duration, OffsetDateTime};

/// Where the port is: by the line that says it is ready.
fn address(plane: &Plane) -> SocketAddr {
    let url = plane.ready.split_whitespace().find_map(|word| word.strip_prefix("https://"));
    url.unwrap().parse().unwrap()
}

/// Shakes hands as a client that asks for `name` and trusts the first certificate of `ca_pem` alone; answers the leaf.
fn greet(address: SocketAddr, name: &str, ca_pem: &[u8]) -> Result<CertificateDer<'static>, String> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(ca_pem).unwrap()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
    let config = config.with_safe_default_protocol_versions().unwrap().with_root_certificates(roots).with_no_client_auth();
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let mut connection = ClientConnection::new(Arc::new(config), name).unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    while connection.is_handshaking() {
        connection.complete_io(&mut stream).map_err(|err| err.to_string())?;
    }
    Ok(connection.peer_certificates().unwrap()[0].clone().into_owned())
}

fn ca(plane: &Plane) -> Vec<u8> {
    fs::read(plane.data().join("tls/ca.pem")).unwrap()
}

#[test]
fn the_ca_and_its_leaf_are_kept_across_a_stop_and_a_kill() {
    let plane = Plane::start();
    let kept = ca(&plane);
    let mut leaves = vec![greet(address(&plane), "localhost", &kept).unwrap()];
    plane.terminate();
    let plane = Plane::on(plane.end().1);
    leaves.push(greet(address(&plane), "localhost", &kept).unwrap());
    let plane = Plane::on(plane.kill());
    leaves.push(greet(address(&plane), "localhost", &kept).unwrap());
    assert_eq!(ca(&plane), kept);
    leaves.dedup();
    assert_eq!(leaves.len(), 1, "a browser that was told to go on is not asked again");
    plane.ok(&["get", "projects"]);
}

#[test]
fn the_leaf_is_for_this_machine_and_for_each_host_and_for_nobody_else() {
    let plane = Plane::with(TempDir::new().unwrap(), |command| {
        command.args(["--host", "ci.bank.example", "--host", "10.9.8.7", "--host", "*.apps.bank.example"]);
    });
    let greet = |name: &str| greet(address(&plane), name, &ca(&plane));
    for name in ["127.0.0.1", "::1", "localhost", "ci.bank.example", "10.9.8.7", "x.apps.bank.example"] {
        greet(name).unwrap_or_else(|err| panic!("{name}: {err}"));
    }
    for name in ["bank.example", "127.0.0.2", "::2"] {
        let err = greet(name).unwrap_err();
        assert!(err.contains("not valid for name"), "{name}: {err}");
    }
    let stranger = Authority::new();
    assert!(greet_with(&plane, &stranger).unwrap_err().contains("UnknownIssuer"));
}

fn greet_with(plane: &Plane, authority: &Authority) -> Result<CertificateDer<'static>, String> {
    greet(address(plane), "localhost", authority.pem.as_bytes())
}

#[test]
fn a_host_that_is_no_name_is_refused() {
    let home = TempDir::new().unwrap();
    let said = run(seaway(home.path()).args(["serve", "--listen", "127.0.0.1:0", "--host", "https://ci.bank.example"]));
    assert_eq!(said.code, 1);
    insta::assert_snapshot!(said.err, @r"
    error: `https://ci.bank.example` is no host name and no IP address; a certificate cannot be for it
    hint: `seaway config` shows the names; without DIR/tls another CA is made
    ");
}

#[test]
fn the_leaf_is_renewed_while_serving() {
    let plane = Plane::with(TempDir::new().unwrap(), |command| {
        command.env("SEAWAY_TLS_LIFETIME", "3s");
    });
    let (kept, first) = (ca(&plane), greet(address(&plane), "localhost", &ca(&plane)).unwrap());
    let renewed = || plane.line(|line| line.contains("renewed the certificate of the port"));
    renewed();
    let second = greet(address(&plane), "localhost", &kept).unwrap();
    assert_ne!(first, second);
    // By now the first one has run out: whoever still got it would be refused.
    renewed();
    assert_ne!(second, greet(address(&plane), "localhost", &kept).unwrap());
    assert_eq!(ca(&plane), kept);
    plane.ok(&["get", "projects"]);
}

/// A CA of the user's own.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        Self { issuer: Issuer::new(params, key), pem }
    }

    /// A chain and its key, good for so many days.
    fn leaf(&self, days: i64) -> (String, String) {
        let mut params = CertificateParams::new(vec!["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
        let now = OffsetDateTime::now_utc();
        params.not_before = now - Duration::days(10);
        params.not_after = now + Duration::days(days);
        let key = KeyPair::generate().unwrap();
        let leaf = params.signed_by(&key, &self.issuer).unwrap();
        (leaf.pem() + &self.pem, key.serialize_pem())
    }
}

/// A folder with the user's certificate, key, and the settings that name them.
struct Own {
    home: TempDir,
}

impl Own {
    fn new((chain, key): &(String, String)) -> Self {
        let own = Self { home: TempDir::new().unwrap() };
        own.replace("key.pem", key);
        own.replace("chain.pem", chain);
        let settings =
            format!("tls:\n  certificate: {}\n  key: {}\n", own.path("chain.pem").display(), own.path("key.pem").display());
        fs::write(own.path("seaway.yaml"), settings).unwrap();
        own
    }

    fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    /// As those do who renew certificates: a whole file in place of the other.
    fn replace(&self, name: &str, text: &str) {
        fs::write(self.path("new"), text).unwrap();
        fs::rename(self.path("new"), self.path(name)).unwrap();
    }

    /// Starts with it, which must fail; what it says, with `DIR` for the folder.
    fn refused(&self) -> String {
        let data = self.path("data");
        let mut command = seaway(self.home.path());
        command.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(&data).arg("--config").arg(self.path("seaway.yaml"));
        let Said { code, err, .. } = run(&mut command);
        assert_eq!(code, 1, "{err}");
        assert!(!data.join("kubeconfig").exists() && !data.join("server.json").exists());
        err.replace(self.home.path().to_str().unwrap(), "DIR").lines().next().unwrap().to_owned()
    }
}

#[test]
fn ones_own_certificate_is_served_and_read_again_when_it_changes() {
    let (first, second) = (Authority::new(), Authority::new());
    let own = Own::new(&first.leaf(30));
    let plane = Plane::with(TempDir::new().unwrap(), |command| {
        command.arg("--config").arg(own.path("seaway.yaml"));
    });
    greet_with(&plane, &first).unwrap();
    plane.ok(&["get", "projects"]);
    assert!(!plane.data().join("tls").exists(), "no CA of ours is made");

    // A fault while it is replaced is told, and what is served stays.
    own.replace("chain.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    let told = plane.line(|line| line.contains("the present one stays"));
    assert!(told.contains("chain.pem"), "{told}");
    greet_with(&plane, &first).unwrap();

    let (chain, key) = second.leaf(30);
    own.replace("key.pem", &key);
    own.replace("chain.pem", &chain);
    plane.line(|line| line.contains("renewed the certificate of the port"));
    greet_with(&plane, &second).unwrap();
    greet_with(&plane, &first).unwrap_err();
    // The kubeconfig trusts the new one.
    plane.ok(&["get", "projects"]);
}

#[test]
fn a_certificate_of_ones_own_that_cannot_be_used_is_named_with_the_reason() {
    let authority = Authority::new();
    let good = authority.leaf(30);
    let mut said = Vec::new();
    let mut refused = |what: &str, hurt: &dyn Fn(&Own)| {
        let own = Own::new(&good);
        hurt(&own);
        said.push(format!("{what}: {}", own.refused()));
    };
    refused("missing", &|own| fs::remove_file(own.path("chain.pem")).unwrap());
    refused("no certificate", &|own| own.replace("chain.pem", "hello\n"));
    refused("no PEM", &|own| own.replace("chain.pem", "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n"));
    refused("no X.509", &|own| own.replace("chain.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"));
    refused("no key there", &|own| fs::remove_file(own.path("key.pem")).unwrap());
    refused("no key in it", &|own| own.replace("key.pem", &good.0));
    refused("another's key", &|own| own.replace("key.pem", &authority.leaf(30).1));
    refused("a CA's", &|own| own.replace("chain.pem", &authority.pem));
    refused("half", &|own| fs::write(own.path("seaway.yaml"), "tls: { key: key.pem }\n").unwrap());
    insta::assert_snapshot!(said.join("\n"), @r"
    missing: error: read `DIR/chain.pem`: No such file or directory (os error 2)
    no certificate: error: `DIR/chain.pem` holds no certificate in PEM
    no PEM: error: `DIR/chain.pem`: is no PEM: base64 decode error: InvalidCharacter(33)
    no X.509: error: `DIR/chain.pem`: is no X.509 certificate: Parsing Error: Der(UnexpectedTag { expected: Some(Tag(16)), actual: Tag(0) })
    no key there: error: read `DIR/key.pem`: No such file or directory (os error 2)
    no key in it: error: `DIR/key.pem` holds no private key without a password in PEM
    another's key: error: the key in `DIR/key.pem` is not that of the certificate in `DIR/chain.pem`
    a CA's: error: `DIR/chain.pem`: the certificate is a CA's own (CA:TRUE), which clients refuse from a server: make one with `openssl req -x509 -addext basicConstraints=critical,CA:FALSE`
    half: error: `tls.certificate` and `tls.key` go together
    ");
    let own = Own::new(&authority.leaf(-1));
    let old = own.refused();
    assert!(old.starts_with("error: `DIR/chain.pem`: the certificate ran out at 20") && old.ends_with("; renew it"), "{old}");
}

#[test]
fn beyond_loopback_it_is_served_once_it_knows_its_url() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    for listen in ["0.0.0.0", "[::]"] {
        let home = TempDir::new().unwrap();
        let said = run(seaway(home.path()).arg("serve").env("SEAWAY_LISTEN", format!("{listen}:{free}")));
        assert_eq!(said.code, 1);
        assert!(said.err.contains(&format!("error: listen on {listen}:{free} without `externalURL`")), "{}", said.err);
    }
    let url = format!("https://localhost:{free}");
    let home = TempDir::new().unwrap();
    let mut everywhere = seaway(home.path());
    everywhere.arg("serve").arg("--data").arg(home.path().join("data")).args(["--listen", &format!("0.0.0.0:{free}")]);
    everywhere.args(["--external-url", &url]).stdout(Stdio::piped()).stderr(Stdio::piped());
    let plane = Plane::with(home, |command| *command = everywhere);
    assert!(plane.ready.contains(&url), "{}", plane.ready);
    assert!(fs::read_to_string(plane.data().join("kubeconfig")).unwrap().contains(&url));
    plane.ok(&["get", "projects"]);
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn what_is_its_owners_alone_is_so_again_after_a_start() {
    let plane = Plane::start();
    let data = plane.data();
    let names = ["kubeconfig", "token", "key", "tls/ca.key"];
    let home = plane.kill();
    for name in names {
        assert_eq!(mode(&data.join(name)), 0o600, "{name}");
        fs::set_permissions(data.join(name), fs::Permissions::from_mode(0o644)).unwrap();
    }
    let plane = Plane::on(home);
    for name in names {
        assert_eq!(mode(&data.join(name)), 0o600, "{name}");
    }
    plane.ok(&["get", "projects"]);
}
