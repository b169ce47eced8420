//! Projects, their namespaces and their settings on the embedded control plane.

use crate::support::{Harbour, SOON};
use k8s_openapi::api::core::v1::Namespace;
use k8s_openapi::api::rbac::v1::{ClusterRole, Role};
use kube::api::{Api, DeleteParams, Patch, PatchParams, PostParams};
use kube::runtime::wait::{await_condition, conditions::is_deleted};
use seaway_api::conditions;
use seaway_api::kargo::{Project, ProjectConfig, ProjectConfigSpec, PromotionPolicy, Stage, Warehouse};
use seaway_base::Random;
use seaway_controllers::frame::{Cache, Workers, run};
use seaway_controllers::project::{Configs, Projects};
use seaway_testkit::warehouse;
use serde_json::json;
use std::sync::Arc;
use tokio::time::timeout;

async fn start(harbour: &mut Harbour) {
    let client = harbour.client("projects");
    let (projects, warehouses, stages, configs) = (
        Arc::<Cache<Project>>::default(),
        Arc::<Cache<Warehouse>>::default(),
        Arc::<Cache<Stage>>::default(),
        Arc::<Cache<ProjectConfig>>::default(),
    );
    let reconciler = Projects::new(client.clone(), projects.clone(), warehouses.clone(), stages.clone(), harbour.clock.clone());
    let settings = Configs::new(client.clone(), configs.clone(), harbour.clock.clone());
    let mut figures = prometheus_client::registry::Registry::default();
    let mut workers = |name| Workers::new(2, name, Random::seeded(1), &mut figures);
    let (queue, n) = (reconciler.queue().clone(), workers("projects"));
    harbour.tasks.spawn(run(reconciler.clone(), queue, n));
    let (queue, n) = (settings.queue().clone(), workers("configs"));
    harbour.tasks.spawn(run(settings, queue, n));
    harbour.tasks.spawn(reconciler.feed(client.clone()));
    harbour.tasks.spawn(projects.feed(client.clone(), None));
    harbour.tasks.spawn(warehouses.feed(client.clone(), None));
    harbour.tasks.spawn(stages.feed(client.clone(), None));
    harbour.tasks.spawn(configs.feed(client, None));
}

fn reason(status: Option<&Vec<conditions::Condition>>, type_: &str) -> String {
    status.and_then(|all| conditions::get(all, type_)).map(|it| format!("{}/{}", it.status, it.reason)).unwrap_or_default()
}

async fn wait(harbour: &Harbour, name: &str, holds: impl Fn(&Project) -> bool) -> Project {
    let api: Api<Project> = Api::all(harbour.client("admin"));
    let met = timeout(SOON, await_condition(api, name, |it: Option<&Project>| it.is_some_and(&holds)));
    met.await.expect("in time").unwrap().unwrap()
}

fn ready(project: &Project) -> String {
    reason(project.status.as_ref().map(|it| &it.conditions), "Ready")
}

#[tokio::test]
async fn a_project_has_its_namespace_its_figures_and_takes_both_with_it() {
    let mut harbour = Harbour::open().await;
    start(&mut harbour).await;
    harbour.project("bank").await;
    let project = wait(&harbour, "bank", |it| ready(it) == "True/Synced").await;
    assert_eq!(project.metadata.finalizers.clone().unwrap(), ["kargo.akuity.io/finalizer"]);
    let mut made = warehouse("w").image("127.0.0.1:1/x", "").build();
    made.metadata = kube::api::ObjectMeta { name: Some("w".into()), ..Default::default() };
    let warehouses: Api<Warehouse> = harbour.projects("bank");
    warehouses.create(&PostParams::default(), &made).await.unwrap();
    wait(&harbour, "bank", |it| it.status.as_ref().and_then(|it| it.stats.clone()).is_some_and(|it| it.warehouses.count == 1))
        .await;
    let healthy = json!({ "status": { "conditions": [{
        "type": "Healthy", "status": "True", "reason": "x", "message": "", "lastTransitionTime": "2026-01-01T00:00:00Z" }] } });
    warehouses.patch_status("w", &PatchParams::default(), &Patch::Merge(healthy)).await.unwrap();
    let stats = |it: &Project| it.status.clone().unwrap_or_default().stats.unwrap_or_default().warehouses;
    wait(&harbour, "bank", |it| stats(it).health.healthy == 1).await;

    let api: Api<Project> = Api::all(harbour.client("admin"));
    let namespaces: Api<Namespace> = Api::all(harbour.client("admin"));
    let uid = namespaces.get("bank").await.unwrap().metadata.uid.unwrap();
    api.delete("bank", &DeleteParams::default()).await.unwrap();
    timeout(SOON, await_condition(api, "bank", is_deleted(&project.metadata.uid.unwrap()))).await.unwrap().unwrap();
    timeout(SOON, await_condition(namespaces, "bank", is_deleted(&uid))).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_projects_roles_come_with_it_and_come_back() {
    let mut harbour = Harbour::open().await;
    harbour.project("bank").await;
    let (roles, cluster): (Api<Role>, Api<ClusterRole>) = (harbour.projects("bank"), Api::all(harbour.client("admin")));
    let uid = cluster.get("kargo-project-admin-bank").await.unwrap().metadata.uid.unwrap();
    roles.delete("kargo-viewer", &DeleteParams::default()).await.unwrap();
    let narrowed = Patch::Merge(json!({ "rules": [] }));
    roles.patch("kargo-promoter", &PatchParams::default(), &narrowed).await.unwrap();
    start(&mut harbour).await;
    wait(&harbour, "bank", |it| ready(it) == "True/Synced").await;
    assert!(!roles.get("kargo-viewer").await.unwrap().rules.unwrap_or_default().is_empty());
    assert!(roles.get("kargo-promoter").await.unwrap().rules.unwrap_or_default().is_empty(), "what is there stays as it is");
    let api: Api<Project> = Api::all(harbour.client("admin"));
    api.delete("bank", &DeleteParams::default()).await.unwrap();
    timeout(SOON, await_condition(cluster, "kargo-project-admin-bank", is_deleted(&uid))).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_namespace_is_kept_on_demand_and_its_deletion_means_the_project() {
    let mut harbour = Harbour::open().await;
    start(&mut harbour).await;
    let api: Api<Project> = Api::all(harbour.client("admin"));
    let namespaces: Api<Namespace> = Api::all(harbour.client("admin"));
    harbour.project("kept").await;
    harbour.project("gone").await;
    for name in ["kept", "gone"] {
        wait(&harbour, name, |it| ready(it) == "True/Synced").await;
    }
    let keep = Patch::Merge(json!({ "metadata": { "annotations": { "kargo.akuity.io/keep-namespace": "true" } } }));
    let kept = api.patch("kept", &PatchParams::default(), &keep).await.unwrap();
    api.delete("kept", &DeleteParams::default()).await.unwrap();
    timeout(SOON, await_condition(api.clone(), "kept", is_deleted(&kept.metadata.uid.unwrap()))).await.unwrap().unwrap();
    let left = namespaces.get("kept").await.unwrap().metadata;
    assert!(left.deletion_timestamp.is_none() && left.finalizers.unwrap_or_default().is_empty());
    let uid = api.get("gone").await.unwrap().metadata.uid.unwrap();
    namespaces.delete("gone", &DeleteParams::default()).await.unwrap();
    timeout(SOON, await_condition(api, "gone", is_deleted(&uid))).await.unwrap().unwrap();
}

#[tokio::test]
async fn settings_say_what_of_them_is_not_built() {
    let mut harbour = Harbour::open().await;
    start(&mut harbour).await;
    harbour.project("bank").await;
    let api: Api<ProjectConfig> = harbour.projects("bank");
    let policy = PromotionPolicy { stage: "test".into(), auto_promotion_enabled: true, ..PromotionPolicy::default() };
    let spec = ProjectConfigSpec { promotion_policies: vec![policy], ..ProjectConfigSpec::default() };
    api.create(&PostParams::default(), &ProjectConfig::new("bank", spec)).await.unwrap();
    let check = async |type_: &'static str, expect: &'static str| {
        let holds = |it: Option<&ProjectConfig>| {
            let status = it.and_then(|it| it.status.as_ref());
            reason(status.map(|it| &it.conditions), type_) == expect
                && it.is_some_and(|it| status.and_then(|it| it.observed_generation) == it.metadata.generation)
        };
        timeout(SOON, await_condition(api.clone(), "bank", holds)).await.expect(expect).unwrap().unwrap()
    };
    check("Ready", "True/Synced").await;
    let receivers =
        Patch::Merge(json!({ "spec": { "webhookReceivers": [{ "name": "r", "github": { "secretRef": { "name": "s" } } }] } }));
    api.patch("bank", &PatchParams::default(), &receivers).await.unwrap();
    let config = check("Blocked", "True/NotBuilt").await;
    let all = config.status.unwrap().conditions;
    insta::assert_snapshot!(
        conditions::get(&all, "Blocked").unwrap().message,
        @"webhook receivers (`spec.webhookReceivers`) is not built yet; the rest is in force"
    );
    api.patch("bank", &PatchParams::default(), &Patch::Merge(json!({ "spec": { "webhookReceivers": [] } }))).await.unwrap();
    check("Blocked", "").await;
}
