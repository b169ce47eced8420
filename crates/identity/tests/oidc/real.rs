//! Against a real provider: npm's `oidc-provider` on `localhost`.

use crate::hostile::settings;
use crate::node::{Node, told};
use jiff::Timestamp;
use seaway_base::Secret;
use seaway_base::clock::{ManualClock, SystemClock};
use seaway_base::http::{Egress, HttpClient};
use seaway_identity::oidc::{Answer, Finished, Issued, LoginClient, Oidc, OidcError};
use serde_json::{Value, json};
use std::sync::Arc;
use url::Url;

/// Seaway's side of a real provider.
struct Side {
    node: Node,
    oidc: Oidc,
    clock: Arc<ManualClock>,
}

impl Side {
    async fn start() -> Option<Self> {
        let node = Node::start().await?;
        let clock = ManualClock::at(Timestamp::now());
        let mut settings = settings(&node.issuer);
        settings.client_secret = Some(Secret::new("seaway-secret-of-the-tests".to_owned()));
        settings.scopes = ["openid", "profile", "email", "groups"].map(str::to_owned).to_vec();
        let oidc = Oidc::new(settings, HttpClient::new(Egress::local()).unwrap(), clock.clone()).unwrap();
        Some(Self { node, oidc, clock })
    }

    /// Signs in as `login`, in a browser of their own.
    async fn sign_in(&self, login: &str) -> Result<Finished, OidcError> {
        let begun = self.oidc.begin("/p/bank").await?;
        let until = "https://127.0.0.1:7443/seaway/v1/oidc/callback";
        let back = self.node.browser().sign_in(begun.location.as_str(), login, until).await;
        self.oidc.finish(Some(begun.cookie.reveal()), answer(&back)).await
    }

    async fn client(&self) -> LoginClient {
        LoginClient::new(self.oidc.public(), HttpClient::new(Egress::local()).unwrap(), SystemClock::shared()).await.unwrap()
    }

    async fn brought(&self, issued: &Issued) -> String {
        let vouched = self.oidc.brought(&issued.id_token, Some(&issued.access_token)).await.unwrap();
        assert!(vouched.grant.is_none());
        vouched.person.username
    }
}

fn answer(back: &Url) -> Answer {
    let fields: serde_json::Map<String, Value> =
        back.query_pairs().map(|(name, value)| (name.into_owned(), json!(value))).collect();
    serde_json::from_value(Value::Object(fields)).unwrap()
}

#[tokio::test]
async fn the_page_signs_in_with_groups_and_asks_again() {
    let Some(side) = Side::start().await else { return };
    for thin in [false, true] {
        side.node.change(json!({ "thin": thin })).await;
        let person = side.sign_in("carl").await.unwrap().vouched.person;
        assert_eq!((person.username.as_str(), person.name.as_str()), ("oidc:carl@example.com", "Carl Cargo"));
        assert_eq!(person.groups, ["oidc:devops", "oidc:promoters", "system:authenticated"]);
    }
    let mole = side.sign_in("mole").await.unwrap().vouched.person;
    assert_eq!(mole.groups, ["oidc:devops", "system:authenticated"]);
    let newt = side.sign_in("newt").await.unwrap_err();
    assert!(matches!(newt, OidcError::Claim(_)), "{newt}");

    let grant = side.sign_in("vera").await.unwrap().vouched.grant.unwrap();
    side.node.change(json!({ "groups": { "vera": ["devops"] } })).await;
    let again = side.oidc.again(&grant).await.unwrap();
    assert_eq!(again.person.groups, ["oidc:devops", "system:authenticated"]);
    side.node.change(json!({ "disable": ["vera"] })).await;
    let closed = side.oidc.again(&again.grant.unwrap()).await.unwrap_err();
    assert!(matches!(closed, OidcError::Denied(_)), "{closed}");
    told("real oidc-provider page, groups, refresh");
}

#[tokio::test]
async fn a_key_that_the_provider_rotates_and_a_token_that_expires() {
    let Some(side) = Side::start().await else { return };
    side.sign_in("carl").await.unwrap();
    side.node.change(json!({ "rotate": true })).await;
    side.clock.advance_seconds(5);
    side.sign_in("carl").await.unwrap();
    side.node.change(json!({ "seconds": 1 })).await;
    side.clock.advance_seconds(5);
    let expired = side.sign_in("carl").await.unwrap_err();
    assert_eq!(expired, OidcError::Expired);
    told("real oidc-provider rotated key, expiry");
}

#[tokio::test]
async fn a_code_is_good_once() {
    let Some(side) = Side::start().await else { return };
    let begun = side.oidc.begin("/").await.unwrap();
    let until = "https://127.0.0.1:7443/seaway/v1/oidc/callback";
    let back = side.node.browser().sign_in(begun.location.as_str(), "carl", until).await;
    side.oidc.finish(Some(begun.cookie.reveal()), answer(&back)).await.unwrap();
    let again = side.oidc.finish(Some(begun.cookie.reveal()), answer(&back)).await.unwrap_err();
    assert!(matches!(again, OidcError::Denied(_)), "{again}");
    told("real oidc-provider replayed code");
}

#[tokio::test]
async fn the_cli_signs_in_by_device() {
    let Some(side) = Side::start().await else { return };
    for thin in [false, true] {
        side.node.change(json!({ "thin": thin })).await;
        let client = side.client().await;
        let login = client.device().await.unwrap().unwrap();
        assert!(login.address().starts_with(&side.node.issuer));
        side.node.browser().sign_in(login.whole_address().unwrap(), "carl", "nowhere:").await;
        let issued = client.device_done(&login).await.unwrap();
        assert_eq!(side.brought(&issued).await, "oidc:carl@example.com");
    }
    told("real oidc-provider device flow");
}

#[tokio::test]
async fn the_cli_signs_in_by_a_callback_where_there_is_no_device_flow() {
    let Some(side) = Side::start().await else { return };
    side.node.change(json!({ "device": false })).await;
    let client = side.client().await;
    assert!(client.device().await.unwrap().is_none());
    let redirect = "http://127.0.0.1:49152/callback";
    let login = client.loopback(redirect.parse().unwrap());
    let back = side.node.browser().sign_in(login.url.as_str(), "carl", redirect).await;
    let issued = client.loopback_done(login, answer(&back)).await.unwrap();
    assert_eq!(side.brought(&issued).await, "oidc:carl@example.com");
    let other = client.loopback(redirect.parse().unwrap());
    assert!(matches!(client.loopback_done(other, answer(&back)).await, Err(OidcError::State(_))));
    told("real oidc-provider loopback flow");
}
