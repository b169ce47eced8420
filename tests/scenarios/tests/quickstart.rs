//! Kargo's quickstart, but for addresses and its last step: a picture of what its readers see, checked against git.

use anyhow::Result;
use seaway_scenarios::{Options, World};

const DEMO: &str = include_str!("../../../examples/quickstart/demo.yaml");

const DEPLOYMENT: &[u8] = b"apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\nspec:\n  template:\n    spec:\n      containers:\n      - name: web\n        image: IMAGE\n";

async fn image_in(world: &World, stage: &str) -> Result<String> {
    let path = format!("stage/{stage}:deployment-kargo-demo-{stage}.yaml");
    let names = world.git_server().git("kargo-demo", &["ls-tree", "--name-only", &format!("stage/{stage}")]).await?;
    let file = names.lines().find(|name| name.contains("deployment")).unwrap_or(&path).to_owned();
    let text = world.git_server().git("kargo-demo", &["show", &format!("stage/{stage}:{file}")]).await?;
    Ok(text.lines().find_map(|line| line.trim().trim_start_matches("- ").strip_prefix("image: ")).unwrap_or_default().to_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_quickstart_runs_unchanged_but_for_addresses() -> Result<()> {
    let world = World::start(Options::documents("examples/quickstart/demo.yaml", "")).await?;
    let image = format!("{}/nginx/nginx", world.registry_address());
    let deployment = String::from_utf8_lossy(DEPLOYMENT).replace("IMAGE", &image).into_bytes();
    let overlays: Vec<(String, Vec<u8>)> = ["test", "uat", "prod"]
        .iter()
        .map(|stage| {
            let text = format!("resources:\n- ../../base\nnamespace: kargo-demo-{stage}\n");
            (format!("stages/{stage}/kustomization.yaml"), text.into_bytes())
        })
        .collect();
    let mut files: Vec<(&str, &[u8])> =
        vec![("base/deployment.yaml", deployment.as_slice()), ("base/kustomization.yaml", b"resources:\n- deployment.yaml\n")];
    files.extend(overlays.iter().map(|(path, text)| (path.as_str(), text.as_slice())));
    world.git_server().create_repo("kargo-demo", &files).await?;
    world.push_quietly("nginx/nginx:1.29.0", false).await?;
    world.push_quietly("nginx/nginx:1.28.9", false).await?;
    world.apply("examples/quickstart/demo.yaml", &world.here(DEMO)).await?;

    let verbs = world.verbs_in("kargo-demo");
    world.until("freight of 1.29.0 is there", || async { Ok(verbs.freight("1.29.0").await.is_ok()) }).await?;
    let freight = verbs.freight("1.29.0").await?;
    assert!(verbs.freight("1.28.9").await.is_err(), "the constraint is ^1.29.0");
    let refused = verbs.promote("prod", &freight, None).await.unwrap_err();
    assert!(refused.to_string().contains("may not have it"), "prod refuses freight that uat has not verified: {refused}");
    for stage in ["test", "uat", "prod"] {
        let promotion = verbs.promote(stage, &freight, None).await?;
        let name = promotion.metadata.name.unwrap_or_default();
        let ended = verbs.wait_for(&name, std::time::Duration::from_secs(60)).await?;
        assert!(matches!(ended, seaway_verbs::Ended::Succeeded { .. }), "{stage}: {ended:?}");
        assert_eq!(image_in(&world, stage).await?, format!("{image}:1.29.0"), "{stage}");
        let subject = world.git_server().git("kargo-demo", &["log", "-1", "--format=%s", &format!("stage/{stage}")]).await?;
        assert_eq!(subject.trim(), "Updated ./src/base to use new image");
        let passed = || async {
            let freight = verbs.freight("1.29.0").await?;
            Ok(freight.status.is_some_and(|status| status.verified_in.contains_key(stage)))
        };
        world.until(&format!("{stage} passes the freight on"), passed).await?;
    }
    Ok(())
}
