//! The SQLite engine: opening, reading from memory, and the way to the writer thread.

use crate::batch::{Batch, Committed, StoreError};
use crate::fault::FaultPlan;
use crate::model::{Model, RingLimits};
use crate::object::{Key, Object};
use crate::seal::Sealer;
use crate::writer::{Message, Shared, Writer};
use crate::{Expired, Later, Listed, Pulled, Store, schema};
use parking_lot::RwLock;
use rusqlite::Connection;
use seaway_base::Secret;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use tokio::sync::{mpsc, oneshot, watch};

/// How a store is opened.
#[derive(Clone)]
pub struct Options {
    /// The database file; its folder is made if need be.
    pub path: PathBuf,
    /// The key for sealed resources. Once a file was written with a key it opens only with that key.
    pub key: Option<Secret<[u8; 32]>>,
    /// Resources whose objects are sealed, by storage name.
    pub sealed: Vec<String>,
    /// Changes kept for watches, per resource.
    pub n_events_max: usize,
    /// Bytes of changes kept for watches, per resource.
    pub event_bytes_max: usize,
    /// Revisions reserved at a time.
    pub n_revisions_reserved: u64,
    /// For the crash sweep; `None` in production.
    pub faults: Option<FaultPlan>,
}

impl Options {
    /// The usual limits: 4,096 changes and 16 MiB a resource, 100,000 revisions at a time; no key, nothing sealed.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            key: None,
            sealed: Vec::new(),
            n_events_max: 4096,
            event_bytes_max: 16 << 20,
            n_revisions_reserved: 100_000,
            faults: None,
        }
    }

    /// Seals these resources with this key.
    #[must_use]
    pub fn sealing(mut self, key: Secret<[u8; 32]>, resources: &[&str]) -> Self {
        self.key = Some(key);
        self.sealed = resources.iter().map(|name| (*name).to_owned()).collect();
        self
    }
}

/// What was committed since opening.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stats {
    /// Batches that changed something: what one promotion costs is counted in these.
    pub n_batches: u64,
    /// Durable commits, each of one or more batches.
    pub n_commits: u64,
}

/// The store on one SQLite file, for one process.
pub struct SqliteStore {
    shared: Arc<Shared>,
    queue: Option<mpsc::Sender<Message>>,
    thread: Option<JoinHandle<()>>,
    parked: Vec<(Key, String)>,
}

impl SqliteStore {
    /// Opens the file, migrates it if it is older, and reads every object into memory.
    ///
    /// # Errors
    /// [`StoreError::InUse`] where another process has it, [`StoreError::Newer`], [`StoreError::Foreign`],
    /// [`StoreError::KeyNeeded`], [`StoreError::WrongKey`], or what the file system or SQLite said.
    pub fn open(options: Options) -> Result<Self, StoreError> {
        let connection = schema::open(&options.path)?;
        let sealer = options.key.as_ref().and_then(Sealer::new);
        check_key(&connection, sealer.as_ref(), &options.path)?;
        let revision = schema::meta::<i64>(&connection, "reserved")?.unwrap_or(0).try_into().unwrap_or(0_u64);
        let limits = RingLimits { n_events: options.n_events_max.max(1), bytes: options.event_bytes_max };
        let mut model = Model::new(revision, limits);
        let parked = load(&connection, sealer.as_ref(), &options.path, &mut model)?;
        for (key, why) in &parked {
            tracing::error!(%key, why, "a stored object cannot be read; it is left as it is and not served");
        }
        let shared = Arc::new(Shared { model: RwLock::new(model), n_batches: AtomicU64::new(0), n_commits: AtomicU64::new(0) });
        let (queue, inbox) = mpsc::channel(1024);
        let writer =
            Writer::new(connection, shared.clone(), sealer, &options, parked.iter().map(|(key, _)| key.clone()).collect())?;
        let thread = std::thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || writer.run(inbox))
            .map_err(|err| StoreError::Io { doing: "start the writer of", path: options.path.clone(), err })?;
        Ok(Self { shared, queue: Some(queue), thread: Some(thread), parked })
    }

    async fn ask<T>(&self, message: impl FnOnce(oneshot::Sender<Result<T, StoreError>>) -> Message) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        let queue = self.queue.as_ref().ok_or(StoreError::Stopped)?;
        queue.send(message(reply)).await.map_err(|_| StoreError::Stopped)?;
        answer.await.map_err(|_| StoreError::Stopped)?
    }
}

impl Drop for SqliteStore {
    /// Waits for the writer, so that the file is free again afterwards.
    fn drop(&mut self) {
        self.queue = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Store for SqliteStore {
    fn revision(&self) -> u64 {
        self.shared.model.read().revision()
    }

    fn get(&self, key: &Key) -> Option<Arc<Object>> {
        self.shared.model.read().get(key).cloned()
    }

    fn by_uid(&self, uid: &str) -> Option<Arc<Object>> {
        self.shared.model.read().by_uid(uid).cloned()
    }

    fn dependents(&self, uid: &str) -> Vec<Arc<Object>> {
        self.shared.model.read().dependents(uid)
    }

    fn holder(&self, unique: &str) -> Option<Key> {
        self.shared.model.read().holder(unique).cloned()
    }

    fn list(&self, resource: &str, namespace: Option<&str>, after: Option<(&str, &str)>, limit: usize) -> Listed {
        self.shared.model.read().list(resource, namespace, after, limit)
    }

    fn events(&self, resource: &str, after: u64, limit: usize) -> Result<Pulled, Expired> {
        self.shared.model.read().events(resource, after, limit)
    }

    fn doorbell(&self, resource: Option<&str>) -> watch::Receiver<u64> {
        self.shared.model.write().doorbell(resource)
    }

    fn commit(&self, batch: Batch) -> Later<'_, Result<Committed, StoreError>> {
        Box::pin(self.ask(|reply| Message::Commit(batch, reply)))
    }

    fn backup_to<'a>(&'a self, path: &'a Path) -> Later<'a, Result<(), StoreError>> {
        Box::pin(self.ask(|reply| Message::Backup(path.to_owned(), reply)))
    }

    fn stats(&self) -> Stats {
        Stats {
            n_batches: self.shared.n_batches.load(Ordering::Relaxed),
            n_commits: self.shared.n_commits.load(Ordering::Relaxed),
        }
    }

    fn parked(&self) -> Vec<(Key, String)> {
        self.parked.clone()
    }
}

/// A sealed word beside the objects tells at once whether the key is the right one, even before the first Secret.
fn check_key(connection: &Connection, sealer: Option<&Sealer>, path: &Path) -> Result<(), StoreError> {
    let place = Key::new("", "", "key-check");
    match (schema::meta::<Vec<u8>>(connection, "key_check")?, sealer) {
        (None, None) => Ok(()),
        (Some(_), None) => Err(StoreError::KeyNeeded { path: path.to_owned() }),
        (Some(word), Some(sealer)) => match sealer.open(&place, &word) {
            Some(_) => Ok(()),
            None => Err(StoreError::WrongKey { path: path.to_owned() }),
        },
        (None, Some(sealer)) => {
            let word = sealer.seal(&place, b"seaway").ok_or(StoreError::Seal { key: place })?;
            schema::set_meta(connection, "key_check", word)
        }
    }
}

/// Reads every row; what cannot be read comes back with the reason.
fn load(
    connection: &Connection,
    sealer: Option<&Sealer>,
    path: &Path,
    model: &mut Model,
) -> Result<Vec<(Key, String)>, StoreError> {
    let doing = StoreError::sqlite("read the objects");
    let mut parked = Vec::new();
    let mut resources: HashMap<String, Arc<str>> = HashMap::new();
    let mut statement = connection
        .prepare(
            "SELECT resource, namespace, name, revision, uniques, sealed, body FROM objects ORDER BY resource, namespace, name",
        )
        .map_err(&doing)?;
    let mut rows = statement.query([]).map_err(&doing)?;
    while let Some(row) = rows.next().map_err(&doing)? {
        let text = |n: usize| row.get::<_, String>(n).map_err(&doing);
        let resource = text(0)?;
        let key = Key {
            resource: resources.entry(resource).or_insert_with_key(|name| Arc::from(name.as_str())).clone(),
            namespace: text(1)?.into(),
            name: text(2)?.into(),
        };
        let revision = row.get::<_, i64>(3).map_err(&doing)?.try_into().unwrap_or(0);
        let unique: Vec<String> = serde_json::from_str(&text(4)?).unwrap_or_default();
        let body = row.get_ref(6).map_err(&doing)?.as_bytes().unwrap_or_default().to_vec();
        let body = match (row.get::<_, bool>(5).map_err(&doing)?, sealer) {
            (false, _) => Some(body),
            (true, None) => return Err(StoreError::KeyNeeded { path: path.to_owned() }),
            (true, Some(sealer)) => sealer.open(&key, &body),
        };
        let read = match body {
            Some(body) => Object::read(key.clone(), revision, body.into(), unique.into()).map_err(|err| err.to_string()),
            None => Err("it does not open with the key: the row was altered".to_owned()),
        };
        match read {
            Ok(object) => model.load(Arc::new(object)),
            Err(why) => parked.push((key, why)),
        }
    }
    Ok(parked)
}
