//! What Kargo's documentation shows is admitted where Kargo admits it, and refused where Kargo refuses it.
//!
//! `kargo_docs/*.yaml` holds a document of our own for every shape that its pages show, and above each what Kargo answers:
//! its published schemas and webhooks were read for that, not copied. A file is one installation, its documents go in one
//! after the other through the embedded engine, as `kubectl apply` and `seaway apply` send them: strictly.

use http::{Method, Request};
use kube::Client;
use seaway_apiserver::{ApiServer, Identity, Options, Rules, Running};
use seaway_base::{Random, Secret, SystemClock};
use seaway_core::admission::validate_document;
use seaway_core::unbuilt::{self, Unbuilt};
use seaway_store::SqliteStore;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tower::ServiceBuilder;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("kargo_docs")
}

/// What becomes of a document.
#[derive(Debug, PartialEq)]
enum Answer {
    /// It is stored; the paths of what is not built.
    Admitted(BTreeSet<String>),
    /// It is refused: the field, and words of the message.
    Refused(String, String),
    /// Nobody serves its kind.
    NotServed,
}

/// One document, and what is to become of it.
struct Case {
    /// File and line.
    place: String,
    /// What the documentation shows with it.
    shows: String,
    answer: Answer,
    /// A row of differences.md, where Kargo answers otherwise.
    differs: Option<String>,
    /// `POST` for what admission names, else server-side apply, which creates too.
    method: Method,
    /// Who asks.
    user: String,
    document: Value,
}

/// Reads a file: documents between `---`, each with lines `#> key: value` above it.
fn cases(name: &str, text: &str) -> Vec<Case> {
    let mut cases = Vec::new();
    let mut line = 1;
    for chunk in text.split("\n---\n") {
        let n_lines = chunk.matches('\n').count() + 2;
        let first = line;
        line += n_lines;
        let told: Vec<(&str, &str)> = chunk
            .lines()
            .filter_map(|line| line.strip_prefix("#> "))
            .map(|line| line.split_once(": ").unwrap_or((line.trim_end_matches(':'), "")))
            .collect();
        if told.is_empty() {
            continue;
        }
        let place = format!("{name}:{first}");
        let tell = |key: &str| told.iter().find(|(known, _)| *known == key).map(|(_, value)| value.trim());
        for (key, _) in &told {
            let known = ["shows", "admitted", "not built", "refused", "not served", "differs", "as", "update", "delete"];
            assert!(known.contains(key), "{place}: `{key}` means nothing");
        }
        let answer = match (tell("admitted"), tell("refused"), tell("not served"), tell("not built")) {
            (Some(_), None, None, None) => Answer::Admitted(BTreeSet::new()),
            (None, None, None, Some(paths)) => Answer::Admitted(paths.split(", ").map(str::to_owned).collect()),
            (None, Some(refusal), None, None) => {
                let (field, words) = refusal.split_once(" | ").unwrap_or_else(|| panic!("{place}: write field | words"));
                Answer::Refused(field.trim().to_owned(), words.trim().to_owned())
            }
            (None, None, Some(_), None) => Answer::NotServed,
            _ => panic!("{place}: one answer, please"),
        };
        let document = seaway_render::yaml::read_all(chunk).unwrap_or_else(|err| panic!("{place}: {err}"));
        let [document] = document.as_slice() else { panic!("{place}: {} documents", document.len()) };
        let is_named = ["Freight", "Promotion"].contains(&document["kind"].as_str().unwrap_or_default());
        let method = match (tell("update"), tell("delete")) {
            (None, None) if is_named => Method::POST,
            (_, None) => Method::PATCH,
            (None, Some(_)) => Method::DELETE,
            _ => panic!("{place}: one thing is done"),
        };
        cases.push(Case {
            shows: tell("shows").unwrap_or_else(|| panic!("{place}: what is shown?")).to_owned(),
            place,
            answer,
            differs: tell("differs").map(str::to_owned),
            method,
            user: tell("as").unwrap_or("admin").to_owned(),
            document: document.clone(),
        });
    }
    cases
}

/// An installation, and the names of the freight in it by alias.
struct Installation {
    api: ApiServer,
    names: BTreeMap<String, String>,
    _folder: tempfile::TempDir,
    _running: Running,
}

impl Installation {
    async fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let options = seaway_store::Options::new(folder.path().join("store.db")).sealing(Secret::new([7; 32]), &["secrets"]);
        let store = Arc::new(SqliteStore::open(options).unwrap());
        let (clock, random) = (SystemClock::shared(), Random::system());
        let api = ApiServer::new(store, seaway_apiserver::ours(), Arc::new(Rules), clock, random, Options::default());
        let running = api.start().await.unwrap();
        let installation = Self { api, names: BTreeMap::new(), _folder: folder, _running: running };
        installation.let_everybody_write().await;
        installation
    }

    /// Who may write what is no matter of admission, which these documents are about.
    async fn let_everybody_write(&self) {
        let binding = json!({
            "metadata": {"name": "everybody"}, "subjects": [{"kind": "Group", "name": "system:authenticated"}],
            "roleRef": {"kind": "ClusterRole", "name": "cluster-admin"},
        });
        let request = http::Request::post("/apis/rbac.authorization.k8s.io/v1/clusterrolebindings")
            .header("Content-Type", "application/json")
            .body(binding.to_string().into_bytes());
        self.client("admin").request::<Value>(request.unwrap()).await.unwrap();
    }

    fn client(&self, user: &str) -> Client {
        let identity = match user {
            "admin" => Identity::new("admin", &["system:masters"]),
            "controller" => Some(Identity::controller("replication")),
            other => Identity::new(other, &["system:authenticated"]),
        };
        Client::new(ServiceBuilder::new().layer(identity.unwrap()).service(self.api.router()), "default")
    }

    /// `@ALIAS` anywhere in a document is the name that freight of this alias was given.
    fn resolve(&self, document: &Value) -> Value {
        let mut text = document.to_string();
        for (alias, name) in &self.names {
            text = text.replace(&format!("@{alias}"), name);
        }
        serde_json::from_str(&text).unwrap()
    }

    async fn put(&mut self, case: &Case) -> Result<Value, (u16, Value)> {
        let document = self.resolve(&case.document);
        let Some(address) = address(&document) else { return Err((404, Value::Null)) };
        let name = document.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
        let (address, kind) = match case.method {
            Method::POST => (format!("{address}?fieldValidation=Strict&fieldManager=docs"), "application/json"),
            Method::PATCH => {
                let query = "fieldValidation=Strict&fieldManager=docs&force=true";
                (format!("{address}/{name}?{query}"), "application/apply-patch+yaml")
            }
            _ => (format!("{address}/{name}"), "application/json"),
        };
        let body = if case.method == Method::DELETE { b"{}".to_vec() } else { document.to_string().into_bytes() };
        let request =
            Request::builder().method(case.method.clone()).uri(address).header("content-type", kind).body(body).unwrap();
        match self.client(&case.user).request::<Value>(request).await {
            Ok(stored) => {
                if let (Some(alias), Some(name)) = (stored["alias"].as_str(), stored["metadata"]["name"].as_str()) {
                    self.names.insert(alias.to_owned(), name.to_owned());
                }
                Ok(stored)
            }
            Err(kube::Error::Api(status)) => Err((status.code, serde_json::to_value(&status).unwrap())),
            Err(err) => panic!("{}: {err}", case.place),
        }
    }
}

/// Where objects of a document's kind are; `None` if nobody serves it.
fn address(document: &Value) -> Option<String> {
    let (version, kind) = (document["apiVersion"].as_str()?, document["kind"].as_str()?);
    let namespace = document.pointer("/metadata/namespace").and_then(Value::as_str);
    let core = [("Namespace", false), ("Secret", true), ("ConfigMap", true), ("ServiceAccount", true)];
    let (root, plural, namespaced) = if version == "v1" {
        let (kind, namespaced) = core.into_iter().find(|(known, _)| *known == kind)?;
        ("/api/v1".to_owned(), format!("{}s", kind.to_lowercase()), namespaced)
    } else if version == "rbac.authorization.k8s.io/v1" {
        (format!("/apis/{version}"), format!("{}s", kind.to_lowercase()), !kind.starts_with("Cluster"))
    } else {
        let info = seaway_api::kind(kind).filter(|info| info.api_version() == version)?;
        (format!("/apis/{version}"), info.plural.to_owned(), info.namespaced)
    };
    let namespace = if namespaced { format!("/namespaces/{}", namespace.unwrap_or("default")) } else { String::new() };
    Some(format!("{root}{namespace}/{plural}"))
}

fn spec<T: serde::de::DeserializeOwned>(stored: &Value) -> T {
    serde_json::from_value(stored["spec"].clone()).unwrap()
}

/// What of a stored document is not built.
fn unbuilt(stored: &Value) -> BTreeSet<String> {
    let is_built = |step: &str| seaway_steps::find(step).is_some();
    let found: Vec<Unbuilt> = match stored["kind"].as_str().unwrap_or_default() {
        "Warehouse" => unbuilt::warehouse(&spec(stored)),
        "Stage" => unbuilt::stage(&spec(stored), &is_built),
        "Promotion" => unbuilt::promotion(&spec(stored), &is_built),
        "ProjectConfig" if stored.get("spec").is_some() => unbuilt::project_config(&spec(stored)),
        "ClusterConfig" if stored.get("spec").is_some() => unbuilt::cluster_config(&spec(stored)),
        _ => Vec::new(),
    };
    found.into_iter().map(|part| part.path).collect()
}

/// Compares; an empty text is what was expected.
fn compare(case: &Case, got: &Result<Value, (u16, Value)>) -> String {
    match (&case.answer, got) {
        (Answer::Admitted(paths), Ok(stored)) => {
            let found = unbuilt(stored);
            if found == *paths { String::new() } else { format!("not built is {found:?}, not {paths:?}") }
        }
        (Answer::Refused(field, words), Err((code, status))) => {
            let message = status["message"].as_str().unwrap_or_default();
            let causes = status.pointer("/details/causes").and_then(Value::as_array).cloned().unwrap_or_default();
            let named = field == "-" || causes.iter().any(|cause| cause["field"] == *field);
            // A strict reading names the field in words alone.
            let named = named || (causes.is_empty() && message.contains(field.as_str()));
            if named && message.contains(words.as_str()) && [400, 403, 404, 409, 422].contains(code) {
                String::new()
            } else {
                format!("refused with {code}: {message} {}", json!(causes))
            }
        }
        (Answer::NotServed, Err((404, _))) => String::new(),
        (_, Ok(stored)) => format!("admitted: {stored}"),
        (_, Err((code, status))) => format!("refused with {code}: {}", status["message"]),
    }
}

#[tokio::test]
async fn what_kargo_admits_is_admitted_and_what_it_refuses_is_refused() {
    let differences = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/differences.md")).unwrap();
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder()).unwrap().flatten().map(|entry| entry.path()).collect();
    files.sort();
    let (mut wrong, mut counts) = (Vec::new(), BTreeMap::<&str, usize>::new());
    for path in files.iter().filter(|path| path.extension().is_some_and(|ending| ending == "yaml")) {
        let name = path.file_name().unwrap().to_string_lossy();
        let mut installation = Installation::open().await;
        for case in cases(&name, &std::fs::read_to_string(path).unwrap()) {
            let got = installation.put(&case).await;
            let mut fault = compare(&case, &got);
            // What is let in must not be stopped by `seaway apply`, which looks before it asks.
            if matches!(case.answer, Answer::Admitted(_)) && case.method != Method::DELETE {
                for cause in validate_document(&installation.resolve(&case.document)) {
                    let _ = write!(fault, " seaway apply: {}: {}", cause.field, cause.message);
                }
            }
            if let Some(row) = &case.differs
                && !differences.contains(row.as_str())
            {
                let _ = write!(fault, " no row of differences.md says `{row}`");
            }
            if !fault.is_empty() {
                wrong.push(format!("{} {}: {fault}", case.place, case.shows));
            }
            let sort = match (&case.answer, &case.differs) {
                (_, Some(_)) => "otherwise than Kargo, by decision",
                (Answer::Admitted(paths), _) if paths.is_empty() => "admitted",
                (Answer::Admitted(_), _) => "admitted, not built",
                (Answer::Refused(..), _) => "refused",
                (Answer::NotServed, _) => "not served, as by Kargo",
            };
            *counts.entry(sort).or_default() += 1;
        }
    }
    println!("{counts:?}");
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), counts.values().sum::<usize>(), wrong.join("\n"));
    assert!(counts["admitted"] + counts["admitted, not built"] >= 190, "{counts:?}");
    assert!(counts["refused"] >= 140, "{counts:?}");
}

/// Every step that the documentation names is shown in some document.
#[test]
fn every_documented_step_is_shown() {
    fn uses(value: &Value, found: &mut BTreeSet<String>) {
        match value {
            Value::Array(items) => items.iter().for_each(|item| uses(item, found)),
            Value::Object(map) => {
                found.extend(map.get("uses").and_then(Value::as_str).map(str::to_owned));
                map.values().for_each(|item| uses(item, found));
            }
            _ => {}
        }
    }
    let mut found = BTreeSet::new();
    for entry in std::fs::read_dir(folder()).unwrap().flatten() {
        let text = std::fs::read_to_string(entry.path()).unwrap();
        cases(&entry.file_name().to_string_lossy(), &text).iter().for_each(|case| uses(&case.document, &mut found));
    }
    let missing: Vec<&str> = unbuilt::KNOWN_STEPS.into_iter().filter(|step| !found.contains(*step)).collect();
    assert!(missing.is_empty(), "no document shows {missing:?}");
}
