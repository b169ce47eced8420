//! Whom a provider's claims make: a name, groups, and the claims that lead to service accounts.

use super::provider::{Discovered, Provider};
use super::{OidcError, Settings};
use crate::{Grant, Person};
use http::header::{ACCEPT, AUTHORIZATION};
use seaway_core::authorize::{Claims, oidc_group, oidc_user};
use serde_json::{Map, Value};

/// So many groups of one person are looked at.
const GROUPS_MAX: usize = 1000;
/// Everybody who is signed in is in it.
const EVERYBODY: &str = "system:authenticated";

/// Somebody whom the provider vouches for.
#[derive(Debug, Clone)]
pub struct Vouched {
    /// Who it is.
    pub person: Person,
    /// By what to ask the provider again, if it gave such a thing.
    pub grant: Option<Grant>,
}

impl Settings {
    /// The person of these claims.
    ///
    /// # Errors
    /// [`OidcError::Claim`]: the claim that should name them is missing, reserved, or an email address that is not verified.
    pub(super) fn person(&self, claims: &Map<String, Value>) -> Result<Person, OidcError> {
        let claim = &self.username_claim;
        if claim == "email" && unverified(claims) {
            return Err(OidcError::Claim("the email address is not verified there".to_owned()));
        }
        let value = claims.get(claim).and_then(Value::as_str);
        let value =
            value.ok_or_else(|| OidcError::Claim(format!("there is no claim `{claim}`, which `oidc.usernameClaim` asks for")))?;
        let username = oidc_user(value).map_err(|err| OidcError::Claim(err.to_string()))?;
        let listed: Vec<&str> = match claims.get(&self.groups_claim) {
            Some(Value::String(one)) => vec![one],
            Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).take(GROUPS_MAX).collect(),
            _ => Vec::new(),
        };
        // A group that begins with `system:` gives nothing; its member is somebody all the same.
        let mut groups: Vec<String> = listed.into_iter().filter_map(|group| oidc_group(group).ok()).collect();
        groups.push(EVERYBODY.to_owned());
        let shown =
            claims.get("name").and_then(Value::as_str).map(str::trim).filter(|name| !name.is_empty() && name.len() <= 256);
        Ok(Person {
            username,
            groups,
            claims: Some(Claims::of_token(&Value::Object(claims.clone()))),
            claim: claim.clone(),
            name: shown.unwrap_or(value).chars().filter(|c| !c.is_control()).collect(),
            scope: None,
        })
    }

    /// Whether a claim that we need is not there.
    fn lacks(&self, claims: &Map<String, Value>) -> bool {
        !claims.contains_key(&self.username_claim) || (!self.groups_claim.is_empty() && !claims.contains_key(&self.groups_claim))
    }
}

fn unverified(claims: &Map<String, Value>) -> bool {
    matches!(claims.get("email_verified"), Some(Value::Bool(false)))
        || claims.get("email_verified").is_some_and(|it| it == "false")
}

impl Provider {
    /// The claims with what stands only in the provider's userinfo, where it is needed and can be asked for.
    ///
    /// # Errors
    /// [`OidcError`]: it does not answer, or speaks of somebody else.
    pub(super) async fn completed(
        &self,
        settings: &Settings,
        claims: Map<String, Value>,
        access: Option<&str>,
    ) -> Result<Map<String, Value>, OidcError> {
        let Some(access) = access.filter(|_| settings.lacks(&claims)) else { return Ok(claims) };
        let known = self.discovered().await?;
        match self.userinfo(&known, access).await? {
            Some(more) => merged(claims, more),
            None => Ok(claims),
        }
    }

    /// What the provider's userinfo says; `None` where it has no such thing.
    pub(super) async fn userinfo(&self, known: &Discovered, access: &str) -> Result<Option<Map<String, Value>>, OidcError> {
        let Some(url) = known.metadata.userinfo_endpoint() else { return Ok(None) };
        let request = http::Request::get(url.as_str())
            .header(ACCEPT, "application/json")
            .header(AUTHORIZATION, format!("Bearer {access}"))
            .body(Vec::new())
            .map_err(|_| OidcError::Token("its access token is malformed".to_owned()))?;
        let answer = self.http().ask(request).await.map_err(|err| self.unavailable(err.to_string()))?;
        match answer.status().as_u16() {
            200 => {}
            400..=403 => return Err(OidcError::Denied("it does not tell who the access token is of".to_owned())),
            other => return Err(self.unavailable(format!("its userinfo answers {other}"))),
        }
        let read = serde_json::from_slice(answer.body());
        read.map(Some).map_err(|_| self.unavailable("its userinfo is no JSON object"))
    }
}

/// What the ID token says goes before userinfo; an email address is unverified if either says so.
pub(super) fn merged(mut claims: Map<String, Value>, more: Map<String, Value>) -> Result<Map<String, Value>, OidcError> {
    if claims.get("sub").and_then(Value::as_str).is_none() || claims.get("sub") != more.get("sub") {
        return Err(OidcError::Token("its userinfo is of somebody else".to_owned()));
    }
    if unverified(&more) {
        claims.insert("email_verified".to_owned(), Value::Bool(false));
    }
    for (claim, value) in more {
        claims.entry(claim).or_insert(value);
    }
    Ok(claims)
}
