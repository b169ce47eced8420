//! Rows for people: the stages of a project as `seaway get stages` shows them.

use crate::why::{self, Index, Project, State};
use jiff::Timestamp;
use seaway_api::kargo::Stage;
use serde::Serialize;
use std::collections::BTreeMap;

/// One stage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Row {
    /// Its name.
    pub stage: String,
    /// The good freight in it; empty if there is none.
    pub has: String,
    /// The freight that comes next; says so if git has it already.
    pub next: String,
    /// How it stands.
    pub state: State,
    /// What it waits for, in few words; empty if for nothing.
    pub waits_for: String,
    /// Why it stands so, in a sentence; empty if it waits for nothing.
    pub cause: String,
    /// Since when it stands so.
    pub since: Option<Timestamp>,
    /// What to type next; empty if there is nothing to do.
    pub hint: String,
}

/// A row a stage, in the order of the pipeline.
pub fn stages(project: &Project<'_>) -> Vec<Row> {
    let index = Index::new(project);
    in_order(project.stages).into_iter().map(|stage| row(&index, stage)).collect()
}

fn row(index: &Index<'_>, stage: &Stage) -> Row {
    let answer = why::of_stage(index, stage);
    let current = stage.status.as_ref().and_then(|s| s.freight_history.first());
    let has: Vec<String> = current.into_iter().flat_map(|c| c.items.values()).map(|f| index.labels.of(f)).collect();
    let next = why::next(index, stage);
    let failed = answer.state == State::Failed;
    // Git has what landed last; what landed before that was written over.
    let landed = index.promotions(&answer.name).iter().filter(|p| why::landed(p));
    let last = landed.max_by_key(|p| p.status.as_ref().and_then(|s| s.finished_at.as_ref()).map(|time| time.0));
    let in_git = |freight: &str| last.is_some_and(|p| p.spec.freight == freight);
    let next = next.map_or_else(String::new, |freight| {
        let written = failed && in_git(freight.metadata.name.as_deref().unwrap_or_default());
        format!("{}{}", index.labels.of(&freight.reference()), if written { " (in git)" } else { "" })
    });
    Row {
        stage: answer.name,
        has: has.join(", "),
        next,
        state: answer.state,
        cause: if answer.waits_for.is_empty() { String::new() } else { answer.cause.clone() },
        waits_for: answer.waits_for,
        since: answer.since,
        hint: answer.hint,
    }
}

/// Stages in the order of the pipeline: by the longest way from a warehouse, then by name.
pub fn in_order(stages: &[Stage]) -> Vec<&Stage> {
    let depths = depths(stages);
    let name = |s: &Stage| s.metadata.name.clone().unwrap_or_default();
    let mut sorted: Vec<&Stage> = stages.iter().collect();
    sorted.sort_by_key(|s| (depths.get(&name(s)).copied().unwrap_or_default(), name(s)));
    sorted
}

/// How many stages lie before each on the longest way from a warehouse.
pub(crate) fn depths(stages: &[Stage]) -> BTreeMap<String, usize> {
    let name = |s: &Stage| s.metadata.name.clone().unwrap_or_default();
    let mut depth: BTreeMap<String, usize> = stages.iter().map(|s| (name(s), 0)).collect();
    // A longest way has at most as many edges as there are stages; a cycle stops there too.
    for _ in 0..stages.len() {
        let mut moved = false;
        for stage in stages {
            let upstream = stage.spec.requested_freight.iter().flat_map(|r| &r.sources.stages);
            let deepest = upstream.filter_map(|s| depth.get(s)).max().map_or(0, |d| d + 1).min(stages.len());
            moved |= depth.insert(name(stage), deepest) != Some(deepest);
        }
        if !moved {
            break;
        }
    }
    depth
}
