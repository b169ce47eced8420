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

pub use cluster_config::{ClusterConfig, ClusterConfigSpec, ClusterConfigStatus};
pub use common::*;
pub use enums::*;
pub use freight::{Freight, FreightStatus};
pub use project::{Project, ProjectStatus};
pub use project_config::{ProjectConfig, ProjectConfigSpec, ProjectConfigStatus, PromotionPolicy};
pub use promotion::{Promotion, PromotionSpec, PromotionStatus};
pub use stage::*;
pub use subscription::{ChartSubscription, GitSubscription, ImageSubscription, OtherSubscription, Subscription, Typed};
pub use task::{ClusterPromotionTask, PromotionTask, PromotionTaskSpec};
pub use warehouse::*;

/// The group of Kargo's kinds.
pub const GROUP: &str = "kargo.akuity.io";
/// Their version.
pub const VERSION: &str = "v1alpha1";
