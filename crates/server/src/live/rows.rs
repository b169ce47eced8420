//! Rows as the text that is sent, and what changed of them.

use bytes::Bytes;
use seaway_core::why::Answer;
use serde::Serialize;
use std::collections::BTreeMap;

/// Before the keys of answers about objects that cannot be read.
pub(super) const PARKED: &str = "parked:";

/// The rows of one kind as they were sent last, by name.
pub(super) type Rows = BTreeMap<String, Bytes>;

/// Parked objects have keys of their own: what is said of an object that cannot be read is not what is said of its stage.
pub(super) fn key_of(answer: &Answer) -> String {
    format!("{PARKED}{}/{}", answer.kind, answer.name)
}

pub(super) fn is_parked(key: &str) -> bool {
    key.starts_with(PARKED)
}

/// What a publication says.
#[derive(Default)]
pub(super) struct Change {
    rows: BTreeMap<&'static str, Vec<Bytes>>,
    pub(super) gone: BTreeMap<&'static str, Vec<String>>,
    pub(super) other_stages: bool,
}

impl Change {
    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty() && self.gone.is_empty()
    }

    pub(super) fn text(&self, revision: u64) -> String {
        let mut text = format!("{{\"revision\":{revision}");
        for (key, rows) in &self.rows {
            text.push_str(&format!(",\"{key}\":"));
            list(&mut text, rows.iter());
        }
        if !self.gone.is_empty() {
            text.push_str(",\"gone\":");
            text.push_str(&serde_json::to_string(&self.gone).unwrap_or_else(|_| "{}".to_owned()));
        }
        text.push('}');
        text
    }
}

/// Takes in a row, and notes whether it is another than before.
pub(super) fn put(rows: &mut Rows, key: &'static str, name: String, row: Option<Bytes>, change: &mut Change) {
    match row {
        Some(row) if rows.get(&name) == Some(&row) => {}
        Some(row) => {
            change.rows.entry(key).or_default().push(row.clone());
            rows.insert(name, row);
        }
        None if rows.remove(&name).is_some() => {
            let name = name.strip_prefix(PARKED).map(str::to_owned).unwrap_or(name);
            change.gone.entry(key).or_default().push(name);
        }
        None => {}
    }
}

pub(super) fn json(row: &impl Serialize) -> Bytes {
    // Rows are plain data with text keys: they have a form.
    serde_json::to_vec(row).unwrap_or_else(|_| b"null".to_vec()).into()
}

pub(super) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// Rows as a JSON list; rows are UTF-8 as serde made them.
pub(super) fn list<'a>(text: &mut String, rows: impl Iterator<Item = &'a Bytes>) {
    text.push('[');
    for (n, row) in rows.enumerate() {
        if n > 0 {
            text.push(',');
        }
        text.push_str(&String::from_utf8_lossy(row));
    }
    text.push(']');
}
