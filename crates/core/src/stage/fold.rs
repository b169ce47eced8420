//! Takes promotions that have ended into the stage's memory: what is in it, what was, what it is held for.

use super::queue::{name, phase, reference};
use super::{holds, is_control_flow};
use seaway_api::kargo::{FreightCollection, Promotion, PromotionPhase, Stage, StageStatus};

/// A stage remembers this many collections.
const N_HISTORY_MAX: usize = 10;

/// The stage's status with all that has ended since its last promotion, oldest first.
///
/// Folding stops at the first promotion that has not ended, so that one stopped out of turn never hides an earlier one.
pub fn fold(stage: &Stage, promotions: &[Promotion]) -> StageStatus {
    let mut status = stage.status.clone().unwrap_or_default();
    debug_assert!(!is_control_flow(stage), "a control-flow stage has no promotions");
    let last = status.last_promotion.as_ref().map(|p| p.name.clone()).unwrap_or_default();
    let mut later: Vec<&Promotion> = promotions.iter().filter(|p| name(p) > last.as_str()).collect();
    later.sort_by(|a, b| name(a).cmp(name(b)));
    for promotion in later.into_iter().take_while(|p| phase(p).is_terminal()) {
        fold_one(&mut status, promotion);
    }
    if let Some(current) = &status.current_promotion {
        let ended = promotions.iter().find(|p| name(p) == current.name).is_none_or(|p| phase(p).is_terminal());
        if ended {
            status.current_promotion = None;
        }
    }
    status
}

fn fold_one(status: &mut StageStatus, promotion: &Promotion) {
    let mut last = reference(promotion);
    let before = status.last_promotion.take().and_then(|p| p.status).and_then(|s| s.freight_collection);
    if let Some(ended) = &mut last.status {
        // One that was stopped before it began has no collection: what was there stays the ground for the next.
        if ended.freight_collection.is_none() {
            ended.freight_collection = before;
        }
        if ended.phase == PromotionPhase::Succeeded {
            if let Some(collection) = &ended.freight_collection {
                enter(&mut status.freight_history, collection);
            }
            holds::learn(&mut status.auto_promotion_holds, promotion);
        }
    }
    status.health = None;
    status.last_promotion = Some(last);
}

/// Puts a collection on top; the one that is there already only gets its freight afresh and keeps its verifications.
fn enter(history: &mut Vec<FreightCollection>, collection: &FreightCollection) {
    match history.first_mut() {
        Some(current) if current.id == collection.id => current.items.clone_from(&collection.items),
        _ => {
            history.insert(0, FreightCollection { verification_history: Vec::new(), ..collection.clone() });
            history.truncate(N_HISTORY_MAX);
        }
    }
}
