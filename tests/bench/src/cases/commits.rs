//! What a promotion, and a poll that finds nothing, cost in writes to the store.

use crate::report::{Goal, Report, Sample, Unit};
use crate::repository::stage;
use crate::world::{Way, World, succeeded, tag};
use anyhow::{Result, bail};
use std::collections::BTreeSet;
use std::time::Duration;

const N_PROMOTIONS: usize = 5;
/// Requests of polls that are waited for; a poll of one image that knows its tags sends one.
const N_REQUESTS: u64 = 5;

pub(super) async fn run(report: &mut Report) -> Result<()> {
    let world = World::start().await?;
    let image = world.image("app");
    world.push(&image, &tag(1)).await?;
    world.repository("app", &image, super::SMALL).await?;
    world.warehouse("app", &image, "24h", false).await?;
    let only = stage(0);
    world.stage(&only, "app", &image, "app", Way::YamlUpdate).await?;
    promotions(&world, report, &image, &only).await?;
    polls(&world, report, &image).await?;
    world.plane.stop().await
}

/// Every version of the two kinds that a watch tells of is one write; the promotion's creation is one of them.
async fn promotions(world: &World, report: &mut Report, image: &str, only: &str) -> Result<()> {
    let news = world.promotions().await?;
    let samples = || Sample::new(Unit::Count);
    let (mut own, mut all) = (samples(), samples());
    for number in 0..=N_PROMOTIONS {
        let freight = world.freight("app", image, 10 + number).await?;
        world.quiet().await?;
        news.forget();
        let before = world.plane.figure("seaway_store_batches_total").await?;
        let name = world.promote(only, &freight).await?;
        succeeded(&news, &name).await?;
        world.quiet().await?;
        let n_batches = world.plane.figure("seaway_store_batches_total").await? - before;
        let lines: BTreeSet<String> =
            news.with(|seen| seen.iter().map(|it| format!("{} {} {}", it.version, it.plural, it.state)).collect());
        if number == 0 {
            // The first one fetches the repository; it is not like the others.
            continue;
        }
        if number == 1 {
            let told: Vec<&str> = lines.iter().map(|line| line.split_once(' ').map_or(line.as_str(), |(_, rest)| rest)).collect();
            report.note(&format!("a promotion's writes: {}", told.join(", ")));
        }
        own.add(count(lines.len()));
        all.add(n_batches);
    }
    report.alone("store commits a promotion, Promotion and PromotionRun", &own, Goal::Most(6.0));
    report.alone("store commits a promotion, with Stage, Freight, Events", &all, Goal::None);
    Ok(())
}

/// Polls once a second that find what they found before.
async fn polls(world: &World, report: &mut Report, image: &str) -> Result<()> {
    world.warehouse("app", image, "1s", false).await?;
    more_requests(world, 2).await?;
    world.quiet().await?;
    let before = world.plane.figure("seaway_store_batches_total").await?;
    more_requests(world, N_REQUESTS).await?;
    let n_batches = world.plane.figure("seaway_store_batches_total").await? - before;
    let mut sample = Sample::new(Unit::Count);
    sample.add(n_batches);
    report.alone(&format!("store commits of {N_REQUESTS} polls that find nothing"), &sample, Goal::Most(0.0));
    Ok(())
}

/// Waits until the registry was asked that many times more.
async fn more_requests(world: &World, n_more: u64) -> Result<()> {
    let until = world.registry.n_requests() + n_more;
    for _ in 0..600 {
        if world.registry.n_requests() >= until {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    bail!("the warehouse does not poll")
}

#[expect(clippy::cast_precision_loss, reason = "a handful")]
fn count(n: usize) -> f64 {
    n as f64
}
