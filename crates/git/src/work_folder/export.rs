//! Writing parts of a work folder to disk for a tool, and reading back what the tool has made.

use super::WorkFolder;
use super::error::FolderError;
use super::node::{Content, Folder, Node};
use super::paths::is_git;
use crate::tree::{Entry, Mode, write};
use seaway_base::RelPath;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

/// No tool's result has more files.
const FILES_MAX: usize = 100_000;

impl WorkFolder {
    /// Writes these paths, each a file or a whole folder, below `dir`, at their places in the work folder. Files 0644 or 0755, folders
    /// 0755. Links that would lead out of their checkout are left out; `RelPath::root()` exports everything.
    ///
    /// # Errors
    /// If a path is missing, too large, or the disk does not take it.
    pub fn export(&self, wanted: &[RelPath], dir: &Path) -> Result<(), FolderError> {
        let mut bytes = 0;
        for path in wanted {
            let found = self.resolve(path, true)?;
            match self.node(&found)? {
                Some(node @ Node::File { .. }) => {
                    self.export_node(&found.path, &node, dir, &mut bytes)?;
                    self.export_links(path, dir)?;
                }
                _ => {
                    let folder = self.folder(path)?;
                    self.export_folder(&found.path, &folder, dir, &mut bytes)?;
                    self.export_links(path, dir)?;
                }
            }
        }
        Ok(())
    }

    /// Writes the links on the way to a path, so that the path as the caller knows it leads there.
    fn export_links(&self, path: &RelPath, dir: &Path) -> Result<(), FolderError> {
        let mut at = RelPath::root();
        for part in path.parts() {
            at = at.join(part).map_err(|_| FolderError::NotFound(path.clone()))?;
            let found = self.resolve(&at, false)?;
            if let Some(node @ Node::Link(_)) = self.node(&found)? {
                self.export_node(&found.path, &node, dir, &mut 0)?;
            }
        }
        Ok(())
    }

    fn export_folder(&self, path: &RelPath, folder: &Folder, dir: &Path, bytes: &mut u64) -> Result<(), FolderError> {
        folder.check_depth(path.parts().count())?;
        let on_disk = dir.join(path.as_str());
        std::fs::create_dir_all(&on_disk).map_err(|err| io_error("make folder", path, err))?;
        for (name, node) in folder.entries()?.iter() {
            if is_git(name) {
                continue;
            }
            let Ok(path) = path.join(&String::from_utf8_lossy(name)) else { continue };
            self.export_node(&path, node, dir, bytes)?;
        }
        Ok(())
    }

    fn export_node(&self, path: &RelPath, node: &Node, dir: &Path, bytes: &mut u64) -> Result<(), FolderError> {
        let on_disk = dir.join(path.as_str());
        let bad = |err| io_error("write", path, err);
        if let Some(parent) = on_disk.parent() {
            std::fs::create_dir_all(parent).map_err(bad)?;
        }
        match node {
            Node::Folder(folder) => self.export_folder(path, folder, dir, bytes),
            Node::Gitlink(_) => std::fs::create_dir_all(&on_disk).map_err(bad),
            Node::File { content, executable } => {
                let data = self.content(path, content)?;
                *bytes += data.len() as u64;
                if *bytes > self.limits.1 * 4 {
                    return Err(FolderError::Full { path: path.clone(), limit: self.limits.1 * 4 });
                }
                std::fs::write(&on_disk, &data).map_err(bad)?;
                let mode = if *executable { 0o755 } else { 0o644 };
                std::fs::set_permissions(&on_disk, std::fs::Permissions::from_mode(mode)).map_err(bad)
            }
            Node::Link(target) => {
                // Only a link that we could follow ourselves is safe to hand to a tool.
                if self.resolve(path, true).is_ok() && std::fs::symlink_metadata(&on_disk).is_err() {
                    let target = target.bytes()?;
                    let target: &std::ffi::OsStr = std::os::unix::ffi::OsStrExt::from_bytes(&target);
                    std::os::unix::fs::symlink(target, &on_disk).map_err(bad)?;
                }
                Ok(())
            }
        }
    }

    /// Reads a file or a folder that a tool has made into the work folder, replacing files of the same names; links are refused.
    ///
    /// # Errors
    /// If it cannot be read, holds a link, or a limit is met.
    pub fn import(&mut self, from: &Path, to: &RelPath) -> Result<usize, FolderError> {
        let mut n = 0;
        self.import_one(from, to, &mut n)?;
        Ok(n)
    }

    fn import_one(&mut self, from: &Path, to: &RelPath, n: &mut usize) -> Result<(), FolderError> {
        let bad = |err| io_error("read", to, err);
        let info = std::fs::symlink_metadata(from).map_err(bad)?;
        if info.is_symlink() {
            return Err(bad(io::Error::other("it is a link; a tool's result may not hold links")));
        }
        if info.is_dir() {
            let entries = std::fs::read_dir(from).map_err(bad)?;
            let mut entries = entries.collect::<Result<Vec<_>, _>>().map_err(bad)?;
            entries.sort_by_key(std::fs::DirEntry::file_name);
            self.make_folder(to)?;
            for entry in entries {
                let name = entry.file_name();
                let Some(name) = name.to_str() else { return Err(bad(io::Error::other("a name that is not UTF-8"))) };
                let to = to.join(name).map_err(|err| bad(io::Error::other(err.to_string())))?;
                self.import_one(&entry.path(), &to, n)?;
            }
            return Ok(());
        }
        *n += 1;
        if *n > FILES_MAX {
            return Err(bad(io::Error::other(format!("more than {FILES_MAX} files"))));
        }
        let (size, limit) = (info.len(), self.limits.0);
        if size > limit {
            return Err(FolderError::TooLarge { path: to.clone(), size, limit });
        }
        let data = std::fs::read(from).map_err(bad)?;
        self.write(to, data, Some(info.permissions().mode() & 0o100 != 0))
    }

    /// A stored folder's git tree id, where nothing was written in it since: cheap to compare and to record.
    ///
    /// # Errors
    /// If a link leads out.
    pub fn tree_id(&self, path: &RelPath) -> Result<Option<gix::ObjectId>, FolderError> {
        let found = self.resolve(path, true)?;
        Ok(match self.node(&found)? {
            Some(Node::Folder(Folder::Stored(_, id))) => Some(id),
            _ => None,
        })
    }

    /// Puts a recorded tree of a mount's repository at a path: the result of a recorded step, without running it again.
    ///
    /// # Errors
    /// If the path is in no mount, or the tree is not there.
    pub fn put_tree(&mut self, path: &RelPath, tree: gix::ObjectId) -> Result<(), FolderError> {
        let found = self.resolve(path, true)?;
        let (_, mount) = self.holder(&found.path)?;
        mount.objects.tree(tree)?;
        let folder = Folder::Stored(mount.objects.clone(), tree);
        self.set(&found, Some(Node::Folder(folder)))
    }

    /// Writes the folder at a path as a tree into the objects of its mount, everything in it, ignored or not: what is recorded of a
    /// tool's result.
    ///
    /// # Errors
    /// If it is no folder, or in no mount.
    pub fn record_tree(&self, path: &RelPath) -> Result<gix::ObjectId, FolderError> {
        let (_, mount) = self.holder(path)?;
        record(&mount.objects, &self.folder(path)?, 0)
    }
}

fn record(objects: &std::sync::Arc<crate::Objects>, folder: &Folder, depth: usize) -> Result<gix::ObjectId, FolderError> {
    if let Folder::Stored(from, id) = folder
        && std::sync::Arc::ptr_eq(from, objects)
    {
        return Ok(*id);
    }
    objects.check_depth(depth)?;
    let mut entries = Vec::new();
    for (name, node) in folder.entries()?.iter() {
        let id_of = |content: &Content| content.id_in(objects);
        let (mode, id) = match node {
            Node::File { content, executable: false } => (Mode::File, id_of(content)?),
            Node::File { content, executable: true } => (Mode::Executable, id_of(content)?),
            Node::Link(target) => (Mode::Link, id_of(target)?),
            Node::Gitlink(id) => (Mode::Gitlink, *id),
            Node::Folder(folder) => (Mode::Folder, record(objects, folder, depth + 1)?),
        };
        entries.push(Entry { mode, name: name.clone(), id });
    }
    Ok(write(objects, entries))
}

fn io_error(doing: &'static str, path: &RelPath, err: io::Error) -> FolderError {
    FolderError::Io { doing, path: path.clone(), err }
}
