//! Sessions of browsers: a cookie's hash, whose it is, and until when.

use crate::Identities;
use crate::attempts::Pass;
use crate::book::{Book, Owner, Record, Shelf};
use crate::error::{IdentityError, SignInError};
use crate::person::{NewSession, Person, SignedIn, Via};
use crate::secrets::{digest, make, name_of, same};
use jiff::{SignedDuration, Timestamp};
use seaway_base::Secret;
use serde::{Deserialize, Serialize, Serializer};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

/// Sessions one person may have; the one that rested longest gives way.
const N_OF_ONE_MAX: usize = 64;

#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Session {
    hash: String,
    person: Person,
    via: Via,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    owner: Option<Owner>,
    created_at: Timestamp,
    /// As of the last write; memory knows better.
    pub(crate) used_at: Timestamp,
    pub(crate) expires_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    from: Option<IpAddr>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    grant: Option<Grant>,
    /// It came by a link that ends then; so does all that it makes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    until: Option<Timestamp>,
    /// The Secret's name of the session or token whose link it came by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    maker: Option<String>,
}

impl Record for Session {
    const WORD: &'static str = "session";
    fn shelf(book: &mut Book) -> &mut Shelf<Self> {
        &mut book.sessions
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
    fn vouched(&self) -> Option<&Person> {
        Some(&self.person)
    }
}

impl Session {
    /// Neither too old nor too long at rest. Memory knows of later use than what was written.
    pub(crate) fn is_good(&self, used_at: Option<Timestamp>, now: Timestamp, idle: Duration) -> bool {
        now < self.expires_at && now < later(self.last_use(used_at), idle)
    }

    /// The same, used at this instant.
    pub(crate) fn used(&self, used_at: Timestamp) -> Self {
        Self { used_at, ..self.clone() }
    }

    fn last_use(&self, used_at: Option<Timestamp>) -> Timestamp {
        used_at.map_or(self.used_at, |used_at| used_at.max(self.used_at))
    }
}

/// What an identity provider gave with a session, so that it can be asked again.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Grant {
    /// Who it is to the provider.
    pub subject: String,
    /// The refresh token.
    #[serde(serialize_with = "sealed")]
    pub refresh: Secret<String>,
    /// When the provider last vouched for them.
    pub checked_at: Timestamp,
}

/// Into the record, which is sealed; nothing else serialises a grant.
fn sealed<S: Serializer>(secret: &Secret<String>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(secret.reveal())
}

/// A session that is to be opened.
#[derive(Debug, Clone)]
pub struct Opening {
    person: Person,
    via: Via,
    from: Option<IpAddr>,
    grant: Option<Grant>,
    lasts: Option<Duration>,
    until: Option<Timestamp>,
    maker: Option<String>,
}

impl Opening {
    /// Of somebody who came in this way.
    pub const fn new(person: Person, via: Via) -> Self {
        Self { person, via, from: None, grant: None, lasts: None, until: None, maker: None }
    }

    /// From this address.
    #[must_use]
    pub fn from(self, address: IpAddr) -> Self {
        Self { from: Some(address), ..self }
    }

    /// With what the identity provider gave.
    #[must_use]
    pub fn grant(self, grant: Grant) -> Self {
        Self { grant: Some(grant), ..self }
    }

    /// It lasts no longer than this.
    #[must_use]
    pub fn at_most(self, lasts: Duration) -> Self {
        Self { lasts: Some(lasts), ..self }
    }

    /// It ends by then, and with the maker of its link.
    pub(crate) fn made_by(self, until: Option<Timestamp>, maker: Option<String>) -> Self {
        Self { until, maker, ..self }
    }
}

/// A session, without what is secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionRow {
    /// Which one.
    pub id: String,
    /// Whose: `user:bob`.
    pub username: String,
    /// Whose, as people are shown it.
    pub name: String,
    /// How they came in.
    pub via: Via,
    /// Since when.
    pub created_at: Timestamp,
    /// When it was last used.
    pub used_at: Timestamp,
    /// When it ends at the latest.
    pub expires_at: Timestamp,
    /// Where from, if that is known.
    pub from: Option<IpAddr>,
}

/// The name of a session's Secret.
pub(crate) fn key(id: &str) -> String {
    format!("session-{id}")
}

pub(crate) fn later(now: Timestamp, by: Duration) -> Timestamp {
    now.saturating_add(SignedDuration::try_from(by).unwrap_or(SignedDuration::MAX)).unwrap_or(Timestamp::MAX)
}

impl Identities {
    /// Whose session it is; from memory.
    pub fn session(&self, cookie: &str) -> Option<SignedIn> {
        let digest = digest(cookie);
        let id = name_of(&digest);
        let (now, idle) = (self.kept().now(), self.settings().session_idle);
        let mut book = self.kept().write();
        let entry = book.sessions.get_mut(&key(&id)).filter(|entry| same(&entry.record.hash, &digest))?;
        if !entry.record.is_good(entry.used_at, now, idle) {
            return None;
        }
        entry.used_at = Some(now);
        let (session, ended) = (entry.record.clone(), entry.ended());
        let origin = book.origin(Arc::clone(&session));
        let person = book.present(&origin.person, session.owner.as_ref());
        let is_bound = session.until.is_some();
        Some(SignedIn { person, via: session.via, expires_at: session.expires_at, id, ended, is_bound })
    }

    /// Opens a session.
    ///
    /// # Errors
    /// It cannot be kept.
    pub async fn open_session(&self, opening: Opening) -> Result<NewSession, IdentityError> {
        let owner = self.kept().read().owner_of(&opening.person)?;
        self.open(opening, owner).await
    }

    /// Opens a session that ends with its owner as they were when they were checked.
    pub(crate) async fn open(&self, opening: Opening, owner: Option<Owner>) -> Result<NewSession, IdentityError> {
        let Opening { person, via, from, grant, lasts, until, maker } = opening;
        self.make_room(&person.username).await?;
        let cookie = make("");
        let (hash, now) = (digest(cookie.reveal()), self.kept().now());
        let max = self.settings().session_max;
        let expires_at = until.unwrap_or(Timestamp::MAX).min(later(now, lasts.map_or(max, |lasts| lasts.min(max))));
        let id = name_of(&hash);
        let username = person.username.clone();
        let session = Session { hash, person, via, owner, created_at: now, used_at: now, expires_at, from, grant, until, maker };
        self.kept().create(&key(&id), session).await?;
        Ok(NewSession { cookie, expires_at, id, username })
    }

    /// Does this session end with that one, which its link came from?
    pub fn ends_with(&self, id: &str, other: &str) -> bool {
        let book = self.kept().read();
        let maker = |name: &String| book.sessions.get(name)?.record.maker.clone();
        let mut makers = std::iter::successors(maker(&key(id)), maker).take(N_OF_ONE_MAX);
        makers.any(|maker| maker == key(other))
    }

    async fn make_room(&self, username: &str) -> Result<(), IdentityError> {
        let mut own = self.sessions();
        own.retain(|row| row.username == username);
        own.sort_by_key(|row| row.used_at);
        let n_over = (own.len() + 1).saturating_sub(N_OF_ONE_MAX);
        for row in own.into_iter().take(n_over) {
            self.end_session(&row.id).await?;
        }
        Ok(())
    }

    /// Ends a session; `false` if there is none.
    ///
    /// # Errors
    /// The control plane did not take it.
    pub async fn end_session(&self, id: &str) -> Result<bool, IdentityError> {
        let uid = self.kept().read().sessions.get(&key(id)).map(|entry| entry.uid.clone());
        match uid {
            Some(uid) => self.kept().remove::<Session>(&key(id), &uid).await,
            None => Ok(false),
        }
    }

    /// The sessions that are open, the newest first.
    pub fn sessions(&self) -> Vec<SessionRow> {
        let book = self.kept().read();
        let row = |(name, entry): (&String, &crate::book::Entry<Session>)| {
            let session = &entry.record;
            SessionRow {
                id: name.trim_start_matches("session-").to_owned(),
                username: session.person.username.clone(),
                name: session.person.name.clone(),
                via: session.via,
                created_at: session.created_at,
                used_at: session.last_use(entry.used_at),
                expires_at: session.expires_at,
                from: session.from,
            }
        };
        let mut rows: Vec<_> = book.sessions.iter().map(row).collect();
        rows.sort_by(|a, b| b.created_at.cmp(&a.created_at).then_with(|| a.id.cmp(&b.id)));
        rows
    }

    /// The open sessions that an identity provider may be asked about again.
    pub fn grants(&self) -> Vec<(String, Person, Grant)> {
        let book = self.kept().read();
        let granted = book.sessions.iter().filter_map(|(name, entry)| {
            let grant = entry.record.grant.clone()?;
            Some((name.trim_start_matches("session-").to_owned(), entry.record.person.clone(), grant))
        });
        granted.collect()
    }

    /// Keeps what the provider says now; the cookie and the end stay. `false` if the session is over.
    ///
    /// # Errors
    /// The control plane did not take it.
    pub async fn regrant(&self, id: &str, person: Person, grant: Grant) -> Result<bool, IdentityError> {
        let with = |session: &Session| Some(Session { person: person.clone(), grant: Some(grant.clone()), ..session.clone() });
        self.kept().change(&key(id), with).await
    }

    /// Signs a local user in by their password.
    ///
    /// # Errors
    /// [`SignInError::Wrong`] without telling what, [`SignInError::TooMany`] after too many of them.
    pub async fn sign_in(&self, name: &str, password: &Secret<String>, from: IpAddr) -> Result<NewSession, SignInError> {
        let (person, owner) = self.prove(name, password, from).await?;
        Ok(self.open(Opening::new(person, Via::Password).from(from), Some(owner)).await?)
    }

    /// Whether it is the user's password; it counts as an attempt.
    ///
    /// # Errors
    /// As [`Identities::sign_in`].
    pub async fn check_password(&self, name: &str, password: &Secret<String>, from: IpAddr) -> Result<(), SignInError> {
        self.prove(name, password, from).await.map(drop)
    }

    async fn prove(&self, name: &str, password: &Secret<String>, from: IpAddr) -> Result<(Person, Owner), SignInError> {
        self.may_try(name, from)?;
        let turn = self.passwords().turn().await?;
        // While it waited, others may have failed.
        let pass = self.may_try(name, from)?;
        let (local, hash) = {
            let book = self.kept().read();
            (book.local(name), book.users.get(&crate::user::key(name)).map(|entry| entry.record.hash.clone()))
        };
        let is_right = self.passwords().is(turn, password, hash).await?;
        match local.filter(|_| is_right) {
            Some(found) => {
                self.succeeded(name, from).await?;
                Ok(found)
            }
            None => {
                self.failed(name, from, pass).await?;
                Err(match pass {
                    Pass::Open => SignInError::Wrong,
                    Pass::Known { wait } => SignInError::TooMany { wait },
                })
            }
        }
    }
}
