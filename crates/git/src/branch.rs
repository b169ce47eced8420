//! What to check out of a repository, and what it turned out to be.

use crate::error::GitError;
use crate::history;
use crate::objects::{Kind, Objects};
use crate::refs::{RemoteRefs, is_ref_name};
use gix::ObjectId;

/// Shortest abbreviation of a commit id that is looked up.
const PREFIX_MIN: usize = 7;

/// What to check out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Checkout {
    /// The remote's default branch.
    Default,
    /// A branch; with `create`, a missing one starts as an orphan that exists nowhere until its first push.
    Branch {
        /// Its name, without `refs/heads/`.
        name: String,
        /// Start it if it is missing.
        create: bool,
    },
    /// A tag; as with Kargo a branch of that name is taken if there is no such tag.
    Tag(String),
    /// A commit by its id or at least seven digits of it; as with Kargo, or the name of a branch or tag.
    Commit(String),
}

/// What a checkout turned out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    /// The commit; `None` for a branch that is to be made.
    pub commit: Option<ObjectId>,
    /// The branch that a commit would extend; `None` means detached.
    pub branch: Option<String>,
}

/// Finds the commit, only among what the references reach.
pub(crate) fn resolve(repo: &str, refs: &RemoteRefs, objects: &Objects, checkout: &Checkout) -> Result<Resolved, GitError> {
    let repo = || repo.to_owned();
    let on_branch = |name: &str| refs.branches.get(name).map(|id| Resolved { commit: Some(*id), branch: Some(name.to_owned()) });
    let at_tag = |name: &str| -> Result<Option<Resolved>, GitError> {
        let Some(id) = refs.tags.get(name) else { return Ok(None) };
        match objects.peel(*id)? {
            (Kind::Commit, id) => Ok(Some(Resolved { commit: Some(id), branch: None })),
            _ => Ok(None),
        }
    };
    match checkout {
        Checkout::Default => match (&refs.head, refs.head_id) {
            (Some(head), _) => on_branch(head).ok_or_else(|| GitError::NoDefault { repo: repo() }),
            (None, Some(id)) => Ok(Resolved { commit: Some(id), branch: None }),
            (None, None) => Err(GitError::NoDefault { repo: repo() }),
        },
        Checkout::Branch { name, create } => match on_branch(name) {
            Some(found) => Ok(found),
            None if !is_ref_name(name) => Err(GitError::BadName { repo: repo(), name: name.clone() }),
            None if *create => Ok(Resolved { commit: None, branch: Some(name.clone()) }),
            None => Err(GitError::NoBranch { repo: repo(), branch: name.clone() }),
        },
        Checkout::Tag(name) => match at_tag(name)? {
            Some(found) => Ok(found),
            None => on_branch(name).ok_or_else(|| GitError::NoTag { repo: repo(), tag: name.clone() }),
        },
        Checkout::Commit(text) => {
            if let Some(id) = find_commit(refs, objects, text)? {
                return Ok(Resolved { commit: Some(id), branch: None });
            }
            let named = if let Some(found) = on_branch(text) { Some(found) } else { at_tag(text)? };
            named.ok_or_else(|| GitError::NoCommit { repo: repo(), commit: text.clone() })
        }
    }
}

fn find_commit(refs: &RemoteRefs, objects: &Objects, text: &str) -> Result<Option<ObjectId>, GitError> {
    let hex = text.to_ascii_lowercase();
    if hex.len() < PREFIX_MIN || hex.len() > 40 || !hex.bytes().all(|it| it.is_ascii_hexdigit()) {
        return Ok(None);
    }
    history::find_reachable(objects, &refs.tips(), |id| id.to_string().starts_with(&hex), hex.len() == 40)
}
