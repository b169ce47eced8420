//! A builder for stages.

use seaway_api::GoDuration;
use seaway_api::kargo::{
    AutoPromotionOptions, AutoPromotionSelectionPolicy, ExpressionVariable, FreightAvailabilityStrategy, FreightCollection,
    FreightOrigin, FreightReference, FreightRequest, FreightSources, PromotionStep, PromotionTaskReference, PromotionTemplate,
    Stage, StageSpec,
};
use serde_json::Value;

/// A stage under construction.
#[derive(Debug, Clone)]
pub struct StageBuilder(Stage);

/// A stage of that name that asks for nothing and has no steps yet, so that freight only passes through it.
pub fn stage(name: &str) -> StageBuilder {
    let mut built = Stage::new(name, StageSpec::default());
    built.metadata = crate::metadata(name);
    StageBuilder(built)
}

impl StageBuilder {
    /// Takes a warehouse's freight as it comes.
    #[must_use]
    pub fn direct(self, warehouse: &str) -> Self {
        self.request(warehouse, FreightSources { direct: true, ..FreightSources::default() })
    }

    /// Takes a warehouse's freight once one of these stages has verified it.
    #[must_use]
    pub fn after(self, warehouse: &str, stages: &[&str]) -> Self {
        let stages = stages.iter().map(|s| (*s).to_owned()).collect();
        self.request(warehouse, FreightSources { stages, ..FreightSources::default() })
    }

    /// Adds any request.
    #[must_use]
    pub fn request(mut self, warehouse: &str, sources: FreightSources) -> Self {
        self.0.spec.requested_freight.push(FreightRequest { origin: FreightOrigin::warehouse(warehouse), sources });
        self
    }

    /// The last request waits until freight has been upstream that long.
    #[must_use]
    pub fn soak(mut self, length: &str) -> Self {
        self.sources().required_soak_time = Some(GoDuration::from(length));
        self
    }

    /// The last request waits for all of its stages, not for one.
    #[must_use]
    pub fn all(mut self) -> Self {
        self.sources().availability_strategy = FreightAvailabilityStrategy::All;
        self
    }

    /// The last request follows what its one stage has.
    #[must_use]
    pub fn match_upstream(mut self) -> Self {
        let selection_policy = AutoPromotionSelectionPolicy::MatchUpstream;
        self.sources().auto_promotion_options = Some(AutoPromotionOptions { selection_policy });
        self
    }

    fn sources(&mut self) -> &mut FreightSources {
        let requests = &mut self.0.spec.requested_freight;
        if requests.is_empty() {
            requests.push(FreightRequest::default());
        }
        let last = requests.len() - 1;
        &mut requests[last].sources
    }

    /// Adds a step; a null configuration is none.
    #[must_use]
    pub fn step(self, uses: &str, alias: &str, config: Value) -> Self {
        let config = (!config.is_null()).then_some(config);
        self.any_step(PromotionStep { uses: uses.into(), r#as: alias.into(), config, ..PromotionStep::default() })
    }

    /// Adds a call of a task.
    #[must_use]
    pub fn task(self, name: &str) -> Self {
        let task = Some(PromotionTaskReference { name: name.into(), ..PromotionTaskReference::default() });
        self.any_step(PromotionStep { task, ..PromotionStep::default() })
    }

    /// Adds any step.
    #[must_use]
    pub fn any_step(mut self, step: PromotionStep) -> Self {
        let template = self.0.spec.promotion_template.get_or_insert_with(PromotionTemplate::default);
        template.spec.steps.push(step);
        self
    }

    /// Adds a variable of the stage.
    #[must_use]
    pub fn var(mut self, name: &str, value: &str) -> Self {
        self.0.spec.vars.push(ExpressionVariable { name: name.into(), value: value.into() });
        self
    }

    /// Belongs to a shard.
    #[must_use]
    pub fn shard(mut self, shard: &str) -> Self {
        self.0.spec.shard = shard.into();
        self
    }

    /// Has this freight now; what it had before moves back.
    #[must_use]
    pub fn has(mut self, freight: &FreightReference) -> Self {
        let items = [(freight.origin.key(), freight.clone())].into();
        let id = format!("collection-of-{}", freight.name);
        let collection = FreightCollection { id, items, ..FreightCollection::default() };
        self.0.status.get_or_insert_default().freight_history.insert(0, collection);
        self
    }

    /// The stage.
    pub fn build(self) -> Stage {
        self.0
    }
}
