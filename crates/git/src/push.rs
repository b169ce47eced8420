//! Pushing: references move by compare-and-swap, with a pack of only what the server lacks (gitprotocol-pack, section Pushing Data).

use crate::error::{GitError, TransportError};
use crate::mirror::blocking;
use crate::objects::Objects;
use crate::pktline::{self, Packet, ReadError, Reader};
use crate::protocol::{Endpoint, Service, Wire};
use crate::refs::{RemoteRefs, is_ref_name};
use crate::transport::Response;
use crate::{history, objects, pack};
use gix::ObjectId;
use seaway_base::Next;
use seaway_base::awaited::pushing;
use std::sync::Arc;

const DOING: &str = "push to";
/// References in one push.
const UPDATES_MAX: usize = 100;
/// Branches of the server that are looked at in any case.
const NEAR_MAX: usize = 256;
/// More new commits than this and all its references are looked at.
const NEW_MAX: usize = 200;
/// So much of what a server prints is kept.
const MESSAGE_BYTES_MAX: usize = 8 * 1024;

/// What a reference must be for an update to be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// It points at this object.
    At(ObjectId),
    /// It does not exist.
    Absent,
    /// Whatever it is: a forced push. It is still swapped against what the server says it is.
    Anything,
}

/// One reference to create or move. References are never deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefUpdate {
    /// Its full name, `refs/heads/…` or `refs/tags/…`.
    pub name: String,
    /// What it must be before.
    pub old: Wanted,
    /// What it is to be.
    pub new: ObjectId,
}

impl RefUpdate {
    /// A branch that must be at `old` (`None`: must not exist).
    pub fn branch(name: &str, old: Option<ObjectId>, new: ObjectId) -> Self {
        Self { name: format!("refs/heads/{name}"), old: old.map_or(Wanted::Absent, Wanted::At), new }
    }

    /// A tag that must not exist, or be this object already.
    pub fn tag(name: &str, new: ObjectId) -> Self {
        Self { name: format!("refs/tags/{name}"), old: Wanted::Absent, new }
    }

    /// The same, whatever the reference is now.
    pub fn forced(self) -> Self {
        Self { old: Wanted::Anything, ..self }
    }
}

/// What to push: all updates or none.
#[derive(Debug, Clone)]
pub struct PushRequest {
    /// The references.
    pub updates: Vec<RefUpdate>,
    /// Where the objects are: a work folder's, or the mirror's own (`None`).
    pub objects: Option<Arc<Objects>>,
}

/// A push that landed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pushed {
    /// What the server printed.
    pub messages: String,
    /// Objects that were sent.
    pub n_objects: usize,
    /// Size of the pack.
    pub pack_bytes: usize,
    /// References that were there already.
    pub unchanged: Vec<String>,
}

/// Why a push did not land, or may not have.
#[derive(Debug, thiserror::Error)]
pub enum PushError {
    /// The reference is not what it must be: somebody else was first.
    #[error("push to `{reference}` of `{repo}`: it has moved: expected {}, found {}", shown(*expected), shown(*tip))]
    NonFastForward {
        /// The repository.
        repo: String,
        /// The reference.
        reference: String,
        /// What it had to be; `None`: absent.
        expected: Option<ObjectId>,
        /// What it is; `None`: absent.
        tip: Option<ObjectId>,
    },
    /// The server refuses this reference: a hook, a protected branch.
    #[error("push to `{reference}` of `{repo}`: the server refuses: {reason}{}", if messages.is_empty() { String::new() } else { format!("; it says: {messages}") })]
    Declined {
        /// The repository.
        repo: String,
        /// The reference.
        reference: String,
        /// The reason in the server's report.
        reason: String,
        /// What it printed.
        messages: String,
    },
    /// The pack was sent and no answer came: it may have landed. Look for the commits before pushing again.
    #[error("push to `{repo}`: sent, but the answer was lost, so it may have landed")]
    AnswerLost {
        /// The repository.
        repo: String,
        /// How it was lost.
        #[source]
        err: GitError,
    },
    /// Nothing was changed, for another reason.
    #[error(transparent)]
    Git(#[from] GitError),
}

fn shown(id: Option<ObjectId>) -> String {
    id.map_or_else(|| "nothing".to_owned(), |id| id.to_hex_with_len(12).to_string())
}

impl PushError {
    /// What comes next. After [`PushError::AnswerLost`] a retry must look first.
    pub const fn next(&self) -> Next {
        match self {
            Self::NonFastForward { .. } | Self::AnswerLost { .. } => Next::Retry,
            Self::Declined { .. } => Next::Failed,
            Self::Git(err) => err.next(),
        }
    }
}

/// A reference that must be sent: name, old and new id.
type Command = (String, Option<ObjectId>, ObjectId);

/// Carries a push out. Where the references are known to be what they must be, and the server was pushed to before, the pack is sent
/// without asking first: the server compares when it swaps. Whatever it does not take for another reason is pushed once more, by
/// asking.
pub(crate) async fn push(
    wire: &Wire,
    store: Arc<Objects>,
    updates: &[RefUpdate],
    known: Option<Arc<RemoteRefs>>,
) -> Result<Pushed, PushError> {
    check(wire, updates)?;
    if let (Some(known), Some(endpoint)) = (known.filter(|known| stand_as_wanted(known, updates)), wire.receiver()) {
        match send(wire, &endpoint, store.clone(), updates, known).await {
            Err(PushError::Git(err)) => {
                tracing::debug!(repo = wire.repo, %err, "a push without asking first was not taken");
                wire.keep_receiver(None);
            }
            Err(err @ PushError::AnswerLost { .. }) => {
                wire.keep_receiver(None);
                return Err(err);
            }
            answer => return answer,
        }
    }
    let (endpoint, theirs) = asked(wire).await?;
    let pushed = send(wire, &endpoint, store, updates, Arc::new(theirs)).await?;
    wire.keep_receiver(Some(endpoint));
    Ok(pushed)
}

/// Where pushes go, and what is there now. Its answer is let go of once it is read, as nobody waits for it any more.
async fn asked(wire: &Wire) -> Result<(Endpoint, RemoteRefs), GitError> {
    let (endpoint, mut reader, first) = wire.discover(DOING, Service::ReceivePack).await?;
    let theirs = wire.refs_v0(DOING, &endpoint, &mut reader, first).await?;
    Ok((endpoint, theirs))
}

/// Is every reference what it must be, as far as is known, and none there already?
fn stand_as_wanted(known: &RemoteRefs, updates: &[RefUpdate]) -> bool {
    updates.iter().all(|update| {
        let tip = known.get(&update.name);
        let wanted = match update.old {
            Wanted::At(id) => tip == Some(id),
            Wanted::Absent => tip.is_none(),
            Wanted::Anything => false,
        };
        wanted && tip != Some(update.new)
    })
}

/// Sends what a server with these references lacks, and reads what came of it.
async fn send(
    wire: &Wire,
    endpoint: &Endpoint,
    store: Arc<Objects>,
    updates: &[RefUpdate],
    theirs: Arc<RemoteRefs>,
) -> Result<Pushed, PushError> {
    let mut pushed = Pushed::default();
    let commands = commands(wire, &theirs, updates, &mut pushed)?;
    if commands.is_empty() {
        return Ok(pushed);
    }
    let wants: Vec<_> = commands.iter().map(|it| it.2).collect();
    let old: Vec<_> = commands.iter().filter_map(|it| it.1).collect();
    let (n_objects, pack) = blocking(move || {
        let missing = pack::missing(&store, &wants, &nearby(&store, &wants, old, &theirs)?)?;
        let pack = pack::encode(&missing).map_err(|err| GitError::Bug(format!("encode a pack: {err}")))?;
        Ok((missing.len(), pack))
    })
    .await?;
    (pushed.n_objects, pushed.pack_bytes) = (n_objects, pack.len());
    let body = request(endpoint, &commands, &pack);
    drop(pack);
    let response = pushing(wire.post(endpoint, Service::ReceivePack, body.into())).await.map_err(|err| sent(wire, err))?;
    let report = report(wire, endpoint, response).await?;
    pushed.messages = wire.clean(&report.messages);
    verdict(wire, &report, &commands, &pushed.messages).await?;
    Ok(pushed)
}

/// What the server has, as far as it matters: reading every tag of a large repository for each push would be most of its time, so all
/// of them are looked at only if the branches leave suspiciously much to send.
fn nearby(store: &Objects, wants: &[ObjectId], old: Vec<ObjectId>, theirs: &RemoteRefs) -> Result<Vec<ObjectId>, GitError> {
    let near: Vec<_> = old.into_iter().chain(theirs.head_id).chain(theirs.branches.values().copied().take(NEAR_MAX)).collect();
    let n_new = history::between(store, wants, &near, NEW_MAX + 1)?.len();
    Ok(if n_new <= NEW_MAX { near } else { near.into_iter().chain(theirs.tips()).collect() })
}

fn check(wire: &Wire, updates: &[RefUpdate]) -> Result<(), GitError> {
    if updates.is_empty() || updates.len() > UPDATES_MAX {
        return Err(GitError::Bug(format!("a push of {} references", updates.len())));
    }
    for update in updates {
        let name = update.name.strip_prefix("refs/heads/").or_else(|| update.name.strip_prefix("refs/tags/"));
        if !name.is_some_and(is_ref_name) {
            return Err(GitError::BadName { repo: wire.repo.clone(), name: update.name.clone() });
        }
    }
    Ok(())
}

/// Compares what references must be with what they are; the server compares once more when it swaps.
fn commands(wire: &Wire, theirs: &RemoteRefs, updates: &[RefUpdate], pushed: &mut Pushed) -> Result<Vec<Command>, PushError> {
    let mut commands = Vec::new();
    for update in updates {
        let tip = theirs.get(&update.name);
        if tip == Some(update.new) {
            pushed.unchanged.push(update.name.clone());
            continue;
        }
        let expected = match update.old {
            Wanted::At(id) => Some(id),
            Wanted::Absent => None,
            Wanted::Anything => tip,
        };
        if expected != tip {
            return Err(PushError::NonFastForward { repo: wire.repo.clone(), reference: update.name.clone(), expected, tip });
        }
        commands.push((update.name.clone(), tip, update.new));
    }
    Ok(commands)
}

fn request(endpoint: &Endpoint, commands: &[Command], pack: &[u8]) -> Vec<u8> {
    let mut body = Vec::with_capacity(pack.len() + 1024);
    let mut wanted = vec!["report-status", "side-band-64k"];
    if commands.len() > 1 {
        wanted.push("atomic");
    }
    let options: Vec<_> = wanted.into_iter().filter(|it| endpoint.can(it)).chain(["agent=seaway"]).collect();
    let null = ObjectId::null(gix::hash::Kind::Sha1);
    for (i, (name, old, new)) in commands.iter().enumerate() {
        let options = if i == 0 { format!("\0 {}", options.join(" ")) } else { String::new() };
        pktline::push(&mut body, format!("{} {new} {name}{options}", old.unwrap_or(null)));
    }
    pktline::flush(&mut body);
    body.extend_from_slice(pack);
    body
}

/// An error of the POST: only if no connection came about do we know that nothing was sent.
fn sent(wire: &Wire, err: TransportError) -> PushError {
    let unsent = matches!(err, TransportError::Connect { .. } | TransportError::Refused(_));
    let repo = wire.repo.clone();
    let err = GitError::Transport { doing: DOING, repo: repo.clone(), err };
    if unsent { PushError::Git(err) } else { PushError::AnswerLost { repo, err } }
}

#[derive(Debug, Default)]
struct Report {
    unpack: Option<String>,
    /// Reference and reason; no reason means it was moved.
    refs: Vec<(String, Option<String>)>,
    messages: String,
    fatal: Option<String>,
}

async fn report(wire: &Wire, endpoint: &Endpoint, response: Response) -> Result<Report, PushError> {
    let lost = |err| PushError::AnswerLost { repo: wire.repo.clone(), err };
    let mut reader = match wire.accepted(DOING, endpoint, Service::ReceivePack, response).await {
        Ok(reader) => reader,
        // A gateway that gave up waiting says nothing of what the server behind it did.
        Err(err @ GitError::Status { status: 500.., .. }) => return Err(lost(err)),
        Err(err @ GitError::Protocol { .. }) => return Err(lost(err)),
        Err(err) => return Err(err.into()),
    };
    let mut report = Report::default();
    let ended = |err: ReadError| lost(wire.read_error(DOING, err));
    if endpoint.can("side-band-64k") {
        let mut inner = Vec::new();
        while let Some(packet) = reader.next().await.map_err(ended)? {
            let Packet::Data(line) = packet else { break };
            let Some(band) = line.first() else { continue };
            match band {
                1 if inner.len() < 1 << 20 => inner.extend_from_slice(&line[1..]),
                2 if report.messages.len() < MESSAGE_BYTES_MAX => report.messages.push_str(&String::from_utf8_lossy(&line[1..])),
                3 => report.fatal = Some(pktline::text(&line[1..])),
                _ => {}
            }
        }
        let body = futures::stream::once(async move { Ok(bytes::Bytes::from(inner)) });
        reader = Reader::new(Box::pin(body));
    }
    while let Ok(Some(Packet::Data(line))) = reader.next().await {
        let text = pktline::text(&line);
        if let Some(result) = text.strip_prefix("unpack ") {
            report.unpack = Some(result.to_owned());
        } else if let Some(name) = text.strip_prefix("ok ") {
            report.refs.push((name.to_owned(), None));
        } else if let Some((name, reason)) = text.strip_prefix("ng ").and_then(|it| it.split_once(' ')) {
            report.refs.push((name.to_owned(), Some(reason.to_owned())));
        }
    }
    Ok(report)
}

/// Reads the report. After a refusal the server is asked where the reference is: has it moved, somebody was first.
async fn verdict(wire: &Wire, report: &Report, commands: &[Command], messages: &str) -> Result<(), PushError> {
    let repo = || wire.repo.clone();
    let refused: Vec<_> = report.refs.iter().filter_map(|(name, reason)| Some((name, reason.as_ref()?))).collect();
    if refused.is_empty() {
        let all = commands.iter().all(|it| report.refs.iter().any(|(name, _)| *name == it.0));
        if report.unpack.as_deref() == Some("ok") && all {
            return Ok(());
        }
        let failed = report.unpack.clone().filter(|it| it != "ok").or_else(|| report.fatal.clone());
        let Some(reason) = failed else {
            let err = wire.protocol_error(DOING, "it ends without a report");
            return Err(PushError::AnswerLost { repo: repo(), err });
        };
        return Err(GitError::Remote { doing: DOING, repo: repo(), message: wire.clean(&format!("{reason} {messages}")) }.into());
    }
    let (_, now) = asked(wire).await?;
    for (name, expected, new) in commands {
        let tip = now.get(name);
        if tip != *expected && tip != Some(*new) {
            return Err(PushError::NonFastForward { repo: repo(), reference: name.clone(), expected: *expected, tip });
        }
    }
    // With `atomic` every reference is refused once one is; the one with a reason of its own is the offender.
    let offender = refused.iter().find(|it| !it.1.contains("atomic")).unwrap_or(&refused[0]);
    let (reference, reason) = (offender.0.clone(), wire.clean(offender.1));
    Err(PushError::Declined {
        repo: repo(),
        reference,
        reason,
        messages: messages.lines().map(str::trim).collect::<Vec<_>>().join(" / "),
    })
}

/// What a mirror knows after a push: the references as they were, with the moved ones moved.
pub(crate) fn moved(mut refs: RemoteRefs, updates: &[RefUpdate]) -> RemoteRefs {
    for update in updates {
        if let Some(branch) = update.name.strip_prefix("refs/heads/") {
            refs.branches.insert(branch.to_owned(), update.new);
            if refs.head.as_deref() == Some(branch) {
                refs.head_id = Some(update.new);
            }
        } else if let Some(tag) = update.name.strip_prefix("refs/tags/") {
            refs.tags.insert(tag.to_owned(), update.new);
            refs.peeled.remove(tag);
        }
    }
    refs
}

/// Writes a work folder's new objects to the mirror's disk, durably, and forgets them in memory.
pub(crate) fn keep(store: &Objects) -> Result<(), GitError> {
    let fresh = store.fresh();
    let (Some(disk), false) = (store.disk(), fresh.is_empty()) else { return Ok(()) };
    if fresh.len() > objects::LOOSE_MAX {
        let all: Vec<_> = fresh.iter().map(|it| (it.1, it.2.clone())).collect();
        let pack = pack::encode(&all).map_err(|err| GitError::io("write a pack to", &disk.dir, err))?;
        crate::bare::index_pack(disk, &pack)?;
    } else {
        objects::write_all_loose(&disk.dir, &fresh).map_err(|err| GitError::io("write an object to", &disk.dir, err))?;
    }
    let ids: Vec<_> = fresh.into_iter().map(|it| it.0).collect();
    disk.reopen();
    store.forget(&ids);
    Ok(())
}
