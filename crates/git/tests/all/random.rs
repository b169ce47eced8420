//! Random edits, done by git and by us: merges and commits must come to the same trees.

use crate::common::{Server, git, me, mirrors, try_git};
use seaway_base::{Random, RelPath};
use seaway_git::{CommitDetails, Committed, Limits, Merged, Mirror, MountSpec, ObjectId, Objects, Remote, WorkFolder};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;

fn rel(text: &str) -> RelPath {
    RelPath::parse(text).unwrap()
}

fn below(random: &Random, n: u64) -> usize {
    usize::try_from(random.next_u64() % n).unwrap()
}

fn details() -> CommitDetails {
    CommitDetails { message: "m".into(), trailers: vec![], author: me(0), committer: me(0) }
}

fn on(objects: &Arc<Objects>, commit: Option<ObjectId>) -> WorkFolder {
    let mut folder = WorkFolder::new();
    folder.mount(&rel("src"), MountSpec { objects: objects.clone(), commit, branch: None, sparse: vec![] }).unwrap();
    folder
}

/// Changes some lines of some files, adds and removes others; commits.
fn edited(objects: &Arc<Objects>, from: ObjectId, random: &Random) -> (WorkFolder, ObjectId) {
    let mut folder = on(objects, Some(from));
    loop {
        for _ in 0..=below(random, 4) {
            let path = rel(&format!("src/d{}/f{}", below(random, 2), below(random, 4)));
            match (below(random, 8), folder.metadata(&path).unwrap()) {
                (0, Some(_)) => assert!(folder.remove(&path).unwrap()),
                (1, Some(_)) => {
                    let text = folder.read(&path).unwrap();
                    folder.write(&path, text, Some(true)).unwrap();
                }
                (_, Some(_)) => {
                    let text = String::from_utf8(folder.read(&path).unwrap().to_vec()).unwrap();
                    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
                    let at = below(random, lines.len() as u64);
                    match below(random, 3) {
                        0 => lines[at] = format!("changed {}", below(random, 3)),
                        1 => lines.insert(at, format!("new {}", below(random, 3))),
                        _ if lines.len() > 1 => drop(lines.remove(at)),
                        _ => {}
                    }
                    folder.write(&path, lines.join("\n") + "\n", None).unwrap();
                }
                (_, None) => folder.write(&path, format!("fresh {}\n", below(random, 2)), None).unwrap(),
            }
        }
        if let Committed::New(id) = folder.commit(&rel("src"), &details()).unwrap() {
            return (folder, id);
        }
    }
}

async fn empty_mirror(server: &Server, dir: &Path) -> Arc<Mirror> {
    server.repository("app", &[]);
    let mirror = mirrors(dir, Limits::default()).mirror(&Remote::open(server.url("app")));
    mirror.fetch().await.unwrap();
    mirror
}

#[tokio::test]
async fn merges_agree_with_git() {
    let (server, dir) = (Server::start().await, tempfile::tempdir().unwrap());
    let mirror = empty_mirror(&server, dir.path()).await;
    let objects = mirror.objects();
    let random = Random::seeded(4);
    let mut start = on(&objects, None);
    for i in 0..6 {
        let lines: String = (0..12).map(|line| format!("line {line}\n")).collect();
        start.write(&rel(&format!("src/d{}/f{i}", i % 2)), lines, None).unwrap();
    }
    let Committed::New(base) = start.commit(&rel("src"), &details()).unwrap() else { panic!() };
    let (mut n_clean, mut n_conflicts, mut n_stricter) = (0, 0, 0);
    for round in 0..150 {
        let (_, ours) = edited(&objects, base, &random);
        let (mut folder, theirs) = edited(&objects, base, &random);
        let merged = folder.merge_onto(&rel("src"), ours).unwrap();
        mirror.pin("run", &objects, &[base, ours, theirs]).await.unwrap();
        let args = ["-c", "merge.renames=false", "merge-tree", "--write-tree", &ours.to_string(), &theirs.to_string()];
        match (merged, try_git(mirror.dir(), &args)) {
            (Merged::Done(moved), Some(tree)) => {
                assert_eq!(objects.commit(moved[0].1).unwrap().tree.to_string(), tree, "round {round}");
                n_clean += 1;
            }
            (Merged::Conflict(_), None) => n_conflicts += 1,
            (Merged::Conflict(paths), Some(_)) => {
                println!("round {round}: git merges {paths:?}");
                n_stricter += 1;
            }
            (Merged::Done(_), None) => panic!("round {round}: git sees a conflict and we do not"),
        }
    }
    println!("merges: {n_clean} clean, {n_conflicts} conflicts, {n_stricter} that only git merges");
    assert!(n_clean > 20 && n_conflicts > 20 && n_stricter < 6, "{n_clean} {n_conflicts} {n_stricter}");
}

/// One random operation on a real checkout and on the work folder.
fn operate(folder: &mut WorkFolder, real: &Path, random: &Random) {
    let names = ["a.yaml", "b.log", "c.tgz", "sub/d.yaml", "sub/e.log", "out/f", "sub/out/g", "run.sh"];
    let name = names[below(random, names.len() as u64)];
    let (path, on_disk) = (rel(&format!("src/{name}")), real.join(name));
    match below(random, 6) {
        0 => {
            folder.remove(&path).unwrap();
            let _ = std::fs::remove_file(&on_disk);
        }
        1 => {
            let rules = ["*.log\n", "/out/\n*.tgz\n", "sub/*\n!sub/d.yaml\n", ""][below(random, 4)];
            folder.write(&rel("src/.gitignore"), rules, None).unwrap();
            std::fs::write(real.join(".gitignore"), rules).unwrap();
        }
        2 => {
            folder.clear(&rel("src")).unwrap();
            git(real, &["add", "."]);
            git(real, &["rm", "-rfq", "--ignore-unmatch", "."]);
        }
        _ => {
            let text = format!("{}\n", below(random, 5));
            let executable = below(random, 2) == 0;
            folder.write(&path, text.clone(), Some(executable)).unwrap();
            std::fs::create_dir_all(on_disk.parent().unwrap()).unwrap();
            std::fs::write(&on_disk, text).unwrap();
            let mode = if executable { 0o755 } else { 0o644 };
            std::fs::set_permissions(&on_disk, std::fs::Permissions::from_mode(mode)).unwrap();
        }
    }
}

#[test]
fn many_commits_agree_with_git() {
    for seed in 0..12 {
        let random = Random::seeded(seed);
        let real = tempfile::tempdir().unwrap();
        git(real.path(), &["init", "-q", "."]);
        let objects = Objects::in_memory();
        let mut folder = on(&objects, None);
        let mut last = "4b825dc642cb6eb9a060e54bf8d69288fbee4904".to_owned();
        for round in 0..12 {
            for _ in 0..=below(&random, 5) {
                operate(&mut folder, real.path(), &random);
            }
            git(real.path(), &["add", "."]);
            let theirs = git(real.path(), &["write-tree"]);
            git(real.path(), &["commit", "-q", "--allow-empty", "-m", "m"]);
            match folder.commit(&rel("src"), &details()).unwrap() {
                Committed::New(id) => last = objects.commit(id).unwrap().tree.to_string(),
                Committed::Nothing(_) => {}
            }
            assert_eq!(last, theirs, "seed {seed}, round {round}");
        }
    }
}
