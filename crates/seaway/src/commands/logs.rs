//! `seaway logs PROMOTION [-f]`: the journal of a run: steps, how long they took, what they said, what their tools said.

use crate::cli::Global;
use crate::exit::{Exit, Failure};
use crate::output;
use crate::session::{Access, Session, bare, made};
use futures::TryStreamExt as _;
use kube::ResourceExt as _;
use kube::api::{Api, ListParams};
use kube::runtime::{WatchStreamExt as _, watcher};
use seaway_api::conditions::{self, types};
use seaway_api::kargo::Promotion;
use seaway_api::seaway::{PromotionRun, Wait};
use seaway_core::Reason;
use seaway_core::why::plainly;
use seaway_runs::{RunState, StepState};
use seaway_verbs::{VerbError, Verbs};
use std::collections::HashMap;
use std::fmt::Write as _;

/// Prints what a promotion did, step by step
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples: seaway logs qa.01k… · seaway logs stage/qa -f (its newest promotion)")]
pub(crate) struct Args {
    /// The promotion, or stage/NAME for its newest
    promotion: String,
    /// Go on until it is over
    #[arg(short, long)]
    follow: bool,
}

/// What was printed already.
#[derive(Debug, Default)]
pub(crate) struct Told {
    steps: HashMap<String, String>,
    n_outputs: HashMap<String, usize>,
    end: String,
}

impl Args {
    pub(crate) async fn run(&self, global: &Global) -> Result<Exit, Failure> {
        let verbs = Session::open(global, Access::Read).await?.verbs().await?;
        let name = match self.promotion.split_once('/') {
            Some(("stage" | "stages", stage)) => newest(&verbs, stage).await?,
            _ => verbs.promotion(bare(&self.promotion)).await?.name_any(),
        };
        let runs: Api<PromotionRun> = verbs.api();
        let mut told = Told::default();
        if !self.follow {
            let run = runs.get_opt(&name).await.map_err(|err| VerbError::api("read the run", err))?;
            match run {
                Some(run) => output::print(text(&run, &mut told)),
                None => output::line(format_args!("promotion {name} has not begun")),
            }
            return Ok(Exit::Done);
        }
        let only = watcher::Config::default().fields(&format!("metadata.name={name}"));
        let mut changes = std::pin::pin!(watcher(runs, only).default_backoff().applied_objects());
        loop {
            match changes.try_next().await {
                Ok(Some(run)) => {
                    output::print(text(&run, &mut told));
                    if is_over(&run) {
                        return Ok(Exit::Done);
                    }
                }
                Ok(None) => return Ok(Exit::Done),
                // The watch repairs itself; what it missed comes with the next state.
                Err(err) => tracing::debug!(error = %err, "watch the run"),
            }
        }
    }
}

async fn newest(verbs: &Verbs, stage: &str) -> Result<String, Failure> {
    verbs.stage(stage).await?;
    let api: Api<Promotion> = verbs.api();
    let all = api.list(&ListParams::default()).await.map_err(|err| VerbError::api("list promotions", err))?;
    let own = all.items.into_iter().filter(|promotion| promotion.spec.stage == stage);
    let newest = own.max_by_key(|promotion| (made(promotion), promotion.name_any()));
    newest.map(|promotion| promotion.name_any()).ok_or_else(|| {
        Failure::new(format!("stage `{stage}` had no promotion yet"), format!("seaway promote {stage} --freight FREIGHT"))
    })
}

fn is_over(run: &PromotionRun) -> bool {
    run.status.as_ref().is_some_and(|status| matches!(status.phase.as_str(), "Succeeded" | "Failed" | "Errored" | "Aborted"))
}

/// What there is to say about the run, without what was said before.
pub(crate) fn text(run: &PromotionRun, told: &mut Told) -> String {
    let mut text = String::new();
    let Some(status) = &run.status else { return text };
    // A journal of a later release may say more than this one can read; the end is told all the same.
    let state: RunState = status.journal.clone().and_then(|journal| serde_json::from_value(journal).ok()).unwrap_or_default();
    for (index, step) in state.steps.iter().enumerate() {
        let Some(status) = step.status else { continue };
        // A step has a line when it begins and another when it ends: never the same twice.
        let said = format!("{} {}", status.as_str(), step.message);
        if told.steps.get(&step.alias) == Some(&said) {
            continue;
        }
        text.push_str(&step_line(index, step, status.as_str()));
        told.steps.insert(step.alias.clone(), said);
        put_tools(&mut text, &state, told, &step.alias);
    }
    let message = plainly(&status.message);
    let stalled = conditions::get(&status.conditions, types::STALLED).filter(|stalled| stalled.is_true());
    let end = match stalled {
        _ if is_over(run) => format!("{}{}\n", status.phase, prefixed(": ", &message)),
        Some(stalled) => format!("Seaway gave up on it: {}\n", stalled.message),
        None if !status.waits.is_empty() => status.waits.iter().map(|wait| wait_line(run, wait)).collect(),
        None if matches!(status.phase.as_str(), "Uncertain" | "Blocked") => {
            format!("{}{}\n", status.phase, prefixed(": ", &message))
        }
        None => String::new(),
    };
    if end != told.end {
        text.push_str(&end);
        told.end = end;
    }
    text
}

/// What it waits for now: the world, or its next try after an error.
fn wait_line(run: &PromotionRun, wait: &Wait) -> String {
    let ready = run.status.as_ref().and_then(|status| conditions::get(&status.conditions, types::READY));
    if ready.is_some_and(|ready| ready.reason == Reason::Retrying.as_str()) {
        return format!("{} is tried again: {}\n", wait.step, wait.for_);
    }
    format!("{} waits: {}\n", wait.step, wait.for_)
}

/// What the step's tools printed since the last time; what was cut since then is not missed.
fn put_tools(text: &mut String, state: &RunState, told: &mut Told, alias: &str) {
    let own: Vec<&str> =
        state.tool_output.iter().filter(|output| output.step == alias).map(|output| output.text.as_str()).collect();
    let n_told = told.n_outputs.insert(alias.to_owned(), own.len()).unwrap_or(0);
    for line in own.iter().skip(n_told).flat_map(|output| output.lines()) {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "    {line}");
    }
}

fn step_line(index: usize, step: &StepState, status: &str) -> String {
    let took = match (step.started_at, step.finished_at) {
        (Some(from), Some(to)) => format!("{:>7}", short(to.duration_since(from))),
        _ => format!("{:>7}", "…"),
    };
    let at = step.started_at.map(|time| time.strftime("%H:%M:%S").to_string()).unwrap_or_default();
    let errors = match step.error_count {
        0 => String::new(),
        1 => " (1 error)".to_owned(),
        n => format!(" ({n} errors)"),
    };
    let style = output::state_style(status);
    let (alias, uses, message) = (&step.alias, &step.uses, prefixed(": ", &step.message));
    format!("{at:8} {took}  {:2}. {alias:<16} {uses:<20} {style}{status}{style:#}{errors}{message}\n", index + 1)
}

fn short(took: jiff::SignedDuration) -> String {
    let seconds = took.as_secs_f64();
    if seconds < 60.0 { format!("{seconds:.2}s") } else { format!("{}m{:02}s", took.as_secs() / 60, took.as_secs() % 60) }
}

fn prefixed(prefix: &str, text: &str) -> String {
    if text.is_empty() { String::new() } else { format!("{prefix}{text}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_run_is_told_step_by_step_and_nothing_twice() {
        let run: PromotionRun = serde_json::from_value(json!({
            "apiVersion": "seaway.dev/v1alpha1", "kind": "PromotionRun", "metadata": { "name": "qa.1" },
            "status": { "phase": "Failed", "message": "step `smoke` failed", "journal": { "version": 1, "steps": [
                { "alias": "clone", "uses": "git-clone", "status": "Succeeded", "startedAt": "2026-01-01T00:00:00Z", "finishedAt": "2026-01-01T00:00:02Z" },
                { "alias": "smoke", "uses": "http", "status": "Failed", "startedAt": "2026-01-01T00:00:02Z", "finishedAt": "2026-01-01T00:01:04Z", "errorCount": 1, "message": "answered 500" },
                { "alias": "push", "uses": "git-push" }
            ], "toolOutput": [{ "step": "clone", "text": "from mirror" }] } }
        }))
        .unwrap();
        let mut told = Told::default();
        let plain = anstream::adapter::strip_str(&text(&run, &mut told)).to_string();
        insta::assert_snapshot!(plain, @r"
        00:00:00   2.00s   1. clone            git-clone            Succeeded
            from mirror
        00:00:02   1m02s   2. smoke            http                 Failed (1 error): answered 500
        Failed: step `smoke` failed
        ");
        assert_eq!(text(&run, &mut told), "");
    }
}
