//! `git-clear`: empties a checkout, so that what is written next is all there is.

use crate::config;
use crate::work::folder_error;
use async_trait::async_trait;
use schemars::JsonSchema;
use seaway_runs::{Answer, Class, Description, Done, Step, StepContext, StepError};
use serde::Deserialize;
use serde_json::{Map, Value};

const PAGE: &str = "\
Removes from a checkout whatever git tracks or would add; files that `.gitignore` names stay. Nothing is committed yet.

```yaml
- uses: git-clear
  config:
    path: ./out
```
";

/// Which checkout.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Config {
    /// The checkout, relative to the work folder.
    path: config::Path,
}

/// The step `git-clear`.
#[derive(Debug)]
pub(crate) struct GitClear;

#[async_trait]
impl Step for GitClear {
    fn name(&self) -> &'static str {
        "git-clear"
    }

    fn page(&self) -> &'static str {
        PAGE
    }

    fn schema(&self) -> schemars::Schema {
        config::schema::<Config>()
    }

    fn check(&self, config: &Value) -> Result<(), StepError> {
        config::parse::<Config>(self.name(), config).map(drop)
    }

    fn class(&self, _: &Value) -> Class {
        Class::Local
    }

    async fn run(&self, cx: &mut StepContext<'_>, config: &Value) -> Result<Answer, StepError> {
        let config: Config = config::parse(self.name(), config)?;
        let path = config.path.get(self.name())?;
        cx.work.clear(&path).map_err(|err| folder_error(self.name(), &err))?;
        Ok(Answer::Done(Done::with(Map::new())))
    }

    async fn describe(&self, _: &mut StepContext<'_>, _: &Value) -> Result<Description, StepError> {
        Ok(Description::default())
    }
}
