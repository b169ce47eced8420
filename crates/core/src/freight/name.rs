//! The name of freight: a hash of its origin and its artifacts (reference §3.1).

use seaway_base::urls::{normalise_chart, normalise_git};
use sha1::{Digest as _, Sha1};

/// One artifact, as much of it as counts for identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part<'a> {
    /// A git commit.
    Commit {
        /// Repository as written.
        repo_url: &'a str,
        /// Its tag; may be empty.
        tag: &'a str,
        /// Full commit id.
        id: &'a str,
        /// Name of the subscription; may be empty.
        subscription: &'a str,
    },
    /// A container image.
    Image {
        /// Repository as written; deliberately not normalised.
        repo_url: &'a str,
        /// Its tag.
        tag: &'a str,
        /// Its digest.
        digest: &'a str,
        /// Name of the subscription; may be empty.
        subscription: &'a str,
    },
    /// A Helm chart.
    Chart {
        /// Repository as written.
        repo_url: &'a str,
        /// Name of the chart; empty for OCI.
        name: &'a str,
        /// Its version.
        version: &'a str,
        /// Name of the subscription; may be empty.
        subscription: &'a str,
    },
    /// Any other artifact.
    Other {
        /// What it is.
        artifact_type: &'a str,
        /// Name of the subscription.
        subscription: &'a str,
        /// Its version.
        version: &'a str,
    },
}

/// The name of freight from `origin_kind/origin_name` with these artifacts; their order does not count.
pub fn of<'a>(origin_kind: &str, origin_name: &str, parts: impl IntoIterator<Item = Part<'a>>) -> String {
    let mut texts: Vec<String> = parts.into_iter().map(text).collect();
    texts.sort();
    let whole = format!("{origin_kind}/{origin_name}:{}", texts.join("|"));
    hex::encode(Sha1::digest(whole))
}

fn text(part: Part<'_>) -> String {
    let (text, subscription) = match part {
        Part::Commit { repo_url, tag: "", id, subscription } => (format!("{}:{id}", normalise_git(repo_url)), subscription),
        Part::Commit { repo_url, tag, id, subscription } => (format!("{}:{tag}:{id}", normalise_git(repo_url)), subscription),
        Part::Image { repo_url, tag, digest, subscription } => (format!("{repo_url}:{tag}@{digest}"), subscription),
        Part::Chart { repo_url, name, version, subscription } => {
            (format!("{}:{version}", join_path(&normalise_chart(repo_url), name)), subscription)
        }
        Part::Other { artifact_type, subscription, version } => return format!("{artifact_type}:{subscription}:{version}"),
    };
    if subscription.is_empty() { text } else { format!("{text}:{subscription}") }
}

/// Go's `path.Join` of two elements: empty ones are left out, the rest is cleaned.
fn join_path(a: &str, b: &str) -> String {
    match (a.is_empty(), b.is_empty()) {
        (true, true) => String::new(),
        (false, true) => crate::paths::clean(a),
        (true, false) => crate::paths::clean(b),
        (false, false) => crate::paths::clean(&format!("{a}/{b}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_artifacts_does_not_count_and_the_origin_does() {
        let image = |tag| Part::Image { repo_url: "ghcr.io/bank/fund-transfer", tag, digest: "sha256:1", subscription: "" };
        let (a, b) = (of("Warehouse", "bank", [image("1"), image("2")]), of("Warehouse", "bank", [image("2"), image("1")]));
        assert_eq!(a, b);
        assert_eq!(a.len(), 40);
        assert_ne!(a, of("Warehouse", "other", [image("1"), image("2")]));
    }
}
