//! `apply`: all is validated before the first write, what is there already reads `unchanged`, conflicts are shown.

use crate::running::{BANK, FREIGHT, Plane};

#[test]
fn what_is_there_already_is_unchanged() {
    let plane = Plane::start();
    insta::assert_snapshot!(plane.apply(BANK, &[]).out, @r"
    project.kargo.akuity.io/bank created
    warehouse.kargo.akuity.io/bank created
    stage.kargo.akuity.io/qa created
    ");
    let again = plane.apply(BANK, &[]);
    assert_eq!(again.code, 0, "{}", again.err);
    insta::assert_snapshot!(again.out, @r"
    project.kargo.akuity.io/bank unchanged
    warehouse.kargo.akuity.io/bank unchanged
    stage.kargo.akuity.io/qa unchanged
    ");
    let changed = plane.apply(&BANK.replace("interval: 1h", "interval: 2h"), &[]);
    assert!(changed.out.contains("warehouse.kargo.akuity.io/bank configured"), "{}", changed.out);
    let freight = plane.apply(FREIGHT, &[]);
    assert!(freight.out.ends_with(" created\n"), "{}{}", freight.out, freight.err);
    let again = plane.apply(FREIGHT, &[]);
    assert_eq!(again.out, freight.out.replace(" created", " unchanged"), "{}", again.err);
}

#[test]
fn everything_is_validated_before_the_first_write() {
    let plane = Plane::start();
    let bad = "\
apiVersion: kargo.akuity.io/v1alpha1
kind: Project
metadata: { name: bank }
---
apiVersion: kargo.akuity.io/v1alpha1
kind: Stage
metadata: { name: qa, namespace: bank }
spec:
  requestedFreigth: []
---
kind: Stage
---
apiVersion: kargo.akuity.io/v1alpha1
kind: Stag
metadata: { name: qa }
";
    let said = plane.apply(bad, &[]);
    assert_eq!(said.code, 1);
    insta::assert_snapshot!(said.err, @r"
    error: 5 faults; nothing was written
    -:8: spec.requestedFreight: requestedFreight is missing; add it
    -:9: spec.requestedFreigth: unknown field requestedFreigth; did you mean requestedFreight?
    -:11: apiVersion: is missing: every document names its apiVersion and kind
    -:11: metadata.name: Required value: name or generateName is required
    -:14: kind: `Stag` of `kargo.akuity.io/v1alpha1` is not served here
    hint: `kubectl explain KIND` tells a kind's fields
    ");
    assert_eq!(plane.ok(&["get", "projects", "-o", "name"]), "");
}

#[test]
fn what_the_control_plane_would_refuse_is_told_before_the_first_write() {
    const PROJECT: &str = "apiVersion: kargo.akuity.io/v1alpha1\nkind: Project\nmetadata: { name: bank }\n---\n";
    const STAGE: &str =
        "spec:\n  requestedFreight:\n  - origin: { kind: Warehouse, name: bank }\n    sources: { direct: true }\n";
    let ours = |kind: &str, metadata: &str, rest: &str| {
        format!("{PROJECT}apiVersion: kargo.akuity.io/v1alpha1\nkind: {kind}\nmetadata:\n  namespace: bank\n{metadata}{rest}")
    };
    let plain = |kind: &str, rest: &str| {
        format!("{PROJECT}apiVersion: v1\nkind: {kind}\nmetadata:\n  namespace: bank\n  name: a\n{rest}")
    };
    let freight = "origin: { kind: Warehouse, name: nowhere }\nimages:\n- { repoURL: 127.0.0.1:9/x, tag: 1.0.0 }\n";
    let plane = Plane::start();
    let check = |text: String, fault: &str| {
        let said = plane.apply(&text, &[]);
        assert_eq!((said.code, said.out.as_str()), (1, ""), "{text}{}", said.err);
        assert!(said.err.contains("nothing was written") && said.err.contains(fault), "{text}wants {fault}: {}", said.err);
        assert_eq!(plane.ok(&["get", "projects", "-o", "name"]), "", "{text}");
    };
    check(ours("Stage", "  name: X_y\n", STAGE), "-:9: metadata.name: ");
    check(ours("Stage", "  name: a\n  labels:\n    a.b/c: x\n    a.b/d: 'no good'\n", STAGE), "-:12: metadata.labels[a.b/d]: ");
    check(ours("Stage", "", STAGE), "-:7: metadata.name: ");
    check(ours("Stage", "  name: 5\n", STAGE), "-:9: metadata.name: ");
    check(ours("Stage", "  name: a\n  name: b\n", STAGE), "-:10: metadata.name: stands there twice");
    check(ours("Promotion", "", "spec:\n  stage: nowhere\n  freight: x\n"), "-:10: spec.stage: there is no stage nowhere");
    check(ours("Freight", "  name: x\n", freight), "-:10: origin.name: there is no warehouse nowhere");
    check(plain("ConfigMap", "data:\n  b: x\n  a: 1\n"), "-:12: data");
    check(plain("ConfigMap", "data:\n  b: x\n  'bad key!': y\n"), "-:12: data[bad key!]: ");
    check(plain("Secret", "data:\n  a: 'not base64!'\n"), "-:11: data");
    check(plain("Secret", "type: 5\n"), "-:10: type: ");
}

#[test]
fn what_stands_is_asked_before_the_first_write() {
    let plane = Plane::start();
    assert_eq!(plane.apply(BANK, &[]).code, 0);
    let text = BANK.replace("interval: 1h", "interval: 2h");
    let bad = "---\napiVersion: kargo.akuity.io/v1alpha1\nkind: Promotion\nmetadata:\n  namespace: bank\nspec:\n  stage: nowhere\n  freight: x\n";
    let said = plane.apply(&format!("{text}{bad}"), &[]);
    assert_eq!((said.code, said.out.as_str()), (1, ""), "{}", said.err);
    assert!(said.err.contains("-:32: spec.stage: there is no stage nowhere in project bank"), "{}", said.err);
    assert!(plane.ok(&["get", "warehouses", "-p", "bank", "-o", "yaml"]).contains("interval: 1h"));
    // What the set itself makes is no fault.
    let text = format!("{}---\n{}", BANK.replace("bank", "shop"), FREIGHT.replace("bank", "shop"));
    let said = plane.apply(&text, &[]);
    assert_eq!(said.code, 0, "{}", said.err);
}

#[test]
fn what_get_prints_can_be_applied() {
    let plane = Plane::start();
    assert_eq!(plane.apply(BANK, &[]).code, 0);
    let stages = plane.ok(&["get", "stages", "-p", "bank", "-o", "yaml"]);
    let said = plane.apply(&stages, &[]);
    assert_eq!(said.code, 0, "{stages}{}", said.err);
    assert!(said.out.starts_with("stage.kargo.akuity.io/qa "), "{}", said.out);
}

#[test]
fn a_document_without_a_project_is_refused_before_the_first_write() {
    let plane = Plane::start();
    let said = plane.apply(&BANK.replace(", namespace: bank", ""), &[]);
    assert_eq!((said.code, said.out.as_str()), (1, ""), "{}", said.err);
    assert!(said.err.contains("error: there is no project yet\nhint: "), "{}", said.err);
    assert_eq!(plane.ok(&["get", "projects", "-o", "name"]), "");
}

#[test]
fn a_dry_run_changes_nothing() {
    let plane = Plane::start();
    let said = plane.apply("apiVersion: kargo.akuity.io/v1alpha1\nkind: Project\nmetadata: { name: bank }\n", &["--dry-run"]);
    assert_eq!(said.out, "project.kargo.akuity.io/bank created (dry run)\n", "{}", said.err);
    assert_eq!(plane.ok(&["get", "projects", "-o", "name"]), "");
}

#[test]
fn a_field_that_another_owns_is_a_conflict_until_it_is_taken() {
    let plane = Plane::start();
    assert_eq!(plane.apply(BANK, &[]).code, 0);
    change_as_another(&plane);
    let said = plane.apply(BANK, &[]);
    assert_eq!(said.code, 1);
    assert!(said.err.contains(".spec.interval") && said.err.contains("somebody"), "{}", said.err);
    assert!(
        said.err.contains("hint: leave those fields to their owners, or take them over with --force-conflicts"),
        "{}",
        said.err
    );
    let said = plane.apply(BANK, &["--force-conflicts"]);
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(said.out.contains("warehouse.kargo.akuity.io/bank configured"));
}

fn change_as_another(plane: &Plane) {
    use kube::api::{Api, Patch, PatchParams};
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let kubeconfig = kube::config::Kubeconfig::read_from(plane.data().join("kubeconfig")).unwrap();
    runtime.block_on(async {
        let config = kube::Config::from_custom_kubeconfig(kubeconfig, &Default::default()).await.unwrap();
        let api: Api<seaway_api::kargo::Warehouse> = Api::namespaced(kube::Client::try_from(config).unwrap(), "bank");
        let patch = serde_json::json!({ "spec": { "interval": "3h" } });
        let params = PatchParams { field_manager: Some("somebody".into()), ..PatchParams::default() };
        api.patch("bank", &params, &Patch::Merge(&patch)).await.unwrap();
    });
}

#[test]
fn folders_are_applied_and_those_below_when_asked() {
    let plane = Plane::start();
    let dir = plane.home().join("documents");
    std::fs::create_dir_all(dir.join("below")).unwrap();
    let (project, rest) = BANK.split_once("---\n").unwrap();
    let (warehouse, stage) = rest.split_once("---\n").unwrap();
    // The project is named last: what others need goes first all the same.
    std::fs::write(dir.join("z.yaml"), project).unwrap();
    std::fs::write(dir.join("a.yml"), warehouse).unwrap();
    std::fs::write(dir.join("below/stage.yaml"), stage).unwrap();
    std::fs::write(dir.join("README.md"), "no document").unwrap();
    let folder = dir.to_str().unwrap();
    insta::assert_snapshot!(plane.ok(&["apply", "-f", folder]), @r"
    project.kargo.akuity.io/bank created
    warehouse.kargo.akuity.io/bank created
    ");
    insta::assert_snapshot!(plane.ok(&["apply", "-R", "-f", folder]), @r"
    project.kargo.akuity.io/bank unchanged
    warehouse.kargo.akuity.io/bank unchanged
    stage.kargo.akuity.io/qa created
    ");
    let empty = plane.home().join("empty");
    std::fs::create_dir(&empty).unwrap();
    let said = plane.run(&["apply", "-f", empty.to_str().unwrap()]);
    assert_eq!(said.code, 1);
    assert!(said.err.contains("error: no documents in ") && said.err.contains("hint: files end in "), "{}", said.err);
}

#[test]
fn standard_input_is_read_to_its_end() {
    let plane = Plane::start();
    let json = r#"{"apiVersion":"kargo.akuity.io/v1alpha1","kind":"Project","metadata":{"name":"bank"}}"#;
    assert_eq!(plane.apply(json, &[]).out, "project.kargo.akuity.io/bank created\n");
    let said = plane.apply("", &[]);
    assert_eq!((said.code, said.err.lines().next()), (1, Some("error: no documents in -")), "{}", said.err);
}
