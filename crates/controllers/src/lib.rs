//! Reconcilers, one folder a kind: observe the world, let `core` decide, act.

pub mod frame;
