//! How much one identity may ask in what time: generous for a person and a script, and an end for a loop that has none.

use crate::problem::{Problem, Type};
use governor::clock::{Clock as _, DefaultClock};
use governor::state::keyed::DefaultKeyedStateStore;
use governor::{Quota, RateLimiter};
use std::fmt;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// Requests a second that an identity may go on with.
const PER_SECOND: NonZeroU32 = NonZeroU32::new(100).unwrap();
/// Requests at once.
const BURST: NonZeroU32 = NonZeroU32::new(2_000).unwrap();
/// Bodies of requests, in bytes.
pub(crate) const BODY_BYTES_MAX: usize = 1024 * 1024;
/// Identities that were quiet are forgotten after so many requests.
const FORGET_EVERY: u32 = 4096;

/// The limits: cheap to clone, all clones are one.
#[derive(Clone)]
pub struct Limits(Arc<Inner>);

struct Inner {
    rate: RateLimiter<String, DefaultKeyedStateStore<String>, DefaultClock>,
    n_asked: AtomicU32,
}

impl fmt::Debug for Limits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Limits")
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::new(PER_SECOND, BURST)
    }
}

impl Limits {
    fn new(per_second: NonZeroU32, burst: NonZeroU32) -> Self {
        let rate = RateLimiter::keyed(Quota::per_second(per_second).allow_burst(burst));
        Self(Arc::new(Inner { rate, n_asked: AtomicU32::new(0) }))
    }

    /// Counts a request of somebody.
    ///
    /// # Errors
    /// It is one too many; the problem says when to come again.
    pub(crate) fn count(&self, username: &str) -> Result<(), Problem> {
        if self.0.n_asked.fetch_add(1, Ordering::Relaxed) % FORGET_EVERY == FORGET_EVERY - 1 {
            self.0.rate.retain_recent();
        }
        self.0.rate.check_key(&username.to_owned()).map_err(|early| {
            let seconds = early.wait_time_from(DefaultClock::default().now()).as_secs() + 1;
            Problem::new(Type::TooManyRequests, format!("more than {PER_SECOND} requests a second"))
                .hint(format!("ask again in {seconds} s, or follow `…/changes` instead of asking again and again"))
                .retry_after(seconds)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_who_asks_too_much_is_told_when_to_come_again_and_no_other() {
        let limits = Limits::new(NonZeroU32::MIN, NonZeroU32::new(2).unwrap());
        limits.count("eve").unwrap();
        limits.count("eve").unwrap();
        assert_eq!(limits.count("eve").unwrap_err().kind(), Type::TooManyRequests);
        limits.count("bob").unwrap();
    }
}
