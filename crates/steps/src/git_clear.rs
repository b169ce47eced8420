//! `git-clear`: empties a checkout, so that what is written next is all there is.

use crate::config;
use crate::error::Error;
use crate::typed::{TypedStep, done};
use schemars::JsonSchema;
use seaway_runs::{Answer, Class, StepContext};
use serde::Deserialize;

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
pub(crate) struct Config {
    /// The checkout, relative to the work folder.
    path: config::Path,
}

/// The step `git-clear`.
pub(crate) struct GitClear;

impl TypedStep for GitClear {
    const NAME: &'static str = "git-clear";
    const PAGE: &'static str = PAGE;
    const CLASS: Class = Class::Local;
    type Config = Config;

    async fn run(cx: &mut StepContext<'_>, config: Config) -> Result<Answer, Error> {
        cx.work.clear(&config.path.get()?)?;
        Ok(done([]))
    }
}
