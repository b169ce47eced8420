//! Reconcilers, one folder a kind: observe the world, let `core` decide, act.

pub mod caches;
mod controllers;
pub mod credentials;
mod data;
mod events;
pub mod frame;
mod house;
mod plan;
pub mod project;
mod promotion;
pub mod retention;
mod settings;
mod stage;
pub mod upkeep;
pub mod warehouse;
mod write;

pub use controllers::{Controllers, Handle};
pub use house::{ClientFor, Context};
pub use settings::Settings;
