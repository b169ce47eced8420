//! Tokens of service accounts: JWTs signed with a key of ours, good while the account with its uid is there.

use crate::Identities;
use crate::book::{Book, Record, Shelf};
use crate::error::IdentityError;
use crate::kept::Kept;
use crate::person::{Person, SignedIn, Via};
use crate::secrets::{digest, name_of};
use crate::session::later;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use parking_lot::Mutex;
use seaway_base::Secret;
use seaway_core::authorize::ServiceAccount;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::time::Duration;
use tokio::sync::watch;

/// Who issues them, and the audience that is meant where none is named.
pub const ISSUER: &str = "https://kubernetes.default.svc";
/// The name of the key's Secret.
const KEY: &str = "key-service-accounts";
/// No token lasts longer.
const LASTS_MAX: Duration = Duration::from_secs(30 * 24 * 3600);
/// Kubernetes' least.
const LASTS_MIN: Duration = Duration::from_secs(600);
/// Bytes of a token that is looked at.
const BYTES_MAX: usize = 16 * 1024;

/// The key pair, as it is kept.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Key {
    /// PKCS#8, base64.
    pkcs8: String,
    created_at: Timestamp,
}

impl Record for Key {
    const WORD: &'static str = "key";
    fn shelf(book: &mut Book) -> &mut Shelf<Self> {
        &mut book.keys
    }
    fn of(&self) -> &'static str {
        "tokens of service accounts"
    }
}

/// What a token says.
#[derive(Serialize, Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: Vec<String>,
    exp: i64,
    iat: i64,
    nbf: i64,
    jti: String,
    #[serde(rename = "kubernetes.io")]
    kubernetes: OfKubernetes,
}

#[derive(Serialize, Deserialize)]
struct OfKubernetes {
    namespace: String,
    serviceaccount: Named,
}

#[derive(Serialize, Deserialize)]
struct Named {
    name: String,
    uid: String,
}

/// Signs and reads the tokens.
pub(crate) struct Accounts {
    signs: EncodingKey,
    reads: DecodingKey,
    key_id: String,
    /// What is held open by a token: ends with it.
    held: Mutex<HashMap<String, Held>>,
}

struct Held {
    ended: watch::Sender<bool>,
    account: ServiceAccount,
    uid: String,
    expires_at: Timestamp,
}

impl Accounts {
    /// With the key that is kept; the first start makes it.
    pub(crate) async fn open(kept: &Kept) -> Result<Self, IdentityError> {
        let unusable = || IdentityError::Key { name: KEY.to_owned() };
        if !kept.read().keys.contains_key(KEY) {
            let random = aws_lc_rs::rand::SystemRandom::new();
            let made = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).map_err(|_| unusable())?;
            kept.create(KEY, Key { pkcs8: STANDARD.encode(made.as_ref()), created_at: kept.now() }).await?;
        }
        let pkcs8 = kept.read().keys.get(KEY).and_then(|entry| STANDARD.decode(&entry.record.pkcs8).ok()).ok_or_else(unusable)?;
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &pkcs8).map_err(|_| unusable())?;
        let public = pair.public_key().as_ref();
        Ok(Self {
            signs: EncodingKey::from_ec_der(&pkcs8),
            reads: DecodingKey::from_ec_der(public),
            key_id: name_of(&digest(&STANDARD.encode(public))),
            held: Mutex::default(),
        })
    }

    /// Ends what is held open by tokens that are over, and forgets what nobody holds.
    pub(crate) fn end(&self, book: &Book, now: Timestamp) {
        self.held.lock().retain(|_, held| {
            let is_there = book.account(&held.account) == Some(&held.uid);
            is_there && now < held.expires_at && held.ended.receiver_count() > 0
        });
    }
}

/// A token of a service account that was made.
#[derive(Debug)]
pub struct AccountToken {
    /// The token.
    pub token: Secret<String>,
    /// When it ends.
    pub expires_at: Timestamp,
    /// Whom it is for.
    pub audiences: Vec<String>,
}

impl Identities {
    /// Makes a token of a service account, bound to the account's uid.
    ///
    /// # Errors
    /// The account is not there, or is another by now.
    pub fn issue(
        &self,
        account: &ServiceAccount,
        uid: &str,
        audiences: Vec<String>,
        lasts: Duration,
    ) -> Result<AccountToken, IdentityError> {
        let now = self.kept().now();
        let expires_at = later(now, lasts.clamp(LASTS_MIN, LASTS_MAX));
        let audiences = if audiences.is_empty() { vec![ISSUER.to_owned()] } else { audiences };
        let claims = Claims {
            iss: ISSUER.to_owned(),
            sub: account.username(),
            aud: audiences.clone(),
            exp: expires_at.as_second(),
            iat: now.as_second(),
            nbf: now.as_second(),
            jti: self.random().uuid(),
            kubernetes: OfKubernetes {
                namespace: account.namespace.clone(),
                serviceaccount: Named { name: account.name.clone(), uid: uid.to_owned() },
            },
        };
        let header = Header { kid: Some(self.accounts().key_id.clone()), ..Header::new(Algorithm::ES256) };
        let token = jsonwebtoken::encode(&header, &claims, &self.accounts().signs);
        let token = token.map_err(|err| IdentityError::Refused(format!("sign the token: {err}")))?;
        Ok(AccountToken { token: Secret::new(token), expires_at, audiences })
    }

    /// Whose service-account token it is; from memory. `audiences` are those it may be for; none means this server.
    pub fn review(&self, token: &str, audiences: &[String]) -> Option<SignedIn> {
        let claims = self.read(token)?;
        let ours = [ISSUER.to_owned()];
        let wanted = if audiences.is_empty() { &ours } else { audiences };
        let now = self.kept().now();
        let is_good = claims.nbf <= now.as_second() && now.as_second() < claims.exp;
        if !is_good || !claims.aud.iter().any(|audience| wanted.contains(audience)) {
            return None;
        }
        let Named { name, uid } = claims.kubernetes.serviceaccount;
        let account = ServiceAccount::new(&claims.kubernetes.namespace, &name)?;
        if account.username() != claims.sub {
            return None;
        }
        let book = self.kept().read();
        if book.account(&account) != Some(&uid) {
            return None;
        }
        let expires_at = Timestamp::from_second(claims.exp).ok()?;
        let person = Person {
            username: claims.sub,
            groups: account.groups().into(),
            claims: None,
            claim: String::new(),
            name: account.to_string(),
            scope: None,
        };
        let mut held = self.accounts().held.lock();
        let held = held.entry(claims.jti.clone()).or_insert_with(|| {
            let ended = watch::Sender::new(false);
            Held { ended, account, uid, expires_at }
        });
        Some(SignedIn { person, via: Via::Account, expires_at, id: claims.jti, ended: held.ended.subscribe(), is_bound: true })
    }

    fn read(&self, token: &str) -> Option<Claims> {
        if token.len() > BYTES_MAX {
            return None;
        }
        let header = jsonwebtoken::decode_header(token).ok()?;
        if header.kid.as_deref() != Some(self.accounts().key_id.as_str()) {
            return None;
        }
        let mut validation = Validation::new(Algorithm::ES256);
        validation.set_issuer(&[ISSUER]);
        // Instants are compared with our own clock, audiences with those that are asked for.
        (validation.validate_exp, validation.validate_nbf, validation.validate_aud) = (false, false, false);
        jsonwebtoken::decode::<Claims>(token, &self.accounts().reads, &validation).ok().map(|token| token.claims)
    }
}
