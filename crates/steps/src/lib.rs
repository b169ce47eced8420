//! Promotion steps, one file each, and the table of them.

mod compose_output;
mod config;
mod copy;
mod delete;
mod error;
mod fail;
mod git_clear;
mod git_clone;
mod git_commit;
mod git_push;
mod http;
mod kustomize_build;
mod kustomize_set_image;
mod table;
mod typed;
mod yaml_file;
mod yaml_update;

pub use table::{Table, all, find, not_built};
