//! `why` is right: states that are stuck for one cause each, made for real, and what its first line says of them.

use anyhow::{Context as _, Result, ensure};
use jiff::Timestamp;
use kube::ResourceExt as _;
use kube::api::{Api, ListParams, Patch, PatchParams};
use seaway_api::kargo::{Freight, ProjectConfig, Promotion, Stage, Warehouse};
use seaway_api::seaway::PromotionRun;
use seaway_core::why::{self, Answer, Project, State};
use seaway_neighbours::auth::Login;
use seaway_neighbours::git::{Fault, GitEvent, GitOptions, Service};
use seaway_neighbours::registry::Access;
use seaway_neighbours::{GitServer, Registry, RegistryOptions, Serving};
use seaway_scenarios::trouble::*;
use seaway_scenarios::{Options, PROJECT, World};
use serde_json::json;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

/// A state that is looked for this long.
const PATIENCE: Duration = Duration::from_secs(120);
const PROJECT_YAML: &str = "\
apiVersion: kargo.akuity.io/v1alpha1
kind: Project
metadata: { name: bank }
---
apiVersion: kargo.akuity.io/v1alpha1
kind: ProjectConfig
metadata: { name: bank, namespace: bank }
spec:
  promotionPolicies:
  - stageSelector: { name: 'regex:^by-hand-' }
    autoPromotionEnabled: false
  - stageSelector: { name: 'regex:^(auto|new)-' }
    autoPromotionEnabled: true
";

/// Neighbours that are hard to get on with.
struct Trouble {
    /// Wants a login: `me`, `right`.
    locked: (GitServer, Serving),
    /// Lets nobody push.
    read_only: (GitServer, Serving),
    /// Somebody else pushes whenever we do.
    busy: (GitServer, Serving),
    /// Wants the same login.
    locked_registry: (Registry, Serving),
    /// Takes a connection and says nothing.
    silent: String,
    /// Takes a request and hangs up.
    rude: String,
}

impl Trouble {
    async fn start(folder: &Path) -> Result<Self> {
        let git = async |name: &str, options: GitOptions| -> Result<(GitServer, Serving)> {
            let server = GitServer::open(folder.join(name), options).await?;
            server.create_repo("bank", &[("app.yaml", b"tag: old\n")]).await?;
            let serving = server.serve(0).await?;
            Ok((server, serving))
        };
        let login = || Login::new("me", "right");
        let locked = git("locked", GitOptions { login: Some(login()) }).await?;
        let read_only = git("read-only", GitOptions::default()).await?;
        read_only.0.fail(Service::Receive, Fault::Status(403), u32::MAX);
        let busy = git("busy", GitOptions::default()).await?;
        let path = busy.0.path("bank")?;
        busy.0.on_event(Arc::new(move |event| {
            if matches!(event, GitEvent::ReceiveBegan { .. }) {
                let script = "commit refs/heads/main\ncommitter Other <o@bank.example> 1767225600 +0000\ndata 2\nhi\nfrom refs/heads/main^0\nM 100644 inline other\ndata 1\nx\n";
                import(&path, script.as_bytes());
            }
        }));
        let access = RegistryOptions { access: Access::Basic(login()), ..RegistryOptions::default() };
        let registry = Registry::open(folder.join("locked-registry"), access).await?;
        let serving = registry.serve(0).await?;
        let (silent, rude) = (listen(false).await?, listen(true).await?);
        Ok(Self { locked, read_only, busy, locked_registry: (registry, serving), silent, rude })
    }

    /// A text with the addresses at hand.
    fn here(&self, text: &str) -> String {
        self.names().iter().fold(text.to_owned(), |text, (name, address)| text.replace(name, address))
    }

    fn names(&self) -> [(&'static str, String); 6] {
        [
            ("LOCKED-REGISTRY", self.locked_registry.1.addr().to_string()),
            ("LOCKED", self.locked.1.addr().to_string()),
            ("READ-ONLY", self.read_only.1.addr().to_string()),
            ("BUSY", self.busy.1.addr().to_string()),
            ("SILENT", self.silent.clone()),
            ("RUDE", self.rude.clone()),
        ]
    }
}

/// Everything in the project, as `why` asks for it.
async fn ask<T>(world: &World, question: impl FnOnce(&Project<'_>) -> T) -> Result<T> {
    let verbs = world.verbs();
    let all = ListParams::default();
    let configs = verbs.api::<ProjectConfig>().list(&all).await?.items;
    let policies: Vec<_> = configs.into_iter().flat_map(|config| config.spec.promotion_policies).collect();
    Ok(question(&Project {
        stages: &verbs.api::<Stage>().list(&all).await?.items,
        warehouses: &verbs.api::<Warehouse>().list(&all).await?.items,
        freight: &verbs.api::<Freight>().list(&all).await?.items,
        promotions: &verbs.api::<Promotion>().list(&all).await?.items,
        runs: &verbs.api::<PromotionRun>().list(&all).await?.items,
        policies: &policies,
        is_built: &|step| seaway_steps::find(step).is_some(),
        may_promote: &|_| true,
        now: Timestamp::now(),
    }))
}

/// Waits until an answer has this state and these words in its first line; answers the line.
async fn line(what: &str, state: State, words: &[&str], answer: impl AsyncFn() -> Result<Answer>) -> Result<String> {
    let mut last = String::new();
    let looked = tokio::time::timeout(PATIENCE, async {
        let mut ticks = tokio::time::interval(Duration::from_millis(50));
        loop {
            ticks.tick().await;
            match answer().await {
                Ok(answer) => {
                    last = answer.first_line(Timestamp::now());
                    if answer.state == state && words.iter().all(|word| last.contains(word)) {
                        return;
                    }
                }
                Err(err) => last = format!("{err:#}"),
            }
        }
    });
    ensure!(looked.await.is_ok(), "{what}: waited for {} with {words:?}, and it is: {last}", state.as_str());
    ensure!(last.contains(", since ") && last.contains("; released by "), "{what}: not since when or by what: {last}");
    Ok(last)
}

/// The lines of some stages, addresses and times taken out of them.
struct Lines<'a> {
    world: &'a World,
    trouble: &'a Trouble,
    lines: Vec<String>,
}

impl Lines<'_> {
    async fn stage(&mut self, name: &str, state: State, words: &[&str]) -> Result<()> {
        let line = line(name, state, words, async || self.world.why(name).await).await?;
        self.add(&line);
        Ok(())
    }

    async fn warehouse(&mut self, name: &str, state: State, words: &[&str]) -> Result<()> {
        let line = line(name, state, words, async || self.world.why_warehouse(name).await).await?;
        self.add(&line);
        Ok(())
    }

    async fn promotion(&mut self, name: &str, state: State, words: &[&str]) -> Result<()> {
        let line = line(name, state, words, async || self.world.why_promotion(name).await).await?;
        self.add(&line);
        Ok(())
    }

    async fn freight(&mut self, version: &str, stage: &str, state: State, words: &[&str]) -> Result<()> {
        let line = line(stage, state, words, async || {
            let (freight, stage) = (self.world.freight(version).await?, self.world.stage(stage).await?);
            ask(self.world, |project| why::freight(project, &freight, &stage)).await
        });
        let line = line.await?;
        self.add(&line);
        Ok(())
    }

    fn add(&mut self, line: &str) {
        let mut names: Vec<(String, String)> =
            self.trouble.names().into_iter().map(|(name, address)| (address, name.to_owned())).collect();
        names.push((self.world.git_address(), "GIT".into()));
        names.push((self.world.registry_address(), "REGISTRY".into()));
        names.push((self.world.ear().address(), "EAR".into()));
        let line = names.iter().fold(line.to_owned(), |line, (address, name)| line.replace(address, name));
        self.lines.push(masked(&line));
    }

    fn text(&self) -> String {
        self.lines.join("\n")
    }
}

/// A bank with both versions of freight, in which nothing is promoted yet.
async fn bank() -> Result<(World, Trouble)> {
    let world = World::start(Options::documents("project.yaml", PROJECT_YAML)).await?;
    let trouble = Trouble::start(world.folder()).await?;
    world
        .apply("images.yaml", &warehouse("images", "", "image: { repoURL: '127.0.0.1:7450/fund-transfer', constraint: ^1.0.0 }"))
        .await?;
    for version in ["1.4.8", "1.5.0"] {
        world.push(&format!("fund-transfer:{version}"), false).await?;
        world.until(&format!("there is freight of {version}"), async || Ok(world.freight(version).await.is_ok())).await?;
        // Freight of one second has no order: the next is made in a later one.
        let made = Timestamp::now().as_second();
        world.until("the second is over", async || Ok(Timestamp::now().as_second() > made)).await?;
    }
    Ok((world, trouble))
}

#[expect(clippy::too_many_lines, reason = "a table: a line a cause")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_keeps_a_promotion_from_its_end_is_named() -> Result<()> {
    let (world, trouble) = bank().await?;
    let files: &[(&str, &[u8])] = &[("app.yaml", b"tag: old\n")];
    let bank = world.git_server().create_repo("protected", files).await?;
    world.git_server().fail(Service::Receive, Fault::RefuseRef { name: "refs/heads/main".into() }, u32::MAX);
    import(&bank, b"commit refs/heads/links\ncommitter A <a@bank.example> 1767225600 +0000\ndata 1\nl\nM 120000 inline out\ndata 12\n../../../etc\n");
    let mut all = login("locked", "git", "http://LOCKED/bank.git", "wrong");
    let mut add = |name: &str, steps: &[&str]| all.push_str(&stage(name, DIRECT, steps));
    let of = |url: &str, what: &str| clone(url, what);
    let (main, protected) = (", branch: main", of("http://127.0.0.1:7480/protected.git", ", branch: main"));
    add("auto-silent", &[&of("http://SILENT/bank.git", main)]);
    add("auto-wrong-password", &[&of("http://LOCKED/bank.git", main)]);
    add("auto-no-password", &[&of("http://LOCKED/open.git", main)]);
    add("auto-no-repository", &[&of("http://127.0.0.1:7480/nothing.git", main)]);
    add("auto-no-server", &[&of("http://127.0.0.1:9/bank.git", main)]);
    add("auto-no-branch", &[&of("http://127.0.0.1:7480/bank.git", ", branch: gone")]);
    add("auto-no-tag", &[&of("http://127.0.0.1:7480/bank.git", ", tag: v1.0.0")]);
    add("auto-read-only", &[&of("http://READ-ONLY/bank.git", main), WRITE, COMMIT, PUSH]);
    add("auto-protected", &[&protected, WRITE, COMMIT, PUSH]);
    let once = "{ uses: git-push, as: push, config: { path: ./src, maxAttempts: 1 } }";
    add("auto-busy", &[&of("http://BUSY/bank.git", main), WRITE, COMMIT, once]);
    add("auto-no-file", &[CLONE, "{ uses: copy, as: copy, config: { inPath: ./src/gone.yaml, outPath: ./src/x } }"]);
    add("auto-path-out", &[CLONE, "{ uses: copy, as: copy, config: { inPath: ../../etc/passwd, outPath: ./src/x } }"]);
    let links = of("http://127.0.0.1:7480/protected.git", ", branch: links");
    add("auto-link-out", &[&links, "{ uses: copy, as: copy, config: { inPath: ./src/out/passwd, outPath: ./src/x } }"]);
    add("auto-unknown-step", &["{ uses: fly-to-the-moon, as: fly, config: {} }"]);
    add("auto-unbuilt-step", &["{ uses: argocd-update, as: sync, config: { apps: [{ name: bank }] } }"]);
    add("auto-expression", &["{ uses: fail, as: say, config: { message: '${{ 1 + }}' } }"]);
    add("auto-endless", &["{ uses: fail, as: say, config: { message: '${{ len(filter(1..100000000, # > 0)) }}' } }"]);
    add("auto-egress-http", &["{ uses: http, as: ask, config: { url: 'http://169.254.169.254/latest' } }"]);
    add("auto-egress-git", &[&of("http://169.254.169.254/bank.git", main)]);
    add("auto-uncertain", &["{ uses: http, as: notify, config: { method: POST, url: 'http://RUDE/chat', body: hello } }"]);
    add(
        "auto-polls",
        &[
            "{ uses: http, as: smoke, config: { url: 'http://127.0.0.1:7490/up', successExpression: response.status == 418, pollInterval: 10m } }",
        ],
    );
    add("auto-retries", &["{ uses: http, as: ask, retry: { errorThreshold: 1000 }, config: { url: 'http://127.0.0.1:9/' } }"]);
    add("auto-fails", &["{ uses: fail, as: smoke, config: { message: smoke test answered 500 } }"]);
    add(
        "auto-wrong-type",
        &[
            CLONE,
            "{ uses: git-commit, as: commit, config: { path: ./src, message: x } }",
            "{ uses: http, as: ask, config: { url: 'http://127.0.0.1:7490/${{ configMap(1) }}' } }",
        ],
    );
    all.push_str(
        &stage("auto-verified", DIRECT, &[CLONE])
            .replace("  promotionTemplate:", "  verification: { analysisTemplates: [{ name: smoke }] }\n  promotionTemplate:"),
    );
    world.apply("stages.yaml", &trouble.here(&all)).await?;

    let mut lines = Lines { world: &world, trouble: &trouble, lines: Vec::new() };
    lines.stage("auto-wrong-password", State::Failed, &["401", "refuses the credential", "released by a Secret"]).await?;
    lines.stage("auto-no-password", State::Failed, &["401", "none is configured"]).await?;
    lines.stage("auto-no-repository", State::Failed, &["no such repository"]).await?;
    lines.stage("auto-no-server", State::Failed, &["connect to `127.0.0.1:9`"]).await?;
    lines.stage("auto-no-branch", State::Failed, &["branch `gone`", "does not exist"]).await?;
    lines.stage("auto-no-tag", State::Failed, &["tag `v1.0.0`", "does not exist"]).await?;
    lines.stage("auto-read-only", State::Failed, &["403"]).await?;
    lines.stage("auto-protected", State::Failed, &["the server refuses", "released by a rule on the server"]).await?;
    lines.stage("auto-busy", State::Failed, &["moved", "maxAttempts"]).await?;
    lines.stage("auto-no-file", State::Failed, &["src/gone.yaml", "released by the file"]).await?;
    lines.stage("auto-path-out", State::Failed, &["../../etc/passwd", "released by a path that stays inside"]).await?;
    lines.stage("auto-link-out", State::Failed, &["by the link", "released by a path that stays inside"]).await?;
    lines.stage("auto-unknown-step", State::Failed, &["fly-to-the-moon"]).await?;
    lines.stage("auto-unbuilt-step", State::Blocked, &["argocd-update", "not built"]).await?;
    lines.stage("auto-verified", State::Blocked, &["verification", "not built"]).await?;
    lines.stage("auto-expression", State::Failed, &["parse expression", "released by a corrected expression"]).await?;
    lines.stage("auto-endless", State::Failed, &["budget", "released by a corrected expression"]).await?;
    lines.stage("auto-egress-http", State::Failed, &["169.254.169.254", "never reached"]).await?;
    lines.stage("auto-egress-git", State::Failed, &["169.254.169.254", "never reached"]).await?;
    lines.stage("auto-uncertain", State::Uncertain, &["`notify`", "released by a person who knows"]).await?;
    lines.stage("auto-polls", State::Waiting, &["`smoke`", "answered 200"]).await?;
    lines.stage("auto-retries", State::Waiting, &["tried again", "released by the next attempt"]).await?;
    lines.stage("auto-fails", State::Failed, &["smoke test answered 500"]).await?;
    lines.stage("auto-wrong-type", State::Failed, &["configMap"]).await?;
    lines.stage("auto-silent", State::Failed, &["hangs"]).await?;
    insta::assert_snapshot!(lines.text(), @r"
stage auto-wrong-password is failed: fund-transfer 1.5.0: `clone`: git-clone: fetch from `http://LOCKED/bank.git`: the server answers 401: it refuses the credential; check user name, password and their rights, since T; released by a Secret of the project with the right credentials, then another promotion
stage auto-no-password is failed: fund-transfer 1.5.0: `clone`: git-clone: fetch from `http://LOCKED/open.git`: the server answers 401: it wants a credential and none is configured for this URL; add a Secret labelled `kargo.akuity.io/cred-type: git` with its `repoURL`, `username` and `password`, since T; released by a Secret of the project with the right credentials, then another promotion
stage auto-no-repository is failed: fund-transfer 1.5.0: `clone`: git-clone: fetch from `http://GIT/nothing.git`: there is no such repository, or the credential may not see it, since T; released by the repository, or credentials that see it, then another promotion
stage auto-no-server is failed: fund-transfer 1.5.0: `clone`: git-clone: fetch from `http://127.0.0.1:9/bank.git`: connect to `127.0.0.1:9`: Connection refused (os error 111); check the address, and that its server runs, since T; released by the server's return, then another promotion
stage auto-no-branch is failed: fund-transfer 1.5.0: `clone`: git-clone: branch `gone` of `http://GIT/bank.git` does not exist: push it, or name another, since T; released by its return, or another name, then another promotion
stage auto-no-tag is failed: fund-transfer 1.5.0: `clone`: git-clone: tag `v1.0.0` of `http://GIT/bank.git` does not exist: push it, or name another, since T; released by its return, or another name, then another promotion
stage auto-read-only is failed: fund-transfer 1.5.0: `push`: push to `http://READ-ONLY/bank.git`: the server answers 403: it wants a credential and none is configured for this URL; add a Secret labelled `kargo.akuity.io/cred-type: git` with its `repoURL`, `username` and `password`, since T; released by a Secret of the project with the right credentials, then another promotion
stage auto-protected is failed: fund-transfer 1.5.0: `push`: push to `refs/heads/main` of `http://GIT/protected.git`: the server refuses: hook declined; it says: refs/heads/main is protected / error: hook declined to update refs/heads/main, since T; released by a rule on the server that lets this account push, then another promotion
stage auto-busy is failed: fund-transfer 1.5.0: `push`: branch `main` moved 1 times while it was pushed; raise `maxAttempts` or try again, since T; released by another promotion, from the branch as it is then
stage auto-no-file is failed: fund-transfer 1.5.0: `copy`: copy: `src/gone.yaml` does not exist; paths are relative to the promotion's work folder, since T; released by the file, or another path in the step, then another promotion
stage auto-path-out is failed: fund-transfer 1.5.0: `copy`: copy: path `../../etc/passwd` leaves the work folder; paths are relative to the promotion's work folder, since T; released by a path that stays inside, then another promotion
stage auto-link-out is failed: fund-transfer 1.5.0: `copy`: copy: `src/out/passwd` leads out of its checkout by the link `src/out` to `../../../etc`: change the link or the path, since T; released by a path that stays inside, then another promotion
stage auto-unknown-step is failed: fund-transfer 1.5.0: there is no step `fly-to-the-moon`: docs/steps tells of those there are, since T; released by the name of a step that there is, then another promotion
stage auto-unbuilt-step is blocked: step `argocd-update` (`spec.promotionTemplate.spec.steps[0].uses`) is not built yet, since T; released by a later release, or leaving that part out
stage auto-verified is blocked: verification (`spec.verification`) is not built yet, since T; released by a later release, or leaving that part out
stage auto-expression is failed: fund-transfer 1.5.0: configuration of step `say`: parse expression: unexpected end of expression (at 5), since T; released by a corrected expression, then another promotion
stage auto-endless is failed: fund-transfer 1.5.0: configuration of step `say`: evaluate expression: memory budget exceeded; make the expression smaller, since T; released by a corrected expression, then another promotion
stage auto-egress-http is failed: fund-transfer 1.5.0: `ask`: http: `169.254.169.254` is a link-local address, which is never reached: use another address, since T; released by another address, or the setting that the message names, then another promotion
stage auto-egress-git is failed: fund-transfer 1.5.0: `clone`: git-clone: fetch from `http://169.254.169.254/bank.git`: `169.254.169.254` is a link-local address, which is never reached: use another address, since T; released by another address, or the setting that the message names, then another promotion
stage auto-uncertain is uncertain: fund-transfer 1.5.0: `notify` sent something and its answer never came, since T; released by a person who knows
stage auto-polls is waiting: fund-transfer 1.5.0: `smoke` waits: http://EAR answered 200, neither success nor failure, since T; released by what the step asks for
stage auto-retries is waiting: fund-transfer 1.5.0: `ask` met an error and is tried again: http: cannot connect to `http://127.0.0.1:9/`: Connection refused (os error 111); check the address, and that its server runs; step will be retried, since T; released by the next attempt
stage auto-fails is failed: fund-transfer 1.5.0: failed: smoke test answered 500, since T; released by another promotion, of this freight or other
stage auto-wrong-type is failed: fund-transfer 1.5.0: configuration of step `ask`: check expression: cannot use int as a string to call configMap (at 1), since T; released by a corrected expression, then another promotion
stage auto-silent is failed: fund-transfer 1.5.0: `clone`: git-clone: fetch from `http://SILENT/bank.git`: the server at `SILENT` sent nothing within 30s: it hangs or is overloaded, since T; released by the server's return, then another promotion
");
    Ok(())
}

#[expect(clippy::too_many_lines, reason = "a table: a line a cause")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_keeps_a_warehouse_from_making_freight_is_named() -> Result<()> {
    let (world, trouble) = bank().await?;
    world.push_quietly("account-info:2.3.0", false).await?;
    let mut all = login("locked-git", "git", "http://LOCKED/bank.git", "wrong");
    all.push_str(&login("locked-image", "image", "LOCKED-REGISTRY/bank", "wrong"));
    let mut add = |name: &str, more: &str, subscription: &str| all.push_str(&warehouse(name, more, subscription));
    add("no-tag", "", "image: { repoURL: '127.0.0.1:7450/fund-transfer', constraint: ^9.0.0 }");
    add("no-registry", "", "image: { repoURL: '127.0.0.1:9/fund-transfer', constraint: ^1.0.0 }");
    add("no-repository", "", "image: { repoURL: '127.0.0.1:7450/nothing', constraint: ^1.0.0 }");
    add("wrong-password", "", "image: { repoURL: 'LOCKED-REGISTRY/bank', constraint: ^1.0.0 }");
    add("no-password", "", "image: { repoURL: 'LOCKED-REGISTRY/open', constraint: ^1.0.0 }");
    add(
        "deleted-tag",
        "",
        "image: { repoURL: '127.0.0.1:7450/fund-transfer', imageSelectionStrategy: Digest, constraint: gone }",
    );
    add(
        "criteria",
        "  freightCreationCriteria: { expression: 'false' }\n",
        "image: { repoURL: '127.0.0.1:7450/account-info', constraint: ^2.0.0 }",
    );
    add(
        "broken-criteria",
        "  freightCreationCriteria: { expression: 'nothing.at.all' }\n",
        "image: { repoURL: '127.0.0.1:7450/account-info', constraint: ^2.0.0 }",
    );
    add("by-hand", "  freightCreationPolicy: Manual\n", "image: { repoURL: '127.0.0.1:7450/account-info', constraint: ^2.0.0 }");
    add("chart", "", "chart: { repoURL: 'oci://127.0.0.1:7450/charts/bank', semverConstraint: ^1.0.0 }");
    add("newest-build", "", "image: { repoURL: '127.0.0.1:7450/fund-transfer', imageSelectionStrategy: NewestBuild }");
    add("egress", "", "image: { repoURL: '169.254.169.254/fund-transfer', constraint: ^1.0.0 }");
    add("git-branch", "", "git: { repoURL: 'http://127.0.0.1:7480/bank.git', branch: gone }");
    add("git-password", "", "git: { repoURL: 'http://LOCKED/bank.git', branch: main }");
    add("git-egress", "", "git: { repoURL: 'http://169.254.169.254/bank.git', branch: main }");
    let of = |name: &str| stage(&format!("of-{name}"), DIRECT, &[CLONE]).replace("name: images", &format!("name: {name}"));
    all.push_str(&(of("wrong-password") + &of("no-tag") + &of("nowhere")));
    world.apply("warehouses.yaml", &trouble.here(&all)).await?;

    let mut lines = Lines { world: &world, trouble: &trouble, lines: Vec::new() };
    lines.warehouse("no-tag", State::Blocked, &["released by a version that matches"]).await?;
    lines.warehouse("no-registry", State::Blocked, &["127.0.0.1:9"]).await?;
    lines.warehouse("no-repository", State::Blocked, &["does not exist"]).await?;
    lines.warehouse("wrong-password", State::Blocked, &["refused the credential", "released by a Secret"]).await?;
    lines.warehouse("no-password", State::Blocked, &["asks for a login", "released by a Secret"]).await?;
    lines.warehouse("deleted-tag", State::Blocked, &["released by"]).await?;
    lines.warehouse("criteria", State::Waiting, &["freightCreationCriteria"]).await?;
    lines.warehouse("broken-criteria", State::Blocked, &["released by a corrected expression"]).await?;
    lines.warehouse("by-hand", State::Waiting, &["released by a person who creates freight"]).await?;
    lines.warehouse("chart", State::Blocked, &["chart", "not built"]).await?;
    lines.warehouse("newest-build", State::Blocked, &["NewestBuild", "not built"]).await?;
    lines.warehouse("egress", State::Blocked, &["169.254.169.254", "never reached"]).await?;
    lines.warehouse("git-branch", State::Blocked, &["branch `gone`", "does not exist"]).await?;
    lines.warehouse("git-password", State::Blocked, &["401", "released by a Secret"]).await?;
    lines.warehouse("git-egress", State::Blocked, &["169.254.169.254", "never reached"]).await?;
    lines.stage("of-wrong-password", State::Empty, &["no freight yet", "refused the credential", "released by a Secret"]).await?;
    lines.stage("of-no-tag", State::Empty, &["no freight yet", "released by a version that matches"]).await?;
    lines.stage("of-nowhere", State::Blocked, &["warehouse `nowhere` is not there"]).await?;
    insta::assert_snapshot!(lines.text(), @r#"
warehouse no-tag is blocked: no tag of REGISTRY/fund-transfer matches what the subscription asks for: push one that does, or widen the subscription, since T; released by a version that matches, or a wider subscription
warehouse no-registry is blocked: spec.subscriptions[0]: `127.0.0.1:9/fund-transfer` cannot be read: cannot connect to `http://127.0.0.1:9/v2/`: Connection refused (os error 111); check the address, and that its server runs, since T; released by the next look, once the cause is gone
warehouse no-repository is blocked: spec.subscriptions[0]: `REGISTRY/nothing` does not exist at its registry: check the name, or push a first image, since T; released by the next look, once the cause is gone
warehouse wrong-password is blocked: spec.subscriptions[0]: `LOCKED-REGISTRY/bank`: the registry refused the credential: check its user and password, since T; released by a Secret of the project with the right credentials
warehouse no-password is blocked: spec.subscriptions[0]: `LOCKED-REGISTRY/open`: the registry asks for a login: add a credential for it, since T; released by a Secret of the project with the right credentials
warehouse deleted-tag is blocked: no tag of REGISTRY/fund-transfer matches what the subscription asks for: push one that does, or widen the subscription, since T; released by a version that matches, or a wider subscription
warehouse criteria is waiting: what was found does not meet freightCreationCriteria, so no freight is made of it, since T; released by other versions
warehouse broken-criteria is blocked: freightCreationCriteria `nothing.at.all`: evaluate expression: there is no name "nothing" (at 0), since T; released by a corrected expression
warehouse by-hand is waiting: the warehouse makes no freight by itself, since T; released by a person who creates freight from what was found
warehouse chart is blocked: a chart subscription (`spec.subscriptions[0].chart`) is not built yet, since T; released by a later release, or leaving that part out
warehouse newest-build is blocked: image selection by NewestBuild (`spec.subscriptions[0].image.imageSelectionStrategy`) is not built yet, since T; released by a later release, or leaving that part out
warehouse egress is blocked: spec.subscriptions[0]: `169.254.169.254/fund-transfer` cannot be read: `169.254.169.254` is a link-local address, which is never reached: use another address, since T; released by another address, or the setting that the message names
warehouse git-branch is blocked: spec.subscriptions[0]: branch `gone` of `http://GIT/bank.git` does not exist: push it, or name another, since T; released by its return, or another name
warehouse git-password is blocked: spec.subscriptions[0]: fetch from `http://LOCKED/bank.git`: the server answers 401: it refuses the credential; check user name, password and their rights, since T; released by a Secret of the project with the right credentials
warehouse git-egress is blocked: spec.subscriptions[0]: fetch from `http://169.254.169.254/bank.git`: `169.254.169.254` is a link-local address, which is never reached: use another address, since T; released by another address, or the setting that the message names
stage of-wrong-password is empty: warehouse wrong-password has made no freight yet: spec.subscriptions[0]: `LOCKED-REGISTRY/bank`: the registry refused the credential: check its user and password, since T; released by a Secret of the project with the right credentials
stage of-no-tag is empty: warehouse no-tag has made no freight yet: no tag of REGISTRY/fund-transfer matches what the subscription asks for: push one that does, or widen the subscription, since T; released by a version that matches, or a wider subscription
stage of-nowhere is blocked: warehouse `nowhere` is not there, since T; released by creating it, or requesting another
"#);
    Ok(())
}

#[expect(clippy::too_many_lines, reason = "a table: a line a cause")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_time_and_people_release_is_named() -> Result<()> {
    let (world, trouble) = bank().await?;
    let ok = "{ uses: compose-output, as: say, config: { said: hello } }";
    let waits = "{ uses: http, as: smoke, config: { url: 'http://127.0.0.1:7490/up', successExpression: response.status == 418, pollInterval: 10m } }";
    let mut all = String::new();
    let mut add = |name: &str, sources: &str, steps: &[&str]| all.push_str(&stage(name, sources, steps));
    add("auto-good", DIRECT, &[ok]);
    add("auto-bad", DIRECT, &["{ uses: fail, as: smoke, config: { message: smoke test answered 500 } }"]);
    add("auto-soak", "stages: [auto-good], requiredSoakTime: 1h0m0s", &[ok]);
    add("auto-later", "stages: [auto-bad]", &[ok]);
    add("auto-nowhere", "stages: [nowhere]", &[ok]);
    add("by-hand-prod", "stages: [auto-good]", &[ok]);
    add("prod", "stages: [auto-good]", &[ok]);
    add("auto-held", DIRECT, &[ok]);
    add("queue", DIRECT, &[waits]);
    add(
        "planned",
        DIRECT,
        &[CLONE, "{ uses: copy, as: copy, config: { inPath: ./src/README.md, outPath: ./src/copy.md } }", COMMIT, PUSH],
    );
    add("auto-stopped", DIRECT, &[waits]);
    all.push_str(&stage("elsewhere", DIRECT, &[ok]).replace("name: images", "name: others"));
    all.push_str(&warehouse("others", "", "image: { repoURL: '127.0.0.1:7450/others', constraint: ^1.0.0 }"));
    world.apply("stages.yaml", &trouble.here(&all)).await?;

    let verbs = world.verbs();
    let (old, new) = (world.freight("1.4.8").await?, world.freight("1.5.0").await?);
    // `planned` is bound to a plan that says something else.
    verbs.promote("planned", &new, Some("v1:0000000000000000000000000000000000000000000000000000000000000000")).await?;
    let first = verbs.promote("queue", &new, None).await?.name_any();
    let second = verbs.promote("queue", &old, None).await?.name_any();
    world.until("auto-held has 1.5.0", async || Ok(settled(&world.stage("auto-held").await?))).await?;
    verbs.promote("auto-held", &old, None).await?;
    world.until("a promotion to auto-stopped runs", async || Ok(running(&world, "auto-stopped").await?.is_some())).await?;
    verbs.abort(&running(&world, "auto-stopped").await?.context("no promotion runs")?).await?;
    let refused = verbs.promote("auto-later", &new, None).await.map(|_| ()).unwrap_err();
    let others = verbs.promote("elsewhere", &new, None).await.map(|_| ()).unwrap_err();

    let mut lines = Lines { world: &world, trouble: &trouble, lines: Vec::new() };
    lines.stage("auto-soak", State::Waiting, &["soaks in auto-good", "released by time"]).await?;
    lines.stage("auto-later", State::Empty, &["not verified in auto-bad", "released by its verification"]).await?;
    lines.stage("auto-nowhere", State::Blocked, &["upstream stage `nowhere` is not there"]).await?;
    lines.stage("by-hand-prod", State::Waiting, &["waits for you", "turns automatic promotion off"]).await?;
    lines.stage("prod", State::Waiting, &["waits for you", "no policy"]).await?;
    lines.stage("auto-held", State::Held, &["admin chose other freight", "lifting the hold"]).await?;
    lines.promotion(&second, State::Waiting, &["comes first", "the end of"]).await?;
    ensure!(world.why_promotion(&second).await?.cause.contains(&first));
    lines.stage("queue", State::Waiting, &["`smoke`"]).await?;
    lines.stage("planned", State::Failed, &["released by a new plan"]).await?;
    lines.stage("auto-stopped", State::Waiting, &["was stopped"]).await?;
    let again = "released by promoting it again, or a newer version";
    lines.freight("1.5.0", "auto-bad", State::Failed, &["at auto-bad", "smoke test answered 500", again]).await?;
    lines.freight("1.5.0", "auto-later", State::Waiting, &["at auto-later", "not verified in auto-bad"]).await?;
    lines.freight("1.5.0", "elsewhere", State::Blocked, &["requests no freight of"]).await?;
    lines.add(&refused.to_string());
    lines.add(&others.to_string());
    insta::assert_snapshot!(lines.text(), @r"
stage auto-soak is waiting: fund-transfer 1.5.0 soaks in auto-good for T more, since T; released by time, as long as it stays there
stage auto-later is empty: fund-transfer 1.5.0 is not verified in auto-bad, since T; released by its verification in an upstream stage, or an approval
stage auto-nowhere is blocked: upstream stage `nowhere` is not there, since T; released by creating it, or naming another
stage by-hand-prod is waiting: fund-transfer 1.5.0 waits for you: manual promotion (its policy turns automatic promotion off), since T; released by a person who may promote to the stage
stage prod is waiting: fund-transfer 1.5.0 waits for you: manual promotion (no policy lets it promote by itself), since T; released by a person who may promote to the stage
stage auto-held is held: admin chose other freight than fund-transfer 1.5.0, since T; released by promoting the newest freight, or lifting the hold
promotion queue.ULID.HEX is waiting: queue.ULID.HEX comes first, since T; released by the end of queue.ULID.HEX
stage queue is waiting: fund-transfer 1.5.0: `smoke` waits: http://EAR answered 200, neither success nor failure, since T; released by what the step asks for
stage planned is failed: fund-transfer 1.5.0: the plan has changed since it was made: `copy.md` of main is written and was not planned; plan again and promote with the new digest, since T; released by a new plan, then another promotion
stage auto-stopped is waiting: the promotion of fund-transfer 1.5.0 was stopped, and automation does not try again, since T; released by another promotion
freight HEX at auto-bad is failed: fund-transfer 1.5.0: failed: smoke test answered 500, since T; released by promoting it again, or a newer version
freight HEX at auto-later is waiting: fund-transfer 1.5.0 is not verified in auto-bad, since T; released by its verification in an upstream stage, or an approval
freight HEX at elsewhere is blocked: elsewhere requests no freight of Warehouse/images, since T; released by a request for it in the stage's spec
promote to `auto-later`: the stage may not have it: fund-transfer 1.5.0 is not verified in auto-bad; released by its verification in an upstream stage, or an approval
promote to `elsewhere`: the stage may not have it: elsewhere requests no freight of Warehouse/images; released by a request for it in the stage's spec
");

    // What time and people release is released by them.
    verbs.resume("auto-held", Timestamp::now()).await?;
    world.until("auto-held moves on", async || Ok(world.why("auto-held").await?.state == State::Unchecked)).await?;
    verbs.promote("prod", &new, None).await?;
    world.until("prod has 1.5.0", async || Ok(world.why("prod").await?.state == State::Unchecked)).await?;
    verbs.abort(&first).await?;
    world.until("the queue moves on", async || Ok(running(&world, "queue").await?.as_deref() == Some(&second))).await
}

/// A journal that a later release wrote stops its promotion here: it says so, and a person may end it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_controller_gave_up_on_is_named() -> Result<()> {
    let (world, trouble) = bank().await?;
    let waits = "{ uses: http, as: smoke, config: { url: 'http://127.0.0.1:7490/up', successExpression: response.status == 418, pollInterval: 10m } }";
    let good = "{ uses: compose-output, as: say, config: { said: hello } }";
    world.apply("stages.yaml", &(stage("auto-parked", DIRECT, &[waits]) + &stage("auto-good", DIRECT, &[good]))).await?;
    world.until("a promotion to auto-parked waits", async || Ok(world.why("auto-parked").await?.state == State::Waiting)).await?;
    let name = running(&world, "auto-parked").await?.context("no promotion runs")?;
    let runs: Api<PromotionRun> = world.verbs().api();
    let newer = json!({ "status": { "journal": { "version": 99 } } });
    runs.patch_status(&name, &PatchParams::default(), &Patch::Merge(&newer)).await?;
    world.restart().await?;

    let mut lines = Lines { world: &world, trouble: &trouble, lines: Vec::new() };
    lines.promotion(&name, State::Blocked, &["Seaway gave up on it", "released by a release that reads its journal"]).await?;
    lines.stage("auto-parked", State::Blocked, &["Seaway gave up on it", "released by a release that reads its journal"]).await?;
    insta::assert_snapshot!(lines.text(), @r"
promotion auto-parked.ULID.HEX is blocked: Seaway gave up on it: the journal has version 99, this release reads up to 1; run the newer release, since T; released by a release that reads its journal, or a person who ends it
stage auto-parked is blocked: fund-transfer 1.5.0: Seaway gave up on it: the journal has version 99, this release reads up to 1; run the newer release, since T; released by a release that reads its journal, or a person who ends it
");
    ensure!(world.why_promotion(&name).await?.hint == format!("seaway abort {name}"));
    let ended = world.verbs().wait_for(&name, PATIENCE).await?;
    ensure!(matches!(ended, seaway_verbs::Ended::Blocked { .. }), "{ended:?}");
    world.until("the other is promoted", async || Ok(settled(&world.stage("auto-good").await?))).await?;
    world.verbs().abort(&name).await?;
    world.until("it has ended", async || Ok(world.why_promotion(&name).await?.state == State::Aborted)).await
}

fn settled(stage: &Stage) -> bool {
    stage.status.as_ref().is_some_and(|status| !status.freight_history.is_empty() && status.current_promotion.is_none())
}

/// The promotion that runs in a stage.
async fn running(world: &World, stage: &str) -> Result<Option<String>> {
    let runs =
        |it: &Promotion| it.spec.stage == stage && it.status.as_ref().is_some_and(|status| status.phase.to_string() == "Running");
    Ok(world.promotions().await?.into_iter().find(runs).map(|it| it.name_any()))
}

/// A tool that is not installed blocks, and the step goes on once it is. Programs are found by the process's environment, so this
/// test is run once more in a process that has git alone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_missing_tool_blocks() -> Result<()> {
    const BARE: &str = "SEAWAY_TEST_WITHOUT_TOOLS";
    if std::env::var_os(BARE).is_none() {
        let folder = tempfile::tempdir()?;
        let which = Command::new("sh").args(["-c", "command -v git"]).output()?;
        std::os::unix::fs::symlink(String::from_utf8(which.stdout)?.trim(), folder.path().join("git"))?;
        let mut child = Command::new(std::env::current_exe()?);
        child.args(["a_missing_tool_blocks", "--exact", "--nocapture"]).env(BARE, "1").env("PATH", folder.path());
        let ran = child.env_remove("SEAWAY_KUSTOMIZE").env_remove("SEAWAY_KUBECTL").output()?;
        ensure!(ran.status.success(), "{}{}", String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
        return Ok(());
    }
    let (world, trouble) = bank().await?;
    let build = "{ uses: kustomize-build, as: build, config: { path: ./src/overlays/qa, outPath: ./out.yaml } }";
    world.apply("stage.yaml", &stage("auto-build", DIRECT, &[CLONE, build])).await?;
    let mut lines = Lines { world: &world, trouble: &trouble, lines: Vec::new() };
    lines.stage("auto-build", State::Blocked, &["kustomize", "kubectl", "released by installing it"]).await?;
    insta::assert_snapshot!(lines.text(), @"stage auto-build is blocked: fund-transfer 1.5.0: kustomize-build: neither `kustomize` (5.0 or later) nor `kubectl` was found; install one: `apt-get install kustomize`, or https://kubectl.docs.kubernetes.io, or name it in SEAWAY_KUSTOMIZE or SEAWAY_KUBECTL, since T; released by installing it");
    Ok(())
}

/// An object that cannot be read stops nobody else.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wrong_with_one_stage_stops_no_other() -> Result<()> {
    let (world, _trouble) = bank().await?;
    let api: Api<Stage> = world.verbs().api();
    world.apply("stages.yaml", &(stage("auto-good", DIRECT, &["{ uses: compose-output, as: say, config: { a: b } }"]))).await?;
    let odd = json!({ "apiVersion": "kargo.akuity.io/v1alpha1", "kind": "Stage", "metadata": { "name": "odd", "namespace": PROJECT },
        "spec": { "requestedFreight": "all of it" } });
    let client = world.client("admin");
    let request = http::Request::post(format!("/apis/kargo.akuity.io/v1alpha1/namespaces/{PROJECT}/stages"));
    let body = request.header("content-type", "application/json").body(odd.to_string().into_bytes())?;
    let err = client.request::<serde_json::Value>(body).await.unwrap_err().to_string();
    ensure!(err.contains("requestedFreight"), "{err}");
    world.until("the good one is promoted", async || Ok(settled(&api.get("auto-good").await?))).await
}
