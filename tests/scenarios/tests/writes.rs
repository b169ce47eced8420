//! What things cost: store commits a promotion, and none at all for a look that finds nothing.

use seaway_scenarios::{Options, World, Written};
use std::collections::BTreeMap;

/// The most that an ordinary promotion may cost, the asking for it counted.
const N_COMMITS_MAX: usize = 6;
/// Looks of a warehouse that find nothing.
const N_LOOKS: u64 = 4;

/// How many commits touched each promotion or its run.
fn costs(written: &[Written]) -> BTreeMap<String, usize> {
    let mut costs = BTreeMap::new();
    for commit in written {
        let of_promotions = |resource: &str| resource.starts_with("promotions.") || resource.starts_with("promotionruns.");
        let mut names: Vec<&str> = commit.keys.iter().filter(|key| of_promotions(&key.resource)).map(|key| &*key.name).collect();
        names.sort_unstable();
        names.dedup();
        for name in names {
            *costs.entry(name.to_owned()).or_default() += 1;
        }
    }
    costs
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn an_ordinary_promotion_costs_at_most_six_commits() {
    let world = World::start(Options::default()).await.unwrap();
    world.flows("1.5.0").await.unwrap();
    world.flows("1.5.1").await.unwrap();
    let costs = costs(&world.written());
    assert_eq!(costs.len(), 6, "{costs:#?}");
    for (promotion, n) in &costs {
        let its = |commit: &&Written| commit.keys.iter().any(|key| *key.name == **promotion);
        let what: Vec<String> = world.written().iter().filter(its).map(|commit| format!("{:?}", commit.keys)).collect();
        assert!(*n <= N_COMMITS_MAX, "{promotion} cost {n} commits:\n{}", what.join("\n"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn looks_that_find_nothing_and_an_idle_house_write_nothing() {
    let mut options = Options::default();
    for (_, text) in &mut options.documents {
        *text = text.replace("interval: 1m0s", "interval: 1s");
    }
    let world = World::start(options).await.unwrap();
    world.flows("1.5.0").await.unwrap();
    let requests = || world.registry().n_requests();
    let (before, n_written) = (requests(), world.n_written());
    // A look asks each of two repositories for its tags at least.
    world.until("the warehouse has looked a few times", || async { Ok(requests() >= before + 2 * N_LOOKS) }).await.unwrap();
    let written: Vec<Written> = world.written().split_off(n_written);
    assert_eq!(written, [], "an idle house writes");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_refresh_that_finds_nothing_costs_its_asking_and_its_answer() {
    let world = World::start(Options::default()).await.unwrap();
    world.flows("1.5.0").await.unwrap();
    let n_written = world.n_written();
    world.refresh("images").await.unwrap();
    world.settle().await.unwrap();
    let n = world.n_written() - n_written;
    assert!(n <= 2, "{n} commits: {:#?}", world.written().split_off(n_written));
}
