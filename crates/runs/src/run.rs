//! A run in hand: what it carries out, its journal, and what it holds in memory while it moves.

use jiff::Timestamp;
use seaway_api::seaway::PlannedPath;
use seaway_git::WorkFolder;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use crate::cancel::Cancel;
use crate::facts::Facts;
use crate::mask::Masker;
use crate::ports::JournalError;
use crate::spec::RunSpec;
use crate::state::{Phase, RunState};
use crate::step::GitIdentity;

/// A run in hand. Made from a Promotion and its PromotionRun, advanced by [`crate::Engine::advance`].
pub struct Run {
    /// The promotion, its stage and its freight.
    pub facts: Arc<Facts>,
    /// What it carries out.
    pub spec: Arc<RunSpec>,
    /// The journal.
    pub state: RunState,
    /// The hand that ends it.
    pub cancel: Cancel,
    /// Who commits by default.
    pub identity: GitIdentity,
    /// What an approval or `--plan-digest` bound it to.
    pub expected: Option<Expected>,
    /// What else its digest covers.
    pub gates: crate::plan::Gates,
    pub(crate) memory: Memory,
}

/// The plan that a run must not differ from.
#[derive(Debug, Clone, PartialEq)]
pub struct Expected {
    /// The digest, as the annotation `seaway.dev/plan-digest` holds it.
    pub digest: String,
    /// The paths it covers, if the plan is still there: names the one that differs.
    pub paths: Vec<PlannedPath>,
}

/// What a run holds while it moves; gone when it leaves or dies.
#[derive(Default)]
pub(crate) struct Memory {
    /// The work folder with all steps before the current one done; `None`: to be rebuilt.
    pub(crate) work: Option<WorkFolder>,
    /// Outputs with secrets in them, by index: what later steps see.
    pub(crate) raw: BTreeMap<usize, Map<String, Value>>,
    /// Secrets met so far.
    pub(crate) masker: Masker,
    /// Data that was fetched in this pass.
    pub(crate) data: BTreeMap<String, (crate::ports::DataAsk, crate::resolve::Fetched)>,
    /// Objects to be pinned before the next save: (repository URL, id).
    pub(crate) pins: BTreeSet<(String, String)>,
    /// What is pinned already.
    pub(crate) pinned: BTreeSet<(String, String)>,
    /// Names of outputs that only a run will know, by index of the step; only in a plan.
    pub(crate) unknown: BTreeMap<usize, Vec<String>>,
    /// Steps of which nothing is known; only in a plan.
    pub(crate) opaque: BTreeSet<usize>,
    /// Something is done that is not journalled yet.
    pub(crate) unsaved: bool,
}

impl Run {
    /// A run that has not begun, or one that is resumed from its journal.
    pub fn new(facts: Arc<Facts>, spec: Arc<RunSpec>, state: Option<RunState>) -> Self {
        let state = state.filter(|state| state.version != 0).unwrap_or_else(|| RunState::new(&spec));
        Self {
            facts,
            spec,
            state,
            cancel: Cancel::default(),
            identity: GitIdentity::default(),
            expected: None,
            gates: crate::plan::Gates::default(),
            memory: Memory::default(),
        }
    }
}

impl std::fmt::Debug for Run {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Run").field("promotion", &self.facts.promotion).field("state", &self.state).finish_non_exhaustive()
    }
}

/// Where a pass over a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It is over.
    Finished(Phase),
    /// A step waits for the world.
    Waiting {
        /// When it is asked again.
        until: Timestamp,
        /// For what.
        why: String,
    },
    /// Nobody can tell whether an effect happened: a person decides.
    Uncertain {
        /// The step.
        step: String,
        /// What is known.
        why: String,
    },
    /// Nothing moves until an input changes.
    Blocked {
        /// Reason for the catalogue.
        reason: String,
        /// What, where, what to do.
        why: String,
    },
    /// An error that is tried again.
    Retry {
        /// After how long.
        after: Duration,
        /// The error.
        why: String,
    },
    /// The process goes down; the journal is saved, the run is resumed later.
    Stopped,
}

/// Why a pass ended without an outcome. What was in memory is gone; the run is resumed from its journal.
#[derive(Debug, thiserror::Error)]
pub enum AdvanceError {
    /// A fault plan stopped it.
    #[error("stopped by the fault plan")]
    Crashed,
    /// The journal was not saved.
    #[error("save the journal")]
    Journal(#[source] JournalError),
    /// The journal does not fit the promotion.
    #[error(
        "the journal has {journal} steps, the promotion {promotion}: it belongs to another promotion; abort this one and promote again"
    )]
    Mismatch {
        /// Steps of the journal.
        journal: usize,
        /// Steps of the promotion.
        promotion: usize,
    },
}
