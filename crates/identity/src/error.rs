//! Why something about identities cannot be done, and why somebody is not let in.

use crate::password::PasswordError;
use seaway_core::authorize::NameError;
use std::time::Duration;

/// Why it cannot be done.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// The control plane did not take or give it.
    #[error("{what}")]
    Kept {
        /// What was tried.
        what: String,
        /// The cause.
        #[source]
        err: Box<kube::Error>,
    },
    /// Somebody else wrote the same again and again.
    #[error("{what}: it is changed by somebody else all the time; try again")]
    Contended {
        /// What was tried.
        what: String,
    },
    /// The first look at what is kept took too long.
    #[error("read the identities: no answer within {seconds} s")]
    NotSynced {
        /// How long.
        seconds: u64,
    },
    /// The key of service-account tokens cannot be used.
    #[error(
        "the key of service-account tokens in Secret `seaway/{name}` cannot be used; delete it, and another is made at the next start"
    )]
    Key {
        /// Its Secret.
        name: String,
    },
    /// A name that cannot be.
    #[error(transparent)]
    Name(#[from] NameError),
    /// A password that cannot be.
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// There is one already.
    #[error("user `{name}` is there already; set their password instead")]
    Exists {
        /// The user.
        name: String,
    },
    /// No such thing.
    #[error("no {kind} `{name}`")]
    NoSuch {
        /// `user`, `token`, `session`.
        kind: &'static str,
        /// Its name.
        name: String,
    },
    /// More than are kept of one person.
    #[error("{username} has {n} tokens, and more are not kept; revoke one")]
    TooMany {
        /// Whose.
        username: String,
        /// How many.
        n: usize,
    },
    /// What was asked for is beyond what can be.
    #[error("{0}")]
    Refused(String),
    /// Everybody signs in at once.
    #[error("too many passwords are being checked; try again in a second")]
    Busy,
}

/// Why somebody is not let in.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// The name or the password is wrong; which, nobody is told.
    #[error("the user or the password is wrong")]
    Wrong,
    /// Too many wrong passwords, of this account or from this address.
    #[error("too many wrong passwords; try again in {} s", wait.as_secs().max(1))]
    TooMany {
        /// How long to wait.
        wait: Duration,
    },
    /// The link was good once.
    #[error("the link has expired: links are good for ten minutes")]
    LinkExpired,
    /// The link was used, or never made.
    #[error("the link was used already, or is none of ours: each signs in once")]
    LinkUsed,
    /// It could not be found out.
    #[error(transparent)]
    Failed(#[from] IdentityError),
}
