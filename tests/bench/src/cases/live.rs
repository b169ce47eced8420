//! Live connections: what a thousand of them hold, and what one that does not read costs the others.

use super::fleet::{FREIGHT_A_WAREHOUSE, fill, refresh, stage, warehouse};
use crate::news::News;
use crate::report::{Goal, Report, Sample, Unit};
use crate::visitor::{Visitor, Way};
use crate::world::{PROJECT, World};
use anyhow::{Context as _, Result};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use reqwest::{Method, Response};
use seaway_api::kargo::Stage;
use std::time::Instant;
use tokio::task::JoinSet;

const N_STAGES: usize = 100;
const N_CONNECTIONS: usize = 1_000;
/// Handshakes at once.
const N_AT_ONCE: usize = 16;
/// Readers beside the one that does not read.
const N_READERS: usize = 10;
const N_ROUNDS: usize = 5;
const N_REFRESHES: usize = 200;

pub(super) async fn run(report: &mut Report) -> Result<()> {
    let world = World::start().await?;
    fill(&world, 0, N_STAGES).await?;
    let way = Way::of(&world.folder.path().join("data"))?;
    memory(&world, &way, report).await?;
    slow_reader(&world, &way, report).await?;
    world.plane.stop().await
}

/// Opens the stream of the project's changes.
async fn listen(way: &Way) -> Result<(Visitor, Response)> {
    let visitor = way.visitor()?;
    let response = visitor.send(Method::GET, &format!("/projects/{PROJECT}/changes"), None).await?;
    Ok((visitor, response))
}

async fn memory(world: &World, way: &Way, report: &mut Report) -> Result<()> {
    // The board itself is there once for all: it is not counted.
    let first = listen(way).await?;
    world.quiet().await?;
    let before = world.plane.rss_bytes()?;
    let all = stream::iter(0..N_CONNECTIONS).map(|_| listen(way)).buffer_unordered(N_AT_ONCE);
    let mut readers = readers(all.try_collect().await.context("open the streams")?);
    refresh_once(world, 0).await?;
    world.quiet().await?;
    let mut each = Sample::new(Unit::Bytes);
    #[expect(clippy::cast_precision_loss, reason = "a thousand")]
    each.add((world.plane.rss_bytes()? - before) / N_CONNECTIONS as f64);
    report.alone("memory of a live connection, 1,000 of them", &each, Goal::Most(65_536.0));
    drop(first);
    readers.shutdown().await;
    Ok(())
}

/// Reads all that comes until they are dropped.
fn readers(streams: Vec<(Visitor, Response)>) -> JoinSet<()> {
    let mut set = JoinSet::new();
    for (visitor, mut response) in streams {
        set.spawn(async move {
            while let Ok(Some(_)) = response.chunk().await {}
            drop(visitor);
        });
    }
    set
}

async fn slow_reader(world: &World, way: &Way, report: &mut Report) -> Result<()> {
    let mut listening = Vec::new();
    for _ in 0..N_READERS {
        listening.push(listen(way).await?);
    }
    let mut readers = readers(listening);
    let (mut without, mut with) = (Sample::new(Unit::Seconds), Sample::new(Unit::Seconds));
    let mut number = FREIGHT_A_WAREHOUSE;
    for _ in 0..N_ROUNDS {
        without.add(p99(world, &mut number).await?);
        let slow = listen(way).await?;
        with.add(p99(world, &mut number).await?);
        drop(slow);
    }
    report.against("p99 of a stage's reconcile, one reader does not read / none", &with, &without, Goal::Growth(1.1));
    readers.shutdown().await;
    Ok(())
}

/// Reconciles a stage again and again; between two of them new freight changes what every reader is told.
async fn p99(world: &World, number: &mut usize) -> Result<f64> {
    let mut took = Sample::new(Unit::Seconds);
    let news = news(world).await?;
    for _ in 0..N_REFRESHES {
        *number += 1;
        world.freight(&warehouse(0), &world.image(&warehouse(0)), *number).await?;
        let begun = Instant::now();
        refresh(world, &news, &stage(0)).await?;
        took.add_time(begun.elapsed());
    }
    Ok(took.quantile(0.99))
}

async fn refresh_once(world: &World, index: usize) -> Result<()> {
    refresh(world, &news(world).await?, &stage(index)).await
}

async fn news(world: &World) -> Result<News> {
    let mut news = News::new();
    let token =
        |stage: &Stage| (stage.status.as_ref().map(|it| it.last_handled_refresh.clone()).unwrap_or_default(), String::new());
    news.listen(world.verbs().api::<Stage>(), token).await?;
    Ok(news)
}
