//! Warehouses, projects and retention on the embedded control plane, with a real registry and git server beside it.

mod project;
mod retention;
mod support;
mod warehouse;
