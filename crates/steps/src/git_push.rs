//! `git-push`: pushes a checkout's commits.

use crate::config::{self, Text};
use crate::error::Error;
use crate::typed::{TypedStep, object};
use schemars::JsonSchema;
use seaway_runs::{Answer, Class, Contract, Description, PushAsk, PushTarget, StepContext};
use serde::Deserialize;
use serde_json::json;

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
pub(crate) struct Config {
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
pub(crate) struct GitPush;

impl TypedStep for GitPush {
    const NAME: &'static str = "git-push";
    const PAGE: &'static str = PAGE;
    const CLASS: Class = Class::Effect(Contract::Checkable);
    type Config = Config;

    fn check(config: &Config) -> Result<(), Error> {
        config.ask().map(drop)
    }

    async fn run(_: &mut StepContext<'_>, config: Config) -> Result<Answer, Error> {
        config.ask().map(Answer::Push)
    }

    async fn describe(cx: &mut StepContext<'_>, config: Config) -> Result<Description, Error> {
        let ask = config.ask()?;
        let mount = cx.work.mount_of(&ask.mount)?;
        let to = match &ask.target {
            PushTarget::Current => format!("branch {}", mount.head.branch.as_deref().unwrap_or("?")),
            PushTarget::Branch(branch) => format!("branch {branch}"),
            PushTarget::Generated => "a branch of this promotion".to_owned(),
            PushTarget::Tag(tag) => format!("tag {tag}"),
        };
        let force = if ask.force { ", overwriting it" } else { "" };
        Ok(Description {
            summary: format!("push {} to {to}{force}", ask.mount),
            arguments: object([("path", json!(ask.mount.as_str())), ("to", json!(to)), ("force", json!(ask.force))]),
            unknown_outputs: vec!["commit".into(), "commitURL".into()],
            push: Some(ask),
            ..Description::default()
        })
    }
}

impl Config {
    /// What the engine is asked to push.
    fn ask(&self) -> Result<PushAsk, Error> {
        let target = match (&self.target_branch, self.generate_target_branch, &self.tag) {
            (None, false, None) => PushTarget::Current,
            (Some(branch), false, None) => PushTarget::Branch(branch.strip_prefix("refs/heads/").unwrap_or(branch).to_owned()),
            (None, true, None) => PushTarget::Generated,
            (None, false, Some(_)) if self.force => {
                return Err(Error::config("`tag` is never forced: leave `force` out"));
            }
            // It pushes what `git-tag` made; it must never make or move a tag of its own.
            (None, false, Some(_)) => return Err(Error::not_built("`tag` is not built yet, as is `git-tag`; leave it out")),
            _ => return Err(Error::config("at most one of `targetBranch`, `generateTargetBranch` and `tag`")),
        };
        let max_attempts = self.max_attempts.unwrap_or(MAX_ATTEMPTS);
        if !(1..=2_147_483_647).contains(&max_attempts) {
            return Err(Error::config("`maxAttempts` is at least 1"));
        }
        let provider = self.provider.map(|provider| provider.as_str().to_owned());
        Ok(PushAsk { mount: self.path.get()?, target, force: self.force, max_attempts, provider })
    }
}
