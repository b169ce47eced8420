//! The git cases of `discovery.jsonl`: repositories made by `git fast-import`, served over HTTP, read through mirrors.

use anyhow::{Context as _, Result, bail};
use seaway_base::http::{Egress, HttpClient};
use seaway_core::discovery::{Ask, Commit, Tag};
use seaway_core::vectors::{Outcome, check_git, git_search};
use seaway_git::{GitError, Mirror, MirrorOptions, Mirrors, ObjectId, Remote, RemoteRefs};
use seaway_neighbours::{GitOptions, GitServer, Serving};
use serde_json::Value;
use std::collections::BTreeMap;
use std::str::FromStr as _;
use std::sync::Arc;

/// The file that holds the repositories.
pub(crate) const REPOSITORIES: &str = "discovery-git-repos.jsonl";

/// The repositories of the cases, by name.
pub(crate) struct Repositories {
    by_name: BTreeMap<String, (Arc<Mirror>, Arc<RemoteRefs>)>,
    _serving: Serving,
    _dir: tempfile::TempDir,
}

impl Repositories {
    pub(crate) async fn open(vectors: &std::path::Path) -> Result<Self> {
        let dir = tempfile::tempdir()?;
        let server = GitServer::open(dir.path().join("served"), GitOptions::default()).await?;
        let serving = server.serve(0).await?;
        let http = HttpClient::new(Egress::local())?;
        let mirrors = Mirrors::new(dir.path().join("mirrors"), http, MirrorOptions::default());
        let mut by_name = BTreeMap::new();
        for row in super::cases(vectors, REPOSITORIES)? {
            let name = row["repo"].as_str().context("a repository has a name")?;
            let path = server.create_repo(name, &[]).await?;
            super::remotes::fast_import(&path, row["fast_import"].as_str().context("a script")?.as_bytes().to_vec()).await?;
            if let Some(head) = row["head"].as_str() {
                server.git(name, &["symbolic-ref", "HEAD", &format!("refs/heads/{head}")]).await?;
            }
            let mirror = mirrors.mirror(&Remote::open(format!("{}/{name}.git", serving.url())));
            let refs = mirror.fetch().await?;
            for (full, id) in row["refs"].as_object().into_iter().flatten() {
                let ours = match full.strip_prefix("refs/heads/") {
                    Some(branch) => refs.branches.get(branch),
                    None => full.strip_prefix("refs/tags/").and_then(|tag| refs.tags.get(tag)),
                };
                if ours.map(ToString::to_string).as_deref() != id.as_str() {
                    bail!("{name}: {full} came out as {ours:?}, not {id}");
                }
            }
            by_name.insert(name.to_owned(), (mirror, refs));
        }
        Ok(Self { by_name, _serving: serving, _dir: dir })
    }

    pub(crate) async fn check(&self, case: &Value) -> Outcome {
        let name = case["repo"].as_str().unwrap_or_default();
        let found = match self.by_name.get(name) {
            Some((mirror, refs)) => search(case, mirror, refs).await,
            None => Err(format!("there is no repository `{name}`")),
        };
        check_git(case, found)
    }
}

async fn search(case: &Value, mirror: &Mirror, refs: &RemoteRefs) -> Result<Vec<seaway_api::kargo::DiscoveredCommit>, String> {
    let told = |err: GitError| seaway_base::chain(&err);
    let mut search = git_search(case)?;
    loop {
        match search.ask() {
            Ask::Done => return Ok(search.finish()),
            Ask::Commits { skip, n } => {
                let named = case["subscription"]["branch"].as_str().filter(|name| !name.is_empty()).or(refs.head.as_deref());
                let tip = named.and_then(|name| refs.branches.get(name)).ok_or("there is no such branch")?;
                let log = mirror.log(*tip, skip + n).await.map_err(told)?;
                let commits = log.into_iter().skip(skip).map(|it| Commit {
                    id: it.id.to_string(),
                    author: it.author,
                    committer: it.committer,
                    subject: it.subject,
                    date: Some(it.commit_date),
                });
                search.commits(commits.collect()).map_err(|err| err.to_string())?;
            }
            Ask::Tags => {
                let tags = mirror.tags().await.map_err(told)?;
                let tags = tags.into_iter().map(|it| Tag {
                    name: it.tag,
                    commit: Commit {
                        id: it.id.to_string(),
                        author: it.author,
                        committer: it.committer,
                        subject: it.subject,
                        date: Some(it.creator_date),
                    },
                    tagger: it.tagger,
                    annotation: it.annotation,
                    date: Some(it.creator_date),
                });
                search.tags(tags.collect()).map_err(|err| err.to_string())?;
            }
            Ask::Paths(id) => {
                let id = ObjectId::from_str(&id).map_err(|err| err.to_string())?;
                let paths: Vec<String> = mirror.changed_paths(id).await.map_err(told)?.into_iter().map(|it| it.path).collect();
                search.paths(&paths);
            }
        }
    }
}
