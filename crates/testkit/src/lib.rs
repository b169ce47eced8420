//! Builders for the objects tests speak of, and the bank's world that examples, docs and tests share.

pub mod bank;
mod freight;
mod promotion;
mod stage;
mod warehouse;

pub use freight::{FreightBuilder, freight};
pub use promotion::{PromotionBuilder, promotion};
pub use stage::{StageBuilder, stage};
pub use warehouse::{WarehouseBuilder, warehouse};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};

/// The project objects are built in unless another is named.
pub const PROJECT: &str = "bank";

/// An instant, as RFC 3339 writes it.
///
/// # Panics
/// The text is no instant; tests write theirs down.
pub fn instant(text: &str) -> jiff::Timestamp {
    text.parse().unwrap_or_else(|error| panic!("{text} is no instant: {error}"))
}

pub(crate) fn time(text: &str) -> Option<Time> {
    Some(Time(instant(text)))
}

/// What the store would have written for an object of that name.
pub(crate) fn metadata(name: &str) -> ObjectMeta {
    ObjectMeta {
        name: Some(name.to_owned()),
        namespace: Some(PROJECT.to_owned()),
        uid: Some(format!("uid-{name}")),
        generation: Some(1),
        resource_version: Some("1".to_owned()),
        ..ObjectMeta::default()
    }
}
