//! The bank behind the routes of `/seaway/v1`, without a port: a request bears whom it is from.

use axum::Router;
use axum::body::{Body, to_bytes};
use futures::StreamExt as _;
use http::{HeaderMap, Request, StatusCode};
use kube::Client;
use kube::api::{Api, Patch, PatchParams, PostParams};
use seaway_api::kargo::{Freight, Project, Promotion, Stage};
use seaway_apiserver::{ApiServer, Identity, Options, Rules, Running, ours};
use seaway_base::{Random, Secret, SystemClock};
use seaway_server::api::{Served, method_not_allowed, nothing_else, open, router};
use seaway_server::{Info, ServerState};
use seaway_store::{SqliteStore, Store};
use seaway_testkit::bank::{Bank, STAGES};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tower::ServiceExt as _;

/// What is waited for comes by then.
const SOON: Duration = Duration::from_secs(20);

pub(crate) struct Port {
    pub(crate) api: ApiServer,
    routes: Router,
    _running: Running,
    folder: TempDir,
}

pub(crate) fn user(name: &str) -> Identity {
    Identity::new(&format!("user:{name}"), &[]).unwrap()
}

fn is_built(_: &str) -> bool {
    true
}

/// Makes an object of the bank; what only a stored one has is left out.
async fn create<K>(client: &Client, mut object: K) -> K
where
    K: kube::Resource<Scope = k8s_openapi::NamespaceResourceScope, DynamicType = ()>
        + serde::Serialize
        + serde::de::DeserializeOwned
        + Clone
        + std::fmt::Debug,
{
    let name = object.meta().name.clone();
    *object.meta_mut() = kube::core::ObjectMeta { name, ..Default::default() };
    Api::<K>::namespaced(client.clone(), "bank").create(&PostParams::default(), &object).await.unwrap()
}

/// What answers, without anything in its memory.
async fn routes(api: &ApiServer, folder: &Path) -> Router {
    let (clock, random) = (SystemClock::shared(), Random::system());
    let info = Info { is_built, ..Info::new("0.0.0", "https://127.0.0.1:7443", folder) };
    let client = api.client(Identity::controller("identity"));
    let settings = seaway_identity::Settings::default();
    let identities = seaway_identity::Identities::start(client, clock.clone(), random.clone(), settings).await.unwrap();
    let served = Served::new(api, clock.clone(), is_built);
    let state = ServerState { api: api.clone(), identities, oidc: None, served, clock, random, info: Arc::new(info) };
    Router::from(router().merge(open())).method_not_allowed_fallback(method_not_allowed).merge(nothing_else()).with_state(state)
}

impl Port {
    /// The bank at rest: bob promotes, eve looks.
    pub(crate) async fn open() -> Self {
        let folder = TempDir::new().unwrap();
        let options = seaway_store::Options::new(folder.path().join("store.db")).sealing(Secret::new([9; 32]), &["secrets"]);
        let store: Arc<dyn Store> = Arc::new(SqliteStore::open(options).unwrap());
        let api = ApiServer::new(store, ours(), Arc::new(Rules), SystemClock::shared(), Random::system(), Options::default());
        let running = api.start().await.unwrap();
        let routes = routes(&api, folder.path()).await;
        let port = Self { api, routes, _running: running, folder };
        port.settle_bank().await;
        port
    }

    /// Another server over the same store, to which nothing was ever asked.
    pub(crate) async fn restart(&mut self) {
        self.routes = routes(&self.api, self.folder.path()).await;
    }

    pub(crate) fn admin(&self) -> Client {
        self.api.client(Identity::new("admin", &["system:masters"]).unwrap())
    }

    fn controller(&self) -> Client {
        self.api.client(Identity::controller("stages"))
    }

    async fn settle_bank(&self) {
        let (bank, client) = (Bank::default(), self.admin());
        Api::<Project>::all(client.clone()).create(&PostParams::default(), &bank.project()).await.unwrap();
        create(&client, bank.project_config()).await;
        create(&client, bank.warehouse()).await;
        for stage in bank.stages() {
            create(&client, stage).await;
        }
        for (version, seen) in [("1.4.8", &STAGES[..]), ("1.5.0", &STAGES[..3])] {
            let freight = self.add_freight(version).await;
            let at = json!({ "verifiedAt": "2026-01-01T00:00:00Z" });
            let verified: serde_json::Map<String, Value> = seen.iter().map(|stage| ((*stage).to_owned(), at.clone())).collect();
            let name = freight.metadata.name.clone().unwrap();
            self.patch::<Freight>(&name, json!({ "verifiedIn": verified })).await;
            let has = STAGES.iter().filter(|stage| stage.starts_with("prod") == (version == "1.4.8"));
            for stage in has {
                let items = json!({ "Warehouse/bank": freight.reference() });
                self.patch::<Stage>(stage, json!({ "freightHistory": [{ "id": version, "items": items }] })).await;
            }
        }
        for (who, role) in [("bob", "kargo-promoter"), ("eve", "kargo-viewer")] {
            self.bind(who, role).await;
        }
    }

    pub(crate) async fn bind(&self, who: &str, role: &str) {
        let binding = serde_json::from_value(json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": { "name": format!("{who}-{role}") },
            "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": role },
            "subjects": [{ "apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": format!("user:{who}") }],
        }));
        self.bindings().create(&PostParams::default(), &binding.unwrap()).await.unwrap();
    }

    pub(crate) fn bindings(&self) -> Api<k8s_openapi::api::rbac::v1::RoleBinding> {
        Api::namespaced(self.admin(), "bank")
    }

    pub(crate) async fn add_freight(&self, version: &str) -> Freight {
        // The later version was found later.
        let day = if version == "1.4.8" { 1 } else { 2 };
        let mut freight = Bank::default().freight(version).found(&format!("2026-01-0{day}T00:00:00Z")).build();
        freight.status = None;
        create(&self.controller(), freight).await
    }

    /// A controller writes a status.
    pub(crate) async fn patch<K>(&self, name: &str, status: Value)
    where
        K: kube::Resource<Scope = k8s_openapi::NamespaceResourceScope, DynamicType = ()>
            + serde::de::DeserializeOwned
            + Clone
            + std::fmt::Debug,
    {
        let patch = json!({ "status": status });
        let api = Api::<K>::namespaced(self.controller(), "bank");
        api.patch_status(name, &PatchParams::default(), &Patch::Merge(&patch)).await.unwrap();
    }

    pub(crate) fn promotions(&self) -> Api<Promotion> {
        Api::namespaced(self.admin(), "bank")
    }

    /// Sends a request as somebody.
    pub(crate) async fn send(&self, who: Option<Identity>, request: http::request::Builder, body: Body) -> http::Response<Body> {
        let mut request = request.body(body).unwrap();
        if let Some(who) = who {
            request.extensions_mut().insert(who);
        }
        self.routes.clone().oneshot(request).await.unwrap()
    }

    /// Reads as somebody.
    pub(crate) async fn get(&self, who: &str, path: &str) -> Answer {
        let request = Request::get(format!("/seaway/v1{path}"));
        Answer::read(self.send(Some(user(who)), request, Body::empty()).await).await
    }

    /// Asks something of it as somebody.
    pub(crate) async fn post(&self, who: &str, path: &str, body: &Value) -> Answer {
        self.post_with(who, path, body, None).await
    }

    /// The same under a key.
    pub(crate) async fn post_with(&self, who: &str, path: &str, body: &Value, key: Option<&str>) -> Answer {
        self.post_as(user(who), path, body, key).await
    }

    /// The same as whoever has this identity.
    pub(crate) async fn post_as(&self, who: Identity, path: &str, body: &Value, key: Option<&str>) -> Answer {
        let mut request = Request::post(format!("/seaway/v1{path}")).header("content-type", "application/json");
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        Answer::read(self.send(Some(who), request, Body::from(body.to_string())).await).await
    }

    /// Opens the stream of changes as somebody.
    pub(crate) async fn changes(&self, who: Identity, last: Option<&str>) -> Stream {
        let mut request = Request::get("/seaway/v1/projects/bank/changes");
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        let response = self.send(Some(who), request, Body::empty()).await;
        assert_eq!(response.status(), StatusCode::OK);
        Stream { body: response.into_body().into_data_stream(), rest: String::new() }
    }
}

/// An answer, read.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl Answer {
    pub(crate) async fn read(response: http::Response<Body>) -> Self {
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, usize::MAX).await.unwrap();
        let body = if bytes.is_empty() { Value::Null } else { serde_json::from_slice(&bytes).unwrap() };
        Self { status: parts.status, headers: parts.headers, body }
    }

    /// The word of a problem, and its status.
    pub(crate) fn problem(&self) -> (u16, String) {
        assert_eq!(self.headers["content-type"], "application/problem+json", "{self:?}");
        let word = self.body["type"].as_str().unwrap().rsplit('/').next().unwrap();
        assert!(!self.body["id"].as_str().unwrap().is_empty());
        (self.status.as_u16(), word.to_owned())
    }

    pub(crate) fn detail(&self) -> &str {
        self.body["detail"].as_str().unwrap_or_default()
    }
}

/// An event of a stream.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Event {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) data: Value,
}

/// A stream of events.
pub(crate) struct Stream {
    body: axum::body::BodyDataStream,
    rest: String,
}

impl Stream {
    /// The next event, comments passed over; `None` when the stream has ended.
    pub(crate) async fn next(&mut self) -> Option<Event> {
        tokio::time::timeout(SOON, self.read()).await.expect("an event, or the end, comes in time")
    }

    async fn read(&mut self) -> Option<Event> {
        loop {
            if let Some((event, rest)) = self.rest.split_once("\n\n") {
                let (event, rest) = (event.to_owned(), rest.to_owned());
                self.rest = rest;
                let field = |name: &str| {
                    let found = event.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
                    found.unwrap_or_default().to_owned()
                };
                if field("event").is_empty() {
                    continue;
                }
                let data = serde_json::from_str(&field("data")).unwrap();
                return Some(Event { id: field("id"), name: field("event"), data });
            }
            let more = self.body.next().await?.unwrap();
            self.rest.push_str(std::str::from_utf8(&more).unwrap());
        }
    }
}
