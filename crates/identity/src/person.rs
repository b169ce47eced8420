//! Who somebody is, how they came in, and until when that counts.

use jiff::Timestamp;
use seaway_base::Secret;
use seaway_core::authorize::{Claims, Scope};
use serde::{Deserialize, Serialize};
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
    /// Turns true, or loses its sender, when the session or token ends for whatever reason: streams end with it.
    pub ended: watch::Receiver<bool>,
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
}

/// A link that signs in once.
#[derive(Debug, Clone)]
pub struct NewLink {
    /// What stands in the URL's fragment.
    pub secret: Secret<String>,
    /// Until when it is good.
    pub expires_at: Timestamp,
}
