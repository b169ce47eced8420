//! Sign-in by an OpenID Connect provider: discovery and keys, the page's code flow, the exchange of the CLI's ID token, and the question
//! whether the provider still vouches for somebody.

mod cli;
mod error;
mod flow;
mod http;
mod person;
mod provider;
mod recheck;
mod sealed;
mod settings;
mod verify;

pub use cli::{DeviceLogin, Issued, LoginClient, LoopbackLogin};
pub use error::OidcError;
pub use flow::{Answer, Begun, Finished};
pub use person::Vouched;
pub use settings::{Public, Settings};

use provider::Provider;
use sealed::Sealing;
use seaway_base::SharedClock;
use seaway_base::http::HttpClient;
use std::sync::Arc;

/// Speaks with one provider; cheap to clone.
#[derive(Clone)]
pub struct Oidc(Arc<Inner>);

struct Inner {
    settings: Settings,
    provider: Provider,
    sealing: Sealing,
    clock: SharedClock,
}

impl std::fmt::Debug for Oidc {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Oidc").field(&self.0.settings).finish()
    }
}

impl Oidc {
    /// Takes the settings as they are; the provider is not asked before somebody signs in, so that it may be down at our start.
    ///
    /// # Errors
    /// [`OidcError::Setting`]: one of them cannot be used.
    pub fn new(settings: Settings, http: HttpClient, clock: SharedClock) -> Result<Self, OidcError> {
        let issuer = settings.check(&http)?;
        let provider = Provider::new(settings.name.clone(), issuer, http, Arc::clone(&clock));
        Ok(Self(Arc::new(Inner { settings, provider, sealing: Sealing::new(), clock })))
    }

    /// What the sign-in page calls the provider.
    pub fn name(&self) -> &str {
        &self.0.settings.name
    }

    /// How long a session or token that the provider vouched for lives at most.
    pub fn lifetime(&self) -> std::time::Duration {
        self.0.settings.lifetime
    }

    /// What `seaway login` needs to know; no secret.
    pub fn public(&self) -> Public {
        self.0.settings.public()
    }
}
