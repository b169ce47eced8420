//! The writer thread: checks batches against what stands, commits them in groups, publishes, and only then acknowledges.

use crate::batch::{Batch, Committed, Expect, Op, Outcome, Precondition, StoreError};
use crate::fault::{Fault, FaultPlan};
use crate::model::Model;
use crate::object::{Document, Event, EventKind, Key, Object};
use crate::schema;
use crate::seal::Sealer;
use crate::sqlite::Options;
use parking_lot::RwLock;
use rusqlite::Connection;
use std::collections::{HashMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::{mpsc, oneshot};

/// Batches that share one durable commit, at most.
const GROUP_MAX: usize = 256;

/// What the writer shares with its readers.
pub(crate) struct Shared {
    pub(crate) model: RwLock<Model>,
    pub(crate) n_batches: AtomicU64,
    pub(crate) n_commits: AtomicU64,
}

type Reply<T> = oneshot::Sender<Result<T, StoreError>>;

pub(crate) enum Message {
    Commit(Batch, Reply<Committed>),
    Backup(PathBuf, Reply<()>),
}

pub(crate) struct Writer {
    connection: Connection,
    state: State,
}

/// All of the writer but its connection, which a running backup borrows.
struct State {
    shared: Arc<Shared>,
    sealer: Option<Sealer>,
    sealed: HashSet<String>,
    parked: HashSet<Key>,
    /// The last revision given.
    revision: u64,
    /// No revision above this may be given before a higher mark is durable.
    reserved: u64,
    n_reserve: u64,
    faults: Option<FaultPlan>,
    stopped: bool,
}

/// Changes of this group that are not published yet, over what is.
#[derive(Default)]
struct Overlay {
    objects: HashMap<Key, Option<Arc<Object>>>,
    unique: HashMap<String, Option<Key>>,
}

/// A batch that was checked and written, and waits for the commit.
struct Staged {
    outcomes: Vec<Outcome>,
    events: Vec<Event>,
    reply: Reply<Committed>,
}

impl Writer {
    pub(crate) fn new(
        connection: Connection,
        shared: Arc<Shared>,
        sealer: Option<Sealer>,
        options: &Options,
        parked: HashSet<Key>,
    ) -> Result<Self, StoreError> {
        let revision = shared.model.read().revision();
        let mut state = State {
            shared,
            sealer,
            sealed: options.sealed.iter().cloned().collect(),
            parked,
            revision,
            reserved: revision,
            n_reserve: options.n_revisions_reserved.max(1),
            faults: options.faults.clone(),
            stopped: false,
        };
        state.reserve(&connection, 1)?;
        Ok(Self { connection, state })
    }

    /// Serves until every sender is gone. A panic here ends the process: what is in memory may no longer be what is on disk.
    pub(crate) fn run(self, inbox: mpsc::Receiver<Message>) {
        let Self { connection, mut state } = self;
        let served = catch_unwind(AssertUnwindSafe(|| state.serve(&connection, inbox)));
        if served.is_err() {
            tracing::error!("the store's writer panicked: the process ends, so that nothing is served that is not stored");
            std::process::abort();
        }
    }
}

impl State {
    fn serve(&mut self, connection: &Connection, mut inbox: mpsc::Receiver<Message>) {
        while let Some(message) = inbox.blocking_recv() {
            match message {
                Message::Commit(batch, reply) => {
                    if let Some((path, reply)) = self.commit_group(connection, &mut inbox, batch, reply) {
                        self.backup(connection, &mut inbox, &path, reply);
                    }
                }
                Message::Backup(path, reply) => self.backup(connection, &mut inbox, &path, reply),
            }
            if self.stopped {
                return;
            }
        }
    }

    /// Copies the database; batches that arrive meanwhile are committed between two steps of the copy.
    fn backup(&mut self, connection: &Connection, inbox: &mut mpsc::Receiver<Message>, path: &std::path::Path, reply: Reply<()>) {
        let copied = schema::copy_to(connection, path, |connection| {
            while let Ok(message) = inbox.try_recv() {
                match message {
                    Message::Commit(batch, reply) => {
                        if let Some((_, reply)) = self.commit_group(connection, inbox, batch, reply) {
                            let _ = reply.send(Err(StoreError::BackupRuns));
                        }
                    }
                    Message::Backup(_, reply) => drop(reply.send(Err(StoreError::BackupRuns))),
                }
                if self.stopped {
                    break;
                }
            }
        });
        let _ = reply.send(copied);
    }

    /// Commits this batch together with those that wait behind it; a backup met on the way is handed back.
    fn commit_group(
        &mut self,
        connection: &Connection,
        inbox: &mut mpsc::Receiver<Message>,
        first: Batch,
        reply: Reply<Committed>,
    ) -> Option<(PathBuf, Reply<()>)> {
        let mut group = vec![(first, reply)];
        let mut backup = None;
        let limit = if self.faults.is_some() { 1 } else { GROUP_MAX };
        while group.len() < limit {
            match inbox.try_recv() {
                Ok(Message::Commit(batch, reply)) => group.push((batch, reply)),
                Ok(Message::Backup(path, reply)) => {
                    backup = Some((path, reply));
                    break;
                }
                Err(_) => break,
            }
        }
        let before = (self.revision, self.reserved);
        match self.write_group(connection, group) {
            Ok(staged) => self.publish(staged),
            Err((err, staged)) => {
                // The transaction is gone: the revisions given in it were never seen, and a mark raised in it is not durable.
                (self.revision, self.reserved) = before;
                tracing::error!(error = %seaway_base::chain(&err), "a commit failed");
                let err = Arc::new(err);
                for batch in staged {
                    let _ = batch.reply.send(Err(again(&err)));
                }
            }
        }
        backup
    }

    /// Checks and writes every batch under its own savepoint, then makes all of them durable at once.
    fn write_group(
        &mut self,
        connection: &Connection,
        group: Vec<(Batch, Reply<Committed>)>,
    ) -> Result<Vec<Staged>, (StoreError, Vec<Staged>)> {
        let mut overlay = Overlay::default();
        let mut staged: Vec<Staged> = Vec::with_capacity(group.len());
        if let Err(err) = run(connection, "BEGIN IMMEDIATE") {
            staged.extend(group.into_iter().map(|(_, reply)| Staged { outcomes: Vec::new(), events: Vec::new(), reply }));
            return Err((err, staged));
        }
        for (batch, reply) in group {
            let before = self.revision;
            match self.write_batch(connection, &batch, &mut overlay) {
                Ok((outcomes, events)) => staged.push(Staged { outcomes, events, reply }),
                Err(err) => {
                    self.revision = before;
                    let _ = reply.send(Err(err));
                }
            }
        }
        let changed = staged.iter().any(|batch| !batch.events.is_empty());
        let durable = if changed { self.make_durable(connection) } else { run(connection, "ROLLBACK") };
        match durable {
            Ok(()) => Ok(staged),
            Err(err) => {
                if !connection.is_autocommit() && run(connection, "ROLLBACK").is_err() {
                    panic!("a failed commit could not be rolled back");
                }
                Err((err, staged))
            }
        }
    }

    fn make_durable(&mut self, connection: &Connection) -> Result<(), StoreError> {
        let number = self.shared.n_commits.load(Ordering::Relaxed) + 1;
        if self.revision > self.reserved {
            self.reserve(connection, self.revision - self.reserved)?;
        }
        self.pass("before-commit", number)?;
        run(connection, "COMMIT")?;
        self.shared.n_commits.store(number, Ordering::Relaxed);
        self.pass("after-commit", number)
    }

    fn pass(&mut self, point: &str, number: u64) -> Result<(), StoreError> {
        match self.faults.as_ref().map_or(Fault::Go, |plan| plan(point, number)) {
            Fault::Go => Ok(()),
            Fault::Stop => {
                self.stopped = true;
                Err(StoreError::Stopped)
            }
        }
    }

    fn publish(&mut self, staged: Vec<Staged>) {
        let mut resources = HashSet::new();
        let n_batches = staged.iter().filter(|batch| !batch.events.is_empty()).count() as u64;
        let mut answers = Vec::with_capacity(staged.len());
        {
            let mut model = self.shared.model.write();
            for batch in staged {
                for event in batch.events {
                    resources.insert(event.object.key.resource.clone());
                    model.publish(event);
                }
                answers.push((batch.reply, Committed { outcomes: batch.outcomes }));
            }
            if !resources.is_empty() {
                model.ring(&resources);
            }
        }
        self.shared.n_batches.fetch_add(n_batches, Ordering::Relaxed);
        for (reply, committed) in answers {
            let _ = reply.send(Ok(committed));
        }
    }

    fn write_batch(
        &mut self,
        connection: &Connection,
        batch: &Batch,
        overlay: &mut Overlay,
    ) -> Result<(Vec<Outcome>, Vec<Event>), StoreError> {
        let mut own = Overlay::default();
        for read in &batch.reads {
            self.check_read(read, overlay)?;
        }
        let (mut outcomes, mut events) = (Vec::with_capacity(batch.ops.len()), Vec::new());
        for op in &batch.ops {
            let (outcome, event) = self.decide(op, overlay, &mut own)?;
            outcomes.push(outcome);
            events.extend(event);
        }
        if events.is_empty() {
            return Ok((outcomes, events));
        }
        run(connection, "SAVEPOINT batch")?;
        match events.iter().try_for_each(|event| self.write_row(connection, event)) {
            Ok(()) => run(connection, "RELEASE batch")?,
            Err(err) => {
                run(connection, "ROLLBACK TO batch; RELEASE batch")?;
                return Err(err);
            }
        }
        overlay.objects.extend(own.objects);
        overlay.unique.extend(own.unique);
        Ok((outcomes, events))
    }

    fn check_read(&self, read: &Precondition, overlay: &Overlay) -> Result<(), StoreError> {
        let (key, expected) = match read {
            Precondition::Revision(key, revision) => (key, Some(*revision)),
            Precondition::Absent(key) => (key, None),
        };
        let found = self.live(key, overlay, &Overlay::default()).map(|object| object.revision);
        if found == expected { Ok(()) } else { Err(StoreError::Changed { key: key.clone() }) }
    }

    fn live(&self, key: &Key, overlay: &Overlay, own: &Overlay) -> Option<Arc<Object>> {
        match own.objects.get(key).or_else(|| overlay.objects.get(key)) {
            Some(object) => object.clone(),
            None => self.shared.model.read().get(key).cloned(),
        }
    }

    fn holder(&self, unique: &str, overlay: &Overlay, own: &Overlay) -> Option<Key> {
        match own.unique.get(unique).or_else(|| overlay.unique.get(unique)) {
            Some(holder) => holder.clone(),
            None => self.shared.model.read().holder(unique).cloned(),
        }
    }

    /// What an operation comes to, given what stands.
    fn decide(&mut self, op: &Op, overlay: &Overlay, own: &mut Overlay) -> Result<(Outcome, Option<Event>), StoreError> {
        let (Op::Put { key, expect, .. } | Op::Delete { key, expect, .. }) = op;
        if self.parked.contains(key) {
            return Err(StoreError::Parked { key: key.clone() });
        }
        let live = self.live(key, overlay, own);
        match (expect, &live) {
            (Expect::Absent, Some(_)) => return Err(StoreError::Exists { key: key.clone() }),
            (Expect::Revision(_), None) => return Err(StoreError::NotFound { key: key.clone() }),
            (Expect::Revision(expected), Some(live)) if *expected != live.revision => {
                return Err(StoreError::Conflict { key: key.clone(), expected: *expected, found: live.revision });
            }
            _ => {}
        }
        match op {
            Op::Put { document, unique, .. } => self.decide_put(key, document, unique, live, overlay, own),
            Op::Delete { last, .. } => {
                let live = live.ok_or_else(|| StoreError::NotFound { key: key.clone() })?;
                let document = match last {
                    Some(document) => document.clone(),
                    None => rewritten(&live)?,
                };
                let object = self.object(key, &document, live.unique.clone());
                own.objects.insert(key.clone(), None);
                own.unique.extend(live.unique.iter().map(|unique| (unique.clone(), None)));
                let event = Event { kind: EventKind::Deleted, object: object.clone(), previous: Some(live) };
                Ok((Outcome::Deleted(object), Some(event)))
            }
        }
    }

    fn decide_put(
        &mut self,
        key: &Key,
        document: &Document,
        unique: &[String],
        live: Option<Arc<Object>>,
        overlay: &Overlay,
        own: &mut Overlay,
    ) -> Result<(Outcome, Option<Event>), StoreError> {
        if let Some(live) = &live
            && *live.unique == *unique
            && document.is(&live.bytes, live.revision)
        {
            return Ok((Outcome::Unchanged(live.clone()), None));
        }
        for unique in unique {
            if let Some(holder) = self.holder(unique, overlay, own).filter(|holder| holder != key) {
                return Err(StoreError::Taken { unique: unique.clone(), holder });
            }
        }
        let object = self.object(key, document, unique.into());
        own.objects.insert(key.clone(), Some(object.clone()));
        if let Some(live) = &live {
            own.unique.extend(live.unique.iter().map(|unique| (unique.clone(), None)));
        }
        own.unique.extend(unique.iter().map(|unique| (unique.clone(), Some(key.clone()))));
        let kind = if live.is_some() { EventKind::Modified } else { EventKind::Added };
        Ok((Outcome::Stored(object.clone()), Some(Event { kind, object, previous: live })))
    }

    /// A document as the object of the next revision.
    fn object(&mut self, key: &Key, document: &Document, unique: Arc<[String]>) -> Arc<Object> {
        self.revision += 1;
        let (meta, bytes) = (document.meta().clone(), document.at(self.revision));
        Arc::new(Object { key: key.clone(), revision: self.revision, meta, bytes, unique })
    }

    fn write_row(&self, connection: &Connection, event: &Event) -> Result<(), StoreError> {
        let Object { key, revision, bytes, unique, .. } = &*event.object;
        let place = (&*key.resource, &*key.namespace, &*key.name);
        if event.kind == EventKind::Deleted {
            return connection
                .prepare_cached("DELETE FROM objects WHERE resource = ?1 AND namespace = ?2 AND name = ?3")
                .and_then(|mut statement| statement.execute(place))
                .map(drop)
                .map_err(StoreError::sqlite("delete an object"));
        }
        let uniques = serde_json::to_string(unique).unwrap_or_else(|_| "[]".to_owned());
        let seal = self.sealer.as_ref().filter(|_| self.sealed.contains(&*key.resource));
        let sealed = match seal {
            Some(sealer) => Some(sealer.seal(key, bytes).ok_or_else(|| StoreError::Seal { key: key.clone() })?),
            None => None,
        };
        let body: &[u8] = sealed.as_deref().unwrap_or(bytes);
        let revision = i64::try_from(*revision).unwrap_or(i64::MAX);
        connection
            .prepare_cached(
                "INSERT INTO objects (resource, namespace, name, revision, uniques, sealed, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
                 ON CONFLICT (resource, namespace, name) DO UPDATE
                 SET revision = excluded.revision, uniques = excluded.uniques, sealed = excluded.sealed, body = excluded.body",
            )
            .and_then(|mut statement| statement.execute((place.0, place.1, place.2, revision, uniques, sealed.is_some(), body)))
            .map(drop)
            .map_err(StoreError::sqlite("write an object"))
    }

    /// Raises the durable mark, so that after a crash no revision is given a second time.
    fn reserve(&mut self, connection: &Connection, n_least: u64) -> Result<(), StoreError> {
        let mark = self.reserved + n_least.max(self.n_reserve);
        schema::set_meta(connection, "reserved", i64::try_from(mark).unwrap_or(i64::MAX))?;
        self.reserved = mark;
        Ok(())
    }
}

/// The document of an object as it is stored.
fn rewritten(object: &Object) -> Result<Document, StoreError> {
    let value = object.value().map_err(|_| StoreError::Parked { key: object.key.clone() })?;
    Document::new(&value).map_err(|_| StoreError::Parked { key: object.key.clone() })
}

fn run(connection: &Connection, statement: &'static str) -> Result<(), StoreError> {
    connection.execute_batch(statement).map_err(StoreError::sqlite(statement))
}

/// The same failure, told to another caller of the group.
fn again(err: &Arc<StoreError>) -> StoreError {
    match &**err {
        StoreError::Sqlite { doing, err } => StoreError::Sqlite { doing, err: err.clone() },
        _ => StoreError::Stopped,
    }
}
