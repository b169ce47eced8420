//! Which control plane and which project a command means, with real ones.

use crate::running::{BANK, FREIGHT, Plane, run, seaway};
use std::fs;
use tempfile::TempDir;

#[test]
fn without_any_control_plane_it_says_how_to_get_one() {
    let home = TempDir::new().unwrap();
    let said = run(seaway(home.path()).args(["get", "stages"]));
    assert_eq!(said.code, 1);
    insta::assert_snapshot!(said.err, @r"
    error: no control plane: none runs in ~/.local/state/seaway/demo or ~/.local/state/seaway/default, and KUBECONFIG is not set
    hint: `seaway demo` shows one at work, `seaway serve` starts one of your own
    ");
}

#[test]
fn a_stale_note_of_a_killed_process_counts_for_nothing() {
    let plane = Plane::start();
    let data = plane.data();
    let home = plane.kill();
    assert!(data.join("server.json").exists());
    let said = run(seaway(home.path()).args(["get", "stages", "--data", "data"]).current_dir(home.path()));
    assert_eq!(said.code, 1);
    insta::assert_snapshot!(said.err, @r"
    error: nothing serves `data` (its server.json is of a process that is gone)
    hint: seaway serve --data data
    ");
}

#[test]
fn a_write_names_its_target_first_and_a_look_does_not() {
    let plane = Plane::start();
    let said = plane.apply(BANK, &[]);
    assert_eq!((said.code, said.err.as_str()), (0, "→ embedded, ~/data\n"));
    let said = plane.run(&["get", "stages", "-p", "bank"]);
    assert_eq!((said.code, said.err.as_str()), (0, ""));
}

#[test]
fn a_foreign_kubeconfig_of_the_environment_needs_its_context() {
    let plane = Plane::start();
    let text = fs::read_to_string(plane.data().join("kubeconfig")).unwrap().replace("seaway-data", "corp");
    let foreign = plane.home().join("foreign");
    fs::write(&foreign, text).unwrap();
    let ask = |more: &[&str]| run(seaway(plane.home()).args(["get", "projects"]).args(more).env("KUBECONFIG", &foreign));
    let said = ask(&[]);
    assert_eq!(said.code, 1);
    insta::assert_snapshot!(said.err, @r"
    error: KUBECONFIG was not written by Seaway and means `corp`: name the context
    hint: --context corp
    ");
    assert_eq!(ask(&["--context", "corp"]).code, 0);
    assert_eq!(run(seaway(plane.home()).args(["get", "projects"]).env("KUBECONFIG", plane.data().join("kubeconfig"))).code, 0);
    assert_eq!(run(seaway(plane.home()).args(["get", "projects", "--kubeconfig"]).arg(&foreign)).code, 0);
}

#[test]
fn the_project_is_the_only_one_or_must_be_named() {
    let plane = Plane::start();
    let said = plane.run(&["get", "stages"]);
    assert_eq!(said.code, 1);
    assert!(said.err.starts_with("error: there is no project yet\nhint: "), "{}", said.err);
    assert_eq!(plane.apply(BANK, &[]).code, 0);
    assert!(plane.ok(&["get", "stages"]).starts_with("STAGE"));
    let other = "apiVersion: kargo.akuity.io/v1alpha1\nkind: Project\nmetadata: { name: shop }\n";
    assert_eq!(plane.apply(other, &[]).code, 0);
    let said = plane.run(&["get", "stages"]);
    assert_eq!(said.code, 1);
    insta::assert_snapshot!(said.err, @r"
    error: several projects: bank, shop
    hint: -p bank, or -A for all
    ");
    assert!(plane.ok(&["get", "stages", "-n", "bank"]).contains("qa"));
    assert!(plane.ok(&["get", "stages", "-A"]).starts_with("PROJECT"));
}

#[test]
fn what_is_told_to_type_asks_the_control_plane_and_the_project_that_were_meant() {
    let plane = Plane::start();
    assert_eq!(plane.apply(&format!("{BANK}---\n{FREIGHT}"), &[]).code, 0);
    // As where another control plane would be found: nothing but the command line names this one.
    let ask = |args: &[&str]| run(seaway(plane.home()).args(args).current_dir(plane.home()));
    let said = ask(&["--data", "data", "get", "stages"]);
    assert!(said.out.ends_with("\nnext: seaway plan --data data qa --freight 1.5.0\n"), "{}{}", said.out, said.err);
    let said = ask(&["why", "-A", "--kubeconfig", "data/kubeconfig"]);
    // Its warehouse, which nobody serves, may have said something first.
    let hint = "  hint: seaway promote --kubeconfig data/kubeconfig -p bank qa --freight 1.5.0\n";
    assert!(said.out.contains("bank: stage qa ") && said.out.ends_with(hint), "{}{}", said.out, said.err);
    let said = ask(&["token", "revoke", "none", "--data", "data"]);
    assert!(said.err.ends_with("hint: `seaway token --data data list` lists yours\n"), "{}", said.err);
    // The environment is there where it is pasted, too.
    assert_eq!(plane.ok(&["get", "stages"]).lines().last(), Some("next: seaway plan qa --freight 1.5.0"));
}
