//! Live boards: what is sent, to whom, and when it ends.

use super::support::{Port, user};
use kube::api::DeleteParams;
use seaway_api::kargo::{Freight, Stage};
use seaway_apiserver::{Identity, Lease};
use seaway_core::view;
use seaway_verbs::{Verbs, World};
use serde_json::{Value, json};

fn keys(change: &Value) -> Vec<&str> {
    change.as_object().unwrap().keys().map(String::as_str).collect()
}

/// A stage stands otherwise: its controller gave up on it, for that reason.
async fn stall(port: &Port, stage: &str, why: &str) {
    let condition = json!({ "type": "Stalled", "status": "True", "reason": "Bug", "message": why, "lastTransitionTime": "2026-01-01T00:00:00Z" });
    port.patch::<Stage>(stage, json!({ "conditions": [condition] })).await;
}

#[tokio::test]
async fn the_board_says_what_the_command_line_prints() {
    let port = Port::open().await;
    let board = port.get("eve", "/projects/bank/board").await.body;
    let verbs = Verbs::new(port.api.client(user("eve")), "bank");
    let world = World::read(&verbs, |_| true, jiff::Timestamp::now()).await.unwrap();
    for (row, shown) in world.ask(view::stages).iter().zip(board["stages"].as_array().unwrap()) {
        assert_eq!(
            (json!(row.stage), json!(row.has), json!(row.state)),
            (shown["name"].clone(), shown["has"].clone(), shown["state"].clone())
        );
        assert_eq!((json!(row.next), json!(row.waits_for)), (shown["next"].clone(), shown["waitsFor"].clone()));
    }
    let names: Vec<&Value> = board["stages"].as_array().unwrap().iter().map(|it| &it["name"]).collect();
    assert_eq!(json!(names), json!(["qa", "e2e", "staging", "prod-eu", "prod-us"]));
    let eu = &board["stages"][3];
    assert_eq!((eu["has"].as_str(), eu["next"].as_str()), (Some("fund-transfer 1.4.8"), Some("fund-transfer 1.5.0")));
    assert_eq!((eu["waitsFor"].as_str(), eu["promotesByItself"].as_bool()), (Some("a promoter: manual promotion"), Some(false)));
    assert_eq!(eu["upstream"], json!(["staging"]));
    let newest = board["freight"].as_array().unwrap().iter().find(|it| it["version"] == "1.5.0").unwrap();
    assert_eq!(newest["mayGoTo"], json!(["qa", "e2e", "staging", "prod-eu"]));
    assert_eq!(newest["verifiedIn"], json!(["qa", "e2e", "staging"]));
    assert_eq!(board["rights"], json!({ "promote": [], "approve": false, "refresh": false, "write": false }));
    let of_bob = port.get("bob", "/projects/bank/board").await.body;
    assert_eq!(of_bob["rights"]["promote"].as_array().unwrap().len(), 5);
    assert_eq!(of_bob["stages"], board["stages"]);
}

#[tokio::test]
async fn a_change_of_one_stage_is_that_row_alone() {
    let port = Port::open().await;
    let mut stream = port.changes(user("eve"), None).await;
    stall(&port, "qa", "first").await;
    let event = stream.next().await.unwrap();
    assert_eq!(event.name, "board");
    assert_eq!(keys(&event.data), ["revision", "answers", "stages"]);
    assert_eq!(event.data["stages"].as_array().unwrap().len(), 1);
    assert_eq!((&event.data["stages"][0]["name"], &event.data["stages"][0]["state"]), (&json!("qa"), &json!("blocked")));
    port.patch::<Stage>("qa", json!({ "conditions": [] })).await;
    let event = stream.next().await.unwrap();
    assert_eq!(event.data["gone"], json!({ "answers": ["Stage/qa"] }));
}

#[tokio::test]
async fn freight_that_may_go_in_touches_the_stages_it_opens() {
    let port = Port::open().await;
    let board = port.get("eve", "/projects/bank/board").await.body;
    let name = board["freight"].as_array().unwrap().iter().find(|it| it["version"] == "1.5.0").unwrap()["name"].clone();
    let mut stream = port.changes(user("eve"), None).await;
    port.patch::<Freight>(
        name.as_str().unwrap(),
        json!({ "approvedFor": { "prod-us": { "approvedAt": "2026-01-02T00:00:00Z" } } }),
    )
    .await;
    let event = stream.next().await.unwrap();
    let stages: Vec<&Value> = event.data["stages"].as_array().unwrap().iter().map(|it| &it["name"]).collect();
    assert_eq!(json!(stages), json!(["prod-us"]));
    assert_eq!(event.data["freight"][0]["approvedFor"], json!(["prod-us"]));
}

#[tokio::test]
async fn who_comes_back_gets_what_was_missed_and_who_is_of_another_epoch_reads_anew() {
    let port = Port::open().await;
    let mut stream = port.changes(user("eve"), None).await;
    stall(&port, "qa", "first").await;
    let seen = stream.next().await.unwrap();
    drop(stream);
    // Somebody else still looks, so that the board goes on.
    let mut other = port.changes(user("bob"), None).await;
    stall(&port, "qa", "second").await;
    let missed = other.next().await.unwrap();
    let mut back = port.changes(user("eve"), Some(&seen.id)).await;
    assert_eq!(back.next().await.unwrap(), missed);
    assert_eq!(back.next().await.unwrap().name, "rights");
    for last in ["0:1", "rubbish", ""] {
        let mut back = port.changes(user("eve"), Some(last)).await;
        let event = back.next().await.unwrap();
        assert_eq!((event.name.as_str(), event.id == missed.id), ("resync", true), "{last}");
    }
}

#[tokio::test]
async fn a_slow_reader_is_told_to_read_anew_and_slows_nobody() {
    let port = Port::open().await;
    let mut slow = port.changes(user("eve"), None).await;
    let mut quick = port.changes(user("bob"), None).await;
    // The slow one is behind by more than is kept for it: each change is awaited by the quick one, so that each is an event.
    for n in 0..300 {
        stall(&port, "qa", &format!("the {n}th")).await;
        assert_eq!(quick.next().await.unwrap().name, "board");
    }
    assert_eq!(slow.next().await.unwrap().name, "resync");
    stall(&port, "qa", "the last").await;
    assert_eq!(slow.next().await.unwrap(), quick.next().await.unwrap());
}

#[tokio::test]
async fn a_stream_ends_with_its_session_and_with_its_right() {
    let port = Port::open().await;
    let (holder, lease) = Lease::new();
    let mut of_session: super::support::Stream = port.changes(user("eve").with_lease(lease), None).await;
    let mut of_right = port.changes(user("eve"), None).await;
    let mut of_bob = port.changes(user("bob"), None).await;
    holder.end();
    assert_eq!(of_session.next().await, None);
    port.bindings().delete("eve-kargo-viewer", &DeleteParams::default()).await.unwrap();
    assert_eq!(of_right.next().await, None);
    port.bind("bob", "kargo-viewer").await;
    port.bindings().delete("bob-kargo-promoter", &DeleteParams::default()).await.unwrap();
    let event = of_bob.next().await.unwrap();
    assert_eq!((event.name.as_str(), &event.data["promote"]), ("rights", &json!([])));
}

#[tokio::test]
async fn a_server_that_ends_ends_its_streams() {
    let port = Port::open().await;
    let mut stream = port.changes(Identity::new("admin", &["system:masters"]).unwrap(), None).await;
    port.api.end_watches();
    assert_eq!(stream.next().await, None);
}

#[tokio::test]
async fn one_who_has_too_many_streams_open_leaves_others_theirs() {
    let port = Port::open().await;
    let mut held = Vec::new();
    for _ in 0..64 {
        held.push(port.changes(user("eve"), None).await);
    }
    let refused = port.get("eve", "/projects/bank/changes").await;
    assert_eq!(refused.problem(), (429, "too-many-requests".to_owned()));
    assert!(refused.headers.contains_key("retry-after"), "{refused:?}");
    port.changes(user("bob"), None).await;
    let admin = Identity::new("admin", &["system:masters"]).unwrap();
    for _ in 0..65 {
        held.push(port.changes(admin.clone(), None).await);
    }
    // What is closed is free again.
    held.remove(0);
    port.changes(user("eve"), None).await;
}
