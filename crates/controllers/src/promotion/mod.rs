//! Promotions: each waits for its turn, is carried out by the engine, and is told of where Kargo's clients look.
//!
//! A promotion runs inside the worker that has its key, so no promotion is ever carried out twice at one time; one that waits
//! leaves the worker and comes back by timer or change.

mod act;
mod journal;
mod observe;
mod projection;

pub(crate) use observe::{warehouses, whole_second};

use crate::frame::{Change, Failure, Key, Queue, Reconcile, Requeue};
use crate::house::House;
use async_trait::async_trait;
use journal::NAME;
use observe::World;
use parking_lot::Mutex;
use seaway_api::kargo::{Promotion, Stage};
use seaway_base::Next;
use seaway_runs::Cancel;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// How long a promotion may wait for its turn before it is told to be pending: most get it at once, and need no write.
const PENDING_AFTER: Duration = Duration::from_millis(500);
/// How often a run that is blocked looks again, as not every input tells of its changes.
const BLOCKED_LOOK: Duration = Duration::from_mins(5);

/// Carries out promotions.
pub(crate) struct Promotions {
    house: Arc<House>,
    running: Mutex<HashMap<Key, Cancel>>,
    stopping: AtomicBool,
}

impl Promotions {
    pub(crate) fn new(house: Arc<House>) -> Self {
        Self { house, running: Mutex::default(), stopping: AtomicBool::new(false) }
    }

    /// Asks every run to leave at the next safe place.
    pub(crate) fn stop(&self) {
        self.stopping.store(true, Ordering::SeqCst);
        self.running.lock().values().for_each(Cancel::stop);
    }

    /// What a change of a promotion means: a person's hand reaches a run in the middle of a step.
    fn changed(&self, change: &Change<Promotion>, queue: &Queue) {
        let Some(after) = &change.after else {
            // Nobody can save what it does from here on.
            if let Some(cancel) = self.running.lock().get(&change.key) {
                cancel.stop();
            }
            return;
        };
        if let Some(actor) = observe::aborter(after)
            && let Some(cancel) = self.running.lock().get(&change.key)
        {
            cancel.abort(&actor);
        }
        // Our own writes to the status are no news; whatever a person writes is in the metadata.
        let news = |before: &Promotion| {
            before.metadata.annotations != after.metadata.annotations
                || before.metadata.deletion_timestamp != after.metadata.deletion_timestamp
        };
        if change.before.as_deref().is_none_or(news) {
            queue.add(change.key.clone());
        }
    }

    /// Listens to what moves promotions. The caches are the house's: a listener that held it would keep both for ever.
    pub(crate) fn listen(self: &Arc<Self>, queue: &Arc<Queue>) {
        let (own, queue_) = (Arc::downgrade(self), Arc::clone(queue));
        self.house.caches.promotions.listen(move |change| {
            if let Some(own) = own.upgrade() {
                own.changed(change, &queue_);
            }
        });
        let (promotions, queue) = (Arc::downgrade(&self.house.caches.promotions), Arc::clone(queue));
        self.house.caches.stages.listen(move |change: &Change<Stage>| {
            let Some(after) = &change.after else { return };
            let current = |stage: &Stage| stage.status.as_ref()?.current_promotion.as_ref().map(|it| it.name.clone());
            let elected = current(after);
            if let (Some(name), true) = (&elected, change.before.as_deref().and_then(current) != elected) {
                queue.add(Key::new(&change.key.project, name));
            }
            // Those that are blocked by what the stage asks for look again when it asks for something else.
            if change.before.as_ref().is_some_and(|before| before.spec != after.spec) {
                let stage = crate::caches::within(&change.key.project, &change.key.name);
                let open = promotions.upgrade().map(|all| all.find_keys(crate::caches::index::STAGE, &stage));
                open.into_iter().flatten().for_each(|key| queue.add(key));
            }
        });
    }
}

#[async_trait]
impl Reconcile for Promotions {
    fn name(&self) -> &'static str {
        NAME
    }

    async fn reconcile(&self, key: &Key) -> Result<Requeue, Failure> {
        let Some(world) = observe::look(&self.house, key).await? else { return Ok(Requeue::OnChange) };
        if world.phase().is_terminal() {
            act::label(&self.house, &world.promotion).await?;
            return Ok(Requeue::OnChange);
        }
        match turn(&world) {
            Turn::Goes => self.carry_out(key, world).await,
            Turn::Blocked(message) => {
                act::block(&self.house, &world, "NotBuilt", &message).await?;
                Ok(Requeue::After(BLOCKED_LOOK))
            }
            Turn::Waits => act::pend(&self.house, &world).await,
        }
    }

    async fn failed(&self, key: &Key, failure: &Failure, _: u32) {
        // What is not tried again is told where people look.
        if !matches!(failure.next, Next::Retry) {
            act::tell_fault(&self.house, key, failure).await;
        }
    }
}

/// What comes next for a promotion that has not ended.
enum Turn {
    /// It is carried out now, or ended because somebody asks.
    Goes,
    /// A part of it is not built.
    Blocked(String),
    /// Others come first.
    Waits,
}

fn turn(world: &World) -> Turn {
    if world.abort().is_some() || world.has_begun() {
        return Turn::Goes;
    }
    match seaway_core::unbuilt::sentence(&world.unbuilt) {
        Some(message) => Turn::Blocked(message),
        None if world.is_elected() => Turn::Goes,
        None => Turn::Waits,
    }
}
