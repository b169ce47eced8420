//! Durations as Go writes them: `5m0s`, `1h30m`, `250ms`.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
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
        parse(&self.0)
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
        Self(format_go(duration))
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

/// Reads Go's notation: a sequence of decimal numbers, each with a unit. `0` alone needs none.
fn parse(text: &str) -> Option<Duration> {
    let mut rest = text.strip_prefix('+').unwrap_or(text);
    if rest == "0" {
        return Some(Duration::ZERO);
    }
    if rest.is_empty() {
        return None;
    }
    let mut total: u128 = 0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (number, tail) = rest.split_at(digits);
        let unit_end = tail.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(unit_end);
        let scale: u128 = match unit {
            "ns" => 1,
            "us" | "µs" | "μs" => 1_000,
            "ms" => 1_000_000,
            "s" => 1_000_000_000,
            "m" => 60_000_000_000,
            "h" => 3_600_000_000_000,
            _ => return None,
        };
        total = total.checked_add(scaled(number, scale)?)?;
        rest = tail;
    }
    // Go's durations are signed 64-bit nanoseconds.
    (total <= i64::MAX as u128).then(|| Duration::from_nanos(u64::try_from(total).unwrap_or(u64::MAX)))
}

fn scaled(number: &str, scale: u128) -> Option<u128> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') || whole.len() > 20 {
        return None;
    }
    let whole: u128 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let mut total = whole.checked_mul(scale)?;
    let mut unit = scale;
    for digit in fraction.bytes().take(18) {
        unit /= 10;
        total += u128::from(digit - b'0') * unit;
    }
    Some(total)
}

fn format_go(duration: Duration) -> String {
    let nanos = duration.as_nanos();
    match nanos {
        0 => "0s".into(),
        1..1_000 => format!("{nanos}ns"),
        1_000..1_000_000 => format!("{}µs", decimal(nanos, 1_000)),
        1_000_000..1_000_000_000 => format!("{}ms", decimal(nanos, 1_000_000)),
        _ => {
            let seconds = duration.as_secs();
            let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
            let rest = decimal(nanos % 60_000_000_000, 1_000_000_000);
            match (hours, minutes) {
                (0, 0) => format!("{rest}s"),
                (0, m) => format!("{m}m{rest}s"),
                (h, m) => format!("{h}h{m}m{rest}s"),
            }
        }
    }
}

fn decimal(value: u128, unit: u128) -> String {
    let (whole, fraction) = (value / unit, value % unit);
    if fraction == 0 {
        return whole.to_string();
    }
    let width = unit.ilog10() as usize;
    format!("{whole}.{}", format!("{fraction:0width$}").trim_end_matches('0'))
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
