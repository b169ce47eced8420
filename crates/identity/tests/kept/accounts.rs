//! Tokens of service accounts.

use crate::support::{Opened, Place, until};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use k8s_openapi::api::core::v1::ServiceAccount;
use seaway_core::authorize::ServiceAccount as Account;
use seaway_identity::Via;
use std::time::Duration;

fn ci() -> Account {
    Account::new("default", "ci").unwrap()
}

/// Makes the account; its uid.
async fn make(opened: &Opened) -> String {
    let mut account = ServiceAccount::default();
    account.metadata.name = Some("ci".to_owned());
    opened.accounts().create(&Default::default(), &account).await.unwrap().metadata.uid.unwrap()
}

/// A token of an account that is known to be there.
async fn token(opened: &Opened, uid: &str, audiences: &[&str]) -> String {
    let audiences: Vec<String> = audiences.iter().map(|audience| (*audience).to_owned()).collect();
    let made = opened.identities.issue(&ci(), uid, audiences.clone(), Duration::from_secs(3600)).unwrap();
    let token = made.token.reveal().clone();
    until("the account is known", async || opened.identities.review(&token, &audiences).is_some()).await;
    token
}

#[tokio::test]
async fn a_token_is_its_accounts_until_it_expires() {
    let place = Place::new();
    let opened = place.open().await;
    let uid = make(&opened).await;
    let token = token(&opened, &uid, &[]).await;
    let signed_in = opened.identities.bearer(&token).unwrap();
    assert_eq!((signed_in.person.username.as_str(), signed_in.via), ("system:serviceaccount:default:ci", Via::Account));
    assert!(signed_in.person.groups.contains(&"system:serviceaccounts:default".to_owned()));
    drop(opened);
    let opened = place.open().await;
    assert!(opened.identities.bearer(&token).is_some(), "the key outlasts a restart");
    place.clock.advance_seconds(3600);
    assert!(opened.identities.bearer(&token).is_none());
}

#[tokio::test]
async fn a_token_dies_with_its_account_and_the_next_account_is_another() {
    let place = Place::new();
    let opened = place.open().await;
    let uid = make(&opened).await;
    let token = token(&opened, &uid, &[]).await;
    let mut ended = opened.identities.bearer(&token).unwrap().ended;
    let person = opened.identities.bearer(&token).unwrap().person;
    let (api_token, _) = opened.identities.make_token(&person, "of ci", None, Duration::from_secs(3600)).await.unwrap();
    opened.accounts().delete("ci", &Default::default()).await.unwrap();
    until("the token is dead", async || opened.identities.bearer(&token).is_none()).await;
    assert!(ended.wait_for(|ended| *ended).await.is_err());
    assert!(opened.identities.bearer(api_token.reveal()).is_none(), "what the account made is dead too");
    let again = make(&opened).await;
    self::token(&opened, &again, &[]).await;
    assert!(opened.identities.bearer(&token).is_none());
}

#[tokio::test]
async fn a_token_that_is_altered_or_for_others_is_none() {
    let place = Place::new();
    let opened = place.open().await;
    let uid = make(&opened).await;
    let elsewhere = token(&opened, &uid, &["vault"]).await;
    assert!(opened.identities.bearer(&elsewhere).is_none());
    let token = token(&opened, &uid, &[]).await;
    let [header, claims, signature] = token.split('.').collect::<Vec<_>>()[..] else { panic!("three parts") };
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap();
    let other = URL_SAFE_NO_PAD.encode(text.replace(":ci", ":stages").replace("default", "seaway"));
    let algorithm = |name: &str| {
        let header = String::from_utf8(URL_SAFE_NO_PAD.decode(header).unwrap()).unwrap();
        URL_SAFE_NO_PAD.encode(header.replace("ES256", name))
    };
    let forged = [
        format!("{header}.{other}.{signature}"),
        format!("{}.{claims}.", algorithm("none")),
        format!("{}.{claims}.{signature}", algorithm("HS256")),
        format!("{header}.{claims}."),
        format!("{header}.{claims}.{}", &signature[1..]),
        format!("{header}.{claims}"),
        String::new(),
        "..".to_owned(),
        "a".repeat(100_000),
    ];
    for forged in forged {
        assert!(opened.identities.bearer(&forged).is_none(), "{forged:.200}");
    }
}
