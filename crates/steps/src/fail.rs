//! `fail`: ends the promotion as failed, on purpose.

use crate::config;
use async_trait::async_trait;
use schemars::JsonSchema;
use seaway_runs::{Answer, Class, Description, Step, StepContext, StepError};
use serde::Deserialize;
use serde_json::Value;

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
struct Config {
    /// What people read.
    #[serde(default)]
    message: String,
}

/// The step `fail`.
#[derive(Debug)]
pub(crate) struct Fail;

#[async_trait]
impl Step for Fail {
    fn name(&self) -> &'static str {
        "fail"
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

    async fn run(&self, _: &mut StepContext<'_>, config: &Value) -> Result<Answer, StepError> {
        let config: Config = config::parse(self.name(), config)?;
        let message = if config.message.is_empty() { "failed".to_owned() } else { format!("failed: {}", config.message) };
        Err(StepError::failed("FailStep", message))
    }

    async fn describe(&self, _: &mut StepContext<'_>, _: &Value) -> Result<Description, StepError> {
        Ok(Description::default())
    }
}
