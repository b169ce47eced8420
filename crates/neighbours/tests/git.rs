//! Stock git against the git server.

use axum::Router;
use axum::routing::get;
use seaway_base::process::{Job, ProcessError, run};
use seaway_neighbours::auth::Login;
use seaway_neighbours::git::{Fault, RefChange, Service};
use seaway_neighbours::{GitEvent, GitOptions, GitServer, Serving, serve};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

struct Scene {
    dir: TempDir,
    server: GitServer,
    serving: Serving,
}

impl Scene {
    async fn new(options: GitOptions) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let server = GitServer::open(dir.path().join("repositories"), options).await.unwrap();
        server.create_repo("team/app", &[("readme.md", b"hello\n"), ("envs/dev/values.yaml", b"tag: v1\n")]).await.unwrap();
        let serving = server.serve(0).await.unwrap();
        Self { dir, server, serving }
    }

    fn url(&self) -> String {
        format!("{}/team/app.git", self.serving.url())
    }

    fn work(&self) -> PathBuf {
        self.dir.path().join("work")
    }

    async fn cloned() -> Self {
        let scene = Self::new(GitOptions::default()).await;
        git(scene.dir.path(), &["clone", "-q", &scene.url(), "work"]).await.unwrap();
        scene
    }

    /// Commits a file of `n_bytes` that do not pack well.
    async fn commit(&self, name: &str, n_bytes: usize) {
        let random = seaway_base::Random::seeded(n_bytes as u64);
        let bytes: Vec<u8> = std::iter::repeat_with(|| random.next_u64().to_le_bytes()).flatten().take(n_bytes).collect();
        std::fs::write(self.work().join(name), bytes).unwrap();
        git(&self.work(), &["add", "."]).await.unwrap();
        git(&self.work(), &["-c", "user.name=me", "-c", "user.email=me@x", "commit", "-qm", name]).await.unwrap();
    }
}

async fn git(dir: &Path, args: &[&str]) -> Result<String, ProcessError> {
    let job = Job::new("git").args(args.iter().copied()).dir(dir).env("GIT_TERMINAL_PROMPT", "0").env("GIT_TRACE_PACKET", "1");
    let output = run(job).await?;
    Ok(format!("{}{}", output.stdout.text(), output.stderr.text()))
}

#[tokio::test]
async fn clones_fetches_and_pushes_two_mebibytes() {
    let scene = Scene::cloned().await;
    assert_eq!(std::fs::read(scene.work().join("envs/dev/values.yaml")).unwrap(), b"tag: v1\n");
    for (name, extra) in [("plain", "http.postBuffer=8388608"), ("chunked", "http.postBuffer=1024")] {
        scene.commit(name, 2 << 20).await;
        git(&scene.work(), &["-c", extra, "push", "-q", "origin", "main"]).await.unwrap();
        let tip = git(&scene.work(), &["-c", "core.abbrev=no", "rev-parse", "main"]).await.unwrap();
        assert!(tip.contains(&scene.server.git("team/app", &["rev-parse", "main"]).await.unwrap()), "{name}");
    }
    assert_eq!(scene.server.n_receives(), 2, "the empty request before a chunked push is no push");
    let id = scene.server.commit("team/app", "main", "theirs", &[("new", Some(b"1")), ("plain", None)]).await.unwrap();
    let said = git(&scene.work(), &["-c", "protocol.version=2", "pull", "-q", "--ff-only"]).await.unwrap();
    assert!(said.contains("version 2") && said.contains("command=fetch"), "{said}");
    assert!(scene.work().join("new").exists() && !scene.work().join("plain").exists());
    assert!(scene.server.git("team/app", &["reflog", "show", "main"]).await.unwrap().starts_with(&id[..7]));
    git(scene.dir.path(), &["-c", "protocol.version=0", "clone", "-q", "--depth=1", &scene.url(), "shallow"]).await.unwrap();
}

#[tokio::test]
async fn compressed_requests_are_unpacked() {
    let scene = Scene::cloned().await;
    // Many tags make a negotiation of more than 1 KiB, which git compresses.
    for n in 0..40 {
        scene.server.commit("team/app", &format!("b{n}"), "one", &[("f", Some(b"1"))]).await.unwrap();
    }
    let said = run(Job::new("git").args(["fetch", "-q", "origin"]).dir(scene.work()).env("GIT_CURL_VERBOSE", "1")).await.unwrap();
    assert!(said.stderr.text().to_lowercase().contains("content-encoding: gzip"), "git did not compress");
    assert!(git(&scene.work(), &["rev-parse", "origin/b39"]).await.is_ok());
}

#[tokio::test]
async fn listeners_hear_of_a_push_before_its_answer() {
    let scene = Scene::cloned().await;
    let mut events = scene.server.events();
    let old = scene.server.git("team/app", &["rev-parse", "main"]).await.unwrap();
    scene.commit("x", 10).await;
    git(&scene.work(), &["push", "-q", "origin", "main", "main:refs/heads/other"]).await.unwrap();
    let new = scene.server.git("team/app", &["rev-parse", "main"]).await.unwrap();
    let repository = "team/app".to_owned();
    assert_eq!(events.try_recv().unwrap(), GitEvent::ReceiveBegan { repository: repository.clone() });
    let change = |name: &str, old: Option<&str>| RefChange {
        name: format!("refs/heads/{name}"),
        old: old.map(str::to_owned),
        new: Some(new.clone()),
    };
    let changes = vec![change("main", Some(&old)), change("other", None)];
    assert_eq!(events.try_recv().unwrap(), GitEvent::ReceiveEnded { repository, changes });
}

#[tokio::test]
async fn a_login_is_asked_for() {
    let scene = Scene::new(GitOptions { login: Some(Login::new("me", "pw")) }).await;
    assert!(git(scene.dir.path(), &["ls-remote", &scene.url()]).await.is_err());
    let with = |login: &str| scene.url().replace("http://", &format!("http://{login}@"));
    assert!(git(scene.dir.path(), &["ls-remote", &with("me:no")]).await.is_err());
    assert!(git(scene.dir.path(), &["ls-remote", &with("me:pw")]).await.unwrap().contains("refs/heads/main"));
}

#[tokio::test]
async fn faults_happen_as_often_as_asked() {
    let scene = Scene::cloned().await;
    let tip = async || scene.server.git("team/app", &["rev-parse", "main"]).await.unwrap();
    let push = async || git(&scene.work(), &["push", "-q", "origin", "main"]).await;
    let before = tip().await;
    scene.commit("x", 10).await;

    scene.server.fail(Service::Receive, Fault::RefuseRef { name: "refs/heads/main".to_owned() }, 1);
    let err = push().await.unwrap_err().to_string();
    assert!(err.contains("refs/heads/main is protected"), "{err}");
    scene.server.fail(Service::Receive, Fault::Status(503), 1);
    assert!(push().await.is_err());
    assert_eq!(tip().await, before);

    scene.server.fail(Service::Receive, Fault::CutAnswer { after_bytes: 5 }, 1);
    assert!(push().await.is_err());
    assert_ne!(tip().await, before, "the push was done, its answer lost");
    push().await.unwrap();

    scene.server.fail(Service::Upload, Fault::Hang, 1);
    let job = Job::new("git").args(["fetch", "-q", "origin"]).dir(scene.work());
    let limits = seaway_base::process::Limits { time: std::time::Duration::from_millis(500), ..Default::default() };
    assert!(matches!(run(Job { limits, ..job }).await, Err(ProcessError::TimedOut { .. })));
    scene.server.heal();
    git(&scene.work(), &["fetch", "-q", "origin"]).await.unwrap();
}

#[tokio::test]
async fn other_routes_live_beside_and_content_survives_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let server = GitServer::open(dir.path(), GitOptions::default()).await.unwrap();
    server.create_repo("app", &[("f", b"1")]).await.unwrap();
    let smoke = Router::new().route("/smoke/{name}", get(async || "fine"));
    let serving = serve(0, server.router().merge(smoke)).await.unwrap();
    let text = reqwest::get(format!("{}/smoke/x", serving.url())).await.unwrap().text().await.unwrap();
    assert_eq!(text, "fine");
    let tip = server.git("app", &["rev-parse", "main"]).await.unwrap();
    serving.shutdown().await;

    let server = GitServer::open(dir.path(), GitOptions::default()).await.unwrap();
    server.create_repo("app", &[("f", b"2")]).await.unwrap();
    let serving = server.serve(0).await.unwrap();
    let refs = git(dir.path(), &["ls-remote", &format!("{}/app", serving.url())]).await.unwrap();
    assert!(refs.contains(&tip));
    assert!(git(dir.path(), &["ls-remote", &format!("{}/none", serving.url())]).await.is_err());
}
