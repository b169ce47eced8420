//! Three-way merges of trees, for checkouts that cannot simply be run again on a new tip.

use crate::error::GitError;
use crate::objects::{Kind, Objects};
use crate::tree::{self, Entry, Mode, Name, RawChange};
use gix::ObjectId;
use gix::merge::blob::builtin_driver::text;
use std::collections::BTreeMap;

/// More changed paths than this are not merged.
const PATHS_MAX: usize = 1_000_000;

/// Applies what `theirs` changed since `base` on top of `ours`.
///
/// Returns the merged tree, or the sorted paths that both sides changed in ways that do not fit together.
pub(crate) fn merge(
    objects: &Objects,
    base: ObjectId,
    ours: ObjectId,
    theirs: ObjectId,
) -> Result<Result<ObjectId, Vec<String>>, GitError> {
    let left = tree::diff(objects, Some(base), Some(ours), PATHS_MAX)?;
    let right = tree::diff(objects, Some(base), Some(theirs), PATHS_MAX)?;
    let by_path: BTreeMap<&[u8], &RawChange> = left.iter().map(|it| (it.path.as_slice(), it)).collect();
    let (mut edits, mut conflicts) = (Vec::new(), Vec::new());
    for change in &right {
        let shown = || String::from_utf8_lossy(&change.path).into_owned();
        if let Some(other) = by_path.get(change.path.as_slice()) {
            match both(objects, other, change)? {
                Some(new) => edits.push((change.path.clone(), new)),
                None => conflicts.push(shown()),
            }
        } else if change.new.is_some() && collides(&by_path, &change.path) {
            conflicts.push(shown());
        } else {
            edits.push((change.path.clone(), change.new));
        }
    }
    if conflicts.is_empty() { Ok(Ok(apply(objects, ours, edits)?)) } else { Ok(Err(conflicts)) }
}

/// Does the other side have a file where this path needs a folder, or a folder where it is a file?
fn collides(others: &BTreeMap<&[u8], &RawChange>, path: &[u8]) -> bool {
    let above = path
        .iter()
        .enumerate()
        .filter(|it| *it.1 == b'/')
        .any(|(at, _)| others.get(&path[..at]).is_some_and(|it| it.new.is_some()));
    let folder = [path, b"/"].concat();
    let below = others.range(folder.as_slice()..).take_while(|it| it.0.starts_with(&folder)).any(|it| it.1.new.is_some());
    above || below
}

/// A path that both sides changed: the common result, or `None` if there is none.
#[expect(clippy::option_option, reason = "the inner one is an entry of a tree, which may be absent")]
fn both(objects: &Objects, left: &RawChange, right: &RawChange) -> Result<Option<Option<(Mode, ObjectId)>>, GitError> {
    if left.new == right.new {
        return Ok(Some(left.new));
    }
    let (Some(ours), Some(theirs)) = (left.new, right.new) else { return Ok(None) };
    let plain = |mode: Mode| matches!(mode, Mode::File | Mode::Executable);
    if !plain(ours.0) || !plain(theirs.0) {
        return Ok(None);
    }
    let base_mode = left.old.map(|it| it.0);
    let mode = match base_mode {
        _ if ours.0 == theirs.0 => ours.0,
        Some(base) if base == ours.0 => theirs.0,
        Some(base) if base == theirs.0 => ours.0,
        _ => return Ok(None),
    };
    if ours.1 == theirs.1 {
        return Ok(Some(Some((mode, ours.1))));
    }
    let base = left.old.filter(|it| plain(it.0));
    if let Some(base) = base {
        if base.1 == ours.1 {
            return Ok(Some(Some((mode, theirs.1))));
        }
        if base.1 == theirs.1 {
            return Ok(Some(Some((mode, ours.1))));
        }
    }
    let Some((_, base)) = base else { return Ok(None) };
    let (base, ours, theirs) = (objects.blob(base)?, objects.blob(ours.1)?, objects.blob(theirs.1)?);
    if [&base, &ours, &theirs].iter().any(|it| it.contains(&0)) {
        return Ok(None);
    }
    let mut out = Vec::new();
    let mut input = gix::diff::blob::InternedInput::default();
    let resolution = text_merge(&mut out, &mut input, &ours, &base, &theirs);
    Ok(resolution.then(|| Some((mode, objects.put(Kind::Blob, out)))))
}

fn text_merge<'a>(
    out: &mut Vec<u8>,
    input: &mut gix::diff::blob::InternedInput<&'a [u8]>,
    ours: &'a [u8],
    base: &'a [u8],
    theirs: &'a [u8],
) -> bool {
    let resolution =
        gix::merge::blob::builtin_driver::text(out, input, text::Labels::default(), ours, base, theirs, text::Options::default());
    matches!(resolution, gix::merge::blob::Resolution::Complete)
}

/// A path and what is to be there; `None`: nothing.
pub(crate) type Edit = (Vec<u8>, Option<(Mode, ObjectId)>);

/// A tree with some paths set or removed; folders that become empty go.
pub(crate) fn apply(objects: &Objects, root: ObjectId, edits: Vec<Edit>) -> Result<ObjectId, GitError> {
    let edits = edits.iter().map(|it| (it.0.as_slice(), it.1)).collect();
    Ok(apply_below(objects, Some(root), edits)?.unwrap_or_else(|| tree::write(objects, Vec::new())))
}

type Edits<'a> = Vec<(&'a [u8], Option<(Mode, ObjectId)>)>;

fn apply_below(objects: &Objects, tree: Option<ObjectId>, edits: Edits<'_>) -> Result<Option<ObjectId>, GitError> {
    let entries = tree.map_or_else(|| Ok(Vec::new()), |id| objects.tree(id))?;
    let mut entries: BTreeMap<Name, (Mode, ObjectId)> = entries.into_iter().map(|it| (it.name, (it.mode, it.id))).collect();
    let mut deeper: BTreeMap<&[u8], Edits<'_>> = BTreeMap::new();
    let mut set = Vec::new();
    for (path, new) in edits {
        match path.iter().position(|it| *it == b'/') {
            Some(at) => deeper.entry(&path[..at]).or_default().push((&path[at + 1..], new)),
            None => set.push((path, new)),
        }
    }
    // Removals first: a file may make room for a folder of its name, and the other way round.
    for (name, _) in set.iter().filter(|it| it.1.is_none()) {
        entries.remove(*name);
    }
    for (name, edits) in deeper {
        let below = entries.get(name).filter(|it| it.0 == Mode::Folder).map(|it| it.1);
        match apply_below(objects, below, edits)? {
            Some(id) => {
                entries.insert(name.to_vec(), (Mode::Folder, id));
            }
            None if below.is_some() => {
                entries.remove(name);
            }
            None => {}
        }
    }
    for (name, new) in set {
        if let Some(new) = new {
            entries.insert(name.to_vec(), new);
        }
    }
    if entries.is_empty() {
        return Ok(None);
    }
    let entries = entries.into_iter().map(|(name, (mode, id))| Entry { mode, name, id }).collect();
    Ok(Some(tree::write(objects, entries)))
}
