//! `kustomization.yaml`: sets images and leaves every other line as it was.

use crate::yaml::{Kind, Node, YamlError, documents, scalar_text};
use serde_json::Value;

/// The names kustomize itself looks for, in its order.
pub const FILE_NAMES: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

/// What an image entry is to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageChange {
    /// The entry's `name`: the image as the manifests write it.
    pub name: String,
    /// `newName`: `None` leaves whatever stands there.
    pub new_name: Option<String>,
    /// `newTag` or `digest`; the other one is removed.
    pub version: ImageVersion,
}

/// What pins an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ImageVersion {
    /// `newTag`.
    Tag(String),
    /// `digest`.
    Digest(String),
}

/// Changes or adds the entries of `images:`; other entries, comments and layout stay.
///
/// # Errors
/// [`YamlError`] if the file is no YAML map, or its `images` is no list of maps.
pub fn set_images(text: &str, changes: &[ImageChange]) -> Result<String, YamlError> {
    changes.iter().try_fold(text.to_owned(), |text, change| set_image(&text, change))
}

fn set_image(text: &str, change: &ImageChange) -> Result<String, YamlError> {
    let nodes = documents(text)?;
    let Some(root) = nodes.first() else { return Ok(with_new_list(text, change)) };
    let Kind::Map { flow: false, .. } = root.kind else {
        return Err(YamlError::NotScalar { key: "kustomization".into(), what: "list", line: root.line });
    };
    match root.get("images").map(|node| (node, &node.kind)) {
        None => Ok(with_new_list(text, change)),
        Some((node, Kind::List { items, flow })) => {
            match items.iter().find(|item| item.get("name").and_then(Node::text) == Some(&change.name)) {
                Some(item) => change_entry(text, item, change),
                None if items.is_empty() => replace_empty_list(text, node, root, change),
                None if *flow => Ok(insert(text, items[items.len() - 1].span.end, &format!(", {}", flow_entry(change)))),
                None => Ok(add_entry(text, items, change)),
            }
        }
        Some((node, Kind::Scalar { value, .. })) if value.is_empty() || value == "null" || value == "~" => {
            replace_empty_list(text, node, root, change)
        }
        Some((node, _)) => Err(YamlError::NotScalar { key: "images".into(), what: "map", line: node.line }),
    }
}

/// `images:` is not there: it goes to the end of the first document.
fn with_new_list(text: &str, change: &ImageChange) -> String {
    let newline = newline(text);
    let end = first_document_end(text);
    let mut head = text[..end].to_owned();
    if !head.is_empty() && !head.ends_with('\n') {
        head.push_str(newline);
    }
    format!("{head}images:{newline}{}{}", block_entry(change, "", newline), &text[end..])
}

fn first_document_end(text: &str) -> usize {
    let mut at = 0;
    let mut content = false;
    for line in text.split_inclusive('\n') {
        if content && (line.starts_with("---") || line.starts_with("...")) {
            return at;
        }
        content |= !line.trim().is_empty() && !line.starts_with('#') && !line.starts_with("---") && !line.starts_with('%');
        at += line.len();
    }
    text.len()
}

/// `images: []` or `images:` becomes a list with one entry.
fn replace_empty_list(text: &str, node: &Node, root: &Node, change: &ImageChange) -> Result<String, YamlError> {
    let Kind::Map { entries, .. } = &root.kind else { return Err(YamlError::Empty) };
    let key = entries.iter().find(|(key, _)| key.text() == Some("images")).map_or(node, |(key, _)| key);
    let colon = text[key.span.end..].find(':').map_or(key.span.end, |at| key.span.end + at + 1);
    let end = if node.span.is_empty() { colon } else { node.span.end.max(colon) };
    let newline = newline(text);
    let entry = block_entry(change, "", newline);
    let entry = entry.trim_end();
    Ok(format!("{}{newline}{entry}{}", &text[..colon], &text[end..]))
}

/// Another entry below the last one, indented alike.
fn add_entry(text: &str, items: &[Node], change: &ImageChange) -> String {
    let last = &items[items.len() - 1];
    let line_start = text[..last.span.start].rfind('\n').map_or(0, |at| at + 1);
    let dash = text[line_start..last.span.start].find('-').unwrap_or(0);
    let indent = " ".repeat(dash);
    let newline = newline(text);
    let end = entry_end(text, last);
    let entry = block_entry(change, &indent, newline);
    if text[..end].ends_with('\n') {
        insert(text, end, &entry)
    } else {
        insert(text, end, &format!("{newline}{}", entry.trim_end()))
    }
}

/// The end of the line on which the entry's last value stands.
fn entry_end(text: &str, node: &Node) -> usize {
    let last = last_byte(node);
    text[last..].find('\n').map_or(text.len(), |at| last + at + 1)
}

fn last_byte(node: &Node) -> usize {
    match &node.kind {
        Kind::Map { entries, flow: false } => {
            entries.last().map_or(node.span.start, |(key, value)| last_byte(value).max(key.span.end))
        }
        Kind::List { items, flow: false } => items.last().map_or(node.span.start, last_byte),
        _ => node.span.end,
    }
}

fn change_entry(text: &str, item: &Node, change: &ImageChange) -> Result<String, YamlError> {
    let (set, value, drop) = match &change.version {
        ImageVersion::Tag(tag) => ("newTag", tag, "digest"),
        ImageVersion::Digest(digest) => ("digest", digest, "newTag"),
    };
    let mut wanted = vec![(set, value.as_str())];
    if let Some(name) = &change.new_name {
        wanted.insert(0, ("newName", name));
    }
    let Kind::Map { entries, flow } = &item.kind else { return Err(YamlError::Empty) };
    // From the end of the text to its start, so that earlier places stay true.
    let mut edits: Vec<(usize, usize, String)> = Vec::new();
    let mut insertions = Vec::new();
    for (key, value) in wanted {
        match item.get(key) {
            Some(node) if !node.span.is_empty() => {
                if node.text() != Some(value) {
                    edits.push((node.span.start, node.span.end, scalar_text(&Value::String(value.to_owned()), *flow)));
                }
            }
            Some(node) => {
                let name = entries.iter().find(|(_, v)| std::ptr::eq(v, node)).map_or(node.span.start, |(key, _)| key.span.end);
                let colon = text[name..].find(':').map_or(name, |at| name + at + 1);
                edits.push((colon, colon, format!(" {}", scalar_text(&Value::String(value.to_owned()), *flow))));
            }
            None => insertions.push(format!("{key}: {}", scalar_text(&Value::String(value.to_owned()), *flow))),
        }
    }
    let dropped = entries.iter().position(|(key, _)| key.text() == Some(drop));
    if let Some(index) = dropped {
        let (key, node) = &entries[index];
        if let (Some(insertion), true) = (insertions.pop(), true) {
            // The place of the one is taken by the other: the smallest difference.
            edits.push((key.span.start, node.span.end.max(key.span.end), insertion));
        } else if *flow {
            let next = entries.get(index + 1).map(|(key, _)| key.span.start);
            let previous = index.checked_sub(1).map(|before| entries[before].1.span.end);
            match (next, previous) {
                (Some(next), _) => edits.push((key.span.start, next, String::new())),
                (None, Some(previous)) => edits.push((previous, node.span.end, String::new())),
                (None, None) => edits.push((key.span.start, node.span.end, String::new())),
            }
        } else {
            remove_line(text, entries, index, &mut edits);
        }
    }
    if let Some((_, last)) = entries.last()
        && !insertions.is_empty()
    {
        let column = entries[0].0.column;
        let newline = newline(text);
        if *flow {
            edits.push((last.span.end, last.span.end, insertions.iter().map(|entry| format!(", {entry}")).collect()));
        } else {
            let end = entry_end(text, item);
            let indent = " ".repeat(column);
            let lines: String = insertions.iter().map(|entry| format!("{indent}{entry}{newline}")).collect();
            let lead = if text[..end].ends_with('\n') { "" } else { newline };
            edits.push((end, end, format!("{lead}{lines}")));
        }
    }
    Ok(apply(text, edits))
}

/// Takes a block entry's line away; of a first entry (`- digest: x`) the next key moves up to the dash.
fn remove_line(text: &str, entries: &[(Node, Node)], index: usize, edits: &mut Vec<(usize, usize, String)>) {
    let (key, node) = &entries[index];
    match entries.get(index + 1) {
        Some((next, _)) if index == 0 => edits.push((key.span.start, next.span.start, String::new())),
        _ => {
            let start = text[..key.span.start].rfind('\n').map_or(0, |at| at + 1);
            let end = text[node.span.end..].find('\n').map_or(text.len(), |at| node.span.end + at + 1);
            edits.push((start, end, String::new()));
        }
    }
}

fn apply(text: &str, mut edits: Vec<(usize, usize, String)>) -> String {
    edits.sort_by_key(|(start, _, _)| std::cmp::Reverse(*start));
    let mut text = text.to_owned();
    for (start, end, with) in edits {
        text.replace_range(start..end, &with);
    }
    text
}

fn insert(text: &str, at: usize, what: &str) -> String {
    format!("{}{what}{}", &text[..at], &text[at..])
}

fn fields(change: &ImageChange) -> Vec<(&'static str, &str)> {
    let mut fields = vec![("name", change.name.as_str())];
    if let Some(name) = &change.new_name {
        fields.push(("newName", name));
    }
    fields.push(match &change.version {
        ImageVersion::Tag(tag) => ("newTag", tag),
        ImageVersion::Digest(digest) => ("digest", digest),
    });
    fields
}

fn block_entry(change: &ImageChange, indent: &str, newline: &str) -> String {
    let lines = fields(change).into_iter().enumerate().map(|(index, (key, value))| {
        let lead = if index == 0 { "- " } else { "  " };
        format!("{indent}{lead}{key}: {}{newline}", scalar_text(&Value::String(value.to_owned()), false))
    });
    lines.collect()
}

fn flow_entry(change: &ImageChange) -> String {
    let fields: Vec<String> = fields(change)
        .into_iter()
        .map(|(key, value)| format!("{key}: {}", scalar_text(&Value::String(value.to_owned()), true)))
        .collect();
    format!("{{{}}}", fields.join(", "))
}

fn newline(text: &str) -> &'static str {
    if text.contains("\r\n") { "\r\n" } else { "\n" }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tag(name: &str, tag: &str) -> ImageChange {
        ImageChange { name: name.into(), new_name: None, version: ImageVersion::Tag(tag.into()) }
    }

    #[track_caller]
    fn check(text: &str, change: &ImageChange, expected: &str) {
        let set = set_images(text, std::slice::from_ref(change)).unwrap();
        assert_eq!(set, expected);
        assert_eq!(set_images(&set, std::slice::from_ref(change)).unwrap(), expected, "a second time changes nothing");
    }

    #[test]
    fn an_entry_is_changed_where_it_stands() {
        check(
            "# c\nimages:\n  - name: a # one\n    newTag: v1 # old\n  - name: b\n    newTag: v1\nresources: [x]\n",
            &tag("b", "v2"),
            "# c\nimages:\n  - name: a # one\n    newTag: v1 # old\n  - name: b\n    newTag: v2\nresources: [x]\n",
        );
        check("images:\n- name: a\n  digest: sha256:1\n", &tag("a", "v2"), "images:\n- name: a\n  newTag: v2\n");
        check("images:\n- digest: x\n  newTag: v1\n  name: a\n", &tag("a", "v2"), "images:\n- newTag: v2\n  name: a\n");
        check("images: [{name: a, newTag: v1}]\n", &tag("a", "1.10"), "images: [{name: a, newTag: \"1.10\"}]\n");
        check("images:\n- name: a\n", &tag("a", "v2"), "images:\n- name: a\n  newTag: v2\n");
        check("images:\n- name: a\n  newTag:\n", &tag("a", "v2"), "images:\n- name: a\n  newTag: v2\n");
    }

    #[test]
    fn an_entry_is_added_in_the_style_of_its_neighbours() {
        check(
            "images:\n  - name: a\n    newTag: v1\n\nresources:\n- x\n",
            &tag("b", "v2"),
            "images:\n  - name: a\n    newTag: v1\n  - name: b\n    newTag: v2\n\nresources:\n- x\n",
        );
        check("resources:\n- x\n", &tag("b", "v2"), "resources:\n- x\nimages:\n- name: b\n  newTag: v2\n");
        check("images: []\nresources: []\n", &tag("b", "v2"), "images:\n- name: b\n  newTag: v2\nresources: []\n");
        check("resources:\n- x", &tag("b", "v2"), "resources:\n- x\nimages:\n- name: b\n  newTag: v2\n");
        check("", &tag("b", "v2"), "images:\n- name: b\n  newTag: v2\n");
        check("a: 1\r\n", &tag("b", "v2"), "a: 1\r\nimages:\r\n- name: b\r\n  newTag: v2\r\n");
    }
}
