//! Retention on the embedded control plane, with a clock that is moved by hand.

use crate::support::Scene;
use kube::api::{Api, Patch, PatchParams};
use seaway_api::kargo::Freight;
use seaway_base::ManualClock;
use seaway_base::http::{Egress, HttpClient};
use seaway_controllers::retention::{Gone, Retention, Settings};
use seaway_core::retention::Keep;
use seaway_git::{MirrorOptions, Mirrors, Remote};
use seaway_testkit::warehouse;
use serde_json::json;
use std::time::Duration;

/// A look at which everything could be looked at.
async fn once(retention: &Retention) -> Gone {
    let look = retention.once().await;
    assert!(look.errors.is_empty(), "{:?}", look.errors);
    look.gone
}

#[tokio::test]
async fn old_freight_and_unused_mirrors_go_and_a_second_look_finds_nothing() {
    let scene = Scene::open().await;
    scene.around.git.create_repo("bank", &[("a", b"a")]).await.unwrap();
    let key = scene.apply("bank", warehouse("bank").image(&scene.around.image_url("fund-transfer"), "").build()).await;
    for n in 0..6 {
        scene.around.push("fund-transfer", &format!("1.{n}.0")).await;
        scene.poll(&key).await.unwrap();
    }
    assert_eq!(scene.tags("bank").await.len(), 6);

    let http = HttpClient::new(Egress::local()).unwrap();
    let mirrors = Mirrors::new(scene.harbour.folder.path().join("old"), http, MirrorOptions::default());
    let mirror = mirrors.mirror(&Remote::open(scene.around.git_url("bank")));
    let tip = mirror.fetch().await.unwrap().head_id.unwrap();
    mirror.pin("nobody", &mirror.objects(), &[tip]).await.unwrap();
    drop(mirror);
    let keep = Keep { n: 2, min_age: Duration::from_secs(3600) };
    // Mirrors are dated by the machine's clock.
    let clock = ManualClock::at(jiff::Timestamp::now());
    let settings =
        Settings { promotions: keep, freight: keep, mirror_unused: Duration::from_secs(24 * 3600), ..Settings::default() };
    let retention = Retention::new(scene.harbour.client("retention"), mirrors, clock.clone(), settings);

    // All of it was found in the past few minutes as the clock now tells.
    let api: Api<Freight> = scene.harbour.projects("bank");
    let mut found = api.list(&Default::default()).await.unwrap().items;
    found.sort_by_key(|freight| freight.found_at());
    for (freight, n) in found.into_iter().zip(0_i64..) {
        let at = jiff::Timestamp::from_second(jiff::Timestamp::now().as_second() - 3000 + 100 * n).unwrap();
        let patch = Patch::Merge(json!({ "discoveredAt": at.to_string() }));
        api.patch(&freight.metadata.name.unwrap(), &PatchParams::default(), &patch).await.unwrap();
    }
    assert_eq!(once(&retention).await, Gone::default());
    clock.advance_seconds(3600);
    assert_eq!(once(&retention).await, Gone { freight: 4, runs: 1, ..Gone::default() });
    assert_eq!(scene.tags("bank").await, ["1.4.0", "1.5.0"]);
    clock.advance_seconds(48 * 3600);
    assert_eq!(once(&retention).await, Gone { mirrors: 1, ..Gone::default() });
    assert_eq!(once(&retention).await, Gone::default());
}
