//! What commands say, to people and to scripts.

use crate::running::{BANK, FREIGHT, Plane, run, seaway};
use std::io::Read as _;
use std::process::Stdio;
use tempfile::TempDir;

#[test]
fn a_command_line_that_is_not_understood_is_64() {
    let home = TempDir::new().unwrap();
    for args in
        [&["gett"][..], &["get"], &["promote", "qa"], &["get", "pods"], &["resolve", "x"], &["plan", "qa", "--timeout", "long"]]
    {
        let said = run(seaway(home.path()).args(args));
        assert_eq!(said.code, 64, "{args:?}: {}", said.err);
        assert!(said.err.contains("error: ") && said.err.contains("hint: "), "{}", said.err);
    }
    assert_eq!(run(seaway(home.path()).arg("--help")).code, 0);
    assert_eq!(run(seaway(home.path()).arg("version")).out, format!("seaway {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn settings_are_shown_with_their_origin() {
    let home = TempDir::new().unwrap();
    std::fs::write(home.path().join("seaway.yaml"), "log: { level: debug, format: json }\nlisten: 127.0.0.1:1\n").unwrap();
    let mut command = seaway(home.path());
    command.current_dir(home.path()).env("SEAWAY_LOG_LEVEL", "warn").env("SEAWAY_CONFIG", "seaway.yaml");
    let said = run(command.args(["config", "--listen", "127.0.0.1:2"]));
    assert_eq!(said.code, 0, "{}", said.err);
    let wanted = |line: &&str| {
        ["data ", "keyFile", "externalURL", "listen ", "log.", "git.name", "egress.caBundle"]
            .iter()
            .any(|name| line.starts_with(name))
    };
    let lines: Vec<String> =
        said.out.lines().filter(wanted).map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    // What follows from other settings is told as it comes out.
    let data = home.path().join(".local/state/seaway/default");
    assert_eq!(
        lines,
        [
            &*format!("data {} default", data.display()),
            "listen 127.0.0.1:2 --listen",
            "externalURL https://127.0.0.1:2 default",
            &*format!("keyFile {} default", data.join("key").display()),
            "log.level warn $SEAWAY_LOG_LEVEL",
            "log.format json seaway.yaml",
            "egress.caBundle none default",
            "git.name Seaway default"
        ]
    );
    std::fs::write(home.path().join("seaway.yaml"), "lisen: x\n").unwrap();
    let said = run(seaway(home.path()).current_dir(home.path()).args(["config", "--config", "seaway.yaml"]));
    assert_eq!((said.code, said.err.lines().next()), (1, Some("error: seaway.yaml: `lisen` is no setting")));
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let home = TempDir::new().unwrap();
    let mut child =
        seaway(home.path()).args(["completion", "bash"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut out = child.stdout.take().unwrap();
    out.read_exact(&mut [0; 1]).unwrap();
    drop(out);
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), &b""[..]));
}

#[test]
fn nothing_there_says_so_and_how_to_make_one() {
    let plane = Plane::start();
    assert_eq!(plane.apply("apiVersion: kargo.akuity.io/v1alpha1\nkind: Project\nmetadata: { name: bank }\n", &[]).code, 0);
    let said = plane.run(&["get", "stages"]);
    assert_eq!((said.code, said.out.as_str()), (0, ""));
    insta::assert_snapshot!(said.err, @r"
    no stages in project bank
    hint: seaway apply -f FILE; `seaway demo` comes with a pipeline to look at
    ");
    assert_eq!(plane.ok(&["why"]), "everything moves in bank\n");
}

#[test]
fn secrets_show_their_keys_and_never_their_values() {
    let plane = Plane::start();
    assert_eq!(plane.apply(BANK, &[]).code, 0);
    let secret = "apiVersion: v1\nkind: Secret\nmetadata: { name: git, namespace: bank }\nstringData: { password: canary-8 }\n";
    assert_eq!(plane.apply(secret, &[]).code, 0);
    for form in ["json", "yaml", "wide"] {
        let said = plane.ok(&["get", "secret/git", "-o", form]);
        assert!(said.contains("git") && !said.contains("Y2FuYXJ5LTg") && !said.contains("canary-8"), "{said}");
    }
}

#[test]
fn objects_come_in_all_forms_and_go() {
    let plane = Plane::start();
    assert_eq!(plane.apply(BANK, &[]).code, 0);
    assert!(plane.apply(FREIGHT, &[]).out.ends_with(" created\n"));
    assert!(plane.ok(&["get", "stage/qa", "-o", "yaml"]).starts_with("apiVersion: kargo.akuity.io/v1alpha1\nkind: Stage\n"));
    let list: serde_json::Value = serde_json::from_str(&plane.ok(&["get", "stages", "-o", "json"])).unwrap();
    assert_eq!((&list["kind"], &list["items"][0]["metadata"]["name"]), (&"List".into(), &"qa".into()));
    assert!(plane.ok(&["get", "freight"]).contains("1.5.0"));
    assert!(plane.ok(&["get", "freight", "1.5.0", "-o", "name"]).starts_with("freight.kargo.akuity.io/"));
    assert!(plane.ok(&["get", "warehouses"]).starts_with("WAREHOUSE"));
    assert!(plane.ok(&["get", "projects"]).contains("bank"));
    let said = plane.run(&["get", "stage/prod"]);
    assert_eq!(said.code, 1);
    insta::assert_snapshot!(said.err, @r"
    error: no stage `prod` in project `bank`; there is qa
    hint: `seaway get stages` lists them all; -p names another project
    ");
    assert!(plane.ok(&["describe", "stage", "qa"]).starts_with("stage qa is "));
    assert_eq!(plane.ok(&["delete", "stage/qa"]), "stage.kargo.akuity.io/qa deleted\n");
    assert_eq!(plane.run(&["delete", "stage/qb"]).code, 1);
}

#[test]
fn freight_that_is_not_there_is_told_with_what_there_is() {
    let plane = Plane::start();
    assert_eq!(plane.apply(BANK, &[]).code, 0);
    let said = plane.run(&["promote", "qa", "--freight", "9.9.9"]);
    assert_eq!(said.code, 1);
    assert!(said.err.contains("error: no freight goes by `9.9.9`; there is none at all\nhint: "), "{}", said.err);
    let said = plane.run(&["promote", "qb", "--freight", "9.9.9"]);
    assert_eq!(said.code, 1);
    let said = plane.run(&["resume", "qa"]);
    assert_eq!((said.code, said.err.lines().nth(1)), (1, Some("error: stage `qa` has no hold")));
}

#[test]
fn bash_accepts_the_completion() {
    let home = TempDir::new().unwrap();
    let said = run(seaway(home.path()).args(["completion", "bash"]));
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(said.out.contains("complete -F _seaway"), "{}", said.out);
    let script = home.path().join("completion.bash");
    std::fs::write(&script, said.out).unwrap();
    let said = run(std::process::Command::new("bash").arg("-n").arg(&script));
    assert_eq!((said.code, said.err.as_str()), (0, ""));
    assert_eq!(run(seaway(home.path()).args(["completion", "cmd"])).code, 64);
}
