//! Mirrors against `git http-backend`: what they fetch, keep and refuse.

use crate::common::{Fault, Server, git, mirrors, quick, with_password};
use crate::work::{branch, checked_out, commit, push_of};
use seaway_base::chain;
use seaway_base::http::{Egress, HttpClient};
use seaway_git::{
    Checkout, GitError, HttpTransport, Limits, MirrorOptions, Mirrors, PushRequest, RefUpdate, Remote, TransportError,
};
use std::sync::Arc;
use std::sync::atomic::Ordering;

#[tokio::test]
async fn a_fetch_brings_what_is_new_and_forgets_what_is_gone() {
    for v0 in [false, true] {
        let server = Server::start().await;
        server.state.v0.store(v0, Ordering::SeqCst);
        let bare = server.repository("app", &[("a", "1\n")]);
        let dir = tempfile::tempdir().unwrap();
        let mirror = mirrors(dir.path(), Limits::default()).mirror(&Remote::open(server.url("app")));
        mirror.fetch().await.unwrap();
        let second = server.commit("app", "main", &[("a", "2\n")], "second");
        server.commit("app", "feature", &[("f", "1\n")], "feature");
        git(&bare, &["tag", "-a", "-m", "release", "v1", "main"]);
        let refs = mirror.fetch().await.unwrap();
        assert_eq!(refs.branches["main"].to_string(), second);
        assert_eq!(refs.tag_commit("v1").unwrap().to_string(), second, "v0: {v0}");
        assert_eq!(server.state.n_fetches.load(Ordering::SeqCst), 2);
        git(&bare, &["branch", "-D", "feature"]);
        let refs = mirror.fetch().await.unwrap();
        assert!(!refs.branches.contains_key("feature"));
        assert_eq!(server.state.n_fetches.load(Ordering::SeqCst), 2, "nothing new: no pack");
        assert_eq!(
            git(mirror.dir(), &["for-each-ref", "--format=%(objectname) %(refname)"]),
            git(&bare, &["for-each-ref", "--format=%(objectname) %(refname)"])
        );
        assert_eq!(mirror.ls_remote().await.unwrap(), *refs);
        git(mirror.dir(), &["fsck", "--strict", "--full"]);
    }
}

#[tokio::test]
async fn an_empty_repository_gets_its_first_branch() {
    let server = Server::start().await;
    let bare = server.repository("app", &[]);
    let dir = tempfile::tempdir().unwrap();
    let mirror = mirrors(dir.path(), Limits::default()).mirror(&Remote::open(server.url("app")));
    assert_eq!(mirror.fetch().await.unwrap().branches.len(), 0);
    assert!(matches!(mirror.resolve(&Checkout::Default).await, Err(GitError::NoDefault { .. })));
    let mut folder = checked_out(&mirror, &Checkout::Branch { name: "env/new".into(), create: true }).await;
    let id = commit(&mut folder, "a/b.txt", "b\n");
    mirror.push(&push_of(&folder, "env/new")).await.unwrap();
    assert_eq!(server.tip("app", "env/new").unwrap(), id.to_string());
    git(&bare, &["fsck", "--strict"]);
    let again = mirror.push(&PushRequest { updates: vec![RefUpdate::branch("env/new", None, id)], objects: None }).await.unwrap();
    assert_eq!(again.unchanged, ["refs/heads/env/new"]);
}

#[tokio::test]
async fn callers_that_wait_share_one_fetch() {
    let server = Server::start().await;
    server.repository("app", &[("a", "1\n")]);
    let dir = tempfile::tempdir().unwrap();
    let mirrors = mirrors(dir.path(), Limits::default());
    let fetches = (0..8).map(|_| {
        let mirror = mirrors.mirror(&Remote::open(server.url("app")));
        async move { mirror.fetch().await.unwrap() }
    });
    futures::future::join_all(fetches).await;
    assert!(server.state.n_requests.load(Ordering::SeqCst) <= 5, "{:?}", server.state.n_requests);
}

#[tokio::test]
async fn a_deleted_pack_is_noticed_and_the_mirror_rebuilt() {
    let server = Server::start().await;
    server.repository("app", &[("a", "1\n"), ("d/b", "2\n")]);
    let dir = tempfile::tempdir().unwrap();
    let mirror = mirrors(dir.path(), Limits::default()).mirror(&Remote::open(server.url("app")));
    mirror.fetch().await.unwrap();
    std::fs::remove_dir_all(mirror.dir().join("objects/pack")).unwrap();
    let refs = mirror.fetch().await.unwrap();
    git(mirror.dir(), &["fsck", "--strict", "--full"]);
    // One that is read before the next fetch says what is gone.
    let fresh = mirrors(dir.path(), Limits::default()).mirror(&Remote::open(server.url("app")));
    fresh.fetch().await.unwrap();
    std::fs::remove_dir_all(fresh.dir().join("objects/pack")).unwrap();
    let err = fresh.log(refs.branches["main"], 1).await;
    let other = fresh.objects();
    let gone = other.commit(refs.branches["main"]).unwrap_err();
    assert!(gone.is_disk_gone(), "{gone} {err:?}");
    fresh.fetch().await.unwrap();
    assert_eq!(fresh.objects().commit(refs.branches["main"]).unwrap().subject(), "first");
    // And the whole mirror.
    std::fs::remove_dir_all(fresh.dir()).unwrap();
    fresh.fetch().await.unwrap();
    git(fresh.dir(), &["fsck", "--strict", "--full"]);
}

#[tokio::test]
async fn credentials_are_told_apart_and_never_shown_or_stored() {
    let server = Server::start().await;
    server.repository("app", &[("a", "1\n")]);
    *server.state.password.lock().unwrap() = Some("canary-7".into());
    let dir = tempfile::tempdir().unwrap();
    let mirrors = mirrors(dir.path(), Limits::default());
    let show = |err: &GitError| chain(err).replace(&server.port.to_string(), "PORT");
    let none = mirrors.mirror(&Remote::open(server.url("app"))).fetch().await.unwrap_err();
    insta::assert_snapshot!(show(&none), @"fetch from `http://127.0.0.1:PORT/app.git`: the server answers 401: it wants a credential and none is configured for this URL; add a Secret labelled `kargo.akuity.io/cred-type: git` with its `repoURL`, `username` and `password`");
    let wrong = mirrors.mirror(&with_password(server.url("app"), "k", "canary-8")).fetch().await.unwrap_err();
    insta::assert_snapshot!(show(&wrong), @"fetch from `http://127.0.0.1:PORT/app.git`: the server answers 401: it refuses the credential; check user name, password and their rights");
    let right = mirrors.mirror(&with_password(server.url("app"), "k", "canary-7"));
    right.fetch().await.unwrap();
    let in_url = server.url("app").replace("http://", "http://me:canary-7@");
    let by_url = mirrors.mirror(&Remote::open(in_url));
    by_url.fetch().await.unwrap();
    assert!(!by_url.repo().contains("canary"));
    let found = std::process::Command::new("grep").args(["-r", "canary", dir.path().to_str().unwrap()]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&found.stdout), "");
    assert!(!format!("{right:?}").contains("canary"));
}

#[tokio::test]
async fn faults_of_a_server_are_said_as_they_are() {
    let server = Server::start().await;
    server.repository("app", &[("a", "1\n")]);
    let dir = tempfile::tempdir().unwrap();
    let mirror = mirrors(dir.path(), quick()).mirror(&Remote::open(server.url("app")));
    let mut seen = Vec::new();
    for fault in [Fault::Hang, Fault::NotFound, Fault::Html, Fault::CutFetch] {
        server.fault(fault);
        let err = mirror.fetch().await.unwrap_err();
        seen.push(format!("{:?} {}", err.next(), chain(&err).replace(&server.port.to_string(), "PORT")));
    }
    insta::assert_snapshot!(seen.join("\n"), @"
    Retry fetch from `http://127.0.0.1:PORT/app.git`: the server at `127.0.0.1:PORT` sent nothing within 400ms: it hangs or is overloaded
    Blocked fetch from `http://127.0.0.1:PORT/app.git`: there is no such repository, or the credential may not see it
    Blocked fetch from `http://127.0.0.1:PORT/app.git`: the server does not answer as a git server does: info/refs is `text/html`; is the URL that of a git repository?
    Retry fetch from `http://127.0.0.1:PORT/app.git`: the connection to `127.0.0.1:PORT` broke: end of file before message length reached
    ");
    server.fault(Fault::None);
    mirror.fetch().await.unwrap();
    let missing = mirror.resolve(&branch("nope")).await.unwrap_err();
    assert!(missing.to_string().starts_with("branch `nope` of `http://127.0.0.1:"), "{missing}");
    drop(server);
}

#[tokio::test]
async fn a_redirect_of_the_first_request_is_followed() {
    let server = Server::start().await;
    server.repository("app", &[("a", "1\n")]);
    *server.state.password.lock().unwrap() = Some("p".into());
    server.fault(Fault::Redirect);
    let dir = tempfile::tempdir().unwrap();
    let mirror = mirrors(dir.path(), Limits::default()).mirror(&with_password(server.url("app"), "k", "p"));
    let mut folder = checked_out(&mirror, &branch("main")).await;
    let id = commit(&mut folder, "a", "2\n");
    mirror.push(&push_of(&folder, "main")).await.unwrap();
    assert_eq!(server.tip("app", "main").unwrap(), id.to_string());
}

#[tokio::test]
async fn a_commit_that_no_reference_reaches_is_not_found() {
    let server = Server::start().await;
    let bare = server.repository("app", &[("a", "1\n")]);
    let first = server.tip("app", "main").unwrap();
    server.commit("app", "main", &[("a", "2\n")], "second");
    let secret = server.commit("app", "secret", &[("s", "1\n")], "secret");
    let dir = tempfile::tempdir().unwrap();
    let mirror = mirrors(dir.path(), Limits::default()).mirror(&Remote::open(server.url("app")));
    mirror.fetch().await.unwrap();
    git(&bare, &["branch", "-D", "secret"]);
    mirror.fetch().await.unwrap();
    let found = |text: &str| {
        let (mirror, checkout) = (mirror.clone(), Checkout::Commit(text.to_owned()));
        async move { mirror.resolve(&checkout).await }
    };
    assert_eq!(found(&first).await.unwrap().commit.unwrap().to_string(), first);
    assert_eq!(found(&first[..8]).await.unwrap().commit.unwrap().to_string(), first);
    assert!(matches!(found(&secret).await, Err(GitError::NoCommit { .. })), "fetched once, reached no more");
    assert_eq!(found("main").await.unwrap().branch.as_deref(), Some("main"));
}

#[tokio::test]
async fn history_reads_as_git_prints_it() {
    let server = Server::start().await;
    let bare = server.repository("app", &[("a", "1\n"), ("ü/b c", "1\n")]);
    for i in 0..5 {
        server.commit(
            "app",
            "main",
            &[("a", &format!("{i}\n")), (&format!("d/ä{i}"), "x\n")],
            &format!("commit {i}\nmore\n\nbody"),
        );
    }
    git(&bare, &["tag", "-a", "-m", "release one\n\nbody", "v1", "main~1"]);
    git(&bare, &["tag", "light", "main~2"]);
    let dir = tempfile::tempdir().unwrap();
    let mirror = mirrors(dir.path(), Limits::default()).mirror(&Remote::open(server.url("app")));
    let refs = mirror.fetch().await.unwrap();
    let log = mirror.log(refs.branches["main"], 100).await.unwrap();
    let ours: Vec<_> =
        log.iter().map(|it| format!("{} {} {} {}", it.id, it.author, it.commit_date.as_second(), it.subject)).collect();
    assert_eq!(ours.join("\n"), git(&bare, &["log", "--first-parent", "--format=%H %an <%ae> %ct %s", "main"]));
    for commit in &log {
        let ours: Vec<_> =
            mirror.changed_paths(commit.id).await.unwrap().iter().map(|it| format!("{}\t{}", it.status, it.path)).collect();
        let theirs =
            git(&bare, &["show", "--name-status", "--no-renames", "--first-parent", "--format=", &commit.id.to_string()]);
        assert_eq!(ours.join("\n"), theirs);
    }
    let tags: Vec<_> = mirror.tags().await.unwrap().iter().map(|it| format!("{} {} {}", it.tag, it.id, it.annotation)).collect();
    assert_eq!(tags.len(), 2);
    assert!(tags.iter().any(|it| it.starts_with("v1 ") && it.ends_with("release one")), "{tags:?}");
    let order = git(&bare, &["for-each-ref", "--sort=-creatordate", "--format=%(refname:short)", "refs/tags"]);
    assert_eq!(tags.iter().map(|it| it.split(' ').next().unwrap()).collect::<Vec<_>>().join("\n"), order);
}

#[tokio::test]
async fn old_mirrors_are_evicted_and_come_back() {
    let server = Server::start().await;
    server.repository("app", &[("a", "1\n")]);
    let dir = tempfile::tempdir().unwrap();
    let mirrors = mirrors(dir.path(), Limits::default());
    let mirror = mirrors.mirror(&Remote::open(server.url("app")));
    mirror.fetch().await.unwrap();
    let folder = mirror.dir().to_owned();
    let later = std::time::SystemTime::now() + std::time::Duration::from_secs(100);
    assert_eq!(mirrors.evict(later, std::time::Duration::from_secs(50)).await.unwrap(), 0, "it is held");
    drop(mirror);
    assert_eq!(mirrors.evict(later, std::time::Duration::from_secs(500)).await.unwrap(), 0, "it is not old");
    assert_eq!(mirrors.evict(later, std::time::Duration::from_secs(50)).await.unwrap(), 1);
    assert!(!folder.exists());
    mirrors.mirror(&Remote::open(server.url("app"))).fetch().await.unwrap();
}

#[tokio::test]
async fn ten_thousand_files_take_milliseconds() {
    let server = Server::start().await;
    let files: Vec<_> = (0..10_000).map(|i| (format!("d{}/e{}/f{i}.yaml", i % 10, i % 100), format!("tag: {i}\n"))).collect();
    let files: Vec<_> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    server.repository("app", &files);
    let dir = tempfile::tempdir().unwrap();
    let mirror = mirrors(dir.path(), Limits::default()).mirror(&Remote::open(server.url("app")));
    let start = std::time::Instant::now();
    mirror.fetch().await.unwrap();
    let fetched = start.elapsed();
    let start = std::time::Instant::now();
    let mut folder = checked_out(&mirror, &branch("main")).await;
    commit(&mut folder, "d1/e1/f1.yaml", "tag: new\n");
    let edited = start.elapsed();
    let pushed = mirror.push(&push_of(&folder, "main")).await.unwrap();
    println!(
        "10,000 files: clone {fetched:?}, edit and commit {edited:?}, with push {:?}, {} objects",
        start.elapsed(),
        pushed.n_objects
    );
    assert_eq!(pushed.n_objects, 5);
}

#[tokio::test]
async fn a_mirror_is_repacked_and_readers_go_on() {
    let server = Server::start().await;
    server.repository("app", &[("a", "1\n")]);
    let dir = tempfile::tempdir().unwrap();
    let transport = HttpTransport::over(HttpClient::new(Egress::local()).unwrap(), Limits::default());
    let options = MirrorOptions { n_loose_max: 5, counted_every: 1, ..MirrorOptions::default() };
    let mirrors = Mirrors::with_transport(dir.path().to_owned(), Arc::new(transport), options);
    let mirror = mirrors.mirror(&Remote::open(server.url("app")));
    let mut folder = checked_out(&mirror, &branch("main")).await;
    let first = commit(&mut folder, "a", "2\n");
    let second = commit(&mut folder, "a", "3\n");
    mirror.push(&push_of(&folder, "main")).await.unwrap();
    let reader = mirror.objects();
    assert_eq!(reader.commit(first).unwrap().subject(), "a");
    mirror.pin("run-1", &reader, &[first]).await.unwrap();
    mirror.fetch().await.unwrap();
    assert!(git(mirror.dir(), &["count-objects", "-v"]).starts_with("count: 0\n"));
    assert_eq!(reader.commit(second).unwrap().parents, [first]);
    assert_eq!(mirrors.unpin_all(|uid| uid == "run-1").await.unwrap(), 0);
    assert_eq!(mirrors.unpin_all(|_| false).await.unwrap(), 1);
    assert!(mirror.pinned("run-1").is_empty());
}

#[tokio::test]
async fn the_egress_policy_holds_for_git() {
    let server = Server::start().await;
    server.repository("app", &[("a", "1\n")]);
    let dir = tempfile::tempdir().unwrap();
    let over = |egress: Egress| Mirrors::new(dir.path().to_owned(), HttpClient::new(egress).unwrap(), MirrorOptions::default());
    let closed = over(Egress::default());
    let err = closed.mirror(&Remote::open(server.url("app"))).fetch().await.unwrap_err();
    assert!(matches!(&err, GitError::Transport { err: TransportError::Refused(_), .. }), "{}", chain(&err));
    let text = chain(&err);
    assert!(text.contains("egress."), "it names the setting: {text}");
    let metadata = over(Egress { loopback: true, ..Egress::default() });
    let err = metadata.mirror(&Remote::open("http://169.254.169.254/app.git")).fetch().await.unwrap_err();
    assert!(matches!(&err, GitError::Transport { err: TransportError::Refused(_), .. }), "{}", chain(&err));
    let by_name = Remote::open(server.url("app").replace("127.0.0.1", "localhost"));
    let err = closed.mirror(&by_name).fetch().await.unwrap_err();
    assert!(matches!(&err, GitError::Transport { err: TransportError::Refused(_), .. }), "{}", chain(&err));
    metadata.mirror(&Remote::open(server.url("app"))).fetch().await.unwrap();
    for (url, why) in
        [("git@host:o/r.git", "over ssh"), ("ssh://git@host/r", "`ssh`"), ("file:///srv/r.git", "`file`"), ("x y", "no URL")]
    {
        let err = metadata.mirror(&Remote::open(url)).fetch().await.unwrap_err();
        assert!(matches!(&err, GitError::Url { .. }) && err.to_string().contains(why), "{err}");
    }
    let outside = with_password("http://192.0.2.1/app.git".into(), "k", "canary-9");
    let err = metadata.mirror(&outside).fetch().await.unwrap_err();
    assert!(chain(&err).contains("allowCredentialsOverHTTP") && !chain(&err).contains("canary"), "{}", chain(&err));
}

#[tokio::test]
async fn what_a_server_says_never_holds_the_password() {
    let server = Server::start().await;
    let bare = server.repository("app", &[("a", "1\n")]);
    *server.state.password.lock().unwrap() = Some("canary-7".into());
    let hook = bare.join("hooks/update");
    std::fs::create_dir_all(hook.parent().unwrap()).unwrap();
    std::fs::write(&hook, "#!/bin/sh\necho 'you sent canary-7' >&2\nexit 1\n").unwrap();
    std::fs::set_permissions(&hook, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let mirror = mirrors(dir.path(), Limits::default()).mirror(&with_password(server.url("app"), "k", "canary-7"));
    let mut folder = checked_out(&mirror, &branch("main")).await;
    commit(&mut folder, "a", "2\n");
    let err = mirror.push(&push_of(&folder, "main")).await.unwrap_err();
    assert!(chain(&err).contains("you sent ***") && !format!("{err:?}").contains("canary"), "{}", chain(&err));
}

#[tokio::test]
async fn a_server_that_hangs_is_named_under_the_clients_own_limit_too() {
    let server = Server::start().await;
    server.repository("app", &[("a", "1\n")]);
    server.fault(Fault::Hang);
    let dir = tempfile::tempdir().unwrap();
    let limit = std::time::Duration::from_millis(300);
    let timeouts = seaway_base::http::Timeouts { idle: limit, ..Default::default() };
    let http = HttpClient::with_timeouts(Egress { loopback: true, ..Egress::default() }, &timeouts).unwrap();
    let mirror = Mirrors::new(dir.path().to_owned(), http, MirrorOptions::default()).mirror(&Remote::open(server.url("app")));
    let err = mirror.fetch().await.unwrap_err();
    assert!(chain(&err).contains("sent nothing within ") && chain(&err).contains("it hangs"), "{}", chain(&err));
}
