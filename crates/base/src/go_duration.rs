//! Durations as Go reads and writes them: `1h30m0s`, `250ms`, `-1.5s`.

/// Why a text is no duration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DurationError {
    /// It is no sequence of numbers with units, or does not fit into 64 bits of nanoseconds.
    #[error("invalid duration {0:?}")]
    Malformed(String),
    /// A number without a unit.
    #[error("missing unit in duration {0:?}")]
    NoUnit(String),
    /// A unit that is none of `ns`, `us`, `ms`, `s`, `m` and `h`.
    #[error("unknown unit {unit:?} in duration {text:?}")]
    UnknownUnit {
        /// The unit.
        unit: String,
        /// The whole text.
        text: String,
    },
}

/// Reads a duration into nanoseconds: decimal numbers, each with a unit; `0` alone needs none.
///
/// # Errors
/// [`DurationError`], in Go's words.
pub fn parse(text: &str) -> Result<i64, DurationError> {
    let bad = || DurationError::Malformed(text.to_owned());
    let (negative, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Ok(0);
    }
    if rest.is_empty() {
        return Err(bad());
    }
    let mut total: i128 = 0;
    while !rest.is_empty() {
        let whole = rest.bytes().take_while(u8::is_ascii_digit).count();
        let mut end = whole;
        if rest[whole..].starts_with('.') {
            end += 1 + rest[whole + 1..].bytes().take_while(u8::is_ascii_digit).count();
        }
        let value = &rest[..end];
        if !value.bytes().any(|b| b.is_ascii_digit()) || whole > 19 {
            return Err(bad());
        }
        let after = &rest[end..];
        let length = after.find(|c: char| c == '.' || c.is_ascii_digit()).unwrap_or(after.len());
        let unit: i128 = match &after[..length] {
            "" => return Err(DurationError::NoUnit(text.to_owned())),
            "ns" => 1,
            "us" | "µs" | "μs" => 1_000,
            "ms" => 1_000_000,
            "s" => 1_000_000_000,
            "m" => 60_000_000_000,
            "h" => 3_600_000_000_000,
            unknown => return Err(DurationError::UnknownUnit { unit: unknown.to_owned(), text: text.to_owned() }),
        };
        total += rest[..whole].parse::<i128>().unwrap_or(0) * unit;
        let mut scale = unit;
        for digit in value[whole..].bytes().skip(1) {
            scale /= 10;
            total += i128::from(digit - b'0') * scale;
        }
        rest = &after[length..];
    }
    i64::try_from(if negative { -total } else { total }).map_err(|_| bad())
}

/// Nanoseconds as Go prints a duration.
pub fn text(nanos: i64) -> String {
    if nanos == 0 {
        return "0s".into();
    }
    let sign = if nanos < 0 { "-" } else { "" };
    let n = nanos.unsigned_abs();
    let fraction = |value: u64, unit: u64| {
        let width = unit.ilog10() as usize;
        let rest = format!("{:0width$}", value % unit);
        let rest = if width == 0 { "" } else { rest.trim_end_matches('0') };
        if rest.is_empty() { (value / unit).to_string() } else { format!("{}.{rest}", value / unit) }
    };
    match n {
        0..1_000 => format!("{sign}{n}ns"),
        1_000..1_000_000 => format!("{sign}{}µs", fraction(n, 1_000)),
        1_000_000..1_000_000_000 => format!("{sign}{}ms", fraction(n, 1_000_000)),
        _ => {
            let (h, m) = (n / 3_600_000_000_000, n / 60_000_000_000 % 60);
            let s = fraction(n % 60_000_000_000, 1_000_000_000);
            match (h, m) {
                (0, 0) => format!("{sign}{s}s"),
                (0, _) => format!("{sign}{m}m{s}s"),
                _ => format!("{sign}{h}h{m}m{s}s"),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(given: &str, expect: &str) {
        assert_eq!(parse(given).map_or_else(|err| err.to_string(), text), expect, "{given}");
    }

    #[test]
    fn reads_and_writes_as_go_does() {
        check("90m", "1h30m0s");
        check("1.5h", "1h30m0s");
        check("-1.5s", "-1.5s");
        check("+0", "0s");
        check("100us", "100µs");
        check("61.25s", "1m1.25s");
        check("", "invalid duration \"\"");
        check(".s", "invalid duration \".s\"");
        check("5", "missing unit in duration \"5\"");
        check("1..5s", "missing unit in duration \"1..5s\"");
        check("1d", "unknown unit \"d\" in duration \"1d\"");
        check("2562047h47m16.854775807s", "2562047h47m16.854775807s");
        check("2562047h47m16.854775808s", "invalid duration \"2562047h47m16.854775808s\"");
        check("-2562047h47m16.854775808s", "-2562047h47m16.854775808s");
    }
}
