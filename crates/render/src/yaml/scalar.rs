//! How a value is written as a YAML scalar, so that whoever reads it reads the same.

use serde_json::Value;

/// The text of a value: strings bare where nothing reads them as something else, else double-quoted; numbers and booleans as they are;
/// lists and maps in flow style.
///
/// `flow` says that the value stands inside `[…]` or `{…}`, where a few more characters need quotes.
pub fn scalar_text(value: &Value, flow: bool) -> String {
    match value {
        Value::String(text) if is_plain(text, flow) => text.clone(),
        Value::String(text) => quoted_text(text),
        Value::Number(number) => number_text(number),
        other => other.to_string(),
    }
}

/// Whole numbers without a point or exponent, whatever way they arrived.
fn number_text(number: &serde_json::Number) -> String {
    match number.as_f64() {
        Some(float) if number.is_f64() && float.fract() == 0.0 && float.abs() < 1e15 => format!("{float:.0}"),
        _ => number.to_string(),
    }
}

/// A JSON string is a YAML double-quoted scalar, but for what JSON leaves raw and YAML calls unprintable.
pub(super) fn quoted_text(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    for character in serde_json::Value::String(text.to_owned()).to_string().chars() {
        match character {
            '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{feff}' => {
                out.push_str(&format!("\\u{:04x}", u32::from(character)))
            }
            other => out.push(other),
        }
    }
    out
}

/// Would every reader (YAML 1.1 and 1.2, JSON, Go) take these characters for this string?
fn is_plain(text: &str, flow: bool) -> bool {
    let Some(first) = text.chars().next() else { return false };
    if text != text.trim() || text.chars().any(|c| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{85}'))
    {
        return false;
    }
    if matches!(first, '!' | '&' | '*' | '|' | '>' | '\'' | '"' | '%' | '@' | '`' | '#' | ',' | '[' | ']' | '{' | '}') {
        return false;
    }
    if matches!(first, '-' | '?' | ':') && text.chars().nth(1).is_none_or(char::is_whitespace) {
        return false;
    }
    if text.contains(": ") || text.contains(" #") || text.ends_with(':') || text.starts_with("---") || text.starts_with("...") {
        return false;
    }
    if flow && text.contains([',', '[', ']', '{', '}', ':']) {
        return false;
    }
    !reads_as_something_else(text)
}

/// Null, booleans, numbers, dates and the merge key, in any dialect.
fn reads_as_something_else(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    if matches!(
        lower.as_str(),
        "null" | "~" | "true" | "false" | "yes" | "no" | "on" | "off" | "t" | "f" | "y" | "n" | "<<" | "="
    ) {
        return true;
    }
    let bare = lower.strip_prefix(['+', '-']).unwrap_or(&lower);
    if matches!(bare, ".inf" | ".nan" | "inf" | "infinity" | "nan") {
        return true;
    }
    if !bare.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return serde_json::from_str::<Value>(text).is_ok();
    }
    let digits = bare.replace('_', "");
    let prefixed = ["0x", "0o", "0b"].iter().any(|prefix| {
        digits.strip_prefix(prefix).is_some_and(|rest| {
            !rest.is_empty() && rest.chars().all(|c| c.is_ascii_hexdigit() || matches!(c, '.' | 'p' | '-' | '+'))
        })
    });
    let sexagesimal = digits.contains(':')
        && digits.split(':').all(|part| !part.is_empty() && part.chars().all(|c| c.is_ascii_digit() || c == '.'));
    let date = bare.len() >= 8
        && bare
            .split(['t', ' '])
            .next()
            .is_some_and(|day| day.split('-').count() == 3 && day.split('-').all(|p| p.parse::<u32>().is_ok()));
    prefixed || sexagesimal || date || digits.parse::<f64>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check(value: Value, expected: &str) {
        let text = scalar_text(&value, false);
        assert_eq!(text, expected);
        let read: Value = serde_saphyr::from_str(&text).unwrap();
        match (&value, &read) {
            (Value::Number(a), Value::Number(b)) => assert_eq!(a.as_f64(), b.as_f64()),
            _ => assert_eq!(value, read, "{text}"),
        }
    }

    #[test]
    fn a_string_is_read_back_as_that_string() {
        check(json!("v2.0.0"), "v2.0.0");
        check(json!("1.10"), "\"1.10\"");
        check(json!("yes"), "\"yes\"");
        check(json!("0x10"), "\"0x10\"");
        check(json!("1_000"), "\"1_000\"");
        check(json!("12:30"), "\"12:30\"");
        check(json!("2026-11-21"), "\"2026-11-21\"");
        check(json!("a: b"), "\"a: b\"");
        check(json!("#b"), "\"#b\"");
        check(json!("@x"), "\"@x\"");
        check(json!(""), "\"\"");
        check(json!("line\nnext"), "\"line\\nnext\"");
        check(json!("sha256:abc"), "sha256:abc");
        check(json!("-x"), "-x");
        check(json!("ключ"), "ключ");
    }

    #[test]
    fn numbers_keep_their_digits() {
        check(json!(1_000_000.0), "1000000");
        check(json!(42), "42");
        check(json!(0.25), "0.25");
        check(json!(true), "true");
        check(json!(null), "null");
    }
}
