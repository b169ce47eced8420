//! Whether a stage may have a piece of freight, and if not, what is missing and when time alone would do (reference §3.2).

use jiff::{SignedDuration, Timestamp};
use seaway_api::kargo::freight::VerifiedStage;
use seaway_api::kargo::{Freight, FreightAvailabilityStrategy, FreightRequest, Stage};
use serde::Serialize;
use std::time::Duration;

/// Whether freight may go into a stage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", tag = "is")]
pub enum Availability {
    /// A person approved it for the stage.
    Approved {
        /// Since when it has been available.
        since: Option<Timestamp>,
    },
    /// The stage takes it straight from its warehouse.
    Direct {
        /// Since when it has been available.
        since: Option<Timestamp>,
    },
    /// Upstream stages have verified it, long enough ago.
    Upstream {
        /// Those stages.
        stages: Vec<String>,
        /// Since when it has been available.
        since: Option<Timestamp>,
    },
    /// Time alone is missing.
    Soaking {
        /// The stage it soaks in.
        stage: String,
        /// The instant at which it becomes available, if it stays there.
        until: Timestamp,
    },
    /// It was verified, but taken away before it had soaked long enough.
    SoakCutShort {
        /// The stage it was in.
        stage: String,
        /// How long it was there.
        had: Duration,
        /// How long it must be there.
        needs: Duration,
    },
    /// Upstream stages have not verified it.
    Unverified {
        /// The stages that have not; one of them is enough unless `all`.
        stages: Vec<String>,
        /// Whether every one of them is asked for.
        all: bool,
    },
    /// The stage does not request freight of its origin.
    OtherOrigin,
}

impl Availability {
    /// Whether it may go in now.
    pub fn is_available(&self) -> bool {
        matches!(self, Self::Approved { .. } | Self::Direct { .. } | Self::Upstream { .. })
    }

    /// The instant at which time alone makes it available.
    pub fn next_change(&self) -> Option<Timestamp> {
        match self {
            Self::Soaking { until, .. } => Some(*until),
            _ => None,
        }
    }

    /// Since when it has been available.
    pub fn since(&self) -> Option<Timestamp> {
        match self {
            Self::Approved { since } | Self::Direct { since } | Self::Upstream { since, .. } => *since,
            _ => None,
        }
    }
}

/// Whether `stage` may have `freight`. `passes_on` tells control-flow stages, behind which soak counts from the verification.
pub fn to_stage(freight: &Freight, stage: &Stage, now: Timestamp, passes_on: &dyn Fn(&str) -> bool) -> Availability {
    let name = stage.metadata.name.as_deref().unwrap_or_default();
    match stage.spec.requested_freight.iter().find(|request| request.origin == freight.origin) {
        Some(request) if stage.metadata.namespace == freight.metadata.namespace => {
            of_request(freight, name, request, now, passes_on)
        }
        _ => Availability::OtherOrigin,
    }
}

/// The same for one request of a stage.
pub fn of_request(
    freight: &Freight,
    stage: &str,
    request: &FreightRequest,
    now: Timestamp,
    passes_on: &dyn Fn(&str) -> bool,
) -> Availability {
    if let Some(approved) = freight.status.as_ref().and_then(|s| s.approved_for.get(stage)) {
        return Availability::Approved { since: approved.approved_at.as_ref().map(|t| t.0) };
    }
    if request.sources.direct {
        return Availability::Direct { since: freight.found_at() };
    }
    let needs = request.sources.required_soak_time.as_ref().map_or(Duration::ZERO, |d| d.or_zero());
    let all = request.sources.availability_strategy == FreightAvailabilityStrategy::All;
    let upstreams: Vec<_> =
        request.sources.stages.iter().map(|s| (s.clone(), upstream(freight, s, needs, now, passes_on(s)))).collect();
    if all { combine_all(upstreams, needs) } else { combine_one(upstreams, needs) }
}

/// How freight stands in one upstream stage.
enum Upstream {
    Ready(Option<Timestamp>),
    Soaks(Timestamp),
    CutShort(Duration),
    Unverified,
}

fn upstream(freight: &Freight, stage: &str, needs: Duration, now: Timestamp, passes_on: bool) -> Upstream {
    let Some(status) = &freight.status else { return Upstream::Unverified };
    let Some(verified) = status.verified_in.get(stage) else { return Upstream::Unverified };
    let verified_at = verified.verified_at.as_ref().map(|t| t.0);
    let had = longest(verified);
    if had >= needs {
        return Upstream::Ready(verified_at);
    }
    let since = status.currently_in.get(stage).and_then(|c| c.since.as_ref()).map(|t| t.0);
    let Some(begin) = since.or(verified_at.filter(|_| passes_on)) else { return Upstream::CutShort(had) };
    let until = later(begin, needs);
    if until <= now { Upstream::Ready(verified_at.map(|at| at.max(until))) } else { Upstream::Soaks(until) }
}

fn longest(verified: &VerifiedStage) -> Duration {
    verified.longest_soak.as_ref().map_or(Duration::ZERO, |d| d.or_zero())
}

/// The instant so much later; the end of time if there is none.
pub(crate) fn later(begin: Timestamp, by: Duration) -> Timestamp {
    SignedDuration::try_from(by).ok().and_then(|by| begin.checked_add(by).ok()).unwrap_or(Timestamp::MAX)
}

fn combine_one(upstreams: Vec<(String, Upstream)>, needs: Duration) -> Availability {
    let mut ready = Vec::new();
    let mut since: Option<Timestamp> = None;
    let (mut soaking, mut cut_short): (Option<(String, Timestamp)>, _) = (None, None);
    let mut unverified = Vec::new();
    for (stage, state) in upstreams {
        match state {
            Upstream::Ready(at) => {
                since = [since, at].into_iter().flatten().min();
                ready.push(stage);
            }
            Upstream::Soaks(until) if soaking.as_ref().is_none_or(|(_, first)| until < *first) => soaking = Some((stage, until)),
            Upstream::Soaks(_) => {}
            Upstream::CutShort(had) => cut_short = Some((stage, had)),
            Upstream::Unverified => unverified.push(stage),
        }
    }
    match (ready.is_empty(), soaking, cut_short) {
        (false, ..) => Availability::Upstream { stages: ready, since },
        (true, Some((stage, until)), _) => Availability::Soaking { stage, until },
        (true, None, Some((stage, had))) => Availability::SoakCutShort { stage, had, needs },
        (true, None, None) => Availability::Unverified { stages: unverified, all: false },
    }
}

/// Kargo's listing compares whole sets here (reference §17 row 12); what its documentation promises is: each of them.
fn combine_all(upstreams: Vec<(String, Upstream)>, needs: Duration) -> Availability {
    let mut ready = Vec::new();
    let mut since: Option<Timestamp> = None;
    let (mut soaking, mut cut_short): (Option<(String, Timestamp)>, _) = (None, None);
    let mut unverified = Vec::new();
    for (stage, state) in upstreams {
        match state {
            Upstream::Ready(at) => {
                since = since.max(at);
                ready.push(stage);
            }
            Upstream::Soaks(until) if soaking.as_ref().is_none_or(|(_, last)| until > *last) => soaking = Some((stage, until)),
            Upstream::Soaks(_) => {}
            Upstream::CutShort(had) => cut_short = Some((stage, had)),
            Upstream::Unverified => unverified.push(stage),
        }
    }
    if !unverified.is_empty() || (ready.is_empty() && soaking.is_none() && cut_short.is_none()) {
        return Availability::Unverified { stages: unverified, all: true };
    }
    match (cut_short, soaking) {
        (Some((stage, had)), _) => Availability::SoakCutShort { stage, had, needs },
        (None, Some((stage, until))) => Availability::Soaking { stage, until },
        (None, None) => Availability::Upstream { stages: ready, since },
    }
}
