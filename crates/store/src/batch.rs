//! What a caller asks of the store, what it gets back, and what can go wrong.

use crate::object::{Document, Key, Object};
use std::path::PathBuf;
use std::sync::Arc;

/// Operations that are carried out together or not at all, provided every precondition holds.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    /// What must still be true of objects the decision was based on.
    pub reads: Vec<Precondition>,
    /// What to do, in this order.
    pub ops: Vec<Op>,
}

/// What must still be true at the commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Precondition {
    /// The object stands at this revision.
    Revision(Key, u64),
    /// There is no such object.
    Absent(Key),
}

/// One operation.
#[derive(Debug, Clone)]
pub enum Op {
    /// Creates or replaces an object. What is already so is left alone, at its revision.
    Put {
        /// Where.
        key: Key,
        /// What.
        document: Document,
        /// What must be there.
        expect: Expect,
        /// Keys that no other object may hold, such as `alias/bank/frosty-fox`; an object's earlier keys are given up.
        unique: Vec<String>,
    },
    /// Deletes an object.
    Delete {
        /// Where.
        key: Key,
        /// What must be there; absence is always an error.
        expect: Expect,
        /// The state that watchers are told was deleted; the stored one where it is `None`.
        last: Option<Document>,
    },
}

/// What must be under a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expect {
    /// Nothing.
    Absent,
    /// The object at this revision.
    Revision(u64),
    /// Whatever is there.
    Any,
}

/// What came of a batch.
#[derive(Debug, Clone)]
pub struct Committed {
    /// One for each operation.
    pub outcomes: Vec<Outcome>,
}

/// What came of one operation.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// It is stored as this.
    Stored(Arc<Object>),
    /// It was so already.
    Unchanged(Arc<Object>),
    /// It was deleted; the last state at the revision of the deletion.
    Deleted(Arc<Object>),
}

impl Outcome {
    /// The object, whatever happened to it.
    pub fn object(&self) -> &Arc<Object> {
        match self {
            Self::Stored(object) | Self::Unchanged(object) | Self::Deleted(object) => object,
        }
    }
}

/// What can go wrong in the store.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// There is such an object already.
    #[error("{key} exists already")]
    Exists {
        /// Which.
        key: Key,
    },
    /// There is no such object.
    #[error("{key} does not exist")]
    NotFound {
        /// Which.
        key: Key,
    },
    /// The object changed since it was read.
    #[error("{key} has changed: expected revision {expected}, found {found}")]
    Conflict {
        /// Which.
        key: Key,
        /// The revision the caller had read.
        expected: u64,
        /// The revision that stands.
        found: u64,
    },
    /// Another object, on which the decision was based, changed since it was read.
    #[error("{key} changed while the request was being decided")]
    Changed {
        /// Which.
        key: Key,
    },
    /// Another object holds the unique key.
    #[error("`{unique}` is already held by {holder}")]
    Taken {
        /// The unique key.
        unique: String,
        /// Who holds it.
        holder: Key,
    },
    /// What is stored under the key cannot be read, so it is not overwritten.
    #[error("{key} is stored but cannot be read; it is left as it is")]
    Parked {
        /// Which.
        key: Key,
    },
    /// A test's fault plan, or the store's closing, ended it.
    #[error("the store has stopped")]
    Stopped,
    /// A second backup was asked for.
    #[error("a backup is already running")]
    BackupRuns,
    /// Another process has the file open.
    #[error("`{path}` is in use by another process")]
    InUse {
        /// The database file.
        path: PathBuf,
    },
    /// The file is some other SQLite database.
    #[error("`{path}` is not a Seaway database")]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// A newer release wrote the file.
    #[error(
        "`{path}` was written by a newer Seaway (schema {found}; this one knows up to {known}): use that release, or restore a backup"
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its schema.
        found: i64,
        /// The newest schema known here.
        known: i64,
    },
    /// The file holds sealed objects but no key was given.
    #[error("`{path}` holds encrypted objects: the key is needed")]
    KeyNeeded {
        /// The file.
        path: PathBuf,
    },
    /// The key is not the one the file was written with.
    #[error("the key does not open `{path}`: it was written with another one")]
    WrongKey {
        /// The file.
        path: PathBuf,
    },
    /// Encryption failed.
    #[error("seal {key}")]
    Seal {
        /// Which.
        key: Key,
    },
    /// The file system refused.
    #[error("{doing} `{path}`")]
    Io {
        /// What was tried.
        doing: &'static str,
        /// On what.
        path: PathBuf,
        /// Why not.
        #[source]
        err: std::io::Error,
    },
    /// SQLite refused.
    #[error("{doing}")]
    Sqlite {
        /// What was tried.
        doing: &'static str,
        /// Why not.
        #[source]
        err: Arc<rusqlite::Error>,
    },
}

impl StoreError {
    pub(crate) fn sqlite(doing: &'static str) -> impl Fn(rusqlite::Error) -> Self {
        move |err| Self::Sqlite { doing, err: Arc::new(err) }
    }
}
