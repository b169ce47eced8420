//! Files and folders of a work folder: stored ones are only ids until somebody looks, written ones are bytes.

use super::error::FolderError;
use crate::error::GitError;
use crate::objects::{Kind, Objects};
use crate::tree::{Entry, Mode, Name};
use bytes::Bytes;
use gix::ObjectId;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Sees each node of a walk; `false` skips what is below it.
pub(crate) type Visitor<'a> = dyn FnMut(&[Name], &Node) -> Result<bool, FolderError> + 'a;

/// What a file holds.
#[derive(Clone)]
pub(crate) enum Content {
    Stored(Arc<Objects>, ObjectId),
    Bytes(Bytes),
}

impl Content {
    pub(crate) fn size(&self) -> Result<u64, GitError> {
        match self {
            Self::Bytes(bytes) => Ok(bytes.len() as u64),
            Self::Stored(objects, id) => match objects.header(*id)? {
                Some((_, size)) => Ok(size),
                // Reading says in which repository it is missing.
                None => objects.blob(*id).map(|it| it.len() as u64),
            },
        }
    }

    pub(crate) fn bytes(&self) -> Result<Bytes, GitError> {
        match self {
            Self::Bytes(bytes) => Ok(bytes.clone()),
            Self::Stored(objects, id) => objects.blob(*id),
        }
    }

    /// Its id in this repository, where it is made if it is not there.
    pub(crate) fn id_in(&self, into: &Arc<Objects>) -> Result<ObjectId, GitError> {
        match self {
            Self::Stored(objects, id) if Arc::ptr_eq(objects, into) => Ok(*id),
            Self::Stored(_, id) if into.has(*id)? => Ok(*id),
            Self::Stored(objects, id) => {
                let (size, limit) = (self.size()?, super::FILE_BYTES_MAX);
                if size > limit {
                    return Err(GitError::TooLarge { repo: objects.repo().to_owned(), id: *id, size, limit });
                }
                Ok(into.put(Kind::Blob, self.bytes()?))
            }
            Self::Bytes(bytes) => Ok(into.put(Kind::Blob, bytes.clone())),
        }
    }
}

/// A file, a link, a submodule or a folder.
#[derive(Clone)]
pub(crate) enum Node {
    File { content: Content, executable: bool },
    Link(Content),
    Gitlink(ObjectId),
    Folder(Folder),
}

/// A folder: a stored tree, or opened because something below it was written.
#[derive(Clone)]
pub(crate) enum Folder {
    Stored(Arc<Objects>, ObjectId),
    Open(Arc<BTreeMap<Name, Node>>),
}

fn node(objects: &Arc<Objects>, entry: &Entry) -> Node {
    let content = || Content::Stored(objects.clone(), entry.id);
    match entry.mode {
        Mode::File => Node::File { content: content(), executable: false },
        Mode::Executable => Node::File { content: content(), executable: true },
        Mode::Link => Node::Link(content()),
        Mode::Gitlink => Node::Gitlink(entry.id),
        Mode::Folder => Node::Folder(Folder::Stored(objects.clone(), entry.id)),
    }
}

/// May this be the name of a file? A repository can be made to hold others, which no checkout would show.
fn is_name(name: &[u8]) -> bool {
    !matches!(name, b"" | b"." | b"..") && !name.contains(&b'/')
}

impl Folder {
    pub(crate) fn empty() -> Self {
        Self::Open(Arc::default())
    }

    /// Its entries; cheap, because what lies below is shared.
    pub(crate) fn entries(&self) -> Result<Arc<BTreeMap<Name, Node>>, GitError> {
        match self {
            Self::Open(entries) => Ok(entries.clone()),
            Self::Stored(objects, id) => {
                let entries = objects.tree(*id)?;
                Ok(Arc::new(
                    entries.iter().filter(|it| is_name(&it.name)).map(|it| (it.name.clone(), node(objects, it))).collect(),
                ))
            }
        }
    }

    pub(crate) fn get(&self, name: &[u8]) -> Result<Option<Node>, GitError> {
        match self {
            Self::Open(entries) => Ok(entries.get(name).cloned()),
            Self::Stored(objects, id) => {
                Ok(objects.tree(*id)?.iter().find(|it| it.name == name && is_name(name)).map(|it| node(objects, it)))
            }
        }
    }

    /// As [`Objects::check_depth`]; what was opened lies as deep as what it was opened from.
    pub(crate) fn check_depth(&self, depth: usize) -> Result<(), GitError> {
        match self {
            Self::Stored(objects, _) => objects.check_depth(depth),
            Self::Open(_) => Ok(()),
        }
    }

    pub(crate) fn is_empty(&self) -> Result<bool, GitError> {
        Ok(self.entries()?.is_empty())
    }

    /// Opens it for writing.
    pub(crate) fn open(&mut self) -> Result<&mut BTreeMap<Name, Node>, GitError> {
        if let Self::Stored(..) = self {
            *self = Self::Open(self.entries()?);
        }
        match self {
            Self::Open(entries) => Ok(Arc::make_mut(entries)),
            Self::Stored(..) => Err(GitError::Bug("a folder that was opened is not open".into())),
        }
    }

    /// The node at a path of names, following no links.
    pub(crate) fn at(&self, path: &[Name]) -> Result<Option<Node>, GitError> {
        let mut node = Node::Folder(self.clone());
        for name in path {
            let Node::Folder(folder) = node else { return Ok(None) };
            match folder.get(name)? {
                Some(next) => node = next,
                None => return Ok(None),
            }
        }
        Ok(Some(node))
    }

    /// Sets or removes the node at a path, making folders on the way (for a removal none are made). `false`: a file is in the way.
    pub(crate) fn set(&mut self, path: &[Name], new: Option<Node>) -> Result<bool, GitError> {
        let Some((name, rest)) = path.split_first() else {
            if let Some(Node::Folder(folder)) = new {
                *self = folder;
            }
            return Ok(true);
        };
        let entries = self.open()?;
        if rest.is_empty() {
            match new {
                Some(node) => entries.insert(name.clone(), node),
                None => entries.remove(name),
            };
            return Ok(true);
        }
        if new.is_none() && !entries.contains_key(name) {
            return Ok(true);
        }
        match entries.entry(name.clone()).or_insert_with(|| Node::Folder(Self::empty())) {
            Node::Folder(folder) => folder.set(rest, new),
            _ => Ok(false),
        }
    }

    /// Bytes written below here, not counting what is stored.
    pub(crate) fn written_bytes(&self) -> u64 {
        let Self::Open(entries) = self else { return 0 };
        let weight = |node: &Node| match node {
            Node::File { content: Content::Bytes(bytes), .. } | Node::Link(Content::Bytes(bytes)) => bytes.len() as u64,
            Node::Folder(folder) => folder.written_bytes(),
            _ => 0,
        };
        entries.values().map(weight).sum()
    }

    /// Visits every node below, folders before what is in them; `false` from the visitor skips what is below.
    pub(crate) fn walk(&self, path: &mut Vec<Name>, visit: &mut Visitor<'_>) -> Result<(), FolderError> {
        self.check_depth(path.len())?;
        for (name, node) in self.entries()?.iter() {
            path.push(name.clone());
            let deeper = visit(path, node)?;
            if let (true, Node::Folder(folder)) = (deeper, node) {
                folder.walk(path, visit)?;
            }
            path.pop();
        }
        Ok(())
    }
}
