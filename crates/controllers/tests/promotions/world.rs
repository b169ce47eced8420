//! A bank on the embedded control plane: one warehouse, stages that write their overlays into one repository.

use async_trait::async_trait;
use futures::{StreamExt as _, TryStreamExt as _};
use k8s_openapi::api::events::v1::Event;
use kube::api::{Api, ListParams, Patch, PatchParams, PostParams, WatchEvent, WatchParams};
use kube::runtime::wait::await_condition;
use kube::{Client, Resource, ResourceExt};
use parking_lot::Mutex;
use seaway_api::kargo::{Freight, Project, ProjectConfig, Promotion, Stage, Warehouse};
use seaway_api::seaway::PromotionRun;
use seaway_apiserver::{ApiServer, Identity, Options, Rules, Running, ours};
use seaway_base::http::{Egress, HttpClient};
use seaway_base::{Next, Random, Secret, SystemClock};
use seaway_controllers::credentials::{SHARED_NAMESPACE, SecretCredentials};
use seaway_controllers::{Context, Controllers, Handle, Settings};
use seaway_git::{Credential, MirrorOptions, Mirrors};
use seaway_neighbours::{GitOptions, GitServer, Serving};
use seaway_runs::{
    ANSWER_LOST, Answer, Class, Contract, Credentials, Description, Done, Faults, Lookup, NoFaults, Ports, RepoKind, Step,
    StepContext, StepError, StepTable,
};
use seaway_store::{SqliteStore, Store};
use seaway_verbs::Verbs;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tokio::time::timeout;
use tower::ServiceBuilder;

pub(crate) const SOON: Duration = Duration::from_secs(30);
pub(crate) const IMAGE: &str = "127.0.0.1:9/fund-transfer";

/// What the test steps share with the test.
#[derive(Default)]
pub(crate) struct Outside {
    /// Messages that arrived.
    pub(crate) sent: Mutex<Vec<String>>,
    /// The next so many messages arrive, and their answer does not.
    pub(crate) n_lost: Mutex<u32>,
    /// Whether the gate that `gate` waits for is open.
    pub(crate) open: Mutex<bool>,
    /// Times that `gate` looked.
    pub(crate) n_looks: Mutex<u32>,
}

/// `tell` sends a message, `gate` waits for a gate.
struct Fake {
    name: &'static str,
    class: Class,
    outside: Arc<Outside>,
}

#[async_trait]
impl Step for Fake {
    fn name(&self) -> &'static str {
        self.name
    }
    fn page(&self) -> &'static str {
        ""
    }
    fn schema(&self) -> schemars::Schema {
        schemars::Schema::default()
    }
    fn check(&self, _: &Value) -> Result<(), StepError> {
        Ok(())
    }
    fn class(&self, _: &Value) -> Class {
        self.class
    }
    async fn run(&self, cx: &mut StepContext<'_>, config: &Value) -> Result<Answer, StepError> {
        if self.name == "tell" { tell(&self.outside, cx.alias) } else { Ok(look(&self.outside, config)) }
    }
    async fn describe(&self, _: &mut StepContext<'_>, _: &Value) -> Result<Description, StepError> {
        Ok(Description { summary: self.name.into(), ..Description::default() })
    }
}

fn tell(outside: &Outside, alias: &str) -> Result<Answer, StepError> {
    outside.sent.lock().push(alias.to_owned());
    let mut n_lost = outside.n_lost.lock();
    if *n_lost > 0 {
        *n_lost -= 1;
        return Err(StepError::errored(ANSWER_LOST, Next::Retry, "the connection broke"));
    }
    Ok(Answer::Done(Done::default()))
}

fn look(outside: &Outside, config: &Value) -> Answer {
    *outside.n_looks.lock() += 1;
    if *outside.open.lock() {
        return Answer::Done(Done::default());
    }
    let retry_after = Duration::from_millis(config.get("ms").and_then(Value::as_u64).unwrap_or(100));
    Answer::Waiting { output: serde_json::Map::new(), retry_after, message: "the gate to open".into() }
}

struct Table(HashMap<&'static str, Arc<dyn Step>>);

impl StepTable for Table {
    fn get(&self, name: &str) -> Lookup {
        self.0.get(name).map_or_else(|| seaway_steps::Table.get(name), |step| Lookup::Step(Arc::clone(step)))
    }
}

struct Anonymous;

#[async_trait]
impl Credentials for Anonymous {
    async fn find(&self, _: &str, _: RepoKind, _: &str) -> Result<Option<Credential>, StepError> {
        Ok(None)
    }
}

/// The bank.
pub(crate) struct Bank {
    pub(crate) api: ApiServer,
    pub(crate) git: GitServer,
    pub(crate) outside: Arc<Outside>,
    pub(crate) faults: Arc<dyn Faults>,
    pub(crate) settings: Settings,
    git_at: Serving,
    folder: TempDir,
    handle: Option<Handle>,
    /// Shared with whatever makes the controllers' clients.
    clients: Arc<()>,
    _running: Running,
}

impl Bank {
    /// A bank with a warehouse and no stage yet; these stages promote by themselves.
    pub(crate) async fn open(automatic: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let options = seaway_store::Options::new(folder.path().join("store.db")).sealing(Secret::new([9; 32]), &["secrets"]);
        let store: Arc<dyn Store> = Arc::new(SqliteStore::open(options).unwrap());
        let api = ApiServer::new(store, ours(), Arc::new(Rules), SystemClock::shared(), Random::system(), Options::default());
        let running = api.start().await.unwrap();
        let git = GitServer::open(folder.path().join("git"), GitOptions::default()).await.unwrap();
        let git_at = git.serve(0).await.unwrap();
        let overlay = b"images:\n- name: 127.0.0.1:9/fund-transfer\n  newTag: 1.0.0\n".as_slice();
        let files = [("qa/kustomization.yaml", overlay), ("uat/kustomization.yaml", overlay), ("README.md", b"bank\n")];
        git.create_repo("bank", &files).await.unwrap();
        let mut bank = Self {
            api,
            git,
            outside: Arc::default(),
            faults: Arc::new(NoFaults),
            settings: Settings::default(),
            git_at,
            folder,
            handle: None,
            clients: Arc::default(),
            _running: running,
        };
        let mut project = Project::default();
        project.metadata.name = Some("bank".into());
        Api::<Project>::all(bank.client("admin")).create(&PostParams::default(), &project).await.unwrap();
        let policies: Vec<Value> =
            automatic.iter().map(|it| json!({ "stageSelector": { "name": it }, "autoPromotionEnabled": true })).collect();
        bank.create::<ProjectConfig>(json!({ "metadata": { "name": "bank" }, "spec": { "promotionPolicies": policies } })).await;
        let image = json!({ "image": { "repoURL": IMAGE, "semverConstraint": "^1.0.0", "constraint": "^1.0.0" } });
        let mut image = image;
        image["image"].as_object_mut().unwrap().shift_remove("semverConstraint");
        bank.create::<Warehouse>(
            json!({ "metadata": { "name": "bank" }, "spec": { "subscriptions": [image], "freightCreationPolicy": "Manual" } }),
        )
        .await;
        bank.start();
        bank
    }

    /// A client of that name; `admin` is a person, everybody else a controller.
    pub(crate) fn client(&self, name: &str) -> Client {
        client(&self.api, name)
    }

    pub(crate) fn verbs(&self) -> Verbs {
        Verbs::new(self.client("admin"), "bank")
    }

    pub(crate) fn start(&mut self) {
        let http = HttpClient::new(Egress { loopback: true, ..Egress::default() }).unwrap();
        let mut steps: HashMap<&'static str, Arc<dyn Step>> = HashMap::new();
        for (name, class) in [("tell", Class::Effect(Contract::Unknowable)), ("gate", Class::Wait)] {
            steps.insert(name, Arc::new(Fake { name, class, outside: self.outside.clone() }));
        }
        let (api, clients) = (self.api.clone(), Arc::clone(&self.clients));
        let credentials = SecretCredentials::new(http.clone(), SHARED_NAMESPACE);
        let context = Context {
            client_for: Arc::new(move |name| {
                let _shared = &clients;
                client(&api, name)
            }),
            ports: Ports {
                git: Arc::new(Mirrors::new(self.folder.path().join("mirrors"), http.clone(), MirrorOptions::default())),
                credentials: Arc::new(Anonymous),
                http,
                clock: SystemClock::shared(),
                scratch: self.folder.path().join("scratch"),
            },
            credentials,
            steps: Arc::new(Table(steps)),
            settings: self.settings.clone(),
            random: Random::system(),
            registry: Arc::default(),
            faults: Arc::clone(&self.faults),
        };
        self.handle = Some(Controllers::start(context));
    }

    /// Stops the controllers as the process would.
    pub(crate) async fn stop(&mut self) {
        self.handle.take().unwrap().stop().await;
    }

    /// Waits until nothing is left of the controllers that could make or keep a client.
    pub(crate) async fn let_go_of_clients(&self) {
        let gone = async {
            while Arc::strong_count(&self.clients) > 1 {
                tokio::task::yield_now().await;
            }
        };
        timeout(SOON, gone).await.expect("they let go of their clients");
    }

    /// Ends the controllers where they stand.
    pub(crate) fn kill(&mut self) {
        self.handle = None;
    }

    pub(crate) fn all<K>(&self) -> Api<K>
    where
        K: Resource<Scope = k8s_openapi::NamespaceResourceScope, DynamicType = ()>,
    {
        Api::namespaced(self.client("admin"), "bank")
    }

    /// How many events there are with that reason.
    pub(crate) async fn told(&self, reason: &str) -> usize {
        let events = self.all::<Event>().list(&ListParams::default()).await.unwrap().items;
        events.iter().filter(|it| it.reason.as_deref() == Some(reason)).count()
    }

    pub(crate) async fn create<K>(&self, object: Value) -> K
    where
        K: Resource<Scope = k8s_openapi::NamespaceResourceScope, DynamicType = ()> + Serialize + DeserializeOwned + Clone + Debug,
    {
        let object: K = serde_json::from_value(object).unwrap();
        self.all::<K>().create(&PostParams::default(), &object).await.unwrap()
    }

    /// Clone, set the image, commit and push, with other steps before the push.
    pub(crate) async fn stage(&self, name: &str, sources: Value, between: &[Value]) -> Stage {
        let url = format!("{}/bank.git", self.git_at.url().trim_end_matches('/'));
        let tag = format!("${{{{ imageFrom(\"{IMAGE}\").Tag }}}}");
        let mut steps = vec![
            json!({ "uses": "git-clone", "as": "clone", "config": { "repoURL": url, "checkout": [{ "branch": "main", "path": "./src" }] } }),
            json!({ "uses": "kustomize-set-image", "as": "update", "config": { "path": format!("./src/{name}"), "images": [{ "image": IMAGE, "tag": tag }] } }),
            json!({ "uses": "git-commit", "as": "commit", "config": { "path": "./src", "message": format!("{name}: ${{{{ outputs.update.commitMessage }}}}") } }),
        ];
        steps.extend(between.iter().cloned());
        steps.push(json!({ "uses": "git-push", "as": "push", "config": { "path": "./src" } }));
        self.stage_of(name, sources, steps).await
    }

    pub(crate) async fn stage_of(&self, name: &str, sources: Value, steps: Vec<Value>) -> Stage {
        let request = json!({ "origin": { "kind": "Warehouse", "name": "bank" }, "sources": sources });
        let mut spec = json!({ "requestedFreight": [request] });
        if !steps.is_empty() {
            spec["promotionTemplate"] = json!({ "spec": { "steps": steps } });
        }
        self.create(json!({ "metadata": { "name": name }, "spec": spec })).await
    }

    /// Freight with that version, as if a person had put it together.
    pub(crate) async fn freight(&self, version: &str) -> Freight {
        let image = json!({ "repoURL": IMAGE, "tag": version, "digest": format!("sha256:{:0>64}", version.replace('.', "")) });
        let origin = json!({ "kind": "Warehouse", "name": "bank" });
        // Kubernetes keeps times to the second: versions made within one would be in no order.
        let second = version.rsplit('.').next().unwrap();
        let found_at = format!("2026-01-01T00:00:{second:0>2}Z");
        let freight = json!({ "metadata": { "name": "x" }, "alias": format!("v-{version}"), "origin": origin,
            "discoveredAt": found_at, "images": [image] });
        self.create(freight).await
    }

    pub(crate) async fn wait<K>(&self, name: &str, what: &str, holds: impl Fn(&K) -> bool) -> K
    where
        K: Resource<Scope = k8s_openapi::NamespaceResourceScope, DynamicType = ()>
            + DeserializeOwned
            + Clone
            + Debug
            + Send
            + 'static,
    {
        let found = timeout(SOON, await_condition(self.all::<K>(), name, |it: Option<&K>| it.is_some_and(&holds))).await;
        match found {
            Ok(found) => found.unwrap().unwrap(),
            Err(_) => {
                let stands = self.all::<K>().get_opt(name).await.unwrap();
                panic!("`{name}` is not {what}: {stands:#?}\n{}", self.everything().await);
            }
        }
    }

    async fn everything(&self) -> String {
        let promotions = self.all::<Promotion>().list(&ListParams::default()).await.unwrap();
        let runs = self.all::<PromotionRun>().list(&ListParams::default()).await.unwrap();
        let line = |it: &Promotion| {
            format!(
                "{} {:?} {:?}",
                it.name_any(),
                it.annotations(),
                it.status.as_ref().map(|it| (it.phase.to_string(), &it.message))
            )
        };
        let run =
            |it: &PromotionRun| format!("run {} {:?}", it.name_any(), it.status.as_ref().map(|it| (&it.phase, &it.message)));
        promotions.items.iter().map(line).chain(runs.items.iter().map(run)).collect::<Vec<_>>().join("\n")
    }

    /// Waits until the promotion ended so, and bears the label.
    pub(crate) async fn ends(&self, promotion: &str, phase: &str) -> Promotion {
        let label = seaway_api::kargo::names::label::TERMINAL;
        self.wait::<Promotion>(promotion, phase, |it| phase_of(it) == phase && it.labels().contains_key(label)).await
    }

    /// Waits until the stage has that version and nothing runs in it.
    pub(crate) async fn has(&self, stage: &str, version: &str) -> Stage {
        self.wait::<Stage>(stage, &format!("at {version}"), |it| tag(it) == version && current(it).is_none()).await
    }

    /// The stage's promotions by name.
    pub(crate) async fn promotions(&self, stage: &str) -> Vec<Promotion> {
        let mut all = self.all::<Promotion>().list(&ListParams::default()).await.unwrap().items;
        all.retain(|it| it.spec.stage == stage);
        all.sort_by_key(ResourceExt::name_any);
        all
    }

    pub(crate) async fn promote(&self, stage: &str, freight: &Freight) -> String {
        self.verbs().promote(stage, freight, None).await.unwrap().name_any()
    }

    /// Waits until the stage was looked at, and freight and warehouse with it.
    pub(crate) async fn settled(&self, stage: &str) {
        self.wait::<Stage>(stage, "looked at", |it| it.status.as_ref().is_some_and(|it| !it.freight_summary.is_empty())).await;
    }

    /// Waits until no controller has anything to do.
    pub(crate) async fn idle(&self) {
        let handle = self.handle.as_ref().unwrap();
        timeout(SOON, async {
            handle.synced().await;
            while !handle.is_idle() {
                tokio::task::yield_now().await;
            }
        })
        .await
        .unwrap();
    }

    /// Opens the gate, and has the promotion look at it now.
    pub(crate) async fn open_gate(&self, promotion: &str) {
        *self.outside.open.lock() = true;
        self.refresh(promotion, "now").await;
    }

    /// Has the promotion look at what it waits for.
    pub(crate) async fn refresh(&self, promotion: &str, token: &str) {
        let patch = json!({ "metadata": { "annotations": { "kargo.akuity.io/refresh": token } } });
        self.all::<Promotion>().patch(promotion, &PatchParams::default(), &Patch::Merge(&patch)).await.unwrap();
    }

    /// Subjects of the branch's commits, newest first.
    pub(crate) async fn log(&self) -> Vec<String> {
        let log = self.git.git("bank", &["log", "--format=%s", "main"]).await.unwrap();
        log.lines().map(str::to_owned).collect()
    }

    pub(crate) async fn file(&self, path: &str) -> String {
        self.git.git("bank", &["show", &format!("main:{path}")]).await.unwrap()
    }

    /// Everything that changes on a kind from now on, by name of the object.
    pub(crate) async fn watch<K>(&self) -> Arc<Mutex<Vec<String>>>
    where
        K: Resource<Scope = k8s_openapi::NamespaceResourceScope, DynamicType = ()>
            + DeserializeOwned
            + Clone
            + Debug
            + Send
            + 'static,
    {
        let api = self.all::<K>();
        let version = api.list(&ListParams::default()).await.unwrap().metadata.resource_version.unwrap();
        let seen: Arc<Mutex<Vec<String>>> = Arc::default();
        let own = seen.clone();
        tokio::spawn(async move {
            let mut events = api.watch(&WatchParams::default(), &version).await.unwrap().boxed();
            while let Ok(Some(event)) = events.try_next().await {
                if let WatchEvent::Added(object) | WatchEvent::Modified(object) = event {
                    own.lock().push(object.name_any());
                }
            }
        });
        seen
    }
}

pub(crate) fn phase_of(promotion: &Promotion) -> String {
    promotion.status.as_ref().map(|it| it.phase.to_string()).unwrap_or_default()
}

pub(crate) fn message_of(promotion: &Promotion) -> String {
    promotion.status.as_ref().map(|it| it.message.clone()).unwrap_or_default()
}

pub(crate) fn current(stage: &Stage) -> Option<String> {
    stage.status.as_ref()?.current_promotion.as_ref().map(|it| it.name.clone())
}

pub(crate) fn tag(stage: &Stage) -> String {
    let items = stage.status.as_ref().and_then(|it| it.freight_history.first()).map(|it| &it.items);
    items.and_then(|it| it.values().next()).map(|it| it.images[0].tag.clone()).unwrap_or_default()
}

fn client(api: &ApiServer, name: &str) -> Client {
    let admin = || Identity::new("admin", &["system:masters"]).unwrap();
    let identity = if name == "admin" { admin() } else { Identity::controller(name) };
    Client::new(ServiceBuilder::new().layer(identity).service(api.router()), "default")
}
