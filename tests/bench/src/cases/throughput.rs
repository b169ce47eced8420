//! Promotions a second on one branch, with 1, 10 and 50 of them waiting at once.

use crate::baseline::{Clone, Edit, Script};
use crate::news::News;
use crate::report::{Goal, Report, Sample, Unit};
use crate::repository::{Size, stage};
use crate::world::{Way, World, succeeded, tag};
use anyhow::Result;
use futures::future::try_join_all;
use std::time::Instant;

/// How many wait, and how often that is measured.
const LOADS: [(usize, usize); 3] = [(1, 9), (10, 3), (50, 2)];
const N_STAGES: usize = 50;
const SIZE: Size = Size { n_files: 200, n_stages: N_STAGES, n_commits: 300 };
const N_SCRIPTS: usize = 7;

pub(super) async fn run(report: &mut Report) -> Result<()> {
    let world = World::start().await?;
    let image = world.image("app");
    world.push(&image, "1.0.0").await?;
    world.repository("app", &image, SIZE).await?;
    world.warehouse("app", &image, "24h", false).await?;
    for index in 0..N_STAGES {
        world.stage(&stage(index), "app", &image, "app", Way::YamlUpdate).await?;
    }
    let news = world.promotions().await?;
    let mut n_freight = 1;
    round(&world, &news, &image, n_freight, 1).await?;
    let mut scripts = Sample::new(Unit::PerSecond);
    let (url, last) = (world.url("app"), stage(N_STAGES - 1));
    for number in 0..N_SCRIPTS {
        let script = Script { clone: Clone::Cheapest, edit: Edit::Values, url: &url, image: &image, stage: &last };
        scripts.add(1.0 / script.run(world.folder.path(), &tag(10_000 + number)).await?.as_secs_f64());
    }
    for (n_waiting, n_rounds) in LOADS {
        let mut ours = Sample::new(Unit::PerSecond);
        for _ in 0..n_rounds {
            n_freight += 1;
            ours.add(round(&world, &news, &image, n_freight, n_waiting).await?);
        }
        report.against(
            &format!("promotions a second, one branch, {n_waiting} waiting / scripts in turn"),
            &ours,
            &scripts,
            Goal::None,
        );
    }
    world.plane.stop().await
}

/// As many stages at once, each with the same new freight; answers promotions a second.
async fn round(world: &World, news: &News, image: &str, number: usize, n_waiting: usize) -> Result<f64> {
    let freight = world.freight("app", image, number).await?;
    world.quiet().await?;
    let stages: Vec<String> = (0..n_waiting).map(stage).collect();
    let begun = Instant::now();
    let names = try_join_all(stages.iter().map(|stage| world.promote(stage, &freight))).await?;
    let mut last = begun;
    for name in &names {
        last = last.max(succeeded(news, name).await?);
    }
    #[expect(clippy::cast_precision_loss, reason = "at most fifty")]
    Ok(n_waiting as f64 / last.duration_since(begun).as_secs_f64())
}
