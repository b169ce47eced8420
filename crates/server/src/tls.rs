//! Certificates: our own CA, kept across restarts, and a short-lived leaf that is renewed while running; or the user's own files.

use arc_swap::ArcSwap;
use jiff::Timestamp;
use rcgen::{BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use time::{Duration, OffsetDateTime};

/// A leaf of ours is good for this long.
const LEAF_DAYS: i64 = 30;
/// It is renewed when less than this is left.
const RENEW_DAYS: i64 = 10;
/// Our CA is good for this long.
const CA_DAYS: i64 = 3650;

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
    /// Certificate and key do not fit.
    #[error("the certificate and its key do not fit")]
    Fit(#[source] rustls::Error),
}

/// Where the port's certificate comes from.
#[derive(Debug, Clone)]
pub enum Source {
    /// Our own CA in this folder; a leaf for these names.
    Own {
        /// The folder: `ca.pem` (0644) and `ca.key` (0600).
        dir: PathBuf,
        /// Names and addresses, besides 127.0.0.1, ::1 and localhost.
        names: Vec<String>,
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
    current: ArcSwap<CertifiedKey>,
    renew_at: ArcSwap<OffsetDateTime>,
    ca_pem: String,
}

impl Certificates {
    /// Reads or makes what is needed.
    ///
    /// # Errors
    /// [`TlsError`] naming the file.
    pub fn open(source: Source, now: Timestamp) -> Result<Arc<Self>, TlsError> {
        let (key, renew_at, ca_pem) = load(&source, now)?;
        Ok(Arc::new(Self { source, current: ArcSwap::from_pointee(key), renew_at: ArcSwap::from_pointee(renew_at), ca_pem }))
    }

    /// What a client must trust, PEM: our CA, or the user's chain.
    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    /// Makes a new leaf if the present one runs out soon, or reads the user's files again. Connections that stand keep theirs.
    ///
    /// # Errors
    /// [`TlsError`]; the present certificate stays then.
    pub fn renew_if_due(&self, now: Timestamp) -> Result<bool, TlsError> {
        if date(now) < **self.renew_at.load() {
            return Ok(false);
        }
        let (key, renew_at, _) = load(&self.source, now)?;
        self.current.store(Arc::new(key));
        self.renew_at.store(Arc::new(renew_at));
        Ok(true)
    }

    /// The configuration of the port: HTTP/2 and HTTP/1.1.
    ///
    /// # Errors
    /// [`TlsError::Fit`] if the provider lacks a protocol version.
    pub fn server_config(self: &Arc<Self>) -> Result<Arc<ServerConfig>, TlsError> {
        let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(TlsError::Fit)?
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
        Some(self.0.current.load_full())
    }
}

fn load(source: &Source, now: Timestamp) -> Result<(CertifiedKey, OffsetDateTime, String), TlsError> {
    let now = date(now);
    match source {
        Source::Given { certificate, key } => {
            let pem = read(certificate)?;
            let chain: Vec<_> = CertificateDer::pem_slice_iter(pem.as_bytes()).filter_map(Result::ok).collect();
            if chain.is_empty() {
                return Err(TlsError::Pem { what: "certificate", path: certificate.clone() });
            }
            let key_der = PrivateKeyDer::from_pem_slice(read(key)?.as_bytes())
                .map_err(|_| TlsError::Pem { what: "private key", path: key.clone() })?;
            // A renewed file is picked up within the hour, without a restart.
            Ok((certified(chain, &key_der)?, now + Duration::hours(1), pem))
        }
        Source::Own { dir, names } => {
            let (ca_pem, ca_key) = authority(dir, now)?;
            let mut names = [&["127.0.0.1".to_owned(), "::1".to_owned(), "localhost".to_owned()], names.as_slice()].concat();
            names.sort();
            names.dedup();
            let shown = names.join(", ");
            let make = |err| TlsError::Make { names: shown.clone(), err };
            let issuer = Issuer::from_ca_cert_pem(&ca_pem, ca_key).map_err(make)?;
            let mut params = CertificateParams::new(names.clone()).map_err(make)?;
            params.distinguished_name.push(DnType::CommonName, "seaway");
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
            params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
            params.use_authority_key_identifier_extension = true;
            params.not_before = now - Duration::hours(1);
            params.not_after = now + Duration::days(LEAF_DAYS);
            let key = KeyPair::generate().map_err(make)?;
            let leaf = params.signed_by(&key, &issuer).map_err(make)?;
            let key_der = PrivateKeyDer::try_from(key.serialize_der())
                .map_err(|_| TlsError::Pem { what: "private key", path: dir.clone() })?;
            Ok((certified(vec![leaf.der().clone()], &key_der)?, now + Duration::days(LEAF_DAYS - RENEW_DAYS), ca_pem))
        }
    }
}

/// Our CA: made once, the key readable by its owner alone.
fn authority(dir: &Path, now: OffsetDateTime) -> Result<(String, KeyPair), TlsError> {
    let (certificate, key) = (dir.join("ca.pem"), dir.join("ca.key"));
    if certificate.exists() && key.exists() {
        let pair = KeyPair::from_pem(&read(&key)?).map_err(|_| TlsError::Pem { what: "private key", path: key })?;
        return Ok((read(&certificate)?, pair));
    }
    let make = |err| TlsError::Make { names: "our own CA".to_owned(), err };
    let mut params = CertificateParams::new(Vec::new()).map_err(make)?;
    params.distinguished_name.push(DnType::CommonName, format!("Seaway CA {}", now.date()));
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign, KeyUsagePurpose::DigitalSignature];
    params.not_before = now - Duration::hours(1);
    params.not_after = now + Duration::days(CA_DAYS);
    let pair = KeyPair::generate().map_err(make)?;
    let pem = params.self_signed(&pair).map_err(make)?.pem();
    std::fs::create_dir_all(dir).map_err(|err| TlsError::File { what: "make", path: dir.to_owned(), err })?;
    // The key goes first: a certificate whose key was lost in a crash would be of no use.
    seaway_base::files::write_private(&key, pair.serialize_pem().as_bytes()).map_err(|err| TlsError::File {
        what: "write",
        path: key,
        err,
    })?;
    std::fs::write(&certificate, &pem).map_err(|err| TlsError::File { what: "write", path: certificate, err })?;
    Ok((pem, pair))
}

fn certified(chain: Vec<CertificateDer<'static>>, key: &PrivateKeyDer<'static>) -> Result<CertifiedKey, TlsError> {
    let key = aws_lc_rs::sign::any_supported_type(key).map_err(TlsError::Fit)?;
    let certified = CertifiedKey::new(chain, key);
    certified.keys_match().map_err(TlsError::Fit)?;
    Ok(certified)
}

fn read(path: &Path) -> Result<String, TlsError> {
    std::fs::read_to_string(path).map_err(|err| TlsError::File { what: "read", path: path.to_owned(), err })
}

fn date(now: Timestamp) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(now.as_second()).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::ToSpan as _;

    #[test]
    fn the_ca_is_kept_and_the_leaf_is_renewed_before_it_runs_out() {
        let dir = tempfile::tempdir().unwrap();
        let source = Source::Own { dir: dir.path().into(), names: vec!["ci.example".into()] };
        let start = Timestamp::now();
        let first = Certificates::open(source.clone(), start).unwrap();
        let again = Certificates::open(source, start).unwrap();
        assert_eq!(first.ca_pem(), again.ca_pem());
        assert!(!first.renew_if_due(start + 19.hours().hours(19 * 24)).unwrap());
        let before = first.current.load_full();
        assert!(first.renew_if_due(start + (21 * 24).hours()).unwrap());
        assert_ne!(before.cert, first.current.load_full().cert);
        let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(dir.path().join("ca.key")).unwrap().permissions());
        assert_eq!(mode & 0o777, 0o600);
    }
}
