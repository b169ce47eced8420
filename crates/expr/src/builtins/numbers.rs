//! Functions of numbers: rounding and reading, the least and the middle of many, bits.

use super::{MANY, Row};
use crate::error::{Done, Error};
use crate::eval::Meter;
use crate::gotext;
use crate::ops::{compare, whole};
use crate::value::Value;

pub(super) const FUNCTIONS: &[Row] =
    &[("abs", 1, 1), ("ceil", 1, 1), ("floor", 1, 1), ("round", 1, 1), ("int", 1, 1), ("float", 1, 1)];

pub(super) const STATISTICS: &[Row] = &[("max", 1, MANY), ("min", 1, MANY), ("mean", 1, MANY), ("median", 1, MANY)];

pub(super) const BITS: &[Row] = &[
    ("bitand", 2, 2),
    ("bitor", 2, 2),
    ("bitxor", 2, 2),
    ("bitnand", 2, 2),
    ("bitnot", 1, 1),
    ("bitshl", 2, 2),
    ("bitshr", 2, 2),
    ("bitushr", 2, 2),
];

pub(super) fn call(name: &str, args: &[Value], at: usize, _: &Meter<'_>) -> Done {
    let arg = args[0].open().0;
    let fail = || Error::run(at, format!("invalid argument for {name} (type {})", arg.go_type()));
    Ok(match (name, arg) {
        ("abs", Value::Int(i)) => Value::Int(i.checked_abs().ok_or_else(|| Error::run(at, "integer overflow calling abs"))?),
        ("int", Value::Int(i) | Value::Duration(i)) => Value::Int(*i),
        ("int", Value::Float(_)) => Value::Int(whole(arg, at)?),
        ("int", Value::String(s)) => Value::Int(s.parse().map_err(|_| Error::run(at, format!("invalid operation: int({s})")))?),
        ("int", Value::Month(_) | Value::Weekday(_)) => Value::Int(whole(arg, at)?),
        ("float", Value::String(s)) => {
            Value::Float(gotext::parse_float(s).ok_or_else(|| Error::run(at, format!("invalid operation: float({s})")))?)
        }
        ("int", _) => return Err(Error::run(at, format!("invalid operation: int({})", arg.go_type()))),
        _ => {
            let value = arg.number().ok_or_else(fail)?;
            Value::Float(match name {
                "abs" => value.abs(),
                "ceil" => value.ceil(),
                "floor" => value.floor(),
                "round" => value.round(),
                _ => value,
            })
        }
    })
}

/// The numbers in the arguments, lists taken apart.
fn gather(args: &[Value], out: &mut Vec<Value>, at: usize, meter: &Meter<'_>) -> Result<(), Error> {
    for arg in args {
        meter.step(1)?;
        match arg.open().0 {
            value @ (Value::List(_) | Value::NoList) => gather(value.items().unwrap_or(&[]), out, at, meter)?,
            value if value.number().is_some() => out.push(value.clone()),
            value => return Err(Error::run(at, format!("expected a number, got {}", value.go_type()))),
        }
    }
    Ok(())
}

pub(super) fn statistics(name: &str, args: &[Value], at: usize, meter: &Meter<'_>) -> Done {
    let mut all = Vec::new();
    if matches!(name, "max" | "min") && args.len() == 1 && matches!(args[0].open().0, Value::Null) {
        return Ok(Value::Null);
    }
    gather(args, &mut all, at, meter)?;
    let floats = || all.iter().filter_map(Value::number);
    #[expect(clippy::cast_precision_loss, reason = "a count of items")]
    let size = all.len() as f64;
    Ok(match name {
        "max" | "min" => {
            let wanted = if name == "max" { std::cmp::Ordering::Greater } else { std::cmp::Ordering::Less };
            let mut best: Option<Value> = None;
            for value in all {
                if best.as_ref().is_none_or(|b| compare(&value, b) == Some(Some(wanted))) {
                    best = Some(value);
                }
            }
            best.unwrap_or(Value::Null)
        }
        "mean" if all.is_empty() => Value::Int(0),
        "mean" => Value::Float(floats().sum::<f64>() / size),
        _ => {
            let mut sorted: Vec<f64> = floats().collect();
            sorted.sort_by(f64::total_cmp);
            let middle = sorted.len() / 2;
            match sorted.len() {
                0 => Value::Int(0),
                n if n % 2 == 1 => Value::Float(sorted[middle]),
                _ => Value::Float(f64::midpoint(sorted[middle - 1], sorted[middle])),
            }
        }
    })
}

pub(super) fn bits(name: &str, args: &[Value], at: usize, _: &Meter<'_>) -> Done {
    let int = |i: usize| match args.get(i).map(|v| v.open().0) {
        Some(Value::Int(v)) => Ok(*v),
        Some(other) => Err(Error::run(at, format!("{name} takes an int, got {}", other.go_type()))),
        None => Ok(0),
    };
    let (x, y) = (int(0)?, int(1)?);
    let shift = u32::try_from(y).map_err(|_| Error::run(at, format!("negative shift count {y}")));
    Ok(Value::Int(match name {
        "bitand" => x & y,
        "bitor" => x | y,
        "bitxor" => x ^ y,
        "bitnand" => x & !y,
        "bitnot" => !x,
        "bitshl" => x.checked_shl(shift?).unwrap_or(0),
        "bitshr" => x.checked_shr(shift?).unwrap_or(if x < 0 { -1 } else { 0 }),
        _ => x.cast_unsigned().checked_shr(shift?).unwrap_or(0).cast_signed(),
    }))
}
