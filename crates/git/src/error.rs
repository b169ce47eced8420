//! What can go wrong between us and a git server, each with what comes next.

use gix::ObjectId;
use seaway_base::Next;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Why a request had no usable answer. It never holds a URL or a credential.
#[derive(Debug, Clone, thiserror::Error)]
pub enum TransportError {
    /// No connection came about.
    #[error("connect to `{host}`: {why}; check the address, and that its server runs")]
    Connect {
        /// Host and port.
        host: String,
        /// The cause.
        why: String,
    },
    /// The server took a request and then was silent, or took too long in all.
    #[error("the server at `{host}` {what} within {after:?}: it hangs or is overloaded")]
    Timeout {
        /// Host and port.
        host: String,
        /// What it did not do: `sent nothing`, `was not done`.
        what: &'static str,
        /// The limit that was met.
        after: Duration,
    },
    /// The egress policy, or the rule for credentials, refused.
    #[error("{0}")]
    Refused(String),
    /// The connection broke.
    #[error("the connection to `{host}` broke: {why}")]
    Cut {
        /// Host and port.
        host: String,
        /// The cause.
        why: String,
    },
    /// The answer is larger than allowed.
    #[error("the answer of `{host}` is larger than {limit} bytes")]
    TooLarge {
        /// Host and port.
        host: String,
        /// The limit, in bytes.
        limit: u64,
    },
}

impl TransportError {
    /// What comes next.
    pub const fn next(&self) -> Next {
        match self {
            Self::Connect { .. } | Self::Timeout { .. } | Self::Cut { .. } => Next::Retry,
            Self::Refused(_) | Self::TooLarge { .. } => Next::Blocked,
        }
    }
}

/// Why a mirror could not do what it was asked.
#[derive(Debug, Clone, thiserror::Error)]
pub enum GitError {
    /// The URL is none that we speak.
    #[error("repository `{repo}`: {why}")]
    Url {
        /// The repository, without credentials.
        repo: String,
        /// Why not.
        why: String,
    },
    /// The request had no usable answer.
    #[error("{doing} `{repo}`")]
    Transport {
        /// What was tried.
        doing: &'static str,
        /// The repository, without credentials.
        repo: String,
        /// The cause.
        #[source]
        err: TransportError,
    },
    /// The server wants another credential.
    #[error("{doing} `{repo}`: the server answers {status}: {}", if *had_credential { "it refuses the credential; check user name, password and their rights" } else { "it wants a credential and none is configured for this URL; add a Secret labelled `kargo.akuity.io/cred-type: git` with its `repoURL`, `username` and `password`" })]
    Unauthorized {
        /// What was tried.
        doing: &'static str,
        /// The repository, without credentials.
        repo: String,
        /// 401 or 403.
        status: u16,
        /// Whether one was sent.
        had_credential: bool,
    },
    /// There is no such repository for this credential.
    #[error("{doing} `{repo}`: there is no such repository, or the credential may not see it")]
    NotFound {
        /// What was tried.
        doing: &'static str,
        /// The repository, without credentials.
        repo: String,
    },
    /// Another status than 200.
    #[error("{doing} `{repo}`: the server answers {status}{}", if message.is_empty() { String::new() } else { format!(": {message}") })]
    Status {
        /// What was tried.
        doing: &'static str,
        /// The repository, without credentials.
        repo: String,
        /// The status.
        status: u16,
        /// The first line of its body, cut.
        message: String,
    },
    /// The server answered, but not as the protocol says.
    #[error("{doing} `{repo}`: the server does not answer as a git server does: {why}")]
    Protocol {
        /// What was tried.
        doing: &'static str,
        /// The repository, without credentials.
        repo: String,
        /// What was wrong.
        why: String,
    },
    /// The server's own error message.
    #[error("{doing} `{repo}`: the server says: {message}")]
    Remote {
        /// What was tried.
        doing: &'static str,
        /// The repository, without credentials.
        repo: String,
        /// What it says.
        message: String,
    },
    /// There is no such branch.
    #[error("branch `{branch}` of `{repo}` does not exist: push it, or name another")]
    NoBranch {
        /// The repository.
        repo: String,
        /// The branch.
        branch: String,
    },
    /// There is no such tag.
    #[error("tag `{tag}` of `{repo}` does not exist: push it, or name another")]
    NoTag {
        /// The repository.
        repo: String,
        /// The tag.
        tag: String,
    },
    /// No branch or tag of the repository reaches that commit.
    #[error("commit `{commit}` is not in `{repo}`: no branch or tag that the credential sees reaches it")]
    NoCommit {
        /// The repository.
        repo: String,
        /// The commit as written.
        commit: String,
    },
    /// The default branch is asked for and there is none.
    #[error("`{repo}` has no default branch: it is empty, or its HEAD names a branch that does not exist")]
    NoDefault {
        /// The repository.
        repo: String,
    },
    /// The name cannot be a branch or tag.
    #[error("`{name}` is not a name that git takes for a branch or tag of `{repo}`")]
    BadName {
        /// The repository.
        repo: String,
        /// The name.
        name: String,
    },
    /// An object that must be in the mirror is missing or damaged: fetch again, or start the run over.
    #[error("object `{id}` of the mirror of `{repo}` is missing or damaged ({why}); the next fetch rebuilds the mirror")]
    DiskGone {
        /// The repository.
        repo: String,
        /// The object.
        id: ObjectId,
        /// What was seen.
        why: String,
    },
    /// Folders in folders without end: nobody makes such a repository by accident.
    #[error("`{repo}` holds folders nested deeper than {limit} levels")]
    TooDeep {
        /// The repository.
        repo: String,
        /// The limit.
        limit: usize,
    },
    /// A file is too large to be copied into another repository.
    #[error("file `{id}` of `{repo}` has {size} bytes; one of more than {limit} is not copied to another repository")]
    TooLarge {
        /// The repository.
        repo: String,
        /// The file's object.
        id: ObjectId,
        /// Its size.
        size: u64,
        /// The limit.
        limit: u64,
    },
    /// A file of the mirror could not be read or written.
    #[error("{doing} `{}`", path.display())]
    Io {
        /// What was tried.
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        err: Arc<std::io::Error>,
    },
    /// The git command refused a pack, or failed otherwise.
    #[error("{doing} `{repo}`: git: {message}")]
    Tool {
        /// What was tried.
        doing: &'static str,
        /// The repository.
        repo: String,
        /// The end of what it printed.
        message: String,
    },
    /// Our own fault.
    #[error("bug: {0}")]
    Bug(String),
}

impl GitError {
    pub(crate) fn io(doing: &'static str, path: &Path, err: std::io::Error) -> Self {
        Self::Io { doing, path: path.to_owned(), err: Arc::new(err) }
    }

    /// What comes next.
    pub const fn next(&self) -> Next {
        match self {
            Self::Transport { err, .. } => err.next(),
            Self::Status { status, .. } if *status >= 500 || *status == 429 || *status == 408 => Next::Retry,
            Self::DiskGone { .. } | Self::Io { .. } | Self::Tool { .. } | Self::Remote { .. } => Next::Retry,
            Self::Url { .. }
            | Self::Unauthorized { .. }
            | Self::NotFound { .. }
            | Self::Status { .. }
            | Self::Protocol { .. }
            | Self::NoBranch { .. }
            | Self::NoTag { .. }
            | Self::NoCommit { .. }
            | Self::NoDefault { .. }
            | Self::TooDeep { .. }
            | Self::TooLarge { .. }
            | Self::BadName { .. } => Next::Blocked,
            Self::Bug(_) => Next::Bug,
        }
    }

    /// Its word in the catalogue of reasons.
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Transport { err: TransportError::Refused(_), .. } => "EgressRefused",
            Self::Transport { err: TransportError::TooLarge { .. }, .. } | Self::TooLarge { .. } | Self::TooDeep { .. } => {
                "LimitExceeded"
            }
            Self::Transport { .. } | Self::Status { .. } | Self::Protocol { .. } | Self::Remote { .. } => "Unreachable",
            Self::Unauthorized { .. } => "NotAuthenticated",
            Self::NotFound { .. } => "RepositoryMissing",
            Self::NoBranch { .. } | Self::NoTag { .. } | Self::NoCommit { .. } | Self::NoDefault { .. } => "ReferenceMissing",
            Self::Url { .. } | Self::BadName { .. } => "InvalidSpec",
            Self::DiskGone { .. } | Self::Io { .. } | Self::Tool { .. } => "Disk",
            Self::Bug(_) => "Bug",
        }
    }

    /// Must the mirror be rebuilt before its objects can be trusted again?
    pub const fn is_disk_gone(&self) -> bool {
        matches!(self, Self::DiskGone { .. })
    }
}
