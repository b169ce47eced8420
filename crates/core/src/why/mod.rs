//! Why: for every object, what it waits for, since when, and what would release it.

mod freight;
mod index;
mod promotion;
mod short;
mod stage;
mod state;
mod unreadable;
mod warehouse;

pub(crate) use index::Index;
pub(crate) use promotion::of as of_promotion;
pub use promotion::{plainly, who};
pub(crate) use stage::{landed_last, next, of as of_stage, told as tell_stage};
pub use state::State;
pub use unreadable::unreadable;
pub(crate) use warehouse::of as of_warehouse;

use crate::freight::Labels;
use crate::reason::Reason;
use jiff::Timestamp;
use seaway_api::kargo::{Freight, Promotion, PromotionPolicy, Stage, Warehouse};
use seaway_api::seaway::PromotionRun;
use serde::Serialize;

/// What there is in a project, and what the one who asks may do.
#[derive(Clone, Copy)]
pub struct Project<'a> {
    /// Its stages.
    pub stages: &'a [Stage],
    /// Its warehouses.
    pub warehouses: &'a [Warehouse],
    /// Its freight.
    pub freight: &'a [Freight],
    /// Its promotions.
    pub promotions: &'a [Promotion],
    /// Their runs.
    pub runs: &'a [PromotionRun],
    /// The policies of its configuration.
    pub policies: &'a [PromotionPolicy],
    /// Whether a kind of step is built.
    pub is_built: &'a dyn Fn(&str) -> bool,
    /// Whether the one who asks may promote to a stage.
    pub may_promote: &'a dyn Fn(&str) -> bool,
    /// The present instant.
    pub now: Timestamp,
}

impl Project<'_> {
    /// What the project's freight is called.
    pub fn labels(&self) -> Labels {
        let references: Vec<_> = self.freight.iter().map(Freight::reference).collect();
        Labels::new(&references)
    }
}

/// Something an answer points to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Link {
    /// Its kind.
    pub kind: &'static str,
    /// Its name.
    pub name: String,
}

/// The answer about one object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    /// The kind of the object.
    pub kind: &'static str,
    /// Its name.
    pub name: String,
    /// How it stands, in the glossary's words.
    pub state: State,
    /// Why, in the catalogue's word.
    #[schema(value_type = String)]
    pub reason: Reason,
    /// Why, in a sentence about this object.
    pub cause: String,
    /// The same in a few words, for a column; empty if nothing is waited for.
    pub waits_for: String,
    /// Since when.
    pub since: Option<Timestamp>,
    /// What would release it.
    pub releases: String,
    /// What to type; empty if there is nothing to do.
    pub hint: String,
    /// The next instant at which time alone could change it.
    pub until: Option<Timestamp>,
    /// What it has to do with.
    pub links: Vec<Link>,
}

impl Answer {
    fn new(kind: &'static str, name: &str, state: State, reason: Reason, cause: impl Into<String>) -> Self {
        Self {
            kind,
            name: name.to_owned(),
            state,
            reason,
            cause: cause.into(),
            waits_for: String::new(),
            since: None,
            releases: reason.releases().to_owned(),
            hint: String::new(),
            until: None,
            links: Vec::new(),
        }
    }

    fn since(mut self, since: Option<Timestamp>) -> Self {
        self.since = since;
        self
    }

    fn waits_for(mut self, text: impl Into<String>) -> Self {
        self.waits_for = text.into();
        self
    }

    fn released_by(mut self, text: impl Into<String>) -> Self {
        self.releases = text.into();
        self
    }

    fn hint(mut self, text: impl Into<String>) -> Self {
        self.hint = text.into();
        self
    }

    fn until(mut self, until: Option<Timestamp>) -> Self {
        self.until = until;
        self
    }

    fn link(mut self, kind: &'static str, name: &str) -> Self {
        self.links.push(Link { kind, name: name.to_owned() });
        self
    }

    /// Whether it does not move: somebody, something or time has to release it.
    pub fn does_not_move(&self) -> bool {
        matches!(self.state, State::Waiting | State::Blocked | State::Failed | State::Held | State::Uncertain)
    }

    /// The first line: the cause, since when, and what releases it.
    pub fn first_line(&self, now: Timestamp) -> String {
        let since = self.since.map(|since| format!(", since {}", age(since, now))).unwrap_or_default();
        let waits = self.does_not_move() || self.state == State::Empty;
        let released = if waits { format!("; released by {}", self.releases) } else { String::new() };
        let cause = promotion::first_line(&self.cause);
        let (kind, name) = (self.kind.to_lowercase(), &self.name);
        match self.kind {
            // Freight that is or was where it was to go stands no way of its own: its stage does.
            "Freight" if self.is_past() => format!("{kind} {name}: {cause}{since}"),
            "Freight" => format!("{kind} {name} at {} is {}: {cause}{since}{released}", self.at_stage(), self.state),
            "Promotion" => format!("{kind} {name} {}: {cause}{since}{released}", self.state.of_promotion()),
            _ => format!("{kind} {name} is {}: {cause}{since}{released}", self.state),
        }
    }
}

/// The answer about one stage.
pub fn stage(project: &Project<'_>, stage: &Stage) -> Answer {
    stage::told(&Index::new(project), stage)
}

/// The answer about one warehouse.
pub fn warehouse(project: &Project<'_>, warehouse: &Warehouse) -> Answer {
    warehouse::of(&Index::new(project), warehouse)
}

/// The answer about one promotion.
pub fn promotion(project: &Project<'_>, promotion: &Promotion) -> Answer {
    promotion::of(&Index::new(project), promotion)
}

/// The answer about freight and a stage.
pub fn freight(project: &Project<'_>, freight: &Freight, stage: &Stage) -> Answer {
    freight::of(&Index::new(project), freight, stage)
}

/// The answers about freight at all stages that request it: what stops it on its furthest way first, then in the order of the pipeline.
pub fn freight_on_its_way(project: &Project<'_>, freight: &Freight) -> Vec<Answer> {
    freight::all(&Index::new(project), freight)
}

/// Everything that does not move, warehouses first, then stages in the order of the pipeline.
pub fn stuck(project: &Project<'_>) -> Vec<Answer> {
    let index = Index::new(project);
    let warehouses = project.warehouses.iter().map(|w| warehouse::of(&index, w));
    let stages = crate::view::in_order(project.stages).into_iter().map(|s| stage::told(&index, s));
    warehouses.chain(stages).filter(Answer::does_not_move).collect()
}

/// A span as people say it: `45s`, `4m`, `3h`, `2d`.
pub fn age(since: Timestamp, now: Timestamp) -> String {
    span(now.duration_since(since).as_secs())
}

/// What is left until an instant, in the same words.
pub fn left(until: Timestamp, now: Timestamp) -> String {
    span(until.duration_since(now).as_secs().max(1))
}

fn span(seconds: i64) -> String {
    match seconds {
        ..0 => "0s".to_owned(),
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m", seconds / 60),
        3600..86400 => format!("{}h", seconds / 3600),
        _ => format!("{}d", seconds / 86400),
    }
}
