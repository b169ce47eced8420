//! Tokens of service accounts for the Kubernetes API: TokenRequest and TokenReview stand on the room `identity`.

use crate::authenticate::identity_of;
use crate::tokens::Tokens;
use seaway_apiserver::{Identity, Issued, Later, TokenAsk, TokenRefused};
use seaway_identity::{ISSUER, Identities, PREFIX};

/// Makes and reads them.
#[derive(Debug, Clone)]
pub struct ServiceTokens {
    identities: Identities,
    folder: Tokens,
}

impl ServiceTokens {
    /// By these identities; a review knows the data folder's token too.
    pub const fn new(identities: Identities, folder: Tokens) -> Self {
        Self { identities, folder }
    }
}

impl seaway_apiserver::Tokens for ServiceTokens {
    fn issue(&self, ask: TokenAsk) -> Later<'_, Result<Issued, TokenRefused>> {
        let made = match &ask.bound {
            Some(bound) => {
                Err(format!("a token bound to {} `{}` is not made here: leave boundObjectRef out", bound.kind, bound.name))
            }
            None => {
                let made = self.identities.issue(&ask.account, &ask.uid, ask.audiences, ask.lasts);
                made.map_err(|err| seaway_base::chain(&err))
            }
        };
        let made = made.map(|made| Issued { token: made.token, expires_at: made.expires_at, audiences: made.audiences });
        Box::pin(std::future::ready(made.map_err(|message| TokenRefused { message })))
    }

    fn review(&self, token: &str, audiences: &[String]) -> Option<Identity> {
        let is_for_us = audiences.is_empty() || audiences.iter().any(|audience| audience == ISSUER);
        if let Some(identity) = self.folder.identity(token) {
            return is_for_us.then(|| identity.clone());
        }
        let signed_in = match token.starts_with(PREFIX) {
            true => self.identities.bearer(token).filter(|_| is_for_us),
            false => self.identities.review(token, audiences),
        };
        identity_of(&signed_in?)
    }
}
