//! The identity provider, as the settings name it.

use crate::config::Config;
use crate::exit::Failure;
use seaway_base::http::HttpClient;
use seaway_base::{Secret, SharedClock};
use seaway_identity::Identities;
use seaway_identity::oidc::{Oidc, Settings};
use std::sync::Arc;
use tokio::task::AbortHandle;
use url::Url;

/// The provider, if the settings name one; it is not asked yet, so that it may be down.
///
/// # Errors
/// A setting cannot be used, or the secret's file cannot be read.
pub(super) fn open(config: &Config, url: &str, http: HttpClient, clock: &SharedClock) -> Result<Option<Oidc>, Failure> {
    let Some(issuer) = config.text("oidc.issuer") else { return Ok(None) };
    let text = |name: &str| config.text(name).unwrap_or_default().to_owned();
    let failed = |err: &dyn std::fmt::Display| Failure::new(format!("{err}"), "`seaway config` shows who set it");
    let host = || Url::parse(issuer).ok().and_then(|url| url.host_str().map(str::to_owned));
    let settings = Settings {
        issuer: issuer.to_owned(),
        client_id: text("oidc.clientID"),
        client_secret: config.text("oidc.clientSecretFile").map(secret).transpose()?,
        scopes: config.list("oidc.scopes"),
        username_claim: text("oidc.usernameClaim"),
        groups_claim: text("oidc.groupsClaim"),
        cli_client_id: config.text("oidc.cliClientID").map(str::to_owned),
        name: config.text("oidc.name").map(str::to_owned).or_else(host).unwrap_or_default(),
        lifetime: config.duration("oidc.lifetime"),
        redirect: Url::parse(&format!("{url}{}", seaway_server::oidc::CALLBACK)).map_err(|err| failed(&err))?,
    };
    Oidc::new(settings, http, Arc::clone(clock)).map(Some).map_err(|err| failed(&err))
}

fn secret(path: &str) -> Result<Secret<String>, Failure> {
    // Not closed to others as our own files are: it may be mounted, and somebody else's to keep.
    let text = std::fs::read_to_string(path);
    let text = text.map_err(|err| Failure::io(format!("read `oidc.clientSecretFile` `{path}`"), &err))?;
    match text.trim() {
        "" => Err(Failure::new(format!("`oidc.clientSecretFile` `{path}` is empty"), "put the client's secret there")),
        secret => Ok(Secret::new(secret.to_owned())),
    }
}

/// Asks the provider about those who are signed in, until it is aborted.
pub(super) fn recheck(config: &Config, oidc: Option<&Oidc>, identities: &Identities) -> Option<AbortHandle> {
    let every = config.duration("oidc.recheck");
    let oidc = oidc.filter(|_| !every.is_zero())?.clone();
    Some(tokio::spawn(oidc.recheck(identities.clone(), every)).abort_handle())
}
