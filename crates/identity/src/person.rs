//! Who somebody is, how they came in, and until when that counts.

use crate::{session, token};
use jiff::Timestamp;
use seaway_base::Secret;
use seaway_core::authorize::{Claims, Scope};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;
use tokio::sync::watch;

/// Somebody whose identity was proven.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Person {
    /// `user:bob`, `oidc:carl@example.com`, `system:serviceaccount:bank:ci`, or `admin`, who comes with the data folder's token.
    pub username: String,
    /// The groups, `system:authenticated` among them.
    pub groups: Vec<String>,
    /// What an identity provider claims of them; policy maps it to service accounts at each decision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claims: Option<Claims>,
    /// The claim that the name came from; empty for everybody else.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub claim: String,
    /// The name that people are shown: `bob`.
    pub name: String,
    /// What narrows their rights; `None` is all that is theirs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<Scope>,
}

/// Claims of one ID token alone: each has others, and they say nothing of the person.
const OF_ONE_TOKEN: [&str; 7] = ["jti", "at_hash", "c_hash", "nonce", "sid", "session_state", "uti"];

impl Person {
    /// Do groups and claims lead both to the same rights?
    pub(crate) fn may_the_same(&self, other: &Self) -> bool {
        let groups = |person: &Self| person.groups.iter().cloned().collect::<BTreeSet<_>>();
        let claims = |person: &Self| {
            let mut claims = serde_json::to_value(&person.claims).unwrap_or_default();
            if let Some(claims) = claims.as_object_mut() {
                claims.retain(|claim, _| !OF_ONE_TOKEN.contains(&claim.as_str()));
            }
            claims
        };
        self.username == other.username
            && self.claim == other.claim
            && self.scope == other.scope
            && groups(self) == groups(other)
            && claims(self) == claims(other)
    }
}

/// How somebody came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Via {
    /// By a local user's password.
    Password,
    /// By a one-time link.
    Link,
    /// An identity provider vouches for them.
    Oidc,
    /// By an API token.
    Token,
    /// As a service account, by its token.
    Account,
}

impl fmt::Display for Via {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Password => "password",
            Self::Link => "link",
            Self::Oidc => "oidc",
            Self::Token => "token",
            Self::Account => "account",
        })
    }
}

/// A session or token that is good at present.
#[derive(Debug, Clone)]
pub struct SignedIn {
    /// Whose it is.
    pub person: Person,
    /// How they came in.
    pub via: Via,
    /// When it ends at the latest.
    pub expires_at: Timestamp,
    /// Which session or token it is; no secret.
    pub id: String,
    /// Turns true, or loses its sender, when the session or token ends for whatever reason or its person has other groups: streams end
    /// with it.
    pub ended: watch::Receiver<bool>,
    /// It came of a token, or by the link of another session: all that it makes ends with it.
    pub(crate) is_bound: bool,
}

/// What something that was made ends with.
#[derive(Debug, Clone)]
pub struct Bound {
    /// When it ends at the latest.
    pub(crate) until: Timestamp,
    /// The name of its maker's Secret; tokens of service accounts are not kept.
    pub(crate) maker: Option<String>,
}

impl SignedIn {
    /// What a link ends with that this session or token makes, and the session that the link opens.
    pub fn bound(&self) -> Bound {
        let maker = match self.via {
            Via::Account => None,
            Via::Token => Some(token::key(&self.id)),
            Via::Password | Via::Link | Via::Oidc => Some(session::key(&self.id)),
        };
        Bound { until: self.expires_at, maker }
    }

    /// What a token ends with that this session or token makes. A session that somebody signed in to themselves makes tokens that
    /// outlast it: `None`.
    pub fn bound_of_tokens(&self) -> Option<Bound> {
        self.is_bound.then(|| self.bound())
    }
}

/// A session that was just opened.
#[derive(Debug, Clone)]
pub struct NewSession {
    /// What the browser keeps.
    pub cookie: Secret<String>,
    /// When it ends at the latest.
    pub expires_at: Timestamp,
    /// Which one it is; no secret.
    pub id: String,
    /// Whose it is: `user:bob`.
    pub username: String,
}

/// A link that signs in once.
#[derive(Debug, Clone)]
pub struct NewLink {
    /// What stands in the URL's fragment.
    pub secret: Secret<String>,
    /// Until when it is good.
    pub expires_at: Timestamp,
}
