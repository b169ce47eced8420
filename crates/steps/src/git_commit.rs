//! `git-commit`: commits what changed in a checkout.

use crate::config::{self, Text};
use crate::git_clone::Author;
use crate::work::folder_error;
use async_trait::async_trait;
use schemars::JsonSchema;
use seaway_git::{CommitDetails, Committed, Signature};
use seaway_runs::{Answer, Class, Description, Done, GitIdentity, Step, StepContext, StepError};
use serde::Deserialize;
use serde_json::{Value, json};

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
struct Config {
    /// The checkout, relative to the work folder.
    path: config::Path,
    /// The message.
    message: Text,
    /// Who; deprecated, set it in `git-clone`.
    #[serde(default)]
    author: Option<Author>,
}

/// The step `git-commit`.
#[derive(Debug)]
pub(crate) struct GitCommit;

#[async_trait]
impl Step for GitCommit {
    fn name(&self) -> &'static str {
        "git-commit"
    }

    fn page(&self) -> &'static str {
        PAGE
    }

    fn schema(&self) -> schemars::Schema {
        config::schema::<Config>()
    }

    fn check(&self, config: &Value) -> Result<(), StepError> {
        let config: Config = config::parse(self.name(), config)?;
        config.author.as_ref().map_or(Ok(()), |author| author.check(self.name()))
    }

    fn class(&self, _: &Value) -> Class {
        Class::Local
    }

    async fn run(&self, cx: &mut StepContext<'_>, config: &Value) -> Result<Answer, StepError> {
        let config: Config = config::parse(self.name(), config)?;
        let path = config.path.get(self.name())?;
        let author = match &config.author {
            Some(author) => {
                author.check(self.name())?;
                author.identity()
            }
            None => cx.identity.clone(),
        };
        let sign = |who: &GitIdentity| Signature::new(&who.name, &who.email, cx.facts.started_at);
        let details = CommitDetails {
            message: config.message.to_string(),
            trailers: cx.trailers.to_vec(),
            author: sign(&author),
            committer: sign(&author),
        };
        match cx.work.commit(&path, &details).map_err(|err| folder_error(self.name(), &err))? {
            Committed::New(id) => Ok(Answer::Done(Done::with(output(&id.to_string())))),
            Committed::Nothing(head) => Ok(Answer::Done(Done {
                skipped: true,
                output: head.map(|id| output(&id.to_string())).unwrap_or_default(),
                message: Some("nothing to commit".to_owned()),
                ..Done::default()
            })),
        }
    }

    async fn describe(&self, _: &mut StepContext<'_>, _: &Value) -> Result<Description, StepError> {
        Ok(Description::default())
    }
}

fn output(commit: &str) -> serde_json::Map<String, Value> {
    json!({ "commit": commit }).as_object().cloned().unwrap_or_default()
}
