//! `approve`, `refresh`, `resume` and freight as people name it: each ends with what it was done for.

use crate::running::Plane;
use seaway_neighbours::{GitOptions, GitServer};
use std::io::{BufRead as _, BufReader};
use std::process::Stdio;
use tempfile::TempDir;

const BANK: &str = "\
apiVersion: kargo.akuity.io/v1alpha1
kind: Project
metadata: { name: bank }
---
apiVersion: kargo.akuity.io/v1alpha1
kind: Warehouse
metadata: { name: bank, namespace: bank }
spec:
  freightCreationPolicy: Manual
  interval: 1h
  subscriptions:
  - image: { repoURL: 127.0.0.1:9/fund-transfer }
  - image: { repoURL: 127.0.0.1:9/account-info }
";

/// A stage whose promotions do nothing but succeed.
fn stage(name: &str, sources: &str) -> String {
    let head = format!("---\napiVersion: kargo.akuity.io/v1alpha1\nkind: Stage\nmetadata: {{ name: {name}, namespace: bank }}\n");
    let requested = "  requestedFreight:\n  - origin: { kind: Warehouse, name: bank }\n";
    let steps = "      - uses: compose-output\n        config: { seen: '1' }\n";
    format!("{head}spec:\n{requested}    sources: {sources}\n  promotionTemplate:\n    spec:\n      steps:\n{steps}")
}

/// Freight of both images.
fn freight(fund_transfer: &str, account_info: &str) -> String {
    let head = "---\napiVersion: kargo.akuity.io/v1alpha1\nkind: Freight\nmetadata: { name: any, namespace: bank }\n";
    let image = |name: &str, tag: &str| format!("- {{ repoURL: 127.0.0.1:9/{name}, tag: {tag} }}\n");
    let images = [image("fund-transfer", fund_transfer), image("account-info", account_info)].concat();
    format!("{head}origin: {{ kind: Warehouse, name: bank }}\nimages:\n{images}")
}

fn planted(documents: &[String]) -> Plane {
    let plane = Plane::start();
    let said = plane.apply(&[&[BANK.to_owned()], documents].concat().concat(), &[]);
    assert_eq!(said.code, 0, "{}", said.err);
    plane
}

/// Waits until a line of this view that goes on is as wanted.
fn until(plane: &Plane, view: &[&str], wanted: impl Fn(&str) -> bool) -> String {
    let mut child = plane.command(view).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let found = lines.find(|line| wanted(line));
    child.kill().unwrap();
    child.wait().unwrap();
    found.unwrap()
}

#[test]
fn what_was_approved_may_go_into_the_stage() {
    let plane = planted(&[stage("qa", "{ direct: true }"), stage("prod", "{ stages: [qa] }"), freight("1.5.0", "2.0.0")]);
    let refused = plane.run(&["promote", "prod", "--freight", "1.5.0", "--wait"]);
    assert_ne!(refused.code, 0, "{}", refused.out);
    let line = "error: promote to `prod`: the stage may not have it: fund-transfer 1.5.0, account-info 2.0.0 is not verified in qa; \
                released by its verification in an upstream stage, or an approval\nhint: `seaway approve 1.5.0 --stage prod` lets it in";
    assert!(refused.err.contains(line), "{}", refused.err);
    let said = plane.ok(&["approve", "1.5.0", "--stage", "prod"]);
    assert!(said.contains(" approved for stage prod\nnext: seaway promote prod --freight 1.5.0\n"), "{said}");
    let said = plane.ok(&["approve", "1.5.0", "--stage", "prod"]);
    assert!(said.contains(" was approved already for stage prod\n"), "{said}");
    assert!(plane.ok(&["promote", "prod", "--freight", "1.5.0", "--wait"]).contains(" Succeeded"));
    let said = plane.run(&["approve", "1.5.0", "--stage", "prd"]);
    assert_eq!((said.code, said.err.contains("no stage `prd`")), (1, true), "{}", said.err);
}

#[test]
fn a_version_of_several_pieces_lists_them_and_the_artifact_narrows() {
    let plane = planted(&[stage("qa", "{ direct: true }"), freight("1.5.1", "2.0.0"), freight("1.6.0", "1.5.1")]);
    let said = plane.run(&["promote", "qa", "--freight", "1.5.1"]);
    assert_eq!(said.code, 1);
    assert!(said.err.contains("error: `1.5.1` is 2 pieces of freight: "), "{}", said.err);
    for part in ["fund-transfer 1.5.1", "account-info 1.5.1", "narrow it as in `fund-transfer:1.5.1`"] {
        assert!(said.err.contains(part), "{part}: {}", said.err);
    }
    let said = plane.run(&["promote", "qa", "--freight", "fund-transfer:1.5.1", "--wait"]);
    assert_eq!(said.code, 0, "{}", said.err);
    let stages = plane.ok(&["get", "freight", "fund-transfer:1.5.1"]);
    assert!(stages.contains("1.5.1") && !stages.contains("1.6.0"), "{stages}");
}

#[test]
fn a_hold_ends_with_resume_and_automation_takes_the_newest_again() {
    let plane = planted(&[stage("qa", "{ direct: true }"), freight("1.5.0", "2.0.0"), freight("1.6.0", "2.0.0")]);
    let policy = "\
apiVersion: kargo.akuity.io/v1alpha1
kind: ProjectConfig
metadata: { name: bank, namespace: bank }
spec: { promotionPolicies: [{ stageSelector: { name: qa }, autoPromotionEnabled: true }] }
";
    assert_eq!(plane.apply(policy, &[]).code, 0);
    let stages = ["get", "stages", "-w"];
    let by_itself = until(&plane, &stages, |line| line.contains("verified") || line.contains("unchecked"));
    let (newest, other) = if by_itself.contains("1.6.0") { ("1.6.0", "1.5.0") } else { ("1.5.0", "1.6.0") };
    let said = plane.run(&["promote", "qa", "--freight", other, "--wait"]);
    assert_eq!(said.code, 0, "{}", said.err);
    until(&plane, &stages, |line| line.contains("held") && line.contains(other));
    assert_eq!(plane.ok(&["resume", "qa"]), "stage qa promotes by itself again\n");
    until(&plane, &stages, |line| line.contains(newest) && !line.contains("held") && !line.contains(other));
}

#[test]
fn a_refresh_that_waits_has_seen_what_came_since() {
    let dir = TempDir::new().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let (git, serving) = runtime.block_on(async {
        let git = GitServer::open(dir.path().join("git"), GitOptions::default()).await.unwrap();
        git.create_repo("bank", &[("a.txt", b"1\n")]).await.unwrap();
        let serving = git.serve(0).await.unwrap();
        (git, serving)
    });
    let code = format!(
        "---\napiVersion: kargo.akuity.io/v1alpha1\nkind: Warehouse\nmetadata: {{ name: code, namespace: bank }}\n\
         spec: {{ interval: 1h, subscriptions: [{{ git: {{ repoURL: '{}/bank.git', branch: main }} }}] }}\n",
        serving.url()
    );
    let plane = planted(&[code]);
    assert_eq!(plane.ok(&["refresh", "warehouse", "code", "--wait"]), "warehouse code refreshed\n");
    let commit = |text: &[u8]| {
        runtime.block_on(async {
            git.commit("bank", "main", "outside", &[("a.txt", Some(text))]).await.unwrap();
            git.git("bank", &["rev-parse", "main"]).await.unwrap().trim().to_owned()
        })
    };
    for (text, how) in [(&b"2\n"[..], &["refresh", "code", "--wait"][..]), (b"3\n", &["refresh", "warehouse/code", "--wait"])] {
        let id = commit(text);
        plane.ok(how);
        let seen = plane.ok(&["get", "warehouse/code", "-o", "json"]);
        assert!(seen.contains(&id), "{how:?}: {id} in {seen}");
    }
    let said = plane.run(&["refresh", "warehouse", "cod", "--wait"]);
    assert_eq!(said.code, 1);
    assert!(said.err.contains("no warehouse `cod`") && said.err.contains("code"), "{}", said.err);
    assert_eq!(plane.run(&["refresh", "freight", "x"]).code, 64);
}
