//! A builder for promotions.

use crate::time;
use seaway_api::kargo::names::{annotation, label};
use seaway_api::kargo::{Promotion, PromotionPhase, PromotionSpec, PromotionStep};
use serde_json::Value;

/// A promotion under construction.
#[derive(Debug, Clone)]
pub struct PromotionBuilder(Promotion);

/// A promotion of that freight into that stage, named as the `n`th one made there: names sort as they were made.
pub fn promotion(stage: &str, freight: &str, n: u32) -> PromotionBuilder {
    let hash: String = freight.chars().take(7).collect();
    let name = format!("{stage}.{n:026}.{hash}");
    let spec = PromotionSpec { stage: stage.into(), freight: freight.into(), ..PromotionSpec::default() };
    let mut built = Promotion::new(&name, spec);
    built.metadata = crate::metadata(&name);
    built.metadata.labels = Some([(label::STAGE.to_owned(), stage.to_owned())].into());
    built.metadata.annotations = Some([(annotation::STAGE.to_owned(), stage.to_owned())].into());
    PromotionBuilder(built)
}

impl PromotionBuilder {
    /// Stands so.
    #[must_use]
    pub fn phase(mut self, phase: PromotionPhase) -> Self {
        self.0.status.get_or_insert_default().phase = phase;
        self
    }

    /// Was made at that instant.
    #[must_use]
    pub fn created(mut self, at: &str) -> Self {
        self.0.metadata.creation_timestamp = time(at);
        self
    }

    /// Ended so at that instant.
    #[must_use]
    pub fn finished(mut self, phase: PromotionPhase, at: &str) -> Self {
        self.0.status.get_or_insert_default().finished_at = time(at);
        self.phase(phase)
    }

    /// Bears an annotation.
    #[must_use]
    pub fn annotation(mut self, key: &str, value: &str) -> Self {
        self.0.metadata.annotations.get_or_insert_default().insert(key.into(), value.into());
        self
    }

    /// Was made by that actor.
    #[must_use]
    pub fn by(self, actor: &str) -> Self {
        self.annotation(annotation::CREATE_ACTOR, actor)
    }

    /// Adds a step, with its alias as admission would have written it; a null configuration is none.
    #[must_use]
    pub fn step(mut self, uses: &str, alias: &str, config: Value) -> Self {
        let steps = &mut self.0.spec.steps;
        let alias = if alias.is_empty() { format!("step-{}", steps.len() + 1) } else { alias.to_owned() };
        let config = (!config.is_null()).then_some(config);
        steps.push(PromotionStep { uses: uses.into(), r#as: alias, config, ..PromotionStep::default() });
        self
    }

    /// The promotion.
    pub fn build(self) -> Promotion {
        self.0
    }
}
