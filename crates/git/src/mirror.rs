//! Mirrors: one bare repository per (exact URL, credential), fetched by us, holding no credential, and never needed for correctness.

use crate::bare::{self, git, tool_error};
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
use seaway_base::awaited::waits_for;
use seaway_base::http::HttpClient;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};
use tokio::io::AsyncWriteExt as _;

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
    /// Loose objects are counted at the first fetch of a process and at every so many: counting costs as much as a fetch.
    pub counted_every: u64,
}

impl Default for MirrorOptions {
    fn default() -> Self {
        Self { fetch_timeout: Duration::from_secs(900), n_loose_max: 2000, n_packs_max: 50, counted_every: 32 }
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
    /// Mirrors below `dir`, which need not exist yet, fetched with the one HTTP client under its egress policy.
    pub fn new(dir: PathBuf, http: HttpClient, options: MirrorOptions) -> Self {
        Self::with_transport(dir, Arc::new(HttpTransport::over(http, Limits::default())), options)
    }

    /// Mirrors below `dir`, which need not exist yet, over another transport.
    pub fn with_transport(dir: PathBuf, transport: Arc<dyn Transport>, options: MirrorOptions) -> Self {
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
                refs: Arc::default(),
                n_started: AtomicU64::new(0),
                n_fetched: AtomicU64::new(0),
                turn: tokio::sync::Mutex::new(Turn::default()),
            })
        });
        made.clone()
    }

    /// Lets go of the objects of runs that are over, in every mirror; says how many runs they were.
    ///
    /// # Errors
    /// Where references cannot be removed.
    pub async fn unpin_all(&self, is_live: impl Fn(&str) -> bool + Send + 'static) -> Result<usize, GitError> {
        let inner = self.inner.clone();
        blocking(move || {
            let mut n = 0;
            for dir in std::fs::read_dir(&inner.dir).into_iter().flatten().filter_map(|it| Some(it.ok()?.path())) {
                let runs = std::fs::read_dir(dir.join("refs/seaway/runs")).into_iter().flatten();
                for run in runs.filter_map(|it| it.ok()?.file_name().into_string().ok()).filter(|it| !is_live(it)) {
                    refs::unpin(&dir, &run)?;
                    n += 1;
                }
            }
            Ok(n)
        })
        .await
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
                if open.get(key).is_some_and(|it| Arc::strong_count(it) > 1) || bare::has_pins(&dir) && !leftover {
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
    refs: Arc<RwLock<Option<Arc<RemoteRefs>>>>,
    n_started: AtomicU64,
    /// Fetches since this process first saw the mirror.
    n_fetched: AtomicU64,
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
        let mut turn = {
            // Whoever has the turn waits for the same server.
            let _waiting = waits_for(self.repo(), self.options.fetch_timeout);
            self.turn.lock().await
        };
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
            blocking(move || bare::prepare(&disk, rebuild)).await?;
            let (reads, tips, dir) = (self.reads.clone(), theirs.tips(), self.disk.dir.clone());
            let (wants, haves) = blocking(move || {
                let ours = RemoteRefs::load(&dir).unwrap_or_default();
                bare::plan(&reads, &tips, &ours)
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
            let (reads, disk, refs, known) = (self.reads.clone(), self.disk.clone(), theirs.clone(), self.refs.clone());
            let whole = blocking(move || {
                for id in refs.tips() {
                    if !reads.has(id)? {
                        return Ok(false);
                    }
                }
                let mut known = known.write();
                refs.save(&disk.dir).map_err(|err| GitError::io("write references of", &disk.dir, err))?;
                *known = Some(refs);
                // A reader that looked while the mirror was being rebuilt has taken it for damaged.
                disk.gone.store(false, Ordering::SeqCst);
                Ok(true)
            })
            .await?;
            if whole {
                // The fetch is good; a mirror that is slow to read can be packed the next time.
                if let Err(err) = self.tidy().await {
                    tracing::warn!(repo = self.repo(), %err, "housekeeping of the mirror");
                }
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
        let count = self.n_fetched.fetch_add(1, Ordering::Relaxed).is_multiple_of(self.options.counted_every.max(1));
        let due = blocking(move || {
            let now = SystemTime::now();
            let touched = std::fs::File::create(dir.join(USED)).and_then(|it| it.set_modified(now));
            touched.map_err(|err| GitError::io("mark as used", &dir, err))?;
            Ok(count && bare::n_loose(&dir) > options.n_loose_max || bare::n_packs(&dir) > options.n_packs_max)
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

    /// What a branch or tag, by its full name, was when this process last heard of it. Nothing is asked; `None`: absent, or nothing was
    /// heard yet.
    pub fn known(&self, refname: &str) -> Option<ObjectId> {
        self.refs.read().as_ref()?.get(refname)
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
        // Side by side: each waits for the disk more than once.
        blocking(move || {
            std::thread::scope(|threads| {
                let kept = threads.spawn(|| push::keep(&objects));
                let pinned = refs::pin(&disk.dir, &run_uid, &ids);
                kept.join().unwrap_or_else(|_| Err(GitError::Bug("writing objects panicked".into())))?;
                pinned
            })
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
        let known = self.refs.read().clone();
        let pushed = push::push(&self.wire, store.clone(), &request.updates, known).await?;
        // It has landed; what follows only saves the next fetch some work, so its failure must not look like a failed push.
        if let Err(err) = blocking(move || push::keep(&store)).await {
            tracing::warn!(repo = self.repo(), %err, "keep what was pushed");
            return Ok(pushed);
        }
        if let Some(before) = self.refs.write().as_mut() {
            *before = Arc::new(push::moved(RemoteRefs::clone(before), &request.updates));
        }
        // On disk they serve the next process only: nobody waits for that.
        let (disk, known) = (self.disk.clone(), self.refs.clone());
        drop(tokio::task::spawn_blocking(move || {
            let Some(refs) = known.read().clone() else { return };
            if let Err(err) = refs.save(&disk.dir) {
                tracing::warn!(repo = disk.repo, %err, "write references of the mirror");
            }
        }));
        Ok(pushed)
    }
}
