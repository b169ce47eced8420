//! Why a look failed, subscription by subscription: what, where, what to do.

use crate::credentials::CredentialError;
use seaway_base::http::HttpError;
use seaway_base::{Next, chain};
use seaway_core::Reason;
use seaway_core::discovery::DiscoveryError;
use seaway_git::{GitError, TransportError};
use seaway_oci::OciError;
use std::fmt;
use std::time::Duration;

/// What went wrong with one subscription.
#[derive(Debug, thiserror::Error)]
pub(super) enum Cause {
    #[error(transparent)]
    Subscription(#[from] DiscoveryError),
    #[error(transparent)]
    Credential(#[from] CredentialError),
    #[error(transparent)]
    Registry(#[from] OciError),
    #[error(transparent)]
    Git(#[from] GitError),
    #[error("`{repository}` was not read within {after:?}: its registry hangs or is overloaded; it is asked again")]
    Hangs { repository: String, after: Duration },
    #[error("the subscription cannot be read: write one of `git` and `image` with its `repoURL`")]
    Unreadable,
}

impl Cause {
    const fn next(&self) -> Next {
        match self {
            Self::Subscription(_) | Self::Unreadable => Next::Blocked,
            Self::Credential(err) => err.next(),
            Self::Registry(err) => err.next(),
            Self::Git(err) => err.next(),
            Self::Hangs { .. } => Next::Retry,
        }
    }

    fn reason(&self) -> Reason {
        match self {
            Self::Subscription(DiscoveryError::Expression { .. }) => Reason::ExpressionFailed,
            Self::Subscription(_) | Self::Unreadable => Reason::InvalidSpec,
            Self::Credential(err) => Reason::parse(err.reason()).unwrap_or(Reason::DiscoveryFailed),
            Self::Registry(err) => of_registry(err),
            Self::Git(err) => of_git(err),
            Self::Hangs { .. } => Reason::Unreachable,
        }
    }
}

const fn of_registry(err: &OciError) -> Reason {
    match err {
        OciError::Http { source: HttpError::Refused(_), .. } => Reason::EgressRefused,
        OciError::Http { .. } | OciError::RateLimited { .. } | OciError::Token { .. } => Reason::Unreachable,
        OciError::Unauthorized { .. } | OciError::Denied { .. } => Reason::NotAuthenticated,
        OciError::NoRepository { .. } => Reason::RepositoryMissing,
        OciError::NoImage { .. } => Reason::ReferenceMissing,
        OciError::Name { .. } | OciError::Platform { .. } => Reason::InvalidSpec,
        OciError::Invalid { .. } | OciError::Status { .. } => Reason::DiscoveryFailed,
    }
}

const fn of_git(err: &GitError) -> Reason {
    match err {
        GitError::Transport { err: TransportError::Refused(_), .. } => Reason::EgressRefused,
        GitError::Transport { .. } => Reason::Unreachable,
        GitError::Unauthorized { .. } => Reason::NotAuthenticated,
        GitError::NotFound { .. } => Reason::RepositoryMissing,
        GitError::NoBranch { .. } | GitError::NoTag { .. } | GitError::NoCommit { .. } | GitError::NoDefault { .. } => {
            Reason::ReferenceMissing
        }
        GitError::Url { .. } | GitError::BadName { .. } => Reason::InvalidSpec,
        GitError::Bug(_) => Reason::Bug,
        _ => Reason::DiscoveryFailed,
    }
}

/// One subscription that could not be looked at.
#[derive(Debug)]
pub(super) struct Problem {
    /// Its place in `spec.subscriptions`.
    pub(super) at: usize,
    /// Why.
    pub(super) cause: Cause,
}

/// A look that failed: no freight is made of what the other subscriptions found.
#[derive(Debug)]
pub(super) struct LookError {
    /// Never empty.
    pub(super) problems: Vec<Problem>,
}

impl fmt::Display for LookError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, problem) in self.problems.iter().enumerate() {
            let gap = if n == 0 { "" } else { "; " };
            write!(f, "{gap}spec.subscriptions[{}]: {}", problem.at, chain(&problem.cause))?;
        }
        Ok(())
    }
}

impl LookError {
    /// The most hopeful of what comes next: as long as one may mend itself it is worth another try.
    pub(super) fn next(&self) -> Next {
        let all = || self.problems.iter().map(|it| it.cause.next());
        let has = |wanted| all().any(|it| it == wanted);
        if has(Next::Bug) {
            Next::Bug
        } else if has(Next::Retry) {
            Next::Retry
        } else {
            Next::Blocked
        }
    }

    /// The catalogue's word for the first that stands in the way for good, else for the first.
    pub(super) fn reason(&self) -> Reason {
        let lasting = self.problems.iter().find(|it| it.cause.next() != Next::Retry);
        lasting.or(self.problems.first()).map_or(Reason::DiscoveryFailed, |it| it.cause.reason())
    }

    /// How long the servers asked us to stay away.
    pub(super) fn retry_after(&self) -> Option<Duration> {
        let asked = self.problems.iter().filter_map(|it| match &it.cause {
            Cause::Registry(err) => err.retry_after(),
            _ => None,
        });
        asked.max()
    }
}
