//! Scenario scripts: pipelines played in the domain's own verbs, a line each, with a trace of what came of them.
//!
//! ```text
//! # A bad version stops in e2e; what was good before stays in staging.
//! apply   examples/bank
//! push    fund-transfer:1.5.1
//! settle
//! show    stages
//! ```
//!
//! What is refused is part of the trace. Names, ids, addresses and times differ from run to run and are masked.

use crate::options::Options;
use crate::show;
use crate::world::World;
use anyhow::{Context as _, Result, bail};
use jiff::Timestamp;
use kube::ResourceExt;
use seaway_api::kargo::{Promotion, Stage, Typed, Warehouse};
use seaway_verbs::{Refreshable, Resolution};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A plan must be there by then.
const PLANNED_WITHIN: Duration = Duration::from_secs(30);
/// Lines of a script, at most.
const N_LINES_MAX: usize = 200;

/// Plays a script; paths in it start at `root`. Answers the trace.
///
/// # Errors
/// A line that nobody understands, or a world that does not settle; with the line's number.
pub async fn play(text: &str, root: &Path) -> Result<String> {
    let mut stage =
        Play { world: World::start(Options::default().without_bank()).await?, root: root.to_owned(), digests: BTreeMap::new() };
    let mut trace = String::new();
    for (n, line) in text.lines().enumerate().take(N_LINES_MAX) {
        if line.trim().is_empty() || line.starts_with('#') {
            trace.push_str(&format!("{line}\n"));
            continue;
        }
        let words: Vec<&str> = line.split_whitespace().collect();
        trace.push_str(&format!("> {}\n", words.join(" ")));
        let said = stage.line(&words).await.with_context(|| format!("line {}: {line}", n + 1))?;
        let masks = stage.masks().await;
        for said in said.lines() {
            trace.push_str(format!("  {}", masks.of(said)).trim_end());
            trace.push('\n');
        }
    }
    Ok(trace)
}

struct Play {
    world: World,
    root: PathBuf,
    /// The digest of the last plan of a stage.
    digests: BTreeMap<String, String>,
}

impl Play {
    async fn line(&mut self, words: &[&str]) -> Result<String> {
        let verbs = self.world.verbs();
        let done = match *words {
            ["settle"] => return self.world.settle().await.map(|()| String::new()),
            ["crash"] => {
                self.world.crash().await;
                return self.world.restart().await.map(|()| String::new());
            }
            ["apply", path] => self.apply(path).await,
            ["push", image] => self.push(image, false).await,
            ["push", image, "--bad"] => self.push(image, true).await,
            ["refresh", warehouse] => self.world.refresh(warehouse).await.map(|()| String::new()),
            ["promote", stage, freight] => self.promote(stage, freight, None).await,
            ["promote", stage, freight, "--planned"] => {
                let digest = self.digests.get(stage).cloned().with_context(|| format!("no plan for `{stage}` yet"))?;
                self.promote(stage, freight, Some(&digest)).await
            }
            ["plan", stage, freight] => self.plan(stage, freight).await,
            ["approve", freight, stage] => {
                let freight = self.world.freight(freight).await?;
                verbs.approve(&freight, stage, Timestamp::now()).await.map(|_| String::new()).map_err(Into::into)
            }
            ["abort", stage] => {
                let promotion = self.last(stage).await?;
                verbs.abort(&promotion.name_any()).await.map(|()| String::new()).map_err(Into::into)
            }
            ["resolve", stage, how] => {
                let how = if how == "repeat" { Resolution::Repeat } else { Resolution::Skip };
                let promotion = self.last(stage).await?;
                verbs.resolve(&promotion.name_any(), how).await.map(|()| String::new()).map_err(Into::into)
            }
            ["resume", stage] => verbs.resume(stage, Timestamp::now()).await.map(|()| String::new()).map_err(Into::into),
            ["outsider", path, ref text @ ..] => {
                let content = format!("{}\n", text.join(" "));
                let files: [(&str, Option<&[u8]>); 1] = [(path, Some(content.as_bytes()))];
                self.world.git_server().commit("bank", "main", &format!("outsider: {path}"), &files).await?;
                return Ok(String::new());
            }
            ["show", what] => return show::show(&self.world, what).await,
            _ => bail!("nobody understands this line"),
        };
        Ok(done.unwrap_or_else(|err: anyhow::Error| format!("refused: {err:#}")))
    }

    async fn apply(&self, path: &str) -> Result<String> {
        let path_here = self.root.join(path);
        let mut files = vec![path_here.clone()];
        if path_here.is_dir() {
            let entries = std::fs::read_dir(&path_here).with_context(|| format!("read {path}"))?;
            files = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
            files.retain(|file| file.extension().is_some_and(|ending| ending == "yaml"));
            files.sort();
        }
        let mut whole = String::new();
        for file in files {
            let text = std::fs::read_to_string(&file).with_context(|| format!("read {}", file.display()))?;
            whole.push_str(&format!("{}\n---\n", text.trim_end()));
        }
        let applied = self.world.apply(path, &whole).await?;
        let lines: Vec<String> =
            applied.iter().map(|it| format!("{} {}", it.name.replace(".kargo.akuity.io", ""), it.change.as_str())).collect();
        Ok(lines.join("\n"))
    }

    /// Pushes, and tells every warehouse that subscribes and looks by itself, as a webhook would.
    async fn push(&self, image: &str, bad: bool) -> Result<String> {
        self.world.push_quietly(image, bad).await?;
        let service = image.split(':').next().unwrap_or_default();
        let verbs = self.world.verbs();
        let warehouses: Vec<Warehouse> = crate::question::list(&verbs).await?;
        for warehouse in warehouses {
            let subscribes = warehouse.spec.subscriptions.iter().any(|it| match it.typed() {
                Some(Typed::Image(body)) => body.repo_url.ends_with(&format!("/{service}")),
                _ => false,
            });
            if subscribes {
                verbs.refresh(Refreshable::Warehouse, &warehouse.name_any(), Timestamp::now(), None).await?;
            }
        }
        Ok(String::new())
    }

    async fn promote(&self, stage: &str, freight: &str, digest: Option<&str>) -> Result<String> {
        let freight = self.world.freight(freight).await?;
        self.world.verbs().promote(stage, &freight, digest).await?;
        Ok(String::new())
    }

    async fn plan(&mut self, stage: &str, freight: &str) -> Result<String> {
        let freight = self.world.freight(freight).await?;
        let plan = self.world.verbs().plan(stage, &freight, PLANNED_WITHIN).await?;
        let status = plan.status.context("a plan has a status")?;
        self.digests.insert(stage.to_owned(), status.digest.clone());
        let mut lines = vec![format!("changed: {}", status.changed.unwrap_or_default())];
        for file in &status.files {
            lines.push(file.path.clone());
            let changes = file
                .diff
                .lines()
                .filter(|line| line.starts_with(['+', '-']) && !line.starts_with("+++") && !line.starts_with("---"));
            lines.extend(changes.map(|line| format!("  {line}")));
        }
        lines.extend(status.effects.iter().map(|effect| format!("{}: {}", effect.alias, effect.description)));
        if let Some(start) = &status.can_start {
            lines.push(format!("can start: {} {}", start.allowed, start.reasons.join("; ")));
        }
        Ok(lines.join("\n"))
    }

    async fn last(&self, stage: &str) -> Result<Promotion> {
        let promotions = self.world.promotions().await?;
        promotions.into_iter().rfind(|it| it.spec.stage == stage).with_context(|| format!("`{stage}` has no promotion"))
    }

    async fn masks(&self) -> Masks {
        let mut known = vec![
            (self.world.git_address(), "GIT".to_owned()),
            (self.world.registry_address(), "REGISTRY".to_owned()),
            (self.world.ear().address(), "EAR".to_owned()),
        ];
        if let Ok(freight) = self.world.verbs().all_freight().await {
            for freight in freight {
                let called = format!("<{}>", show::called(&freight.images, &freight.commits));
                known.push((freight.name_any(), called.clone()));
                if !freight.alias.is_empty() {
                    known.push((freight.alias.clone(), called));
                }
            }
        }
        let mut counts = BTreeMap::<String, u32>::new();
        for promotion in self.world.promotions().await.unwrap_or_default() {
            let n = counts.entry(promotion.spec.stage.clone()).or_default();
            *n += 1;
            known.push((promotion.name_any(), format!("<{}.{n}>", promotion.spec.stage)));
        }
        let stages: Vec<Stage> = crate::question::list(&self.world.verbs()).await.unwrap_or_default();
        // A promotion's name holds its freight's: the longer goes first.
        known.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
        Masks { known, stages: stages.iter().map(ResourceExt::name_any).collect() }
    }
}

/// What differs from run to run, and what stands for it.
struct Masks {
    known: Vec<(String, String)>,
    stages: Vec<String>,
}

impl Masks {
    fn of(&self, line: &str) -> String {
        let mut line = line.to_owned();
        for (name, called) in &self.known {
            line = line.replace(name, called);
        }
        let unmade = |word: &str| {
            let stage = self.stages.iter().find(|stage| word.strip_prefix(stage.as_str()).is_some_and(is_generated));
            stage.map_or_else(|| hex_masked(word), |stage| format!("<{stage}.new>"))
        };
        line.split(' ').map(unmade).collect::<Vec<_>>().join(" ")
    }
}

/// What the control plane adds to a stage's name where a promotion was refused: `.zxxw9`.
fn is_generated(ending: &str) -> bool {
    let generated = |c: char| c.is_ascii_digit() || c.is_ascii_lowercase() || c == '.';
    ending.starts_with('.') && ending.len() > 5 && ending.chars().all(generated)
}

/// Commit ids and digests: long runs of hexadecimal digits become `<id>`.
fn hex_masked(word: &str) -> String {
    let mut out = String::new();
    let mut run = String::new();
    let flush = |run: &mut String, out: &mut String| {
        if run.len() >= 12 && run.chars().any(|c| c.is_ascii_digit()) {
            out.push_str("<id>")
        } else {
            out.push_str(run)
        }
        run.clear();
    };
    for c in word.chars() {
        if c.is_ascii_digit() || matches!(c, 'a'..='f') {
            run.push(c);
        } else {
            flush(&mut run, &mut out);
            out.push(c);
        }
    }
    flush(&mut run, &mut out);
    out
}

#[cfg(test)]
mod tests {
    use super::hex_masked;

    #[test]
    fn ids_are_masked_and_words_stay() {
        assert_eq!(hex_masked("(3f2a9c81d0b74e55)"), "(<id>)");
        assert_eq!(hex_masked("sha256:3f2a9c81d0b74e55,"), "sha256:<id>,");
        assert_eq!(hex_masked("facade"), "facade");
        assert_eq!(hex_masked("1.5.1"), "1.5.1");
    }
}
