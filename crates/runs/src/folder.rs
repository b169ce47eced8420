//! The work folder and its mirrors as the engine uses them: which mounts there are, what they would push, and how that is sent.

use seaway_api::seaway::{PlannedFile, PlannedPath};
use seaway_base::{Next, RelPath};
use seaway_git::{
    FolderError, GitError, Kind, Merged, Mirror, MountInfo, MountSpec, ObjectId, PushError, PushRequest, RefUpdate, Remote,
    Wanted, WorkFolder,
};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

use crate::engine::{Engine, Pass};
use crate::rebuild::DISK_GONE;
use crate::run::{Memory, Run};
use crate::state::{PushIntent, Repository};
use crate::step::{GitIdentity, RepoKind, StepError};

/// What came of sending a push.
#[derive(Debug)]
pub(crate) enum Sent {
    /// It landed.
    Landed,
    /// The ref was not what it had to be.
    Moved,
    /// No answer came: it may have landed.
    Lost(String),
    /// The run had to leave before the answer came; the journal knows what was sent.
    Left,
}

impl Memory {
    /// Where each mount is.
    pub(crate) fn heads(&self) -> BTreeMap<RelPath, Option<ObjectId>> {
        self.work.iter().flat_map(WorkFolder::mounts).map(|mount| (mount.path, mount.head.commit)).collect()
    }

    /// The mount at exactly this path.
    pub(crate) fn mount(&self, path: &RelPath) -> Option<MountInfo> {
        self.work.as_ref()?.mounts().into_iter().find(|mount| mount.path == *path)
    }
}

impl Engine {
    /// Looks at what a step did to the folder: new checkouts are noted, commits that hold a secret are refused.
    pub(crate) fn inspect(
        &self,
        run: &mut Run,
        index: usize,
        before: &BTreeMap<RelPath, Option<ObjectId>>,
        config: &Value,
    ) -> Result<(), StepError> {
        let after = run.memory.heads();
        let new: Vec<String> =
            after.keys().filter(|path| !before.contains_key(*path)).map(|path| path.as_str().to_owned()).collect();
        if !new.is_empty() {
            self.refuse_secret_checkout(run, index, &new, config)?;
            let state = &mut run.state.steps[index];
            state.mounts = new;
            let of_author = |key: &str| config.get("author")?.get(key)?.as_str().map(ToOwned::to_owned);
            state.author = of_author("name").zip(of_author("email")).map(|(name, email)| GitIdentity { name, email });
            state.repository = config.get("repoURL").and_then(Value::as_str).map(|url| Repository {
                url: url.to_owned(),
                skip_tls_verify: config.get("insecureSkipTLSVerify").and_then(Value::as_bool).unwrap_or(false),
            });
        }
        for (path, head) in &after {
            if before.get(path).is_some_and(|was| was != head) {
                self.refuse_secrets(run, path)?;
            }
        }
        Ok(())
    }

    /// Where a checkout lies, what it is of and who commits in it are written into the journal and into commits: none of it may be secret.
    fn refuse_secret_checkout(&self, run: &Run, index: usize, mounts: &[String], config: &Value) -> Result<(), StepError> {
        let masker = &run.memory.masker;
        let is_secret = |text: &str| masker.text(text) != text;
        let refused = |field: &str, instead: &str| {
            let alias = &run.spec.steps[index].alias;
            let message =
                format!("`{field}` of step `{alias}` holds a value that came from secret() and would be written down: {instead}");
            Err(StepError::failed("InvalidConfig", message))
        };
        let has = |pointer: &str| config.pointer(pointer).and_then(Value::as_str).is_some_and(is_secret);
        if has("/repoURL") {
            let instead = "put the login into a Secret labelled `kargo.akuity.io/cred-type: git`, with `repoURL`, `username` and `password`";
            return refused("repoURL", instead);
        }
        if has("/author/name") || has("/author/email") {
            return refused("author", "every reader of the repository would see it");
        }
        if mounts.iter().any(|mount| is_secret(mount)) {
            return refused("checkout", "name the folder otherwise");
        }
        Ok(())
    }

    /// A commit whose new files or message hold a secret is refused, naming the path.
    pub(crate) fn refuse_secrets(&self, run: &Run, mount: &RelPath) -> Result<(), StepError> {
        let masker = &run.memory.masker;
        let (false, Some(work), Some(info)) = (masker.is_empty(), &run.memory.work, run.memory.mount(mount)) else {
            return Ok(());
        };
        let refused = |what: String| {
            StepError::failed(
                "SecretInCommit",
                format!(
                    "{what} of `{mount}` holds a value that came from secret(): it is not committed; keep secrets out of git"
                ),
            )
        };
        for commit in &info.commits {
            if masker.finds(info.objects.commit(*commit).map_err(|err| git_error(&err))?.message.as_bytes()) {
                return Err(refused("the commit message".into()));
            }
        }
        for change in work.changes(mount).map_err(|err| folder_error(&err))? {
            let Some(new) = change.new.filter(|_| change.mode != seaway_git::Mode::Gitlink) else { continue };
            if masker.finds(&info.objects.blob(new).map_err(|err| git_error(&err))?) || masker.finds(change.path.as_bytes()) {
                return Err(refused(format!("file `{}`", masker.text(&change.path))));
            }
        }
        Ok(())
    }

    /// The repository that a mount was cloned from, as this run reaches it now.
    pub(crate) async fn remote(&self, run: &Run, mount: &RelPath) -> Result<Remote, StepError> {
        let cloned = run.state.steps.iter().rev().find(|step| step.mounts.iter().any(|path| path == mount.as_str()));
        let Some(repository) = cloned.and_then(|step| step.repository.clone()) else {
            return Err(StepError::failed("NoCheckout", format!("`{mount}` is not a checkout: clone a repository there first")));
        };
        self.reach(run, &repository).await
    }

    /// A repository with the credential that the project has for it now.
    pub(crate) async fn reach(&self, run: &Run, repository: &Repository) -> Result<Remote, StepError> {
        let credential = self.ports.credentials.find(&run.facts.project, RepoKind::Git, &repository.url).await?;
        Ok(Remote { url: repository.url.clone(), credential, skip_tls_verify: repository.skip_tls_verify })
    }

    /// A mirror whose objects are missing or damaged is rebuilt by its next fetch; whether that works is seen when it is read.
    pub(crate) async fn refresh_mirrors(&self, run: &Run) {
        for repository in run.state.repositories() {
            let Ok(remote) = self.reach(run, &repository).await else { continue };
            if let Err(err) = self.ports.git.mirror(&remote).fetch().await {
                tracing::warn!(promotion = run.facts.promotion, "fetch: {}", seaway_base::chain(&err));
            }
        }
    }

    /// Pins whatever a resume needs from mirrors: the commits that checkouts stand on, and what steps asked for.
    pub(crate) async fn pin_pending(&self, run: &mut Run) -> Pass<()> {
        let mounts = run.memory.work.as_ref().map(WorkFolder::mounts).unwrap_or_default();
        for mount in mounts {
            let (Some(base), Ok(remote)) = (mount.base, self.remote(run, &mount.path).await) else { continue };
            let key = (remote.url.clone(), base.to_string());
            if run.memory.pinned.contains(&key) {
                continue;
            }
            let mirror = self.ports.git.mirror(&remote);
            if let Err(err) = mirror.pin(&run.facts.promotion_uid, &mirror.objects(), &[base]).await {
                tracing::warn!(promotion = run.facts.promotion, "pin a commit: {}", seaway_base::chain(&err));
                continue;
            }
            run.memory.pinned.insert(key);
        }
        for (url, id) in std::mem::take(&mut run.memory.pins) {
            if !run.memory.pinned.insert((url.clone(), id.clone())) {
                continue;
            }
            let skip_tls_verify =
                run.state.repositories().iter().any(|repository| repository.url == url && repository.skip_tls_verify);
            let (Ok(remote), Ok(id)) =
                (self.reach(run, &Repository { url, skip_tls_verify }).await, ObjectId::from_hex(id.as_bytes()))
            else {
                continue;
            };
            let mirror = self.ports.git.mirror(&remote);
            // A step's tree lives in the folder's objects until it is kept.
            let objects = match run.memory.work.as_mut() {
                Some(work) => work.objects_of(&mirror),
                None => mirror.objects(),
            };
            if let Err(err) = mirror.pin(&run.facts.promotion_uid, &objects, &[id]).await {
                // What is not pinned may be gone later; then the run starts over.
                tracing::warn!(promotion = run.facts.promotion, "pin an object: {}", seaway_base::chain(&err));
            }
        }
        Ok(())
    }

    /// Lets go of what a run that is over has pinned.
    pub(crate) async fn unpin(&self, run: &Run) {
        for repository in run.state.repositories() {
            let Ok(remote) = self.reach(run, &repository).await else { continue };
            if let Err(err) = self.ports.git.mirror(&remote).unpin(&run.facts.promotion_uid).await {
                tracing::warn!(promotion = run.facts.promotion, "unpin: {}", seaway_base::chain(&err));
            }
        }
    }
}

/// Moves a mount to another commit; answers where it was.
pub(crate) fn remount(work: &mut WorkFolder, mount: &str, commit: &str) -> Result<Option<String>, StepError> {
    let (path, id) = (parse_path(mount)?, parse_id(commit)?);
    let was = work.mounts().into_iter().find(|it| it.path == path).and_then(|it| it.head.commit);
    work.remount(&path, Some(id)).map_err(|err| folder_error(&err))?;
    Ok(was.map(|id| id.to_string()))
}

/// After a push the mount stands on what landed.
pub(crate) fn land(work: &mut WorkFolder, mount: &RelPath, commit: &str) -> Result<(), StepError> {
    let id = parse_id(commit)?;
    match work.mounts().into_iter().find(|it| it.path == *mount) {
        Some(info) if info.head.commit != Some(id) => work.remount(mount, Some(id)).map_err(|err| folder_error(&err)),
        _ => Ok(()),
    }
}

/// Puts the mount's commits onto another tip, three-way; answers which became which.
pub(crate) fn merge(
    work: &mut WorkFolder,
    mount: &RelPath,
    tip: ObjectId,
    branch: &str,
) -> Result<Vec<(String, String)>, StepError> {
    match work.merge_onto(mount, tip).map_err(|err| folder_error(&err))? {
        Merged::Done(moved) => Ok(moved.into_iter().map(|(old, new)| (old.to_string(), new.to_string())).collect()),
        Merged::Conflict(paths) => {
            let shown = paths.iter().take(5).map(|path| format!("`{path}`")).collect::<Vec<_>>().join(", ");
            let message = format!(
                "this promotion and branch `{branch}` (now at {}) both changed {shown}{} in ways that do not fit; promote again, from the branch as it is now",
                tip.to_hex_with_len(7),
                if paths.len() > 5 { format!(" and {} more", paths.len() - 5) } else { String::new() }
            );
            Err(StepError::failed("Conflict", message))
        }
    }
}

/// Is a planned path, on its branch as this process last saw it, not what it was when it was planned?
pub(crate) fn is_moved(mirror: &Mirror, planned: &PlannedPath) -> bool {
    let Some(commit) = mirror.known(&format!("refs/heads/{}", planned.branch)) else { return !planned.old_blob.is_empty() };
    let mut work = WorkFolder::new();
    let objects = work.objects_of(mirror);
    let spec = MountSpec { objects: objects.clone(), commit: Some(commit), branch: None, sparse: Vec::new() };
    let Ok(path) = RelPath::parse(&planned.path) else { return false };
    if work.mount(&RelPath::root(), spec).is_err() {
        return false;
    }
    let now = work.read(&path).map(|content| objects.put(Kind::Blob, content).to_string()).unwrap_or_default();
    now != planned.old_blob
}

/// What a ref points at on the server now.
pub(crate) async fn tip(mirror: &Mirror, refname: &str) -> Result<Option<ObjectId>, GitError> {
    Ok(mirror.fetch().await?.get(refname))
}

/// The newest commit from `base` to the tip that carries both trailers.
pub(crate) async fn find_trailers(
    mirror: &Mirror,
    intent: &PushIntent,
    marks: &[(String, String)],
    limit: usize,
) -> Result<Option<ObjectId>, GitError> {
    let (Some(branch), Some((key, value))) = (intent.refname.strip_prefix("refs/heads/"), marks.first()) else { return Ok(None) };
    let base = intent.base.as_deref().and_then(|base| ObjectId::from_hex(base.as_bytes()).ok());
    let Some(found) = mirror.find_trailers(branch, base, key, value, limit).await? else { return Ok(None) };
    let message = mirror.objects().commit(found)?.message;
    let last = message.trim_end().rsplit("\n\n").next().unwrap_or_default();
    let all = marks
        .iter()
        .all(|(key, value)| last.lines().any(|line| line.split_once(": ").is_some_and(|(k, v)| k == key && v.trim() == value)));
    Ok(all.then_some(found))
}

/// Does what the mount would push contain this commit?
pub(crate) async fn contains(mirror: &Mirror, mount: &MountInfo, commit: ObjectId) -> Result<bool, GitError> {
    if mount.base == Some(commit) || mount.commits.contains(&commit) {
        return Ok(true);
    }
    match mount.base {
        Some(base) => mirror.is_ancestor(commit, base).await,
        None => Ok(false),
    }
}

/// Sends one push.
pub(crate) async fn send(
    mirror: &Arc<Mirror>,
    mount: &MountInfo,
    refname: &str,
    old: Option<ObjectId>,
    new: ObjectId,
    force: bool,
) -> Result<Sent, StepError> {
    let wanted = if force { Wanted::Anything } else { old.map_or(Wanted::Absent, Wanted::At) };
    let update = RefUpdate { name: refname.to_owned(), old: wanted, new };
    match mirror.push(&PushRequest { updates: vec![update], objects: Some(mount.objects.clone()) }).await {
        Ok(_) => Ok(Sent::Landed),
        Err(PushError::NonFastForward { .. }) => Ok(Sent::Moved),
        Err(err @ PushError::AnswerLost { .. }) => Ok(Sent::Lost(seaway_base::chain(&err))),
        Err(err @ PushError::Declined { .. }) => Err(StepError::from_error("PushDeclined", err.next(), &err)),
        Err(PushError::Git(err)) => Err(git_error(&err)),
    }
}

/// A file that a push would change, with where it would go.
pub(crate) struct Change {
    pub(crate) repository: String,
    pub(crate) branch: String,
    pub(crate) change: seaway_git::Change,
}

/// What the mount's commits change.
pub(crate) fn changes(work: &WorkFolder, mount: &RelPath, repository: &str, branch: &str) -> Result<Vec<Change>, StepError> {
    let all = work.changes(mount).map_err(|err| folder_error(&err))?.into_iter();
    Ok(all.map(|change| Change { repository: repository.to_owned(), branch: branch.to_owned(), change }).collect())
}

impl Change {
    fn blob(id: Option<ObjectId>) -> String {
        id.map(|id| id.to_string()).unwrap_or_default()
    }

    fn mode(&self) -> String {
        if self.change.new.is_some() { self.change.mode.octal().to_owned() } else { String::new() }
    }

    pub(crate) fn path(&self) -> PlannedPath {
        PlannedPath {
            repository: self.repository.clone(),
            branch: self.branch.clone(),
            path: self.change.path.clone(),
            mode: self.mode(),
            old_blob: Self::blob(self.change.old),
            new_blob: Self::blob(self.change.new),
        }
    }

    /// The file without its difference.
    pub(crate) fn file(&self) -> PlannedFile {
        let path = self.path();
        PlannedFile {
            repository: path.repository,
            branch: path.branch,
            path: path.path,
            mode: path.mode,
            old_blob: path.old_blob,
            new_blob: path.new_blob,
            binary: false,
            diff: String::new(),
        }
    }
}

/// The commit's page at its code host, where that can be told.
pub(crate) fn commit_url(url: &str, provider: Option<&str>, commit: &str) -> Option<String> {
    seaway_git::commit_url(url, provider.and_then(provider_named), commit)
}

fn provider_named(name: &str) -> Option<seaway_git::Provider> {
    use seaway_git::Provider;
    Some(match name {
        "azure" => Provider::Azure,
        "bitbucket" => Provider::Bitbucket,
        "gitea" => Provider::Gitea,
        "github" => Provider::GitHub,
        "gitlab" => Provider::GitLab,
        _ => return None,
    })
}

pub(crate) fn parse_id(text: &str) -> Result<ObjectId, StepError> {
    ObjectId::from_hex(text.as_bytes())
        .map_err(|_| StepError::errored("Bug", Next::Bug, format!("`{text}` in the journal is no commit id")))
}

pub(crate) fn parse_path(text: &str) -> Result<RelPath, StepError> {
    RelPath::parse(text).map_err(|err| StepError::from_error("Bug", Next::Bug, &err))
}

pub(crate) fn git_error(err: &GitError) -> StepError {
    let reason = match err {
        GitError::DiskGone { .. } => DISK_GONE,
        _ => err.reason(),
    };
    StepError::from_error(reason, err.next(), err)
}

pub(crate) fn folder_error(err: &FolderError) -> StepError {
    match err {
        FolderError::Git(err) => git_error(err),
        err => StepError::from_error("WorkFolder", err.next(), err),
    }
}
