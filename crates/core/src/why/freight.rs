//! Where a piece of freight is on its way: what went wrong with it at a stage, and why it may or may not go in.

use super::promotion::plainly;
use super::{Answer, Index, State, age, landed_last, left};
use crate::freight::{Availability, own_name, to_stage};
use crate::reason::Reason;
use crate::stage::{is_control_flow, queue};
use jiff::Timestamp;
use seaway_api::kargo::{Freight, Promotion, PromotionPhase, Stage, VerificationPhase};
use std::cmp::Reverse;

/// What releases freight whose promotion failed or was stopped.
const AGAIN: &str = "promoting it again, or a newer version";

/// What this freight did in the stage; where it did nothing, whether it may go in.
pub(crate) fn of(index: &Index<'_>, freight: &Freight, stage: &Stage) -> Answer {
    let there = Visit::new(index, freight, stage);
    there
        .is_inside()
        .or_else(|| there.under_way())
        .or_else(|| there.failed())
        .or_else(|| there.has_been())
        .or_else(|| there.passes())
        .unwrap_or_else(|| available(index, freight, stage))
}

/// What to type about freight that is not let in: going around the stages before is for what does not come through them by itself.
pub(super) fn hint_of(index: &Index<'_>, freight: &Freight, stage: &Stage, answer: &Answer) -> String {
    let comes = match answer.reason {
        Reason::Soaking => true,
        Reason::AwaitingUpstream => !stands_before(index, freight, stage, index.project.stages.len()),
        _ => false,
    };
    if comes { String::new() } else { answer.hint.clone() }
}

/// Whether what the freight waits for before this stage does not come by itself; `n_stages` are looked through at most.
fn stands_before(index: &Index<'_>, freight: &Freight, stage: &Stage, n_stages: usize) -> bool {
    let Availability::Unverified { stages, all } = to_stage(freight, stage, index.project.now, &|s| index.passes_on(s)) else {
        return false;
    };
    // A ring of stages lets nothing in.
    let Some(n_left) = n_stages.checked_sub(1) else { return true };
    let stands = |name: &String| index.stage(name).is_none_or(|upstream| stands_in(index, freight, upstream, n_left));
    if all { stages.iter().any(stands) } else { stages.iter().all(stands) }
}

/// Whether the stage will not verify the freight unless somebody does something about it.
fn stands_in(index: &Index<'_>, freight: &Freight, upstream: &Stage, n_left: usize) -> bool {
    let there = Visit::new(index, freight, upstream);
    if there.is_inside().is_some() {
        return there.has_failed_verification();
    }
    if let Some(way) = there.under_way() {
        return way.state.is_stuck();
    }
    if there.failed().is_some() {
        return true;
    }
    match there.has_been() {
        // It came, and the stage has not taken note of it yet.
        Some(been) => been.reason != Reason::Current,
        None => super::stage::is_given_up(index, upstream) || stands_before(index, freight, upstream, n_left),
    }
}

/// The answers of all stages that request the freight, in the order of the pipeline; first of all what stops it where it has come
/// furthest, else where it has come to.
pub(crate) fn all(index: &Index<'_>, freight: &Freight) -> Vec<Answer> {
    let takes = |stage: &&Stage| stage.spec.requested_freight.iter().any(|request| request.origin == freight.origin);
    let stages: Vec<&Stage> = crate::view::in_order(index.project.stages).into_iter().filter(takes).collect();
    let told = |stage: &&Stage| {
        let answer = of(index, freight, stage);
        let hint = hint_of(index, freight, stage, &answer);
        answer.hint(hint)
    };
    let mut answers: Vec<Answer> = stages.iter().map(told).collect();
    let depths = crate::view::depths(index.project.stages);
    let depth = |answer: &Answer| depths.get(answer.at_stage()).copied().unwrap_or_default();
    let passed = |name: &str| answers.iter().any(|answer| answer.at_stage() == name && answer.is_past());
    // It stands before a stage that it tried to enter, or could enter from where it has been.
    let stands = |stage: &Stage, answer: &Answer| {
        let tried = !matches!(answer.reason, Reason::AwaitingUpstream | Reason::OtherOrigin | Reason::UpstreamMissing);
        let mut requests = stage.spec.requested_freight.iter().filter(|request| request.origin == freight.origin);
        tried || requests.any(|it| it.sources.direct || it.sources.stages.iter().any(|name| passed(name)))
    };
    let numbered = || answers.iter().enumerate();
    let stops = numbered().zip(&stages).filter(|((_, answer), stage)| !answer.is_past() && stands(stage, answer));
    let first = stops.map(|((n, answer), _)| (depth(answer), answer.state.is_stuck(), Reverse(n))).max().or_else(|| {
        let inside = numbered().filter(|(_, answer)| answer.reason == Reason::Current);
        inside.map(|(n, answer)| (depth(answer), false, Reverse(n))).max()
    });
    if let Some((_, _, Reverse(n))) = first {
        answers[..=n].rotate_right(1);
    }
    answers
}

impl Answer {
    /// The stage that an answer about freight speaks of.
    pub(crate) fn at_stage(&self) -> &str {
        self.links.first().map_or("", |link| link.name.as_str())
    }

    /// Whether the freight it speaks of is in the stage, was there, or is passed on by it.
    pub(crate) fn is_past(&self) -> bool {
        matches!(self.reason, Reason::Current | Reason::Succeeded | Reason::ControlFlow)
    }
}

/// One piece of freight and one stage.
struct Visit<'p, 'a> {
    index: &'p Index<'a>,
    freight: &'p Freight,
    stage: &'p Stage,
    name: &'p str,
    label: String,
    /// The stage's promotions of this freight, the oldest first.
    own: Vec<&'a Promotion>,
}

impl<'p, 'a> Visit<'p, 'a> {
    fn new(index: &'p Index<'a>, freight: &'p Freight, stage: &'p Stage) -> Self {
        let name = stage.metadata.name.as_deref().unwrap_or_default();
        let mut own: Vec<_> = index.promotions(name).iter().copied().filter(|p| p.spec.freight == own_name(freight)).collect();
        own.sort_by(|a, b| queue::name(a).cmp(queue::name(b)));
        Self { index, freight, stage, name, label: index.labels.of(&freight.reference()), own }
    }

    fn say(&self, state: State, reason: Reason, cause: impl Into<String>) -> Answer {
        Answer::new("Freight", own_name(self.freight), state, reason, cause).link("Stage", self.name)
    }

    /// Whether a collection of the stage's history holds it, counted from the newest.
    fn held(&self) -> Option<usize> {
        let history = &self.stage.status.as_ref()?.freight_history;
        history.iter().position(|c| c.items.values().any(|item| item.name == own_name(self.freight)))
    }

    fn is_inside(&self) -> Option<Answer> {
        self.held().filter(|n| *n == 0)?;
        let since = self.freight.status.as_ref().and_then(|s| s.currently_in.get(self.name)).and_then(|c| c.since.as_ref());
        let cause = format!("{} is in {}", self.label, self.name);
        Some(self.say(State::Unchecked, Reason::Current, cause).since(since.map(|t| t.0)))
    }

    /// Whether the verification of what is in the stage ended otherwise than well.
    fn has_failed_verification(&self) -> bool {
        let inside = self.stage.status.as_ref().and_then(|status| status.freight_history.first());
        let last = inside.and_then(|inside| inside.verification_history.first()).map(|it| it.phase.as_str());
        last.map(VerificationPhase::from).is_some_and(|phase| phase.is_terminal() && phase != VerificationPhase::Successful)
    }

    fn under_way(&self) -> Option<Answer> {
        let mut open = self.own.clone();
        open.retain(|p| !queue::phase(p).is_terminal());
        queue::sort(&mut open);
        let promotion = open.first()?;
        let of = super::promotion::of(self.index, promotion);
        Some(
            self.say(of.state, of.reason, format!("{}: {}", self.label, of.cause))
                .since(of.since)
                .waits_for(of.waits_for)
                .released_by(of.releases)
                .hint(of.hint)
                .until(of.until)
                .link("Promotion", queue::name(promotion)),
        )
    }

    /// The last attempt with it here, if it did not succeed.
    fn failed(&self) -> Option<Answer> {
        let Some(last) = self.own.last() else { return self.remembered() };
        let again = format!("seaway promote {} --freight {}", self.name, self.index.spoken(own_name(self.freight)));
        let of = match queue::phase(last) {
            PromotionPhase::Succeeded => return None,
            PromotionPhase::Aborted => {
                let cause = format!("the promotion of {} was stopped, and automation does not try again", self.label);
                let since = last.status.as_ref().and_then(|s| s.finished_at.as_ref()).map(|t| t.0);
                self.say(State::Waiting, Reason::PromotionAborted, cause).since(since).waits_for("another promotion").hint(again)
            }
            _ => {
                let of = super::promotion::of(self.index, last);
                let in_git = landed_last(self.index.promotions(self.name)).is_some_and(|it| it.spec.freight == last.spec.freight);
                let written = if in_git { " (in git all the same)" } else { "" };
                self.say(State::Failed, of.reason, format!("{}{written}: {}", self.label, of.cause))
                    .since(of.since)
                    .waits_for(of.waits_for)
                    .hint(of.hint)
            }
        };
        Some(again_after(of).link("Promotion", queue::name(last)))
    }

    /// The same from the stage's own memory, when the promotion itself is gone.
    fn remembered(&self) -> Option<Answer> {
        let last = self.stage.status.as_ref()?.last_promotion.as_ref()?;
        last.freight.as_ref().filter(|f| f.name == own_name(self.freight))?;
        let ended = last.status.as_ref()?;
        let reason = match ended.phase {
            PromotionPhase::Failed => Reason::PromotionFailed,
            PromotionPhase::Errored => Reason::PromotionErrored,
            _ => return None,
        };
        let cause = format!("{}: {}", self.label, plainly(&ended.message));
        Some(again_after(self.say(State::Failed, reason, cause).since(last.finished_at.as_ref().map(|t| t.0))))
    }

    /// It was here, and other freight came after it.
    fn has_been(&self) -> Option<Answer> {
        let finished = |p: &Promotion| p.status.as_ref().and_then(|s| s.finished_at.as_ref()).map(|t| t.0);
        let last = self.own.last().copied();
        let held = self.held();
        let verified = self.freight.status.as_ref().is_some_and(|s| s.verified_in.contains_key(self.name));
        if (last.is_none() && held.is_none() && !verified) || is_control_flow(self.stage) {
            return None;
        }
        let after = |p: &&&Promotion| {
            queue::phase(p) == PromotionPhase::Succeeded
                && p.spec.freight != own_name(self.freight)
                && last.is_some_and(|last| queue::name(p) > queue::name(last))
        };
        let next = self.index.promotions(self.name).iter().filter(after).min_by(|a, b| queue::name(a).cmp(queue::name(b)));
        let Some(next) = next else {
            let arrived = last.filter(|_| held.is_none() && !verified);
            return Some(match arrived {
                Some(last) => self
                    .say(State::Unchecked, Reason::Current, format!("{} has arrived in {}", self.label, self.name))
                    .since(finished(last)),
                None => self.say(State::Succeeded, Reason::Succeeded, format!("{} was in {}", self.label, self.name)),
            });
        };
        let follower = self.index.freight(&next.spec.freight).map(|f| self.index.labels.of(&f.reference()));
        let follower = follower.unwrap_or_else(|| next.spec.freight.clone());
        let cause = format!("{} was in {}, and {follower} came after it", self.label, self.name);
        Some(self.say(State::Succeeded, Reason::Succeeded, cause).since(finished(next)).link("Freight", &next.spec.freight))
    }

    /// A stage without steps passes on whatever it may have.
    fn passes(&self) -> Option<Answer> {
        if !is_control_flow(self.stage) {
            return None;
        }
        let availability = to_stage(self.freight, self.stage, self.index.project.now, &|s| self.index.passes_on(s));
        let since = availability.is_available().then(|| availability.since())?;
        let cause = format!("{} passes {} on", self.name, self.label);
        Some(self.say(State::Unchecked, Reason::ControlFlow, cause).since(since))
    }
}

/// Mending the cause is half of it: what is over is not taken up again by itself.
fn again_after(answer: Answer) -> Answer {
    let releases = match answer.reason {
        Reason::PromotionFailed | Reason::PromotionErrored | Reason::PromotionAborted | Reason::PushConflict => AGAIN.to_owned(),
        reason => format!("{}, then {AGAIN}", reason.releases()),
    };
    answer.released_by(releases)
}

/// Why the freight may not go into the stage, or that it may.
pub(crate) fn available(index: &Index<'_>, freight: &Freight, stage: &Stage) -> Answer {
    let name = stage.metadata.name.as_deref().unwrap_or_default();
    let label = index.labels.of(&freight.reference());
    let say = |state, reason, cause: String| Answer::new("Freight", own_name(freight), state, reason, cause).link("Stage", name);
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

fn verified_at(freight: &Freight, stage: &str) -> Option<Timestamp> {
    freight.status.as_ref()?.verified_in.get(stage)?.verified_at.as_ref().map(|t| t.0)
}

/// `4m ago`.
pub(crate) fn ago(at: Timestamp, now: Timestamp) -> String {
    format!("{} ago", age(at, now))
}
