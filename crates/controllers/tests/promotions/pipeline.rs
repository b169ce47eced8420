//! Freight moves: from a warehouse into a stage, from stage to stage, one promotion after another.

use crate::world::{Bank, message_of, phase_of, tag};
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use k8s_openapi::api::events::v1::Event;
use kube::ResourceExt as _;
use kube::api::{Api, ListParams, PostParams};
use seaway_api::conditions::{self, types};
use seaway_api::kargo::{ClusterConfig, Freight, Promotion};
use seaway_api::seaway::PromotionRun;
use serde_json::json;

#[tokio::test]
async fn freight_made_by_hand_becomes_a_commit_in_six_writes() {
    let bank = Bank::open(&["qa"]).await;
    bank.stage("qa", json!({ "direct": true }), &[]).await;
    let (promotions, runs) = (bank.watch::<Promotion>().await, bank.watch::<PromotionRun>().await);
    let freight = bank.freight("1.5.0").await;
    let stage = bank.has("qa", "1.5.0").await;
    let last = stage.status.as_ref().unwrap().last_promotion.clone().unwrap();
    let promotion = bank.ends(&last.name, "Succeeded").await;
    assert!(bank.file("qa/kustomization.yaml").await.contains("newTag: 1.5.0"));
    assert_eq!(bank.log().await.len(), 2, "{:?}", bank.log().await);
    let commit = bank.git.git("bank", &["rev-parse", "main"]).await.unwrap();
    let status = promotion.status.as_ref().unwrap();
    assert_eq!(status.state.as_ref().unwrap()["push"]["commit"], commit.as_str());
    assert_eq!(status.freight.as_ref().unwrap().name, freight.name_any());
    let marks = |it: &Freight| {
        let status = it.status.clone().unwrap_or_default();
        status.currently_in.contains_key("qa") && status.verified_in.contains_key("qa")
    };
    bank.wait::<Freight>(&freight.name_any(), "in qa and verified", marks).await;
    assert!(conditions::is_true(&stage.status.as_ref().unwrap().conditions, types::READY), "{stage:#?}");
    assert_eq!(stage.status.as_ref().unwrap().observed_generation, stage.metadata.generation);
    let run = bank.all::<PromotionRun>().get(&last.name).await.unwrap();
    assert_eq!((run.status.unwrap().phase.as_str(), run.metadata.owner_references.unwrap().len()), ("Succeeded", 1));
    // The creation counts too.
    let n = promotions.lock().len() + runs.lock().len();
    assert!(n <= 6, "{n} writes: {:?} {:?}", promotions.lock(), runs.lock());
    let events = bank.all::<Event>().list(&ListParams::default()).await.unwrap().items;
    let mut reasons: Vec<String> = events.iter().filter_map(|event| event.reason.clone()).collect();
    // What people make is told too.
    reasons.retain(|reason| reason != "Created");
    reasons.sort();
    assert_eq!(reasons, ["FreightVerificationSucceeded", "PromotionCreated", "PromotionSucceeded"]);
}

#[tokio::test]
async fn freight_goes_on_to_the_next_stage_once_it_has_soaked() {
    let bank = Bank::open(&["qa", "uat"]).await;
    bank.stage("qa", json!({ "direct": true }), &[]).await;
    bank.stage_of("passes", json!({ "stages": ["qa"] }), Vec::new()).await;
    bank.stage("uat", json!({ "stages": ["qa"], "requiredSoakTime": "2s" }), &[]).await;
    let freight = bank.freight("1.5.0").await;
    bank.has("qa", "1.5.0").await;
    let passed = |it: &Freight| it.status.as_ref().is_some_and(|it| it.verified_in.contains_key("passes"));
    bank.wait::<Freight>(&freight.name_any(), "verified in passes", passed).await;
    assert!(bank.promotions("uat").await.is_empty(), "it soaks");
    bank.has("uat", "1.5.0").await;
    assert!(bank.file("uat/kustomization.yaml").await.contains("newTag: 1.5.0"));
}

#[tokio::test]
async fn promotions_of_a_stage_go_one_after_the_other() {
    let bank = Bank::open(&[]).await;
    bank.stage("qa", json!({ "direct": true }), &[json!({ "uses": "gate", "as": "gate" })]).await;
    let (old, new) = (bank.freight("1.5.0").await, bank.freight("1.5.1").await);
    let first = bank.promote("qa", &new).await;
    let second = bank.promote("qa", &old).await;
    bank.wait::<Promotion>(&first, "running", |it| phase_of(it) == "Running").await;
    bank.wait::<Promotion>(&second, "pending", |it| phase_of(it) == "Pending").await;
    bank.open_gate(&first).await;
    bank.ends(&first, "Succeeded").await;
    bank.ends(&second, "Succeeded").await;
    let stage = bank.has("qa", "1.5.0").await;
    assert_eq!(stage.status.as_ref().unwrap().freight_history.len(), 2);
    assert_eq!(bank.log().await.len(), 3);
    assert_eq!(tag(&stage), "1.5.0");
}

#[tokio::test]
async fn a_run_that_waits_holds_no_worker() {
    let mut bank = Bank::open(&[]).await;
    bank.stop().await;
    bank.settings.n_runs_max = 1;
    bank.start();
    bank.stage("qa", json!({ "direct": true }), &[json!({ "uses": "gate", "as": "gate" })]).await;
    bank.stage("uat", json!({ "direct": true }), &[]).await;
    let freight = bank.freight("1.5.0").await;
    let waits = bank.promote("qa", &freight).await;
    bank.wait::<Promotion>(&waits, "waiting", |it| message_of(it).contains("the gate to open")).await;
    let moves = bank.promote("uat", &freight).await;
    bank.ends(&moves, "Succeeded").await;
    assert_eq!(phase_of(&bank.all::<Promotion>().get(&waits).await.unwrap()), "Running");
}

#[tokio::test]
async fn expressions_read_the_control_plane_and_secrets_stay_secret() {
    let bank = Bank::open(&[]).await;
    bank.create::<ConfigMap>(json!({ "metadata": { "name": "settings" }, "data": { "greeting": "ahoy" } })).await;
    bank.create::<Secret>(json!({ "metadata": { "name": "login" }, "stringData": { "token": "s3cr3t-enough" } })).await;
    let outputs = json!([
        { "name": "greeting", "value": "${{ configMap('settings').greeting }}" },
        { "name": "token", "value": "${{ secret('login').token }}" },
    ]);
    let config: serde_json::Map<String, serde_json::Value> =
        outputs.as_array().unwrap().iter().map(|it| (it["name"].as_str().unwrap().to_owned(), it["value"].clone())).collect();
    let step = json!({ "uses": "compose-output", "as": "said", "config": config });
    bank.stage_of("qa", json!({ "direct": true }), vec![step]).await;
    let freight = bank.freight("1.5.0").await;
    let name = bank.promote("qa", &freight).await;
    let ended = bank.ends(&name, "Succeeded").await;
    let said = ended.status.as_ref().unwrap().state.clone().unwrap()["said"].clone();
    assert_eq!(said, json!({ "greeting": "ahoy", "token": "***" }));
    let run = bank.all::<PromotionRun>().get(&name).await.unwrap();
    assert!(!serde_json::to_string(&(&ended, &run)).unwrap().contains("s3cr3t"));
}

#[tokio::test]
async fn commits_are_by_whom_the_cluster_config_names() {
    let bank = Bank::open(&[]).await;
    let config = json!({ "metadata": { "name": "cluster" }, "spec": { "gitClient": { "name": "Harbour", "email": "harbour@bank.example" } } });
    let config: ClusterConfig = serde_json::from_value(config).unwrap();
    Api::<ClusterConfig>::all(bank.client("admin")).create(&PostParams::default(), &config).await.unwrap();
    bank.stage("qa", json!({ "direct": true }), &[]).await;
    let freight = bank.freight("1.5.0").await;
    let name = bank.promote("qa", &freight).await;
    bank.ends(&name, "Succeeded").await;
    let log = bank.git.git("bank", &["log", "-1", "--format=%an %ae%n%(trailers)", "main"]).await.unwrap();
    assert!(log.starts_with("Harbour harbour@bank.example\n"), "{log}");
    assert!(log.contains(&format!("Promotion-Id: bank/{name}")) && log.contains("Promoted-By: kubernetes:admin"), "{log}");
}
