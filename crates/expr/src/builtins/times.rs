//! Functions and methods of times, durations and time zones.

use seaway_base::go_duration;

use super::{Row, number, text};
use crate::error::{Done, Error};
use crate::eval::Meter;
use crate::gotext;
use crate::time::{self, Time};
use crate::value::Value;

pub(super) const FUNCTIONS: &[Row] = &[("now", 0, 1), ("duration", 1, 1), ("date", 1, 3), ("timezone", 1, 1)];

/// The methods of a time, with their number of arguments.
pub(super) const TIME_METHODS: &[(&str, usize)] = &[
    ("Year", 0),
    ("Month", 0),
    ("Day", 0),
    ("Hour", 0),
    ("Minute", 0),
    ("Second", 0),
    ("Nanosecond", 0),
    ("YearDay", 0),
    ("Weekday", 0),
    ("Unix", 0),
    ("UnixMilli", 0),
    ("UnixMicro", 0),
    ("UnixNano", 0),
    ("Format", 1),
    ("String", 0),
    ("UTC", 0),
    ("Local", 0),
    ("In", 1),
    ("Add", 1),
    ("AddDate", 3),
    ("Sub", 1),
    ("After", 1),
    ("Before", 1),
    ("Equal", 1),
    ("IsZero", 0),
    ("Truncate", 1),
    ("Round", 1),
    ("Location", 0),
];

/// The methods of a duration, with their number of arguments.
pub(super) const DURATION_METHODS: &[(&str, usize)] = &[
    ("Hours", 0),
    ("Minutes", 0),
    ("Seconds", 0),
    ("Milliseconds", 0),
    ("Microseconds", 0),
    ("Nanoseconds", 0),
    ("String", 0),
    ("Abs", 0),
    ("Truncate", 1),
    ("Round", 1),
];

pub(super) fn call(name: &str, args: &[Value], at: usize, _: &Meter<'_>) -> Done {
    let fail = |message: String| Error::run(at, message);
    match name {
        "duration" => go_duration::parse(text(name, args, 0, at)?).map(Value::Duration).map_err(|err| fail(err.to_string())),
        "timezone" => time::zone(text(name, args, 0, at)?).map(Value::Zone).map_err(fail),
        _ => {
            let mut strings = Vec::new();
            let mut zone = None;
            for (i, arg) in args.iter().enumerate() {
                match arg.open().0 {
                    Value::Zone(z) => zone = Some(z.clone()),
                    _ => strings.push(text(name, args, i, at)?),
                }
            }
            if let Some(name) = strings.get(2) {
                zone = Some(time::zone(name).map_err(fail)?);
            }
            let value = strings.first().copied().unwrap_or_default();
            let parsed = match strings.get(1) {
                Some(layout) => time::parse(value, layout, zone.as_ref()),
                None => time::LAYOUTS.iter().find_map(|layout| time::parse(value, layout, zone.as_ref())),
            };
            parsed.map(|t| Value::Time(Box::new(t))).ok_or_else(|| fail(format!("invalid date {value}")))
        }
    }
}

pub(super) fn time_method(t: &Time, name: &str, args: &[Value], at: usize) -> Result<Option<Value>, Error> {
    let arg = args.first().map(|a| a.open().0);
    let int = |i: i64| Some(Value::Int(i));
    let zoned = t.zoned();
    let made = |t: Option<Time>| t.map(|t| Value::Time(Box::new(t)));
    Ok(match (name, arg) {
        ("Year", _) => int(zoned.year().into()),
        ("Month", _) => Some(Value::Month(zoned.month())),
        ("Day", _) => int(zoned.day().into()),
        ("Hour", _) => int(zoned.hour().into()),
        ("Minute", _) => int(zoned.minute().into()),
        ("Second", _) => int(zoned.second().into()),
        ("Nanosecond", _) => int(zoned.subsec_nanosecond().into()),
        ("YearDay", _) => int(zoned.day_of_year().into()),
        ("Weekday", _) => Some(Value::Weekday(zoned.weekday().to_sunday_zero_offset())),
        ("Unix", _) => int(zoned.timestamp().as_second()),
        ("UnixMilli", _) => int(zoned.timestamp().as_millisecond()),
        ("UnixMicro", _) => int(zoned.timestamp().as_microsecond()),
        #[expect(clippy::cast_possible_truncation, reason = "Go wraps too")]
        ("UnixNano", _) => int(zoned.timestamp().as_nanosecond() as i64),
        ("Format", Some(Value::String(layout))) => Some(Value::text(&t.format(layout))),
        ("String", _) => Some(Value::text(&gotext::plain(&Value::Time(Box::new(t.clone()))))),
        ("UTC" | "Local", _) => made(Some(t.within(jiff::tz::TimeZone::UTC))),
        ("In", Some(Value::Zone(zone))) => made(Some(t.within(zone.clone()))),
        ("Location", _) => Some(Value::Zone(zoned.time_zone().clone())),
        ("Add", Some(Value::Duration(d) | Value::Int(d))) => made(t.plus(*d)),
        ("AddDate", _) => made(t.plus_date(number(args, 0, at)?, number(args, 1, at)?, number(args, 2, at)?)),
        ("Sub", Some(Value::Time(o))) => Some(Value::Duration(t.since(o))),
        ("After", Some(Value::Time(o))) => Some(Value::Bool(t.since(o) > 0)),
        ("Before", Some(Value::Time(o))) => Some(Value::Bool(t.since(o) < 0)),
        ("Equal", Some(Value::Time(o))) => Some(Value::Bool(t.since(o) == 0)),
        ("IsZero", _) => Some(Value::Bool(t.format("2006-01-02T15:04:05.999999999Z07:00") == "0001-01-01T00:00:00Z")),
        ("Truncate", Some(Value::Duration(d) | Value::Int(d))) => made(t.truncate(*d, false)),
        ("Round", Some(Value::Duration(d) | Value::Int(d))) => made(t.truncate(*d, true)),
        _ => None,
    })
}

#[expect(clippy::cast_precision_loss, reason = "as Go converts")]
pub(super) fn duration_method(d: i64, name: &str, args: &[Value]) -> Option<Value> {
    let whole = |unit: i64| (d / unit) as f64 + (d % unit) as f64 / unit as f64;
    let unit = match args.first().map(|a| a.open().0) {
        Some(Value::Duration(m) | Value::Int(m)) => Some(*m),
        _ => None,
    };
    Some(match name {
        "Hours" => Value::Float(whole(3_600_000_000_000)),
        "Minutes" => Value::Float(whole(60_000_000_000)),
        "Seconds" => Value::Float(whole(1_000_000_000)),
        "Milliseconds" => Value::Int(d / 1_000_000),
        "Microseconds" => Value::Int(d / 1_000),
        "Nanoseconds" => Value::Int(d),
        "String" => Value::text(&go_duration::text(d)),
        "Abs" => Value::Duration(d.saturating_abs()),
        "Truncate" | "Round" if unit? <= 0 => Value::Duration(d),
        "Truncate" => Value::Duration(d - d % unit?),
        "Round" => {
            let (unit, rest) = (unit?, d % unit?);
            let up = rest.unsigned_abs() >= unit.unsigned_abs().div_ceil(2);
            Value::Duration(d.saturating_sub(rest).saturating_add(if up { unit * d.signum() } else { 0 }))
        }
        _ => return None,
    })
}
