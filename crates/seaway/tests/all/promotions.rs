//! `plan`, `promote --wait`, `abort`, `resolve`, `logs` and `why` on promotions that run: against a git server, to each end there is.

use crate::running::{Plane, run};
use seaway_neighbours::{GitOptions, GitServer, Serving};
use std::io::{BufRead as _, BufReader, Read as _};
use std::net::TcpListener;
use std::process::Stdio;
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// A control plane, a git server, a server that answers nothing.
struct Scene {
    plane: Plane,
    git: GitServer,
    silent: TcpListener,
    runtime: Runtime,
    _serving: Serving,
    _dir: TempDir,
}

/// A stage that takes the freight directly, with these steps.
fn stage(name: &str, steps: &str) -> String {
    let head = format!("---\napiVersion: kargo.akuity.io/v1alpha1\nkind: Stage\nmetadata: {{ name: {name}, namespace: bank }}\n");
    let sources = "  requestedFreight:\n  - origin: { kind: Warehouse, name: bank }\n    sources: { direct: true }\n";
    format!("{head}spec:\n{sources}  promotionTemplate:\n    spec:\n      steps:\n{steps}")
}

impl Scene {
    fn new() -> Self {
        let dir = TempDir::new().unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let (git, serving) = runtime.block_on(async {
            let git = GitServer::open(dir.path().join("git"), GitOptions::default()).await.unwrap();
            git.create_repo("bank", &[("qa/values.yaml", b"tag: 1.4.8\n")]).await.unwrap();
            let serving = git.serve(0).await.unwrap();
            (git, serving)
        });
        let silent = TcpListener::bind("127.0.0.1:0").unwrap();
        let plane = Plane::start();
        let scene = Self { plane, git, silent, runtime, _serving: serving, _dir: dir };
        scene.furnish();
        scene
    }

    fn furnish(&self) {
        let repository = format!("{}/bank.git", self._serving.url());
        let address = self.silent.local_addr().unwrap();
        let pushes = format!(
            "      - uses: git-clone\n        config: {{ repoURL: '{repository}', checkout: [{{ branch: main, path: ./out }}] }}\n\
             \x20     - uses: yaml-update\n        config: {{ path: ./out/qa/values.yaml, updates: [{{ key: tag, value: '1.5.0' }}] }}\n\
             \x20     - uses: git-commit\n        config: {{ path: ./out, message: qa gets 1.5.0 }}\n\
             \x20     - uses: git-push\n        as: push\n        config: {{ path: ./out }}\n"
        );
        let post = format!(
            "      - uses: http\n        as: tell\n        config: {{ url: 'http://{address}/told', method: POST, timeout: 5m }}\n"
        );
        let documents = [
            crate::running::BANK.to_owned(),
            stage("pushes", &pushes),
            stage("tells", &post),
            stage("unbuilt", "      - uses: helm-template\n        config: { path: x, outPath: y }\n"),
        ];
        let said = self.plane.apply(&documents.concat(), &[]);
        assert_eq!(said.code, 0, "{}", said.err);
        let said = self.plane.apply(crate::running::FREIGHT, &[]);
        assert_eq!(said.code, 0, "{}", said.err);
    }

    fn file(&self) -> String {
        self.runtime.block_on(self.git.git("bank", &["show", "main:qa/values.yaml"])).unwrap()
    }

    fn commit(&self, path: &str, text: &str) {
        self.runtime.block_on(self.git.commit("bank", "main", "outside", &[(path, Some(text.as_bytes()))])).unwrap();
    }

    /// Promotes in the background; answers once the promotion has its name.
    fn promoting(&self, stage: &str) -> (std::process::Child, String) {
        let mut command = self.plane.command(&["promote", stage, "--freight", "1.5.0", "--wait"]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let name = line.split_whitespace().nth(1).unwrap().to_owned();
        (child, name)
    }
}

#[test]
fn a_plan_shows_what_is_written_and_its_digest_holds_until_a_planned_path_changes() {
    let scene = Scene::new();
    let said = scene.plane.run(&["plan", "pushes", "--freight", "1.5.0", "--exit-code"]);
    assert_eq!(said.code, 2, "{}{}", said.out, said.err);
    assert!(said.out.contains("-tag: 1.4.8\n") && said.out.contains("+tag: 1.5.0\n"), "{}", said.out);
    let next = said.out.lines().last().unwrap().strip_prefix("next: seaway ").unwrap().to_owned();
    assert!(next.starts_with("promote pushes --freight 1.5.0 --plan-digest "), "{next}");
    let args: Vec<&str> = next.split(' ').chain(["--wait"]).collect();

    scene.commit("qa/values.yaml", "tag: 1.4.9\n");
    let said = scene.plane.run(&args);
    assert!([3, 5].contains(&said.code) && said.err.contains("qa/values.yaml"), "{} {}", said.code, said.err);
    assert_eq!(scene.file(), "tag: 1.4.9");

    scene.commit("qa/values.yaml", "tag: 1.4.8\n");
    scene.commit("elsewhere.txt", "nothing to do with it\n");
    let said = scene.plane.run(&args);
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    assert_eq!(scene.file(), "tag: 1.5.0");

    let said = scene.plane.run(&["plan", "pushes", "--freight", "1.5.0", "--exit-code"]);
    assert_eq!(said.code, 0, "nothing would change: {}{}", said.out, said.err);
    let logs = scene.plane.ok(&["logs", "stage/pushes"]);
    assert!(logs.contains("git-push") && logs.ends_with("Succeeded\n"), "{logs}");
    assert!(scene.plane.ok(&["get", "stage/pushes"]).contains("unchecked"));
}

/// The page shows it beside the plan: the files of the commit, by git, as long as git has it.
#[test]
fn what_was_written_is_told_by_git_and_what_git_lost_is_said() {
    let scene = Scene::new();
    let ended = scene.plane.run(&["promote", "pushes", "--freight", "1.5.0", "--wait"]);
    assert_eq!(ended.code, 0, "{}{}", ended.out, ended.err);
    let name = ended.out.split_whitespace().nth(1).unwrap();
    let path = format!("/seaway/v1/projects/bank/promotions/{name}");
    let told = || -> serde_json::Value { serde_json::from_str(&scene.plane.get(&format!("{path}/written")).1).unwrap() };
    let written = told();
    let file = &written["files"][0];
    assert_eq!((written["files"].as_array().unwrap().len(), &written["unknown"]), (1, &serde_json::json!([])), "{written}");
    assert_eq!((file["path"].as_str(), file["branch"].as_str()), (Some("qa/values.yaml"), Some("main")));
    assert_eq!(file["diff"].as_str().unwrap().lines().skip(2).collect::<Vec<_>>(), ["@@ -1 +1 @@", "-tag: 1.4.8", "+tag: 1.5.0"]);
    let blob = scene.runtime.block_on(scene.git.git("bank", &["rev-parse", "main:qa/values.yaml"])).unwrap();
    assert_eq!(file["newBlob"].as_str(), Some(blob.as_str()));

    // Without its mirror it is fetched; without its commit too, that is said.
    let mirrors = scene.plane.data().join("mirrors");
    std::fs::remove_dir_all(&mirrors).unwrap();
    assert_eq!(told(), written);
    scene.runtime.block_on(scene.git.git("bank", &["update-ref", "refs/heads/main", "main~1"])).unwrap();
    std::fs::remove_dir_all(&mirrors).unwrap();
    let lost = told();
    assert_eq!(lost["files"], serde_json::json!([]), "{lost}");
    let why = lost["unknown"][0].as_str().unwrap();
    assert!(why.starts_with("What commit ") && why.ends_with("it was deleted or rewritten."), "{why}");
}

/// Of a repository that nobody subscribes to nothing is asked, whatever freight says.
#[test]
fn commits_between_two_freight_are_told_by_git_where_a_warehouse_subscribes() {
    let scene = Scene::new();
    let tip = || scene.runtime.block_on(scene.git.git("bank", &["rev-parse", "main"])).unwrap();
    let first = tip();
    for text in ["a: 1\n", "a: 2\n", "a: 3\n"] {
        scene.commit("elsewhere.yaml", text);
    }
    let (last, url) = (tip(), format!("{}/bank.git", scene._serving.url()));
    let head = "---\napiVersion: kargo.akuity.io/v1alpha1\nkind:";
    let freight = |id: &str| {
        format!(
            "{head} Freight\nmetadata: {{ name: any, namespace: bank }}\norigin: {{ kind: Warehouse, name: code }}\n\
             commits: [{{ repoURL: '{url}', id: '{id}' }}]\n"
        )
    };
    let warehouse = |url: &str| {
        format!(
            "{head} Warehouse\nmetadata: {{ name: code, namespace: bank }}\nspec:\n  freightCreationPolicy: Manual\n  interval: 1h\n  \
             subscriptions: [{{ git: {{ repoURL: '{url}' }} }}]\n"
        )
    };
    let apply = |text: &str| {
        let said = scene.plane.apply(text, &[]);
        assert_eq!(said.code, 0, "{}", said.err);
    };
    apply(&warehouse(&url));
    apply(&freight(&first));
    apply(&freight(&last));
    let json = |path: &str| -> serde_json::Value { serde_json::from_str(&scene.plane.get(path).1).unwrap() };
    let all = json("/apis/kargo.akuity.io/v1alpha1/namespaces/bank/freights");
    let named = |id: &str| {
        let found = all["items"].as_array().unwrap().iter().find(|it| it["commits"][0]["id"] == id);
        found.unwrap()["metadata"]["name"].as_str().unwrap().to_owned()
    };
    let difference = |from: &str, to: &str| {
        let told = json(&format!("/seaway/v1/projects/bank/freight/{}/difference/{}", named(from), named(to)));
        told["artifacts"][0].clone()
    };
    let forth = difference(&first, &last);
    let ids: Vec<&str> = forth["commits"].as_array().unwrap().iter().map(|it| it["commit"].as_str().unwrap()).collect();
    let expected = scene.runtime.block_on(scene.git.git("bank", &["rev-list", &format!("{first}..main")])).unwrap();
    assert_eq!(ids, expected.lines().collect::<Vec<_>>());
    assert_eq!(
        (forth["commits"][0]["subject"].as_str(), forth["truncated"].as_bool()),
        (Some("outside"), Some(false)),
        "{forth}"
    );
    assert!(forth["commits"][0]["author"].as_str().unwrap().contains('@') && forth.get("note").is_none(), "{forth}");
    let back = difference(&last, &first);
    assert_eq!((back["commits"].as_array().unwrap().len(), back["note"].as_str()), (0, Some("it goes back by 3 commits")));

    apply(&warehouse("http://127.0.0.1:9/other.git"));
    let untold = difference(&first, &last);
    assert_eq!(untold["commits"].as_array().unwrap().len(), 1, "{untold}");
    assert_eq!(untold["note"].as_str(), Some("the commits between them are not told: the code host is not known"));
}

#[test]
fn a_failure_is_3_and_what_is_not_built_is_5() {
    let scene = Scene::new();
    let said = scene.plane.run(&["promote", "qa", "--freight", "1.5.0", "--wait"]);
    assert_eq!(said.code, 3, "{}", said.err);
    assert!(said.err.contains("Failed: ") && said.err.contains("not today"), "{}", said.err);
    let said = scene.plane.run(&["promote", "unbuilt", "--freight", "1.5.0", "--wait"]);
    assert_eq!(said.code, 5, "{}", said.err);
    assert!(said.err.contains("Blocked: ") && said.err.contains("helm-template"), "{}", said.err);
    let why = scene.plane.ok(&["why"]);
    assert!(why.contains("stage unbuilt is blocked") && why.contains("helm-template"), "{why}");
}

#[test]
fn time_out_is_6_and_an_abort_is_4() {
    let scene = Scene::new();
    let said = scene.plane.run(&["promote", "tells", "--freight", "1.5.0", "--wait", "--timeout", "300ms"]);
    assert_eq!(said.code, 6, "{}", said.err);
    assert!(said.err.contains("is not over after 300ms\nhint: it goes on by itself"), "{}", said.err);
    // The second waits behind the first, so that nothing of it is in hand.
    let (child, name) = scene.promoting("tells");
    assert!(scene.plane.ok(&["why", &format!("promotion/{name}")]).contains("comes first"));
    assert_eq!(
        scene.plane.ok(&["abort", &name]),
        format!("promotion {name} asked to stop; an effect in hand is finished first, which takes up to 20 s\n")
    );
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(4), "{}", String::from_utf8_lossy(&output.stderr));
    let again = scene.plane.run(&["abort", &name]);
    assert_eq!((again.code, again.err.contains("is over: Aborted")), (1, true), "{}", again.err);
}

#[test]
fn what_happens_is_shown_as_it_happens() {
    let scene = Scene::new();
    let mut children = Vec::new();
    let mut follow = |args: &[&str]| {
        let mut child = scene.plane.command(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let said = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
        children.push(child);
        (lines, said)
    };
    let (mut stages, _) = follow(&["get", "stages", "-w"]);
    let (mut events, mut said) = follow(&["watch"]);
    assert!(stages.any(|line| line.starts_with("qa") && line.contains("waiting")));
    assert!(said.any(|line| line.starts_with("watching project bank")));
    assert_eq!(scene.plane.run(&["promote", "qa", "--freight", "1.5.0", "--wait"]).code, 3);
    assert!(stages.any(|line| line.starts_with("qa") && line.contains("failed")));
    assert!(events.any(|line| line.contains("PromotionFailed")));
    for mut child in children {
        child.kill().unwrap();
        child.wait().unwrap();
    }
}

#[test]
fn an_answer_that_never_came_is_5_and_a_person_resolves_it() {
    let scene = Scene::new();
    let (child, name) = scene.promoting("tells");
    let (mut stream, _) = scene.silent.accept().unwrap();
    stream.read_exact(&mut [0; 16]).unwrap();
    drop(stream);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(5), "{}", String::from_utf8_lossy(&output.stderr));
    let why = scene.plane.ok(&["why", &format!("promotion/{name}")]);
    assert!(why.starts_with(&format!("promotion {name} is uncertain: ")), "{why}");
    assert!(why.contains(&format!("hint: seaway resolve {name} --repeat|--skip")), "{why}");
    let said = run(&mut scene.plane.command(&["resolve", &name, "--skip"]));
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(scene.plane.ok(&["logs", "-f", &name]).ends_with("Succeeded\n"));
}

#[test]
fn behind_one_that_stands_still_is_5_and_it_is_named_with_what_releases_it() {
    let scene = Scene::new();
    let (first, front) = scene.promoting("tells");
    let (second, name) = scene.promoting("tells");
    let (mut stream, _) = scene.silent.accept().unwrap();
    stream.read_exact(&mut [0; 16]).unwrap();
    drop(stream);
    assert_eq!(first.wait_with_output().unwrap().status.code(), Some(5));
    let said: crate::running::Said = second.wait_with_output().unwrap().into();
    let third = scene.plane.run(&["promote", "tells", "--freight", "1.5.0", "--wait"]);
    for said in [&said, &third] {
        assert_eq!(said.code, 5, "{}", said.err);
        let line = format!(
            "waits for its turn behind another, which does not move: promotion {front} is uncertain: `tell` sent something"
        );
        assert!(said.err.contains(&line) && said.err.contains("; released by a person who knows"), "{}", said.err);
        let hint = format!("hint: seaway resolve {front} --repeat|--skip; `seaway abort {front}` gives that one up, and then ");
        assert!(said.err.contains(&hint), "{}", said.err);
    }
    // What it says is what helps: the next in the queue goes, and stands no more behind anybody.
    assert_eq!(scene.plane.run(&["abort", &front]).code, 0);
    let (mut stream, _) = scene.silent.accept().unwrap();
    stream.read_exact(&mut [0; 16]).unwrap();
    assert!(scene.plane.ok(&["why", &format!("promotion/{name}")]).starts_with(&format!("promotion {name} is running: ")));
    assert!(scene.plane.ok(&["why", &format!("promotion/{front}")]).starts_with(&format!("promotion {front} was aborted: ")));
}

#[test]
fn a_step_never_reaches_seaways_own_port() {
    let scene = Scene::new();
    let url = scene.plane.ready.split_whitespace().find(|word| word.starts_with("https://")).unwrap().to_owned();
    let step = format!("      - uses: http\n        config: {{ url: '{url}/healthz', insecureSkipTLSVerify: true }}\n");
    assert_eq!(scene.plane.apply(&stage("inward", &step), &[]).code, 0);
    let said = scene.plane.run(&["promote", "inward", "--freight", "1.5.0", "--wait"]);
    assert!([3, 5].contains(&said.code), "{} {}", said.code, said.err);
    assert!(said.err.contains("is a port of Seaway itself"), "{}", said.err);
}
