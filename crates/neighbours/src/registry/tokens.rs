//! Bearer tokens of the registry: given for a login, good until forgotten.

use parking_lot::Mutex;
use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};

/// Tokens remembered; the registry forgets all when there are more.
const MAX_TOKENS: usize = 10_000;

#[derive(Debug, Default)]
pub(super) struct Tokens {
    good: Mutex<HashSet<String>>,
    n_given: AtomicU64,
}

impl Tokens {
    pub(super) fn give(&self) -> String {
        let token = hex::encode(seaway_base::ids::secret_bytes::<16>());
        let mut good = self.good.lock();
        if good.len() >= MAX_TOKENS {
            good.clear();
        }
        good.insert(token.clone());
        self.n_given.fetch_add(1, Ordering::SeqCst);
        token
    }

    pub(super) fn knows(&self, authorization: &str) -> bool {
        authorization.strip_prefix("Bearer ").is_some_and(|token| self.good.lock().contains(token))
    }

    pub(super) fn clear(&self) {
        self.good.lock().clear();
    }

    pub(super) fn n_given(&self) -> u64 {
        self.n_given.load(Ordering::SeqCst)
    }
}
