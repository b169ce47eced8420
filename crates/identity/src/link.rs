//! One-time links: who has one signs in as whoever made it, once, within ten minutes.

use crate::Identities;
use crate::book::{Book, Owner, Record, Shelf};
use crate::error::{IdentityError, SignInError};
use crate::person::{Bound, NewLink, NewSession, Person, Via};
use crate::secrets::{digest, make, name_of, same};
use crate::session::{Opening, later};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// Links of one person that are good at one time; the oldest gives way.
const N_OF_ONE_MAX: usize = 16;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Link {
    hash: String,
    person: Person,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    owner: Option<Owner>,
    pub(crate) expires_at: Timestamp,
    /// No session by it lasts longer than what it was made with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    until: Option<Timestamp>,
    /// The Secret's name of the session or token that made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    maker: Option<String>,
}

impl Record for Link {
    const WORD: &'static str = "link";
    fn shelf(book: &mut Book) -> &mut Shelf<Self> {
        &mut book.links
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

fn key(digest: &str) -> String {
    format!("link-{}", name_of(digest))
}

impl Identities {
    /// Makes a link that signs `person` in once. It and the session that it opens end with what made it; `None` is nothing that ends.
    ///
    /// # Errors
    /// It cannot be kept.
    pub async fn make_link(&self, person: &Person, bound: Option<Bound>) -> Result<NewLink, IdentityError> {
        self.make_room_for_link(&person.username).await?;
        let secret = make("");
        let hash = digest(secret.reveal());
        let expires_at = later(self.kept().now(), self.settings().link);
        let owner = self.kept().read().owner_of(person)?;
        let name = key(&hash);
        let (until, maker) = bound.map(|Bound { until, maker }| (until, maker)).unzip();
        let link = Link { hash, person: person.clone(), owner, expires_at, until, maker: maker.flatten() };
        self.kept().create(&name, link).await?;
        Ok(NewLink { secret, expires_at })
    }

    async fn make_room_for_link(&self, username: &str) -> Result<(), IdentityError> {
        let mut own: Vec<(Timestamp, String, String)> = {
            let book = self.kept().read();
            let own = book.links.iter().filter(|(_, entry)| entry.record.person.username == username);
            own.map(|(name, entry)| (entry.record.expires_at, name.clone(), entry.uid.clone())).collect()
        };
        own.sort();
        let n_over = (own.len() + 1).saturating_sub(N_OF_ONE_MAX);
        for (_, name, uid) in own.into_iter().take(n_over) {
            self.kept().remove::<Link>(&name, &uid).await?;
        }
        Ok(())
    }

    /// Signs in by a link, and uses it up: of two who have it, one comes in.
    ///
    /// # Errors
    /// [`SignInError::LinkUsed`], [`SignInError::LinkExpired`].
    pub async fn sign_in_by_link(&self, secret: &str, from: IpAddr) -> Result<NewSession, SignInError> {
        let (digest, now) = (digest(secret), self.kept().now());
        let name = key(&digest);
        let (uid, link) = {
            let book = self.kept().read();
            let entry = book.links.get(&name).filter(|entry| same(&entry.record.hash, &digest)).ok_or(SignInError::LinkUsed)?;
            (entry.uid.clone(), entry.record.clone())
        };
        if now >= link.expires_at {
            return Err(SignInError::LinkExpired);
        }
        // Used up before the session is opened: a crash between the two costs a link, never a second session.
        if !self.kept().remove::<Link>(&name, &uid).await? {
            return Err(SignInError::LinkUsed);
        }
        let opening = Opening::new(link.person.clone(), Via::Link).from(from).made_by(link.until, link.maker.clone());
        Ok(self.open(opening, link.owner.clone()).await?)
    }
}
