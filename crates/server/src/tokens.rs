//! Who a bearer token belongs to. Tokens are compared by their hash.

use seaway_apiserver::identity::Identity;
use seaway_base::Secret;
use seaway_base::ids::secret_bytes;
use sha2::{Digest as _, Sha256};
use std::io;
use std::path::Path;

/// The tokens that are files: the `admin` one of the data folder. All others are kept by the room `identity`.
#[derive(Debug, Clone, Default)]
pub struct Tokens {
    known: Vec<([u8; 32], Identity)>,
}

impl Tokens {
    /// With one more token.
    #[must_use]
    pub fn with(mut self, token: &Secret<String>, identity: Identity) -> Self {
        self.known.push((hash(token.reveal()), identity));
        self
    }

    /// Whose token is it?
    pub fn identity(&self, token: &str) -> Option<&Identity> {
        // What is compared is a hash of the guess: how long it takes tells nothing of the token.
        let hash = hash(token);
        self.known.iter().find(|(known, _)| *known == hash).map(|(_, identity)| identity)
    }
}

fn hash(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

/// The data folder's token: made once, 0600; one that others may read is closed to them.
///
/// # Errors
/// Whatever the file system says.
pub fn admin_token(path: &Path) -> io::Result<Secret<String>> {
    match crate::private::read(path) {
        Ok(token) if token.trim().len() >= 32 => Ok(Secret::new(token.trim().to_owned())),
        Ok(_) => make(path),
        Err(err) if err.kind() == io::ErrorKind::NotFound => make(path),
        Err(err) => Err(err),
    }
}

fn make(path: &Path) -> io::Result<Secret<String>> {
    let token: String = secret_bytes::<32>().iter().map(|byte| format!("{byte:02x}")).collect();
    seaway_base::files::write_private(path, token.as_bytes())?;
    Ok(Secret::new(token))
}
