//! kubectl against the served port, by the checks of `conformance/kubectl.sh`.
//!
//! `SEAWAY_KUBECTL` names the kubectl to use, else the one in `PATH`; where there is none the test says that it was skipped,
//! and fails where what ran against real programs is counted (`SEAWAY_REAL_PARTS_LOG`, as in `make test`).

use std::error::Error;
use std::fmt::Write as _;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;

use seaway_apiserver::{AdmitAll, ApiServer, Identity, Issued, Later, Options, TokenAsk, TokenRefused, Tokens, ours};
use seaway_base::{Random, Secret, clock::SystemClock};
use seaway_store::{Options as StoreOptions, SqliteStore};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/conformance/kubectl.sh");
/// Fewer checks than this, and the script has stopped midway.
const N_CHECKS_MIN: usize = 210;

/// Tokens that say whose they are: who makes real ones is another room's.
struct Plain;

impl Tokens for Plain {
    fn issue(&self, ask: TokenAsk) -> Later<'_, Result<Issued, TokenRefused>> {
        let token = Secret::new(format!("token-of {} for {}s", ask.account, ask.lasts.as_secs()));
        Box::pin(async move { Ok(Issued { token, expires_at: jiff::Timestamp::MAX, audiences: ask.audiences }) })
    }

    fn review(&self, _: &str, _: &[String]) -> Option<Identity> {
        None
    }
}

fn kubectl() -> Option<String> {
    let path = std::env::var("SEAWAY_KUBECTL").unwrap_or_else(|_| "kubectl".to_owned());
    Command::new(&path).args(["version", "--client"]).output().is_ok_and(|output| output.status.success()).then_some(path)
}

/// A line for `tests/run`, which counts them, and for who looks on: past what holds back the output of tests that pass.
/// Answers whether somebody counts.
fn told(line: &str) -> std::io::Result<bool> {
    writeln!(std::io::stderr(), "{line}")?;
    let Some(log) = std::env::var_os("SEAWAY_REAL_PARTS_LOG") else { return Ok(false) };
    writeln!(OpenOptions::new().create(true).append(true).open(log)?, "{line}")?;
    Ok(true)
}

fn kubeconfig(address: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: t\n\
         clusters: [{{name: t, cluster: {{server: \"http://{address}\"}}}}]\n\
         users: [{{name: t, user: {{}}}}]\n\
         contexts: [{{name: t, context: {{cluster: t, user: t, namespace: default}}}}]\n"
    )
}

fn run(script: &str, kubectl: &str, dir: &Path) -> std::io::Result<Output> {
    let work = dir.join("work");
    fs::create_dir_all(&work)?;
    let editor = dir.join("editor.sh");
    fs::write(&editor, "sed -i 's/b: \"3\"/b: edited/' \"$1\"\n")?;
    Command::new("bash")
        .arg(script)
        .env("KUBECTL", kubectl)
        .env("KUBECONFIG", dir.join("kubeconfig"))
        .env("KUBECACHEDIR", dir.join("cache"))
        .env("KUBE_EDITOR", format!("bash {}", editor.display()))
        .env("DIR", work)
        .env_remove("HTTP_PROXY")
        .env_remove("http_proxy")
        .output()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kubectl_works() -> Result<(), Box<dyn Error>> {
    let Some(kubectl) = kubectl() else {
        let counted = told(
            "skipped kubectl not installed; run `make parts`, and name the one of `cargo xtask parts --env` in SEAWAY_KUBECTL",
        )?;
        assert!(!counted, "no kubectl: run `make parts`, and name the one of `cargo xtask parts --env` in SEAWAY_KUBECTL");
        return Ok(());
    };
    let dir = tempfile::tempdir()?;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?.to_string();
    fs::write(dir.path().join("kubeconfig"), kubeconfig(&address))?;

    let store = Arc::new(SqliteStore::open(StoreOptions::new(dir.path().join("store.db")))?);
    let options = Options { address, ..Options::default() };
    let api = ApiServer::new(store, ours(), Arc::new(AdmitAll), SystemClock::shared(), Random::system(), options);
    let running = api.start().await?;
    api.serve_tokens(Arc::new(Plain));
    // The port's authenticator is another room's: here everybody is the admin.
    let admin = Identity::new("admin", &["system:masters"]).ok_or("an identity")?;
    let router = api.router().layer(admin);
    let server = tokio::spawn(async move { axum::serve(listener, router).await });

    let path = dir.path().to_owned();
    let output = tokio::task::spawn_blocking(move || run(SCRIPT, &kubectl, &path)).await??;
    server.abort();
    drop(running);

    let text = String::from_utf8_lossy(&output.stdout);
    let n_passed = text.lines().filter(|line| line.starts_with("ok ")).count();
    let mut failed = String::new();
    for line in text.lines().filter(|line| !line.starts_with("ok ")) {
        let _ = writeln!(failed, "{line}");
    }
    assert!(failed.is_empty(), "{n_passed} checks passed, these did not:\n{failed}{}", String::from_utf8_lossy(&output.stderr));
    assert!(n_passed >= N_CHECKS_MIN, "only {n_passed} checks ran:\n{text}{}", String::from_utf8_lossy(&output.stderr));
    told("real kubectl")?;
    Ok(())
}
