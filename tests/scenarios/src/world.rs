//! A world: the control plane, its neighbours, and what a test may ask of them.

use crate::bank::{self, ORIGIN, PROJECT, WAREHOUSE, tag_of};
use crate::counted::{Ledger, Written};
use crate::ear::Ear;
use crate::neighbours::{self, Neighbours};
use crate::options::Options;
use crate::plane::{Gate, Ground, Plane};
use crate::question::{Read, list};
use anyhow::{Context as _, Result, anyhow, bail};
use jiff::SignedDuration;
use kube::{Client, ResourceExt as _};
use parking_lot::Mutex;
use seaway_api::kargo::names::annotation;
use seaway_api::kargo::{Freight, Promotion, Stage, Warehouse};
use seaway_api::seaway::PromotionRun;
use seaway_apiserver::Identity;
use seaway_core::why::{self, Answer};
use seaway_neighbours::{GitServer, Registry};
use seaway_oci::{Platform, TinyPart};
use seaway_verbs::{Applied, Document, Refreshable, Verbs, apply, order};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Whatever a test waits for must come by then.
pub const PATIENCE: Duration = Duration::from_secs(60);
/// How often it is looked for.
const LOOK: Duration = Duration::from_millis(15);
/// Where nothing was written since, only time changes what is read; it is read again after this.
const LOOK_AGAIN: Duration = Duration::from_millis(100);
/// What time alone will bring within this is waited for when a world settles: soaks are short here.
const SOON: SignedDuration = SignedDuration::from_secs(10);

/// The whole of it, on a temporary folder.
pub struct World {
    dir: TempDir,
    options: Options,
    ground: Ground,
    neighbours: Neighbours,
    plane: tokio::sync::Mutex<Option<Plane>>,
    n_lives: Mutex<u64>,
}

impl World {
    /// Starts everything and applies the documents.
    ///
    /// # Errors
    /// Whatever did not start, or was refused.
    pub async fn start(options: Options) -> Result<Self> {
        let dir = tempfile::Builder::new().prefix("seaway-world-").tempdir().context("make a temporary folder")?;
        let neighbours = Neighbours::start(dir.path(), &options).await?;
        let ground = Ground {
            folder: dir.path().to_owned(),
            key: seaway_base::ids::secret_bytes(),
            ledger: Ledger::default(),
            gate: Gate::default(),
        };
        let plane = tokio::sync::Mutex::new(None);
        let world = Self { dir, options, ground, neighbours, plane, n_lives: Mutex::new(0) };
        world.restart().await?;
        for (name, text) in &world.options.documents {
            world.apply(name, text).await?;
        }
        Ok(world)
    }

    /// The folder everything lies in; the control plane's own is `data` in it.
    pub fn folder(&self) -> &Path {
        self.dir.path()
    }

    /// The control plane's folder: database, mirrors, scratch.
    pub fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    /// The git server's `127.0.0.1:port`.
    pub fn git_address(&self) -> String {
        self.neighbours.git_serving.addr().to_string()
    }

    /// The registry's `127.0.0.1:port`.
    pub fn registry_address(&self) -> String {
        self.neighbours.registry_serving.addr().to_string()
    }

    /// The git server; `bank` is its repository.
    pub fn git_server(&self) -> &GitServer {
        &self.neighbours.git
    }

    /// The registry.
    pub fn registry(&self) -> &Registry {
        &self.neighbours.registry
    }

    /// Somebody to send requests to.
    pub fn ear(&self) -> &Ear {
        &self.neighbours.ear
    }

    /// A text of documents with the addresses at hand in place of the demo's.
    pub fn here(&self, text: &str) -> String {
        bank::here(text, &self.git_address(), &self.registry_address(), &self.neighbours.ear.address(), self.options.soak)
    }

    /// A client with this identity; it outlives crashes, and says `down` while the control plane is.
    pub fn client(&self, user: &str) -> Client {
        let groups: &[&str] = if user == "admin" { &["system:masters"] } else { &[] };
        let identity = Identity::new(user, groups).unwrap_or_else(|| Identity::controller("nobody"));
        self.ground.gate.client(&identity)
    }

    /// What a person asks for in the bank, as `admin`.
    pub fn verbs(&self) -> Verbs {
        self.verbs_in(PROJECT)
    }

    /// The same in another project.
    pub fn verbs_in(&self, project: &str) -> Verbs {
        Verbs::new(self.client("admin"), project)
    }

    /// Applies documents as `seaway apply` does: all are validated before the first is written.
    ///
    /// # Errors
    /// The first fault, with file and line.
    pub async fn apply(&self, name: &str, text: &str) -> Result<Vec<Applied>> {
        let mut documents = Document::read(name, &self.here(text)).map_err(|fault| anyhow!("{fault}"))?;
        if let Some(fault) = documents.iter().flat_map(Document::faults).next() {
            bail!("{fault}");
        }
        order(&mut documents);
        apply(&self.client("admin"), &documents, Some(PROJECT), false).await.with_context(|| format!("apply {name}"))
    }

    /// Pushes an image, and tells the bank's warehouse, as a webhook would; answers its digest.
    ///
    /// # Errors
    /// Whatever the registry or the control plane said.
    pub async fn push(&self, image: &str, bad: bool) -> Result<String> {
        let digest = self.push_quietly(image, bad).await?;
        self.refresh(WAREHOUSE).await?;
        Ok(digest)
    }

    /// Pushes an image and tells nobody.
    ///
    /// # Errors
    /// Whatever the registry said.
    pub async fn push_quietly(&self, image: &str, bad: bool) -> Result<String> {
        neighbours::push(&self.registry_address(), image, bad, Vec::new()).await
    }

    /// The same for an index of images for `linux/amd64` and `linux/arm64`.
    ///
    /// # Errors
    /// Whatever the registry said.
    pub async fn push_index(&self, image: &str) -> Result<String> {
        let platforms = ["linux/amd64", "linux/arm64"].map(Platform::parse).into_iter().collect::<Result<Vec<_>, _>>()?;
        let parts = platforms.into_iter().map(|it| TinyPart { platform: Some(it), ..TinyPart::default() });
        neighbours::push(&self.registry_address(), image, false, parts.collect()).await
    }

    /// Asks a warehouse of the bank to look now; [`World::settle`] waits until it has.
    ///
    /// # Errors
    /// Whatever the control plane said.
    pub async fn refresh(&self, warehouse: &str) -> Result<()> {
        let now = jiff::Timestamp::now();
        self.verbs().refresh(Refreshable::Warehouse, warehouse, now, None).await.context("refresh the warehouse")
    }

    /// Pushes both images of a version of fund-transfer (account-info is 2.3.0) and settles.
    ///
    /// # Errors
    /// As [`World::push`] and [`World::settle`].
    pub async fn flows(&self, version: &str) -> Result<()> {
        self.push_quietly("account-info:2.3.0", false).await?;
        self.push(&format!("fund-transfer:{version}"), false).await?;
        self.settle().await
    }

    /// Waits until `holds`; `what` goes into the error. An error of `holds` is looked past: the control plane may be down for a moment.
    ///
    /// # Errors
    /// After [`PATIENCE`], saying what did not come, and how things stand.
    pub async fn until<F: Future<Output = Result<bool>>>(&self, what: &str, holds: impl Fn() -> F) -> Result<()> {
        self.until_every(LOOK, what, holds).await
    }

    /// The same, looking this often: many that wait at once must not keep the machine busy with looking.
    pub(crate) async fn until_every<F: Future<Output = Result<bool>>>(
        &self,
        look: Duration,
        what: &str,
        holds: impl Fn() -> F,
    ) -> Result<()> {
        let mut last = None;
        let waited = tokio::time::timeout(PATIENCE, async {
            let mut ticks = tokio::time::interval(look);
            loop {
                ticks.tick().await;
                match holds().await {
                    Ok(true) => return,
                    Ok(false) => {}
                    Err(err) => last = Some(err),
                }
            }
        });
        if waited.await.is_ok() {
            return Ok(());
        }
        let err = last.map(|err| format!(" (last error: {err:#})")).unwrap_or_default();
        bail!("waited {} s until {what}{err}\n{}", PATIENCE.as_secs(), self.stand().await)
    }

    /// Waits until nothing moves any more: refreshes are handled, no promotion is under way that could go on, and no controller has work.
    ///
    /// # Errors
    /// As [`World::until`].
    pub async fn settle(&self) -> Result<()> {
        self.settle_in(&[PROJECT]).await
    }

    /// The same for these projects.
    ///
    /// # Errors
    /// As [`World::until`].
    pub async fn settle_in(&self, projects: &[&str]) -> Result<()> {
        let looked = Mutex::new(None::<(usize, Instant)>);
        self.until("nothing moves", || async {
            let n_written = self.n_written();
            if looked.lock().is_some_and(|(n, at)| n == n_written && at.elapsed() < LOOK_AGAIN) || !self.is_idle().await {
                return Ok(false);
            }
            *looked.lock() = Some((n_written, Instant::now()));
            for project in projects {
                if !self.is_still(project).await? {
                    return Ok(false);
                }
            }
            Ok(true)
        })
        .await
    }

    async fn is_still(&self, project: &str) -> Result<bool> {
        let n_written = self.n_written();
        let read = self.read(project).await?;
        let moves = read.warehouses.iter().any(looks)
            || read.promotions.iter().any(|promotion| !is_over(promotion) && !read.runs.iter().any(|run| stands(run, promotion)))
            || read.stages.iter().any(|stage| stage.status.is_none() || read.moves(stage, SOON));
        // What was read is one picture only if nothing was written meanwhile.
        Ok(!moves && self.is_idle().await && self.n_written() == n_written)
    }

    async fn is_idle(&self) -> bool {
        self.plane.lock().await.as_ref().is_some_and(Plane::is_idle)
    }

    /// A stage of the bank.
    ///
    /// # Errors
    /// If there is none, or the control plane is down.
    pub async fn stage(&self, name: &str) -> Result<Stage> {
        Ok(self.verbs().stage(name).await?)
    }

    /// The promotions of the bank, oldest first.
    ///
    /// # Errors
    /// If the control plane is down.
    pub async fn promotions(&self) -> Result<Vec<Promotion>> {
        let mut promotions: Vec<Promotion> = list(&self.verbs()).await?;
        promotions.sort_by_key(|promotion| promotion.name_any().split_once('.').map(|(_, id)| id.to_owned()));
        Ok(promotions)
    }

    /// The run of a promotion of the bank.
    ///
    /// # Errors
    /// If there is none, or the control plane is down.
    pub async fn run(&self, promotion: &str) -> Result<PromotionRun> {
        self.verbs().api::<PromotionRun>().get(promotion).await.with_context(|| format!("read the run of `{promotion}`"))
    }

    /// The bank's freight that a version, an alias or a name means.
    ///
    /// # Errors
    /// If there is none or several.
    pub async fn freight(&self, query: &str) -> Result<Freight> {
        Ok(self.verbs().freight(query).await?)
    }

    /// Runs git in `bank.git`; answers what it printed, trimmed.
    ///
    /// # Errors
    /// What git said.
    pub async fn git(&self, args: &[&str]) -> Result<String> {
        self.neighbours.git.git("bank", args).await.with_context(|| format!("git {}", args.join(" ")))
    }

    /// The version of fund-transfer that git has in a stage's overlay.
    ///
    /// # Errors
    /// If git does not answer.
    pub async fn in_git(&self, stage: &str) -> Result<Option<String>> {
        let text = self.git(&["show", &format!("main:overlays/{stage}/kustomization.yaml")]).await?;
        Ok(tag_of(&text, "fund-transfer"))
    }

    /// The version of fund-transfer in a stage's good freight.
    ///
    /// # Errors
    /// If the control plane does not answer.
    pub async fn good(&self, stage: &str) -> Result<Option<String>> {
        let stage = self.stage(stage).await?;
        let current = stage.status.as_ref().and_then(|status| status.freight_history.first());
        let freight = current.and_then(|collection| collection.items.get(ORIGIN));
        let image = freight.and_then(|freight| freight.images.iter().find(|image| image.repo_url.ends_with("/fund-transfer")));
        Ok(image.map(|image| image.tag.clone()))
    }

    /// Waits until git and the control plane agree that a stage has this version.
    ///
    /// # Errors
    /// As [`World::until`].
    pub async fn has(&self, stage: &str, version: &str) -> Result<()> {
        self.until(&format!("{stage} has fund-transfer {version}"), || async {
            Ok(self.in_git(stage).await?.as_deref() == Some(version) && self.good(stage).await?.as_deref() == Some(version))
        })
        .await
    }

    /// Why a stage of the bank does not move, or does.
    ///
    /// # Errors
    /// If there is no such stage, or the control plane is down.
    pub async fn why(&self, stage: &str) -> Result<Answer> {
        let (read, stage) = (self.read(PROJECT).await?, self.stage(stage).await?);
        Ok(read.ask(|project| why::stage(project, &stage)))
    }

    /// Why a promotion of the bank does not move, or does.
    ///
    /// # Errors
    /// If there is no such promotion, or the control plane is down.
    pub async fn why_promotion(&self, promotion: &str) -> Result<Answer> {
        let (read, promotion) = (self.read(PROJECT).await?, self.verbs().promotion(promotion).await?);
        Ok(read.ask(|project| why::promotion(project, &promotion)))
    }

    /// Why a warehouse of the bank does not move, or does.
    ///
    /// # Errors
    /// If there is no such warehouse, or the control plane is down.
    pub async fn why_warehouse(&self, warehouse: &str) -> Result<Answer> {
        let read = self.read(PROJECT).await?;
        let found = read.warehouses.iter().find(|it| it.name_any() == warehouse);
        let found = found.with_context(|| format!("no warehouse `{warehouse}`"))?;
        Ok(read.ask(|project| why::warehouse(project, found)))
    }

    /// Everything in a project that does not move, as `seaway why` says it.
    ///
    /// # Errors
    /// If the control plane is down.
    pub async fn stuck(&self, project: &str) -> Result<Vec<Answer>> {
        Ok(self.read(project).await?.ask(why::stuck))
    }

    pub(crate) async fn read(&self, project: &str) -> Result<Read> {
        Read::all(&self.verbs_in(project), self.options.clock.now()).await
    }

    /// How everything stands, in a few lines: for what a test says when it fails.
    pub async fn stand(&self) -> String {
        let mut lines = Vec::new();
        let read = match self.read(PROJECT).await {
            Ok(read) => read,
            Err(err) => return format!("  {err:#}"),
        };
        let answers = read.ask(|project| {
            let warehouses = project.warehouses.iter().map(|it| why::warehouse(project, it));
            let stages = project.stages.iter().map(|it| why::stage(project, it));
            let open = project.promotions.iter().filter(|it| !is_over(it)).map(|it| why::promotion(project, it));
            warehouses.chain(stages).chain(open).collect::<Vec<_>>()
        });
        lines.extend(answers.iter().map(|answer| format!("  {}", answer.first_line(read.now))));
        for promotion in &read.promotions {
            let status = promotion.status.clone().unwrap_or_default();
            lines.push(format!("  {} {} {}", promotion.name_any(), status.phase, status.message));
        }
        lines.join("\n")
    }

    /// Copies the database to a file that is not there yet, as `seaway backup` does.
    ///
    /// # Errors
    /// If the control plane is down, or the file cannot be written.
    pub async fn backup(&self, path: &Path) -> Result<()> {
        self.plane.lock().await.as_ref().context("the control plane is down")?.backup(path).await
    }

    /// Kills the control plane: nothing is finished, nobody is told.
    pub async fn crash(&self) {
        if let Some(plane) = self.plane.lock().await.take() {
            plane.crash().await;
        }
    }

    /// Stops the control plane in order, as SIGTERM does.
    pub async fn stop(&self) {
        if let Some(plane) = self.plane.lock().await.take() {
            plane.stop().await;
        }
    }

    /// Starts the control plane on the same folder; what runs already is killed first.
    ///
    /// # Errors
    /// If it does not start.
    pub async fn restart(&self) -> Result<()> {
        self.crash().await;
        let n = {
            let mut n = self.n_lives.lock();
            *n += 1;
            *n
        };
        let plane = Plane::start(&self.ground, &self.options, n).await?;
        *self.plane.lock().await = Some(plane);
        Ok(())
    }

    /// Did the control plane die by [`Options::death`]?
    pub async fn is_dead(&self) -> bool {
        self.plane.lock().await.as_ref().is_none_or(|plane| plane.life.is_over())
    }

    /// Returns once the control plane has died by [`Options::death`]; at once if none runs.
    pub async fn dies(&self) {
        let life = self.plane.lock().await.as_ref().map(|plane| Arc::clone(&plane.life));
        if let Some(life) = life {
            life.over().await;
        }
    }

    /// Is the control plane up?
    pub fn is_up(&self) -> bool {
        self.ground.gate.is_open()
    }

    /// Every commit of the store so far that changed something, over all lives.
    pub fn written(&self) -> Vec<Written> {
        self.ground.ledger.lock().clone()
    }

    /// How many they are.
    pub fn n_written(&self) -> usize {
        self.ground.ledger.lock().len()
    }
}

/// Has it still to look, for the first time or because somebody asked?
fn looks(warehouse: &Warehouse) -> bool {
    let asked = warehouse.annotations().get(annotation::REFRESH).map(String::as_str).unwrap_or_default();
    warehouse.status.as_ref().is_none_or(|status| status.last_handled_refresh != asked)
}

/// Is it the promotion's run, and will it not move by itself?
fn stands(run: &PromotionRun, promotion: &Promotion) -> bool {
    let phase = run.status.as_ref().map(|status| status.phase.as_str()).unwrap_or_default();
    run.name_any() == promotion.name_any() && matches!(phase, "Uncertain" | "Blocked")
}

fn is_over(promotion: &Promotion) -> bool {
    let phase = promotion.status.as_ref().map(|status| status.phase.to_string()).unwrap_or_default();
    matches!(phase.as_str(), "Succeeded" | "Failed" | "Errored" | "Aborted")
}
