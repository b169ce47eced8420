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
    /// `newName`.
    pub new_name: Field,
    /// `newTag`.
    pub tag: Field,
    /// `digest`.
    pub digest: Field,
}

/// What becomes of a field of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Field {
    /// It says this.
    Set(String),
    /// It stays as it is, there or not.
    Keep,
    /// It goes.
    Drop,
}

impl Field {
    fn value(&self) -> Option<&str> {
        match self {
            Self::Set(value) => Some(value),
            Self::Keep | Self::Drop => None,
        }
    }
}

impl ImageChange {
    fn fields(&self) -> [(&'static str, &Field); 3] {
        [("newName", &self.new_name), ("newTag", &self.tag), ("digest", &self.digest)]
    }
}

/// Changes or adds the entries of `images:`; other entries, comments and layout stay.
///
/// # Errors
/// [`YamlError`] if the file is no YAML map, or its `images` is no list of maps.
pub fn set_images(text: &str, changes: &[ImageChange]) -> Result<String, YamlError> {
    changes.iter().try_fold(text.to_owned(), |text, change| set_image(&text, change))
}

/// The images that the file sets, as `name[=newName]:tag@digest` is written in a message: sorted, each once.
///
/// # Errors
/// [`YamlError`] if the file is no YAML.
pub fn images(text: &str) -> Result<Vec<String>, YamlError> {
    let nodes = documents(text)?;
    let Some(Kind::List { items, .. }) = nodes.first().and_then(|root| root.get("images")).map(|node| &node.kind) else {
        return Ok(Vec::new());
    };
    let mut images: Vec<(String, String)> = Vec::new();
    for item in items {
        let field = |key: &str| item.get(key).and_then(Node::text).filter(|text| !text.is_empty());
        let name = field("name").unwrap_or_default();
        let mut image = field("newName").unwrap_or(name).to_owned();
        for (lead, key) in [(":", "newTag"), ("@", "digest")] {
            if let Some(value) = field(key) {
                image.push_str(lead);
                image.push_str(value);
            }
        }
        images.push((name.to_owned(), image));
    }
    images.sort();
    images.dedup();
    Ok(images.into_iter().map(|(_, image)| image).collect())
}

fn set_image(text: &str, change: &ImageChange) -> Result<String, YamlError> {
    let nodes = documents(text)?;
    let Some(root) = nodes.first() else { return Ok(with_new_list(text, change)) };
    let Kind::Map { flow, entries } = &root.kind else {
        return Err(YamlError::NotScalar { key: "kustomization".into(), what: "list", line: root.line });
    };
    match root.get("images").map(|node| (node, &node.kind)) {
        None if *flow => Ok(with_new_flow_list(text, root, entries.is_empty(), change)),
        None => Ok(with_new_list(text, change)),
        Some((node, Kind::List { items, flow })) => {
            let mut its = items.iter().rev().filter(|item| is_for(item, change)).peekable();
            if its.peek().is_some() {
                // Of several entries for one image kustomize takes the last: all of them say the same. Last first: places stay true.
                its.try_fold(text.to_owned(), |text, item| change_entry(&text, item, change))
            } else if items.is_empty() && is_flow(root) {
                Ok(apply(text, vec![(node.span.start, node.span.end, format!("[{}]", flow_entry(change)))]))
            } else if items.is_empty() {
                replace_empty_list(text, node, root, change)
            } else if *flow {
                Ok(insert(text, items[items.len() - 1].span.end, &format!(", {}", flow_entry(change))))
            } else {
                Ok(add_entry(text, items, change))
            }
        }
        Some((node, Kind::Scalar { value, .. })) if value.is_empty() || value == "null" || value == "~" => {
            replace_empty_list(text, node, root, change)
        }
        Some((node, _)) => Err(YamlError::NotScalar { key: "images".into(), what: "map", line: node.line }),
    }
}

fn is_flow(node: &Node) -> bool {
    matches!(node.kind, Kind::Map { flow: true, .. })
}

/// A kustomization in braces gets its list before the last of them.
fn with_new_flow_list(text: &str, root: &Node, is_empty: bool, change: &ImageChange) -> String {
    let close = text[..root.span.end].rfind('}').unwrap_or(root.span.end);
    let end = text[..close].trim_end().len();
    insert(text, end, &format!("{}\"images\": [{}]", if is_empty { "" } else { ", " }, flow_entry(change)))
}

fn is_for(item: &Node, change: &ImageChange) -> bool {
    item.get("name").and_then(Node::text) == Some(&change.name)
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
    let Kind::Map { entries, flow } = &item.kind else { return Err(YamlError::Empty) };
    let written = |value: &str| scalar_text(&Value::String(value.to_owned()), *flow);
    // From the end of the text to its start, so that earlier places stay true.
    let mut edits: Vec<(usize, usize, String)> = Vec::new();
    let mut insertions = Vec::new();
    for (key, value) in change.fields().into_iter().filter_map(|(key, field)| Some((key, field.value()?))) {
        match entries.iter().find(|(name, _)| name.text() == Some(key)) {
            Some((_, node)) if node.text() == Some(value) => {}
            Some((_, node)) if !node.span.is_empty() => edits.push((node.span.start, node.span.end, written(value))),
            Some((name, _)) => {
                let colon = text[name.span.end..].find(':').map_or(name.span.end, |at| name.span.end + at + 1);
                edits.push((colon, colon, format!(" {}", written(value))));
            }
            None => insertions.push(format!("{key}: {}", written(value))),
        }
    }
    for (key, _) in change.fields().into_iter().filter(|(_, field)| **field == Field::Drop) {
        let Some(index) = entries.iter().position(|(name, _)| name.text() == Some(key)) else { continue };
        let (name, node) = &entries[index];
        match insertions.pop() {
            // The place of the one is taken by the other: the smallest difference.
            Some(insertion) => edits.push((name.span.start, node.span.end.max(name.span.end), insertion)),
            None if *flow => remove_flow(entries, index, &mut edits),
            None => remove_line(text, entries, index, &mut edits),
        }
    }
    if let (Some((_, last)), false) = (entries.last(), insertions.is_empty()) {
        if *flow {
            edits.push((last.span.end, last.span.end, insertions.iter().map(|entry| format!(", {entry}")).collect()));
        } else {
            let (end, newline, indent) = (entry_end(text, item), newline(text), " ".repeat(entries[0].0.column));
            let lines: String = insertions.iter().map(|entry| format!("{indent}{entry}{newline}")).collect();
            let lead = if text[..end].ends_with('\n') { "" } else { newline };
            edits.push((end, end, format!("{lead}{lines}")));
        }
    }
    Ok(apply(text, edits))
}

fn remove_flow(entries: &[(Node, Node)], index: usize, edits: &mut Vec<(usize, usize, String)>) {
    let (key, node) = &entries[index];
    let next = entries.get(index + 1).map(|(key, _)| key.span.start);
    let previous = index.checked_sub(1).map(|before| entries[before].1.span.end);
    edits.push(match (next, previous) {
        (Some(next), _) => (key.span.start, next, String::new()),
        (None, Some(previous)) => (previous, node.span.end, String::new()),
        (None, None) => (key.span.start, node.span.end, String::new()),
    });
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
    let set = change.fields().into_iter().filter_map(|(key, field)| Some((key, field.value()?)));
    std::iter::once(("name", change.name.as_str())).chain(set).collect()
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
        ImageChange { name: name.into(), new_name: Field::Drop, tag: Field::Set(tag.into()), digest: Field::Drop }
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
    fn a_name_that_is_kept_stays_and_one_that_is_not_goes() {
        let mut change = tag("a", "v2");
        check(
            "images:\n- name: a\n  newName: b\n  newTag: v1\n- name: c\n",
            &change,
            "images:\n- name: a\n  newTag: v2\n- name: c\n",
        );
        change.new_name = Field::Keep;
        check("images:\n- name: a\n  newName: b\n  newTag: v1\n", &change, "images:\n- name: a\n  newName: b\n  newTag: v2\n");
        change.digest = Field::Set("sha256:1".into());
        check("images:\n- name: a\n  newTag: v1\n", &change, "images:\n- name: a\n  newTag: v2\n  digest: sha256:1\n");
        check(
            "images:\n- name: a\n  newTag: v1\n- name: a\n  newTag: v0\n",
            &tag("a", "v2"),
            "images:\n- name: a\n  newTag: v2\n- name: a\n  newTag: v2\n",
        );
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
        check("{\"resources\": []}\n", &tag("b", "v2"), "{\"resources\": [], \"images\": [{name: b, newTag: v2}]}\n");
        check("{images: []}\n", &tag("b", "v2"), "{images: [{name: b, newTag: v2}]}\n");
        check("{images: [{name: b}], x: 1}\n", &tag("b", "v2"), "{images: [{name: b, newTag: v2}], x: 1}\n");
        check("a: 1\r\n", &tag("b", "v2"), "a: 1\r\nimages:\r\n- name: b\r\n  newTag: v2\r\n");
    }
}
