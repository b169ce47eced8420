//! What Kargo's own steps did to files, checkouts and commits (tests/vectors/steps), done to a work folder.

use base64::Engine as _;
use seaway_base::RelPath;
use seaway_git::{
    CommitDetails, Committed, FileKind, FolderError, Kind, MountSpec, ObjectId, Objects, Provider, Signature, WorkFolder,
    commit_url,
};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

type Tree = BTreeMap<String, String>;

fn cases(file: &str) -> Vec<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors/steps").join(file);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|err| panic!("{}: {err}", path.display()));
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn rel(text: &str) -> RelPath {
    RelPath::parse(text).unwrap_or_else(|_| RelPath::parse(text.rsplit("../").next().unwrap()).unwrap())
}

fn bytes(entry: &Value) -> Vec<u8> {
    if let Some(text) = entry["text"].as_str() {
        return text.as_bytes().to_vec();
    }
    if let Some(text) = entry["base64"].as_str() {
        return base64::engine::general_purpose::STANDARD.decode(text).unwrap();
    }
    let parts = entry["parts"].as_array().unwrap();
    parts
        .iter()
        .flat_map(|it| it[0].as_str().unwrap().repeat(usize::try_from(it[1].as_u64().unwrap()).unwrap()).into_bytes())
        .collect()
}

/// An entry as one line: what it is, and what it holds. Folders are compared by being there.
fn line(entry: &Value) -> String {
    if let Some(target) = entry["link"].as_str() {
        return format!("link {target}");
    }
    if entry["dir"].is_string() {
        return "dir".into();
    }
    let executable = entry["mode"].as_str().is_some_and(|it| u32::from_str_radix(it, 8).unwrap() & 0o100 != 0);
    format!("file {executable} {}", String::from_utf8_lossy(&bytes(entry)))
}

fn write(folder: &mut WorkFolder, files: &Map<String, Value>) -> Result<(), FolderError> {
    for (path, entry) in files {
        let path = rel(path);
        if let Some(target) = entry["link"].as_str() {
            folder.remove(&path)?;
            folder.link(&path, target)?;
        } else if entry["dir"].is_string() {
            folder.make_folder(&path)?;
        } else {
            let mode = entry["mode"].as_str().map(|it| u32::from_str_radix(it, 8).unwrap() & 0o100 != 0);
            folder.write(&path, bytes(entry), mode)?;
        }
    }
    Ok(())
}

fn snapshot(folder: &WorkFolder) -> Tree {
    let entries = folder.walk(&RelPath::root()).unwrap().into_iter();
    let describe = |path: &RelPath, kind| match kind {
        FileKind::Folder => "dir".to_owned(),
        FileKind::Link => format!("link {}", folder.link_target(path).unwrap().unwrap()),
        FileKind::Submodule => "submodule".to_owned(),
        kind => format!("file {} {}", kind == FileKind::Executable, String::from_utf8_lossy(&folder.read(path).unwrap())),
    };
    entries.map(|(path, info)| (path.to_string(), describe(&path, info.kind))).collect()
}

/// The tree that a case says there is afterwards.
fn expected(before: &Tree, after: &Value) -> Tree {
    let mut tree = before.clone();
    for path in after["removed"].as_array().unwrap() {
        tree.remove(path.as_str().unwrap());
    }
    for key in ["added", "changed"] {
        tree.extend(after[key].as_object().unwrap().iter().map(|(path, entry)| (path.clone(), line(entry))));
    }
    tree
}

/// Groups and cases that differ by decision (runs.md, kargo.md section 23), or are about git itself.
const DIFFERENT: &[(&str, &str)] = &[
    ("folder onto itself", "a no-op here too, compared elsewhere"),
    (".git folder skipped", "`.git` cannot be written here"),
    ("nested .git folder skipped", "`.git` cannot be written here"),
    ("inPath is inside .git", "`.git` is never visible"),
    ("inPath is .git", "`.git` is never visible"),
    ("outPath link that escapes", "a link that leads out is refused, not followed inside"),
    ("inPath is a link that escapes", "a link that leads out is refused, not followed inside"),
    ("outPath ../", "a path that leaves is refused by RelPath"),
    ("path ../src", "a path that leaves is refused by RelPath"),
    ("nested repository", "nobody can run `git init` in a work folder"),
    ("nested git repository folder", "nobody can run `git init` in a work folder"),
    ("sub folder path, changes only outside", "nothing to commit is nothing to commit"),
    ("glob with ../", "a path that leaves is refused by RelPath"),
];

fn differs(case: &Value) -> bool {
    let name = case["name"].as_str().unwrap();
    DIFFERENT.iter().any(|it| it.0 == name) || case["status"] == "InvalidConfig"
}

#[test]
fn copies_are_kargos() {
    let mut n = 0;
    for case in cases("copy.jsonl").iter().filter(|it| !differs(it)) {
        let name = case["name"].as_str().unwrap();
        let mut folder = WorkFolder::new();
        write(&mut folder, case["before"].as_object().unwrap()).unwrap();
        let before = snapshot(&folder);
        let config = |key: &str| case["config"][key].as_str().unwrap_or_default();
        let result = folder.copy(&rel(config("inPath")), &rel(config("outPath")), config("ignore"));
        assert_eq!(result.is_ok(), case["status"] == "Succeeded", "{name}: {result:?}");
        if result.is_ok() {
            assert_eq!(snapshot(&folder), expected(&before, &case["after"]), "{name}");
        }
        n += 1;
    }
    assert!(n > 40, "{n}");
}

#[test]
fn removals_are_kargos() {
    let mut n = 0;
    for case in cases("delete.jsonl").iter().filter(|it| !differs(it) && it["status"] == "Succeeded") {
        let name = case["name"].as_str().unwrap();
        let mut folder = WorkFolder::new();
        let files = case["before"].as_object().unwrap();
        if files.keys().any(|it| it.contains(".git/")) || write(&mut folder, files).is_err() {
            continue;
        }
        let before = snapshot(&folder);
        let config = &case["config"];
        let paths: Vec<&str> = match config["paths"].as_array() {
            Some(paths) => paths.iter().map(|it| it.as_str().unwrap()).collect(),
            None => vec![config["path"].as_str().unwrap()],
        };
        let globs = config["pathsAreGlobs"] == true;
        let mut refused = None;
        for text in paths {
            let found = if globs { folder.glob(text).unwrap() } else { vec![rel(text)] };
            for path in found {
                refused = folder.remove(&path).err().or(refused);
            }
        }
        if let Some(FolderError::Leaves { .. }) = refused {
            continue;
        }
        assert!(refused.is_none(), "{name}: {refused:?}");
        assert_eq!(snapshot(&folder), expected(&before, &case["after"]), "{name}");
        n += 1;
    }
    assert!(n > 20, "{n}");
}

fn dev(text: &str, date: &str) -> Signature {
    let (name, email) = text.trim_end_matches('>').split_once(" <").unwrap();
    Signature::new(name, email, date.parse().unwrap())
}

/// A repository built from a script, in memory: labels, branches and tags.
#[derive(Default)]
struct Repo {
    labels: BTreeMap<String, ObjectId>,
    refs: BTreeMap<String, ObjectId>,
}

fn build(objects: &Arc<Objects>, script: &[Value]) -> Repo {
    let mut repo = Repo::default();
    for entry in script {
        if let (Some(label), Some(branch)) = (entry["commit"].as_str(), entry["branch"].as_str()) {
            let parent = match entry.get("parent") {
                Some(Value::String(parent)) => Some(repo.labels[parent]),
                Some(_) => None,
                None => repo.refs.get(branch).copied(),
            };
            let mut folder = WorkFolder::new();
            let spec = MountSpec { objects: objects.clone(), commit: parent, branch: None, sparse: vec![] };
            folder.mount(&RelPath::root(), spec).unwrap();
            write(&mut folder, entry["files"].as_object().unwrap()).unwrap();
            for path in entry["remove"].as_array().into_iter().flatten() {
                folder.remove(&rel(path.as_str().unwrap())).unwrap();
            }
            let who = dev(entry["author"].as_str().unwrap(), entry["date"].as_str().unwrap());
            let message = entry["message"].as_str().unwrap().to_owned();
            let details = CommitDetails { message, trailers: vec![], author: who.clone(), committer: who };
            let Committed::New(id) = folder.commit(&RelPath::root(), &details).unwrap() else { panic!("an empty commit") };
            assert_eq!(id.to_string(), entry["id"].as_str().unwrap(), "the id that git gave to {label}");
            repo.labels.insert(label.to_owned(), id);
            repo.refs.insert(branch.to_owned(), id);
        } else if let (Some(tag), Some(at)) = (entry["tag"].as_str(), entry["at"].as_str()) {
            repo.refs.insert(tag.to_owned(), repo.labels[at]);
        }
    }
    repo
}

/// Runs a step on the folder: its status and the commit it made.
fn step(
    folder: &mut WorkFolder,
    objects: &Arc<Objects>,
    repo: &Repo,
    kind: &str,
    config: &Value,
) -> (&'static str, Option<ObjectId>) {
    let path = rel(config["path"].as_str().unwrap_or_default());
    let errored = ("Errored", None);
    match kind {
        "git-clone" => {
            for checkout in config["checkout"].as_array().unwrap() {
                let named = ["branch", "tag", "commit"].iter().find_map(|it| checkout[*it].as_str().map(|name| (*it, name)));
                let (what, name) = named.unwrap_or(("branch", "main"));
                let name = name.trim_start_matches("{{commit:").trim_end_matches("}}");
                let commit = repo.refs.get(name).or_else(|| repo.labels.get(name)).copied();
                let branch = (what == "branch").then(|| name.to_owned());
                let sparse =
                    checkout["sparse"].as_array().into_iter().flatten().map(|it| it.as_str().unwrap().to_owned()).collect();
                let spec = MountSpec { objects: objects.clone(), commit, branch, sparse };
                folder.mount(&rel(checkout["path"].as_str().unwrap()), spec).unwrap();
            }
            ("Succeeded", None)
        }
        "git-clear" => folder.clear(&path).map_or(errored, |()| ("Succeeded", None)),
        "git-commit" => {
            let who = Signature::new("Kargo", "no-reply@kargo.io", "2025-01-01T00:00:00Z".parse().unwrap());
            let message = config["message"].as_str().unwrap().to_owned();
            let details = CommitDetails { message, trailers: vec![], author: who.clone(), committer: who };
            match folder.commit(&path, &details) {
                Ok(Committed::New(id)) => ("Succeeded", Some(id)),
                Ok(Committed::Nothing(_)) => ("Skipped", None),
                Err(_) => errored,
            }
        }
        other => panic!("{other}"),
    }
}

fn git_case(case: &Value) -> Option<()> {
    let name = case["name"].as_str().unwrap();
    let objects = Objects::in_memory();
    let remotes = case["before"]["remotes"].as_object()?;
    let script = remotes.values().next()?["script"].as_array()?;
    let repo = build(&objects, script);
    let mut folder = WorkFolder::new();
    for setup in case["before"]["setup"].as_array().into_iter().flatten() {
        if let Some(files) = setup["write"].as_object() {
            write(&mut folder, files).unwrap_or_else(|err| panic!("{name}: {err}"));
        } else if let Some(paths) = setup["remove"].as_array() {
            for path in paths {
                folder.remove(&rel(path.as_str().unwrap())).unwrap();
            }
        } else if let Some(kind) = setup["step"].as_str() {
            step(&mut folder, &objects, &repo, kind, &setup["config"]);
        } else {
            return None;
        }
    }
    let before = snapshot(&folder);
    let (status, made) = step(&mut folder, &objects, &repo, case["step"].as_str().unwrap(), &case["config"]);
    assert_eq!(status, case["status"].as_str().unwrap(), "{name}");
    assert_eq!(snapshot(&folder), expected(&before, &case["after"]["files"]), "{name}");
    if let Some(id) = made {
        let expected = &case["after"]["commits"]["new1"];
        let commit = objects.commit(id).unwrap();
        assert_eq!(commit.message.trim_end_matches('\n'), expected["message"].as_str().unwrap().trim_end_matches('\n'), "{name}");
        let parents: Vec<_> = expected["parents"].as_array().unwrap().iter().map(|it| it.as_str().unwrap()).collect();
        if let [parent] = parents[..]
            && let Some(parent) = repo.labels.get(parent)
        {
            assert_eq!(commit.parents, [*parent], "{name}");
        }
        let mut tree = WorkFolder::new();
        let spec = MountSpec { objects, commit: Some(id), branch: None, sparse: vec![] };
        tree.mount(&RelPath::root(), spec).unwrap();
        let files: Tree = snapshot(&tree).into_iter().filter(|it| it.1 != "dir").collect();
        let wanted: Tree = expected["tree"].as_object().unwrap().iter().map(|(path, it)| (path.clone(), line(it))).collect();
        assert_eq!(files, wanted, "{name}");
    }
    Some(())
}

#[test]
fn clears_and_commits_are_kargos() {
    for (file, at_least) in [("git-clear.jsonl", 10), ("git-commit.jsonl", 25)] {
        let all = cases(file);
        let met = all.iter().filter(|it| !differs(it)).filter_map(git_case).count();
        println!("{file}: {met}/{}", all.len());
        assert!(met >= at_least, "{file}: {met}");
    }
}

#[test]
fn commit_urls_are_kargos() {
    for case in cases("git-commit-url.jsonl") {
        let provider: Option<Provider> = serde_json::from_value(case["provider"].clone()).unwrap();
        let url = case["repoURL"].as_str().unwrap();
        // Kargo asks a Gitea host whether it is one; that is the step's to do.
        if provider == Some(Provider::Gitea) || url.contains("{{giteaHost}}") {
            continue;
        }
        assert_eq!(
            commit_url(url, provider, case["commit"].as_str().unwrap()).as_deref(),
            case["url"].as_str(),
            "{}",
            case["name"]
        );
    }
}

#[test]
fn a_commit_depends_on_nothing_but_what_is_in_it() {
    let make = || {
        let objects = Objects::in_memory();
        let mut folder = WorkFolder::new();
        let spec = MountSpec { objects: objects.clone(), commit: None, branch: Some("main".into()), sparse: vec![] };
        folder.mount(&rel("src"), spec).unwrap();
        folder.write(&rel("src/a"), "1", None).unwrap();
        let who = dev("A <a@b>", "2024-01-01T00:00:00Z");
        let details = CommitDetails { message: "m".into(), trailers: vec![], author: who.clone(), committer: who };
        let Committed::New(id) = folder.commit(&rel("src"), &details).unwrap() else { panic!() };
        assert_eq!(objects.header(id).unwrap().unwrap().0, Kind::Commit);
        id
    };
    assert_eq!(make(), make());
}
