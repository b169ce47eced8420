//! Sets single values in a YAML text and proves that nothing else changed.

use super::scalar::quoted_text;
use super::tree::Meaning;
use super::{Kind, Node, YamlError, documents, scalar_text};
use granit_parser::ScalarStyle;
use serde_json::Value;
use std::ops::Range;

/// One value to set.
#[derive(Debug, Clone, PartialEq)]
pub struct Edit {
    /// Where: parts joined by dots; `\.` and `\:` escape; a whole number indexes a list, `:1` is the key `1`.
    pub key: String,
    /// What.
    pub value: Value,
}

/// Sets existing scalars of the first document, in order, and keeps every other byte: comments, quotes, line ends, other documents.
///
/// Returns the text and, for each edit, how its value stands in the file.
///
/// # Errors
/// [`YamlError`]; nothing is changed then. A key must exist and must lead to a single value.
pub fn set_scalars(text: &str, edits: &[Edit]) -> Result<(String, Vec<String>), YamlError> {
    let mut text = text.to_owned();
    let mut written = Vec::with_capacity(edits.len());
    for edit in edits {
        let (next, value) = set_scalar(&text, edit)?;
        text = next;
        written.push(value);
    }
    Ok((text, written))
}

fn set_scalar(text: &str, edit: &Edit) -> Result<(String, String), YamlError> {
    let before = documents(text)?;
    let root = before.first().ok_or(YamlError::Empty)?;
    let found = find(root, &edit.key)?;
    let (what, line) = (found.node, found.node.line);
    match what.kind {
        Kind::List { .. } => return Err(YamlError::NotScalar { key: edit.key.clone(), what: "list", line }),
        Kind::Map { .. } => return Err(YamlError::NotScalar { key: edit.key.clone(), what: "map", line }),
        Kind::Scalar { .. } | Kind::Alias(_) => {}
    }
    let value = match (&what.kind, &edit.value) {
        // What stands in quotes within braces may be JSON, and is to stay so.
        (Kind::Scalar { .. }, Value::String(value)) if found.flow && text[what.span.clone()].starts_with('"') => {
            quoted_text(value)
        }
        (_, value) => scalar_text(value, found.flow),
    };
    let (place, prefix) = place(text, &found);
    let mut next = String::with_capacity(text.len() + value.len());
    next.push_str(&text[..place.start]);
    next.push_str(prefix);
    next.push_str(&value);
    next.push_str(&text[place.end..]);
    // An edit that cannot be proven is not made: the reading after it must differ in this one value only.
    let after = documents(&next).map_err(|_| YamlError::Unsafe { key: edit.key.clone(), line })?;
    if !only_this_changed(&before, &after, &found.path, &value) {
        return Err(YamlError::Unsafe { key: edit.key.clone(), line });
    }
    Ok((next, value))
}

struct Found<'a> {
    node: &'a Node,
    /// The node after which its value is written: its key, if it stands in a map.
    key: Option<&'a Node>,
    flow: bool,
    path: Vec<usize>,
}

fn find<'a>(root: &'a Node, key: &str) -> Result<Found<'a>, YamlError> {
    let mut found = Found { node: root, key: None, flow: false, path: Vec::new() };
    let mut at = String::new();
    for part in parts(key) {
        let missing = |has: String| YamlError::Missing {
            key: key.to_owned(),
            at: if at.is_empty() { "the document".to_owned() } else { format!("`{at}`") },
            part: part.name.clone(),
            has,
        };
        match &found.node.kind {
            Kind::Map { entries, flow } => {
                let index =
                    entries.iter().position(|(name, _)| name.text() == Some(&part.name)).ok_or_else(|| missing(keys(entries)))?;
                found.path.push(index);
                (found.key, found.flow, found.node) = (Some(&entries[index].0), found.flow || *flow, &entries[index].1);
            }
            Kind::List { items, flow } => {
                let index = part
                    .index
                    .filter(|index| *index < items.len())
                    .ok_or_else(|| missing(format!("{} items, counted from 0", items.len())))?;
                found.path.push(index);
                (found.key, found.flow, found.node) = (None, found.flow || *flow, &items[index]);
            }
            Kind::Scalar { .. } | Kind::Alias(_) => return Err(missing("a single value".to_owned())),
        }
        if !at.is_empty() {
            at.push('.');
        }
        at.push_str(&part.name);
    }
    Ok(found)
}

fn keys(entries: &[(Node, Node)]) -> String {
    let names: Vec<&str> = entries.iter().filter_map(|(name, _)| name.text()).take(12).collect();
    if names.is_empty() { "nothing".to_owned() } else { names.join(", ") }
}

struct Part {
    name: String,
    index: Option<usize>,
}

/// Splits a key: dots part, `\.` and `\:` stand for themselves, a leading `:` says *not an index*.
fn parts(key: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut name = String::new();
    let mut escaped_colon = false;
    let mut chars = key.chars().peekable();
    let mut finish = |name: &mut String, escaped_colon: &mut bool| {
        let hinted = !*escaped_colon && name.starts_with(':') && name.len() > 1;
        let text = if hinted { name[1..].to_owned() } else { name.clone() };
        let index = if hinted { None } else { text.parse().ok() };
        parts.push(Part { name: text, index });
        name.clear();
        *escaped_colon = false;
    };
    while let Some(c) = chars.next() {
        match c {
            '\\' if matches!(chars.peek(), Some('.' | ':' | '\\')) => {
                let next = chars.next().unwrap_or('\\');
                escaped_colon |= next == ':' && name.is_empty();
                name.push(next);
            }
            '.' => finish(&mut name, &mut escaped_colon),
            c => name.push(c),
        }
    }
    finish(&mut name, &mut escaped_colon);
    parts
}

/// The bytes to replace, and what to put before the value.
fn place(text: &str, found: &Found<'_>) -> (Range<usize>, &'static str) {
    let node = found.node;
    match &node.kind {
        Kind::Scalar { style: ScalarStyle::Literal | ScalarStyle::Folded, .. } => {
            let from = found.key.map_or(0, |key| key.span.end).max(node.tag_end.unwrap_or(0));
            let header = text[from..node.span.start].find(['|', '>']).map_or(node.span.start, |at| from + at);
            let body = text[header..node.span.end].trim_end();
            (header..header + body.len(), "")
        }
        Kind::Scalar { value, style: ScalarStyle::Plain } if value.is_empty() => {
            let after = node.tag_end.unwrap_or_else(|| empty_place(text, found));
            (after..after, " ")
        }
        _ => (node.span.clone(), ""),
    }
}

/// An empty value is written right behind its `:` (or `-`).
fn empty_place(text: &str, found: &Found<'_>) -> usize {
    let bytes = text.as_bytes();
    if let Some(key) = found.key {
        return text[key.span.end..].find(':').map_or(key.span.end, |at| key.span.end + at + 1);
    }
    let mut at = found.node.span.start;
    while at > 0 && bytes[at - 1] != b'-' {
        at -= 1;
    }
    at
}

/// Compares two readings, the node at `path` of the first document left out; there the new value must stand.
fn only_this_changed(before: &[Node], after: &[Node], path: &[usize], value: &str) -> bool {
    before.len() == after.len()
        && before.iter().zip(after).enumerate().all(|(index, (before, after))| {
            if index == 0 {
                same_but(&before.meaning(), &after.meaning(), path, value)
            } else {
                before.meaning() == after.meaning()
            }
        })
}

fn same_but(before: &Meaning<'_>, after: &Meaning<'_>, path: &[usize], value: &str) -> bool {
    let Some((&step, rest)) = path.split_first() else {
        let expected = documents(value).ok();
        return expected.as_ref().and_then(|nodes| nodes.first()).is_some_and(|node| node.meaning() == *after);
    };
    match (before, after) {
        (Meaning::List(before), Meaning::List(after)) => {
            before.len() == after.len()
                && before
                    .iter()
                    .zip(after)
                    .enumerate()
                    .all(|(index, (b, a))| if index == step { same_but(b, a, rest, value) } else { b == a })
        }
        (Meaning::Map(before), Meaning::Map(after)) => {
            before.len() == after.len()
                && before.iter().zip(after).enumerate().all(|(index, (b, a))| {
                    b.0 == a.0 && if index == step { same_but(&b.1, &a.1, rest, value) } else { b.1 == a.1 }
                })
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check(text: &str, key: &str, value: Value, expected: &str) {
        let edit = Edit { key: key.to_owned(), value };
        match set_scalars(text, std::slice::from_ref(&edit)) {
            Ok((next, _)) => assert_eq!(next, expected, "{key}"),
            Err(err) => assert_eq!(err.to_string(), expected, "{key}"),
        }
    }

    #[test]
    fn exactly_one_scalar_changes() {
        check("a: v1 # c\nb: 2\n", "a", json!("v2"), "a: v2 # c\nb: 2\n");
        check("flow: {a: 1, b: 2}\n", "flow.a", json!(9), "flow: {a: 9, b: 2}\n");
        check("a: 1\r\nb: 2\r\n", "a", json!(2), "a: 2\r\nb: 2\r\n");
        check("a: \"x\" # c\n", "a", json!("z"), "a: z # c\n");
        check("a: x\n", "a", json!("y"), "a: \"y\"\n");
        check("a: |-\n  one\n  two\nb: 1\n", "a", json!("x"), "a: x\nb: 1\n");
        check("a: >\n  one\n\nb: 1\n", "a", json!("x"), "a: x\n\nb: 1\n");
        check("a:\nb: 2\n", "a", json!("x"), "a: x\nb: 2\n");
        check("l:\n- a\n- b: {c: d}\n", "l.1.b.c", json!("e"), "l:\n- a\n- b: {c: e}\n");
        check("ключ: значение # комм\n", "ключ", json!("новое"), "ключ: новое # комм\n");
        check("a: &x 1\nb: *x\n", "b", json!(3), "a: &x 1\nb: 3\n");
        check("a: first\n  second\nb: 1\n", "a", json!("x"), "a: x\nb: 1\n");
        check("{\n  \"a\": 1,\n  \"b\": {\"c\": \"x\"}\n}\n", "b.c", json!("z"), "{\n  \"a\": 1,\n  \"b\": {\"c\": \"z\"}\n}\n");
        check("a.b: 1\n", "a\\.b", json!(2), "a.b: 2\n");
        check("m:\n  \"1\": one\n", "m.:1", json!("x"), "m:\n  \"1\": x\n");
        check("a: 1\n---\na: 2\n", "a", json!(9), "a: 9\n---\na: 2\n");
    }

    #[test]
    fn a_key_that_leads_nowhere_says_what_is_there() {
        check("a: {b: 1, c: 2}\n", "a.x", json!(1), "key `a.x` is not there: `a` has no `x`; it has b, c");
        check("l: [1]\n", "l.3", json!(1), "key `l.3` is not there: `l` has no `3`; it has 1 items, counted from 0");
        check("a: {b: 1}\n", "a", json!(1), "key `a` is a map on line 1; only a single value can be set");
    }
}
