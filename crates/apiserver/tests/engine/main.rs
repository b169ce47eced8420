//! The embedded engine by `kube::Client`, in process, on a temporary folder.

mod admission;
mod controllers;
mod objects;
mod support;
