//! What a look means: whether it makes freight, and what the status says of it. Pure.

use super::error::LookError;
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use seaway_api::conditions::{self, Condition, Status, types};
use seaway_api::kargo::{DiscoveredArtifacts, Freight, FreightCreationPolicy, Warehouse, WarehouseStatus};
use seaway_base::{Next, chain};
use seaway_core::discovery::{self, Missing};

/// Whether what was found becomes freight.
#[derive(Debug)]
pub(super) enum Verdict {
    /// A subscription found nothing.
    Missing(Missing),
    /// The criteria could not be evaluated: why.
    CriteriaFailed(String),
    /// The criteria do not hold.
    CriteriaNotSatisfied,
    /// It is left to a person.
    Manual,
    /// It does.
    Make(Box<Freight>),
}

/// What became of the freight.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Made {
    /// It is new and has this alias.
    New {
        /// Its name.
        name: String,
        /// Its alias.
        alias: String,
    },
    /// It was there.
    There {
        /// Its name.
        name: String,
    },
}

/// Judges what was found.
pub(super) fn judge(warehouse: &Warehouse, found: &DiscoveredArtifacts) -> Verdict {
    let freight = match discovery::assemble(warehouse, found) {
        Ok(freight) => freight,
        Err(missing) => return Verdict::Missing(missing),
    };
    if warehouse.spec.freight_creation_policy == FreightCreationPolicy::Manual {
        return Verdict::Manual;
    }
    match discovery::criteria(&warehouse.spec, found) {
        Ok(true) => Verdict::Make(Box::new(freight)),
        Ok(false) => Verdict::CriteriaNotSatisfied,
        Err(err) => Verdict::CriteriaFailed(chain(&err)),
    }
}

/// What a look was for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked<'a> {
    /// The generation that was looked at.
    pub(super) generation: Option<i64>,
    /// The refresh token that it answers; empty if there is none.
    pub(super) token: &'a str,
    /// When it ended.
    pub(super) now: Timestamp,
}

impl Asked<'_> {
    fn begin(&self, before: &WarehouseStatus) -> WarehouseStatus {
        let mut status = before.clone();
        if !self.token.is_empty() {
            status.last_handled_refresh = self.token.to_owned();
        }
        conditions::remove(&mut status.conditions, types::RECONCILING);
        status
    }

    fn set(&self, status: &mut WarehouseStatus, type_: &str, value: impl Into<Status>, reason: &str, message: impl Into<String>) {
        conditions::set(&mut status.conditions, Condition::new(type_, value, reason, message).at(self.generation), self.now);
    }
}

/// The status while a look is under way that takes its time.
pub(super) fn looking(before: &WarehouseStatus, asked: Asked<'_>) -> WarehouseStatus {
    let mut status = before.clone();
    asked.set(&mut status, types::RECONCILING, true, "ScheduledDiscovery", "it looks for new artifacts");
    asked.set(&mut status, types::READY, false, "DiscoveryInProgress", "it looks for new artifacts");
    asked.set(&mut status, types::HEALTHY, Status::Unknown, "Pending", "it looks for new artifacts");
    status
}

/// The status while a look waits for a server that does not answer, since then; `None`: it waits for none any more. What is ill already
/// stays so until the look is over.
pub(super) fn waiting(before: &WarehouseStatus, asked: Asked<'_>, silent: Option<(String, Timestamp)>) -> WarehouseStatus {
    let ill = conditions::get(&before.conditions, types::HEALTHY).is_some_and(|it| it.status == Status::False);
    let mut status = before.clone();
    if ill {
        return status;
    }
    conditions::remove(&mut status.conditions, types::RECONCILING);
    match silent {
        Some((message, since)) => {
            Asked { now: since, ..asked }.set(&mut status, types::RECONCILING, true, "ServerSilent", message)
        }
        None => asked.set(&mut status, types::RECONCILING, true, "ScheduledDiscovery", "it looks for new artifacts"),
    }
    status
}

/// The status of a warehouse that uses what is not built.
pub(super) fn not_built(before: &WarehouseStatus, asked: Asked<'_>, parts: &str) -> WarehouseStatus {
    let mut status = asked.begin(before);
    let message = format!("{parts}, so nothing is looked for");
    asked.set(&mut status, types::BLOCKED, true, "NotBuilt", &message);
    asked.set(&mut status, types::READY, false, "NotBuilt", &message);
    asked.set(&mut status, types::HEALTHY, Status::Unknown, "NotBuilt", &message);
    status
}

/// The status after a look that failed.
pub(super) fn failed(before: &WarehouseStatus, asked: Asked<'_>, err: &LookError) -> WarehouseStatus {
    let mut status = asked.begin(before);
    let message = err.to_string();
    asked.set(&mut status, types::HEALTHY, false, "DiscoveryFailed", &message);
    asked.set(&mut status, types::READY, false, "DiscoveryFailure", &message);
    if err.next() == Next::Retry {
        conditions::remove(&mut status.conditions, types::BLOCKED);
    } else {
        asked.set(&mut status, types::BLOCKED, true, err.reason().as_str(), &message);
    }
    status
}

/// The status when the control plane did not take the freight.
pub(super) fn unmade(before: &WarehouseStatus, asked: Asked<'_>, why: &str) -> WarehouseStatus {
    let mut status = asked.begin(before);
    asked.set(&mut status, types::FREIGHT_CREATED, false, "FreightCreationFailed", why);
    asked.set(&mut status, types::READY, false, "FreightCreationFailed", why);
    status
}

/// The status after a look that succeeded. It equals `before` if the look brought nothing new: then nothing is written.
pub(super) fn found(
    before: &WarehouseStatus,
    asked: Asked<'_>,
    found: &DiscoveredArtifacts,
    (verdict, made): (&Verdict, Option<&Made>),
) -> WarehouseStatus {
    let mut status = asked.begin(before);
    status.observed_generation = asked.generation;
    conditions::remove(&mut status.conditions, types::BLOCKED);
    let (healthy, fine) = ("ArtifactsDiscovered", "the last look found what was asked for");
    match verdict {
        Verdict::Missing(missing) => {
            asked.set(&mut status, types::HEALTHY, false, missing.reason, missing.to_string());
            asked.set(&mut status, types::READY, false, ready_reason(missing.reason), missing.to_string());
        }
        Verdict::CriteriaFailed(why) => {
            asked.set(&mut status, types::HEALTHY, true, healthy, fine);
            asked.set(&mut status, types::READY, false, "CriteriaEvaluationFailed", why);
        }
        Verdict::CriteriaNotSatisfied | Verdict::Manual | Verdict::Make(_) => {
            asked.set(&mut status, types::HEALTHY, true, healthy, fine);
            asked.set(&mut status, types::READY, true, healthy, fine);
        }
    }
    let criteria = types::FREIGHT_CREATION_CRITERIA_SATISFIED;
    match verdict {
        Verdict::Missing(_) => {}
        Verdict::CriteriaFailed(why) => asked.set(&mut status, criteria, false, "CriteriaEvaluationFailed", why),
        Verdict::CriteriaNotSatisfied => {
            let message = "what was found does not meet freightCreationCriteria, so no freight is made of it";
            asked.set(&mut status, criteria, false, "CriteriaNotSatisfied", message);
        }
        Verdict::Manual | Verdict::Make(_) => {
            conditions::remove(&mut status.conditions, criteria);
        }
    }
    match made {
        Some(Made::New { name, alias }) => {
            let message = format!("freight `{alias}` ({name}) was made");
            asked.set(&mut status, types::FREIGHT_CREATED, true, "NewFreight", message);
            status.last_freight_id.clone_from(name);
        }
        Some(Made::There { name }) if status.last_freight_id != *name => {
            let message = format!("freight {name} of the same artifacts is there already");
            asked.set(&mut status, types::FREIGHT_CREATED, false, "AlreadyExists", message);
            status.last_freight_id.clone_from(name);
        }
        Some(Made::There { .. }) | None => {}
    }
    if status != *before || !before.discovered_artifacts.as_ref().is_some_and(|known| same(known, found)) {
        let mut found = found.clone();
        found.discovered_at = Some(Time(asked.now));
        status.discovered_artifacts = Some(found);
    }
    status
}

/// Whether two looks found the same: not when, nor where branches stand whose commits do not count.
fn same(a: &DiscoveredArtifacts, b: &DiscoveredArtifacts) -> bool {
    let bare = |found: &DiscoveredArtifacts| {
        let mut found = found.clone();
        found.discovered_at = None;
        found.git.iter_mut().for_each(|result| result.observed_refs = None);
        found
    };
    bare(a) == bare(b)
}

/// Kargo's reason for `Ready` beside its reason for `Healthy`.
fn ready_reason(healthy: &str) -> &'static str {
    match healthy {
        "NoCommitsDiscovered" => "MissingCommits",
        "NoImageReferencesDiscovered" => "MissingImageReferences",
        "NoChartVersionsDiscovered" => "MissingChartVersions",
        _ => "MissingArtifacts",
    }
}
