//! What an operator chooses about the controllers.

use seaway_core::retention::Keep;
use seaway_runs::GitIdentity;
use std::time::Duration;

/// Settings of all controllers.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Who commits, unless ClusterConfig names somebody.
    pub identity: GitIdentity,
    /// Base URL of the control plane, for links in commits and messages.
    pub ui_base_url: String,
    /// Finished promotions kept a stage.
    pub keep_promotions: Keep,
    /// Freight kept a warehouse, behind the oldest in use.
    pub keep_freight: Keep,
    /// A mirror that nobody used for so long goes.
    pub mirror_unused: Duration,
    /// How often what is old is looked for.
    pub retention_interval: Duration,
    /// No warehouse looks more often, whatever its interval.
    pub warehouse_interval_min: Duration,
    /// Reconciles at one time, a kind.
    pub concurrency: usize,
    /// Promotions and plans that move at one time; those that wait do not count.
    pub n_runs_max: usize,
    /// The namespace of shared Secrets and ConfigMaps.
    pub shared_namespace: String,
    /// How long a plan is kept.
    pub plan_ttl: Duration,
    /// How long a stop waits for the effects in hand.
    pub stop_within: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            identity: GitIdentity::default(),
            ui_base_url: String::new(),
            keep_promotions: Keep::default(),
            keep_freight: Keep::default(),
            mirror_unused: Duration::from_hours(720),
            retention_interval: Duration::from_hours(1),
            warehouse_interval_min: Duration::ZERO,
            concurrency: 4,
            n_runs_max: 16,
            shared_namespace: "kargo-shared-resources".into(),
            plan_ttl: Duration::from_secs(3600),
            stop_within: Duration::from_secs(20),
        }
    }
}
