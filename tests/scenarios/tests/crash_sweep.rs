//! The crash sweep: a pipeline is stopped at every durable commit and at every point of its runs, and ends as if it had not been.

mod sweep;

use anyhow::{Context as _, Result, bail, ensure};
use futures::StreamExt as _;
use std::collections::BTreeMap;
use sweep::{Bench, Course, House, Sweep};

/// Worlds at one time.
const N_AT_ONCE: usize = 3;
/// Fewer moments than these, and the sweeps sweep too little: more than a hundred together.
const N_MOMENTS_OF_PIPELINE_MIN: usize = 80;
const N_MOMENTS_OF_HOUSE_MIN: usize = 45;
/// So often a moment is looked for that was not met: which writes fold into one differs a little from run to run.
const N_TRIES: usize = 4;

async fn clean<C: Course>() -> Result<(String, Vec<String>)> {
    let course = C::set_up(Sweep::default()).await?;
    course.flow().await?;
    Ok((course.end_state().await?, course.met()))
}

/// Dies at one moment, comes back, and must end like the clean run. Answers whether an effect was uncertain; nothing if the moment was
/// not met, and all the same it must end like the clean run.
async fn stopped<C: Course>(at: usize, clean: &str) -> Result<Option<bool>> {
    let course = C::set_up(Sweep::at(at)).await?;
    course.flow().await?;
    let died = course.world().is_dead().await;
    let mut uncertain = false;
    if died {
        course.come_back().await?;
        uncertain = course.resolve().await?;
    }
    let state = course.end_state().await?;
    ensure!(state == clean, "it ends otherwise:\n{}", difference(clean, &state));
    Ok(died.then_some(uncertain))
}

/// The same, until the moment was met.
async fn met<C: Course>(at: usize, clean: String) -> Result<bool> {
    for _ in 0..N_TRIES {
        if let Some(uncertain) = stopped::<C>(at, &clean).await? {
            return Ok(uncertain);
        }
    }
    bail!("it was not met in {N_TRIES} runs")
}

fn difference(expected: &str, found: &str) -> String {
    let (was, is): (Vec<&str>, Vec<&str>) = (expected.lines().collect(), found.lines().collect());
    let lost = was.iter().filter(|line| !is.contains(line)).map(|line| format!("- {line}"));
    let new = is.iter().filter(|line| !was.contains(line)).map(|line| format!("+ {line}"));
    lost.chain(new).collect::<Vec<_>>().join("\n")
}

/// What was swept.
struct Swept {
    clean: String,
    moments: Vec<String>,
    n_uncertain: usize,
}

/// Dies at each moment there is. Every one must be met, died at, and survived.
async fn sweep<C: Course>(name: &str) -> Swept {
    let began = std::time::Instant::now();
    let (clean, moments) = clean::<C>().await.unwrap();
    let results: Vec<(usize, Result<bool>)> = futures::stream::iter(0..moments.len())
        .map(|at| {
            let (clean, label) = (clean.clone(), moments[at].clone());
            async move { (at, tokio::spawn(met::<C>(at, clean)).await.unwrap().context(label)) }
        })
        .buffer_unordered(N_AT_ONCE)
        .collect()
        .await;
    let mut kinds = BTreeMap::<String, usize>::new();
    for label in &moments {
        let kind = label.split([' ', ':']).take(2).collect::<Vec<_>>().join(" ");
        *kinds.entry(kind).or_default() += 1;
    }
    let count = |uncertain| results.iter().filter(|(_, result)| matches!(result, Ok(it) if *it == uncertain)).count();
    let (n_uncertain, n_survived) = (count(true), count(true) + count(false));
    let kinds: Vec<String> = kinds.iter().map(|(kind, n)| format!("{n} {kind}")).collect();
    println!(
        "crash sweep of {name}: {} moments ({}), each died at; {n_survived} survived, {n_uncertain} uncertain, in {} s",
        moments.len(),
        kinds.join(", "),
        began.elapsed().as_secs()
    );
    let failures: Vec<String> =
        results.iter().filter_map(|(at, result)| Some(format!("moment {at}: {:#}", result.as_ref().err()?))).collect();
    assert!(failures.is_empty(), "{} of {} moments are not survived:\n{}", failures.len(), moments.len(), failures.join("\n\n"));
    Swept { clean, moments, n_uncertain }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_moment_of_a_pipeline_is_survived() {
    let swept = sweep::<Bench>("the pipeline").await;
    assert!(swept.clean.contains("2 promotions in git, 2 pushes"), "the clean run is not what it should be:\n{}", swept.clean);
    assert!(swept.moments.len() >= N_MOMENTS_OF_PIPELINE_MIN, "only {} moments", swept.moments.len());
    assert!(swept.n_uncertain > 0, "nothing was ever uncertain");
}

/// What must be among the commits of the second course.
const DONE: [&str; 10] = [
    "write freights.kargo.akuity.io",
    "write promotions.kargo.akuity.io",
    "write plans.seaway.dev",
    "delete promotions.kargo.akuity.io",
    "delete promotionruns.seaway.dev",
    "delete freights.kargo.akuity.io",
    "delete stages.kargo.akuity.io",
    "delete warehouses.kargo.akuity.io",
    "delete namespaces",
    "delete projects.kargo.akuity.io",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_moment_of_freight_plans_retention_and_a_projects_end_is_survived() {
    let swept = sweep::<House>("the house").await;
    assert!(swept.moments.len() >= N_MOMENTS_OF_HOUSE_MIN, "only {} moments", swept.moments.len());
    for what in DONE {
        for side in ["before commit", "after commit"] {
            let is_there = swept.moments.iter().any(|label| label.starts_with(side) && label.contains(what));
            assert!(is_there, "no death {side} of `{what}`:\n{}", swept.moments.join("\n"));
        }
    }
    assert!(!swept.clean.contains("\"old\""), "something of the deleted project is left:\n{}", swept.clean);
}

/// Dies right before the push is sent; then something is done to the mirrors on disk.
async fn mirror_is_hurt(label: &str, hurt: impl Fn(&std::path::Path) -> std::io::Result<()>) -> Result<()> {
    let (clean, _) = clean::<Bench>().await?;
    let bench = Bench::set_up(Sweep::at_first(label)).await?;
    bench.flow().await?;
    ensure!(bench.world().is_dead().await, "`{label}` was never met: {:?}", bench.met());
    bench.world().crash().await;
    hurt(&bench.world().data().join("mirrors"))?;
    bench.come_back().await?;
    bench.resolve().await?;
    let state = bench.end_state().await?;
    ensure!(state == clean, "it ends otherwise:\n{}", difference(&clean, &state));
    Ok(())
}

fn remove_packs(folder: &std::path::Path) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            remove_packs(&path)?;
        } else if path.extension().is_some_and(|ending| ending == "pack") {
            std::fs::remove_file(&path)?;
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deleted_pack_is_survived() {
    mirror_is_hurt("before push promote::push 1", remove_packs).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deleted_mirror_is_survived() {
    mirror_is_hurt("before push promote::push 1", |mirrors| std::fs::remove_dir_all(mirrors)).await.unwrap();
}
