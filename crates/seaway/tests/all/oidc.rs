//! Sign-in by a real identity provider on `localhost`, with the real binary on `127.0.0.1`: on the page's routes and by `seaway login`.

#[path = "../../../identity/tests/oidc/node.rs"]
mod node;

use crate::running::{BANK, Plane, SOON, run, seaway};
use http::header::{ACCEPT, COOKIE, LOCATION, SET_COOKIE};
use node::{Node, told};
use reqwest::{Certificate, Client, Response};
use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Instant;
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

/// A role for a group that comes from the provider.
const VIEWERS: &str = "\
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: { name: looks, namespace: bank }
rules:
- { apiGroups: [kargo.akuity.io], resources: [stages], verbs: [get, list, watch] }
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: { name: from-outside, namespace: bank }
roleRef: { apiGroup: rbac.authorization.k8s.io, kind: Role, name: looks }
subjects:
- { apiGroup: rbac.authorization.k8s.io, kind: Group, name: 'oidc:devops' }
";

/// A control plane that knows a real provider.
struct World {
    runtime: Runtime,
    node: Node,
    plane: Plane,
    url: String,
    client: Client,
}

fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
}

/// A control plane with this issuer.
fn plane_of(issuer: &str) -> (Plane, String, Client) {
    let home = TempDir::new().unwrap();
    let secret = home.path().join("secret");
    std::fs::write(&secret, "seaway-secret-of-the-tests\n").unwrap();
    let plane = Plane::with(home, |command| {
        command.env("SEAWAY_OIDC_ISSUER", issuer).env("SEAWAY_OIDC_CLIENT_SECRET_FILE", secret);
        command.env("SEAWAY_OIDC_CLI_CLIENT_ID", "seaway-cli").env("SEAWAY_OIDC_NAME", "Corp").env("SEAWAY_OIDC_RECHECK", "1s");
    });
    let url = plane.ready.split_whitespace().nth(1).unwrap().to_owned();
    let ca = std::fs::read(plane.data().join("tls/ca.pem")).unwrap();
    let client = Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy();
    let client = client.tls_certs_only([Certificate::from_pem(&ca).unwrap()]).build().unwrap();
    (plane, url, client)
}

impl World {
    fn start() -> Option<Self> {
        let runtime = runtime();
        let node = runtime.block_on(Node::start())?;
        let (plane, url, client) = plane_of(&node.issuer);
        runtime.block_on(node.change(json!({ "redirectURIs": [format!("{url}/seaway/v1/oidc/callback")] })));
        Some(Self { runtime, node, plane, url, client })
    }

    fn get(&self, path: &str, cookie: &str) -> Response {
        let request = self.client.get(format!("{}{path}", self.url)).header(COOKIE, cookie);
        self.runtime.block_on(request.send()).unwrap()
    }

    fn json(&self, path: &str, cookie: &str) -> Value {
        let answer = self.get(path, cookie);
        self.runtime.block_on(answer.json()).unwrap()
    }

    /// Goes to the provider as `login` and comes back: where to, and the cookie of the sign-in.
    fn went(&self, login: &str) -> (String, String) {
        let begun = self.get("/seaway/v1/oidc/start?to=/p/bank", "");
        assert_eq!(begun.status(), 303);
        let (cookie, rules) = cookie(&begun).unwrap();
        assert!(cookie.starts_with("__Host-seaway-signin-"), "{cookie}");
        for rule in ["Secure", "HttpOnly", "SameSite=Lax", "Path=/"] {
            assert!(rules.contains(rule), "{rules}");
        }
        let until = format!("{}/seaway/v1/oidc/callback", self.url);
        let at = begun.headers()[LOCATION].to_str().unwrap();
        let back = self.runtime.block_on(self.node.browser().sign_in(at, login, &until));
        (back.as_str().strip_prefix(&self.url).unwrap().to_owned(), cookie)
    }

    /// Signs in; answers the session's cookie.
    fn sign_in(&self, login: &str) -> String {
        let (back, pending) = self.went(login);
        let done = self.get(&back, &pending);
        assert_eq!((done.status().as_u16(), done.headers()[LOCATION].to_str().unwrap()), (303, "/p/bank"));
        let all: Vec<&str> = done.headers().get_all(SET_COOKIE).iter().map(|it| it.to_str().unwrap()).collect();
        assert!(all.iter().any(|it| it.starts_with("__Host-seaway-signin-") && it.contains("Max-Age=0")), "{all:?}");
        let session = all.iter().find(|it| it.contains("SameSite=Strict")).unwrap();
        session.split(';').next().unwrap().to_owned()
    }

    /// Starts `seaway login`, which prints where to go.
    fn login(&self, more: &[&str]) -> Login {
        let mut child =
            self.login_command(more).arg("--no-browser").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut said = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        said.read_line(&mut line).unwrap();
        let Some(at) = line.trim().strip_prefix("open  ").map(str::to_owned) else {
            panic!("{line}{:?}", child.wait_with_output())
        };
        Login { child, said, at }
    }

    fn login_command(&self, more: &[&str]) -> Command {
        let mut command = seaway(self.plane.home());
        command.args(["login", &self.url, "--ca"]).arg(self.plane.data().join("tls/ca.pem")).args(more);
        command
    }

    fn login_file(&self) -> PathBuf {
        self.plane.home().join(".local/state/seaway/login")
    }
}

fn cookie(answer: &Response) -> Option<(String, String)> {
    let (pair, rules) = answer.headers().get(SET_COOKIE)?.to_str().unwrap().split_once(';')?;
    Some((pair.to_owned(), rules.to_owned()))
}

/// A `seaway login` that waits for somebody.
struct Login {
    child: Child,
    said: BufReader<ChildStdout>,
    at: String,
}

impl Login {
    /// Waits until it is done; answers what it said last.
    fn done(mut self) -> String {
        let mut rest = String::new();
        self.said.read_to_string(&mut rest).unwrap();
        let output = self.child.wait_with_output().unwrap();
        assert!(output.status.success(), "{rest}{}", String::from_utf8_lossy(&output.stderr));
        rest
    }
}

#[test]
fn the_page_signs_in_maps_groups_and_a_closed_account_loses_its_session() {
    let Some(world) = World::start() else { return };
    assert_eq!(world.json("/seaway/v1/session", "")["oidc"]["name"], "Corp");
    assert_eq!(world.plane.apply(BANK, &[]).code, 0);
    let session = world.sign_in("carl");
    let who = world.json("/seaway/v1/session", &session);
    assert_eq!((who["user"].as_str(), who["via"].as_str()), (Some("oidc:carl@example.com"), Some("oidc")), "{who}");
    let stages = "/apis/kargo.akuity.io/v1alpha1/namespaces/bank/stages";
    assert_eq!(world.get(stages, &session).status(), 403);
    assert_eq!(world.plane.apply(VIEWERS, &[]).code, 0);
    until("the group counts", || world.get(stages, &session).status() == 200);
    let other = world.sign_in("vera");
    assert_eq!(world.get(stages, &other).status(), 403);
    world.runtime.block_on(world.node.change(json!({ "groups": { "vera": ["devops"] } })));
    until("a new group counts", || world.get(stages, &other).status() == 200);
    world.runtime.block_on(world.node.change(json!({ "disable": ["carl"] })));
    until("the session ends", || world.json("/seaway/v1/session", &session)["user"].is_null());
    assert_eq!(world.get(stages, &session).status(), 401);
    told("real oidc-provider page of the binary, groups to rights, closed account");
}

#[test]
fn an_answer_counts_once_and_in_the_browser_that_asked() {
    let Some(world) = World::start() else { return };
    let (back, pending) = world.went("carl");
    assert_eq!(world.get(&back, "").status(), 400);
    assert_eq!(world.get(&back.replace("state=", "state=x"), &pending).status(), 400);
    let elsewhere = world.get(&back.replace("iss=", "iss=https%3A%2F%2Fevil.example%2F"), &pending);
    assert_eq!(elsewhere.status(), 401);
    assert_eq!(world.get(&back, &pending).status(), 303);
    let again = world.get(&back, &pending);
    assert!(again.status() == 401 && !cookie(&again).unwrap().0.starts_with("__Host-seaway-session"));
    let browser = world.client.get(format!("{}{back}", world.url)).header(COOKIE, &pending).header(ACCEPT, "text/html");
    let browser = world.runtime.block_on(browser.send()).unwrap();
    assert!(browser.headers()[LOCATION].to_str().unwrap().starts_with("/#refused=denied&id="));
    assert_eq!(world.get("/seaway/v1/oidc/start?to=//evil.example", "").status(), 400);
    told("real oidc-provider answers replayed and forged");
}

#[test]
fn login_by_device_serves_every_command_until_logout() {
    let Some(world) = World::start() else { return };
    let login = world.login(&[]);
    world.runtime.block_on(world.node.browser().sign_in(&login.at, "carl", "nowhere:"));
    let said = login.done();
    assert!(said.contains("as oidc:carl@example.com until "), "{said}");
    signed_in_until_logout(&world, "oidc:carl@example.com");
    told("real oidc-provider seaway login, device flow");
}

#[test]
fn login_by_a_callback_where_there_is_no_device_flow() {
    let Some(world) = World::start() else { return };
    world.runtime.block_on(world.node.change(json!({ "device": false })));
    // What was known of the provider is an hour good here, and new to the CLI.
    let login = world.login(&[]);
    let back = world.runtime.block_on(world.node.browser().sign_in(&login.at, "carl", "http://127.0.0.1:"));
    let rebound = world.client.get(back.clone()).header("host", "evil.example");
    assert_eq!(world.runtime.block_on(rebound.send()).unwrap().status(), 421);
    let page = world.runtime.block_on(world.client.get(back.clone()).send()).unwrap();
    assert_eq!(page.status(), 200);
    login.done();
    assert!(world.runtime.block_on(world.client.get(back).send()).is_err(), "the port is closed");
    signed_in_until_logout(&world, "oidc:carl@example.com");
    told("real oidc-provider seaway login, callback");
}

fn signed_in_until_logout(world: &World, user: &str) {
    let kept = world.login_file();
    assert_eq!(std::fs::metadata(&kept).unwrap().permissions().mode() & 0o777, 0o600);
    let home = world.plane.home();
    let who = run(seaway(home).args(["whoami", "-o", "name"]));
    assert_eq!((who.out.trim(), who.code), (user, 0), "{}", who.err);
    let copy = home.join("copy");
    std::fs::copy(&kept, &copy).unwrap();
    let out = run(seaway(home).arg("logout"));
    assert_eq!((out.out.as_str(), out.code), ("signed out\n", 0), "{}", out.err);
    assert!(!kept.exists());
    let after = run(seaway(home).arg("--kubeconfig").arg(&copy).arg("whoami"));
    assert_eq!(after.code, 1, "{}", after.out);
}

#[test]
fn login_by_password_and_without_trust() {
    let (plane, url, _) = plane_of("http://localhost:1");
    let mut add = plane.command(&["user", "add", "bob", "--password-stdin"]);
    assert_eq!(piped(&mut add, "a long enough password").0, 0);
    let ca = plane.data().join("tls/ca.pem");
    let login = |password: &str| {
        piped(seaway(plane.home()).args(["login", &url, "--user", "bob", "--password-stdin", "--ca"]).arg(&ca), password)
    };
    let (code, err) = login("another long password");
    assert!(code == 1 && !err.contains("another long"), "{err}");
    assert_eq!(login("a long enough password").0, 0);
    let who = run(seaway(plane.home()).args(["whoami", "-o", "name"]));
    assert_eq!(who.out, "user:bob\n", "{}", who.err);
    assert_eq!(run(seaway(plane.home()).arg("logout")).code, 0);
    let stranger = run(seaway(plane.home()).args(["login", &url]));
    assert!(stranger.code == 1 && stranger.err.contains("(SHA-256 ") && stranger.err.contains("--ca ca.pem"), "{}", stranger.err);
    let plain = run(seaway(plane.home()).args(["login", "http://seaway.example.com"]));
    assert_eq!(plain.code, 64, "{}", plain.err);
}

#[test]
fn a_provider_that_is_down_is_503_with_words_and_stops_nobody_else() {
    let (_plane, url, client) = plane_of("http://localhost:1");
    let runtime = runtime();
    let answer = runtime.block_on(client.get(format!("{url}/seaway/v1/oidc/start")).send()).unwrap();
    assert_eq!(answer.status(), 503);
    let problem: Value = runtime.block_on(answer.json()).unwrap();
    assert!(problem["detail"].as_str().unwrap().contains("the identity provider Corp does not answer as it should"), "{problem}");
    let body = json!({ "idToken": "a.b.c" }).to_string();
    let brought = client.post(format!("{url}/seaway/v1/oidc/token")).header("content-type", "application/json").body(body);
    assert_eq!(runtime.block_on(brought.send()).unwrap().status(), 503);
    let ready = runtime.block_on(client.get(format!("{url}/readyz")).send()).unwrap();
    assert_eq!(ready.status(), 200);
}

/// Runs a command that reads this line; its code and what it complained of.
fn piped(command: &mut Command, line: &str) -> (i32, String) {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(format!("{line}\n").as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
}

/// Asks until it is so.
fn until(what: &str, is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < SOON, "{what}: not within {SOON:?}");
        std::thread::yield_now();
    }
}
