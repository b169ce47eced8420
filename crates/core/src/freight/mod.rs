//! Freight: how it is named, when a stage may have it, which is next, and how a person finds it.

mod availability;
mod candidate;
mod collection;
mod difference;
mod label;
mod lookup;
pub mod name;

pub(crate) use availability::later;
pub use availability::{Availability, of_request, to_stage};
pub use candidate::{Candidate, Listing, candidate, list, newest_first};
pub use collection::{collection, collection_id, inherited};
pub use difference::{Change, difference};
pub use label::{Labels, artifacts};
pub(crate) use lookup::spoken;
pub use lookup::{LookupError, find};

use seaway_api::kargo::Freight;

/// The name that §3.1 gives to freight, whatever name it bears.
pub fn name_of(freight: &Freight) -> String {
    let commits = freight.commits.iter().map(|c| name::Part::Commit {
        repo_url: &c.repo_url,
        tag: &c.tag,
        id: &c.id,
        subscription: &c.subscription_name,
    });
    let images = freight.images.iter().map(|i| name::Part::Image {
        repo_url: &i.repo_url,
        tag: &i.tag,
        digest: &i.digest,
        subscription: &i.subscription_name,
    });
    let charts = freight.charts.iter().map(|c| name::Part::Chart {
        repo_url: &c.repo_url,
        name: &c.name,
        version: &c.version,
        subscription: &c.subscription_name,
    });
    let others = freight.artifacts.iter().map(|a| name::Part::Other {
        artifact_type: &a.artifact_type,
        subscription: &a.subscription_name,
        version: &a.version,
    });
    name::of(freight.origin.kind.as_str(), &freight.origin.name, commits.chain(images).chain(charts).chain(others))
}

/// The name an object bears; empty if it has none yet.
pub(crate) fn own_name(freight: &Freight) -> &str {
    freight.metadata.name.as_deref().unwrap_or_default()
}
