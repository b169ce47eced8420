//! Names of repositories, tags and digests, read once.

use crate::OciError;
use sha2::{Digest as _, Sha256};
use std::fmt;

/// A repository at a registry.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Repository {
    /// Host and, if it is not the usual one, port.
    pub registry: String,
    /// The path below the registry: `library/nginx`.
    pub name: String,
}

impl Repository {
    /// Reads what users write: `nginx`, `team/app`, `ghcr.io/team/app`, `localhost:5000/app`. No scheme, tag or digest.
    ///
    /// Without a host it is Docker Hub, and there a name of one part lies below `library/`.
    ///
    /// # Errors
    /// [`OciError::Name`].
    pub fn parse(text: &str) -> Result<Self, OciError> {
        let bad = |reason: &str| OciError::Name { text: text.to_owned(), reason: reason.to_owned() };
        let trimmed = text.trim();
        let trimmed = trimmed.strip_prefix("oci://").unwrap_or(trimmed).trim_end_matches('/');
        if trimmed.contains("://") {
            return Err(bad("it has a scheme"));
        }
        let (registry, name) = match trimmed.split_once('/') {
            Some((host, rest)) if host.contains(['.', ':']) || host == "localhost" => (host.to_lowercase(), rest.to_owned()),
            _ => ("docker.io".to_owned(), trimmed.to_owned()),
        };
        let hub = matches!(registry.as_str(), "docker.io" | "index.docker.io" | "registry-1.docker.io");
        let registry = if hub { "registry-1.docker.io".to_owned() } else { registry };
        let name = if hub && !name.contains('/') { format!("library/{name}") } else { name };
        if name.contains(['@', ':']) {
            return Err(bad("it has a tag or a digest"));
        }
        let good = |part: &str| {
            let end = |c: char| c.is_ascii_alphanumeric();
            part.starts_with(end) && part.ends_with(end) && part.chars().all(|c| end(c) || matches!(c, '.' | '_' | '-'))
        };
        if !name.split('/').all(good) {
            return Err(bad("it is no repository name"));
        }
        let host = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '[' | ']' | '_');
        if !registry.chars().all(host) {
            return Err(bad("its host is no host name"));
        }
        Ok(Self { registry, name: name.to_lowercase() })
    }
}

impl fmt::Display for Repository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let registry = if self.registry == "registry-1.docker.io" { "docker.io" } else { &self.registry };
        write!(f, "{registry}/{}", self.name)
    }
}

/// One image of a repository.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Reference {
    /// By a name that may move.
    Tag(String),
    /// By content: `sha256:…`.
    Digest(String),
}

impl Reference {
    /// A digest where it looks like one, else a tag.
    pub fn parse(text: &str) -> Self {
        if text.contains(':') { Self::Digest(text.to_owned()) } else { Self::Tag(text.to_owned()) }
    }

    /// The text that goes into a URL.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Tag(text) | Self::Digest(text) => text,
        }
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The digest of bytes: `sha256:…`.
pub fn digest_of(bytes: &[u8]) -> String {
    format!("sha256:{}", hex::encode(Sha256::digest(bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, registry: &str, name: &str) {
        let read = Repository::parse(text).unwrap();
        assert_eq!((read.registry.as_str(), read.name.as_str()), (registry, name), "{text}");
    }

    #[test]
    fn names_are_read_as_docker_reads_them() {
        check("nginx", "registry-1.docker.io", "library/nginx");
        check("team/app", "registry-1.docker.io", "team/app");
        check("docker.io/nginx", "registry-1.docker.io", "library/nginx");
        check("index.docker.io/team/app", "registry-1.docker.io", "team/app");
        check("ghcr.io/Team/app", "ghcr.io", "team/app");
        check("localhost/app", "localhost", "app");
        check("localhost:5000/app", "localhost:5000", "app");
        check("127.0.0.1:5000/a/b_c/d-e", "127.0.0.1:5000", "a/b_c/d-e");
        check("[::1]:5000/app", "[::1]:5000", "app");
        check("oci://ghcr.io/team/chart/", "ghcr.io", "team/chart");
        assert_eq!(Repository::parse("nginx").unwrap().to_string(), "docker.io/library/nginx");
    }

    #[test]
    fn what_is_no_name_is_refused() {
        for text in ["", "https://ghcr.io/a", "nginx:1", "nginx@sha256:00", "a//b", "ghcr.io/../x", "a b", "gh cr.io/x"] {
            assert!(Repository::parse(text).is_err(), "{text}");
        }
    }
}
