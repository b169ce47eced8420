//! Which freight is in a stage, since when, and how long it has soaked: the marks on freight itself.

use crate::freight::own_name;
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use seaway_api::GoDuration;
use seaway_api::kargo::freight::{CurrentStage, VerifiedStage};
use seaway_api::kargo::{Freight, FreightStatus, StageStatus};
use serde::Serialize;
use std::time::Duration;

/// What changes on one piece of freight, for one stage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum FreightChange {
    /// It came into the stage.
    Enters {
        /// The freight.
        freight: String,
        /// When.
        since: Timestamp,
    },
    /// It went out of the stage.
    Leaves {
        /// The freight.
        freight: String,
        /// How long it had been there, if it was verified there: the longest soak grows to that.
        soaked: Option<Duration>,
    },
    /// It is verified in the stage.
    Verified {
        /// The freight.
        freight: String,
        /// When.
        at: Timestamp,
    },
}

impl FreightChange {
    /// The freight it is about.
    pub fn freight(&self) -> &str {
        match self {
            Self::Enters { freight, .. } | Self::Leaves { freight, .. } | Self::Verified { freight, .. } => freight,
        }
    }

    /// Writes the change into the status of its freight, for `stage`.
    pub fn apply(&self, stage: &str, status: &mut FreightStatus) {
        match self {
            Self::Enters { since, .. } => {
                status.currently_in.insert(stage.to_owned(), CurrentStage { since: Some(Time(*since)) });
            }
            Self::Leaves { soaked, .. } => {
                status.currently_in.remove(stage);
                if let (Some(soaked), Some(verified)) = (soaked, status.verified_in.get_mut(stage)) {
                    let longest = verified.longest_soak.as_ref().map_or(Duration::ZERO, GoDuration::or_zero);
                    verified.longest_soak = Some(GoDuration::from(longest.max(*soaked)));
                }
            }
            Self::Verified { at, .. } => {
                let first = VerifiedStage { verified_at: Some(Time(*at)), longest_soak: None };
                status.verified_in.entry(stage.to_owned()).or_insert(first);
            }
        }
    }
}

/// What came in and what went out. `changed_at` is when the last promotion ended: soak counts to the second, not to the next look.
pub(super) fn changes(
    stage: &str,
    status: &StageStatus,
    freight: &[&Freight],
    changed_at: Timestamp,
    now: Timestamp,
) -> Vec<FreightChange> {
    let inside = |name: &str| {
        let current = status.freight_history.first();
        current.is_some_and(|c| c.items.values().any(|item| item.name == name))
    };
    let mut changes = Vec::new();
    for freight in freight {
        let name = own_name(freight);
        let marked = freight.status.as_ref().and_then(|s| s.currently_in.get(stage));
        match (inside(name), marked) {
            (true, None) => changes.push(FreightChange::Enters { freight: name.to_owned(), since: changed_at }),
            (false, Some(there)) => {
                let verified = freight.status.as_ref().is_some_and(|s| s.verified_in.contains_key(stage));
                let since = there.since.as_ref().map_or(now, |t| t.0);
                let soaked = Duration::try_from(changed_at.duration_since(since)).unwrap_or_default();
                let soaked = Duration::from_secs(soaked.as_secs());
                changes.push(FreightChange::Leaves { freight: name.to_owned(), soaked: verified.then_some(soaked) });
            }
            _ => {}
        }
    }
    changes
}

/// Marks what is in the stage now as verified, where it is not yet.
pub(super) fn mark_verified(
    stage: &str,
    status: &StageStatus,
    freight: &[&Freight],
    now: Timestamp,
    changes: &mut Vec<FreightChange>,
) {
    let Some(current) = status.freight_history.first() else { return };
    let at = current.verification_history.first().and_then(|v| v.finish_time.as_ref()).map_or(now, |t| t.0);
    for freight in freight.iter().filter(|f| current.items.values().any(|item| item.name == own_name(f))) {
        if !freight.status.as_ref().is_some_and(|s| s.verified_in.contains_key(stage)) {
            changes.push(FreightChange::Verified { freight: own_name(freight).to_owned(), at });
        }
    }
}
