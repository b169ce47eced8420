//! `git-push`: pushes a checkout's commits.

use crate::config::{self, Text};
use async_trait::async_trait;
use schemars::JsonSchema;
use seaway_runs::{Answer, Class, Contract, Description, PushAsk, PushTarget, Step, StepContext, StepError};
use serde::Deserialize;
use serde_json::{Value, json};

/// How many rounds against other writers, unless said otherwise.
const MAX_ATTEMPTS: u32 = 10;

const PAGE: &str = "\
Pushes a checkout's commits. If the branch moved meanwhile, the steps since the clone run again on its new tip, so that nobody's
commit is lost and nothing conflicts that does not touch the same value. A push happens exactly once, whatever is killed when: the
branch itself is asked.

`targetBranch` and `generateTargetBranch` (a branch for this promotion alone, forced) exclude each other; without them the
checkout's own branch is pushed.

Output: `branch`, `commit`, and `commitURL` where the code host is known.

```yaml
- uses: git-push
  config:
    path: ./out
```
";

/// What to push, and where to.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Config {
    /// The checkout, relative to the work folder.
    path: config::Path,
    /// The branch to push to.
    #[serde(default, deserialize_with = "config::or_absent")]
    #[schemars(with = "Option<String>")]
    target_branch: Option<Text>,
    /// Push to `kargo/promotion/<promotion>`.
    #[serde(default)]
    generate_target_branch: bool,
    /// Push a tag that `git-tag` made; not built yet.
    #[serde(default, deserialize_with = "config::or_absent")]
    #[schemars(with = "Option<String>")]
    tag: Option<Text>,
    /// Overwrite whatever is there.
    #[serde(default)]
    force: bool,
    /// How many rounds against other writers; 10.
    #[serde(default)]
    #[schemars(range(min = 1, max = 2_147_483_647))]
    max_attempts: Option<u32>,
    /// The code host, where its name does not tell.
    #[serde(default)]
    provider: Option<Provider>,
}

/// A code host.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Provider {
    Azure,
    Bitbucket,
    Gitea,
    Github,
    Gitlab,
}

impl Provider {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Azure => "azure",
            Self::Bitbucket => "bitbucket",
            Self::Gitea => "gitea",
            Self::Github => "github",
            Self::Gitlab => "gitlab",
        }
    }
}

/// The step `git-push`.
#[derive(Debug)]
pub(crate) struct GitPush;

impl GitPush {
    fn ask(config: &Value) -> Result<PushAsk, StepError> {
        let read: Config = config::parse("git-push", config)?;
        let target = match (read.target_branch, read.generate_target_branch, read.tag) {
            (None, false, None) => PushTarget::Current,
            (Some(branch), false, None) => PushTarget::Branch(branch.strip_prefix("refs/heads/").unwrap_or(&branch).to_owned()),
            (None, true, None) => PushTarget::Generated,
            (None, false, Some(_)) if read.force => {
                return Err(config::invalid("git-push", "`tag` is never forced: leave `force` out"));
            }
            (None, false, Some(_)) => {
                // It pushes what `git-tag` made; it must never make or move a tag of its own.
                let message = "git-push: `tag` is not built yet, as is `git-tag`; leave it out";
                return Err(StepError::errored("NotBuilt", seaway_base::Next::Blocked, message).terminal());
            }
            _ => return Err(config::invalid("git-push", "at most one of `targetBranch`, `generateTargetBranch` and `tag`")),
        };
        let max_attempts = read.max_attempts.unwrap_or(MAX_ATTEMPTS);
        if !(1..=2_147_483_647).contains(&max_attempts) {
            return Err(config::invalid("git-push", "`maxAttempts` is at least 1"));
        }
        let mount = read.path.get("git-push")?;
        Ok(PushAsk {
            mount,
            target,
            force: read.force,
            max_attempts,
            provider: read.provider.map(|provider| provider.as_str().to_owned()),
        })
    }
}

#[async_trait]
impl Step for GitPush {
    fn name(&self) -> &'static str {
        "git-push"
    }

    fn page(&self) -> &'static str {
        PAGE
    }

    fn schema(&self) -> schemars::Schema {
        config::schema::<Config>()
    }

    fn check(&self, config: &Value) -> Result<(), StepError> {
        Self::ask(config).map(drop)
    }

    fn class(&self, _: &Value) -> Class {
        Class::Effect(Contract::Checkable)
    }

    async fn run(&self, _: &mut StepContext<'_>, config: &Value) -> Result<Answer, StepError> {
        Self::ask(config).map(Answer::Push)
    }

    async fn describe(&self, cx: &mut StepContext<'_>, config: &Value) -> Result<Description, StepError> {
        let ask = Self::ask(config)?;
        let mount = cx.work.mount_of(&ask.mount).map_err(|err| crate::work::folder_error("git-push", &err))?;
        let to = match &ask.target {
            PushTarget::Current => format!("branch {}", mount.head.branch.as_deref().unwrap_or("?")),
            PushTarget::Branch(branch) => format!("branch {branch}"),
            PushTarget::Generated => "a branch of this promotion".to_owned(),
            PushTarget::Tag(tag) => format!("tag {tag}"),
        };
        let force = if ask.force { ", overwriting it" } else { "" };
        Ok(Description {
            summary: format!("push {} to {to}{force}", ask.mount),
            arguments: json!({ "path": ask.mount.as_str(), "to": to, "force": ask.force })
                .as_object()
                .cloned()
                .unwrap_or_default(),
            unknown_outputs: vec!["commit".into(), "commitURL".into()],
            push: Some(ask),
            ..Description::default()
        })
    }
}
