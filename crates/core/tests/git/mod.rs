//! The repositories of the discovery vectors, made and read by stock git.

use jiff::Timestamp;
use seaway_core::discovery::{Ask, Commit, Tag};
use seaway_core::vectors::{Outcome, check_git, git_search};
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Bare repositories by name.
pub(crate) struct Repositories {
    _folder: tempfile::TempDir,
    by_name: BTreeMap<String, PathBuf>,
}

const FIELDS: &str = "%H%x1f%an <%ae>%x1f%cn <%ce>%x1f%s%x1f%ct";

impl Repositories {
    pub(crate) fn new(vectors: &Path) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let text = std::fs::read_to_string(vectors.join("discovery-git-repos.jsonl")).unwrap();
        let by_name = text
            .lines()
            .map(|line| {
                let repository: Value = serde_json::from_str(line).unwrap();
                let name = repository["repo"].as_str().unwrap();
                let path = folder.path().join(name);
                git(folder.path(), &["init", "-q", "--bare", "--initial-branch=HEAD", path.to_str().unwrap()]);
                let mut import = Command::new("git")
                    .args(["fast-import", "--quiet"])
                    .current_dir(&path)
                    .stdin(Stdio::piped())
                    .stdout(Stdio::null())
                    .spawn()
                    .unwrap();
                import.stdin.take().unwrap().write_all(repository["fast_import"].as_str().unwrap().as_bytes()).unwrap();
                assert!(import.wait().unwrap().success());
                git(&path, &["symbolic-ref", "HEAD", &format!("refs/heads/{}", repository["head"].as_str().unwrap())]);
                (name.to_owned(), path)
            })
            .collect();
        Self { _folder: folder, by_name }
    }

    pub(crate) fn check(&self, case: &Value) -> Outcome {
        let path = &self.by_name[case["repo"].as_str().unwrap()];
        check_git(case, search(case, path))
    }
}

fn search(case: &Value, path: &Path) -> Result<Vec<seaway_api::kargo::DiscoveredCommit>, String> {
    let mut search = git_search(case)?;
    loop {
        match search.ask() {
            Ask::Done => return Ok(search.finish()),
            Ask::Commits { skip, n } => {
                let branch = case["subscription"]["branch"].as_str().filter(|b| !b.is_empty());
                let from = branch.map_or("HEAD".to_owned(), |b| format!("refs/heads/{b}"));
                let (skip, n) = (format!("--skip={skip}"), format!("-n{n}"));
                let format = format!("--format={FIELDS}");
                let text = try_git(path, &["log", "--first-parent", &skip, &n, &format, &from])?;
                search.commits(text.lines().map(commit).collect()).map_err(|e| e.to_string())?;
            }
            Ask::Tags => {
                let names = git(
                    path,
                    &[
                        "for-each-ref",
                        "--format=%(refname:short)%1f%(creatordate:unix)%1f%(taggername) %(taggeremail)%1f%(contents:subject)%1f%(objecttype)",
                        "refs/tags",
                    ],
                );
                search.tags(names.lines().map(|line| tag(path, line)).collect()).map_err(|e| e.to_string())?;
            }
            Ask::Paths(id) => {
                let text = git(path, &["show", "--format=", "--name-status", "--no-renames", "--first-parent", "-m", &id]);
                let paths: Vec<String> = text.lines().filter_map(|l| l.split_once('\t')).map(|(_, p)| p.to_owned()).collect();
                search.paths(&paths);
            }
        }
    }
}

fn commit(line: &str) -> Commit {
    let f: Vec<&str> = line.split('\u{1f}').collect();
    let date = f[4].parse().ok().and_then(|s| Timestamp::from_second(s).ok());
    Commit { id: f[0].into(), author: f[1].into(), committer: f[2].into(), subject: f[3].into(), date }
}

fn tag(path: &Path, line: &str) -> Tag {
    let f: Vec<&str> = line.split('\u{1f}').collect();
    let of = git(path, &["log", "-n1", &format!("--format={FIELDS}"), &format!("refs/tags/{}", f[0])]);
    let annotated = f[4] == "tag";
    let only = |text: &str| if annotated { text.trim().to_owned() } else { String::new() };
    let date = f[1].parse().ok().and_then(|s| Timestamp::from_second(s).ok());
    Tag { name: f[0].into(), commit: commit(of.trim_end()), tagger: only(f[2]), annotation: only(f[3]), date }
}

fn git(path: &Path, args: &[&str]) -> String {
    try_git(path, args).unwrap_or_else(|e| panic!("git {args:?}: {e}"))
}

fn try_git(path: &Path, args: &[&str]) -> Result<String, String> {
    let output = Command::new("git").args(args).current_dir(path).output().map_err(|e| e.to_string())?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
}
