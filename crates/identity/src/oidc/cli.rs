//! The side of `seaway login`: it gets an ID token from the provider by the device flow, or by a callback on this machine.

use super::flow::denied;
use super::provider::{Client, Discovered, Provider};
use super::settings::issuer;
use super::verify::Expected;
use super::{Answer, OidcError, Public};
use openidconnect::core::{CoreAuthenticationFlow, CoreDeviceAuthorizationResponse, CoreTokenResponse};
use openidconnect::{
    AuthorizationCode, CsrfToken, DeviceCodeErrorResponseType, Nonce, OAuth2TokenResponse as _, PkceCodeChallenge,
    PkceCodeVerifier, RedirectUrl, RequestTokenError, Scope,
};
use seaway_base::http::HttpClient;
use seaway_base::{Secret, SharedClock};
use sha2::{Digest as _, Sha256};
use std::sync::Arc;
use url::Url;

/// What the provider gave, for Seaway to look at.
#[derive(Debug, Clone)]
pub struct Issued {
    /// Who it is.
    pub id_token: Secret<String>,
    /// By what more can be asked of them.
    pub access_token: Secret<String>,
}

/// The provider as `seaway login` sees it.
pub struct LoginClient {
    public: Public,
    provider: Provider,
    known: Arc<Discovered>,
    clock: SharedClock,
}

/// A device flow (RFC 8628) that waits for a person.
#[derive(Debug)]
pub struct DeviceLogin(CoreDeviceAuthorizationResponse);

/// A code flow that waits for the browser to come to a port of ours.
pub struct LoopbackLogin {
    /// Where the browser goes first.
    pub url: Url,
    redirect: RedirectUrl,
    state: CsrfToken,
    nonce: Nonce,
    verifier: PkceCodeVerifier,
}

impl DeviceLogin {
    /// What a person types there.
    pub fn user_code(&self) -> &str {
        self.0.user_code().secret()
    }

    /// Where they type it.
    pub fn address(&self) -> &str {
        self.0.verification_uri().as_str()
    }

    /// The address that has the code in it already.
    pub fn whole_address(&self) -> Option<&str> {
        self.0.verification_uri_complete().map(|uri| uri.secret().as_str())
    }
}

impl LoginClient {
    /// Asks the provider for its addresses.
    ///
    /// # Errors
    /// [`OidcError`].
    pub async fn new(public: Public, http: HttpClient, clock: SharedClock) -> Result<Self, OidcError> {
        let issuer = issuer(&public.issuer, &http)?;
        let provider = Provider::new(public.name.clone(), issuer, http, Arc::clone(&clock));
        let known = provider.discovered().await?;
        Ok(Self { public, provider, known, clock })
    }

    /// Begins the device flow; `None` where the provider has none.
    ///
    /// # Errors
    /// [`OidcError`].
    pub async fn device(&self) -> Result<Option<DeviceLogin>, OidcError> {
        let Some(url) = self.known.metadata.additional_metadata().device_authorization_endpoint.clone() else { return Ok(None) };
        let client = self.client().set_device_authorization_url(url);
        let mut request = client.exchange_device_code();
        for scope in self.scopes() {
            request = request.add_scope(scope);
        }
        let begun = request.request_async(self.provider.http()).await;
        begun.map(|details| Some(DeviceLogin(details))).map_err(|err| match err {
            RequestTokenError::ServerResponse(answer) => denied(answer.error().as_ref()),
            RequestTokenError::Request(err) => self.provider.unavailable(err.to_string()),
            _ => self.provider.unavailable("its answer to a device cannot be read"),
        })
    }

    /// Waits until the person has said yes.
    ///
    /// # Errors
    /// [`OidcError`]: no, or not in time.
    pub async fn device_done(&self, login: &DeviceLogin) -> Result<Issued, OidcError> {
        let client = self.client();
        let request = client.exchange_device_access_token(&login.0);
        let tokens = request.request_async(self.provider.http(), tokio::time::sleep, None).await;
        let tokens = tokens.map_err(|err| match err {
            RequestTokenError::ServerResponse(answer) => match answer.error() {
                DeviceCodeErrorResponseType::ExpiredToken => OidcError::State("the code was not typed in time"),
                other => denied(other.as_ref()),
            },
            RequestTokenError::Request(err) => self.provider.unavailable(err.to_string()),
            _ => self.provider.unavailable("its answer to a device cannot be read"),
        })?;
        self.issued(&tokens, None).await
    }

    /// Begins a code flow that ends at `redirect`, a port of this machine.
    pub fn loopback(&self, redirect: Url) -> LoopbackLogin {
        let redirect = RedirectUrl::from_url(redirect);
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let client = self.client().set_redirect_uri(redirect.clone());
        let mut request =
            client.authorize_url(CoreAuthenticationFlow::AuthorizationCode, CsrfToken::new_random, Nonce::new_random);
        for scope in self.scopes() {
            request = request.add_scope(scope);
        }
        let (url, state, nonce) = request.set_pkce_challenge(challenge).url();
        LoopbackLogin { url, redirect, state, nonce, verifier }
    }

    /// Ends it with what the browser brought.
    ///
    /// # Errors
    /// [`OidcError`].
    pub async fn loopback_done(&self, login: LoopbackLogin, answer: Answer) -> Result<Issued, OidcError> {
        let code = answer.code_of(&self.known, |state| Sha256::digest(state) == Sha256::digest(login.state.secret()))?;
        let client = self.client().set_redirect_uri(login.redirect);
        let request = client.exchange_code(AuthorizationCode::new(code.reveal().clone())).set_pkce_verifier(login.verifier);
        let tokens = request.request_async(self.provider.http()).await.map_err(|err| self.provider.of_token_endpoint(err))?;
        self.issued(&tokens, Some(login.nonce.secret())).await
    }

    async fn issued(&self, tokens: &CoreTokenResponse, nonce: Option<&str>) -> Result<Issued, OidcError> {
        let id_token = tokens.extra_fields().id_token().ok_or_else(|| OidcError::Token("it gave no ID token".to_owned()))?;
        let (id_token, access) = (id_token.to_string(), tokens.access_token().secret().clone());
        let expected = Expected { client: &self.public.client_id, nonce, access: Some(&access), age_max: None };
        self.provider.verified(&id_token, self.clock.now(), expected).await?;
        Ok(Issued { id_token: Secret::new(id_token), access_token: Secret::new(access) })
    }

    fn client(&self) -> Client {
        self.known.client(&self.public.client_id, None)
    }

    fn scopes(&self) -> impl Iterator<Item = Scope> {
        self.public.scopes.iter().filter(|scope| *scope != "openid").cloned().map(Scope::new)
    }
}
