//! Decisions: a world goes in, a decision comes out. Nothing here reads a file, a network or a clock.

pub mod admission;
pub mod discovery;
pub mod freight;
pub mod go_regex;
pub mod paths;
pub mod semver;
pub mod urls;
pub mod vectors;
