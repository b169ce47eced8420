//! Every error says what to do: each ends in `hint:`, whatever went wrong.

use crate::running::{BANK, FREIGHT, Plane, Said, run, seaway};
use std::fs;
use std::path::Path;
use tempfile::TempDir;

/// What was said, with the place taken out of it.
fn told(said: &Said, place: &Path) -> String {
    said.err.replace(&place.display().to_string(), "DIR")
}

#[track_caller]
fn refused(said: &Said, code: i32) {
    assert_eq!(said.code, code, "{}{}", said.out, said.err);
    let last = said.err.lines().last().unwrap_or_default();
    assert!(said.err.contains("error: ") && last.starts_with("hint: ") && last.len() > "hint: ".len(), "{}", said.err);
}

#[test]
fn files_that_cannot_be_read_are_named_with_what_to_do() {
    let home = TempDir::new().unwrap();
    let at = |name: &str| home.path().join(name);
    fs::write(at("latin.yaml"), b"kind: Stage\nname: caf\xe9\n").unwrap();
    fs::write(at("empty.yaml"), b"").unwrap();
    fs::write(at("broken.yaml"), b"a: [1\n").unwrap();
    let ask = |args: &[&str]| {
        let said = run(seaway(home.path()).args(args).current_dir(home.path()));
        refused(&said, 1);
        told(&said, home.path())
    };
    insta::assert_snapshot!(ask(&["apply", "-f", "nope"]), @r"
    error: read `nope`: No such file or directory (os error 2)
    hint: check the path; it is looked for from DIR
    ");
    insta::assert_snapshot!(ask(&["delete", "-f", "/nope"]), @r"
    error: read `/nope`: No such file or directory (os error 2)
    hint: check the path; it is looked for from DIR
    ");
    insta::assert_snapshot!(ask(&["apply", "-f", "latin.yaml"]), @r"
    error: read `latin.yaml`: stream did not contain valid UTF-8
    hint: documents are text in UTF-8: `file -i` on it tells what it is
    ");
    insta::assert_snapshot!(ask(&["apply", "-f", "empty.yaml"]), @r"
    error: no documents in empty.yaml
    hint: files end in .yaml, .yml or .json; -R looks into folders below
    ");
    ask(&["apply", "-f", "broken.yaml"]);
    ask(&["config", "--config", "nope.yaml"]);
    ask(&["serve", "--data", "latin.yaml"]);
    ask(&["serve", "--data", "data", "--listen", "nowhere"]);
    ask(&["serve", "--data", "data", "--listen", "0.0.0.0:0"]);
}

#[test]
fn kubeconfigs_that_cannot_be_used_are_named_with_what_is_wrong() {
    let home = TempDir::new().unwrap();
    let ask = |text: Option<&str>| {
        let path = home.path().join("bad.yaml");
        let _ = fs::remove_file(&path);
        if let Some(text) = text {
            fs::write(&path, text).unwrap();
        }
        let said = run(seaway(home.path()).args(["get", "stages", "--kubeconfig", "bad.yaml"]).current_dir(home.path()));
        refused(&said, 1);
        assert!(said.err.contains("bad.yaml") || said.err.contains("context `x`"), "{}", said.err);
        said.err
    };
    assert!(ask(None).contains("No such file"));
    assert!(ask(Some("{ not: [yaml")).contains("hint: it must be YAML with clusters, users and contexts; "));
    let nothing = ask(Some("apiVersion: v1\nkind: Config\n"));
    assert!(
        nothing.contains("error: `bad.yaml` has no current context, and no context at all\nhint: name another file; "),
        "{nothing}"
    );
    let none = ask(Some("apiVersion: v1\nkind: Config\ncontexts:\n- name: x\n  context: { cluster: c, user: u }\n"));
    assert!(none.contains("error: `bad.yaml` has no current context; there is x\nhint: --context x\n"), "{none}");
    let dangling = "apiVersion: v1\nkind: Config\ncurrent-context: x\ncontexts:\n- name: x\n  context: { cluster: c, user: u }\n";
    let dangling = ask(Some(dangling));
    assert!(dangling.contains("use context `x` of the kubeconfig: "), "{dangling}");
    let silent = "apiVersion: v1\nkind: Config\ncurrent-context: x\ncontexts:\n- name: x\n  context: { cluster: c, user: u, namespace: bank }\n\
                  clusters:\n- name: c\n  cluster: { server: 'https://127.0.0.1:9' }\nusers:\n- name: u\n  user: { token: t }\n";
    let path = home.path().join("bad.yaml");
    fs::write(&path, silent).unwrap();
    let said = run(seaway(home.path()).args(["get", "stages", "--kubeconfig"]).arg(&path));
    refused(&said, 1);
    assert!(said.err.contains("the control plane does not answer"), "{}", said.err);
}

#[test]
fn what_is_not_there_is_told_with_what_there_is() {
    let plane = Plane::start();
    assert_eq!(plane.apply(BANK, &[]).code, 0);
    assert_eq!(plane.apply(FREIGHT, &[]).code, 0);
    assert_eq!(plane.run(&["promote", "qa", "--freight", "1.5.0", "--wait"]).code, 3);
    let promotion = plane.ok(&["get", "promotions", "-o", "name"]).trim().replace("promotion.kargo.akuity.io/", "");
    let ask = |args: &[&str]| {
        let said = plane.run(args);
        refused(&said, 1);
        said.err.replace(&promotion, "PROMOTION").replace("→ embedded, ~/data\n", "")
    };
    let all = [
        &["get", "stage", "prod"][..],
        &["get", "stage/prod", "-o", "yaml"],
        &["describe", "stage", "prod"],
        &["delete", "stage", "prod"],
        &["why", "prod"],
        &["plan", "prod", "--freight", "1.5.0"],
        &["promote", "prod", "--freight", "1.5.0"],
        &["approve", "1.5.0", "--stage", "prod"],
        &["resume", "prod"],
        &["refresh", "stage", "prod"],
        &["logs", "stage/prod"],
    ];
    for args in all {
        let said = ask(args);
        let wanted = "error: no stage `prod` in project `bank`; there is qa\nhint: `seaway get stages` lists them all; -p names another project\n";
        assert_eq!(said, wanted, "{args:?}");
    }
    for args in [
        &["get", "promotion", "x"][..],
        &["get", "promotion/x", "-o", "json"],
        &["describe", "promotion", "x"],
        &["delete", "promotion", "x"],
        &["why", "promotion/x"],
        &["abort", "x"],
        &["resolve", "x", "--skip"],
        &["logs", "x"],
    ] {
        assert!(
            ask(args).starts_with("error: no promotion `x` in project `bank`; there is PROMOTION\nhint: `seaway get promotions`"),
            "{args:?}"
        );
    }
    for args in
        [&["get", "freight", "9.9"][..], &["describe", "freight", "9.9"], &["delete", "freight", "9.9"], &["why", "freight/9.9"]]
    {
        assert!(ask(args).starts_with("error: no freight goes by `9.9`; there is "), "{args:?}");
    }
    assert!(ask(&["get", "project", "shop"]).starts_with("error: no project `shop`; there is bank\nhint: `seaway get projects`"));
    assert!(
        ask(&["get", "secret", "x"])
            .starts_with("error: no secret `x` in project `bank`; there is none\nhint: `seaway get secrets`")
    );
    for args in
        [&["get", "stages", "-p", "shop"][..], &["why", "-p", "shop"], &["resume", "qa", "-p", "shop"], &["watch", "-p", "shop"]]
    {
        assert!(ask(args).starts_with("error: no project `shop`; there is bank\n"), "{args:?}");
    }
    refused(&plane.run(&["get", "stage", "qa", "-A"]), 64);
}

#[test]
fn freight_is_deleted_by_whatever_it_goes_by() {
    let plane = Plane::start();
    let second = "  - image: { repoURL: 127.0.0.1:9/account-info, constraint: ^1.0.0 }\n---\n";
    let (warehouse, stage) = BANK.rsplit_once("---\n").unwrap();
    assert_eq!(plane.apply(&format!("{warehouse}{second}{stage}"), &[]).code, 0);
    let of = |tag: &str, other: &str| {
        format!("{}- {{ repoURL: 127.0.0.1:9/account-info, tag: {other} }}\n", FREIGHT.replace("1.5.0", tag))
    };
    for document in [of("1.5.0", "1.0.0"), of("1.5.1", "1.5.2"), of("1.5.2", "1.5.1")] {
        assert_eq!(plane.apply(&document, &[]).code, 0);
    }
    assert!(plane.ok(&["delete", "freight", "1.5.0", "--dry-run"]).ends_with(" deleted (dry run)\n"));
    assert!(plane.ok(&["delete", "freight", "1.5.0"]).starts_with("freight.kargo.akuity.io/"));
    let several = plane.run(&["delete", "freight", "1.5.1"]);
    refused(&several, 1);
    assert!(several.err.contains("`1.5.1` is 2 pieces of freight: "), "{}", several.err);
    plane.ok(&["delete", "freight/fund-transfer:1.5.1"]);
    assert_eq!(plane.ok(&["get", "freight", "-o", "name"]).lines().count(), 1);
    // What a document names is called by its content, and what is gone already is no error.
    let file = plane.home().join("freight.yaml");
    fs::write(&file, of("1.5.2", "1.5.1")).unwrap();
    let delete = ["delete", "-f", file.to_str().unwrap()];
    assert!(plane.ok(&delete).ends_with(" deleted\n"));
    assert!(plane.ok(&delete).ends_with(" is not there\n"));
    assert_eq!(plane.ok(&["get", "freight", "-o", "name"]), "");
}

#[test]
fn the_demo_takes_the_folder_of_the_environment_and_no_rubbish() {
    let home = TempDir::new().unwrap();
    let ask = |args: &[&str]| {
        let said = run(seaway(home.path()).args(args).env("SEAWAY_DATA", home.path().join("mine")));
        refused(&said, if args.contains(&"--kubeconfig") { 64 } else { 1 });
        said.err
    };
    assert!(ask(&["demo", "crash"]).starts_with("error: no demo runs on ~/mine\n"));
    assert!(ask(&["demo", "push", "fund-transfer:1.5.1"]).starts_with("error: no demo runs on ~/mine\n"));
    assert!(ask(&["demo", "push", "fund-transfer:rubbish"]).starts_with("error: `rubbish` is no semantic version such as 1.5.1"));
    assert!(ask(&["demo", "push", "teller:1.0.0"]).starts_with("error: the bank has no service `teller`"));
    assert!(ask(&["demo", "--kubeconfig", "x"]).starts_with("error: the demo takes no --kubeconfig"));
    fs::create_dir(home.path().join("mine")).unwrap();
    fs::write(home.path().join("mine/thesis.txt"), "of somebody").unwrap();
    for args in [&["demo"][..], &["demo", "reset"]] {
        assert!(ask(args).starts_with("error: ~/mine is not empty, and no demo made it\n"), "{args:?}");
    }
    assert!(home.path().join("mine/thesis.txt").exists());
}

/// A hint is pasted: what it is about must be there too.
#[test]
fn what_is_to_be_typed_names_the_project_that_was_named() {
    let plane = Plane::start();
    let other =
        BANK.replace("metadata: { name: bank }", "metadata: { name: shop }").replace("namespace: bank", "namespace: shop");
    for documents in [BANK, other.as_str(), FREIGHT.replace("namespace: bank", "namespace: shop").as_str()] {
        let said = plane.apply(documents, &[]);
        assert_eq!(said.code, 0, "{}", said.err);
    }
    let hint = |said: &Said| said.err.lines().find_map(|line| line.strip_prefix("hint: ")).unwrap().to_owned();
    let missing = plane.run(&["promote", "nowhere", "--freight", "1.5.0", "-p", "shop"]);
    refused(&missing, 1);
    assert_eq!(hint(&missing), "`seaway get -p shop stages` lists them all; -p names another project");
    let failed = plane.run(&["promote", "qa", "--freight", "1.5.0", "--wait", "-p", "shop"]);
    let pasted = hint(&failed);
    assert!(pasted.starts_with("seaway logs -p shop qa."), "{pasted}");
    // There are two projects: the command works only because it names one.
    let words: Vec<&str> = pasted.split_whitespace().skip(1).collect();
    assert!(plane.ok(&words).contains("not today"), "{pasted}");
    let why = plane.ok(&["why", "stage/qa", "-p", "shop"]);
    assert!(why.contains("hint: seaway promote -p shop qa --freight"), "{why}");
    let next = plane.ok(&["promote", "qa", "--freight", "1.5.0", "-p", "shop"]);
    assert!(next.contains("next: seaway logs -p shop -f qa."), "{next}");
}
