//! A builder for warehouses.

use seaway_api::GoDuration;
use seaway_api::kargo::{
    FreightCreationCriteria, FreightCreationPolicy, GitSubscription, ImageSelectionStrategy, ImageSubscription, Subscription,
    Warehouse, WarehouseSpec,
};

/// A warehouse under construction.
#[derive(Debug, Clone)]
pub struct WarehouseBuilder(Warehouse);

/// A warehouse of that name that looks every five minutes for nothing yet.
pub fn warehouse(name: &str) -> WarehouseBuilder {
    let spec = WarehouseSpec { interval: GoDuration::from_secs(300), ..WarehouseSpec::default() };
    let mut built = Warehouse::new(name, spec);
    built.metadata = crate::metadata(name);
    WarehouseBuilder(built)
}

impl WarehouseBuilder {
    /// Looks for images by semantic version within a constraint; an empty one takes all.
    #[must_use]
    pub fn image(self, repository: &str, constraint: &str) -> Self {
        let body =
            ImageSubscription { repo_url: repository.into(), constraint: constraint.into(), ..ImageSubscription::default() };
        self.subscription(Subscription::image(&body))
    }

    /// Follows the digest of one tag.
    #[must_use]
    pub fn image_digest(self, repository: &str, tag: &str) -> Self {
        let body = ImageSubscription {
            repo_url: repository.into(),
            constraint: tag.into(),
            image_selection_strategy: ImageSelectionStrategy::Digest,
            ..ImageSubscription::default()
        };
        self.subscription(Subscription::image(&body))
    }

    /// Follows a branch, so far as these paths change on it; no paths take all.
    #[must_use]
    pub fn git(self, repository: &str, branch: &str, paths: &[&str]) -> Self {
        let body = GitSubscription {
            repo_url: repository.into(),
            branch: branch.into(),
            include_paths: paths.iter().map(|p| (*p).to_owned()).collect(),
            ..GitSubscription::default()
        };
        self.subscription(Subscription::git(&body))
    }

    /// Adds any subscription.
    #[must_use]
    pub fn subscription(mut self, subscription: Subscription) -> Self {
        self.0.spec.subscriptions.push(subscription);
        self
    }

    /// Looks this often.
    #[must_use]
    pub fn every(mut self, interval: &str) -> Self {
        self.0.spec.interval = GoDuration::from(interval);
        self
    }

    /// Makes freight only when asked.
    #[must_use]
    pub fn manual(mut self) -> Self {
        self.0.spec.freight_creation_policy = FreightCreationPolicy::Manual;
        self
    }

    /// Makes freight only if the expression holds.
    #[must_use]
    pub fn criteria(mut self, expression: &str) -> Self {
        self.0.spec.freight_creation_criteria = Some(FreightCreationCriteria { expression: expression.into() });
        self
    }

    /// Belongs to a shard.
    #[must_use]
    pub fn shard(mut self, shard: &str) -> Self {
        self.0.spec.shard = shard.into();
        self
    }

    /// The warehouse.
    pub fn build(self) -> Warehouse {
        self.0
    }
}
