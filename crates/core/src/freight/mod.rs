//! Freight: how it is named, when a stage may have it, which is next, and how a person finds it.

pub mod name;
