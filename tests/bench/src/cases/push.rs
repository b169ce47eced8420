//! From a pushed image to its commit on the first stage's branch.

use crate::baseline::{Clone, Edit, Script};
use crate::report::{Goal, Report, Sample, Unit};
use crate::repository::stage;
use crate::world::{Way, World, tag};
use anyhow::{Context as _, Result};
use jiff::Timestamp;
use seaway_neighbours::GitEvent;
use seaway_verbs::Refreshable;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

/// The warehouse's interval where it is left to poll.
const INTERVAL: &str = "1s";
const N_PUSHES: usize = 9;
/// A push has its commit by then.
const PATIENCE: Duration = Duration::from_mins(1);

/// Polled, then with a refresh at each push.
pub(super) async fn run(report: &mut Report) -> Result<()> {
    let world = World::start().await?;
    let image = world.image("app");
    world.push(&image, &tag(1)).await?;
    world.repository("app", &image, super::SMALL).await?;
    let first = stage(0);
    world.automate(&first).await?;
    world.stage(&first, "app", &image, "app", Way::YamlUpdate).await?;
    let mut pushes = Pushes::listen(&world, image.clone());
    world.warehouse("app", &image, INTERVAL, true).await?;
    pushes.commit().await.context("the first freight")?;
    let polled = pushes.measure(false).await?;
    world.warehouse("app", &image, "24h", true).await?;
    let told = pushes.measure(true).await?;
    let mut baseline = Sample::new(Unit::Seconds);
    let (url, other) = (world.url("app"), stage(1));
    for number in 0..N_PUSHES {
        let script = Script { clone: Clone::Cheapest, edit: Edit::Values, url: &url, image: &image, stage: &other };
        baseline.add_time(script.run(world.folder.path(), &tag(number)).await?);
    }
    report.against(&format!("image pushed → commit, polled every {INTERVAL} / script"), &polled, &baseline, Goal::None);
    report.against("image pushed → commit, refresh at the push / script", &told, &baseline, Goal::None);
    world.plane.stop().await
}

struct Pushes<'a> {
    world: &'a World,
    image: String,
    commits: mpsc::UnboundedReceiver<Instant>,
    n_pushed: usize,
}

impl<'a> Pushes<'a> {
    fn listen(world: &'a World, image: String) -> Self {
        let (sender, commits) = mpsc::unbounded_channel();
        world.git.on_event(Arc::new(move |event| {
            if let GitEvent::ReceiveEnded { changes, .. } = event
                && changes.iter().any(|change| change.name == "refs/heads/main")
            {
                // Nobody listens any more once the benchmark is over.
                let _ = sender.send(Instant::now());
            }
        }));
        Self { world, image, commits, n_pushed: 1 }
    }

    /// The next commit on the branch.
    async fn commit(&mut self) -> Result<Instant> {
        let commit = tokio::time::timeout(PATIENCE, self.commits.recv()).await.context("no commit")?;
        commit.context("the git server has gone")
    }

    async fn measure(&mut self, refresh: bool) -> Result<Sample> {
        let mut sample = Sample::new(Unit::Seconds);
        for _ in 0..N_PUSHES {
            self.world.quiet().await?;
            self.n_pushed += 1;
            let pushed = self.world.push(&self.image, &tag(self.n_pushed)).await?;
            if refresh {
                self.world.verbs().refresh(Refreshable::Warehouse, "app", Timestamp::now(), None).await?;
            }
            sample.add_time(self.commit().await?.duration_since(pushed));
        }
        Ok(sample)
    }
}
