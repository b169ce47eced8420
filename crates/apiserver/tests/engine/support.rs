//! A server on a temporary folder, with a small kind of its own beside the built-in ones.

use kube::{Client, CustomResource};
use schemars::JsonSchema;
use seaway_apiserver::discovery::{Column, Served};
use seaway_apiserver::{Admission, AdmitAll, ApiServer, Identity, Kind, Options, Rules, Running};
use seaway_base::{Random, Secret, SharedClock, SystemClock};
use seaway_store::{FaultPlan, SqliteStore, Store};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tokio::time::timeout;
use tower::ServiceBuilder;

/// A ship's crate: the kind these tests are about.
#[derive(CustomResource, Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[kube(group = "test.seaway.dev", version = "v1", kind = "Crate", namespaced, status = "CrateStatus")]
#[serde(rename_all = "camelCase")]
pub(crate) struct CrateSpec {
    /// How many are inside.
    #[serde(default)]
    pub(crate) count: i64,
    /// What is inside.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) content: Option<String>,
}

/// What is known of it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CrateStatus {
    /// The last generation that was looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) observed_generation: Option<i64>,
    /// Where it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) phase: Option<String>,
}

fn kinds() -> Vec<Kind> {
    let schema = json!({"type": "object", "required": ["spec"], "properties": {
        "spec": {"type": "object", "properties": {
            "count": {"type": "integer", "default": 0, "maximum": 1000}, "content": {"type": "string"}}},
        "status": {"type": "object", "properties": {
            "observedGeneration": {"type": "integer"}, "phase": {"type": "string"}}}}});
    vec![Kind::custom(Served {
        group: "test.seaway.dev".to_owned(),
        version: "v1".to_owned(),
        kind: "Crate".to_owned(),
        plural: "crates".to_owned(),
        singular: "crate".to_owned(),
        namespaced: true,
        has_status: true,
        columns: vec![Column {
            name: "Count".to_owned(),
            kind: "integer".to_owned(),
            json_path: ".spec.count".to_owned(),
            ..Column::default()
        }],
        schema,
        ..Served::default()
    })]
}

/// What a server is opened with.
pub(crate) struct Setup {
    pub(crate) n_events_max: usize,
    pub(crate) kinds: Vec<Kind>,
    pub(crate) admission: Arc<dyn Admission>,
    pub(crate) faults: Option<FaultPlan>,
    /// What stands between the server and its store.
    pub(crate) between: fn(Arc<dyn Store>) -> Arc<dyn Store>,
    pub(crate) clock: SharedClock,
    pub(crate) options: Options,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            n_events_max: 4096,
            kinds: kinds(),
            admission: Arc::new(AdmitAll),
            faults: None,
            between: |store| store,
            clock: SystemClock::shared(),
            options: Options::default(),
        }
    }
}

impl Setup {
    /// Seaway's own kinds behind Seaway's own rules.
    pub(crate) fn ours() -> Self {
        Self { kinds: seaway_apiserver::ours(), admission: Arc::new(Rules), ..Self::default() }
    }

    /// A server on a folder of its own.
    pub(crate) async fn open(self) -> Harbour {
        let folder = TempDir::new().unwrap();
        let mut harbour = self.at(folder.path()).await;
        harbour.folder = Some(folder);
        harbour
    }

    pub(crate) async fn at(self, folder: &Path) -> Harbour {
        let options = seaway_store::Options::new(folder.join("store.db")).sealing(Secret::new([9; 32]), &["secrets"]);
        let options = seaway_store::Options { n_events_max: self.n_events_max, faults: self.faults, ..options };
        let store: Arc<dyn Store> = Arc::new(SqliteStore::open(options).unwrap());
        let api = ApiServer::new((self.between)(store), self.kinds, self.admission, self.clock, Random::system(), self.options);
        // A fault plan may refuse even the first commit.
        let running = api.start().await.ok();
        let identity = Identity::new("admin", &["system:masters"]).unwrap();
        let client = Client::new(ServiceBuilder::new().layer(identity).service(api.router()), "default");
        Harbour { api, client, running, folder: None }
    }
}

/// A running server.
pub(crate) struct Harbour {
    pub(crate) api: ApiServer,
    pub(crate) client: Client,
    running: Option<Running>,
    folder: Option<TempDir>,
}

impl Harbour {
    pub(crate) async fn open() -> Self {
        Setup::default().open().await
    }

    /// Ends what goes on behind the requests, as a crash would.
    pub(crate) fn stop_collecting(&mut self) {
        self.running = None;
    }

    /// Ends it and waits until its file is free.
    pub(crate) async fn close(self, folder: &Path) {
        self.api.end_watches();
        drop(self);
        let options = seaway_store::Options::new(folder.join("store.db")).sealing(Secret::new([9; 32]), &["secrets"]);
        timeout(Duration::from_secs(10), async {
            while SqliteStore::open(options.clone()).is_err() {
                tokio::task::yield_now().await;
            }
        })
        .await
        .unwrap();
    }
}

/// A crate of that name.
pub(crate) fn crate_of(name: &str, count: i64) -> Crate {
    Crate::new(name, CrateSpec { count, content: None })
}
