//! A request that is repeated under its key after a restart: what it made is found, and nothing is made twice.

use super::support::{Port, user};
use http::StatusCode;
use kube::ResourceExt as _;
use kube::api::{Api, ListParams, Patch, PatchParams, PostParams};
use seaway_api::kargo::Promotion;
use seaway_core::authorize::Scope;
use serde_json::{Value, json};
use std::collections::BTreeSet;

const PATH: &str = "/projects/bank/promotions";

async fn all(port: &Port) -> Vec<Promotion> {
    port.promotions().list(&ListParams::default()).await.unwrap().items
}

/// The promotions as somebody else's client reaches them.
fn as_seen_by(port: &Port, who: &str) -> Api<Promotion> {
    Api::namespaced(port.api.client(user(who)), "bank")
}

#[tokio::test]
async fn a_promotion_is_made_once_over_a_restart() {
    let mut port = Port::open().await;
    let ask = json!({ "stage": "prod-eu", "freight": "1.5.0" });
    let first = port.post_with("bob", PATH, &ask, Some("k1")).await;
    assert_eq!(first.status, StatusCode::CREATED, "{first:?}");
    port.restart().await;
    let again = port.post_with("bob", PATH, &ask, Some("k1")).await;
    assert_eq!((again.status, &again.body), (StatusCode::CREATED, &first.body));
    assert_eq!(all(&port).await.len(), 1);
    // Over, it is no less done: it is not begun anew, and another key is another request.
    let name = first.body["name"].as_str().unwrap();
    port.patch::<Promotion>(name, json!({ "phase": "Succeeded" })).await;
    port.restart().await;
    assert_eq!(port.post_with("bob", PATH, &ask, Some("k1")).await.body, first.body);
    assert_ne!(port.post_with("bob", PATH, &ask, Some("k2")).await.body, first.body);
    assert_eq!(all(&port).await.len(), 2);
}

#[tokio::test]
async fn a_key_is_the_callers_and_for_one_question_over_a_restart() {
    let mut port = Port::open().await;
    port.bind("carol", "kargo-promoter").await;
    let (ask, other) = (json!({ "stage": "qa", "freight": "1.5.0" }), json!({ "stage": "prod-eu", "freight": "1.5.0" }));
    let first = port.post_with("bob", PATH, &ask, Some("k")).await;
    assert_eq!(first.status, StatusCode::CREATED, "{first:?}");
    let narrow = || Scope { projects: vec!["bank".to_owned()], verbs: ["get", "list", "promote"].map(str::to_owned).into() };
    for of in [&other, &json!({ "downstreamOf": "qa", "freight": "1.5.0" })] {
        port.restart().await;
        let refused = port.post_with("bob", PATH, of, Some("k")).await;
        assert_eq!(refused.problem(), (422, "invalid".to_owned()));
        assert_eq!(refused.detail(), "this Idempotency-Key was used for something else");
    }
    port.restart().await;
    let refused = port.post_as(user("bob").with_scope(narrow()), PATH, &ask, Some("k")).await;
    assert_eq!(
        refused.problem(),
        (422, "invalid".to_owned()),
        "a token with a scope is told nothing that was answered without one"
    );
    let carols = port.post_with("carol", PATH, &other, Some("k")).await;
    assert_eq!(carols.status, StatusCode::CREATED, "{carols:?}");
    assert_eq!(all(&port).await.len(), 2);
}

#[tokio::test]
async fn nobody_reads_a_key_off_a_promotion_or_answers_in_anothers_name() {
    let mut port = Port::open().await;
    port.bind("carol", "kargo-promoter").await;
    let ask = json!({ "stage": "qa", "freight": "1.5.0" });
    let name = port.post_with("bob", PATH, &ask, Some("the-key-of-bob")).await.body["name"].as_str().unwrap().to_owned();
    let made = port.promotions().get(&name).await.unwrap();
    assert!(!serde_json::to_string(&made).unwrap().contains("the-key-of-bob"));
    let marks = |of: &Promotion| {
        (of.labels().get("seaway.dev/request-key").cloned(), of.annotations().get("seaway.dev/request").cloned())
    };
    let (Some(key), Some(request)) = marks(&made) else { panic!("it bears no request: {made:?}") };
    // Carol may promote: she takes the marks for a promotion of her own, and takes bob's away.
    let mut own = Promotion { spec: made.spec.clone(), ..Promotion::default() };
    own.metadata.generate_name = Some("qa.".to_owned());
    own.labels_mut().insert("seaway.dev/request-key".to_owned(), key.clone());
    own.annotations_mut().insert("seaway.dev/request".to_owned(), request.clone());
    let forged = as_seen_by(&port, "carol").create(&PostParams::default(), &own).await.unwrap().name_any();
    port.promotions().delete(&name, &Default::default()).await.unwrap();
    port.restart().await;
    let again = port.post_with("bob", PATH, &ask, Some("the-key-of-bob")).await;
    assert_eq!(again.problem(), (409, "promotion-open".to_owned()), "{forged} is not what bob made");
    port.promotions().delete(&forged, &Default::default()).await.unwrap();
    let name = port.post_with("bob", PATH, &ask, Some("the-key-of-bob")).await.body["name"].as_str().unwrap().to_owned();
    let wipe =
        json!({ "metadata": { "labels": { "seaway.dev/request-key": null }, "annotations": { "seaway.dev/request": "0" } } });
    port.promotions().patch(&name, &PatchParams::default(), &Patch::Merge(&wipe)).await.unwrap();
    assert_eq!(marks(&port.promotions().get(&name).await.unwrap()), (Some(key), Some(request)));
}

#[tokio::test]
async fn a_copy_made_by_hand_is_not_what_was_asked_for() {
    let mut port = Port::open().await;
    let ask = json!({ "stage": "qa", "freight": "1.5.0" });
    let first = port.post_with("bob", PATH, &ask, Some("k")).await;
    let made = port.promotions().get(first.body["name"].as_str().unwrap()).await.unwrap();
    let mut copy = Promotion { spec: made.spec.clone(), ..Promotion::default() };
    copy.metadata.generate_name = Some("e2e.".to_owned());
    copy.metadata.labels = made.metadata.labels.clone();
    copy.metadata.annotations = made.metadata.annotations.clone();
    copy.spec.stage = "e2e".to_owned();
    as_seen_by(&port, "bob").create(&PostParams::default(), &copy).await.unwrap();
    port.restart().await;
    assert_eq!(port.post_with("bob", PATH, &ask, Some("k")).await.body, first.body);
    // Where the first is gone, the copy does not stand for it.
    port.promotions().delete(&made.name_any(), &Default::default()).await.unwrap();
    port.restart().await;
    let again = port.post_with("bob", PATH, &ask, Some("k")).await;
    assert_eq!(again.status, StatusCode::CREATED, "{again:?}");
    assert_eq!(port.promotions().get(again.body["name"].as_str().unwrap()).await.unwrap().spec.stage, "qa");
}

#[tokio::test]
async fn what_was_begun_downstream_is_finished_by_the_repeat_and_each_done_once() {
    let mut port = Port::open().await;
    port.post("bob", "/projects/bank/freight/1.5.0/approve", &json!({ "stage": "prod-us" })).await;
    let ask = json!({ "downstreamOf": "staging", "freight": "1.5.0" });
    let first = port.post_with("bob", PATH, &ask, Some("k")).await;
    assert_eq!(first.status, StatusCode::CREATED, "{first:?}");
    let names = |answer: &Value| -> BTreeSet<String> {
        answer["items"].as_array().unwrap().iter().map(|it| it["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names(&first.body).len(), first.body["items"].as_array().unwrap().len());
    port.restart().await;
    let again = port.post_with("bob", PATH, &ask, Some("k")).await;
    assert_eq!((again.status, &again.body), (StatusCode::CREATED, &first.body));
    // As if it had been killed between two of them: the last was not made yet.
    let last = first.body["items"].as_array().unwrap().last().unwrap()["name"].as_str().unwrap().to_owned();
    port.promotions().delete(&last, &Default::default()).await.unwrap();
    port.restart().await;
    let finished = port.post_with("bob", PATH, &ask, Some("k")).await;
    assert_eq!(finished.status, StatusCode::CREATED, "{finished:?}");
    let (before, after) = (names(&first.body), names(&finished.body));
    assert_eq!((after.len(), before.difference(&after).cloned().collect::<Vec<_>>()), (before.len(), vec![last]));
    assert_eq!(all(&port).await.iter().map(|made| made.name_any()).collect::<BTreeSet<_>>(), after);
}

#[tokio::test]
async fn an_approval_is_the_same_over_a_restart() {
    let mut port = Port::open().await;
    let (path, ask) = ("/projects/bank/freight/1.5.0/approve", json!({ "stage": "prod-us" }));
    assert_eq!(port.post_with("bob", path, &ask, Some("k")).await.status, StatusCode::NO_CONTENT);
    let freight: Api<seaway_api::kargo::Freight> = Api::namespaced(port.admin(), "bank");
    let approved = freight.list(&ListParams::default()).await.unwrap().items;
    port.restart().await;
    assert_eq!(port.post_with("bob", path, &ask, Some("k")).await.status, StatusCode::NO_CONTENT);
    assert_eq!(freight.list(&ListParams::default()).await.unwrap().items, approved, "nothing was written anew");
}
