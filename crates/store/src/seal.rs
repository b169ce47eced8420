//! Sealing: AES-256-GCM over an object's bytes, bound to the row it belongs to.

use crate::object::Key;
use aws_lc_rs::aead::{AES_256_GCM, Aad, Nonce, RandomizedNonceKey};
use seaway_base::Secret;

const NONCE_BYTES: usize = 12;

/// Seals and opens rows with one key.
pub(crate) struct Sealer(RandomizedNonceKey);

impl Sealer {
    pub(crate) fn new(key: &Secret<[u8; 32]>) -> Option<Self> {
        RandomizedNonceKey::new(&AES_256_GCM, key.reveal()).ok().map(Self)
    }

    /// Nonce, ciphertext and tag of `plain`, openable only under the same key for the same row.
    pub(crate) fn seal(&self, row: &Key, plain: &[u8]) -> Option<Vec<u8>> {
        let mut sealed = plain.to_vec();
        let nonce = self.0.seal_in_place_append_tag(Aad::from(row_aad(row)), &mut sealed).ok()?;
        let mut out = Vec::with_capacity(NONCE_BYTES + sealed.len());
        out.extend_from_slice(nonce.as_ref());
        out.append(&mut sealed);
        Some(out)
    }

    pub(crate) fn open(&self, row: &Key, sealed: &[u8]) -> Option<Vec<u8>> {
        let (nonce, rest) = sealed.split_at_checked(NONCE_BYTES)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut buffer = rest.to_vec();
        let n_plain = self.0.open_in_place(nonce, Aad::from(row_aad(row)), &mut buffer).ok()?.len();
        buffer.truncate(n_plain);
        Some(buffer)
    }
}

/// NUL cannot stand in a resource, namespace or name, so no two rows share these bytes.
fn row_aad(row: &Key) -> Vec<u8> {
    [b"seaway-store-1".as_slice(), row.resource.as_bytes(), row.namespace.as_bytes(), row.name.as_bytes()].join(&0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_row_opens_only_in_its_place() {
        let sealer = Sealer::new(&Secret::new([7; 32])).unwrap();
        let (a, b) = (Key::new("secrets", "n", "a"), Key::new("secrets", "n", "b"));
        let sealed = sealer.seal(&a, b"hunter2").unwrap();
        assert_eq!(sealer.open(&a, &sealed).as_deref(), Some(b"hunter2".as_slice()));
        assert_eq!(sealer.open(&b, &sealed), None);
        assert_eq!(Sealer::new(&Secret::new([8; 32])).unwrap().open(&a, &sealed), None);
        assert_eq!(sealer.open(&a, &sealed[..9]), None);
    }
}
