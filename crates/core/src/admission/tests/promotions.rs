//! Promotions: what may be asked for, held, stopped, and by whom.

use super::*;

#[test]
fn requests_by_annotation_bear_the_one_who_asks() {
    let old = stage("qa", json!({ "direct": true }));
    let asks = |text: &str| with(old.clone(), "metadata/annotations", json!({ "kargo.akuity.io/reverify": text }));
    let stored =
        |new: &Value| json::annotation(&update(&old, new).unwrap().object.unwrap(), "kargo.akuity.io/reverify").to_owned();
    assert_eq!(stored(&asks("v1")), r#"{"id":"v1","actor":"kubernetes:alice"}"#);
    assert_eq!(stored(&asks(r#"{"id":"v1","actor":"admin","controlPlane":true}"#)), r#"{"id":"v1","actor":"kubernetes:alice"}"#);
    let unchanged = asks("v1");
    let kept = update(&unchanged, &unchanged).unwrap().object.unwrap();
    assert_eq!(json::annotation(&kept, "kargo.akuity.io/reverify"), "v1");
}

#[test]
fn promotions() {
    check(&promotion(json!({ "stage": "qa", "freight": "new" })), "ok");
    check(&promotion(json!({ "stage": "gone", "freight": "new" })), "there is no stage gone");
    check(&promotion(json!({ "stage": "qa", "freight": "gone" })), "there is no freight gone");
    check(&promotion(json!({ "stage": "prod", "freight": "new" })), "may not have freight new yet");
    check(&promotion(json!({ "stage": "qa" })), "exactly one of freight and origin");
    check(&promotion(json!({ "stage": "qa", "freight": "new", "origin": origin("bank") })), "exactly one of freight and origin");
    check(&promotion(json!({ "stage": "prod", "origin": origin("bank") })), "has nothing to get from Warehouse/bank");
    let passing = with(stage("gate", json!({ "direct": true })), "spec/promotionTemplate", Value::Null);
    check_in(vec![passing], &promotion(json!({ "stage": "gate", "freight": "new" })), "has no steps");
    let fans = with(stage("fan", json!({ "direct": true })), "spec/targets", json!({ "selectors": [] }));
    check_in(vec![fans], &promotion(json!({ "stage": "fan", "freight": "new" })), "has targets");
}

#[test]
fn origin_means_the_newest() {
    let stored = create(&promotion(json!({ "stage": "qa", "origin": origin("bank") })), vec![]).unwrap();
    let object = stored.object.unwrap();
    assert_eq!((object["spec"].get("freight"), object["spec"].get("origin")), (Some(&json!("new")), None));
    assert!(json::name(&object).starts_with("qa.") && json::name(&object).ends_with(".new"), "{}", json::name(&object));
    assert_eq!(stored.right.unwrap().name, "qa");
    assert!(stored.reads.iter().any(|r| r.kind == "Stage" && r.uid.as_deref() == Some("u-1")));
}

#[test]
fn freight_is_available_once_verified_and_soaked() {
    let soaked = |status: Value| with(freight("soak", "fair-loon", NOW), "status", status);
    let asks = promotion(json!({ "stage": "prod", "freight": "soak" }));
    let at =
        |since: &str| json!({ "verifiedIn": { "qa": { "verifiedAt": since } }, "currentlyIn": { "qa": { "since": since } } });
    check_in(vec![soaked(at("2026-03-01T10:59:00Z"))], &asks, "ok");
    check_in(vec![soaked(at("2026-03-01T11:01:00Z"))], &asks, "may not have freight");
    check_in(vec![soaked(json!({ "verifiedIn": { "qa": { "longestSoak": "61m" } } }))], &asks, "ok");
    check_in(vec![soaked(json!({ "approvedFor": { "prod": { "approvedAt": NOW } } }))], &asks, "ok");
}

#[test]
fn choosing_other_freight_holds_and_choosing_the_newest_resumes() {
    let policy = |stage: &str, on: bool| json!({ "stageSelector": { "name": stage }, "autoPromotionEnabled": on });
    let config = |policies: Value| json!({ "kind": "ProjectConfig", "metadata": { "name": "bank", "namespace": "bank" }, "spec": { "promotionPolicies": policies } });
    let asks = |freight: &str| {
        with(
            promotion(json!({ "stage": "qa", "freight": freight })),
            "metadata/annotations",
            json!({ "kargo.akuity.io/auto-promotion-hold": "fake", "kargo.akuity.io/create-actor": "admin" }),
        )
    };
    let marks = |freight: &str, policies: Value| {
        let object = create(&asks(freight), vec![config(policies)]).unwrap().object.unwrap();
        assert_eq!(json::annotation(&object, "kargo.akuity.io/create-actor"), "kubernetes:alice");
        ["hold", "resume"].map(|word| json::annotation(&object, &format!("kargo.akuity.io/auto-promotion-{word}")).to_owned())
    };
    let key = "Warehouse/bank".to_owned();
    assert_eq!(marks("old", json!([policy("glob:q*", true)])), [key.clone(), String::new()]);
    assert_eq!(marks("new", json!([policy("regex:^qa$", true)])), [String::new(), key]);
    assert_eq!(marks("old", json!([policy("qa", false), policy("glob:*", true)])), [String::new(), String::new()]);
    let own = promotion(json!({ "stage": "qa", "freight": "old" }));
    let request = Request { control_plane: true, actor: "controller:stages", ..ask(Operation::Create, None, Some(&own)) };
    let object = admit(&request, &world(vec![config(json!([policy("qa", true)]))])).unwrap().object.unwrap();
    assert_eq!(json::annotation(&object, "kargo.akuity.io/auto-promotion-hold"), "");
    assert_eq!(json::annotation(&object, "kargo.akuity.io/create-actor"), "controller:stages");
}

#[test]
fn a_promotion_is_not_changed_but_can_be_stopped() {
    let old = create(&promotion(json!({ "stage": "qa", "freight": "new" })), vec![]).unwrap().object.unwrap();
    check_update(&old, &with(old.clone(), "spec/freight", json!("old")), "is not changed once it is made");
    let annotate = |object: &Value, key: &str, value: &str| {
        let mut object = object.clone();
        json::set_map_entry(&mut object, "annotations", key, Some(value));
        object
    };
    let spoofed = update(&old, &annotate(&old, "kargo.akuity.io/create-actor", "admin")).unwrap().object.unwrap();
    assert_eq!(json::annotation(&spoofed, "kargo.akuity.io/create-actor"), "kubernetes:alice");
    let stopped = update(&old, &annotate(&old, "kargo.akuity.io/abort", "terminate")).unwrap().object.unwrap();
    assert_eq!(json::annotation(&stopped, "kargo.akuity.io/abort"), r#"{"action":"terminate","actor":"kubernetes:alice"}"#);
    for word in ["skip", r#"{"choice":"skip","actor":"kubernetes:somebody-else"}"#] {
        let decided = update(&old, &annotate(&old, "seaway.dev/resolve", word)).unwrap().object.unwrap();
        assert_eq!(json::annotation(&decided, "seaway.dev/resolve"), r#"{"choice":"skip","actor":"kubernetes:alice"}"#);
    }
    let mut asked = annotate(&old, "seaway.dev/request", "a-hash");
    json::set_map_entry(&mut asked, "labels", "seaway.dev/request-key", Some("a-hash"));
    for (before, after) in [(&old, &asked), (&asked, &old)] {
        let kept = update(before, after).unwrap().object.unwrap();
        assert_eq!(json::annotation(&kept, "seaway.dev/request"), json::annotation(before, "seaway.dev/request"));
        assert_eq!(json::label(&kept, "seaway.dev/request-key"), json::label(before, "seaway.dev/request-key"));
    }
    let digest = "seaway.dev/plan-digest";
    let planned = annotate(&old, digest, "d1");
    check_update(&old, &planned, "ok");
    check_update(&planned, &annotate(&old, digest, "d2"), "settled when it is made");
    check_update(&planned, &old, "settled when it is made");
    let running = with(old.clone(), "status", json!({ "phase": "Running" }));
    check_update(&running, &annotate(&running, digest, "d1"), "settled when it is made");
}

#[test]
fn a_promotion_that_has_ended_is_labelled_in_the_same_write() {
    let old = create(&promotion(json!({ "stage": "qa", "freight": "new" })), vec![]).unwrap().object.unwrap();
    for (phase, label) in [("Running", ""), ("Succeeded", "true"), ("Aborted", "true"), ("", "")] {
        let new = with(old.clone(), "status", json!({ "phase": phase }));
        let status = Request { subresource: Some("status"), ..ask(Operation::Update, Some(&old), Some(&new)) };
        let written = admit(&status, &world(vec![])).unwrap().object.unwrap_or(new.clone());
        assert_eq!(json::label(&written, "seaway.dev/terminal"), label, "{phase}");
    }
    let mut by_hand = old.clone();
    by_hand["metadata"]["labels"]["seaway.dev/terminal"] = json!("true");
    let written = update(&old, &by_hand).unwrap().object.unwrap();
    assert_eq!(json::label(&written, "seaway.dev/terminal"), "", "nobody says so of one that runs");
}
