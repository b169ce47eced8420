//! What this release cannot read: it is named, and stops nobody else.

use crate::{Lines, PATIENCE, bank, running, settled};
use anyhow::{Context as _, Result, ensure};
use kube::api::{Api, Patch, PatchParams};
use seaway_api::kargo::Stage;
use seaway_api::seaway::PromotionRun;
use seaway_core::why::State;
use seaway_scenarios::PROJECT;
use seaway_scenarios::trouble::*;
use serde_json::json;

/// A journal that a later release wrote stops its promotion here: it says so, and a person may end it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_controller_gave_up_on_is_named() -> Result<()> {
    let (world, trouble) = bank().await?;
    let waits = "{ uses: http, as: smoke, config: { url: 'http://127.0.0.1:7490/up', successExpression: response.status == 418, pollInterval: 10m } }";
    let good = "{ uses: compose-output, as: say, config: { said: hello } }";
    world.apply("stages.yaml", &(stage("auto-parked", DIRECT, &[waits]) + &stage("auto-good", DIRECT, &[good]))).await?;
    world.until("a promotion to auto-parked waits", async || Ok(world.why("auto-parked").await?.state == State::Waiting)).await?;
    let name = running(&world, "auto-parked").await?.context("no promotion runs")?;
    let runs: Api<PromotionRun> = world.verbs().api();
    let newer = json!({ "status": { "journal": { "version": 99 } } });
    runs.patch_status(&name, &PatchParams::default(), &Patch::Merge(&newer)).await?;
    world.restart().await?;

    let mut lines = Lines { world: &world, trouble: &trouble, lines: Vec::new() };
    lines.promotion(&name, State::Blocked, &["Seaway gave up on it", "released by a release that reads its journal"]).await?;
    lines.stage("auto-parked", State::Blocked, &["Seaway gave up on it", "released by a release that reads its journal"]).await?;
    insta::assert_snapshot!(lines.text(), @r"
promotion auto-parked.ULID.HEX is blocked: Seaway gave up on it: the journal has version 99, this release reads up to 1; run the newer release, since T; released by a release that reads its journal, or a person who ends it
stage auto-parked is blocked: fund-transfer 1.5.0: Seaway gave up on it: the journal has version 99, this release reads up to 1; run the newer release, since T; released by a release that reads its journal, or a person who ends it
");
    ensure!(world.why_promotion(&name).await?.hint == format!("seaway abort {name}"));
    let ended = world.verbs().wait_for(&name, PATIENCE).await?;
    ensure!(matches!(ended, seaway_verbs::Ended::Blocked { .. }), "{ended:?}");
    world.until("the other is promoted", async || Ok(settled(&world.stage("auto-good").await?))).await?;
    world.verbs().abort(&name).await?;
    world.until("it has ended", async || Ok(world.why_promotion(&name).await?.state == State::Aborted)).await
}

/// An object that cannot be read stops nobody else.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wrong_with_one_stage_stops_no_other() -> Result<()> {
    let (world, _trouble) = bank().await?;
    let api: Api<Stage> = world.verbs().api();
    world.apply("stages.yaml", &(stage("auto-good", DIRECT, &["{ uses: compose-output, as: say, config: { a: b } }"]))).await?;
    let odd = json!({ "apiVersion": "kargo.akuity.io/v1alpha1", "kind": "Stage", "metadata": { "name": "odd", "namespace": PROJECT },
        "spec": { "requestedFreight": "all of it" } });
    let client = world.client("admin");
    let request = http::Request::post(format!("/apis/kargo.akuity.io/v1alpha1/namespaces/{PROJECT}/stages"));
    let body = request.header("content-type", "application/json").body(odd.to_string().into_bytes())?;
    let err = client.request::<serde_json::Value>(body).await.unwrap_err().to_string();
    ensure!(err.contains("requestedFreight"), "{err}");
    world.until("the good one is promoted", async || Ok(settled(&api.get("auto-good").await?))).await
}
