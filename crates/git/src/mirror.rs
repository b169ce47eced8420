//! Mirrors: one bare repository per (exact URL, credential), fetched by us, holding no credential, and never needed for correctness.

use crate::branch::{self, Checkout, Resolved};
use crate::error::GitError;
use crate::history::{self, ChangedPath, CommitInfo, TagInfo};
use crate::objects::{Disk, Objects};
use crate::protocol::{Endpoint, Wire};
use crate::push::{self, PushError, PushRequest, Pushed};
use crate::refs::{self, RemoteRefs};
use crate::remote::Remote;
use crate::transport::{HttpTransport, Limits, Transport};
use gix::ObjectId;
use parking_lot::{Mutex, RwLock};
use seaway_base::http::HttpClient;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};
use tokio::io::AsyncWriteExt as _;

/// No fetch offers more commits that we have than this.
const HAVES_MAX: usize = 512;
/// So much of what the git command prints is shown.
const TOOL_BYTES_MAX: usize = 600;
/// A repack that takes longer is given up.
const REPACK_MAX: Duration = Duration::from_secs(600);
/// The file whose time tells when a mirror was used last.
const USED: &str = "seaway-used";

/// How mirrors are kept.
#[derive(Debug, Clone)]
pub struct MirrorOptions {
    /// A whole fetch may take so long.
    pub fetch_timeout: Duration,
    /// More loose objects than this and the mirror is repacked.
    pub n_loose_max: usize,
    /// More packs than this and the mirror is repacked.
    pub n_packs_max: usize,
}

impl Default for MirrorOptions {
    fn default() -> Self {
        Self { fetch_timeout: Duration::from_secs(900), n_loose_max: 2000, n_packs_max: 50 }
    }
}

/// Runs blocking git work on a thread that may block.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, GitError> + Send + 'static,
) -> Result<T, GitError> {
    tokio::task::spawn_blocking(work).await.map_err(|err| GitError::Bug(format!("git work: {err}")))?
}

/// All mirrors below one folder.
#[derive(Clone)]
pub struct Mirrors {
    inner: Arc<Inner>,
}

struct Inner {
    dir: PathBuf,
    transport: Arc<dyn Transport>,
    options: MirrorOptions,
    open: Mutex<HashMap<String, Arc<Mirror>>>,
}

impl Mirrors {
    /// Mirrors below `dir`, fetched with the one HTTP client under its egress policy.
    pub fn over(dir: PathBuf, http: HttpClient, options: MirrorOptions) -> Self {
        Self::new(dir, Arc::new(HttpTransport::over(http, Limits::default())), options)
    }

    /// Mirrors below `dir`, which need not exist yet.
    pub fn new(dir: PathBuf, transport: Arc<dyn Transport>, options: MirrorOptions) -> Self {
        Self { inner: Arc::new(Inner { dir, transport, options, open: Mutex::default() }) }
    }

    /// The mirror of a remote: the same one for the same (exact URL, credential). Nothing is read or fetched yet.
    pub fn mirror(&self, remote: &Remote) -> Arc<Mirror> {
        let key = remote.key();
        let mut open = self.inner.open.lock();
        let made = open.entry(key).or_insert_with_key(|key| {
            let dir = self.inner.dir.join(format!("{key}.git"));
            let wire = Wire::new(self.inner.transport.clone(), remote.clone());
            let disk = Disk::new(remote.shown(), dir);
            Arc::new(Mirror {
                reads: Objects::over(disk.clone()),
                disk,
                wire,
                options: self.inner.options.clone(),
                refs: RwLock::default(),
                n_started: AtomicU64::new(0),
                turn: tokio::sync::Mutex::new(Turn::default()),
            })
        });
        made.clone()
    }

    /// Removes mirrors that nobody holds and that were not used for so long; says how many. They are fetched anew when needed.
    ///
    /// # Errors
    /// Where the folder cannot be read.
    pub async fn evict(&self, now: SystemTime, unused: Duration) -> Result<usize, GitError> {
        let inner = self.inner.clone();
        blocking(move || {
            let entries = match std::fs::read_dir(&inner.dir) {
                Err(err) if err.kind() == std::io::ErrorKind::NotFound => return Ok(0),
                Err(err) => return Err(GitError::io("list mirrors in", &inner.dir, err)),
                Ok(entries) => entries,
            };
            let mut n = 0;
            for dir in entries.filter_map(|it| Some(it.ok()?.path())) {
                let name = dir.file_name().and_then(|it| it.to_str()).unwrap_or_default();
                let leftover = name.contains(".gone-");
                let used = std::fs::metadata(dir.join(USED)).and_then(|it| it.modified()).unwrap_or(SystemTime::UNIX_EPOCH);
                let old = now.duration_since(used).is_ok_and(|it| it > unused);
                let Some(key) = name.strip_suffix(".git").filter(|_| old || leftover).or(leftover.then_some(name)) else {
                    continue;
                };
                let mut open = inner.open.lock();
                if open.get(key).is_some_and(|it| Arc::strong_count(it) > 1) || has_pins(&dir) && !leftover {
                    continue;
                }
                open.remove(key);
                drop(open);
                std::fs::remove_dir_all(&dir).map_err(|err| GitError::io("remove mirror", &dir, err))?;
                n += 1;
            }
            Ok(n)
        })
        .await
    }
}

fn has_pins(dir: &Path) -> bool {
    std::fs::read_dir(dir.join("refs/seaway/runs")).is_ok_and(|mut it| it.next().is_some())
}

/// How the last fetch ended.
#[derive(Default)]
struct Turn {
    started: u64,
    outcome: Option<Result<Arc<RemoteRefs>, GitError>>,
}

/// The mirror of one repository as one credential sees it.
pub struct Mirror {
    wire: Wire,
    disk: Arc<Disk>,
    reads: Arc<Objects>,
    options: MirrorOptions,
    refs: RwLock<Option<Arc<RemoteRefs>>>,
    n_started: AtomicU64,
    turn: tokio::sync::Mutex<Turn>,
}

impl std::fmt::Debug for Mirror {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mirror").field("repo", &self.disk.repo).finish_non_exhaustive()
    }
}

impl Mirror {
    /// The repository's URL as it may be shown.
    pub fn repo(&self) -> &str {
        &self.disk.repo
    }

    /// The folder on disk.
    pub fn dir(&self) -> &Path {
        &self.disk.dir
    }

    /// A reader of this mirror's objects with room for new ones: one per work folder.
    pub fn objects(&self) -> Arc<Objects> {
        Objects::over(self.disk.clone())
    }

    /// Asks the server for its branches and tags; one request, nothing is stored.
    ///
    /// # Errors
    /// Whatever kept the server from answering.
    pub async fn ls_remote(&self) -> Result<RemoteRefs, GitError> {
        Ok(self.wire.ls_refs("list branches and tags of").await?.1)
    }

    /// Fetches all branches and tags, and forgets what is gone from the server. Callers that wait at once share one fetch that began
    /// after each of them asked. A mirror with missing objects is rebuilt.
    ///
    /// # Errors
    /// Whatever kept the server from answering, or the disk from taking it.
    pub async fn fetch(&self) -> Result<Arc<RemoteRefs>, GitError> {
        let ticket = self.n_started.load(Ordering::SeqCst);
        let mut turn = self.turn.lock().await;
        if turn.started > ticket
            && let Some(outcome) = &turn.outcome
        {
            return outcome.clone();
        }
        let started = self.n_started.fetch_add(1, Ordering::SeqCst) + 1;
        let limit = self.options.fetch_timeout;
        let outcome = match tokio::time::timeout(limit, self.fetch_now()).await {
            Ok(outcome) => outcome,
            Err(_) => {
                let host = self.repo().to_owned();
                let err = crate::TransportError::Timeout { host, what: "was not done", after: limit };
                Err(GitError::Transport { doing: "fetch from", repo: self.repo().to_owned(), err })
            }
        };
        *turn = Turn { started, outcome: Some(outcome.clone()) };
        outcome
    }

    async fn fetch_now(&self) -> Result<Arc<RemoteRefs>, GitError> {
        let (endpoint, theirs) = self.wire.ls_refs("fetch from").await?;
        let theirs = Arc::new(theirs);
        // Packs that are gone from the disk would still be read through what is open of them.
        self.disk.reopen();
        for rebuild in [false, true] {
            let disk = self.disk.clone();
            blocking(move || prepare(&disk, rebuild)).await?;
            let (reads, tips, dir) = (self.reads.clone(), theirs.tips(), self.disk.dir.clone());
            let (wants, haves) = blocking(move || {
                let ours = RemoteRefs::load(&dir).unwrap_or_default();
                plan(&reads, &tips, &ours)
            })
            .await?;
            let haves = match haves {
                Ok(haves) => haves,
                Err(err) if !rebuild => {
                    tracing::warn!(repo = self.repo(), %err, "the mirror is damaged and is rebuilt");
                    continue;
                }
                Err(err) => return Err(err),
            };
            if !wants.is_empty() {
                self.receive(&endpoint, &wants, &haves).await?;
            }
            let (reads, disk, refs) = (self.reads.clone(), self.disk.clone(), theirs.clone());
            let whole = blocking(move || {
                for id in refs.tips() {
                    if !reads.has(id)? {
                        return Ok(false);
                    }
                }
                refs.save(&disk.dir).map_err(|err| GitError::io("write references of", &disk.dir, err))?;
                Ok(true)
            })
            .await?;
            if whole {
                *self.refs.write() = Some(theirs.clone());
                self.tidy().await?;
                return Ok(theirs);
            }
        }
        Err(self.wire.protocol_error("fetch from", "it does not send all objects that it lists"))
    }

    /// Streams the pack into `git index-pack`, which checks each object and completes a thin pack. The child sees no credential.
    async fn receive(&self, endpoint: &Endpoint, wants: &[ObjectId], haves: &[ObjectId]) -> Result<(), GitError> {
        let dir = &self.disk.dir;
        let mut command = tokio::process::Command::from(git(dir));
        command.args(["index-pack", "--stdin", "--fix-thin"]).kill_on_drop(true);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|err| GitError::io("start `git index-pack` in", dir, err))?;
        let mut stdin = child.stdin.take().ok_or_else(|| GitError::Bug("a child without input".into()))?;
        let (received, output) = tokio::join!(
            async {
                let received = self.wire.fetch_pack(endpoint, wants, haves, &mut stdin).await;
                let _ = stdin.shutdown().await;
                drop(stdin);
                received
            },
            child.wait_with_output()
        );
        received?;
        let output = output.map_err(|err| GitError::io("wait for `git index-pack` in", dir, err))?;
        self.disk.reopen();
        if output.status.success() { Ok(()) } else { Err(tool_error(&self.disk, "store a pack of", &output.stderr)) }
    }

    /// Repacks a mirror that has become slow to read.
    async fn tidy(&self) -> Result<(), GitError> {
        let (dir, options) = (self.disk.dir.clone(), self.options.clone());
        let due = blocking(move || {
            let now = SystemTime::now();
            let touched = std::fs::File::create(dir.join(USED)).and_then(|it| it.set_modified(now));
            touched.map_err(|err| GitError::io("mark as used", &dir, err))?;
            Ok(n_loose(&dir) > options.n_loose_max || n_packs(&dir) > options.n_packs_max)
        })
        .await?;
        if due { self.repack().await } else { Ok(()) }
    }

    /// Packs everything into one pack. Readers that have the old packs open go on.
    ///
    /// # Errors
    /// What the git command says.
    async fn repack(&self) -> Result<(), GitError> {
        let dir = &self.disk.dir;
        let mut command = tokio::process::Command::from(git(dir));
        command.args(["repack", "-a", "-d", "-l", "-q", "--keep-unreachable"]).kill_on_drop(true);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let output = match tokio::time::timeout(REPACK_MAX, command.output()).await {
            Ok(output) => output.map_err(|err| GitError::io("run `git repack` in", dir, err))?,
            Err(_) => return Err(tool_error(&self.disk, "repack the mirror of", b"it took too long")),
        };
        self.disk.reopen();
        if output.status.success() { Ok(()) } else { Err(tool_error(&self.disk, "repack the mirror of", &output.stderr)) }
    }

    /// Branches and tags as of the last fetch; fetches if there was none since the start.
    ///
    /// # Errors
    /// As [`Mirror::fetch`].
    pub async fn refs(&self) -> Result<Arc<RemoteRefs>, GitError> {
        let known = self.refs.read().clone();
        match known {
            Some(refs) => Ok(refs),
            None => self.fetch().await,
        }
    }

    async fn read<T: Send + 'static>(
        &self,
        act: impl FnOnce(&Objects, &RemoteRefs) -> Result<T, GitError> + Send + 'static,
    ) -> Result<T, GitError> {
        let (refs, reads) = (self.refs().await?, self.reads.clone());
        blocking(move || act(&reads, &refs)).await
    }

    /// Finds what to check out, as of the last fetch: only what this credential's own branches and tags reach.
    ///
    /// # Errors
    /// If there is no such branch, tag or commit.
    pub async fn resolve(&self, checkout: &Checkout) -> Result<Resolved, GitError> {
        let (checkout, repo) = (checkout.clone(), self.repo().to_owned());
        self.read(move |objects, refs| branch::resolve(&repo, refs, objects, &checkout)).await
    }

    /// Writes a work folder's new objects to disk, durably, and keeps these ids for a run until [`Mirror::unpin`].
    ///
    /// # Errors
    /// Where the disk does not take it.
    pub async fn pin(&self, run_uid: &str, objects: &Arc<Objects>, ids: &[ObjectId]) -> Result<(), GitError> {
        let (disk, objects, run_uid, ids) = (self.disk.clone(), objects.clone(), run_uid.to_owned(), ids.to_vec());
        blocking(move || {
            push::keep(&objects)?;
            refs::pin(&disk.dir, &run_uid, &ids)
        })
        .await
    }

    /// What a run has pinned and is still there.
    pub fn pinned(&self, run_uid: &str) -> Vec<ObjectId> {
        refs::pinned(&self.disk.dir, run_uid)
    }

    /// Lets a run's objects go.
    ///
    /// # Errors
    /// Where the references cannot be removed.
    pub async fn unpin(&self, run_uid: &str) -> Result<(), GitError> {
        let (disk, run_uid) = (self.disk.clone(), run_uid.to_owned());
        blocking(move || refs::unpin(&disk.dir, &run_uid)).await
    }

    /// Commits along first parents from `from`, the newest first, at most `limit`; read on from the last one's `parent`.
    ///
    /// # Errors
    /// [`GitError::DiskGone`].
    pub async fn log(&self, from: ObjectId, limit: usize) -> Result<Vec<CommitInfo>, GitError> {
        self.read(move |objects, _| history::log(objects, from, limit)).await
    }

    /// What a commit changes against its first parent.
    ///
    /// # Errors
    /// [`GitError::DiskGone`].
    pub async fn changed_paths(&self, id: ObjectId) -> Result<Vec<ChangedPath>, GitError> {
        self.read(move |objects, _| history::changed_paths(objects, id)).await
    }

    /// All tags of commits, the newest first.
    ///
    /// # Errors
    /// [`GitError::DiskGone`].
    pub async fn tags(&self) -> Result<Vec<TagInfo>, GitError> {
        self.read(history::tags).await
    }

    /// Is `ancestor` the commit `of`, or one of its ancestors?
    ///
    /// # Errors
    /// [`GitError::DiskGone`].
    pub async fn is_ancestor(&self, ancestor: ObjectId, of: ObjectId) -> Result<bool, GitError> {
        self.read(move |objects, _| history::is_ancestor(objects, ancestor, of)).await
    }

    /// The newest commit on a branch that carries a trailer: from the tip down to `base`, or `limit` commits if the base is unknown or
    /// gone. Fetch first.
    ///
    /// # Errors
    /// [`GitError::DiskGone`].
    pub async fn find_trailers(
        &self,
        branch: &str,
        base: Option<ObjectId>,
        key: &str,
        value: &str,
        limit: usize,
    ) -> Result<Option<ObjectId>, GitError> {
        let (branch, key, value) = (branch.to_owned(), key.to_owned(), value.to_owned());
        self.read(move |objects, refs| {
            let Some(tip) = refs.branches.get(&branch) else { return Ok(None) };
            history::find_trailer(objects, *tip, base, &key, &value, limit)
        })
        .await
    }

    /// Pushes: all updates or none, each swapped against what it must be. On success the mirror knows the new state.
    ///
    /// # Errors
    /// See [`PushError`]; after [`PushError::AnswerLost`] it may have landed.
    pub async fn push(&self, request: &PushRequest) -> Result<Pushed, PushError> {
        let store = request.objects.clone().unwrap_or_else(|| self.reads.clone());
        let (pushed, before) = push::push(&self.wire, store.clone(), &request.updates).await?;
        // It has landed; what follows only saves the next fetch some work, so its failure must not look like a failed push.
        let disk = self.disk.clone();
        let refs = push::moved(before, &request.updates);
        let kept = blocking(move || {
            push::keep(&store)?;
            for id in refs.tips() {
                if !store.has(id)? {
                    return Ok(None);
                }
            }
            refs.save(&disk.dir).map_err(|err| GitError::io("write references of", &disk.dir, err))?;
            Ok(Some(refs))
        });
        match kept.await {
            Ok(Some(refs)) => {
                let mut known = self.refs.write();
                let head = known.as_ref().and_then(|it| it.head.clone());
                *known = Some(Arc::new(RemoteRefs { head: refs.head.clone().or(head), ..refs }));
            }
            Ok(None) => {}
            Err(err) => tracing::warn!(repo = self.repo(), %err, "keep what was pushed"),
        }
        Ok(pushed)
    }
}

/// The git command for a mirror: no configuration but the mirror's, no prompts, nothing of our environment.
fn git(dir: &Path) -> std::process::Command {
    let mut command = std::process::Command::new("git");
    command.env_clear().current_dir(dir).arg("--git-dir=.");
    if let Some(path) = std::env::var_os("PATH") {
        command.env("PATH", path);
    }
    command.env("HOME", dir).env("LC_ALL", "C").env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_CONFIG_GLOBAL", "/dev/null");
    command.env("GIT_TERMINAL_PROMPT", "0");
    command
}

fn tool_error(disk: &Disk, doing: &'static str, printed: &[u8]) -> GitError {
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
fn prepare(disk: &Disk, rebuild: bool) -> Result<(), GitError> {
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
    let config = "[core]\n\trepositoryformatversion = 0\n\tbare = true\n\tfsync = committed,loose-object\n[gc]\n\tauto = 0\n";
    std::fs::write(dir.join("config"), config).map_err(bad)?;
    RemoteRefs::default().save(dir).map_err(bad)?;
    disk.gone.store(false, Ordering::SeqCst);
    disk.reopen();
    Ok(())
}

type Plan = (Vec<ObjectId>, Result<Vec<ObjectId>, GitError>);

/// What to ask for, and what to offer: our tips and their ancestors, ever sparser.
fn plan(objects: &Objects, tips: &[ObjectId], ours: &RemoteRefs) -> Result<Plan, GitError> {
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

fn n_loose(dir: &Path) -> usize {
    let count = |it: PathBuf| std::fs::read_dir(it).map_or(0, Iterator::count);
    let folders = std::fs::read_dir(dir.join("objects")).into_iter().flatten().filter_map(|it| Some(it.ok()?.path()));
    folders.filter(|it| it.file_name().is_some_and(|name| name.len() == 2)).map(count).sum()
}

fn n_packs(dir: &Path) -> usize {
    let entries = std::fs::read_dir(dir.join("objects/pack")).into_iter().flatten();
    entries.filter(|it| it.as_ref().is_ok_and(|it| it.path().extension().is_some_and(|it| it == "pack"))).count()
}
