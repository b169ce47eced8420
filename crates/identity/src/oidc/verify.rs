//! An ID token is believed only after signature, algorithm, issuer, audience, authorized party, times and nonce were checked.

use super::OidcError;
use super::provider::{Discovered, Provider};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use openidconnect::core::{CoreIdToken, CoreIdTokenVerifier, CoreJwsSigningAlgorithm as Algorithm};
use openidconnect::{
    AccessToken, AccessTokenHash, ClaimsVerificationError, ClientId, Nonce, SignatureVerificationError as Signature,
};
use serde_json::{Map, Value};
use std::sync::Arc;

/// Signatures that are believed: never none, never one whose key a client knows too.
const ALGORITHMS: [Algorithm; 9] = [
    Algorithm::RsaSsaPkcs1V15Sha256,
    Algorithm::RsaSsaPkcs1V15Sha384,
    Algorithm::RsaSsaPkcs1V15Sha512,
    Algorithm::RsaSsaPssSha256,
    Algorithm::RsaSsaPssSha384,
    Algorithm::RsaSsaPssSha512,
    Algorithm::EcdsaP256Sha256,
    Algorithm::EcdsaP384Sha384,
    Algorithm::EdDsa,
];
/// Clocks may differ by so many seconds.
const LEEWAY: i64 = 60;
/// No ID token is longer.
const TOKEN_MAX: usize = 64 * 1024;

/// What a token must be.
#[derive(Debug, Clone, Copy)]
pub(super) struct Expected<'a> {
    /// The client it is for.
    pub(super) client: &'a str,
    /// The nonce we sent; `None` where none was.
    pub(super) nonce: Option<&'a str>,
    /// The access token that came with it.
    pub(super) access: Option<&'a str>,
    /// Seconds since it was issued, at most; `None` where it came from the provider itself.
    pub(super) age_max: Option<i64>,
}

impl Provider {
    /// The claims of a token. A key that is not known is looked for once more at the provider.
    ///
    /// # Errors
    /// [`OidcError`].
    pub(super) async fn verified(
        &self,
        token: &str,
        now: Timestamp,
        expected: Expected<'_>,
    ) -> Result<Map<String, Value>, OidcError> {
        let known = self.discovered().await?;
        match verify(&known, token, now, expected) {
            Err(Wrong::Key) => {}
            answer => return answer.map_err(Wrong::told),
        }
        let newer = self.newer_than(&known).await?;
        if Arc::ptr_eq(&newer, &known) {
            return Err(Wrong::Key.told());
        }
        verify(&newer, token, now, expected).map_err(Wrong::told)
    }
}

enum Wrong {
    /// It is signed with a key that we do not know.
    Key,
    Expired,
    Otherwise(String),
}

impl Wrong {
    fn told(self) -> OidcError {
        match self {
            Self::Key => OidcError::Token("its ID token is signed with a key that is not among the issuer's".to_owned()),
            Self::Expired => OidcError::Expired,
            Self::Otherwise(why) => OidcError::Token(why),
        }
    }
}

fn wrong(why: impl Into<String>) -> Wrong {
    Wrong::Otherwise(why.into())
}

/// OpenID Connect Core 1.0, section ID Token Validation. The library sees to signature, issuer, audience, expiry and nonce.
fn verify(from: &Discovered, raw: &str, now: Timestamp, expected: Expected<'_>) -> Result<Map<String, Value>, Wrong> {
    if raw.len() > TOKEN_MAX {
        return Err(wrong("its ID token is longer than 64 KiB"));
    }
    let token: CoreIdToken = raw.parse().map_err(|_| wrong("its ID token cannot be read"))?;
    let metadata = &from.metadata;
    let (issuer, keys) = (metadata.issuer().clone(), metadata.jwks().clone());
    let utc = chrono::DateTime::from_timestamp(now.as_second(), 0).unwrap_or_default();
    let oldest = expected.age_max.map(|seconds| utc - chrono::TimeDelta::seconds(seconds));
    let newest = utc + chrono::TimeDelta::seconds(LEEWAY);
    let verifier = CoreIdTokenVerifier::new_public_client(ClientId::new(expected.client.to_owned()), issuer, keys)
        .set_allowed_algs(ALGORITHMS)
        .set_time_fn(move || utc)
        .set_issue_time_verifier_fn(move |at| match at {
            at if at > newest => Err("issued in the future".to_owned()),
            at if oldest.is_some_and(|oldest| at < oldest) => Err("issued too long ago".to_owned()),
            _ => Ok(()),
        });
    let nonce = expected.nonce.map(|nonce| Nonce::new(nonce.to_owned()));
    let same_nonce = |given: Option<&Nonce>| match &nonce {
        Some(nonce) => openidconnect::NonceVerifier::verify(nonce, given),
        None => Ok(()),
    };
    let claims = token.claims(&verifier, same_nonce).map_err(of_library)?;
    if let (Some(access), Some(hash)) = (expected.access, claims.access_token_hash()) {
        let key = token.signing_key(&verifier).map_err(of_signature)?;
        let algorithm = token.signing_alg().map_err(of_signature)?;
        let ours = AccessTokenHash::from_token(&AccessToken::new(access.to_owned()), algorithm, key);
        if ours.ok().as_ref() != Some(hash) {
            return Err(wrong("the access token is not the one that its ID token was issued with"));
        }
    }
    let claims = payload(raw).ok_or_else(|| wrong("its ID token cannot be read"))?;
    if claims.get("azp").is_some_and(|party| party.as_str() != Some(expected.client)) {
        return Err(wrong("its ID token was issued to another client (azp)"));
    }
    if claims.get("nbf").and_then(Value::as_f64).is_some_and(|from| from > (now.as_second() + LEEWAY) as f64) {
        return Err(wrong("its ID token is not good yet"));
    }
    Ok(claims)
}

/// The claims as the provider wrote them; of a token that was verified.
fn payload(token: &str) -> Option<Map<String, Value>> {
    let bytes = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    serde_json::from_slice(&bytes).ok()
}

/// Without what the token says of itself: nobody vouches for that.
fn of_library(err: ClaimsVerificationError) -> Wrong {
    match err {
        ClaimsVerificationError::Expired(why) if why.starts_with("ID token expired") => Wrong::Expired,
        ClaimsVerificationError::Expired(why) => wrong(format!("its ID token was {why}")),
        ClaimsVerificationError::InvalidAudience(_) => wrong("its ID token is for another audience"),
        ClaimsVerificationError::InvalidIssuer(_) => wrong("its ID token is of another issuer"),
        ClaimsVerificationError::InvalidNonce(_) => wrong("its ID token has another nonce"),
        ClaimsVerificationError::SignatureVerification(err) => of_signature(err),
        _ => wrong("its ID token is of a kind that is not taken"),
    }
}

fn of_signature(err: Signature) -> Wrong {
    match err {
        Signature::NoMatchingKey => Wrong::Key,
        Signature::NoSignature => wrong("its ID token is not signed (algorithm none)"),
        Signature::DisallowedAlg(_) | Signature::UnsupportedAlg(_) => {
            wrong("its ID token is signed with an algorithm that is not taken")
        }
        Signature::AmbiguousKeyId(_) => wrong("its ID token does not say which of the issuer's keys signed it"),
        _ => wrong("the signature of its ID token is wrong"),
    }
}
