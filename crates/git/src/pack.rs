//! Packs: which objects another side lacks, and their encoding (gitformat-pack, version 2, without deltas).

use crate::error::GitError;
use crate::history;
use crate::objects::{Kind, Objects};
use crate::tree::Mode;
use bytes::Bytes;
use gix::ObjectId;
use sha1::Digest as _;
use std::collections::HashSet;
use std::io::Write as _;

/// A push of more new commits than this is refused.
const COMMITS_MAX: usize = 10_000;
/// A push of more new bytes (before compression) than this is refused.
const BYTES_MAX: u64 = 1 << 30;

/// Encodes objects as a pack.
pub(crate) fn encode(objects: &[(Kind, Bytes)]) -> std::io::Result<Vec<u8>> {
    let count = u32::try_from(objects.len()).map_err(std::io::Error::other)?;
    let mut pack = Vec::from(*b"PACK\0\0\0\x02");
    pack.extend_from_slice(&count.to_be_bytes());
    for (kind, data) in objects {
        let kind = match kind {
            Kind::Commit => 1_u8,
            Kind::Tree => 2,
            Kind::Blob => 3,
            Kind::Tag => 4,
        };
        let mut size = data.len();
        let mut byte = (kind << 4) | u8::try_from(size & 15).unwrap_or(0);
        size >>= 4;
        while size > 0 {
            pack.push(byte | 0x80);
            byte = u8::try_from(size & 0x7f).unwrap_or(0);
            size >>= 7;
        }
        pack.push(byte);
        let mut zlib = flate2::write::ZlibEncoder::new(&mut pack, flate2::Compression::fast());
        zlib.write_all(data)?;
        zlib.finish()?;
    }
    let digest = sha1::Sha1::digest(&pack);
    pack.extend_from_slice(&digest);
    Ok(pack)
}

/// The objects that `wants` reach and a side that has `haves` lacks. An object at the same path of a parent is not sent again.
pub(crate) fn missing(objects: &Objects, wants: &[ObjectId], haves: &[ObjectId]) -> Result<Vec<(Kind, Bytes)>, GitError> {
    let mut pick = Pick { objects, seen: HashSet::new(), found: Vec::new(), bytes: 0 };
    for want in wants {
        let mut id = *want;
        while objects.header(id)?.is_some_and(|it| it.0 == Kind::Tag) && !haves.contains(&id) {
            pick.take(id)?;
            id = objects.tag(id)?.target;
        }
    }
    let commits = history::between(objects, wants, haves, COMMITS_MAX + 1)?;
    if commits.len() > COMMITS_MAX {
        return Err(GitError::Bug(format!("a push of more than {COMMITS_MAX} new commits")));
    }
    for commit in &commits {
        pick.take(commit.id)?;
        let parents: Result<Vec<_>, _> = commit.parents.iter().map(|id| objects.commit(*id).map(|it| it.tree)).collect();
        pick.tree(commit.tree, &parents?, 0)?;
    }
    Ok(pick.found)
}

struct Pick<'a> {
    objects: &'a Objects,
    seen: HashSet<ObjectId>,
    found: Vec<(Kind, Bytes)>,
    bytes: u64,
}

impl Pick<'_> {
    fn take(&mut self, id: ObjectId) -> Result<bool, GitError> {
        if !self.seen.insert(id) {
            return Ok(false);
        }
        let object = self.objects.read(id)?;
        self.bytes += object.1.len() as u64;
        if self.bytes > BYTES_MAX {
            return Err(GitError::Bug(format!("a push of more than {BYTES_MAX} bytes")));
        }
        self.found.push(object);
        Ok(true)
    }

    fn tree(&mut self, id: ObjectId, parents: &[ObjectId], depth: usize) -> Result<(), GitError> {
        self.objects.check_depth(depth)?;
        if parents.contains(&id) || !self.take(id)? {
            return Ok(());
        }
        let parents: Result<Vec<_>, _> = parents.iter().map(|id| self.objects.tree(*id)).collect();
        let parents = parents?;
        for entry in self.objects.tree(id)? {
            let there = parents.iter().flatten().filter(|it| it.name == entry.name);
            match entry.mode {
                Mode::Gitlink => {}
                Mode::Folder => {
                    let folders: Vec<_> = there.filter(|it| it.mode == Mode::Folder).map(|it| it.id).collect();
                    self.tree(entry.id, &folders, depth + 1)?;
                }
                _ => {
                    if !there.into_iter().any(|it| it.id == entry.id) {
                        self.take(entry.id)?;
                    }
                }
            }
        }
        Ok(())
    }
}
