//! What a sign-in that is under way must remember, sealed in a cookie of the browser that began it.

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use seaway_base::Secret;
use seaway_base::ids::secret_bytes;
use serde::{Deserialize, Serialize};

/// What the seal is for; another cookie of ours could not pass for this one.
const PURPOSE: &[u8] = b"seaway sign-in 1";
/// No cookie of ours is longer.
const COOKIE_MAX: usize = 8192;

/// A sign-in that is under way.
#[derive(Serialize, Deserialize)]
pub(super) struct Pending {
    pub(super) state: String,
    pub(super) nonce: String,
    pub(super) verifier: String,
    pub(super) to: String,
    /// Seconds since 1970 until which it may end.
    pub(super) until: i64,
}

/// Seals for as long as this process lives: a sign-in that a restart interrupts begins again.
pub(super) struct Sealing(Option<RandomizedNonceKey>);

impl Sealing {
    pub(super) fn new() -> Self {
        Self(RandomizedNonceKey::new(&AES_256_GCM, &secret_bytes::<32>()).ok())
    }

    /// The cookie's value; `None` where it cannot be sealed.
    pub(super) fn seal(&self, pending: &Pending) -> Option<Secret<String>> {
        let mut sealed = serde_json::to_vec(pending).ok()?;
        let nonce = self.0.as_ref()?.seal_in_place_append_tag(Aad::from(PURPOSE), &mut sealed).ok()?;
        let text = URL_SAFE_NO_PAD.encode([&nonce.as_ref()[..], &sealed].concat());
        (text.len() <= COOKIE_MAX).then(|| Secret::new(text))
    }

    /// What is in the cookie; `None` where we did not seal it.
    pub(super) fn open(&self, cookie: &str) -> Option<Pending> {
        if cookie.len() > COOKIE_MAX {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(cookie).ok()?;
        let (nonce, sealed) = bytes.split_at_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut sealed = sealed.to_vec();
        let opened = self.0.as_ref()?.open_in_place(nonce, Aad::from(PURPOSE), &mut sealed).ok()?;
        serde_json::from_slice(opened).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pending() -> Pending {
        Pending { state: "s".into(), nonce: "n".into(), verifier: "v".into(), to: "/".into(), until: 1 }
    }

    #[test]
    fn only_what_this_process_sealed_opens() {
        let (ours, others) = (Sealing::new(), Sealing::new());
        let cookie = ours.seal(&pending()).unwrap();
        let cookie = cookie.reveal();
        assert_eq!(ours.open(cookie).unwrap().verifier, "v");
        assert!(!cookie.contains('v') || others.open(cookie).is_none());
        assert!(others.open(cookie).is_none());
        for wrong in ["", "x", "AAAA", &cookie[1..], &format!("{cookie}A"), &"A".repeat(COOKIE_MAX + 1)] {
            assert!(ours.open(wrong).is_none(), "{wrong}");
        }
        let long = Pending { to: "/".repeat(COOKIE_MAX), ..pending() };
        assert!(ours.seal(&long).is_none());
    }
}
