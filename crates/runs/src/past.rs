//! What git still tells of the past: the files that a run wrote, and the commits between two.
//!
//! All of it is read from mirrors; a mirror that lacks a commit fetches once. What cannot be told is an answer too, with its reason.

use parking_lot::Mutex;
use seaway_api::seaway::PlannedFile;
use seaway_git::{CommitInfo, GitError, Mirror, Mirrors, ObjectId, Objects, Remote};
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::folder::Change;
use crate::mask::Masker;
use crate::plan::PATHS_MAX;
use crate::plan::shown::Room;
use crate::ports::{DataAsk, DataError, DataSource, Datum};
use crate::state::{DataRecord, Repository, RunState};
use crate::step::{Credentials, Ports, RepoKind, StepError};

/// So many look at once; the others wait for their turn.
const LOOKS_AT_ONCE: usize = 4;
/// Nobody waits longer for a turn, nor for a fetch; the fetch goes on, for whoever looks next.
const WAIT_MAX: Duration = Duration::from_secs(15);
/// What a fetch did not bring is not fetched again for so long.
const GONE_FOR: Duration = Duration::from_secs(60);
/// A run makes fewer commits on one branch.
const COMMITS_MAX: usize = 256;

/// Reads the past for people. The default keeps no mirrors, and says so; clones are one.
#[derive(Clone, Default)]
pub struct Past(Option<Arc<Parts>>);

struct Parts {
    git: Arc<Mirrors>,
    credentials: Arc<dyn Credentials>,
    data: Arc<dyn DataSource>,
    turns: Arc<Semaphore>,
    gone: Gone,
}

/// Commits that a mirror, by its folder, still lacked after a fetch, and when.
#[derive(Default)]
struct Gone(Mutex<HashMap<(PathBuf, ObjectId), Instant>>);

impl Gone {
    fn has_one_of(&self, mirror: &Mirror, commits: &[ObjectId]) -> bool {
        let mut gone = self.0.lock();
        gone.retain(|_, since| since.elapsed() < GONE_FOR);
        commits.iter().any(|id| gone.contains_key(&(mirror.dir().to_owned(), *id)))
    }

    /// Notes which of these the mirror lacks. `false`: none.
    async fn note(&self, mirror: &Mirror, commits: &[ObjectId]) -> Result<bool, GitError> {
        let mut is_one = false;
        for id in commits {
            if !mirror.holds(&[*id]).await? {
                is_one = true;
                self.0.lock().insert((mirror.dir().to_owned(), *id), Instant::now());
            }
        }
        Ok(is_one)
    }
}

/// What a run wrote, as far as git tells.
#[derive(Debug, Default)]
pub struct WrittenFiles {
    /// The files of its commits, each as a plan shows it: secrets masked, at most [`PATHS_MAX`].
    pub files: Vec<PlannedFile>,
    /// Files or differences were left out, as a plan leaves them out.
    pub truncated: bool,
    /// What is not told, and why, a sentence each.
    pub unknown: Vec<String>,
}

/// The commits from one to another.
#[derive(Debug, Default)]
pub struct Between {
    /// Those that the other has and the one has not, the newest first.
    pub commits: Vec<CommitBetween>,
    /// There are more.
    pub truncated: bool,
    /// So many commits of the one are not in the other and are left behind, or as many as were asked for.
    pub n_back: usize,
    /// Their history is longer than is looked at: there may be more, and more left behind.
    pub cut: bool,
}

/// A commit between two.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitBetween {
    /// Its id.
    pub id: String,
    /// First paragraph of its message, on one line.
    pub subject: String,
    /// `Name <mail>`.
    pub author: String,
    /// When it was committed.
    pub at: jiff::Timestamp,
}

impl From<CommitInfo> for CommitBetween {
    fn from(commit: CommitInfo) -> Self {
        Self { id: commit.id.to_string(), subject: commit.subject, author: commit.author, at: commit.commit_date }
    }
}

/// Why something of the past is not told.
#[derive(Debug, thiserror::Error)]
pub enum Untold {
    /// There are no mirrors here.
    #[error("this process keeps no mirrors of repositories: ask the one that runs the promotions")]
    NoMirrors,
    /// Too many look.
    #[error("too many look at repositories just now: look again in a moment")]
    Busy,
    /// The fetch takes long.
    #[error("the repository is still being fetched: look again in a moment")]
    Fetching,
    /// The repository has it no more.
    #[error("no branch or tag of the repository leads there any more: it was deleted or rewritten")]
    Gone,
    /// It is no commit's id.
    #[error("`{0}` is no id of a commit")]
    NoCommit(String),
    /// What must be masked is not known.
    #[error("what it read from {0} cannot be masked")]
    Unmasked(String, #[source] Unmasked),
    /// There is no login.
    #[error(transparent)]
    Credential(#[from] StepError),
    /// Git does not say.
    #[error(transparent)]
    Git(#[from] GitError),
}

/// Why what a run read from a Secret is not known any more.
#[derive(Debug, thiserror::Error)]
pub enum Unmasked {
    /// The journal does not say what it was.
    #[error("the journal does not name the Secret")]
    Unnamed,
    /// It cannot be read now.
    #[error(transparent)]
    Unread(#[from] DataError),
    /// There is none.
    #[error("the Secret was deleted since, and what it held is not kept")]
    Deleted,
    /// It is another one, or of another version.
    #[error("the Secret was changed since, and what it held is not kept")]
    Changed,
}

impl std::fmt::Debug for Past {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Past({})", if self.0.is_some() { "mirrors" } else { "none" })
    }
}

impl Past {
    /// Over the mirrors and logins that runs use, and the data that their expressions read.
    pub fn new(ports: &Ports, data: Arc<dyn DataSource>) -> Self {
        let turns = Arc::new(Semaphore::new(LOOKS_AT_ONCE));
        Self(Some(Arc::new(Parts {
            git: ports.git.clone(),
            credentials: ports.credentials.clone(),
            data,
            turns,
            gone: Gone::default(),
        })))
    }

    /// What the pushes of a run wrote that landed: against what they began on, as its plan compared.
    pub async fn written(&self, project: &str, promotion: &str, state: &RunState) -> WrittenFiles {
        let mut written = WrittenFiles::default();
        let branches = branches(state);
        if branches.is_empty() {
            return written;
        }
        let masker = match self.masker(project, state).await {
            Ok(masker) => masker,
            Err(why) => {
                written.unknown.push(format!("What it wrote is not shown: {}.", seaway_base::chain(&why)));
                return written;
            }
        };
        let mark = format!("{project}/{promotion}");
        let mut room = Room::default();
        for branch in branches {
            let (name, last) = (branch.name.clone(), branch.commits.last().cloned().unwrap_or_default());
            match self.files(project, branch, &mark, &masker, room.clone()).await {
                Ok((files, whole, left)) => {
                    room = left;
                    written.truncated |= !whole;
                    written.files.extend(files);
                }
                Err(why) => {
                    let (commit, why) = (last.get(..8).unwrap_or(&last), masker.text(&seaway_base::chain(&why)));
                    written.unknown.push(format!("What commit {commit} on {name} changed is not told: {why}."));
                }
            }
        }
        written.truncated |= written.files.len() > PATHS_MAX;
        written.files.truncate(PATHS_MAX);
        written
    }

    /// The files of one branch.
    async fn files(
        &self,
        project: &str,
        branch: Branch,
        mark: &str,
        masker: &Masker,
        mut room: Room,
    ) -> Result<(Vec<PlannedFile>, bool, Room), Untold> {
        let tips = branch.commits.iter().map(|commit| id(commit)).collect::<Result<Vec<_>, _>>()?;
        let (mirror, turn) = self.mirror(project, &branch.repository, &tips).await?;
        let (masker, mark) = (masker.clone(), mark.to_owned());
        let told = mirror.look(move |objects| {
            // Whoever asked may be gone: the turn ends with the look.
            let _turn = turn;
            let changes = own_changes(objects, &tips, &mark)?;
            let (mut files, mut whole) = (Vec::new(), changes.len() <= PATHS_MAX);
            for change in changes.into_iter().take(PATHS_MAX) {
                let change = Change { repository: branch.repository.url.clone(), branch: branch.name.clone(), change };
                let (file, fits) = room.show(&change, objects, &masker)?;
                whole &= fits;
                files.push(file);
            }
            Ok((files, whole, room))
        });
        Ok(told.await?)
    }

    /// Commits that `to` reaches and `from` does not, the newest first, at most `limit`.
    ///
    /// # Errors
    /// [`Untold`]
    pub async fn between(
        &self,
        project: &str,
        repository: &Repository,
        from: &str,
        to: &str,
        limit: usize,
    ) -> Result<Between, Untold> {
        let (from, to) = (id(from)?, id(to)?);
        let (mirror, turn) = self.mirror(project, repository, &[from, to]).await?;
        let told = mirror.look(move |objects| {
            let _turn = turn;
            let (forth, back) = (objects.between(from, to, limit + 1)?, objects.between(to, from, limit)?);
            let cut = !forth.is_whole || !back.is_whole;
            let truncated = forth.commits.len() > limit || !forth.is_whole;
            let commits = forth.commits.into_iter().take(limit).map(CommitBetween::from).collect();
            Ok(Between { commits, truncated, n_back: back.commits.len(), cut })
        });
        Ok(told.await?)
    }

    /// The mirror with these commits, and the turn to look at it; it fetches if it lacks one.
    async fn mirror(
        &self,
        project: &str,
        repository: &Repository,
        commits: &[ObjectId],
    ) -> Result<(Arc<Mirror>, OwnedSemaphorePermit), Untold> {
        let parts = self.0.as_ref().ok_or(Untold::NoMirrors)?;
        let turn = tokio::time::timeout(WAIT_MAX, Arc::clone(&parts.turns).acquire_owned());
        let Ok(Ok(turn)) = turn.await else { return Err(Untold::Busy) };
        let credential = parts.credentials.find(project, RepoKind::Git, &repository.url).await?;
        let (url, skip_tls_verify) = (repository.url.clone(), repository.skip_tls_verify);
        let mirror = parts.git.mirror(&Remote { url, credential, skip_tls_verify });
        if mirror.holds(commits).await? {
            return Ok((mirror, turn));
        }
        if parts.gone.has_one_of(&mirror, commits) {
            return Err(Untold::Gone);
        }
        let fetching = Arc::clone(&mirror);
        // It keeps the turn to its end: no more repositories are fetched at once than may be looked at.
        let fetch = tokio::spawn(async move { (fetching.fetch().await, turn) });
        let Ok(fetched) = tokio::time::timeout(WAIT_MAX, fetch).await else { return Err(Untold::Fetching) };
        let (fetched, turn) = fetched.map_err(|err| GitError::Bug(format!("fetch for a look: {err}")))?;
        fetched?;
        if parts.gone.note(&mirror, commits).await? { Err(Untold::Gone) } else { Ok((mirror, turn)) }
    }

    /// What the plan masked: the content of each Secret that the run's expressions read. A Secret that is not as the run read it may have
    /// held anything, so that nothing can be masked.
    async fn masker(&self, project: &str, state: &RunState) -> Result<Masker, Untold> {
        let parts = self.0.as_ref().ok_or(Untold::NoMirrors)?;
        let mut masker = Masker::default();
        for (key, record) in &state.data {
            if let DataRecord::Secret { .. } = record {
                let content = parts.content(project, key, record).await;
                masker.learn(content.map_err(|why| Untold::Unmasked(key.clone(), why))?);
            }
        }
        Ok(masker)
    }
}

impl Parts {
    /// The strings in a Secret, if it is still the one that was recorded.
    async fn content(&self, project: &str, key: &str, record: &DataRecord) -> Result<Vec<String>, Unmasked> {
        let ask = DataAsk::of_key(key).ok_or(Unmasked::Unnamed)?;
        let Datum::Secret { uid, resource_version, data } = self.data.fetch(project, &ask).await? else {
            return Err(Unmasked::Changed);
        };
        let is_gone = uid.is_empty();
        // What the run itself saw change held more than is recorded.
        if *record != (DataRecord::Secret { uid, resource_version, changed: false }) {
            return Err(if is_gone { Unmasked::Deleted } else { Unmasked::Changed });
        }
        Ok(data.reveal().values().filter_map(Value::as_str).map(ToOwned::to_owned).collect())
    }
}

/// What a run pushed to one branch or tag.
struct Branch {
    repository: Repository,
    name: String,
    /// The commits that landed, the last one last.
    commits: Vec<String>,
}

fn branches(state: &RunState) -> Vec<Branch> {
    let mut all: Vec<Branch> = Vec::new();
    for push in state.steps.iter().filter_map(|step| step.effect.as_ref()?.push.as_ref()) {
        let Some(commit) = push.landed.clone() else { continue };
        match all.iter_mut().find(|it| it.repository == push.repository && it.name == push.name) {
            Some(known) => known.commits.push(commit),
            None => {
                let (repository, name) = (push.repository.clone(), push.name.clone());
                all.push(Branch { repository, name, commits: vec![commit] });
            }
        }
    }
    all
}

fn id(text: &str) -> Result<ObjectId, Untold> {
    ObjectId::from_hex(text.as_bytes()).map_err(|_| Untold::NoCommit(text.to_owned()))
}

/// What the commits of a run that these end with changed, by path: from what stood there before the first of them. What others pushed
/// in between is not theirs.
fn own_changes(objects: &Objects, tips: &[ObjectId], mark: &str) -> Result<Vec<seaway_git::Change>, GitError> {
    let mut all: BTreeMap<String, seaway_git::Change> = BTreeMap::new();
    for tip in tips {
        let mut base = Some(*tip);
        for _ in 0..COMMITS_MAX {
            let Some(id) = base else { break };
            let commit = objects.commit(id)?;
            if !commit.has_trailer("Promotion-Id", mark) {
                break;
            }
            base = commit.parents.first().copied();
        }
        for mut change in objects.changes(base, *tip, PATHS_MAX + 1)? {
            // A later push goes on from an earlier one.
            if let Some(before) = all.get(&change.path).filter(|before| before.new == change.old) {
                change.old = before.old;
            }
            all.insert(change.path.clone(), change);
        }
    }
    Ok(all.into_values().filter(|change| change.old.is_some() || change.new.is_some()).collect())
}
