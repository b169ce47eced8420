//! What is stored: a key, the object's JSON at its revision, and the few facts of it that indexes need.

use bytes::Bytes;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// Where an object lives. The resource is a storage name such as `stages.kargo.akuity.io`; the namespace is empty for cluster scope.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    /// The resource's storage name.
    pub resource: Arc<str>,
    /// The namespace, or empty.
    pub namespace: Arc<str>,
    /// The object's name.
    pub name: Arc<str>,
}

impl Key {
    /// A key from its three parts.
    pub fn new(resource: &str, namespace: &str, name: &str) -> Self {
        Self { resource: resource.into(), namespace: namespace.into(), name: name.into() }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.namespace {
            "" => write!(f, "{} `{}`", self.resource, self.name),
            namespace => write!(f, "{} `{namespace}/{}`", self.resource, self.name),
        }
    }
}

/// The facts of an object that indexes are made of.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Meta {
    /// `metadata.uid`, empty where there is none.
    pub uid: String,
    /// `metadata.labels`.
    #[serde(deserialize_with = "null_is_empty")]
    pub labels: BTreeMap<String, String>,
    /// `metadata.ownerReferences`.
    #[serde(deserialize_with = "null_is_empty")]
    pub owner_references: Vec<Owner>,
    /// `metadata.finalizers`.
    #[serde(deserialize_with = "null_is_empty")]
    pub finalizers: Vec<String>,
    /// `metadata.deletionTimestamp`, as written.
    pub deletion_timestamp: Option<String>,
    /// `metadata.creationTimestamp`, as written.
    pub creation_timestamp: Option<String>,
}

/// An owner reference as far as garbage collection needs it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Owner {
    /// The owner's uid.
    pub uid: String,
    /// Does the owner's foreground deletion wait for this object?
    pub block_owner_deletion: Option<bool>,
}

fn null_is_empty<'de, D: serde::Deserializer<'de>, T: Deserialize<'de> + Default>(deserializer: D) -> Result<T, D::Error> {
    Option::<T>::deserialize(deserializer).map(Option::unwrap_or_default)
}

#[derive(Deserialize)]
struct Probe {
    #[serde(default)]
    metadata: Meta,
}

/// Why a JSON value cannot be stored.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    /// It is not an object with metadata.
    #[error("an object needs a `metadata` map")]
    NoMetadata,
    /// The metadata cannot be read.
    #[error("read metadata")]
    Metadata(#[source] serde_json::Error),
}

/// An object's canonical JSON with the place left open where its revision will stand.
#[derive(Debug, Clone)]
pub struct Document {
    head: Vec<u8>,
    tail: Vec<u8>,
    meta: Arc<Meta>,
}

impl Document {
    /// The document of an object; its own `metadata.resourceVersion` is ignored.
    ///
    /// # Errors
    /// [`DocumentError`] where it is no object with metadata.
    pub fn new(object: &Value) -> Result<Self, DocumentError> {
        let map = object.as_object().ok_or(DocumentError::NoMetadata)?;
        let metadata = map.get("metadata").and_then(Value::as_object).ok_or(DocumentError::NoMetadata)?;
        let meta = Meta::deserialize(map.get("metadata").ok_or(DocumentError::NoMetadata)?).map_err(DocumentError::Metadata)?;
        let (mut head, mut tail) = (Vec::with_capacity(512), Vec::with_capacity(512));
        head.push(b'{');
        let mut out = &mut head;
        for (n, (name, value)) in map.iter().enumerate() {
            if n > 0 {
                out.push(b',');
            }
            write_json(out, name)?;
            out.push(b':');
            if name != "metadata" {
                write_json(out, value)?;
                continue;
            }
            out.extend_from_slice(br#"{"resourceVersion":""#);
            out = &mut tail;
            out.push(b'"');
            for (name, value) in metadata.iter().filter(|(name, _)| *name != "resourceVersion") {
                out.push(b',');
                write_json(out, name)?;
                out.push(b':');
                write_json(out, value)?;
            }
            out.push(b'}');
        }
        out.push(b'}');
        Ok(Self { head, tail, meta: Arc::new(meta) })
    }

    /// The JSON at a revision.
    pub fn at(&self, revision: u64) -> Bytes {
        let digits = revision.to_string();
        let mut bytes = Vec::with_capacity(self.head.len() + digits.len() + self.tail.len());
        bytes.extend_from_slice(&self.head);
        bytes.extend_from_slice(digits.as_bytes());
        bytes.extend_from_slice(&self.tail);
        bytes.into()
    }

    /// Is this what `bytes`, written at `revision`, already say?
    pub(crate) fn is(&self, bytes: &[u8], revision: u64) -> bool {
        let digits = revision.to_string();
        bytes.len() == self.head.len() + digits.len() + self.tail.len() && bytes == self.at(revision)
    }

    /// The facts that indexes need.
    pub fn meta(&self) -> &Arc<Meta> {
        &self.meta
    }
}

fn write_json<T: serde::Serialize + ?Sized>(out: &mut Vec<u8>, value: &T) -> Result<(), DocumentError> {
    serde_json::to_writer(out, value).map_err(DocumentError::Metadata)
}

/// An object as it stands at a revision. Shared, never changed.
#[derive(Debug, Clone)]
pub struct Object {
    /// Where it lives.
    pub key: Key,
    /// The revision of its last change.
    pub revision: u64,
    /// What indexes need.
    pub meta: Arc<Meta>,
    /// Its JSON, with `metadata.resourceVersion`.
    pub bytes: Bytes,
    /// The unique keys it holds.
    pub unique: Arc<[String]>,
}

impl Object {
    /// The JSON, parsed.
    ///
    /// # Errors
    /// Only where the database was tampered with: everything stored was checked on its way in and at opening.
    pub fn value(&self) -> Result<Value, serde_json::Error> {
        serde_json::from_slice(&self.bytes)
    }

    /// Reads a row; the error says why it must be parked.
    pub(crate) fn read(key: Key, revision: u64, bytes: Bytes, unique: Arc<[String]>) -> Result<Self, serde_json::Error> {
        let probe: Probe = serde_json::from_slice(&bytes)?;
        Ok(Self { key, revision, meta: Arc::new(probe.metadata), bytes, unique })
    }
}

/// What happened to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventKind {
    /// It is new.
    Added,
    /// It changed.
    Modified,
    /// It is gone.
    Deleted,
}

/// One change in the log.
#[derive(Debug, Clone)]
pub struct Event {
    /// What happened.
    pub kind: EventKind,
    /// The object after the change; for a deletion the last state, at the revision of the deletion.
    pub object: Arc<Object>,
    /// The object before the change.
    pub previous: Option<Arc<Object>>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_document_carries_its_revision() {
        let value = json!({"kind": "Stage", "metadata": {"name": "a", "resourceVersion": "9", "uid": "u"}, "spec": {}});
        let document = Document::new(&value).unwrap();
        assert_eq!(
            std::str::from_utf8(&document.at(12)).unwrap(),
            r#"{"kind":"Stage","metadata":{"resourceVersion":"12","name":"a","uid":"u"},"spec":{}}"#
        );
        assert!(document.is(&document.at(12), 12));
        assert!(!document.is(&document.at(12), 13));
        assert_eq!(document.meta().uid, "u");
    }

    #[test]
    fn what_has_no_metadata_is_refused() {
        assert!(Document::new(&json!({"spec": {}})).is_err());
        assert!(Document::new(&json!({"metadata": {"labels": 3}})).is_err());
    }
}
