//! The page's sign-in: a code flow with PKCE, bound to the browser that began it.

use super::person::{Vouched, merged};
use super::provider::Discovered;
use super::sealed::Pending;
use super::verify::Expected;
use super::{Oidc, OidcError};
use crate::Grant;
use openidconnect::core::{CoreAuthenticationFlow, CoreTokenResponse};
use openidconnect::{
    AuthorizationCode, CsrfToken, Nonce, OAuth2TokenResponse as _, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl,
    RefreshToken, Scope,
};
use seaway_base::Secret;
use serde::Deserialize;
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};
use std::borrow::Cow;
use url::Url;

/// A sign-in must have ended by then, in seconds.
pub(super) const PENDING: i64 = 600;
/// An ID token that the CLI brings is no older, in seconds.
const BROUGHT: i64 = 600;
/// No place to go to after a sign-in is longer.
const TO_MAX: usize = 2048;
/// No parameter of an answer is longer.
const PARAMETER_MAX: usize = 4096;

/// A sign-in that has begun.
#[derive(Debug)]
pub struct Begun {
    /// Where the browser goes.
    pub location: Url,
    /// What it keeps until it comes back, for ten minutes.
    pub cookie: Secret<String>,
    /// Seconds for which the cookie is of use.
    pub seconds: i64,
}

/// What the provider sends the browser back with.
#[derive(Debug, Default, Deserialize)]
pub struct Answer {
    code: Option<Secret<String>>,
    state: Option<String>,
    iss: Option<String>,
    error: Option<String>,
}

/// A sign-in that has ended well.
#[derive(Debug)]
pub struct Finished {
    /// Whom the provider vouches for.
    pub vouched: Vouched,
    /// Where the browser goes: a path of this page.
    pub to: String,
}

impl Answer {
    /// The code, if the answer belongs to the sign-in and to this issuer (RFC 9207) and is no refusal.
    ///
    /// # Errors
    /// [`OidcError`].
    pub(super) fn code_of(self, known: &Discovered, same_state: impl Fn(&str) -> bool) -> Result<Secret<String>, OidcError> {
        if !same_state(self.state.as_deref().unwrap_or_default()) {
            return Err(OidcError::State("its state is another"));
        }
        let required = known.metadata.additional_metadata().authorization_response_iss_parameter_supported;
        match self.iss {
            Some(issuer) if issuer != known.metadata.issuer().as_str() => {
                return Err(OidcError::Token("the answer is of another issuer".to_owned()));
            }
            None if required => return Err(OidcError::Token("the answer does not say which issuer it is of".to_owned())),
            _ => {}
        }
        if let Some(error) = self.error {
            return Err(denied(&error));
        }
        let code = self.code.filter(|code| !code.reveal().is_empty() && code.reveal().len() <= PARAMETER_MAX);
        code.ok_or_else(|| OidcError::Token("the answer brings no code".to_owned()))
    }
}

impl Oidc {
    /// Begins a sign-in that shall lead `to` a path of this page.
    ///
    /// # Errors
    /// [`OidcError::To`], [`OidcError::Unavailable`].
    pub async fn begin(&self, to: &str) -> Result<Begun, OidcError> {
        let to = own_path(to).ok_or(OidcError::To)?;
        let known = self.0.provider.discovered().await?;
        let client = known.client(&self.0.settings.client_id, None).set_redirect_uri(self.redirect());
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let mut request =
            client.authorize_url(CoreAuthenticationFlow::AuthorizationCode, CsrfToken::new_random, Nonce::new_random);
        for scope in self.0.settings.scopes.iter().filter(|scope| *scope != "openid") {
            request = request.add_scope(Scope::new(scope.clone()));
        }
        let (location, state, nonce) = request.set_pkce_challenge(challenge).url();
        let pending = Pending {
            state: state.into_secret(),
            nonce: nonce.secret().clone(),
            verifier: verifier.into_secret(),
            to,
            until: self.0.clock.now().as_second() + PENDING,
        };
        let cookie = self.0.sealing.seal(&pending).ok_or(OidcError::To)?;
        Ok(Begun { location, cookie, seconds: PENDING })
    }

    /// Ends a sign-in: the browser came back with `answer`, and brings the cookie that it was given.
    ///
    /// # Errors
    /// [`OidcError`]; whichever it is, the cookie is of no use any more.
    pub async fn finish(&self, cookie: Option<&str>, answer: Answer) -> Result<Finished, OidcError> {
        let pending = cookie.ok_or(OidcError::State("it has no cookie of one"))?;
        let pending = self.0.sealing.open(pending).ok_or(OidcError::State("its cookie is not of this server"))?;
        if self.0.clock.now().as_second() >= pending.until {
            return Err(OidcError::State("it was begun more than ten minutes ago"));
        }
        let known = self.0.provider.discovered().await?;
        let code = answer.code_of(&known, |state| Sha256::digest(state) == Sha256::digest(&pending.state))?;
        let settings = &self.0.settings;
        let client = known.client(&settings.client_id, settings.client_secret.as_ref());
        let request = client
            .exchange_code(AuthorizationCode::new(code.reveal().clone()))
            .set_pkce_verifier(PkceCodeVerifier::new(pending.verifier))
            .set_redirect_uri(Cow::Owned(self.redirect()));
        let tokens = request.request_async(self.0.provider.http()).await.map_err(|err| self.0.provider.of_token_endpoint(err))?;
        let vouched = self.vouched(&tokens, &settings.client_id, Some(&pending.nonce)).await?;
        let to = own_path(&pending.to).ok_or(OidcError::To)?;
        Ok(Finished { vouched, to })
    }

    /// Whom an ID token names that `seaway login` brings; the access token beside it lets us ask for what the ID token does not say.
    ///
    /// # Errors
    /// [`OidcError`].
    pub async fn brought(&self, id_token: &Secret<String>, access: Option<&Secret<String>>) -> Result<Vouched, OidcError> {
        let access = access.map(|token| token.reveal().as_str());
        let expected = Expected { client: self.0.settings.cli_client(), nonce: None, access, age_max: Some(BROUGHT) };
        let (provider, settings) = (&self.0.provider, &self.0.settings);
        let claims = provider.verified(id_token.reveal(), self.0.clock.now(), expected).await?;
        let claims = provider.completed(settings, claims, access).await?;
        Ok(Vouched { person: settings.person(&claims)?, grant: None })
    }

    /// Asks the provider whether it still vouches for somebody who is signed in.
    ///
    /// # Errors
    /// [`OidcError::Unavailable`] says nothing about them; every other error says that the provider does not.
    pub async fn again(&self, grant: &Grant) -> Result<Vouched, OidcError> {
        let (provider, settings) = (&self.0.provider, &self.0.settings);
        let known = provider.discovered().await?;
        let client = known.client(&settings.client_id, settings.client_secret.as_ref());
        let refresh = RefreshToken::new(grant.refresh.reveal().clone());
        let tokens = client.exchange_refresh_token(&refresh).request_async(provider.http()).await;
        let tokens = tokens.map_err(|err| self.0.provider.of_token_endpoint(err))?;
        let access = tokens.access_token().secret();
        let claims = match raw_id_token(&tokens) {
            Some(token) => {
                let expected = Expected { client: &settings.client_id, nonce: None, access: Some(access), age_max: None };
                let claims = provider.verified(&token, self.0.clock.now(), expected).await?;
                provider.completed(settings, claims, Some(access)).await?
            }
            None => {
                let subject = Map::from_iter([("sub".to_owned(), Value::from(grant.subject.clone()))]);
                let more = provider.userinfo(&known, access).await?;
                merged(subject, more.ok_or_else(|| provider.unavailable("it says nothing of who is refreshed"))?)?
            }
        };
        if claims.get("sub").and_then(Value::as_str) != Some(&grant.subject) {
            return Err(OidcError::Token("it refreshed somebody else".to_owned()));
        }
        let refresh = tokens.refresh_token().map_or_else(|| grant.refresh.clone(), |token| Secret::new(token.secret().clone()));
        let grant = Grant { subject: grant.subject.clone(), refresh, checked_at: self.0.clock.now() };
        Ok(Vouched { person: settings.person(&claims)?, grant: Some(grant) })
    }

    async fn vouched(&self, tokens: &CoreTokenResponse, client: &str, nonce: Option<&str>) -> Result<Vouched, OidcError> {
        let (provider, settings) = (&self.0.provider, &self.0.settings);
        let token = raw_id_token(tokens).ok_or_else(|| OidcError::Token("it gave no ID token".to_owned()))?;
        let access = tokens.access_token().secret();
        let expected = Expected { client, nonce, access: Some(access), age_max: None };
        let claims = provider.verified(&token, self.0.clock.now(), expected).await?;
        let claims = provider.completed(settings, claims, Some(access)).await?;
        let person = settings.person(&claims)?;
        let subject = claims.get("sub").and_then(Value::as_str).unwrap_or_default().to_owned();
        let grant = tokens.refresh_token().map(|refresh| {
            let refresh = Secret::new(refresh.secret().clone());
            Grant { subject, refresh, checked_at: self.0.clock.now() }
        });
        Ok(Vouched { person, grant })
    }

    fn redirect(&self) -> RedirectUrl {
        RedirectUrl::from_url(self.0.settings.redirect.clone())
    }
}

fn raw_id_token(tokens: &CoreTokenResponse) -> Option<String> {
    tokens.extra_fields().id_token().map(ToString::to_string)
}

/// The provider's word for its refusal, if it is a word: it comes by way of the URL.
pub(super) fn denied(error: &str) -> OidcError {
    let word = error.len() <= 64 && error.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    OidcError::Denied(if word { error.to_owned() } else { "for no reason that can be shown".to_owned() })
}

/// The path as a browser will understand it, if it stays on this page's own site.
pub(super) fn own_path(to: &str) -> Option<String> {
    if !to.starts_with('/') || to.len() > TO_MAX || to.chars().any(|c| c == '\\' || c.is_control()) {
        return None;
    }
    let base = Url::parse("https://seaway.invalid/").ok()?;
    let url = base.join(to).ok()?;
    let path = &url[url::Position::BeforePath..];
    (url.origin() == base.origin() && url.username().is_empty() && !path.starts_with("//")).then(|| path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(to: &str, leads: Option<&str>) {
        assert_eq!(own_path(to).as_deref(), leads, "{to:?}");
    }

    #[test]
    fn after_a_sign_in_one_stays_here() {
        check("/", Some("/"));
        check("/p/bank?stage=qa#why", Some("/p/bank?stage=qa#why"));
        check("/p/../p/ä", Some("/p/%C3%A4"));
        for elsewhere in [
            "",
            "p/bank",
            "//evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "/.//evil.example",
            "/x/..//evil.example",
            "/\t/evil.example",
            "/\n/evil.example",
            "https://evil.example",
            "javascript:alert(1)",
            " /",
            "/p\u{0}",
        ] {
            check(elsewhere, None);
        }
        check(&format!("/{}", "a".repeat(TO_MAX)), None);
    }

    #[test]
    fn a_refusal_in_the_url_is_shown_only_if_it_is_a_word() {
        assert_eq!(denied("access_denied"), OidcError::Denied("access_denied".to_owned()));
        assert_eq!(denied("<b>"), OidcError::Denied("for no reason that can be shown".to_owned()));
    }
}
