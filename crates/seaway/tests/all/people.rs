//! Users, tokens, links and trust with the real binary.

use crate::running::{BANK, Plane, run, seaway};
use serde_json::Value;
use std::io::Write as _;
use std::process::{Command, Stdio};

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// A command that is told a password on standard input.
fn told(plane: &Plane, args: &[&str], password: &str) -> (i32, String) {
    let mut child = plane.command(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(format!("{password}\n").as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
}

/// The same control plane, as whoever has the token.
fn as_bearer(plane: &Plane, token: &str, args: &[&str]) -> crate::running::Said {
    let mut kubeconfig = json(&std::fs::read_to_string(plane.data().join("kubeconfig")).unwrap());
    kubeconfig["users"][0]["user"]["token"] = token.into();
    let path = plane.home().join("token.kubeconfig");
    std::fs::write(&path, kubeconfig.to_string()).unwrap();
    run(seaway(plane.home()).arg("--kubeconfig").arg(path).args(args))
}

#[test]
fn a_user_is_added_listed_given_another_password_and_removed() {
    let plane = Plane::start();
    let said = plane.ok(&["user", "add", "bob", "--group", "promoters", "--generate"]);
    let password = said.lines().find_map(|line| line.strip_prefix("password  ")).unwrap();
    assert!(password.split(' ').next().unwrap().len() > 20, "{said}");
    assert_eq!(told(&plane, &["user", "add", "eve", "--password-stdin"], "a long enough password").0, 0);
    assert_eq!(plane.ok(&["user", "list", "-o", "name"]).lines().collect::<Vec<_>>(), ["bob", "eve"]);
    let listed = plane.ok(&["user", "list", "-o", "json"]);
    assert_eq!(json(&listed)["items"][0]["groups"][0], "promoters");
    assert!(!listed.contains("hash") && !listed.contains("argon2"), "{listed}");
    let (code, err) = told(&plane, &["user", "add", "bob", "--password-stdin"], "a long enough password");
    assert!(code == 1 && err.contains("bob") && err.contains("hint: "), "{err}");
    assert_eq!(told(&plane, &["user", "passwd", "bob", "--password-stdin"], "another long password").0, 0);
    plane.ok(&["user", "rm", "bob"]);
    assert_eq!(plane.ok(&["user", "list", "-o", "name"]), "eve\n");
    let gone = plane.run(&["user", "rm", "bob"]);
    assert!(gone.code == 1 && gone.err.ends_with("hint: there is no such user; `seaway user list` lists them\n"), "{}", gone.err);
}

#[test]
fn without_a_terminal_a_password_is_asked_for_in_vain() {
    let plane = Plane::start();
    let said = plane.run(&["user", "add", "bob"]);
    assert_eq!(said.code, 64);
    assert!(said.err.contains("--password-stdin or --generate"), "{}", said.err);
}

#[test]
fn a_token_is_its_owner_for_less_until_it_is_revoked() {
    let plane = Plane::start();
    assert_eq!(plane.apply(BANK, &[]).code, 0);
    let made = json(&plane.ok(&["token", "create", "ci", "-p", "bank", "--verb", "get,list", "--expires", "1d", "-o", "json"]));
    let token = made["token"].as_str().unwrap();
    let read = as_bearer(&plane, token, &["get", "stages", "-p", "bank", "-o", "name"]);
    assert_eq!((read.code, read.out.as_str()), (0, "stage.kargo.akuity.io/qa\n"), "{}", read.err);
    let refused = as_bearer(&plane, token, &["delete", "stage", "qa", "-p", "bank"]);
    assert!(refused.code == 1 && refused.err.contains("hint: "), "{}", refused.err);
    let listed = plane.ok(&["token", "list", "-o", "json"]);
    assert!(!listed.contains(token), "a token is shown once");
    let long = plane.run(&["token", "create", "long", "--expires", "3000d"]);
    let told = "warning: it is good for 366 days, not for the 3000 that were asked for: no token is good for longer\n";
    assert!(long.code == 0 && long.err.contains(told), "{}", long.err);
    let unknown = plane.run(&["token", "revoke", "other"]);
    assert!(unknown.code == 1 && unknown.err.contains("hint: `seaway token list`"), "{}", unknown.err);
    plane.ok(&["token", "revoke", "ci"]);
    assert_eq!(as_bearer(&plane, token, &["get", "stages", "-p", "bank"]).code, 1);
}

#[test]
fn a_token_for_what_is_not_there_is_refused_or_told() {
    let plane = Plane::start();
    let said = plane.run(&["token", "create", "ci", "--verb", "fly"]);
    assert!(said.code == 64 && said.err.contains("promote, refresh"), "{}", said.err);
    let said = plane.run(&["token", "create", "ci", "-p", "nope", "--verb", "get"]);
    assert!(said.code == 0 && said.err.contains("you see no project nope"), "{}", said.err);
}

#[test]
fn ones_own_password_is_changed_by_who_knows_the_one_before() {
    let plane = Plane::start();
    assert_eq!(told(&plane, &["user", "add", "alice", "--password-stdin"], "a long enough password").0, 0);
    let (code, err) = told(&plane, &["login", "--user", "alice", "--password-stdin"], "not the password");
    assert!(code == 1 && err.contains("hint: type both again"), "{err}");
    let login = plane.home().join(".local/state/seaway/login");
    let login = login.to_str().unwrap();
    let sign_in = |password: &str| told(&plane, &["login", "--user", "alice", "--password-stdin"], password).0;
    assert_eq!(sign_in("a long enough password"), 0);
    let check = |typed: &str, code: i32, says: &str| {
        let said = told(&plane, &["--kubeconfig", login, "user", "passwd", "alice", "--password-stdin"], typed);
        assert!(said.0 == code && said.1.contains(says), "{}", said.1);
    };
    check("a long enough password", 1, "the present password from the first line");
    check("not the password\nanother long password", 1, "not the present password");
    check("a long enough password\nshort", 1, "hint: correct what it names, then repeat; --generate");
    check("a long enough password\nanother long password", 0, "");
    assert_eq!(sign_in("another long password"), 0);
}

#[test]
fn one_is_told_who_one_is_and_gets_a_link() {
    let plane = Plane::start();
    assert_eq!(plane.ok(&["whoami", "-o", "name"]), "admin\n");
    assert!(json(&plane.ok(&["whoami", "-o", "json"]))["groups"].as_array().unwrap().contains(&"system:masters".into()));
    let link = plane.ok(&["open", "--print"]);
    assert!(link.starts_with("https://127.0.0.1:") && link.contains("/#") && link.lines().count() == 1, "{link}");
    assert_ne!(link, plane.ok(&["open", "--print"]));
}

#[test]
fn trust_names_the_ca_and_the_certificate_that_is_shown() {
    let plane = Plane::start();
    let trust = json(&plane.ok(&["trust", "-o", "json"]));
    let ca = plane.data().join("tls/ca.pem");
    assert_eq!(trust["ca"].as_str(), ca.to_str());
    assert_eq!(plane.ok(&["trust", "--pem"]), std::fs::read_to_string(&ca).unwrap());
    assert_ne!(trust["caFingerprint"], trust["fingerprint"]);
    let text = plane.ok(&["trust"]);
    assert!(text.contains(trust["caFingerprint"].as_str().unwrap()) && text.contains("update-ca-certificates"), "{text}");
    // Nobody's browser ran in this home yet: the line for Chromium makes what it lacks.
    let line = text.lines().find_map(|line| line.trim().strip_prefix("Chromium on Linux")).unwrap().trim();
    assert!(line.contains("certutil -N --empty-password"), "{line}");
    if run(Command::new("sh").args(["-c", "command -v certutil"])).code != 0 {
        eprintln!("certutil is not here: its line was not run");
        return;
    }
    let sh = |line: &str| run(Command::new("sh").args(["-ec", line]).env("HOME", plane.home()));
    let said = sh(line);
    assert_eq!(said.code, 0, "{line}: {}{}", said.out, said.err);
    let listed = sh("certutil -L -d sql:$HOME/.pki/nssdb");
    assert!(listed.out.contains("seaway-data"), "{}{}", listed.out, listed.err);
    assert!(!plane.ok(&["trust"]).contains("certutil -N"), "it is there now");
}
