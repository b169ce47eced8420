//! Decisions: a world goes in, a decision comes out. Nothing here reads a file, a network or a clock.

pub mod admission;
pub mod authorize;
pub mod discovery;
pub mod events;
pub mod freight;
pub mod go_regex;
pub mod paths;
pub mod plan;
pub mod reason;
pub mod retention;
pub mod semver;
pub mod stage;
pub mod unbuilt;
pub mod vectors;
pub mod view;
pub mod why;

pub use reason::Reason;
