//! The embedded engine by `kube::Client`, in process, on a temporary folder.

mod admission;
mod authorization;
mod bank;
mod controllers;
mod crossed;
mod objects;
mod reviews;
mod support;
