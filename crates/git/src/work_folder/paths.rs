//! Where a path of a work folder really is: which mount, through which links, and whether it may be edited.

use super::error::FolderError;
use super::ignore::filter_of;
use super::node::{Folder, Node};
use super::{Mount, WorkFolder};
use crate::tree::Name;
use seaway_base::RelPath;
use std::collections::VecDeque;

/// As many links as Linux follows.
const LINKS_MAX: usize = 40;

/// A path with its links followed.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    /// The mount's path; `None`: outside of all mounts.
    pub(crate) mount: Option<RelPath>,
    /// The path in the mount, or in the plain folder.
    pub(crate) names: Vec<Name>,
    /// The whole path.
    pub(crate) path: RelPath,
}

/// The parts of a path as names.
pub(crate) fn names(path: &RelPath) -> Vec<Name> {
    path.parts().map(|it| it.as_bytes().to_vec()).collect()
}

/// Names joined by `/`; bytes that are not UTF-8 read as U+FFFD.
pub(crate) fn joined(names: &[Name]) -> String {
    names.iter().map(|it| String::from_utf8_lossy(it)).collect::<Vec<_>>().join("/")
}

/// Is it `.git`, in any case?
pub(crate) fn is_git(name: &[u8]) -> bool {
    name.eq_ignore_ascii_case(b".git")
}

/// Reads a path of a sparse checkout.
pub(crate) fn cone(text: &str) -> Result<RelPath, FolderError> {
    let bad = |why| FolderError::Sparse { path: text.to_owned(), why };
    if text.contains(['*', '?', '[', ']', '\\', '!']) {
        return Err(bad("must be a folder, not a pattern"));
    }
    RelPath::parse(text).map_err(|_| bad("leaves the repository"))
}

/// Is everything below this path in the cone?
pub(crate) fn all_in_cone(cone: &[RelPath], path: &RelPath) -> bool {
    cone.is_empty() || cone.iter().any(|it| path.below(it).is_some())
}

/// Does the cone hold this path? In cone mode that is every file beside a folder on the way to one of its folders, too.
pub(crate) fn is_in_cone(cone: &[RelPath], path: &RelPath, is_folder: bool) -> bool {
    let parent = path.parent().unwrap_or_default();
    let on_the_way = |it: &RelPath| if is_folder { it.below(path).is_some() } else { it.below(&parent).is_some() };
    all_in_cone(cone, path) || cone.iter().any(on_the_way)
}

/// What of a folder is in the cone.
pub(crate) fn in_cone(folder: &Folder, cone: &[RelPath], at: &RelPath) -> Result<Folder, FolderError> {
    folder.check_depth(at.parts().count())?;
    let mut kept = std::collections::BTreeMap::new();
    for (name, node) in folder.entries()?.iter() {
        let Ok(path) = at.join(&String::from_utf8_lossy(name)) else { continue };
        match node {
            _ if !is_in_cone(cone, &path, matches!(node, Node::Folder(_))) => {}
            Node::Folder(folder) if !all_in_cone(cone, &path) => {
                kept.insert(name.clone(), Node::Folder(in_cone(folder, cone, &path)?));
            }
            node => {
                kept.insert(name.clone(), node.clone());
            }
        }
    }
    Ok(Folder::Open(std::sync::Arc::new(kept)))
}

impl WorkFolder {
    /// The mount that holds a path.
    pub(crate) fn holder(&self, path: &RelPath) -> Result<(&RelPath, &Mount), FolderError> {
        self.longest(path).ok_or_else(|| FolderError::NoCheckout(path.clone()))
    }

    fn longest(&self, path: &RelPath) -> Option<(&RelPath, &Mount)> {
        self.mounts.iter().filter(|it| path.below(it.0).is_some()).max_by_key(|it| it.0.as_str().len())
    }

    pub(crate) fn root_of(&self, mount: Option<&RelPath>) -> &Folder {
        mount.and_then(|it| self.mounts.get(it)).map_or(&self.plain, |it| &it.root)
    }

    /// Follows links, each from where it really lies, and only within the mount that holds it.
    pub(crate) fn resolve(&self, path: &RelPath, follow_last: bool) -> Result<Found, FolderError> {
        if path.parts().any(|it| is_git(it.as_bytes())) {
            return Err(FolderError::GitFolder(path.clone()));
        }
        let mount = self.longest(path).map(|it| it.0.clone());
        let base = mount.clone().unwrap_or_default();
        let mut pending: VecDeque<Name> = names(&path.below(&base).unwrap_or_default()).into();
        // The nodes on the way, so that `..` in a link's target leads to where the link lies.
        let mut way: Vec<(Name, Option<Node>)> = Vec::new();
        let (mut n_links, mut last_link) = (0, None);
        while let Some(name) = pending.pop_front() {
            let leaves = |link: &Option<(String, String)>| self.leaves(path, link.as_ref());
            match name.as_slice() {
                b"" | b"." => continue,
                b".." => {
                    way.pop().ok_or_else(|| leaves(&last_link))?;
                    continue;
                }
                name if is_git(name) => return Err(FolderError::GitFolder(path.clone())),
                _ => {}
            }
            let here = way.last().map_or_else(|| Some(Node::Folder(self.root_of(mount.as_ref()).clone())), |it| it.1.clone());
            let node = match here {
                Some(Node::Folder(folder)) => folder.get(&name)?,
                Some(Node::Gitlink(_)) => return Err(FolderError::Submodule(path.clone())),
                Some(_) => return Err(self.blocked(&base, &way)),
                None => None,
            };
            if let Some(Node::Link(target)) = &node
                && (follow_last || !pending.is_empty())
            {
                n_links += 1;
                if n_links > LINKS_MAX {
                    return Err(FolderError::TooManyLinks(path.clone()));
                }
                let target = target.bytes()?;
                let link: Vec<Name> = way.iter().map(|it| it.0.clone()).chain([name]).collect();
                last_link = Some((joined(&link), String::from_utf8_lossy(&target).into_owned()));
                if target.starts_with(b"/") {
                    return Err(leaves(&last_link));
                }
                for part in target.split(|it| *it == b'/').rev() {
                    pending.push_front(part.to_vec());
                }
                continue;
            }
            way.push((name, node));
        }
        let names: Vec<Name> = way.into_iter().map(|it| it.0).collect();
        let full = base.join(&joined(&names)).map_err(|_| self.leaves(path, last_link.as_ref()))?;
        // A link must not lead into a checkout that is mounted inside this one either.
        if last_link.is_some() && self.longest(&full).map(|it| it.0) != mount.as_ref() {
            return Err(self.leaves(path, last_link.as_ref()));
        }
        Ok(Found { mount, names, path: full })
    }

    fn leaves(&self, path: &RelPath, link: Option<&(String, String)>) -> FolderError {
        let base = self.longest(path).map(|it| it.0.clone()).unwrap_or_default();
        let (link, target) = link.cloned().unwrap_or_default();
        FolderError::Leaves { path: path.clone(), link: base.join(&link).unwrap_or_default(), target }
    }

    fn blocked(&self, base: &RelPath, way: &[(Name, Option<Node>)]) -> FolderError {
        let names: Vec<Name> = way.iter().map(|it| it.0.clone()).collect();
        FolderError::NotAFolder(base.join(&joined(&names)).unwrap_or_default())
    }

    pub(crate) fn node(&self, found: &Found) -> Result<Option<Node>, FolderError> {
        Ok(self.root_of(found.mount.as_ref()).at(&found.names)?)
    }

    pub(crate) fn set(&mut self, found: &Found, node: Option<Node>) -> Result<(), FolderError> {
        let root = match found.mount.as_ref().and_then(|it| self.mounts.get_mut(it)) {
            Some(mount) => &mut mount.root,
            None => &mut self.plain,
        };
        if root.set(&found.names, node)? { Ok(()) } else { Err(FolderError::NotAFolder(found.path.clone())) }
    }

    /// Refuses to edit what git filters.
    pub(crate) fn may_edit(&self, found: &Found) -> Result<(), FolderError> {
        if found.mount.is_none() {
            return Ok(());
        }
        match filter_of(self.root_of(found.mount.as_ref()), &found.names)? {
            Some(filter) => Err(FolderError::Filtered { path: found.path.clone(), filter }),
            None => Ok(()),
        }
    }
}
