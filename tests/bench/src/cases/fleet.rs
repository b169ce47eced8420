//! A fleet to measure in: many stages, ten to a warehouse, a hundred freight to each warehouse.

use crate::news::News;
use crate::world::{PROJECT, World, tag};
use anyhow::Result;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use jiff::Timestamp;
use seaway_verbs::Refreshable;
use serde_json::json;

/// Stages that share a warehouse.
const STAGES_A_WAREHOUSE: usize = 10;
/// Freight of each warehouse.
pub(super) const FREIGHT_A_WAREHOUSE: usize = 100;
/// Requests on their way at once while the world is filled.
const N_AT_ONCE: usize = 16;

pub(super) fn stage(index: usize) -> String {
    format!("stage-{index:04}")
}

pub(super) fn warehouse(index: usize) -> String {
    format!("warehouse-{index:03}")
}

/// Fills the world with stages `from..to`, and their warehouses and freight.
pub(super) async fn fill(world: &World, from: usize, to: usize) -> Result<()> {
    let warehouses = from / STAGES_A_WAREHOUSE..to / STAGES_A_WAREHOUSE;
    for index in warehouses.clone() {
        let image = world.image(&warehouse(index));
        world.push(&image, &tag(0)).await?;
        world.warehouse(&warehouse(index), &image, "24h", false).await?;
    }
    let stages = stream::iter(from..to).map(|index| one_stage(world, index)).buffer_unordered(N_AT_ONCE);
    stages.try_collect::<Vec<()>>().await?;
    let all = warehouses.flat_map(|index| (0..FREIGHT_A_WAREHOUSE).map(move |number| (index, number)));
    let freight = stream::iter(all).map(|(index, number)| async move {
        let name = warehouse(index);
        world.freight(&name, &world.image(&name), number).await.map(drop)
    });
    freight.buffer_unordered(N_AT_ONCE).try_collect::<Vec<()>>().await?;
    world.quiet().await
}

async fn one_stage(world: &World, index: usize) -> Result<()> {
    let origin = json!({ "kind": "Warehouse", "name": warehouse(index / STAGES_A_WAREHOUSE) });
    let steps = json!([{ "uses": "git-clone", "config": { "repoURL": world.url("app"), "checkout": [{ "branch": "main", "path": "./src" }] } }]);
    let spec = json!({
        "requestedFreight": [{ "origin": origin, "sources": { "direct": true } }],
        "promotionTemplate": { "spec": { "steps": steps } },
    });
    world.apply(json!({ "kind": "Stage", "metadata": { "name": stage(index), "namespace": PROJECT }, "spec": spec })).await
}

/// Asks a stage to decide again, and waits until it has.
pub(super) async fn refresh(world: &World, news: &News, stage: &str) -> Result<()> {
    let now = Timestamp::now();
    news.forget();
    world.verbs().refresh(Refreshable::Stage, stage, now, None).await?;
    let token = now.to_string();
    news.until("a stage's refresh", |seen| {
        seen.iter().find(|it| it.plural == "stages" && it.name == stage && it.state == token).map(drop)
    })
    .await
}
