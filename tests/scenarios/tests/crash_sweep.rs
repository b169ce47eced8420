//! The crash sweep: a pipeline is stopped at every durable commit and at every point of its runs, and ends as if it had not been.

mod sweep;

use anyhow::{Result, bail, ensure};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;
use sweep::{Bench, Course, House, Lane, Sweep};

/// Fewer moments than these, and the courses sweep too little.
const N_MOMENTS_OF_PIPELINE_MIN: usize = 80;
const N_MOMENTS_OF_HOUSE_MIN: usize = 45;
const N_MOMENTS_MIN: usize = 100;
/// So often a moment is looked for that was not met: which writes fold into one differs a little from run to run.
const N_TRIES: usize = 4;

async fn clean<C: Course>(lane: &Lane<C>) -> Result<(String, Vec<String>)> {
    lane.begin(None).await?;
    lane.course.flow().await?;
    Ok((lane.course.end_state().await?, lane.course.met()))
}

/// Dies at one moment, comes back, and must end like the clean run. Answers whether an effect was uncertain; nothing if the moment was
/// not met, and all the same it must end like the clean run.
async fn stopped<C: Course>(lane: &Lane<C>, at: usize, clean: &str) -> Result<Option<bool>> {
    lane.begin(Some(at)).await?;
    let course = &lane.course;
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
async fn met<C: Course>(lane: &Lane<C>, at: usize, clean: &str) -> Result<bool> {
    for _ in 0..N_TRIES {
        if let Some(uncertain) = stopped(lane, at, clean).await? {
            return Ok(uncertain);
        }
    }
    bail!("it was not met in {N_TRIES} runs")
}

/// Takes one moment after the other until none is left, each with how it went.
async fn take<C: Course>(lane: Lane<C>, next: Arc<AtomicUsize>, clean: Arc<str>, n: usize) -> Vec<(usize, Result<bool>)> {
    let mut results = Vec::new();
    loop {
        let at = next.fetch_add(1, Ordering::SeqCst);
        if at >= n {
            return results;
        }
        results.push((at, met(&lane, at, &clean).await));
    }
}

fn difference(expected: &str, found: &str) -> String {
    let (was, is): (Vec<&str>, Vec<&str>) = (expected.lines().collect(), found.lines().collect());
    let lost = was.iter().filter(|line| !is.contains(line)).map(|line| format!("- {line}"));
    let new = is.iter().filter(|line| !was.contains(line)).map(|line| format!("+ {line}"));
    lost.chain(new).collect::<Vec<_>>().join("\n")
}

/// What was swept.
struct Swept {
    clean: Arc<str>,
    moments: Vec<String>,
    n_uncertain: usize,
    told: String,
    failures: Vec<String>,
}

/// Dies at each moment there is. Every one must be met, died at, and survived.
async fn sweep<C: Course>(name: &str) -> Result<Swept> {
    let began = Instant::now();
    let first = Lane::<C>::open().await?;
    let (clean, moments) = clean(&first).await?;
    let (clean, next) = (Arc::<str>::from(clean), Arc::<AtomicUsize>::default());
    let run = |lane| tokio::spawn(take(lane, Arc::clone(&next), Arc::clone(&clean), moments.len()));
    let mut lanes = vec![run(first)];
    for _ in 1..C::N_LANES {
        lanes.push(run(Lane::<C>::open().await?));
    }
    let mut results = Vec::new();
    for lane in lanes {
        results.extend(lane.await?);
    }
    let mut kinds = BTreeMap::<String, usize>::new();
    for label in &moments {
        let kind = label.split([' ', ':']).take(2).collect::<Vec<_>>().join(" ");
        *kinds.entry(kind).or_default() += 1;
    }
    let count = |uncertain| results.iter().filter(|(_, result)| matches!(result, Ok(it) if *it == uncertain)).count();
    let (n_uncertain, n_survived) = (count(true), count(true) + count(false));
    let kinds: Vec<String> = kinds.iter().map(|(kind, n)| format!("{n} {kind}")).collect();
    let told = format!(
        "crash sweep of {name}: {} moments ({}), each died at; {n_survived} survived, {n_uncertain} uncertain, in {} s",
        moments.len(),
        kinds.join(", "),
        began.elapsed().as_secs()
    );
    let failed = |(at, result): &(usize, Result<bool>)| {
        Some(format!("{name}, moment {at}, {}: {:#}", moments[*at], result.as_ref().err()?))
    };
    let failures = results.iter().filter_map(failed).collect();
    Ok(Swept { clean, moments, n_uncertain, told, failures })
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
async fn every_moment_of_a_pipeline_and_of_what_is_around_it_is_survived() {
    let (pipeline, house) = tokio::join!(sweep::<Bench>("the pipeline"), sweep::<House>("the house"));
    let (pipeline, house) = (pipeline.unwrap(), house.unwrap());
    let n = pipeline.moments.len() + house.moments.len();
    println!("{}\n{}\ncrash sweep: {n} moments in all", pipeline.told, house.told);
    let failures = [&pipeline.failures[..], &house.failures[..]].concat();
    assert!(failures.is_empty(), "{} of {n} moments are not survived:\n{}", failures.len(), failures.join("\n\n"));

    assert!(
        pipeline.clean.contains("2 promotions in git, 2 pushes"),
        "the clean run is not what it should be:\n{}",
        pipeline.clean
    );
    assert!(pipeline.moments.len() >= N_MOMENTS_OF_PIPELINE_MIN, "{}", pipeline.told);
    assert!(pipeline.n_uncertain > 0, "nothing was ever uncertain");

    assert!(house.moments.len() >= N_MOMENTS_OF_HOUSE_MIN, "{}", house.told);
    for what in DONE {
        for side in ["before commit", "after commit"] {
            let is_there = house.moments.iter().any(|label| label.starts_with(side) && label.contains(what));
            assert!(is_there, "no death {side} of `{what}`:\n{}", house.moments.join("\n"));
        }
    }
    assert!(!house.clean.contains("\"old\""), "something of the deleted project is left:\n{}", house.clean);
    assert!(n >= N_MOMENTS_MIN, "only {n} moments");
}

/// Dies right before the push is sent; then something is done to the mirrors on disk.
async fn mirror_is_hurt(label: &str, hurt: impl Fn(&std::path::Path) -> std::io::Result<()>) -> Result<()> {
    let (clean, _) = clean(&Lane::<Bench>::open().await?).await?;
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
