//! The git steps of these tests, small but real: over mirrors, work folders and a git server in the process.

use super::*;
use seaway_git::{Checkout, CommitDetails, Committed, GitError, MountSpec, ObjectId, Remote, Signature};
use seaway_neighbours::{GitEvent, GitOptions, GitServer, Serving};
use seaway_runs::{Purpose, PushAsk, PushTarget};

fn text<'a>(config: &'a Value, key: &str) -> &'a str {
    config.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn path(config: &Value, key: &str) -> seaway_base::RelPath {
    seaway_base::RelPath::parse(text(config, key)).unwrap()
}

fn git(err: &GitError) -> StepError {
    StepError::from_error("Git", err.next(), err)
}

/// One of the git steps.
pub struct GitStep(pub &'static str, pub Option<GitServer>);

#[async_trait]
impl Step for GitStep {
    fn name(&self) -> &'static str {
        self.0
    }
    fn page(&self) -> &'static str {
        ""
    }
    fn schema(&self) -> schemars::Schema {
        schemars::Schema::default()
    }
    fn check(&self, _: &Value) -> Result<(), StepError> {
        Ok(())
    }
    fn class(&self, _: &Value) -> Class {
        match self.0 {
            "git-clone" => Class::Recorded,
            "git-push" => Class::Effect(Contract::Checkable),
            _ => Class::Local,
        }
    }
    async fn run(&self, cx: &mut StepContext<'_>, config: &Value) -> Result<Answer, StepError> {
        match self.0 {
            "git-clone" => clone(cx, config).await,
            "write" => {
                let was = cx.work.read(&path(config, "path")).ok();
                let was = was.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
                let text =
                    if config.get("append").is_some() { was + text(config, "text") } else { text(config, "text").to_owned() };
                cx.work
                    .write(&path(config, "path"), text, None)
                    .map_err(|err| StepError::from_error("Write", err.next(), &err))?;
                done(json!({}))
            }
            "git-commit" => commit(cx, config),
            // Somebody else pushes, once, between our clone and our push.
            "meddle" => {
                if let (Some(server), Purpose::Run) = (&self.1, cx.purpose)
                    && server
                        .git(text(config, "repo"), &["log", "--format=%s", "main"])
                        .await
                        .unwrap()
                        .lines()
                        .all(|line| !line.starts_with("outsider"))
                {
                    let (file, content) = (text(config, "file"), text(config, "text"));
                    server.commit(text(config, "repo"), "main", "outsider", &[(file, Some(content.as_bytes()))]).await.unwrap();
                }
                done(json!({}))
            }
            _ => Ok(Answer::Push(ask(config))),
        }
    }
    async fn describe(&self, _: &mut StepContext<'_>, config: &Value) -> Result<Description, StepError> {
        Ok(Description {
            summary: "push".into(),
            arguments: object(config),
            unknown_outputs: vec!["commit".into()],
            push: Some(ask(config)),
            ..Description::default()
        })
    }
}

fn ask(config: &Value) -> PushAsk {
    let target = match (text(config, "targetBranch"), config.get("generateTargetBranch").is_some()) {
        (_, true) => PushTarget::Generated,
        ("", _) => PushTarget::Current,
        (branch, _) => PushTarget::Branch(branch.to_owned()),
    };
    PushAsk { mount: path(config, "path"), target, force: false, max_attempts: 10, provider: None }
}

async fn clone(cx: &mut StepContext<'_>, config: &Value) -> Result<Answer, StepError> {
    let mirror = cx.ports.git.mirror(&Remote::open(text(config, "repoURL")));
    let recorded = cx.record.and_then(|record| ObjectId::from_hex(record["commit"].as_str()?.as_bytes()).ok());
    let branch = Some(text(config, "branch")).filter(|it| !it.is_empty()).unwrap_or("main").to_owned();
    let commit = match recorded {
        Some(id) => {
            if !mirror.objects().has(id).unwrap_or(false) {
                mirror.fetch().await.map_err(|err| git(&err))?;
            }
            id
        }
        None => {
            mirror.fetch().await.map_err(|err| git(&err))?;
            mirror
                .resolve(&Checkout::Branch { name: branch.clone(), create: false })
                .await
                .map_err(|err| git(&err))?
                .commit
                .unwrap()
        }
    };
    let objects = cx.work.objects_of(&mirror);
    let spec = MountSpec { objects, commit: Some(commit), branch: Some(branch), sparse: Vec::new() };
    cx.work.mount(&path(config, "path"), spec).map_err(|err| StepError::from_error("Mount", err.next(), &err))?;
    let output = object(&json!({ "commits": { text(config, "path"): commit.to_string() } }));
    Ok(Answer::Done(Done { output, record: Some(json!({ "commit": commit.to_string() })), ..Done::default() }))
}

fn commit(cx: &mut StepContext<'_>, config: &Value) -> Result<Answer, StepError> {
    let who = Signature::new(&cx.identity.name, &cx.identity.email, cx.facts.started_at);
    let details = CommitDetails {
        message: text(config, "message").into(),
        trailers: cx.trailers.to_vec(),
        author: who.clone(),
        committer: who,
    };
    let made =
        cx.work.commit(&path(config, "path"), &details).map_err(|err| StepError::from_error("Commit", err.next(), &err))?;
    let (skipped, id) = match made {
        Committed::New(id) => (false, Some(id)),
        Committed::Nothing(id) => (true, id),
    };
    Ok(Answer::Done(Done { skipped, output: object(&json!({ "commit": id.map(|id| id.to_string()) })), ..Done::default() }))
}

/// A git server with repositories, and how often a push changed them.
pub struct Remotes {
    pub server: GitServer,
    pub serving: Serving,
    pub landed: Arc<Mutex<Vec<(String, String)>>>,
    _dir: tempfile::TempDir,
}

impl Remotes {
    pub async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let server = GitServer::open(dir.path(), GitOptions::default()).await.unwrap();
        let landed: Arc<Mutex<Vec<(String, String)>>> = Arc::default();
        let seen = landed.clone();
        server.on_event(Arc::new(move |event| {
            if let GitEvent::ReceiveEnded { repository, changes } = event {
                seen.lock().extend(changes.iter().map(|change| (repository.clone(), change.name.clone())));
            }
        }));
        let serving = server.serve(0).await.unwrap();
        Self { server, serving, landed, _dir: dir }
    }

    /// A repository `name` with two files; answers its URL.
    pub async fn repo(&self, name: &str) -> String {
        self.server.create_repo(name, &[("app.yaml", b"tag: 1\n"), ("other.txt", b"a\nb\nc\nd\ne\nf\n")]).await.unwrap();
        format!("{}/{name}.git", self.serving.url().trim_end_matches('/'))
    }

    pub async fn file(&self, repo: &str, rev: &str, file: &str) -> String {
        self.server.git(repo, &["show", &format!("{rev}:{file}")]).await.unwrap()
    }

    pub async fn log(&self, repo: &str) -> Vec<String> {
        let log = self.server.git(repo, &["log", "--format=%s", "main"]).await.unwrap();
        log.lines().map(ToOwned::to_owned).collect()
    }

    pub fn n_landed(&self, repo: &str) -> usize {
        self.landed.lock().iter().filter(|(it, _)| it == repo).count()
    }

    /// A house whose table has the git steps too.
    pub fn house(&self) -> House {
        let world = Arc::new(World::default());
        let mut table = fakes(&world);
        for name in ["git-clone", "write", "git-commit", "git-push", "meddle"] {
            table.0.insert(name, Arc::new(GitStep(name, Some(self.server.clone()))));
        }
        House::with(world, table)
    }
}

/// Clone, write, commit, push.
pub fn pipeline(url: &str, content: &str) -> Vec<StepSpec> {
    vec![
        step("clone", "git-clone", json!({ "repoURL": url, "path": "src" })),
        step("write", "write", json!({ "path": "src/app.yaml", "text": content })),
        step("commit", "git-commit", json!({ "path": "src", "message": "promote ${{ outputs.clone.commits.src }}" })),
        step("push", "git-push", json!({ "path": "src" })),
        step(
            "after",
            "say",
            json!({ "commit": "${{ quote(outputs.commit.commit) }}", "pushed": "${{ quote(outputs.push.commit) }}" }),
        ),
    ]
}
