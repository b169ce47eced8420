//! Reading history: who reaches whom, logs, tags and changed paths, always bounded.

use crate::error::GitError;
use crate::objects::{Commit, Kind, Objects, subject};
use crate::refs::RemoteRefs;
use crate::tree;
use gix::ObjectId;
use jiff::Timestamp;
use std::collections::{BinaryHeap, HashMap, HashSet};
use std::fmt::Write as _;

/// No walk looks at more commits than this.
const COMMITS_MAX: usize = 2_000_000;
/// No commit's list of changed paths is longer than this.
const PATHS_MAX: usize = 100_000;

/// What discovery wants to know of a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitInfo {
    /// Its id.
    pub id: ObjectId,
    /// Its first parent: where to read on.
    pub parent: Option<ObjectId>,
    /// `Name <mail>`.
    pub author: String,
    /// `Name <mail>`.
    pub committer: String,
    /// When it was committed.
    pub commit_date: Timestamp,
    /// First paragraph of the message on one line.
    pub subject: String,
}

impl From<&Commit> for CommitInfo {
    fn from(commit: &Commit) -> Self {
        Self {
            id: commit.id,
            parent: commit.parents.first().copied(),
            author: commit.author.person(),
            committer: commit.committer.person(),
            commit_date: commit.committer.time,
            subject: commit.subject(),
        }
    }
}

/// What discovery wants to know of a tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagInfo {
    /// Its name.
    pub tag: String,
    /// The commit it points at.
    pub id: ObjectId,
    /// When it was made: the tagger's date, for lightweight tags the commit's.
    pub creator_date: Timestamp,
    /// `Name <mail>`; empty for lightweight tags.
    pub tagger: String,
    /// First paragraph of the tag's own message; empty for lightweight tags.
    pub annotation: String,
    /// Author of the commit.
    pub author: String,
    /// Committer of the commit.
    pub committer: String,
    /// First paragraph of the commit's message.
    pub subject: String,
}

/// A path that a commit changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangedPath {
    /// `A`, `D`, `M` or `T` (its type changed).
    pub status: char,
    /// The path as git prints it: C-quoted if it holds bytes outside of printable ASCII.
    pub path: String,
}

/// A path as git prints it with `core.quotePath` on.
pub fn quoted_path(path: &[u8]) -> String {
    if path.iter().all(|it| matches!(it, 0x20..=0x7e) && !matches!(it, b'"' | b'\\')) {
        return String::from_utf8_lossy(path).into_owned();
    }
    let mut text = String::from("\"");
    for byte in path {
        match byte {
            7 => text.push_str("\\a"),
            8 => text.push_str("\\b"),
            9 => text.push_str("\\t"),
            10 => text.push_str("\\n"),
            11 => text.push_str("\\v"),
            12 => text.push_str("\\f"),
            13 => text.push_str("\\r"),
            b'"' => text.push_str("\\\""),
            b'\\' => text.push_str("\\\\"),
            0x20..=0x7e => text.push(char::from(*byte)),
            _ => {
                let _ = write!(text, "\\{byte:03o}");
            }
        }
    }
    text.push('"');
    text
}

/// Commits along first parents, the newest first, at most `limit`. Read on from the last one's parent.
pub(crate) fn log(objects: &Objects, from: ObjectId, limit: usize) -> Result<Vec<CommitInfo>, GitError> {
    let mut found = Vec::new();
    let mut next = Some(from);
    while let (Some(id), true) = (next, found.len() < limit) {
        let info = CommitInfo::from(&objects.commit(id)?);
        next = info.parent;
        found.push(info);
    }
    Ok(found)
}

/// Paths that a commit changes against its first parent, without renames.
pub(crate) fn changed_paths(objects: &Objects, id: ObjectId) -> Result<Vec<ChangedPath>, GitError> {
    let commit = objects.commit(id)?;
    let parent = commit.parents.first().map(|id| objects.commit(*id)).transpose()?.map(|it| it.tree);
    let changes = tree::diff(objects, parent, Some(commit.tree), PATHS_MAX)?;
    let kind = |mode: tree::Mode| mode.octal().as_bytes()[..2].to_owned();
    let status = |change: &tree::RawChange| match (change.old, change.new) {
        (None, _) => 'A',
        (_, None) => 'D',
        (Some(old), Some(new)) if kind(old.0) != kind(new.0) => 'T',
        _ => 'M',
    };
    Ok(changes.iter().map(|it| ChangedPath { status: status(it), path: quoted_path(&it.path) }).collect())
}

/// Every tag of a commit, the newest first, equal dates by name. Tags of other objects are left out.
pub(crate) fn tags(objects: &Objects, refs: &RemoteRefs) -> Result<Vec<TagInfo>, GitError> {
    let mut found = Vec::new();
    for (name, id) in &refs.tags {
        let (kind, target) = objects.peel(*id)?;
        if kind != Kind::Commit {
            continue;
        }
        let commit = objects.commit(target)?;
        let own = if *id == target { None } else { Some(objects.tag(*id)?) };
        let tagger = own.as_ref().and_then(|it| it.tagger.clone());
        found.push(TagInfo {
            tag: name.clone(),
            id: target,
            creator_date: tagger.as_ref().map_or(commit.committer.time, |it| it.time),
            tagger: tagger.map(|it| it.person()).unwrap_or_default(),
            annotation: own.map(|it| subject(&it.message)).unwrap_or_default(),
            author: commit.author.person(),
            committer: commit.committer.person(),
            subject: commit.subject(),
        });
    }
    found.sort_by(|a, b| b.creator_date.cmp(&a.creator_date).then_with(|| a.tag.cmp(&b.tag)));
    Ok(found)
}

/// Finds a commit that some tip reaches. With `exact` the first hit is it; otherwise two hits are ambiguous and count as none.
pub(crate) fn find_reachable(
    objects: &Objects,
    tips: &[ObjectId],
    mut is_it: impl FnMut(ObjectId) -> bool,
    exact: bool,
) -> Result<Option<ObjectId>, GitError> {
    let mut seen = HashSet::new();
    let mut queue = std::collections::VecDeque::new();
    for tip in tips {
        if let (Kind::Commit, id) = objects.peel(*tip)?
            && seen.insert(id)
        {
            queue.push_back(id);
        }
    }
    let mut found = None;
    while let Some(id) = queue.pop_front() {
        if is_it(id) {
            if exact {
                return Ok(Some(id));
            }
            if found.replace(id).is_some() {
                return Ok(None);
            }
        }
        if seen.len() > COMMITS_MAX {
            break;
        }
        queue.extend(objects.commit(id)?.parents.into_iter().filter(|it| seen.insert(*it)));
    }
    Ok(found)
}

/// Commits that `wants` reach and `haves` do not, the newest first, at most `limit`.
pub(crate) fn between(objects: &Objects, wants: &[ObjectId], haves: &[ObjectId], limit: usize) -> Result<Vec<Commit>, GitError> {
    let walked = walk(objects, wants, haves, COMMITS_MAX, 0)?;
    walked.ids.into_iter().take(limit).map(|id| objects.commit(id)).collect()
}

/// What a walk found.
pub(crate) struct Walked {
    /// The newest first.
    pub(crate) ids: Vec<ObjectId>,
    /// It came to its end.
    pub(crate) is_whole: bool,
}

/// The same, of which no more than `n_max` commits are looked at, on either side. Where dates run backwards, `n_more` old ones are looked
/// at after the last that seems new, lest it be one of theirs.
pub(crate) fn walk(
    objects: &Objects,
    wants: &[ObjectId],
    haves: &[ObjectId],
    n_max: usize,
    n_more: usize,
) -> Result<Walked, GitError> {
    let mut walk = Walk { objects, queue: BinaryHeap::new(), n_fresh: 0, seen: HashMap::new() };
    for (ids, is_old) in [(haves, true), (wants, false)] {
        for id in ids {
            if objects.has(*id)?
                && let (Kind::Commit, id) = objects.peel(*id)?
            {
                walk.visit(id, is_old)?;
            }
        }
    }
    let mut order = Vec::new();
    let mut n_left = n_more;
    while (walk.n_fresh > 0 || n_left > 0) && walk.seen.len() < n_max {
        n_left = if walk.n_fresh > 0 { n_more } else { n_left - 1 };
        let Some((_, id)) = walk.queue.pop() else { break };
        let Some(seen) = walk.seen.get_mut(&id) else { continue };
        seen.is_queued = false;
        let (is_old, parents) = (seen.is_old, seen.parents.clone());
        if !is_old {
            walk.n_fresh -= 1;
            order.push(id);
        }
        for parent in parents {
            walk.visit(parent, is_old)?;
        }
    }
    // A commit may have been found old after it was taken up: a date that runs backwards.
    order.retain(|id| walk.seen.get(id).is_some_and(|it| !it.is_old));
    Ok(Walked { ids: order, is_whole: walk.n_fresh == 0 })
}

/// A commit on the way, without its message, which may be long.
struct Seen {
    is_old: bool,
    is_queued: bool,
    parents: Vec<ObjectId>,
}

struct Walk<'a> {
    objects: &'a Objects,
    queue: BinaryHeap<(Timestamp, ObjectId)>,
    n_fresh: usize,
    seen: HashMap<ObjectId, Seen>,
}

impl Walk<'_> {
    /// Takes up a commit, or paints one that is known old, and with it whatever was taken up below it.
    fn visit(&mut self, id: ObjectId, is_old: bool) -> Result<(), GitError> {
        let mut stack = vec![id];
        while let Some(id) = stack.pop() {
            match self.seen.get_mut(&id) {
                Some(seen) if seen.is_old || !is_old => {}
                Some(seen) => {
                    seen.is_old = true;
                    if seen.is_queued {
                        self.n_fresh -= 1;
                    } else {
                        stack.extend(&seen.parents);
                    }
                }
                None => {
                    let commit = self.objects.commit(id)?;
                    self.n_fresh += usize::from(!is_old);
                    self.queue.push((commit.committer.time, id));
                    self.seen.insert(id, Seen { is_old, is_queued: true, parents: commit.parents });
                }
            }
        }
        Ok(())
    }
}

/// Is `ancestor` the commit itself or one that it reaches?
pub(crate) fn is_ancestor(objects: &Objects, ancestor: ObjectId, of: ObjectId) -> Result<bool, GitError> {
    Ok(find_reachable(objects, &[of], |id| id == ancestor, true)?.is_some())
}

/// The newest commit of `tip` and not of `base` whose last paragraph holds the trailer `key: value`; looks at most at `limit`.
pub(crate) fn find_trailer(
    objects: &Objects,
    tip: ObjectId,
    base: Option<ObjectId>,
    key: &str,
    value: &str,
    limit: usize,
) -> Result<Option<ObjectId>, GitError> {
    let base: Vec<_> = base.into_iter().collect();
    let known = !base.is_empty() && objects.has(base[0])?;
    let walked = walk(objects, &[tip], if known { &base } else { &[] }, COMMITS_MAX, 0)?;
    for id in walked.ids.into_iter().take(if known { COMMITS_MAX } else { limit }) {
        if objects.commit(id)?.has_trailer(key, value) {
            return Ok(Some(id));
        }
    }
    Ok(None)
}

pub(crate) fn has_trailer(message: &str, key: &str, value: &str) -> bool {
    let message = message.trim_end();
    let last = message.rsplit("\n\n").next().unwrap_or_default();
    last.lines().any(|line| line.split_once(':').is_some_and(|(k, v)| k.trim().eq_ignore_ascii_case(key) && v.trim() == value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_quoted_as_git_quotes_them() {
        for (path, expected) in
            [("a b", "a b"), ("ä", "\"\\303\\244\""), ("a\"b", "\"a\\\"b\""), ("t\tx", "\"t\\tx\""), ("b\\", "\"b\\\\\"")]
        {
            assert_eq!(quoted_path(path.as_bytes()), expected);
        }
    }

    #[test]
    fn a_trailer_is_in_the_last_paragraph() {
        assert!(has_trailer("x\n\nPromotion-Id: a/b\nPromoted-By: me\n", "Promotion-Id", "a/b"));
        assert!(!has_trailer("Promotion-Id: a/b\n\nmore\n", "Promotion-Id", "a/b"));
        assert!(!has_trailer("x\n\nPromotion-Id: a/bc", "Promotion-Id", "a/b"));
    }
}
