//! What a provider, or somebody who pretends to be one, cannot get past us.

use crate::hostile::{ACCESS, Attempt, Key, World, settings};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use seaway_base::Secret;
use seaway_base::clock::{Clock as _, ManualClock};
use seaway_base::http::{Egress, HttpClient};
use seaway_identity::oidc::{Oidc, OidcError};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// The attempt is refused with this code, for this reason.
#[track_caller]
fn is(refused: Result<impl std::fmt::Debug, OidcError>, code: &str, why: &str) {
    let err = refused.expect_err("it is let in");
    assert!(err.code() == code && err.to_string().contains(why), "{}: {err}", err.code());
}

/// A sign-in of which one thing is otherwise.
async fn check(code: &str, why: &str, change: impl FnOnce(&World, &mut Attempt)) {
    let world = World::new().await;
    is(world.attempt(|attempt| change(&world, attempt)).await, code, why);
}

#[tokio::test]
async fn nothing_is_refused_that_is_as_it_should_be() {
    let world = World::new().await;
    let finished = world.attempt(|_| {}).await.unwrap();
    let person = finished.vouched.person;
    assert_eq!(
        (person.username.as_str(), person.name.as_str(), person.claim.as_str()),
        ("oidc:carl@example.com", "Carl", "email")
    );
    assert_eq!(person.groups, ["oidc:devops", "system:authenticated"]);
    assert_eq!(person.claims.unwrap().values("groups").collect::<Vec<_>>(), ["devops"]);
    assert_eq!(finished.to, "/p/bank");
    assert!(finished.vouched.grant.is_none());
    assert!(world.answers.lock().authorization.starts_with("Basic "));
    assert!(!format!("{:?}", world.oidc).contains("canary"));
}

#[tokio::test]
async fn an_answer_with_another_state() {
    check("state", "its state is another", |_, it| it.answer["state"] = json!("guessed")).await;
    check("state", "its state is another", |_, it| drop(it.answer.remove("state"))).await;
}

#[tokio::test]
async fn an_answer_to_a_browser_that_began_nothing() {
    check("state", "no cookie", |_, it| it.cookie = None).await;
    check("state", "not of this server", |_, it| it.cookie = Some("forged".to_owned())).await;
    let other = World::new().await;
    let theirs = other.oidc.begin("/").await.unwrap().cookie.reveal().clone();
    check("state", "not of this server", |_, it| it.cookie = Some(theirs)).await;
}

#[tokio::test]
async fn an_answer_to_a_sign_in_of_another_tab() {
    let world = World::new().await;
    let mine = world.oidc.begin("/").await.unwrap().cookie.reveal().clone();
    is(world.attempt(|it| it.cookie = Some(mine)).await, "state", "its state is another");
}

#[tokio::test]
async fn an_answer_that_comes_too_late() {
    check("state", "ten minutes ago", |world, _| world.clock.advance_seconds(600)).await;
}

#[tokio::test]
async fn an_answer_of_another_issuer_a_mix_up() {
    check("token", "answer is of another issuer", |_, it| it.answer["iss"] = json!("https://evil.example")).await;
    let world = World::new().await;
    world.answers.lock().metadata["authorization_response_iss_parameter_supported"] = json!(true);
    is(world.attempt(|it| drop(it.answer.remove("iss"))).await, "token", "does not say which issuer");
}

#[tokio::test]
async fn a_token_with_another_nonce() {
    check("token", "another nonce", |_, it| it.claims["nonce"] = json!("replayed")).await;
    check("token", "another nonce", |_, it| drop(it.claims.as_object_mut().unwrap().remove("nonce"))).await;
}

#[tokio::test]
async fn a_token_of_another_issuer() {
    check("token", "of another issuer", |_, it| it.claims["iss"] = json!("https://evil.example")).await;
    check("token", "of another issuer", |world, it| it.claims["iss"] = json!(format!("{}/", world.issuer))).await;
}

#[tokio::test]
async fn a_token_for_another_audience() {
    check("token", "another audience", |_, it| it.claims["aud"] = json!("grafana")).await;
    check("token", "another audience", |_, it| it.claims["aud"] = json!(["seaway", "grafana"])).await;
    check("token", "another audience", |_, it| it.claims["aud"] = json!([])).await;
    check("token", "another client (azp)", |_, it| it.claims["azp"] = json!("grafana")).await;
}

#[tokio::test]
async fn a_token_with_another_algorithm() {
    check("token", "algorithm none", |_, it| it.token = Some(unsigned(&it.claims))).await;
    let hmac = |secret: &[u8], claims: &Value| {
        let header = Header { kid: Some("first".to_owned()), ..Header::new(Algorithm::HS256) };
        jsonwebtoken::encode(&header, claims, &EncodingKey::from_secret(secret)).unwrap()
    };
    check("token", "an algorithm that is not taken", |world, it| it.token = Some(hmac(&world.key.public, &it.claims))).await;
    check("token", "an algorithm that is not taken", |world, it| {
        it.token = Some(hmac(world.key.jwk().to_string().as_bytes(), &it.claims));
    })
    .await;
    check("token", "an algorithm that is not taken", |_, it| it.token = Some(hmac(b"canary-client-secret", &it.claims))).await;
}

fn unsigned(claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.", part(&json!({ "alg": "none" })), part(claims))
}

#[tokio::test]
async fn a_token_that_somebody_else_signed() {
    check("token", "signature of its ID token is wrong", |_, it| it.token = Some(Key::new("first").sign(&it.claims))).await;
    check("token", "not among the issuer's", |_, it| it.token = Some(Key::new("mine").sign(&it.claims))).await;
    check("unavailable", "cannot be read", |_, it| it.token = Some("a.b.c".to_owned())).await;
    let changed = |token: String, claims: &Value| {
        let parts: Vec<&str> = token.split('.').collect();
        format!("{}.{}.{}", parts[0], URL_SAFE_NO_PAD.encode(claims.to_string()), parts[2])
    };
    check("token", "signature of its ID token is wrong", |world, it| {
        let signed = world.key.sign(&it.claims);
        it.claims["email"] = json!("root@example.com");
        it.token = Some(changed(signed, &it.claims));
    })
    .await;
}

#[tokio::test]
async fn a_token_whose_time_is_over_or_has_not_come() {
    check("expired", "has expired", |world, it| it.claims["exp"] = json!(world.clock.now().as_second())).await;
    check("token", "issued in the future", |world, it| it.claims["iat"] = json!(world.clock.now().as_second() + 61)).await;
    check("token", "not good yet", |world, it| it.claims["nbf"] = json!(world.clock.now().as_second() + 61)).await;
}

#[tokio::test]
async fn a_token_beside_another_access_token() {
    check("token", "access token is not the one", |_, it| it.claims["at_hash"] = json!("AAAAAAAAAAAAAAAAAAAAAA")).await;
    let world = World::new().await;
    let hash = URL_SAFE_NO_PAD.encode(&Sha256::digest(ACCESS)[..16]);
    world.attempt(|it| it.claims["at_hash"] = json!(hash)).await.unwrap();
}

#[tokio::test]
async fn a_refusal_of_the_provider() {
    check("denied", "access_denied", |_, it| it.answer.extend([("error".to_owned(), json!("access_denied"))])).await;
    check("denied", "no reason that can be shown", |_, it| it.answer.extend([("error".to_owned(), json!("<script>"))])).await;
    check("token", "brings no code", |_, it| drop(it.answer.remove("code"))).await;
    let world = World::new().await;
    world.answers.lock().refusal = Some(json!({ "error": "invalid_grant" }));
    is(world.attempt(|_| {}).await, "denied", "not good any more");
    world.answers.lock().refusal = Some(json!({ "error": "invalid_client" }));
    is(world.attempt(|_| {}).await, "unavailable", "oidc.clientSecretFile");
}

#[tokio::test]
async fn a_place_elsewhere_after_the_sign_in() {
    let world = World::new().await;
    for to in ["//evil.example", "https://evil.example", "/\\evil.example", "/.//evil.example", "javascript:alert(1)"] {
        is(world.oidc.begin(to).await, "invalid", "a path of this page");
    }
}

#[tokio::test]
async fn claims_that_name_nobody() {
    check("claim", "not verified", |_, it| it.claims["email_verified"] = json!(false)).await;
    check("claim", "not verified", |_, it| it.claims["email_verified"] = json!("false")).await;
    check("claim", "no claim `email`", |world, it| {
        it.claims.as_object_mut().unwrap().remove("email");
        world.answers.lock().userinfo = Some(json!({ "sub": "carl" }));
    })
    .await;
    check("claim", "system:", |_, it| it.claims["email"] = json!("system:admin")).await;
    let world = World::new().await;
    let finished = world.attempt(|it| it.claims["groups"] = json!(["system:masters", "ok", 7, " x"])).await.unwrap();
    assert_eq!(finished.vouched.person.groups, ["oidc:ok", "system:authenticated"]);
    assert!(finished.vouched.person.claims.unwrap().values("groups").all(|group| group != "system:masters"));
}

#[tokio::test]
async fn userinfo_of_somebody_else() {
    let world = World::with(|settings| settings.username_claim = "login".to_owned()).await;
    world.answers.lock().userinfo = Some(json!({ "sub": "carl", "login": "carl" }));
    assert_eq!(world.attempt(|_| {}).await.unwrap().vouched.person.username, "oidc:carl");
    world.answers.lock().userinfo = Some(json!({ "sub": "root", "login": "root" }));
    is(world.attempt(|_| {}).await, "token", "of somebody else");
}

#[tokio::test]
async fn an_email_that_userinfo_does_not_vouch_for() {
    let world = World::new().await;
    world.answers.lock().userinfo = Some(json!({ "sub": "carl", "email": "root@example.com", "email_verified": false }));
    is(world.attempt(|it| drop(it.claims.as_object_mut().unwrap().remove("email"))).await, "claim", "not verified");
}

#[tokio::test]
async fn a_brought_token_of_the_page_or_of_yesterday() {
    let world = World::new().await;
    let brought = async |change: fn(&mut Value)| {
        let mut claims = world.claims("any");
        claims["aud"] = json!("seaway-cli");
        change(&mut claims);
        world.oidc.brought(&Secret::new(world.key.sign(&claims)), None).await
    };
    assert_eq!(brought(|_| {}).await.unwrap().person.username, "oidc:carl@example.com");
    is(brought(|it| it["aud"] = json!("seaway")).await, "token", "another audience");
    is(brought(|it| it["iat"] = json!(it["iat"].as_i64().unwrap() - 601)).await, "token", "issued too long ago");
    is(world.oidc.brought(&Secret::new("x".repeat(70_000)), None).await, "token", "longer than");
}

#[tokio::test]
async fn a_discovery_document_that_leads_astray() {
    let refused = async |change: fn(&mut Value)| {
        let world = World::new().await;
        change(&mut world.answers.lock().metadata);
        world.oidc.begin("/").await
    };
    is(refused(|it| it["issuer"] = json!("https://evil.example")).await, "unavailable", "names another issuer");
    is(refused(|it| it["token_endpoint"] = json!("http://evil.example/token")).await, "unavailable", "token_endpoint");
    is(refused(|it| it["authorization_endpoint"] = json!("javascript:alert(1)")).await, "unavailable", "does not answer");
    is(refused(|it| it["jwks_uri"] = json!("http://169.254.169.254/keys")).await, "unavailable", "169.254.169.254");
}

#[test]
fn an_issuer_over_plain_http_beyond_this_machine() {
    let start = |issuer: &str| {
        let clock = ManualClock::at("2026-11-21T12:00:00Z".parse().unwrap());
        Oidc::new(settings(issuer), HttpClient::new(Egress::local()).unwrap(), clock)
    };
    is(start("http://login.example.com"), "unavailable", "oidc.issuer");
    is(start("login.example.com"), "unavailable", "oidc.issuer");
    is(start("https://login.example.com?tenant=1"), "unavailable", "oidc.issuer");
    start("https://login.example.com").unwrap();
}
