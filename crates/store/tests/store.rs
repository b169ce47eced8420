//! What the store promises, by example, on a real file.

use parking_lot::Mutex;
use seaway_base::Secret;
use seaway_store::{
    Batch, Document, EventKind, Expect, Fault, Key, Op, Options, Outcome, Precondition, SqliteStore, Store, StoreError,
};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;
use tempfile::TempDir;

fn key(name: &str) -> Key {
    Key::new("stages", "bank", name)
}

fn document(name: &str, text: &str) -> Document {
    let value: Value = json!({"metadata": {"name": name, "namespace": "bank", "uid": format!("uid-{name}")}, "text": text});
    Document::new(&value).unwrap()
}

fn put(key: Key, text: &str, expect: Expect) -> Op {
    Op::Put { document: document(&key.name, text), key, expect, unique: Vec::new() }
}

fn batch(ops: Vec<Op>) -> Batch {
    Batch { reads: Vec::new(), ops }
}

fn open(folder: &Path) -> SqliteStore {
    SqliteStore::open(Options::new(folder.join("store.db"))).unwrap()
}

async fn store_one(store: &SqliteStore, name: &str, text: &str) -> u64 {
    let done = store.commit(batch(vec![put(key(name), text, Expect::Any)])).await.unwrap();
    done.outcomes[0].object().revision
}

#[tokio::test]
async fn a_batch_is_all_or_nothing() {
    let folder = TempDir::new().unwrap();
    let store = open(folder.path());
    store_one(&store, "a", "1").await;
    let refused = store.commit(batch(vec![put(key("b"), "1", Expect::Absent), put(key("a"), "2", Expect::Absent)])).await;
    assert!(matches!(refused, Err(StoreError::Exists { .. })), "{refused:?}");
    assert!(store.get(&key("b")).is_none());
    let stale = Batch { reads: vec![Precondition::Revision(key("a"), 7)], ops: vec![put(key("b"), "1", Expect::Absent)] };
    assert!(matches!(store.commit(stale).await, Err(StoreError::Changed { .. })));
    let gone = Batch { reads: vec![Precondition::Absent(key("a"))], ops: vec![] };
    assert!(matches!(store.commit(gone).await, Err(StoreError::Changed { .. })));
}

#[tokio::test]
async fn what_is_so_already_keeps_its_revision() {
    let folder = TempDir::new().unwrap();
    let store = open(folder.path());
    let first = store_one(&store, "a", "1").await;
    let commits = store.stats();
    assert_eq!(store_one(&store, "a", "1").await, first);
    assert_eq!(store.stats(), commits);
    assert!(store_one(&store, "a", "2").await > first);
}

#[tokio::test]
async fn a_unique_key_has_one_holder_across_restarts() {
    let folder = TempDir::new().unwrap();
    let take = |name: &str, alias: &str| {
        batch(vec![Op::Put {
            key: key(name),
            document: document(name, "x"),
            expect: Expect::Any,
            unique: vec![alias.to_owned()],
        }])
    };
    let store = open(folder.path());
    store.commit(take("a", "alias/bank/frosty-fox")).await.unwrap();
    drop(store);
    let store = open(folder.path());
    let refused = store.commit(take("b", "alias/bank/frosty-fox")).await;
    assert!(matches!(refused, Err(StoreError::Taken { ref holder, .. }) if *holder == key("a")), "{refused:?}");
    store.commit(take("a", "alias/bank/other")).await.unwrap();
    store.commit(take("b", "alias/bank/frosty-fox")).await.unwrap();
    assert_eq!(store.holder("alias/bank/frosty-fox"), Some(key("b")));
}

#[tokio::test]
async fn watchers_resume_and_learn_when_they_cannot() {
    let folder = TempDir::new().unwrap();
    let store = SqliteStore::open(Options { n_events_max: 3, ..Options::new(folder.path().join("store.db")) }).unwrap();
    let start = store.revision();
    let mut bell = store.doorbell(Some("stages"));
    let first = store_one(&store, "a", "1").await;
    store_one(&store, "a", "2").await;
    bell.changed().await.unwrap();
    let pulled = store.events("stages", start, 10).unwrap();
    assert_eq!(pulled.events.iter().map(|event| event.kind).collect::<Vec<_>>(), [EventKind::Added, EventKind::Modified]);
    assert_eq!(store.events("stages", first, 10).unwrap().events.len(), 1);
    let deleted = store.commit(batch(vec![Op::Delete { key: key("a"), expect: Expect::Any, last: None }])).await.unwrap();
    let Outcome::Deleted(last) = &deleted.outcomes[0] else { panic!("{deleted:?}") };
    assert_eq!(last.value().unwrap()["metadata"]["resourceVersion"], last.revision.to_string());
    assert_eq!(last.revision, store.revision());
    store_one(&store, "b", "1").await;
    assert!(store.events("stages", start, 10).is_err());
    assert!(store.events("stages", store.revision() + 1, 10).is_err());
    assert!(store.events("other", start, 10).unwrap().events.is_empty());
}

#[tokio::test]
async fn a_restart_keeps_objects_and_never_repeats_a_revision() {
    let folder = TempDir::new().unwrap();
    let store = open(folder.path());
    let last = store_one(&store, "a", "1").await;
    drop(store);
    let store = open(folder.path());
    assert_eq!(store.get(&key("a")).unwrap().revision, last);
    assert!(store.revision() > last);
    assert!(store.events("stages", last, 1).is_err());
    assert_eq!(store.by_uid("uid-a").unwrap().key, key("a"));
}

#[tokio::test]
async fn revisions_go_on_past_a_reserved_block() {
    let folder = TempDir::new().unwrap();
    let options = Options { n_revisions_reserved: 3, ..Options::new(folder.path().join("store.db")) };
    let mut last = 0;
    for round in 0..3 {
        let store = SqliteStore::open(options.clone()).unwrap();
        for n in 0..10 {
            let revision = store_one(&store, "a", &format!("{round}.{n}")).await;
            assert!(revision > last);
            last = revision;
        }
    }
}

#[tokio::test]
async fn a_second_opener_is_refused() {
    let folder = TempDir::new().unwrap();
    let _store = open(folder.path());
    let second = SqliteStore::open(Options::new(folder.path().join("store.db")));
    assert!(matches!(second, Err(StoreError::InUse { .. })), "{:?}", second.err());
}

#[tokio::test]
async fn a_newer_or_foreign_database_is_refused() {
    let folder = TempDir::new().unwrap();
    drop(open(folder.path()));
    let path = folder.path().join("store.db");
    rusqlite::Connection::open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
    let newer = SqliteStore::open(Options::new(&path));
    assert!(matches!(newer, Err(StoreError::Newer { found: 99, .. })), "{:?}", newer.err());
    let foreign = folder.path().join("foreign.db");
    rusqlite::Connection::open(&foreign).unwrap().execute_batch("CREATE TABLE x (y)").unwrap();
    assert!(matches!(SqliteStore::open(Options::new(&foreign)), Err(StoreError::Foreign { .. })));
}

#[tokio::test]
async fn secrets_are_nowhere_in_the_files_and_need_their_key() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("store.db");
    let options = |key: u8| Options::new(&path).sealing(Secret::new([key; 32]), &["secrets"]);
    let store = SqliteStore::open(options(1)).unwrap();
    let secret = Key::new("secrets", "bank", "git");
    store.commit(batch(vec![put(secret.clone(), "canary-7f3a", Expect::Absent)])).await.unwrap();
    store.backup_to(&folder.path().join("copy.db")).await.unwrap();
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        assert!(!bytes.windows(11).any(|window| window == b"canary-7f3a"));
    }
    drop(store);
    assert!(matches!(SqliteStore::open(options(2)), Err(StoreError::WrongKey { .. })));
    assert!(matches!(SqliteStore::open(Options::new(&path)), Err(StoreError::KeyNeeded { .. })));
    let store = SqliteStore::open(options(1)).unwrap();
    assert_eq!(store.get(&secret).unwrap().value().unwrap()["text"], "canary-7f3a");
}

#[tokio::test]
async fn a_backup_taken_while_writing_opens_and_is_whole() {
    let folder = TempDir::new().unwrap();
    let store = Arc::new(open(folder.path()));
    for n in 0..200 {
        store_one(&store, &format!("s{n}"), &"x".repeat(20_000)).await;
    }
    let writer = tokio::spawn({
        let store = store.clone();
        async move {
            for n in 200..300 {
                store_one(&store, &format!("s{n}"), "late").await;
            }
        }
    });
    let copy = folder.path().join("copy/store.db");
    store.backup_to(&copy).await.unwrap();
    writer.await.unwrap();
    let restored = SqliteStore::open(Options::new(&copy)).unwrap();
    assert!(restored.list("stages", None, None, 1000).objects.len() >= 200);
    assert_eq!(store.list("stages", None, None, 1000).objects.len(), 300);
}

#[tokio::test]
async fn what_cannot_be_read_is_parked_and_left_alone() {
    let folder = TempDir::new().unwrap();
    let store = open(folder.path());
    store_one(&store, "a", "1").await;
    store_one(&store, "b", "1").await;
    drop(store);
    let raw = rusqlite::Connection::open(folder.path().join("store.db")).unwrap();
    raw.execute("UPDATE objects SET body = '{' WHERE name = 'a'", []).unwrap();
    drop(raw);
    let store = open(folder.path());
    assert_eq!(store.parked().len(), 1);
    assert_eq!(store.list("stages", Some("bank"), None, 10).objects.len(), 1);
    let refused = store.commit(batch(vec![put(key("a"), "2", Expect::Any)])).await;
    assert!(matches!(refused, Err(StoreError::Parked { .. })), "{refused:?}");
}

#[tokio::test]
async fn a_store_stopped_at_any_commit_keeps_what_it_acknowledged() {
    let points = Arc::new(Mutex::new(Vec::new()));
    for stop_at in 0..8 {
        let folder = TempDir::new().unwrap();
        points.lock().clear();
        let seen = points.clone();
        let faults: seaway_store::FaultPlan = Arc::new(move |point, number| {
            let mut seen = seen.lock();
            seen.push((point.to_owned(), number));
            if seen.len() == stop_at + 1 { Fault::Stop } else { Fault::Go }
        });
        let path = folder.path().join("store.db");
        let store = SqliteStore::open(Options { faults: Some(faults), ..Options::new(&path) }).unwrap();
        let mut acknowledged = 0;
        for n in 0..4 {
            match store.commit(batch(vec![put(key(&format!("s{n}")), "x", Expect::Absent)])).await {
                Ok(_) => acknowledged += 1,
                Err(StoreError::Stopped) => break,
                Err(err) => panic!("{err}"),
            }
        }
        assert_eq!(points.lock().len(), stop_at + 1);
        assert_eq!(acknowledged, stop_at / 2);
        drop(store);
        let found = open(folder.path()).list("stages", None, None, 10).objects.len();
        // Stopped after the commit, one more is durable than was acknowledged: an answer may be lost, an object never.
        assert_eq!(found, acknowledged + stop_at % 2);
    }
}
