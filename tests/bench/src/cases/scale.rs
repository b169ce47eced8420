//! Start-up, memory and CPU per event, with few and with many stages and freight.

use super::fleet::{FREIGHT_A_WAREHOUSE, fill, refresh, stage, warehouse};
use crate::news::News;
use crate::plane::Plane;
use crate::report::{Goal, Report, Sample, Unit};
use crate::world::World;
use anyhow::{Context as _, Result};
use seaway_api::kargo::{Freight, Stage};
use std::collections::BTreeSet;

/// Stages; ten share a warehouse.
const FEW: usize = 100;
const MANY: usize = 1_000;
const N_REFRESHES: usize = 300;
const N_FREIGHT: usize = 100;
const N_STARTS: usize = 5;

pub(super) async fn run(report: &mut Report) -> Result<()> {
    let empty = empty(report).await?;
    let world = World::start().await?;
    fill(&world, 0, FEW).await?;
    let few = events(&world, "few").await?;
    fill(&world, FEW, MANY).await?;
    let mut memory = Sample::new(Unit::Bytes);
    let many = events(&world, "many").await?;
    memory.add(world.plane.rss_bytes()?);
    report.against("memory, 1,000 stages and 10,000 freight / empty", &memory, &empty, Goal::None);
    report.against("CPU per refresh of a stage, 1,000 stages / 100", &many.refresh, &few.refresh, Goal::Growth(1.5));
    report.against("CPU per new freight, 1,000 stages / 100", &many.freight, &few.freight, Goal::Growth(1.5));
    restart(report, world, &empty).await
}

/// Starts on folders that are empty; answers the memory then.
async fn empty(report: &mut Report) -> Result<Sample> {
    let (mut starts, mut memory) = (Sample::times([]), Sample::new(Unit::Bytes));
    for _ in 0..N_STARTS {
        let folder = tempfile::tempdir().context("make a folder")?;
        let plane = Plane::start(&folder.path().join("data")).await?;
        starts.add_time(plane.ready_after);
        memory.add(plane.rss_bytes()?);
        plane.stop().await?;
    }
    report.alone("start-up, empty folder", &starts, Goal::Most(2.0));
    report.alone("memory, empty", &memory, Goal::None);
    Ok(memory)
}

/// Starts on the folder that is filled now.
async fn restart(report: &mut Report, world: World, empty: &Sample) -> Result<()> {
    let World { plane, folder, .. } = world;
    plane.stop().await?;
    let (mut starts, mut memory) = (Sample::times([]), Sample::new(Unit::Bytes));
    for _ in 0..N_STARTS {
        let plane = Plane::start(&folder.path().join("data")).await?;
        starts.add_time(plane.ready_after);
        memory.add(plane.rss_bytes()?);
        plane.stop().await?;
    }
    report.alone("start-up, 1,000 stages and 10,000 freight", &starts, Goal::Most(2.0));
    report.against("memory at ready after a restart, filled / empty", &memory, empty, Goal::None);
    Ok(())
}

/// CPU seconds of the process for one event of each kind.
struct Events {
    refresh: Sample,
    freight: Sample,
}

async fn events(world: &World, label: &str) -> Result<Events> {
    let mut news = News::new();
    let verbs = world.verbs();
    news.listen(verbs.api::<Stage>(), |stage| {
        (stage.status.as_ref().map(|it| it.last_handled_refresh.clone()).unwrap_or_default(), String::new())
    })
    .await?;
    news.listen(verbs.api::<Freight>(), |freight| (freight.metadata.name.clone().unwrap_or_default(), String::new())).await?;
    world.quiet().await?;
    let before = world.plane.cpu_seconds()?;
    for _ in 0..N_REFRESHES {
        refresh(world, &news, &stage(0)).await.with_context(|| label.to_owned())?;
    }
    let refresh = per_event(world.plane.cpu_seconds()? - before, N_REFRESHES);
    world.quiet().await?;
    // A warehouse of its own each time: both have as much freight when they begin.
    let name = warehouse(if label == "few" { 1 } else { 2 });
    let before = world.plane.cpu_seconds()?;
    let mut made = BTreeSet::new();
    for number in 0..N_FREIGHT {
        made.insert(world.freight(&name, &world.image(&name), FREIGHT_A_WAREHOUSE + number).await?);
    }
    news.until("new freight", |seen| seen.iter().filter(|it| made.contains(&it.name)).nth(made.len() - 1).map(drop)).await?;
    world.quiet().await?;
    let freight = per_event(world.plane.cpu_seconds()? - before, N_FREIGHT);
    Ok(Events { refresh, freight })
}

fn per_event(seconds: f64, n_events: usize) -> Sample {
    let mut sample = Sample::new(Unit::Seconds);
    #[expect(clippy::cast_precision_loss, reason = "a few hundred")]
    sample.add(seconds / n_events as f64);
    sample
}
