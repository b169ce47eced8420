//! Pushes to a real git server: once each, whatever happens in between.

mod common;

use common::git::{Remotes, pipeline};
use common::*;
use seaway_neighbours::git::{Fault, Service};
use seaway_runs::{AdvanceError, Expected, Gates, Outcome, Phase, PlanRequest, StepSpec};
use serde_json::json;
use std::sync::Arc;

const DONE: Outcome = Outcome::Finished(Phase::Succeeded);

fn output<'a>(state: &'a seaway_runs::RunState, alias: &str, key: &str) -> &'a str {
    let step = state.steps.iter().find(|step| step.alias == alias).unwrap();
    step.output.as_ref().and_then(|output| output[key].as_str()).unwrap_or_default()
}

#[tokio::test]
async fn a_push_lands_once_with_its_trailers_in_few_writes() {
    let remotes = Remotes::new().await;
    let url = remotes.repo("r").await;
    let house = remotes.house();
    assert_eq!(house.settle(&spec(pipeline(&url, "tag: 2\n"))).await, DONE, "{}", house.steps());
    assert_eq!((remotes.file("r", "main", "app.yaml").await.as_str(), remotes.n_landed("r")), ("tag: 2", 1));
    let message = remotes.server.git("r", &["log", "-1", "--format=%an|%at|%(trailers:unfold)", "main"]).await.unwrap();
    assert_eq!(
        message,
        format!(
            "Seaway|{}|Promotion-Id: bank/{}\nPromotion-Step: push\nPromoted-By: user:ann",
            start().as_second(),
            facts().promotion
        )
    );
    let (state, tip) = (house.last(), remotes.server.git("r", &["rev-parse", "main"]).await.unwrap());
    for (alias, key) in [("commit", "commit"), ("push", "commit"), ("after", "commit"), ("after", "pushed")] {
        assert_eq!(output(&state, alias, key), tip, "{alias}.{key}");
    }
    assert_eq!(output(&state, "push", "branch"), "main");
    assert!(state.plan_digest.is_some());
    let saves = house.world.saves.lock().len();
    // Start and end also write the Promotion's own status.
    assert!(saves + 2 <= 6, "{saves} saves");
}

/// Stops at every point of a run, with and without its disk, and expects what a clean run leaves behind.
async fn sweep(steps: impl Fn(&str, &str) -> Vec<StepSpec>, n_points_min: usize, expected: (&str, usize, usize)) {
    let (content, n_commits, n_landed) = expected;
    let remotes = Remotes::new().await;
    let url = remotes.repo("clean").await;
    let clean = remotes.house();
    assert_eq!(clean.settle(&spec(steps("clean", &url))).await, DONE, "{}", clean.steps());
    let points = clean.faults.seen.lock().clone();
    assert!(points.len() >= n_points_min, "{points:?}");
    for (at, point) in points.iter().enumerate() {
        let name = format!("r{at}");
        let url = remotes.repo(&name).await;
        let (house, pipeline) = (remotes.house(), spec(steps(&name, &url)));
        *house.faults.at.lock() = Some(at + 1);
        while !house.faults.seen.lock().len().ge(&(at + 1)) {
            match house.pass(&pipeline).await {
                Ok(_) => house.clock.advance_seconds(600),
                Err(err) => assert!(matches!(err, AdvanceError::Crashed), "{point:?}: {err}"),
            }
        }
        match at % 3 {
            // The disk is gone, too.
            0 => drop(std::fs::remove_dir_all(house.dir.path().join("mirrors"))),
            1 => lose_packs(&house.dir.path().join("mirrors")),
            _ => {}
        }
        let house = House { engine: seaway_runs::Engine { ports: fresh_ports(&house), ..house.engine.clone() }, ..house };
        assert_eq!(house.settle(&pipeline).await, DONE, "{point:?}: {}", house.steps());
        assert_eq!((remotes.n_landed(&name), remotes.log(&name).await.len()), (n_landed, n_commits), "{point:?}");
        assert_eq!(remotes.file(&name, "main", "app.yaml").await, content, "{point:?}");
        let tip = remotes.server.git(&name, &["rev-parse", "main"]).await.unwrap();
        assert_eq!(output(&house.last(), "after", "commit"), tip, "{point:?}");
        assert_eq!(house.steps(), clean.steps(), "{point:?}");
    }
}

#[tokio::test]
async fn a_crash_at_any_point_lands_the_push_once() {
    sweep(|_, url| pipeline(url, "tag: 2\n"), 14, ("tag: 2", 2, 1)).await;
}

#[tokio::test]
async fn a_crash_at_any_point_of_a_push_to_a_branch_that_moved_lands_it_once() {
    let steps = |name: &str, url: &str| {
        let mut steps = pipeline(url, "tag: 2\n");
        steps.insert(3, step("meddle", "meddle", json!({ "repo": name, "file": "new.txt", "text": "x" })));
        steps
    };
    sweep(steps, 18, ("tag: 2", 3, 1)).await;
}

#[tokio::test]
async fn a_crash_at_any_point_between_two_pushes_and_a_wait_lands_each_once() {
    let steps = |_: &str, url: &str| {
        let mut steps = pipeline(url, "tag: 1.5\n");
        steps.truncate(4);
        steps.extend([
            step("key", "put", json!({})),
            step("wait", "poll", json!({})),
            step("write2", "write", json!({ "path": "src/app.yaml", "text": "tag: 2\n" })),
            step("commit2", "git-commit", json!({ "path": "src", "message": "second" })),
            step("push2", "git-push", json!({ "path": "src" })),
            step("after", "say", json!({ "commit": "${{ quote(outputs.commit2.commit) }}" })),
        ]);
        steps
    };
    sweep(steps, 25, ("tag: 2", 3, 2)).await;
}

/// Deletes all packs of all mirrors.
fn lose_packs(dir: &std::path::Path) {
    for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            lose_packs(&path);
        } else if path.extension().is_some_and(|it| it == "pack" || it == "idx") {
            std::fs::remove_file(path).unwrap();
        }
    }
}

fn fresh_ports(house: &House) -> seaway_runs::Ports {
    let ports = &house.engine.ports;
    seaway_runs::Ports { git: Arc::new(mirrors(house.dir.path(), &ports.http)), ..ports.clone() }
}

async fn meddled(file: &str, content: &str, between: Option<StepSpec>) -> (Remotes, House, Outcome) {
    let remotes = Remotes::new().await;
    let url = remotes.repo("r").await;
    let house = remotes.house();
    let mut steps = pipeline(&url, "tag: 2\n");
    steps.insert(3, step("meddle", "meddle", json!({ "repo": "r", "file": file, "text": content })));
    steps.splice(3..3, between);
    let outcome = house.settle(&spec(steps)).await;
    (remotes, house, outcome)
}

#[tokio::test]
async fn a_branch_that_moved_gets_the_steps_again_on_its_new_tip() {
    let (remotes, house, outcome) = meddled("new.txt", "x", None).await;
    assert_eq!(outcome, DONE, "{}", house.steps());
    let log = remotes.log("r").await;
    assert_eq!((log.len(), log[1].as_str(), remotes.n_landed("r")), (3, "outsider", 1));
    let (state, tip) = (house.last(), remotes.server.git("r", &["rev-parse", "main"]).await.unwrap());
    assert_eq!((output(&state, "commit", "commit"), output(&state, "after", "pushed")), (tip.as_str(), tip.as_str()));
    let parent = remotes.server.git("r", &["rev-parse", "main~1"]).await.unwrap();
    assert_eq!(log[0], format!("promote {parent}"), "outputs are recomputed");
}

#[tokio::test]
async fn nothing_left_to_commit_on_the_new_tip_is_a_success() {
    let (remotes, house, outcome) = meddled("app.yaml", "tag: 2\n", None).await;
    assert_eq!(outcome, DONE);
    assert_eq!((remotes.log("r").await.len(), remotes.n_landed("r")), (2, 0));
    assert!(house.steps().contains("commit Skipped") && house.steps().contains("push Skipped"), "{}", house.steps());
}

#[tokio::test]
async fn an_effect_in_between_means_a_three_way_merge() {
    let notify = || step("tell", "notify", json!({}));
    let (remotes, house, outcome) = meddled("new.txt", "x", Some(notify())).await;
    assert_eq!(outcome, DONE, "{}", house.steps());
    assert_eq!((remotes.log("r").await.len(), house.world.sent.lock().len()), (3, 1));
    let tip = remotes.server.git("r", &["rev-parse", "main"]).await.unwrap();
    assert_eq!(output(&house.last(), "commit", "commit"), tip);
    let (_, house, outcome) = meddled("app.yaml", "tag: 9\n", Some(notify())).await;
    assert_eq!(outcome, Outcome::Finished(Phase::Failed));
    assert!(
        house.last().message.contains("this promotion and branch `main`") && house.last().message.contains("`app.yaml`"),
        "{}",
        house.last().message
    );
}

#[tokio::test]
async fn a_lost_answer_is_looked_up_before_anything_is_sent_again() {
    let remotes = Remotes::new().await;
    let url = remotes.repo("r").await;
    let house = remotes.house();
    remotes.server.fail(Service::Receive, Fault::CutAnswer { after_bytes: 0 }, 1);
    assert_eq!(house.settle(&spec(pipeline(&url, "tag: 2\n"))).await, DONE, "{}", house.steps());
    assert_eq!((remotes.n_landed("r"), remotes.log("r").await.len()), (1, 2));
}

#[tokio::test]
async fn where_neither_answer_nor_branch_tells_both_are_named_and_the_next_try_asks_first() {
    let remotes = Remotes::new().await;
    let url = remotes.repo("r").await;
    let house = remotes.house();
    remotes.server.fail(Service::Receive, Fault::CutAnswer { after_bytes: 0 }, 1);
    let server = remotes.server.clone();
    remotes.server.on_event(Arc::new(move |event| {
        if matches!(event, seaway_neighbours::GitEvent::ReceiveEnded { .. }) {
            // What it knew of the server is forgotten after one, and asked anew.
            server.fail(Service::Upload, Fault::Status(503), 2);
        }
    }));
    let mut steps = pipeline(&url, "tag: 2\n");
    steps.iter_mut().filter(|step| step.uses == "git-push").for_each(|step| step.error_threshold = 2);
    let spec = spec(steps);
    let outcome = house.pass(&spec).await.unwrap();
    let Outcome::Retry { why, .. } = outcome else { panic!("{outcome:?}") };
    assert!(why.contains("it may have landed") && why.contains("and it cannot be asked: ") && why.contains("503"), "{why}");
    assert_eq!(house.settle(&spec).await, DONE, "{}", house.steps());
    assert_eq!((remotes.n_landed("r"), remotes.log("r").await.len(), remotes.server.n_receives()), (1, 2, 1));
}

#[tokio::test]
async fn a_refused_push_names_the_servers_reason() {
    let remotes = Remotes::new().await;
    let url = remotes.repo("r").await;
    let house = remotes.house();
    remotes.server.fail(Service::Receive, Fault::RefuseRef { name: "refs/heads/main".into() }, 9);
    assert_eq!(house.settle(&spec(pipeline(&url, "tag: 2\n"))).await, Outcome::Finished(Phase::Errored));
    assert_eq!(house.last().reason, "PushDeclined", "{}", house.steps());
}

#[tokio::test]
async fn two_promotions_on_one_branch_both_land() {
    let remotes = Remotes::new().await;
    let url = remotes.repo("r").await;
    let houses: Vec<House> = (0..4).map(|_| remotes.house()).collect();
    let runs = houses.iter().enumerate().map(|(i, house)| {
        let mut steps = pipeline(&url, "tag: 2\n");
        steps[1] = step("write", "write", json!({ "path": format!("src/{i}.txt"), "text": "x" }));
        async move {
            let spec = spec(steps);
            let mut run = house.run(&spec);
            let mut facts = facts();
            facts.promotion = format!("qa.{i}");
            facts.promotion_uid = format!("uid-{i}");
            run.facts = Arc::new(facts);
            house.engine.advance(&mut run).await.unwrap()
        }
    });
    let outcomes = futures::future::join_all(runs).await;
    assert!(outcomes.iter().all(|outcome| *outcome == DONE), "{outcomes:?}");
    assert_eq!(remotes.log("r").await.len(), 5, "each landed, and once");
}

#[tokio::test]
async fn generated_branches_and_second_pushes() {
    let remotes = Remotes::new().await;
    let url = remotes.repo("r").await;
    let house = remotes.house();
    let mut steps = pipeline(&url, "tag: 2\n");
    steps.truncate(4);
    steps.extend([
        step("write2", "write", json!({ "path": "src/second.txt", "text": "2" })),
        step("commit2", "git-commit", json!({ "path": "src", "message": "second" })),
        step("wait", "poll", json!({ "times": 1 })),
        step("push2", "git-push", json!({ "path": "src" })),
        step("push3", "git-push", json!({ "path": "src", "generateTargetBranch": true })),
    ]);
    assert_eq!(house.settle(&spec(steps)).await, DONE, "{}", house.steps());
    assert_eq!((remotes.log("r").await.len(), remotes.n_landed("r")), (3, 3));
    let branch = format!("kargo/promotion/{}", facts().promotion);
    assert_eq!(remotes.file("r", &branch, "second.txt").await, "2");
}

#[tokio::test]
async fn a_secret_never_enters_a_commit() {
    let remotes = Remotes::new().await;
    let url = remotes.repo("r").await;
    let house = remotes.house();
    let ask = seaway_runs::DataAsk { function: "secret".into(), arguments: vec!["\"s\"".into()] };
    let data = seaway_base::Secret::new(object(&json!({ "token": "canary-0123456789" })));
    house.world.data.lock().insert(ask.key(), seaway_runs::Datum::Secret { uid: "u".into(), resource_version: "1".into(), data });
    let steps = pipeline(&url, "tag: ${{ secret('s').token }}\n");
    assert_eq!(house.settle(&spec(steps)).await, Outcome::Finished(Phase::Failed));
    insta::assert_snapshot!(house.last().message, @"file `app.yaml` of `src` holds a value that came from secret(): it is not committed; keep secrets out of git");
    assert_eq!(remotes.server.n_receives(), 0);
}

#[tokio::test]
async fn a_plan_holds_through_unrelated_commits_and_is_voided_by_one_on_its_path() {
    let remotes = Remotes::new().await;
    let url = remotes.repo("r").await;
    let house = remotes.house();
    let mut steps = pipeline(&url, "tag: 2 # ${{ ctx.promotion }} ${{ now().Year() }}-${{ now().Unix() }}\n");
    steps.truncate(4);
    let pipeline = spec(steps);
    let request =
        PlanRequest { facts: facts(), spec: Arc::new(pipeline.clone()), identity: Default::default(), gates: Gates::default() };
    let plan = house.engine.plan(&request).await.unwrap();
    assert_eq!((plan.files.len(), plan.effects.len(), plan.changed, plan.failure.clone()), (1, 1, true, None));
    assert!(plan.files[0].diff.contains("-tag: 1\n+tag: 2 # "), "{}", plan.files[0].diff);
    assert_eq!(plan.segments.iter().map(|segment| segment.kind.as_str()).collect::<Vec<_>>(), ["exact"]);
    assert_eq!((remotes.server.n_receives(), house.world.saves.lock().len()), (0, 0), "a plan writes nothing");
    let expected = Expected { digest: plan.digest.clone(), paths: plan.paths.clone() };

    remotes.server.commit("r", "main", "unrelated", &[("x.txt", Some(b"x"))]).await.unwrap();
    let mut run = house.run(&pipeline);
    run.expected = Some(expected.clone());
    assert_eq!(house.engine.advance(&mut run).await.unwrap(), DONE, "{:?}", run.state.message);
    assert_eq!(run.state.plan_digest.as_deref(), Some(plan.digest.as_str()));

    let other = remotes.house();
    let mut run = other.run(&pipeline);
    run.expected = Some(expected);
    assert_eq!(other.engine.advance(&mut run).await.unwrap(), Outcome::Finished(Phase::Failed));
    assert_eq!(run.state.reason, "PlanChanged");
    assert!(run.state.message.contains("`app.yaml` of main is not what it was when it was planned"), "{}", run.state.message);
    assert_eq!(remotes.n_landed("r"), 1);
}

#[tokio::test]
async fn a_plan_is_voided_inside_the_compare_and_swap() {
    let remotes = Remotes::new().await;
    let url = remotes.repo("r").await;
    let house = remotes.house();
    let mut steps = pipeline(&url, "tag: 2\n");
    steps.insert(3, step("meddle", "meddle", json!({ "repo": "r", "file": "app.yaml", "text": "tag: 7\n" })));
    let pipeline = spec(steps);
    let request =
        PlanRequest { facts: facts(), spec: Arc::new(pipeline.clone()), identity: Default::default(), gates: Gates::default() };
    let plan = house.engine.plan(&request).await.unwrap();
    let mut run = house.run(&pipeline);
    run.expected = Some(Expected { digest: plan.digest, paths: plan.paths });
    assert_eq!(house.engine.advance(&mut run).await.unwrap(), Outcome::Finished(Phase::Failed), "{}", house.steps());
    assert_eq!((run.state.reason.as_str(), remotes.n_landed("r")), ("PlanChanged", 0));
    assert_eq!(remotes.file("r", "main", "app.yaml").await, "tag: 7");
}

#[tokio::test]
async fn a_plan_is_cut_where_something_is_known_only_afterwards() {
    let house = House::new();
    let pipeline = spec([
        step("a", "say", json!({ "x": 1 })),
        step("n", "notify", json!({ "x": "${{ outputs.a.x }}" })),
        step("p", "put", json!({ "id": "${{ outputs.n.id }}" })),
        step("s", "say", json!({ "id": "${{ outputs.n.id }}" })),
        step("t", "say", json!({ "id": "${{ outputs.s.id }}" })),
        step("w", "poll", json!({})),
    ]);
    let request = PlanRequest { facts: facts(), spec: Arc::new(pipeline), identity: Default::default(), gates: Gates::default() };
    let plan = house.engine.plan(&request).await.unwrap();
    let shown: Vec<String> = plan
        .segments
        .iter()
        .map(|segment| {
            format!(
                "{} {} [{}]",
                segment.kind,
                segment.condition,
                segment.steps.iter().map(|step| step.alias.as_str()).collect::<Vec<_>>().join(" ")
            )
        })
        .collect();
    insta::assert_snapshot!(shown.join("\n"), @r"
    exact  [a n]
    conditional known after `n` [p]
    opaque its configuration is known after `n` [s]
    opaque its configuration is known after `s` [t w]
    ");
    assert_eq!((plan.effects.len(), plan.waits.len(), house.world.sent.lock().len()), (2, 1, 0));
}
