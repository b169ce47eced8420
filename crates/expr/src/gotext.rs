//! Text as Go writes and reads it: floats, quoting, JSON, booleans.

use std::fmt::Write as _;

use crate::value::Value;

/// Bytes as text, each broken byte as U+FFFD.
pub(crate) fn lossy(bytes: &[u8]) -> String {
    let mut out = String::new();
    for chunk in bytes.utf8_chunks() {
        out.push_str(chunk.valid());
        chunk.invalid().iter().for_each(|_| out.push('\u{FFFD}'));
    }
    out
}

/// Shortest digits and decimal exponent: value = 0.d1d2… × 10^point.
fn digits(value: f64) -> (String, i32) {
    let text = format!("{:e}", value.abs());
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    (mantissa.replace('.', ""), exponent.parse::<i32>().unwrap_or(0) + 1)
}

fn special(value: f64) -> Option<&'static str> {
    if value.is_nan() {
        Some("NaN")
    } else if value.is_infinite() {
        Some(if value > 0.0 { "+Inf" } else { "-Inf" })
    } else {
        None
    }
}

fn exponent_form(value: f64, pad: bool) -> String {
    let (digits, point) = digits(value);
    let mut out = String::from(if value.is_sign_negative() { "-" } else { "" });
    out.push_str(&digits[..1]);
    if digits.len() > 1 {
        out.push('.');
        out.push_str(&digits[1..]);
    }
    let exponent = point - 1;
    let sign = if exponent < 0 { '-' } else { '+' };
    let width = if pad { 2 } else { 1 };
    let _ = write!(out, "e{sign}{:0width$}", exponent.abs());
    out
}

/// `%g` with the shortest digits.
pub(crate) fn float_g(value: f64) -> String {
    if let Some(text) = special(value) {
        return text.into();
    }
    let exponent = digits(value).1 - 1;
    // The shortest form is decided as if it had a precision of 6 digits.
    if value != 0.0 && !(-4..EXPONENT_FROM).contains(&exponent) { exponent_form(value, true) } else { format!("{value}") }
}

const EXPONENT_FROM: i32 = 6;

/// A float as JSON; `None` if it cannot be.
pub(crate) fn float_json(value: f64) -> Option<String> {
    if !value.is_finite() {
        return None;
    }
    let size = value.abs();
    if size != 0.0 && !(1e-6..1e21).contains(&size) { Some(exponent_form(value, false)) } else { Some(format!("{value}")) }
}

/// `strconv.ParseBool`.
pub(crate) fn parse_bool(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "TRUE" | "true" | "True" => Some(true),
        "0" | "f" | "F" | "FALSE" | "false" | "False" => Some(false),
        _ => None,
    }
}

/// `strconv.ParseFloat(text, 64)`.
pub(crate) fn parse_float(text: &str) -> Option<f64> {
    let (sign, body) = match text.as_bytes().first()? {
        b'-' => (-1.0, &text[1..]),
        b'+' => (1.0, &text[1..]),
        _ => (1.0, text),
    };
    let lower = body.to_ascii_lowercase();
    match lower.as_str() {
        "inf" | "infinity" => return Some(sign * f64::INFINITY),
        "nan" => return (sign > 0.0 && body.len() == text.len()).then_some(f64::NAN),
        _ => {}
    }
    if lower.contains('_') && !underscores_fit(&lower) {
        return None;
    }
    let clean = lower.replace('_', "");
    if let Some(hex) = clean.strip_prefix("0x") {
        return hex_float(hex).map(|v| sign * v);
    }
    if !clean.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        || !clean.chars().all(|c| c.is_ascii_digit() || "e.+-".contains(c))
    {
        return None;
    }
    let value: f64 = clean.parse().ok()?;
    value.is_finite().then_some(sign * value)
}

fn underscores_fit(text: &str) -> bool {
    let hex = text.starts_with("0x");
    let mut before = '^';
    let rest = if hex || text.starts_with("0b") || text.starts_with("0o") {
        before = '0';
        &text[2..]
    } else {
        text
    };
    for c in rest.chars() {
        let now = if c.is_ascii_digit() || (hex && c.is_ascii_hexdigit()) {
            '0'
        } else if c == '_' {
            '_'
        } else {
            '!'
        };
        if (now == '_' && before != '0') || (before == '_' && now != '0') {
            return false;
        }
        before = now;
    }
    before != '_'
}

fn hex_float(text: &str) -> Option<f64> {
    let (mantissa, exponent) = text.split_once('p')?;
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits: String = format!("{whole}{fraction}");
    let plain = exponent.trim_start_matches(['+', '-']);
    if digits.is_empty() || plain.is_empty() || exponent.len() - plain.len() > 1 || !plain.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let mut value = 0.0f64;
    for c in digits.chars() {
        value = value * 16.0 + f64::from(c.to_digit(16)?);
    }
    let exponent: i32 = exponent.parse::<i32>().unwrap_or(if exponent.starts_with('-') { -100_000 } else { 100_000 });
    let shift = exponent.saturating_sub(i32::try_from(fraction.len()).ok()?.saturating_mul(4));
    let mut left = shift.clamp(-5000, 5000);
    while left != 0 {
        let step = left.clamp(-1000, 1000);
        value *= 2f64.powi(step);
        left -= step;
    }
    value.is_finite().then_some(value)
}

/// Whether Go's `%q` shows the character as it is.
fn printable(c: char) -> bool {
    match c {
        ' '..='~' => true,
        '\u{7f}'..='\u{a0}' | '\u{ad}' => false,
        '\u{2000}'..='\u{200f}' | '\u{2028}'..='\u{202f}' | '\u{205f}'..='\u{206f}' | '\u{3000}' | '\u{1680}' => false,
        '\u{feff}' | '\u{fff0}'..='\u{fffb}' | '\u{e000}'..='\u{f8ff}' | '\u{f0000}'..='\u{10ffff}' | '\u{180e}' => false,
        '\u{61c}' | '\u{600}'..='\u{605}' | '\u{6dd}' | '\u{70f}' | '\u{e0000}'..='\u{e007f}' | '\u{fffe}' | '\u{ffff}' => false,
        c => c >= ' ',
    }
}

/// `strconv.Quote`.
pub(crate) fn quote(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\x07' => out.push_str("\\a"),
            '\x08' => out.push_str("\\b"),
            '\x0c' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\x0b' => out.push_str("\\v"),
            c if printable(c) => out.push(c),
            c if c < ' ' || c == '\x7f' => drop(write!(out, "\\x{:02x}", c as u32)),
            c if (c as u32) < 0x10000 => drop(write!(out, "\\u{:04x}", c as u32)),
            c => drop(write!(out, "\\U{:08x}", c as u32)),
        }
    }
    out.push('"');
    out
}

/// A string as Go's encoder writes it, with `<`, `>` and `&` escaped.
pub(crate) fn json_string(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\x08' => out.push_str("\\b"),
            '\x0c' => out.push_str("\\f"),
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => drop(write!(out, "\\u{:04x}", c as u32)),
            c if c < ' ' => drop(write!(out, "\\u{:04x}", c as u32)),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// The value as JSON: compact, or indented by two spaces.
///
/// # Errors
/// Says what JSON cannot hold.
pub(crate) fn json(value: &Value, indent: Option<usize>) -> Result<String, String> {
    let mut out = String::new();
    write_json(value, indent, &mut out)?;
    Ok(out)
}

fn write_json(value: &Value, indent: Option<usize>, out: &mut String) -> Result<(), String> {
    match value {
        Value::Null | Value::NoList => out.push_str("null"),
        Value::Bool(b) => out.push_str(if *b { "true" } else { "false" }),
        Value::Int(i) => drop(write!(out, "{i}")),
        Value::Duration(i) => drop(write!(out, "{i}")),
        Value::Month(i) | Value::Weekday(i) => drop(write!(out, "{i}")),
        Value::Float(f) => out.push_str(&float_json(*f).ok_or_else(|| format!("JSON cannot hold {}", float_g(*f)))?),
        Value::String(s) => out.push_str(&json_string(s)),
        Value::Bytes(b) => {
            use base64::Engine as _;
            let _ = write!(out, "\"{}\"", base64::engine::general_purpose::STANDARD.encode(b));
        }
        Value::List(items) => sequence(out, indent, ('[', ']'), items.iter(), write_json)?,
        Value::Map(map) => sequence(out, indent, ('{', '}'), map.iter(), |(key, item), deeper, out| {
            out.push_str(&json_string(key));
            out.push_str(if deeper.is_some() { ": " } else { ":" });
            write_json(item, deeper, out)
        })?,
        Value::Struct(record) => {
            let shown = record.fields.iter().filter(|f| !(f.2 && empty(&f.3)));
            sequence(out, indent, ('{', '}'), shown, |field, deeper, out| {
                out.push_str(&json_string(field.1));
                out.push_str(if deeper.is_some() { ": " } else { ":" });
                write_json(&field.3, deeper, out)
            })?;
        }
        Value::Time(t) => drop(write!(out, "\"{}\"", t.format("2006-01-02T15:04:05.999999999Z07:00"))),
        Value::Zone(_) => out.push_str("{}"),
        Value::Version(v, _) => drop(write!(out, "\"{v}\"")),
        Value::Secret(v) => write_json(v, indent, out)?,
        Value::Unknown(u) => out.push_str(&json_string(&format!("({})", u.reason))),
        Value::AnyMap(_) | Value::Method(..) => {
            return Err(format!("JSON cannot hold a {}", value.go_type()));
        }
    }
    Ok(())
}

fn empty(value: &Value) -> bool {
    match value {
        Value::Null | Value::NoList | Value::Bool(false) => true,
        Value::String(s) => s.is_empty(),
        Value::List(l) => l.is_empty(),
        Value::Map(m) => m.is_empty(),
        _ => false,
    }
}

fn sequence<T>(
    out: &mut String,
    indent: Option<usize>,
    (open, close): (char, char),
    items: impl Iterator<Item = T>,
    mut write: impl FnMut(T, Option<usize>, &mut String) -> Result<(), String>,
) -> Result<(), String> {
    out.push(open);
    let deeper = indent.map(|i| i + 1);
    let mut any = false;
    for item in items {
        if any {
            out.push(',');
        }
        any = true;
        if let Some(level) = deeper {
            out.push('\n');
            out.push_str(&"  ".repeat(level));
        }
        write(item, deeper, out)?;
    }
    if let (true, Some(level)) = (any, indent) {
        out.push('\n');
        out.push_str(&"  ".repeat(level));
    }
    out.push(close);
    Ok(())
}

/// `fmt.Sprint`.
pub(crate) fn plain(value: &Value) -> String {
    let list = |items: &[Value]| items.iter().map(plain).collect::<Vec<_>>().join(" ");
    match value {
        Value::Null => "<nil>".into(),
        Value::Bool(b) => b.to_string(),
        Value::Int(i) => i.to_string(),
        Value::Float(f) => float_g(*f),
        Value::String(s) => s.to_string(),
        Value::Bytes(b) => format!("[{}]", b.iter().map(u8::to_string).collect::<Vec<_>>().join(" ")),
        Value::List(items) => format!("[{}]", list(items)),
        Value::NoList => "[]".into(),
        Value::Map(m) => {
            format!("map[{}]", m.iter().map(|(k, v)| format!("{k}:{}", plain(v))).collect::<Vec<_>>().join(" "))
        }
        Value::AnyMap(l) => {
            let pair = |p: &Value| p.items().map(|p| p.iter().map(plain).collect::<Vec<_>>().join(":")).unwrap_or_default();
            format!("map[{}]", l.iter().map(pair).collect::<Vec<_>>().join(" "))
        }
        Value::Struct(s) => format!("{{{}}}", s.fields.iter().map(|f| plain(&f.3)).collect::<Vec<_>>().join(" ")),
        Value::Time(t) => t.format("2006-01-02 15:04:05.999999999 -0700 MST"),
        Value::Duration(d) => seaway_base::go_duration::text(*d),
        Value::Month(m) => crate::time::month_name(*m).into(),
        Value::Weekday(d) => crate::time::weekday_name(*d).into(),
        Value::Zone(z) => crate::time::zone_name(z),
        Value::Version(v, _) => v.to_string(),
        Value::Method(..) => "func".into(),
        Value::Secret(v) => plain(v),
        Value::Unknown(u) => format!("({})", u.reason),
    }
}
