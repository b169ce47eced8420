//! Functions of any value: what it is, how long, as text and as JSON.

use super::{Row, count, text};
use crate::error::{Done, Error};
use crate::eval::Meter;
use crate::gotext;
use crate::value::Value;

pub(super) const FUNCTIONS: &[Row] = &[("len", 1, 1), ("type", 1, 1), ("string", 1, 1), ("toJSON", 1, 1), ("fromJSON", 1, 1)];

pub(super) fn call(name: &str, args: &[Value], at: usize, meter: &Meter<'_>) -> Done {
    let arg = args[0].open().0;
    let fail = |message: String| Error::run(at, message);
    Ok(match name {
        "len" => Value::Int(match arg {
            Value::String(s) => count(s.chars().count()),
            Value::Bytes(b) => count(b.len()),
            Value::List(_) | Value::NoList => count(arg.items().unwrap_or(&[]).len()),
            Value::Map(m) => count(m.len()),
            Value::AnyMap(m) => count(m.len()),
            _ => return Err(fail(format!("invalid argument for len (type {})", arg.go_type()))),
        }),
        "type" => Value::text(match arg {
            Value::Null => "nil",
            Value::Float(_) => "float",
            Value::List(_) | Value::NoList | Value::Bytes(_) => "array",
            Value::Map(_) | Value::AnyMap(_) => "map",
            other => other.go_type(),
        }),
        "string" => {
            meter.reserve(arg.weight())?;
            Value::text(&gotext::plain(arg))
        }
        "toJSON" => {
            meter.reserve(arg.weight())?;
            Value::text(&gotext::json(arg, Some(0)).map_err(fail)?)
        }
        _ => {
            let source = text(name, args, 0, at)?;
            let json: serde_json::Value = serde_json::from_str(source).map_err(|e| fail(format!("read JSON: {e}")))?;
            Value::from_json(&json)
        }
    })
}
