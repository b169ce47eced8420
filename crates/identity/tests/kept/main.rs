//! Who comes in, how, until when, and who does not.

mod accounts;
mod made;
mod support;

use futures::future::join_all;
use kube::api::{DeleteParams, ListParams};
use seaway_core::authorize::Scope;
use seaway_identity::{IdentityError, Opening, Person, SignInError, Via};
use std::time::Duration;
use support::{HOME, Opened, Place, RIGHT, ip, secret, until};

#[tokio::test]
async fn a_user_signs_in_by_their_password_alone() {
    let place = Place::new();
    let opened = place.with_bob().await;
    let cookie = opened.bob().await;
    let signed_in = opened.identities.session(cookie.reveal()).unwrap();
    assert_eq!(
        (signed_in.person.username.as_str(), signed_in.person.name.as_str(), signed_in.via),
        ("user:bob", "bob", Via::Password)
    );
    assert_eq!(signed_in.person.groups, ["team-a", "system:authenticated"]);
    assert_eq!(opened.refused("correct horse batterz", HOME).await, "the user or the password is wrong");
    let nobody = opened.identities.sign_in("nobody", &secret(RIGHT), ip(HOME)).await.unwrap_err();
    assert_eq!(nobody.to_string(), "the user or the password is wrong");
    // A forged cookie, another's prefix, and what names a session are no cookies.
    for forged in ["", "x", &signed_in.id, &cookie.reveal()[1..], &format!("{}A", cookie.reveal())] {
        assert!(opened.identities.session(forged).is_none(), "{forged}");
    }
    assert!(opened.identities.bearer(cookie.reveal()).is_none(), "a cookie is no token");
}

#[tokio::test]
async fn names_that_are_ours_and_easy_passwords_are_refused() {
    let place = Place::new();
    let opened = place.with_bob().await;
    let add = async |name: &str, password: &str, group: &str| {
        let added = opened.identities.add_user(name, &secret(password), &[group.to_owned()]).await;
        added.err().map(|err| err.to_string()).unwrap_or_default()
    };
    assert!(add("system:admin", RIGHT, "a").await.contains("Seaway's own"));
    assert!(add("eve", RIGHT, "system:masters").await.contains("Seaway's own"));
    assert!(add("eve", RIGHT, "System:Masters").await.contains("Seaway's own"));
    assert!(add("eve", RIGHT, "oidc:admins").await.contains("identity provider alone"));
    assert!(add("e/ve", RIGHT, "a").await.contains("letters, digits"));
    assert!(add("eve", "elevenchars", "a").await.contains("12 characters"));
    assert!(add("bob", RIGHT, "a").await.contains("there already"));
    assert_eq!(opened.identities.users().len(), 1);
}

async fn everything_of_bob(opened: &Opened) -> (String, String, String) {
    let cookie = opened.bob().await.reveal().clone();
    let person = opened.identities.session(&cookie).unwrap().person;
    let (token, _) = opened.identities.make_token(&person, "ci", None, Duration::from_secs(9000)).await.unwrap();
    let link = opened.identities.make_link(&person, None).await.unwrap();
    (cookie, token.reveal().clone(), link.secret.reveal().clone())
}

async fn nothing_is_left(opened: &Opened, (cookie, token, link): &(String, String, String)) {
    assert!(opened.identities.session(cookie).is_none());
    assert!(opened.identities.bearer(token).is_none());
    assert!(matches!(opened.identities.sign_in_by_link(link, ip(HOME)).await, Err(SignInError::LinkUsed)));
    assert!(opened.identities.sessions().is_empty() && opened.identities.tokens(None).is_empty());
}

#[tokio::test]
async fn a_new_password_ends_sessions_tokens_and_links_at_once() {
    let place = Place::new();
    let opened = place.with_bob().await;
    let had = everything_of_bob(&opened).await;
    let mut ended = opened.identities.session(&had.0).unwrap().ended;
    opened.identities.set_password("bob", &secret("another long password")).await.unwrap();
    assert!(ended.wait_for(|ended| *ended).await.is_err(), "who listens hears that nobody is left to say so");
    nothing_is_left(&opened, &had).await;
    assert!(opened.refused(RIGHT, HOME).await.contains("wrong"));
    assert_eq!(opened.refused("another long password", HOME).await, "");
    // Neither does a restart bring anything back.
    drop(opened);
    let opened = place.open().await;
    assert!(opened.identities.session(&had.0).is_none() && opened.identities.bearer(&had.1).is_none());
}

#[tokio::test]
async fn a_user_who_is_removed_takes_everything_along_and_made_again_is_another() {
    let place = Place::new();
    let opened = place.with_bob().await;
    let had = everything_of_bob(&opened).await;
    let ended = opened.identities.session(&had.0).unwrap().ended;
    let person = opened.identities.session(&had.0).unwrap().person;
    opened.identities.remove_user("bob").await.unwrap();
    assert!(ended.has_changed().is_err());
    nothing_is_left(&opened, &had).await;
    assert!(matches!(opened.identities.remove_user("bob").await, Err(IdentityError::NoSuch { .. })));
    let late = opened.identities.open_session(Opening::new(person.clone(), Via::Password)).await;
    assert!(matches!(late, Err(IdentityError::NoSuch { .. })), "a request that was on its way opens nothing");
    assert!(opened.identities.make_link(&person, None).await.is_err());
    opened.identities.add_user("bob", &secret(RIGHT), &[]).await.unwrap();
    nothing_is_left(&opened, &had).await;
}

#[tokio::test]
async fn a_link_signs_in_once_even_if_two_use_it_at_once() {
    let place = Place::new();
    let opened = place.with_bob().await;
    let person = opened.identities.session(opened.bob().await.reveal()).unwrap().person;
    let link = opened.identities.make_link(&person, None).await.unwrap();
    let tries = (0..8).map(|_| opened.identities.sign_in_by_link(link.secret.reveal(), ip(HOME)));
    let came_in: Vec<_> = join_all(tries).await.into_iter().filter_map(Result::ok).collect();
    assert_eq!(came_in.len(), 1);
    let signed_in = opened.identities.session(came_in[0].cookie.reveal()).unwrap();
    assert_eq!((signed_in.person.username.as_str(), signed_in.via), ("user:bob", Via::Link));
    let again = opened.identities.sign_in_by_link(link.secret.reveal(), ip(HOME)).await;
    assert!(matches!(again, Err(SignInError::LinkUsed)));
}

#[tokio::test]
async fn a_link_is_good_for_ten_minutes_and_its_session_no_longer_than_its_maker() {
    let place = Place::new();
    let opened = place.with_bob().await;
    let person = opened.identities.session(opened.bob().await.reveal()).unwrap().person;
    let link = opened.identities.make_link(&person, None).await.unwrap();
    place.clock.advance_seconds(600);
    let late = opened.identities.sign_in_by_link(link.secret.reveal(), ip(HOME)).await;
    assert!(matches!(late, Err(SignInError::LinkExpired)));
    let (token, row) = opened.identities.make_token(&person, "short", None, Duration::from_secs(60)).await.unwrap();
    let by_link = opened.by_link_of(&opened.identities.bearer(token.reveal()).unwrap()).await;
    assert_eq!(by_link.expires_at, row.expires_at);
}

#[tokio::test]
async fn a_session_ends_by_rest_and_by_age() {
    let place = Place::new();
    let opened = place.with_bob().await;
    let (rests, works) = (opened.bob().await, opened.bob().await);
    let mut n_hours = 0;
    while opened.identities.session(works.reveal()).is_some() {
        place.clock.advance_seconds(3600);
        n_hours += 1;
    }
    assert_eq!(n_hours, 24);
    assert!(opened.identities.session(rests.reveal()).is_none());
    let rests = opened.bob().await;
    let mut ended = opened.identities.session(rests.reveal()).unwrap().ended;
    place.clock.advance_seconds(8 * 3600);
    assert!(ended.wait_for(|ended| *ended).await.is_err());
    assert!(opened.identities.session(rests.reveal()).is_none());
}

#[tokio::test]
async fn a_cookie_is_good_for_nothing_after_signing_out() {
    let place = Place::new();
    let opened = place.with_bob().await;
    let cookie = opened.bob().await;
    let signed_in = opened.identities.session(cookie.reveal()).unwrap();
    assert!(opened.identities.end_session(&signed_in.id).await.unwrap());
    assert!(signed_in.ended.has_changed().is_err());
    assert!(opened.identities.session(cookie.reveal()).is_none());
    assert!(!opened.identities.end_session(&signed_in.id).await.unwrap());
}

#[tokio::test]
async fn sessions_and_tokens_outlast_a_restart() {
    let place = Place::new();
    let opened = place.with_bob().await;
    let (cookie, token, link) = everything_of_bob(&opened).await;
    drop(opened);
    place.clock.advance_seconds(500);
    let opened = place.open().await;
    assert_eq!(opened.identities.session(&cookie).unwrap().person.username, "user:bob");
    assert_eq!(opened.identities.bearer(&token).unwrap().person.username, "user:bob");
    assert!(opened.identities.sign_in_by_link(&link, ip(HOME)).await.is_ok());
}

#[tokio::test]
async fn wrong_passwords_wait_and_a_restart_does_not_forget() {
    let place = Place::new();
    let opened = place.with_bob().await;
    let away = "198.51.100.7";
    for _ in 0..6 {
        assert!(opened.refused("wrong password 1", away).await.contains("is wrong"));
    }
    assert!(opened.refused(RIGHT, away).await.contains("try again in 1 s"));
    // A stranger waits for what others do to the account, a little.
    assert!(opened.refused(RIGHT, "203.0.113.9").await.contains("try again in 1 s"));
    drop(opened);
    let opened = place.open().await;
    assert!(opened.refused(RIGHT, away).await.contains("try again"));
    // Refused tries do not make it longer.
    place.clock.advance_seconds(1);
    assert_eq!(opened.refused(RIGHT, away).await, "");
}

#[tokio::test]
async fn who_signed_in_before_is_not_locked_out_by_others() {
    let place = Place::new();
    let opened = place.with_bob().await;
    opened.bob().await;
    for tries in 0..12 {
        opened.refused("wrong password 1", "198.51.100.7").await;
        place.clock.advance_seconds(i64::from(1 << (tries / 2)));
    }
    opened.refused("wrong password 1", "198.51.100.7").await;
    assert!(opened.refused(RIGHT, "203.0.113.9").await.contains("try again"));
    assert_eq!(opened.refused(RIGHT, HOME).await, "");
}

/// What `name` is answered to wrong passwords, nine from where bob signed in before and nine from elsewhere.
async fn answers(name: &str) -> Vec<String> {
    let place = Place::new();
    let opened = place.with_bob().await;
    opened.bob().await;
    let mut all = Vec::new();
    for from in [HOME; 9].into_iter().chain(["198.51.100.7"; 9]) {
        let refused = opened.identities.sign_in(name, &secret("wrong password 1"), ip(from)).await;
        all.push(refused.err().map(|err| err.to_string()).unwrap_or_default());
    }
    all
}

#[tokio::test]
async fn no_answer_tells_which_names_there_are() {
    let (of_bob, of_nobody) = (answers("bob").await, answers("nobody").await);
    assert_eq!(of_bob, of_nobody);
    assert!(of_bob[0].contains("is wrong") && of_bob[8].contains("try again"), "{of_bob:?}");
}

#[tokio::test]
async fn a_neighbour_behind_the_same_address_locks_nobody_out() {
    let place = Place::new();
    let opened = place.with_bob().await;
    opened.bob().await;
    // Each name is free five times; the address is not.
    let wrong = async |name: String| {
        let tried = opened.identities.sign_in(&name, &secret("wrong password 1"), ip(HOME)).await;
        tried.err().map(|err| err.to_string()).unwrap_or_default()
    };
    for n in 0..16_u32 {
        assert!(wrong(format!("eve-{n}")).await.contains("is wrong"));
        // As long as it has to wait, and no longer.
        place.clock.advance_seconds(1 << n.saturating_sub(10));
    }
    assert!(wrong("eve".to_owned()).await.contains("is wrong"));
    assert!(wrong("eve".to_owned()).await.contains("try again"), "the address waits");
    assert_eq!(opened.refused(RIGHT, HOME).await, "", "bob, who came from there before, does not");
    // Guesses at bob's password from there are bounded all the same.
    for _ in 0..6 {
        assert!(opened.refused("wrong password 1", HOME).await.contains("try again"));
    }
    assert!(opened.refused(RIGHT, HOME).await.contains("try again"));
    place.clock.advance_seconds(1);
    assert_eq!(opened.refused(RIGHT, HOME).await, "");
}

#[tokio::test]
async fn a_token_has_a_scope_and_an_end_and_gives_none_on() {
    let place = Place::new();
    let opened = place.with_bob().await;
    let person = opened.identities.session(opened.bob().await.reveal()).unwrap().person;
    let scope = Scope { projects: vec!["bank".to_owned()], verbs: vec!["get".to_owned()] };
    let hour = Duration::from_secs(3600);
    let (token, row) = opened.identities.make_token(&person, "nightly", Some(scope.clone()), hour).await.unwrap();
    assert!(token.reveal().starts_with("seaway_"));
    let signed_in = opened.identities.bearer(token.reveal()).unwrap();
    assert_eq!((signed_in.person.scope.clone(), signed_in.via, signed_in.id), (Some(scope), Via::Token, row.id.clone()));
    let more = opened.identities.make_token(&signed_in.person, "more", None, hour).await.unwrap_err();
    assert!(more.to_string().contains("a token with a scope makes no tokens"));
    let (other, _) = opened.identities.make_token(&person, "other", None, hour * 9).await.unwrap();
    assert!(opened.identities.revoke_token(&row.id).await.unwrap());
    assert!(opened.identities.bearer(token.reveal()).is_none());
    place.clock.advance_seconds(9 * 3600);
    assert!(opened.identities.bearer(other.reveal()).is_none());
}

#[tokio::test]
async fn a_secret_that_is_deleted_ends_what_it_keeps() {
    let place = Place::new();
    let opened = place.with_bob().await;
    let cookie = opened.bob().await;
    let session = ListParams::default().labels("seaway.dev/identity=session");
    opened.secrets().delete_collection(&DeleteParams::default(), &session).await.unwrap();
    until("the session has ended", async || opened.identities.session(cookie.reveal()).is_none()).await;
}

#[tokio::test]
async fn nothing_secret_is_kept_in_clear_or_shown() {
    let place = Place::new();
    let opened = place.with_bob().await;
    let signed_in_twice = [opened.bob().await, opened.bob().await];
    let (cookie, token, link) = everything_of_bob(&opened).await;
    let mut seen = String::new();
    for kept in opened.secrets().list(&ListParams::default()).await.unwrap() {
        for (_, bytes) in kept.data.unwrap_or_default() {
            seen.push_str(&String::from_utf8(bytes.0).unwrap());
        }
    }
    assert!(seen.contains("$argon2id$") && seen.contains("user:bob"));
    let person = opened.identities.session(&cookie).unwrap().person;
    let new_session = opened.identities.open_session(Opening::new(person.clone(), Via::Password)).await.unwrap();
    let new_link = opened.identities.make_link(&person, None).await.unwrap();
    seen.push_str(&format!("{:?}{new_session:?}{new_link:?}{signed_in_twice:?}", opened.identities));
    seen.push_str(&format!("{:?}{:?}", opened.identities.session(&cookie), opened.identities.bearer(&token)));
    seen.push_str(&format!(
        "{:?}{:?}{:?}",
        opened.identities.sessions(),
        opened.identities.tokens(None),
        opened.identities.users()
    ));
    for secret in [RIGHT, &cookie, &token, &link, new_session.cookie.reveal(), new_link.secret.reveal()] {
        assert!(!seen.contains(secret.trim_start_matches("seaway_")));
    }
}

#[tokio::test]
async fn one_person_has_so_many_sessions_and_no_more() {
    let place = Place::new();
    let opened = place.open().await;
    let carl = Person {
        username: "oidc:carl".to_owned(),
        groups: vec![],
        claims: None,
        claim: "email".to_owned(),
        name: "carl".to_owned(),
        scope: None,
    };
    let first = opened.identities.open_session(Opening::new(carl.clone(), Via::Oidc)).await.unwrap();
    for _ in 0..64 {
        place.clock.advance_seconds(1);
        opened.identities.open_session(Opening::new(carl.clone(), Via::Oidc)).await.unwrap();
    }
    assert_eq!(opened.identities.sessions().len(), 64);
    assert!(opened.identities.session(first.cookie.reveal()).is_none());
}
