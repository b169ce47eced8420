//! The commands, one file each: what it takes, what it does, what it says.

pub(crate) mod abort;
pub(crate) mod apply;
mod apply_check;
pub(crate) mod approve;
pub(crate) mod backup;
pub(crate) mod completion;
pub(crate) mod config;
pub(crate) mod delete;
pub(crate) mod demo;
pub(crate) mod describe;
pub(crate) mod get;
pub(crate) mod logs;
pub(crate) mod open;
pub(crate) mod plan;
pub(crate) mod promote;
pub(crate) mod refresh;
pub(crate) mod resolve;
pub(crate) mod resume;
pub(crate) mod serve;
pub(crate) mod token;
pub(crate) mod trust;
pub(crate) mod user;
pub(crate) mod version;
pub(crate) mod watch;
pub(crate) mod whoami;
pub(crate) mod why;
