//! The entries of `metadata.managedFields`: reading, writing, and folding the oldest into one.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::set::Set;

/// How a manager came to own its fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Operation {
    Apply,
    Update,
}

/// One manager's fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) manager: String,
    pub(super) operation: Operation,
    pub(super) api_version: String,
    pub(super) time: Option<String>,
    pub(super) subresource: Option<String>,
    pub(super) fields: Set,
}

impl Entry {
    pub(super) fn is_applier(&self, manager: &str, subresource: Option<&str>) -> bool {
        self.operation == Operation::Apply && self.manager == manager && self.subresource.as_deref() == subresource
    }

    pub(super) fn is_updater(&self, manager: &str, api_version: &str, subresource: Option<&str>) -> bool {
        self.operation == Operation::Update
            && self.manager == manager
            && self.api_version == api_version
            && self.subresource.as_deref() == subresource
    }

    /// What a conflict with this entry is called.
    pub(super) fn conflict(&self) -> String {
        let mut text = format!("conflict with {:?}", self.manager);
        if let Some(subresource) = &self.subresource {
            text.push_str(&format!(" with subresource {subresource:?}"));
        }
        if self.operation == Operation::Update {
            text.push_str(&format!(" using {}", self.api_version));
            if let Some(time) = &self.time {
                text.push_str(&format!(" at {time}"));
            }
        }
        text
    }
}

/// What a client's object says about managed fields.
pub(super) enum Sent {
    Nothing,
    Reset,
    Entries(Vec<Entry>),
}

pub(super) fn time(now: Timestamp) -> String {
    now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

pub(super) fn sent(object: &Value) -> Sent {
    let Some(list) = object.pointer("/metadata/managedFields").and_then(Value::as_array) else { return Sent::Nothing };
    if list.iter().all(|entry| entry.as_object().is_none_or(Map::is_empty)) {
        return Sent::Reset;
    }
    match decode(object) {
        entries if entries.is_empty() => Sent::Nothing,
        entries => Sent::Entries(entries),
    }
}

/// The entries of an object; those that cannot be read are left out.
pub(super) fn decode(object: &Value) -> Vec<Entry> {
    object.pointer("/metadata/managedFields").and_then(Value::as_array).into_iter().flatten().filter_map(entry).collect()
}

fn entry(value: &Value) -> Option<Entry> {
    let text = |name: &str| value.get(name).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned);
    let operation = match value.get("operation").and_then(Value::as_str)? {
        "Apply" => Operation::Apply,
        "Update" => Operation::Update,
        _ => return None,
    };
    Some(Entry {
        manager: text("manager").unwrap_or_default(),
        operation,
        api_version: text("apiVersion")?,
        time: text("time"),
        subresource: text("subresource"),
        fields: Set::from_fields(value.get("fieldsV1")?),
    })
}

/// Writes the entries into an object, in Kubernetes' order: applies first, then by time and name. Empty ones go.
pub(super) fn encode(mut entries: Vec<Entry>, object: &mut Value) {
    entries.retain(|entry| !entry.fields.is_empty());
    entries.sort_by(|a, b| {
        (a.operation, &a.time, &a.manager, &a.api_version, &a.subresource).cmp(&(
            b.operation,
            &b.time,
            &b.manager,
            &b.api_version,
            &b.subresource,
        ))
    });
    let list: Vec<Value> = entries.iter().map(value).collect();
    let Value::Object(fields) = object else { return };
    let metadata = fields.entry("metadata").or_insert_with(|| json!({}));
    if let Value::Object(metadata) = metadata {
        if list.is_empty() {
            metadata.shift_remove("managedFields");
        } else {
            metadata.insert("managedFields".to_owned(), Value::Array(list));
        }
    }
}

fn value(entry: &Entry) -> Value {
    let mut fields = Map::new();
    fields.insert("manager".to_owned(), entry.manager.as_str().into());
    fields.insert("operation".to_owned(), if entry.operation == Operation::Apply { "Apply" } else { "Update" }.into());
    fields.insert("apiVersion".to_owned(), entry.api_version.as_str().into());
    if let Some(time) = &entry.time {
        fields.insert("time".to_owned(), time.as_str().into());
    }
    fields.insert("fieldsType".to_owned(), "FieldsV1".into());
    fields.insert("fieldsV1".to_owned(), entry.fields.to_fields());
    if let Some(subresource) = &entry.subresource {
        fields.insert("subresource".to_owned(), subresource.as_str().into());
    }
    Value::Object(fields)
}

/// Folds the oldest `Update` entries of one version into `ancient-changes` until at most `most` are left.
pub(super) fn fold_oldest(entries: &mut Vec<Entry>, most: usize) {
    const ANCIENT: &str = "ancient-changes";
    let mut updaters: Vec<Entry> = Vec::new();
    let mut rest: Vec<Entry> = Vec::new();
    for entry in entries.drain(..) {
        if entry.operation == Operation::Update && !entry.fields.is_empty() { updaters.push(entry) } else { rest.push(entry) }
    }
    updaters.sort_by(|a, b| (&a.time, &a.manager).cmp(&(&b.time, &b.manager)));
    let mut at = 0;
    while updaters.len() > most && at < updaters.len() {
        let next = (at + 1..updaters.len()).find(|&other| {
            updaters[other].api_version == updaters[at].api_version && updaters[other].subresource == updaters[at].subresource
        });
        match next {
            Some(other) => {
                let newer = updaters.remove(other);
                let older = &mut updaters[at];
                older.fields.union(&newer.fields);
                older.time = newer.time;
                older.manager = ANCIENT.to_owned();
            }
            None => at += 1,
        }
    }
    rest.append(&mut updaters);
    *entries = rest;
}
