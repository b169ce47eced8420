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
        let texts: Vec<String> = self.shown(freight).iter().map(|(name, version)| format!("{name} {version}")).collect();
        if texts.is_empty() { short(&freight.name).to_owned() } else { texts.join(", ") }
    }

    /// The same without names: `1.5.1`.
    pub fn version_of(&self, freight: &FreightReference) -> String {
        let versions: Vec<String> = self.shown(freight).into_iter().map(|(_, version)| version).collect();
        if versions.is_empty() { short(&freight.name).to_owned() } else { versions.join(", ") }
    }

    /// By origin, the names of the artifacts that tell its freight apart.
    pub fn telling(&self) -> BTreeMap<String, BTreeSet<String>> {
        let mut telling: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for ((origin, name), _) in self.versions.iter().filter(|(_, versions)| versions.len() > 1) {
            telling.entry(origin.clone()).or_default().insert(name.clone());
        }
        telling
    }

    /// The artifacts that tell it apart; all if none does.
    fn shown(&self, freight: &FreightReference) -> Vec<(String, String)> {
        let origin = freight.origin.key();
        let tells = |name: &String| self.versions.get(&(origin.clone(), name.clone())).is_some_and(|v| v.len() > 1);
        let (telling, rest): (Vec<_>, Vec<_>) = artifacts(freight).into_iter().partition(|(name, _)| tells(name));
        if telling.is_empty() { rest } else { telling }
    }
}
