//! Seaway's own kinds behind Seaway's own rules: one commit a request, whatever admission makes of it.

use crate::support::{Harbour, Setup};
use kube::api::{Api, DynamicObject, ListParams, Patch, PatchParams, PostParams};
use kube::core::{ApiResource, GroupVersionKind};
use kube::{Client, Error, ResourceExt as _};
use seaway_apiserver::{Admission, Admitted, Denied, Identity, Request, World};
use seaway_store::{Fault, FaultPlan};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tower::ServiceBuilder;

fn kind(client: &Client, kind: &str, namespace: Option<&str>) -> Api<DynamicObject> {
    let info = seaway_api::kind(kind).unwrap();
    let gvk = GroupVersionKind::gvk(info.group, info.version, info.kind);
    let resource = ApiResource::from_gvk_with_plural(&gvk, info.plural);
    match namespace {
        Some(namespace) => Api::namespaced_with(client.clone(), namespace, &resource),
        None => Api::all_with(client.clone(), &resource),
    }
}

fn object(text: Value) -> DynamicObject {
    serde_json::from_value(text).unwrap()
}

async fn with_project() -> Harbour {
    let harbour = Setup::ours().open().await;
    let project = object(json!({"apiVersion": "kargo.akuity.io/v1alpha1", "kind": "Project", "metadata": {"name": "bank"}}));
    kind(&harbour.client, "Project", None).create(&PostParams::default(), &project).await.unwrap();
    harbour
}

fn warehouse() -> DynamicObject {
    object(json!({"apiVersion": "kargo.akuity.io/v1alpha1", "kind": "Warehouse", "metadata": {"name": "w", "namespace": "bank"},
        "spec": {"subscriptions": [{"image": {"repoURL": "127.0.0.1:7450/fund-transfer", "imageSelectionStrategy": "SemVer"}}]}}))
}

fn freight(alias: Option<&str>, tag: &str) -> DynamicObject {
    let mut freight = json!({"apiVersion": "kargo.akuity.io/v1alpha1", "kind": "Freight",
        "metadata": {"name": "whatever", "namespace": "bank"}, "origin": {"kind": "Warehouse", "name": "w"},
        "images": [{"repoURL": "127.0.0.1:7450/fund-transfer", "tag": tag, "digest": format!("sha256:{:064}", 1)}]});
    if let Some(alias) = alias {
        freight["alias"] = alias.into();
    }
    object(freight)
}

fn code<T: std::fmt::Debug>(result: Result<T, Error>) -> u16 {
    match result {
        Err(Error::Api(status)) => status.code,
        other => panic!("expected a refusal, got {other:?}"),
    }
}

#[tokio::test]
async fn a_project_and_its_namespace_appear_in_one_commit() {
    let harbour = Setup::ours().open().await;
    let before = harbour.api.store().stats().n_batches;
    let project = object(json!({"apiVersion": "kargo.akuity.io/v1alpha1", "kind": "Project", "metadata": {"name": "bank"}}));
    let dry = PostParams { dry_run: true, ..PostParams::default() };
    kind(&harbour.client, "Project", None).create(&dry, &project).await.unwrap();
    assert_eq!(harbour.api.store().stats().n_batches, before);
    kind(&harbour.client, "Project", None).create(&PostParams::default(), &project).await.unwrap();
    assert_eq!(harbour.api.store().stats().n_batches, before + 1);
    let namespaces: Api<k8s_openapi::api::core::v1::Namespace> = Api::all(harbour.client.clone());
    let namespace = namespaces.get("bank").await.unwrap();
    assert_eq!(namespace.labels()["kargo.akuity.io/project"], "true");
    assert!(namespace.uid().is_some());
}

/// Stops at every durable commit of the same three requests; afterwards there is all of a request or nothing.
#[tokio::test]
async fn a_crash_at_any_commit_leaves_no_half_request() {
    let n_points = Arc::new(AtomicUsize::new(0));
    let mut stop_at = 0;
    loop {
        let folder = tempfile::TempDir::new().unwrap();
        n_points.store(0, Ordering::SeqCst);
        let seen = n_points.clone();
        let faults: FaultPlan = Arc::new(move |_, _| match seen.fetch_add(1, Ordering::SeqCst) == stop_at {
            true => Fault::Stop,
            false => Fault::Go,
        });
        let harbour = Setup { faults: Some(faults), ..Setup::ours() }.at(folder.path()).await;
        let project = object(json!({"apiVersion": "kargo.akuity.io/v1alpha1", "kind": "Project", "metadata": {"name": "bank"}}));
        let params = PostParams::default();
        let acknowledged = [
            kind(&harbour.client, "Project", None).create(&params, &project).await.is_ok(),
            kind(&harbour.client, "Warehouse", Some("bank")).create(&params, &warehouse()).await.is_ok(),
            kind(&harbour.client, "Freight", Some("bank")).create(&params, &freight(Some("calm-otter"), "1.5.0")).await.is_ok(),
        ];
        let went_through = n_points.load(Ordering::SeqCst) <= stop_at;
        harbour.close(folder.path()).await;

        let harbour = Setup::ours().at(folder.path()).await;
        let namespaces: Api<k8s_openapi::api::core::v1::Namespace> = Api::all(harbour.client.clone());
        let there = [
            kind(&harbour.client, "Project", None).get_opt("bank").await.unwrap().is_some(),
            kind(&harbour.client, "Warehouse", Some("bank")).get_opt("w").await.unwrap().is_some(),
            !kind(&harbour.client, "Freight", Some("bank")).list(&ListParams::default()).await.unwrap().items.is_empty(),
        ];
        assert_eq!(there[0], namespaces.get_opt("bank").await.unwrap().is_some(), "stopped at {stop_at}");
        for (acknowledged, there) in acknowledged.into_iter().zip(there) {
            assert!(there || !acknowledged, "stopped at {stop_at}: acknowledged, then lost");
        }
        if went_through {
            assert_eq!((acknowledged, stop_at), ([true; 3], 8), "two points a commit: the default namespace's and one a request");
            return;
        }
        stop_at += 1;
    }
}

#[tokio::test]
async fn freight_is_named_by_what_it_is_and_an_alias_is_held_once() {
    let harbour = with_project().await;
    let params = PostParams::default();
    kind(&harbour.client, "Warehouse", Some("bank")).create(&params, &warehouse()).await.unwrap();
    let api = kind(&harbour.client, "Freight", Some("bank"));
    let made = api.create(&params, &freight(Some("calm-otter"), "1.5.0")).await.unwrap();
    assert_eq!(made.name_any().len(), 40, "{}", made.name_any());
    assert_eq!(made.labels()["kargo.akuity.io/alias"], "calm-otter");
    assert_eq!(code(api.create(&params, &freight(None, "1.5.0")).await), 409);
    assert_eq!(code(api.create(&params, &freight(Some("calm-otter"), "1.5.1")).await), 409);
    let drawn = api.create(&params, &freight(None, "1.5.1")).await.unwrap();
    assert!(!drawn.data["alias"].as_str().unwrap().is_empty());
    let change = Patch::Merge(json!({"images": []}));
    assert!(matches!(code(api.patch(&made.name_any(), &PatchParams::default(), &change).await), 403 | 422));
    assert_eq!(api.list(&ListParams::default()).await.unwrap().items.len(), 2);
}

#[tokio::test]
async fn who_made_it_is_written_down_and_cannot_be_claimed() {
    let harbour = with_project().await;
    let project = kind(&harbour.client, "Project", None).get("bank").await.unwrap();
    assert_eq!(project.annotations()["kargo.akuity.io/create-actor"], "kubernetes:admin");
    let controller = ServiceBuilder::new().layer(Identity::controller("stages")).service(harbour.api.router());
    let client = Client::new(controller, "bank");
    let other = object(json!({"apiVersion": "kargo.akuity.io/v1alpha1", "kind": "Project", "metadata": {"name": "other"}}));
    let made = kind(&client, "Project", None).create(&PostParams::default(), &other).await.unwrap();
    assert_eq!(made.annotations()["kargo.akuity.io/create-actor"], "controller:stages");
}

#[tokio::test]
async fn an_unknown_field_is_refused_when_strict_and_told_otherwise() {
    let harbour = with_project().await;
    let mut unknown = warehouse();
    unknown.data["spec"]["intervall"] = json!("5m");
    let text = serde_json::to_vec(&unknown).unwrap();
    let path = "/apis/kargo.akuity.io/v1alpha1/namespaces/bank/warehouses";
    let post = |query: &str| {
        let request = http::Request::post(format!("{path}?{query}")).header("Content-Type", "application/json");
        harbour.client.request::<Value>(request.body(text.clone()).unwrap())
    };
    let refused = post("fieldValidation=Strict").await;
    let Err(Error::Api(status)) = refused else { panic!("{refused:?}") };
    assert_eq!(status.code, 400);
    assert!(status.message.contains("unknown field \"spec.intervall\""), "{}", status.message);
    let made = post("fieldValidation=Warn").await.unwrap();
    assert_eq!(made["spec"]["intervall"], Value::Null);
}

/// A rule with a bug in it.
struct Panics;

impl Admission for Panics {
    fn admit(&self, _: Request<'_>, _: &dyn World) -> Result<Admitted, Denied> {
        panic!("a rule has a bug")
    }
}

#[tokio::test]
async fn a_panic_in_a_request_is_that_request_s_failure() {
    let harbour = Setup { admission: Arc::new(Panics), ..Setup::default() }.open().await;
    let map = || {
        let request = http::Request::post("/api/v1/namespaces/default/configmaps").header("Content-Type", "application/json");
        harbour.client.request::<Value>(request.body(br#"{"metadata": {"name": "a"}}"#.to_vec()).unwrap())
    };
    assert_eq!(code(map().await), 500);
    assert_eq!(code(map().await), 500);
    assert!(harbour.client.apiserver_version().await.is_ok());
}

#[tokio::test]
async fn a_body_over_a_mebibyte_is_refused() {
    let harbour = Harbour::open().await;
    let big = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "big"}, "data": {"x": "y".repeat(1 << 20)}});
    let request = http::Request::post("/api/v1/namespaces/default/configmaps").header("Content-Type", "application/json");
    let result = harbour.client.request::<Value>(request.body(serde_json::to_vec(&big).unwrap()).unwrap()).await;
    assert_eq!(code(result), 413);
}
