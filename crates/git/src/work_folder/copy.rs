//! Copying within a work folder: folders merge, links are skipped, and a stored tree moves by its id without its blobs being read.

use super::error::FolderError;
use super::ignore::Rules;
use super::node::{Content, Folder, Node};
use super::paths::{Found, is_git};
use super::{EntryInfo, WorkFolder};
use crate::objects::Objects;
use crate::tree::{Mode, Name};
use gix::ObjectId;
use seaway_base::RelPath;
use std::sync::Arc;

/// What a copy did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Copied {
    /// Links that were not copied, relative to the folder that was.
    pub skipped_links: Vec<RelPath>,
}

impl WorkFolder {
    /// Copies a file, or merges a folder into another. `ignore` holds `.gitignore` lines that are matched against paths below the
    /// copied folder; it does not apply to single files. Executable bits are kept, links are skipped.
    ///
    /// # Errors
    /// If there is nothing to copy, a file and a folder meet, or the target lies in the copied folder.
    pub fn copy(&mut self, from: &RelPath, to: &RelPath, ignore: &str) -> Result<Copied, FolderError> {
        let (source, target) = (self.resolve(from, true)?, self.resolve(to, true)?);
        if source.path == target.path {
            return if self.metadata(from)?.is_some() { Ok(Copied::default()) } else { Err(FolderError::NotFound(from.clone())) };
        }
        if let Some(node @ Node::File { .. }) = self.node(&source)? {
            self.place(&target, node)?;
            return Ok(Copied::default());
        }
        let folder = self.folder(from)?;
        if target.path.below(&source.path).is_some() {
            return Err(FolderError::IntoItself { from: from.clone(), to: to.clone() });
        }
        let mut work =
            Merge { rules: Rules::of(&with_folders(ignore))?, filtered: !ignore.trim().is_empty(), copied: Copied::default() };
        self.merge(&target.path, &folder, &mut Vec::new(), &mut work)?;
        Ok(work.copied)
    }

    fn place(&mut self, target: &Found, node: Node) -> Result<(), FolderError> {
        match self.node(target)? {
            Some(Node::Folder(_)) => return Err(FolderError::IsFolder(target.path.clone())),
            Some(Node::Gitlink(_)) => return Err(FolderError::Submodule(target.path.clone())),
            _ if target.names.is_empty() => return Err(FolderError::IsFolder(target.path.clone())),
            _ => {}
        }
        self.may_edit(target)?;
        if let Node::File { content: Content::Bytes(bytes), .. } = &node {
            self.reserve(&target.path, bytes.len() as u64)?;
        }
        self.set(target, Some(node))
    }

    fn merge(&mut self, to: &RelPath, from: &Folder, below: &mut Vec<Name>, work: &mut Merge) -> Result<(), FolderError> {
        from.check_depth(below.len())?;
        let target = self.resolve(to, true)?;
        let holds_mount = self.mounts.keys().any(|it| it.below(&target.path).is_some_and(|it| !it.is_root()));
        match self.node(&target)? {
            Some(Node::Folder(_)) => {}
            Some(_) => return Err(FolderError::NotAFolder(to.clone())),
            None if !work.filtered && !holds_mount && is_plain(from, below.len())? => {
                return self.set(&target, Some(Node::Folder(from.clone())));
            }
            None => self.set(&target, Some(Node::Folder(Folder::empty())))?,
        }
        for (name, node) in from.entries()?.iter() {
            if is_git(name) {
                continue;
            }
            below.push(name.clone());
            let relative = below.join(&b'/');
            let is_folder = matches!(node, Node::Folder(_));
            if !(work.filtered && work.rules.ignores(&relative, is_folder)) {
                let to = child(&target.path, name)?;
                self.merge_one(&to, node, below, work)?;
            }
            below.pop();
        }
        Ok(())
    }

    fn merge_one(&mut self, to: &RelPath, node: &Node, below: &mut Vec<Name>, work: &mut Merge) -> Result<(), FolderError> {
        match node {
            Node::Folder(folder) => self.merge(to, folder, below, work),
            Node::File { .. } => {
                let target = self.resolve(to, true)?;
                self.place(&target, node.clone())
            }
            Node::Link(_) => {
                work.copied.skipped_links.extend(RelPath::parse(&super::paths::joined(below)));
                Ok(())
            }
            // An unfilled submodule is an empty folder in a checkout.
            Node::Gitlink(_) => self.make_folder(to),
        }
    }

    /// The entries below a folder, for a caller that walks it by itself.
    ///
    /// # Errors
    /// As [`WorkFolder::list`].
    pub fn walk(&self, path: &RelPath) -> Result<Vec<(RelPath, EntryInfo)>, FolderError> {
        let mut found = Vec::new();
        self.folder(path)?.walk(&mut Vec::new(), &mut |names, node| {
            let name = names.last().cloned().unwrap_or_default();
            if is_git(&name) {
                return Ok(false);
            }
            if let Ok(path) = RelPath::parse(&super::paths::joined(names)) {
                found.push((path, super::entry_info(String::from_utf8_lossy(&name).into_owned(), node)?));
            }
            Ok(true)
        })?;
        Ok(found)
    }
}

/// Kargo's rules read `sub/**` as naming `sub` too, which git's do not: then the folder itself is not made either.
fn with_folders(ignore: &str) -> String {
    let mut text = String::new();
    for line in ignore.lines() {
        if let Some(folder) = line.trim_end().strip_suffix("/**") {
            let (not, folder) = folder.strip_prefix('!').map_or(("", folder), |folder| ("!", folder));
            let anchor = if folder.starts_with(['/', '#']) || folder.starts_with("**/") { "" } else { "/" };
            text.push_str(&format!("{not}{anchor}{folder}/\n"));
        }
        text.push_str(line);
        text.push('\n');
    }
    text
}

/// The path of an entry. Paths here are text, so a name that is none cannot be copied.
fn child(folder: &RelPath, name: &[u8]) -> Result<RelPath, FolderError> {
    let bad = || FolderError::NotText { folder: folder.clone(), name: String::from_utf8_lossy(name).into_owned() };
    folder.join(std::str::from_utf8(name).map_err(|_| bad())?).map_err(|_| bad())
}

struct Merge {
    rules: Rules,
    filtered: bool,
    copied: Copied,
}

/// Can a folder be shared as it is: is it stored, without links, submodules and `.git`? Reads trees, no blobs.
fn is_plain(folder: &Folder, depth: usize) -> Result<bool, FolderError> {
    match folder {
        Folder::Open(_) => Ok(false),
        Folder::Stored(objects, id) => is_plain_tree(objects, *id, depth),
    }
}

fn is_plain_tree(objects: &Arc<Objects>, id: ObjectId, depth: usize) -> Result<bool, FolderError> {
    objects.check_depth(depth)?;
    for entry in objects.tree(id)? {
        let plain = match entry.mode {
            Mode::File | Mode::Executable => true,
            Mode::Link | Mode::Gitlink => false,
            Mode::Folder => !is_git(&entry.name) && is_plain_tree(objects, entry.id, depth + 1)?,
        };
        if !plain {
            return Ok(false);
        }
    }
    Ok(true)
}
