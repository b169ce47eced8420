//! What changes from one piece of freight to another: versions, and where the code host tells the commits between them.

use super::ask::{Caller, Place, Refused, freight};
use crate::problem::Problem;
use axum::Json;
use seaway_api::kargo::FreightReference;
use seaway_core::view::{Artifact, artifacts_of};
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// What changes from one freight to another.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FreightDifference {
    /// The one.
    from: String,
    /// The other.
    to: String,
    /// What is in one of them or both and is not the same.
    artifacts: Vec<ArtifactDifference>,
}

/// One artifact that differs.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct ArtifactDifference {
    /// `image`, `git`, `chart`, or another kind.
    kind: String,
    /// Its repository.
    url: String,
    /// What was there; null if it is new.
    from: Option<ArtifactAt>,
    /// What comes; null if it goes.
    to: Option<ArtifactAt>,
    /// The commits between them, newest first, as far as they are known.
    commits: Vec<CommitBetween>,
    /// Whether there are more.
    truncated: bool,
    /// Where the whole difference can be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    link: Option<String>,
    /// Why the commits are not told.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    note: Option<String>,
}

/// One version of an artifact.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct ArtifactAt {
    /// The tag, version or short commit.
    version: String,
    /// The digest of an image.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    digest: Option<String>,
    /// The commit.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    commit: Option<String>,
    /// Where it can be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    link: Option<String>,
}

/// A commit between two.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct CommitBetween {
    /// Its id.
    commit: String,
    /// Its first line.
    subject: String,
    /// Whose it is.
    author: String,
    /// Where it can be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    link: Option<String>,
}

/// What changes from one freight to another
#[utoipa::path(get, path = "/seaway/v1/projects/{project}/freight/{freight}/difference/{other}", tag = "freight",
    params(("project" = String, Path), ("freight" = String, Path, description = "name, alias or version"), ("other" = String, Path, description = "the same")),
    responses((status = 200, body = FreightDifference), (status = 304, description = "It is as it was"), Refused))]
pub(super) async fn difference(
    caller: Caller,
    Place((project, from, to)): Place<(String, String, String)>,
) -> Result<Json<FreightDifference>, Problem> {
    let verbs = caller.verbs(&project).await?;
    let (from, to) = (freight(&verbs, &from).await?.reference(), freight(&verbs, &to).await?.reference());
    let artifacts = between(&from, &to);
    Ok(Json(FreightDifference { from: from.name, to: to.name, artifacts }))
}

fn between(from: &FreightReference, to: &FreightReference) -> Vec<ArtifactDifference> {
    let mut all: BTreeMap<(String, String), (Option<Artifact>, Option<Artifact>)> = BTreeMap::new();
    for artifact in artifacts_of(from) {
        let key = (artifact.kind.clone(), artifact.url.clone());
        all.entry(key).or_default().0 = Some(artifact);
    }
    for artifact in artifacts_of(to) {
        let key = (artifact.kind.clone(), artifact.url.clone());
        all.entry(key).or_default().1 = Some(artifact);
    }
    let sources = (source_commits(from), source_commits(to));
    let other = all.into_iter().filter(|(_, (from, to))| from != to);
    other.map(|((kind, url), (old, new))| one(kind, url, old, new, from, to, &sources)).collect()
}

/// By image repository: the source repository and the commit that the image says it was made of (OCI image annotations).
type Sources = BTreeMap<String, (String, String)>;

fn source_commits(freight: &FreightReference) -> Sources {
    let said = freight.images.iter().filter_map(|image| {
        let get = |key: &str| image.annotations.get(key).cloned();
        let (source, revision) = (get("org.opencontainers.image.source")?, get("org.opencontainers.image.revision")?);
        Some((seaway_core::view::shown(&image.repo_url), (source, revision)))
    });
    said.collect()
}

fn one(
    kind: String,
    url: String,
    old: Option<Artifact>,
    new: Option<Artifact>,
    from: &FreightReference,
    to: &FreightReference,
    sources: &(Sources, Sources),
) -> ArtifactDifference {
    let said = |artifact: &Option<Artifact>, sources: &Sources| -> Option<(String, String)> {
        let artifact = artifact.as_ref()?;
        if artifact.commit.is_empty() { sources.get(&url).cloned() } else { Some((url.clone(), artifact.commit.clone())) }
    };
    let (before, after) = (said(&old, &sources.0), said(&new, &sources.1));
    let link = match (&before, &after) {
        (Some((here, a)), Some((there, b))) if here == there => web(here).map(|(web, host)| host.compare(&web, a, b)),
        _ => None,
    };
    let at = |artifact: Option<Artifact>, source: &Option<(String, String)>| {
        artifact.map(|it| ArtifactAt {
            version: if it.tag.is_empty() { short(if it.commit.is_empty() { &it.digest } else { &it.commit }) } else { it.tag },
            digest: Some(it.digest).filter(|it| !it.is_empty()),
            commit: source.as_ref().map(|(_, commit)| commit.clone()),
            link: source.as_ref().and_then(|(url, commit)| web(url).map(|(web, host)| host.commit(&web, commit))),
        })
    };
    // What freight itself says of its commits: the newest of the other one. What lies between them is the repository's to tell.
    let newest = to.commits.iter().filter(|commit| !from.commits.iter().any(|old| old.id == commit.id));
    let own = newest.filter(|commit| kind == "git" && seaway_core::view::shown(&commit.repo_url) == url);
    let commits: Vec<CommitBetween> = own
        .map(|commit| CommitBetween {
            commit: commit.id.clone(),
            subject: commit.message.lines().next().unwrap_or_default().to_owned(),
            author: commit.author.clone(),
            link: web(&commit.repo_url).map(|(web, host)| host.commit(&web, &commit.id)),
        })
        .collect();
    let note = match (&before, &after, &link) {
        (Some(_), Some(_), Some(_)) => "the commits between them are behind the link".to_owned(),
        (Some(_), Some(_), None) => "the commits between them are not told: the code host is not known".to_owned(),
        _ => format!("no commits are told: this {kind} does not say of which commit it was made"),
    };
    let truncated = before.is_some() && after.is_some();
    ArtifactDifference { kind, from: at(old, &before), to: at(new, &after), url, commits, truncated, link, note: Some(note) }
}

fn short(id: &str) -> String {
    let id = id.strip_prefix("sha256:").unwrap_or(id);
    id.get(..7).unwrap_or(id).to_owned()
}

/// A code host whose pages have known addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Host {
    GitHub,
    GitLab,
    Bitbucket,
}

impl Host {
    fn commit(self, web: &str, commit: &str) -> String {
        match self {
            Self::GitHub => format!("{web}/commit/{commit}"),
            Self::GitLab => format!("{web}/-/commit/{commit}"),
            Self::Bitbucket => format!("{web}/commits/{commit}"),
        }
    }

    fn compare(self, web: &str, from: &str, to: &str) -> String {
        match self {
            Self::GitHub => format!("{web}/compare/{from}...{to}"),
            Self::GitLab => format!("{web}/-/compare/{from}...{to}"),
            Self::Bitbucket => format!("{web}/branches/compare/{to}..{from}"),
        }
    }
}

/// The address of a repository's page, if its host is one we know by its name.
fn web(url: &str) -> Option<(String, Host)> {
    let url = seaway_core::view::shown(url);
    let rest = match url.split_once("://") {
        Some(("https" | "http", rest)) => rest.to_owned(),
        Some(("ssh", rest)) => rest.to_owned(),
        Some(_) => return None,
        // `git@host:team/repository.git`
        None => url.split_once('@').map_or(url.as_str(), |(_, rest)| rest).replacen(':', "/", 1),
    };
    let rest = rest.trim_end_matches('/');
    let rest = rest.strip_suffix(".git").unwrap_or(rest);
    let (host, _) = rest.split_once('/')?;
    let host = match host.split(':').next()? {
        "github.com" => Host::GitHub,
        "bitbucket.org" => Host::Bitbucket,
        name if name == "gitlab.com" || name.starts_with("gitlab.") => Host::GitLab,
        _ => return None,
    };
    Some((format!("https://{rest}"), host))
}

#[cfg(test)]
mod tests {
    use super::*;
    use seaway_api::kargo::{GitCommit, Image};

    #[test]
    fn a_repository_has_a_page_where_its_host_is_known() {
        let check = |url: &str, wanted: &str| {
            let link = web(url).map(|(web, host)| host.compare(&web, "a", "b")).unwrap_or_default();
            assert_eq!(link, wanted);
        };
        check("https://bob:pw@github.com/bank/app.git", "https://github.com/bank/app/compare/a...b");
        check("git@github.com:bank/app.git", "https://github.com/bank/app/compare/a...b");
        check("https://gitlab.example.com/bank/app", "https://gitlab.example.com/bank/app/-/compare/a...b");
        check("https://git.example.com/bank/app", "");
        check("http://127.0.0.1:7480/bank.git", "");
    }

    #[test]
    fn only_what_differs_is_told() {
        let freight = |tag: &str, id: &str| FreightReference {
            images: vec![
                Image { repo_url: "registry/app".into(), tag: tag.into(), digest: format!("sha256:{tag}"), ..Image::default() },
                Image { repo_url: "registry/same".into(), tag: "1".into(), ..Image::default() },
            ],
            commits: vec![GitCommit {
                repo_url: "https://github.com/bank/app".into(),
                id: id.into(),
                message: "one\ntwo".into(),
                ..GitCommit::default()
            }],
            ..FreightReference::default()
        };
        let found = between(&freight("1.5.0", "aaaaaaaaaa"), &freight("1.5.1", "bbbbbbbbbb"));
        let kinds: Vec<&str> = found.iter().map(|it| it.kind.as_str()).collect();
        assert_eq!(kinds, ["git", "image"]);
        assert_eq!(found[0].link.as_deref(), Some("https://github.com/bank/app/compare/aaaaaaaaaa...bbbbbbbbbb"));
        assert_eq!(found[0].commits[0].subject, "one");
        assert_eq!(found[1].from.as_ref().map(|it| it.version.as_str()), Some("1.5.0"));
    }
}
