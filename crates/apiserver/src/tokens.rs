//! The seam to who makes tokens of service accounts: TokenRequest and TokenReview stand on it.

use crate::identity::Identity;
use jiff::Timestamp;
use seaway_base::Secret;
use seaway_core::authorize::ServiceAccount;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

/// A token that is asked for; whoever asks may have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenAsk {
    /// Whose it is to be.
    pub account: ServiceAccount,
    /// The account's uid: the token ends with the account.
    pub uid: String,
    /// Whom it is for; none means this server.
    pub audiences: Vec<String>,
    /// How long it is to last.
    pub lasts: Duration,
    /// The object it ends with, if any.
    pub bound: Option<Bound>,
}

/// The object that a token ends with: a Secret of the account's namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bound {
    /// `v1`.
    pub api_version: String,
    /// `Secret`.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Its uid.
    pub uid: String,
}

/// A token that was made.
#[derive(Debug)]
pub struct Issued {
    /// The token.
    pub token: Secret<String>,
    /// When it ends; may be sooner than was asked for.
    pub expires_at: Timestamp,
    /// Whom it is for.
    pub audiences: Vec<String>,
}

/// A token that cannot be made, as the client shall read it.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct TokenRefused {
    /// Why.
    pub message: String,
}

/// An answer that may take a while.
pub type Later<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Makes and reads tokens of service accounts.
pub trait Tokens: Send + Sync + 'static {
    /// Makes one.
    ///
    /// # Errors
    /// [`TokenRefused`].
    fn issue(&self, ask: TokenAsk) -> Later<'_, Result<Issued, TokenRefused>>;

    /// Who comes by this token, which may be any that the port lets in; `None` if it is none, has ended, or is for none of these
    /// audiences (an empty list means this server).
    fn review(&self, token: &str, audiences: &[String]) -> Option<Identity>;
}
