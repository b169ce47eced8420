//! What a mirror tells of the past, compared with what the git command says, and without a request.

use crate::common::{Server, git, mirrors};
use crate::work::{checked_out, commit, push_of};
use seaway_git::{Checkout, Limits, ObjectId, Remote};
use std::sync::atomic::Ordering;

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
        let diffs: Result<Vec<_>, _> = changes.iter().map(|change| objects.unified(change)).collect();
        let between = objects.between(base, second, 10)?;
        let newest = objects.between(base, second, 1)?;
        let back = objects.between(second, base, 10)?.len();
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
