//! The supervisor: holds git server and registry, runs the control plane as its child, and starts it again when it dies.

use super::bank::{self, ORIGIN, PROJECT, REPOSITORY, STAGES, WAREHOUSE};
use super::child::ControlPlane;
use super::people::People;
use super::{Hinted, control, push};
use crate::data;
use crate::typed::typed;
use anyhow::{Context as _, Result, bail};
use jiff::Timestamp;
use kube::api::Api;
use kube::config::{KubeConfigOptions, Kubeconfig};
use seaway_api::kargo::Stage;
use seaway_neighbours::{GitOptions, GitServer, Registry, RegistryEvent, RegistryOptions, Serving, answers, serve};
use seaway_verbs::{Document, Refreshable, Verbs, apply, order};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::sync::broadcast::error::RecvError;

/// The demo's own ports.
const API_PORT: u16 = 7443;
const GIT_PORT: u16 = 7480;
const REGISTRY_PORT: u16 = 7450;
/// Something the demo waits for must come by then.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);
/// How long a start waits for the control plane of a demo that was killed.
const STOPPING: Duration = Duration::from_secs(5);
/// How often it looks.
const LOOK: Duration = Duration::from_millis(100);

/// Where the demo listens.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ports {
    api: u16,
    git: u16,
    registry: u16,
}

impl Ports {
    /// The fixed ones, which the printed commands name.
    pub(super) const FIXED: Self = Self { api: API_PORT, git: GIT_PORT, registry: REGISTRY_PORT };
    /// Free ones.
    pub(super) const FREE: Self = Self { api: 0, git: 0, registry: 0 };
}

/// A demo that is up.
pub(super) struct Supervisor {
    folder: PathBuf,
    pub(super) git: GitServer,
    git_serving: Serving,
    registry_serving: Serving,
    control_plane: Mutex<ControlPlane>,
    listen: String,
    soak: Option<Duration>,
    pub(super) people: People,
}

impl Supervisor {
    /// Starts the neighbours and the control plane; the bank is applied if the folder does not know it yet.
    ///
    /// # Errors
    /// A port that is taken, or whatever the control plane said.
    pub(super) async fn start(folder: &Path, ports: Ports, soak: Option<Duration>) -> Result<Arc<Self>> {
        make_private(folder)?;
        let git = GitServer::open(folder.join("git"), GitOptions::default()).await.context("open the git server")?;
        let fresh = git.path("bank").map(|path| !path.exists()).unwrap_or(true);
        if fresh {
            git.create_repo("bank", REPOSITORY).await.context("create bank.git")?;
        }
        let registry = Registry::open(folder.join("registry"), RegistryOptions::default()).await.context("open the registry")?;
        let taken = |what: &str, port: u16| {
            let hint = format!("stop what uses it: `ss -ltnp 'sport = :{port}'` names it");
            Hinted::new(format!("the demo's {what} needs port {port} on 127.0.0.1"), hint)
        };
        let registry_serving = registry.serve(ports.registry).await.with_context(|| taken("registry", ports.registry))?;
        let smoke = Smoke { git: git.clone(), registry: registry_serving.addr().to_string() };
        let routes = answers("/smoke", move |stage| smoke_test(smoke.clone(), stage)).merge(git.router());
        let git_serving = serve(ports.git, routes).await.with_context(|| taken("git server", ports.git))?;
        // It is asked for before the control plane does, whose own error names a flag that the demo has not.
        std::net::TcpListener::bind(("127.0.0.1", ports.api)).with_context(|| taken("control plane", ports.api))?;
        let listen = format!("127.0.0.1:{}", if ports.api == 0 { free_port()? } else { ports.api });
        let control_plane = Mutex::new(ControlPlane::start(folder, &listen).await?);
        let (folder, people) = (folder.to_owned(), People::open(folder)?);
        let this = Arc::new(Self { folder, git, git_serving, registry_serving, control_plane, listen, soak, people });
        this.tell_of_pushes(&registry);
        this.apply_bank().await?;
        this.people.introduce(this.verbs().await?.client()).await?;
        Ok(this)
    }

    /// `127.0.0.1:7480`.
    pub(super) fn git_address(&self) -> String {
        self.git_serving.addr().to_string()
    }

    /// `127.0.0.1:7450`.
    pub(super) fn registry_address(&self) -> String {
        self.registry_serving.addr().to_string()
    }

    /// The API's URL.
    pub(super) fn url(&self) -> String {
        format!("https://{}", self.listen)
    }

    /// The demo's folder.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// A fresh client with the data folder's kubeconfig, as any user would have it.
    ///
    /// # Errors
    /// If the kubeconfig cannot be read.
    pub(super) async fn verbs(&self) -> Result<Verbs> {
        let file = Kubeconfig::read_from(self.folder.join("kubeconfig")).context("read the kubeconfig")?;
        let config =
            kube::Config::from_custom_kubeconfig(file, &KubeConfigOptions::default()).await.context("use the kubeconfig")?;
        Ok(Verbs::new(kube::Client::try_from(config).context("make a client")?, PROJECT))
    }

    /// Applies the bank's documents: what is so already stays as it is.
    async fn apply_bank(&self) -> Result<()> {
        let verbs = self.verbs().await?;
        let mut documents = Vec::new();
        for (name, text) in bank::documents(&self.git_address(), &self.registry_address(), self.soak) {
            documents.extend(Document::read(name, &text).map_err(|fault| anyhow::anyhow!("{fault}"))?);
        }
        order(&mut documents);
        apply(verbs.client(), &documents, Some(PROJECT), true).await.context("apply the bank")?;
        Ok(())
    }

    /// A push to the registry is told to the warehouse at once, as a webhook would; while the control plane is down, once it is up.
    fn tell_of_pushes(self: &Arc<Self>, registry: &Registry) {
        let mut events = registry.events();
        let this = Arc::downgrade(self);
        tokio::spawn(async move {
            loop {
                match events.recv().await {
                    Ok(RegistryEvent::Pushed { .. }) | Err(RecvError::Lagged(_)) => {}
                    Ok(_) => continue,
                    Err(RecvError::Closed) => return,
                }
                let told = tokio::time::timeout(PATIENCE, async {
                    let mut ticks = tokio::time::interval(LOOK);
                    loop {
                        ticks.tick().await;
                        let Some(this) = this.upgrade() else { return };
                        match this.tell_of_push().await {
                            Ok(()) => return,
                            Err(err) => tracing::debug!(error = %err, "tell the warehouse"),
                        }
                    }
                });
                if told.await.is_err() {
                    tracing::warn!("a push was not told to the warehouse; it looks by itself");
                }
            }
        });
    }

    async fn tell_of_push(&self) -> Result<()> {
        let verbs = self.verbs().await?;
        verbs.refresh(Refreshable::Warehouse, WAREHOUSE, Timestamp::now(), None).await.context("refresh the warehouse")?;
        Ok(())
    }

    /// Pushes an image to the demo's registry.
    ///
    /// # Errors
    /// Whatever the registry said.
    pub(super) async fn push(&self, image: &str, bad: bool) -> Result<()> {
        push::push(&self.registry_address(), image, bad).await.map(drop)
    }

    /// `kill -9` of the control plane, and a new one on the same folder; nobody else starts one in between.
    ///
    /// # Errors
    /// If it does not come up again.
    pub(super) async fn kill_and_restart(&self) -> Result<()> {
        let mut control_plane = self.control_plane.lock().await;
        control_plane.kill().await?;
        *control_plane = ControlPlane::start(&self.folder, &self.listen).await?;
        Ok(())
    }

    /// Ends the control plane in order.
    ///
    /// # Errors
    /// If it cannot be told.
    pub(super) async fn stop(&self) -> Result<()> {
        self.control_plane.lock().await.stop().await
    }

    /// Waits until `holds`; `what` goes into the error.
    ///
    /// # Errors
    /// After [`PATIENCE`], saying what did not come, and how the stages stand.
    pub(super) async fn until<F: Future<Output = Result<bool>>>(&self, what: &str, holds: impl Fn() -> F) -> Result<()> {
        let mut last = None;
        let waited = tokio::time::timeout(PATIENCE, async {
            let mut ticks = tokio::time::interval(LOOK);
            loop {
                ticks.tick().await;
                match holds().await {
                    Ok(true) => return,
                    Ok(false) => {}
                    // The control plane may be down for a moment: that is what some acts are about.
                    Err(err) => last = Some(err),
                }
            }
        });
        if waited.await.is_ok() {
            return Ok(());
        }
        let err = last.map(|err| format!(" (last error: {err:#})")).unwrap_or_default();
        bail!("waited {} s until {what}{err}", PATIENCE.as_secs())
    }

    /// The version of fund-transfer that git has in a stage's overlay.
    ///
    /// # Errors
    /// If git does not answer.
    pub(super) async fn in_git(&self, stage: &str) -> Result<Option<String>> {
        let text = self
            .git
            .git("bank", &["show", &format!("main:overlays/{stage}/kustomization.yaml")])
            .await
            .context("read bank.git")?;
        Ok(tag_of(&text, "fund-transfer"))
    }

    /// The version of the stage's good freight.
    ///
    /// # Errors
    /// If the control plane does not answer.
    pub(super) async fn good(&self, stage: &str) -> Result<Option<String>> {
        let stages: Api<Stage> = self.verbs().await?.api();
        let stage = stages.get(stage).await.context("read the stage")?;
        let current = stage.status.as_ref().and_then(|status| status.freight_history.first());
        let freight = current.and_then(|collection| collection.items.get(ORIGIN));
        Ok(freight
            .and_then(|freight| freight.images.iter().find(|image| image.repo_url.ends_with("/fund-transfer")))
            .map(|image| image.tag.clone()))
    }

    /// Waits until git and control plane agree that the stage has this version.
    ///
    /// # Errors
    /// As [`Supervisor::until`].
    pub(super) async fn has(&self, stage: &str, version: &str) -> Result<()> {
        self.until(&format!("{stage} has fund-transfer {version}"), || async {
            Ok(self.in_git(stage).await?.as_deref() == Some(version) && self.good(stage).await?.as_deref() == Some(version))
        })
        .await
    }

    /// Waits until a stage has passed this version on: the next stage may have it.
    ///
    /// # Errors
    /// As [`Supervisor::until`].
    pub(super) async fn passed(&self, stage: &str, version: &str) -> Result<()> {
        self.until(&format!("{stage} passes fund-transfer {version} on"), || async {
            let freight = self.verbs().await?.freight(&format!("fund-transfer:{version}")).await?;
            Ok(freight.status.is_some_and(|status| status.verified_in.contains_key(stage)))
        })
        .await
    }

    /// The first commit ids of git log for a stage's overlay, newest first, with their subjects.
    ///
    /// # Errors
    /// If git does not answer.
    pub(super) async fn log(&self, path: &str) -> Result<Vec<String>> {
        let text = self.git.git("bank", &["log", "--format=%h %s", "main", "--", path]).await.context("read git log")?;
        Ok(text.lines().map(str::to_owned).collect())
    }
}

/// The tag that a kustomization gives to a service.
fn tag_of(text: &str, service: &str) -> Option<String> {
    let document = seaway_render::yaml::read_all(text).ok()?.into_iter().next()?;
    let images = document.get("images")?.as_array()?;
    let image = images.iter().find(|image| image["name"].as_str().is_some_and(|name| name.ends_with(&format!("/{service}"))))?;
    image["newTag"].as_str().map(str::to_owned)
}

#[derive(Clone)]
struct Smoke {
    git: GitServer,
    registry: String,
}

/// The smoke test of a stage: what git says runs there either works or does not. The demo has no pods; this is its stand-in, and says so.
async fn smoke_test(smoke: Smoke, stage: String) -> (u16, String) {
    if !STAGES.contains(&stage.as_str()) {
        return (404, format!("no stage `{stage}`\n"));
    }
    let text = smoke.git.git("bank", &["show", &format!("main:overlays/{stage}/kustomization.yaml")]).await.unwrap_or_default();
    let Some(version) = tag_of(&text, "fund-transfer") else {
        return (503, "nothing is deployed (simulated by the demo)\n".to_owned());
    };
    match push::is_bad(&smoke.registry, "fund-transfer", &version).await {
        Ok(false) => (200, format!("fund-transfer {version} works (simulated by the demo)\n")),
        Ok(true) => (500, format!("fund-transfer {version} does not work (simulated by the demo)\n")),
        Err(err) => (502, format!("{err:#}\n")),
    }
}

/// Makes the folder, for its owner alone.
fn make_private(folder: &Path) -> Result<()> {
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.with_context(|| format!("make {}", folder.display()))
}

/// A port that is free now; the control plane takes it a moment later.
fn free_port() -> Result<u16> {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).context("find a free port")?;
    Ok(listener.local_addr().context("find a free port")?.port())
}

/// `seaway demo`: up until Ctrl-C.
pub(super) async fn run(folder: &Path, quick: bool) -> Result<()> {
    if let Ok(up) = control::read(folder) {
        let running = format!("a demo runs on {} already (process {})", data::shown(folder), up.pid);
        bail!(Hinted::new(running, format!("`seaway get stages` asks it; Ctrl-C where it runs, or kill {}, stops it", up.pid)));
    }
    // The control plane of a demo that was killed is about to stop.
    let mut ticks = tokio::time::interval(LOOK);
    let _ = tokio::time::timeout(STOPPING, async {
        while data::running(folder).is_some() {
            ticks.tick().await;
        }
    })
    .await;
    if let Some(server) = data::running(folder) {
        if folder.join("demo.json").exists() {
            let stopping = format!("the demo on {} is still stopping (process {})", data::shown(folder), server.pid);
            bail!(Hinted::new(stopping, "it ends what it has in hand, which may take 20 s: repeat `seaway demo` then"));
        }
        let served = format!("{} is served by process {} already, and that is no demo", data::shown(folder), server.pid);
        bail!(Hinted::new(served, format!("kill {} stops it; then `seaway demo`", server.pid)));
    }
    super::is_ours(folder)?;
    // A first minute that was cut short is played again, from nothing: a bank without versions is no demo.
    let unfinished = folder.join("first-minute");
    if unfinished.exists() {
        std::fs::remove_dir_all(folder).with_context(|| format!("remove the unfinished {}", folder.display()))?;
    }
    let kept = folder.join("git").exists();
    make_private(folder)?;
    // Only what the demo made alone is ever taken away again.
    let ours = std::fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_none());
    if ours {
        std::fs::write(&unfinished, "").with_context(|| format!("write {}", unfinished.display()))?;
    }
    let (ports, soak) = if quick { (Ports::FREE, Some(super::acts::SHORT_SOAK)) } else { (Ports::FIXED, None) };
    let supervisor = Supervisor::start(folder, ports, soak).await?;
    let keeps = if kept { "kept from before" } else { "kept" };
    super::acts::banner(&supervisor, &typed(&format!("{keeps}; `seaway demo reset` clears it")));
    if kept {
        super::acts::state(&supervisor).await?;
    } else {
        super::acts::first_minute(&supervisor).await?;
        if ours {
            std::fs::remove_file(&unfinished).with_context(|| format!("remove {}", unfinished.display()))?;
        }
    }
    let up = control::Up { pid: std::process::id(), git: supervisor.git_address(), registry: supervisor.registry_address() };
    let answering = control::serve(folder, &up, Arc::clone(&supervisor))?;
    super::acts::door(&supervisor).await?;
    super::acts::commands(&supervisor);
    watch(&supervisor).await?;
    answering.abort();
    let _ = std::fs::remove_file(folder.join("demo.sock"));
    say!("stopping");
    let stopped = supervisor.stop().await;
    // As long as it stands there, what holds the folder is this demo.
    let _ = std::fs::remove_file(folder.join("demo.json"));
    stopped
}

/// Until a signal: a control plane that dies is started again.
async fn watch(supervisor: &Supervisor) -> Result<()> {
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    let mut ticks = tokio::time::interval(Duration::from_secs(1));
    loop {
        tokio::select! {
            _ = tokio::signal::ctrl_c() => return Ok(()),
            _ = terminate.recv() => return Ok(()),
            _ = ticks.tick() => {
                let mut control_plane = supervisor.control_plane.lock().await;
                if let Ok(status) = tokio::time::timeout(Duration::from_millis(1), control_plane.ended()).await {
                    say!("the control plane ended ({}); starting it again", status?);
                    *control_plane = ControlPlane::start(&supervisor.folder, &supervisor.listen).await?;
                }
            }
        }
    }
}
