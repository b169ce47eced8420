//! Our kinds, beside Kargo's: group `seaway.dev`, version `v1alpha1`.

pub mod plan;
pub mod promotion_run;

pub use plan::*;
pub use promotion_run::*;

/// The group of our kinds.
pub const GROUP: &str = "seaway.dev";
/// Their version.
pub const VERSION: &str = "v1alpha1";
