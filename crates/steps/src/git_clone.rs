//! `git-clone`: checks branches, tags or commits of a repository out into the work folder.

use crate::config::{self, Text};
use crate::error::Error;
use crate::typed::{TypedStep, object};
use schemars::JsonSchema;
use seaway_base::Next;
use seaway_git::{Checkout, Mirror, MountSpec, ObjectId, Remote, Resolved};
use seaway_runs::{Answer, Class, Done, GitIdentity, RepoKind, StepContext};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr as _;
use std::sync::Arc;

const PAGE: &str = "\
Checks branches, tags or commits of a repository out, each into a folder of its own. Nothing is copied to disk: a checkout is a view
of our copy of the repository, and costs the same for a hundred files and for fifty thousand. The commit that a branch pointed to is
recorded: an interrupted promotion goes on with it.

Without `branch`, `tag` or `commit` the default branch is checked out. `create: true` starts a branch that does not exist; it comes
into being with the first push. A branch is checked out once in a step.

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
pub(crate) struct Config {
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
    pub(crate) fn check(&self) -> Result<(), Error> {
        let at = self.email.find('@');
        if at.is_none_or(|at| at == 0 || at + 1 == self.email.len() || self.email.contains(char::is_whitespace)) {
            return Err(Error::config(format!("`author.email`: `{}` is no e-mail address", self.email)));
        }
        if self.signing_key.is_some() {
            return Err(Error::not_built("`author.signingKey` is not built yet; leave it out"));
        }
        Ok(())
    }

    pub(crate) fn identity(&self) -> GitIdentity {
        GitIdentity { name: self.name.to_string(), email: self.email.to_string() }
    }
}

/// The step `git-clone`.
pub(crate) struct GitClone;

impl TypedStep for GitClone {
    const NAME: &'static str = "git-clone";
    const PAGE: &'static str = PAGE;
    const CLASS: Class = Class::Recorded;
    type Config = Config;

    fn check(config: &Config) -> Result<(), Error> {
        if config.checkout.is_empty() {
            return Err(Error::config("`checkout` needs at least one entry"));
        }
        for (index, wanted) in config.checkout.iter().enumerate() {
            let named = [&wanted.branch, &wanted.commit, &wanted.tag].iter().filter(|it| it.is_some()).count();
            if named > 1 {
                return Err(Error::config(format!("`checkout[{index}]`: at most one of `branch`, `commit` and `tag`")));
            }
            if wanted.sparse.as_ref().is_some_and(Vec::is_empty) {
                return Err(Error::config(format!("`checkout[{index}].sparse` needs at least one folder")));
            }
        }
        config.author.as_ref().map_or(Ok(()), Author::check)?;
        if config.recurse_submodules {
            let message = "`recurseSubmodules` is not built yet; submodules are left untouched without it";
            return Err(Error::not_built(message));
        }
        Ok(())
    }

    async fn run(cx: &mut StepContext<'_>, config: Config) -> Result<Answer, Error> {
        let url = config.repo_url.to_string();
        let credential = cx.ports.credentials.find(&cx.facts.project, RepoKind::Git, &url).await?;
        let mirror =
            cx.ports.git.mirror(&Remote { url: url.clone(), credential, skip_tls_verify: config.insecure_skip_tls_verify });
        let recorded = cx.record.cloned();
        if recorded.is_none() {
            mirror.fetch().await?;
        }
        let (mut commits, mut record, mut done, mut taken) = (Map::new(), Map::new(), Done::default(), Taken::default());
        for (index, wanted) in config.checkout.iter().enumerate() {
            let found = match recorded.as_ref().and_then(|record| record.get(index.to_string())) {
                Some(known) => from_record(known, &mirror).await?,
                None => mirror.resolve(&wanted.checkout()).await?,
            };
            let name = taken.take(wanted, found.branch.as_deref())?;
            let sparse = wanted.sparse.iter().flatten().map(ToString::to_string).collect();
            let objects = cx.work.objects_of(&mirror);
            let spec = MountSpec { objects, commit: found.commit, branch: found.branch.clone(), sparse };
            cx.work.mount(&wanted.path.get()?, spec)?;
            if let Some(id) = found.commit {
                commits.insert(name, json!(id.to_string()));
                done.pins.push((url.clone(), id.to_string()));
            }
            record.insert(index.to_string(), json!({ "commit": found.commit.map(|id| id.to_string()), "branch": found.branch }));
        }
        done.output = object([("commits", Value::Object(commits))]);
        done.record = Some(Value::Object(record));
        Ok(Answer::Done(done))
    }
}

/// What the checkouts of a step may hold only once: a name in the output, a branch.
#[derive(Default)]
struct Taken {
    names: BTreeSet<String>,
    branches: BTreeMap<String, config::Path>,
}

impl Taken {
    /// The checkout's name in the output; refuses what another one has already.
    fn take(&mut self, wanted: &Wanted, branch: Option<&str>) -> Result<String, Error> {
        let twice = |message: String| Err(Error::errored("InvalidSpec", Next::Failed, message));
        let name = wanted.alias.as_ref().map_or_else(|| wanted.path.to_string(), ToString::to_string);
        if !self.names.insert(name.clone()) {
            return twice(format!("two checkouts are called `{name}` in the output; set another `as`"));
        }
        if let Some(branch) = branch
            && let Some(other) = self.branches.insert(branch.to_owned(), wanted.path.clone())
        {
            // Two folders on one branch would each commit on the old tip, and a push could only take one of them.
            let path = &wanted.path;
            return twice(format!(
                "branch `{branch}` is checked out into `{other}` and `{path}`; check it out once, or give one of them its `commit`"
            ));
        }
        Ok(name)
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
async fn from_record(known: &Value, mirror: &Arc<Mirror>) -> Result<Resolved, Error> {
    let branch = known.get("branch").and_then(Value::as_str).map(str::to_owned);
    let Some(id) = known.get("commit").and_then(Value::as_str).and_then(|id| ObjectId::from_str(id).ok()) else {
        return Ok(Resolved { commit: None, branch });
    };
    if !mirror.objects().has(id).unwrap_or(false) {
        mirror.fetch().await?;
    }
    Ok(Resolved { commit: Some(id), branch })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes these checkouts (path, `as`, branch it turned out to be) in turn; shows the error, if any.
    fn taken(checkouts: &[(&str, Option<&str>, Option<&str>)]) -> String {
        let mut taken = Taken::default();
        for (path, alias, branch) in checkouts {
            let wanted = config::read(&json!({ "path": path, "as": alias })).unwrap();
            if let Err(err) = taken.take(&wanted, *branch) {
                return err.of(GitClone::NAME).message;
            }
        }
        "fine".to_owned()
    }

    #[test]
    fn a_branch_is_checked_out_once_in_a_step() {
        assert_eq!(
            taken(&[("a", None, Some("main")), ("b", None, Some("stage/test")), ("c", None, None), ("d", None, None)]),
            "fine"
        );
        insta::assert_snapshot!(
            taken(&[("./a", None, Some("main")), ("./b", Some("other"), Some("main"))]),
            @"git-clone: branch `main` is checked out into `./a` and `./b`; check it out once, or give one of them its `commit`"
        );
    }

    #[test]
    fn a_name_in_the_output_is_used_once_in_a_step() {
        insta::assert_snapshot!(taken(&[("a", Some("b"), Some("main")), ("b", None, None)]), @"git-clone: two checkouts are called `b` in the output; set another `as`");
    }
}
