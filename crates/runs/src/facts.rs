//! What a run knows of its promotion, read once and plain.

use jiff::Timestamp;
use seaway_api::kargo::{FreightReference, FreightRequest, Warehouse};

/// The promotion, its stage and its freight. In a plan `promotion` and `actor` are symbols.
#[derive(Debug, Clone)]
pub struct Facts {
    /// Project: the namespace.
    pub project: String,
    /// Stage.
    pub stage: String,
    /// Name of the promotion.
    pub promotion: String,
    /// Its uid: names the run's refs in mirrors.
    pub promotion_uid: String,
    /// Who asked for it.
    pub actor: String,
    /// When the run began: what `now()` answers, and the date of its commits.
    pub started_at: Timestamp,
    /// Name of the freight being promoted.
    pub target_freight: String,
    /// Its alias.
    pub target_freight_alias: String,
    /// The warehouse that made it.
    pub target_freight_origin: String,
    /// All freight of the stage after this promotion, one an origin; the target's among them.
    pub freight: Vec<FreightReference>,
    /// What the stage requests.
    pub requested: Vec<FreightRequest>,
    /// The warehouses it requests from.
    pub warehouses: Vec<Warehouse>,
    /// Base URL of the control plane (`ctx.uiBaseUrl`).
    pub ui_base_url: String,
}
