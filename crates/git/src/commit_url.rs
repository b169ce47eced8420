//! The web address of a commit, told from the repository's URL.

use serde::{Deserialize, Serialize};

/// The kinds of code host that we know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Provider {
    /// Azure DevOps.
    Azure,
    /// Bitbucket Cloud.
    Bitbucket,
    /// Gitea and Forgejo.
    Gitea,
    /// GitHub.
    GitHub,
    /// GitLab.
    GitLab,
}

impl Provider {
    /// Tells the host from a URL's host name, as Kargo does; not from `git@host:path`.
    pub fn of(repo_url: &str) -> Option<Self> {
        let (_, rest) = repo_url.split_once("://")?;
        let authority = rest.split('/').next().unwrap_or_default();
        let host = authority.rsplit('@').next().unwrap_or_default();
        let host = host.split(':').next().unwrap_or_default();
        match host {
            "bitbucket.org" => Some(Self::Bitbucket),
            "dev.azure.com" => Some(Self::Azure),
            _ if host.ends_with("visualstudio.com") => Some(Self::Azure),
            _ if host.contains("github") || host.ends_with(".ghe.com") => Some(Self::GitHub),
            _ if host.contains("gitlab") => Some(Self::GitLab),
            _ if host.contains("gitea") => Some(Self::Gitea),
            _ => None,
        }
    }
}

/// The web address of a commit; `None` where the host is unknown or gives none (Azure). For Gitea the caller may want to ask the host
/// whether it is one (`/api/v1/version`), as Kargo does.
pub fn commit_url(repo_url: &str, provider: Option<Provider>, commit: &str) -> Option<String> {
    let provider = provider.or_else(|| Provider::of(repo_url))?;
    let (host, path) = parts(repo_url)?;
    let n_parts = path.split('/').count();
    let between = match provider {
        Provider::Azure => return None,
        Provider::GitHub | Provider::Gitea if n_parts == 2 && !host.is_empty() => "commit",
        Provider::Bitbucket if n_parts == 2 && !host.is_empty() => "commits",
        Provider::GitLab => "-/commit",
        _ => return None,
    };
    Some(format!("https://{host}/{path}/{between}/{commit}"))
}

/// Host (with its port) and path, without user and `.git`. As with Kargo, what is no URL of http, https or ssh reads as `host:path`.
fn parts(url: &str) -> Option<(String, String)> {
    let trim = |path: &str| {
        let path = path.trim_end_matches('/');
        path.strip_suffix(".git").unwrap_or(path).to_owned()
    };
    if let Some((_, rest)) = url.split_once("://").filter(|it| matches!(it.0, "http" | "https" | "ssh")) {
        let (authority, path) = rest.split_once('/')?;
        let host = authority.rsplit('@').next().unwrap_or_default();
        return Some((host.to_owned(), trim(path)));
    }
    let (authority, path) = url.split_once(':')?;
    let host = authority.rsplit('@').next().unwrap_or_default();
    (!host.contains(['/', ' '])).then(|| (host.to_owned(), trim(path)))
}
