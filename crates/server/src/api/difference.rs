//! What changes from one piece of freight to another: versions, and the commits between them, told by git where a warehouse of the
//! project subscribes to their repository.

use super::ask::{Caller, Place, Refused, freight};
use crate::problem::Problem;
use axum::Json;
use futures::future::join_all;
use jiff::Timestamp;
use kube::api::ListParams;
use seaway_api::kargo::{FreightReference, Typed, Warehouse};
use seaway_base::urls::normalise_git;
use seaway_core::view::{Artifact, artifacts_of, shown};
use seaway_runs::{Between, Past, Repository, Untold};
use seaway_verbs::Verbs;
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// No more commits are told of one artifact.
const COMMITS_MAX: usize = 100;

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
    /// When it was committed, where git tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    at: Option<Timestamp>,
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
    let mut found = between(&from, &to);
    if found.iter().any(|(_, moved)| moved.is_some()) {
        let subscribed = subscribed(&verbs).await?;
        let told = ask_git(&caller.state.served.past, &project, &subscribed, &found).await;
        for (artifact, moved) in &mut found {
            if let Some((moved, said)) = moved.as_ref().and_then(|moved| told.get_key_value(moved)) {
                artifact.tell(&moved.repository, said);
            }
        }
    }
    let artifacts = found.into_iter().map(|(artifact, _)| artifact).collect();
    Ok(Json(FreightDifference { from: from.name, to: to.name, artifacts }))
}

/// A repository, as it may be shown, and two commits of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Moved {
    repository: String,
    from: String,
    to: String,
}

/// The git repositories to which warehouses of the project subscribe: no other is asked, whatever freight says of itself.
async fn subscribed(verbs: &Verbs) -> Result<Vec<Repository>, Problem> {
    let warehouses = verbs.api::<Warehouse>().list(&ListParams::default()).await?.items;
    let all =
        warehouses.iter().flat_map(|warehouse| &warehouse.spec.subscriptions).filter_map(|subscription| subscription.typed());
    let git = all.filter_map(|typed| match typed {
        Typed::Git(git) => Some(Repository { url: git.repo_url, skip_tls_verify: git.insecure_skip_tls_verify }),
        _ => None,
    });
    Ok(git.collect())
}

/// What git tells of each move within a repository that is subscribed to.
async fn ask_git(
    past: &Past,
    project: &str,
    subscribed: &[Repository],
    found: &[(ArtifactDifference, Option<Moved>)],
) -> BTreeMap<Moved, Result<Between, Untold>> {
    let mut asked = BTreeMap::new();
    for moved in found.iter().filter_map(|(_, moved)| moved.clone()) {
        let same = |it: &&Repository| normalise_git(&shown(&it.url)) == normalise_git(&moved.repository);
        if let Some(repository) = subscribed.iter().find(same) {
            asked.insert(moved, repository);
        }
    }
    let told = asked.into_iter().map(async |(moved, repository)| {
        let told = past.between(project, repository, &moved.from, &moved.to, COMMITS_MAX).await;
        (moved, told)
    });
    join_all(told).await.into_iter().collect()
}

impl ArtifactDifference {
    /// Enters what git told.
    fn tell(&mut self, repository: &str, told: &Result<Between, Untold>) {
        let web = web(repository);
        match told {
            Err(why) => {
                let link = if self.link.is_some() { "; they are behind the link" } else { "" };
                self.note = Some(format!("the commits between them are not told: {}{link}", seaway_base::chain(why)));
            }
            Ok(between) => {
                let commit = |it: &seaway_runs::CommitBetween| CommitBetween {
                    commit: it.id.clone(),
                    subject: it.subject.clone(),
                    author: it.author.clone(),
                    at: Some(it.at),
                    link: web.as_ref().map(|(web, host)| host.commit(web, &it.id)),
                };
                self.commits = between.commits.iter().map(commit).collect();
                self.truncated = between.truncated;
                self.note = note(between);
            }
        }
    }
}

/// What the listed commits do not tell.
fn note(between: &Between) -> Option<String> {
    let n = match between.n_back {
        1 => "1 commit".to_owned(),
        COMMITS_MAX => format!("{COMMITS_MAX} commits or more"),
        n => format!("{n} commits"),
    };
    let back = match (between.n_back, between.commits.is_empty()) {
        (0, _) => None,
        (_, true) => Some(format!("it goes back by {n}")),
        (_, false) => Some(format!("it leaves {n} behind that are not in it")),
    };
    let cut = between.cut.then(|| "the history between them is longer than is looked at".to_owned());
    let told: Vec<String> = back.into_iter().chain(cut).collect();
    (!told.is_empty()).then(|| told.join("; "))
}

fn between(from: &FreightReference, to: &FreightReference) -> Vec<(ArtifactDifference, Option<Moved>)> {
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
        Some((shown(&image.repo_url), (source, revision)))
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
) -> (ArtifactDifference, Option<Moved>) {
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
    let own = newest.filter(|commit| kind == "git" && shown(&commit.repo_url) == url);
    let commits: Vec<CommitBetween> = own
        .map(|commit| CommitBetween {
            commit: commit.id.clone(),
            subject: commit.message.lines().next().unwrap_or_default().to_owned(),
            author: commit.author.clone(),
            at: None,
            link: web(&commit.repo_url).map(|(web, host)| host.commit(&web, &commit.id)),
        })
        .collect();
    let note = match (&before, &after, &link) {
        (Some(_), Some(_), Some(_)) => "the commits between them are behind the link".to_owned(),
        (Some(_), Some(_), None) => "the commits between them are not told: the code host is not known".to_owned(),
        _ => format!("no commits are told: this {kind} does not say of which commit it was made"),
    };
    let truncated = before.is_some() && after.is_some();
    let moved = match (&before, &after) {
        (Some((here, from)), Some((there, to))) if here == there && from != to => {
            Some(Moved { repository: here.clone(), from: from.clone(), to: to.clone() })
        }
        _ => None,
    };
    let (from, to) = (at(old, &before), at(new, &after));
    (ArtifactDifference { kind, from, to, url, commits, truncated, link, note: Some(note) }, moved)
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
    let url = shown(url);
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
        let (mut found, moved): (Vec<_>, Vec<_>) =
            between(&freight("1.5.0", "aaaaaaaaaa"), &freight("1.5.1", "bbbbbbbbbb")).into_iter().unzip();
        let repository = "https://github.com/bank/app".to_owned();
        let both = Moved { repository: repository.clone(), from: "aaaaaaaaaa".into(), to: "bbbbbbbbbb".into() };
        assert_eq!(moved, [Some(both), None], "the image does not say of which commit it was made");
        let kinds: Vec<&str> = found.iter().map(|it| it.kind.as_str()).collect();
        assert_eq!(kinds, ["git", "image"]);
        assert_eq!(found[0].link.as_deref(), Some("https://github.com/bank/app/compare/aaaaaaaaaa...bbbbbbbbbb"));
        assert_eq!(found[0].commits[0].subject, "one");
        assert_eq!(found[1].from.as_ref().map(|it| it.version.as_str()), Some("1.5.0"));

        let commit = |id: &str| seaway_runs::CommitBetween {
            id: id.into(),
            subject: "a fix".into(),
            author: "Ann <ann@example.com>".into(),
            at: Timestamp::UNIX_EPOCH,
        };
        let mut check = |told: Result<Between, Untold>, n_commits: usize, truncated: bool, note: &str| {
            found[0].tell(&repository, &told);
            let said = (found[0].commits.len(), found[0].truncated, found[0].note.as_deref().unwrap_or_default());
            assert_eq!(said, (n_commits, truncated, note));
        };
        let gone = "the commits between them are not told: no branch or tag of the repository leads there any more: it was deleted or \
                    rewritten; they are behind the link";
        check(Err(Untold::Gone), 1, true, gone);
        check(Ok(Between { commits: vec![commit("b"), commit("c")], ..Between::default() }), 2, false, "");
        let diverged = Between { commits: vec![commit("b")], n_back: 2, ..Between::default() };
        check(Ok(diverged), 1, false, "it leaves 2 commits behind that are not in it");
        let long = "it goes back by 100 commits or more; the history between them is longer than is looked at";
        check(Ok(Between { n_back: COMMITS_MAX, truncated: true, cut: true, ..Between::default() }), 0, true, long);
        check(Ok(Between { n_back: 1, ..Between::default() }), 0, false, "it goes back by 1 commit");
        check(Ok(Between { n_back: COMMITS_MAX, ..Between::default() }), 0, false, "it goes back by 100 commits or more");
    }
}
