//! Functions of strings: trimming, cutting, joining, searching, base64.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{Row, count, number, text};
use crate::error::{Done, Error};
use crate::eval::Meter;
use crate::gotext;
use crate::value::Value;

pub(super) const FUNCTIONS: &[Row] = &[
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
    ("toBase64", 1, 1),
    ("fromBase64", 1, 1),
];

pub(super) fn call(name: &str, args: &[Value], at: usize, meter: &Meter<'_>) -> Done {
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
