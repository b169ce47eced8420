//! Makes freight of what was found: the best result of each subscription, and none unless each has one (reference §2.2).

use crate::freight::name_of;
use seaway_api::kargo::{Chart, DiscoveredArtifacts, Freight, FreightOrigin, GitCommit, Image, Warehouse};

/// A subscription that found nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} of {repository} matches what the subscription asks for: push one that does, or widen the subscription")]
pub struct Missing {
    /// What was looked for: `no commit`, `no tag`, `no version`.
    pub what: &'static str,
    /// Where.
    pub repository: String,
    /// Kargo's reason for the condition `Healthy`.
    pub reason: &'static str,
}

/// The freight that what was found amounts to, with its name; alias and date are admission's to give.
///
/// # Errors
/// A subscription found nothing; the first such one.
pub fn assemble(warehouse: &Warehouse, found: &DiscoveredArtifacts) -> Result<Freight, Missing> {
    let mut freight = Freight {
        origin: FreightOrigin::warehouse(warehouse.metadata.name.as_deref().unwrap_or_default()),
        ..Freight::default()
    };
    for result in &found.git {
        let missing = || missing("no commit", &result.repo_url, "NoCommitsDiscovered");
        let commit = result.commits.first().ok_or_else(missing)?;
        freight.commits.push(GitCommit {
            repo_url: result.repo_url.clone(),
            id: commit.id.clone(),
            branch: commit.branch.clone(),
            tag: commit.tag.clone(),
            message: commit.subject.clone(),
            author: commit.author.clone(),
            committer: commit.committer.clone(),
            subscription_name: result.subscription_name.clone(),
        });
    }
    for result in &found.images {
        let missing = || missing("no tag", &result.repo_url, "NoImageReferencesDiscovered");
        let image = result.references.first().ok_or_else(missing)?;
        freight.images.push(Image {
            repo_url: result.repo_url.clone(),
            tag: image.tag.clone(),
            digest: image.digest.clone(),
            annotations: image.annotations.clone(),
            subscription_name: result.subscription_name.clone(),
        });
    }
    for result in &found.charts {
        let missing = || missing("no version", &result.repo_url, "NoChartVersionsDiscovered");
        freight.charts.push(Chart {
            repo_url: result.repo_url.clone(),
            name: result.name.clone(),
            version: result.versions.first().ok_or_else(missing)?.clone(),
            subscription_name: result.subscription_name.clone(),
        });
    }
    for result in &found.results {
        let missing = || missing("no version", &result.name, "MissingArtifacts");
        freight.artifacts.push(result.artifact_references.first().ok_or_else(missing)?.clone());
    }
    freight.metadata.namespace.clone_from(&warehouse.metadata.namespace);
    freight.metadata.name = Some(name_of(&freight));
    Ok(freight)
}

fn missing(what: &'static str, repository: &str, reason: &'static str) -> Missing {
    Missing { what, repository: repository.to_owned(), reason }
}

#[cfg(test)]
mod tests {
    use super::*;
    use seaway_api::kargo::{DiscoveredImageReference, ImageDiscoveryResult, WarehouseSpec};

    #[test]
    fn freight_needs_one_of_each() {
        let image = |tags: &[&str]| ImageDiscoveryResult {
            repo_url: "127.0.0.1:7450/fund-transfer".into(),
            references: tags.iter().map(|t| DiscoveredImageReference { tag: (*t).into(), ..Default::default() }).collect(),
            ..ImageDiscoveryResult::default()
        };
        let warehouse = Warehouse::new("bank", WarehouseSpec::default());
        let found = |tags: &[&str]| DiscoveredArtifacts { images: vec![image(tags)], ..DiscoveredArtifacts::default() };
        let made = assemble(&warehouse, &found(&["1.5.1", "1.5.0"])).unwrap();
        assert_eq!((made.images[0].tag.as_str(), made.metadata.name.unwrap().len()), ("1.5.1", 40));
        let err = assemble(&warehouse, &found(&[])).unwrap_err();
        assert_eq!(
            err.to_string(),
            "no tag of 127.0.0.1:7450/fund-transfer matches what the subscription asks for: push one that does, or widen the subscription"
        );
    }
}
