//! A server on a temporary folder, with a small kind of its own beside the built-in ones.

use kube::{Client, CustomResource};
use schemars::JsonSchema;
use seaway_apiserver::discovery::{Column, Served};
use seaway_apiserver::{Admission, AdmitAll, ApiServer, Identity, Kind, Options, Running};
use seaway_base::{Random, Secret, SystemClock};
use seaway_store::{SqliteStore, Store};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::path::Path;
use std::sync::Arc;
use tempfile::TempDir;
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

/// A running server.
pub(crate) struct Harbour {
    pub(crate) api: ApiServer,
    pub(crate) client: Client,
    _running: Running,
    _folder: Option<TempDir>,
}

impl Harbour {
    pub(crate) async fn open() -> Self {
        let folder = TempDir::new().unwrap();
        let mut harbour = Self::at(folder.path(), 4096).await;
        harbour._folder = Some(folder);
        harbour
    }

    /// With other kinds, behind other rules.
    pub(crate) async fn with(kinds: Vec<Kind>, admission: Arc<dyn Admission>) -> Self {
        let folder = TempDir::new().unwrap();
        let mut harbour = Self::of(folder.path(), 4096, kinds, admission).await;
        harbour._folder = Some(folder);
        harbour
    }

    pub(crate) async fn at(folder: &Path, n_events_max: usize) -> Self {
        Self::of(folder, n_events_max, kinds(), Arc::new(AdmitAll)).await
    }

    async fn of(folder: &Path, n_events_max: usize, kinds: Vec<Kind>, admission: Arc<dyn Admission>) -> Self {
        let options = seaway_store::Options::new(folder.join("store.db")).sealing(Secret::new([9; 32]), &["secrets"]);
        let options = seaway_store::Options { n_events_max, ..options };
        let store: Arc<dyn Store> = Arc::new(SqliteStore::open(options).unwrap());
        let clock = SystemClock::shared();
        let api = ApiServer::new(store, kinds, admission, clock, Random::system(), Options::default());
        let running = api.start().await.unwrap();
        let identity = Identity::new("admin", &["system:masters"]).unwrap();
        let client = Client::new(ServiceBuilder::new().layer(identity).service(api.router()), "default");
        Self { api, client, _running: running, _folder: None }
    }
}

/// A crate of that name.
pub(crate) fn crate_of(name: &str, count: i64) -> Crate {
    Crate::new(name, CrateSpec { count, content: None })
}

/// Opens the folder again once the server before has let go of it.
pub(crate) async fn reopened(folder: &Path) -> Harbour {
    let path = folder.join("store.db");
    for _ in 0..200 {
        let options = seaway_store::Options::new(&path).sealing(Secret::new([9; 32]), &["secrets"]);
        if SqliteStore::open(options).is_ok() {
            break;
        }
        tokio::task::yield_now().await;
    }
    Harbour::at(folder, 4096).await
}
