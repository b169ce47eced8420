//! Logins at a registry: none, basic, or a bearer token got from the realm that the registry names.

use crate::{Credential, OciError};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use parking_lot::Mutex;
use reqwest::Url;
use reqwest::header::{HeaderMap, WWW_AUTHENTICATE};
use seaway_base::http::{HttpClient, read_bounded, shown};
use serde_json::Value;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// No answer of a token realm is longer.
const MAX_TOKEN_BYTES: usize = 256 << 10;
/// Scopes remembered per registry and credential.
const MAX_SCOPES: usize = 1024;
/// A token without a lifetime lives so long; by the specification.
const DEFAULT_LIFE: Duration = Duration::from_secs(60);
/// A token is renewed so long before its end.
const MARGIN: Duration = Duration::from_secs(10);

/// How a registry wants to be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Challenge {
    Basic,
    Bearer { realm: String, service: String },
}

impl Challenge {
    /// The challenge of an answer; a bearer token is preferred.
    pub(crate) fn read(headers: &HeaderMap) -> Option<Self> {
        let texts = headers.get_all(WWW_AUTHENTICATE).iter().filter_map(|value| value.to_str().ok());
        let mut all: Vec<Self> = texts.filter_map(Self::parse).collect();
        all.sort_by_key(|challenge| matches!(challenge, Self::Basic));
        all.into_iter().next()
    }

    fn parse(text: &str) -> Option<Self> {
        let (kind, rest) = text.trim().split_once(' ').unwrap_or((text.trim(), ""));
        if kind.eq_ignore_ascii_case("basic") {
            return Some(Self::Basic);
        }
        if !kind.eq_ignore_ascii_case("bearer") {
            return None;
        }
        let parameters = parameters(rest);
        let get = |name: &str| parameters.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
        Some(Self::Bearer { realm: get("realm")?, service: get("service").unwrap_or_default() })
    }
}

/// `a="x",b=y` as pairs; quoted values may hold commas.
fn parameters(text: &str) -> Vec<(String, String)> {
    let mut pairs = Vec::new();
    let mut rest = text.trim();
    while let Some((name, after)) = rest.split_once('=') {
        let (value, left) = match after.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
            None => after.split_once(',').map_or((after, ""), |(value, _)| (value, &after[value.len()..])),
        };
        pairs.push((name.trim().to_lowercase(), value.trim().to_owned()));
        rest = left.trim_start().trim_start_matches(',').trim_start();
    }
    pairs
}

#[derive(Debug, Clone)]
struct Token {
    text: String,
    good_until: Instant,
}

/// What is known about logging in with one credential at one registry.
#[derive(Debug, Default)]
pub(crate) struct Auth {
    challenge: Mutex<Option<Challenge>>,
    /// One lock a scope, so that one request at a time asks for its token and the others wait for it.
    tokens: Mutex<HashMap<String, Arc<tokio::sync::Mutex<Option<Token>>>>>,
}

/// Who asks, and for what.
pub(crate) struct Asking<'a> {
    pub(crate) http: &'a HttpClient,
    pub(crate) credential: Option<&'a Credential>,
    pub(crate) skip_tls_verify: bool,
    pub(crate) repository: &'a str,
    pub(crate) scope: &'a str,
    pub(crate) url: &'a Url,
}

impl Auth {
    /// The `Authorization` header for a request, as far as the registry has told us what it wants.
    pub(crate) async fn header(&self, asking: &Asking<'_>) -> Result<Option<String>, OciError> {
        let challenge = self.challenge.lock().clone();
        match (challenge, asking.credential) {
            (None, _) | (Some(Challenge::Basic), None) => Ok(None),
            (Some(Challenge::Basic), Some(credential)) => {
                asking.http.may_send_credentials(asking.url).map_err(OciError::refused(&asking.repository))?;
                Ok(Some(basic(credential)))
            }
            (Some(Challenge::Bearer { realm, service }), _) => {
                let token = self.token(asking, &realm, &service).await?;
                Ok(Some(format!("Bearer {token}")))
            }
        }
    }

    /// Learns from a 401: what the registry wants, and that `used` is no good any more. Is it worth another try?
    pub(crate) async fn learn(&self, challenge: Option<Challenge>, used: Option<&str>, scope: &str) -> bool {
        let Some(challenge) = challenge else { return false };
        let fresh = self.challenge.lock().replace(challenge.clone()).as_ref() != Some(&challenge);
        let Some(used) = used.and_then(|used| used.strip_prefix("Bearer ")) else { return fresh || used.is_none() };
        let slot = self.slot(scope);
        let mut token = slot.lock().await;
        if token.as_ref().is_some_and(|token| token.text == used) {
            *token = None;
        }
        true
    }

    fn slot(&self, scope: &str) -> Arc<tokio::sync::Mutex<Option<Token>>> {
        let mut tokens = self.tokens.lock();
        if tokens.len() >= MAX_SCOPES && !tokens.contains_key(scope) {
            tokens.clear();
        }
        Arc::clone(tokens.entry(scope.to_owned()).or_default())
    }

    async fn token(&self, asking: &Asking<'_>, realm: &str, service: &str) -> Result<String, OciError> {
        let slot = self.slot(asking.scope);
        let mut known = slot.lock().await;
        if let Some(token) = known.as_ref().filter(|token| token.good_until > Instant::now()) {
            return Ok(token.text.clone());
        }
        let token = fetch(asking, realm, service).await?;
        let text = token.text.clone();
        *known = Some(token);
        Ok(text)
    }
}

fn basic(credential: &Credential) -> String {
    format!("Basic {}", STANDARD.encode(format!("{}:{}", credential.username, credential.password.reveal())))
}

async fn fetch(asking: &Asking<'_>, realm: &str, service: &str) -> Result<Token, OciError> {
    let repository = asking.repository;
    let failed =
        |realm: &str, reason: String| OciError::Token { repository: repository.to_owned(), realm: realm.to_owned(), reason };
    let mut url = Url::parse(realm).map_err(|err| failed("its realm", err.to_string()))?;
    if !service.is_empty() {
        url.query_pairs_mut().append_pair("service", service);
    }
    url.query_pairs_mut().append_pair("scope", asking.scope);
    let method = reqwest::Method::GET;
    let mut request = asking.http.request(method, &url, asking.skip_tls_verify).map_err(OciError::refused(&repository))?;
    if let Some(credential) = asking.credential {
        asking.http.may_send_credentials(&url).map_err(OciError::refused(&repository))?;
        request = request.header(reqwest::header::AUTHORIZATION, basic(credential));
    }
    let response = asking.http.send(request).await.map_err(OciError::http(&repository))?;
    let status = response.status();
    if matches!(status.as_u16(), 401 | 403) {
        let had_credential = asking.credential.is_some();
        return Err(OciError::Unauthorized { repository: repository.to_owned(), had_credential });
    }
    if !status.is_success() {
        return Err(failed(&shown(&url), format!("it answered {}", status.as_u16())));
    }
    let bytes = read_bounded(response, MAX_TOKEN_BYTES).await.map_err(OciError::http(&repository))?;
    let json: Value = serde_json::from_slice(&bytes).map_err(|err| failed(&shown(&url), err.to_string()))?;
    let text = json["token"].as_str().or_else(|| json["access_token"].as_str()).filter(|text| !text.is_empty());
    let text = text.ok_or_else(|| failed(&shown(&url), "the answer holds no token".to_owned()))?.to_owned();
    let life = json["expires_in"].as_u64().map_or(DEFAULT_LIFE, Duration::from_secs).min(Duration::from_secs(24 * 3600));
    Ok(Token { text, good_until: Instant::now() + life.saturating_sub(MARGIN).max(MARGIN) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn challenges_are_read() {
        let bearer = |realm: &str, service: &str| Challenge::Bearer { realm: realm.to_owned(), service: service.to_owned() };
        let check = |text: &str, read: Option<Challenge>| assert_eq!(Challenge::parse(text), read, "{text}");
        check("Basic realm=\"x\"", Some(Challenge::Basic));
        check("basic", Some(Challenge::Basic));
        check("Bearer realm=\"https://a/t\",service=\"s\",scope=\"repository:a:pull,push\"", Some(bearer("https://a/t", "s")));
        check("bearer scope=\"a,b\", service=s, realm=\"https://a/t\"", Some(bearer("https://a/t", "s")));
        check("Bearer service=\"s\"", None);
        check("Negotiate", None);
    }
}
