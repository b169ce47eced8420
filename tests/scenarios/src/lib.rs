//! The whole control plane in one process, on a temporary folder, with a git server and a registry beside it.
//!
//! A [`World`] is started, asked for things by the verbs that people use, killed at any instant and started again on the same
//! folder. What it waits for is always a condition; after [`PATIENCE`] it says what did not come and how things stand.

mod bank;
mod control;
mod counted;
mod death;
mod ear;
pub mod examples;
mod lists;
mod neighbours;
mod options;
mod plane;
mod question;
pub mod script;
mod show;
pub mod trouble;
mod world;

pub use bank::{ORIGIN, PROJECT, STAGES, WAREHOUSE};
pub use counted::Written;
pub use death::{Death, Moment, StoreSide};
pub use ear::{Ear, Heard};
pub use lists::lists;
pub use options::Options;
pub use world::{PATIENCE, World};
