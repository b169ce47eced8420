//! How fast one registry is asked: requests a second, requests at once, and a pause where it asks for one.

use parking_lot::Mutex;
use std::time::Duration;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;

/// Requests at once to one registry.
const MAX_AT_ONCE: usize = 32;
/// A pause is never longer, whatever the registry asks for.
const MAX_PAUSE: Duration = Duration::from_secs(3600);

/// The pace of one registry, shared by everybody who asks it.
#[derive(Debug)]
pub(crate) struct Pace {
    permits: Semaphore,
    /// Between two requests, once the burst is used up; zero for no limit.
    gap: Duration,
    burst: u32,
    /// When the next request would be due if all came evenly.
    due: Mutex<Option<Instant>>,
    paused_until: Mutex<Option<Instant>>,
}

impl Pace {
    /// At most so many requests a second, with a burst of as many; 0 for no limit.
    pub(crate) fn new(per_second: u32) -> Self {
        let gap = Duration::from_secs(1).checked_div(per_second).unwrap_or_default();
        Self {
            permits: Semaphore::new(MAX_AT_ONCE),
            gap,
            burst: per_second,
            due: Mutex::new(None),
            paused_until: Mutex::new(None),
        }
    }

    /// Waits for one's turn; the error is how long the registry still wants us to stay away.
    pub(crate) async fn turn(&self) -> Result<Option<SemaphorePermit<'_>>, Duration> {
        let now = Instant::now();
        if let Some(left) =
            self.paused_until.lock().and_then(|until| until.checked_duration_since(now)).filter(|left| !left.is_zero())
        {
            return Err(left);
        }
        let permit = self.permits.acquire().await.ok();
        let wait = if self.gap.is_zero() { Duration::ZERO } else { self.book(Instant::now()) };
        if !wait.is_zero() {
            tokio::time::sleep(wait).await;
        }
        Ok(permit)
    }

    /// Books the next slot and says how far off it is.
    fn book(&self, now: Instant) -> Duration {
        let mut due = self.due.lock();
        let slot = due.map_or(now, |due| due.max(now));
        *due = Some(slot + self.gap);
        (slot - now).saturating_sub(self.gap * self.burst)
    }

    /// The registry asked for a pause.
    pub(crate) fn pause(&self, wait: Duration) {
        *self.paused_until.lock() = Some(Instant::now() + wait.min(MAX_PAUSE));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_goes_at_once_and_the_rest_evenly() {
        let (pace, now) = (Pace::new(10), Instant::now());
        let waits: Vec<u128> = (0..14).map(|_| pace.book(now).as_millis()).collect();
        assert!(waits[..=10].iter().all(|wait| *wait == 0), "{waits:?}");
        assert_eq!(waits[11..], [100, 200, 300]);
    }

    #[tokio::test]
    async fn a_pause_is_kept() {
        let pace = Pace::new(0);
        assert!(pace.turn().await.is_ok());
        pace.pause(Duration::from_secs(60));
        assert!(pace.turn().await.unwrap_err() > Duration::from_secs(50));
    }
}
