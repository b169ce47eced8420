//! Why a warehouse makes no freight.

use super::short::{few_words, not_built};
use super::{Answer, Index, State};
use crate::reason::Reason;
use crate::unbuilt;
use seaway_api::conditions::{self, Condition, Status, types};
use seaway_api::kargo::{FreightCreationPolicy, Warehouse};

pub(crate) fn of(index: &Index<'_>, warehouse: &Warehouse) -> Answer {
    let name = warehouse.metadata.name.as_deref().unwrap_or_default();
    let say = |state, reason, cause: String| Answer::new("Warehouse", name, state, reason, cause);
    let created = warehouse.metadata.creation_timestamp.as_ref().map(|t| t.0);
    let parts = unbuilt::warehouse(&warehouse.spec);
    if let Some(cause) = unbuilt::sentence(&parts) {
        return say(State::Blocked, Reason::NotBuilt, cause).since(created).waits_for(not_built(&parts));
    }
    let status = warehouse.status.clone().unwrap_or_default();
    let when = |c: &Condition| c.last_transition_time.as_ref().map(|t| t.0);
    let get = |type_| conditions::get(&status.conditions, type_);
    let refresh = format!("seaway refresh warehouse {name}");
    let from = |c: &Condition, fallback: Reason| {
        let reason = word(&c.reason).unwrap_or(fallback);
        let hint = if reason.hint().is_empty() { refresh.clone() } else { reason.hint().replace("NAME", name) };
        say(State::Blocked, reason, c.message.clone()).since(when(c)).waits_for(few_words(reason, &c.message)).hint(hint)
    };
    if let Some(blocked) = get(types::BLOCKED).filter(|c| c.is_true()) {
        return from(blocked, Reason::InvalidSpec);
    }
    if let Some(ill) = get(types::HEALTHY).filter(|c| c.status == Status::False) {
        return from(ill, Reason::DiscoveryFailed);
    }
    let silent = |c: &&Condition| c.is_true() && c.reason == Reason::ServerSilent.as_str();
    if let Some(silent) = get(types::RECONCILING).filter(silent) {
        let cause = format!("it looks, and waits: {}", silent.message);
        let few = few_words(Reason::ServerSilent, &silent.message);
        return say(State::Waiting, Reason::ServerSilent, cause).since(when(silent)).waits_for(few);
    }
    if let Some(criteria) = get(types::FREIGHT_CREATION_CRITERIA_SATISFIED).filter(|c| c.status == Status::False) {
        let failed = criteria.reason == "CriteriaEvaluationFailed";
        let (state, reason) =
            if failed { (State::Blocked, Reason::CriteriaFailed) } else { (State::Waiting, Reason::CriteriaNotSatisfied) };
        let few = few_words(reason, &criteria.message);
        return say(state, reason, criteria.message.clone()).since(when(criteria)).waits_for(few);
    }
    let found = status.discovered_artifacts.as_ref().and_then(|d| d.discovered_at.as_ref()).map(|t| t.0);
    let Some(found) = found else {
        return say(State::Looking, Reason::Discovered, "its first look is under way".into()).since(created);
    };
    let own = index.of_origin(name).len();
    if warehouse.spec.freight_creation_policy == FreightCreationPolicy::Manual && own == 0 {
        let reason = Reason::ManualFreight;
        return say(State::Waiting, reason, reason.meaning().into()).since(Some(found)).waits_for("you: create freight");
    }
    say(State::Ready, Reason::Discovered, format!("looked {}", super::freight::ago(found, index.project.now))).since(Some(found))
}

/// Our reason behind a condition's word, Kargo's words included.
fn word(reason: &str) -> Option<Reason> {
    Reason::parse(reason).or(match reason {
        "NoCommitsDiscovered"
        | "NoImageReferencesDiscovered"
        | "NoChartVersionsDiscovered"
        | "MissingArtifacts"
        | "MissingCommits"
        | "MissingImageReferences"
        | "MissingChartVersions" => Some(Reason::NothingFound),
        "DiscoveryFailed" | "DiscoveryFailure" => Some(Reason::DiscoveryFailed),
        "CriteriaEvaluationFailed" => Some(Reason::CriteriaFailed),
        _ => None,
    })
}
