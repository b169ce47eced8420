//! `serve`: what it writes, when it is ready, whom it refuses, how it stops.

use crate::running::{BANK, Plane, run, seaway};
use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use tempfile::TempDir;

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn it_is_ready_and_its_secrets_are_its_owners_alone() {
    let plane = Plane::start();
    let data = plane.data();
    assert!(plane.ready.contains("https://127.0.0.1:"), "{}", plane.ready);
    assert_eq!(mode(&data), 0o700);
    for name in ["kubeconfig", "token", "key", "tls/ca.key"] {
        assert_eq!(mode(&data.join(name)), 0o600, "{name}");
    }
    let server: serde_json::Value = serde_json::from_slice(&fs::read(data.join("server.json")).unwrap()).unwrap();
    assert_eq!(server["pid"], plane.pid());
    let (ready, parts) = plane.get("/readyz");
    assert!(ready);
    insta::assert_snapshot!(parts, @r"
    [+] api ok
    [+] controllers ok
    [+] store ok
    ");
    assert_eq!(plane.get("/healthz").1, "ok");
    assert!(plane.get("/metrics").1.contains("seaway_store_commits_total"));
    let namespaces = plane.ok(&["get", "namespaces", "-o", "name"]);
    assert!(namespaces.contains("namespace/kargo-shared-resources") && namespaces.contains("namespace/kargo-system-resources"));
}

#[test]
fn a_signal_ends_it_well_even_while_a_client_watches() {
    let plane = Plane::start();
    assert_eq!(plane.apply(BANK, &[]).code, 0);
    let mut watching = plane.command(&["watch", "-p", "bank"]);
    let mut watching = watching.stderr(std::process::Stdio::piped()).stdout(std::process::Stdio::null()).spawn().unwrap();
    let mut said = std::io::BufReader::new(watching.stderr.take().unwrap());
    let mut line = String::new();
    std::io::BufRead::read_line(&mut said, &mut line).unwrap();
    assert_eq!(line, "watching project bank; Ctrl-C ends it\n");
    plane.terminate();
    let data = plane.data();
    let (status, _home) = plane.end();
    assert_eq!(status.code(), Some(0));
    assert!(!data.join("server.json").exists());
    watching.kill().unwrap();
    watching.wait().unwrap();
}

#[test]
fn a_second_one_on_the_folder_names_the_first() {
    let plane = Plane::start();
    let said = run(seaway(plane.home()).args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(plane.data()));
    assert_eq!(said.code, 1);
    assert!(said.err.contains(&format!("is served by process {}", plane.pid())), "{}", said.err);
    assert!(said.err.contains("\nhint: "), "{}", said.err);
}

#[test]
fn a_port_that_is_taken_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let home = TempDir::new().unwrap();
    let said = run(seaway(home.path()).args(["serve", "--listen", &address.to_string(), "--data"]).arg(home.path().join("d")));
    assert_eq!(said.code, 1);
    insta::assert_snapshot!(said.err.replace(&address.to_string(), "ADDRESS"), @r"
    error: listen on ADDRESS: the port is taken; stop what uses it, or choose another with --listen: Address already in use (os error 98)
    hint: choose another with --listen, or stop what uses it
    ");
}

#[test]
fn beyond_loopback_it_wants_to_be_told_its_url() {
    let home = TempDir::new().unwrap();
    let said = run(seaway(home.path()).args(["serve", "--listen", "0.0.0.0:0"]));
    assert_eq!(said.code, 1);
    insta::assert_snapshot!(said.err, @r"
    error: listen on 0.0.0.0:0 without `externalURL`: others must be told how to reach it; set --external-url https://NAME:PORT, or listen on 127.0.0.1
    hint: seaway serve --external-url https://NAME:PORT
    ");
    assert!(!home.path().join(".local").exists(), "nothing was made");
}

#[test]
fn what_was_acknowledged_survives_a_kill_and_the_identity_stays() {
    let plane = Plane::start();
    assert_eq!(plane.apply(BANK, &[]).code, 0);
    let authority = fs::read(plane.data().join("tls/ca.pem")).unwrap();
    let token = fs::read(plane.data().join("token")).unwrap();
    let plane = Plane::on(plane.kill());
    assert_eq!(plane.ok(&["get", "stages", "-p", "bank", "-o", "name"]), "stage.kargo.akuity.io/qa\n");
    assert_eq!(fs::read(plane.data().join("tls/ca.pem")).unwrap(), authority);
    assert_eq!(fs::read(plane.data().join("token")).unwrap(), token);
}

#[test]
fn logs_come_as_json_when_asked() {
    let plane = Plane::with(TempDir::new().unwrap(), |command| {
        command.args(["--log-format", "json"]);
    });
    plane.terminate();
    let line = plane.line(|line| line.contains("\"stopped\""));
    let line: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!((&line["level"], &line["message"]), (&"INFO".into(), &"stopped".into()));
}

#[test]
fn a_store_whose_key_is_gone_is_not_opened_with_another() {
    let plane = Plane::start();
    let data = plane.data();
    let home = plane.kill();
    fs::remove_file(data.join("key")).unwrap();
    let said = run(seaway(home.path()).args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(&data));
    assert_eq!(said.code, 1);
    assert!(said.err.contains("state.db` is there, and its key"), "{}", said.err);
}
