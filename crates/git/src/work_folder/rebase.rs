//! Putting a mount's commits onto another tip, each merged three-way.

use super::WorkFolder;
use super::error::FolderError;
use crate::merge;
use crate::objects::{Commit, Kind};
use gix::ObjectId;
use seaway_base::RelPath;

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Merged {
    /// Every commit now lies on the new tip: old id to new id. One whose changes were there already became the commit below it.
    Done(Vec<(ObjectId, ObjectId)>),
    /// Paths that were changed on both sides in ways that do not fit; nothing was changed here.
    Conflict(Vec<String>),
}

impl WorkFolder {
    /// Puts a mount's commits onto `tip`, by three-way merges, and mounts the result. Messages, authors and dates are kept.
    ///
    /// # Errors
    /// If there is no such mount, or objects are missing.
    pub fn merge_onto(&mut self, path: &RelPath, tip: ObjectId) -> Result<Merged, FolderError> {
        let mount = self.mounts.get(path).ok_or_else(|| FolderError::NoCheckout(path.clone()))?.clone();
        let objects = &mount.objects;
        let mut head = objects.commit(tip)?;
        let empty = ObjectId::empty_tree(gix::hash::Kind::Sha1);
        let mut base = mount.tree(mount.base)?.unwrap_or(empty);
        let (mut moved, mut made) = (Vec::new(), Vec::new());
        for id in &mount.commits {
            let commit = objects.commit(*id)?;
            let tree = match merge::merge(objects, base, head.tree, commit.tree)? {
                Ok(tree) => tree,
                Err(paths) => return Ok(Merged::Conflict(paths)),
            };
            base = commit.tree;
            if tree != head.tree {
                let data = Commit::encode(tree, &[head.id], &commit.author, &commit.committer, &commit.message);
                let new = objects.put(Kind::Commit, data);
                head = objects.commit(new)?;
                made.push(new);
            }
            moved.push((*id, head.id));
        }
        self.remount(path, Some(tip))?;
        if let Some(mount) = self.mounts.get_mut(path) {
            mount.head.commit = Some(head.id);
            mount.commits = made;
            super::check_out(mount)?;
        }
        Ok(Merged::Done(moved))
    }
}
