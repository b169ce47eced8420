//! How many of a bounded thing each holds: one who takes more than their share leaves the others theirs.

use parking_lot::Mutex;
use std::collections::HashMap;
use std::fmt;
use std::hash::Hash;
use std::sync::Arc;

/// Who holds how many; clones are one.
pub struct Shares<K>(Arc<Mutex<HashMap<K, usize>>>);

/// One that somebody holds; dropping it gives it back.
pub struct Share<K: Eq + Hash> {
    held: Arc<Mutex<HashMap<K, usize>>>,
    who: K,
}

impl<K> Clone for Shares<K> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<K> Default for Shares<K> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<K> fmt::Debug for Shares<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Shares")
    }
}

impl<K: Eq + Hash> fmt::Debug for Share<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Share")
    }
}

impl<K: Eq + Hash + Clone> Shares<K> {
    /// One more for `who`; `None` if they hold `n_max` already.
    pub fn take(&self, who: &K, n_max: usize) -> Option<Share<K>> {
        let mut held = self.0.lock();
        let n_held = held.get(who).copied().unwrap_or_default();
        if n_held >= n_max {
            return None;
        }
        held.insert(who.clone(), n_held + 1);
        Some(Share { held: Arc::clone(&self.0), who: who.clone() })
    }
}

impl<K: Eq + Hash> Drop for Share<K> {
    fn drop(&mut self) {
        let mut held = self.held.lock();
        let Some(n_held) = held.get_mut(&self.who) else { return };
        *n_held -= 1;
        if *n_held == 0 {
            // Whoever holds nothing is forgotten.
            held.remove(&self.who);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_who_holds_their_share_gets_no_more_and_another_does() {
        let shares = Shares::default();
        let held = [shares.take(&"eve", 2).unwrap(), shares.take(&"eve", 2).unwrap()];
        assert!(shares.take(&"eve", 2).is_none());
        drop(shares.take(&"bob", 2).unwrap());
        drop(held);
        assert!(shares.0.lock().is_empty());
        shares.take(&"eve", 2).unwrap();
    }
}
