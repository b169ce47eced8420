//! What can go wrong at a registry, and what to do about it.

use seaway_base::Next;
use seaway_base::http::{HttpError, Refused};
use std::time::Duration;

/// Why a registry did not give what was asked for.
#[derive(Debug, thiserror::Error)]
pub enum OciError {
    /// Not the name of a repository.
    #[error("`{text}` is no image repository: {reason}")]
    Name {
        /// As it was written.
        text: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Not a platform.
    #[error("`{text}` is no platform: write it as os/arch or os/arch/variant")]
    Platform {
        /// As it was written.
        text: String,
    },
    /// The registry could not be asked.
    #[error("`{repository}` cannot be read: {source}")]
    Http {
        /// The repository.
        repository: String,
        /// The cause.
        source: HttpError,
    },
    /// The registry wants a login that it did not get, or did not accept.
    #[error("`{repository}`: {}", if *had_credential { "the registry refused the credential: check its user and password" } else { "the registry asks for a login: add a credential for it" })]
    Unauthorized {
        /// The repository.
        repository: String,
        /// Was a credential sent?
        had_credential: bool,
    },
    /// The login is good, but not for this.
    #[error("`{repository}`: the registry denies access: check that the repository exists and that the credential may {action}")]
    Denied {
        /// The repository.
        repository: String,
        /// What was wanted.
        action: &'static str,
    },
    /// No such repository.
    #[error("`{repository}` does not exist at its registry: check the name, or push a first image")]
    NoRepository {
        /// The repository.
        repository: String,
    },
    /// No such tag or digest.
    #[error("`{reference}` does not exist in `{repository}`: it was deleted or never pushed")]
    NoImage {
        /// The repository.
        repository: String,
        /// The tag or digest.
        reference: String,
    },
    /// Too many requests.
    #[error("the registry of `{repository}` asks us to wait{}", after(*retry_after))]
    RateLimited {
        /// The repository.
        repository: String,
        /// How long, if it said so.
        retry_after: Option<Duration>,
    },
    /// A token was needed and did not come.
    #[error("no token for `{repository}` from `{realm}`: {reason}")]
    Token {
        /// The repository.
        repository: String,
        /// Where it was asked for.
        realm: String,
        /// What came instead.
        reason: String,
    },
    /// The registry's answer makes no sense.
    #[error("`{repository}`: the registry's {what} cannot be used: {reason}")]
    Invalid {
        /// The repository.
        repository: String,
        /// What was read.
        what: String,
        /// What is wrong with it.
        reason: String,
    },
    /// An HTTP status that nothing prepared us for.
    #[error("`{repository}`: the registry answered {status}{}", if message.is_empty() { String::new() } else { format!(": {message}") })]
    Status {
        /// The repository.
        repository: String,
        /// The HTTP status.
        status: u16,
        /// What it said.
        message: String,
    },
}

fn after(wait: Option<Duration>) -> String {
    wait.map_or_else(String::new, |wait| format!(" for {} s", wait.as_secs()))
}

impl OciError {
    /// What should happen next.
    pub const fn next(&self) -> Next {
        match self {
            Self::Http { source, .. } => source.next(),
            Self::RateLimited { .. } | Self::Token { .. } => Next::Retry,
            Self::Status { status, .. } if *status >= 500 => Next::Retry,
            // An image may be pushed at any moment; a poll finds it.
            Self::NoRepository { .. } | Self::NoImage { .. } => Next::Retry,
            _ => Next::Blocked,
        }
    }

    /// How long the registry asked us to wait, if it did.
    pub const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::RateLimited { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    pub(crate) fn http(repository: &impl ToString) -> impl FnOnce(HttpError) -> Self {
        let repository = repository.to_string();
        move |source| Self::Http { repository, source }
    }

    pub(crate) fn refused(repository: &impl ToString) -> impl FnOnce(Refused) -> Self {
        let repository = repository.to_string();
        move |refused| Self::Http { repository, source: refused.into() }
    }

    pub(crate) fn invalid(repository: &impl ToString, what: impl Into<String>, reason: impl ToString) -> Self {
        Self::Invalid { repository: repository.to_string(), what: what.into(), reason: reason.to_string() }
    }
}
