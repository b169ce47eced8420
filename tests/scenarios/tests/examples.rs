//! Every example that `examples/INDEX.md` says runs is applied in a running control plane and promoted through, as its play says.

use anyhow::Result;
use futures::StreamExt as _;
use seaway_scenarios::examples::{Example, Later, Place, Played, is_blocked, play, that_need, that_run};
use seaway_scenarios::{Options, World};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

/// So many are played at once.
const N_AT_ONCE: usize = 8;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples")
}

/// In the world of all, or in one with a clock of its own.
async fn played(world: &World, example: &Example) -> Result<Played> {
    if !example.waits() {
        return play(world, example, None).await;
    }
    let clock = Arc::new(Later::default());
    let own = World::start(Options { clock: clock.clone(), ..options() }).await?;
    play(&own, example, Some(&clock)).await
}

/// The bank's minute stays a minute.
fn options() -> Options {
    Options { soak: std::time::Duration::from_mins(1), ..Options::default().without_bank() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_example_that_runs_is_promoted_through() {
    let began = Instant::now();
    let only = std::env::var("EXAMPLE").unwrap_or_default();
    let mut examples = that_run(&root()).unwrap();
    examples.retain(|example| example.name.contains(&only));
    assert!(!examples.is_empty(), "no example that runs is called `{only}`");
    let world = World::start(options()).await.unwrap();
    let all = examples.iter().map(|example| {
        let world = &world;
        async move {
            let began = Instant::now();
            (example, played(world, example).await, began.elapsed())
        }
    });
    let played: Vec<_> = futures::stream::iter(all).buffer_unordered(N_AT_ONCE).collect().await;
    let (mut wrong, mut n_promotions, mut n_looks) = (Vec::new(), 0, 0);
    for (example, came, took) in &played {
        match came {
            Ok(came) => {
                n_promotions += came.n_promotions;
                n_looks += came.n_looks;
                println!("{:5.1} s  {} ({} promotions)", took.as_secs_f64(), example.name, came.n_promotions);
            }
            Err(err) => wrong.push(format!("{err:#}")),
        }
    }
    println!(
        "{} examples played: {n_promotions} promotions, {n_looks} looks, {:.0} s",
        played.len() - wrong.len(),
        began.elapsed().as_secs_f64()
    );
    assert!(wrong.is_empty(), "{} of {} examples do not run:\n\n{}", wrong.len(), played.len(), wrong.join("\n\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_example_that_needs_a_part_is_blocked_or_refused_by_name() {
    let world = World::start(options()).await.unwrap();
    let (parts, kinds) = (that_need(&root(), false).unwrap(), that_need(&root(), true).unwrap());
    for example in &parts {
        let said = is_blocked(&world, example).await.unwrap();
        assert!(said.contains("not built yet"), "{}: {said}", example.name);
        println!("{}: {said}", example.name);
    }
    for example in &kinds {
        let text = Place::of(&world, &example.name).here(&example.text());
        let said = format!("{:#}", world.apply(&example.name, &text).await.unwrap_err());
        assert!(said.contains("is not served here"), "{}: {said}", example.name);
    }
    println!("{} examples need a part that is not built, {} a kind that is not served", parts.len(), kinds.len());
    assert!(parts.len() >= 9, "{} examples are blocked", parts.len());
}
