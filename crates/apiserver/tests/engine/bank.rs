//! The bank with its people: alice promotes the first stages, bob is its promoter, eve only looks.

use crate::support::{Harbour, Setup};
use kube::Error;
use seaway_apiserver::Identity;
use serde_json::{Value, json};

pub(crate) const KARGO: &str = "/apis/kargo.akuity.io/v1alpha1/namespaces/bank";
pub(crate) const RBAC: &str = "/apis/rbac.authorization.k8s.io/v1";

/// A server with the project `bank` and whoever works there.
pub(crate) struct Bank {
    pub(crate) harbour: Harbour,
    /// The name of its one freight.
    pub(crate) freight: String,
}

/// What came back: the code, and the object or the message.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) code: u16,
    pub(crate) body: Value,
}

impl Answer {
    pub(crate) fn message(&self) -> &str {
        self.body["message"].as_str().unwrap_or_default()
    }
}

/// Somebody by a short name: `alice` is a local user, `ns/name` a service account, `admin` may do everything.
pub(crate) fn who(name: &str) -> Identity {
    match name.split_once('/') {
        Some((namespace, name)) => Identity::service_account(namespace, name),
        None if name == "admin" => Identity::new("admin", &["system:masters"]).unwrap(),
        None => Identity::new(&format!("user:{name}"), &[]).unwrap(),
    }
}

impl Bank {
    pub(crate) async fn open() -> Self {
        let harbour = Setup::ours().open().await;
        let mut bank = Self { harbour, freight: String::new() };
        bank.make("/apis/kargo.akuity.io/v1alpha1/projects", json!({"metadata": {"name": "bank"}})).await;
        let subscription = json!({"image": {"repoURL": "127.0.0.1:7450/fund-transfer", "constraint": "^1.0.0"}});
        let warehouse = json!({"metadata": {"name": "w"}, "spec": {"subscriptions": [subscription]}});
        bank.make(&format!("{KARGO}/warehouses"), warehouse).await;
        for (stage, source) in [("qa", json!({"direct": true})), ("prod", json!({"stages": ["qa"]}))] {
            let template = json!({"spec": {"steps": [{"uses": "compose-output", "config": {"a": "1"}}]}});
            let requested = json!([{"origin": {"kind": "Warehouse", "name": "w"}, "sources": source}]);
            let stage =
                json!({"metadata": {"name": stage}, "spec": {"requestedFreight": requested, "promotionTemplate": template}});
            bank.make(&format!("{KARGO}/stages"), stage).await;
        }
        let freight = json!({"metadata": {"name": "any"}, "origin": {"kind": "Warehouse", "name": "w"},
            "images": [{"repoURL": "127.0.0.1:7450/fund-transfer", "tag": "1.5.0"}]});
        let made = bank.make(&format!("{KARGO}/freights"), freight).await;
        bank.freight = made["metadata"]["name"].as_str().unwrap().to_owned();
        bank.bind("bob", "kargo-promoter").await;
        bank.bind("eve", "kargo-viewer").await;
        bank.bind("alice", "kargo-viewer").await;
        let early = json!({"metadata": {"name": "early"}, "rules": [
            {"apiGroups": ["kargo.akuity.io"], "resources": ["stages"], "resourceNames": ["qa"], "verbs": ["promote"]},
            {"apiGroups": ["kargo.akuity.io"], "resources": ["promotions"], "verbs": ["create"]},
            {"apiGroups": ["kargo.akuity.io"], "resources": ["freights/status"], "verbs": ["patch"]}]});
        bank.make(&format!("{RBAC}/namespaces/bank/roles"), early).await;
        bank.bind("alice", "early").await;
        bank
    }

    /// Makes something as `admin`.
    pub(crate) async fn make(&self, path: &str, object: Value) -> Value {
        let answer = self.ask("admin", "POST", path, object).await;
        assert_eq!(answer.code, 201, "{path}: {answer:?}");
        answer.body
    }

    /// Gives a local user a role of the project.
    pub(crate) async fn bind(&self, user: &str, role: &str) {
        let subjects = json!([{"kind": "User", "name": format!("user:{user}")}]);
        let binding = json!({"metadata": {"name": format!("{user}-{role}")}, "subjects": subjects, "roleRef": {"kind": "Role", "name": role}});
        self.make(&format!("{RBAC}/namespaces/bank/rolebindings"), binding).await;
    }

    pub(crate) async fn ask(&self, name: &str, method: &str, path: &str, body: Value) -> Answer {
        self.ask_as(who(name), method, path, &[], body).await
    }

    pub(crate) async fn ask_as(&self, who: Identity, method: &str, path: &str, headers: &[(&str, &str)], body: Value) -> Answer {
        let content = match method {
            "PATCH" if path.contains("fieldManager=") => "application/apply-patch+yaml",
            "PATCH" => "application/merge-patch+json",
            _ => "application/json",
        };
        let mut request = http::Request::builder().method(method).uri(path).header("Content-Type", content);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let bytes = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        match self.harbour.api.client(who).request::<Value>(request.body(bytes).unwrap()).await {
            Ok(body) => Answer { code: if method == "POST" { 201 } else { 200 }, body },
            Err(Error::Api(status)) => Answer { code: status.code, body: serde_json::to_value(&*status).unwrap() },
            Err(err) => panic!("{method} {path}: {err}"),
        }
    }

    /// Asks, and compares the code and a part of what is said.
    #[track_caller]
    pub(crate) fn check<'a>(
        &'a self,
        name: &'a str,
        method: &'a str,
        path: &'a str,
        body: Value,
        code: u16,
        said: &'a str,
    ) -> impl Future<Output = ()> + 'a {
        let place = std::panic::Location::caller();
        async move {
            let answer = self.ask(name, method, path, body).await;
            let told = if code < 300 { answer.body.to_string() } else { answer.message().to_owned() };
            assert!(answer.code == code && told.contains(said), "{place}: {name} {method} {path}: {} {told}", answer.code);
        }
    }
}
