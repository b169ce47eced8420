//! Why a promotion does not move, or how it ended.

use super::short::{few_words, fit, not_built};
use super::{Answer, Index, State};
use crate::authorize::bare_actor;
use crate::reason::Reason;
use crate::stage::queue;
use crate::unbuilt;
use seaway_api::conditions::{self, types};
use seaway_api::kargo::{Promotion, PromotionPhase, PromotionStatus};

pub(crate) fn of(index: &Index<'_>, promotion: &Promotion) -> Answer {
    let status = promotion.status.clone().unwrap_or_default();
    let answer = match status.phase {
        ref phase if phase.is_terminal() => ended(index, promotion, &status),
        PromotionPhase::Running => stalled(index, promotion).unwrap_or_else(|| running(index, promotion, &status)),
        _ => stalled(index, promotion).unwrap_or_else(|| pending(index, promotion)),
    };
    answer.link("Stage", &promotion.spec.stage).link("Freight", &promotion.spec.freight)
}

fn say(promotion: &Promotion, state: State, reason: Reason, cause: impl Into<String>) -> Answer {
    Answer::new("Promotion", queue::name(promotion), state, reason, cause)
}

fn created(promotion: &Promotion) -> Option<jiff::Timestamp> {
    promotion.metadata.creation_timestamp.as_ref().map(|t| t.0)
}

/// Its controller gave up on it, and says so in the run.
fn stalled(index: &Index<'_>, promotion: &Promotion) -> Option<Answer> {
    let run = index.run(queue::name(promotion)).and_then(|run| run.status.as_ref())?;
    let stalled = conditions::get(&run.conditions, types::STALLED).filter(|c| c.is_true())?;
    let reason = Reason::parse(&stalled.reason).unwrap_or(Reason::Bug);
    let hint = if reason.hint().is_empty() { "seaway abort PROMOTION" } else { reason.hint() };
    let cause = format!("Seaway gave up on it: {}", stalled.message);
    let since = stalled.last_transition_time.as_ref().map(|t| t.0);
    let answer = say(promotion, State::Blocked, reason, cause).since(since).waits_for(few_words(reason, &stalled.message));
    Some(answer.hint(filled(hint, index, promotion)))
}

fn pending(index: &Index<'_>, promotion: &Promotion) -> Answer {
    let name = queue::name(promotion);
    let Some(stage) = index.stage(&promotion.spec.stage) else {
        let cause = format!("stage `{}` is not there", promotion.spec.stage);
        return say(promotion, State::Blocked, Reason::StageMissing, cause).since(created(promotion));
    };
    let mut parts = index.unbuilt(stage);
    parts.extend(unbuilt::promotion(&promotion.spec, index.project.is_built));
    parts.dedup_by(|a, b| a.part == b.part);
    if let Some(cause) = unbuilt::sentence(&parts) {
        let few = not_built(&parts);
        return say(promotion, State::Blocked, Reason::NotBuilt, cause).since(created(promotion)).waits_for(few);
    }
    let open = index.open(&promotion.spec.stage);
    let before: Vec<&str> = open.into_iter().map(queue::name).take_while(|other| *other != name).collect();
    match before.as_slice() {
        [] => say(promotion, State::Promoting, Reason::Promoting, "it starts at the stage's next look").since(created(promotion)),
        [first, ..] => {
            let n = before.len();
            let cause =
                if n == 1 { format!("{first} comes first") } else { format!("{n} promotions come first, {first} among them") };
            let waits = format!("queue: {n} before it");
            say(promotion, State::Waiting, Reason::Queued, cause)
                .since(created(promotion))
                .waits_for(waits)
                .released_by(format!("the end of {first}"))
                .link("Promotion", first)
        }
    }
}

fn running(index: &Index<'_>, promotion: &Promotion, status: &PromotionStatus) -> Answer {
    let started = status.started_at.as_ref().map(|t| t.0);
    let name = queue::name(promotion);
    let run = index.run(name).and_then(|r| r.status.as_ref());
    if let Some(run) = run {
        let blocked = conditions::get(&run.conditions, types::BLOCKED).filter(|c| c.is_true());
        if run.phase == "Uncertain" {
            let journal = serde_json::to_value(&run.journal).unwrap_or_default();
            let steps = journal.get("steps").and_then(serde_json::Value::as_array);
            let uncertain = |step: &&serde_json::Value| step.pointer("/effect/uncertain").is_some_and(|it| it == true);
            let entry = steps.and_then(|steps| steps.iter().find(uncertain));
            let begun = entry.and_then(|step| step.pointer("/effect/startedAt")?.as_str()?.parse().ok());
            let since = begun.or(started);
            let step = entry.and_then(|step| step.get("alias")?.as_str()).unwrap_or("a step");
            let cause = format!("`{step}` sent something and its answer never came");
            return say(promotion, State::Uncertain, Reason::EffectUncertain, cause)
                .since(since)
                .waits_for(format!("you: did `{step}` arrive?"))
                .hint(format!("seaway resolve {name} --repeat|--skip"));
        }
        if let Some(blocked) = blocked {
            let reason = Reason::parse(&blocked.reason).unwrap_or(Reason::InvalidSpec);
            let since = blocked.last_transition_time.as_ref().map(|t| t.0).or(started);
            return say(promotion, State::Blocked, reason, blocked.message.clone())
                .since(since)
                .waits_for(few_words(reason, &blocked.message))
                .hint(filled(reason.hint(), index, promotion));
        }
        let stands =
            |reason: Reason| conditions::get(&run.conditions, types::READY).is_some_and(|ready| ready.reason == reason.as_str());
        if let Some(wait) = run.waits.first().filter(|_| stands(Reason::Retrying)) {
            let cause = format!("`{}` met an error and is tried again: {}", wait.step, wait.for_);
            return say(promotion, State::Waiting, Reason::Retrying, cause)
                .since(wait.since.as_ref().map(|t| t.0).or(started))
                .waits_for(format!("another try of `{}`", wait.step))
                .until(wait.until.as_ref().map(|t| t.0));
        }
        if let Some(wait) = run.waits.first() {
            let reason = if stands(Reason::ServerSilent) { Reason::ServerSilent } else { Reason::StepWaiting };
            let few = match reason {
                Reason::ServerSilent => few_words(reason, &wait.for_),
                _ => format!("step `{}`", wait.step),
            };
            let answer = say(promotion, State::Waiting, reason, format!("`{}` waits: {}", wait.step, wait.for_))
                .since(wait.since.as_ref().map(|t| t.0).or(started))
                .waits_for(few)
                .until(wait.until.as_ref().map(|t| t.0));
            return if wait.released_by.is_empty() { answer } else { answer.released_by(wait.released_by.clone()) };
        }
    }
    let index = usize::try_from(status.current_step).unwrap_or_default();
    let n = promotion.spec.steps.len();
    let uses = promotion.spec.steps.get(index).map_or("", |s| s.uses.as_str());
    let failing = status.step_execution_metadata.get(index).filter(|m| m.error_count > 0 && !m.message.is_empty());
    if let Some(step) = failing {
        let cause = format!("`{}` met an error and is tried again: {}", step.alias, step.message);
        let few = format!("another try of `{}`", step.alias);
        return say(promotion, State::Waiting, Reason::Retrying, cause).since(started).waits_for(few);
    }
    let cause = format!("step {} of {n}, {uses}", (index + 1).min(n.max(1)));
    say(promotion, State::Promoting, Reason::Promoting, cause).since(started)
}

/// A hint of the catalogue with this promotion's names in it.
fn filled(hint: &str, index: &Index<'_>, promotion: &Promotion) -> String {
    hint.replace("STAGE", &promotion.spec.stage)
        .replace("FREIGHT", &index.spoken(&promotion.spec.freight))
        .replace("PROMOTION", queue::name(promotion))
}

fn ended(index: &Index<'_>, promotion: &Promotion, status: &PromotionStatus) -> Answer {
    let finished = status.finished_at.as_ref().map(|t| t.0);
    let told = index.run(queue::name(promotion)).and_then(|r| r.status.as_ref()).and_then(|run| {
        let ready = conditions::get(&run.conditions, types::READY).filter(|c| !c.is_true());
        ready.and_then(|c| Reason::parse(&c.reason))
    });
    let (state, reason) = match status.phase {
        PromotionPhase::Succeeded => (State::Succeeded, Reason::Succeeded),
        PromotionPhase::Aborted => (State::Aborted, Reason::PromotionAborted),
        PromotionPhase::Errored => (State::Failed, told.unwrap_or(Reason::PromotionErrored)),
        _ => (State::Failed, told.unwrap_or(Reason::PromotionFailed)),
    };
    let cause = if status.message.is_empty() { reason.meaning().to_owned() } else { plainly(&status.message) };
    let waits = match state {
        State::Failed => few_words(reason, &cause),
        State::Aborted => fit(&cause),
        _ => String::new(),
    };
    // What was planned is planned anew; else another promotion is shown, whose plan is a word away.
    let verb = if reason == Reason::PlanChanged { "plan" } else { "promote" };
    let hint = match state {
        State::Failed | State::Aborted => {
            format!("seaway {verb} {} --freight {}", promotion.spec.stage, index.spoken(&promotion.spec.freight))
        }
        _ => String::new(),
    };
    let answer = say(promotion, state, reason, cause).since(finished).waits_for(waits).hint(hint);
    // Mending the cause is half of it: what is over is not taken up again by itself.
    match reason {
        _ if state != State::Failed => answer,
        Reason::PromotionFailed | Reason::PromotionErrored | Reason::PromotionAborted | Reason::PushConflict => answer,
        _ => answer.released_by(format!("{}, then another promotion", reason.releases())),
    }
}

/// A message without the words that Kargo's clients know it by and that say nothing more: how often a step that is tried once was
/// tried, and by which door a person came.
pub fn plainly(message: &str) -> String {
    let message = message.strip_prefix("an unrecoverable error occurred: ").unwrap_or(message);
    let tried_once = message.strip_prefix("step `").and_then(|rest| rest.split_once("` met error threshold of 1: "));
    let message = tried_once.map_or_else(|| message.to_owned(), |(alias, why)| format!("`{alias}`: {why}"));
    DOORS.iter().fold(message, |message, door| {
        message.replace(&format!(" by {door}"), " by ").replace(&format!(" by \"{door}"), " by \"")
    })
}

/// How an actor's string begins, by the door a person came through (reference §1.4); what follows is who it is.
const DOORS: [&str; 4] = ["kubernetes:", "email:", "subject:", "user:"];

/// Who an actor's string means, for people: `kubernetes:alice` is alice; a controller stays one.
pub fn who(actor: &str) -> &str {
    if actor.starts_with("controller:") { actor } else { Some(bare_actor(actor)).filter(|who| !who.is_empty()).unwrap_or(actor) }
}

/// The first line of a message: what fits into a column.
pub(crate) fn first_line(message: &str) -> String {
    message.lines().next().unwrap_or_default().trim().to_owned()
}
