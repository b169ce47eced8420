//! Commits: the newest of a branch, or by tag; filtered by name, version, expression and changed paths (reference §2.3).

use super::expression::{Names, takes};
use super::{DiscoveryError, TagFilter, limit};
use crate::paths::PathFilter;
use crate::semver::{self, Constraint, Selection};
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use seaway_api::kargo::{CommitSelectionStrategy, DiscoveredCommit, GitSubscription};
use std::collections::VecDeque;

/// A commit as the mirror tells it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Commit {
    /// Full id.
    pub id: String,
    /// `Name <mail>`.
    pub author: String,
    /// `Name <mail>`.
    pub committer: String,
    /// First paragraph of its message, as `git log --format=%s` prints it.
    pub subject: String,
    /// When it was committed.
    pub date: Option<Timestamp>,
}

/// A tag as the mirror tells it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tag {
    /// Its name.
    pub name: String,
    /// The commit it points to, at last.
    pub commit: Commit,
    /// Who tagged, `Name <mail>`; empty for a light tag.
    pub tagger: String,
    /// First line of the tag's message; empty for a light tag.
    pub annotation: String,
    /// When it was tagged, or committed if it is a light tag.
    pub date: Option<Timestamp>,
}

/// What a search needs next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ask {
    /// The branch's commits, newest first, first parents only: `n` of them after the first `skip`.
    Commits {
        /// How many were given already.
        skip: usize,
        /// How many are wanted; fewer mean that the history ends.
        n: usize,
    },
    /// All tags.
    Tags,
    /// The paths that this commit changed against its first parent.
    Paths(String),
    /// Nothing more.
    Done,
}

/// A batch of commits is no larger than this.
const N_BATCH_MAX: usize = 1000;

#[derive(Debug, Clone)]
enum Order {
    Branch { name: String, since: Option<Timestamp> },
    SemVer(Selection),
    Lexical,
    NewestTag,
}

/// The search for one git subscription: [`ask`](Self::ask) what it needs, give it that, and so on until it is [`Ask::Done`].
#[derive(Debug, Clone)]
pub struct GitSearch {
    order: Order,
    tags: TagFilter,
    paths: PathFilter,
    expression: String,
    n_max: usize,
    n_batch: usize,
    n_seen: usize,
    ended: bool,
    waiting: VecDeque<DiscoveredCommit>,
    found: Vec<DiscoveredCommit>,
}

impl GitSearch {
    /// Reads the subscription.
    ///
    /// # Errors
    /// A pattern, constraint, path selector or `since` is malformed, or a field is used that Kargo gave up.
    pub fn new(subscription: &GitSubscription) -> Result<Self, DiscoveryError> {
        // An empty word is the schema's default.
        let strategy = &subscription.commit_selection_strategy;
        let by_branch = *strategy == CommitSelectionStrategy::NewestFromBranch || strategy.as_str().is_empty();
        let tags = if by_branch {
            TagFilter::default()
        } else {
            TagFilter::of_subscription(
                &subscription.allow_tags_regexes,
                &subscription.ignore_tags_regexes,
                &subscription.allow_tags,
                &subscription.ignore_tags,
            )?
        };
        let order = match strategy {
            _ if by_branch => {
                let read = |text: &String| text.parse().map_err(|_| DiscoveryError::Since(text.clone()));
                let since = subscription.since.as_ref().filter(|text| !text.is_empty()).map(read).transpose()?;
                Order::Branch { name: subscription.branch.clone(), since }
            }
            CommitSelectionStrategy::SemVer => {
                let text = &subscription.semver_constraint;
                let constraint = (!text.is_empty()).then(|| Constraint::parse(text)).transpose()?;
                Order::SemVer(Selection { constraint, strict: subscription.strict_semvers })
            }
            CommitSelectionStrategy::Lexical => Order::Lexical,
            CommitSelectionStrategy::NewestTag => Order::NewestTag,
            other => return Err(DiscoveryError::Strategy(other.to_string())),
        };
        let n_max = limit(subscription.discovery_limit);
        Ok(Self {
            order,
            tags,
            paths: PathFilter::new(&subscription.include_paths, &subscription.exclude_paths)?,
            expression: subscription.expression_filter.clone(),
            n_max,
            n_batch: n_max,
            n_seen: 0,
            ended: false,
            waiting: VecDeque::new(),
            found: Vec::new(),
        })
    }

    /// What is needed next.
    pub fn ask(&self) -> Ask {
        if self.found.len() >= self.n_max {
            return Ask::Done;
        }
        if let Some(next) = self.waiting.front() {
            return Ask::Paths(next.id.clone());
        }
        match self.order {
            _ if self.ended => Ask::Done,
            Order::Branch { .. } => Ask::Commits { skip: self.n_seen, n: self.n_batch },
            _ => Ask::Tags,
        }
    }

    /// Takes a batch of the branch's commits.
    ///
    /// # Errors
    /// The expression filter failed.
    pub fn commits(&mut self, commits: Vec<Commit>) -> Result<(), DiscoveryError> {
        let Order::Branch { name, since } = self.order.clone() else { return Ok(()) };
        self.n_seen += commits.len();
        let too_old = |c: &Commit| since.is_some_and(|since| c.date.is_some_and(|date| date < since));
        self.ended = commits.len() < self.n_batch || commits.iter().all(too_old);
        self.n_batch = (self.n_batch * 2).min(N_BATCH_MAX);
        for commit in commits.into_iter().filter(|c| !too_old(c)) {
            let names = Names::texts([
                ("id", &commit.id),
                ("author", &commit.author),
                ("committer", &commit.committer),
                ("subject", &commit.subject),
            ]);
            if takes(&self.expression, &names.instant("commitDate", commit.date))? {
                let date = commit.date;
                self.take(discovered(commit, name.clone(), String::new(), date));
            }
        }
        Ok(())
    }

    /// Takes all tags, in any order.
    ///
    /// # Errors
    /// The expression filter failed.
    pub fn tags(&mut self, mut tags: Vec<Tag>) -> Result<(), DiscoveryError> {
        self.ended = true;
        tags.retain(|tag| self.tags.allows(&tag.name));
        if let Order::SemVer(selection) = &self.order {
            tags.retain(|tag| selection.version(&tag.name).is_some());
        }
        let mut wanted = Vec::new();
        for tag in tags {
            let names = Names::texts([
                ("tag", &tag.name),
                ("id", &tag.commit.id),
                ("author", &tag.commit.author),
                ("committer", &tag.commit.committer),
                ("subject", &tag.commit.subject),
                ("tagger", &tag.tagger),
                ("annotation", &tag.annotation),
            ]);
            if takes(&self.expression, &names.instant("creatorDate", tag.date))? {
                wanted.push(tag);
            }
        }
        let ordered = match &self.order {
            Order::SemVer(selection) => semver::select(wanted, selection, |tag| tag.name.as_str()),
            Order::NewestTag => {
                wanted.sort_by(|a, b| b.date.cmp(&a.date).then_with(|| a.name.cmp(&b.name)));
                wanted
            }
            _ => {
                wanted.sort_by(|a, b| b.name.cmp(&a.name));
                wanted
            }
        };
        for tag in ordered {
            self.take(discovered(tag.commit, String::new(), tag.name, tag.date));
        }
        Ok(())
    }

    /// Takes the paths of the commit that was asked for.
    pub fn paths(&mut self, changed: &[String]) {
        if let Some(commit) = self.waiting.pop_front()
            && self.paths.matches(changed)
        {
            self.found.push(commit);
        }
    }

    /// The result, best first.
    pub fn finish(mut self) -> Vec<DiscoveredCommit> {
        self.found.truncate(self.n_max);
        self.found
    }

    fn take(&mut self, commit: DiscoveredCommit) {
        if self.paths.is_empty() { self.found.push(commit) } else { self.waiting.push_back(commit) }
    }
}

/// Subjects are cut to this many characters, the last three of them dots.
const SUBJECT_CHARS_MAX: usize = 80;

fn discovered(commit: Commit, branch: String, tag: String, date: Option<Timestamp>) -> DiscoveredCommit {
    let subject = if commit.subject.chars().count() > SUBJECT_CHARS_MAX {
        format!("{}...", commit.subject.chars().take(SUBJECT_CHARS_MAX - 3).collect::<String>())
    } else {
        commit.subject
    };
    DiscoveredCommit {
        id: commit.id,
        branch,
        tag,
        subject,
        author: commit.author,
        committer: commit.committer,
        creator_date: date.map(Time),
    }
}
