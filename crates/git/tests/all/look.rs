//! What a mirror tells of the past, compared with what the git command says, and without a request.

use crate::common::{Server, git, mirrors};
use crate::work::{checked_out, commit, push_of};
use seaway_git::{Change, Checkout, Kind, Limits, Mode, ObjectId, Objects, Remote};
use std::fmt::Write as _;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// No comparison of a test takes longer.
const MAX: Duration = Duration::from_secs(60);

#[tokio::test]
async fn what_was_pushed_is_told_from_the_disk_alone() {
    let server = Server::start().await;
    let bare = server.repository("app", &[("values.yaml", "tag: v1\n"), ("b.txt", "b\n")]);
    let dir = tempfile::tempdir().unwrap();
    let mirror = mirrors(dir.path(), Limits::default()).mirror(&Remote::open(server.url("app")));
    assert!(
        !mirror.holds(&[ObjectId::from_hex(b"0123456789012345678901234567890123456789").unwrap()]).await.unwrap(),
        "nothing is there yet"
    );
    mirror.fetch().await.unwrap();
    let mut folder = checked_out(&mirror, &Checkout::Default).await;
    let base = folder.mounts()[0].base.unwrap();
    let first = commit(&mut folder, "values.yaml", "tag: v2\n");
    let second = commit(&mut folder, "new.txt", "new\n");
    mirror.push(&push_of(&folder, "main")).await.unwrap();
    let tree = git(&bare, &["rev-parse", "main^{tree}"]);
    let tree = ObjectId::from_hex(tree.as_bytes()).unwrap();

    let n_requests = server.state.n_requests.load(Ordering::SeqCst);
    assert!(mirror.holds(&[base, first, second]).await.unwrap());
    assert!(!mirror.holds(&[tree]).await.unwrap(), "a tree is no commit");
    let told = mirror.look(move |objects| {
        let changes = objects.changes(Some(base), second, 10)?;
        let few = objects.changes(Some(base), second, 1)?.len();
        let diffs: Result<Vec<_>, _> = changes.iter().map(|change| objects.unified(change, MAX)).collect();
        let between = objects.between(base, second, 10)?.commits;
        let newest = objects.between(base, second, 1)?.commits;
        let back = objects.between(second, base, 10)?.commits.len();
        Ok((diffs?, few, between, newest, back, objects.commit(first)?))
    });
    let (diffs, few, between, newest, back, first_commit) = told.await.unwrap();
    insta::assert_snapshot!(diffs.concat(), @"
    --- /dev/null
    +++ b/new.txt
    @@ -0,0 +1 @@
    +new
    --- a/values.yaml
    +++ b/values.yaml
    @@ -1 +1 @@
    -tag: v1
    +tag: v2
    ");
    assert_eq!((few, back), (1, 0));
    let ids = |commits: &[seaway_git::CommitInfo]| commits.iter().map(|it| it.id.to_string()).collect::<Vec<_>>();
    assert_eq!(ids(&between).join("\n"), git(&bare, &["rev-list", &format!("{base}..main")]));
    assert_eq!(ids(&newest), [second.to_string()]);
    assert!(first_commit.has_trailer("Promotion-Id", "bank/values.yaml") && !first_commit.has_trailer("Promotion-Id", "bank"));
    assert_eq!(server.state.n_requests.load(Ordering::SeqCst), n_requests);
}

/// A file of short lines in no order, almost as large as one that is compared.
fn scattered(seed: u64) -> String {
    let (mut text, mut state) = (String::new(), seed);
    while text.len() < 1_000_000 {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let _ = writeln!(text, "{}", (state >> 33) % 5000);
    }
    text
}

#[test]
fn a_comparison_ends_when_its_time_is_over() {
    let objects = Objects::in_memory();
    let (old, new) = (objects.put(Kind::Blob, scattered(1)), objects.put(Kind::Blob, scattered(2)));
    let change = Change { path: "lines.txt".into(), mode: Mode::File, old: Some(old), new: Some(new) };
    let began = Instant::now();
    let diff = objects.unified(&change, Duration::from_millis(100)).unwrap();
    insta::assert_snapshot!(diff, @"
    --- a/lines.txt
    +++ b/lines.txt
    … too different to be compared line by line
    ");
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
}

/// A commit of an empty tree, `n` seconds after the others began.
fn commit_at(objects: &Objects, n: usize, parents: &[ObjectId], subject: &str) -> ObjectId {
    let tree = objects.put(Kind::Tree, Vec::new());
    let mut text = format!("tree {tree}\n");
    for parent in parents {
        let _ = writeln!(text, "parent {parent}");
    }
    let _ = write!(
        text,
        "author Ann <ann@example.com> {0} +0000\ncommitter Ann <ann@example.com> {0} +0000\n\n{subject}\n",
        1_000_000 + n
    );
    objects.put(Kind::Commit, text.into_bytes())
}

#[test]
fn a_long_history_is_looked_at_in_part_and_long_subjects_are_cut() {
    let objects = Objects::in_memory();
    let mut chain = vec![commit_at(&objects, 0, &[], "first")];
    for n in 1..25_000 {
        chain.push(commit_at(&objects, n, &[chain[n - 1]], "next"));
    }
    let last = commit_at(&objects, chain.len(), &[chain[chain.len() - 1]], &"ä".repeat(1_000_000));
    let told = |from: ObjectId, to: ObjectId| {
        let told = objects.between(from, to, 3).unwrap();
        (told.commits.len(), told.is_whole)
    };
    assert_eq!(told(chain[10_000], last), (3, true));
    assert_eq!(told(chain[0], last), (3, false), "forth");
    assert_eq!(told(last, chain[0]), (0, false), "and back");
    assert_eq!(told(last, chain[10_000]), (0, true));
    let newest = objects.between(chain[24_000], last, 1).unwrap().commits;
    assert_eq!(newest[0].subject, format!("{}…", "ä".repeat(200)));
}
