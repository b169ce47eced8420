//! What Kargo's discovery read of repositories (tests/vectors), read from mirrors of them.

use crate::common::{Server, git, mirrors};
use seaway_git::{Limits, Mirror, Remote};
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

fn rows(file: &str) -> Vec<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors").join(file);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|err| panic!("{}: {err}", path.display()));
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

async fn repositories(server: &Server, dir: &Path) -> BTreeMap<String, Arc<Mirror>> {
    let mirrors = mirrors(dir, Limits::default());
    let mut found = BTreeMap::new();
    for row in rows("discovery-git-repos.jsonl") {
        let name = row["repo"].as_str().unwrap();
        let bare = server.repository(name, &[]);
        let mut child = Command::new("git");
        child.current_dir(&bare).args(["fast-import", "--quiet"]).stdin(Stdio::piped()).stderr(Stdio::null());
        let mut child = child.spawn().unwrap();
        child.stdin.take().unwrap().write_all(row["fast_import"].as_str().unwrap().as_bytes()).unwrap();
        assert!(child.wait().unwrap().success(), "{name}");
        if let Some(head) = row["head"].as_str() {
            git(&bare, &["symbolic-ref", "HEAD", &format!("refs/heads/{head}")]);
        }
        let mirror = mirrors.mirror(&Remote::open(server.url(name)));
        let refs = mirror.fetch().await.unwrap();
        for (name, id) in row["refs"].as_object().unwrap() {
            let ours = match name.strip_prefix("refs/heads/") {
                Some(branch) => refs.branches.get(branch),
                None => refs.tags.get(name.strip_prefix("refs/tags/").unwrap()),
            };
            assert_eq!(ours.map(ToString::to_string).as_deref(), id.as_str(), "{name}");
        }
        found.insert(name.to_owned(), mirror);
    }
    found
}

/// Kargo shortens to 80 characters.
fn same_text(ours: &str, theirs: &Value) -> bool {
    let theirs = theirs.as_str().unwrap_or_default();
    ours == theirs || theirs.strip_suffix("...").is_some_and(|it| ours.starts_with(it))
}

#[tokio::test]
async fn branches_and_tags_read_as_kargo_reads_them() {
    let server = Server::start().await;
    let dir = tempfile::tempdir().unwrap();
    let mirrors = repositories(&server, dir.path()).await;
    let (mut n_logs, mut n_tags) = (0, 0);
    for case in rows("discovery.jsonl").iter().filter(|it| it["type"] == "git" && it["selected"].is_array()) {
        let (Some(mirror), subscription) =
            (mirrors.get(case["repo"].as_str().unwrap()), case["subscription"].as_object().unwrap())
        else {
            continue;
        };
        let plain = ["commitSelectionStrategy", "discoveryLimit", "branch", "strictSemvers"];
        let selected = case["selected"].as_array().unwrap();
        let strategy = subscription["commitSelectionStrategy"].as_str().filter(|it| !it.is_empty()).unwrap_or("NewestFromBranch");
        let filtered = !subscription.keys().all(|it| plain.contains(&it.as_str()));
        let id = case["id"].as_str().unwrap();
        if strategy == "NewestFromBranch" && !filtered {
            let refs = mirror.refs().await.unwrap();
            let branch = subscription.get("branch").and_then(Value::as_str).or(refs.head.as_deref()).unwrap();
            let limit = usize::try_from(subscription["discoveryLimit"].as_u64().unwrap()).unwrap();
            let log = mirror.log(refs.branches[branch], limit).await.unwrap();
            assert_eq!(log.len(), selected.len(), "{id}");
            for (ours, theirs) in log.iter().zip(selected) {
                assert_eq!(ours.id.to_string(), theirs["id"].as_str().unwrap(), "{id}");
                assert_eq!(ours.author, theirs["author"].as_str().unwrap(), "{id}");
                assert_eq!(ours.committer, theirs["committer"].as_str().unwrap(), "{id}");
                assert_eq!(ours.commit_date.to_string(), theirs["creatorDate"].as_str().unwrap(), "{id}");
                assert!(same_text(&ours.subject, &theirs["subject"]), "{id}: {} {}", ours.subject, theirs["subject"]);
            }
            n_logs += 1;
        } else if strategy != "NewestFromBranch" {
            let tags = mirror.tags().await.unwrap();
            let mut places = Vec::new();
            for theirs in selected {
                let name = theirs["tag"].as_str().unwrap();
                let at = tags.iter().position(|it| it.tag == name).unwrap_or_else(|| panic!("{id}: {name}"));
                let ours = &tags[at];
                assert_eq!(ours.id.to_string(), theirs["id"].as_str().unwrap(), "{id} {name}");
                assert_eq!(ours.creator_date.to_string(), theirs["creatorDate"].as_str().unwrap(), "{id} {name}");
                assert_eq!(ours.author, theirs["author"].as_str().unwrap_or_default(), "{id} {name}");
                assert_eq!(ours.committer, theirs["committer"].as_str().unwrap_or_default(), "{id} {name}");
                assert!(same_text(&ours.subject, &theirs["subject"]), "{id} {name}: {} {}", ours.subject, theirs["subject"]);
                places.push(at);
            }
            if strategy == "NewestTag" {
                assert!(places.is_sorted(), "{id}: {places:?}");
            }
            n_tags += 1;
        }
    }
    println!("discovery: {n_logs} logs, {n_tags} lists of tags");
    assert!(n_logs > 5 && n_tags > 20, "{n_logs} {n_tags}");
}
