//! The board of the page: a project's stages, freight, warehouses and promotions as plain rows, the same for whoever may see them.
//!
//! Names, labels and words are those that the CLI prints. What is not there is left out; empty lists are not.

use crate::why::{Answer, State};
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

/// A project's rows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Board {
    /// Its warehouses, by name.
    pub warehouses: Vec<WarehouseRow>,
    /// Its stages, in the order of the pipeline.
    pub stages: Vec<StageRow>,
    /// Its freight, newest first.
    pub freight: Vec<FreightRow>,
    /// Its promotions that are not over and the newest of each stage, by name.
    pub promotions: Vec<PromotionRow>,
    /// What does not move: warehouses first, then stages in the order of the pipeline.
    pub answers: Vec<Answer>,
}

/// One warehouse.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = WarehouseView)]
pub struct WarehouseRow {
    /// Its name.
    pub name: String,
    /// How it stands.
    pub state: State,
    /// Why it does not move; null if it does.
    pub answer: Option<Answer>,
    /// What it looks at.
    pub sources: Vec<Source>,
    /// When it last looked.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub looked_at: Option<Timestamp>,
    /// When it looks next by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub next_look_at: Option<Timestamp>,
    /// `Automatic`, or `Manual`.
    pub freight_creation: String,
}

/// What a warehouse looks at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Source {
    /// `image`, `git`, `chart`, or the name of another kind.
    pub kind: String,
    /// The repository, without what may be secret in it.
    pub url: String,
    /// Which versions are wanted; left out if all are.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub constraint: Option<String>,
}

/// One stage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = StageView)]
pub struct StageRow {
    /// Its name.
    pub name: String,
    /// The good freight in it; empty if there is none.
    pub has: String,
    /// The name of that freight, the first of several.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub has_freight: Option<String>,
    /// The freight that comes next; empty if none does.
    pub next: String,
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub next_freight: Option<String>,
    /// How it stands.
    pub state: State,
    /// What it waits for, in few words; empty if for nothing. Who may promote reads *you* for *a promoter*.
    pub waits_for: String,
    /// Why it stands so, in a sentence.
    pub cause: String,
    /// Since when it stands so.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub since: Option<Timestamp>,
    /// When time alone may change it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub until: Option<Timestamp>,
    /// What to type next; empty if there is nothing to do.
    pub hint: String,
    /// The stages its freight comes from.
    pub upstream: Vec<String>,
    /// The warehouses its freight comes from.
    pub warehouses: Vec<String>,
    /// Whether it only passes freight on.
    pub control_flow: bool,
    /// What git has, where that is other freight than the good one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub in_git: Option<String>,
    /// Whether a policy lets it promote by itself.
    pub promotes_by_itself: bool,
    /// The promotion that runs or has its turn next.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub promotion: Option<String>,
    /// Its place in the pipeline, from 0.
    pub index: usize,
}

/// One piece of freight.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = FreightView)]
pub struct FreightRow {
    /// Its name.
    pub name: String,
    /// Its alias.
    pub alias: String,
    /// What tells it from other freight: `fund-transfer 1.5.1`.
    pub label: String,
    /// The version alone.
    pub version: String,
    /// The warehouse that made it.
    pub warehouse: String,
    /// When it was found.
    pub found_at: Option<Timestamp>,
    /// What is in it.
    pub artifacts: Vec<Artifact>,
    /// The stages it is in, in the order of the pipeline.
    pub r#in: Vec<String>,
    /// The stages it was verified in, likewise.
    pub verified_in: Vec<String>,
    /// The stages it was approved for by hand, likewise.
    pub approved_for: Vec<String>,
    /// The stages it could be promoted to now, likewise.
    pub may_go_to: Vec<String>,
}

/// One artifact of freight.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Artifact {
    /// `image`, `git`, `chart`, or the name of another kind.
    pub kind: String,
    /// The repository, without what may be secret in it.
    pub url: String,
    /// The tag or version.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub tag: String,
    /// The digest of an image.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub digest: String,
    /// The commit.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub commit: String,
}

/// One promotion.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PromotionRow {
    /// Its name.
    pub name: String,
    /// The stage.
    pub stage: String,
    /// The freight's name.
    pub freight: String,
    /// What the freight is called.
    pub label: String,
    /// Kargo's word for the phase; `Uncertain` or `Blocked` where the run knows better.
    pub phase: String,
    /// How it goes, in a sentence.
    pub message: String,
    /// Who asked for it.
    pub actor: String,
    /// When it was asked for.
    pub created_at: Option<Timestamp>,
    /// When it began.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub started_at: Option<Timestamp>,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub finished_at: Option<Timestamp>,
}
