//! Warehouses between a real registry, a real git server and the embedded control plane.

use crate::support::Scene;
use kube::api::{Api, ListParams};
use seaway_api::kargo::{GitSubscription, ImageSelectionStrategy, ImageSubscription, Subscription};
use seaway_base::Random;
use seaway_base::http::Egress;
use seaway_controllers::frame::{Requeue, Workers, run};
use seaway_controllers::warehouse::N_WORKERS;
use seaway_neighbours::auth::Login;
use seaway_neighbours::registry::Access;
use seaway_neighbours::{GitOptions, RegistryOptions};
use seaway_testkit::warehouse;
use std::sync::Arc;
use std::time::Duration;

fn start(scene: &mut Scene) {
    let workers = Workers::new(N_WORKERS, "warehouses", Random::seeded(1), &mut prometheus_client::registry::Registry::default());
    let (warehouses, queue) = (Arc::clone(&scene.warehouses), Arc::clone(scene.warehouses.queue()));
    scene.harbour.tasks.spawn(async move { run(warehouses, queue, workers).await });
}

#[tokio::test]
async fn a_pushed_image_becomes_freight() {
    let mut scene = Scene::open().await;
    scene.around.push("fund-transfer", "1.5.0").await;
    start(&mut scene);
    let key = scene.apply("bank", warehouse("bank").image(&scene.around.image_url("fund-transfer"), "^1.0.0").build()).await;
    scene.wait_for_freight("bank", "1.5.0").await;
    scene.wait(&key, |it| it.status.as_ref().is_some_and(|status| status.observed_generation == Some(1))).await;

    // News of a push is enough: no interval has passed.
    scene.around.push("fund-transfer", "1.5.1").await;
    let shouted = scene.around.image_url("fund-transfer").to_uppercase();
    assert_eq!((scene.warehouses.refresh_all_of(&shouted), scene.warehouses.refresh_all_of("127.0.0.1:1/other")), (1, 0));
    scene.wait_for_freight("bank", "1.5.1").await;
    scene
        .wait(&key, |it| {
            it.status.as_ref().is_some_and(|status| status.discovered_artifacts.as_ref().unwrap().images[0].references.len() == 2)
        })
        .await;
    insta::assert_snapshot!(
        scene.conditions(&key).await,
        @"FreightCreated=True/NewFreight Healthy=True/ArtifactsDiscovered Ready=True/ArtifactsDiscovered"
    );
    let events: Api<k8s_openapi::api::core::v1::Event> = scene.harbour.projects("bank");
    let told = events.list(&ListParams::default()).await.unwrap().items;
    let told: Vec<_> = told.iter().filter(|event| event.reason.as_deref() == Some("FreightCreated")).collect();
    assert_eq!(told.len(), 2);
    let annotations = told[0].metadata.annotations.clone().unwrap();
    assert_eq!(annotations["event.kargo.akuity.io/freight-warehouse-name"], "bank");
}

#[tokio::test]
async fn a_look_that_finds_nothing_new_writes_nothing() {
    let scene = Scene::open().await;
    scene.around.push("fund-transfer", "1.5.0").await;
    scene.around.git.create_repo("bank", &[("readme.md", b"x")]).await.unwrap();
    let spec = warehouse("bank")
        .image(&scene.around.image_url("fund-transfer"), "")
        .git(&scene.around.git_url("bank"), "main", &[])
        .build();
    let key = scene.apply("bank", spec).await;
    assert_eq!(scene.turn(&key).await, Ok(Requeue::After(Duration::from_secs(300))));
    let (written, version) = (scene.harbour.n_changes(), scene.warehouse(&key).await.metadata.resource_version);
    let asked = scene.around.registry.n_requests();
    for _ in 0..5 {
        scene.poll(&key).await.unwrap();
    }
    assert_eq!(scene.harbour.n_changes(), written);
    assert_eq!(scene.warehouse(&key).await.metadata.resource_version, version);
    assert_eq!(scene.around.registry.n_requests() - asked, 10, "the list, and the digest of the best tag");
    assert_eq!(scene.warehouses.last_look(&key).unwrap().to_string(), "2026-11-21T10:25:00Z");
    // Between two intervals not even the registry is asked.
    assert_eq!(scene.turn(&key).await, Ok(Requeue::After(Duration::from_secs(300))));
    assert_eq!(scene.around.registry.n_requests() - asked, 10);
}

#[tokio::test]
async fn what_was_pushed_while_nobody_ran_is_freight_soon_after_the_restart() {
    let mut scene = Scene::open().await;
    scene.around.push("fund-transfer", "1.5.0").await;
    let key = scene.apply("bank", warehouse("bank").image(&scene.around.image_url("fund-transfer"), "").build()).await;
    scene.turn(&key).await.unwrap();
    scene.around.push("fund-transfer", "1.5.1").await;
    scene.restart();
    start(&mut scene);
    // The clock stands still: no interval passes.
    scene.wait_for_freight("bank", "1.5.1").await;
    let two = |it: &seaway_api::kargo::Warehouse| {
        it.status.as_ref().is_some_and(|it| it.discovered_artifacts.as_ref().unwrap().images[0].references.len() == 2)
    };
    scene.wait(&key, two).await;
    // The look after the next start finds nothing, and writes nothing.
    let (written, asked) = (scene.harbour.n_changes(), scene.around.registry.n_requests());
    scene.restart();
    scene.turn(&key).await.unwrap();
    assert!(scene.around.registry.n_requests() > asked && scene.warehouses.last_look(&key).is_some());
    assert_eq!(scene.harbour.n_changes(), written);
    let asked = scene.around.registry.n_requests();
    scene.turn(&key).await.unwrap();
    assert_eq!(scene.around.registry.n_requests(), asked, "once is enough");
}

#[tokio::test]
async fn a_refresh_is_answered_with_its_token() {
    let scene = Scene::open().await;
    scene.around.push("fund-transfer", "1.5.0").await;
    let key = scene.apply("bank", warehouse("bank").image(&scene.around.image_url("fund-transfer"), "").build()).await;
    scene.turn(&key).await.unwrap();
    scene.around.push("fund-transfer", "1.5.1").await;
    scene.turn(&key).await.unwrap();
    assert_eq!(scene.tags("bank").await, ["1.5.0"]);
    scene.refresh(&key, "now").await;
    scene.turn(&key).await.unwrap();
    assert_eq!(scene.warehouse(&key).await.status.unwrap().last_handled_refresh, "now");
    assert_eq!(scene.tags("bank").await, ["1.5.0", "1.5.1"]);
}

#[tokio::test]
async fn a_constraint_chooses_and_finding_nothing_is_said() {
    let scene = Scene::open().await;
    for tag in ["1.4.9", "1.5.0", "2.0.0", "latest"] {
        scene.around.push("fund-transfer", tag).await;
    }
    let key = scene.apply("bank", warehouse("bank").image(&scene.around.image_url("fund-transfer"), "^1.0.0").build()).await;
    scene.turn(&key).await.unwrap();
    assert_eq!(scene.tags("bank").await, ["1.5.0"]);
    let none = scene.apply("bank", warehouse("none").image(&scene.around.image_url("fund-transfer"), "^9.0.0").build()).await;
    assert_eq!(scene.turn(&none).await, Ok(Requeue::After(Duration::from_secs(300))));
    insta::assert_snapshot!(
        scene.conditions(&none).await,
        @"Healthy=False/NoImageReferencesDiscovered Ready=False/MissingImageReferences"
    );
}

#[tokio::test]
async fn a_tag_that_moves_is_new_freight() {
    let scene = Scene::open().await;
    let first = scene.around.push_as(None, "fund-transfer", "latest", "one").await;
    let key =
        scene.apply("bank", warehouse("bank").image_digest(&scene.around.image_url("fund-transfer"), "latest").build()).await;
    scene.turn(&key).await.unwrap();
    scene.poll(&key).await.unwrap();
    let second = scene.around.push_as(None, "fund-transfer", "latest", "two").await;
    scene.poll(&key).await.unwrap();
    let mut wanted = [format!("latest@{}", &first[7..13]), format!("latest@{}", &second[7..13])];
    wanted.sort();
    assert_eq!(scene.freight("bank").await, wanted);
}

#[tokio::test]
async fn platforms_and_patterns_are_kept_to() {
    let scene = Scene::open().await;
    for tag in ["a-1", "a-2", "b-3"] {
        scene.around.push("fund-transfer", tag).await;
    }
    let lexical = |platform: &str| ImageSubscription {
        repo_url: scene.around.image_url("fund-transfer"),
        image_selection_strategy: ImageSelectionStrategy::Lexical,
        allow_tags_regexes: vec!["^a-".into()],
        ignore_tags_regexes: vec!["2$".into()],
        platform: platform.into(),
        ..ImageSubscription::default()
    };
    let key = scene.apply("bank", warehouse("any").subscription(Subscription::image(&lexical(""))).build()).await;
    scene.turn(&key).await.unwrap();
    assert_eq!(scene.tags("bank").await, ["a-1"]);
    let key = scene.apply("bank", warehouse("arm").subscription(Subscription::image(&lexical("linux/arm64"))).build()).await;
    scene.turn(&key).await.unwrap();
    assert_eq!(scene.condition(&key, "Healthy").await.unwrap().reason, "NoImageReferencesDiscovered");
}

#[tokio::test]
async fn commits_to_excluded_paths_make_no_freight() {
    let scene = Scene::open().await;
    scene.around.git.create_repo("bank", &[("base/app.yaml", b"a")]).await.unwrap();
    let body = GitSubscription {
        repo_url: scene.around.git_url("bank"),
        branch: "main".into(),
        exclude_paths: vec!["stages".into()],
        ..serde_json::from_str("{}").unwrap()
    };
    let key = scene.apply("bank", warehouse("bank").subscription(Subscription::git(&body)).build()).await;
    scene.turn(&key).await.unwrap();
    assert_eq!(scene.freight("bank").await, ["first commit"]);
    // What promotions write comes back as news of the branch, and must not start another round.
    let written = scene.harbour.n_changes();
    for round in 0..3 {
        let text = round.to_string();
        scene.around.git.commit("bank", "main", "promote", &[("stages/test/app.yaml", Some(text.as_bytes()))]).await.unwrap();
        scene.poll(&key).await.unwrap();
    }
    assert_eq!(scene.harbour.n_changes(), written);
    scene.around.git.commit("bank", "main", "change", &[("base/app.yaml", Some(b"b"))]).await.unwrap();
    scene.poll(&key).await.unwrap();
    assert_eq!(scene.freight("bank").await, ["change", "first commit"]);
    // As long as the branch stands where it stood, one request is enough.
    let asked = scene.around.git.n_requests();
    scene.poll(&key).await.unwrap();
    assert!(scene.around.git.n_requests() - asked <= 2, "{}", scene.around.git.n_requests() - asked);
}

#[tokio::test]
async fn criteria_decide_over_what_was_found() {
    let scene = Scene::open().await;
    for name in ["api", "ui"] {
        scene.around.push(name, "1.0.0").await;
    }
    let (api, ui) = (scene.around.image_url("api"), scene.around.image_url("ui"));
    let both = |name: &str| warehouse(name).image(&api, "").image(&ui, "");
    let equal = format!("imageFrom('{api}').Tag == imageFrom('{ui}').Tag");
    let key = scene.apply("bank", both("equal").criteria(&equal).build()).await;
    scene.turn(&key).await.unwrap();
    assert_eq!(scene.freight("bank").await.len(), 1);
    scene.around.push("api", "1.1.0").await;
    scene.poll(&key).await.unwrap();
    assert_eq!(scene.freight("bank").await.len(), 1);
    insta::assert_snapshot!(
        scene.conditions(&key).await,
        @"FreightCreated=True/NewFreight FreightCreationCriteriaSatisfied=False/CriteriaNotSatisfied Healthy=True/ArtifactsDiscovered Ready=True/ArtifactsDiscovered"
    );
    scene.around.push("ui", "1.1.0").await;
    scene.poll(&key).await.unwrap();
    assert_eq!(scene.freight("bank").await.len(), 2);
    let key = scene.apply("bank", both("broken").criteria("nonsense(1)").build()).await;
    assert_eq!(scene.turn(&key).await, Ok(Requeue::After(Duration::from_secs(300))));
    assert_eq!(scene.condition(&key, "FreightCreationCriteriaSatisfied").await.unwrap().reason, "CriteriaEvaluationFailed");
    let key = scene.apply("bank", both("manual").manual().build()).await;
    scene.turn(&key).await.unwrap();
    assert_eq!(scene.freight("bank").await.len(), 2);
}

#[tokio::test]
async fn a_wrong_password_is_said_and_a_right_one_helps_at_once() {
    let registry = RegistryOptions { access: Access::Basic(Login::new("me", "right")), ..RegistryOptions::default() };
    let mut scene = Scene::with(registry, GitOptions::default(), Egress::local(), |_| {}).await;
    scene.around.push_as(Some("right"), "fund-transfer", "1.5.0", "1.5.0").await;
    let url = scene.around.image_url("fund-transfer");
    scene.harbour.login("bank", "wrong", "image", &url, "canary").await;
    let key = scene.apply("bank", warehouse("bank").image(&url, "").build()).await;
    start(&mut scene);
    scene.wait(&key, |it| it.status.as_ref().is_some_and(|status| !status.conditions.is_empty())).await;
    insta::assert_snapshot!(
        scene.conditions(&key).await,
        @"Blocked=True/NotAuthenticated Healthy=False/DiscoveryFailed Ready=False/DiscoveryFailure"
    );
    let message = scene.condition(&key, "Blocked").await.unwrap().message.replace(&url, "HOST/fund-transfer");
    insta::assert_snapshot!(message, @"spec.subscriptions[0]: `HOST/fund-transfer`: the registry refused the credential: check its user and password");
    assert!(!message.contains("canary"));
    scene.harbour.login("bank", "better", "image", &url, "right").await;
    scene.wait_for_freight("bank", "1.5.0").await;
    scene.wait(&key, |it| it.status.as_ref().is_some_and(|status| status.observed_generation.is_some())).await;
    assert!(scene.condition(&key, "Blocked").await.is_none());
}

#[tokio::test]
async fn a_missing_repository_and_a_missing_branch_are_named() {
    let scene = Scene::open().await;
    scene.around.git.create_repo("bank", &[("a", b"a")]).await.unwrap();
    let check = async |name: &str, spec: seaway_testkit::WarehouseBuilder, reason: Option<&str>, word: &str| {
        let key = scene.apply("bank", spec.build()).await;
        let turn = scene.turn(&key).await;
        let message = scene.condition(&key, "Healthy").await.unwrap().message;
        assert!(message.contains(word), "{name}: {message}");
        let blocked = scene.condition(&key, "Blocked").await.map(|it| it.reason);
        assert_eq!((turn.is_ok(), blocked.as_deref()), (reason.is_some(), reason), "{name}: {message}");
        let written = scene.harbour.n_changes();
        let _ = scene.poll(&key).await;
        assert_eq!(scene.harbour.n_changes(), written, "{name}: the same error is written once");
    };
    let image = scene.around.image_url("nowhere");
    check("image", warehouse("a").image(&image, ""), None, "does not exist at its registry").await;
    let git = scene.around.git_url("nowhere");
    check("git", warehouse("b").git(&git, "main", &[]), Some("RepositoryMissing"), "there is no such repository").await;
    let git = scene.around.git_url("bank");
    check("branch", warehouse("c").git(&git, "nowhere", &[]), Some("ReferenceMissing"), "branch `nowhere`").await;
    check("port", warehouse("d").image("127.0.0.1:1/x", ""), None, "cannot be read").await;
}

#[tokio::test]
async fn the_egress_policy_is_named() {
    let scene = Scene::with(RegistryOptions::default(), GitOptions::default(), Egress::default(), |_| {}).await;
    let key = scene.apply("bank", warehouse("bank").image(&scene.around.image_url("x"), "").build()).await;
    assert_eq!(scene.turn(&key).await, Ok(Requeue::After(Duration::from_secs(300))));
    let blocked = scene.condition(&key, "Blocked").await.unwrap();
    assert!(blocked.reason == "EgressRefused" && blocked.message.contains("egress.allow"), "{blocked:?}");
}

#[tokio::test]
async fn projects_see_with_their_own_login() {
    let registry = RegistryOptions { access: Access::Basic(Login::new("me", "right")), ..RegistryOptions::default() };
    let git = GitOptions { login: Some(Login::new("me", "right")) };
    let scene = Scene::with(registry, git, Egress::local(), |_| {}).await;
    scene.harbour.project("shop").await;
    scene.around.push_as(Some("right"), "fund-transfer", "1.5.0", "1.5.0").await;
    scene.around.git.create_repo("bank", &[("a", b"a")]).await.unwrap();
    let (image, git) = (scene.around.image_url("fund-transfer"), scene.around.git_url("bank"));
    for (project, password) in [("bank", "right"), ("shop", "wrong")] {
        scene.harbour.login(project, "image", "image", &image, password).await;
        scene.harbour.login(project, "git", "git", &git, password).await;
    }
    let spec = || warehouse("both").image(&image, "").git(&git, "main", &[]).build();
    let bank = scene.apply("bank", spec()).await;
    scene.turn(&bank).await.unwrap();
    assert_eq!(scene.freight("bank").await.len(), 1);
    let shop = scene.apply("shop", spec()).await;
    scene.turn(&shop).await.unwrap();
    assert_eq!(
        (scene.freight("shop").await.len(), scene.condition(&shop, "Blocked").await.unwrap().reason),
        (0, "NotAuthenticated".into())
    );
    let message = scene.condition(&shop, "Blocked").await.unwrap().message;
    assert!(message.contains("subscriptions[0]") && message.contains("subscriptions[1]"), "{message}");
}

#[tokio::test]
async fn what_is_not_built_is_named_and_nothing_is_looked_for() {
    let scene = Scene::open().await;
    let chart = Subscription(serde_json::json!({ "chart": { "repoURL": "oci://127.0.0.1:1/chart" } }));
    let spec = warehouse("bank").image(&scene.around.image_url("x"), "").subscription(chart).build();
    let key = scene.apply("bank", spec).await;
    let asked = scene.around.registry.n_requests();
    assert_eq!(scene.turn(&key).await, Ok(Requeue::OnChange));
    let blocked = scene.condition(&key, "Blocked").await.unwrap();
    insta::assert_snapshot!(
        format!("{}: {}", blocked.reason, blocked.message),
        @"NotBuilt: a chart subscription (`spec.subscriptions[1].chart`) is not built yet, so nothing is looked for"
    );
    assert_eq!(scene.around.registry.n_requests(), asked);
}

#[tokio::test]
async fn registries_that_hang_hold_up_nobody_else() {
    let hole = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent = hole.local_addr().unwrap();
    let mut scene = Scene::with(RegistryOptions::default(), GitOptions::default(), Egress::local(), |(outside, settings)| {
        outside.image_timeout = Duration::from_millis(800);
        settings.patience = Duration::from_millis(50);
        settings.n_at_once = 1;
    })
    .await;
    scene.around.push("fund-transfer", "1.5.0").await;
    let mut hanging = Vec::new();
    for n in 0..8 {
        hanging.push(scene.apply("bank", warehouse(&format!("hangs-{n}")).image(&format!("{silent}/x"), "").build()).await);
    }
    scene.apply("bank", warehouse("z-works").image(&scene.around.image_url("fund-transfer"), "").build()).await;
    start(&mut scene);
    scene.wait_for_freight("bank", "1.5.0").await;
    let reason = |it: &seaway_api::kargo::Warehouse| {
        let status = it.status.clone().unwrap_or_default();
        status.conditions.into_iter().find(|it| it.type_ == "Healthy").map(|it| it.reason)
    };
    scene.wait(&hanging[7], |it| reason(it).as_deref() == Some("DiscoveryFailed")).await;
    let message = scene.condition(&hanging[7], "Healthy").await.unwrap().message;
    assert!(message.contains("800ms"), "{message}");
}

#[tokio::test]
async fn a_registry_that_asks_for_patience_gets_it() {
    let scene = Scene::open().await;
    scene.around.push("fund-transfer", "1.5.0").await;
    let key = scene.apply("bank", warehouse("bank").image(&scene.around.image_url("fund-transfer"), "").build()).await;
    scene.turn(&key).await.unwrap();
    scene.around.registry.fail(429, Some(7), 1);
    assert_eq!(scene.poll(&key).await, Ok(Requeue::After(Duration::from_secs(7))));
    assert!(scene.condition(&key, "Blocked").await.is_none());
}
