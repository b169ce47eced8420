//! The crash sweep: a pipeline is stopped at every durable commit and at every point of its runs, and ends as if it had not been.

mod sweep;

use anyhow::{Context as _, Result, ensure};
use futures::StreamExt as _;
use std::collections::BTreeMap;
use sweep::{Bench, Sweep, as_resolved};

/// Worlds at one time.
const N_AT_ONCE: usize = 3;
/// Fewer moments than this, and the sweep sweeps too little.
const N_MOMENTS_MIN: usize = 100;

async fn clean() -> Result<(String, Vec<String>)> {
    let bench = Bench::set_up(Sweep::default()).await?;
    bench.flow().await?;
    Ok((bench.end_state().await?, bench.sweep.seen()))
}

/// Dies at one moment, comes back, and must end like the clean run. Answers whether an effect was uncertain.
async fn stopped(at: usize, clean: &str) -> Result<Option<bool>> {
    let bench = Bench::set_up(Sweep::at(at)).await?;
    bench.flow().await?;
    let died = bench.world.is_dead().await;
    let mut uncertain = false;
    if died {
        bench.come_back().await?;
        uncertain = bench.resolve().await?;
    }
    let state = as_resolved(&bench.end_state().await?);
    ensure!(state == clean, "it ends otherwise:\n{}", difference(clean, &state));
    Ok(died.then_some(uncertain))
}

fn difference(expected: &str, found: &str) -> String {
    let (was, is): (Vec<&str>, Vec<&str>) = (expected.lines().collect(), found.lines().collect());
    let lost = was.iter().filter(|line| !is.contains(line)).map(|line| format!("- {line}"));
    let new = is.iter().filter(|line| !was.contains(line)).map(|line| format!("+ {line}"));
    lost.chain(new).collect::<Vec<_>>().join("\n")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_moment_is_survived() {
    let began = std::time::Instant::now();
    let (clean, moments) = clean().await.unwrap();
    assert!(clean.contains("2 promotions in git, 2 pushes"), "the clean run is not what it should be:\n{clean}");
    let results: Vec<(usize, Result<Option<bool>>)> = futures::stream::iter(0..moments.len())
        .map(|at| {
            let (clean, label) = (clean.clone(), moments[at].clone());
            async move { (at, tokio::spawn(async move { stopped(at, &clean).await.with_context(|| label) }).await.unwrap()) }
        })
        .buffer_unordered(N_AT_ONCE)
        .collect()
        .await;
    let mut kinds = BTreeMap::<String, usize>::new();
    for label in &moments {
        let kind = label.split(' ').take(2).collect::<Vec<_>>().join(" ");
        *kinds.entry(kind).or_default() += 1;
    }
    let n_died = results.iter().filter(|(_, result)| matches!(result, Ok(Some(_)))).count();
    let n_uncertain = results.iter().filter(|(_, result)| matches!(result, Ok(Some(true)))).count();
    let kinds: Vec<String> = kinds.iter().map(|(kind, n)| format!("{n} {kind}")).collect();
    println!(
        "crash sweep: {} moments ({}); {n_died} deaths, {n_uncertain} uncertain, in {} s",
        moments.len(),
        kinds.join(", "),
        began.elapsed().as_secs()
    );
    let failures: Vec<String> =
        results.iter().filter_map(|(at, result)| Some(format!("moment {at}: {:#}", result.as_ref().err()?))).collect();
    assert!(failures.is_empty(), "{} of {} moments are not survived:\n{}", failures.len(), moments.len(), failures.join("\n\n"));
    assert!(moments.len() >= N_MOMENTS_MIN, "only {} moments", moments.len());
    // The number of commits may differ a little from run to run, but not much.
    assert!(n_died * 10 >= moments.len() * 9, "only {n_died} of {} moments were met", moments.len());
    assert!(n_uncertain > 0, "nothing was ever uncertain");
}

/// Dies right before the push is sent; then something is done to the mirrors on disk.
async fn mirror_is_hurt(label: &str, hurt: impl Fn(&std::path::Path) -> std::io::Result<()>) -> Result<()> {
    let (clean, _) = clean().await?;
    let bench = Bench::set_up(Sweep::at_first(label)).await?;
    bench.flow().await?;
    ensure!(bench.world.is_dead().await, "`{label}` was never met: {:?}", bench.sweep.seen());
    bench.world.crash().await;
    hurt(&bench.world.data().join("mirrors"))?;
    bench.come_back().await?;
    bench.resolve().await?;
    let state = as_resolved(&bench.end_state().await?);
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
