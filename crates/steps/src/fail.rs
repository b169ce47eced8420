//! `fail`: ends the promotion as failed, on purpose.

use crate::error::Error;
use crate::typed::TypedStep;
use schemars::JsonSchema;
use seaway_runs::{Answer, Class, StepContext, StepError};
use serde::Deserialize;

const PAGE: &str = "\
Ends the promotion as failed, with a message. Guard it with `if`.

```yaml
- uses: fail
  if: ${{ semverDiff(vars.current, vars.next) == 'Major' }}
  config:
    message: a major version needs a person
```
";

/// Why to fail.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Config {
    /// What people read.
    #[serde(default)]
    message: String,
}

/// The step `fail`.
pub(crate) struct Fail;

impl TypedStep for Fail {
    const NAME: &'static str = "fail";
    const PAGE: &'static str = PAGE;
    const CLASS: Class = Class::Local;
    type Config = Config;

    async fn run(_: &mut StepContext<'_>, config: Config) -> Result<Answer, Error> {
        let message = if config.message.is_empty() { "failed".to_owned() } else { format!("failed: {}", config.message) };
        // What the user wrote is what people read everywhere: nothing goes before it.
        Err(Error::Alone(StepError::failed("FailStep", message)))
    }
}
