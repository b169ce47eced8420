//! What the door refuses, whoever tries: a test for each way in that is none.

mod rights;

use crate::asking::Answer;
use crate::bank::Bank;
use crate::running::Plane;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const SESSION: &str = "/seaway/v1/session";
const TOKENS: &str = "/seaway/v1/tokens";

/// A control plane with one local user, who is signed in.
struct House {
    bank: Bank,
    password: String,
    cookie: String,
}

impl House {
    fn start() -> Self {
        let bank = Bank::empty(Plane::start());
        let password = bank.user("bob");
        let cookie = bank.sign_in("bob", &password);
        Self { bank, password, cookie }
    }

    fn ask(&self, method: &str, target: &str, headers: &[(&str, &str)], body: &Value) -> Answer {
        self.bank.door.ask(method, target, headers, &body.to_string())
    }

    /// Whoever the door takes a cookie for.
    fn user(&self, cookie: &str) -> Value {
        self.bank.door.ask("GET", SESSION, &[("Cookie", cookie)], "").json()["user"].clone()
    }

    /// A link of bob's: what stands behind `#link=`.
    fn link(&self) -> String {
        let made = self.bank.door.as_page(&self.cookie, "POST", "/seaway/v1/links", "{}");
        assert_eq!(made.status, 200, "{}", made.body);
        made.json()["url"].as_str().unwrap().rsplit_once("#link=").unwrap().1.to_owned()
    }

    fn sign_in_by(&self, link: &str) -> Answer {
        self.bank.door.ask("POST", SESSION, &[("Origin", &self.bank.door.origin())], &json!({"link": link}).to_string())
    }

    fn n_tokens(&self) -> usize {
        let listed = self.bank.door.ask("GET", TOKENS, &[("Cookie", &self.cookie)], "").json();
        listed["items"].as_array().unwrap().len()
    }

    /// What is kept of one kind, as Secrets.
    fn kept(&self, what: &str) -> Vec<Value> {
        let path = format!("/api/v1/namespaces/seaway/secrets?labelSelector=seaway.dev/identity%3D{what}");
        self.bank.as_owner("GET", &path, "").json()["items"].as_array().unwrap().clone()
    }
}

#[track_caller]
fn refused(answer: &Answer, status: u16, problem: &str) {
    assert_eq!((answer.status, answer.problem().as_str()), (status, problem), "{}", answer.body);
    assert!(answer.cookie().is_none(), "{:?}", answer.headers);
}

/// Waits until it is so.
#[track_caller]
fn until(is_so: impl Fn() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < Duration::from_secs(5), "not within five seconds");
        std::thread::park_timeout(Duration::from_millis(20));
    }
}

#[test]
fn an_expired_link() {
    let house = House::start();
    let link = house.link();
    // Nobody can wait ten minutes here: its end is moved to where it has passed.
    let [mut secret] = house.kept("link").try_into().unwrap();
    let mut record: Value =
        serde_json::from_slice(&STANDARD.decode(secret["data"]["record"].as_str().unwrap()).unwrap()).unwrap();
    assert!(record["expiresAt"].is_string() && !record.to_string().contains(&link), "a link is kept by its hash: {record}");
    record["expiresAt"] = "2026-01-01T00:00:00Z".into();
    secret["data"]["record"] = STANDARD.encode(record.to_string()).into();
    let path = format!("/api/v1/namespaces/seaway/secrets/{}", secret["metadata"]["name"].as_str().unwrap());
    // What comes after it in the same watch tells that it was seen.
    let after = house.bank.sign_in("bob", &house.password);
    let session = house
        .kept("session")
        .into_iter()
        .max_by_key(|it| it["metadata"]["resourceVersion"].as_str().unwrap().parse::<u64>().unwrap());
    let session = session.unwrap()["metadata"]["name"].as_str().unwrap().to_owned();
    assert_eq!(house.bank.as_owner("PUT", &path, &secret.to_string()).status, 200);
    assert_eq!(house.bank.as_owner("DELETE", &format!("/api/v1/namespaces/seaway/secrets/{session}"), "").status, 200);
    until(|| house.user(&after).is_null());
    let answer = house.sign_in_by(&link);
    refused(&answer, 401, "not-authenticated");
    assert!(answer.json()["hint"].as_str().unwrap().contains("seaway open"), "{}", answer.body);
}

#[test]
fn a_used_link() {
    let house = House::start();
    let link = house.link();
    // Of two who have it one comes in.
    let answers: Vec<Answer> = std::thread::scope(|scope| {
        let both = [0; 2].map(|_| scope.spawn(|| house.sign_in_by(&link)));
        both.into_iter().map(|one| one.join().unwrap()).collect()
    });
    let mut codes: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
    codes.sort_unstable();
    assert_eq!(codes, [204, 401]);
    let won = answers.iter().find_map(Answer::cookie).unwrap();
    assert_eq!(house.user(&won), "user:bob");
    refused(&house.sign_in_by(&link), 401, "not-authenticated");
    refused(&house.sign_in_by("x"), 401, "not-authenticated");
}

#[test]
fn a_forged_cookie() {
    let house = House::start();
    let other = House::start();
    let (name, value) = house.cookie.split_once('=').unwrap();
    let theirs = other.cookie.split_once('=').unwrap();
    assert_ne!(name, theirs.0, "two data folders have cookies of two names");
    assert!(name.starts_with("__Host-"), "{name}");
    let mut flipped = value.to_owned();
    let last = if flipped.ends_with('A') { 'B' } else { 'A' };
    flipped.replace_range(..1, if flipped.starts_with('A') { "B" } else { "A" });
    let cut = &value[..value.len() - 1];
    for forged in [theirs.1, &flipped, cut, &format!("{cut}{last}{last}"), "", "user:bob", "null", &value.to_uppercase()] {
        let cookie = format!("{name}={forged}");
        assert!(house.user(&cookie).is_null(), "{forged}");
        refused(&house.bank.door.as_page(&cookie, "GET", TOKENS, ""), 401, "not-authenticated");
        assert_eq!(house.bank.door.ask("GET", "/api/v1/namespaces", &[("Cookie", &cookie)], "").status, 401);
    }
    // Under another name it is no cookie of ours.
    assert!(house.user(&format!("seaway={value}")).is_null());
    assert!(other.user(&format!("{name}={value}")).is_null());
}

#[test]
fn a_replayed_cookie() {
    let house = House::start();
    let gone = |cookie: &str| {
        assert!(house.user(cookie).is_null());
        refused(&house.bank.door.as_page(cookie, "POST", TOKENS, r#"{"name":"x"}"#), 401, "not-authenticated");
    };
    // After signing out.
    assert_eq!(house.bank.door.as_page(&house.cookie, "DELETE", SESSION, "").status, 204);
    gone(&house.cookie);
    // After the session was ended from outside.
    let cookie = house.bank.sign_in("bob", &house.password);
    for secret in house.kept("session") {
        let name = secret["metadata"]["name"].as_str().unwrap();
        assert_eq!(house.bank.as_owner("DELETE", &format!("/api/v1/namespaces/seaway/secrets/{name}"), "").status, 200);
    }
    until(|| house.user(&cookie).is_null());
    gone(&cookie);
    // After a sign-in that took its place.
    let cookie = house.bank.sign_in("bob", &house.password);
    let body = json!({"user": "bob", "password": house.password});
    let headers = [("Origin", &*house.bank.door.origin()), ("Cookie", &*cookie)];
    assert_eq!(house.ask("POST", SESSION, &headers, &body).status, 204);
    gone(&cookie);
    // After the password was changed.
    let cookie = house.bank.sign_in("bob", &house.password);
    let body = json!({"password": "a long enough password", "old": house.password});
    assert_eq!(house.bank.door.as_page(&cookie, "POST", "/seaway/v1/users/bob/password", &body.to_string()).status, 204);
    gone(&cookie);
}

#[test]
fn another_origin_and_the_same_sites_other_port() {
    let house = House::start();
    let address = house.bank.door.address;
    let port = address.port();
    let foreign = [
        "https://evil.example".to_owned(),
        format!("https://127.0.0.1:{}", port ^ 1),
        "https://127.0.0.1".to_owned(),
        format!("http://127.0.0.1:{port}"),
        format!("https://127.0.0.1:{port}.evil.example"),
        format!("https://evil.example:{port}"),
        format!("https://127.0.0.1:{port}/"),
        "null".to_owned(),
        String::new(),
    ];
    let token = house.bank.token(&house.cookie).1;
    let before = house.n_tokens();
    let bearer = format!("Bearer {token}");
    let unsafe_ones = [
        ("POST", TOKENS),
        ("DELETE", SESSION),
        ("POST", SESSION),
        ("POST", "/api/v1/namespaces"),
        ("DELETE", "/api/v1/namespaces/bank"),
    ];
    for origin in &foreign {
        for (method, target) in unsafe_ones {
            for own in [("Cookie", &*house.cookie), ("Authorization", &*bearer), ("X-None", "x")] {
                let answer = house.ask(method, target, &[("Origin", origin), own], &json!({"name": "x"}));
                assert_eq!(answer.status, 403, "{origin:?} {method} {target} {own:?}: {}", answer.body);
                assert!(answer.cookie().is_none(), "{origin:?} {method} {target}");
            }
        }
    }
    // Two origins, and one of them is ours.
    let both = [("Origin", &*house.bank.door.origin()), ("Origin", "https://evil.example"), ("Cookie", &*house.cookie)];
    refused(&house.ask("POST", TOKENS, &both, &json!({"name": "x"})), 403, "foreign-origin");
    // With a cookie an unsafe method names its origin, at the Kubernetes API too.
    refused(&house.ask("POST", TOKENS, &[("Cookie", &house.cookie)], &json!({"name": "x"})), 403, "foreign-origin");
    let answer = house.ask("PATCH", "/api/v1/namespaces/bank", &[("Cookie", &house.cookie)], &json!({}));
    assert!(answer.status == 403 && answer.body.contains("origin"), "{}", answer.body);
    // What a browser says of the page that asks counts, for reading too.
    for site in ["cross-site", "same-site"] {
        let headers = [("Sec-Fetch-Site", site), ("Sec-Fetch-Mode", "cors"), ("Cookie", &*house.cookie)];
        refused(&house.bank.door.ask("GET", TOKENS, &headers, ""), 403, "foreign-origin");
    }
    assert_eq!(house.n_tokens(), before, "nothing was done");
    assert_eq!(house.user(&house.cookie), "user:bob");
}

#[test]
fn a_foreign_host() {
    let house = House::start();
    let port = house.bank.door.address.port();
    let bearer = format!("Bearer {}", house.bank.owner);
    let paths = [
        "/",
        "/p/bank",
        "/healthz",
        "/readyz",
        "/metrics",
        "/status",
        SESSION,
        TOKENS,
        "/api",
        "/apis",
        "/version",
        "/seaway.svg",
    ];
    for host in [
        "evil.example",
        &format!("evil.example:{port}"),
        &format!("127.0.0.1.evil.example:{port}"),
        "127.0.0.2",
        "localhost.evil.example",
        "",
    ] {
        for path in paths {
            let answer = house.bank.door.ask("GET", path, &[("Host", host), ("Authorization", &bearer)], "");
            let is_refused = answer.status == 421 || (host.is_empty() && answer.status == 400);
            assert!(is_refused, "{host:?} {path}: {} {}", answer.status, answer.body);
            assert!(!answer.body.contains("<script"), "{host:?} {path}");
        }
    }
    // The line's host, and a second header, count as well.
    let target = format!("https://evil.example:{port}/api");
    assert_eq!(house.bank.door.ask("GET", &target, &[("Authorization", &bearer)], "").status, 421);
    let own = house.bank.door.address.to_string();
    let twice = [("Host", &*own), ("Host", "evil.example"), ("Authorization", &*bearer)];
    let answer = house.bank.door.ask("GET", "/api", &twice, "");
    assert!(matches!(answer.status, 400 | 421), "{}", answer.status);
    let forwarded = [("X-Forwarded-Host", "evil.example"), ("Authorization", &*bearer)];
    assert_eq!(house.bank.door.ask("GET", "/api", &forwarded, "").status, 200);
}

#[test]
fn a_token_a_cookie_and_a_link_of_a_removed_user() {
    let house = House::start();
    let (token, link) = (house.bank.token(&house.cookie).1, house.link());
    assert_eq!(house.bank.door.as_bearer(&token, "GET", SESSION, "").json()["user"], "user:bob");
    house.bank.plane.ok(&["user", "rm", "bob"]);
    refused(&house.bank.door.as_bearer(&token, "GET", TOKENS, ""), 401, "not-authenticated");
    assert_eq!(house.bank.door.as_bearer(&token, "GET", "/api", "").status, 401);
    assert!(house.user(&house.cookie).is_null());
    refused(&house.sign_in_by(&link), 401, "not-authenticated");
    let body = json!({"user": "bob", "password": house.password});
    refused(&house.ask("POST", SESSION, &[], &body), 401, "not-authenticated");
    // Whoever is called so afterwards is somebody else.
    house.bank.user("bob");
    assert_eq!(house.bank.door.as_bearer(&token, "GET", "/api", "").status, 401);
    assert!(house.user(&house.cookie).is_null());
    refused(&house.sign_in_by(&link), 401, "not-authenticated");
}

#[test]
fn a_header_that_says_who_one_is() {
    let house = House::start();
    let token = house.bank.token(&house.cookie).1;
    let bearer = format!("Bearer {token}");
    let pretended = [
        ("X-Remote-User", "admin"),
        ("X-Remote-Group", "system:masters"),
        ("X-Remote-Extra-Scopes", "all"),
        ("X-Forwarded-User", "admin"),
        ("X-Forwarded-For", "127.0.0.1"),
        ("X-Forwarded-Groups", "system:masters"),
        ("X-Forwarded-Client-Cert", "Subject=\"O=system:masters,CN=admin\""),
        ("Forwarded", "for=127.0.0.1;host=127.0.0.1;proto=https"),
        ("X-Real-IP", "127.0.0.1"),
        ("X-Original-URL", "/healthz"),
        ("X-Rewrite-URL", "/healthz"),
        ("X-Auth-Request-User", "admin"),
        ("X-Seaway-User", "admin"),
        ("Cookie", "user=admin"),
    ];
    let secrets = "/api/v1/namespaces/seaway/secrets";
    assert_eq!(house.ask("GET", secrets, &pretended, &json!({})).status, 401);
    refused(&house.bank.door.ask("GET", "/seaway/v1/users", &pretended, ""), 401, "not-authenticated");
    let with = |own: (&'static str, &str)| {
        let headers: Vec<(&str, &str)> = pretended.iter().filter(|(name, _)| *name != own.0).copied().chain([own]).collect();
        assert_eq!(house.bank.door.ask("GET", SESSION, &headers, "").json()["user"], "user:bob");
        assert_eq!(house.bank.door.ask("GET", secrets, &headers, "").status, 403);
        refused(&house.bank.door.ask("GET", "/seaway/v1/users", &headers, ""), 403, "not-authorised");
    };
    with(("Authorization", &bearer));
    with(("Cookie", &house.cookie));
    // A method that a header claims is none.
    let headers = [("X-HTTP-Method-Override", "DELETE"), ("X-Method-Override", "DELETE"), ("Cookie", &*house.cookie)];
    assert_eq!(house.bank.door.ask("GET", SESSION, &headers, "").json()["user"], "user:bob");
    // A token that is none does not become the cookie beside it.
    let headers = [("Authorization", "Bearer nothing"), ("Cookie", &*house.cookie)];
    refused(&house.bank.door.ask("GET", TOKENS, &headers, ""), 401, "not-authenticated");
    for scheme in ["Basic YWRtaW46YWRtaW4=", "bearer", "Bearer ", "Negotiate x", "Bearer\t"] {
        refused(&house.bank.door.ask("GET", TOKENS, &[("Authorization", scheme)], ""), 401, "not-authenticated");
    }
}

/// Where anybody may knock.
const OPEN: &[&str] = &[
    "/healthz",
    "/readyz",
    "/p",
    "/assets",
    "/seaway/v1/session",
    "/seaway/v1/openapi.json",
    "/seaway/v1/oidc/callback",
    "/seaway.svg",
];
/// Steps up from there, as servers and proxies read them or not.
const WAYS: &[&str] = &[
    "/..",
    "/../..",
    "/../../..",
    "/../../../..",
    "/%2e%2e",
    "/%2e%2e/%2e%2e",
    "/..%2f..",
    "/..%2f..%2f..",
    "/..;",
    "%2f..",
    "//..",
    "/.",
    "/%252e%252e",
];
/// What only looks like another path.
const AROUND: &[&str] = &[
    "/%61pi/v1/namespaces/seaway/secrets",
    "//api/v1/namespaces/seaway/secrets",
    "/api//v1/namespaces/seaway/secrets",
    "/api/v1/namespaces/default/../seaway/secrets",
    "/api/v1/namespaces/default%2f..%2fseaway/secrets",
    "/api/v1/namespaces/seaway/secrets/",
    "/api/v1/namespaces/seaway/secrets?x=/healthz",
    "/api/v1/namespaces/seaway/secrets;/healthz",
    "/api/v1/watch/namespaces/seaway/secrets",
    "/api/v1/secrets",
    "/API/V1/namespaces/seaway/secrets",
    "/seaway/v1/users",
    "/seaway/v1//users",
    "//seaway/v1/users",
    "/seaway/v1/session/../users",
    "/seaway/v1/session%2f..%2fusers",
    "/seaway/v1/session/..%2fusers",
    "/SEAWAY/v1/users",
    "/seaway/v1/users/",
    "/seaway/v1/users;x=session",
    "/seaway/v1/users%3fx",
    "/seaway/v1/backup",
    "/metrics/",
    "//metrics",
    "/assets/..%2f..%2fCargo.toml",
    "/p/../assets/../../Cargo.toml",
    "/debug/pprof",
    "*",
];

/// Every way around the door to the Secrets in which sessions and users are kept, to the figures, to users and to files.
fn ways_around() -> Vec<String> {
    let up = |to: &'static str| OPEN.iter().flat_map(move |open| WAYS.iter().map(move |way| format!("{open}{way}/{to}")));
    let more = AROUND.iter().map(|path| (*path).to_owned());
    up("api/v1/namespaces/seaway/secrets").chain(up("metrics")).chain(more).collect()
}

#[test]
fn a_path_that_leads_around_the_door() {
    let house = House::start();
    let token = house.bank.token(&house.cookie).1;
    let (mut nobody, mut bob) = (house.bank.door.line(), house.bank.door.line());
    let bearer = format!("Bearer {token}");
    for path in &ways_around() {
        for (who, answer) in
            [("nobody", nobody.ask("GET", path, &[], "")), ("bob", bob.ask("GET", path, &[("Authorization", &bearer)], ""))]
        {
            // The page answers under /p whatever comes after it, and is the same for all.
            let is_page = answer.header("content-type").is_some_and(|kind| kind.starts_with("text/html"));
            let is_refused = (400..500).contains(&answer.status);
            assert!(is_refused || is_page, "{who} {path}: {} {}", answer.status, answer.body);
            assert!(!answer.body.contains("\"record\"") && !answer.body.contains("# TYPE"), "{who} {path}: {}", answer.body);
        }
    }
    // Unsafe methods find no other way in either.
    for path in ["/seaway/v1/session/../users", "//seaway/v1/users", "/healthz/../seaway/v1/users", "/p/../seaway/v1/users"] {
        let answer =
            bob.ask("POST", path, &[("Authorization", &bearer)], r#"{"name":"mallory","password":"a long enough password"}"#);
        assert!((400..500).contains(&answer.status), "{path}: {}", answer.status);
    }
    assert_eq!(house.bank.plane.ok(&["user", "list", "-o", "name"]), "bob\n");
}

#[test]
fn wrong_passwords_beyond_a_few_even_after_a_kill() {
    let house = House::start();
    let wrong = json!({"user": "carl", "password": "not the password"}).to_string();
    let ask = |door: &crate::asking::Door| door.ask("POST", SESSION, &[], &wrong).status;
    let codes: Vec<u16> = (0..30).map(|_| ask(&house.bank.door)).take_while(|code| *code == 401).collect();
    assert!((3..30).contains(&codes.len()), "{codes:?}");
    // Until the wait is longer than a start takes, each wrong one more doubles it.
    let start = Instant::now();
    let mut waits = 0;
    while waits < 15 {
        assert!(start.elapsed() < Duration::from_secs(60), "the longest wait was {waits} s");
        let answer = house.bank.door.ask("POST", SESSION, &[], &wrong);
        waits = answer.header("retry-after").map_or(0, |seconds| seconds.parse().unwrap());
        std::thread::park_timeout(Duration::from_millis(200));
    }
    let home = house.bank.plane.kill();
    let plane = Plane::on(home);
    let answer = crate::asking::Door::of(&plane).ask("POST", SESSION, &[], &wrong);
    refused(&answer, 429, "too-many-requests");
}
