//! The file: how it is opened and guarded, its versioned schema, and the copy made before a migration.

use crate::batch::StoreError;
use rusqlite::{Connection, ErrorCode, OptionalExtension as _, backup};
use std::fs;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// "SEAW": marks the file as ours.
const APPLICATION_ID: i64 = 0x5345_4157;

/// One step a version; what stands here was released and never changes.
const MIGRATIONS: &[&str] = &["
    CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB NOT NULL);
    CREATE TABLE objects (
        id INTEGER PRIMARY KEY,
        resource TEXT NOT NULL,
        namespace TEXT NOT NULL,
        name TEXT NOT NULL,
        revision INTEGER NOT NULL,
        uniques TEXT NOT NULL,
        sealed INTEGER NOT NULL,
        body BLOB NOT NULL,
        UNIQUE (resource, namespace, name)
    );
"];

/// Opens the file for this process alone and brings its schema up to date.
pub(crate) fn open(path: &Path) -> Result<Connection, StoreError> {
    create_private(path)?;
    let doing = StoreError::sqlite("open the database");
    let in_use = |err: rusqlite::Error| match err.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => StoreError::InUse { path: path.to_owned() },
        Some(ErrorCode::NotADatabase) => StoreError::Foreign { path: path.to_owned() },
        _ => StoreError::sqlite("open the database")(err),
    };
    let connection = Connection::open(path).map_err(&doing)?;
    connection.busy_timeout(Duration::from_millis(200)).map_err(&doing)?;
    // The exclusive mode must come first: WAL then needs no shared memory, and a second process cannot get in.
    connection.pragma_update_and_check(None, "locking_mode", "EXCLUSIVE", |_| Ok(())).map_err(in_use)?;
    connection.pragma_update(None, "page_size", 8192).map_err(in_use)?;
    connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(())).map_err(in_use)?;
    connection.pragma_update(None, "synchronous", "FULL").map_err(in_use)?;
    connection.pragma_update(None, "wal_autocheckpoint", 2000).map_err(in_use)?;
    connection.execute_batch("BEGIN EXCLUSIVE; ROLLBACK").map_err(in_use)?;
    connection.set_prepared_statement_cache_capacity(16);
    migrate(&connection, path)?;
    Ok(connection)
}

fn migrate(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    let doing = StoreError::sqlite("read the schema version");
    let number = |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0)).map_err(&doing);
    let (application, found) = (number("application_id")?, number("user_version")?);
    let n_tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_master", [], |row| row.get(0)).map_err(&doing)?;
    if application != APPLICATION_ID && (n_tables > 0 || application != 0) {
        return Err(StoreError::Foreign { path: path.to_owned() });
    }
    let known = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
    if found > known {
        return Err(StoreError::Newer { path: path.to_owned(), found, known });
    }
    if found == known {
        return Ok(());
    }
    if n_tables > 0 {
        let copy = PathBuf::from(format!("{}.before-schema-{known}", path.display()));
        tracing::info!(from = found, to = known, copy = %copy.display(), "migrating the database");
        copy_to(connection, &copy, |_| ())?;
    }
    let doing = StoreError::sqlite("migrate the database");
    connection.execute_batch("BEGIN IMMEDIATE").map_err(&doing)?;
    for step in MIGRATIONS.iter().skip(usize::try_from(found).unwrap_or(0)) {
        connection.execute_batch(step).map_err(&doing)?;
    }
    connection.pragma_update(None, "application_id", APPLICATION_ID).map_err(&doing)?;
    connection.pragma_update(None, "user_version", known).map_err(&doing)?;
    connection.execute_batch("COMMIT").map_err(&doing)
}

/// Copies the database page by page into a new file that appears under `path` only when it is whole; `between` runs between
/// two steps, and what is committed there is part of the copy.
pub(crate) fn copy_to(connection: &Connection, path: &Path, mut between: impl FnMut(&Connection)) -> Result<(), StoreError> {
    let partial = PathBuf::from(format!("{}.partial", path.display()));
    let io = |doing: &'static str| {
        let path = partial.clone();
        move |err| StoreError::Io { doing, path, err }
    };
    if partial.exists() {
        fs::remove_file(&partial).map_err(io("remove"))?;
    }
    create_private(&partial)?;
    let doing = StoreError::sqlite("write the backup");
    {
        let mut target = Connection::open(&partial).map_err(&doing)?;
        let backup = backup::Backup::new(connection, &mut target).map_err(&doing)?;
        loop {
            match backup.step(512).map_err(&doing)? {
                backup::StepResult::Done => break,
                _ => between(connection),
            }
        }
    }
    fs::File::open(&partial).and_then(|file| file.sync_all()).map_err(io("sync"))?;
    fs::rename(&partial, path).map_err(io("rename"))
}

/// Only the owner may read the file; SQLite gives its companions the same mode.
fn create_private(path: &Path) -> Result<(), StoreError> {
    let io = |doing: &'static str, path: &Path| {
        let path = path.to_owned();
        move |err| StoreError::Io { doing, path, err }
    };
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(io("create folder", folder))?;
    }
    fs::OpenOptions::new().create(true).append(true).mode(0o600).open(path).map(drop).map_err(io("open", path))
}

/// A value kept beside the objects.
pub(crate) fn meta<T: rusqlite::types::FromSql>(connection: &Connection, name: &str) -> Result<Option<T>, StoreError> {
    connection
        .query_row("SELECT value FROM meta WHERE name = ?1", [name], |row| row.get(0))
        .optional()
        .map_err(StoreError::sqlite("read what is kept beside the objects"))
}

/// Keeps a value beside the objects.
pub(crate) fn set_meta(connection: &Connection, name: &str, value: impl rusqlite::ToSql) -> Result<(), StoreError> {
    connection
        .prepare_cached("INSERT INTO meta (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = excluded.value")
        .and_then(|mut statement| statement.execute(rusqlite::params![name, value]))
        .map(drop)
        .map_err(StoreError::sqlite("write what is kept beside the objects"))
}
