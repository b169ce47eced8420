//! Objects by `kube::Client`: what a client may count on when it creates, reads, changes, deletes and watches.

use crate::support::{Crate, Harbour, Setup, crate_of};
use axum::body::Body;
use futures::{StreamExt as _, TryStreamExt as _};
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Secret};
use kube::api::{
    Api, ApiResource, DeleteParams, DynamicObject, ListParams, Patch, PatchParams, PostParams, PropagationPolicy, WatchEvent,
    WatchParams,
};
use kube::core::PartialObjectMeta;
use kube::runtime::wait::{await_condition, conditions::is_deleted};
use kube::{Client, Error, ResourceExt as _};
use seaway_apiserver::Identity;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::timeout;

const SOON: Duration = Duration::from_secs(10);

fn crates(harbour: &Harbour) -> Api<Crate> {
    Api::default_namespaced(harbour.client.clone())
}

/// The code and the reason of a refusal.
fn refused<T: std::fmt::Debug>(result: Result<T, Error>) -> (u16, String) {
    match result {
        Err(Error::Api(status)) => (status.code, status.reason.clone()),
        other => panic!("expected a refusal, got {other:?}"),
    }
}

#[tokio::test]
async fn an_object_is_created_read_changed_and_deleted() {
    let harbour = Harbour::open().await;
    let api = crates(&harbour);
    let made = api.create(&PostParams::default(), &crate_of("a", 1)).await.unwrap();
    assert!(made.uid().is_some() && made.creation_timestamp().is_some());
    assert_eq!(made.metadata.generation, Some(1));
    assert_eq!(refused(api.create(&PostParams::default(), &crate_of("a", 1)).await), (409, "AlreadyExists".to_owned()));
    let mut changed = made.clone();
    changed.spec.count = 2;
    let changed = api.replace("a", &PostParams::default(), &changed).await.unwrap();
    assert_eq!(changed.metadata.generation, Some(2));
    assert_eq!(refused(api.replace("a", &PostParams::default(), &made).await), (409, "Conflict".to_owned()));
    let same = api.replace("a", &PostParams::default(), &changed).await.unwrap();
    assert_eq!(same.resource_version(), changed.resource_version());
    assert!(api.delete("a", &DeleteParams::default()).await.unwrap().is_right());
    assert_eq!(refused(api.get("a").await), (404, "NotFound".to_owned()));
    assert!(api.get_opt("a").await.unwrap().is_none());
}

#[tokio::test]
async fn each_change_is_one_commit() {
    let harbour = Harbour::open().await;
    let api = crates(&harbour);
    let before = harbour.api.store().stats().n_batches;
    api.create(&PostParams::default(), &crate_of("a", 1)).await.unwrap();
    let patch = Patch::Merge(json!({"spec": {"count": 4}}));
    api.patch("a", &PatchParams::default(), &patch).await.unwrap();
    api.patch("a", &PatchParams::default(), &patch).await.unwrap();
    api.get("a").await.unwrap();
    assert_eq!(harbour.api.store().stats().n_batches - before, 2);
}

#[tokio::test]
async fn the_status_is_written_on_its_own() {
    let harbour = Harbour::open().await;
    let api = crates(&harbour);
    api.create(&PostParams::default(), &crate_of("a", 1)).await.unwrap();
    let patch = Patch::Merge(json!({"spec": {"count": 9}, "status": {"phase": "Loaded"}}));
    let after = api.patch_status("a", &PatchParams::default(), &patch).await.unwrap();
    assert_eq!((after.spec.count, after.metadata.generation), (1, Some(1)));
    assert_eq!(after.status.unwrap().phase.as_deref(), Some("Loaded"));
    let after = api.patch("a", &PatchParams::default(), &Patch::Merge(json!({"status": {"phase": "Lost"}}))).await.unwrap();
    assert_eq!(after.status.unwrap().phase.as_deref(), Some("Loaded"));
    assert_eq!(api.get_status("a").await.unwrap().spec.count, 1);
}

#[tokio::test]
async fn names_are_generated_and_lists_paged_and_selected() {
    let harbour = Harbour::open().await;
    let api = crates(&harbour);
    for n in 0..7 {
        let mut object = crate_of("", n);
        object.metadata.name = None;
        object.metadata.generate_name = Some("load-".to_owned());
        object.labels_mut().insert("parity".to_owned(), if n % 2 == 0 { "even" } else { "odd" }.to_owned());
        assert!(api.create(&PostParams::default(), &object).await.unwrap().name_any().starts_with("load-"));
    }
    let (mut seen, mut token) = (0, None);
    loop {
        let page = api.list(&ListParams { limit: Some(3), continue_token: token, ..ListParams::default() }).await.unwrap();
        seen += page.items.len();
        token = page.metadata.continue_.filter(|token| !token.is_empty());
        if token.is_none() {
            break;
        }
    }
    assert_eq!(seen, 7);
    assert_eq!(api.list(&ListParams::default().labels("parity=odd")).await.unwrap().items.len(), 3);
    let first = api.list(&ListParams::default()).await.unwrap().items[0].name_any();
    let one = api.list(&ListParams::default().fields(&format!("metadata.name={first}"))).await.unwrap();
    assert_eq!(one.items.len(), 1);
    assert_eq!(refused(api.list(&ListParams::default().fields("spec.count=1")).await).0, 400);
    assert_eq!(api.list_metadata(&ListParams::default()).await.unwrap().items.len(), 7);
}

#[tokio::test]
async fn what_the_schema_refuses_is_told_field_by_field() {
    let harbour = Harbour::open().await;
    let api = crates(&harbour);
    let result = api.create(&PostParams::default(), &crate_of("a", 2000)).await;
    let Err(Error::Api(status)) = result else { panic!("{result:?}") };
    assert_eq!(status.code, 422);
    assert_eq!(status.details.unwrap().causes[0].field, "spec.count");
    assert_eq!(refused(api.create(&PostParams::default(), &crate_of("Not A Name", 1)).await).0, 422);
    let nowhere: Api<Crate> = Api::namespaced(harbour.client.clone(), "nowhere");
    assert_eq!(refused(nowhere.create(&PostParams::default(), &crate_of("a", 1)).await).0, 404);
}

#[tokio::test]
async fn a_dry_run_leaves_nothing() {
    let harbour = Harbour::open().await;
    let api = crates(&harbour);
    let dry = PostParams { dry_run: true, ..PostParams::default() };
    assert_eq!(api.create(&dry, &crate_of("a", 1)).await.unwrap().spec.count, 1);
    assert!(api.get_opt("a").await.unwrap().is_none());
}

#[tokio::test]
async fn apply_owns_its_fields_and_meets_conflicts() {
    let harbour = Harbour::open().await;
    let api = crates(&harbour);
    let apply = |count: i64, content: Option<&str>| {
        let mut spec = json!({"count": count});
        if let Some(content) = content {
            spec["content"] = content.into();
        }
        Patch::Apply(json!({"apiVersion": "test.seaway.dev/v1", "kind": "Crate", "metadata": {"name": "a"}, "spec": spec}))
    };
    let made = api.patch("a", &PatchParams::apply("one"), &apply(1, Some("tea"))).await.unwrap();
    let again = api.patch("a", &PatchParams::apply("one"), &apply(1, Some("tea"))).await.unwrap();
    assert_eq!(made.resource_version(), again.resource_version());
    assert_eq!(refused(api.patch("a", &PatchParams::apply("two"), &apply(2, None)).await), (409, "Conflict".to_owned()));
    let forced = api.patch("a", &PatchParams::apply("two").force(), &apply(2, None)).await.unwrap();
    assert_eq!((forced.spec.count, forced.spec.content.as_deref()), (2, Some("tea")));
    let only = Patch::Apply(json!({"apiVersion": "test.seaway.dev/v1", "kind": "Crate", "metadata": {"name": "a"}, "spec": {}}));
    let dropped = api.patch("a", &PatchParams::apply("one"), &only).await.unwrap();
    assert_eq!((dropped.spec.count, dropped.spec.content), (2, None));
}

#[tokio::test]
async fn finalizers_hold_a_deletion() {
    let harbour = Harbour::open().await;
    let api = crates(&harbour);
    let mut object = crate_of("a", 1);
    object.metadata.finalizers = Some(vec!["test.seaway.dev/hold".to_owned()]);
    api.create(&PostParams::default(), &object).await.unwrap();
    let marked = api.delete("a", &DeleteParams::default()).await.unwrap().left().unwrap();
    assert!(marked.metadata.deletion_timestamp.is_some());
    let more = Patch::Merge(json!({"metadata": {"finalizers": ["test.seaway.dev/hold", "test.seaway.dev/more"]}}));
    assert_eq!(refused(api.patch("a", &PatchParams::default(), &more).await).0, 422);
    api.patch("a", &PatchParams::default(), &Patch::<Value>::Merge(json!({"metadata": {"finalizers": null}}))).await.unwrap();
    assert!(api.get_opt("a").await.unwrap().is_none());
}

#[tokio::test]
async fn preconditions_and_collections_of_deletions() {
    let harbour = Harbour::open().await;
    let api = crates(&harbour);
    for n in 0..3 {
        api.create(&PostParams::default(), &crate_of(&format!("c{n}"), n)).await.unwrap();
    }
    let wrong = DeleteParams {
        preconditions: Some(kube::api::Preconditions { uid: Some("x".into()), resource_version: None }),
        ..DeleteParams::default()
    };
    assert_eq!(refused(api.delete("c0", &wrong).await).0, 409);
    api.delete_collection(&DeleteParams::default(), &ListParams::default()).await.unwrap();
    assert!(api.list(&ListParams::default()).await.unwrap().items.is_empty());
}

async fn owned(harbour: &Harbour, policy: Option<PropagationPolicy>) -> (Option<Crate>, Option<ConfigMap>) {
    let api = crates(harbour);
    let maps: Api<ConfigMap> = Api::default_namespaced(harbour.client.clone());
    let owner = api.create(&PostParams::default(), &crate_of("owner", 1)).await.unwrap();
    let owner_reference = json!({"apiVersion": "test.seaway.dev/v1", "kind": "Crate", "name": "owner",
        "uid": owner.uid().unwrap(), "controller": true, "blockOwnerDeletion": true});
    let map: ConfigMap =
        serde_json::from_value(json!({"metadata": {"name": "dependent", "ownerReferences": [owner_reference]}})).unwrap();
    let map = maps.create(&PostParams::default(), &map).await.unwrap();
    let orphaned = policy == Some(PropagationPolicy::Orphan);
    api.delete("owner", &DeleteParams { propagation_policy: policy, ..DeleteParams::default() }).await.unwrap();
    timeout(SOON, await_condition(api.clone(), "owner", is_deleted(&owner.uid().unwrap()))).await.unwrap().unwrap();
    if !orphaned {
        timeout(SOON, await_condition(maps.clone(), "dependent", is_deleted(&map.uid().unwrap()))).await.unwrap().unwrap();
    }
    (api.get_opt("owner").await.unwrap(), maps.get_opt("dependent").await.unwrap())
}

#[tokio::test]
async fn dependents_follow_their_owner() {
    for policy in [None, Some(PropagationPolicy::Background), Some(PropagationPolicy::Foreground)] {
        let harbour = Harbour::open().await;
        let (owner, dependent) = owned(&harbour, policy.clone()).await;
        assert!(owner.is_none() && dependent.is_none(), "{policy:?}");
    }
    let harbour = Harbour::open().await;
    let (_, dependent) = owned(&harbour, Some(PropagationPolicy::Orphan)).await;
    assert!(dependent.unwrap().owner_references().is_empty());
}

#[tokio::test]
async fn a_crash_before_the_collection_leaves_it_to_the_next_start() {
    let folder = tempfile::TempDir::new().unwrap();
    let mut harbour = Setup::default().at(folder.path()).await;
    harbour.stop_collecting();
    let owner = crates(&harbour).create(&PostParams::default(), &crate_of("owner", 1)).await.unwrap();
    let mut dependent = crate_of("dependent", 1);
    dependent.metadata.owner_references = Some(vec![kube::Resource::owner_ref(&owner, &()).unwrap()]);
    let dependent = crates(&harbour).create(&PostParams::default(), &dependent).await.unwrap();
    crates(&harbour).delete("owner", &DeleteParams::default()).await.unwrap();
    assert!(crates(&harbour).get_opt("dependent").await.unwrap().is_some());
    harbour.close(folder.path()).await;
    let harbour = Setup::default().at(folder.path()).await;
    let uid = dependent.uid().unwrap();
    let gone = await_condition(crates(&harbour), "dependent", is_deleted(&uid));
    timeout(SOON, gone).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_namespace_takes_its_content_with_it() {
    let harbour = Harbour::open().await;
    let namespaces: Api<Namespace> = Api::all(harbour.client.clone());
    let namespace: Namespace = serde_json::from_value(json!({"metadata": {"name": "bank"}})).unwrap();
    let namespace = namespaces.create(&PostParams::default(), &namespace).await.unwrap();
    let api: Api<Crate> = Api::namespaced(harbour.client.clone(), "bank");
    let mut held = crate_of("held", 1);
    held.metadata.finalizers = Some(vec!["test.seaway.dev/hold".to_owned()]);
    api.create(&PostParams::default(), &held).await.unwrap();
    let free = api.create(&PostParams::default(), &crate_of("free", 1)).await.unwrap();
    namespaces.delete("bank", &DeleteParams::default()).await.unwrap();
    timeout(SOON, await_condition(api.clone(), "free", is_deleted(&free.uid().unwrap()))).await.unwrap().unwrap();
    assert_eq!(refused(api.create(&PostParams::default(), &crate_of("late", 1)).await), (403, "Forbidden".to_owned()));
    assert!(namespaces.get_opt("bank").await.unwrap().is_some());
    api.patch("held", &PatchParams::default(), &Patch::<Value>::Merge(json!({"metadata": {"finalizers": []}}))).await.unwrap();
    timeout(SOON, await_condition(namespaces.clone(), "bank", is_deleted(&namespace.uid().unwrap()))).await.unwrap().unwrap();
    assert_eq!(refused(namespaces.delete("default", &DeleteParams::default()).await).0, 403);
}

#[tokio::test]
async fn what_waits_for_its_finalizers_keeps_nothing_else_in_a_namespace() {
    let harbour = Harbour::open().await;
    let namespaces: Api<Namespace> = Api::all(harbour.client.clone());
    let namespace: Namespace = serde_json::from_value(json!({"metadata": {"name": "bank"}})).unwrap();
    namespaces.create(&PostParams::default(), &namespace).await.unwrap();
    let api: Api<Crate> = Api::namespaced(harbour.client.clone(), "bank");
    // More than are deleted in one commit, and all of them before the free one.
    let held = (0..1_001).map(|n| {
        let mut held = crate_of(&format!("held-{n}"), 1);
        held.metadata.finalizers = Some(vec!["test.seaway.dev/hold".to_owned()]);
        let api = api.clone();
        async move { api.create(&PostParams::default(), &held).await.unwrap() }
    });
    futures::future::join_all(held).await;
    let free = api.create(&PostParams::default(), &crate_of("of-nobody", 1)).await.unwrap().uid().unwrap();
    namespaces.delete("bank", &DeleteParams::default()).await.unwrap();
    timeout(SOON, await_condition(api.clone(), "of-nobody", is_deleted(&free))).await.unwrap().unwrap();
    let left = api.list(&ListParams::default()).await.unwrap().items;
    assert!(left.len() == 1_001 && left.iter().all(|held| held.metadata.deletion_timestamp.is_some()), "{}", left.len());
}

#[tokio::test]
async fn a_watch_resumes_and_sees_selections_begin_and_end() {
    let harbour = Harbour::open().await;
    let api = crates(&harbour);
    let start = api.list(&ListParams::default()).await.unwrap().metadata.resource_version.unwrap();
    api.create(&PostParams::default(), &crate_of("a", 1)).await.unwrap();
    let label = |value: &str| Patch::Merge(json!({"metadata": {"labels": {"on": value}}}));
    api.patch("a", &PatchParams::default(), &label("yes")).await.unwrap();
    api.patch("a", &PatchParams::default(), &label("no")).await.unwrap();
    api.delete("a", &DeleteParams::default()).await.unwrap();
    let watch = |params: WatchParams| {
        let (api, start) = (api.clone(), start.clone());
        async move {
            let mut events = api.watch(&params, &start).await.unwrap().boxed();
            let mut seen = Vec::new();
            while let Ok(Some(event)) = timeout(Duration::from_millis(300), events.try_next()).await.unwrap_or(Ok(None)) {
                seen.push(match event {
                    WatchEvent::Added(_) => "added",
                    WatchEvent::Modified(_) => "modified",
                    WatchEvent::Deleted(_) => "deleted",
                    other => panic!("{other:?}"),
                });
            }
            seen
        }
    };
    assert_eq!(watch(WatchParams::default()).await, ["added", "modified", "modified", "deleted"]);
    assert_eq!(watch(WatchParams::default().labels("on=yes")).await, ["added", "deleted"]);
}

#[tokio::test]
async fn a_watch_nobody_reads_copies_nothing_and_a_large_document_arrives_whole() {
    let harbour = Harbour::open().await;
    let api: Api<ConfigMap> = Api::default_namespaced(harbour.client.clone());
    let text = "x".repeat(900_000);
    let large: ConfigMap = serde_json::from_value(json!({"metadata": {"name": "large"}, "data": {"text": text}})).unwrap();
    api.create(&PostParams::default(), &large).await.unwrap();
    let mut streams = Vec::new();
    for _ in 0..3 {
        let request = http::Request::get("/api/v1/namespaces/default/configmaps?watch=true&resourceVersion=0");
        let mut request = request.body(Body::empty()).unwrap();
        request.extensions_mut().insert(Identity::new("admin", &["system:masters"]).unwrap());
        let answer = tower::ServiceExt::oneshot(harbour.api.router(), request).await.unwrap();
        streams.push(answer.into_body().into_data_stream());
    }
    let mut documents = Vec::new();
    for stream in &mut streams {
        let mut line = Vec::new();
        while line.last() != Some(&b'\n') {
            let part = timeout(SOON, stream.next()).await.unwrap().unwrap().unwrap();
            line.extend_from_slice(&part);
            if part.len() > 100_000 {
                documents.push(part);
            }
        }
        let event: Value = serde_json::from_slice(&line).unwrap();
        assert_eq!((event["type"].as_str(), event["object"]["data"]["text"].as_str()), (Some("ADDED"), Some(text.as_str())));
    }
    // Three readers have one document among them.
    assert!(documents.len() == 3 && documents.iter().all(|it| it.as_ptr() == documents[0].as_ptr()));
}

#[tokio::test]
async fn a_watch_that_fell_off_the_log_is_told_so_inside_the_stream() {
    let folder = tempfile::TempDir::new().unwrap();
    let harbour = Setup { n_events_max: 4, ..Setup::default() }.at(folder.path()).await;
    let api = crates(&harbour);
    let start = api.list(&ListParams::default()).await.unwrap().metadata.resource_version.unwrap();
    for n in 0..10 {
        api.create(&PostParams::default(), &crate_of(&format!("c{n}"), n)).await.unwrap();
    }
    let mut events = api.watch(&WatchParams::default(), &start).await.unwrap().boxed();
    let event = timeout(SOON, events.try_next()).await.unwrap().unwrap().unwrap();
    assert!(matches!(&event, WatchEvent::Error(status) if status.code == 410), "{event:?}");
}

#[tokio::test]
async fn secrets_take_string_data_and_strategic_patches() {
    let harbour = Harbour::open().await;
    let api: Api<Secret> = Api::default_namespaced(harbour.client.clone());
    let secret: Secret =
        serde_json::from_value(json!({"metadata": {"name": "git"}, "stringData": {"password": "hunter2"}})).unwrap();
    let made = api.create(&PostParams::default(), &secret).await.unwrap();
    assert_eq!(made.data.unwrap()["password"].0, b"hunter2");
    assert_eq!((made.string_data, made.type_.as_deref()), (None, Some("Opaque")));
    let patch = Patch::Strategic(json!({"stringData": {"user": "git"}}));
    let after = api.patch("git", &PatchParams::default(), &patch).await.unwrap();
    assert_eq!(after.data.unwrap().len(), 2);
    let crates = crates(&harbour);
    crates.create(&PostParams::default(), &crate_of("a", 1)).await.unwrap();
    let patch = Patch::Strategic(json!({"spec": {"count": 1}}));
    assert_eq!(refused(crates.patch("a", &PatchParams::default(), &patch).await).0, 415);
}

#[tokio::test]
async fn a_secret_without_a_map_is_refused_naming_the_field_and_not_the_value() {
    let harbour = Harbour::open().await;
    let api: Api<DynamicObject> = Api::default_namespaced_with(harbour.client.clone(), &ApiResource::erase::<Secret>(&()));
    for (field, value, is) in [
        ("stringData", json!("hunter2"), r#""…": must be of type object, not string"#),
        ("stringData", json!(["hunter2"]), r#"["…"]: must be of type object, not array"#),
        ("data", json!("hunter2"), r#""…": must be of type object, not string"#),
        ("data", json!(4711), "0: must be of type object, not integer"),
    ] {
        let body = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "git"}, field: value});
        let secret: DynamicObject = serde_json::from_value(body).unwrap();
        let made = api.create(&PostParams::default(), &secret).await;
        let applied = api.patch("git", &PatchParams::apply("me"), &Patch::Apply(&secret)).await;
        for answer in [made, applied] {
            let Err(Error::Api(status)) = answer else { panic!("expected a refusal, got {answer:?}") };
            assert_eq!(status.code, 422, "{status:?}");
            assert!(status.message.contains(&format!("{field}: Invalid value: {is}")), "{status:?}");
        }
    }
}

#[tokio::test]
async fn a_request_without_identity_or_with_another_s_is_refused() {
    let harbour = Harbour::open().await;
    let nobody = Client::new(harbour.api.router(), "default");
    assert_eq!(refused(Api::<Crate>::default_namespaced(nobody).get("a").await), (401, "Unauthorized".to_owned()));
    let request = http::Request::get("/api/v1/namespaces").header("Impersonate-User", "someone").body(Vec::new()).unwrap();
    let result = harbour.client.request::<Value>(request).await;
    assert_eq!(refused(result).0, 403);
}

#[tokio::test]
async fn discovery_version_and_tables_are_served() {
    let harbour = Harbour::open().await;
    let version = harbour.client.apiserver_version().await.unwrap();
    assert_eq!((version.major.as_str(), version.minor.as_str()), ("1", "35"));
    let discovery = kube::discovery::Discovery::new(harbour.client.clone()).run().await.unwrap();
    assert!(discovery.has_group("test.seaway.dev"));
    let discovery = kube::discovery::Discovery::new(harbour.client.clone()).run_aggregated().await.unwrap();
    assert!(discovery.has_group("test.seaway.dev"));
    crates(&harbour).create(&PostParams::default(), &crate_of("a", 5)).await.unwrap();
    let request = http::Request::get("/apis/test.seaway.dev/v1/crates")
        .header("Accept", "application/json;as=Table;v=v1;g=meta.k8s.io,application/json")
        .body(Vec::new())
        .unwrap();
    let table: Value = harbour.client.request(request).await.unwrap();
    assert_eq!((&table["kind"], &table["rows"][0]["cells"][0]), (&json!("Table"), &json!("a")));
    let metadata: PartialObjectMeta<Crate> = crates(&harbour).get_metadata("a").await.unwrap();
    assert_eq!(metadata.name_any(), "a");
    let index: Value = harbour.client.request(http::Request::get("/openapi/v3").body(Vec::new()).unwrap()).await.unwrap();
    assert!(index["paths"]["apis/test.seaway.dev/v1"].is_object());
}

#[tokio::test]
async fn objects_survive_a_restart_and_old_watches_relist() {
    let folder = tempfile::TempDir::new().unwrap();
    let harbour = Setup::default().at(folder.path()).await;
    let made = crates(&harbour).create(&PostParams::default(), &crate_of("a", 1)).await.unwrap();
    harbour.close(folder.path()).await;
    let harbour = Setup::default().at(folder.path()).await;
    assert_eq!(crates(&harbour).get("a").await.unwrap().resource_version(), made.resource_version());
    let version = made.resource_version().unwrap();
    let mut events = crates(&harbour).watch(&WatchParams::default(), &version).await.unwrap().boxed();
    let event = timeout(SOON, events.try_next()).await.unwrap().unwrap().unwrap();
    assert!(matches!(&event, WatchEvent::Error(status) if status.code == 410), "{event:?}");
}

#[tokio::test]
async fn many_may_patch_one_object_at_once() {
    let harbour = Harbour::open().await;
    let api = crates(&harbour);
    api.create(&PostParams::default(), &crate_of("a", 1)).await.unwrap();
    let patches = (0..40).map(|n| {
        let api = api.clone();
        tokio::spawn(async move {
            let patch = Patch::Merge(json!({"metadata": {"annotations": {format!("n{n}"): "here"}}}));
            api.patch("a", &PatchParams::default(), &patch).await
        })
    });
    for patch in patches.collect::<Vec<_>>() {
        patch.await.unwrap().unwrap();
    }
    assert_eq!(api.get("a").await.unwrap().annotations().len(), 40);
}

#[tokio::test]
async fn what_is_immutable_stays() {
    let harbour = Harbour::open().await;
    let api: Api<Secret> = Api::default_namespaced(harbour.client.clone());
    let secret: Secret =
        serde_json::from_value(json!({"metadata": {"name": "s"}, "immutable": true, "data": {"a": "YQ=="}})).unwrap();
    api.create(&PostParams::default(), &secret).await.unwrap();
    let patch = Patch::Merge(json!({"data": {"a": "Yg=="}}));
    assert_eq!(refused(api.patch("s", &PatchParams::default(), &patch).await).0, 422);
    let patch = Patch::Merge(json!({"data": {"a": "not base64!"}}));
    assert_eq!(refused(api.patch("s", &PatchParams::default(), &patch).await).0, 422);
}

#[tokio::test]
async fn a_body_of_a_strange_type_or_shape_is_refused() {
    let harbour = Harbour::open().await;
    let post = |content_type: &str, body: &str| {
        let request = http::Request::post("/api/v1/namespaces/default/configmaps").header("Content-Type", content_type);
        harbour.client.request::<Value>(request.body(body.as_bytes().to_vec()).unwrap())
    };
    let map = r#"{"metadata": {"name": "a"}}"#;
    assert_eq!(refused(post("text/plain", map).await).0, 415);
    assert_eq!(refused(post("application/json", "[1]").await).0, 400);
    assert_eq!(refused(post("application/json", r#"{"metadata": 3}"#).await).0, 400);
    assert!((400..500).contains(&refused(post("application/json", r#"{"metadata": {"name": 3}}"#).await).0));
    assert!((400..500).contains(&refused(post("application/json", r#"{"metadata": {"name": "a", "labels": [1]}}"#).await).0));
    assert!((400..500).contains(&refused(post("application/json", r#"{"metadata": {"name": "a"}, "data": 3}"#).await).0));
    assert_eq!(refused(post("application/json", r#"{"kind": "Secret", "metadata": {"name": "a"}}"#).await).0, 400);
    post("application/json", map).await.unwrap();
    let spaces = http::Request::post("/api/v1/namespaces").header("Content-Type", "application/json");
    let odd = r#"{"metadata": {"name": "odd"}, "spec": 3, "status": []}"#;
    assert_eq!(refused(harbour.client.request::<Value>(spaces.body(odd.as_bytes().to_vec()).unwrap()).await).0, 422);
}

#[tokio::test]
async fn one_may_ask_who_one_is() {
    let harbour = Harbour::open().await;
    let ask = |group: &str, plural: &str, body: Value| {
        let request = http::Request::post(format!("/apis/{group}/v1/{plural}")).header("Content-Type", "application/json");
        harbour.client.request::<Value>(request.body(body.to_string().into_bytes()).unwrap())
    };
    let me = ask("authentication.k8s.io", "selfsubjectreviews", json!({})).await.unwrap();
    assert_eq!(me["status"]["userInfo"]["username"], "admin");
    let asked = json!({"spec": {"resourceAttributes": {"verb": "get", "resource": "secrets"}}});
    let may = ask("authorization.k8s.io", "selfsubjectaccessreviews", asked).await.unwrap();
    assert_eq!(refused(ask("authorization.k8s.io", "selfsubjectaccessreviews", json!({})).await).0, 400);
    assert_eq!(may["status"]["allowed"], true);
}
