//! `git-push`: journalled, pinned, sent by compare-and-swap, carried to a new tip when the branch moved, and never sent twice.
//!
//! Exactly-once rests on the trailers: whoever is not sure asks the branch, from where the push was first meant to its tip.

use seaway_base::backoff::Backoff;
use seaway_base::{Next, RelPath};
use seaway_git::{Mirror, MountInfo, ObjectId, Remote};
use serde_json::{Map, Value};
use std::sync::Arc;
use std::time::Duration;

use crate::cancel::Ask;
use crate::engine::{Engine, Pass};
use crate::faults::{Point, Side};
use crate::folder::{self, Sent, git_error};
use crate::moved::rename_commits;
use crate::ports::Milestone;
use crate::queue::QueueKey;
use crate::rebuild::DISK_GONE;
use crate::run::{Outcome, Run};
use crate::state::{EffectState, PushIntent, Repository};
use crate::step::{Answer, Done, Purpose, PushAsk, PushTarget, Step, StepError};
use crate::turn::{Hold, Tried, leave, promotion_id};

/// How many commits of a branch are searched when the commit the push was based on is gone.
const SEARCH_MAX: usize = 1000;
/// How often a push whose answer was lost is sent again within one pass.
const LOST_MAX: u32 = 3;
/// The reason of a push whose answer was lost, and of which the branch does not tell either.
const PUSH_UNANSWERED: &str = "PushUnanswered";
/// Rounds that follow each other at once; later ones wait.
const ROUNDS_AT_ONCE: u32 = 3;

/// Where a push goes.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) name: String,
    pub(crate) refname: String,
    pub(crate) force: bool,
    pub(crate) tag: bool,
    /// The mount stands on this very branch.
    pub(crate) current: bool,
}

/// What came of a push.
#[derive(Debug)]
struct Landed {
    commit: ObjectId,
    /// Nothing was left to push.
    nothing: bool,
}

/// Where sending ended.
enum Sending {
    Landed(Landed),
    /// The pass ends here, or the loop looks why.
    Left(Option<Outcome>),
}

/// Why a pass over the rounds ended early.
pub(crate) enum Halt {
    Error(StepError),
    Left(Option<Outcome>),
}

impl From<StepError> for Halt {
    fn from(err: StepError) -> Self {
        Self::Error(err)
    }
}

/// A push in hand.
pub(crate) struct Job {
    pub(crate) index: usize,
    pub(crate) alias: String,
    pub(crate) mount: RelPath,
    pub(crate) target: Target,
    pub(crate) repository: Repository,
    pub(crate) mirror: Arc<Mirror>,
    pub(crate) max_attempts: u32,
    /// What the ref held when the push was first meant.
    pub(crate) base: Option<ObjectId>,
    pub(crate) round: u32,
    /// Where the ref is was not asked yet: it is taken to be where this process last saw it.
    pub(crate) unasked: bool,
}

impl Engine {
    pub(crate) async fn push_turn(&self, run: &mut Run, index: usize, step: &dyn Step, config: &Value) -> Pass<Option<Outcome>> {
        let intent = run.state.steps[index].effect.as_ref().filter(|effect| !effect.done).and_then(|effect| effect.push.clone());
        if let Some(intent) = &intent {
            match self.find_landed(run, index, intent).await {
                Ok(None) => {}
                Ok(Some(commit)) => {
                    if let Some(outcome) = self.folder(run, index).await? {
                        return Ok(Some(outcome));
                    }
                    return self.landed(run, index, None, Landed { commit, nothing: false }).await;
                }
                Err(err) => return self.conclude(run, index, Err(err)).await,
            }
        }
        if let Some(outcome) = self.folder(run, index).await? {
            return Ok(Some(outcome));
        }
        let ask = match self.attempt(run, index, step, config, Purpose::Run, Hold::Drop).await {
            Tried::Answer(Ok(Answer::Push(ask))) => within_mount(run, ask),
            Tried::Answer(answer) => return self.answered(run, index, answer).await,
            Tried::Interrupted => return Ok(None),
        };
        if let Some(outcome) = self.check_digest(run, index, None).await? {
            return Ok(Some(outcome));
        }
        match self.rounds(run, index, &ask).await? {
            Ok(Sending::Landed(landed)) => self.landed(run, index, Some(&ask), landed).await,
            Ok(Sending::Left(outcome)) | Err(Halt::Left(outcome)) => Ok(outcome),
            Err(Halt::Error(err)) if err.reason == DISK_GONE => self.begin_anew(run, index, err).await.map(Some),
            Err(Halt::Error(err)) => self.conclude(run, index, Err(err)).await,
        }
    }

    /// Sends until it lands, is refused, or the rounds are used up.
    async fn rounds(&self, run: &mut Run, index: usize, ask: &PushAsk) -> Pass<Result<Sending, Halt>> {
        let remote = match self.remote(run, &ask.mount).await {
            Ok(remote) => remote,
            Err(err) => return Ok(Err(err.into())),
        };
        let Some(mount) = run.memory.mount(&ask.mount) else {
            return Ok(Err(StepError::failed(
                "NoCheckout",
                format!("`{}` is not a checkout: clone a repository there first", ask.mount),
            )
            .into()));
        };
        let target = match target(run, ask, mount.head.branch.as_deref()) {
            Ok(target) => target,
            Err(err) => return Ok(Err(err.into())),
        };
        if run.memory.masker.text(&target.name) != target.name {
            let message =
                "the name of the branch to push to holds a value that came from secret(): it is not pushed; name it otherwise";
            return Ok(Err(StepError::failed("SecretInCommit", message).into()));
        }
        let mirror = self.ports.git.mirror(&remote);
        let credential = remote.credential.as_ref().map(|it| it.key.clone()).unwrap_or_default();
        let key = QueueKey { url: remote.url.clone(), refname: target.refname.clone(), credential };
        let _turn = tokio::select! {
            turn = self.queues.turn(key) => turn,
            _ = run.cancel.wait() => return Ok(Ok(Sending::Left(None))),
        };
        let (mut job, mut old) = match self.job(run, index, ask, &mount, target, mirror, &remote).await {
            Ok(job) => job,
            Err(err) => return Ok(Err(err.into())),
        };
        let first_round = job.round;
        let mut lost = 0;
        loop {
            let round = self.round(run, &mut job, &mut old, &mut lost).await?;
            match round {
                Ok(None) => {}
                Ok(Some(landed)) => return Ok(Ok(Sending::Landed(landed))),
                Err(halt) => return Ok(Err(halt)),
            }
            if run.cancel.asked() != Ask::None {
                return Ok(Ok(Sending::Left(None)));
            }
            let n_rounds = job.round.saturating_sub(first_round);
            if n_rounds >= job.max_attempts {
                let message = format!(
                    "branch `{}` moved {n_rounds} times while it was pushed; raise `maxAttempts` or try again",
                    job.target.name
                );
                return Ok(Err(StepError::errored("BranchMoves", Next::Retry, message).into()));
            }
            if n_rounds >= ROUNDS_AT_ONCE {
                let pause = Backoff { first: Duration::from_millis(250), factor: 1.5, cap: Duration::from_secs(30) }
                    .wait(n_rounds - ROUNDS_AT_ONCE, &self.random);
                tokio::select! {
                    () = tokio::time::sleep(pause) => {}
                    _ = run.cancel.wait() => return Ok(Ok(Sending::Left(None))),
                }
            }
        }
    }

    /// Takes up a push, where an earlier process left it.
    #[expect(clippy::too_many_arguments, reason = "all that a push is made of")]
    async fn job(
        &self,
        run: &Run,
        index: usize,
        ask: &PushAsk,
        mount: &MountInfo,
        target: Target,
        mirror: Arc<Mirror>,
        remote: &Remote,
    ) -> Result<(Job, Option<ObjectId>), StepError> {
        let before = run.state.steps[index].effect.as_ref().and_then(|effect| effect.push.clone());
        // The branch is where the checkout found it, or where another promotion of ours left it since: the first try needs no look.
        let optimistic = target.current && !target.force && before.is_none();
        let old = if optimistic {
            mirror.known(&target.refname).or_else(|| stands_on(run, index, &ask.mount)).or(mount.base)
        } else {
            let (alias, tip) = (&run.spec.steps[index].alias, folder::tip(&mirror, &target.refname));
            match self.telling(&run.facts, &run.memory.masker, alias, tip).await {
                Ok(tip) => tip,
                Err(err) => return Err(git_error(&err)),
            }
        };
        let first_base =
            before.as_ref().map(|intent| intent.base.as_deref().and_then(|base| ObjectId::from_hex(base.as_bytes()).ok()));
        let job = Job {
            index,
            alias: run.spec.steps[index].alias.clone(),
            mount: ask.mount.clone(),
            target,
            repository: Repository { url: remote.url.clone(), skip_tls_verify: remote.skip_tls_verify },
            mirror,
            max_attempts: ask.max_attempts.max(1),
            base: first_base.unwrap_or(old),
            round: before.as_ref().map_or(0, |intent| intent.round),
            unasked: optimistic,
        };
        Ok((job, old))
    }

    /// One round: sends if the change stands on what the branch holds, else carries it there.
    async fn round(
        &self,
        run: &mut Run,
        job: &mut Job,
        old: &mut Option<ObjectId>,
        lost: &mut u32,
    ) -> Pass<Result<Option<Landed>, Halt>> {
        let Some((mount, head)) = run.memory.mount(&job.mount).and_then(|mount| mount.head.commit.map(|head| (mount, head)))
        else {
            return Ok(Err(StepError::failed(
                "NothingToPush",
                format!("`{}` holds no commit yet: commit before you push", job.mount),
            )
            .into()));
        };
        if *old == Some(head) {
            return Ok(Ok(Some(Landed { commit: head, nothing: true })));
        }
        let based = match *old {
            Some(old) if !job.target.force && !job.target.tag => match folder::contains(&job.mirror, &mount, old).await {
                Ok(based) => based,
                Err(err) => return Ok(Err(git_error(&err).into())),
            },
            _ => true,
        };
        if based {
            job.round += 1;
            let intent = PushIntent {
                repository: job.repository.clone(),
                mount: job.mount.as_str().to_owned(),
                name: job.target.name.clone(),
                refname: job.target.refname.clone(),
                base: job.base.map(|id| id.to_string()),
                old: old.map(|id| id.to_string()),
                commit: head.to_string(),
                round: job.round,
                force: job.target.force,
                landed: None,
            };
            let mut unanswered = None;
            match self.send(run, job, &mount, *old, head, &intent).await? {
                Ok(Sent::Landed) => return Ok(Ok(Some(Landed { commit: head, nothing: false }))),
                Ok(Sent::Left) => return Ok(Err(Halt::Left(None))),
                Ok(Sent::Moved) => {}
                Ok(Sent::Lost(why)) => {
                    *lost += 1;
                    unanswered = Some(why);
                }
                Err(err) => return Ok(Err(err.into())),
            }
            // Whoever is not sure asks the branch.
            match (self.landed_before(run, &job.mirror, &job.alias, &intent).await, unanswered) {
                (Ok(Some(commit)), _) => return Ok(Ok(Some(Landed { commit, nothing: false }))),
                (Ok(None), Some(why)) if *lost > LOST_MAX => {
                    let message = format!("{why}; `{}` does not hold it so far", job.target.name);
                    return Ok(Err(StepError::errored(PUSH_UNANSWERED, Next::Retry, message).into()));
                }
                (Ok(None), _) => {}
                (Err(err), why) => return Ok(Err(not_asked(why, err).into())),
            }
        }
        let tip = match self.look(run, job, *old, based).await {
            Ok(tip) => tip,
            Err(err) => return Ok(Err(err.into())),
        };
        let moved = tip != *old;
        *old = tip;
        match tip {
            Some(tip) if !job.target.force && (moved || !based) => match self.integrate(run, job, tip).await? {
                Ok(()) => Ok(Ok(None)),
                Err(halt) => Ok(Err(halt)),
            },
            _ => Ok(Ok(None)),
        }
    }

    /// Pins, journals and sends.
    async fn send(
        &self,
        run: &mut Run,
        job: &Job,
        mount: &MountInfo,
        old: Option<ObjectId>,
        head: ObjectId,
        intent: &PushIntent,
    ) -> Pass<Result<Sent, StepError>> {
        if let Err(err) = self.refuse_secrets(run, &job.mount) {
            return Ok(Err(err));
        }
        self.point(&Point::Pin { step: job.alias.clone(), side: Side::Before })?;
        let pins: Vec<ObjectId> = mount.base.into_iter().chain([head]).collect();
        // The objects are on disk before the journal speaks of them.
        if let Err(err) = job.mirror.pin(&run.facts.promotion_uid, &mount.objects, &pins).await {
            return Ok(Err(git_error(&err)));
        }
        run.memory.pinned.extend(pins.iter().map(|id| (job.repository.url.clone(), id.to_string())));
        self.point(&Point::Pin { step: job.alias.clone(), side: Side::After })?;
        let now = self.clock().now();
        let effect = run.state.steps[job.index].effect.get_or_insert_with(|| EffectState::new(now));
        effect.n_tries += 1;
        effect.push = Some(intent.clone());
        run.state.event(
            now,
            "EffectStarted",
            &job.alias,
            &format!("push {} to {} of {}", head.to_hex_with_len(7), intent.name, intent.repository.url),
        );
        self.save(run, Milestone::Effect).await?;
        self.point(&Point::Push { step: job.alias.clone(), round: intent.round, side: Side::Before })?;
        let sending = folder::send(&job.mirror, mount, &intent.refname, old, head, intent.force);
        let sent = tokio::select! {
            biased;
            sent = self.telling(&run.facts, &run.memory.masker, &job.alias, sending) => sent,
            () = leave(&run.cancel, Hold::Finish) => Ok(Sent::Left),
        };
        self.point(&Point::Push { step: job.alias.clone(), round: intent.round, side: Side::After })?;
        Ok(sent)
    }

    /// Did an earlier process land it?
    async fn find_landed(&self, run: &Run, index: usize, intent: &PushIntent) -> Result<Option<ObjectId>, StepError> {
        let remote = self.reach(run, &intent.repository).await?;
        let mirror = self.ports.git.mirror(&remote);
        self.landed_before(run, &mirror, &run.spec.steps[index].alias, intent).await
    }

    async fn landed_before(
        &self,
        run: &Run,
        mirror: &Mirror,
        alias: &str,
        intent: &PushIntent,
    ) -> Result<Option<ObjectId>, StepError> {
        let tip = self.telling(&run.facts, &run.memory.masker, alias, folder::tip(mirror, &intent.refname)).await;
        let Some(tip) = tip.map_err(|err| git_error(&err))? else { return Ok(None) };
        if ObjectId::from_hex(intent.commit.as_bytes()).is_ok_and(|commit| commit == tip) {
            return Ok(Some(tip));
        }
        folder::find_trailers(mirror, intent, &marks(run, alias), SEARCH_MAX).await.map_err(|err| git_error(&err))
    }

    /// Enters a push that landed: the commits of this run are now the ones that landed.
    async fn landed(&self, run: &mut Run, index: usize, ask: Option<&PushAsk>, landed: Landed) -> Pass<Option<Outcome>> {
        let intent = run.state.steps[index].effect.as_ref().and_then(|effect| effect.push.clone());
        let mount = ask.map(|ask| ask.mount.clone()).or_else(|| RelPath::parse(&intent.as_ref()?.mount).ok()).unwrap_or_default();
        let info = run.memory.mount(&mount);
        let commit = landed.commit.to_string();
        if let Some(head) = info.as_ref().and_then(|info| info.head.commit).filter(|head| *head != landed.commit) {
            rename_commits(run, index, &[(head.to_string(), commit.clone())]);
        }
        if let Some(work) = run.memory.work.as_mut()
            && folder::land(work, &mount, &commit).is_err()
        {
            // It landed, whatever the disk says: the folder is rebuilt if a later step needs it.
            run.memory.work = None;
        }
        let branch = info.as_ref().and_then(|info| info.head.branch.as_deref());
        let name = match (&intent, ask) {
            (Some(intent), _) => intent.name.clone(),
            (None, Some(ask)) => target(run, ask, branch).map(|target| target.name).unwrap_or_default(),
            (None, None) => String::new(),
        };
        let url = run
            .state
            .steps
            .iter()
            .rev()
            .find(|step| step.mounts.iter().any(|it| it == mount.as_str()))
            .and_then(|step| step.repository.as_ref());
        let url = url.map(|repository| repository.url.clone()).unwrap_or_default();
        let mut output = Map::new();
        output.insert("branch".into(), Value::String(name.clone()));
        output.insert("commit".into(), Value::String(commit.clone()));
        if let Some(link) = folder::commit_url(&url, ask.and_then(|ask| ask.provider.as_deref()), &commit) {
            output.insert("commitURL".into(), Value::String(link));
        }
        let now = self.clock().now();
        let effect = run.state.steps[index].effect.get_or_insert_with(|| EffectState::new(now));
        effect.done = true;
        if let Some(push) = &mut effect.push {
            push.landed = Some(commit.clone());
        }
        if !landed.nothing {
            let alias = run.spec.steps[index].alias.clone();
            run.state.event(now, "PushLanded", &alias, &format!("{} on {name} of {url}", landed.commit.to_hex_with_len(7)));
        }
        run.memory.unsaved = true;
        let message = landed.nothing.then(|| format!("nothing to push: `{name}` holds it already"));
        self.conclude(run, index, Ok(Done { skipped: landed.nothing, output, message, ..Done::default() })).await
    }
}

/// Where an ask goes.
pub(crate) fn target(run: &Run, ask: &PushAsk, branch: Option<&str>) -> Result<Target, StepError> {
    let of_branch = |name: String, force: bool| Target {
        current: branch == Some(name.as_str()),
        refname: format!("refs/heads/{name}"),
        name,
        force,
        tag: false,
    };
    Ok(match &ask.target {
        PushTarget::Current => match branch {
            Some(branch) => of_branch(branch.to_owned(), ask.force),
            None => {
                let message = format!(
                    "`{}` is checked out at a commit or tag, not at a branch: set `targetBranch` or `generateTargetBranch`",
                    ask.mount
                );
                return Err(StepError::failed("NoBranch", message));
            }
        },
        PushTarget::Branch(name) => of_branch(name.clone(), ask.force),
        PushTarget::Generated => of_branch(format!("kargo/promotion/{}", run.facts.promotion), true),
        PushTarget::Tag(name) => {
            Target { refname: format!("refs/tags/{name}"), name: name.clone(), force: false, tag: true, current: false }
        }
    })
}

/// A path inside a checkout means the checkout.
pub(crate) fn within_mount(run: &Run, ask: PushAsk) -> PushAsk {
    let mount = run.memory.work.as_ref().and_then(|work| work.mount_of(&ask.mount).ok()).map(|info| info.path);
    PushAsk { mount: mount.unwrap_or(ask.mount), ..ask }
}

/// What an earlier push of this run left on the mount's branch.
pub(crate) fn stands_on(run: &Run, index: usize, mount: &RelPath) -> Option<ObjectId> {
    let pushes = run.state.steps[..index].iter().rev().filter_map(|step| step.effect.as_ref()?.push.as_ref());
    let landed = pushes.filter(|push| push.mount == mount.as_str()).find_map(|push| push.landed.clone())?;
    ObjectId::from_hex(landed.as_bytes()).ok()
}

/// The branch could not be asked; where an answer was lost before, that is what it began with.
fn not_asked(lost: Option<String>, err: StepError) -> StepError {
    match lost {
        Some(why) => {
            let message = format!("{why}; and it cannot be asked: {}", err.message);
            StepError { reason: PUSH_UNANSWERED, message, ..err }
        }
        None => err,
    }
}

/// The trailers that tell this push from all others.
fn marks(run: &Run, alias: &str) -> Vec<(String, String)> {
    vec![("Promotion-Id".into(), promotion_id(run)), ("Promotion-Step".into(), alias.to_owned())]
}
