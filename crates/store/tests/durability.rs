//! `kill -9` in the middle of writes: what was acknowledged is there afterwards, at its revision.

use seaway_store::{Batch, Document, Expect, Key, Op, Options, SqliteStore, Store};
use serde_json::json;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use tempfile::TempDir;

const FOLDER: &str = "SEAWAY_TEST_STORE_FOLDER";
const N_KILLS: usize = 20;

fn put(writer: u64, n: u64) -> Batch {
    let key = Key::new("counters", "n", &format!("w{writer}"));
    let value = json!({"metadata": {"name": format!("w{writer}")}, "count": n, "padding": "x".repeat(500)});
    Batch {
        reads: Vec::new(),
        ops: vec![Op::Put { key, document: Document::new(&value).unwrap(), expect: Expect::Any, unique: Vec::new() }],
    }
}

/// The child: eight writers count upwards and print each acknowledged step, until the process is killed.
#[test]
fn child_that_writes_until_it_is_killed() {
    let Ok(folder) = std::env::var(FOLDER) else { return };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    runtime.block_on(async {
        let store = Arc::new(SqliteStore::open(Options::new(Path::new(&folder).join("store.db"))).unwrap());
        let writers = (0..8).map(|writer| {
            let store = store.clone();
            tokio::spawn(async move {
                for n in count_of(&store, writer) + 1.. {
                    let done = store.commit(put(writer, n)).await.unwrap();
                    let line = format!("ack {writer} {n} {}\n", done.outcomes[0].object().revision);
                    std::io::stdout().lock().write_all(line.as_bytes()).unwrap();
                }
            })
        });
        for writer in writers.collect::<Vec<_>>() {
            writer.await.unwrap();
        }
    });
}

fn count_of(store: &SqliteStore, writer: u64) -> u64 {
    let object = store.get(&Key::new("counters", "n", &format!("w{writer}")));
    object.map_or(0, |object| object.value().unwrap()["count"].as_u64().unwrap())
}

#[test]
fn nothing_acknowledged_is_lost_by_kill_9() {
    let folder = TempDir::new().unwrap();
    let (mut n_acknowledged, mut newest) = (0_u64, 0_u64);
    for kill in 0..N_KILLS {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "child_that_writes_until_it_is_killed", "--nocapture"])
            .env(FOLDER, folder.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut last = [(0_u64, 0_u64); 8];
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut read = |line: String| {
            let Some(rest) = line.split_once("ack ").map(|(_, rest)| rest) else { return };
            let Ok(numbers) = rest.split(' ').map(str::parse::<u64>).collect::<Result<Vec<_>, _>>() else { return };
            let [writer, n, revision] = numbers[..] else { return };
            last[usize::try_from(writer).unwrap()] = (n, revision);
            newest = newest.max(revision);
            n_acknowledged += 1;
        };
        for line in lines.by_ref().take(20 + kill * 7) {
            read(line.unwrap());
        }
        child.kill().unwrap();
        // What it had printed before it died counts as well; a line cut short by the kill does not.
        let mut rest: Vec<String> = lines.map_while(Result::ok).collect();
        rest.pop();
        rest.into_iter().for_each(&mut read);
        child.wait().unwrap();
        let store = SqliteStore::open(Options::new(folder.path().join("store.db"))).unwrap();
        for (writer, (n, revision)) in (0..).zip(last) {
            let found = count_of(&store, writer);
            assert!(found == n || found == n + 1 || n == 0, "writer {writer}: acknowledged {n}, found {found}");
            if found == n && n > 0 {
                assert_eq!(store.get(&Key::new("counters", "n", &format!("w{writer}"))).unwrap().revision, revision);
            }
        }
        assert!(store.revision() >= newest);
    }
    assert!(n_acknowledged > 20 * N_KILLS as u64 / 2);
    println!("{n_acknowledged} acknowledged over {N_KILLS} kills");
}
