//! A git server and an OCI registry inside the process, for the demo, rehearsal and tests: not for production.

pub mod answers;
pub mod auth;
pub mod git;
pub mod registry;
pub mod serve;

pub use answers::answers;
pub use git::{GitEvent, GitOptions, GitServer};
pub use registry::{Registry, RegistryEvent, RegistryOptions};
pub use serve::{Serving, serve};

/// Why a neighbour cannot do its work.
#[derive(Debug, thiserror::Error)]
pub enum NeighbourError {
    /// A file or a port.
    #[error("{what}")]
    Io {
        /// What was tried.
        what: String,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// The `git` program.
    #[error(transparent)]
    Process(#[from] seaway_base::process::ProcessError),
    /// A name that is no name.
    #[error("`{name}` is no name for a {what}: lower-case letters, digits, `.`, `_`, `-` and `/`")]
    Name {
        /// The name.
        name: String,
        /// Of what.
        what: &'static str,
    },
}

impl NeighbourError {
    fn io(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source }
    }
}
