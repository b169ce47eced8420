//! What is different between two pieces of freight, artifact by artifact.

use super::label::artifacts;
use seaway_api::kargo::FreightReference;
use serde::Serialize;

/// One artifact that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// What it is: the last part of its repository.
    pub what: String,
    /// The version that was there; `None` if it is new.
    pub from: Option<String>,
    /// The version that comes; `None` if it goes.
    pub to: Option<String>,
}

/// What changes when `to` takes the place of `from`.
pub fn difference(from: Option<&FreightReference>, to: &FreightReference) -> Vec<Change> {
    let old = from.map(artifacts).unwrap_or_default();
    let new = artifacts(to);
    let version = |list: &[(String, String)], what: &str| list.iter().find(|(name, _)| name == what).map(|(_, v)| v.clone());
    let mut changes: Vec<Change> = new
        .iter()
        .map(|(what, to)| Change { what: what.clone(), from: version(&old, what), to: Some(to.clone()) })
        .filter(|change| change.from != change.to)
        .collect();
    let gone = old.iter().filter(|(what, _)| version(&new, what).is_none());
    changes.extend(gone.map(|(what, from)| Change { what: what.clone(), from: Some(from.clone()), to: None }));
    changes
}
