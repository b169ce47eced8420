//! A provider that does whatever a test wants, on loopback.

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use parking_lot::Mutex;
use seaway_base::Secret;
use seaway_base::clock::{Clock as _, ManualClock};
use seaway_base::http::{Egress, HttpClient};
use seaway_identity::oidc::{Answer, Finished, Oidc, OidcError, Settings};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use url::form_urlencoded;

pub(crate) const CLIENT: &str = "seaway";
pub(crate) const CODE: &str = "the-code";
pub(crate) const ACCESS: &str = "the-access-token";

/// A signing key and the name it goes by.
#[derive(Clone)]
pub(crate) struct Key {
    pub(crate) kid: String,
    private: EncodingKey,
    pub(crate) public: Vec<u8>,
}

impl Key {
    pub(crate) fn new(kid: &str) -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let der = pair.to_pkcs8v1().unwrap();
        let public = pair.public_key().as_ref().to_vec();
        Self { kid: kid.to_owned(), private: EncodingKey::from_ec_der(der.as_ref()), public }
    }

    pub(crate) fn jwk(&self) -> Value {
        let at = |range: std::ops::Range<usize>| URL_SAFE_NO_PAD.encode(&self.public[range]);
        json!({ "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": self.kid, "x": at(1..33), "y": at(33..65) })
    }

    pub(crate) fn sign(&self, claims: &Value) -> String {
        let header = Header { kid: Some(self.kid.clone()), ..Header::new(Algorithm::ES256) };
        jsonwebtoken::encode(&header, claims, &self.private).unwrap()
    }
}

/// What it answers.
pub(crate) struct Answers {
    pub(crate) metadata: Value,
    pub(crate) keys: Vec<Value>,
    pub(crate) id_token: Option<String>,
    pub(crate) refresh: Option<&'static str>,
    pub(crate) userinfo: Option<Value>,
    /// Answers everything with 500.
    pub(crate) down: bool,
    /// What the token endpoint says instead of tokens.
    pub(crate) refusal: Option<Value>,
    /// How often its keys were asked for.
    pub(crate) n_looks: usize,
    /// What the token endpoint was last sent.
    pub(crate) asked: HashMap<String, String>,
    pub(crate) authorization: String,
}

type Shared = Arc<Mutex<Answers>>;

/// The provider, and Seaway's side of it.
pub(crate) struct World {
    pub(crate) issuer: String,
    pub(crate) key: Key,
    pub(crate) answers: Shared,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) oidc: Oidc,
    server: JoinHandle<()>,
}

impl Drop for World {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// One sign-in as an attacker, or a careless provider, would have it.
pub(crate) struct Attempt {
    pub(crate) cookie: Option<String>,
    pub(crate) answer: Map<String, Value>,
    pub(crate) claims: Value,
    pub(crate) token: Option<String>,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(|_| {}).await
    }

    pub(crate) async fn with(change: impl FnOnce(&mut Settings)) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let key = Key::new("first");
        let answers = Arc::new(Mutex::new(Answers {
            metadata: metadata(&issuer),
            keys: vec![key.jwk()],
            id_token: None,
            refresh: None,
            userinfo: None,
            down: false,
            refusal: None,
            n_looks: 0,
            asked: HashMap::new(),
            authorization: String::new(),
        }));
        let server = tokio::spawn(serve(listener, Arc::clone(&answers)));
        let clock = ManualClock::at("2026-11-21T12:00:00Z".parse().unwrap());
        let mut settings = settings(&issuer);
        change(&mut settings);
        let oidc = Oidc::new(settings, HttpClient::new(Egress::local()).unwrap(), clock.clone()).unwrap();
        Self { issuer, key, answers, clock, oidc, server }
    }

    /// Claims of Carl that nothing is wrong with.
    pub(crate) fn claims(&self, nonce: &str) -> Value {
        let now = self.clock.now().as_second();
        json!({
            "iss": self.issuer, "aud": CLIENT, "sub": "carl", "iat": now, "exp": now + 300, "nonce": nonce,
            "email": "carl@example.com", "email_verified": true, "name": "Carl", "groups": ["devops"],
        })
    }

    /// Begins a sign-in, changes what is to come, and ends it.
    pub(crate) async fn attempt(&self, change: impl FnOnce(&mut Attempt)) -> Result<Finished, OidcError> {
        let begun = self.oidc.begin("/p/bank").await?;
        let sent: HashMap<String, String> = begun.location.query_pairs().into_owned().collect();
        let answer = json!({ "code": CODE, "state": sent["state"], "iss": self.issuer }).as_object().unwrap().clone();
        let cookie = Some(begun.cookie.reveal().clone());
        let mut attempt = Attempt { cookie, answer, claims: self.claims(&sent["nonce"]), token: None };
        change(&mut attempt);
        let token = attempt.token.unwrap_or_else(|| self.key.sign(&attempt.claims));
        self.answers.lock().id_token = Some(token);
        let answer: Answer = serde_json::from_value(Value::Object(attempt.answer)).unwrap();
        let finished = self.oidc.finish(attempt.cookie.as_deref(), answer).await;
        if finished.is_ok() {
            let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(&self.answers.lock().asked["code_verifier"]));
            assert_eq!((&sent["code_challenge"], sent["code_challenge_method"].as_str()), (&challenge, "S256"));
        }
        finished
    }
}

pub(crate) fn settings(issuer: &str) -> Settings {
    Settings {
        issuer: issuer.to_owned(),
        client_id: CLIENT.to_owned(),
        client_secret: Some(Secret::new("canary-client-secret".to_owned())),
        scopes: ["openid", "email", "groups"].map(str::to_owned).to_vec(),
        username_claim: "email".to_owned(),
        groups_claim: "groups".to_owned(),
        cli_client_id: Some("seaway-cli".to_owned()),
        name: "Hostile".to_owned(),
        lifetime: Duration::from_secs(3600),
        redirect: "https://127.0.0.1:7443/seaway/v1/oidc/callback".parse().unwrap(),
    }
}

fn metadata(issuer: &str) -> Value {
    json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/auth"),
        "token_endpoint": format!("{issuer}/token"),
        "userinfo_endpoint": format!("{issuer}/userinfo"),
        "jwks_uri": format!("{issuer}/keys"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256", "HS256", "none"],
    })
}

async fn serve(listener: TcpListener, answers: Shared) {
    let router = Router::new()
        .route(
            "/.well-known/openid-configuration",
            get(|State(answers): State<Shared>| async move { say(&answers, |it| it.metadata.clone()) }),
        )
        .route(
            "/keys",
            get(|State(answers): State<Shared>| async move {
                answers.lock().n_looks += 1;
                say(&answers, |it| json!({ "keys": it.keys }))
            }),
        )
        .route("/token", post(token))
        .route("/userinfo", get(userinfo))
        .with_state(answers);
    axum::serve(listener, router).await.unwrap();
}

fn say(answers: &Shared, what: impl FnOnce(&Answers) -> Value) -> Response {
    let answers = answers.lock();
    if answers.down { StatusCode::INTERNAL_SERVER_ERROR.into_response() } else { Json(what(&answers)).into_response() }
}

async fn token(State(answers): State<Shared>, headers: HeaderMap, body: String) -> Response {
    {
        let mut answers = answers.lock();
        answers.asked = form_urlencoded::parse(body.as_bytes()).into_owned().collect();
        answers.authorization = headers.get("authorization").map_or_else(String::new, |it| it.to_str().unwrap().to_owned());
        if let Some(refusal) = &answers.refusal {
            return (StatusCode::BAD_REQUEST, Json(refusal.clone())).into_response();
        }
    }
    say(&answers, |it| {
        let mut tokens = json!({ "access_token": ACCESS, "token_type": "Bearer", "expires_in": 300 });
        if let Some(token) = &it.id_token {
            tokens["id_token"] = json!(token);
        }
        if let Some(refresh) = it.refresh {
            tokens["refresh_token"] = json!(refresh);
        }
        tokens
    })
}

async fn userinfo(State(answers): State<Shared>, headers: HeaderMap) -> Response {
    if headers.get("authorization").is_none_or(|it| it != &format!("Bearer {ACCESS}")) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    if answers.lock().userinfo.is_none() {
        return StatusCode::NOT_FOUND.into_response();
    }
    say(&answers, |it| it.userinfo.clone().unwrap_or_default())
}
