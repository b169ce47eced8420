//! `git-clone`: checks branches, tags or commits of a repository out into the work folder.

use crate::config::{self, Text};
use crate::work::{folder_error, git_error};
use async_trait::async_trait;
use schemars::JsonSchema;
use seaway_base::Next;
use seaway_git::{Checkout, Mirror, MountSpec, ObjectId, Remote, Resolved};
use seaway_runs::{Answer, Class, Description, Done, GitIdentity, RepoKind, Step, StepContext, StepError};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use std::str::FromStr as _;
use std::sync::Arc;

const PAGE: &str = "\
Checks branches, tags or commits of a repository out, each into a folder of its own. Nothing is copied to disk: a checkout is a view
of our copy of the repository, and costs the same for a hundred files and for fifty thousand. The commit that a branch pointed to is
recorded: an interrupted promotion goes on with it.

Without `branch`, `tag` or `commit` the default branch is checked out. `create: true` starts a branch that does not exist; it comes
into being with the first push.

Output: `commits`, from each `as` (else `path`) to the commit.

```yaml
- uses: git-clone
  config:
    repoURL: https://git.bank.example/bank.git
    checkout:
    - { path: ./src, branch: main }
    - { path: ./out, branch: 'stage/${{ ctx.stage }}', create: true }
```
";

/// What to check out, and from where.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Config {
    /// The repository.
    #[serde(rename = "repoURL")]
    repo_url: Text,
    /// The checkouts.
    #[schemars(extend("minItems" = 1))]
    checkout: Vec<Wanted>,
    /// Take any certificate.
    #[serde(default, rename = "insecureSkipTLSVerify")]
    insecure_skip_tls_verify: bool,
    /// Check submodules out too; not built yet.
    #[serde(default)]
    recurse_submodules: bool,
    /// Accepted for Kargo's sake: nothing is fetched twice here.
    #[serde(default)]
    #[expect(dead_code, reason = "a hint for clones, which we do not make")]
    blobless: bool,
    /// Who commits in these checkouts.
    #[serde(default)]
    author: Option<Author>,
}

/// One checkout.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Wanted {
    /// Where in the work folder.
    path: config::Path,
    /// A branch.
    #[serde(default, deserialize_with = "config::or_absent")]
    #[schemars(with = "Option<String>")]
    branch: Option<Text>,
    /// A commit.
    #[serde(default, deserialize_with = "config::or_absent")]
    #[schemars(with = "Option<String>")]
    commit: Option<Text>,
    /// A tag.
    #[serde(default, deserialize_with = "config::or_absent")]
    #[schemars(with = "Option<String>")]
    tag: Option<Text>,
    /// Start the branch if it does not exist; without `branch` it means nothing.
    #[serde(default)]
    create: bool,
    /// Its name in the output; the path by default.
    #[serde(default, rename = "as", deserialize_with = "config::or_absent")]
    #[schemars(with = "Option<String>")]
    alias: Option<Text>,
    /// Only these folders.
    #[serde(default)]
    sparse: Option<Vec<Text>>,
}

/// Who commits.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Author {
    /// The name.
    name: Text,
    /// The address.
    email: Text,
    /// A signing key; not built yet.
    #[serde(default)]
    signing_key: Option<Text>,
}

impl Author {
    pub(crate) fn check(&self, step: &str) -> Result<(), StepError> {
        let at = self.email.find('@');
        if at.is_none_or(|at| at == 0 || at + 1 == self.email.len() || self.email.contains(char::is_whitespace)) {
            return Err(config::invalid(step, &format!("`author.email`: `{}` is no e-mail address", self.email)));
        }
        if self.signing_key.is_some() {
            return Err(StepError::errored(
                "NotBuilt",
                Next::Blocked,
                format!("{step}: `author.signingKey` is not built yet; leave it out"),
            )
            .terminal());
        }
        Ok(())
    }

    pub(crate) fn identity(&self) -> GitIdentity {
        GitIdentity { name: self.name.to_string(), email: self.email.to_string() }
    }
}

/// The step `git-clone`.
#[derive(Debug)]
pub(crate) struct GitClone;

impl GitClone {
    fn read(config: &Value) -> Result<Config, StepError> {
        let read: Config = config::parse("git-clone", config)?;
        let invalid = |why: &str| Err(config::invalid("git-clone", why));
        if read.checkout.is_empty() {
            return invalid("`checkout` needs at least one entry");
        }
        for (index, wanted) in read.checkout.iter().enumerate() {
            let named = [&wanted.branch, &wanted.commit, &wanted.tag].iter().filter(|it| it.is_some()).count();
            if named > 1 {
                return invalid(&format!("`checkout[{index}]`: at most one of `branch`, `commit` and `tag`"));
            }
            if wanted.sparse.as_ref().is_some_and(Vec::is_empty) {
                return invalid(&format!("`checkout[{index}].sparse` needs at least one folder"));
            }
        }
        if let Some(author) = &read.author {
            author.check("git-clone")?;
        }
        if read.recurse_submodules {
            return Err(StepError::errored(
                "NotBuilt",
                Next::Blocked,
                "git-clone: `recurseSubmodules` is not built yet; submodules are left untouched without it",
            )
            .terminal());
        }
        Ok(read)
    }
}

#[async_trait]
impl Step for GitClone {
    fn name(&self) -> &'static str {
        "git-clone"
    }

    fn page(&self) -> &'static str {
        PAGE
    }

    fn schema(&self) -> schemars::Schema {
        config::schema::<Config>()
    }

    fn check(&self, config: &Value) -> Result<(), StepError> {
        Self::read(config).map(drop)
    }

    fn class(&self, _: &Value) -> Class {
        Class::Recorded
    }

    async fn run(&self, cx: &mut StepContext<'_>, config: &Value) -> Result<Answer, StepError> {
        let config = Self::read(config)?;
        let url = config.repo_url.to_string();
        let credential = cx.ports.credentials.find(&cx.facts.project, RepoKind::Git, &url).await?;
        let mirror =
            cx.ports.git.mirror(&Remote { url: url.clone(), credential, skip_tls_verify: config.insecure_skip_tls_verify });
        let recorded = cx.record.cloned();
        if recorded.is_none() {
            mirror.fetch().await.map_err(|err| git_error("git-clone", &err))?;
        }
        let (mut commits, mut record, mut done, mut names) = (Map::new(), Map::new(), Done::default(), BTreeSet::new());
        for (index, wanted) in config.checkout.iter().enumerate() {
            let found = match recorded.as_ref().and_then(|record| record.get(index.to_string())) {
                Some(known) => from_record(known, &mirror).await?,
                None => mirror.resolve(&wanted.checkout()).await.map_err(|err| git_error("git-clone", &err))?,
            };
            let path = wanted.path.get("git-clone")?;
            let sparse = wanted.sparse.iter().flatten().map(ToString::to_string).collect();
            let objects = cx.work.objects_of(&mirror);
            let spec = MountSpec { objects, commit: found.commit, branch: found.branch.clone(), sparse };
            cx.work.mount(&path, spec).map_err(|err| folder_error("git-clone", &err))?;
            let name = wanted.alias.as_ref().map_or_else(|| wanted.path.to_string(), ToString::to_string);
            if !names.insert(name.clone()) {
                return Err(StepError::errored(
                    "InvalidSpec",
                    Next::Failed,
                    format!("git-clone: two checkouts are called `{name}` in the output; set another `as`"),
                ));
            }
            if let Some(id) = found.commit {
                commits.insert(name, json!(id.to_string()));
                done.pins.push((url.clone(), id.to_string()));
            }
            record.insert(index.to_string(), json!({ "commit": found.commit.map(|id| id.to_string()), "branch": found.branch }));
        }
        done.output.insert("commits".to_owned(), Value::Object(commits));
        done.record = Some(Value::Object(record));
        Ok(Answer::Done(done))
    }

    async fn describe(&self, _: &mut StepContext<'_>, _: &Value) -> Result<Description, StepError> {
        Ok(Description::default())
    }
}

impl Wanted {
    fn checkout(&self) -> Checkout {
        match (&self.branch, &self.tag, &self.commit) {
            (Some(branch), _, _) => Checkout::Branch { name: branch.to_string(), create: self.create },
            (None, Some(tag), _) => Checkout::Tag(tag.to_string()),
            (None, None, Some(commit)) => Checkout::Commit(commit.to_string()),
            (None, None, None) => Checkout::Default,
        }
    }
}

/// What was recorded is used as it was, whatever the branch points to by now; a mirror that lost it fetches first.
async fn from_record(known: &Value, mirror: &Arc<Mirror>) -> Result<Resolved, StepError> {
    let branch = known.get("branch").and_then(Value::as_str).map(str::to_owned);
    let Some(id) = known.get("commit").and_then(Value::as_str).and_then(|id| ObjectId::from_str(id).ok()) else {
        return Ok(Resolved { commit: None, branch });
    };
    if !mirror.objects().has(id).unwrap_or(false) {
        mirror.fetch().await.map_err(|err| git_error("git-clone", &err))?;
    }
    Ok(Resolved { commit: Some(id), branch })
}
