//! No document can make admission panic: every part of good ones is replaced by every kind of wrong value.

use super::vector::Objects;
use super::*;
use serde_json::json;

fn documents() -> Vec<Value> {
    vec![
        json!({ "kind": "Project", "metadata": { "name": "bank", "labels": { "a": "b" }, "annotations": { "a": "b" } } }),
        json!({
            "kind": "ProjectConfig", "metadata": { "name": "bank", "namespace": "bank" },
            "spec": {
                "promotionPolicies": [{ "stageSelector": { "name": "glob:*", "matchLabels": { "a": "b" }, "matchExpressions": [{ "key": "a", "operator": "In", "values": ["b"] }] }, "autoPromotionEnabled": true, "autoRollback": { "onPromotion": ["Failed"] } }],
                "webhookReceivers": [{ "name": "a", "generic": { "secretRef": { "name": "s" }, "actions": [{ "targetSelectionCriteria": [{ "name": "x" }] }] } }],
                "promotionWindows": [{ "name": "w", "stageSelector": { "name": "regex:x" } }],
            },
        }),
        json!({
            "kind": "Warehouse", "metadata": { "name": "bank", "namespace": "bank", "labels": { "kargo.akuity.io/shard": "x" } },
            "spec": { "shard": "eu", "interval": "5m", "subscriptions": [{ "image": { "repoURL": "a/b", "platform": "linux/amd64" }, "name": "x" }, { "git": { "repoURL": "https://a/b", "includePaths": ["x"] } }, { "chart": { "repoURL": "oci://a/b" } }, { "other": {}, "name": "y" }] },
        }),
        json!({
            "kind": "Freight", "metadata": { "name": "f", "namespace": "bank" }, "alias": "calm-otter", "discoveredAt": "2026-01-01T00:00:00Z",
            "origin": { "kind": "Warehouse", "name": "bank" }, "images": [{ "repoURL": "a/b", "tag": "1", "digest": "d" }],
            "commits": [{ "repoURL": "https://a/b", "id": "1" }], "charts": [{ "repoURL": "oci://a/b", "version": "1" }], "artifacts": [{ "version": "1" }],
            "status": { "verifiedIn": { "qa": { "longestSoak": "1h" } }, "currentlyIn": { "qa": { "since": "2026-01-01T00:00:00Z" } } },
        }),
        json!({
            "kind": "Stage", "metadata": { "name": "qa", "namespace": "bank", "uid": "u", "annotations": { "kargo.akuity.io/abort": "x" } },
            "spec": {
                "vars": [{ "name": "a", "value": "b" }],
                "requestedFreight": [{ "origin": { "kind": "Warehouse", "name": "bank" }, "sources": { "direct": true, "stages": ["e2e"], "requiredSoakTime": "1h", "autoPromotionOptions": { "selectionPolicy": "NewestFreight" } } }],
                "promotionTemplate": { "spec": { "vars": [{ "name": "a" }], "steps": [{ "task": { "name": "t" }, "vars": [{ "name": "v", "value": "w" }] }, { "uses": "http", "as": "x", "retry": { "timeout": "5m" }, "config": {} }] } },
            },
            "status": { "freightHistory": [{ "items": { "Warehouse/bank": { "name": "f" } } }] },
        }),
        json!({ "kind": "PromotionTask", "metadata": { "name": "t", "namespace": "bank" }, "spec": { "vars": [{ "name": "v", "value": "d" }], "steps": [{ "uses": "http", "vars": [{ "name": "a" }] }] } }),
        json!({
            "kind": "Promotion", "metadata": { "name": "p", "namespace": "bank", "ownerReferences": [{ "kind": "X", "controller": true }], "annotations": { "kargo.akuity.io/abort": "terminate" } },
            "spec": { "stage": "qa", "origin": { "kind": "Warehouse", "name": "bank" } },
        }),
        json!({ "kind": "ClusterConfig", "metadata": { "name": "cluster" }, "spec": { "webhookReceivers": [{ "name": "a", "github": {} }] } }),
    ]
}

/// The paths of all parts of a document.
fn paths(value: &Value, at: &str, found: &mut Vec<String>) {
    let inner: Vec<(String, &Value)> = match value {
        Value::Object(map) => map.iter().map(|(k, v)| (k.replace('~', "~0").replace('/', "~1"), v)).collect(),
        Value::Array(items) => items.iter().enumerate().map(|(i, v)| (i.to_string(), v)).collect(),
        _ => Vec::new(),
    };
    for (key, value) in inner {
        let path = format!("{at}/{key}");
        paths(value, &path, found);
        found.push(path);
    }
}

fn ask(object: &Value, kind: &str, world: &Objects) -> usize {
    let mut n = 0;
    for operation in [Operation::Create, Operation::Update, Operation::Delete] {
        let old = documents().into_iter().find(|d| d["kind"] == kind).unwrap_or_default();
        let request = Request {
            operation,
            kind,
            subresource: None,
            namespace: None,
            new: (operation != Operation::Delete).then_some(object),
            old: match operation {
                Operation::Create => None,
                Operation::Update => Some(&old),
                Operation::Delete => Some(object),
            },
            actor: "kubernetes:eve",
            control_plane: false,
            cluster_admin: false,
            dry_run: false,
            now: jiff::Timestamp::UNIX_EPOCH,
            ulid: Ulid::from_parts(1, 1),
            random: 1,
        };
        let answer = admit(&request, world);
        assert!(answer.is_ok() || !answer.unwrap_err().message.is_empty());
        n += 1;
    }
    n
}

#[test]
fn no_document_makes_admission_panic() {
    let namespace =
        json!({ "kind": "Namespace", "metadata": { "name": "bank", "labels": { "kargo.akuity.io/project": "true" } } });
    let world_of = |documents: Vec<Value>| Objects(documents.into_iter().chain([namespace.clone()]).map(Arc::new).collect());
    let good = world_of(documents());
    let wrong =
        [json!(null), json!(1), json!("ü::x"), json!([]), json!({}), json!(true), json!([1, "x", {}]), json!({ "x": [] })];
    let mut n_asked = 0;
    for (i, document) in documents().into_iter().enumerate() {
        let kind = document["kind"].as_str().unwrap().to_owned();
        let mut all = Vec::new();
        paths(&document, "", &mut all);
        for (path, value) in all.iter().flat_map(|path| wrong.iter().map(move |value| (path, value))) {
            let mut bad = document.clone();
            *bad.pointer_mut(path).unwrap() = value.clone();
            validate_document(&bad);
            n_asked += ask(&bad, &kind, &good);
            // And as a part of the world of a promotion.
            let mut documents = documents();
            let promotion = documents[6].clone();
            documents[i] = bad;
            n_asked += ask(&promotion, "Promotion", &world_of(documents));
        }
    }
    assert!(n_asked > 5_000, "{n_asked}");
}
