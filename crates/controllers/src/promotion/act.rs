//! What is done about a promotion: it is carried out, ended, held back, and told of.

use super::journal::{Held, ObjectJournal};
use super::observe::{World, kargo};
use super::{BLOCKED_LOOK, NAME, PENDING_AFTER, Promotions, projection};
use crate::events;
use crate::frame::{Failure, Key, Requeue};
use crate::house::House;
use crate::write::{by, status};
use kube::api::{Api, Patch};
use parking_lot::Mutex;
use seaway_api::conditions::{self, Condition, types};
use seaway_api::kargo::names::{annotation, label};
use seaway_api::kargo::{Promotion, PromotionPhase, PromotionStatus};
use seaway_api::seaway::PromotionRun;
use seaway_base::{Next, chain};
use seaway_core::events::{Event, Happening};
use seaway_runs::{
    AdvanceError, Cancel, Choice, JournalError, JournalSink as _, Milestone, Outcome, Phase, Run, RunSpec, RunState,
};
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::Ordering;

impl Promotions {
    /// Carries the promotion out as far as it goes now.
    pub(super) async fn carry_out(&self, key: &Key, world: World) -> Result<Requeue, Failure> {
        let house = &self.house;
        let abort = world.abort();
        if let Some(why) = world.refusal(house).filter(|_| abort.is_none() && !world.has_begun()) {
            end_unbegun(house, &world, Phase::Errored, why).await?;
            return Ok(Requeue::OnChange);
        }
        let spec = match RunSpec::from_promotion(&world.promotion.spec) {
            Ok(spec) => Arc::new(spec),
            Err(err) => {
                end_unbegun(house, &world, Phase::Errored, chain(&err)).await?;
                return Ok(Requeue::OnChange);
            }
        };
        let stored = world.run.as_ref().and_then(|run| run.status.as_ref()).and_then(|status| status.journal.as_ref());
        let state = match stored.map(RunState::from_json).transpose() {
            Ok(state) => state,
            Err(err) => {
                let message = chain(&err);
                // A person must be able to end it: it holds up its stage.
                let Some(actor) = abort else { return Err(Failure { next: Next::Failed, reason: "JournalUnreadable", message }) };
                let message = format!("promotion aborted by {actor}; nobody knows what it did: {message}");
                end_unbegun(house, &world, Phase::Aborted, message).await?;
                return Ok(Requeue::OnChange);
            }
        };
        let expected = world.expected(house);
        let journal = Arc::new(ObjectJournal {
            runs: house.api(NAME, world.project()),
            promotions: house.api(NAME, world.project()),
            clock: house.engine.ports.clock.clone(),
            freight: world.collection(),
            plan: expected.as_ref().map(|(_, name)| name.clone()).unwrap_or_default(),
            held: Mutex::new(Held { promotion: world.promotion.clone(), run: world.run.clone() }),
        });
        let mut run = Run::new(Arc::new(world.facts(house)), spec, state);
        run.identity = house.identity();
        run.expected = expected.map(|(expected, _)| expected);
        resolve(house, &world, &journal, &mut run).await?;
        if run.state.wait.is_none() {
            // What was told in the midst of a step ended with the process that told it.
            journal.tell(&run.facts, None).await.map_err(|err| unsaved(&AdvanceError::Journal(err)))?;
        }
        let _registered = self.register(key, &run.cancel, abort);
        let mut engine = house.engine.clone();
        engine.journal = journal.clone();
        let outcome = engine.advance(&mut run).await;
        if let Some(token) = world.refresh() {
            handled(house, &world, token).await?;
        }
        match outcome {
            Ok(Outcome::Finished(_)) => {
                self.finish(&journal, &run.state).await?;
                Ok(Requeue::OnChange)
            }
            Ok(Outcome::Waiting { until, .. }) => Ok(Requeue::After(house.wait_until(until))),
            Ok(Outcome::Retry { after, .. }) => Ok(Requeue::After(after)),
            Ok(Outcome::Blocked { .. }) => Ok(Requeue::After(BLOCKED_LOOK)),
            Ok(Outcome::Uncertain { .. } | Outcome::Stopped) => Ok(Requeue::OnChange),
            Err(err @ AdvanceError::Mismatch { .. }) => {
                end_unbegun(house, &world, Phase::Errored, err.to_string()).await?;
                Ok(Requeue::OnChange)
            }
            Err(err) => Err(unsaved(&err)),
        }
    }

    /// Lets a person's hand and the end of the process reach the run, until the guard is dropped.
    fn register(&self, key: &Key, cancel: &Cancel, abort: Option<String>) -> Registered<'_> {
        self.running.lock().insert(key.clone(), cancel.clone());
        // What was asked between the look and the registration is not lost.
        let cached = self.house.caches.promotions.get(key);
        if let Some(actor) = abort.or_else(|| cached.as_deref().and_then(super::observe::aborter)) {
            cancel.abort(&actor);
        }
        if self.stopping.load(Ordering::SeqCst) {
            cancel.stop();
        }
        Registered { promotions: self, key: key.clone() }
    }

    /// A run that is over is told of where Kargo's clients look; the event of it comes with that write.
    async fn finish(&self, journal: &ObjectJournal, state: &RunState) -> Result<(), Failure> {
        journal.project(state).await.map_err(|err| unsaved(&AdvanceError::Journal(err)))?;
        let written = journal.held.lock().promotion.clone();
        label(&self.house, &written).await
    }
}

struct Registered<'a> {
    promotions: &'a Promotions,
    key: Key,
}

impl Drop for Registered<'_> {
    fn drop(&mut self) {
        self.promotions.running.lock().remove(&self.key);
    }
}

/// Enters a person's decision. It is durable before its annotation goes, and the annotation is gone before the run moves:
/// so one decision is never taken for two effects.
async fn resolve(house: &House, world: &World, journal: &ObjectJournal, run: &mut Run) -> Result<(), Failure> {
    let Some(choice) = world.resolution() else { return Ok(()) };
    let of = run.state.uncertain().map(|step| step.alias.clone());
    if let (Some((choice, actor)), Some(step)) = (choice, of) {
        tell_resolved(house, world, &step, choice, &actor, run.state.revision).await?;
        run.state.resolve(choice, &actor);
        run.state.revision += 1;
        run.state.message.clear();
        journal.save(&run.facts, &run.state, Milestone::Effect).await.map_err(|err| unsaved(&AdvanceError::Journal(err)))?;
    }
    let api: Api<Promotion> = house.api(NAME, world.project());
    let patch = json!({ "metadata": { "annotations": { annotation::RESOLVE: null } } });
    let written = api.patch(world.name(), &by(NAME), &Patch::Merge(&patch)).await;
    let written = written.map_err(|err| Failure::api("take the decision off the promotion", &err))?;
    journal.held.lock().promotion = written;
    Ok(())
}

fn unsaved(err: &AdvanceError) -> Failure {
    let reason = match err {
        AdvanceError::Journal(JournalError::Conflict) => "Conflict",
        AdvanceError::Crashed => "Crashed",
        _ => "JournalUnsaved",
    };
    Failure { next: Next::Retry, reason, message: chain(err) }
}

/// Ends a promotion of which nothing was carried out.
async fn end_unbegun(house: &House, world: &World, phase: Phase, message: String) -> Result<(), Failure> {
    let now = Some(k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(house.now()));
    let before = world.promotion.status.clone().unwrap_or_default();
    let after = PromotionStatus { phase: kargo(phase), message, finished_at: now, ..before };
    let written = write_status(house, world, &after).await?;
    label(house, written.as_ref().unwrap_or(&world.promotion)).await
}

async fn write_status(house: &House, world: &World, after: &PromotionStatus) -> Result<Option<Promotion>, Failure> {
    let api: Api<Promotion> = house.api(NAME, world.project());
    let before = world.promotion.status.clone().unwrap_or_default();
    let written = status(&api, NAME, world.name(), &before, after).await;
    written.map_err(|err| Failure::api("write the promotion's status", &err))
}

/// Notes that a refresh was handled.
async fn handled(house: &House, world: &World, token: &str) -> Result<(), Failure> {
    let api: Api<Promotion> = house.api(NAME, world.project());
    let patch = json!({ "status": { "lastHandledRefresh": token } });
    let written = api.patch_status(world.name(), &by(NAME), &Patch::Merge(&patch)).await;
    written.map(|_| ()).map_err(|err| Failure::api("note the refresh", &err))
}

/// Marks a promotion that has ended, so that watches leave it out; one that an earlier release ended may lack the mark.
pub(super) async fn label(house: &House, promotion: &Promotion) -> Result<(), Failure> {
    if promotion.metadata.labels.as_ref().is_some_and(|it| it.contains_key(label::TERMINAL)) {
        return Ok(());
    }
    let meta = &promotion.metadata;
    let api: Api<Promotion> = house.api(NAME, meta.namespace.as_deref().unwrap_or_default());
    let patch = json!({ "metadata": { "labels": { label::TERMINAL: "true" } } });
    let written = api.patch(meta.name.as_deref().unwrap_or_default(), &by(NAME), &Patch::Merge(&patch)).await;
    written.map(|_| ()).map_err(|err| Failure::api("label the promotion", &err))
}

/// A promotion that is not its stage's turn is pending; told only once it has waited a little.
pub(super) async fn pend(house: &House, world: &World) -> Result<Requeue, Failure> {
    if world.phase() == PromotionPhase::Pending {
        return Ok(Requeue::OnChange);
    }
    let made = world.promotion.metadata.creation_timestamp.as_ref().map(|at| at.0);
    let age = made.and_then(|made| std::time::Duration::try_from(house.now().duration_since(made)).ok()).unwrap_or_default();
    // Creation is known to the second only.
    let told_after = PENDING_AFTER + std::time::Duration::from_secs(1);
    if age < told_after {
        return Ok(Requeue::After((told_after - age).max(PENDING_AFTER)));
    }
    let before = world.promotion.status.clone().unwrap_or_default();
    write_status(house, world, &PromotionStatus { phase: PromotionPhase::Pending, ..before }).await?;
    Ok(Requeue::OnChange)
}

/// A promotion that cannot begin says why, in its run and in its own message.
pub(super) async fn block(house: &House, world: &World, reason: &str, message: &str) -> Result<(), Failure> {
    let journal = ObjectJournal {
        runs: house.api(NAME, world.project()),
        promotions: house.api(NAME, world.project()),
        clock: house.engine.ports.clock.clone(),
        freight: None,
        plan: String::new(),
        held: Mutex::new(Held { promotion: world.promotion.clone(), run: world.run.clone() }),
    };
    let fail = |err: JournalError| unsaved(&AdvanceError::Journal(err));
    let run = journal.made().await.map_err(fail)?;
    let written =
        journal.write(run, |before, generation, now| projection::blocked(before, reason, message, generation, now)).await;
    written.map_err(fail)?;
    let before = world.promotion.status.clone().unwrap_or_default();
    let after = PromotionStatus { phase: PromotionPhase::Pending, message: message.to_owned(), ..before };
    write_status(house, world, &after).await.map(|_| ())
}

/// Tells who decided an uncertain effect, and how; the revision tells one decision from the next.
async fn tell_resolved(
    house: &House,
    world: &World,
    step: &str,
    choice: Choice,
    actor: &str,
    revision: u64,
) -> Result<(), Failure> {
    let word = match choice {
        Choice::Repeat => "did not happen and is repeated",
        Choice::Skip => "is skipped",
    };
    let note = format!("{actor} decided: what step `{step}` sent {word}");
    let event = Event::of_promotion(Happening::EffectResolved, &world.promotion, None, note, house.now()).with("actor", actor);
    let told = events::tell((house.client_for)(NAME), world.project(), event, &format!("resolved-{revision}")).await;
    told.map_err(|err| Failure::api("tell of the decision", &err))
}

/// What a promotion is stalled by: in its message, and as a condition of its run, if it has one.
pub(super) async fn tell_fault(house: &House, key: &Key, failure: &Failure) {
    let told = async {
        let api: Api<Promotion> = house.api(NAME, &key.project);
        let Some(promotion) = api.get_opt(&key.name).await? else { return Ok(()) };
        let before = promotion.status.clone().unwrap_or_default();
        if before.phase.is_terminal() {
            return Ok(());
        }
        let after = PromotionStatus { message: failure.message.clone(), ..before.clone() };
        status(&api, NAME, &key.name, &before, &after).await?;
        let runs: Api<PromotionRun> = house.api(NAME, &key.project);
        let Some(run) = runs.get_opt(&key.name).await? else { return Ok(()) };
        let before = run.status.unwrap_or_default();
        let mut after = before.clone();
        let stalled = Condition::new(types::STALLED, true, failure.reason, failure.message.clone()).at(run.metadata.generation);
        conditions::set(&mut after.conditions, stalled, house.now());
        status(&runs, NAME, &key.name, &before, &after).await.map(|_| ())
    };
    let told: Result<(), kube::Error> = told.await;
    if let Err(err) = told {
        tracing::error!(object = %key, error = %err, "tell of a fault");
    }
}
