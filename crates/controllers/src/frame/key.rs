//! The name of an object: project and name.

use std::fmt;
use std::sync::Arc;

/// An object's namespace (empty for cluster-scoped kinds) and name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    /// The project; empty for cluster-scoped kinds.
    pub project: Arc<str>,
    /// The name.
    pub name: Arc<str>,
}

impl Key {
    /// The key of `name` in `project`.
    pub fn new(project: &str, name: &str) -> Self {
        Self { project: project.into(), name: name.into() }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.project.is_empty() { f.write_str(&self.name) } else { write!(f, "{}/{}", self.project, self.name) }
    }
}
