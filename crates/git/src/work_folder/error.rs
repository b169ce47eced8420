//! What can go wrong in a work folder.

use crate::error::GitError;
use seaway_base::{Next, RelPath};

/// Why a work folder refused something. Paths are relative to the work folder.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// Nothing is there.
    #[error("`{0}` does not exist")]
    NotFound(RelPath),
    /// A folder is where a file is needed.
    #[error("`{0}` is a folder, not a file")]
    IsFolder(RelPath),
    /// A file is where a folder is needed.
    #[error("`{0}` is a file, not a folder")]
    NotAFolder(RelPath),
    /// A link leads out of its checkout.
    #[error("`{path}` leads out of its checkout by the link `{link}` to `{target}`: change the link or the path")]
    Leaves {
        /// The path asked for.
        path: RelPath,
        /// The link.
        link: RelPath,
        /// Its target.
        target: String,
    },
    /// Links that lead in a circle.
    #[error("`{0}` leads through too many links")]
    TooManyLinks(RelPath),
    /// `.git` is git's own.
    #[error("`{0}` lies in `.git`, which is git's own")]
    GitFolder(RelPath),
    /// A submodule.
    #[error("`{0}` lies in a submodule; submodules are left as they are")]
    Submodule(RelPath),
    /// A file that git filters, as Git LFS does.
    #[error("`{path}` is kept by the git filter `{filter}` (.gitattributes); editing such files is not built")]
    Filtered {
        /// The file.
        path: RelPath,
        /// The filter's name.
        filter: String,
    },
    /// A file is too large.
    #[error("`{path}` has {size} bytes; a file in a work folder may have {limit}: leave it out of the steps, or make it smaller")]
    TooLarge {
        /// The file.
        path: RelPath,
        /// Its size.
        size: u64,
        /// The limit.
        limit: u64,
    },
    /// The work folder holds too much that is new.
    #[error("writing `{path}` would make the work folder's new files larger than {limit} bytes")]
    Full {
        /// The file that did not fit.
        path: RelPath,
        /// The limit.
        limit: u64,
    },
    /// The path is no checkout, nor in one.
    #[error("`{0}` is not in a checkout: check a repository out there with `git-clone` first")]
    NoCheckout(RelPath),
    /// Something is already where a checkout shall be.
    #[error("`{0}` exists and is not empty, so nothing can be checked out there")]
    Occupied(RelPath),
    /// The path is a checkout, or holds one, so it cannot be removed or replaced.
    #[error("`{0}` is a checkout or holds one, so it cannot be removed")]
    IsCheckout(RelPath),
    /// A new file lies outside of a sparse checkout.
    #[error("`{0}` lies outside of the sparse checkout, so it cannot be committed; add its folder to `sparse`")]
    OutsideCone(RelPath),
    /// A folder cannot be copied into itself.
    #[error("`{from}` cannot be copied into itself, to `{to}`")]
    IntoItself {
        /// What was to be copied.
        from: RelPath,
        /// Where to.
        to: RelPath,
    },
    /// A name that is not UTF-8.
    #[error("`{folder}` holds a file whose name is not UTF-8 (`{name}`), which cannot be copied")]
    NotText {
        /// The folder.
        folder: RelPath,
        /// The name, as far as it is text.
        name: String,
    },
    /// A pattern that cannot be read.
    #[error("pattern `{pattern}`: {why}")]
    Pattern {
        /// The pattern.
        pattern: String,
        /// What is wrong.
        why: String,
    },
    /// A sparse path that is none.
    #[error("sparse path `{path}`: {why}")]
    Sparse {
        /// The path.
        path: String,
        /// What is wrong.
        why: &'static str,
    },
    /// A commit needs a message.
    #[error("the commit message is empty")]
    NoMessage,
    /// A file outside of the work folder, where tools run, could not be read or written.
    #[error("{doing} `{path}`")]
    Io {
        /// What was tried.
        doing: &'static str,
        /// The path relative to the tool's folder.
        path: RelPath,
        /// The cause.
        #[source]
        err: std::io::Error,
    },
    /// The repository could not be read.
    #[error(transparent)]
    Git(#[from] GitError),
}

impl FolderError {
    /// What comes next.
    pub const fn next(&self) -> Next {
        match self {
            Self::Git(err) => err.next(),
            Self::Io { .. } => Next::Retry,
            _ => Next::Failed,
        }
    }
}
