//! Certificates: our own CA and a leaf, kept across restarts, the leaf renewed while running; or the user's own files, which are
//! read again when they change.

use crate::leaf::{self, Leaf, Terms};
use arc_swap::ArcSwap;
use jiff::Timestamp;
use rcgen::{BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use time::OffsetDateTime;

/// Our CA is good for this long.
const CA_DAYS: i64 = 3650;
/// A leaf of ours is good for at least this long: the clocks of certificates tick in seconds.
pub const LIFETIME_MIN: Duration = Duration::from_secs(2);
/// A leaf of ours is good since this long before it was made: other machines' clocks may be behind.
const CLOCKS_DIFFER: Duration = Duration::from_secs(3600);
/// It is looked this often at the least, so that a machine that slept is up to date soon.
const LOOK_MAX: Duration = Duration::from_secs(600);
/// No more often than this.
const LOOK_MIN: Duration = Duration::from_millis(100);
/// How often it is looked whether the user's own files have changed.
const LOOK_AT_FILES: Duration = Duration::from_secs(2);

/// Why there are no certificates.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file could not be read or written.
    #[error("{what} `{}`", path.display())]
    File {
        /// What was tried.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        err: io::Error,
    },
    /// A file holds no certificate or key.
    #[error("`{}` holds no {what} in PEM", path.display())]
    Pem {
        /// What was looked for.
        what: &'static str,
        /// The file.
        path: PathBuf,
    },
    /// A certificate could not be made.
    #[error("make a certificate for {names}")]
    Make {
        /// The names it was for.
        names: String,
        /// The cause.
        #[source]
        err: rcgen::Error,
    },
    /// A file holds something that cannot be used.
    #[error("`{}`: {reason}", path.display())]
    Bad {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Certificate and key do not belong together.
    #[error("the key in `{}` is not that of the certificate in `{}`", key.display(), certificate.display())]
    Fit {
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's file.
        key: PathBuf,
    },
    /// A name that no certificate can be for.
    #[error("`{name}` is no host name and no IP address; a certificate cannot be for it")]
    Name {
        /// The name.
        name: String,
    },
    /// The provider lacks a protocol version.
    #[error("set TLS up")]
    Setup(#[source] rustls::Error),
}

/// Where the port's certificate comes from.
#[derive(Debug, Clone)]
pub enum Source {
    /// Our own CA in this folder; a leaf for these names.
    Own {
        /// The folder: `ca.pem` (0644), `ca.key` and `leaf.pem` (0600).
        dir: PathBuf,
        /// Names and addresses, besides 127.0.0.1, ::1 and localhost.
        names: Vec<String>,
        /// How long a leaf is good, [`LIFETIME_MIN`] at least; the next one is made when a third of it is left.
        lifetime: Duration,
    },
    /// The user's files.
    Given {
        /// The chain, leaf first, PEM.
        certificate: PathBuf,
        /// The key, PEM.
        key: PathBuf,
    },
}

/// The port's certificate, renewed in place.
#[derive(Debug)]
pub struct Certificates {
    source: Source,
    served: ArcSwap<Served>,
}

/// What is served now.
#[derive(Debug)]
struct Served {
    key: Arc<CertifiedKey>,
    ca_pem: String,
    due: Due,
}

/// When something else is to be served.
#[derive(Debug, PartialEq, Eq)]
enum Due {
    At(OffsetDateTime),
    /// Once the files are no longer these.
    Files([Stamp; 2]),
}

/// A file as it was read: inode, length, time of its last change in seconds and nanoseconds; nothing if it is not there.
type Stamp = Option<(u64, u64, i64, i64)>;

impl Certificates {
    /// Reads or makes what is needed.
    ///
    /// # Errors
    /// [`TlsError`] naming the file.
    pub fn open(source: Source, now: Timestamp) -> Result<Arc<Self>, TlsError> {
        let served = load(&source, now)?;
        Ok(Arc::new(Self { source, served: ArcSwap::from_pointee(served) }))
    }

    /// What a client must trust, PEM: our CA, or the user's chain.
    pub fn ca_pem(&self) -> String {
        self.served.load().ca_pem.clone()
    }

    /// Makes a new leaf if the present one runs out soon, or reads the user's files again if they have changed. Connections that stand
    /// keep theirs. Answers whether another one is served now.
    ///
    /// # Errors
    /// [`TlsError`]; the present certificate stays then.
    pub fn renew_if_due(&self, now: Timestamp) -> Result<bool, TlsError> {
        let is_due = match &self.served.load().due {
            Due::At(due) => date(now) >= *due,
            Due::Files(read) => stamps(&self.source) != *read,
        };
        if is_due {
            self.served.store(Arc::new(load(&self.source, now)?));
        }
        Ok(is_due)
    }

    /// When to ask [`Certificates::renew_if_due`] again.
    pub fn look_in(&self, now: Timestamp) -> Duration {
        match &self.served.load().due {
            Due::At(due) => Duration::try_from(*due - date(now)).unwrap_or_default().clamp(LOOK_MIN, LOOK_MAX),
            Due::Files(_) => LOOK_AT_FILES,
        }
    }

    /// The configuration of the port: HTTP/2 and HTTP/1.1.
    ///
    /// # Errors
    /// [`TlsError::Setup`] if the provider lacks a protocol version.
    pub fn server_config(self: &Arc<Self>) -> Result<Arc<ServerConfig>, TlsError> {
        let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(TlsError::Setup)?
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(Current(Arc::clone(self))));
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }
}

#[derive(Debug)]
struct Current(Arc<Certificates>);

impl ResolvesServerCert for Current {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.served.load().key))
    }
}

fn load(source: &Source, now: Timestamp) -> Result<Served, TlsError> {
    match source {
        Source::Given { certificate, key } => given(certificate, key, date(now)),
        Source::Own { dir, names, lifetime } => own(dir, names, *lifetime, date(now)),
    }
}

/// The user's own files.
fn given(certificate: &Path, key: &Path, now: OffsetDateTime) -> Result<Served, TlsError> {
    // Looked at before they are read: what changes meanwhile is read again.
    let due = Due::Files([stamp(certificate), stamp(key)]);
    let ca_pem = read(certificate)?;
    let bad = |reason: String| TlsError::Bad { path: certificate.to_owned(), reason };
    let chain = CertificateDer::pem_slice_iter(ca_pem.as_bytes()).collect::<Result<Vec<_>, _>>();
    let chain = chain.map_err(|err| bad(format!("is no PEM: {err}")))?;
    let Some(leaf) = chain.first() else {
        return Err(TlsError::Pem { what: "certificate", path: certificate.to_owned() });
    };
    let (_, leaf) = x509_parser::parse_x509_certificate(leaf).map_err(|err| bad(format!("is no X.509 certificate: {err}")))?;
    let (from, until) = (leaf.validity().not_before.to_datetime(), leaf.validity().not_after.to_datetime());
    if now > until {
        return Err(bad(format!("the certificate ran out at {until}; renew it")));
    }
    if now < from {
        return Err(bad(format!("the certificate is not valid before {from}; is the clock right?")));
    }
    if leaf.is_ca() {
        let why = "the certificate is a CA's own (CA:TRUE), which clients refuse from a server";
        return Err(bad(format!("{why}: make one with `openssl req -x509 -addext basicConstraints=critical,CA:FALSE`")));
    }
    let pem = PrivateKeyDer::from_pem_slice(read(key)?.as_bytes());
    let pem = pem.map_err(|_| TlsError::Pem { what: "private key without a password", path: key.to_owned() })?;
    let signing = aws_lc_rs::sign::any_supported_type(&pem)
        .map_err(|err| TlsError::Bad { path: key.to_owned(), reason: format!("is no key that TLS can use: {err}") })?;
    let certified = CertifiedKey::new(chain, signing);
    let fit = |_| TlsError::Fit { certificate: certificate.to_owned(), key: key.to_owned() };
    certified.keys_match().map_err(fit)?;
    Ok(Served { key: Arc::new(certified), ca_pem, due })
}

/// A leaf of our own CA.
fn own(dir: &Path, names: &[String], lifetime: Duration, now: OffsetDateTime) -> Result<Served, TlsError> {
    let lifetime = lifetime.max(LIFETIME_MIN);
    let mut names = [&["127.0.0.1".to_owned(), "::1".to_owned(), "localhost".to_owned()], names].concat();
    names.sort();
    names.dedup();
    for name in &names {
        ServerName::try_from(name.strip_prefix("*.").unwrap_or(name)).map_err(|_| TlsError::Name { name: name.clone() })?;
    }
    let shown = names.join(", ");
    let make = |err| TlsError::Make { names: shown.clone(), err };
    let (ca_pem, ca_key) = authority(dir, now)?;
    let terms = Terms { names: &names, lifetime, ca_pem: &ca_pem };
    let due = |made: OffsetDateTime| made + lifetime * 2 / 3;
    if let Some(Leaf { certificate, key, made }) = leaf::kept(dir, &terms)
        && (made - CLOCKS_DIFFER..due(made)).contains(&now)
        && let Ok(signing) = aws_lc_rs::sign::any_supported_type(&key)
    {
        let certified = CertifiedKey::new(vec![certificate], signing);
        if certified.keys_match().is_ok() {
            return Ok(Served { key: Arc::new(certified), ca_pem, due: Due::At(due(made)) });
        }
    }
    let issuer = Issuer::from_ca_cert_pem(&ca_pem, ca_key)
        .map_err(|err| TlsError::Bad { path: dir.join(CA), reason: format!("is no certificate of a CA: {err}") })?;
    let mut params = CertificateParams::new(names.clone()).map_err(make)?;
    params.distinguished_name.push(DnType::CommonName, "seaway");
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.use_authority_key_identifier_extension = true;
    params.not_before = now - CLOCKS_DIFFER;
    params.not_after = now + lifetime;
    let pair = KeyPair::generate().map_err(make)?;
    let made = params.signed_by(&pair, &issuer).map_err(make)?;
    let key = PrivateKeyDer::try_from(pair.serialize_der()).map_err(|_| make(rcgen::Error::CouldNotParseKeyPair))?;
    let signing = aws_lc_rs::sign::any_supported_type(&key).map_err(TlsError::Setup)?;
    if let Err(err) = leaf::keep(dir, &terms, now, &made.pem(), &pair.serialize_pem()) {
        tracing::warn!(error = %err, "keep the port's certificate; the next start makes another");
    }
    let key = Arc::new(CertifiedKey::new(vec![made.der().clone()], signing));
    Ok(Served { key, ca_pem, due: Due::At(due(now)) })
}

const CA: &str = "ca.pem";

/// Our CA: made once, the key readable by its owner alone.
fn authority(dir: &Path, now: OffsetDateTime) -> Result<(String, KeyPair), TlsError> {
    let (certificate, key) = (dir.join(CA), dir.join("ca.key"));
    if certificate.exists() && key.exists() {
        let pair = KeyPair::from_pem(&private(&key)?).map_err(|_| TlsError::Pem { what: "private key", path: key })?;
        return Ok((read(&certificate)?, pair));
    }
    let make = |err| TlsError::Make { names: "our own CA".to_owned(), err };
    let mut params = CertificateParams::new(Vec::new()).map_err(make)?;
    params.distinguished_name.push(DnType::CommonName, format!("Seaway CA {}", now.date()));
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign, KeyUsagePurpose::DigitalSignature];
    params.not_before = now - CLOCKS_DIFFER;
    params.not_after = now + time::Duration::days(CA_DAYS);
    let pair = KeyPair::generate().map_err(make)?;
    let pem = params.self_signed(&pair).map_err(make)?.pem();
    std::fs::create_dir_all(dir).map_err(|err| TlsError::File { what: "make", path: dir.to_owned(), err })?;
    // The key goes first: a certificate whose key was lost in a crash would be of no use.
    seaway_base::files::write_private(&key, pair.serialize_pem().as_bytes()).map_err(|err| TlsError::File {
        what: "write",
        path: key,
        err,
    })?;
    seaway_base::files::write_whole(&certificate, pem.as_bytes()).map_err(|err| TlsError::File {
        what: "write",
        path: certificate,
        err,
    })?;
    Ok((pem, pair))
}

fn stamps(source: &Source) -> [Stamp; 2] {
    match source {
        Source::Given { certificate, key } => [stamp(certificate), stamp(key)],
        Source::Own { .. } => [None; 2],
    }
}

fn stamp(path: &Path) -> Stamp {
    let file = std::fs::metadata(path).ok()?;
    Some((file.ino(), file.len(), file.mtime(), file.mtime_nsec()))
}

fn read(path: &Path) -> Result<String, TlsError> {
    std::fs::read_to_string(path).map_err(|err| TlsError::File { what: "read", path: path.to_owned(), err })
}

/// The same for a file that is nobody's but its owner's.
fn private(path: &Path) -> Result<String, TlsError> {
    crate::private::read(path).map_err(|err| TlsError::File { what: "read", path: path.to_owned(), err })
}

fn date(now: Timestamp) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(now.as_second()).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::ToSpan as _;

    const MONTH: Duration = Duration::from_hours(720);

    fn served(certificates: &Certificates) -> Vec<CertificateDer<'static>> {
        certificates.served.load().key.cert.clone()
    }

    #[test]
    fn the_ca_is_kept_and_the_leaf_is_renewed_before_it_runs_out() {
        let dir = tempfile::tempdir().unwrap();
        let source = Source::Own { dir: dir.path().into(), names: vec!["ci.example".into()], lifetime: MONTH };
        let start = Timestamp::now();
        let first = Certificates::open(source.clone(), start).unwrap();
        let again = Certificates::open(source, start).unwrap();
        assert_eq!(first.ca_pem(), again.ca_pem());
        assert_eq!(served(&first), served(&again));
        assert!(!first.renew_if_due(start + (20 * 24 - 1).hours()).unwrap());
        let before = served(&first);
        assert!(first.renew_if_due(start + (20 * 24).hours()).unwrap());
        assert_ne!(before, served(&first));
        for secret in ["ca.key", "leaf.pem"] {
            let file = std::fs::metadata(dir.path().join(secret)).unwrap();
            assert_eq!(std::os::unix::fs::PermissionsExt::mode(&file.permissions()) & 0o777, 0o600);
        }
    }

    #[test]
    fn a_leaf_for_something_else_or_damaged_is_made_anew() {
        let dir = tempfile::tempdir().unwrap();
        let open = |names: &[&str]| {
            let names = names.iter().map(|name| (*name).to_owned()).collect();
            let source = Source::Own { dir: dir.path().into(), names, lifetime: MONTH };
            served(&Certificates::open(source, Timestamp::now()).unwrap())
        };
        let (one, other) = (open(&["ci.example"]), open(&["other.example"]));
        assert_ne!(one, other);
        assert_eq!(other, open(&["other.example"]));
        for text in ["", "seaway leaf", "rubbish\n-----BEGIN"] {
            std::fs::write(dir.path().join("leaf.pem"), text).unwrap();
            assert_ne!(other, open(&["other.example"]), "{text}");
        }
    }

    #[test]
    fn it_is_looked_again_in_time() {
        let dir = tempfile::tempdir().unwrap();
        let start = Timestamp::now();
        let short = Source::Own { dir: dir.path().into(), names: Vec::new(), lifetime: Duration::from_secs(9) };
        let short = Certificates::open(short, start).unwrap();
        assert_eq!(short.look_in(Timestamp::from_second(start.as_second()).unwrap()), Duration::from_secs(6));
        assert_eq!(short.look_in(start + 20.seconds()), LOOK_MIN);
        let long = Source::Own { dir: dir.path().into(), names: Vec::new(), lifetime: MONTH };
        assert_eq!(Certificates::open(long, start).unwrap().look_in(start), LOOK_MAX);
    }

    #[test]
    fn a_name_that_none_can_have_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let open = |name: &str| {
            let source = Source::Own { dir: dir.path().into(), names: vec![name.to_owned()], lifetime: MONTH };
            Certificates::open(source, Timestamp::now()).map(|_| ()).map_err(|err| err.to_string())
        };
        for name in ["ci.example", "*.ci.example", "10.0.0.1", "fd00::1"] {
            open(name).unwrap();
        }
        for name in ["https://ci.example", "a b", "[::1]", ""] {
            assert_eq!(
                open(name).unwrap_err(),
                format!("`{name}` is no host name and no IP address; a certificate cannot be for it")
            );
        }
    }
}
