//! The kinds Seaway serves, as plain data with their schemas: Kargo's as they are, and ours beside them.

#[macro_use]
mod macros;

pub mod conditions;
pub mod duration;
pub mod kargo;
mod kinds;
mod resource;
mod schema;
pub mod seaway;

pub use duration::GoDuration;
pub use kinds::{Column, KindInfo, crd_documents, crds, kind, kinds};
pub use resource::{ApiVersionOf, KindOf};

/// Whether a value is what it would be if nothing had been said; such fields are left out of JSON.
pub(crate) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
