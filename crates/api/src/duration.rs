//! Durations as Go writes them: `5m0s`, `1h30m`, `250ms`.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use seaway_base::go_duration;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

/// A duration in Go's notation. The text is kept as it was written, so that storing an object again changes nothing.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct GoDuration(String);

impl GoDuration {
    /// The pattern Kargo's schemas ask of an interval and a soak time; other durations are any text.
    pub const PATTERN: &'static str = r"^([0-9]+(\.[0-9]+)?(s|m|h))+$";

    /// A duration of so many seconds.
    pub fn from_secs(seconds: u64) -> Self {
        Self::from(Duration::from_secs(seconds))
    }

    /// The length; `None` if the text is not a duration (or is a negative one).
    pub fn get(&self) -> Option<Duration> {
        go_duration::parse(&self.0).ok().and_then(|nanos| u64::try_from(nanos).ok()).map(Duration::from_nanos)
    }

    /// The length, and nothing for a text that is not a duration.
    pub fn or_zero(&self) -> Duration {
        self.get().unwrap_or_default()
    }

    /// The text as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for GoDuration {
    fn default() -> Self {
        Self("0s".into())
    }
}

impl From<Duration> for GoDuration {
    fn from(duration: Duration) -> Self {
        Self(go_duration::text(i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX)))
    }
}

impl From<&str> for GoDuration {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl fmt::Display for GoDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl JsonSchema for GoDuration {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "GoDuration".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, formatted: Option<&str>) {
        assert_eq!(GoDuration::from(text).get().map(|d| GoDuration::from(d).to_string()).as_deref(), formatted, "{text}");
    }

    #[test]
    fn reads_and_writes_as_go_does() {
        check("5m", Some("5m0s"));
        check("5m0s", Some("5m0s"));
        check("1h30m", Some("1h30m0s"));
        check("90m", Some("1h30m0s"));
        check("1.5h", Some("1h30m0s"));
        check("0", Some("0s"));
        check("250ms", Some("250ms"));
        check("1.25s", Some("1.25s"));
        check("61.5s", Some("1m1.5s"));
        check("100us", Some("100µs"));
        check("1d", None);
        check("", None);
        check("5", None);
        check("-5m", None);
        check("1..5s", None);
        check("9999999999999999999999h", None);
    }
}
