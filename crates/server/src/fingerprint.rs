//! Fingerprints of certificates, as browsers show them: SHA-256 of the DER form, in pairs of hexadecimal digits.

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::{ClientConfig, ConfigBuilder, DigitallySignedStruct, RootCertStore, SignatureScheme, WantsVerifier};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
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
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(ca_pem) {
        roots.add(certificate.map_err(|err| unusable(&err))?).map_err(|err| unusable(&err))?;
    }
    ask(host, port, config()?.with_root_certificates(roots).with_no_client_auth()).await
}

/// The same to who trusts nobody yet: for people to compare, and for nothing else. Nothing is sent to the server.
///
/// # Errors
/// It does not answer within five seconds.
pub async fn shown_to_anybody(host: &str, port: u16) -> io::Result<String> {
    let anybody = Arc::new(Anybody(aws_lc_rs::default_provider()));
    ask(host, port, config()?.dangerous().with_custom_certificate_verifier(anybody).with_no_client_auth()).await
}

fn unusable(err: &dyn std::fmt::Display) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, err.to_string())
}

fn config() -> io::Result<ConfigBuilder<ClientConfig, WantsVerifier>> {
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
    builder.with_safe_default_protocol_versions().map_err(|err| unusable(&err))
}

async fn ask(host: &str, port: u16, config: ClientConfig) -> io::Result<String> {
    let asked = tokio::time::timeout(PATIENCE, handshake(host, port, config)).await;
    asked.unwrap_or_else(|_| Err(io::Error::new(io::ErrorKind::TimedOut, format!("{host}:{port} does not answer"))))
}

async fn handshake(host: &str, port: u16, config: ClientConfig) -> io::Result<String> {
    let host = host.trim_matches(['[', ']']);
    let name = ServerName::try_from(host.to_owned()).map_err(|err| unusable(&err))?;
    let stream = TcpStream::connect((host, port)).await?;
    let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await?;
    let (_, session) = stream.get_ref();
    let shown = session.peer_certificates().and_then(|all| all.first());
    shown.map(|certificate| of(certificate)).ok_or_else(|| io::Error::other("it showed no certificate"))
}

/// Takes any certificate, whose holder it must be all the same.
#[derive(Debug)]
struct Anybody(CryptoProvider);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
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
