//! Methods: which a value has, and calling them.

use super::times;
use crate::error::{Done, Error};
use crate::gotext;
use crate::value::Value;
use crate::version;

/// How many arguments a method takes; `None` if the value has no such method.
fn arity(receiver: &Value, name: &str) -> Option<usize> {
    let of = |rows: &[(&str, usize)]| rows.iter().find(|row| row.0 == name).map(|row| row.1);
    match receiver {
        Value::Time(_) => of(times::TIME_METHODS),
        Value::Duration(_) => of(times::DURATION_METHODS),
        Value::Month(_) | Value::Weekday(_) | Value::Zone(_) => of(&[("String", 0)]),
        Value::Version(_, None) => of(version::METHODS),
        Value::Version(_, Some(_)) => of(version::METHODS).or_else(|| of(version::READ_METHODS)),
        _ => None,
    }
}

/// Whether a value has a method of this name.
pub(crate) fn has_method(value: &Value, name: &str) -> bool {
    arity(value, name).is_some()
}

/// Calls a method of a time, a duration, a version or an answer's headers.
pub(crate) fn method(receiver: &Value, name: &str, args: &[Value], at: usize) -> Done {
    let headers = matches!((receiver, name), (Value::Map(_), "header"));
    let wanted = if headers { 1 } else { arity(receiver, name).unwrap_or(0) };
    if args.len() != wanted {
        return Err(Error::kind(at, format!("{name} takes {wanted} arguments, got {}", args.len())));
    }
    let bad = || Error::run(at, format!("cannot call {name} with these arguments"));
    match receiver {
        Value::Time(t) => times::time_method(t, name, args, at)?.ok_or_else(bad),
        Value::Duration(d) => times::duration_method(*d, name, args).ok_or_else(bad),
        Value::Version(v, original) => version::method(v, original.as_deref(), name, args).ok_or_else(bad),
        Value::Map(map) if headers => header(map, args).ok_or_else(bad),
        _ => Ok(Value::text(&gotext::plain(receiver))),
    }
}

/// `header(name)` over headers: the first value under that name, whatever its case; empty without one.
fn header(headers: &crate::value::Map, args: &[Value]) -> Option<Value> {
    let name = args.first()?.as_str()?;
    let values = headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, values)| values);
    let Some(Value::List(values)) = values else { return Some(Value::text("")) };
    Some(values.first().cloned().unwrap_or_else(|| Value::text("")))
}
