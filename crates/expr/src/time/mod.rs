//! Times as Go reads and writes them: moments in a zone, and what is reckoned with them.

mod layout;
mod read;

pub(crate) use layout::{month_name, weekday_name};
pub(crate) use read::{LAYOUTS, parse};

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
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
}

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
