//! What an administrator sets about the provider.

use super::OidcError;
use openidconnect::IssuerUrl;
use seaway_base::Secret;
use seaway_base::http::HttpClient;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use url::Url;

/// The provider and what it knows us as.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Its issuer URL, exactly as its tokens say it.
    pub issuer: String,
    /// The page's client there.
    pub client_id: String,
    /// The page's client's secret; without one it is a public client.
    pub client_secret: Option<Secret<String>>,
    /// What is asked for; `openid` always is.
    pub scopes: Vec<String>,
    /// The claim that names a person.
    pub username_claim: String,
    /// The claim that lists their groups; empty for none.
    pub groups_claim: String,
    /// The client of `seaway login`, a public one; else the page's.
    pub cli_client_id: Option<String>,
    /// What people call the provider.
    pub name: String,
    /// How long a session or token lives at most.
    pub lifetime: Duration,
    /// Where the provider sends browsers back to.
    pub redirect: Url,
}

/// What anybody may know of it: `seaway login` begins with this.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Public {
    /// What people call the provider.
    pub name: String,
    /// Its issuer URL.
    pub issuer: String,
    /// The CLI's client there.
    pub client_id: String,
    /// What to ask for.
    pub scopes: Vec<String>,
}

impl Settings {
    /// The client that ID tokens of `seaway login` are for.
    pub(super) fn cli_client(&self) -> &str {
        self.cli_client_id.as_deref().unwrap_or(&self.client_id)
    }

    pub(super) fn public(&self) -> Public {
        Public {
            name: self.name.clone(),
            issuer: self.issuer.clone(),
            client_id: self.cli_client().to_owned(),
            scopes: self.scopes.clone(),
        }
    }

    /// Looks whether they can be used, without asking anybody.
    pub(super) fn check(&self, http: &HttpClient) -> Result<IssuerUrl, OidcError> {
        let bad = |setting, reason: &str| OidcError::Setting { setting, reason: reason.to_owned() };
        if self.client_id.trim().is_empty() {
            return Err(bad("oidc.clientID", "it must be the name that the provider knows Seaway by"));
        }
        if self.username_claim.trim().is_empty() {
            return Err(bad("oidc.usernameClaim", "it must be a claim, such as email or sub"));
        }
        issuer(&self.issuer, http)
    }
}

/// An issuer that may be asked: over TLS, or on this machine.
pub(super) fn issuer(text: &str, http: &HttpClient) -> Result<IssuerUrl, OidcError> {
    let bad = |reason: String| OidcError::Setting { setting: "oidc.issuer", reason };
    let url =
        IssuerUrl::new(text.to_owned()).map_err(|_| bad(format!("`{text}` is no URL; it is like https://login.example.com")))?;
    if url.url().query().is_some() || url.url().fragment().is_some() {
        return Err(bad("an issuer's URL has neither query nor fragment".to_owned()));
    }
    http.check(url.url()).and_then(|()| http.may_send_credentials(url.url())).map_err(|refused| bad(refused.to_string()))?;
    Ok(url)
}
