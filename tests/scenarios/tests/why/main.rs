//! `why` is right: states that are stuck for one cause each, made for real, and what its first line says of them.

mod promotions;
mod servers;
mod time_and_people;
mod tools;
mod unreadable;
mod warehouses;

use anyhow::{Result, ensure};
use jiff::Timestamp;
use kube::ResourceExt as _;
use kube::api::ListParams;
use seaway_api::kargo::{Freight, ProjectConfig, Promotion, Stage, Warehouse};
use seaway_api::seaway::PromotionRun;
use seaway_core::why::{self, Answer, Project, State};
use seaway_neighbours::auth::Login;
use seaway_neighbours::git::{Fault, GitEvent, GitOptions, Service};
use seaway_neighbours::registry::Access;
use seaway_neighbours::{GitServer, Registry, RegistryOptions, Serving};
use seaway_scenarios::trouble::*;
use seaway_scenarios::{Options, World};
use std::path::Path;
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

fn settled(stage: &Stage) -> bool {
    stage.status.as_ref().is_some_and(|status| !status.freight_history.is_empty() && status.current_promotion.is_none())
}

/// The promotion that runs in a stage.
async fn running(world: &World, stage: &str) -> Result<Option<String>> {
    let runs =
        |it: &Promotion| it.spec.stage == stage && it.status.as_ref().is_some_and(|status| status.phase.to_string() == "Running");
    Ok(world.promotions().await?.into_iter().find(runs).map(|it| it.name_any()))
}
