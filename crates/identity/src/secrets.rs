//! Secrets that are kept by their hash alone: 256 random bits each, so that SHA-256 is enough.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use seaway_base::Secret;
use seaway_base::ids::secret_bytes;
use sha2::{Digest as _, Sha256};

/// Characters of a hash that name what is kept under it.
const NAME_LENGTH: usize = 32;

/// A secret that nobody can guess, behind a prefix that tells what it is.
pub(crate) fn make(prefix: &str) -> Secret<String> {
    Secret::new(format!("{prefix}{}", URL_SAFE_NO_PAD.encode(secret_bytes::<32>())))
}

/// The hash by which a secret is kept, hexadecimal.
pub(crate) fn digest(secret: &str) -> String {
    hex::encode(Sha256::digest(secret.as_bytes()))
}

/// The part of a hash that names it; it is no secret, and no use to who has it.
pub(crate) fn name_of(digest: &str) -> String {
    digest.chars().take(NAME_LENGTH).collect()
}

/// Whether two hashes are the same, in a time that tells nothing of them.
pub(crate) fn same(known: &str, guess: &str) -> bool {
    verify_slices_are_equal(known.as_bytes(), guess.as_bytes()).is_ok()
}
