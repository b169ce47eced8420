//! The bare repositories in the folder: made, filled and asked with stock git.

use super::RefChange;
use crate::NeighbourError;
use seaway_base::RelPath;
use seaway_base::process::{Job, run};
use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};

const CONFIG: &str = "\
[safe]\n\tdirectory = *\n\
[core]\n\tlogAllRefUpdates = always\n\
[init]\n\tdefaultBranch = main\n\
[gc]\n\tauto = 0\n\
[receive]\n\tautogc = false\n\tadvertisePushOptions = true\n\
[uploadpack]\n\tallowAnySHA1InWant = true\n\tallowFilter = true\n";

/// Refuses the ref named by `NEIGHBOUR_REFUSE`.
const UPDATE_HOOK: &str = "\
#!/bin/sh\n\
if [ -n \"$NEIGHBOUR_REFUSE\" ] && [ \"$1\" = \"$NEIGHBOUR_REFUSE\" ]; then\n\
\techo \"$1 is protected\" >&2\n\
\texit 1\n\
fi\n";

/// The folder with our git configuration and hooks.
pub(super) fn own_dir(dir: &Path) -> PathBuf {
    dir.join(".neighbour")
}

/// The environment that every git of ours runs in, besides `PATH`.
pub(super) fn environment(dir: &Path) -> Vec<(&'static str, PathBuf)> {
    let own = own_dir(dir);
    vec![("GIT_CONFIG_NOSYSTEM", "1".into()), ("GIT_CONFIG_GLOBAL", own.join("gitconfig")), ("HOME", own)]
}

pub(super) async fn prepare(dir: &Path) -> Result<(), NeighbourError> {
    let own = own_dir(dir);
    let hooks = own.join("hooks");
    let write = async || {
        tokio::fs::create_dir_all(&hooks).await?;
        tokio::fs::write(own.join("gitconfig"), CONFIG).await?;
        tokio::fs::write(hooks.join("update"), UPDATE_HOOK).await?;
        tokio::fs::set_permissions(hooks.join("update"), std::os::unix::fs::PermissionsExt::from_mode(0o755)).await
    };
    write().await.map_err(NeighbourError::io(format!("prepare `{}`", dir.display())))
}

/// The name without slashes around it and without `.git`, if it is one.
pub(super) fn bare_name(name: &str) -> Result<String, NeighbourError> {
    let bare = name.trim_matches('/');
    let bare = bare.strip_suffix(".git").unwrap_or(bare);
    let good = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_alphanumeric())
            && part.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'))
    };
    let fits = RelPath::parse(bare).is_ok_and(|path| path.as_str() == bare) && bare.split('/').all(good);
    if fits { Ok(bare.to_owned()) } else { Err(NeighbourError::Name { name: name.to_owned(), what: "repository" }) }
}

pub(super) fn path(dir: &Path, name: &str) -> Result<PathBuf, NeighbourError> {
    Ok(dir.join(format!("{}.git", bare_name(name)?)))
}

pub(super) async fn create(dir: &Path, name: &str, files: &[(&str, &[u8])]) -> Result<PathBuf, NeighbourError> {
    let path = path(dir, name)?;
    if path.join("HEAD").exists() {
        return Ok(path);
    }
    tokio::fs::create_dir_all(&path).await.map_err(NeighbourError::io(format!("make repository `{name}`")))?;
    git_in(dir, &path, &["init", "--quiet", "--bare", "--initial-branch=main", "."], Vec::new()).await?;
    if !files.is_empty() {
        let files: Vec<(&str, Option<&[u8]>)> = files.iter().map(|(path, content)| (*path, Some(*content))).collect();
        commit(&path, "main", "first commit", &files).await?;
    }
    Ok(path)
}

/// Commits on top of a branch and returns the commit's id.
pub(super) async fn commit(
    path: &Path,
    branch: &str,
    message: &str,
    files: &[(&str, Option<&[u8]>)],
) -> Result<String, NeighbourError> {
    let name = format!("refs/heads/{branch}");
    let exists = !git(path, &["for-each-ref", "--format=%(objectname)", &name], Vec::new()).await?.is_empty();
    let mut script = Vec::new();
    let now = jiff::Timestamp::now().as_second();
    let write = |script: &mut Vec<u8>| {
        writeln!(script, "commit {name}")?;
        writeln!(script, "committer Neighbour <neighbour@seaway.invalid> {now} +0000")?;
        writeln!(script, "data {}\n{message}", message.len())?;
        if exists {
            writeln!(script, "from {name}^0")?;
        }
        for (file, content) in files {
            match content {
                Some(content) => {
                    writeln!(script, "M 100644 inline {file}\ndata {}", content.len())?;
                    script.write_all(content)?;
                    writeln!(script)?;
                }
                None => writeln!(script, "D {file}")?,
            }
        }
        std::io::Result::Ok(())
    };
    write(&mut script).map_err(NeighbourError::io("write a commit"))?;
    git(path, &["fast-import", "--quiet"], script).await?;
    git(path, &["rev-parse", &name], Vec::new()).await
}

/// Runs git in a repository of the folder and returns what it printed, trimmed.
pub(super) async fn git(path: &Path, args: &[&str], stdin: Vec<u8>) -> Result<String, NeighbourError> {
    let dir = path.ancestors().find(|dir| own_dir(dir).is_dir()).unwrap_or(path);
    git_in(dir, path, args, stdin).await
}

async fn git_in(dir: &Path, path: &Path, args: &[&str], stdin: Vec<u8>) -> Result<String, NeighbourError> {
    let mut job = Job::new("git").args(args.iter().copied()).dir(path).stdin(stdin);
    for (name, value) in environment(dir) {
        job = job.env(name, value);
    }
    Ok(run(job).await?.stdout.text().trim().to_owned())
}

/// Every ref and where it stands; read from the files, since this is asked around every push.
pub(super) async fn refs(path: &Path) -> BTreeMap<String, String> {
    let path = path.to_owned();
    tokio::task::spawn_blocking(move || {
        let packed = std::fs::read_to_string(path.join("packed-refs")).unwrap_or_default();
        let lines = packed.lines().filter(|line| !line.starts_with(['#', '^'])).filter_map(|line| line.split_once(' '));
        let mut refs = lines.map(|(id, name)| (name.to_owned(), id.to_owned())).collect();
        loose(&path, "refs", &mut refs);
        refs
    })
    .await
    .unwrap_or_default()
}

/// Adds the refs that are files below a folder; they go before packed ones.
fn loose(path: &Path, folder: &str, refs: &mut BTreeMap<String, String>) {
    for entry in std::fs::read_dir(path.join(folder)).into_iter().flatten().flatten() {
        let Ok(name) = entry.file_name().into_string() else { continue };
        let name = format!("{folder}/{name}");
        if entry.file_type().is_ok_and(|it| it.is_dir()) {
            loose(path, &name, refs);
        } else if let Ok(id) = std::fs::read_to_string(entry.path())
            && !name.ends_with(".lock")
        {
            refs.insert(name, id.trim().to_owned());
        }
    }
}

/// What moved between two looks at the refs.
pub(super) fn changes(before: &BTreeMap<String, String>, after: &BTreeMap<String, String>) -> Vec<RefChange> {
    let mut names: Vec<&String> = before.keys().chain(after.keys()).collect();
    names.sort_unstable();
    names.dedup();
    let change = |name: &String| {
        let (old, new) = (before.get(name).cloned(), after.get(name).cloned());
        (old != new).then(|| RefChange { name: name.clone(), old, new })
    };
    names.into_iter().filter_map(change).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_inside_the_folder() {
        let check = |name: &str, bare: Option<&str>| assert_eq!(bare_name(name).ok().as_deref(), bare, "{name}");
        check("app", Some("app"));
        check("/team/app.git", Some("team/app"));
        check("../app", None);
        check("team/../app", None);
        check(".neighbour", None);
        check("", None);
        check("a//b", None);
        check("a b", None);
    }
}
