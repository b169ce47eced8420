//! `git-clear` and `git-commit` in memory: what is tracked, untracked and ignored follows from the index and the `.gitignore` files.

use super::error::FolderError;
use super::ignore::Rules;
use super::node::{Folder, Node};
use super::paths::{all_in_cone, is_in_cone, joined, names};
use super::{Mount, WorkFolder};
use crate::objects::{Commit, Kind, Signature};
use crate::tree::{self, Change, Entry, Mode, Name};
use gix::ObjectId;
use seaway_base::RelPath;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// No list of changes is longer.
const CHANGES_MAX: usize = 1_000_000;

/// A commit to be made. The same details on the same tree and parent give the same id.
#[derive(Debug, Clone)]
pub struct CommitDetails {
    /// The message, cleaned as git cleans it.
    pub message: String,
    /// Trailers, appended to the message.
    pub trailers: Vec<(String, String)>,
    /// Who wrote it, and when.
    pub author: Signature,
    /// Who committed it, and when.
    pub committer: Signature,
}

/// What a commit came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Committed {
    /// A new commit.
    New(ObjectId),
    /// Nothing has changed; this is HEAD, if there is one.
    Nothing(Option<ObjectId>),
}

impl WorkFolder {
    /// Commits what has changed at or below a path of a mount, new files only if `.gitignore` does not name them.
    ///
    /// # Errors
    /// If the path is in no mount, the message is empty, or a new file lies outside of a sparse checkout.
    pub fn commit(&mut self, path: &RelPath, details: &CommitDetails) -> Result<Committed, FolderError> {
        let message = message(&details.message, &details.trailers).ok_or(FolderError::NoMessage)?;
        let (at, mount) = self.holder(path)?;
        let at = at.clone();
        let head = mount.head.commit;
        let head_tree = mount.tree(head)?;
        let tree = stage(mount, &path.below(&at).unwrap_or_default())?;
        if head_tree.unwrap_or_else(|| ObjectId::empty_tree(gix::hash::Kind::Sha1)) == tree {
            return Ok(Committed::Nothing(head));
        }
        let parents: Vec<_> = head.into_iter().collect();
        let data = Commit::encode(tree, &parents, &details.author, &details.committer, &message);
        let id = mount.objects.put(Kind::Commit, data);
        if let Some(mount) = self.mounts.get_mut(&at) {
            mount.head.commit = Some(id);
            mount.commits.push(id);
            mount.index = Some(tree);
        }
        Ok(Committed::New(id))
    }

    /// Removes at and below a path of a mount whatever is tracked or could be added; ignored untracked files stay, and what lies
    /// outside of a sparse checkout.
    ///
    /// # Errors
    /// If the path is in no mount.
    pub fn clear(&mut self, path: &RelPath) -> Result<(), FolderError> {
        let (at, mount) = self.holder(path)?;
        let (at, scope) = (at.clone(), path.below(at).unwrap_or_default());
        let mut work = Walk { mount, rules: Rules::default(), scope: names(&scope) };
        let left = work.clear(&mount.root, mount.index, &mut Vec::new(), false)?;
        let index = mount.index.map(|tree| work.unstage(tree, &mut Vec::new())).transpose()?.flatten();
        if let Some(mount) = self.mounts.get_mut(&at) {
            mount.root = left.unwrap_or_else(Folder::empty);
            mount.index = index;
        }
        Ok(())
    }

    /// What the commits of a mount have changed since it was mounted, sorted by path.
    ///
    /// # Errors
    /// If there is no such mount, or objects are missing.
    pub fn changes(&self, path: &RelPath) -> Result<Vec<Change>, FolderError> {
        let (_, mount) = self.holder(path)?;
        let changes = tree::diff(&mount.objects, mount.tree(mount.base)?, mount.tree(mount.head.commit)?, CHANGES_MAX)?;
        Ok(changes.iter().map(tree::RawChange::public).collect())
    }

    /// What a commit of a whole mount would change now, sorted by path.
    ///
    /// # Errors
    /// As [`WorkFolder::commit`].
    pub fn status(&self, path: &RelPath) -> Result<Vec<Change>, FolderError> {
        let (_, mount) = self.holder(path)?;
        let head = mount.tree(mount.head.commit)?;
        let tree = stage(mount, &RelPath::root())?;
        let changes = tree::diff(&mount.objects, head, Some(tree), CHANGES_MAX)?;
        Ok(changes.iter().map(tree::RawChange::public).collect())
    }
}

/// The tree that a commit of a mount's scope would have.
pub(crate) fn stage(mount: &Mount, scope: &RelPath) -> Result<ObjectId, FolderError> {
    let mut work = Walk { mount, rules: Rules::default(), scope: names(scope) };
    let tree = work.stage(&mount.root, mount.index, &mut Vec::new(), false)?;
    Ok(tree.unwrap_or_else(|| tree::write(&mount.objects, Vec::new())))
}

struct Walk<'a> {
    mount: &'a Mount,
    rules: Rules,
    scope: Vec<Name>,
}

impl Walk<'_> {
    /// Is this path the scope, below it (`true`), or only on the way to it (`false`)? `None`: beside it.
    fn in_scope(&self, path: &[Name]) -> Option<bool> {
        let common = path.iter().zip(&self.scope).take_while(|(a, b)| a == b).count();
        if common == self.scope.len() { Some(true) } else { (common == path.len()).then_some(false) }
    }

    fn tracked(&self, tree: Option<ObjectId>) -> Result<BTreeMap<Name, Entry>, FolderError> {
        let entries = tree.map_or_else(|| Ok(Vec::new()), |id| self.mount.objects.tree(id))?;
        Ok(entries.into_iter().map(|it| (it.name.clone(), it)).collect())
    }

    fn unchanged(&self, folder: &Folder, index: Option<ObjectId>) -> bool {
        matches!(folder, Folder::Stored(objects, id) if Arc::ptr_eq(objects, &self.mount.objects) && Some(*id) == index)
    }

    fn rel(path: &[Name]) -> RelPath {
        RelPath::parse(&joined(path)).unwrap_or_default()
    }

    /// The tree of a folder as git would stage it; `None`: nothing in it. `ignored`: a rule ignores this folder or one above it.
    fn stage(
        &mut self,
        folder: &Folder,
        index: Option<ObjectId>,
        path: &mut Vec<Name>,
        ignored: bool,
    ) -> Result<Option<ObjectId>, FolderError> {
        if self.unchanged(folder, index) {
            return Ok(index);
        }
        self.mount.objects.check_depth(path.len())?;
        let nodes = folder.entries()?;
        let tracked = self.tracked(index)?;
        let entered = self.rules.enter(path, nodes.get(b".gitignore".as_slice()))?;
        let all: BTreeSet<&Name> = nodes.keys().chain(tracked.keys()).collect();
        let mut entries = Vec::new();
        for name in all {
            path.push(name.clone());
            entries.extend(self.stage_one(nodes.get(name), tracked.get(name), path, ignored)?);
            path.pop();
        }
        if entered {
            self.rules.leave();
        }
        Ok(if entries.is_empty() { None } else { Some(tree::write(&self.mount.objects, entries)) })
    }

    fn stage_one(
        &mut self,
        node: Option<&Node>,
        tracked: Option<&Entry>,
        path: &mut Vec<Name>,
        ignored: bool,
    ) -> Result<Option<Entry>, FolderError> {
        let cone = &self.mount.sparse;
        let is_folder =
            node.map_or_else(|| tracked.is_some_and(|it| it.mode == Mode::Folder), |it| matches!(it, Node::Folder(_)));
        let Some(fully) = self.in_scope(path) else { return Ok(tracked.cloned()) };
        if !fully && !is_folder {
            return Ok(tracked.cloned());
        }
        let relative = Self::rel(path);
        let visible = is_in_cone(cone, &relative, is_folder);
        let Some(node) = node else {
            // It is gone, unless it was never shown. A folder on the way to the cone may hold both.
            let hidden = match tracked {
                Some(it) if !visible => Some(it.clone()),
                Some(it) if is_folder && !all_in_cone(cone, &relative) => {
                    self.stage(&Folder::empty(), Some(it.id), path, ignored)?.map(|id| Entry { id, ..it.clone() })
                }
                _ => None,
            };
            return Ok(hidden);
        };
        let name = path.last().cloned().unwrap_or_default();
        let objects = &self.mount.objects;
        let is_new = tracked.is_none_or(|it| (it.mode == Mode::Folder) != is_folder);
        let ignored = ignored || self.rules.ignores(&path.join(&b'/'), is_folder);
        if is_new && ignored {
            return Ok(None);
        }
        let entry = match node {
            Node::Folder(folder) => {
                let index = tracked.filter(|it| it.mode == Mode::Folder).map(|it| it.id);
                self.stage(folder, index, path, ignored)?.map(|id| Entry { mode: Mode::Folder, name, id })
            }
            Node::File { content, executable } => {
                let mode = if *executable { Mode::Executable } else { Mode::File };
                Some(Entry { mode, name, id: content.id_in(objects)? })
            }
            Node::Link(target) => Some(Entry { mode: Mode::Link, name, id: target.id_in(objects)? }),
            Node::Gitlink(id) => Some(Entry { mode: Mode::Gitlink, name, id: *id }),
        };
        if !visible && entry.is_some() && entry.as_ref() != tracked {
            return Err(FolderError::OutsideCone(relative));
        }
        Ok(entry)
    }

    /// What stays of the index after a clear: what is beside its scope or was never shown.
    fn unstage(&self, tree: ObjectId, path: &mut Vec<Name>) -> Result<Option<ObjectId>, FolderError> {
        self.mount.objects.check_depth(path.len())?;
        let mut left = Vec::new();
        for (name, entry) in self.tracked(Some(tree))? {
            path.push(name);
            let (scope, is_folder, relative) = (self.in_scope(path), entry.mode == Mode::Folder, Self::rel(path));
            let cone = &self.mount.sparse;
            if scope.is_none() || (scope == Some(false) && !is_folder) || !is_in_cone(cone, &relative, is_folder) {
                left.push(entry);
            } else if is_folder && !(scope == Some(true) && all_in_cone(cone, &relative)) {
                left.extend(self.unstage(entry.id, path)?.map(|id| Entry { id, ..entry }));
            }
            path.pop();
        }
        Ok(if left.is_empty() { None } else { Some(tree::write(&self.mount.objects, left)) })
    }

    /// What stays of a folder after a clear; `None`: the folder goes too.
    fn clear(
        &mut self,
        folder: &Folder,
        index: Option<ObjectId>,
        path: &mut Vec<Name>,
        ignored: bool,
    ) -> Result<Option<Folder>, FolderError> {
        if self.unchanged(folder, index) && self.in_scope(path) == Some(true) {
            return Ok(None);
        }
        self.mount.objects.check_depth(path.len())?;
        let nodes = folder.entries()?;
        if nodes.is_empty() {
            // An empty folder is nothing to git, so it stays.
            return Ok(Some(folder.clone()));
        }
        let tracked = self.tracked(index)?;
        let entered = self.rules.enter(path, nodes.get(b".gitignore".as_slice()))?;
        let mut left = BTreeMap::new();
        for (name, node) in nodes.iter() {
            path.push(name.clone());
            let is_folder = matches!(node, Node::Folder(_));
            let entry = tracked.get(name).filter(|it| (it.mode == Mode::Folder) == is_folder);
            let ignored = ignored || self.rules.ignores(&path.join(&b'/'), is_folder);
            let stays = match (self.in_scope(path), node) {
                (None, _) => Some(node.clone()),
                (Some(_), Node::Folder(_)) if entry.is_none() && ignored => Some(node.clone()),
                (Some(_), Node::Folder(folder)) => self.clear(folder, entry.map(|it| it.id), path, ignored)?.map(Node::Folder),
                (Some(false), _) => Some(node.clone()),
                (Some(true), _) => (entry.is_none() && ignored).then(|| node.clone()),
            };
            path.pop();
            if let Some(node) = stays {
                left.insert(name.clone(), node);
            }
        }
        if entered {
            self.rules.leave();
        }
        Ok(if left.is_empty() { None } else { Some(Folder::Open(Arc::new(left))) })
    }
}

/// A message as `git commit -m` cleans it, with trailers; `None` if nothing is left.
pub(crate) fn message(text: &str, trailers: &[(String, String)]) -> Option<String> {
    let mut lines: Vec<&str> = Vec::new();
    for line in text.split('\n').map(str::trim_end) {
        if !(line.is_empty() && lines.last().is_none_or(|it| it.is_empty())) {
            lines.push(line);
        }
    }
    while lines.last().is_some_and(|it| it.is_empty()) {
        lines.pop();
    }
    if lines.is_empty() {
        return None;
    }
    let mut message = lines.join("\n");
    if !trailers.is_empty() {
        message.push('\n');
        for (key, value) in trailers {
            message.push_str(&format!("\n{key}: {}", value.replace(['\n', '\r', '\0'], " ")));
        }
    }
    message.push('\n');
    Some(message.replace('\0', ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_cleaned_as_git_cleans_them() {
        let check = |text: &str, expected: Option<&str>| assert_eq!(message(text, &[]).as_deref(), expected, "{text:?}");
        check("a\nb\n\n\n\nc", Some("a\nb\n\nc\n"));
        check("\n\nmsg", Some("msg\n"));
        check("msg   \nx  ", Some("msg\nx\n"));
        check("a\r\n\r\nb\r\n", Some("a\n\nb\n"));
        check("   ", None);
        assert_eq!(message("a", &[("K".into(), "v\nw".into())]).unwrap(), "a\n\nK: v w\n");
    }
}
