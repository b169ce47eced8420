//! Many writers on one branch: nobody's commit is lost, nothing lands twice, and a plan holds or says which path it lost.

mod pipeline;

use anyhow::{Context as _, Result};
use parking_lot::{Condvar, Mutex};
use pipeline::{Pause, ended, planned, promote, usual, world};
use seaway_neighbours::GitEvent;
use seaway_neighbours::git::{Fault, Service};
use seaway_runs::Point;
use seaway_scenarios::{Death, Moment, World};
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// Both have committed on the same base before one of them pushes, or this is over.
const MEET_WITHIN: Duration = Duration::from_secs(20);

/// Lets no run go on from its commit until `n` have come so far.
fn meeting(n: usize) -> Death {
    let met = Arc::new((Mutex::new(0), Condvar::new()));
    Arc::new(move |moment| {
        if matches!(moment, Moment::Run(Point::Local { step }) if step == "commit") {
            let mut here = met.0.lock();
            *here += 1;
            met.1.notify_all();
            met.1.wait_while_for(&mut here, |here| *here < n, MEET_WITHIN);
        }
        false
    })
}

/// How often each promotion stands in the log of main.
async fn trailers(world: &World) -> Result<Vec<String>> {
    let text = world.git(&["log", "--format=%(trailers:key=Promotion-Id,valueonly,separator=%x20)", "main"]).await?;
    Ok(text.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn two_stages_that_push_to_one_branch_at_once_both_land() {
    let (east, west) = (usual("qa"), usual("e2e"));
    let world = world(&[("east", &east), ("west", &west)], Some(meeting(2))).await.unwrap();
    let n_moved = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&n_moved);
    world.git_server().on_event(Arc::new(move |event| {
        if matches!(event, GitEvent::ReceiveEnded { changes, .. } if !changes.is_empty()) {
            counter.fetch_add(1, Ordering::SeqCst);
        }
    }));
    let before = world.git_server().n_receives();
    let names = [promote(&world, "east", None).await.unwrap(), promote(&world, "west", None).await.unwrap()];
    world.settle().await.unwrap();
    for name in &names {
        assert_eq!(ended(&world, name).await.unwrap(), "Succeeded");
    }
    assert_eq!(world.in_git("qa").await.unwrap().as_deref(), Some("1.5.0"));
    assert_eq!(world.in_git("e2e").await.unwrap().as_deref(), Some("1.5.0"));
    let mut found = trailers(&world).await.unwrap();
    found.sort();
    let mut expected: Vec<String> = names.iter().map(|name| format!("bank/{name}")).collect();
    expected.sort();
    assert_eq!(found, expected);
    assert_eq!(world.git(&["rev-list", "--count", "main"]).await.unwrap(), "3");
    assert_eq!(n_moved.load(Ordering::SeqCst), 2);
    let n_receives = world.git_server().n_receives() - before;
    assert!((2..=3).contains(&n_receives), "{n_receives} pushes for two commits");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn an_outsiders_commit_between_clone_and_push_survives() {
    let (mut pause, death) = Pause::before_the_push();
    let world = world(&[("qa", &usual("qa"))], Some(death)).await.unwrap();
    let name = promote(&world, "qa", None).await.unwrap();
    pause.reached().await.unwrap();
    let path = "overlays/qa/kustomization.yaml";
    let text = world.git(&["show", &format!("main:{path}")]).await.unwrap();
    let theirs = format!("# seen by an outsider\n{text}\n");
    let files: [(&str, Option<&[u8]>); 2] = [(path, Some(theirs.as_bytes())), ("NOTES.md", Some(b"ours\n"))];
    world.git_server().commit("bank", "main", "outsider: both", &files).await.unwrap();
    pause.go();
    world.settle().await.unwrap();
    assert_eq!(ended(&world, &name).await.unwrap(), "Succeeded");
    let after = world.git(&["show", &format!("main:{path}")]).await.unwrap();
    assert!(after.starts_with("# seen by an outsider\n") && after.contains("newTag: 1.5.0"), "{after}");
    assert_eq!(world.git(&["show", "main:NOTES.md"]).await.unwrap(), "ours");
    let log = world.git(&["log", "--reverse", "--format=%s", "main"]).await.unwrap();
    assert_eq!(log, "first commit\noutsider: both\nqa: fund-transfer");
    assert_eq!(trailers(&world).await.unwrap(), [format!("bank/{name}")]);
}

/// Commits to main, so many, each to a file of its own; in one go.
async fn commits(world: &World, n: usize) -> Result<()> {
    let path = world.git_server().path("bank")?;
    let tip = world.git(&["rev-parse", "main"]).await?;
    let feed = move || -> Result<()> {
        let mut child = Command::new("git").arg("-C").arg(path).args(["fast-import", "--quiet"]).stdin(Stdio::piped()).spawn()?;
        let mut stdin = child.stdin.take().context("git fast-import reads")?;
        for at in 0..n {
            let (message, content) = (format!("unrelated {at}"), format!("{at}\n"));
            writeln!(stdin, "commit refs/heads/main\ncommitter Eve <eve@bank.example> {} +0000", 1_800_000_000 + at)?;
            write!(stdin, "data {}\n{message}\n", message.len())?;
            if at == 0 {
                writeln!(stdin, "from {tip}")?;
            }
            write!(stdin, "M 100644 inline unrelated/{at}.txt\ndata {}\n{content}\n", content.len())?;
        }
        drop(stdin);
        anyhow::ensure!(child.wait()?.success(), "git fast-import failed");
        Ok(())
    };
    tokio::task::spawn_blocking(feed).await?
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_thousand_unrelated_commits_void_no_plan() {
    let world = world(&[("qa", &usual("qa"))], None).await.unwrap();
    let digest = planned(&world, "qa").await.unwrap();
    commits(&world, 1000).await.unwrap();
    let name = promote(&world, "qa", Some(&digest)).await.unwrap();
    world.settle().await.unwrap();
    assert_eq!(ended(&world, &name).await.unwrap(), "Succeeded");
    assert_eq!(world.git(&["rev-list", "--count", "main"]).await.unwrap(), "1002");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_commit_to_a_planned_path_voids_the_plan_and_is_named() {
    let world = world(&[("qa", &usual("qa"))], None).await.unwrap();
    let path = "overlays/qa/kustomization.yaml";
    let original = world.git(&["show", &format!("main:{path}")]).await.unwrap();
    // Another hand edits it, then makes the very change that was planned, then deletes it.
    let planned_change = format!("{original}\nimages:\n- name: bank/fund-transfer\n  newTag: 1.5.0\n");
    for theirs in [Some(format!("# another hand\n{original}\n")), Some(planned_change), None] {
        let before = format!("{original}\n");
        world.git_server().commit("bank", "main", "outsider", &[(path, Some(before.as_bytes()))]).await.unwrap();
        let digest = planned(&world, "qa").await.unwrap();
        world.git_server().commit("bank", "main", "outsider", &[(path, theirs.as_deref().map(str::as_bytes))]).await.unwrap();
        let name = promote(&world, "qa", Some(&digest)).await.unwrap();
        world.settle().await.unwrap();
        let said = ended(&world, &name).await.unwrap();
        assert!(said.starts_with("Failed the plan has changed") && said.contains(path), "{said}");
        let run = world.run(&name).await.unwrap().status.unwrap();
        assert!(run.conditions.iter().any(|it| it.reason == "PlanChanged"), "{:?}", run.conditions);
    }
    assert_eq!(trailers(&world).await.unwrap(), Vec::<String>::new());
}

/// The same while the push is on its way: the plan is looked at again inside the compare-and-swap.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_plan_is_void_if_its_path_moves_right_before_the_push() {
    moves_before_the_push(|text| Some(format!("# another hand\n{text}\n"))).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_plan_is_void_if_its_path_is_deleted_right_before_the_push() {
    moves_before_the_push(|_| None).await;
}

async fn moves_before_the_push(theirs: impl Fn(&str) -> Option<String>) {
    let (mut pause, death) = Pause::before_the_push();
    let world = world(&[("qa", &usual("qa"))], Some(death)).await.unwrap();
    let digest = planned(&world, "qa").await.unwrap();
    let name = promote(&world, "qa", Some(&digest)).await.unwrap();
    pause.reached().await.unwrap();
    let path = "overlays/qa/kustomization.yaml";
    let theirs = theirs(&world.git(&["show", &format!("main:{path}")]).await.unwrap());
    world.git_server().commit("bank", "main", "outsider", &[(path, theirs.as_deref().map(str::as_bytes))]).await.unwrap();
    pause.go();
    world.settle().await.unwrap();
    let said = ended(&world, &name).await.unwrap();
    assert!(said.starts_with("Failed the plan has changed") && said.contains(path), "{said}");
    assert_eq!(trailers(&world).await.unwrap(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_plan_whose_files_hold_the_promotions_name_and_time_still_holds() {
    let steps = r#"
      - uses: git-clone
        config:
          repoURL: http://127.0.0.1:7480/bank.git
          checkout: [{ path: ./src, branch: main }]
      - uses: yaml-update
        config:
          path: ./src/signed.yaml
          updates:
          - { key: by, value: "${{ ctx.promotion }}" }
          - { key: at, value: "${{ string(now()) }}" }
      - uses: git-commit
        config: { path: ./src, message: "qa: ${{ ctx.promotion }}" }
      - uses: git-push
        config: { path: ./src }"#;
    let world = world(&[("qa", steps)], None).await.unwrap();
    let files: [(&str, Option<&[u8]>); 1] = [("signed.yaml", Some(b"by: nobody\nat: never\n"))];
    world.git_server().commit("bank", "main", "signed.yaml", &files).await.unwrap();
    let digest = planned(&world, "qa").await.unwrap();
    let name = promote(&world, "qa", Some(&digest)).await.unwrap();
    world.settle().await.unwrap();
    assert_eq!(ended(&world, &name).await.unwrap(), "Succeeded");
    let text = world.git(&["show", "main:signed.yaml"]).await.unwrap();
    assert!(text.contains(&format!("by: {name}")) && !text.contains("never"), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_protected_branch_is_named_and_nothing_lands() {
    let (qa, e2e) = (usual("qa"), usual("e2e"));
    let world = world(&[("qa", &qa), ("e2e", &e2e)], None).await.unwrap();
    world.git_server().fail(Service::Receive, Fault::RefuseRef { name: "refs/heads/main".to_owned() }, 1000);
    let name = promote(&world, "qa", None).await.unwrap();
    world.settle().await.unwrap();
    let said = ended(&world, &name).await.unwrap();
    assert!(said.contains("main"), "{said}");
    assert!(said.starts_with("Failed") || said.starts_with("Errored"), "{said}");
    assert_eq!(world.git(&["rev-list", "--count", "main"]).await.unwrap(), "1");
    // Once it is open again, another promotion lands.
    world.git_server().heal();
    let name = promote(&world, "e2e", None).await.unwrap();
    world.settle().await.unwrap();
    assert_eq!(ended(&world, &name).await.unwrap(), "Succeeded");
    assert_eq!(trailers(&world).await.unwrap(), [format!("bank/{name}")]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_forced_push_overwrites_and_another_does_not() {
    let onto = |target: &str, force: bool| {
        let config = format!("config: {{ path: ./src, targetBranch: {target}, force: {force} }}");
        usual("qa").replace("as: push\n        config: { path: ./src }", &format!("as: push\n        {config}"))
    };
    let (forced, kept) = (onto("forced", true), onto("kept", false));
    assert!(forced.contains("force: true"), "{forced}");
    let world = world(&[("forced", &forced), ("kept", &kept)], None).await.unwrap();
    for branch in ["forced", "kept"] {
        world.git(&["branch", branch, "main"]).await.unwrap();
        let files: [(&str, Option<&[u8]>); 1] = [("THEIRS.md", Some(b"theirs\n"))];
        world.git_server().commit("bank", branch, "outsider", &files).await.unwrap();
        let name = promote(&world, branch, None).await.unwrap();
        world.settle().await.unwrap();
        assert_eq!(ended(&world, &name).await.unwrap(), "Succeeded", "{branch}");
    }
    let log = async |branch: &str| world.git(&["log", "--reverse", "--no-merges", "--format=%s", branch]).await.unwrap();
    assert_eq!(log("forced").await, "first commit\nforced: fund-transfer");
    assert_eq!(log("kept").await, "first commit\noutsider\nkept: fund-transfer");
    assert_eq!(log("main").await, "first commit");
}
