//! Holds: automation is kept off an origin after a person chose other freight than the candidate (reference §4.6).

use super::queue::{name, phase};
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use seaway_api::kargo::names::annotation;
use seaway_api::kargo::{AutoPromotionHold, Freight, FreightOrigin, Promotion, Stage, StageStatus};
use std::collections::BTreeMap;

/// The annotation a person's promotion gets: it resumes automation if it promotes the candidate, else it holds the origin.
pub fn hold_annotation(origin: &FreightOrigin, freight: &str, candidate: Option<&Freight>) -> (&'static str, String) {
    let same = candidate.is_some_and(|c| c.metadata.name.as_deref() == Some(freight));
    let key = if same { annotation::AUTO_PROMOTION_RESUME } else { annotation::AUTO_PROMOTION_HOLD };
    (key, origin.key())
}

/// On a stage: holds set at this instant (RFC 3339) or before are lifted; `seaway resume` writes it.
pub const RESUME_ANNOTATION: &str = "seaway.dev/resume";

/// Up to when a person lifted the stage's holds.
fn resumed(stage: &Stage) -> Option<Timestamp> {
    stage.metadata.annotations.as_ref()?.get(RESUME_ANNOTATION)?.parse().ok()
}

fn stands(hold: &AutoPromotionHold, resumed: Option<Timestamp>) -> bool {
    resumed.is_none_or(|resumed| hold.created_at.as_ref().is_none_or(|at| at.0 > resumed))
}

enum Intent<'a> {
    Hold(&'a str),
    Resume(&'a str),
}

fn intent(promotion: &Promotion) -> Option<Intent<'_>> {
    let annotations = promotion.metadata.annotations.as_ref()?;
    let hold = annotations.get(annotation::AUTO_PROMOTION_HOLD).map(|key| Intent::Hold(key));
    hold.or_else(|| annotations.get(annotation::AUTO_PROMOTION_RESUME).map(|key| Intent::Resume(key)))
}

fn apply(holds: &mut BTreeMap<String, AutoPromotionHold>, promotion: &Promotion) {
    match intent(promotion) {
        Some(Intent::Resume(key)) => {
            holds.remove(key);
        }
        Some(Intent::Hold(key)) => {
            let Some(origin) = key.strip_prefix("Warehouse/") else { return };
            let actor = promotion.metadata.annotations.as_ref().and_then(|a| a.get(annotation::CREATE_ACTOR)).cloned();
            holds.insert(
                key.to_owned(),
                AutoPromotionHold {
                    freight_name: promotion.spec.freight.clone(),
                    origin: FreightOrigin::warehouse(origin),
                    promotion_name: name(promotion).to_owned(),
                    actor: actor.unwrap_or_default(),
                    created_at: promotion.metadata.creation_timestamp.as_ref().map(|t| Time(t.0)),
                },
            );
        }
        None => {}
    }
}

/// What a promotion that succeeded leaves behind. One that failed changed nothing in the stage and so leaves its holds alone
/// (reference §17 row 1: the documentation's rule, not the code's).
pub(super) fn learn(holds: &mut BTreeMap<String, AutoPromotionHold>, promotion: &Promotion) {
    apply(holds, promotion);
}

/// Drops holds of a stage that does not promote by itself, and of origins it no longer requests.
pub(super) fn settle(status: &mut StageStatus, stage: &Stage) {
    let enabled = status.auto_promotion_enabled;
    let resumed = resumed(stage);
    status.auto_promotion_holds.retain(|key, hold| {
        enabled && stands(hold, resumed) && stage.spec.requested_freight.iter().any(|r| r.origin.key() == *key)
    });
}

/// The holds, with what is on its way: a person's promotion holds from the moment it is asked for.
pub fn effective_holds<'a>(
    stage: &Stage,
    status: &StageStatus,
    promotions: impl IntoIterator<Item = &'a Promotion>,
) -> BTreeMap<String, AutoPromotionHold> {
    let mut holds = status.auto_promotion_holds.clone();
    if !status.auto_promotion_enabled {
        return BTreeMap::new();
    }
    let mut on_the_way: Vec<&Promotion> = promotions.into_iter().filter(|p| !phase(p).is_terminal()).collect();
    on_the_way.sort_by(|a, b| name(a).cmp(name(b)));
    for promotion in on_the_way {
        apply(&mut holds, promotion);
    }
    let resumed = resumed(stage);
    holds.retain(|_, hold| stands(hold, resumed));
    holds
}
