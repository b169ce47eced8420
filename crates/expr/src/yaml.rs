//! YAML as go-yaml v3 writes it: four spaces, keys in natural order, texts quoted where they must be.

use std::cmp::Ordering;
use std::fmt::Write as _;

use crate::gotext;
use crate::value::Value;

/// The value as a YAML document.
///
/// # Errors
/// Says what YAML cannot hold.
pub(crate) fn write(value: &Value) -> Result<String, String> {
    let mut out = String::new();
    let plain = plain_data(value)?;
    node(&plain, 0, Place::Root, &mut out);
    Ok(out)
}

enum Data {
    Scalar(String),
    Text(String),
    List(Vec<Data>),
    Map(Vec<(String, Data)>),
}

#[derive(Clone, Copy, PartialEq)]
enum Place {
    Root,
    InMap,
    InList,
}

fn plain_data(value: &Value) -> Result<Data, String> {
    Ok(match value {
        Value::Null => Data::Scalar("null".into()),
        Value::NoList => Data::List(Vec::new()),
        Value::Bool(b) => Data::Scalar(b.to_string()),
        Value::Int(i) => Data::Scalar(i.to_string()),
        Value::Month(i) | Value::Weekday(i) => Data::Scalar(i.to_string()),
        Value::Float(f) => Data::Scalar(match gotext::float_g(*f).as_str() {
            "+Inf" => ".inf".into(),
            "-Inf" => "-.inf".into(),
            "NaN" => ".nan".into(),
            text => text.to_string(),
        }),
        Value::Duration(d) => Data::Scalar(seaway_base::go_duration::text(*d)),
        Value::Time(t) => Data::Scalar(t.format("2006-01-02T15:04:05.999999999Z07:00")),
        Value::String(s) => Data::Text(s.to_string()),
        Value::Bytes(b) => Data::List(b.iter().map(|b| Data::Scalar(b.to_string())).collect()),
        Value::List(items) => Data::List(items.iter().map(plain_data).collect::<Result<_, _>>()?),
        Value::Map(map) => {
            let mut pairs = map.iter().map(|(k, v)| Ok((k.to_string(), plain_data(v)?))).collect::<Result<Vec<_>, String>>()?;
            pairs.sort_by(|a, b| natural(&a.0, &b.0));
            Data::Map(pairs)
        }
        Value::AnyMap(list) => {
            let mut pairs = Vec::new();
            for pair in list.iter().filter_map(Value::items) {
                pairs.push((gotext::plain(&pair[0]), plain_data(&pair[1])?));
            }
            pairs.sort_by(|a, b| natural(&a.0, &b.0));
            Data::Map(pairs)
        }
        Value::Struct(record) => {
            let field = |f: &(&str, &'static str, bool, Value)| Ok((f.0.to_lowercase(), plain_data(&f.3)?));
            Data::Map(record.fields.iter().map(field).collect::<Result<_, String>>()?)
        }
        Value::Secret(inner) => plain_data(inner)?,
        Value::Version(v, _) => Data::Text(v.to_string()),
        Value::Zone(_) => Data::Map(Vec::new()),
        Value::Method(..) | Value::Unknown(_) => {
            return Err(format!("YAML cannot hold a {}", value.go_type()));
        }
    })
}

/// Writes a node whose first character belongs at the current place; ends with a line break.
fn node(data: &Data, indent: usize, place: Place, out: &mut String) {
    // The column of what is nested in this node.
    let deeper = match place {
        Place::Root => 0,
        Place::InList => indent + 2,
        Place::InMap => (indent + 4) / 4 * 4,
    };
    match data {
        Data::Scalar(text) => line(text, place, out),
        Data::Text(text) => {
            let written = scalar(text, if place == Place::Root { 4 } else { deeper });
            line(&written, place, out);
        }
        Data::List(items) if items.is_empty() => line("[]", place, out),
        Data::Map(pairs) if pairs.is_empty() => line("{}", place, out),
        Data::List(items) => {
            start(place, out);
            for (i, item) in items.iter().enumerate() {
                if i > 0 || place != Place::InList {
                    pad(deeper, out);
                }
                out.push('-');
                node(item, deeper, Place::InList, out);
            }
        }
        Data::Map(pairs) => {
            start(place, out);
            for (i, (key, value)) in pairs.iter().enumerate() {
                if i > 0 || place != Place::InList {
                    pad(deeper, out);
                }
                let written = key_text(key);
                if key.len() > 128 {
                    let _ = write!(out, "? {written}\n{}:", " ".repeat(deeper));
                    node(value, deeper, Place::InMap, out);
                } else {
                    let _ = write!(out, "{written}:");
                    node(value, deeper, Place::InMap, out);
                }
            }
        }
    }
}

fn pad(columns: usize, out: &mut String) {
    out.push_str(&" ".repeat(columns));
}

fn start(place: Place, out: &mut String) {
    match place {
        Place::Root => {}
        Place::InMap => out.push('\n'),
        Place::InList => out.push(' '),
    }
}

fn line(text: &str, place: Place, out: &mut String) {
    if place != Place::Root {
        out.push(' ');
    }
    out.push_str(text);
    if !out.ends_with('\n') || !text.starts_with('|') {
        out.push('\n');
    }
}

fn key_text(key: &str) -> String {
    match analyse(key) {
        _ if key.contains('\n') => double(key),
        _ if key.is_empty() => "\"\"".into(),
        shape => styled(key, &shape),
    }
}

fn scalar(text: &str, indent: usize) -> String {
    let shape = analyse(text);
    if text.contains('\n') { if shape.block { literal(text, indent) } else { double(text) } } else { styled(text, &shape) }
}

fn styled(text: &str, shape: &Shape) -> String {
    if looks_typed(text) || !shape.single && !shape.plain {
        double(text)
    } else if shape.plain {
        text.to_string()
    } else {
        format!("'{}'", text.replace('\'', "''"))
    }
}

fn literal(text: &str, indent: usize) -> String {
    let mut out = String::from("|");
    if text.starts_with([' ', '\n', '\u{85}', '\u{2028}', '\u{2029}']) {
        out.push('4');
    }
    if !text.ends_with('\n') {
        out.push('-');
    } else if text == "\n" || text.ends_with("\n\n") {
        out.push('+');
    }
    out.push('\n');
    let body = text.strip_suffix('\n').unwrap_or(text);
    for line in body.split('\n') {
        if !line.is_empty() {
            pad(indent, &mut out);
            out.push_str(line);
        }
        out.push('\n');
    }
    out
}

fn double(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\0' => out.push_str("\\0"),
            '\x07' => out.push_str("\\a"),
            '\x08' => out.push_str("\\b"),
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\x0b' => out.push_str("\\v"),
            '\x0c' => out.push_str("\\f"),
            '\r' => out.push_str("\\r"),
            '\x1b' => out.push_str("\\e"),
            '\u{85}' => out.push_str("\\N"),
            '\u{a0}' => out.push_str("\\_"),
            '\u{2028}' => out.push_str("\\L"),
            '\u{2029}' => out.push_str("\\P"),
            c if printable(c) => out.push(c),
            c if (c as u32) <= 0xff => drop(write!(out, "\\x{:02X}", c as u32)),
            c if (c as u32) <= 0xffff => drop(write!(out, "\\u{:04X}", c as u32)),
            c => drop(write!(out, "\\U{:08X}", c as u32)),
        }
    }
    out.push('"');
    out
}

fn printable(c: char) -> bool {
    matches!(c, '\n' | ' '..='~' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fefe}' | '\u{ff00}'..='\u{fffd}')
}

struct Shape {
    plain: bool,
    single: bool,
    block: bool,
}

/// What a text holds decides how it may be written.
fn analyse(text: &str) -> Shape {
    let chars: Vec<char> = text.chars().collect();
    if chars.is_empty() {
        return Shape { plain: false, single: true, block: false };
    }
    let is_break = |c: char| matches!(c, '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}');
    let blank = |c: Option<&char>| c.is_none_or(|c| matches!(c, ' ' | '\t') || is_break(*c));
    let (mut indicator, mut special, mut breaks, mut tab) =
        (text.starts_with("---") || text.starts_with("..."), false, false, false);
    let (mut break_space, mut space_break) = (false, false);
    let mut before = None;
    for (i, c) in chars.iter().enumerate() {
        let followed = blank(chars.get(i + 1));
        indicator |= match c {
            '#' if i > 0 => blank(before),
            ':' => followed,
            _ if i > 0 => false,
            '#' | ',' | '[' | ']' | '{' | '}' | '&' | '*' | '!' | '|' | '>' | '\'' | '"' | '%' | '@' | '`' => true,
            '-' | '?' => followed,
            _ => false,
        };
        tab |= *c == '\t';
        special |= !printable(*c) && *c != '\t' || *c == '\u{feff}';
        breaks |= is_break(*c);
        if *c == ' ' {
            break_space |= before.is_some_and(|b| is_break(*b));
        } else if is_break(*c) {
            space_break |= before == Some(&' ');
        }
        before = Some(c);
    }
    let (first, last) = (chars[0], chars[chars.len() - 1]);
    let edges = first == ' ' || last == ' ' || is_break(first) || is_break(last);
    let single = !(special || space_break || tab);
    Shape {
        plain: !(edges || breaks || indicator || special || tab || break_space || space_break),
        single: single && !break_space,
        block: !(special || space_break || last == ' '),
    }
}

/// Whether a plain text would be read as something other than text.
fn looks_typed(text: &str) -> bool {
    const WORDS: [&str; 23] = [
        "", "~", "null", "Null", "NULL", "true", "True", "TRUE", "false", "False", "FALSE", ".nan", ".NaN", ".NAN", ".inf",
        ".Inf", ".INF", "+.inf", "+.Inf", "+.INF", "-.inf", "-.Inf", "-.INF",
    ];
    const OLD: [&str; 16] = ["y", "Y", "yes", "Yes", "YES", "on", "On", "ON", "n", "N", "no", "No", "NO", "off", "Off", "OFF"];
    if WORDS.contains(&text) || OLD.contains(&text) {
        return true;
    }
    if !text.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c)) {
        return false;
    }
    number(text) || base_sixty(text) || timestamp(text)
}

fn number(text: &str) -> bool {
    let clean = text.replace('_', "");
    let (unsigned, negative) = match clean.strip_prefix(['+', '-']) {
        Some(rest) => (rest, clean.starts_with('-')),
        None => (clean.as_str(), false),
    };
    let lower = unsigned.to_ascii_lowercase();
    for (prefix, radix) in [("0x", 16), ("0b", 2), ("0o", 8)] {
        if let Some(digits) = lower.strip_prefix(prefix) {
            return !digits.is_empty() && u64::from_str_radix(digits, radix).is_ok() && !(negative && digits.starts_with('-'));
        }
    }
    if !unsigned.is_empty() && unsigned.bytes().all(|b| b.is_ascii_digit()) {
        return true;
    }
    let (mantissa, exponent) = match lower.split_once('e') {
        Some((m, e)) => (m, Some(e)),
        None => (lower.as_str(), None),
    };
    let digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let mantissa_fits = digits(whole) && digits(fraction) && !(whole.is_empty() && fraction.is_empty());
    let exponent_fits = exponent.is_none_or(|e| {
        let e = e.strip_prefix(['+', '-']).unwrap_or(e);
        !e.is_empty() && digits(e)
    });
    mantissa_fits && exponent_fits && gotext::parse_float(&clean).is_some()
}

fn base_sixty(text: &str) -> bool {
    let body = text.strip_prefix(['+', '-']).unwrap_or(text);
    let mut parts = body.split(':');
    let first = parts.next().unwrap_or_default();
    if !first.starts_with(|c: char| c.is_ascii_digit()) || !first.bytes().all(|b| b.is_ascii_digit() || b == b'_') {
        return false;
    }
    let rest: Vec<&str> = parts.collect();
    !rest.is_empty()
        && rest.iter().enumerate().all(|(i, part)| {
            let (whole, fraction) = match part.split_once('.') {
                Some((w, f)) if i + 1 == rest.len() => (w, f),
                Some(_) => return false,
                None => (*part, ""),
            };
            let fits = match whole.as_bytes() {
                [a] => a.is_ascii_digit(),
                [a, b] => (b'0'..=b'5').contains(a) && b.is_ascii_digit(),
                _ => false,
            };
            fits && fraction.bytes().all(|b| b.is_ascii_digit() || b == b'_')
        })
}

fn timestamp(text: &str) -> bool {
    let year = text.bytes().take_while(u8::is_ascii_digit).count();
    if year != 4 || !text[4..].starts_with('-') {
        return false;
    }
    ["2006-1-2T15:4:5.999999999Z07:00", "2006-1-2t15:4:5.999999999Z07:00", "2006-1-2 15:4:5.999999999", "2006-1-2"]
        .iter()
        .any(|layout| crate::time::parse(text, layout, None).is_some())
}

/// go-yaml's order of keys: digits by value, letters after the rest.
fn natural(a: &str, b: &str) -> Ordering {
    if a == b {
        Ordering::Equal
    } else if less(a, b) {
        Ordering::Less
    } else {
        Ordering::Greater
    }
}

fn less(a: &str, b: &str) -> bool {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let digit = |c: char| c.is_ascii_digit();
    let mut digits = false;
    for i in 0..a.len().min(b.len()) {
        if a[i] == b[i] {
            digits = digit(a[i]);
            continue;
        }
        let (al, bl) = (a[i].is_alphabetic(), b[i].is_alphabetic());
        if al && bl {
            return a[i] < b[i];
        }
        if al || bl {
            return if digits { al } else { bl };
        }
        let (mut an, mut bn): (u64, u64) = (0, 0);
        if a[i] == '0' || b[i] == '0' {
            let significant = a[..i].iter().rev().take_while(|c| digit(**c)).any(|c| *c != '0');
            if significant {
                (an, bn) = (1, 1);
            }
        }
        let run = |chars: &[char], mut n: u64| {
            let mut end = i;
            while end < chars.len() && digit(chars[end]) {
                n = n.wrapping_mul(10).wrapping_add(u64::from(chars[end].to_digit(10).unwrap_or(0)));
                end += 1;
            }
            (n, end)
        };
        let ((an, ai), (bn, bi)) = (run(&a, an), run(&b, bn));
        return if an != bn {
            an < bn
        } else if ai != bi {
            ai < bi
        } else {
            a[i] < b[i]
        };
    }
    a.len() < b.len()
}
