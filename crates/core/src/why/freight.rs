//! Why a piece of freight may not go into a stage, or that it may.

use super::{Answer, Index, State, age, left};
use crate::freight::{Availability, own_name, to_stage};
use crate::reason::Reason;
use seaway_api::kargo::{Freight, Stage};

pub(crate) fn of(index: &Index<'_>, freight: &Freight, stage: &Stage) -> Answer {
    let name = stage.metadata.name.as_deref().unwrap_or_default();
    let label = index.labels.of(&freight.reference());
    let inside = stage
        .status
        .as_ref()
        .and_then(|s| s.freight_history.first())
        .is_some_and(|c| c.items.values().any(|item| item.name == own_name(freight)));
    let say = |state, reason, cause: String| Answer::new("Freight", own_name(freight), state, reason, cause).link("Stage", name);
    if inside {
        let since = freight.status.as_ref().and_then(|s| s.currently_in.get(name)).and_then(|c| c.since.as_ref()).map(|t| t.0);
        return say(State::Unchecked, Reason::Current, format!("{label} is in {name}")).since(since);
    }
    let approve = format!("seaway approve {} --stage {name}", index.spoken(own_name(freight)));
    match to_stage(freight, stage, index.project.now, &|s| index.passes_on(s)) {
        Availability::Approved { since } => {
            say(State::Waiting, Reason::Available, format!("{label} is approved for {name}")).since(since)
        }
        Availability::Direct { since } => {
            say(State::Waiting, Reason::Available, format!("{name} takes {label} straight from its warehouse")).since(since)
        }
        Availability::Upstream { stages, since } => {
            say(State::Waiting, Reason::Available, format!("{label} is verified in {}", stages.join(", "))).since(since)
        }
        Availability::Soaking { stage: upstream, until } => {
            let left = left(until, index.project.now);
            say(State::Waiting, Reason::Soaking, format!("{label} soaks in {upstream} for {left} more"))
                .waits_for(format!("soak in {upstream}: {left}"))
                .since(verified_at(freight, &upstream))
                .hint(approve)
                .until(Some(until))
                .link("Stage", &upstream)
        }
        Availability::SoakCutShort { stage: upstream, had, needs } => {
            let cause =
                format!("{label} left {upstream} after {} s of the {} s it must be there", had.as_secs(), needs.as_secs());
            say(State::Blocked, Reason::SoakCutShort, cause)
                .since(verified_at(freight, &upstream))
                .hint(approve)
                .link("Stage", &upstream)
        }
        Availability::Unverified { stages, all } => {
            let missing: Vec<&String> = stages.iter().filter(|s| index.stage(s).is_none()).collect();
            if let Some(missing) = missing.first().filter(|_| all || missing.len() == stages.len()) {
                let cause = format!("stage `{missing}`, which {label} should come from, is not there");
                return say(State::Blocked, Reason::UpstreamMissing, cause).since(freight.found_at());
            }
            let word = if all { " and " } else { " or " };
            let cause = format!("{label} is not verified in {}", stages.join(word));
            let mut answer = say(State::Waiting, Reason::AwaitingUpstream, cause)
                .waits_for(format!("{}: verification", stages.join(word)))
                .since(freight.found_at())
                .hint(approve);
            for upstream in &stages {
                answer = answer.link("Stage", upstream);
            }
            answer
        }
        Availability::OtherOrigin => {
            say(State::Blocked, Reason::OtherOrigin, format!("{name} requests no freight of {}", freight.origin))
                .since(freight.found_at())
        }
    }
}

fn verified_at(freight: &Freight, stage: &str) -> Option<jiff::Timestamp> {
    freight.status.as_ref()?.verified_in.get(stage)?.verified_at.as_ref().map(|t| t.0)
}

/// `4m ago`.
pub(crate) fn ago(at: jiff::Timestamp, now: jiff::Timestamp) -> String {
    format!("{} ago", age(at, now))
}
