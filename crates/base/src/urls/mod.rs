//! One spelling for each repository: git, image and chart URLs normalised as Kargo normalises them (reference §2.7).
//!
//! Used to compare (subscriptions, credentials, freight), never to connect.

mod go_url;

use regex::Regex;
use std::sync::LazyLock;

/// What no URL shows: neither a letter, a mark, a number, punctuation, a symbol nor a plain space.
static UNPRINTABLE: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"[^\p{L}\p{M}\p{N}\p{P}\p{S} ]").expect("a constant pattern"));
static SCP: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"\A((?:[0-9A-Za-z_-]+@)?[0-9A-Za-z_-]+(?:\.[0-9A-Za-z_-]+)*)(?::(.*))?\z").expect("a constant pattern")
});

fn clean(url: &str) -> String {
    let lower = url.trim().to_lowercase();
    UNPRINTABLE.replace_all(&lower, "").trim().to_owned()
}

/// A git URL: lower case, no user of `http(s)`, no final `/` or `.git`; `user@host:path` becomes `ssh://user@host/path`.
///
/// URLs with a query, and what is no URL at all, stay as they are.
pub fn normalise_git(url: &str) -> String {
    let url = clean(url);
    if ["http://", "https://", "ssh://"].iter().any(|scheme| url.starts_with(scheme)) {
        let Some(mut parsed) = go_url::parse(&url) else { return url };
        if parsed.has_query() {
            return url;
        }
        if parsed.scheme != "ssh" {
            parsed.user = None;
        }
        parsed.trim_repository_path();
        return parsed.to_string();
    }
    let Some(parts) = SCP.captures(&url) else { return url };
    let path = parts.get(2).map_or("", |m| m.as_str());
    let Some(mut parsed) = go_url::parse(path) else { return url };
    parsed.trim_repository_path();
    if parsed.path.is_empty() { format!("ssh://{}", &parts[1]) } else { format!("ssh://{}/{parsed}", &parts[1]) }
}

/// An image's repository: lower case, without tag, digest, Docker Hub's host or its `library/`.
///
/// What is no image reference stays as it is.
pub fn normalise_image(url: &str) -> String {
    let url = clean(url);
    match split_reference(&url) {
        Some((registry, repository)) => match registry {
            None | Some("docker.io" | "index.docker.io" | "registry-1.docker.io") => {
                repository.strip_prefix("library/").unwrap_or(repository).to_owned()
            }
            Some(registry) => format!("{registry}/{repository}"),
        },
        None => url,
    }
}

/// A chart repository: `oci://` goes, the rest as [`normalise_image`].
pub fn normalise_chart(url: &str) -> String {
    let url = clean(url);
    normalise_image(url.strip_prefix("oci://").unwrap_or(&url))
}

/// Registry (if it is written) and repository of an image reference, by the lenient rules of go-containerregistry.
fn split_reference(reference: &str) -> Option<(Option<&str>, &str)> {
    split_tag(reference).and_then(split_repository).or_else(|| {
        let (base, digest) = reference.split_once('@')?;
        let hex = digest.strip_prefix("sha256:")?;
        let whole = hex.len() == 64 && hex.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        whole.then(|| split_repository(split_tag(base).unwrap_or(base))).flatten()
    })
}

/// The reference without its tag; `None` if the tag is malformed.
fn split_tag(reference: &str) -> Option<&str> {
    match reference.rsplit_once(':') {
        Some((base, tag)) if !tag.contains('/') => {
            let fine = tag.len() <= 128 && tag.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'));
            fine.then_some(base)
        }
        _ => Some(reference),
    }
}

fn split_repository(name: &str) -> Option<(Option<&str>, &str)> {
    let (registry, repository) = match name.split_once('/') {
        Some((host, rest)) if host.contains(['.', ':']) || host == "localhost" => (Some(host), rest),
        _ => (None, name),
    };
    let known = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'_' | b'-' | b'.' | b'/');
    let fine = (2..=255).contains(&repository.len()) && repository.bytes().all(known) && registry.is_none_or(is_host);
    fine.then_some((registry, repository))
}

fn is_host(host: &str) -> bool {
    go_url::parse(&format!("//{host}")).is_some_and(|url| url.host == host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_repository_are_equal() {
        let check = |given: &str, expect: &str| assert_eq!(normalise_git(given), expect, "{given}");
        check("https://User:pw@Example.com/a/b.git/", "https://example.com/a/b");
        check("git@example.com:a/b.git", "ssh://git@example.com/a/b");
        check("http://127.0.0.1:7480/bank.git", "http://127.0.0.1:7480/bank");
        check("https://x/a b", "https://x/a%20b");
        assert_eq!(normalise_image("docker.io/library/nginx:1"), "nginx");
        assert_eq!(normalise_image("127.0.0.1:7450/fund-transfer"), "127.0.0.1:7450/fund-transfer");
        assert_eq!(normalise_chart("oci://Docker.io/a/b"), "a/b");
    }
}
