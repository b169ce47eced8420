//! Kargo's own answers (`tests/vectors`, or any folder of the same form) against ours, a line a file.
//!
//! The files hold two of every three cases; the others are kept back. So whatever differs on purpose is a rule over the case and
//! our result, never the name of a row.

mod decisions;
mod discovery;
mod entries;
mod git;
mod http_server;
mod remotes;
mod same;
mod steps;

use anyhow::{Context as _, Result, bail};
use seaway_core::vectors::Outcome;
use serde_json::Value;
use std::path::Path;

/// How one case came out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// As Kargo does.
    Met,
    /// Otherwise, on purpose: the row of `docs/differences.md` that says so.
    Differs(&'static str),
    /// It needs a part that is not built.
    NotBuilt(String),
    /// Otherwise, and it should not be.
    Failed(String),
}

/// The sum of a file.
#[derive(Debug, Default)]
pub struct Tally {
    /// Cases.
    pub n_total: usize,
    /// Cases that came out as Kargo's.
    pub n_met: usize,
    /// Cases that differ on purpose.
    pub n_differ: usize,
    /// Cases that need a part that is not built.
    pub n_not_built: usize,
    /// Name and reason of each case that failed.
    pub failed: Vec<(String, String)>,
    /// Name and row of each case that differs on purpose.
    pub differing: Vec<(String, String)>,
}

impl Tally {
    fn add(&mut self, case: &Value, verdict: Verdict) {
        let name = ["name", "id"].iter().find_map(|key| case[*key].as_str()).unwrap_or("?").to_owned();
        self.n_total += 1;
        match verdict {
            Verdict::Met => self.n_met += 1,
            Verdict::Differs(row) => {
                self.n_differ += 1;
                self.differing.push((name, row.to_owned()));
            }
            Verdict::NotBuilt(what) => {
                self.n_not_built += 1;
                self.differing.push((name, format!("not built: {what}")));
            }
            Verdict::Failed(why) => self.failed.push((name, why)),
        }
    }

    /// `met/total (n differ by decision)`.
    pub fn line(&self) -> String {
        let not_built =
            if self.n_not_built == 0 { String::new() } else { format!(", {} need parts not built", self.n_not_built) };
        format!("{}/{} ({} differ by decision{not_built})", self.n_met, self.n_total, self.n_differ)
    }
}

/// Runs every file of a folder and prints what came of it.
///
/// # Errors
/// If a case is not met, or a file cannot be read.
pub async fn run(dir: &Path, only: Option<&str>, verbose: bool) -> Result<()> {
    let mut n_failed = 0;
    let (mut n_cases, mut n_met, mut n_differ) = (0, 0, 0);
    for file in files(dir)?.iter().filter(|file| only.is_none_or(|only| file.contains(only))) {
        let Some(tally) = check_file(dir, file).await? else {
            println!("{file} not built");
            continue;
        };
        println!("{file} {}", tally.line());
        for (name, why) in &tally.failed {
            println!("  FAILED {name}: {why}");
        }
        if verbose {
            for (name, row) in &tally.differing {
                println!("  differs {name}: {row}");
            }
        }
        n_failed += tally.failed.len();
        n_cases += tally.n_total;
        n_met += tally.n_met;
        n_differ += tally.n_differ;
    }
    println!("vectors: {n_met}/{n_cases} as Kargo does, {n_differ} differ by decision, {n_failed} failed");
    if n_failed > 0 {
        bail!("{n_failed} cases are not met");
    }
    Ok(())
}

/// The files of cases, the steps' last.
fn files(dir: &Path) -> Result<Vec<String>> {
    let mut files = Vec::new();
    for (folder, prefix) in [(dir.to_owned(), ""), (dir.join("steps"), "steps/")] {
        if !folder.is_dir() {
            continue;
        }
        let mut names = Vec::new();
        for entry in std::fs::read_dir(&folder).with_context(|| format!("list {}", folder.display()))? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            if name.ends_with(".jsonl") && name != discovery::REPOSITORIES {
                names.push(format!("{prefix}{name}"));
            }
        }
        names.sort();
        files.append(&mut names);
    }
    if files.is_empty() {
        bail!("{}: no files of cases (*.jsonl)", dir.display());
    }
    Ok(files)
}

/// The cases of a file.
pub(crate) fn cases(dir: &Path, file: &str) -> Result<Vec<Value>> {
    let path = dir.join(file);
    let text = std::fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
    let read = |(n, line): (usize, &str)| serde_json::from_str(line).with_context(|| format!("{}:{}", path.display(), n + 1));
    text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()).map(read).collect()
}

/// Checks a file; `None` if it is about a step that is not built.
async fn check_file(dir: &Path, file: &str) -> Result<Option<Tally>> {
    let mut tally = Tally::default();
    let cases = cases(dir, file)?;
    if let Some(step) = file.strip_prefix("steps/").and_then(|name| name.strip_suffix(".jsonl")) {
        if step != "git-commit-url" && seaway_steps::find(step).is_none() {
            return Ok(None);
        }
        for case in &cases {
            // A case that cannot even be set up is one that fails; the others still count.
            let verdict = steps::check(case).await.unwrap_or_else(|err| Verdict::Failed(format!("{err:#}")));
            tally.add(case, verdict);
        }
        return Ok(Some(tally));
    }
    let mut repositories = None;
    for case in &cases {
        let verdict = match pure(file, case) {
            Some(Outcome::Elsewhere) => {
                if repositories.is_none() {
                    repositories = Some(discovery::Repositories::open(dir).await?);
                }
                match &repositories {
                    Some(repositories) => repositories.check(case).await.into(),
                    None => bail!("no repositories"),
                }
            }
            Some(outcome) => outcome.into(),
            None => bail!("{file}: nobody knows what is in this file"),
        };
        tally.add(case, verdict);
    }
    Ok(Some(tally))
}

/// The rooms that check cases on their own.
fn pure(file: &str, case: &Value) -> Option<Outcome> {
    let result = |result: Result<(), String>| result.map_or_else(Outcome::Failed, |()| Outcome::Met);
    if file.starts_with("expressions") {
        return Some(result(seaway_expr::vectors::check_case(file, case)));
    }
    if file == "promotion-inflation.jsonl" {
        let outcome = result(seaway_core::admission::check_case(case));
        if outcome == Outcome::Met && case["group"] == "task-vars-shared" {
            // Compared by aliases alone: the variables are Kargo's defect.
            return Some(Outcome::ByDecision("Task variables shared between steps"));
        }
        return Some(outcome);
    }
    seaway_core::vectors::check_case(file, case)
}

impl From<Outcome> for Verdict {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Met => Self::Met,
            Outcome::ByDecision(row) => Self::Differs(row),
            Outcome::Failed(why) => Self::Failed(why),
            Outcome::Elsewhere => Self::Failed("nobody checks this case".to_owned()),
        }
    }
}
