//! No credential is ever in what the binary writes, prints, serves or hands to its children: canary values, searched for everywhere.

use crate::running::{BANK, FREIGHT, Plane, Said, run, seaway};
use seaway_neighbours::auth::Login;
use seaway_neighbours::{GitOptions, GitServer, Serving};
use serde_json::Value;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// A value that is nowhere by chance, and text in YAML.
pub(crate) fn canary() -> String {
    let bytes = seaway_base::ids::secret_bytes::<16>();
    bytes.iter().fold("canary".to_owned(), |text, byte| text + &format!("{byte:02x}"))
}

/// Every form in which it could be written down.
pub(crate) fn forms(secret: &str) -> Vec<String> {
    let base64 = |text: &str| serde_json::to_value(k8s_openapi::ByteString(text.as_bytes().to_vec())).unwrap();
    let encoded = |text: &str| base64(text).as_str().unwrap().trim_end_matches('=').to_owned();
    vec![secret.to_owned(), encoded(secret), encoded(&format!("me:{secret}"))]
}

pub(crate) fn holds(bytes: &[u8], forms: &[String]) -> bool {
    forms.iter().any(|form| bytes.windows(form.len()).any(|window| window == form.as_bytes()))
}

/// Looks at the arguments and environments of all processes there are, again and again.
struct Watcher {
    over: Arc<AtomicBool>,
    thread: JoinHandle<(BTreeSet<String>, BTreeSet<String>)>,
}

impl Watcher {
    fn start(forms: Vec<String>) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let until = Arc::clone(&over);
        let thread = std::thread::spawn(move || {
            let (mut found, mut programs) = (BTreeSet::new(), BTreeSet::new());
            while !until.load(Ordering::SeqCst) {
                for entry in
                    fs::read_dir("/proc").unwrap().flatten().filter(|it| it.file_name().to_string_lossy().parse::<u32>().is_ok())
                {
                    let read = |name: &str| fs::read(entry.path().join(name)).unwrap_or_default();
                    let program = String::from_utf8_lossy(&read("comm")).trim().to_owned();
                    let leaks = ["cmdline", "environ"].into_iter().filter(|file| holds(&read(file), &forms));
                    found.extend(leaks.map(|file| format!("{file} of {program}")));
                    programs.insert(program);
                }
                std::thread::park_timeout(Duration::from_millis(1));
            }
            (found, programs)
        });
        Self { over, thread }
    }

    fn end(self) {
        self.over.store(true, Ordering::SeqCst);
        let (found, programs) = self.thread.join().unwrap();
        assert!(found.is_empty(), "a canary is in {found:?}");
        assert!(programs.contains("seaway") && programs.iter().any(|it| it.starts_with("git")), "only {programs:?} were seen");
    }
}

/// Takes what it is sent and answers 200; answers what came so far.
fn ear() -> (String, Arc<parking_lot::Mutex<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (address, heard) = (listener.local_addr().unwrap().to_string(), Arc::<parking_lot::Mutex<String>>::default());
    let own = Arc::clone(&heard);
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let mut reader = BufReader::new(stream);
            let (mut head, mut length) = (String::new(), 0);
            while !head.ends_with("\r\n\r\n") && reader.read_line(&mut head).is_ok_and(|n| n > 0) {}
            if let Some((_, rest)) = head.to_lowercase().split_once("content-length: ") {
                length = rest.lines().next().and_then(|it| it.parse().ok()).unwrap_or(0);
            }
            let mut body = vec![0; length];
            let _ = reader.read_exact(&mut body);
            own.lock().push_str(&(head + &String::from_utf8_lossy(&body)));
            let _ = reader.get_mut().write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        }
    });
    (address, heard)
}

fn stage(name: &str, steps: &[String]) -> String {
    let steps: String = steps.iter().map(|step| format!("      - {step}\n")).collect();
    format!(
        "---\napiVersion: kargo.akuity.io/v1alpha1\nkind: Stage\nmetadata: {{ name: {name}, namespace: bank }}\nspec:\n  requestedFreight:\n  \
         - origin: {{ kind: Warehouse, name: bank }}\n    sources: {{ direct: true }}\n  promotionTemplate:\n    spec:\n      steps:\n{steps}"
    )
}

pub(crate) fn secret(name: &str, kind: &str, data: &str) -> String {
    format!(
        "---\napiVersion: v1\nkind: Secret\nmetadata: {{ name: {name}, namespace: bank, labels: {{ kargo.akuity.io/cred-type: {kind} }} }}\nstringData: {{ {data} }}\n"
    )
}

/// A git server that wants a login.
struct Locked {
    url: String,
    _runtime: Runtime,
    _serving: Serving,
    _dir: TempDir,
}

fn locked(password: &str) -> Locked {
    let dir = TempDir::new().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let options = GitOptions { login: Some(Login::new("me", password.to_owned())) };
    let serving = runtime.block_on(async {
        let git = GitServer::open(dir.path().join("git"), options).await.unwrap();
        git.create_repo("bank", &[("qa/values.yaml", b"tag: 1.4.8\n")]).await.unwrap();
        git.serve(0).await.unwrap()
    });
    Locked { url: format!("{}/bank.git", serving.url()), _runtime: runtime, _serving: serving, _dir: dir }
}

/// What is applied: a stage that uses the Secrets rightly, and two that would tell them.
fn documents(url: &str, ear: &str, password: &str, token: &str) -> String {
    let value = "${{ secret(\"token\").value }}";
    let good = [
        format!("{{ uses: git-clone, config: {{ repoURL: '{url}', checkout: [{{ branch: main, path: ./out }}] }} }}"),
        "{ uses: yaml-update, config: { path: ./out/qa/values.yaml, updates: [{ key: tag, value: '1.5.0' }] } }".to_owned(),
        "{ uses: git-commit, config: { path: ./out, message: qa gets 1.5.0 } }".to_owned(),
        "{ uses: git-push, config: { path: ./out } }".to_owned(),
        format!(
            "{{ uses: http, config: {{ method: POST, url: 'http://{ear}/chat', headers: [{{ name: Private-Token, value: '{value}' }}], body: '{value}' }} }}"
        ),
    ];
    let tells = [format!("{{ uses: fail, config: {{ message: 'the token {value} is wrong' }} }}")];
    let nowhere = [format!("{{ uses: http, config: {{ url: 'http://127.0.0.1:9/{value}?t={value}' }} }}")];
    [
        BANK.to_owned(),
        secret("git", "git", &format!("repoURL: '{url}', username: me, password: {password}")),
        secret("token", "generic", &format!("value: {token}")),
        stage("good", &good),
        stage("tells", &tells),
        stage("nowhere", &nowhere),
    ]
    .concat()
}

/// A control plane that logs all it has to say.
pub(crate) fn loud(home: TempDir, format: &str) -> Plane {
    Plane::with(home, |command| {
        command.args(["--log-level", "trace", "--log-format", format]);
    })
}

/// What commands print of everything there is, and what the port answers.
fn seen(plane: &Plane) -> Vec<(String, String)> {
    let commands: [&[&str]; 12] = [
        &["get", "stages", "-o", "yaml"],
        &["get", "promotions", "-o", "yaml"],
        &["get", "warehouses", "-o", "wide"],
        &["get", "secrets"],
        &["describe", "stage", "good"],
        &["describe", "secret", "git"],
        &["why"],
        &["logs", "stage/good"],
        &["logs", "stage/tells"],
        &["logs", "stage/nowhere"],
        &["plan", "good", "--freight", "1.5.0"],
        &["config"],
    ];
    let mut seen: Vec<(String, String)> = Vec::new();
    for args in commands {
        let Said { out, err, .. } = plane.run(args);
        seen.push((args.join(" "), out + &err));
    }
    for path in paths(plane).into_iter().chain(["/metrics".to_owned(), "/readyz".to_owned()]) {
        let (ok, text) = plane.get(&path);
        assert!(ok, "{path}: {text}");
        // Of a Secret all but its data.
        let data = |mut list: Value| {
            list["items"].as_array_mut().unwrap().iter_mut().for_each(|it| drop(it.as_object_mut().unwrap().remove("data")));
            list.to_string()
        };
        seen.push((path.clone(), if path.ends_with("/secrets") { data(serde_json::from_str(&text).unwrap()) } else { text }));
    }
    seen
}

/// Every list there is, as discovery tells.
fn paths(plane: &Plane) -> Vec<String> {
    let json = |path: &str| -> Value { serde_json::from_str(&plane.get(path).1).unwrap() };
    let groups = json("/apis");
    let of_groups = groups["groups"].as_array().unwrap().iter().flat_map(|group| group["versions"].as_array().unwrap());
    let versions = of_groups.map(|version| format!("/apis/{}", version["groupVersion"].as_str().unwrap()));
    let mut paths = Vec::new();
    for version in versions.chain(["/api/v1".to_owned()]) {
        let found = json(&version);
        let listed = found["resources"].as_array().unwrap().iter().filter(|it| it["verbs"].to_string().contains("\"list\""));
        paths.extend(listed.map(|it| format!("{version}/{}", it["name"].as_str().unwrap())));
    }
    assert!(paths.len() > 15, "{paths:?}");
    paths
}

/// Files below a folder with one of the canaries; those that are there for nothing else are left out.
pub(crate) fn files_with(folder: &Path, forms: &[String], names: &mut BTreeSet<String>) -> Vec<String> {
    let mut found = Vec::new();
    for path in fs::read_dir(folder).unwrap().flatten().map(|entry| entry.path()) {
        if path.is_dir() {
            found.extend(files_with(&path, forms, names));
            continue;
        }
        names.insert(path.file_name().unwrap().to_string_lossy().into_owned());
        if holds(&fs::read(&path).unwrap_or_default(), forms) {
            found.push(path.display().to_string());
        }
    }
    found
}

#[test]
fn a_credential_is_in_no_log_no_answer_no_file_and_no_child() {
    let (password, token) = (canary(), canary());
    let forms: Vec<String> = [&password, &token].into_iter().flat_map(|it| forms(it)).collect();
    let watcher = Watcher::start(forms.clone());
    let ((ear, heard), git) = (ear(), locked(&password));
    let plane = loud(TempDir::new().unwrap(), "json");
    for text in [&documents(&git.url, &ear, &password, &token), FREIGHT] {
        let said = plane.apply(text, &[]);
        assert_eq!(said.code, 0, "{}", said.err);
    }
    for (stage, code) in [("good", 0), ("tells", 3), ("nowhere", 3)] {
        let said = plane.run(&["promote", stage, "--freight", "1.5.0", "--wait"]);
        assert_eq!(said.code, code, "{stage}: {}{}", said.out, said.err);
        assert!(!holds((said.out + &said.err).as_bytes(), &forms), "{stage}: the promotion tells it");
    }
    assert!(heard.lock().contains(&token), "the receiver did not get the secret: {}", heard.lock());
    for (what, text) in seen(&plane) {
        assert!(!holds(text.as_bytes(), &forms), "a canary is in `{what}`:\n{text}");
    }
    let backup = plane.home().join("backup.db");
    plane.ok(&["backup", backup.to_str().unwrap()]);

    // Both formats: the first life is stopped in order, the second is killed, so that nothing is folded into the database.
    let logged = RefCell::new(String::new());
    let until = |plane: &Plane, wanted: &str| {
        plane.line(|line| {
            logged.borrow_mut().push_str(&format!("{line}\n"));
            line.contains(wanted)
        });
    };
    plane.terminate();
    until(&plane, "\"stopped\"");
    let plane = loud(plane.end().1, "text");
    let said = plane.run(&["promote", "tells", "--freight", "1.5.0", "--wait"]);
    assert_eq!(said.code, 3, "{}", said.err);
    plane.terminate();
    until(&plane, "stopped");
    let plane = loud(plane.end().1, "text");
    assert_eq!(plane.run(&["promote", "good", "--freight", "1.5.0", "--wait"]).code, 0);
    let data = plane.data();
    let home = plane.kill();
    let logged = logged.into_inner();
    assert!(logged.len() > 1_000 && logged.contains("TRACE") || logged.contains("DEBUG"), "too little was logged:\n{logged}");
    assert!(!holds(logged.as_bytes(), &forms), "a canary is in the log");
    let mut names = BTreeSet::new();
    assert_eq!(files_with(home.path(), &forms, &mut names), Vec::<String>::new());
    for name in ["state.db", "state.db-wal", "config", "backup.db"] {
        assert!(names.contains(name), "no `{name}` below {}: {names:?}", data.display());
    }
    watcher.end();
}

#[test]
fn a_document_that_is_refused_is_not_quoted_where_it_holds_a_secret() {
    let (plane, value) = (Plane::start(), canary());
    let project = "apiVersion: kargo.akuity.io/v1alpha1\nkind: Project\nmetadata: { name: bank }\n";
    assert_eq!(plane.apply(project, &[]).code, 0);
    let head = "apiVersion: v1\nkind: Secret\nmetadata: { name: git, namespace: bank }\n";
    let wrong = [
        format!("data: {{ password: {value}! }}\n"),
        format!("data: {value}\n"),
        format!("stringData: {value}\n"),
        format!("stringData: [{value}]\n"),
        format!("stringData: {{ password: [{value}] }}\n"),
        format!("data: {{ password: {{ value: {value} }} }}\n"),
        format!("stringData: {{ password: {value}\n"),
        format!("stringdata: {{ password: {value} }}\n"),
    ];
    for text in wrong {
        let said = plane.apply(&(head.to_owned() + &text), &[]);
        assert_eq!(said.code, 1, "{text}{}", said.out);
        assert!(!holds((said.out + &said.err).as_bytes(), &forms(&value)), "{text}is told: {}", said.err);
    }
}

#[test]
fn a_kubeconfig_that_cannot_be_used_is_not_quoted() {
    let plane = Plane::start();
    let token = fs::read_to_string(plane.data().join("token")).unwrap();
    let good = fs::read_to_string(plane.data().join("kubeconfig")).unwrap();
    let server = plane.ready.split_whitespace().find(|word| word.starts_with("https://")).unwrap();
    let (path, quoted) = (plane.home().join("other"), format!("\"{token}\""));
    let ca = good.split("\"certificate-authority-data\": \"").nth(1).unwrap().split('"').next().unwrap();
    let stranger = Plane::start();
    let strangers = fs::read_to_string(stranger.data().join("kubeconfig")).unwrap();
    let strangers = strangers.split("\"certificate-authority-data\": \"").nth(1).unwrap().split('"').next().unwrap();
    let wrong = [
        ("no YAML", good.replace(&quoted, &format!("\"{token}"))),
        ("no text", good.replace(&quoted, &format!("[\"{token}\"]"))),
        ("no map", format!("{token}\n")),
        ("no server", good.replace(server, "https://127.0.0.1:9")),
        ("no URL", good.replace(server, &format!("{token}://"))),
        ("no base64", good.replace(ca, &format!("{token}!"))),
        ("another's CA", good.replace(ca, strangers)),
        ("another's token", good.replace(&token, &format!("{token}0"))),
        ("no such context", good.replace("\"current-context\": \"", "\"current-context\": \"other-")),
    ];
    for (what, text) in wrong {
        assert_ne!(text, good, "{what}");
        fs::write(&path, text).unwrap();
        let mut command = seaway(plane.home());
        let said = run(command.args(["get", "projects", "--kubeconfig"]).arg(&path).stderr(Stdio::piped()));
        assert_eq!(said.code, 1, "{what}: {}", said.out);
        assert!(
            said.err.starts_with("error: ") && !holds((said.out + &said.err).as_bytes(), &forms(&token)),
            "{what}: {}",
            said.err
        );
    }
}
