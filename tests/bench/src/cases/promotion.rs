//! From a promotion's creation to `Succeeded`, against a script of git doing the same against the same server.

use crate::baseline::{Clone, Edit, Script};
use crate::news::News;
use crate::report::{Goal, Report, Sample, Unit};
use crate::repository::{Size, stage};
use crate::world::{Way, World, succeeded, tag};
use anyhow::{Context as _, Result};
use std::time::{Duration, Instant};

/// How a repository's size is measured, and what is wanted there.
pub(super) struct Plan {
    size: Size,
    n_ours: usize,
    n_full: usize,
    n_cheapest: usize,
    least_full: f64,
    least_cheapest: f64,
}

pub(super) const SMALL: Plan =
    Plan { size: super::SMALL, n_ours: 15, n_full: 9, n_cheapest: 9, least_full: 4.0, least_cheapest: 3.0 };
pub(super) const LARGE: Plan =
    Plan { size: super::LARGE, n_ours: 15, n_full: 3, n_cheapest: 7, least_full: 30.0, least_cheapest: 5.0 };

/// Both ways of editing.
pub(super) async fn run(report: &mut Report, plan: &Plan) -> Result<()> {
    let world = World::start().await?;
    let image = world.image("app");
    world.push(&image, "1.0.0").await?;
    // The scripts write to a copy: as with ours, nobody else commits between two of theirs.
    for name in ["app", "scripts"] {
        world.repository(name, &image, plan.size).await?;
    }
    world.warehouse("app", &image, "24h", false).await?;
    let (values, rendered) = (stage(0), stage(1));
    world.stage(&values, "app", &image, "app", Way::YamlUpdate).await?;
    world.stage(&rendered, "app", &image, "app", Way::Kustomize).await?;
    let news = world.promotions().await?;
    let mut round = Round { world: &world, news: &news, image, n_freight: 1 };
    // The first promotion fetches the repository for the first time: told, not compared.
    let first = round.promote(&values).await?;
    report.note(&format!(
        "{} files, {} commits; the first promotion, which fills the mirror: {:.0} ms",
        plan.size.n_files,
        plan.size.n_commits,
        first.as_secs_f64() * 1e3
    ));
    round.promote(&rendered).await?;
    round.measure(report, plan, "yaml-update", &values, Edit::Values).await?;
    round.measure(report, plan, "kustomize-build", &rendered, Edit::Kustomize).await?;
    round.after_others(report, plan, &values).await?;
    world.plane.stop().await
}

struct Round<'a> {
    world: &'a World,
    news: &'a News,
    image: String,
    n_freight: usize,
}

impl Round<'_> {
    /// One promotion of new freight.
    async fn promote(&mut self, stage: &str) -> Result<Duration> {
        let freight = self.world.freight("app", &self.image, self.n_freight).await?;
        self.n_freight += 1;
        self.world.quiet().await?;
        let begun = Instant::now();
        let name = self.world.promote(stage, &freight).await?;
        Ok(succeeded(self.news, &name).await?.duration_since(begun))
    }

    /// Ours and the baselines in turn, so that all see the same machine.
    async fn measure(&mut self, report: &mut Report, plan: &Plan, name: &str, target: &str, edit: Edit) -> Result<()> {
        let url = self.world.url("scripts");
        let other = stage(2);
        let image = self.image.clone();
        let script = |clone| Script { clone, edit, url: &url, image: &image, stage: &other };
        let samples = || Sample::new(Unit::Seconds);
        let (mut ours, mut full, mut cheapest) = (samples(), samples(), samples());
        for turn in 0..plan.n_ours {
            ours.add_time(self.promote(target).await?);
            let scratch = self.world.folder.path();
            if turn < plan.n_full {
                full.add_time(script(Clone::Full).run(scratch, &tag(10_000 + self.n_freight)).await?);
            }
            if turn < plan.n_cheapest {
                cheapest.add_time(script(Clone::Cheapest).run(scratch, &tag(20_000 + self.n_freight)).await?);
            }
        }
        let n_files = plan.size.n_files;
        report.against(&format!("promotion, {name}, {n_files} files / git clone"), &ours, &full, Goal::Faster(plan.least_full));
        report.against(
            &format!("promotion, {name}, {n_files} files / shallow, sparse"),
            &ours,
            &cheapest,
            Goal::Faster(plan.least_cheapest),
        );
        Ok(())
    }

    /// Ours where somebody else commits before each: their commit must be fetched first.
    async fn after_others(&mut self, report: &mut Report, plan: &Plan, target: &str) -> Result<()> {
        let mut ours = Sample::new(Unit::Seconds);
        for number in 0..plan.n_cheapest {
            let note = format!("note {number}\n");
            let files: [(&str, Option<&[u8]>); 1] = [("NOTES.md", Some(note.as_bytes()))];
            self.world.git.commit("app", "main", "somebody else", &files).await.context("commit")?;
            ours.add_time(self.promote(target).await?);
        }
        report.alone(&format!("promotion, yaml-update, {} files, after others' commit", plan.size.n_files), &ours, Goal::None);
        Ok(())
    }
}
