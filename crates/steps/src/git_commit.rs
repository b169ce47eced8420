//! `git-commit`: commits what changed in a checkout.

use crate::config::{self, Text};
use crate::error::Error;
use crate::git_clone::Author;
use crate::typed::{TypedStep, object};
use schemars::JsonSchema;
use seaway_git::{CommitDetails, Committed, ObjectId, Signature};
use seaway_runs::{Answer, Class, Done, GitIdentity, StepContext};
use serde::Deserialize;
use serde_json::json;

const PAGE: &str = "\
Commits what changed in a checkout, new files only if `.gitignore` does not name them. With nothing to commit it is skipped, and
`commit` is the checkout's present commit. Commits carry the promotion's date and the trailers `Promotion-Id`, `Promotion-Step`
and `Promoted-By`.

Output: `commit`, after a `git-push` the commit that landed.

```yaml
- uses: git-commit
  as: commit
  config:
    path: ./out
    message: ${{ task.outputs.update.commitMessage }}
```
";

/// What to commit, and how it is called.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Config {
    /// The checkout, relative to the work folder.
    path: config::Path,
    /// The message.
    message: Text,
    /// Who; deprecated, set it in `git-clone`.
    #[serde(default)]
    author: Option<Author>,
}

/// The step `git-commit`.
pub(crate) struct GitCommit;

impl TypedStep for GitCommit {
    const NAME: &'static str = "git-commit";
    const PAGE: &'static str = PAGE;
    const CLASS: Class = Class::Local;
    type Config = Config;

    fn check(config: &Config) -> Result<(), Error> {
        config.author.as_ref().map_or(Ok(()), Author::check)
    }

    async fn run(cx: &mut StepContext<'_>, config: Config) -> Result<Answer, Error> {
        let author = config.author.as_ref().map_or_else(|| cx.identity.clone(), Author::identity);
        let sign = |who: &GitIdentity| Signature::new(&who.name, &who.email, cx.facts.started_at);
        let details = CommitDetails {
            message: config.message.to_string(),
            trailers: cx.trailers.to_vec(),
            author: sign(&author),
            committer: sign(&author),
        };
        let output = |id: ObjectId| object([("commit", json!(id.to_string()))]);
        Ok(Answer::Done(match cx.work.commit(&config.path.get()?, &details)? {
            Committed::New(id) => Done::with(output(id)),
            Committed::Nothing(head) => Done {
                skipped: true,
                output: head.map(output).unwrap_or_default(),
                message: Some("nothing to commit".to_owned()),
                ..Done::default()
            },
        }))
    }
}
