//! What a promotion wrote: nothing before it pushed, and where git cannot be asked a sentence and no error.

use super::support::Port;
use kube::api::{Api, Patch, PatchParams, PostParams};
use seaway_api::seaway::PromotionRun;
use seaway_apiserver::Identity;
use serde_json::json;

#[tokio::test]
async fn what_git_cannot_tell_is_said_and_no_error() {
    let port = Port::open().await;
    let promotions = "/projects/bank/promotions";
    let made = port.post("bob", promotions, &json!({ "stage": "prod-eu", "freight": "1.5.0" })).await;
    let name = made.body["name"].as_str().unwrap();
    let path = format!("{promotions}/{name}/written");
    assert_eq!(port.get("eve", &path).await.body, json!({ "files": [], "truncated": false, "unknown": [] }));

    let uid = port.promotions().get(name).await.unwrap().metadata.uid.unwrap();
    let runs: Api<PromotionRun> = Api::namespaced(port.api.client(Identity::controller("promotions")), "bank");
    let run = json!({
        "apiVersion": "seaway.dev/v1alpha1", "kind": "PromotionRun", "metadata": { "name": name },
        "spec": { "promotion": name, "promotionUID": uid },
    });
    runs.create(&PostParams::default(), &serde_json::from_value(run).unwrap()).await.unwrap();
    let push = json!({
        "repository": { "url": "https://bob:hunter2@git.example.com/bank.git" }, "mount": "out", "name": "main",
        "refname": "refs/heads/main", "commit": "0123456789", "landed": "0123456789", "round": 1, "force": false,
    });
    let effect = json!({ "startedAt": "2026-01-01T00:00:00Z", "nTries": 1, "done": true, "push": push });
    let journal = json!({ "version": 1, "steps": [{ "alias": "push", "uses": "git-push", "effect": effect }] });
    let patch = Patch::Merge(json!({ "status": { "phase": "Running", "journal": journal, "planDigest": "v1:a" } }));
    runs.patch_status(name, &PatchParams::default(), &patch).await.unwrap();

    let written = port.get("eve", &path).await.body;
    assert_eq!((&written["files"], &written["truncated"]), (&json!([]), &json!(false)));
    let why = "this process keeps no mirrors of repositories: ask the one that runs the promotions";
    assert_eq!(written["unknown"], json!([format!("What it wrote is not shown: {why}.")]));
    let whole = port.get("eve", &format!("{promotions}/{name}")).await.body["written"].clone();
    let commit = json!({ "repository": "https://git.example.com/bank.git", "branch": "main", "commit": "0123456789" });
    assert_eq!(whole, json!({ "digest": "v1:a", "commits": [commit] }));

    assert_eq!(port.get("mallory", &path).await.problem(), (403, "not-authorised".to_owned()));
    assert_eq!(port.get("eve", &format!("{promotions}/nobody/written")).await.problem(), (404, "not-found".to_owned()));
}
