//! Times and durations as Go reads and writes them.

use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone};
use jiff::{SignedDuration, Timestamp, Zoned};

/// A moment in a time zone.
#[derive(Debug, Clone, PartialEq)]
pub struct Time {
    zoned: Zoned,
}

impl Time {
    /// A moment shown in UTC.
    #[must_use]
    pub fn utc(at: Timestamp) -> Self {
        Time { zoned: at.to_zoned(TimeZone::UTC) }
    }

    pub(crate) fn zoned(&self) -> &Zoned {
        &self.zoned
    }

    pub(crate) fn within(&self, zone: TimeZone) -> Self {
        Time { zoned: self.zoned.with_time_zone(zone) }
    }

    pub(crate) fn plus(&self, nanos: i64) -> Option<Self> {
        self.zoned.checked_add(SignedDuration::from_nanos(nanos)).ok().map(|zoned| Time { zoned })
    }

    /// Nanoseconds since `other`, saturating.
    pub(crate) fn since(&self, other: &Self) -> i64 {
        let span = self.zoned.timestamp().as_nanosecond() - other.zoned.timestamp().as_nanosecond();
        i64::try_from(span).unwrap_or(if span > 0 { i64::MAX } else { i64::MIN })
    }

    /// Adds years, months and days; a day past the month's end runs over into the next, as in Go.
    pub(crate) fn plus_date(&self, years: i64, months: i64, days: i64) -> Option<Self> {
        let date = self.zoned.datetime();
        let month = i64::from(date.year())
            .checked_add(years)?
            .checked_mul(12)?
            .checked_add(i64::from(date.month()) - 1)?
            .checked_add(months)?;
        let first = DateTime::new(
            i16::try_from(month.div_euclid(12)).ok()?,
            i8::try_from(month.rem_euclid(12)).ok()? + 1,
            1,
            date.hour(),
            date.minute(),
            date.second(),
            date.subsec_nanosecond(),
        )
        .ok()?;
        let days = days.checked_add(i64::from(date.day()) - 1)?;
        let at = first.checked_add(jiff::Span::new().try_days(days).ok()?).ok()?;
        Some(Time { zoned: at.to_zoned(self.zoned.time_zone().clone()).ok()? })
    }

    /// Rounds to a multiple of `unit` since year 1: down, or to the nearest.
    pub(crate) fn truncate(&self, unit: i64, nearest: bool) -> Option<Self> {
        if unit <= 0 {
            return Some(self.clone());
        }
        const TO_YEAR_ONE: i128 = 62_135_596_800_000_000_000;
        let rest = (self.zoned.timestamp().as_nanosecond() + TO_YEAR_ONE).rem_euclid(i128::from(unit));
        let rest = i64::try_from(rest).ok()?;
        let up = nearest && rest >= unit - rest;
        self.plus(if up { unit - rest } else { -rest })
    }

    /// The moment in a Go layout.
    #[must_use]
    pub fn format(&self, layout: &str) -> String {
        let mut out = String::new();
        let mut rest = layout;
        while !rest.is_empty() {
            match next(rest) {
                Some((at, len)) => {
                    out.push_str(&rest[..at]);
                    out.push_str(&self.part(&rest[at..at + len]));
                    rest = &rest[at + len..];
                }
                None => {
                    out.push_str(rest);
                    break;
                }
            }
        }
        out
    }

    fn part(&self, part: &str) -> String {
        let z = &self.zoned;
        let hour12 = (z.hour() + 11) % 12 + 1;
        match part {
            "2006" => format!("{:04}", z.year()),
            "06" => format!("{:02}", z.year().rem_euclid(100)),
            "January" => month_name(z.month()).into(),
            "Jan" => month_name(z.month())[..3].into(),
            "01" => format!("{:02}", z.month()),
            "1" => z.month().to_string(),
            "Monday" => weekday_name(z.weekday().to_sunday_zero_offset()).into(),
            "Mon" => weekday_name(z.weekday().to_sunday_zero_offset())[..3].into(),
            "02" => format!("{:02}", z.day()),
            "_2" => format!("{:>2}", z.day()),
            "2" => z.day().to_string(),
            "002" => format!("{:03}", z.day_of_year()),
            "__2" => format!("{:>3}", z.day_of_year()),
            "15" => format!("{:02}", z.hour()),
            "03" => format!("{hour12:02}"),
            "3" => hour12.to_string(),
            "04" => format!("{:02}", z.minute()),
            "4" => z.minute().to_string(),
            "05" => format!("{:02}", z.second()),
            "5" => z.second().to_string(),
            "PM" => if z.hour() >= 12 { "PM" } else { "AM" }.into(),
            "pm" => if z.hour() >= 12 { "pm" } else { "am" }.into(),
            "MST" => self.abbreviation(),
            _ if part.starts_with(['.', ',']) => {
                let digits = format!("{:09}", z.subsec_nanosecond());
                let shown = &digits[..part.len() - 1];
                let shown = if part.ends_with('9') { shown.trim_end_matches('0') } else { shown };
                if shown.is_empty() { String::new() } else { format!("{}{shown}", &part[..1]) }
            }
            _ => self.offset(part),
        }
    }

    fn abbreviation(&self) -> String {
        let name = self.zoned.strftime("%Z").to_string();
        if name.starts_with(['+', '-']) && name != "UTC" {
            self.offset("-07") + &minutes_tail(&self.offset("-0700"))
        } else {
            name
        }
    }

    fn offset(&self, part: &str) -> String {
        let seconds = self.zoned.offset().seconds();
        if part.starts_with('Z') && seconds == 0 {
            return "Z".into();
        }
        let (sign, s) = (if seconds < 0 { '-' } else { '+' }, seconds.abs());
        let (h, m, s) = (s / 3600, s / 60 % 60, s % 60);
        match &part[1..] {
            "07:00:00" => format!("{sign}{h:02}:{m:02}:{s:02}"),
            "070000" => format!("{sign}{h:02}{m:02}{s:02}"),
            "07:00" => format!("{sign}{h:02}:{m:02}"),
            "0700" => format!("{sign}{h:02}{m:02}"),
            _ => format!("{sign}{h:02}"),
        }
    }
}

fn minutes_tail(offset: &str) -> String {
    if offset.ends_with("00") { String::new() } else { offset[3..].to_string() }
}

const PARTS: [&str; 38] = [
    "January",
    "Jan",
    "Monday",
    "Mon",
    "MST",
    "2006",
    "__2",
    "_2",
    "002",
    "01",
    "02",
    "03",
    "04",
    "05",
    "06",
    "15",
    "PM",
    "pm",
    "-07:00:00",
    "-070000",
    "-07:00",
    "-0700",
    "-07",
    "Z07:00:00",
    "Z070000",
    "Z07:00",
    "Z0700",
    "Z07",
    "1",
    "2",
    "3",
    "4",
    "5",
    ".000",
    ".999",
    ",000",
    ",999",
    "\0",
];

/// The next part of a layout: where, and how long.
fn next(layout: &str) -> Option<(usize, usize)> {
    for (at, c) in layout.char_indices() {
        let rest = &layout[at..];
        if (c == '.' || c == ',') && rest[1..].starts_with(['0', '9']) {
            let digit = rest.as_bytes()[1];
            let len = rest[1..].bytes().take_while(|b| *b == digit).count();
            if len <= 9 && !rest[1 + len..].starts_with(|c: char| c.is_ascii_digit()) {
                return Some((at, len + 1));
            }
            continue;
        }
        let hit = PARTS.iter().find(|part| {
            rest.starts_with(**part)
                && !(**part == "Jan" && rest[3..].starts_with(|c: char| c.is_lowercase()))
                && !(**part == "Mon" && rest[3..].starts_with(|c: char| c.is_lowercase()))
                && !(**part == "_2" && rest.starts_with("_2006"))
        });
        if let Some(part) = hit {
            return Some((at, part.len()));
        }
    }
    None
}

const MONTHS: [&str; 12] =
    ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"];
const DAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

pub(crate) fn month_name(month: i8) -> &'static str {
    usize::try_from(month - 1).ok().and_then(|i| MONTHS.get(i)).copied().unwrap_or("%!Month")
}

pub(crate) fn weekday_name(day: i8) -> &'static str {
    usize::try_from(day).ok().and_then(|i| DAYS.get(i)).copied().unwrap_or("%!Weekday")
}

/// The layouts that `date` tries when none is given.
pub(crate) const LAYOUTS: [&str; 14] = [
    "2006-01-02",
    "15:04:05",
    "2006-01-02 15:04:05",
    "2006-01-02T15:04:05Z07:00",
    "02 Jan 06 15:04 MST",
    "02 Jan 06 15:04 -0700",
    "Monday, 02-Jan-06 15:04:05 MST",
    "Mon, 02 Jan 2006 15:04:05 MST",
    "Mon, 02 Jan 2006 15:04:05 -0700",
    "Mon Jan _2 15:04:05 2006",
    "Mon Jan _2 15:04:05 MST 2006",
    "Mon Jan 02 15:04:05 -0700 2006",
    "3:04PM",
    "Jan _2 15:04:05",
];

/// A time zone by name.
pub(crate) fn zone(name: &str) -> Result<TimeZone, String> {
    match name {
        "" | "UTC" | "Local" => Ok(TimeZone::UTC),
        _ => TimeZone::get(name).map_err(|_| format!("unknown time zone {name}")),
    }
}

pub(crate) fn zone_name(zone: &TimeZone) -> String {
    zone.iana_name().unwrap_or("UTC").to_string()
}

struct Fields {
    year: i64,
    month: i64,
    day: i64,
    hour: i64,
    minute: i64,
    second: i64,
    nanos: i64,
    afternoon: Option<bool>,
    offset: Option<i32>,
}

/// Reads a time in a Go layout; in `zone`, else in UTC, unless the text says otherwise.
pub(crate) fn parse(text: &str, layout: &str, zone: Option<&TimeZone>) -> Option<Time> {
    let mut f = Fields { year: 0, month: 1, day: 1, hour: 0, minute: 0, second: 0, nanos: 0, afternoon: None, offset: None };
    let (mut text, mut layout) = (text, layout);
    while let Some((at, len)) = next(layout) {
        text = literal(text, &layout[..at])?;
        text = f.read(text, &layout[at..at + len], &layout[at + len..])?;
        layout = &layout[at + len..];
    }
    text = literal(text, layout)?;
    if !text.is_empty() {
        return None;
    }
    match f.afternoon {
        Some(true) if f.hour < 12 => f.hour += 12,
        Some(false) if f.hour == 12 => f.hour = 0,
        _ => {}
    }
    let at = DateTime::new(
        i16::try_from(f.year).ok()?,
        i8::try_from(f.month).ok()?,
        i8::try_from(f.day).ok()?,
        i8::try_from(f.hour).ok()?,
        i8::try_from(f.minute).ok()?,
        i8::try_from(f.second).ok()?,
        i32::try_from(f.nanos).ok()?,
    )
    .ok()?;
    let zone = match f.offset {
        Some(0) => TimeZone::UTC,
        Some(seconds) => TimeZone::fixed(Offset::from_seconds(seconds).ok()?),
        None => zone.cloned().unwrap_or(TimeZone::UTC),
    };
    Some(Time { zoned: at.to_zoned(zone).ok()? })
}

fn literal<'a>(text: &'a str, expected: &str) -> Option<&'a str> {
    let mut text = text;
    for c in expected.chars() {
        match text.strip_prefix(c) {
            Some(rest) => text = rest,
            None if c == ' ' => {}
            None => return None,
        }
    }
    Some(text)
}

fn digits(text: &str, least: usize, most: usize) -> Option<(i64, &str)> {
    let count = text.bytes().take(most).take_while(u8::is_ascii_digit).count();
    if count < least { None } else { Some((text[..count].parse().ok()?, &text[count..])) }
}

fn word<'a>(text: &'a str, names: &[&str], short: bool) -> Option<(i64, &'a str)> {
    names.iter().zip(0..).find_map(|(name, i)| {
        let name = if short { &name[..3] } else { name };
        let head = text.get(..name.len())?;
        head.eq_ignore_ascii_case(name).then(|| (i, &text[name.len()..]))
    })
}

impl Fields {
    fn read<'a>(&mut self, text: &'a str, part: &str, after: &str) -> Option<&'a str> {
        let rest;
        match part {
            "2006" => (self.year, rest) = digits(text, 4, 4)?,
            "06" => {
                (self.year, rest) = digits(text, 2, 2)?;
                self.year += if self.year >= 69 { 1900 } else { 2000 };
            }
            "January" | "Jan" => {
                (self.month, rest) = word(text, &MONTHS, part == "Jan")?;
                self.month += 1;
            }
            "Monday" | "Mon" => (_, rest) = word(text, &DAYS, part == "Mon")?,
            "01" => (self.month, rest) = digits(text, 2, 2)?,
            "1" => (self.month, rest) = digits(text, 1, 2)?,
            "02" => (self.day, rest) = digits(text, 2, 2)?,
            "2" | "_2" => (self.day, rest) = digits(text.trim_start_matches(' '), 1, 2)?,
            "15" => (self.hour, rest) = digits(text, 1, 2)?,
            "03" => (self.hour, rest) = digits(text, 2, 2)?,
            "3" => (self.hour, rest) = digits(text, 1, 2)?,
            "04" => (self.minute, rest) = digits(text, 2, 2)?,
            "4" => (self.minute, rest) = digits(text, 1, 2)?,
            "05" | "5" => {
                (self.second, rest) = digits(text, part.len(), 2)?;
                let fraction = next(after).is_some_and(|(at, _)| at == 0 && after.starts_with(['.', ',']));
                if !fraction && rest.starts_with(['.', ',']) && rest[1..].starts_with(|c: char| c.is_ascii_digit()) {
                    return self.fraction(rest);
                }
            }
            "PM" | "pm" => {
                let head = text.get(..2)?;
                self.afternoon = Some(match head {
                    "PM" | "pm" => true,
                    "AM" | "am" => false,
                    _ => return None,
                });
                rest = &text[2..];
            }
            "MST" => {
                let count = text.bytes().take_while(u8::is_ascii_uppercase).count();
                if !(3..=5).contains(&count) {
                    return None;
                }
                self.offset = Some(0);
                rest = &text[count..];
            }
            "002" | "__2" | "\0" => return None,
            _ if part.starts_with(['.', ',']) => {
                if !text.starts_with(['.', ',']) {
                    return part.ends_with('9').then_some(text);
                }
                return self.fraction(text);
            }
            _ => return self.zone(text, part),
        }
        Some(rest)
    }

    fn fraction<'a>(&mut self, text: &'a str) -> Option<&'a str> {
        let count = text[1..].bytes().take_while(u8::is_ascii_digit).count();
        let shown: String = text[1..=count].chars().chain("000000000".chars()).take(9).collect();
        self.nanos = shown.parse().ok()?;
        Some(&text[1 + count..])
    }

    fn zone<'a>(&mut self, text: &'a str, part: &str) -> Option<&'a str> {
        if let (true, Some(rest)) = (part.starts_with('Z'), text.strip_prefix('Z')) {
            self.offset = Some(0);
            return Some(rest);
        }
        let sign = match text.bytes().next()? {
            b'+' => 1,
            b'-' => -1,
            _ => return None,
        };
        let mut seconds = 0;
        let mut rest = &text[1..];
        let mut unit = 3600;
        for piece in part[1..].replace(':', "").as_bytes().chunks(2) {
            if unit < 3600 && part.contains(':') {
                rest = rest.strip_prefix(':')?;
            }
            let value;
            (value, rest) = digits(rest, piece.len(), 2)?;
            if value > if unit == 3600 { 24 } else { 60 } {
                return None;
            }
            seconds += i32::try_from(value).ok()? * unit;
            unit /= 60;
        }
        self.offset = Some(sign * seconds);
        Some(rest)
    }
}

/// A duration as Go prints it: `1h30m0s`.
pub(crate) fn duration_text(nanos: i64) -> String {
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

/// Reads a duration such as `1h30m`.
pub(crate) fn parse_duration(text: &str) -> Result<i64, String> {
    let bad = || format!("invalid duration {text:?}");
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
            "" => return Err(format!("missing unit in duration {text:?}")),
            "ns" => 1,
            "us" | "µs" | "μs" => 1_000,
            "ms" => 1_000_000,
            "s" => 1_000_000_000,
            "m" => 60_000_000_000,
            "h" => 3_600_000_000_000,
            unknown => return Err(format!("unknown unit {unknown:?} in duration {text:?}")),
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
