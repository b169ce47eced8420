//! The whole table of routes without a socket: who is let in from where, and what ends with a session.

use axum::Router;
use axum::body::{Body, to_bytes};
use futures::StreamExt as _;
use http::{Request, StatusCode, header};
use seaway_apiserver::{ApiServer, Identity, Options, Rules, Running, ours};
use seaway_base::{Random, Secret, SystemClock};
use seaway_identity::{Identities, Settings};
use seaway_server::api::Served;
use seaway_server::reach::Peer;
use seaway_server::{Health, Info, Metrics, Reach, ServerState, ServiceTokens, Tokens};
use seaway_store::{SqliteStore, Store};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tower::ServiceExt as _;

const OWN: &str = "https://127.0.0.1:7443";
const FOLDER: &str = "the token of the data folder";
const RIGHT: &str = "correct horse battery";
/// What is waited for comes by then.
const SOON: Duration = Duration::from_secs(5);

struct Port {
    routes: Router,
    cookie: String,
    _running: Running,
    _folder: TempDir,
}

struct Answer {
    status: StatusCode,
    cookie: Option<String>,
    text: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap()
    }
}

impl Port {
    /// With bob, who has a password.
    async fn open() -> Self {
        let folder = TempDir::new().unwrap();
        let options = seaway_store::Options::new(folder.path().join("store.db")).sealing(Secret::new([9; 32]), &["secrets"]);
        let store: Arc<dyn Store> = Arc::new(SqliteStore::open(options).unwrap());
        let (clock, random) = (SystemClock::shared(), Random::system());
        let api = ApiServer::new(store, ours(), Arc::new(Rules), clock.clone(), random.clone(), Options::default());
        let running = api.start().await.unwrap();
        let client = api.client(Identity::controller("identity"));
        let identities = Identities::start(client, clock.clone(), random.clone(), Settings::default()).await.unwrap();
        identities.add_user("bob", &Secret::new(RIGHT.to_owned()), &[]).await.unwrap();
        let admin = Identity::new("admin", &["system:masters"]).unwrap();
        let tokens = Tokens::default().with(&Secret::new(FOLDER.to_owned()), admin);
        api.serve_tokens(Arc::new(ServiceTokens::new(identities.clone(), tokens.clone())));
        let info = Info { reach: Reach::new(OWN, &[], Vec::new()), ..Info::new("1", OWN, folder.path()) };
        let served = Served::new(&api, clock.clone(), info.is_built);
        let cookie = info.cookie.clone();
        let state = ServerState { api, identities, oidc: None, served, clock, random, info: Arc::new(info) };
        let routes = seaway_server::router(state, tokens, Health::default(), Metrics::default());
        Self { routes, cookie, _running: running, _folder: folder }
    }

    /// Asks with these headers; `host` is ours unless they say another.
    async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &Value) -> http::Response<Body> {
        let mut request = Request::builder().method(method).uri(path);
        if !headers.iter().any(|(name, _)| *name == "host") {
            request = request.header(header::HOST, "127.0.0.1:7443");
        }
        if !body.is_null() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = if body.is_null() { Body::empty() } else { Body::from(body.to_string()) };
        let mut request = request.body(body).unwrap();
        let (remote, local) = ("192.0.2.9:999".parse().unwrap(), "192.0.2.1:7443".parse().unwrap());
        request.extensions_mut().insert(Peer { remote, local });
        self.routes.clone().oneshot(request).await.unwrap()
    }

    async fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &Value) -> Answer {
        let response = self.send(method, path, headers, body).await;
        let cookie = response.headers().get(header::SET_COOKIE).map(|value| value.to_str().unwrap().to_owned());
        let status = response.status();
        let text = String::from_utf8(to_bytes(response.into_body(), 1 << 20).await.unwrap().to_vec()).unwrap();
        Answer { status, cookie, text }
    }

    /// The `Cookie` of a session of bob's.
    async fn bob(&self) -> String {
        let sign_in = json!({ "user": "bob", "password": RIGHT });
        let answer = self.ask("POST", "/seaway/v1/session", &[("origin", OWN)], &sign_in).await;
        assert_eq!(answer.status, StatusCode::NO_CONTENT, "{}", answer.text);
        let cookie = answer.cookie.unwrap();
        assert!(cookie.starts_with(&format!("{}=", self.cookie)) && self.cookie.starts_with("__Host-seaway-"), "{cookie}");
        assert!(cookie.ends_with("; Path=/; Secure; HttpOnly; SameSite=Strict"), "{cookie}");
        cookie.split(';').next().unwrap().to_owned()
    }
}

#[tokio::test]
async fn a_foreign_host_is_refused_on_every_path() {
    let port = Port::open().await;
    for path in
        ["/", "/p/bank", "/healthz", "/livez", "/metrics", "/status", "/api", "/version", "/seaway/v1/session", "/nowhere"]
    {
        let check = async |host: &str, expected: bool| {
            let answer =
                port.ask("GET", path, &[("host", host), ("authorization", &format!("Bearer {FOLDER}"))], &Value::Null).await;
            assert_eq!(answer.status == StatusCode::MISDIRECTED_REQUEST, expected, "{path} at {host}: {}", answer.text);
        };
        for foreign in ["evil.example", "evil.example:7443", "127.0.0.1.evil.example", "192.0.2.9", ""] {
            check(foreign, true).await;
        }
        for own in ["127.0.0.1:7443", "localhost", "[::1]:9", "192.0.2.1:7443"] {
            check(own, false).await;
        }
    }
    let none = Request::get("/healthz").body(Body::empty()).unwrap();
    assert_eq!(port.routes.clone().oneshot(none).await.unwrap().status(), StatusCode::MISDIRECTED_REQUEST);
    let other_line =
        Request::get("https://evil.example/healthz").header(header::HOST, "127.0.0.1:7443").body(Body::empty()).unwrap();
    assert_eq!(port.routes.clone().oneshot(other_line).await.unwrap().status(), StatusCode::MISDIRECTED_REQUEST);
}

#[tokio::test]
async fn only_our_own_origin_changes_something_by_a_session() {
    let port = Port::open().await;
    let cookie = port.bob().await;
    let config_map = json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "generateName": "c-" } });
    // What bob may not is refused by his rights: the origin was ours, then. Nothing else may come so far.
    let doors = [("/seaway/v1/links", json!({})), ("/api/v1/namespaces/default/configmaps", config_map)];
    for (path, body) in doors {
        let foreign = async |headers: &[(&str, &str)]| {
            let answer = port.ask("POST", path, headers, &body).await;
            answer.status == StatusCode::FORBIDDEN && answer.text.contains("origin")
        };
        let with = |origin: &'static str| [("cookie", cookie.as_str()), ("origin", origin)];
        assert!(!foreign(&with(OWN)).await, "{path}");
        // Another name of ours is another origin.
        assert!(foreign(&with("https://localhost:7443")).await, "{path}");
        let others = ["https://evil.example", "https://127.0.0.1:7444", "http://127.0.0.1:7443", "https://127.0.0.1", "null", ""];
        for origin in others {
            assert!(foreign(&with(origin)).await, "{path} from {origin:?}");
        }
        assert!(foreign(&[("cookie", &cookie)]).await, "{path} without an origin");
        for site in ["cross-site", "same-site"] {
            assert!(foreign(&[("cookie", &cookie), ("origin", OWN), ("sec-fetch-site", site)]).await, "{path} {site}");
        }
        // A token needs no origin; a foreign one is refused with it too.
        let bearer = format!("Bearer {FOLDER}");
        assert!(!foreign(&[("authorization", &bearer)]).await);
        assert!(foreign(&[("authorization", &bearer), ("origin", "https://evil.example")]).await);
    }
    // Nobody is signed in from elsewhere, and reading from elsewhere by the session is no use either.
    let sign_in = json!({ "user": "bob", "password": RIGHT });
    let answer = port.ask("POST", "/seaway/v1/session", &[("origin", "https://evil.example")], &sign_in).await;
    assert_eq!((answer.status, answer.cookie), (StatusCode::FORBIDDEN, None));
    let read = [("cookie", cookie.as_str()), ("sec-fetch-site", "same-site"), ("sec-fetch-mode", "no-cors")];
    assert_eq!(port.ask("GET", "/api", &read, &Value::Null).await.status, StatusCode::FORBIDDEN);
    let goes = [("cookie", cookie.as_str()), ("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate")];
    assert_ne!(port.ask("GET", "/", &goes, &Value::Null).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn who_one_is_nobody_says_by_a_header_or_in_a_url() {
    let port = Port::open().await;
    let cookie = port.bob().await;
    let who =
        async |headers: &[(&str, &str)], path: &str| port.ask("GET", path, headers, &Value::Null).await.json()["user"].clone();
    let session = "/seaway/v1/session";
    assert_eq!(who(&[("cookie", &cookie)], session).await, "user:bob");
    assert_eq!(who(&[("cookie", &cookie), ("authorization", &format!("Bearer {FOLDER}"))], session).await, "admin");
    assert_eq!(who(&[("cookie", &cookie), ("authorization", "Bearer wrong")], session).await, Value::Null);
    for name in ["x-remote-user", "x-forwarded-user", "x-auth-request-user", "remote-user", "seaway-user", "forwarded"] {
        assert_eq!(who(&[(name, "admin"), ("x-remote-group", "system:masters")], session).await, Value::Null, "{name}");
        assert_eq!(who(&[("cookie", &cookie), (name, "admin")], session).await, "user:bob", "{name}");
    }
    let in_url = format!("{session}?access_token={}&token=x", FOLDER.replace(' ', "%20"));
    assert_eq!(who(&[], &in_url).await, Value::Null);
    assert_eq!(port.ask("GET", "/api", &[], &Value::Null).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(port.ask("GET", "/metrics", &[("cookie", &cookie)], &Value::Null).await.status, StatusCode::FORBIDDEN);
    assert_eq!(port.ask("GET", "/healthz", &[], &Value::Null).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_cookie_is_no_use_after_signing_out_and_a_link_once() {
    let port = Port::open().await;
    let cookie = port.bob().await;
    let own = [("cookie", cookie.as_str()), ("origin", OWN)];
    let link = port.ask("POST", "/seaway/v1/links", &own, &json!({})).await.json()["url"].as_str().unwrap().to_owned();
    let link = link.strip_prefix(&format!("{OWN}/#link=")).unwrap().to_owned();
    let use_it = async || port.ask("POST", "/seaway/v1/session", &[("origin", OWN)], &json!({ "link": link })).await;
    assert_eq!(use_it().await.status, StatusCode::NO_CONTENT);
    let again = use_it().await;
    assert_eq!((again.status, again.cookie), (StatusCode::UNAUTHORIZED, None));
    assert!(!again.text.contains(&link), "{}", again.text);
    let out = port.ask("DELETE", "/seaway/v1/session", &own, &Value::Null).await;
    assert_eq!(out.status, StatusCode::NO_CONTENT);
    assert!(out.cookie.unwrap().contains("=; Path=/"));
    assert_eq!(port.ask("GET", "/seaway/v1/tokens", &own, &Value::Null).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_scoped_token_gives_nothing_on_and_a_body_is_not_repeated() {
    let port = Port::open().await;
    let cookie = port.bob().await;
    let own = [("cookie", cookie.as_str()), ("origin", OWN)];
    let make = async |scope: Value| {
        let ask = json!({ "name": "ci", "scope": scope, "expiresIn": 600 });
        port.ask("POST", "/seaway/v1/tokens", &own, &ask).await.json()["token"].as_str().unwrap().to_owned()
    };
    let (scoped, whole) = (make(json!({ "verbs": ["get"] })).await, make(Value::Null).await);
    let bearer = |token: &str| format!("Bearer {token}");
    for (method, path) in [
        ("POST", "/seaway/v1/links"),
        ("POST", "/seaway/v1/tokens"),
        ("GET", "/seaway/v1/tokens"),
        ("GET", "/seaway/v1/sessions"),
    ] {
        let body = if method == "POST" { json!({ "name": "more" }) } else { Value::Null };
        let body = if path.ends_with("links") { json!({}) } else { body };
        let answer = port.ask(method, path, &[("authorization", &bearer(&scoped))], &body).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{method} {path}: {}", answer.text);
    }
    // What a token makes ends with it.
    let ask = json!({ "name": "more", "expiresIn": 900_000 });
    let more = port.ask("POST", "/seaway/v1/tokens", &[("authorization", &bearer(&whole))], &ask).await;
    let list = port.ask("GET", "/seaway/v1/tokens", &own, &Value::Null).await.json();
    let ends =
        |name: &str| list["items"].as_array().unwrap().iter().find(|row| row["name"] == name).unwrap()["expiresAt"].clone();
    assert_eq!(more.status, StatusCode::CREATED);
    assert!(ends("more").as_str() <= ends("ci").as_str(), "{list}");
    assert!(!list.to_string().contains("seaway_"));
    for body in [json!({ "user": "bob", "password": ["c4nary"] }), json!({ "link": { "c4nary": 1 } }), json!({ "c4nary": "x" })] {
        let answer = port.ask("POST", "/seaway/v1/session", &[("origin", OWN)], &body).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(!answer.text.contains("c4nary"), "{}", answer.text);
    }
}

#[tokio::test]
async fn a_new_password_ends_the_session_and_the_watch_it_holds_open() {
    let port = Port::open().await;
    let admin = format!("Bearer {FOLDER}");
    let binding = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": { "name": "bob" },
        "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin" },
        "subjects": [{ "apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "user:bob" }],
    });
    let path = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings";
    assert_eq!(port.ask("POST", path, &[("authorization", &admin)], &binding).await.status, StatusCode::CREATED);
    let cookie = port.bob().await;
    let watch = port.send("GET", "/api/v1/namespaces?watch=1", &[("cookie", &cookie)], &Value::Null).await;
    assert_eq!(watch.status(), StatusCode::OK);
    let mut stream = watch.into_body().into_data_stream();
    assert!(stream.next().await.unwrap().is_ok());
    let set = async |old: Option<&str>| {
        let body = json!({ "password": "another long password", "old": old });
        port.ask("POST", "/seaway/v1/users/bob/password", &[("cookie", &cookie), ("origin", OWN)], &body).await.status
    };
    assert_eq!(set(None).await, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(set(Some("wrong password 1")).await, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(set(Some(RIGHT)).await, StatusCode::NO_CONTENT);
    let ended = async { while let Some(Ok(_)) = stream.next().await {} };
    tokio::time::timeout(SOON, ended).await.unwrap();
    assert_eq!(port.ask("GET", "/api", &[("cookie", &cookie)], &Value::Null).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn whoever_acts_as_another_counts_as_them_at_every_door() {
    let port = Port::open().await;
    let admin = format!("Bearer {FOLDER}");
    let eve = [("authorization", admin.as_str()), ("impersonate-user", "user:eve")];
    assert_eq!(port.ask("GET", "/seaway/v1/session", &eve, &Value::Null).await.json()["user"], "user:eve");
    assert_eq!(port.ask("GET", "/status", &eve, &Value::Null).await.status, StatusCode::OK);
    let refused = async |method: &str, path: &str, headers: &[(&str, &str)], body: Value, word: &str| {
        let answer = port.ask(method, path, headers, &body).await;
        assert!(answer.status == StatusCode::FORBIDDEN && answer.text.contains(word), "{method} {path}: {}", answer.text);
    };
    let promotion = json!({ "stage": "qa", "freight": "1.5.0" });
    for (method, path, body) in [
        ("GET", "/metrics", Value::Null),
        ("GET", "/api/v1/namespaces", Value::Null),
        ("GET", "/seaway/v1/users", Value::Null),
        ("POST", "/seaway/v1/projects/bank/promotions", promotion),
    ] {
        refused(method, path, &eve, body.clone(), "eve may not").await;
        let bob = port.bob().await;
        let as_admin = [("cookie", bob.as_str()), ("origin", OWN), ("impersonate-user", "admin")];
        refused(method, path, &as_admin, body, "the verb impersonate").await;
    }
    // Ways to sign in are the person's own.
    let sign_in = json!({ "user": "bob", "password": RIGHT });
    for (method, path, body) in [
        ("POST", "/seaway/v1/links", json!({})),
        ("POST", "/seaway/v1/tokens", json!({ "name": "ci" })),
        ("DELETE", "/seaway/v1/tokens/x", Value::Null),
        ("POST", "/seaway/v1/session", sign_in),
        ("DELETE", "/seaway/v1/session", Value::Null),
        ("DELETE", "/seaway/v1/sessions/x", Value::Null),
        ("POST", "/seaway/v1/users", json!({ "name": "carl", "password": "a long enough password" })),
        ("POST", "/seaway/v1/users/eve/password", json!({ "password": "a long enough password" })),
        ("DELETE", "/seaway/v1/users/bob", Value::Null),
    ] {
        refused(method, path, &eve, body, "acts as another").await;
    }
    // What cannot be honoured is refused everywhere, by whomever it is sent.
    for path in ["/seaway/v1/session", "/metrics", "/status", "/api", "/healthz"] {
        let status = async |headers: &[(&str, &str)]| port.ask("GET", path, headers, &Value::Null).await.status;
        assert_eq!(status(&[("impersonate-user", "user:eve")]).await, StatusCode::UNAUTHORIZED, "{path}");
        assert_eq!(status(&[eve[0], ("impersonate-nobody", "x")]).await, StatusCode::BAD_REQUEST, "{path}");
        assert_eq!(status(&[eve[0], ("impersonate-group", "system:masters")]).await, StatusCode::FORBIDDEN, "{path}");
    }
}
