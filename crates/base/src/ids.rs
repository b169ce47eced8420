//! Identities and randomness: both are handed in, never taken from the air.

use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use jiff::Timestamp;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;
use ulid::Ulid;

/// Who did it: travels from the door to the object, the event and the commit trailer. Never empty.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Actor(String);

impl Actor {
    /// The actor of that name; `None` if the name is empty.
    pub fn new(name: impl Into<String>) -> Option<Self> {
        let name = name.into();
        (!name.trim().is_empty()).then_some(Self(name))
    }

    /// One of our own controllers, as Kargo writes it: `controller:<name>`.
    pub fn controller(name: &str) -> Self {
        Self(format!("controller:{name}"))
    }

    /// The name as it is recorded.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A source of random numbers that can be seeded, so that a test meets the same names twice.
#[derive(Clone)]
pub struct Random(Arc<Mutex<u64>>);

impl fmt::Debug for Random {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Random")
    }
}

impl Random {
    /// Numbers that nobody can foretell: seeded from the system.
    pub fn system() -> Self {
        let mut seed = [0_u8; 8];
        SystemRandom::new().fill(&mut seed).expect("the system has randomness");
        Self::seeded(u64::from_le_bytes(seed))
    }

    /// The same numbers for the same seed.
    pub fn seeded(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(seed)))
    }

    /// The next number (SplitMix64); not for secrets, see [`secret_bytes`].
    pub fn next_u64(&self) -> u64 {
        let mut state = self.0.lock();
        *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = *state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A ULID of the instant `now`, so that names sort by creation.
    pub fn ulid(&self, now: Timestamp) -> Ulid {
        let millis = u64::try_from(now.as_millisecond()).unwrap_or(0);
        let random = (u128::from(self.next_u64()) << 64) | u128::from(self.next_u64());
        Ulid::from_parts(millis, random)
    }

    /// A random UUID (version 4) in its usual text form.
    pub fn uuid(&self) -> String {
        let (a, b) = (self.next_u64(), self.next_u64());
        let (a, b) = ((a & !0xf000) | 0x4000, (b & !(0b11 << 62)) | (0b10 << 62));
        format!("{:08x}-{:04x}-{:04x}-{:04x}-{:012x}", a >> 32, (a >> 16) & 0xffff, a & 0xffff, b >> 48, b & 0xffff_ffff_ffff)
    }
}

/// Bytes fit for keys and tokens, always from the system.
pub fn secret_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0_u8; N];
    SystemRandom::new().fill(&mut bytes).expect("the system has randomness");
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_names() {
        let now = Timestamp::UNIX_EPOCH;
        let (a, b) = (Random::seeded(7), Random::seeded(7));
        assert_eq!((a.ulid(now), a.uuid()), (b.ulid(now), b.uuid()));
        assert_eq!(a.uuid().len(), 36);
        assert_ne!(a.uuid(), a.uuid());
    }
}
