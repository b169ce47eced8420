//! What freight is called in front of people: the versions that tell it from other freight, before its alias.

use seaway_api::kargo::FreightReference;
use std::collections::{BTreeMap, BTreeSet};

/// The artifacts of freight as (name, version): images, charts, commits, others, in the order they are in.
pub fn artifacts(freight: &FreightReference) -> Vec<(String, String)> {
    let images = freight.images.iter().map(|i| {
        let version = if i.tag.is_empty() { short(i.digest.trim_start_matches("sha256:")) } else { &i.tag };
        (last_part(&i.repo_url), version.to_owned())
    });
    let charts = freight.charts.iter().map(|c| {
        let name = if c.name.is_empty() { last_part(&c.repo_url) } else { c.name.clone() };
        (name, c.version.clone())
    });
    let commits = freight.commits.iter().map(|c| {
        let version = if c.tag.is_empty() { short(&c.id) } else { &c.tag };
        (last_part(&c.repo_url), version.to_owned())
    });
    let others = freight.artifacts.iter().map(|a| (a.subscription_name.clone(), a.version.clone()));
    images.chain(charts).chain(commits).chain(others).collect()
}

/// `https://host/team/bank.git` is `bank`.
pub(crate) fn last_part(repo_url: &str) -> String {
    let path = repo_url.trim_end_matches('/');
    let last = path.rsplit(['/', ':']).next().unwrap_or(path);
    last.strip_suffix(".git").unwrap_or(last).to_owned()
}

fn short(id: &str) -> &str {
    id.get(..7).unwrap_or(id)
}

/// Names pieces of freight by what tells them apart: an artifact with one version everywhere says nothing.
#[derive(Debug, Clone, Default)]
pub struct Labels {
    versions: BTreeMap<(String, String), BTreeSet<String>>,
}

impl Labels {
    /// Labels for the freight of one project.
    pub fn new<'a>(all: impl IntoIterator<Item = &'a FreightReference>) -> Self {
        let mut versions: BTreeMap<(String, String), BTreeSet<String>> = BTreeMap::new();
        for freight in all {
            for (name, version) in artifacts(freight) {
                versions.entry((freight.origin.key(), name)).or_default().insert(version);
            }
        }
        Self { versions }
    }

    /// `fund-transfer 1.5.1`; everything it holds if nothing tells it apart.
    pub fn of(&self, freight: &FreightReference) -> String {
        let all = artifacts(freight);
        let origin = freight.origin.key();
        let telling: Vec<_> = all
            .iter()
            .filter(|(name, _)| self.versions.get(&(origin.clone(), name.clone())).is_some_and(|v| v.len() > 1))
            .collect();
        let shown: Vec<_> = if telling.is_empty() { all.iter().collect() } else { telling };
        let texts: Vec<String> = shown.iter().map(|(name, version)| format!("{name} {version}")).collect();
        if texts.is_empty() { short(&freight.name).to_owned() } else { texts.join(", ") }
    }
}
