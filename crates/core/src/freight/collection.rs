//! Collections: the freight, one an origin, that is in a stage together.

use super::own_name;
use seaway_api::kargo::{Freight, FreightCollection, Stage};
use sha1::{Digest as _, Sha1};
use std::collections::BTreeMap;

/// The id of a collection: a hash of its freight's names, sorted.
pub fn collection_id<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let mut names: Vec<&str> = names.into_iter().collect();
    names.sort_unstable();
    hex::encode(Sha1::digest(names.join(",")))
}

/// What would be in the stage once `freight` is promoted: with several origins the others are inherited.
pub fn collection(stage: &Stage, freight: &Freight) -> FreightCollection {
    let mut items = if stage.spec.requested_freight.len() > 1 { inherited(stage) } else { BTreeMap::new() };
    debug_assert!(!own_name(freight).is_empty(), "stored freight has a name");
    items.insert(freight.origin.key(), freight.reference());
    let id = collection_id(items.values().map(|f| f.name.as_str()));
    FreightCollection { id, items, verification_history: Vec::new() }
}

/// The last promotion's collection, as far as the stage still requests it.
pub fn inherited(stage: &Stage) -> BTreeMap<String, seaway_api::kargo::FreightReference> {
    let last = stage.status.as_ref().and_then(|s| s.last_promotion.as_ref()).and_then(|p| p.status.as_ref());
    let items = last.and_then(|s| s.freight_collection.as_ref()).map(|c| c.items.clone()).unwrap_or_default();
    let wanted = |key: &String| stage.spec.requested_freight.iter().any(|r| r.origin.key() == *key);
    items.into_iter().filter(|(key, _)| wanted(key)).collect()
}
