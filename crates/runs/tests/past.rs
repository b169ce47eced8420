//! What git tells afterwards of what a run wrote, beside what its plan said it would write; and the commits between two.

mod common;

use common::git::{Remotes, pipeline};
use common::*;
use seaway_base::Secret;
use seaway_runs::{Datum, Gates, Outcome, Past, Phase, PlanRequest, Repository, RunSpec, StepSpec, WrittenFiles};
use serde_json::{Value, json};
use std::sync::Arc;

fn request(spec: &RunSpec) -> PlanRequest {
    PlanRequest { facts: facts(), spec: Arc::new(spec.clone()), identity: Default::default(), gates: Gates::default() }
}

fn past(house: &House) -> Past {
    Past::new(&house.engine.ports, house.world.clone())
}

async fn told(house: &House) -> WrittenFiles {
    past(house).written("bank", &facts().promotion, &house.last()).await
}

/// Plans, runs to the end, and expects git to tell of every file what the plan said.
async fn check(house: &House, steps: Vec<StepSpec>, n_files: usize) {
    let spec = spec(steps);
    let planned = house.engine.plan(&request(&spec)).await.unwrap();
    assert_eq!((planned.files.len(), planned.failure.clone()), (n_files, None));
    assert_eq!(house.settle(&spec).await, Outcome::Finished(Phase::Succeeded), "{}", house.steps());
    let written = told(house).await;
    assert_eq!((&written.files, written.truncated), (&planned.files, false));
    assert_eq!(written.unknown, Vec::<String>::new());
}

#[tokio::test]
async fn what_was_written_is_what_was_planned() {
    let remotes = Remotes::new().await;
    let url = remotes.repo("r").await;
    check(&remotes.house(), pipeline(&url, "tag: 2\n"), 1).await;
}

#[tokio::test]
async fn all_commits_of_a_run_count_once_and_those_of_others_never() {
    let remotes = Remotes::new().await;
    let url = remotes.repo("r").await;
    let more = [
        step("write-2", "write", json!({ "path": "src/other.txt", "text": "x\nb\n" })),
        step("write-3", "write", json!({ "path": "src/app.yaml", "text": "tag: 3\n" })),
        step("meddle", "meddle", json!({ "repo": "r", "file": "theirs.txt", "text": "theirs\n" })),
        step("commit-2", "git-commit", json!({ "path": "src", "message": "again" })),
        step("push-2", "git-push", json!({ "path": "src" })),
    ];
    // Nothing is planned past a step that needs what only exists afterwards.
    let steps = pipeline(&url, "tag: 2\n").into_iter().take(4).chain(more).collect();
    check(&remotes.house(), steps, 2).await;
    assert_eq!(remotes.log("r").await[1], "outsider", "somebody pushed in between");
}

#[tokio::test]
async fn another_branch_is_compared_with_the_commit_that_it_began_on() {
    let remotes = Remotes::new().await;
    let url = remotes.repo("r").await;
    let mut steps = pipeline(&url, "tag: 2\n");
    steps[3] = step("push", "git-push", json!({ "path": "src", "targetBranch": "env/qa" }));
    check(&remotes.house(), steps, 1).await;
}

#[tokio::test]
async fn secrets_are_masked_as_the_plan_masks_them() {
    let remotes = Remotes::new().await;
    let url = remotes.repo("r").await;
    remotes.server.commit("r", "main", "an old sin", &[("app.yaml", Some(b"token: hunter2\n"))]).await.unwrap();
    let house = remotes.house();
    let keeps = |uid: &str, version: &str, content: Value| {
        let data = Secret::new(object(&content));
        let secret = Datum::Secret { uid: uid.into(), resource_version: version.into(), data };
        house.world.data.lock().insert("secret(\"s\")".into(), secret);
    };
    keeps("u", "1", json!({ "token": "hunter2" }));
    let mut steps = pipeline(&url, "token: none\n");
    steps.insert(0, step("read", "say", json!({ "x": "${{ secret('s').token }}" })));
    check(&house, steps, 1).await;
    let written = told(&house).await;
    assert!(written.files[0].diff.contains("-token: ***\n+token: none\n"), "{}", written.files[0].diff);

    let untold = async || {
        let written = told(&house).await;
        assert_eq!(written.files, Vec::new());
        written.unknown.join("\n")
    };
    keeps("u", "2", json!({ "token": "rotated" }));
    insta::assert_snapshot!(untold().await, @r#"What it wrote is not shown: what it read from secret("s") cannot be masked: the Secret was changed since, and what it held is not kept."#);
    keeps("other", "1", json!({ "token": "hunter2" }));
    insta::assert_snapshot!(untold().await, @r#"What it wrote is not shown: what it read from secret("s") cannot be masked: the Secret was changed since, and what it held is not kept."#);
    keeps("", "", json!({}));
    insta::assert_snapshot!(untold().await, @r#"What it wrote is not shown: what it read from secret("s") cannot be masked: the Secret was deleted since, and what it held is not kept."#);
    house.world.data.lock().clear();
    insta::assert_snapshot!(untold().await, @r#"What it wrote is not shown: what it read from secret("s") cannot be masked: the control plane does not answer."#);
}

#[tokio::test]
async fn a_secret_that_changed_while_the_run_went_on_is_not_masked_by_what_it_became() {
    let remotes = Remotes::new().await;
    let url = remotes.repo("r").await;
    remotes.server.commit("r", "main", "an old sin", &[("app.yaml", Some(b"token: hunter2\n"))]).await.unwrap();
    let house = remotes.house();
    let keeps = |version: &str, token: &str| {
        let data = Secret::new(object(&json!({ "token": token })));
        let secret = Datum::Secret { uid: "u".into(), resource_version: version.into(), data };
        house.world.data.lock().insert("secret(\"s\")".into(), secret);
    };
    keeps("1", "hunter2");
    let mut steps = pipeline(&url, "token: none\n");
    steps.insert(0, step("read", "say", json!({ "x": "${{ secret('s').token }}" })));
    steps.push(step("w", "poll", json!({ "times": 1 })));
    steps.push(step("again", "say", json!({ "x": "${{ secret('s').token }}" })));
    let spec = spec(steps);
    assert!(matches!(house.pass(&spec).await, Ok(Outcome::Waiting { .. })), "{}", house.steps());
    keeps("2", "rotated");
    assert_eq!(house.settle(&spec).await, Outcome::Finished(Phase::Succeeded), "{}", house.steps());
    let written = told(&house).await;
    assert_eq!(written.files, Vec::new());
    insta::assert_snapshot!(written.unknown.join("\n"), @r#"What it wrote is not shown: what it read from secret("s") cannot be masked: the Secret was changed since, and what it held is not kept."#);
}

#[tokio::test]
async fn a_mirror_that_is_gone_is_fetched_and_a_commit_that_is_gone_is_said_to_be() {
    let remotes = Remotes::new().await;
    let url = remotes.repo("r").await;
    let house = remotes.house();
    let mut steps = pipeline(&url, "tag: 2\n");
    steps[3] = step("push", "git-push", json!({ "path": "src", "targetBranch": "env/qa" }));
    assert_eq!(house.settle(&spec(steps)).await, Outcome::Finished(Phase::Succeeded), "{}", house.steps());
    std::fs::remove_dir_all(house.dir.path().join("mirrors")).unwrap();
    assert_eq!(told(&house).await.files.len(), 1);

    let commit = remotes.server.git("r", &["rev-parse", "env/qa"]).await.unwrap();
    remotes.server.git("r", &["branch", "-D", "env/qa"]).await.unwrap();
    assert_eq!(told(&house).await.files.len(), 1, "the mirror still has it");
    std::fs::remove_dir_all(house.dir.path().join("mirrors")).unwrap();
    let written = told(&house).await;
    assert_eq!(written.files.len(), 0);
    let unknown = written.unknown.join("\n").replace(&commit[..8], "COMMIT");
    insta::assert_snapshot!(unknown, @"What commit COMMIT on env/qa changed is not told: no branch or tag of the repository leads there any more: it was deleted or rewritten.");
    let none = Past::default().written("bank", &facts().promotion, &house.last()).await.unknown;
    insta::assert_snapshot!(none.join("\n"), @"What it wrote is not shown: this process keeps no mirrors of repositories: ask the one that runs the promotions.");
}

#[tokio::test]
async fn the_commits_between_two_are_told_newest_first() {
    let remotes = Remotes::new().await;
    let url = remotes.repo("r").await;
    let tip = async || remotes.server.git("r", &["rev-parse", "main"]).await.unwrap();
    let first = tip().await;
    for subject in ["two", "three", "four"] {
        remotes.server.commit("r", "main", subject, &[("app.yaml", Some(subject.as_bytes()))]).await.unwrap();
    }
    let (last, house) = (tip().await, remotes.house());
    let (past, repository) = (past(&house), Repository { url, skip_tls_verify: false });
    let subjects = async |from: &str, to: &str, limit: usize| {
        let found = past.between("bank", &repository, from, to, limit).await.unwrap();
        let subjects: Vec<_> = found.commits.iter().map(|it| it.subject.clone()).collect();
        (subjects.join(" "), found.truncated, found.n_back)
    };
    assert_eq!(subjects(&first, &last, 10).await, ("four three two".to_owned(), false, 0));
    assert_eq!(subjects(&first, &last, 2).await, ("four three".to_owned(), true, 0));
    assert_eq!(subjects(&last, &first, 10).await, (String::new(), false, 3));
    remotes.server.git("r", &["branch", "side", &first]).await.unwrap();
    remotes.server.commit("r", "side", "aside", &[("b.txt", Some(b"b"))]).await.unwrap();
    let side = remotes.server.git("r", &["rev-parse", "side"]).await.unwrap();
    assert_eq!(subjects(&last, &side, 10).await, ("aside".to_owned(), false, 3), "both went on");
    let why = async |to: &str| seaway_base::chain(&past.between("bank", &repository, &first, to, 10).await.unwrap_err());
    let tree = remotes.server.git("r", &["rev-parse", "main^{tree}"]).await.unwrap();
    let gone = "no branch or tag of the repository leads there any more: it was deleted or rewritten";
    assert_eq!([why(&tree).await, why("main").await], [gone.to_owned(), "`main` is no id of a commit".to_owned()]);

    remotes.server.git("r", &["branch", "late", &first]).await.unwrap();
    remotes.server.commit("r", "late", "late", &[("c.txt", Some(b"c"))]).await.unwrap();
    let late = remotes.server.git("r", &["rev-parse", "late"]).await.unwrap();
    remotes.server.git("r", &["branch", "-D", "late"]).await.unwrap();
    assert_eq!(why(&late).await, gone);
    remotes.server.git("r", &["branch", "late", &late]).await.unwrap();
    assert_eq!(why(&late).await, gone, "it is not fetched again at once");
    let anew = Past::new(&house.engine.ports, house.world.clone());
    assert_eq!(anew.between("bank", &repository, &first, &late, 10).await.unwrap().commits.len(), 1);
}
