//! What people sign in with is told once, to them, and is afterwards in no answer, page, event, figure, log or file.

use crate::asking::{Answer, Line};
use crate::bank::{Bank, KARGO};
use crate::canary::{canary, files_with, forms, holds, loud, secret};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::io::Write as _;
use std::process::Stdio;
use tempfile::TempDir;

/// Whoever asks: their name, and the header that proves them.
type Who = (&'static str, Option<(&'static str, String)>);

/// What must be found nowhere.
#[derive(Default)]
struct Secrets(Vec<String>);

impl Secrets {
    fn add(&mut self, secret: &str) -> String {
        self.0.push(secret.to_owned());
        secret.to_owned()
    }

    fn forms(&self) -> Vec<String> {
        self.0.iter().flat_map(|secret| forms(secret)).collect()
    }
}

/// A local user of whom nobody but the test knows the password.
fn add_user(bank: &Bank, name: &str, password: &str) {
    let mut command = bank.plane.command(&["user", "add", name, "--password-stdin"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(format!("{password}\n").as_bytes()).unwrap();
    let said = crate::running::Said::from(child.wait_with_output().unwrap());
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(!holds((said.out + &said.err).as_bytes(), &forms(password)));
}

/// Signs in by all ways there are, and gets all there is to get; each of it is a secret from then on.
fn people(bank: &Bank, secrets: &mut Secrets) -> Vec<Who> {
    let mut all: Vec<Who> = vec![("nobody", None), ("the owner", Some(("Authorization", format!("Bearer {}", bank.owner))))];
    for name in ["bob", "eve"] {
        let password = secrets.add(&canary());
        add_user(bank, name, &password);
        let cookie = bank.sign_in(name, &password);
        secrets.add(cookie.split_once('=').unwrap().1);
        let token = secrets.add(&bank.token(&cookie).1);
        let made = bank.door.as_page(&cookie, "POST", "/seaway/v1/links", "{}").json();
        let used = secrets.add(made["url"].as_str().unwrap().rsplit_once("#link=").unwrap().1);
        let by_link = bank.door.ask("POST", "/seaway/v1/session", &[], &json!({"link": used}).to_string());
        secrets.add(by_link.cookie().unwrap().split_once('=').unwrap().1);
        // One that stays unused.
        let made = bank.door.as_page(&cookie, "POST", "/seaway/v1/links", "{}").json();
        secrets.add(made["url"].as_str().unwrap().rsplit_once("#link=").unwrap().1);
        all.push((name, Some(("Authorization", format!("Bearer {token}")))));
        all.push((name, Some(("Cookie", cookie))));
    }
    secrets.add(&bank.account("bank", "kargo-viewer"));
    all
}

/// What is refused is not repeated.
fn refusals(bank: &Bank, secrets: &mut Secrets) -> Vec<(String, Answer)> {
    let secret = secrets.add(&canary());
    let bodies = [
        json!({"user": "bob", "password": secret}),
        json!({"user": secret, "password": secret}),
        json!({"user": "bob", "password": [secret]}),
        json!({"user": "bob", "passwort": secret}),
        json!({"link": secret}),
        json!({"link": {"it": secret}}),
        json!({"link": secret, "user": "bob", "password": secret}),
        json!(secret),
    ];
    let ask = |target: &str, body: String| {
        let bearer = format!("Bearer {}", bank.owner);
        let headers = if target.ends_with("session") { vec![] } else { vec![("Authorization", bearer.as_str())] };
        (format!("POST {target} {body}").replace(&secret, "SECRET"), bank.door.ask("POST", target, &headers, &body))
    };
    let mut all: Vec<_> = bodies.into_iter().map(|body| ask("/seaway/v1/session", body.to_string())).collect();
    all.push(ask("/seaway/v1/session", format!("{{\"password\": \"{secret}")));
    for body in [
        json!({"name": "carl", "password": [secret]}),
        json!({"name": "carl", "pasword": secret}),
        json!({"name": "system:x", "password": secret}),
    ] {
        all.push(ask("/seaway/v1/users", body.to_string()));
    }
    all.push(ask("/seaway/v1/users/bob/password", json!({"password": {"it": secret}}).to_string()));
    all.push(ask("/seaway/v1/oidc/token", json!({"idToken": secret}).to_string()));
    for path in ["/api", "/seaway/v1/projects", "/status"] {
        let bearer = format!("Bearer {secret}");
        all.push((path.to_owned(), bank.door.ask("GET", path, &[("Authorization", &bearer)], "")));
        let review = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": {"token": secret}});
        let reviewed = bank.as_owner("POST", "/apis/authentication.k8s.io/v1/tokenreviews", &review.to_string());
        // A review repeats its question, as Kubernetes has it: what it says about the token is looked at.
        let status = Answer { body: reviewed.json()["status"].to_string(), ..reviewed };
        all.push(("tokenreviews".to_owned(), status));
    }
    all
}

/// Every GET of the OpenAPI document, every list of the Kubernetes API, and what stands beside them.
fn paths(bank: &Bank) -> Vec<String> {
    let document = bank.door.ask("GET", "/seaway/v1/openapi.json", &[], "").json();
    let operations = document["paths"].as_object().unwrap().iter().filter(|(_, methods)| methods["get"].is_object());
    let values = [
        ("{project}", "bank"),
        ("{name}", &bank.promotions[0]),
        ("{freight}", &bank.freight),
        ("{other}", &bank.freight),
        ("{stage}", "qa"),
        ("{warehouse}", "bank"),
    ];
    let filled = |path: &String| values.iter().fold(path.clone(), |path, (name, value)| path.replace(name, value));
    let mut all: Vec<String> = operations.map(|(path, _)| filled(path)).collect();
    assert!(all.len() > 12 && all.iter().all(|path| !path.contains('{')), "{all:?}");
    all.extend(["/seaway/v1/search?q=canary", "/seaway/v1/sessions?user=bob", "/seaway/v1/tokens?user=bob"].map(str::to_owned));
    let beside = ["/", "/p/bank", "/status", "/metrics", "/healthz", "/readyz", "/version", "/openapi/v3", "/api", "/apis"];
    all.extend(beside.map(str::to_owned));
    let groups = bank.as_owner("GET", "/apis", "").json();
    let versions = groups["groups"].as_array().unwrap().iter().flat_map(|group| group["versions"].as_array().unwrap());
    let versions = versions.map(|version| format!("/apis/{}", version["groupVersion"].as_str().unwrap()));
    for version in versions.chain(["/api/v1".to_owned()]) {
        let resources = bank.as_owner("GET", &version, "").json()["resources"].as_array().unwrap().clone();
        for found in resources.iter().filter(|it| it["verbs"].to_string().contains("\"list\"")) {
            let name = found["name"].as_str().unwrap();
            let namespaces =
                if found["namespaced"] == true { vec!["", "/namespaces/bank", "/namespaces/seaway"] } else { vec![""] };
            all.extend(namespaces.iter().map(|namespace| format!("{version}{namespace}/{name}")));
        }
    }
    all.push(format!("{KARGO}/stages/qa"));
    all
}

/// Of Secrets all but their data, which is for those who may read them; what Seaway itself keeps there is only hashes.
fn without_data(text: &str, forms: &[String]) -> String {
    let mut list: Value = serde_json::from_str(text).unwrap();
    for item in list["items"].as_array_mut().into_iter().flatten() {
        if item["metadata"]["namespace"] == "seaway"
            && let Some(record) = item["data"]["record"].as_str()
        {
            let bytes: k8s_openapi::ByteString = serde_json::from_value(record.into()).unwrap();
            assert!(!holds(&bytes.0, forms), "a secret is kept as it is in {}", item["metadata"]);
        }
        item.as_object_mut().unwrap().remove("data");
    }
    list.to_string()
}

#[test]
fn what_people_sign_in_with_is_nowhere_afterwards() {
    let bank = Bank::on(loud(TempDir::new().unwrap(), "json"));
    let mut secrets = Secrets::default();
    let (password, value) = (secrets.add(&canary()), secrets.add(&canary()));
    bank.apply(&secret("git", "git", &format!("repoURL: 'https://git.example/bank.git', username: me, password: {password}")));
    bank.apply(&secret("token", "generic", &format!("value: {value}")));
    let people = people(&bank, &mut secrets);
    let refused = refusals(&bank, &mut secrets);
    let forms = secrets.forms();
    for (what, answer) in refused {
        assert!((200..500).contains(&answer.status) && answer.status != 204, "{what}: {}", answer.status);
        assert!(!holds(answer.whole().as_bytes(), &forms), "a secret is in the answer to {what}:\n{}", answer.whole());
    }
    let paths = paths(&bank);
    for (who, proof) in &people {
        let mut line: Line = bank.door.line();
        let headers: Vec<(&str, &str)> = proof.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let mut n_told = 0;
        for path in &paths {
            let answer = line.ask("GET", path, &headers, "");
            assert!(answer.status < 500 || path == "/readyz", "{who} {path}: {} {}", answer.status, answer.body);
            n_told += usize::from(answer.status == 200);
            let is_secrets = path.ends_with("/secrets") && answer.status == 200;
            let body = if is_secrets { without_data(&answer.body, &forms) } else { answer.body.clone() };
            let whole = Answer { body, ..answer }.whole();
            assert!(!holds(whole.as_bytes(), &forms), "a secret is in what {who} is told at {path}:\n{whole}");
        }
        assert!(n_told > if proof.is_some() { 12 } else { 4 }, "{who} was told of {n_told} paths alone");
    }
    bank.plane.ok(&["user", "rm", "eve"]);
    bank.plane.terminate();
    let mut logged = String::new();
    let mut stopped = false;
    while !stopped {
        let line = bank.plane.line(|_| true);
        stopped = line.contains("\"stopped\"");
        logged.push_str(&(line + "\n"));
    }
    assert!(
        logged.len() > 10_000 && logged.contains("signed in") && logged.contains("a sign-in was refused"),
        "too little is logged"
    );
    assert!(!holds(logged.as_bytes(), &forms), "a secret is in the log");
    let (_, home) = bank.plane.end();
    let mut names = BTreeSet::new();
    assert_eq!(files_with(home.path(), &forms, &mut names), Vec::<String>::new());
    assert!(names.contains("state.db"), "{names:?}");
}
