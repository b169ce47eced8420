//! How long to wait before the next try.

use crate::Random;
use std::time::Duration;

/// Exponential backoff with jitter and a cap. Deterministic for a given [`Random`].
#[derive(Debug, Clone)]
pub struct Backoff {
    /// The first wait.
    pub first: Duration,
    /// What each wait is multiplied by.
    pub factor: f64,
    /// No wait is longer.
    pub cap: Duration,
}

impl Default for Backoff {
    /// 1 s, doubled, at most 5 min.
    fn default() -> Self {
        Self { first: Duration::from_secs(1), factor: 2.0, cap: Duration::from_secs(300) }
    }
}

impl Backoff {
    /// The wait before try number `attempt` (0 is the first repetition), with up to a quarter added at random.
    pub fn wait(&self, attempt: u32, random: &Random) -> Duration {
        let base = self.first.as_secs_f64() * self.factor.powi(i32::try_from(attempt.min(64)).unwrap_or(64));
        let jitter = (random.next_u64() % 1000) as f64 / 4000.0;
        Duration::from_secs_f64((base * (1.0 + jitter)).min(self.cap.as_secs_f64()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_and_are_capped() {
        let (backoff, random) = (Backoff::default(), Random::seeded(1));
        assert!(backoff.wait(0, &random) < backoff.wait(2, &random));
        assert_eq!(backoff.wait(40, &random), Duration::from_secs(300));
    }
}
