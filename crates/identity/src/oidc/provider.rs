//! What the provider says of itself and its keys, kept for an hour and looked at again when a key is not known.

use super::OidcError;
use super::http::Http;
use jiff::Timestamp;
use openidconnect::core::{
    CoreAuthDisplay, CoreClaimName, CoreClaimType, CoreClient, CoreClientAuthMethod, CoreErrorResponseType, CoreGrantType,
    CoreJsonWebKey, CoreJweContentEncryptionAlgorithm, CoreJweKeyManagementAlgorithm, CoreResponseMode, CoreResponseType,
    CoreSubjectIdentifierType,
};
use openidconnect::{
    AdditionalProviderMetadata, AuthType, ClientId, ClientSecret, DeviceAuthorizationUrl, DiscoveryError, EndpointMaybeSet,
    EndpointNotSet, EndpointSet, IssuerUrl, ProviderMetadata, RequestTokenError, StandardErrorResponse, TokenUrl,
};
use seaway_base::http::{HttpClient, HttpError};
use seaway_base::{Secret, SharedClock};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use tokio::sync::Mutex;
use url::Url;

/// What is known is looked at again after so many seconds.
const AGE_MAX: i64 = 3600;
/// A provider that is down is believed for so many seconds what it said last: its keys may have been taken back since.
const STALE_MAX: i64 = 24 * 3600;
/// It is not asked more often than every so many seconds, whoever sends tokens of keys that do not exist.
const AGAIN: i64 = 5;

/// What the discovery document says beyond OpenID Connect's own fields.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct More {
    /// RFC 8628.
    pub(super) device_authorization_endpoint: Option<DeviceAuthorizationUrl>,
    /// RFC 9207: an answer without `iss` is refused where this is true.
    #[serde(default)]
    pub(super) authorization_response_iss_parameter_supported: bool,
}

impl AdditionalProviderMetadata for More {}

pub(super) type Metadata = ProviderMetadata<
    More,
    CoreAuthDisplay,
    CoreClientAuthMethod,
    CoreClaimName,
    CoreClaimType,
    CoreGrantType,
    CoreJweContentEncryptionAlgorithm,
    CoreJweKeyManagementAlgorithm,
    CoreJsonWebKey,
    CoreResponseMode,
    CoreResponseType,
    CoreSubjectIdentifierType,
>;

/// A client that knows where to send browsers and where to get tokens.
pub(super) type Client = CoreClient<EndpointSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointSet, EndpointMaybeSet>;

/// What a provider said of itself.
#[derive(Debug)]
pub(super) struct Discovered {
    pub(super) metadata: Metadata,
    token_url: TokenUrl,
    at: Timestamp,
}

impl Discovered {
    /// A client of the provider.
    pub(super) fn client(&self, id: &str, secret: Option<&Secret<String>>) -> Client {
        let secret = secret.map(|secret| ClientSecret::new(secret.reveal().clone()));
        let client = CoreClient::from_provider_metadata(self.metadata.clone(), ClientId::new(id.to_owned()), secret);
        let methods = self.metadata.token_endpoint_auth_methods_supported();
        let basic = methods.is_none_or(|methods| methods.contains(&CoreClientAuthMethod::ClientSecretBasic));
        let how = if basic { AuthType::BasicAuth } else { AuthType::RequestBody };
        client.set_auth_type(how).set_token_uri(self.token_url.clone())
    }
}

/// The provider, as far as it is known.
pub(super) struct Provider {
    name: String,
    issuer: IssuerUrl,
    http: Http,
    clock: SharedClock,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    good: Option<Arc<Discovered>>,
    /// When the last attempt failed, and why.
    failed: Option<(Timestamp, String)>,
}

impl Provider {
    pub(super) fn new(name: String, issuer: IssuerUrl, http: HttpClient, clock: SharedClock) -> Self {
        Self { name, issuer, http: Http(http), clock, known: Mutex::default() }
    }

    pub(super) const fn http(&self) -> &Http {
        &self.http
    }

    /// What the provider says of itself, an hour old at most, or a day while it does not answer.
    ///
    /// # Errors
    /// [`OidcError::Unavailable`].
    pub(super) async fn discovered(&self) -> Result<Arc<Discovered>, OidcError> {
        let mut known = self.known.lock().await;
        if let Some(good) = known.good.as_ref().filter(|good| self.age(good.at) < AGE_MAX) {
            return Ok(Arc::clone(good));
        }
        self.look(&mut known).await
    }

    /// The same, newer than `seen`, if the provider was not asked just now.
    ///
    /// # Errors
    /// [`OidcError::Unavailable`].
    pub(super) async fn newer_than(&self, seen: &Arc<Discovered>) -> Result<Arc<Discovered>, OidcError> {
        let mut known = self.known.lock().await;
        match &known.good {
            Some(good) if !Arc::ptr_eq(good, seen) || self.age(good.at) < AGAIN => Ok(Arc::clone(good)),
            _ => self.look(&mut known).await,
        }
    }

    /// Asks the provider; one caller at a time, the others wait for the answer.
    async fn look(&self, known: &mut Known) -> Result<Arc<Discovered>, OidcError> {
        let reason = match &known.failed {
            Some((at, reason)) if self.age(*at) < AGAIN => reason.clone(),
            _ => match discover(&self.issuer, &self.http, self.clock.now()).await {
                Ok(found) => {
                    let found = Arc::new(found);
                    *known = Known { good: Some(Arc::clone(&found)), failed: None };
                    return Ok(found);
                }
                Err(reason) => {
                    tracing::warn!(issuer = self.issuer.as_str(), reason, "ask the identity provider for its keys");
                    known.failed = Some((self.clock.now(), reason.clone()));
                    reason
                }
            },
        };
        match known.good.as_ref().filter(|good| self.age(good.at) < STALE_MAX) {
            Some(good) => Ok(Arc::clone(good)),
            None => Err(self.unavailable(reason)),
        }
    }

    pub(super) fn unavailable(&self, reason: impl Into<String>) -> OidcError {
        OidcError::Unavailable { name: self.name.clone(), reason: reason.into() }
    }

    /// What the token endpoint's refusal means: only *no* about the person is *no*.
    pub(super) fn of_token_endpoint(
        &self,
        err: RequestTokenError<HttpError, StandardErrorResponse<CoreErrorResponseType>>,
    ) -> OidcError {
        let reason = match err {
            RequestTokenError::ServerResponse(answer) => match answer.error() {
                CoreErrorResponseType::InvalidGrant => {
                    return OidcError::Denied("the code or the refresh token is not good any more".to_owned());
                }
                CoreErrorResponseType::InvalidClient => {
                    "it does not take `oidc.clientID` with `oidc.clientSecretFile`".to_owned()
                }
                CoreErrorResponseType::Extension(_) => "it refuses to give tokens".to_owned(),
                known => format!("it refuses to give tokens: {}", known.as_ref()),
            },
            RequestTokenError::Request(err) => err.to_string(),
            RequestTokenError::Parse(err, _) => format!("its token answer cannot be read at `{}`", err.path()),
            RequestTokenError::Other(_) => "its token answer is none".to_owned(),
        };
        self.unavailable(reason)
    }

    /// Seconds since then; a clock that was set back makes what is known old.
    fn age(&self, at: Timestamp) -> i64 {
        let seconds = self.clock.now().duration_since(at).as_secs();
        if seconds < 0 { i64::MAX } else { seconds }
    }
}

/// Fetches the discovery document and the keys.
pub(super) async fn discover(issuer: &IssuerUrl, http: &Http, now: Timestamp) -> Result<Discovered, String> {
    let metadata = Metadata::discover_async(issuer.clone(), http).await.map_err(|err| words(&err))?;
    let mut used: Vec<(&str, &Url)> = vec![("authorization_endpoint", metadata.authorization_endpoint().url())];
    used.extend(metadata.userinfo_endpoint().map(|url| ("userinfo_endpoint", url.url())));
    let token_url = metadata.token_endpoint().ok_or("it names no token_endpoint")?.clone();
    used.push(("token_endpoint", token_url.url()));
    used.extend(
        metadata
            .additional_metadata()
            .device_authorization_endpoint
            .as_ref()
            .map(|url| ("device_authorization_endpoint", url.url())),
    );
    for (what, url) in used {
        http.0.may_send_credentials(url).map_err(|err| format!("its {what}: {err}"))?;
    }
    if metadata.jwks().keys().is_empty() {
        return Err("it has no key that signatures could be checked with".to_owned());
    }
    Ok(Discovered { token_url, metadata, at: now })
}

fn words(err: &DiscoveryError<HttpError>) -> String {
    match err {
        DiscoveryError::Request(err) => err.to_string(),
        DiscoveryError::Response(status, ..) => {
            format!("it answered {status} where its discovery document or its keys should be")
        }
        DiscoveryError::Parse(err) => format!("its discovery document or its keys cannot be read at `{}`", err.path()),
        DiscoveryError::Validation(_) => {
            "its discovery document names another issuer; `oidc.issuer` must be exactly that one".to_owned()
        }
        _ => "its discovery document cannot be read".to_owned(),
    }
}
