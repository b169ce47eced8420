//! Reading a time by a Go layout.

use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone};

use super::Time;
use super::layout::{DAYS, MONTHS, next};

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
