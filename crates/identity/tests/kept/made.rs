//! What was made ends with what made it, and with the groups of whoever made it.

use crate::support::{HOME, Opened, Place, ip, secret};
use jiff::Timestamp;
use seaway_identity::{Grant, Opening, Person, SignInError, SignedIn, Via};
use std::time::Duration;

const YEAR: Duration = Duration::from_secs(31_000_000);

fn carl(groups: &[&str]) -> Person {
    Person {
        username: "oidc:carl".to_owned(),
        groups: groups.iter().map(|&group| group.to_owned()).collect(),
        claims: None,
        claim: "email".to_owned(),
        name: "carl".to_owned(),
        scope: None,
    }
}

fn grant() -> Grant {
    Grant { subject: "carl".to_owned(), refresh: secret("refresh"), checked_at: Timestamp::UNIX_EPOCH }
}

/// carl by his provider.
async fn by_provider(opened: &Opened, groups: &[&str]) -> SignedIn {
    let opening = Opening::new(carl(groups), Via::Oidc).grant(grant());
    let made = opened.identities.open_session(opening).await.unwrap();
    opened.identities.session(made.cookie.reveal()).unwrap()
}

/// A token of what this may make.
async fn token_of(opened: &Opened, maker: &SignedIn) -> (String, Timestamp) {
    let within = maker.bound_of_tokens();
    let (token, row) = opened.identities.make_token_within(&maker.person, "made", None, YEAR, within).await.unwrap();
    (token.reveal().clone(), row.expires_at)
}

#[tokio::test]
async fn a_short_token_does_not_become_a_long_one_through_a_link() {
    let place = Place::new();
    let opened = place.with_bob().await;
    let bob = opened.identities.session(opened.bob().await.reveal()).unwrap();
    let (short, row) = opened.identities.make_token(&bob.person, "short", None, Duration::from_secs(60)).await.unwrap();
    let short = opened.identities.bearer(short.reveal()).unwrap();
    let by_link = opened.by_link_of(&short).await;
    let by_link = opened.identities.session(by_link.cookie.reveal()).unwrap();
    assert_eq!(token_of(&opened, &by_link).await.1, row.expires_at);
    // A link of that session's, and what it makes.
    let again = opened.by_link_of(&by_link).await;
    let again = opened.identities.session(again.cookie.reveal()).unwrap();
    assert_eq!((again.expires_at, token_of(&opened, &again).await.1), (row.expires_at, row.expires_at));
    assert_eq!(token_of(&opened, &short).await.1, row.expires_at);
    // Whoever signed in themselves makes tokens that outlast the session.
    let (long, expires_at) = token_of(&opened, &bob).await;
    assert!(expires_at > row.expires_at + Duration::from_secs(30_000_000));
    opened.identities.end_session(&bob.id).await.unwrap();
    assert!(opened.identities.bearer(&long).is_some());
}

#[tokio::test]
async fn what_a_token_made_ends_when_it_is_revoked_and_a_restart_brings_none_back() {
    let place = Place::new();
    let opened = place.with_bob().await;
    let bob = opened.identities.session(opened.bob().await.reveal()).unwrap();
    let (first, row) = opened.identities.make_token(&bob.person, "first", None, YEAR).await.unwrap();
    let first = opened.identities.bearer(first.reveal()).unwrap();
    let by_link = opened.by_link_of(&first).await.cookie;
    let by_link_session = opened.identities.session(by_link.reveal()).unwrap();
    let (of_token, _) = token_of(&opened, &first).await;
    let (of_link, _) = token_of(&opened, &by_link_session).await;
    let unused = opened.identities.make_link(&first.person, Some(first.bound())).await.unwrap();
    assert!(opened.identities.revoke_token(&row.id).await.unwrap());
    assert!(by_link_session.ended.has_changed().is_err(), "what it holds open ends");
    for _ in 0..2 {
        assert!(opened.identities.session(by_link.reveal()).is_none());
        assert!(opened.identities.bearer(&of_token).is_none() && opened.identities.bearer(&of_link).is_none());
        let late = opened.identities.sign_in_by_link(unused.secret.reveal(), ip(HOME)).await;
        assert!(matches!(late, Err(SignInError::LinkUsed)));
    }
    drop(opened);
    let opened = place.open().await;
    assert!(opened.identities.session(by_link.reveal()).is_none());
    assert!(opened.identities.bearer(&of_token).is_none() && opened.identities.bearer(&of_link).is_none());
    assert!(opened.identities.session(opened.bob().await.reveal()).is_some());
}

#[tokio::test]
async fn somebody_closed_at_the_provider_does_not_stay_by_a_link() {
    let place = Place::new();
    let opened = place.open().await;
    let carl = by_provider(&opened, &["oidc:ops"]).await;
    let by_link = opened.by_link_of(&carl).await;
    let phone = opened.identities.session(by_link.cookie.reveal()).unwrap();
    assert!(opened.identities.ends_with(&phone.id, &carl.id) && !opened.identities.ends_with(&carl.id, &phone.id));
    opened.identities.end_session(&carl.id).await.unwrap();
    assert!(opened.identities.session(by_link.cookie.reveal()).is_none());
    assert!(phone.ended.has_changed().is_err());
}

#[tokio::test]
async fn a_group_that_the_provider_takes_away_ends_what_is_held_open() {
    let place = Place::new();
    let opened = place.open().await;
    let carl_there = by_provider(&opened, &["oidc:ops", "oidc:team"]).await;
    let by_link = opened.by_link_of(&carl_there).await.cookie;
    let phone = opened.identities.session(by_link.reveal()).unwrap();
    // The same groups in another order are the same.
    opened.identities.regrant(&carl_there.id, carl(&["oidc:team", "oidc:ops"]), grant()).await.unwrap();
    assert!(carl_there.ended.has_changed().is_ok() && phone.ended.has_changed().is_ok());
    opened.identities.regrant(&carl_there.id, carl(&["oidc:team"]), grant()).await.unwrap();
    assert!(carl_there.ended.has_changed().is_err() && phone.ended.has_changed().is_err());
    let again = opened.identities.session(by_link.reveal()).unwrap();
    assert_eq!(again.person.groups, ["oidc:team"], "who comes again comes with the groups of now");
    assert!(again.ended.has_changed().is_ok());
}

#[tokio::test]
async fn a_token_of_somebody_whom_a_provider_vouches_for_lasts_thirty_days_at_the_most() {
    let place = Place::new();
    let opened = place.open().await;
    let maker = by_provider(&opened, &[]).await;
    let (_, expires_at) = token_of(&opened, &maker).await;
    assert_eq!(expires_at, "2026-01-31T00:00:00Z".parse::<Timestamp>().unwrap());
}
