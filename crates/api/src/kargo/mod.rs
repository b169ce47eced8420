//! Kargo's kinds, field for field: group `kargo.akuity.io`, version `v1alpha1`.

pub mod cluster_config;
pub mod common;
pub mod enums;
pub mod freight;
pub mod names;
pub mod project;
pub mod project_config;
pub mod promotion;
pub mod receivers;
pub mod stage;
pub mod subscription;
pub mod task;
pub mod warehouse;

pub use cluster_config::*;
pub use common::*;
pub use enums::*;
pub use freight::*;
pub use project::*;
pub use project_config::*;
pub use promotion::*;
pub use receivers::*;
pub use stage::*;
pub use subscription::{ChartSubscription, GitSubscription, ImageSubscription, OtherSubscription, Subscription, Typed};
pub use task::*;
pub use warehouse::*;

/// The group of Kargo's kinds.
pub const GROUP: &str = "kargo.akuity.io";
/// Their version.
pub const VERSION: &str = "v1alpha1";
