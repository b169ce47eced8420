//! The operators: arithmetic, comparison, membership, slices.

use std::cmp::Ordering;

use crate::ast::{Op, Unary};
use crate::error::{Done, Error};
use crate::eval::Meter;
use crate::value::Value;

pub(crate) fn unary(op: Unary, side: &Value, at: usize) -> Done {
    let (value, secret) = side.open();
    let out = match (op, value) {
        (_, Value::Unknown(u)) => Value::Unknown(u.clone()),
        (Unary::Not, Value::Bool(b)) => Value::Bool(!b),
        (Unary::Minus, Value::Int(i)) => Value::Int(i.wrapping_neg()),
        (Unary::Minus, Value::Float(f)) => Value::Float(-f),
        (Unary::Minus, Value::Duration(d)) => Value::Duration(d.wrapping_neg()),
        (Unary::Plus, Value::Int(_) | Value::Float(_) | Value::Duration(_)) => value.clone(),
        _ => return Err(Error::run(at, format!("invalid operation on {}", value.go_type()))),
    };
    Ok(if secret { out.secret() } else { out })
}

pub(crate) fn binary(op: Op, left: &Value, right: &Value, at: usize, meter: &Meter<'_>) -> Done {
    let ((a, sa), (b, sb)) = (left.open(), right.open());
    if let (Value::Unknown(u), _) | (_, Value::Unknown(u)) = (a, b) {
        return Ok(Value::Unknown(u.clone()));
    }
    if matches!(op, Op::Eq | Op::Ne | Op::In)
        && let Some(u) = a.unknown().or_else(|| b.unknown())
    {
        return Ok(Value::Unknown(u));
    }
    let value = match op {
        Op::Eq | Op::Ne => {
            meter.step(a.weight().min(b.weight()) / 24)?;
            Value::Bool(equal(a, b) == (op == Op::Eq))
        }
        Op::Lt | Op::Gt | Op::Le | Op::Ge => {
            let order = compare(a, b).ok_or_else(|| invalid(op, a, b, at))?;
            Value::Bool(match (op, order) {
                (_, None) => false,
                (Op::Lt, Some(o)) => o == Ordering::Less,
                (Op::Gt, Some(o)) => o == Ordering::Greater,
                (Op::Le, Some(o)) => o != Ordering::Greater,
                (_, Some(o)) => o != Ordering::Less,
            })
        }
        Op::In => Value::Bool(contains(a, b, at, meter)?),
        Op::Matches | Op::Contains | Op::StartsWith | Op::EndsWith => text_test(op, a, b, at, meter)?,
        Op::Range => range(a, b, at, meter)?,
        Op::Add if matches!((a, b), (Value::String(_), Value::String(_))) => concat(a, b, meter)?,
        _ => arithmetic(op, a, b, at)?,
    };
    Ok(if sa || sb { value.secret() } else { value })
}

fn invalid(op: Op, a: &Value, b: &Value, at: usize) -> Error {
    Error::run(at, format!("invalid operation: {} {} {}", a.go_type(), op.symbol(), b.go_type()))
}

fn concat(a: &Value, b: &Value, meter: &Meter<'_>) -> Done {
    let (a, b) = (a.as_str().unwrap_or_default(), b.as_str().unwrap_or_default());
    meter.reserve((a.len() + b.len()) as u64)?;
    meter.step((a.len() + b.len()) as u64 / 64)?;
    Ok(Value::String(std::sync::Arc::from(format!("{a}{b}"))))
}

pub(crate) fn arithmetic(op: Op, a: &Value, b: &Value, at: usize) -> Done {
    use Value::{Duration, Float, Int, Time};
    let bad = || invalid(op, a, b, at);
    Ok(match (op, a, b) {
        (Op::Add, Int(x), Int(y)) => Int(x.wrapping_add(*y)),
        (Op::Sub, Int(x), Int(y)) => Int(x.wrapping_sub(*y)),
        (Op::Mul, Int(x), Int(y)) => Int(x.wrapping_mul(*y)),
        (Op::Mod, Int(_), Int(0)) => return Err(Error::run(at, "integer divide by zero")),
        (Op::Mod, Int(x), Int(y)) => Int(x.wrapping_rem(*y)),
        (Op::Add, Duration(x), Duration(y)) => Duration(x.wrapping_add(*y)),
        (Op::Sub, Duration(x), Duration(y)) => Duration(x.wrapping_sub(*y)),
        (Op::Add, Time(t), Duration(d)) | (Op::Add, Duration(d), Time(t)) => Time(Box::new(t.plus(*d).ok_or_else(bad)?)),
        (Op::Sub, Time(t), Duration(d)) => Time(Box::new(t.plus(d.wrapping_neg()).ok_or_else(bad)?)),
        (Op::Sub, Time(x), Time(y)) => Duration(x.since(y)),
        (Op::Mul, Duration(x), Int(y)) | (Op::Mul, Int(y), Duration(x)) => Duration(x.wrapping_mul(*y)),
        #[expect(clippy::cast_precision_loss, reason = "as Go converts")]
        (Op::Mul, Duration(x), Float(y)) | (Op::Mul, Float(y), Duration(x)) => Float(*x as f64 * y),
        #[expect(clippy::cast_precision_loss, reason = "as Go converts")]
        (Op::Div, Duration(x), _) if b.number().is_some() => Float(*x as f64 / b.number().unwrap_or(1.0)),
        (Op::Mod, _, _) => return Err(bad()),
        _ => {
            let (Some(x), Some(y)) = (a.number(), b.number()) else { return Err(bad()) };
            Float(match op {
                Op::Add => x + y,
                Op::Sub => x - y,
                Op::Mul => x * y,
                Op::Div => x / y,
                Op::Pow => x.powf(y),
                _ => return Err(bad()),
            })
        }
    })
}

fn range(a: &Value, b: &Value, at: usize, meter: &Meter<'_>) -> Done {
    let (from, to) = (whole(a, at)?, whole(b, at)?);
    if to < from {
        return Ok(Value::list(Vec::new()));
    }
    let length = to.checked_sub(from).and_then(|d| d.checked_add(1)).and_then(|n| u64::try_from(n).ok()).unwrap_or(u64::MAX);
    meter.length(length)?;
    meter.step(length / 8)?;
    meter.reserve(length * 32)?;
    Ok(Value::list((from..=to).map(Value::Int).collect()))
}

/// Go's conversion to int: numbers are cut, numeric texts are read.
pub(crate) fn whole(value: &Value, at: usize) -> Result<i64, Error> {
    match value.open().0 {
        Value::Int(i) | Value::Duration(i) => Ok(*i),
        Value::Month(i) | Value::Weekday(i) => Ok(i64::from(*i)),
        #[expect(clippy::cast_possible_truncation, reason = "saturating is what we want")]
        Value::Float(f) => Ok(*f as i64),
        other => Err(Error::run(at, format!("invalid operation: int({})", other.go_type()))),
    }
}

pub(crate) fn equal(a: &Value, b: &Value) -> bool {
    if let (Some(x), Some(y)) = (a.number(), b.number()) {
        return match (a, b) {
            (Value::Int(x), Value::Int(y)) => x == y,
            _ => x == y,
        };
    }
    match (a, b) {
        (Value::Secret(x), y) | (y, Value::Secret(x)) => equal(x, y),
        (Value::Null, Value::NoList) | (Value::NoList, Value::Null) => true,
        (Value::Time(x), Value::Time(y)) => x.since(y) == 0,
        (x, y) => match (x.items(), y.items()) {
            (Some(x), Some(y)) => x.len() == y.len() && x.iter().zip(y).all(|(x, y)| equal(x, y)),
            _ => a == b,
        },
    }
}

/// The order of two values: outer `None` = not comparable, inner `None` = NaN.
pub(crate) fn compare(a: &Value, b: &Value) -> Option<Option<Ordering>> {
    match (a, b) {
        (Value::Int(x), Value::Int(y)) | (Value::Duration(x), Value::Duration(y)) => Some(Some(x.cmp(y))),
        (Value::String(x), Value::String(y)) => Some(Some(x.cmp(y))),
        (Value::Time(x), Value::Time(y)) => Some(Some(x.since(y).cmp(&0))),
        (Value::Month(x), Value::Month(y)) | (Value::Weekday(x), Value::Weekday(y)) => Some(Some(x.cmp(y))),
        (Value::Secret(x), y) => compare(x, y),
        (x, Value::Secret(y)) => compare(x, y),
        _ => Some(a.number()?.partial_cmp(&b.number()?)),
    }
}

fn contains(a: &Value, b: &Value, at: usize, meter: &Meter<'_>) -> Result<bool, Error> {
    match b {
        Value::Null => Ok(false),
        Value::List(items) => {
            meter.step(items.len() as u64)?;
            Ok(items.iter().any(|item| equal(item, a)))
        }
        Value::NoList => Ok(false),
        Value::Map(map) => match a {
            Value::Null => Ok(false),
            Value::String(key) => Ok(map.contains_key(key)),
            _ => Err(Error::run(at, format!("cannot use {} as a map key", a.go_type()))),
        },
        Value::AnyMap(pairs) => Ok(pairs.iter().any(|p| p.items().is_some_and(|p| equal(&p[0], a)))),
        Value::Struct(record) => match a {
            Value::String(key) => Ok(record.fields.iter().any(|f| f.0 == &**key)),
            _ => Err(Error::run(at, format!("cannot use {} as a field name", a.go_type()))),
        },
        _ => Err(Error::run(at, format!("operator \"in\" not defined on {}", b.go_type()))),
    }
}

fn text_test(op: Op, a: &Value, b: &Value, at: usize, meter: &Meter<'_>) -> Done {
    if matches!(a, Value::Null) || matches!(b, Value::Null) {
        return Ok(Value::Bool(false));
    }
    let (Value::String(x), Value::String(y)) = (a, b) else { return Err(invalid(op, a, b, at)) };
    meter.step(x.len() as u64 / 32)?;
    Ok(Value::Bool(match op {
        Op::Contains => x.contains(&**y),
        Op::StartsWith => x.starts_with(&**y),
        Op::EndsWith => x.ends_with(&**y),
        _ => {
            meter.step(x.len() as u64)?;
            meter.regex(y, at)?.is_match(x)
        }
    }))
}

pub(crate) fn member(base: &Value, key: &Value, dotted: bool, at: usize) -> Done {
    let ((value, secret), (key, key_secret)) = (base.open(), key.open());
    let found = match (value, key) {
        (Value::Unknown(u), _) | (_, Value::Unknown(u)) => Value::Unknown(u.clone()),
        (Value::Map(map), Value::String(key)) => match map.get(key) {
            Some(value) => value.clone(),
            None if map.absent_is_empty => Value::text(""),
            None => Value::Null,
        },
        (Value::Map(map), Value::Null) if !map.absent_is_empty => Value::Null,
        (Value::AnyMap(pairs), key) => {
            let pair = pairs.iter().find_map(|p| p.items().filter(|p| p[0] == *key));
            pair.map_or(Value::Null, |p| p[1].clone())
        }
        (Value::Struct(record), Value::String(name)) => match record.fields.iter().find(|f| f.0 == &**name) {
            Some(field) => field.3.clone(),
            None => return Err(Error::kind(at, format!("type {} has no field {name}", record.name))),
        },
        (
            Value::Time(_) | Value::Duration(_) | Value::Month(_) | Value::Weekday(_) | Value::Zone(_) | Value::Version(..),
            Value::String(name),
        ) => {
            if !crate::builtins::has_method(value, name) {
                return Err(Error::kind(at, format!("type {} has no method {name}", value.go_type())));
            }
            Value::Method(Box::new(value.clone()), name.clone())
        }
        (Value::List(_) | Value::NoList, key) if !dotted => index(value.items().unwrap_or(&[]), key, at)?.clone(),
        (Value::String(text), key) if !dotted => byte(text.as_bytes(), key, at)?,
        (Value::Bytes(bytes), key) if !dotted => byte(bytes, key, at)?,
        _ => {
            let key = crate::gotext::plain(key);
            return Err(Error::run(at, format!("cannot fetch {key} from {}", value.go_type())));
        }
    };
    Ok(if secret || key_secret { found.secret() } else { found })
}

fn position(length: usize, key: &Value, at: usize) -> Result<usize, Error> {
    let asked = whole(key, at)?;
    let size = i64::try_from(length).unwrap_or(i64::MAX);
    let real = if asked < 0 { size.saturating_add(asked) } else { asked };
    usize::try_from(real)
        .ok()
        .filter(|i| *i < length)
        .ok_or_else(|| Error::run(at, format!("index out of range: {asked} (length is {length})")))
}

fn index<'a>(items: &'a [Value], key: &Value, at: usize) -> Result<&'a Value, Error> {
    Ok(&items[position(items.len(), key, at)?])
}

fn byte(bytes: &[u8], key: &Value, at: usize) -> Done {
    Ok(Value::Int(i64::from(bytes[position(bytes.len(), key, at)?])))
}

pub(crate) fn slice(base: &Value, from: Option<&Value>, to: Option<&Value>, at: usize) -> Done {
    let (value, secret) = base.open();
    for part in [Some(value), from, to].into_iter().flatten() {
        if let Value::Unknown(u) = part.open().0 {
            return Ok(Value::Unknown(u.clone()));
        }
    }
    let length = match value {
        Value::String(s) => s.len(),
        Value::Bytes(b) => b.len(),
        Value::List(l) => l.len(),
        Value::NoList => 0,
        _ => return Err(Error::run(at, format!("cannot slice {}", value.go_type()))),
    };
    let size = i64::try_from(length).unwrap_or(i64::MAX);
    let edge = |side: Option<&Value>, default: i64| -> Result<i64, Error> {
        let asked = side.map_or(Ok(default), |v| whole(v, at))?;
        Ok(if asked < 0 { size.saturating_add(asked).max(0) } else { asked.min(size) })
    };
    let to = edge(to, size)?;
    let from = edge(from, 0)?.min(to);
    let range = usize::try_from(from).unwrap_or(0)..usize::try_from(to).unwrap_or(0);
    let out = match value {
        Value::String(s) => Value::text(&crate::gotext::lossy(&s.as_bytes()[range])),
        Value::Bytes(b) => Value::Bytes(std::sync::Arc::from(&b[range])),
        _ => Value::list(value.items().unwrap_or(&[])[range].to_vec()),
    };
    Ok(if secret { out.secret() } else { out })
}
