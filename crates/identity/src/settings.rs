//! What an operator may choose.

use std::time::Duration;

/// How long what is given out stays good.
#[derive(Debug, Clone)]
pub struct Settings {
    /// A session that nobody used for so long ends.
    pub session_idle: Duration,
    /// No session is older.
    pub session_max: Duration,
    /// A one-time link is good for so long.
    pub link: Duration,
}

impl Default for Settings {
    /// Sessions of 8 hours' rest and 24 at most; links of 10 minutes.
    fn default() -> Self {
        let hours = |n: u64| Duration::from_secs(n * 3600);
        Self { session_idle: hours(8), session_max: hours(24), link: Duration::from_secs(600) }
    }
}
