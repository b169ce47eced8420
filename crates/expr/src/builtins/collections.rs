//! Functions of lists and maps.

use std::sync::Arc;

use super::{MANY, Row, number, text};
use crate::error::{Done, Error};
use crate::eval::Meter;
use crate::ops::{compare, equal};
use crate::value::Value;

pub(super) const FUNCTIONS: &[Row] = &[
    ("first", 1, 1),
    ("last", 1, 1),
    ("get", 2, 2),
    ("take", 2, 2),
    ("keys", 1, 1),
    ("values", 1, 1),
    ("toPairs", 1, 1),
    ("fromPairs", 1, 1),
    ("reverse", 1, 1),
    ("concat", 1, MANY),
    ("flatten", 1, 1),
    ("uniq", 1, 1),
    ("sort", 1, 2),
];

pub(super) fn call(name: &str, args: &[Value], at: usize, meter: &Meter<'_>) -> Done {
    let arg = args[0].open().0;
    let items = || arg.items().ok_or_else(|| Error::run(at, format!("cannot {name} {}", arg.go_type())));
    let entries = || match arg {
        Value::Map(m) => Ok(m.iter().map(|(k, v)| (Value::String(k.clone()), v.clone())).collect::<Vec<_>>()),
        Value::AnyMap(l) => Ok(l.iter().filter_map(|p| p.items().map(|p| (p[0].clone(), p[1].clone()))).collect()),
        _ => Err(Error::run(at, format!("cannot get {name} from {}", arg.go_type()))),
    };
    Ok(match name {
        "first" => arg.items().and_then(<[Value]>::first).cloned().unwrap_or(Value::Null),
        "last" => arg.items().and_then(<[Value]>::last).cloned().unwrap_or(Value::Null),
        "get" => crate::ops::member(&args[0], &args[1], false, at).unwrap_or(Value::Null),
        "take" => {
            if let Value::Float(_) = args[1].open().0 {
                return Err(Error::run(at, "cannot take float64 elements"));
            }
            let n = usize::try_from(number(args, 1, at)?).map_err(|_| Error::run(at, "slice index out of bounds"))?;
            Value::list(items()?.iter().take(n).cloned().collect())
        }
        "keys" => Value::list(entries()?.into_iter().map(|p| p.0).collect()),
        "values" => Value::list(entries()?.into_iter().map(|p| p.1).collect()),
        "toPairs" => Value::list(entries()?.into_iter().map(|(k, v)| Value::list(vec![k, v])).collect()),
        "fromPairs" => {
            let mut pairs: Vec<(Value, Value)> = Vec::new();
            for pair in items()? {
                let pair = pair.items().filter(|p| p.len() == 2).ok_or_else(|| Error::run(at, "invalid pair"))?;
                meter.step(pairs.len() as u64)?;
                pairs.retain(|p| p.0 != pair[0]);
                pairs.push((pair[0].clone(), pair[1].clone()));
            }
            any_map(pairs)
        }
        "reverse" => Value::list(items()?.iter().rev().cloned().collect()),
        "concat" => {
            let mut all = Vec::new();
            for arg in args {
                let (list, secret) = arg.open();
                let list = list.items().ok_or_else(|| Error::run(at, format!("cannot concat {}", list.go_type())))?;
                meter.reserve(list.len() as u64 * 32)?;
                all.extend(list.iter().map(|v| if secret { v.clone().secret() } else { v.clone() }));
            }
            Value::list(all)
        }
        "flatten" => {
            let mut all = Vec::new();
            flatten(items()?, &mut all, meter)?;
            Value::list(all)
        }
        "uniq" => {
            let mut seen: Vec<Value> = Vec::new();
            for item in items()? {
                meter.step(seen.len() as u64 + 1)?;
                if !seen.iter().any(|s| equal(s, item)) {
                    seen.push(item.clone());
                }
            }
            Value::list(seen)
        }
        "sort" => {
            let order = args.get(1).map(|_| text(name, args, 1, at)).transpose()?.unwrap_or("asc");
            let keyed = items()?.iter().map(|v| (v.clone(), v.clone())).collect();
            sort(keyed, order, at, meter)?
        }
        _ => return Err(Error::kind(at, format!("{name} cannot be called like this"))),
    })
}

fn flatten(items: &[Value], out: &mut Vec<Value>, meter: &Meter<'_>) -> Result<(), Error> {
    for item in items {
        meter.step(1)?;
        meter.reserve(32)?;
        match item.items() {
            Some(inner) => flatten(inner, out, meter)?,
            None => out.push(item.clone()),
        }
    }
    Ok(())
}

/// A map of any keys.
pub(super) fn any_map(pairs: Vec<(Value, Value)>) -> Value {
    let pairs = pairs.into_iter().map(|(k, v)| Value::list(vec![k, v])).collect();
    Value::AnyMap(Arc::new(crate::value::List::new(pairs)))
}

/// Sorts values by their keys; merge sort, so that an order that is none cannot panic.
pub(super) fn sort(mut keyed: Vec<(Value, Value)>, order: &str, at: usize, meter: &Meter<'_>) -> Done {
    let down = match order {
        "asc" => false,
        "desc" => true,
        _ => return Err(Error::run(at, format!("invalid order {order}, expected asc or desc"))),
    };
    let size = keyed.len() as u64;
    meter.step(size * u64::from(64 - size.leading_zeros()))?;
    for pair in keyed.windows(2) {
        if compare(&pair[0].0, &pair[1].0).is_none() {
            let message = format!("invalid operation: {} < {}", pair[0].0.go_type(), pair[1].0.go_type());
            return Err(Error::run(at, message));
        }
    }
    keyed.sort_by(|a, b| {
        let order = compare(&a.0, &b.0)
            .flatten()
            .unwrap_or_else(|| f64::total_cmp(&a.0.number().unwrap_or(0.0), &b.0.number().unwrap_or(0.0)));
        if down { order.reverse() } else { order }
    });
    Ok(Value::list(keyed.into_iter().map(|p| p.1).collect()))
}
