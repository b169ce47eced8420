//! Promotions from freight to commit: the embedded control plane, the real steps, a real git server.

mod hands;
mod pipeline;
mod plans;
mod restart;
mod world;
