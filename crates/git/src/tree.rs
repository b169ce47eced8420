//! Trees: reading, writing, and the paths in which two of them differ.

use crate::error::GitError;
use crate::objects::{Kind, Objects};
use gix::ObjectId;
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;

/// What an entry of a tree is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Mode {
    /// `100644`
    #[serde(rename = "100644")]
    File,
    /// `100755`
    #[serde(rename = "100755")]
    Executable,
    /// `120000`
    #[serde(rename = "120000")]
    Link,
    /// `160000`, a submodule
    #[serde(rename = "160000")]
    Gitlink,
    /// `040000`
    #[serde(rename = "040000")]
    Folder,
}

impl Mode {
    /// The octal text as in a tree (`40000` without its leading zero).
    pub const fn octal(self) -> &'static str {
        match self {
            Self::File => "100644",
            Self::Executable => "100755",
            Self::Link => "120000",
            Self::Gitlink => "160000",
            Self::Folder => "40000",
        }
    }

    fn parse(text: &[u8]) -> Option<Self> {
        let bits = u32::from_str_radix(std::str::from_utf8(text).ok()?, 8).ok()?;
        Some(match bits & 0o170_000 {
            0o040_000 => Self::Folder,
            0o120_000 => Self::Link,
            0o160_000 => Self::Gitlink,
            0o100_000 if bits & 0o100 != 0 => Self::Executable,
            0o100_000 => Self::File,
            _ => return None,
        })
    }
}

/// A part of a path as git holds it: bytes without `/` and NUL.
pub(crate) type Name = Vec<u8>;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) mode: Mode,
    pub(crate) name: Name,
    pub(crate) id: ObjectId,
}

/// The entries of an encoded tree.
pub(crate) fn parse(mut data: &[u8]) -> Option<Vec<Entry>> {
    let mut entries = Vec::new();
    while !data.is_empty() {
        let space = data.iter().position(|it| *it == b' ')?;
        let nul = data.iter().position(|it| *it == 0)?;
        let id = data.get(nul + 1..nul + 21)?;
        let name = data.get(space + 1..nul)?.to_vec();
        entries.push(Entry { mode: Mode::parse(&data[..space])?, name, id: ObjectId::from_bytes_or_panic(id) });
        data = &data[nul + 21..];
    }
    Some(entries)
}

/// Git's order of entries: folders sort as if their name ended in `/`.
fn order(a: &Entry, b: &Entry) -> Ordering {
    let end = |it: &Entry| if it.mode == Mode::Folder { b'/' } else { 0 };
    let common = a.name.len().min(b.name.len());
    a.name[..common].cmp(&b.name[..common]).then_with(|| {
        let next = |it: &Entry| it.name.get(common).copied().unwrap_or_else(|| end(it));
        next(a).cmp(&next(b))
    })
}

/// Makes a tree of entries in any order.
pub(crate) fn write(objects: &Objects, mut entries: Vec<Entry>) -> ObjectId {
    entries.sort_by(order);
    let mut data = Vec::new();
    for entry in &entries {
        data.extend_from_slice(entry.mode.octal().as_bytes());
        data.push(b' ');
        data.extend_from_slice(&entry.name);
        data.push(0);
        data.extend_from_slice(entry.id.as_slice());
    }
    objects.put(Kind::Tree, data)
}

/// A path in which two trees differ; an id of `None` means it is not there. Folders themselves are never listed.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Change {
    /// The path from the repository's root; bytes that are not UTF-8 read as U+FFFD.
    pub path: String,
    /// Mode after the change; before it, if the path was removed.
    pub mode: Mode,
    /// Id of the content before.
    #[serde(with = "hex_id")]
    pub old: Option<ObjectId>,
    /// Id of the content after.
    #[serde(with = "hex_id")]
    pub new: Option<ObjectId>,
}

mod hex_id {
    use gix::ObjectId;
    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer, de::Error as _};

    #[expect(clippy::ref_option, reason = "serde hands a reference to the field")]
    pub(super) fn serialize<S: Serializer>(id: &Option<ObjectId>, serializer: S) -> Result<S::Ok, S::Error> {
        id.map(|id| id.to_string()).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<ObjectId>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        text.map(|text| ObjectId::from_hex(text.as_bytes()).map_err(D::Error::custom)).transpose()
    }
}

/// A change with its path as bytes and both modes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RawChange {
    pub(crate) path: Vec<u8>,
    pub(crate) old: Option<(Mode, ObjectId)>,
    pub(crate) new: Option<(Mode, ObjectId)>,
}

impl RawChange {
    pub(crate) fn public(&self) -> Change {
        let mode = self.new.or(self.old).map_or(Mode::File, |(mode, _)| mode);
        Change {
            path: String::from_utf8_lossy(&self.path).into_owned(),
            mode,
            old: self.old.map(|it| it.1),
            new: self.new.map(|it| it.1),
        }
    }
}

/// Every path in which two trees differ, sorted by path; equal sub-trees are not read. At most `limit`, if there is one.
pub(crate) fn diff(
    objects: &Objects,
    old: Option<ObjectId>,
    new: Option<ObjectId>,
    limit: usize,
) -> Result<Vec<RawChange>, GitError> {
    let mut changes = Vec::new();
    walk(objects, old, new, &mut Vec::new(), &mut changes, limit)?;
    changes.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(changes)
}

fn walk(
    objects: &Objects,
    old: Option<ObjectId>,
    new: Option<ObjectId>,
    prefix: &mut Vec<u8>,
    changes: &mut Vec<RawChange>,
    limit: usize,
) -> Result<(), GitError> {
    if old == new || changes.len() >= limit {
        return Ok(());
    }
    objects.check_depth(prefix.iter().filter(|it| **it == b'/').count())?;
    let read = |id: Option<ObjectId>| id.map_or_else(|| Ok(Vec::new()), |id| objects.tree(id));
    let mut names: std::collections::BTreeMap<Name, [Option<(Mode, ObjectId)>; 2]> = Default::default();
    for (side, entries) in [read(old)?, read(new)?].into_iter().enumerate() {
        for entry in entries {
            names.entry(entry.name).or_default()[side] = Some((entry.mode, entry.id));
        }
    }
    for (name, [old, new]) in names {
        if old == new {
            continue;
        }
        let length = prefix.len();
        prefix.extend_from_slice(&name);
        let folder = |side: Option<(Mode, ObjectId)>| side.filter(|it| it.0 == Mode::Folder).map(|it| it.1);
        let file = |side: Option<(Mode, ObjectId)>| side.filter(|it| it.0 != Mode::Folder);
        if file(old) != file(new) && changes.len() < limit {
            changes.push(RawChange { path: prefix.clone(), old: file(old), new: file(new) });
        }
        prefix.push(b'/');
        walk(objects, folder(old), folder(new), prefix, changes, limit)?;
        prefix.truncate(length);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(mode: Mode, name: &str) -> Entry {
        Entry { mode, name: name.into(), id: ObjectId::empty_blob(gix::hash::Kind::Sha1) }
    }

    #[test]
    fn folders_sort_as_git_sorts_them() {
        let objects = Objects::in_memory();
        let id = write(&objects, vec![entry(Mode::Folder, "a"), entry(Mode::File, "a.b"), entry(Mode::File, "a-b")]);
        let names: Vec<_> = objects.tree(id).unwrap().into_iter().map(|it| String::from_utf8(it.name).unwrap()).collect();
        assert_eq!(names, ["a-b", "a.b", "a"]);
    }

    #[test]
    fn a_file_that_becomes_a_folder_is_two_changes() {
        let objects = Objects::in_memory();
        let inner = write(&objects, vec![entry(Mode::File, "x")]);
        let old = write(&objects, vec![entry(Mode::File, "a")]);
        let new = write(&objects, vec![Entry { id: inner, ..entry(Mode::Folder, "a") }]);
        let paths: Vec<_> = diff(&objects, Some(old), Some(new), 10).unwrap().iter().map(|it| it.public().path).collect();
        assert_eq!(paths, ["a", "a/x"]);
    }
}
