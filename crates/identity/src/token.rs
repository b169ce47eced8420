//! API tokens: shown once, kept by their hash, with a scope and an end.

use crate::Identities;
use crate::book::{Book, Entry, Owner, Record, Shelf};
use crate::error::IdentityError;
use crate::person::{Bound, Person, SignedIn, Via};
use crate::secrets::{digest, make, name_of, same};
use crate::session::later;
use crate::user::OIDC;
use jiff::Timestamp;
use seaway_base::Secret;
use seaway_core::authorize::{Scope, outside};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Where a token begins: people and scanners know it by that.
pub const PREFIX: &str = "seaway_";
/// Tokens one person may have.
const N_OF_ONE_MAX: usize = 100;
/// No token lasts longer.
const LASTS_MAX: Duration = Duration::from_secs(366 * 24 * 3600);
/// Nor one of somebody whom an identity provider vouches for: it is not asked about tokens again.
const LASTS_MAX_OIDC: Duration = Duration::from_secs(30 * 24 * 3600);
/// Bytes of a token's name.
const NAME_MAX: usize = 100;
/// Projects or verbs in one scope.
const SCOPE_MAX: usize = 100;

#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Token {
    hash: String,
    name: String,
    person: Person,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    owner: Option<Owner>,
    /// The Secret's name of the token, or of the session of a link, that made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    maker: Option<String>,
    created_at: Timestamp,
    pub(crate) expires_at: Timestamp,
    /// As of the last write; memory knows better.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) used_at: Option<Timestamp>,
}

impl Record for Token {
    const WORD: &'static str = "token";
    fn shelf(book: &mut Book) -> &mut Shelf<Self> {
        &mut book.tokens
    }
    fn of(&self) -> &str {
        &self.person.username
    }
    fn owner(&self) -> Option<&Owner> {
        self.owner.as_ref()
    }
    fn maker(&self) -> Option<&str> {
        self.maker.as_deref()
    }
}

impl Token {
    /// The same, used at this instant.
    pub(crate) fn used(&self, used_at: Timestamp) -> Self {
        Self { used_at: Some(used_at), ..self.clone() }
    }
}

/// A token, without what is secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenRow {
    /// Which one.
    pub id: String,
    /// What it was called.
    pub name: String,
    /// Whose: `user:bob`.
    pub username: String,
    /// What it is narrowed to; `None` is all that is its owner's.
    pub scope: Option<Scope>,
    /// Since when.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
    /// When it was last used, to the hour.
    pub used_at: Option<Timestamp>,
}

/// The name of a token's Secret.
pub(crate) fn key(id: &str) -> String {
    format!("token-{id}")
}

fn row(name: &str, entry: &Entry<Token>) -> TokenRow {
    let token = &entry.record;
    TokenRow {
        id: name.trim_start_matches("token-").to_owned(),
        name: token.name.clone(),
        username: token.person.username.clone(),
        scope: token.person.scope.clone(),
        created_at: token.created_at,
        expires_at: token.expires_at,
        used_at: entry.used_at.or(token.used_at),
    }
}

impl Identities {
    /// Whose API token it is; from memory.
    pub(crate) fn api_token(&self, token: &str) -> Option<SignedIn> {
        let digest = digest(token);
        let id = name_of(&digest);
        let now = self.kept().now();
        let mut book = self.kept().write();
        let entry = book.tokens.get_mut(&key(&id)).filter(|entry| same(&entry.record.hash, &digest))?;
        if now >= entry.record.expires_at {
            return None;
        }
        entry.used_at = Some(now);
        let (token, ended) = (entry.record.clone(), entry.ended());
        let person = book.present(&token.person, token.owner.as_ref());
        Some(SignedIn { person, via: Via::Token, expires_at: token.expires_at, id, ended, is_bound: true })
    }

    /// Makes a token for a person; what it may do is theirs and the scope's. The token itself is told this once.
    ///
    /// # Errors
    /// The name or the scope cannot be, the person comes by a scoped token themselves, or has too many tokens.
    pub async fn make_token(
        &self,
        person: &Person,
        name: &str,
        scope: Option<Scope>,
        lasts: Duration,
    ) -> Result<(Secret<String>, TokenRow), IdentityError> {
        self.make_token_within(person, name, scope, lasts, None).await
    }

    /// The same; it ends with what made it, at the latest.
    ///
    /// # Errors
    /// As [`Identities::make_token`].
    pub async fn make_token_within(
        &self,
        person: &Person,
        name: &str,
        scope: Option<Scope>,
        lasts: Duration,
        bound: Option<Bound>,
    ) -> Result<(Secret<String>, TokenRow), IdentityError> {
        outside("token", name)?;
        let refused = |why: String| Err(IdentityError::Refused(why));
        if name.len() > NAME_MAX {
            return refused(format!("a token's name has {NAME_MAX} bytes at the most"));
        }
        if person.scope.as_ref().is_some_and(|scope| !scope.is_everything()) {
            return refused("a token with a scope makes no tokens: sign in, or use one without".to_owned());
        }
        if scope.as_ref().is_some_and(|scope| scope.projects.len().max(scope.verbs.len()) > SCOPE_MAX) {
            return refused(format!("a scope names {SCOPE_MAX} projects and verbs at the most"));
        }
        if lasts.is_zero() {
            return refused("a token that ends at once is of no use: let it last longer".to_owned());
        }
        let n = self.tokens(Some(&person.username)).len();
        if n >= N_OF_ONE_MAX {
            return Err(IdentityError::TooMany { username: person.username.clone(), n });
        }
        let secret = make(PREFIX);
        let (hash, now) = (digest(secret.reveal()), self.kept().now());
        let id = name_of(&hash);
        let owner = self.kept().read().owner_of(person)?;
        let scope = scope.filter(|scope| !scope.is_everything());
        let max = if person.username.starts_with(OIDC) { LASTS_MAX_OIDC } else { LASTS_MAX };
        let (until, maker) = bound.map(|Bound { until, maker }| (until, maker)).unzip();
        let token = Token {
            hash,
            name: name.to_owned(),
            person: Person { scope: scope.clone(), ..person.clone() },
            owner,
            maker: maker.flatten(),
            created_at: now,
            expires_at: until.unwrap_or(Timestamp::MAX).min(later(now, lasts.min(max))),
            used_at: None,
        };
        let (name, username) = (name.to_owned(), person.username.clone());
        let row =
            TokenRow { id: id.clone(), name, username, scope, created_at: now, expires_at: token.expires_at, used_at: None };
        self.kept().create(&key(&id), token).await?;
        Ok((secret, row))
    }

    /// The tokens, of one person or of all, the newest first.
    pub fn tokens(&self, of: Option<&str>) -> Vec<TokenRow> {
        let book = self.kept().read();
        let of_them = book.tokens.iter().filter(|(_, entry)| of.is_none_or(|of| entry.record.person.username == of));
        let mut rows: Vec<_> = of_them.map(|(name, entry)| row(name, entry)).collect();
        rows.sort_by(|a, b| b.created_at.cmp(&a.created_at).then_with(|| a.id.cmp(&b.id)));
        rows
    }

    /// Ends a token; `false` if there is none.
    ///
    /// # Errors
    /// The control plane did not take it.
    pub async fn revoke_token(&self, id: &str) -> Result<bool, IdentityError> {
        let uid = self.kept().read().tokens.get(&key(id)).map(|entry| entry.uid.clone());
        match uid {
            Some(uid) => self.kept().remove::<Token>(&key(id), &uid).await,
            None => Ok(false),
        }
    }
}
