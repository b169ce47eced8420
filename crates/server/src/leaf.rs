//! The leaf of our own CA, kept across restarts: who told a browser to go on with it is not asked again by the next start.

use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use sha2::{Digest as _, Sha256};
use std::io;
use std::path::Path;
use std::time::Duration;
use time::OffsetDateTime;

/// Certificate and key in one file, so that one is never without the other.
const FILE: &str = "leaf.pem";
/// What its first line begins with.
const HEAD: &str = "seaway leaf";

/// What a leaf was made for; one made for something else is of no use.
#[derive(Debug)]
pub(crate) struct Terms<'a> {
    pub(crate) names: &'a [String],
    pub(crate) lifetime: Duration,
    pub(crate) ca_pem: &'a str,
}

impl Terms<'_> {
    fn digest(&self) -> String {
        let mut hash = Sha256::new();
        for part in [self.names.join("\n").as_str(), &self.lifetime.as_nanos().to_string(), self.ca_pem] {
            hash.update(part);
            hash.update([0]);
        }
        hex::encode(hash.finalize())
    }
}

/// A leaf and when it was made.
#[derive(Debug)]
pub(crate) struct Leaf {
    pub(crate) certificate: CertificateDer<'static>,
    pub(crate) key: PrivateKeyDer<'static>,
    pub(crate) made: OffsetDateTime,
}

/// The leaf that was kept, if it was made for these terms; whatever is wrong with it, another can be made.
pub(crate) fn kept(dir: &Path, terms: &Terms<'_>) -> Option<Leaf> {
    let path = dir.join(FILE);
    match crate::private::read(&path) {
        Ok(text) => read(&text, terms),
        Err(err) if err.kind() == io::ErrorKind::NotFound => None,
        Err(err) => {
            tracing::warn!(file = %path.display(), error = %err, "read the port's certificate; another is made");
            None
        }
    }
}

fn read(text: &str, terms: &Terms<'_>) -> Option<Leaf> {
    let mut head = text.lines().next()?.strip_prefix(HEAD)?.split_whitespace();
    let made = OffsetDateTime::from_unix_timestamp(head.next()?.parse().ok()?).ok()?;
    if head.next()? != terms.digest() {
        return None;
    }
    let certificate = CertificateDer::from_pem_slice(text.as_bytes()).ok()?;
    let key = PrivateKeyDer::from_pem_slice(text.as_bytes()).ok()?;
    Some(Leaf { certificate, key, made })
}

/// Keeps a leaf, readable by its owner alone.
///
/// # Errors
/// Whatever the file system says.
pub(crate) fn keep(dir: &Path, terms: &Terms<'_>, made: OffsetDateTime, certificate_pem: &str, key_pem: &str) -> io::Result<()> {
    let text = format!("{HEAD} {} {}\n{certificate_pem}{key_pem}", made.unix_timestamp(), terms.digest());
    seaway_base::files::write_private(&dir.join(FILE), text.as_bytes())
}
