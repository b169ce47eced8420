//! Fingerprints of certificates, as browsers show them: SHA-256 of the DER form, in pairs of hexadecimal digits.

use rustls::crypto::aws_lc_rs;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, ServerName};
use sha2::{Digest as _, Sha256};
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// Whoever is asked answers by then.
const PATIENCE: Duration = Duration::from_secs(5);

/// Of the first certificate of a PEM text; `None` if there is none.
pub fn of_pem(pem: &[u8]) -> Option<String> {
    CertificateDer::from_pem_slice(pem).ok().map(|certificate| of(&certificate))
}

/// Of the certificate that the server at `host:port` shows now, to who trusts the CAs of `ca_pem` alone.
///
/// # Errors
/// It does not answer within five seconds, or shows one that none of these CAs vouches for.
pub async fn presented(host: &str, port: u16, ca_pem: &[u8]) -> io::Result<String> {
    let asked = tokio::time::timeout(PATIENCE, ask(host, port, ca_pem)).await;
    asked.unwrap_or_else(|_| Err(io::Error::new(io::ErrorKind::TimedOut, format!("{host}:{port} does not answer"))))
}

async fn ask(host: &str, port: u16, ca_pem: &[u8]) -> io::Result<String> {
    let unusable = |err: &dyn std::fmt::Display| io::Error::new(io::ErrorKind::InvalidInput, err.to_string());
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(ca_pem) {
        roots.add(certificate.map_err(|err| unusable(&err))?).map_err(|err| unusable(&err))?;
    }
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|err| unusable(&err))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let host = host.trim_matches(['[', ']']);
    let name = ServerName::try_from(host.to_owned()).map_err(|err| unusable(&err))?;
    let stream = TcpStream::connect((host, port)).await?;
    let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await?;
    let (_, session) = stream.get_ref();
    let shown = session.peer_certificates().and_then(|all| all.first());
    shown.map(|certificate| of(certificate)).ok_or_else(|| io::Error::other("it showed no certificate"))
}

fn of(der: &[u8]) -> String {
    let pairs: Vec<String> = Sha256::digest(der).iter().map(|byte| format!("{byte:02X}")).collect();
    pairs.join(":")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_what_openssl_prints() {
        let dir = tempfile::tempdir().unwrap();
        let source = crate::tls::Source::Own { dir: dir.path().into(), names: Vec::new(), lifetime: Duration::from_secs(3600) };
        let pem = crate::tls::Certificates::open(source, jiff::Timestamp::now()).unwrap().ca_pem();
        let fingerprint = of_pem(pem.as_bytes()).unwrap();
        assert_eq!(fingerprint.len(), 95);
        assert!(fingerprint.split(':').all(|pair| pair.len() == 2 && pair == pair.to_uppercase()));
        assert_eq!(of_pem(b"no certificate"), None);
        let shown = std::process::Command::new("openssl")
            .args(["x509", "-noout", "-fingerprint", "-sha256", "-in"])
            .arg(dir.path().join("ca.pem"))
            .output();
        let Ok(shown) = shown else { return };
        assert!(String::from_utf8_lossy(&shown.stdout).contains(&fingerprint));
    }
}
