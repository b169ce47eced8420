//! Keys that change, and a provider that is down.

use crate::hostile::{Key, World};
use seaway_base::Secret;
use seaway_base::clock::Clock as _;
use seaway_identity::Grant;
use seaway_identity::oidc::OidcError;
use serde_json::json;

#[tokio::test]
async fn a_rotated_key_is_found_and_the_old_one_forgotten() {
    let world = World::new().await;
    world.attempt(|_| {}).await.unwrap();
    let next = Key::new("second");
    world.answers.lock().keys = vec![next.jwk()];
    world.clock.advance_seconds(5);
    world.attempt(|it| it.token = Some(next.sign(&it.claims))).await.unwrap();
    assert!(matches!(world.attempt(|_| {}).await, Err(OidcError::Token(_))));
}

#[tokio::test]
async fn keys_that_do_not_exist_do_not_make_us_ask_again_and_again() {
    let world = World::new().await;
    for _ in 0..20 {
        let refused = world.attempt(|it| it.token = Some(Key::new("no such key").sign(&it.claims))).await;
        assert!(matches!(refused, Err(OidcError::Token(_))));
    }
    assert_eq!(world.answers.lock().n_looks, 1);
    world.clock.advance_seconds(5);
    let _ = world.attempt(|it| it.token = Some(Key::new("no such key").sign(&it.claims))).await;
    assert_eq!(world.answers.lock().n_looks, 2);
}

#[tokio::test]
async fn a_provider_that_is_down_is_an_outage_and_nobody_is_called_unknown() {
    let world = World::new().await;
    world.answers.lock().down = true;
    let refused = world.attempt(|_| {}).await.unwrap_err();
    assert!(refused.is_outage(), "{refused}");
    assert!(refused.to_string().contains("Hostile does not answer as it should: it answered 500"), "{refused}");
    world.answers.lock().down = false;
    // It was asked just now.
    assert!(world.oidc.begin("/").await.is_err());
    world.clock.advance_seconds(5);
    world.attempt(|_| {}).await.unwrap();
}

#[tokio::test]
async fn what_it_said_last_is_good_for_a_day_while_it_is_down() {
    let world = World::new().await;
    world.attempt(|_| {}).await.unwrap();
    world.answers.lock().down = true;
    world.clock.advance_seconds(3600);
    world.oidc.begin("/").await.unwrap();
    let mut claims = world.claims("any");
    claims["aud"] = json!("seaway-cli");
    world.oidc.brought(&Secret::new(world.key.sign(&claims)), None).await.unwrap();
    world.clock.advance_seconds(24 * 3600);
    assert!(world.oidc.begin("/").await.unwrap_err().is_outage());
}

/// What refreshing says of somebody.
struct Refreshed {
    world: World,
    grant: Grant,
}

impl Refreshed {
    async fn new() -> Self {
        let world = World::new().await;
        world.answers.lock().refresh = Some("refresh-1");
        let grant = world.attempt(|_| {}).await.unwrap().vouched.grant.unwrap();
        assert_eq!((grant.subject.as_str(), grant.refresh.reveal().as_str()), ("carl", "refresh-1"));
        assert!(!format!("{grant:?}").contains("refresh-1"));
        Self { world, grant }
    }
}

#[tokio::test]
async fn a_refresh_brings_new_groups_and_a_new_refresh_token() {
    let Refreshed { world, grant } = Refreshed::new().await;
    let mut claims = world.claims("");
    claims.as_object_mut().unwrap().remove("nonce");
    claims["groups"] = json!(["viewers"]);
    world.answers.lock().id_token = Some(world.key.sign(&claims));
    world.answers.lock().refresh = Some("refresh-2");
    world.clock.advance_seconds(60);
    let vouched = world.oidc.again(&grant).await.unwrap();
    assert_eq!(vouched.person.groups, ["oidc:viewers", "system:authenticated"]);
    let next = vouched.grant.unwrap();
    assert_eq!((next.refresh.reveal().as_str(), next.checked_at), ("refresh-2", world.clock.now()));
    assert_eq!(world.answers.lock().asked["refresh_token"], "refresh-1");
}

#[tokio::test]
async fn a_refresh_without_an_id_token_asks_userinfo() {
    let Refreshed { world, grant } = Refreshed::new().await;
    world.answers.lock().id_token = None;
    world.answers.lock().userinfo = Some(json!({ "sub": "carl", "email": "carl@example.com", "groups": "ops" }));
    assert_eq!(world.oidc.again(&grant).await.unwrap().person.groups, ["oidc:ops", "system:authenticated"]);
    world.answers.lock().userinfo = Some(json!({ "sub": "eve", "email": "eve@example.com" }));
    assert!(matches!(world.oidc.again(&grant).await, Err(OidcError::Token(_))));
}

#[tokio::test]
async fn a_refresh_of_somebody_who_was_closed_is_a_no_and_an_outage_is_not() {
    let Refreshed { world, grant } = Refreshed::new().await;
    world.answers.lock().refusal = Some(json!({ "error": "invalid_grant" }));
    assert!(matches!(world.oidc.again(&grant).await, Err(OidcError::Denied(_))));
    world.answers.lock().refusal = Some(json!({ "error": "temporarily_unavailable" }));
    assert!(world.oidc.again(&grant).await.unwrap_err().is_outage());
    let mut other = world.claims("");
    other["sub"] = json!("eve");
    world.answers.lock().refusal = None;
    world.answers.lock().id_token = Some(world.key.sign(&other));
    assert!(matches!(world.oidc.again(&grant).await, Err(OidcError::Token(_))));
}
