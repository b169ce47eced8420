//! Who is who: local users, sessions, one-time links, API tokens and service-account tokens.
//!
//! Everything is kept as Secrets in namespace `seaway`, labelled `seaway.dev/identity`, so that it is sealed and backed up with the rest
//! and `kubectl delete secret` ends what it names. Passwords are kept as argon2id writes them, everything else by the SHA-256 of 256
//! random bits. A watch follows the Secrets; who somebody is, is answered from memory.

mod account;
mod attempts;
mod book;
mod care;
mod error;
mod kept;
mod link;
pub mod oidc;
mod password;
mod person;
mod secrets;
mod session;
mod settings;
mod token;
mod user;

pub use account::{AccountToken, ISSUER};
pub use error::{IdentityError, SignInError};
pub use password::PasswordError;
pub use person::{Bound, NewLink, NewSession, Person, SignedIn, Via};
pub use session::{Grant, Opening, SessionRow};
pub use settings::Settings;
pub use token::{PREFIX, TokenRow};
pub use user::UserRow;

use crate::account::Accounts;
use crate::kept::Kept;
use crate::password::Passwords;
use kube::Client;
use seaway_base::{Random, SharedClock};
use std::sync::Arc;
use tokio::task::AbortHandle;

/// Everybody who can come in, and how. Clones are one; what it does by itself stops with the last of them.
#[derive(Clone)]
pub struct Identities(Arc<Inner>);

struct Inner {
    kept: Arc<Kept>,
    passwords: Passwords,
    accounts: Arc<Accounts>,
    settings: Settings,
    random: Random,
    _tasks: Tasks,
}

/// What goes on by itself, until this is dropped.
struct Tasks(Vec<AbortHandle>);

impl Drop for Tasks {
    fn drop(&mut self) {
        self.0.iter().for_each(AbortHandle::abort);
    }
}

impl std::fmt::Debug for Identities {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Identities")
    }
}

impl Identities {
    /// Reads what is kept, waits until all of it was seen, and follows it from then on. The namespace `seaway` must be there.
    ///
    /// # Errors
    /// It could not be read in time, or the key of service-account tokens cannot be used.
    pub async fn start(client: Client, clock: SharedClock, random: Random, settings: Settings) -> Result<Self, IdentityError> {
        let kept = Arc::new(Kept::new(client, clock));
        let follows = [
            tokio::spawn(Arc::clone(&kept).follow_secrets()).abort_handle(),
            tokio::spawn(Arc::clone(&kept).follow_accounts()).abort_handle(),
        ];
        let mut tasks = Tasks(follows.into());
        kept.synced().await?;
        let accounts = Arc::new(Accounts::open(&kept).await?);
        let passwords = Passwords::new().await?;
        let ends = care::end_what_is_over(Arc::clone(&kept), Arc::clone(&accounts), settings.clone());
        tasks.0.push(tokio::spawn(ends).abort_handle());
        tasks.0.push(tokio::spawn(care::sweep_always(Arc::clone(&kept), settings.clone())).abort_handle());
        Ok(Self(Arc::new(Inner { kept, passwords, accounts, settings, random, _tasks: tasks })))
    }

    /// Whose token it is: an API token, or a service account's for this server. From memory.
    pub fn bearer(&self, token: &str) -> Option<SignedIn> {
        if token.starts_with(PREFIX) { self.api_token(token) } else { self.review(token, &[]) }
    }

    fn kept(&self) -> &Kept {
        &self.0.kept
    }

    fn passwords(&self) -> &Passwords {
        &self.0.passwords
    }

    fn accounts(&self) -> &Accounts {
        &self.0.accounts
    }

    fn settings(&self) -> &Settings {
        &self.0.settings
    }

    fn random(&self) -> &Random {
        &self.0.random
    }
}
