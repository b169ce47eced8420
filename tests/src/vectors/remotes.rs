//! Remote repositories of a case, built from its script and served over HTTP.

use super::same::Labels;
use anyhow::{Context as _, Result, bail};
use seaway_base::process::{Job, run};
use seaway_neighbours::{GitOptions, GitServer, Serving};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

/// The remotes of a case.
pub(crate) struct Remotes {
    pub(crate) server: GitServer,
    serving: Serving,
    _dir: tempfile::TempDir,
}

impl Remotes {
    /// Builds every remote of `before.remotes`; labels get the ids of their commits.
    pub(crate) async fn build(case: &Value, labels: &mut Labels) -> Result<Self> {
        let dir = tempfile::tempdir()?;
        let server = GitServer::open(dir.path(), GitOptions::default()).await?;
        let serving = server.serve(0).await?;
        let remotes = Self { server, serving, _dir: dir };
        for (name, remote) in case["before"]["remotes"].as_object().into_iter().flatten() {
            remotes.server.create_repo(name, &[]).await?;
            remotes.play(name, &remote["script"], labels).await?;
            if let Some(head) = remote["defaultBranch"].as_str() {
                remotes.server.git(name, &["symbolic-ref", "HEAD", &format!("refs/heads/{head}")]).await?;
            }
        }
        Ok(remotes)
    }

    /// The URL of a remote.
    pub(crate) fn url(&self, name: &str) -> String {
        format!("{}/{name}.git", self.serving.url())
    }

    /// Placeholders of remotes and of commits known by now, filled in.
    pub(crate) fn fill(&self, case: &Value, labels: &Labels, text: &str) -> String {
        let mut text = labels.fill(text);
        for name in case["before"]["remotes"].as_object().into_iter().flatten().map(|(name, _)| name) {
            text = text.replace(&format!("{{{{remote:{name}}}}}"), &self.url(name));
            text = text.replace(&format!("{{{{remoteWithoutSuffix:{name}}}}}"), self.url(name).trim_end_matches(".git"));
        }
        text
    }

    /// Plays a script: somebody else's commits, tags and branches.
    pub(crate) async fn play(&self, name: &str, script: &Value, labels: &mut Labels) -> Result<()> {
        for entry in script.as_array().into_iter().flatten() {
            let label = entry["at"].as_str();
            let at = label.and_then(|label| labels.0.get(label)).cloned();
            if let Some(label) = entry["commit"].as_str() {
                self.commit(name, label, entry, labels).await?;
            } else if let (Some(tag), Some(at)) = (entry["tag"].as_str(), &at) {
                match entry["annotated"].as_str() {
                    Some(message) => {
                        let script = format!(
                            "tag {tag}\nfrom {at}\ntagger Dev <dev@example.com> 1704103200 +0000\ndata {}\n{message}\n",
                            message.len() + 1
                        );
                        fast_import(&self.server.path(name)?, script.into_bytes()).await?;
                    }
                    None => drop(self.server.git(name, &["update-ref", &format!("refs/tags/{tag}"), at]).await?),
                }
            } else if let (Some(branch), Some(at)) = (entry["branch-set"].as_str(), &at) {
                self.server.git(name, &["update-ref", &format!("refs/heads/{branch}"), at]).await?;
            } else if let Some(branch) = entry["branch-delete"].as_str() {
                self.server.git(name, &["update-ref", "-d", &format!("refs/heads/{branch}")]).await?;
            } else {
                bail!("an entry of a script that nobody knows: {entry}");
            }
        }
        Ok(())
    }

    async fn commit(&self, name: &str, label: &str, entry: &Value, labels: &mut Labels) -> Result<()> {
        let branch = entry["branch"].as_str().context("a commit's branch")?;
        let tips = self.tips(name).await?;
        let parent = match entry.get("parent") {
            Some(Value::String(parent)) => Some(labels.0.get(parent).context("a commit's parent")?.clone()),
            Some(_) => None,
            None => tips.get(&format!("refs/heads/{branch}")).cloned(),
        };
        let who = entry["author"].as_str().context("a commit's author")?;
        let date: jiff::Timestamp = entry["date"].as_str().context("a commit's date")?.parse()?;
        let message = format!("{}\n", entry["message"].as_str().unwrap_or_default());
        let mut script = Vec::new();
        let head = format!(
            "commit refs/heads/{branch}\nauthor {who} {0} +0000\ncommitter {who} {0} +0000\ndata {1}\n{message}",
            date.as_second(),
            message.len()
        );
        script.extend(head.bytes());
        if let Some(parent) = parent {
            script.extend(format!("from {parent}\n").bytes());
        }
        for path in entry["remove"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            script.extend(format!("D {}\n", quoted(path)).bytes());
        }
        for (path, file) in entry["files"].as_object().into_iter().flatten() {
            let (mode, content) = match super::entries::Entry::read(file)? {
                super::entries::Entry::File { executable, bytes } => (if executable { "100755" } else { "100644" }, bytes),
                super::entries::Entry::Link(target) => ("120000", target.into_bytes()),
                _ => continue,
            };
            script.extend(format!("M {mode} inline {}\ndata {}\n", quoted(path), content.len()).bytes());
            script.extend(content);
            script.push(b'\n');
        }
        fast_import(&self.server.path(name)?, script).await?;
        let id = self.server.git(name, &["rev-parse", &format!("refs/heads/{branch}")]).await?;
        if entry["id"].as_str().is_some_and(|wanted| wanted != id) {
            bail!("commit {label} came out as {id}, not {}", entry["id"]);
        }
        labels.0.insert(label.to_owned(), id);
        Ok(())
    }

    /// Every ref and where it stands, tags peeled.
    pub(crate) async fn tips(&self, name: &str) -> Result<BTreeMap<String, String>> {
        let format = "--format=%(refname) %(if)%(*objectname)%(then)%(*objectname)%(else)%(objectname)%(end)";
        let text = self.server.git(name, &["for-each-ref", format]).await?;
        Ok(text.lines().filter_map(|line| line.split_once(' ')).map(|(name, id)| (name.to_owned(), id.to_owned())).collect())
    }
}

/// A path as `git fast-import` takes it.
fn quoted(path: &str) -> String {
    if path.chars().all(|c| !c.is_control() && c != '"' && c != '\\') {
        return path.to_owned();
    }
    let mut text = String::from("\"");
    for byte in path.bytes() {
        let _ = write!(text, "\\{byte:03o}");
    }
    text + "\""
}

/// Feeds a script to `git fast-import`.
pub(crate) async fn fast_import(repository: &Path, script: Vec<u8>) -> Result<()> {
    run(Job::new("git").args(["fast-import", "--quiet", "--force"]).dir(repository).stdin(script)).await?;
    Ok(())
}
