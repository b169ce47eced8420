//! Courses that are stopped at a moment, come back, and are compared in the end; the first is a pipeline with every kind of effect.

mod house;

pub(crate) use house::House;

use anyhow::{Context as _, Result, bail, ensure};
use kube::ResourceExt as _;
use parking_lot::Mutex;
use seaway_neighbours::GitEvent;
use seaway_runs::{Point, Side};
use seaway_scenarios::{Death, Moment, Options, StoreSide, World};
use seaway_verbs::Resolution;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tempfile::TempDir;

/// Something that can be stopped at any moment and begun again.
pub(crate) trait Course: Sized + Send + Sync + 'static {
    /// So many of them at one time.
    const N_LANES: usize;

    /// At rest, and not yet counted.
    fn set_up(sweep: Sweep) -> impl Future<Output = Result<Self>> + Send;
    /// The neighbours outside of folders as they were then: what they heard and counted is forgotten.
    fn begin(&self);
    /// All of it, once; returns when nothing moves any more, or when it has died.
    fn flow(&self) -> impl Future<Output = Result<()>> + Send;
    /// After its death: the next life, and what was not acknowledged asked for again.
    fn come_back(&self) -> impl Future<Output = Result<()>> + Send;
    /// Decides what only a person can decide; answers whether there was something.
    fn resolve(&self) -> impl Future<Output = Result<bool>> + Send;
    /// Everything that is left, but ids and times.
    fn end_state(&self) -> impl Future<Output = Result<String>> + Send;
    /// Returns when nothing moves any more.
    fn settle(&self) -> impl Future<Output = Result<()>> + Send;
    /// What it flows in.
    fn world(&self) -> &World;
    /// What counts its moments.
    fn sweep(&self) -> &Sweep;
    /// The moments that were met, each with a word on what it is.
    fn met(&self) -> Vec<String>;
}

/// The folders that go back to rest: the control plane's and the git server's.
const GO_BACK: [&str; 3] = ["data", "git", "registry"];

/// A course that is set up once, and gone back to for each moment.
pub(crate) struct Lane<C> {
    pub(crate) course: C,
    rest: TempDir,
}

impl<C: Course> Lane<C> {
    pub(crate) async fn open() -> Result<Self> {
        let (course, rest) = (C::set_up(Sweep::default()).await?, TempDir::new().context("make a temporary folder")?);
        course.world().stop().await;
        for name in GO_BACK {
            copy(&course.world().folder().join(name), &rest.path().join(name)).context("keep what is at rest")?;
        }
        Ok(Self { course, rest })
    }

    /// A new life at rest, which dies at this moment of its flow, or at none.
    pub(crate) async fn begin(&self, at: Option<usize>) -> Result<()> {
        let world = self.course.world();
        world.crash().await;
        for name in GO_BACK {
            let there = world.folder().join(name);
            std::fs::remove_dir_all(&there).with_context(|| format!("clear `{}`", there.display()))?;
            copy(&self.rest.path().join(name), &there).context("go back to rest")?;
        }
        self.course.begin();
        self.course.sweep().aim(at);
        world.restart().await?;
        self.course.settle().await
    }
}

fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let to = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &to)?;
        } else {
            std::fs::copy(entry.path(), to)?;
        }
    }
    Ok(())
}

const PIPELINE: &str = include_str!("pipeline.yaml");
const FREIGHT: &str = include_str!("freight.yaml");

/// Counts moments once armed, and stops at one of them.
#[derive(Default)]
pub(crate) struct Sweep(Mutex<Aim>);

#[derive(Default)]
struct Aim {
    armed: bool,
    seen: Vec<String>,
    /// Stops at the moment with this number, from 0.
    at: Option<usize>,
    /// Stops at the first moment with this label.
    label: Option<String>,
}

impl Sweep {
    pub(crate) fn at_first(label: &str) -> Self {
        Self(Mutex::new(Aim { label: Some(label.to_owned()), ..Aim::default() }))
    }

    /// Begins anew.
    fn aim(&self, at: Option<usize>) {
        *self.0.lock() = Aim { at, ..Aim::default() };
    }

    /// Counts from now on.
    fn arm(&self) {
        self.0.lock().armed = true;
    }

    fn death(self: &Arc<Self>) -> Death {
        let sweep = Arc::clone(self);
        Arc::new(move |moment| sweep.0.lock().dies(label(moment)))
    }

    fn seen(&self) -> Vec<String> {
        self.0.lock().seen.clone()
    }
}

impl Aim {
    fn dies(&mut self, label: String) -> bool {
        if !self.armed {
            return false;
        }
        let is_first = self.label.as_ref() == Some(&label) && !self.seen.contains(&label);
        self.seen.push(label);
        is_first || self.at.is_some_and(|at| self.seen.len() == at + 1)
    }
}

fn label(moment: &Moment) -> String {
    let side = |side: &Side| if *side == Side::Before { "before" } else { "after" };
    match moment {
        Moment::Store(StoreSide::Before) => "before commit".to_owned(),
        Moment::Store(StoreSide::After) => "after commit".to_owned(),
        Moment::Run(Point::Save { side: at, .. }) => format!("{} save", side(at)),
        Moment::Run(Point::Effect { step, side: at }) => format!("{} effect {step}", side(at)),
        Moment::Run(Point::Pin { step, side: at }) => format!("{} pin {step}", side(at)),
        Moment::Run(Point::Push { step, round, side: at }) => format!("{} push {step} {round}", side(at)),
        Moment::Run(Point::Local { step }) => format!("after local {step}"),
    }
}

/// A world with the pipeline, at rest, and the count of the pushes that moved a ref.
pub(crate) struct Bench {
    world: World,
    sweep: Arc<Sweep>,
    n_pushed: Arc<AtomicUsize>,
}

impl Course for Bench {
    const N_LANES: usize = 4;

    async fn set_up(sweep: Sweep) -> Result<Self> {
        let sweep = Arc::new(sweep);
        let options = Options { death: Some(sweep.death()), n_threads: 1, ..Options::default().without_bank() };
        let world = World::start(options).await?;
        world.push_quietly("fund-transfer:1.5.0", false).await?;
        world.git(&["config", "core.logAllRefUpdates", "always"]).await?;
        world.apply("pipeline.yaml", PIPELINE).await?;
        world.settle().await?;
        let n_pushed = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&n_pushed);
        world.git_server().on_event(Arc::new(move |event| {
            if let GitEvent::ReceiveEnded { changes, .. } = event
                && !changes.is_empty()
            {
                counter.fetch_add(1, Ordering::SeqCst);
            }
        }));
        let bench = Self { world, sweep, n_pushed };
        bench.begin();
        Ok(bench)
    }

    fn begin(&self) {
        self.world.ear().forget();
        self.world.ear().answer_in_turn("/ready", &[(200, r#"{"ready": false}"#), (200, r#"{"ready": true}"#)]);
        self.n_pushed.store(0, Ordering::SeqCst);
    }

    /// Makes the freight that flows through the stages.
    async fn flow(&self) -> Result<()> {
        self.sweep.arm();
        tokio::select! {
            () = self.world.dies() => Ok(()),
            flowed = async {
                self.world.apply("freight.yaml", FREIGHT).await?;
                self.world.settle().await
            } => if self.world.is_dead().await { Ok(()) } else { flowed },
        }
    }

    /// Freight whose making was not acknowledged is made again, as a person would.
    async fn come_back(&self) -> Result<()> {
        self.world.crash().await;
        self.world.restart().await?;
        self.world.apply("freight.yaml", FREIGHT).await?;
        self.world.settle().await
    }

    /// Where an effect is uncertain: what was sent was sent once, and a person who can look decides. Answers whether one was.
    async fn resolve(&self) -> Result<bool> {
        let mut uncertain = false;
        for promotion in self.world.promotions().await? {
            let name = promotion.name_any();
            let Ok(run) = self.world.run(&name).await else { continue };
            if run.status.as_ref().is_none_or(|status| status.phase != "Uncertain") {
                continue;
            }
            let n_sent = self.n_sent();
            ensure!(n_sent <= 1, "the POST was sent {n_sent} times while it is uncertain");
            let phase = promotion.status.map(|status| status.phase.to_string()).unwrap_or_default();
            ensure!(phase == "Running", "an uncertain promotion is {phase} for Kargo's clients, and should be Running");
            let how = if n_sent == 1 { Resolution::Skip } else { Resolution::Repeat };
            self.world.verbs().resolve(&name, how).await?;
            self.world
                .until("the effect is no longer uncertain", || async {
                    Ok(self.world.run(&name).await?.status.is_some_and(|status| status.phase != "Uncertain"))
                })
                .await?;
            self.world.settle().await?;
            uncertain = true;
        }
        Ok(uncertain)
    }

    async fn end_state(&self) -> Result<String> {
        let world = &self.world;
        let mut lines = Vec::new();
        for stage in ["qa", "e2e"] {
            let status = world.stage(stage).await?.status.unwrap_or_default();
            let history: Vec<usize> = status.freight_history.iter().map(|collection| collection.items.len()).collect();
            let last = status.last_promotion.and_then(|it| it.status).map(|it| it.phase.to_string()).unwrap_or_default();
            let conditions: Vec<String> =
                status.conditions.iter().map(|it| format!("{}={} {}", it.type_, it.status, it.reason)).collect();
            lines.push(format!("{stage}: history {history:?}, last {last}, {}", conditions.join(", ")));
            lines.push(format!("  current {:?}", status.current_promotion.map(|it| it.name)));
        }
        for freight in world.verbs().all_freight().await? {
            let status = freight.status.unwrap_or_default();
            let stages = |names: Vec<&String>| format!("{names:?}");
            lines.push(format!(
                "freight in {} verified {}",
                stages(status.currently_in.keys().collect()),
                stages(status.verified_in.keys().collect())
            ));
        }
        for promotion in world.promotions().await? {
            let status = promotion.status.clone().unwrap_or_default();
            lines.push(format!("promotion to {}: {} {}", promotion.spec.stage, status.phase, status.message));
            for step in &status.step_execution_metadata {
                lines.push(format!("  {} {}", step.alias, step.status));
            }
            let run = world.run(&promotion.name_any()).await?.status.context("a run has a status")?;
            lines.push(format!("  run {} {}", run.phase, run.waits.len()));
        }
        lines.extend(world.git(&["ls-tree", "-r", "main"]).await?.lines().map(str::to_owned));
        lines.extend(world.git(&["log", "--reverse", "--format=%s", "main"]).await?.lines().map(str::to_owned));
        let ids = world.git(&["log", "--format=%(trailers:key=Promotion-Id,valueonly,separator=%x20)", "main"]).await?;
        let ids: Vec<&str> = ids.lines().filter(|line| !line.is_empty()).collect();
        let once: BTreeSet<&&str> = ids.iter().collect();
        if once.len() != ids.len() {
            bail!("a promotion has two commits: {ids:?}");
        }
        let reflog = world.git(&["reflog", "show", "--format=%gs", "main"]).await?;
        lines.push(format!(
            "{} promotions in git, {} pushes, ref log {}",
            ids.len(),
            self.n_pushed.load(Ordering::SeqCst),
            reflog.lines().count()
        ));
        // What may be repeated counts once; what may not counts each time.
        let heard: Vec<String> =
            world.ear().heard().into_iter().map(|it| format!("{} {} {}", it.method, it.path, it.body)).collect();
        let repeatable: BTreeSet<&String> = heard.iter().filter(|it| !it.starts_with("POST")).collect();
        lines.push(format!("heard {repeatable:?}, {} POST", self.n_sent()));
        Ok(as_resolved(&lines.join("\n")))
    }

    async fn settle(&self) -> Result<()> {
        self.world.settle().await
    }

    fn world(&self) -> &World {
        &self.world
    }

    fn sweep(&self) -> &Sweep {
        &self.sweep
    }

    fn met(&self) -> Vec<String> {
        self.sweep.seen()
    }
}

impl Bench {
    fn n_sent(&self) -> usize {
        self.world.ear().heard().iter().filter(|heard| heard.method == "POST").count()
    }
}

/// The state of a run in which an uncertain effect was skipped by a person: it counts as done.
fn as_resolved(state: &str) -> String {
    state.replace("  chat Skipped", "  chat Succeeded")
}
