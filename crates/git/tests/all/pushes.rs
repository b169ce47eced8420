//! Pushes against `git http-backend`, each result compared with what the git command says.

use crate::common::{Fault, Server, git, mirrors, with_password};
use crate::work::{branch, checked_out, commit, path, push_of};
use seaway_base::chain;
use seaway_git::{Checkout, GitError, Limits, Mirror, ObjectId, PushError, PushRequest, RefUpdate, Remote};
use std::sync::Arc;
use std::sync::atomic::Ordering;

#[tokio::test]
async fn a_commit_made_in_memory_lands_and_git_agrees() {
    let server = Server::start().await;
    let bare = server.repository("app", &[("values.yaml", "tag: v1\n"), ("a/b/c.txt", "c\n"), ("run.sh", "x\n")]);
    git(&bare, &["tag", "v1.0.0", "main"]);
    let dir = tempfile::tempdir().unwrap();
    let mirror = mirrors(dir.path(), Limits::default()).mirror(&Remote::open(server.url("app")));
    let refs = mirror.fetch().await.unwrap();
    assert_eq!(refs.head.as_deref(), Some("main"));
    assert_eq!(refs.branches["main"].to_string(), server.tip("app", "main").unwrap());
    let mut folder = checked_out(&mirror, &Checkout::Default).await;
    assert_eq!(folder.read(&path("src/values.yaml")).unwrap(), "tag: v1\n");
    let first = commit(&mut folder, "values.yaml", "tag: v2\n");
    let second = commit(&mut folder, "a/b/new.txt", "new\n");
    let pushed = mirror.push(&push_of(&folder, "main")).await.unwrap();
    assert_eq!(pushed.n_objects, 2 + 1 + 1 + 4, "two commits, a root and a blob; root, a, b and a blob");
    assert_eq!(server.tip("app", "main").unwrap(), second.to_string());
    git(&bare, &["fsck", "--strict", "--full"]);
    assert_eq!(git(&bare, &["rev-list", "-2", "main"]), format!("{second}\n{first}"));
    assert_eq!(git(&bare, &["show", "main:values.yaml"]), "tag: v2");
    assert_eq!(git(&bare, &["diff-tree", "-r", "--name-status", "--no-commit-id", "main~1"]), "M\tvalues.yaml");
    assert_eq!(
        git(&bare, &["log", "-1", "--format=%an|%ae|%cn|%ct|%B"]).trim(),
        "Seaway|seaway@example.com|Seaway|1700000000|a/b/new.txt\n\nPromotion-Id: bank/a/b/new.txt"
    );
    assert_eq!(mirror.known("refs/heads/main"), Some(second), "nobody has to ask for what we pushed");
    mirror.fetch().await.unwrap();
    git(mirror.dir(), &["fsck", "--strict", "--full"]);
    assert_eq!(git(mirror.dir(), &["rev-parse", "refs/heads/main"]), second.to_string());
    let found = mirror.find_trailers("main", Some(first), "Promotion-Id", "bank/a/b/new.txt", 1000).await.unwrap();
    assert_eq!(found, Some(second));
    assert_eq!(mirror.find_trailers("main", Some(second), "Promotion-Id", "bank/a/b/new.txt", 1000).await.unwrap(), None);
    let gone = ObjectId::from_hex(b"0123456789012345678901234567890123456789").unwrap();
    assert_eq!(mirror.find_trailers("main", Some(gone), "Promotion-Id", "bank/values.yaml", 1000).await.unwrap(), Some(first));
}

/// The server compares when it swaps, so that asking first only costs time.
#[tokio::test]
async fn the_second_push_is_one_request_and_still_never_overwrites() {
    let server = Server::start().await;
    let bare = server.repository("app", &[("a", "1\n")]);
    let dir = tempfile::tempdir().unwrap();
    let mirror = mirrors(dir.path(), Limits::default()).mirror(&Remote::open(server.url("app")));
    mirror.fetch().await.unwrap();
    let n_requests = || server.state.n_requests.load(Ordering::SeqCst);
    let mut n_asked = Vec::new();
    for text in ["2\n", "3\n"] {
        let mut folder = checked_out(&mirror, &Checkout::Default).await;
        let id = commit(&mut folder, "a", text);
        let before = n_requests();
        mirror.push(&push_of(&folder, "main")).await.unwrap();
        n_asked.push(n_requests() - before);
        assert_eq!(server.tip("app", "main").unwrap(), id.to_string());
    }
    assert_eq!(n_asked, [2, 1]);
    let mut folder = checked_out(&mirror, &Checkout::Default).await;
    commit(&mut folder, "a", "ours\n");
    let theirs = server.commit("app", "main", &[("a", "theirs\n")], "an outsider");
    let err = mirror.push(&push_of(&folder, "main")).await.unwrap_err();
    let found = match &err {
        PushError::NonFastForward { tip, .. } => tip.map(|tip| tip.to_string()),
        _ => None,
    };
    assert_eq!(found.as_deref(), Some(theirs.as_str()), "{err}");
    assert_eq!(server.tip("app", "main").unwrap(), theirs);
    git(&bare, &["fsck", "--strict", "--full"]);
    // A server that was replaced meanwhile is asked anew.
    mirror.fetch().await.unwrap();
    let mut folder = checked_out(&mirror, &Checkout::Default).await;
    let id = commit(&mut folder, "a", "4\n");
    std::fs::rename(&bare, bare.with_extension("away")).unwrap();
    assert!(matches!(mirror.push(&push_of(&folder, "main")).await.unwrap_err(), PushError::Git(GitError::NotFound { .. })));
    std::fs::rename(bare.with_extension("away"), &bare).unwrap();
    mirror.push(&push_of(&folder, "main")).await.unwrap();
    assert_eq!(server.tip("app", "main").unwrap(), id.to_string());
}

#[tokio::test]
async fn racing_writers_all_land_and_nobody_is_lost() {
    let server = Server::start().await;
    let bare = server.repository("app", &[("a", "1\n")]);
    let dir = tempfile::tempdir().unwrap();
    let mirror = mirrors(dir.path(), Limits::default()).mirror(&Remote::open(server.url("app")));
    mirror.fetch().await.unwrap();
    let writer = |name: String, mirror: Arc<Mirror>| async move {
        for _ in 0..20 {
            let mut folder = checked_out(&mirror, &branch("main")).await;
            commit(&mut folder, &name, "x\n");
            match mirror.push(&push_of(&folder, "main")).await {
                Ok(_) => return,
                Err(PushError::NonFastForward { tip, .. }) => {
                    assert!(tip.is_some());
                    mirror.fetch().await.unwrap();
                }
                Err(err) => panic!("{}", chain(&err)),
            }
        }
        panic!("{name} never landed");
    };
    futures::future::join_all((0..4).map(|i| writer(format!("w{i}"), mirror.clone()))).await;
    assert_eq!(git(&bare, &["ls-tree", "--name-only", "main"]), "a\nw0\nw1\nw2\nw3");
    assert_eq!(git(&bare, &["rev-list", "--count", "main"]), "5");
}

#[tokio::test]
async fn a_hook_refuses_with_its_message() {
    let server = Server::start().await;
    let bare = server.repository("app", &[("a", "1\n")]);
    let hook = bare.join("hooks/update");
    std::fs::create_dir_all(hook.parent().unwrap()).unwrap();
    std::fs::write(&hook, "#!/bin/sh\necho \"$1 is protected\" >&2\nexit 1\n").unwrap();
    std::fs::set_permissions(&hook, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let mirror = mirrors(dir.path(), Limits::default()).mirror(&Remote::open(server.url("app")));
    let mut folder = checked_out(&mirror, &branch("main")).await;
    commit(&mut folder, "a", "2\n");
    let err = mirror.push(&push_of(&folder, "main")).await.unwrap_err();
    assert!(matches!(err, PushError::Declined { .. }), "{err}");
    let text = chain(&err).replace(&server.port.to_string(), "PORT");
    insta::assert_snapshot!(text, @"push to `refs/heads/main` of `http://127.0.0.1:PORT/app.git`: the server refuses: hook declined; it says: refs/heads/main is protected / error: hook declined to update refs/heads/main");
}

#[tokio::test]
async fn a_moved_branch_names_both_tips_and_force_overwrites() {
    let server = Server::start().await;
    server.repository("app", &[("a", "1\n")]);
    let dir = tempfile::tempdir().unwrap();
    let mirror = mirrors(dir.path(), Limits::default()).mirror(&Remote::open(server.url("app")));
    let mut folder = checked_out(&mirror, &branch("main")).await;
    let ours = commit(&mut folder, "a", "2\n");
    let theirs = server.commit("app", "main", &[("b", "1\n")], "outsider");
    let request = push_of(&folder, "main");
    let err = mirror.push(&request).await.unwrap_err();
    let PushError::NonFastForward { tip, expected, .. } = err else { panic!("{err}") };
    assert_eq!((tip.unwrap().to_string(), expected), (theirs, folder.mount_of(&path("src")).unwrap().base));
    let updates = request.updates.into_iter().map(RefUpdate::forced).collect();
    mirror.push(&PushRequest { updates, ..request }).await.unwrap();
    assert_eq!(server.tip("app", "main").unwrap(), ours.to_string());
}

#[tokio::test]
async fn several_references_land_together_or_not_at_all() {
    let server = Server::start().await;
    let bare = server.repository("app", &[("a", "1\n")]);
    let dir = tempfile::tempdir().unwrap();
    let mirror = mirrors(dir.path(), Limits::default()).mirror(&Remote::open(server.url("app")));
    let mut folder = checked_out(&mirror, &branch("main")).await;
    let id = commit(&mut folder, "a", "2\n");
    let mut request = push_of(&folder, "main");
    request.updates.push(RefUpdate::tag("v2", id));
    mirror.push(&request).await.unwrap();
    assert_eq!(git(&bare, &["rev-parse", "v2"]), id.to_string());
    let next = commit(&mut folder, "a", "3\n");
    let objects = Some(folder.mount_of(&path("src")).unwrap().objects);
    let updates = vec![RefUpdate::branch("main", Some(id), next), RefUpdate::tag("v2", next)];
    let err = mirror.push(&PushRequest { updates, objects }).await.unwrap_err();
    assert!(matches!(&err, PushError::NonFastForward { reference, .. } if reference == "refs/tags/v2"), "{err}");
    assert_eq!(server.tip("app", "main").unwrap(), id.to_string());
}

#[tokio::test]
async fn a_cut_connection_is_an_answer_lost_and_the_trailer_finds_it() {
    let server = Server::start().await;
    server.repository("app", &[("a", "1\n")]);
    let dir = tempfile::tempdir().unwrap();
    let mirror = mirrors(dir.path(), Limits::default()).mirror(&Remote::open(server.url("app")));
    let mut folder = checked_out(&mirror, &branch("main")).await;
    let base = folder.mount_of(&path("src")).unwrap().base;
    let id = commit(&mut folder, "a", "2\n");
    let request = push_of(&folder, "main");
    for (fault, landed) in [(Fault::CutBeforePush, None), (Fault::CutAfterPush, Some(id))] {
        server.fault(fault);
        let err = mirror.push(&request).await.unwrap_err();
        assert!(matches!(err, PushError::AnswerLost { .. }), "{fault:?}: {}", chain(&err));
        server.fault(Fault::None);
        mirror.fetch().await.unwrap();
        assert_eq!(mirror.find_trailers("main", base, "Promotion-Id", "bank/a", 1000).await.unwrap(), landed, "{fault:?}");
    }
}

#[tokio::test]
async fn pinned_objects_survive_a_restart_and_are_pushed_again() {
    let server = Server::start().await;
    let bare = server.repository("app", &[("a", "1\n")]);
    let dir = tempfile::tempdir().unwrap();
    let id = {
        let mirror = mirrors(dir.path(), Limits::default()).mirror(&Remote::open(server.url("app")));
        let mut folder = checked_out(&mirror, &branch("main")).await;
        let id = commit(&mut folder, "a", "2\n");
        let objects = folder.mount_of(&path("src")).unwrap().objects;
        mirror.pin("uid-1", &objects, &[id]).await.unwrap();
        assert_eq!(objects.fresh_bytes(), 0);
        id
    };
    let mirror = mirrors(dir.path(), Limits::default()).mirror(&Remote::open(server.url("app")));
    let refs = mirror.fetch().await.unwrap();
    assert_eq!(mirror.pinned("uid-1"), [id]);
    git(mirror.dir(), &["gc", "-q", "--prune=now"]);
    let updates = vec![RefUpdate::branch("main", Some(refs.branches["main"]), id)];
    let pushed = mirror.push(&PushRequest { updates, objects: None }).await.unwrap();
    assert_eq!(pushed.n_objects, 3);
    assert_eq!(server.tip("app", "main").unwrap(), id.to_string());
    mirror.unpin("uid-1").await.unwrap();
    assert!(mirror.pinned("uid-1").is_empty());
    git(&bare, &["fsck", "--strict"]);
}

#[tokio::test]
async fn a_push_is_never_sent_on_to_where_a_redirect_leads() {
    let server = Server::start().await;
    server.repository("app", &[("a", "1\n")]);
    *server.state.password.lock().unwrap() = Some("p".into());
    let dir = tempfile::tempdir().unwrap();
    let mirror = mirrors(dir.path(), Limits::default()).mirror(&with_password(server.url("app"), "k", "p"));
    let mut folder = checked_out(&mirror, &branch("main")).await;
    let before = server.tip("app", "main");
    commit(&mut folder, "a", "2\n");
    server.fault(Fault::RedirectPush);
    let err = mirror.push(&push_of(&folder, "main")).await.unwrap_err();
    // It is known that nothing has happened: the redirect was the answer.
    assert!(matches!(err, seaway_git::PushError::Git(_)), "{err:?}");
    insta::assert_snapshot!(chain(&err).replace(&server.port.to_string(), "PORT"), @"push to `http://127.0.0.1:PORT/app.git`: `http://127.0.0.1:PORT/app.git/git-receive-pack` redirects to `http://127.0.0.1:PORT/moved/app.git/git-receive-pack`, and what is sent to one address is not sent on to another: let `repoURL` name the address that answers");
    assert_eq!(server.state.n_pushes.load(Ordering::SeqCst), 0);
    assert_eq!(server.tip("app", "main"), before);
}
