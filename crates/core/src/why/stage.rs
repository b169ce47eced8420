//! Why a stage stands as it does: the first thing that speaks, from the most pressing to the least.

use super::promotion::{plainly, who};
use super::short::{few_words, fit, not_built};
use super::{Answer, Index, State, left};
use crate::freight::{Availability, Listing, candidate, list, own_name};
use crate::reason::Reason;
use crate::stage::{auto_promotion_enabled, deciding_policy, effective_holds, is_control_flow, queue};
use crate::unbuilt;
use jiff::Timestamp;
use seaway_api::conditions::{self, types};
use seaway_api::kargo::{Freight, FreightRequest, Promotion, PromotionPhase, Stage, StageStatus, VerificationPhase};

pub(crate) fn of(index: &Index<'_>, stage: &Stage) -> Answer {
    let look = Look::new(index, stage);
    look.given_up()
        .or_else(|| look.missing_input())
        .or_else(|| look.under_way())
        .or_else(|| look.arrives())
        .or_else(|| look.last_attempt())
        .or_else(|| look.next_freight())
        .unwrap_or_else(|| look.settled())
}

/// The same for a reader of everything: where the stages before stand, it says how to go around them. A board keeps its rows without
/// that, since it is of other stages.
pub(crate) fn told(index: &Index<'_>, stage: &Stage) -> Answer {
    let answer = of(index, stage);
    if answer.reason != Reason::AwaitingUpstream {
        return answer;
    }
    let look = Look::new(index, stage);
    let newest =
        stage.spec.requested_freight.first().and_then(|request| look.listing(request).freight.first().map(|(it, _)| *it));
    let hint = newest.map(|it| super::freight::hint_of(index, it, stage, &super::freight::available(index, it, stage)));
    answer.hint(hint.unwrap_or_default())
}

/// The freight that would come next: what is on its way, what failed, or the newest there is beyond what is in the stage.
pub(crate) fn next<'a>(index: &Index<'a>, stage: &Stage) -> Option<&'a Freight> {
    let look = Look::new(index, stage);
    if let Some(current) = look.current() {
        return index.freight(&current.spec.freight);
    }
    if let Some(last) = look.last_unsuccessful().filter(|p| queue::phase(p) != PromotionPhase::Aborted) {
        return index.freight(&last.spec.freight);
    }
    stage.spec.requested_freight.iter().find_map(|request| {
        let listing = look.listing(request);
        look.newer(request, &listing).map(|(freight, _)| freight)
    })
}

/// Whether nothing comes through the stage before somebody mends it.
pub(super) fn is_given_up(index: &Index<'_>, stage: &Stage) -> bool {
    let look = Look::new(index, stage);
    look.given_up().or_else(|| look.missing_input()).is_some()
}

struct Look<'p, 'a> {
    index: &'p Index<'a>,
    stage: &'p Stage,
    name: &'p str,
    status: StageStatus,
    promotions: &'p [&'a Promotion],
}

impl<'p, 'a> Look<'p, 'a> {
    fn new(index: &'p Index<'a>, stage: &'p Stage) -> Self {
        let name = stage.metadata.name.as_deref().unwrap_or_default();
        let mut status = stage.status.clone().unwrap_or_default();
        status.auto_promotion_enabled = auto_promotion_enabled(stage, index.project.policies);
        Self { index, stage, name, status, promotions: index.promotions(name) }
    }

    fn say(&self, state: State, reason: Reason, cause: impl Into<String>) -> Answer {
        Answer::new("Stage", self.name, state, reason, cause)
    }

    fn created(&self) -> Option<Timestamp> {
        self.stage.metadata.creation_timestamp.as_ref().map(|t| t.0)
    }

    fn listing(&self, request: &FreightRequest) -> Listing<'a> {
        let own = self.index.of_origin(&request.origin.name).iter().copied();
        list(own, self.name, request, self.index.project.now, &|s| self.index.passes_on(s))
    }

    /// Its controller gave up on it, or fails again and again.
    fn given_up(&self) -> Option<Answer> {
        let stalled = conditions::get(&self.status.conditions, types::STALLED).filter(|c| c.is_true())?;
        let bug = stalled.reason == Reason::Bug.as_str();
        let reason = if bug { Reason::Bug } else { Reason::ControllerFails };
        let cause =
            if bug { stalled.message.clone() } else { format!("its controller fails again and again: {}", stalled.message) };
        let since = stalled.last_transition_time.as_ref().map(|t| t.0);
        Some(self.say(State::Blocked, reason, cause).since(since).waits_for(few_words(reason, &stalled.message)))
    }

    fn missing_input(&self) -> Option<Answer> {
        let unbuilt = self.index.unbuilt(self.stage);
        let blocked = |reason, cause: String| {
            Some(self.say(State::Blocked, reason, cause.clone()).since(self.created()).waits_for(fit(&cause)))
        };
        if let Some(cause) = unbuilt::sentence(&unbuilt) {
            return blocked(Reason::NotBuilt, cause).map(|answer| answer.waits_for(not_built(&unbuilt)));
        }
        for request in &self.stage.spec.requested_freight {
            let origin = request.origin.name.as_str();
            if self.index.warehouse(origin).is_none() {
                return blocked(Reason::WarehouseMissing, format!("warehouse `{origin}` is not there"));
            }
            let missing: Vec<&String> = request.sources.stages.iter().filter(|s| self.index.stage(s).is_none()).collect();
            let every = missing.len() == request.sources.stages.len() && !request.sources.direct;
            let all = request.sources.availability_strategy.as_str() == "All";
            if let Some(missing) = missing.first().filter(|_| every || all) {
                return blocked(Reason::UpstreamMissing, format!("upstream stage `{missing}` is not there"));
            }
        }
        None
    }

    /// The promotion that runs or would run next.
    fn current(&self) -> Option<&'a Promotion> {
        self.index.open(self.name).first().copied()
    }

    fn under_way(&self) -> Option<Answer> {
        let current = self.current()?;
        let own = super::promotion::of(self.index, current);
        let freight = self.index.freight(&current.spec.freight);
        let label = freight.map_or_else(|| current.spec.freight.clone(), |f| self.index.labels.of(&f.reference()));
        let mut answer = self
            .say(own.state, own.reason, format!("{label}: {}", own.cause))
            .since(own.since)
            .waits_for(own.waits_for)
            .released_by(own.releases)
            .hint(own.hint)
            .until(own.until)
            .link("Promotion", queue::name(current));
        let verifying = self.status.freight_history.first().and_then(|c| c.verification_history.first());
        let pending = verifying.is_some_and(|v| !VerificationPhase::from(v.phase.as_str()).is_terminal());
        if queue::phase(current) != PromotionPhase::Running && pending {
            answer.state = State::Waiting;
            answer.reason = Reason::VerificationPending;
            answer.cause = format!("{label}: what is in the stage is verified first");
        }
        Some(answer)
    }

    /// A promotion has succeeded, and the stage has not taken its end in yet: what comes next is not known before.
    fn arrives(&self) -> Option<Answer> {
        let last = self.promotions.iter().copied().max_by(|a, b| queue::name(a).cmp(queue::name(b)))?;
        let taken = self.status.last_promotion.as_ref().is_some_and(|taken| taken.name.as_str() >= queue::name(last));
        if taken || queue::phase(last) != PromotionPhase::Succeeded || is_control_flow(self.stage) {
            return None;
        }
        let freight = self.index.freight(&last.spec.freight);
        let label = freight.map_or_else(|| last.spec.freight.clone(), |f| self.index.labels.of(&f.reference()));
        let since = last.status.as_ref().and_then(|s| s.finished_at.as_ref()).map(|t| t.0);
        let cause = format!("{label} has arrived, and the stage takes note of it at its next look");
        Some(self.say(State::Promoting, Reason::Promoting, cause).since(since).link("Promotion", queue::name(last)))
    }

    /// The last promotion, if it did not succeed.
    fn last_unsuccessful(&self) -> Option<&'a Promotion> {
        let last = self.promotions.iter().copied().max_by(|a, b| queue::name(a).cmp(queue::name(b)))?;
        let phase = queue::phase(last);
        (phase.is_terminal() && phase != PromotionPhase::Succeeded).then_some(last)
    }

    fn last_attempt(&self) -> Option<Answer> {
        let Some(last) = self.last_unsuccessful() else { return self.remembered_attempt() };
        let own = super::promotion::of(self.index, last);
        if own.reason == Reason::PromotionAborted {
            return None;
        }
        let freight = self.index.freight(&last.spec.freight);
        let label = freight.map_or_else(|| last.spec.freight.clone(), |f| self.index.labels.of(&f.reference()));
        // A second try may have found it there and pushed nothing.
        let is_in_git = landed_last(self.promotions).is_some_and(|it| it.spec.freight == last.spec.freight);
        let written = if is_in_git { " (in git all the same)" } else { "" };
        Some(
            self.say(State::Failed, own.reason, format!("{label}{written}: {}", own.cause))
                .since(own.since)
                .waits_for(own.waits_for)
                .released_by(own.releases)
                .hint(own.hint)
                .link("Promotion", queue::name(last)),
        )
    }

    /// The same from the stage's own memory, when the promotion itself is gone.
    fn remembered_attempt(&self) -> Option<Answer> {
        let last =
            self.status.last_promotion.as_ref().filter(|l| !self.promotions.iter().any(|p| queue::name(p) >= l.name.as_str()))?;
        let ended = last.status.as_ref()?;
        let reason = match ended.phase {
            PromotionPhase::Failed => Reason::PromotionFailed,
            PromotionPhase::Errored => Reason::PromotionErrored,
            _ => return None,
        };
        let since = last.finished_at.as_ref().map(|t| t.0);
        let cause = plainly(&ended.message);
        Some(self.say(State::Failed, reason, cause.clone()).since(since).waits_for(fit(&cause)))
    }

    /// The newest freight beyond what is in the stage, whether it may go in now or after some time.
    fn newer(&self, request: &FreightRequest, listing: &Listing<'a>) -> Option<(&'a Freight, Availability)> {
        let current = self.status.freight_history.first().and_then(|c| c.items.get(&request.origin.key()));
        let current = current.map(|c| c.name.as_str());
        let beyond = listing.freight.iter().take_while(|(f, _)| Some(own_name(f)) != current);
        let mut open = beyond.filter(|(_, a)| a.is_available() || matches!(a, Availability::Soaking { .. }));
        // What may pass a stage without steps has passed it.
        let waits = |a: &Availability| !is_control_flow(self.stage) || !a.is_available();
        open.next().filter(|(_, a)| waits(a)).map(|(f, a)| (*f, a.clone()))
    }

    fn next_freight(&self) -> Option<Answer> {
        let holds = effective_holds(self.stage, &self.status, self.promotions.iter().copied());
        for request in &self.stage.spec.requested_freight {
            let listing = self.listing(request);
            let Some((freight, availability)) = self.newer(request, &listing) else { continue };
            let label = self.index.labels.of(&freight.reference());
            if let Some(hold) = holds.get(&request.origin.key()) {
                let actor = if hold.actor.is_empty() { "somebody" } else { who(&hold.actor) };
                let cause = format!("{actor} chose other freight than {label}");
                return Some(
                    self.say(State::Held, Reason::Held, cause)
                        .since(hold.created_at.as_ref().map(|t| t.0))
                        .waits_for(format!("{}: resume", self.whom()))
                        .hint(format!("seaway resume {}", self.name))
                        .link("Promotion", &hold.promotion_name),
                );
            }
            if let Availability::Soaking { stage, until } = &availability {
                let left = left(*until, self.index.project.now);
                let since = freight.status.as_ref().and_then(|s| s.verified_in.get(stage)).and_then(|v| v.verified_at.as_ref());
                return Some(
                    self.say(State::Waiting, Reason::Soaking, format!("{label} soaks in {stage} for {left} more"))
                        .since(since.map(|t| t.0))
                        .waits_for(format!("soak in {stage}: {left}"))
                        .until(Some(*until))
                        .link("Stage", stage),
                );
            }
            if !self.status.auto_promotion_enabled {
                let version = self.index.spoken(own_name(freight));
                let whom = self.whom();
                let policy = match deciding_policy(self.stage, self.index.project.policies) {
                    Some(_) => "its policy turns automatic promotion off",
                    None => "no policy lets it promote by itself",
                };
                let cause = format!("{label} waits for {whom}: manual promotion ({policy})");
                return Some(
                    self.say(State::Waiting, Reason::ManualPromotion, cause)
                        .since(self.since_both(&availability))
                        .waits_for(format!("{whom}: manual promotion"))
                        .hint(format!("seaway promote {} --freight {version}", self.name))
                        .link("Freight", own_name(freight)),
                );
            }
            if candidate(&listing, request).one().is_none() {
                let cause = format!("upstream is changing to {label}");
                return Some(self.say(State::Waiting, Reason::UpstreamChanging, cause).since(self.since_both(&availability)));
            }
            let stopped = |p: &&&Promotion| p.spec.freight == own_name(freight) && queue::phase(p) == PromotionPhase::Aborted;
            if let Some(stopped) = self.promotions.iter().filter(stopped).max_by(|a, b| queue::name(a).cmp(queue::name(b))) {
                let cause = format!("the promotion of {label} was stopped, and automation does not try again");
                return Some(
                    self.say(State::Waiting, Reason::PromotionAborted, cause)
                        .since(stopped.status.as_ref().and_then(|s| s.finished_at.as_ref()).map(|t| t.0))
                        .waits_for(format!("{}: promote it again", self.whom()))
                        .hint(format!("seaway promote {} --freight {}", self.name, self.index.spoken(own_name(freight)))),
                );
            }
            return Some(
                self.say(State::Promoting, Reason::Promoting, format!("{label} is promoted at the next look"))
                    .since(self.since_both(&availability)),
            );
        }
        None
    }

    /// When the last promotion ended, however it ended.
    fn last_ended(&self) -> Option<Timestamp> {
        self.status.last_promotion.as_ref()?.finished_at.as_ref().map(|t| t.0)
    }

    /// Freight waits since it may come, but not for longer than the stage has something else: a rollback begins the wait anew.
    fn since_both(&self, availability: &Availability) -> Option<Timestamp> {
        availability.since().max(self.last_ended())
    }

    fn whom(&self) -> &'static str {
        if (self.index.project.may_promote)(self.name) { "you" } else { "a promoter" }
    }

    fn settled(&self) -> Answer {
        if is_control_flow(self.stage) {
            let state = if self.stage.spec.requested_freight.iter().any(|r| self.listing(r).available().next().is_some()) {
                State::Unchecked
            } else {
                State::Empty
            };
            return self.say(state, Reason::ControlFlow, Reason::ControlFlow.meaning()).since(self.created());
        }
        let Some(current) = self.status.freight_history.first() else { return self.empty() };
        let since = self.last_ended();
        let latest = current.verification_history.first();
        if self.stage.spec.verification.is_none() || latest.is_none() {
            return self
                .say(State::Unchecked, Reason::Unchecked, "its last promotion succeeded; nothing verifies it")
                .since(since);
        }
        match latest.map(|v| (VerificationPhase::from(v.phase.as_str()), v.message.clone())) {
            Some((VerificationPhase::Successful, _)) => {
                self.say(State::Verified, Reason::Verified, "what is in it is verified").since(since)
            }
            Some((phase, message)) if phase.is_terminal() => {
                self.say(State::Failed, Reason::VerificationFailed, message.clone()).since(since).waits_for(fit(&message))
            }
            _ => self.say(State::Waiting, Reason::VerificationPending, "what is in it is being verified").since(since),
        }
    }

    /// Nothing was ever promoted here: say why nothing could be.
    fn empty(&self) -> Answer {
        let Some(request) = self.stage.spec.requested_freight.first() else {
            return self.say(State::Empty, Reason::Empty, Reason::Empty.meaning()).since(self.created());
        };
        if let Some((newest, _)) = self.listing(request).freight.first() {
            let own = super::freight::available(self.index, newest, self.stage);
            return self
                .say(State::Empty, own.reason, own.cause)
                .since(own.since.or(self.created()))
                .waits_for(own.waits_for)
                .released_by(own.releases)
                .hint(if own.reason == Reason::AwaitingUpstream { String::new() } else { own.hint });
        }
        let of = request.origin.name.as_str();
        let warehouse = self.index.warehouse(of);
        let why = warehouse.map(|w| super::warehouse::of(self.index, w)).filter(Answer::does_not_move);
        let cause = why.as_ref().map_or_else(String::new, |w| format!(": {}", w.cause));
        let reason = why.as_ref().map_or(Reason::Empty, |w| w.reason);
        let since = why.as_ref().and_then(|w| w.since).or(self.created());
        let releases = why.as_ref().map_or_else(|| "the first freight it makes".to_owned(), |w| w.releases.clone());
        self.say(State::Empty, reason, format!("warehouse {of} has made no freight yet{cause}"))
            .since(since)
            .released_by(releases)
            .hint(why.map(|w| w.hint).unwrap_or_default())
            .waits_for(format!("warehouse {of}"))
            .link("Warehouse", of)
    }
}

/// Of a stage's promotions the one that git has: what landed before it was written over.
pub(crate) fn landed_last<'a>(promotions: &[&'a Promotion]) -> Option<&'a Promotion> {
    let ended = |p: &&Promotion| p.status.as_ref().and_then(|s| s.finished_at.as_ref()).map(|time| time.0);
    promotions.iter().copied().filter(|p| landed(p)).max_by_key(ended)
}

/// Whether a promotion's push had landed, whatever came after.
fn landed(promotion: &Promotion) -> bool {
    let Some(status) = &promotion.status else { return false };
    promotion
        .spec
        .steps
        .iter()
        .zip(&status.step_execution_metadata)
        .any(|(step, went)| step.uses == "git-push" && went.status == seaway_api::kargo::PromotionStepStatus::Succeeded)
}
