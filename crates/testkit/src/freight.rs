//! A builder for freight.

use crate::time;
use seaway_api::GoDuration;
use seaway_api::kargo::freight::{ApprovedStage, CurrentStage};
use seaway_api::kargo::names::label;
use seaway_api::kargo::{Freight, FreightOrigin, FreightStatus, GitCommit, Image};
use std::collections::BTreeMap;

/// Freight under construction.
#[derive(Debug, Clone)]
pub struct FreightBuilder(Freight);

/// Freight of that name out of a warehouse, empty yet. Admission would name it by its content; tests name it as they like.
pub fn freight(name: &str, warehouse: &str) -> FreightBuilder {
    let origin = FreightOrigin::warehouse(warehouse);
    FreightBuilder(Freight { metadata: crate::metadata(name), origin, ..Freight::default() })
}

impl FreightBuilder {
    /// Holds an image; its digest is made from the tag.
    #[must_use]
    pub fn image(mut self, repository: &str, tag: &str) -> Self {
        let digest = format!("sha256:{}", tag.bytes().cycle().take(32).map(|b| format!("{b:02x}")).collect::<String>());
        self.0.images.push(Image { repo_url: repository.into(), tag: tag.into(), digest, ..Image::default() });
        self
    }

    /// Holds a commit.
    #[must_use]
    pub fn commit(mut self, repository: &str, id: &str) -> Self {
        self.0.commits.push(GitCommit { repo_url: repository.into(), id: id.into(), ..GitCommit::default() });
        self
    }

    /// Is called so by people.
    #[must_use]
    pub fn alias(mut self, alias: &str) -> Self {
        self.0.alias = alias.into();
        self.0.metadata.labels = Some(BTreeMap::from([(label::ALIAS.to_owned(), alias.to_owned())]));
        self
    }

    /// Was found, and made, at that instant.
    #[must_use]
    pub fn found(mut self, at: &str) -> Self {
        self.0.discovered_at = time(at);
        self.0.metadata.creation_timestamp = time(at);
        self
    }

    /// Is in a stage since that instant.
    #[must_use]
    pub fn currently_in(mut self, stage: &str, since: &str) -> Self {
        self.status().currently_in.insert(stage.into(), CurrentStage { since: time(since) });
        self
    }

    /// Was verified in a stage at that instant.
    #[must_use]
    pub fn verified_in(mut self, stage: &str, at: &str) -> Self {
        self.status().verified_in.entry(stage.into()).or_default().verified_at = time(at);
        self
    }

    /// Has been in a stage that long before it left.
    #[must_use]
    pub fn soaked(mut self, stage: &str, length: &str) -> Self {
        let verified = self.status().verified_in.entry(stage.into()).or_default();
        verified.longest_soak = Some(GoDuration::from(length));
        self
    }

    /// Was let into a stage by a person at that instant.
    #[must_use]
    pub fn approved_for(mut self, stage: &str, at: &str) -> Self {
        self.status().approved_for.insert(stage.into(), ApprovedStage { approved_at: time(at) });
        self
    }

    fn status(&mut self) -> &mut FreightStatus {
        self.0.status.get_or_insert_default()
    }

    /// The freight.
    pub fn build(self) -> Freight {
        self.0
    }
}
