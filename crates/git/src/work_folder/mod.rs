//! Work folders: several checkouts and plain files between them, edited in memory, nothing on disk.

mod commit;
mod copy;
mod error;
mod export;
mod ignore;
mod node;
mod paths;
mod rebase;

pub use commit::{CommitDetails, Committed};
pub use copy::Copied;
pub use error::FolderError;
pub use rebase::Merged;

use crate::mirror::Mirror;
use crate::objects::Objects;
use bytes::Bytes;
use gix::ObjectId;
use node::{Content, Folder, Node};
use seaway_base::RelPath;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

/// Size of a file that is read or written.
pub(crate) const FILE_BYTES_MAX: u64 = 100 << 20;
/// Size of everything written to a work folder.
pub(crate) const OVERLAY_BYTES_MAX: u64 = 256 << 20;

/// What to mount.
#[derive(Debug, Clone)]
pub struct MountSpec {
    /// The repository's objects; one and the same for all mounts of a repository in this folder, see [`WorkFolder::objects_of`].
    pub objects: Arc<Objects>,
    /// The commit; `None` for a branch that does not exist yet.
    pub commit: Option<ObjectId>,
    /// The branch that commits extend; `None`: detached.
    pub branch: Option<String>,
    /// Folders of a sparse checkout (cone mode); empty: everything.
    pub sparse: Vec<String>,
}

/// Where a mount's branch is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// The commit; `None` before the first one of a new branch.
    pub commit: Option<ObjectId>,
    /// The branch; `None`: detached.
    pub branch: Option<String>,
}

/// A mount, described.
#[derive(Debug, Clone)]
pub struct MountInfo {
    /// Where it is.
    pub path: RelPath,
    /// The commit it was mounted at.
    pub base: Option<ObjectId>,
    /// Where it is now.
    pub head: Head,
    /// Commits made since, the oldest first.
    pub commits: Vec<ObjectId>,
    /// Its objects.
    pub objects: Arc<Objects>,
}

#[derive(Clone)]
pub(crate) struct Mount {
    pub(crate) objects: Arc<Objects>,
    pub(crate) base: Option<ObjectId>,
    pub(crate) head: Head,
    pub(crate) commits: Vec<ObjectId>,
    pub(crate) root: Folder,
    /// The tree of what git would have in its index: HEAD's, but for what a clear has taken out. It decides what is tracked.
    pub(crate) index: Option<ObjectId>,
    pub(crate) sparse: Vec<RelPath>,
}

impl Mount {
    pub(crate) fn tree(&self, commit: Option<ObjectId>) -> Result<Option<ObjectId>, FolderError> {
        Ok(commit.map(|id| self.objects.commit(id)).transpose()?.map(|it| it.tree))
    }
}

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// A file.
    File,
    /// A file that may be executed.
    Executable,
    /// A symbolic link.
    Link,
    /// A folder, or a checkout.
    Folder,
    /// A submodule.
    Submodule,
}

/// An entry of the work folder, without following a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryInfo {
    /// Its name; the last part of its path.
    pub name: String,
    /// What it is.
    pub kind: FileKind,
    /// Size of a file, or of a link's target, in bytes; otherwise 0.
    pub size: u64,
}

/// A work folder. Cloning it is cheap and gives an independent copy.
#[derive(Clone)]
pub struct WorkFolder {
    plain: Folder,
    mounts: BTreeMap<RelPath, Mount>,
    stores: BTreeMap<PathBuf, Arc<Objects>>,
    written_bytes: u64,
    limits: (u64, u64),
}

impl Default for WorkFolder {
    fn default() -> Self {
        let limits = (FILE_BYTES_MAX, OVERLAY_BYTES_MAX);
        Self { plain: Folder::empty(), mounts: BTreeMap::new(), stores: BTreeMap::new(), written_bytes: 0, limits }
    }
}

impl std::fmt::Debug for WorkFolder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WorkFolder").field("mounts", &self.mounts.keys().collect::<Vec<_>>()).finish_non_exhaustive()
    }
}

impl WorkFolder {
    /// An empty work folder.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same with other limits on a file and on everything written, in bytes.
    pub fn with_limits(file_bytes_max: u64, overlay_bytes_max: u64) -> Self {
        Self { limits: (file_bytes_max, overlay_bytes_max), ..Self::default() }
    }

    /// The objects of a mirror as all mounts of it in this folder share them.
    pub fn objects_of(&mut self, mirror: &Mirror) -> Arc<Objects> {
        self.stores.entry(mirror.dir().to_owned()).or_insert_with(|| mirror.objects()).clone()
    }

    /// Mounts a commit, or an empty folder for a branch that is to be made.
    ///
    /// # Errors
    /// If something is there already, or the commit cannot be read.
    pub fn mount(&mut self, path: &RelPath, spec: MountSpec) -> Result<(), FolderError> {
        let empty = match self.metadata(path)? {
            None => true,
            Some(info) => info.kind == FileKind::Folder && !self.mounts.contains_key(path) && self.list(path)?.is_empty(),
        };
        let holds = self.mounts.keys().any(|it| it.below(path).is_some());
        if !path.is_root() && (!empty || holds) || path.is_root() && !self.plain.is_empty()? {
            return Err(FolderError::Occupied(path.clone()));
        }
        let sparse = spec.sparse.iter().map(|it| paths::cone(it)).collect::<Result<Vec<_>, _>>()?;
        let head = Head { commit: spec.commit, branch: spec.branch };
        let mut mount = Mount {
            objects: spec.objects,
            base: spec.commit,
            head,
            commits: Vec::new(),
            root: Folder::empty(),
            index: None,
            sparse,
        };
        check_out(&mut mount)?;
        self.mounts.insert(path.clone(), mount);
        Ok(())
    }

    /// Moves a mount to another commit; everything written there is dropped. Other mounts stay as they are.
    ///
    /// # Errors
    /// If there is no such mount, or the commit cannot be read.
    pub fn remount(&mut self, path: &RelPath, commit: Option<ObjectId>) -> Result<(), FolderError> {
        let mount = self.mounts.get_mut(path).ok_or_else(|| FolderError::NoCheckout(path.clone()))?;
        let mut moved = Mount { base: commit, commits: Vec::new(), ..mount.clone() };
        moved.head.commit = commit;
        check_out(&mut moved)?;
        *mount = moved;
        Ok(())
    }

    /// All mounts, by path.
    pub fn mounts(&self) -> Vec<MountInfo> {
        self.mounts.iter().map(|(path, mount)| info(path, mount)).collect()
    }

    /// The mount that holds a path: the longest prefix wins.
    ///
    /// # Errors
    /// [`FolderError::NoCheckout`].
    pub fn mount_of(&self, path: &RelPath) -> Result<MountInfo, FolderError> {
        let (path, mount) = self.holder(path)?;
        Ok(info(path, mount))
    }

    /// Reads a file; a link is followed within its mount.
    ///
    /// # Errors
    /// If it is not there, no file, too large, or a link leads out.
    pub fn read(&self, path: &RelPath) -> Result<Bytes, FolderError> {
        let found = self.resolve(path, true)?;
        match self.node(&found)? {
            None => Err(FolderError::NotFound(path.clone())),
            Some(Node::Folder(_)) => Err(FolderError::IsFolder(path.clone())),
            Some(Node::Gitlink(_)) => Err(FolderError::Submodule(path.clone())),
            Some(Node::File { content, .. } | Node::Link(content)) => self.content(path, &content),
        }
    }

    fn content(&self, path: &RelPath, content: &Content) -> Result<Bytes, FolderError> {
        let (size, limit) = (content.size()?, self.limits.0);
        if size > limit {
            return Err(FolderError::TooLarge { path: path.clone(), size, limit });
        }
        Ok(content.bytes()?)
    }

    /// Writes a file and the folders above it; a link is followed within its mount. `executable: None` keeps the bit of a file that is
    /// there, and makes a plain one otherwise.
    ///
    /// # Errors
    /// If a file or submodule is in the way, git filters the file, a limit is met, or a link leads out.
    pub fn write(&mut self, path: &RelPath, data: impl Into<Bytes>, executable: Option<bool>) -> Result<(), FolderError> {
        let data = data.into();
        let (size, limit) = (data.len() as u64, self.limits.0);
        if size > limit {
            return Err(FolderError::TooLarge { path: path.clone(), size, limit });
        }
        let found = self.resolve(path, true)?;
        self.may_edit(&found)?;
        let was = match self.node(&found)? {
            Some(Node::Folder(_)) => return Err(FolderError::IsFolder(path.clone())),
            Some(Node::Gitlink(_)) => return Err(FolderError::Submodule(path.clone())),
            Some(Node::File { executable, .. }) => executable,
            _ => false,
        };
        if found.path.is_root() {
            return Err(FolderError::IsFolder(path.clone()));
        }
        self.reserve(path, size)?;
        let node = Node::File { content: Content::Bytes(data), executable: executable.unwrap_or(was) };
        self.set(&found, Some(node))
    }

    /// Makes room for so many bytes more. What was overwritten is only counted off once the limit seems to be met.
    fn reserve(&mut self, path: &RelPath, size: u64) -> Result<(), FolderError> {
        let limit = self.limits.1;
        if self.written_bytes + size > limit {
            self.written_bytes = self.plain.written_bytes() + self.mounts.values().map(|it| it.root.written_bytes()).sum::<u64>();
        }
        if self.written_bytes + size > limit {
            return Err(FolderError::Full { path: path.clone(), limit });
        }
        self.written_bytes += size;
        Ok(())
    }

    /// Makes a symbolic link; where it leads is judged when it is followed.
    ///
    /// # Errors
    /// If something is there already, or a link on the way leads out.
    pub fn link(&mut self, path: &RelPath, target: &str) -> Result<(), FolderError> {
        let found = self.resolve(path, false)?;
        if found.names.is_empty() || self.node(&found)?.is_some() {
            return Err(FolderError::Occupied(path.clone()));
        }
        self.set(&found, Some(Node::Link(Content::Bytes(Bytes::copy_from_slice(target.as_bytes())))))
    }

    /// Where a link leads, as it is written; `None` if the path is no link.
    ///
    /// # Errors
    /// If a link on the way leads out.
    pub fn link_target(&self, path: &RelPath) -> Result<Option<String>, FolderError> {
        let found = self.resolve(path, false)?;
        match self.node(&found)? {
            Some(Node::Link(target)) => Ok(Some(String::from_utf8_lossy(&target.bytes()?).into_owned())),
            _ => Ok(None),
        }
    }

    /// Makes a folder and those above it. Git does not keep empty ones.
    ///
    /// # Errors
    /// If a file is in the way, or a link leads out.
    pub fn make_folder(&mut self, path: &RelPath) -> Result<(), FolderError> {
        let found = self.resolve(path, true)?;
        match self.node(&found)? {
            Some(Node::Folder(_)) => Ok(()),
            Some(_) => Err(FolderError::NotAFolder(path.clone())),
            None => self.set(&found, Some(Node::Folder(Folder::empty()))),
        }
    }

    /// What is at a path, without following a last link; `None`: nothing.
    ///
    /// # Errors
    /// If a link on the way leads out.
    pub fn metadata(&self, path: &RelPath) -> Result<Option<EntryInfo>, FolderError> {
        let name = path.file_name().to_owned();
        if path.is_root() || self.mounts.keys().any(|it| it.below(path).is_some()) {
            return Ok(Some(EntryInfo { name, kind: FileKind::Folder, size: 0 }));
        }
        let found = match self.resolve(path, false) {
            Err(FolderError::GitFolder(_) | FolderError::NotAFolder(_)) => return Ok(None),
            found => found?,
        };
        self.node(&found)?.map(|node| entry_info(name, &node)).transpose()
    }

    /// What is in a folder, by name; checkouts below it appear as folders.
    ///
    /// # Errors
    /// If it is not there, or no folder.
    pub fn list(&self, path: &RelPath) -> Result<Vec<EntryInfo>, FolderError> {
        let folder = self.folder(path)?;
        let entries = folder.entries()?;
        let entries = entries.iter().filter(|it| !paths::is_git(it.0));
        entries.map(|(name, node)| entry_info(String::from_utf8_lossy(name).into_owned(), node)).collect()
    }

    /// A folder with the mounts below it in their places.
    pub(crate) fn folder(&self, path: &RelPath) -> Result<Folder, FolderError> {
        let found = self.resolve(path, true)?;
        let mut folder = match self.node(&found)? {
            Some(Node::Folder(folder)) => folder,
            Some(_) => return Err(FolderError::NotAFolder(path.clone())),
            None if self.mounts.keys().any(|it| it.below(&found.path).is_some()) => Folder::empty(),
            None => return Err(FolderError::NotFound(path.clone())),
        };
        for (at, mount) in &self.mounts {
            if let Some(below) = at.below(&found.path).filter(|it| !it.is_root()) {
                folder.set(&paths::names(&below), Some(Node::Folder(mount.root.clone())))?;
            }
        }
        Ok(folder)
    }

    /// Removes a file, a link itself, or a folder with all that is in it; says whether it was there.
    ///
    /// # Errors
    /// If it is or holds a checkout, lies below a file, or a link on the way leads out.
    pub fn remove(&mut self, path: &RelPath) -> Result<bool, FolderError> {
        let found = self.resolve(path, false)?;
        if found.path.is_root() || self.mounts.keys().any(|it| it.below(&found.path).is_some()) {
            return Err(FolderError::IsCheckout(path.clone()));
        }
        let there = self.node(&found)?.is_some();
        if there {
            self.set(&found, None)?;
        }
        Ok(there)
    }

    /// Every path that matches a pattern (`*`, `**`, `?`, `[…]`, `{…}`; `*` does not cross a `/`), sorted, folders too; with
    /// a `/` at its end only folders.
    ///
    /// # Errors
    /// If the pattern cannot be read.
    pub fn glob(&self, pattern: &str) -> Result<Vec<RelPath>, FolderError> {
        let bad = |why: String| FolderError::Pattern { pattern: pattern.to_owned(), why };
        let text = pattern.strip_prefix("./").unwrap_or(pattern);
        let (text, only_folders) = text.strip_suffix('/').map_or((text, false), |text| (text, true));
        let glob = globset::GlobBuilder::new(text).literal_separator(true).backslash_escape(true).build();
        let matcher = glob.map_err(|err| bad(err.kind().to_string()))?.compile_matcher();
        // What comes before the first special character is a path like any other, links and all.
        let plain = text.find(['*', '?', '[', '{', '\\']).unwrap_or(text.len());
        let prefix = RelPath::parse(text[..plain].rsplit_once('/').map_or("", |it| it.0)).unwrap_or_default();
        let mut found = Vec::new();
        let folder = match self.folder(&prefix) {
            Err(FolderError::NotFound(_) | FolderError::NotAFolder(_)) => return Ok(found),
            folder => folder?,
        };
        folder.walk(&mut Vec::new(), &mut |path, node| {
            if path.last().is_some_and(|it| paths::is_git(it)) {
                return Ok(false);
            }
            if let Ok(path) = prefix.join(&paths::joined(path))
                && (!only_folders || matches!(node, Node::Folder(_)))
                && matcher.is_match(path.as_str())
            {
                found.push(path);
            }
            Ok(true)
        })?;
        found.sort();
        Ok(found)
    }
}

/// Makes a mount's folder and index what they are right after the checkout of its HEAD.
fn check_out(mount: &mut Mount) -> Result<(), FolderError> {
    mount.index = mount.tree(mount.head.commit)?;
    let whole = mount.index.map_or_else(Folder::empty, |tree| Folder::Stored(mount.objects.clone(), tree));
    mount.root = if mount.sparse.is_empty() { whole } else { paths::in_cone(&whole, &mount.sparse, &RelPath::root())? };
    Ok(())
}

fn info(path: &RelPath, mount: &Mount) -> MountInfo {
    MountInfo {
        path: path.clone(),
        base: mount.base,
        head: mount.head.clone(),
        commits: mount.commits.clone(),
        objects: mount.objects.clone(),
    }
}

fn entry_info(name: String, node: &Node) -> Result<EntryInfo, FolderError> {
    let (kind, size) = match node {
        Node::File { content, executable: false } => (FileKind::File, content.size()?),
        Node::File { content, executable: true } => (FileKind::Executable, content.size()?),
        Node::Link(target) => (FileKind::Link, target.size()?),
        Node::Gitlink(_) => (FileKind::Submodule, 0),
        Node::Folder(_) => (FileKind::Folder, 0),
    };
    Ok(EntryInfo { name, kind, size })
}
