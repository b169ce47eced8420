//! A control plane on a temporary folder, with a registry and a git server beside it.

use jiff::Timestamp;
use kube::api::{Api, Patch, PatchParams, PostParams};
use kube::runtime::wait::await_condition;
use kube::{Client, Resource};
use prometheus_client::registry::Registry as Figures;
use seaway_api::conditions::Condition;
use seaway_api::kargo::names::annotation;
use seaway_api::kargo::{Freight, Project, Warehouse};
use seaway_apiserver::{ApiServer, Identity, Options, Rules, Running, ours};
use seaway_base::http::{Egress, HttpClient};
use seaway_base::{ManualClock, Random, Secret, SystemClock};
use seaway_controllers::credentials::{SHARED_NAMESPACE, SecretCredentials};
use seaway_controllers::frame::{Cache, Key, Kind, Reconcile as _, Requeue};
use seaway_controllers::warehouse::{Outside, Settings, Warehouses};
use seaway_git::{MirrorOptions, Mirrors};
use seaway_neighbours::{GitOptions, GitServer, Registry, RegistryOptions, Serving};
use seaway_oci::{Credential, Registries, Repository, TinyImage};
use seaway_store::{SqliteStore, Store};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tower::ServiceBuilder;

pub(crate) const SOON: Duration = Duration::from_secs(30);
pub(crate) const NOW: &str = "2026-11-21T10:00:00Z";

/// A control plane.
pub(crate) struct Harbour {
    pub(crate) api: ApiServer,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) folder: TempDir,
    pub(crate) tasks: JoinSet<()>,
    _running: Running,
}

impl Harbour {
    pub(crate) async fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let options = seaway_store::Options::new(folder.path().join("store.db")).sealing(Secret::new([9; 32]), &["secrets"]);
        let store: Arc<dyn Store> = Arc::new(SqliteStore::open(options).unwrap());
        let api = ApiServer::new(store, ours(), Arc::new(Rules), SystemClock::shared(), Random::system(), Options::default());
        let running = api.start().await.unwrap();
        let clock = ManualClock::at(NOW.parse().unwrap());
        Self { api, clock, folder, tasks: JoinSet::new(), _running: running }
    }

    /// A client of that name; `admin` is a person, everybody else a controller.
    pub(crate) fn client(&self, name: &str) -> Client {
        let admin = || Identity::new("admin", &["system:masters"]).unwrap();
        let identity = if name == "admin" { admin() } else { Identity::controller(name) };
        Client::new(ServiceBuilder::new().layer(identity).service(self.api.router()), "default")
    }

    pub(crate) async fn project(&self, name: &str) {
        let mut project = Project::default();
        project.metadata.name = Some(name.to_owned());
        Api::<Project>::all(self.client("admin")).create(&PostParams::default(), &project).await.unwrap();
    }

    pub(crate) fn projects<K>(&self, project: &str) -> Api<K>
    where
        K: Resource<Scope = k8s_openapi::NamespaceResourceScope, DynamicType = ()>,
    {
        Api::namespaced(self.client("admin"), project)
    }

    pub(crate) async fn login(&self, project: &str, name: &str, kind: &str, url: &str, password: &str) {
        let secret = serde_json::from_value(json!({
            "metadata": { "name": name, "labels": { "kargo.akuity.io/cred-type": kind } },
            "stringData": { "repoURL": url, "username": "me", "password": password },
        }));
        let api: Api<k8s_openapi::api::core::v1::Secret> = self.projects(project);
        api.create(&PostParams::default(), &secret.unwrap()).await.unwrap();
    }

    /// How many changes the store has seen.
    pub(crate) fn n_changes(&self) -> u64 {
        self.api.store().stats().n_batches
    }

    /// Waits until the cache has the object as the control plane has it.
    pub(crate) async fn caught_up<K: Kind>(&self, cache: &Cache<K>, key: &Key) {
        let api = Api::<kube::api::DynamicObject>::namespaced_with(
            self.client("admin"),
            &key.project,
            &kube::api::ApiResource::erase::<K>(&()),
        );
        let wanted = api.get_opt(&key.name).await.unwrap().and_then(|object| object.metadata.resource_version);
        until(cache, || cache.get(key).and_then(|object| object.meta().resource_version.clone()) == wanted).await;
    }
}

/// Waits until the condition holds; it is looked at after every change of the cache.
pub(crate) async fn until<K: Kind>(cache: &Cache<K>, holds: impl Fn() -> bool) {
    let (tick, mut ticked) = tokio::sync::watch::channel(());
    cache.listen(move |_| {
        let _ = tick.send(());
    });
    let wait = async {
        while !holds() {
            ticked.changed().await.unwrap();
        }
    };
    timeout(SOON, wait).await.expect("the cache catches up");
}

/// A port with a registry and a git server behind it.
pub(crate) struct Neighbours {
    pub(crate) registry: Registry,
    pub(crate) registry_at: Serving,
    pub(crate) git: GitServer,
    pub(crate) git_at: Serving,
    http: HttpClient,
}

impl Neighbours {
    pub(crate) async fn open(folder: &TempDir, registry: RegistryOptions, git: GitOptions) -> Self {
        let registry = Registry::open(folder.path().join("registry"), registry).await.unwrap();
        let registry_at = registry.serve(0).await.unwrap();
        let git = GitServer::open(folder.path().join("git"), git).await.unwrap();
        let git_at = git.serve(0).await.unwrap();
        Self { registry, registry_at, git, git_at, http: HttpClient::new(Egress::local()).unwrap() }
    }

    pub(crate) fn image_url(&self, name: &str) -> String {
        format!("{}/{name}", self.registry_at.addr())
    }

    pub(crate) fn git_url(&self, name: &str) -> String {
        format!("{}/{name}.git", self.git_at.url())
    }

    pub(crate) async fn push_as(&self, password: Option<&str>, name: &str, tag: &str, build: &str) -> String {
        let registries = Registries::new(self.http.clone(), seaway_oci::RegistryOptions::default());
        let login =
            password.map(|it| Credential { key: it.to_owned(), username: "me".to_owned(), password: Secret::new(it.to_owned()) });
        let remote = registries.remote(&Repository::parse(&self.image_url(name)).unwrap(), login.as_ref(), false);
        let created: Timestamp = NOW.parse().unwrap();
        remote.push_image(tag, &TinyImage::new(build, created)).await.unwrap()
    }

    pub(crate) async fn push(&self, name: &str, tag: &str) -> String {
        self.push_as(None, name, tag, tag).await
    }
}

/// The reconciler of warehouses between all of them.
pub(crate) struct Scene {
    pub(crate) harbour: Harbour,
    pub(crate) around: Neighbours,
    pub(crate) cache: Arc<Cache<Warehouse>>,
    pub(crate) warehouses: Arc<Warehouses>,
}

impl Scene {
    pub(crate) async fn open() -> Self {
        Self::with(RegistryOptions::default(), GitOptions::default(), Egress::local(), |_| {}).await
    }

    pub(crate) async fn with(
        registry: RegistryOptions,
        git: GitOptions,
        egress: Egress,
        change: impl FnOnce(&mut (Outside, Settings)),
    ) -> Self {
        let mut harbour = Harbour::open().await;
        let around = Neighbours::open(&harbour.folder, registry, git).await;
        harbour.project("bank").await;
        let (cache, warehouses) = hire(&mut harbour, egress, change);
        Self { harbour, around, cache, warehouses }
    }

    /// The same after a restart: another reconciler, which remembers nothing.
    pub(crate) fn restart(&mut self) {
        self.harbour.tasks.abort_all();
        (self.cache, self.warehouses) = hire(&mut self.harbour, Egress::local(), |_| {});
    }

    pub(crate) async fn apply(&self, project: &str, warehouse: Warehouse) -> Key {
        let mut warehouse = warehouse;
        warehouse.metadata.namespace = Some(project.to_owned());
        warehouse.metadata.resource_version = None;
        warehouse.metadata.uid = None;
        warehouse.metadata.creation_timestamp = None;
        let api: Api<Warehouse> = self.harbour.projects(project);
        let made = api.create(&PostParams::default(), &warehouse).await.unwrap();
        Key::new(project, made.metadata.name.as_deref().unwrap())
    }

    /// Looks, once the cache is up to date.
    pub(crate) async fn turn(&self, key: &Key) -> Result<Requeue, String> {
        self.harbour.caught_up(&self.cache, key).await;
        self.warehouses.reconcile(key).await.map_err(|failure| failure.message)
    }

    /// Lets the interval pass and looks.
    pub(crate) async fn poll(&self, key: &Key) -> Result<Requeue, String> {
        self.harbour.clock.advance_seconds(300);
        self.turn(key).await
    }

    pub(crate) async fn refresh(&self, key: &Key, token: &str) {
        let api: Api<Warehouse> = self.harbour.projects(&key.project);
        let patch = Patch::Merge(json!({ "metadata": { "annotations": { annotation::REFRESH: token } } }));
        api.patch(&key.name, &PatchParams::default(), &patch).await.unwrap();
    }

    pub(crate) async fn warehouse(&self, key: &Key) -> Warehouse {
        self.harbour.projects::<Warehouse>(&key.project).get(&key.name).await.unwrap()
    }

    pub(crate) async fn condition(&self, key: &Key, type_: &str) -> Option<Condition> {
        let status = self.warehouse(key).await.status.unwrap_or_default();
        status.conditions.into_iter().find(|condition| condition.type_ == type_)
    }

    /// `type=status/reason` of all conditions.
    pub(crate) async fn conditions(&self, key: &Key) -> String {
        let status = self.warehouse(key).await.status.unwrap_or_default();
        let mut all: Vec<String> =
            status.conditions.iter().map(|it| format!("{}={}/{}", it.type_, it.status, it.reason)).collect();
        all.sort();
        all.join(" ")
    }

    /// What freight there is: its artifacts in short.
    pub(crate) async fn freight(&self, project: &str) -> Vec<String> {
        let all = self.harbour.projects::<Freight>(project).list(&kube::api::ListParams::default()).await.unwrap();
        let short = |freight: &Freight| {
            let commits = freight.commits.iter().map(|it| it.message.clone());
            let images = freight.images.iter().map(|it| format!("{}@{}", it.tag, &it.digest[7..13]));
            commits.chain(images).collect::<Vec<_>>().join(" ")
        };
        let mut all: Vec<String> = all.items.iter().map(short).collect();
        all.sort();
        all
    }

    pub(crate) async fn tags(&self, project: &str) -> Vec<String> {
        self.freight(project).await.iter().map(|it| it.split('@').next().unwrap().to_owned()).collect()
    }

    pub(crate) async fn wait_for_freight(&self, project: &str, tag: &str) {
        let api: Api<Freight> = self.harbour.projects(project);
        let wanted = |freight: &Freight| freight.images.iter().any(|image| image.tag == tag);
        let stream = kube::runtime::watcher::watcher(api, kube::runtime::watcher::Config::default());
        let mut stream = Box::pin(kube::runtime::WatchStreamExt::applied_objects(stream));
        let wait = async {
            use futures::TryStreamExt as _;
            while let Some(freight) = stream.try_next().await.unwrap() {
                if wanted(&freight) {
                    return;
                }
            }
        };
        timeout(SOON, wait).await.expect("the freight is made");
    }

    pub(crate) async fn wait(&self, key: &Key, holds: impl Fn(&Warehouse) -> bool) {
        let api: Api<Warehouse> = self.harbour.projects(&key.project);
        let condition = |object: Option<&Warehouse>| object.is_some_and(&holds);
        timeout(SOON, await_condition(api, &key.name, condition)).await.expect("in time").unwrap();
    }
}

fn hire(
    harbour: &mut Harbour,
    egress: Egress,
    change: impl FnOnce(&mut (Outside, Settings)),
) -> (Arc<Cache<Warehouse>>, Arc<Warehouses>) {
    let http = HttpClient::new(egress).unwrap();
    let credentials = SecretCredentials::new(http.clone(), SHARED_NAMESPACE);
    let registries = Registries::new(http.clone(), seaway_oci::RegistryOptions::default());
    let mirrors = Mirrors::new(harbour.folder.path().join("mirrors"), http, MirrorOptions::default());
    let mut both = (Outside::new(registries, mirrors, Arc::clone(&credentials)), Settings::default());
    both.1.interval_min = Duration::ZERO;
    change(&mut both);
    let client = harbour.client("warehouses");
    let cache = Arc::<Cache<Warehouse>>::default();
    let clock = harbour.clock.clone();
    let warehouses = Warehouses::new(client.clone(), Arc::clone(&cache), both.0, clock, both.1, &mut Figures::default());
    harbour.tasks.spawn(Arc::clone(&cache).feed(client.clone(), None));
    harbour.tasks.spawn(Arc::clone(&credentials).feed(client));
    (cache, warehouses)
}
