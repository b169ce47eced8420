//! Rows for people: the stages of a project as `seaway get stages` shows them, and the board of the page.

mod board;
mod lens;
mod touched;

pub use board::{Artifact, Board, FreightRow, PromotionRow, Source, StageRow, WarehouseRow};
pub use lens::{Lens, artifacts_of, promotion_phase, shown};
pub use touched::{Touched, by_freight, by_stage, by_warehouse, telling};

use crate::why::{Project, State};
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
    let lens = Lens::new(project);
    let told = |row: StageRow| match lens.stage_named(&row.name) {
        Some(stage) if row.state == State::Empty => Row { hint: lens.hint(stage), ..Row::from(row) },
        _ => Row::from(row),
    };
    lens.stages().into_iter().map(told).collect()
}

impl From<StageRow> for Row {
    fn from(row: StageRow) -> Self {
        let written = if row.in_git.is_some() && row.state == State::Failed { " (in git)" } else { "" };
        let next = if row.next.is_empty() { row.next } else { format!("{}{written}", row.next) };
        let cause = if row.waits_for.is_empty() { String::new() } else { row.cause };
        let (stage, has, state, waits_for, since, hint) = (row.name, row.has, row.state, row.waits_for, row.since, row.hint);
        Self { stage, has, next, state, waits_for, cause, since, hint }
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
