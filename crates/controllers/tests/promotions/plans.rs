//! Plans: what a promotion would do, kept to or voided.

use crate::world::{Bank, SOON, message_of};
use kube::ResourceExt as _;
use serde_json::json;

#[tokio::test]
async fn a_promotion_keeps_to_its_plan() {
    let bank = Bank::open(&[]).await;
    bank.stage("qa", json!({ "direct": true }), &[]).await;
    bank.stage("uat", json!({ "stages": ["qa"] }), &[]).await;
    let freight = bank.freight("1.5.0").await;
    bank.settled("qa").await;
    let plan = bank.verbs().plan("qa", &freight, SOON).await.unwrap();
    let status = plan.status.unwrap();
    assert_eq!((status.changed, status.files.len(), status.can_start.unwrap().allowed), (Some(true), 1, true));
    assert!(status.files[0].diff.contains("+  newTag: 1.5.0"), "{}", status.files[0].diff);
    assert_eq!(bank.log().await.len(), 1, "a plan writes nothing");
    let later = bank.verbs().plan("uat", &freight, SOON).await.unwrap().status.unwrap().can_start.unwrap();
    assert_eq!((later.allowed, later.reasons), (false, vec!["it is not verified in stage `qa`".to_owned()]));
    // What is not planned may change meanwhile.
    bank.git.commit("bank", "main", "outsider", &[("README.md", Some(b"new\n"))]).await.unwrap();
    let promotion = bank.verbs().promote("qa", &freight, Some(&status.digest)).await.unwrap().name_any();
    bank.ends(&promotion, "Succeeded").await;
    assert_eq!(bank.log().await.len(), 3);
}

#[tokio::test]
async fn a_change_on_a_planned_path_voids_the_plan() {
    let bank = Bank::open(&[]).await;
    bank.stage("qa", json!({ "direct": true }), &[]).await;
    let freight = bank.freight("1.5.0").await;
    bank.settled("qa").await;
    let plan = bank.verbs().plan("qa", &freight, SOON).await.unwrap();
    let other = b"images:\n- name: 127.0.0.1:9/fund-transfer\n  newTag: 1.0.1\n".as_slice();
    bank.git.commit("bank", "main", "outsider", &[("qa/kustomization.yaml", Some(other))]).await.unwrap();
    let digest = plan.status.unwrap().digest;
    let promotion = bank.verbs().promote("qa", &freight, Some(&digest)).await.unwrap().name_any();
    let ended = bank.ends(&promotion, "Failed").await;
    assert!(message_of(&ended).contains("`qa/kustomization.yaml`"), "{}", message_of(&ended));
    assert_eq!(bank.log().await.len(), 2);
}

#[tokio::test]
async fn a_plan_that_cannot_be_made_says_why() {
    let bank = Bank::open(&[]).await;
    bank.stage(
        "qa",
        json!({ "direct": true }),
        &[json!({ "uses": "copy", "config": { "inPath": "./src/none", "outPath": "./src/x" } })],
    )
    .await;
    let freight = bank.freight("1.5.0").await;
    bank.settled("qa").await;
    let refused = bank.verbs().plan("qa", &freight, SOON).await.unwrap_err();
    assert!(refused.to_string().contains("none"), "{refused}");
}
