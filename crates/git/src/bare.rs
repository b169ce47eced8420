//! What a mirror is on disk: a bare repository made, checked, counted and packed; and what a fetch asks for.

use crate::error::GitError;
use crate::history;
use crate::objects::{Disk, Objects};
use crate::refs::RemoteRefs;
use gix::ObjectId;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::Ordering;

/// No fetch offers more commits that we have than this.
const HAVES_MAX: usize = 512;
/// So much of what the git command prints is shown.
const TOOL_BYTES_MAX: usize = 600;

/// The git command for a mirror: no configuration but the mirror's, no prompts, nothing of our environment.
pub(crate) fn git(dir: &Path) -> std::process::Command {
    let mut command = std::process::Command::new("git");
    command.env_clear().current_dir(dir).arg("--git-dir=.");
    if let Some(path) = std::env::var_os("PATH") {
        command.env("PATH", path);
    }
    command.env("HOME", dir).env("LC_ALL", "C").env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_CONFIG_GLOBAL", "/dev/null");
    command.env("GIT_TERMINAL_PROMPT", "0");
    command
}

pub(crate) fn tool_error(disk: &Disk, doing: &'static str, printed: &[u8]) -> GitError {
    let text = String::from_utf8_lossy(&printed[printed.len().saturating_sub(TOOL_BYTES_MAX)..]);
    let message = text.lines().map(str::trim).filter(|it| !it.is_empty()).collect::<Vec<_>>().join(" / ");
    GitError::Tool { doing, repo: disk.repo.clone(), message }
}

/// Stores a pack, durably, from a thread that may block.
pub(crate) fn index_pack(disk: &Disk, pack: &[u8]) -> Result<(), GitError> {
    use std::io::Write as _;
    let run = || -> std::io::Result<std::process::Output> {
        let mut command = git(&disk.dir);
        command.args(["index-pack", "--stdin", "--fix-thin"]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
        if let Some(mut stdin) = child.stdin.take() {
            stdin.write_all(pack)?;
        }
        child.wait_with_output()
    };
    let output = run().map_err(|err| GitError::io("run `git index-pack` in", &disk.dir, err))?;
    if output.status.success() { Ok(()) } else { Err(tool_error(disk, "store a pack of", &output.stderr)) }
}

/// Makes the bare repository if it is missing; throws it away first if objects of it are.
pub(crate) fn prepare(disk: &Disk, rebuild: bool) -> Result<(), GitError> {
    let dir = &disk.dir;
    let bad = |err| GitError::io("make mirror", dir, err);
    let whole = dir.join("objects").is_dir() && dir.join("HEAD").is_file() && dir.join("refs").is_dir();
    if whole && !rebuild && !disk.gone.load(Ordering::SeqCst) {
        return Ok(());
    }
    if dir.exists() {
        let aside = dir.with_extension(format!("gone-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&aside);
        std::fs::rename(dir, &aside).map_err(bad)?;
        std::fs::remove_dir_all(&aside).map_err(bad)?;
    }
    for folder in ["objects/pack", "objects/info", "refs/heads", "refs/tags"] {
        std::fs::create_dir_all(dir.join(folder)).map_err(bad)?;
    }
    // Every folder that an object may go to: making one takes longer than writing the object, and it would have to be made durable too.
    for byte in 0..=u8::MAX {
        std::fs::create_dir(dir.join(format!("objects/{byte:02x}"))).map_err(bad)?;
    }
    crate::objects::sync_folder(&dir.join("objects")).map_err(bad)?;
    let config = "[core]\n\trepositoryformatversion = 0\n\tbare = true\n\tfsync = committed,loose-object\n[gc]\n\tauto = 0\n";
    std::fs::write(dir.join("config"), config).map_err(bad)?;
    RemoteRefs::default().save(dir).map_err(bad)?;
    disk.gone.store(false, Ordering::SeqCst);
    disk.reopen();
    Ok(())
}

pub(crate) type Plan = (Vec<ObjectId>, Result<Vec<ObjectId>, GitError>);

/// What to ask for, and what to offer: our tips and their ancestors, ever sparser.
pub(crate) fn plan(objects: &Objects, tips: &[ObjectId], ours: &RemoteRefs) -> Result<Plan, GitError> {
    let mut wants = Vec::new();
    for id in tips {
        if !objects.has(*id)? {
            wants.push(*id);
        }
    }
    let own = ours.tips();
    for id in &own {
        match objects.has(*id) {
            Ok(true) => {}
            Ok(false) => {
                let gone = GitError::DiskGone { repo: objects.repo().to_owned(), id: *id, why: "a reference names it".into() };
                return Ok((wants, Err(gone)));
            }
            Err(err) => return Ok((wants, Err(err))),
        }
    }
    if wants.is_empty() {
        return Ok((wants, Ok(Vec::new())));
    }
    let mut haves: Vec<ObjectId> = Vec::new();
    for id in ours.branches.values().chain(ours.head_id.iter()).chain(own.iter()) {
        if haves.len() < HAVES_MAX && !haves.contains(id) {
            haves.push(*id);
        }
    }
    // A branch that was rewritten shares ancestors with ours: offer them in growing steps.
    for tip in ours.branches.values().take(8) {
        let walked = history::log(objects, *tip, 1024);
        let walked = match walked {
            Ok(walked) => walked,
            Err(err) => return Ok((wants, Err(err))),
        };
        let mut at = 1;
        while at < walked.len() && haves.len() < HAVES_MAX {
            haves.push(walked[at].id);
            at *= 2;
        }
    }
    Ok((wants, Ok(haves)))
}

pub(crate) fn n_loose(dir: &Path) -> usize {
    let count = |it: PathBuf| std::fs::read_dir(it).map_or(0, Iterator::count);
    let folders = std::fs::read_dir(dir.join("objects")).into_iter().flatten().filter_map(|it| Some(it.ok()?.path()));
    folders.filter(|it| it.file_name().is_some_and(|name| name.len() == 2)).map(count).sum()
}

pub(crate) fn n_packs(dir: &Path) -> usize {
    let entries = std::fs::read_dir(dir.join("objects/pack")).into_iter().flatten();
    entries.filter(|it| it.as_ref().is_ok_and(|it| it.path().extension().is_some_and(|it| it == "pack"))).count()
}

/// Does a run keep objects here?
pub(crate) fn has_pins(dir: &Path) -> bool {
    std::fs::read_dir(dir.join("refs/seaway/runs")).is_ok_and(|mut it| it.next().is_some())
}
