//! Looks at what a warehouse subscribes to: asks registries and git servers for no more than `core` wants to know.

use super::Outside;
use super::error::{Cause, LookError, Problem};
use futures::{FutureExt as _, StreamExt as _};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use seaway_api::kargo::{
    CommitSelectionStrategy, DiscoveredArtifacts, DiscoveredImageReference, GitDiscoveryResult, GitSubscription,
    ImageDiscoveryResult, ImageSelectionStrategy, ImageSubscription, ObservedRefs, Subscription, Typed, Warehouse,
};
use seaway_core::discovery::{self, Ask, Commit, GitSearch, ImageSearch, Tag};
use seaway_git::{Checkout, CommitInfo, GitError, Mirror, ObjectId, Remote, RemoteRefs, TagInfo};
use seaway_oci::{OciError, Platform, Repository};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Subscriptions of one warehouse that are looked at side by side.
const N_AT_ONCE: usize = 8;
/// Tags whose metadata is read side by side.
const N_TAGS_AT_ONCE: usize = 32;
/// No search walks further back than this.
const N_COMMITS_MAX: usize = 100_000;

/// One look.
#[derive(Debug, Clone, Copy)]
pub(super) struct Look<'a> {
    /// What the last look at this generation found: where references stand as they stood, it still holds.
    pub(super) before: Option<&'a DiscoveredArtifacts>,
    /// Every tag is asked for its digest, not only the best one.
    pub(super) thorough: bool,
}

enum Found {
    Git(GitDiscoveryResult),
    Image(ImageDiscoveryResult),
}

/// Looks at every subscription; all of them must answer.
pub(super) async fn look(outside: &Outside, warehouse: &Warehouse, look: Look<'_>) -> Result<DiscoveredArtifacts, LookError> {
    let project = warehouse.metadata.namespace.as_deref().unwrap_or_default();
    let asked: Vec<_> = warehouse.spec.subscriptions.iter().map(|it| one(outside, project, it, look).boxed()).collect();
    let answers: Vec<_> = futures::stream::iter(asked).buffered(N_AT_ONCE).collect().await;
    let (mut found, mut problems) = (DiscoveredArtifacts::default(), Vec::new());
    for (at, answer) in answers.into_iter().enumerate() {
        match answer {
            Ok(Found::Git(result)) => found.git.push(result),
            Ok(Found::Image(result)) => found.images.push(result),
            Err(cause) => problems.push(Problem { at, cause }),
        }
    }
    if problems.is_empty() { Ok(found) } else { Err(LookError { problems }) }
}

async fn one(outside: &Outside, project: &str, subscription: &Subscription, look: Look<'_>) -> Result<Found, Cause> {
    match subscription.typed() {
        Some(Typed::Image(body)) => {
            let after = outside.image_timeout;
            let asked = tokio::time::timeout(after, image(outside, project, &body, look)).await;
            let mut result = asked.map_err(|_| Cause::Hangs { repository: body.repo_url.clone(), after })??;
            result.subscription_name = subscription.name().to_owned();
            Ok(Found::Image(result))
        }
        Some(Typed::Git(body)) => git(outside, project, &body, subscription.name(), look).await.map(Found::Git),
        // What is not built never comes this far, so it is a body that cannot be read.
        Some(Typed::Chart(_) | Typed::Other(_)) | None => Err(Cause::Unreadable),
    }
}

async fn image(
    outside: &Outside,
    project: &str,
    body: &ImageSubscription,
    look: Look<'_>,
) -> Result<ImageDiscoveryResult, Cause> {
    let mut search = ImageSearch::new(body)?;
    let repository = Repository::parse(&body.repo_url)?;
    let platform = (!body.platform.is_empty()).then(|| Platform::parse(&body.platform)).transpose()?;
    let credential = outside.credentials.image(project, &body.repo_url).await?;
    let remote = outside.registries.remote(&repository, credential.as_ref(), body.insecure_skip_tls_verify);
    if search.needs_tags() {
        search.tags(remote.tags().await?.to_vec());
    }
    let follows_digest = body.image_selection_strategy == ImageSelectionStrategy::Digest;
    // Freight is made of the best tag, so that one is asked for its digest at each look; the others once, and when somebody asks.
    let mut n_next = 1;
    let mut fixed = body.cache_by_tag && !follows_digest;
    loop {
        let tags: Vec<String> = search.next_tags(n_next).into_iter().map(str::to_owned).collect();
        if tags.is_empty() {
            break;
        }
        for (tag, answer) in remote.images(&tags, platform.as_ref(), fixed).await {
            let found = match answer {
                Ok(info) if info.has_platform => Some(DiscoveredImageReference {
                    tag,
                    digest: info.digest.clone(),
                    annotations: info.annotations.clone(),
                    created_at: info.created_at.map(whole_second),
                }),
                // Deleted between the list and the look, or not for this platform.
                Ok(_) | Err(OciError::NoImage { .. }) => None,
                Err(err) => return Err(err.into()),
            };
            if found.is_some() {
                fixed = (body.cache_by_tag || !look.thorough) && !follows_digest;
            }
            search.answer(found);
        }
        n_next = N_TAGS_AT_ONCE;
    }
    Ok(ImageDiscoveryResult {
        repo_url: body.repo_url.clone(),
        platform: body.platform.clone(),
        references: search.finish(),
        ..ImageDiscoveryResult::default()
    })
}

/// Statuses hold whole seconds; a finer instant would look like a change.
fn whole_second(at: jiff::Timestamp) -> Time {
    Time(jiff::Timestamp::from_second(at.as_second()).unwrap_or(at))
}

async fn git(
    outside: &Outside,
    project: &str,
    body: &GitSubscription,
    name: &str,
    look: Look<'_>,
) -> Result<GitDiscoveryResult, Cause> {
    let mut search = GitSearch::new(body)?;
    let credential = outside.credentials.git(project, &body.repo_url).await?;
    let remote = Remote { url: body.repo_url.clone(), credential, skip_tls_verify: body.insecure_skip_tls_verify };
    let mirror = outside.mirrors.mirror(&remote);
    let known = look
        .before
        .and_then(|found| found.git.iter().find(|result| result.repo_url == body.repo_url && result.subscription_name == name));
    if let Some(known) = known.filter(|known| known.observed_refs.is_some()) {
        let refs = mirror.ls_remote().await?;
        if observed(body, &refs)? == known.observed_refs {
            return Ok(known.clone());
        }
    }
    let refs = mirror.fetch().await?;
    let mut next = if by_branch(body) { Some(tip(&mirror, body).await?) } else { None };
    let mut n_seen = 0;
    loop {
        match search.ask() {
            Ask::Done => break,
            Ask::Commits { n, .. } => {
                let batch = match next.filter(|_| n_seen < N_COMMITS_MAX) {
                    Some(from) => mirror.log(from, n).await?,
                    None => Vec::new(),
                };
                n_seen += batch.len();
                next = batch.last().and_then(|commit| commit.parent);
                search.commits(batch.into_iter().map(commit).collect())?;
            }
            Ask::Tags => search.tags(mirror.tags().await?.into_iter().map(tag).collect())?,
            Ask::Paths(id) => search.paths(&changed_paths(&mirror, &id).await?),
        }
    }
    Ok(GitDiscoveryResult {
        repo_url: body.repo_url.clone(),
        subscription_name: name.to_owned(),
        commits: search.finish(),
        observed_refs: observed(body, &refs)?,
    })
}

fn by_branch(body: &GitSubscription) -> bool {
    let strategy = &body.commit_selection_strategy;
    *strategy == CommitSelectionStrategy::NewestFromBranch || strategy.as_str().is_empty()
}

fn observed(body: &GitSubscription, refs: &RemoteRefs) -> Result<Option<ObservedRefs>, Cause> {
    let texts = |ids: &BTreeMap<String, ObjectId>| ids.iter().map(|(name, id)| (name.clone(), id.to_string())).collect();
    let head = refs.head_id.map(|id| id.to_string());
    Ok(discovery::observe(body, head.as_deref(), &texts(&refs.branches), &texts(&refs.tags))?)
}

async fn tip(mirror: &Arc<Mirror>, body: &GitSubscription) -> Result<ObjectId, Cause> {
    let checkout =
        if body.branch.is_empty() { Checkout::Default } else { Checkout::Branch { name: body.branch.clone(), create: false } };
    let resolved = mirror.resolve(&checkout).await?;
    resolved.commit.ok_or_else(|| GitError::Bug("a branch without a commit was resolved".into()).into())
}

async fn changed_paths(mirror: &Arc<Mirror>, id: &str) -> Result<Vec<String>, Cause> {
    let id = ObjectId::from_hex(id.as_bytes()).map_err(|err| GitError::Bug(format!("commit id `{id}`: {err}")))?;
    Ok(mirror.changed_paths(id).await?.into_iter().map(|changed| changed.path).collect())
}

fn commit(info: CommitInfo) -> Commit {
    Commit {
        id: info.id.to_string(),
        author: info.author,
        committer: info.committer,
        subject: info.subject,
        date: Some(info.commit_date),
    }
}

fn tag(info: TagInfo) -> Tag {
    let commit =
        Commit { id: info.id.to_string(), author: info.author, committer: info.committer, subject: info.subject, date: None };
    Tag { name: info.tag, commit, tagger: info.tagger, annotation: info.annotation, date: Some(info.creator_date) }
}
