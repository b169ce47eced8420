//! A small bank with its people, on the real binary: what the tests of rights and refusals ask about.

use crate::asking::{Answer, Door};
use crate::running::{Plane, SOON, Said, run, seaway};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Who promotes what there: the demo's roles, without what people have beyond the project.
const PEOPLE: &str = include_str!("../../src/commands/demo/people.yaml");
/// The stages, in their order.
pub(crate) const STAGES: [&str; 4] = ["qa", "e2e", "staging", "prod-eu"];
/// Where the bank's objects of Kargo's kinds are.
pub(crate) const KARGO: &str = "/apis/kargo.akuity.io/v1alpha1/namespaces/bank";

/// A control plane with the projects `bank` and `shop`, one freight, and a promotion of it in `qa` and in `prod-eu`.
pub(crate) struct Bank {
    pub(crate) plane: Plane,
    pub(crate) door: Door,
    /// The token of the data folder.
    pub(crate) owner: String,
    /// The freight's name.
    pub(crate) freight: String,
    /// The names of the promotions to `qa` and to `prod-eu`.
    pub(crate) promotions: [String; 2],
}

fn documents() -> String {
    let kargo = "---\napiVersion: kargo.akuity.io/v1alpha1\n";
    let project = |name: &str| format!("{kargo}kind: Project\nmetadata: {{ name: {name} }}\n");
    let warehouse = format!(
        "{kargo}kind: Warehouse\nmetadata: {{ name: bank, namespace: bank }}\nspec:\n  freightCreationPolicy: Manual\n  interval: 1h\n  \
         subscriptions:\n  - image: {{ repoURL: 127.0.0.1:9/fund-transfer, constraint: ^1.0.0 }}\n"
    );
    let stage = |name: &str| {
        format!(
            "{kargo}kind: Stage\nmetadata: {{ name: {name}, namespace: bank }}\nspec:\n  requestedFreight:\n  - origin: {{ kind: Warehouse, name: \
             bank }}\n    sources: {{ direct: true }}\n  promotionTemplate:\n    spec:\n      steps:\n      - uses: compose-output\n        \
             config: {{ note: done }}\n"
        )
    };
    let freight = format!(
        "{kargo}kind: Freight\nmetadata: {{ name: any, namespace: bank }}\norigin: {{ kind: Warehouse, name: bank }}\nimages:\n- {{ repoURL: \
         127.0.0.1:9/fund-transfer, tag: 1.5.0 }}\n"
    );
    [project("bank"), project("shop"), warehouse].into_iter().chain(STAGES.map(stage)).chain([freight]).collect()
}

impl Bank {
    pub(crate) fn open() -> Self {
        Self::on(Plane::start())
    }

    /// With nothing in it yet.
    pub(crate) fn empty(plane: Plane) -> Self {
        let owner = std::fs::read_to_string(plane.data().join("token")).unwrap().trim().to_owned();
        let door = Door::of(&plane);
        Self { plane, door, owner, freight: String::new(), promotions: Default::default() }
    }

    pub(crate) fn on(plane: Plane) -> Self {
        let mut bank = Self::empty(plane);
        bank.apply(&documents());
        for project in ["bank", "shop"] {
            bank.until_there(&format!("/apis/rbac.authorization.k8s.io/v1/namespaces/{project}/rolebindings"), 3);
        }
        let people: Vec<&str> = PEOPLE.split("---\n").filter(|it| !it.contains("kind: ClusterRoleBinding")).collect();
        bank.apply(&people.join("---\n"));
        bank.freight = bank.named(&format!("{KARGO}/freights"));
        bank.promotions = ["qa", "prod-eu"].map(|stage| {
            bank.plane.ok(&["promote", stage, "-p", "bank", "--freight", "1.5.0", "--wait"]);
            bank.promotion_to(stage)
        });
        bank
    }

    #[track_caller]
    pub(crate) fn apply(&self, text: &str) {
        let said = self.plane.apply(text, &[]);
        assert_eq!(said.code, 0, "{}", said.err);
    }

    pub(crate) fn as_owner(&self, method: &str, target: &str, body: &str) -> Answer {
        self.door.as_bearer(&self.owner, method, target, body)
    }

    /// The name of a promotion to this stage.
    pub(crate) fn promotion_to(&self, stage: &str) -> String {
        let all = self.as_owner("GET", &format!("{KARGO}/promotions"), "").json();
        let own = all["items"].as_array().unwrap().iter().find(|it| it["spec"]["stage"] == stage);
        own.unwrap()["metadata"]["name"].as_str().unwrap().to_owned()
    }

    /// Waits until a list has so many items.
    fn until_there(&self, path: &str, n_items: usize) {
        let start = Instant::now();
        loop {
            let answer = self.as_owner("GET", path, "");
            if answer.status == 200 && answer.json()["items"].as_array().is_some_and(|items| items.len() >= n_items) {
                return;
            }
            assert!(start.elapsed() < SOON, "{path} has not {n_items} items: {}", answer.body);
            std::thread::park_timeout(Duration::from_millis(50));
        }
    }

    /// The name of the only one there is.
    fn named(&self, path: &str) -> String {
        let list = self.as_owner("GET", path, "").json();
        list["items"][0]["metadata"]["name"].as_str().unwrap().to_owned()
    }

    /// A token of a service account.
    pub(crate) fn account(&self, namespace: &str, name: &str) -> String {
        let path = format!("/api/v1/namespaces/{namespace}/serviceaccounts/{name}/token");
        let ask = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": 3600}});
        let answer = self.as_owner("POST", &path, &ask.to_string());
        assert_eq!(answer.status, 201, "{}", answer.body);
        answer.json()["status"]["token"].as_str().unwrap().to_owned()
    }

    /// Makes a local user; answers their password.
    pub(crate) fn user(&self, name: &str) -> String {
        let said = self.plane.ok(&["user", "add", name, "--generate"]);
        let line = said.lines().find_map(|line| line.strip_prefix("password  ")).unwrap();
        line.split(' ').next().unwrap().to_owned()
    }

    /// Signs a local user in; answers the cookie.
    pub(crate) fn sign_in(&self, name: &str, password: &str) -> String {
        let body = json!({"user": name, "password": password}).to_string();
        let answer = self.door.ask("POST", "/seaway/v1/session", &[("Origin", &self.door.origin())], &body);
        assert_eq!(answer.status, 204, "{}", answer.body);
        answer.cookie().unwrap()
    }

    /// Makes a local user and an API token of theirs.
    pub(crate) fn person(&self, name: &str) -> String {
        let password = self.user(name);
        self.token(&self.sign_in(name, &password)).1
    }

    /// Makes an API token for whoever holds the cookie; answers its id and itself.
    pub(crate) fn token(&self, cookie: &str) -> (String, String) {
        let made = self.door.as_page(cookie, "POST", "/seaway/v1/tokens", &json!({"name": "tests"}).to_string());
        assert_eq!(made.status, 201, "{}", made.body);
        let text = |name: &str| made.json()[name].as_str().unwrap().to_owned();
        (text("id"), text("token"))
    }

    /// A command as whoever has the token.
    pub(crate) fn command_as(&self, token: &str, args: &[&str]) -> Said {
        let text = std::fs::read_to_string(self.plane.data().join("kubeconfig")).unwrap();
        let mut kubeconfig: Value = serde_json::from_str(&text).unwrap();
        kubeconfig["users"][0]["user"]["token"] = token.into();
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("kubeconfig");
        std::fs::write(&path, kubeconfig.to_string()).unwrap();
        run(seaway(self.plane.home()).arg("--kubeconfig").arg(&path).args(args))
    }
}
