//! The functions of the language itself, its folds over collections, and the methods of times, durations and versions.

use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::ast::Op;
use crate::error::{Done, Error};
use crate::eval::Meter;
use crate::gotext;
use crate::ops::{compare, equal, whole};
use crate::time::{self, Time};
use crate::value::Value;

const MANY: usize = usize::MAX;

/// Every function: name, fewest arguments, most arguments.
const TABLE: [(&str, usize, usize); 66] = [
    ("len", 1, 1),
    ("type", 1, 1),
    ("abs", 1, 1),
    ("ceil", 1, 1),
    ("floor", 1, 1),
    ("round", 1, 1),
    ("int", 1, 1),
    ("float", 1, 1),
    ("string", 1, 1),
    ("trim", 1, 2),
    ("trimPrefix", 1, 2),
    ("trimSuffix", 1, 2),
    ("upper", 1, 1),
    ("lower", 1, 1),
    ("split", 2, 3),
    ("splitAfter", 2, 3),
    ("replace", 3, 4),
    ("repeat", 2, 2),
    ("join", 1, 2),
    ("indexOf", 2, 2),
    ("lastIndexOf", 2, 2),
    ("hasPrefix", 2, 2),
    ("hasSuffix", 2, 2),
    ("max", 1, MANY),
    ("min", 1, MANY),
    ("mean", 1, MANY),
    ("median", 1, MANY),
    ("toJSON", 1, 1),
    ("fromJSON", 1, 1),
    ("toBase64", 1, 1),
    ("fromBase64", 1, 1),
    ("now", 0, 1),
    ("duration", 1, 1),
    ("date", 1, 3),
    ("timezone", 1, 1),
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
    ("bitand", 2, 2),
    ("bitor", 2, 2),
    ("bitxor", 2, 2),
    ("bitnand", 2, 2),
    ("bitnot", 1, 1),
    ("bitshl", 2, 2),
    ("bitshr", 2, 2),
    ("bitushr", 2, 2),
    // Folds stand here so that their names cannot be declared again.
    ("all", 2, 2),
    ("none", 2, 2),
    ("any", 2, 2),
    ("one", 2, 2),
    ("filter", 2, 2),
    ("map", 2, 2),
    ("count", 1, 2),
    ("sum", 1, 2),
    ("reduce", 2, 3),
    ("groupBy", 2, 2),
];

pub(crate) fn arity(name: &str) -> Option<(usize, usize)> {
    TABLE.iter().find(|row| row.0 == name).map(|row| (row.1, row.2))
}

fn text<'a>(name: &str, args: &'a [Value], i: usize, at: usize) -> Result<&'a str, Error> {
    let arg = args.get(i).unwrap_or(&Value::Null);
    arg.as_str().ok_or_else(|| Error::run(at, format!("{name} takes a string, got {}", arg.go_type())))
}

fn number(args: &[Value], i: usize, at: usize) -> Result<i64, Error> {
    let arg = args.get(i).unwrap_or(&Value::Null);
    whole(arg, at)
}

/// Calls a function of the language.
pub(crate) fn call(name: &str, args: &[Value], at: usize, meter: &Meter<'_>) -> Done {
    let (fewest, most) = arity(name).unwrap_or((0, 0));
    if args.len() < fewest || args.len() > most {
        return Err(Error::kind(at, format!("{name} takes {fewest} or more arguments, got {}", args.len())));
    }
    match name {
        "trim" | "trimPrefix" | "trimSuffix" | "upper" | "lower" | "split" | "splitAfter" | "replace" | "repeat" | "join"
        | "indexOf" | "lastIndexOf" | "hasPrefix" | "hasSuffix" | "toBase64" | "fromBase64" => texts(name, args, at, meter),
        "abs" | "ceil" | "floor" | "round" | "int" | "float" => numbers(name, args[0].open().0, at),
        "max" | "min" | "mean" | "median" => statistics(name, args, at, meter),
        "bitand" | "bitor" | "bitxor" | "bitnand" | "bitnot" | "bitshl" | "bitshr" | "bitushr" => bits(name, args, at),
        "duration" | "date" | "timezone" => times(name, args, at),
        "len" | "type" | "string" | "toJSON" | "fromJSON" => general(name, args, at, meter),
        _ => collections(name, args, at, meter),
    }
}

fn general(name: &str, args: &[Value], at: usize, meter: &Meter<'_>) -> Done {
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

fn count(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

fn texts(name: &str, args: &[Value], at: usize, meter: &Meter<'_>) -> Done {
    if name == "join" {
        return join(args, at);
    }
    if name == "toBase64"
        && let Value::Bytes(bytes) = args[0].open().0
    {
        return Ok(Value::text(&STANDARD.encode(bytes)));
    }
    let s = text(name, args, 0, at)?;
    let second = args.get(1).map(|_| if name == "repeat" { Ok("") } else { text(name, args, 1, at) }).transpose()?;
    let set = |c: char| second.is_some_and(|set| set.contains(c));
    Ok(match name {
        "trim" => Value::text(if second.is_some() { s.trim_matches(set) } else { s.trim() }),
        "trimPrefix" => Value::text(s.strip_prefix(second.unwrap_or(" ")).unwrap_or(s)),
        "trimSuffix" => Value::text(s.strip_suffix(second.unwrap_or(" ")).unwrap_or(s)),
        "upper" => Value::text(&s.chars().map(|c| single(c, c.to_uppercase())).collect::<String>()),
        "lower" => Value::text(&s.chars().map(|c| single(c, c.to_lowercase())).collect::<String>()),
        "split" | "splitAfter" => {
            let limit = if args.len() > 2 { number(args, 2, at)? } else { -1 };
            split(s, second.unwrap_or_default(), limit, name == "splitAfter", meter)?
        }
        "replace" => {
            let to = text(name, args, 2, at)?;
            let limit = if args.len() > 3 { number(args, 3, at)? } else { -1 };
            replace(s, second.unwrap_or_default(), to, limit, meter)?
        }
        "repeat" => {
            let times = u64::try_from(number(args, 1, at)?)
                .map_err(|_| Error::run(at, "invalid argument for repeat (expected a positive number)"))?;
            meter.length(times.saturating_mul((s.len() as u64).max(1)))?;
            Value::text(&s.repeat(usize::try_from(times).unwrap_or(0)))
        }
        "indexOf" => Value::Int(s.find(second.unwrap_or_default()).map_or(-1, count)),
        "lastIndexOf" => Value::Int(s.rfind(second.unwrap_or_default()).map_or(-1, count)),
        "hasPrefix" => Value::Bool(s.starts_with(second.unwrap_or_default())),
        "hasSuffix" => Value::Bool(s.ends_with(second.unwrap_or_default())),
        "toBase64" => Value::text(&STANDARD.encode(s)),
        _ => {
            let bytes = STANDARD.decode(s.replace(['\r', '\n'], "")).map_err(|e| Error::run(at, format!("read base64: {e}")))?;
            Value::text(&gotext::lossy(&bytes))
        }
    })
}

/// Go maps one character to one character; the few that would become several stay.
fn single(from: char, mut to: impl Iterator<Item = char>) -> char {
    match (to.next(), to.next()) {
        (Some(c), None) => c,
        _ => from,
    }
}

fn join(args: &[Value], at: usize) -> Done {
    let glue = if args.len() > 1 { text("join", args, 1, at)? } else { "" };
    let list = args[0].open().0;
    let items = list.items().ok_or_else(|| Error::run(at, format!("cannot join {}", list.go_type())))?;
    let parts = (0..items.len()).map(|i| text("join", items, i, at)).collect::<Result<Vec<_>, _>>()?;
    Ok(Value::text(&parts.join(glue)))
}

fn split(s: &str, by: &str, limit: i64, after: bool, meter: &Meter<'_>) -> Done {
    if limit == 0 {
        return Ok(Value::NoList);
    }
    meter.reserve(s.len() as u64 * if by.is_empty() { 64 } else { 1 })?;
    let most = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut parts = Vec::new();
    let mut rest = s;
    while parts.len() + 1 < most {
        let end = if by.is_empty() {
            rest.chars().next().map(|c| (c.len_utf8(), c.len_utf8())).filter(|(n, _)| *n < rest.len())
        } else {
            rest.find(by).map(|i| (if after { i + by.len() } else { i }, i + by.len()))
        };
        let Some((end, next)) = end else { break };
        parts.push(Value::text(&rest[..end]));
        rest = &rest[next..];
    }
    if !(by.is_empty() && rest.is_empty()) {
        parts.push(Value::text(rest));
    }
    meter.reserve(parts.len() as u64 * 64)?;
    Ok(Value::list(parts))
}

fn replace(s: &str, from: &str, to: &str, limit: i64, meter: &Meter<'_>) -> Done {
    let hits = if from.is_empty() { s.chars().count() + 1 } else { s.matches(from).count() };
    meter.reserve((hits as u64).saturating_mul(to.len() as u64).saturating_add(s.len() as u64))?;
    Ok(Value::text(&s.replacen(from, to, usize::try_from(limit).unwrap_or(usize::MAX))))
}

fn numbers(name: &str, arg: &Value, at: usize) -> Done {
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

fn statistics(name: &str, args: &[Value], at: usize, meter: &Meter<'_>) -> Done {
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

fn bits(name: &str, args: &[Value], at: usize) -> Done {
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

fn times(name: &str, args: &[Value], at: usize) -> Done {
    let fail = |message: String| Error::run(at, message);
    match name {
        "duration" => time::parse_duration(text(name, args, 0, at)?).map(Value::Duration).map_err(fail),
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

fn collections(name: &str, args: &[Value], at: usize, meter: &Meter<'_>) -> Done {
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

fn any_map(pairs: Vec<(Value, Value)>) -> Value {
    let pairs = pairs.into_iter().map(|(k, v)| Value::list(vec![k, v])).collect();
    Value::AnyMap(Arc::new(crate::value::List::new(pairs)))
}

/// Sorts values by their keys; merge sort, so that an order that is none cannot panic.
fn sort(mut keyed: Vec<(Value, Value)>, order: &str, at: usize, meter: &Meter<'_>) -> Done {
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

/// A function over a collection, fed item by item.
pub(crate) struct Fold {
    name: &'static str,
    at: usize,
    extra: Option<Value>,
    acc: Option<Value>,
    matches: i64,
    found: Option<Value>,
    keyed: Vec<(Value, Value)>,
    groups: Vec<(Value, Vec<Value>)>,
    known: BTreeMap<String, usize>,
}

impl Fold {
    pub(crate) fn new(name: &'static str, extra: Option<Value>, at: usize) -> Self {
        let acc = if name == "reduce" { extra.clone() } else { None };
        Fold { name, at, extra, acc, matches: 0, found: None, keyed: Vec::new(), groups: Vec::new(), known: BTreeMap::new() }
    }

    /// Whether the item became the first accumulator of a `reduce` without one.
    pub(crate) fn seed(&mut self, item: &Value) -> bool {
        let seeds = self.name == "reduce" && self.acc.is_none();
        if seeds {
            self.acc = Some(item.clone());
        }
        seeds
    }

    pub(crate) fn accumulated(&self) -> Option<Value> {
        self.acc.clone()
    }

    fn truth(&self, outcome: &Value) -> Result<bool, Error> {
        match outcome.open().0 {
            Value::Bool(b) => Ok(*b),
            other => Err(Error::run(self.at, format!("a predicate must give true or false, got {}", other.go_type()))),
        }
    }

    /// Takes one outcome; `true` when the rest does not matter.
    pub(crate) fn feed(&mut self, item: Value, index: i64, outcome: Value, meter: &Meter<'_>) -> Result<bool, Error> {
        match self.name {
            "map" => {
                meter.reserve(outcome.weight().min(64))?;
                self.keyed.push((Value::Null, outcome));
            }
            "sum" => {
                let before = self.acc.take().unwrap_or(Value::Int(0));
                self.acc = Some(crate::ops::binary(Op::Add, &before, &outcome, self.at, meter)?);
            }
            "reduce" => self.acc = Some(outcome),
            "sortBy" => self.keyed.push((outcome.open().0.clone(), item)),
            "groupBy" => {
                let key = outcome.open().0.clone();
                if matches!(key, Value::List(_) | Value::Map(_) | Value::AnyMap(_)) {
                    return Err(Error::run(self.at, format!("cannot group by {}", key.go_type())));
                }
                let name = format!("{}:{}", key.go_type(), gotext::plain(&key));
                let slot = *self.known.entry(name).or_insert(self.groups.len());
                if slot == self.groups.len() {
                    self.groups.push((key, Vec::new()));
                }
                self.groups[slot].1.push(item);
            }
            "all" if !self.truth(&outcome)? => {
                self.matches = -1;
                return Ok(true);
            }
            "all" => {}
            _ if !self.truth(&outcome)? => {}
            "filter" => self.keyed.push((Value::Null, item)),
            "find" | "findLast" => {
                self.found = Some(item);
                return Ok(true);
            }
            "findIndex" | "findLastIndex" => {
                self.found = Some(Value::Int(index));
                return Ok(true);
            }
            _ => {
                self.matches += 1;
                return Ok(matches!(self.name, "any" | "none"));
            }
        }
        Ok(false)
    }

    pub(crate) fn finish(self, meter: &Meter<'_>) -> Done {
        Ok(match self.name {
            "map" | "filter" => Value::list(self.keyed.into_iter().map(|p| p.1).collect()),
            "sum" => self.acc.unwrap_or(Value::Int(0)),
            "reduce" => self.acc.ok_or_else(|| Error::run(self.at, "reduce of an empty list with no initial value"))?,
            "sortBy" => {
                let order = self.extra.unwrap_or_else(|| Value::text("asc"));
                let order = order.as_str().ok_or_else(|| Error::run(self.at, "unknown order, use asc or desc"))?;
                sort(self.keyed, order, self.at, meter)?
            }
            "groupBy" => any_map(self.groups.into_iter().map(|(k, v)| (k, Value::list(v))).collect()),
            "all" => Value::Bool(self.matches == 0),
            "none" => Value::Bool(self.matches == 0),
            "any" => Value::Bool(self.matches > 0),
            "one" => Value::Bool(self.matches == 1),
            "count" => Value::Int(self.matches),
            _ => self.found.unwrap_or(Value::Null),
        })
    }
}

const TIME_METHODS: [&str; 28] = [
    "Year",
    "Month",
    "Day",
    "Hour",
    "Minute",
    "Second",
    "Nanosecond",
    "YearDay",
    "Weekday",
    "Unix",
    "UnixMilli",
    "UnixMicro",
    "UnixNano",
    "Format",
    "String",
    "UTC",
    "Local",
    "In",
    "Add",
    "AddDate",
    "Sub",
    "After",
    "Before",
    "Equal",
    "IsZero",
    "Truncate",
    "Round",
    "Location",
];
const DURATION_METHODS: [&str; 10] =
    ["Hours", "Minutes", "Seconds", "Milliseconds", "Microseconds", "Nanoseconds", "String", "Abs", "Truncate", "Round"];
const VERSION_METHODS: [&str; 11] = [
    "Major",
    "Minor",
    "Patch",
    "Prerelease",
    "Metadata",
    "String",
    "IncPatch",
    "IncMinor",
    "IncMajor",
    "SetMetadata",
    "SetPrerelease",
];
/// What only a version that was read has, not one derived from it.
const READ_METHODS: [&str; 7] = ["Original", "Equal", "GreaterThan", "LessThan", "GreaterThanEqual", "LessThanEqual", "Compare"];

pub(crate) fn has_method(value: &Value, name: &str) -> bool {
    match value {
        Value::Time(_) => TIME_METHODS.contains(&name),
        Value::Duration(_) => DURATION_METHODS.contains(&name),
        Value::Month(_) | Value::Weekday(_) | Value::Zone(_) => name == "String",
        Value::Version(_, original) => VERSION_METHODS.contains(&name) || (original.is_some() && READ_METHODS.contains(&name)),
        _ => false,
    }
}

/// Calls a method of a time, a duration or a version.
pub(crate) fn method(receiver: &Value, name: &str, args: &[Value], at: usize) -> Done {
    let wanted = match (receiver, name) {
        (Value::Time(_), "AddDate") => 3,
        (Value::Map(_), "header") => 1,
        (_, "Format" | "In" | "Add" | "Sub" | "After" | "Before" | "Equal" | "Truncate" | "Round") => 1,
        (_, "GreaterThan" | "LessThan" | "GreaterThanEqual" | "LessThanEqual" | "Compare" | "SetMetadata" | "SetPrerelease") => 1,
        _ => 0,
    };
    if args.len() != wanted {
        return Err(Error::kind(at, format!("{name} takes {wanted} arguments, got {}", args.len())));
    }
    let bad = || Error::run(at, format!("cannot call {name} with these arguments"));
    match (receiver, name) {
        (Value::Time(t), _) => time_method(t, name, args, at)?.ok_or_else(bad),
        (Value::Duration(d), _) => duration_method(*d, name, args).ok_or_else(bad),
        (Value::Version(v, original), _) => crate::version::method(v, original.as_deref(), name, args).ok_or_else(bad),
        (Value::Map(headers), "header") => header(headers, args).ok_or_else(bad),
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

fn time_method(t: &Time, name: &str, args: &[Value], at: usize) -> Result<Option<Value>, Error> {
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
fn duration_method(d: i64, name: &str, args: &[Value]) -> Option<Value> {
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
        "String" => Value::text(&time::duration_text(d)),
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
