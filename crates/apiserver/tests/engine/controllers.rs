//! kube-rs' controller machinery on the embedded engine: it must not be able to tell it from a cluster.

use crate::support::{Crate, Harbour, Setup, crate_of};
use futures::{StreamExt as _, TryStreamExt as _};
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{ConfigMap, Event as CoreEvent, ObjectReference};
use k8s_openapi::api::events::v1::Event as NewEvent;
use kube::api::{Api, DeleteParams, ListParams, Patch, PatchParams, PostParams};
use kube::runtime::controller::Action;
use kube::runtime::events::{Event, EventType, Recorder, Reporter};
use kube::runtime::finalizer::{Event as Finalizer, finalizer};
use kube::runtime::reflector::{self, ObjectRef};
use kube::runtime::wait::{await_condition, conditions::is_deleted};
use kube::runtime::{Controller, WatchStreamExt as _, watcher};
use kube::{Client, Resource as _, ResourceExt as _};
use seaway_apiserver::Options;
use seaway_base::ManualClock;
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::time::timeout;

const SOON: Duration = Duration::from_secs(20);
const FINALIZER: &str = "test.seaway.dev/cleanup";

#[derive(Debug, thiserror::Error)]
#[error("reconcile")]
struct Failed(#[source] Box<dyn std::error::Error + Send + Sync>);

struct World {
    client: Client,
    n_reconciled: AtomicUsize,
    n_cleaned: AtomicUsize,
}

async fn reconcile(object: Arc<Crate>, world: Arc<World>) -> Result<Action, Failed> {
    world.n_reconciled.fetch_add(1, Ordering::Relaxed);
    let api: Api<Crate> = Api::default_namespaced(world.client.clone());
    finalizer(&api.clone(), FINALIZER, object, |event| async {
        match event {
            Finalizer::Apply(object) => {
                let maps: Api<ConfigMap> = Api::default_namespaced(world.client.clone());
                let map = json!({"apiVersion": "v1", "kind": "ConfigMap",
                    "metadata": {"name": object.name_any(), "ownerReferences": [object.controller_owner_ref(&())]},
                    "data": {"count": object.spec.count.to_string()}});
                let params = PatchParams::apply("test-controller").force();
                maps.patch(&object.name_any(), &params, &Patch::Apply(map)).await?;
                let status = json!({"apiVersion": "test.seaway.dev/v1", "kind": "Crate",
                    "status": {"observedGeneration": object.metadata.generation, "phase": "Ready"}});
                api.patch_status(&object.name_any(), &params, &Patch::Apply(status)).await?;
                Ok::<_, kube::Error>(Action::await_change())
            }
            Finalizer::Cleanup(_) => {
                world.n_cleaned.fetch_add(1, Ordering::Relaxed);
                Ok(Action::await_change())
            }
        }
    })
    .await
    .map_err(|err| Failed(Box::new(err)))
}

fn start_controller(client: &Client) -> (Arc<World>, tokio::task::JoinHandle<()>) {
    let world = Arc::new(World { client: client.clone(), n_reconciled: AtomicUsize::new(0), n_cleaned: AtomicUsize::new(0) });
    let crates: Api<Crate> = Api::default_namespaced(client.clone());
    let maps: Api<ConfigMap> = Api::default_namespaced(client.clone());
    let running = Controller::new(crates, watcher::Config::default())
        .owns(maps, watcher::Config::default())
        .run(reconcile, |_, _, _| Action::requeue(Duration::from_millis(100)), world.clone())
        .for_each(|_| async {});
    (world, tokio::spawn(running))
}

fn is_ready(object: Option<&Crate>) -> bool {
    object.is_some_and(|object| {
        object.status.as_ref().is_some_and(|status| status.observed_generation == object.metadata.generation)
    })
}

#[tokio::test]
async fn a_controller_converges_repairs_drift_and_cleans_up() {
    let harbour = Harbour::open().await;
    let (world, running) = start_controller(&harbour.client);
    let api: Api<Crate> = Api::default_namespaced(harbour.client.clone());
    let maps: Api<ConfigMap> = Api::default_namespaced(harbour.client.clone());
    for n in 0..30 {
        api.create(&PostParams::default(), &crate_of(&format!("c{n}"), n)).await.unwrap();
    }
    for n in 0..30 {
        timeout(SOON, await_condition(api.clone(), &format!("c{n}"), is_ready)).await.unwrap().unwrap();
    }
    assert_eq!(maps.get("c7").await.unwrap().data.unwrap()["count"], "7");

    let drift = Patch::Merge(json!({"data": {"count": "wrong", "foreign": "kept"}}));
    maps.patch("c7", &PatchParams::default(), &drift).await.unwrap();
    let repaired = |map: Option<&ConfigMap>| map.and_then(|map| map.data.as_ref()).is_some_and(|data| data["count"] == "7");
    timeout(SOON, await_condition(maps.clone(), "c7", repaired)).await.unwrap().unwrap();
    assert_eq!(maps.get("c7").await.unwrap().data.unwrap()["foreign"], "kept");

    let uid = api.get("c7").await.unwrap().uid().unwrap();
    let map_uid = maps.get("c7").await.unwrap().uid().unwrap();
    api.delete("c7", &DeleteParams::default()).await.unwrap();
    timeout(SOON, await_condition(api.clone(), "c7", is_deleted(&uid))).await.unwrap().unwrap();
    timeout(SOON, await_condition(maps.clone(), "c7", is_deleted(&map_uid))).await.unwrap().unwrap();
    assert_eq!(world.n_cleaned.load(Ordering::Relaxed), 1);

    // What has converged is left alone: no-op applies bump no revision, so nothing wakes the controller again.
    let revision = harbour.api.store().revision();
    api.patch("c1", &PatchParams::apply("x"), &Patch::Apply(json!({"apiVersion": "test.seaway.dev/v1", "kind": "Crate"})))
        .await
        .unwrap();
    let n_before = world.n_reconciled.load(Ordering::Relaxed);
    assert!(harbour.api.store().revision() <= revision + 1, "{n_before}");
    running.abort();
}

#[tokio::test]
async fn controllers_killed_with_the_server_converge_after_it() {
    let folder = tempfile::TempDir::new().unwrap();
    let harbour = Setup::default().at(folder.path()).await;
    let api: Api<Crate> = Api::default_namespaced(harbour.client.clone());
    let (_, running) = start_controller(&harbour.client);
    for n in 0..20 {
        api.create(&PostParams::default(), &crate_of(&format!("c{n}"), n)).await.unwrap();
    }
    running.abort();
    let _ = running.await;
    drop(api);
    harbour.close(folder.path()).await;
    let harbour = Setup::default().at(folder.path()).await;
    let (_, running) = start_controller(&harbour.client);
    let api: Api<Crate> = Api::default_namespaced(harbour.client.clone());
    for n in 0..20 {
        timeout(SOON, await_condition(api.clone(), &format!("c{n}"), is_ready)).await.unwrap().unwrap();
    }
    running.abort();
}

#[tokio::test]
async fn a_reflector_follows_by_every_way_of_listing() {
    let harbour = Harbour::open().await;
    let api: Api<Crate> = Api::default_namespaced(harbour.client.clone());
    for n in 0..7 {
        api.create(&PostParams::default(), &crate_of(&format!("c{n}"), n)).await.unwrap();
    }
    let ways = [
        watcher::Config::default(),
        watcher::Config::default().page_size(3),
        watcher::Config::default().any_semantic(),
        watcher::Config::default().streaming_lists(),
    ];
    for (n, config) in ways.into_iter().enumerate() {
        let (store, writer) = reflector::store::<Crate>();
        let mut stream = reflector::reflector(writer, watcher::watcher(api.clone(), config)).applied_objects().boxed();
        let late = format!("late{n}");
        let mut seen = 0;
        while seen < 7 + n {
            timeout(SOON, stream.try_next()).await.unwrap().unwrap();
            seen += 1;
        }
        api.create(&PostParams::default(), &crate_of(&late, 1)).await.unwrap();
        let object = timeout(SOON, stream.try_next()).await.unwrap().unwrap().unwrap();
        assert_eq!(object.name_any(), late);
        assert!(store.get(&ObjectRef::new(&late).within("default")).is_some());
    }
}

#[tokio::test]
async fn a_slow_watcher_falls_off_and_relists() {
    let folder = tempfile::TempDir::new().unwrap();
    let harbour = Setup { n_events_max: 16, ..Setup::default() }.at(folder.path()).await;
    let api: Api<Crate> = Api::default_namespaced(harbour.client.clone());
    api.create(&PostParams::default(), &crate_of("first", 1)).await.unwrap();
    let mut stream = watcher::watcher(api.clone(), watcher::Config::default()).boxed();
    while !matches!(timeout(SOON, stream.try_next()).await.unwrap().unwrap(), Some(watcher::Event::InitDone)) {}
    for n in 0..300 {
        api.create(&PostParams::default(), &crate_of(&format!("c{n}"), n)).await.unwrap();
    }
    let mut names = std::collections::HashSet::new();
    while names.len() < 301 {
        // The expiry is an error of the stream; the watcher then lists again by itself.
        if let Ok(Some(watcher::Event::Apply(object) | watcher::Event::InitApply(object))) =
            timeout(SOON, stream.try_next()).await.unwrap()
        {
            names.insert(object.name_any());
        }
        names.insert("first".to_owned());
    }
}

#[tokio::test]
async fn events_are_recorded_once_and_seen_in_both_views() {
    let harbour = Harbour::open().await;
    let api: Api<Crate> = Api::default_namespaced(harbour.client.clone());
    let object = api.create(&PostParams::default(), &crate_of("a", 1)).await.unwrap();
    let reporter = Reporter { controller: "test".to_owned(), instance: Some("one".to_owned()) };
    let recorder = Recorder::new(harbour.client.clone(), reporter);
    let reference: ObjectReference = object.object_ref(&());
    let event = Event {
        type_: EventType::Normal,
        reason: "Loaded".to_owned(),
        note: Some("loaded onto the ship".to_owned()),
        action: "Load".to_owned(),
        secondary: None,
    };
    for _ in 0..3 {
        recorder.publish(&event, &reference).await.unwrap();
    }
    let new: Api<NewEvent> = Api::default_namespaced(harbour.client.clone());
    let seen = new.list(&ListParams::default()).await.unwrap().items;
    assert_eq!(seen.len(), 1);
    assert_eq!(seen[0].series.as_ref().unwrap().count, 3);
    let core: Api<CoreEvent> = Api::default_namespaced(harbour.client.clone());
    let fields = "involvedObject.name=a,involvedObject.namespace=default,involvedObject.kind=Crate";
    let seen = core.list(&ListParams::default().fields(fields)).await.unwrap().items;
    assert_eq!((seen.len(), seen[0].message.as_deref()), (1, Some("loaded onto the ship")));
    assert_eq!(core.list(&ListParams::default().fields("involvedObject.name=b")).await.unwrap().items.len(), 0);
}

#[tokio::test]
async fn old_events_go_and_young_ones_stay() {
    let clock = ManualClock::at("2026-01-01T00:00:00Z".parse().unwrap());
    let options = Options { event_sweep: Duration::from_millis(20), ..Options::default() };
    let harbour = Setup { clock: clock.clone(), options, ..Setup::default() }.open().await;
    let api: Api<CoreEvent> = Api::default_namespaced(harbour.client.clone());
    let event = |name: &str| -> CoreEvent {
        serde_json::from_value(
            json!({"metadata": {"name": name}, "involvedObject": {"kind": "Crate", "name": "a"}, "reason": "Loaded"}),
        )
        .unwrap()
    };
    let old = api.create(&PostParams::default(), &event("old")).await.unwrap();
    clock.advance_seconds(3000);
    api.create(&PostParams::default(), &event("young")).await.unwrap();
    clock.advance_seconds(1000);
    timeout(SOON, await_condition(api.clone(), "old", is_deleted(&old.uid().unwrap()))).await.unwrap().unwrap();
    assert!(api.get_opt("young").await.unwrap().is_some());
}

#[tokio::test]
async fn of_many_candidates_one_takes_a_lease() {
    let harbour = Harbour::open().await;
    let api: Api<Lease> = Api::default_namespaced(harbour.client.clone());
    let lease = |holder: usize| -> Lease {
        serde_json::from_value(json!({"metadata": {"name": "leader"}, "spec": {"holderIdentity": holder.to_string()}})).unwrap()
    };
    let free = api.create(&PostParams::default(), &lease(0)).await.unwrap();
    let takers = (1..=20).map(|holder| {
        let (api, mut wanted) = (api.clone(), lease(holder));
        wanted.metadata.resource_version = free.resource_version();
        async move { api.replace("leader", &PostParams::default(), &wanted).await.is_ok() }
    });
    let taken = futures::future::join_all(takers).await;
    assert_eq!(taken.into_iter().filter(|taken| *taken).count(), 1);
}
