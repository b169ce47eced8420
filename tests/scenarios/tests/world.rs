//! The world itself: what was applied outlives a crash, and clients outlive the control plane.

use seaway_scenarios::{Options, STAGES, World};

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn what_was_applied_outlives_a_crash() {
    let world = World::start(Options::default()).await.unwrap();
    let before = world.stage("qa").await.unwrap();
    world.crash().await;
    assert!(!world.is_up());
    assert!(world.stage("qa").await.is_err());
    world.restart().await.unwrap();
    for stage in STAGES {
        world.stage(stage).await.unwrap();
    }
    assert_eq!(world.stage("qa").await.unwrap().metadata.uid, before.metadata.uid);
    assert_eq!(world.in_git("qa").await.unwrap(), None);
}
