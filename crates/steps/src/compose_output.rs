//! `compose-output`: makes outputs out of other outputs; inside a task they become the task's own.

use crate::error::Error;
use crate::typed::TypedStep;
use schemars::JsonSchema;
use seaway_runs::{Answer, Class, Done, StepContext};
use serde::Deserialize;
use serde_json::{Map, Value};

const PAGE: &str = "\
Makes outputs out of other outputs. Inside a task they are the task's outputs too, as `outputs.<task alias>`.

```yaml
- uses: compose-output
  as: result
  config:
    commit: ${{ task.outputs.commit.commit }}
    message: pushed ${{ ctx.targetFreight.alias }}
```
";

/// The outputs, by name; at least one.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(extend("minProperties" = 1))]
pub(crate) struct Config {
    outputs: Map<String, Value>,
}

/// The step `compose-output`.
pub(crate) struct ComposeOutput;

impl TypedStep for ComposeOutput {
    const NAME: &'static str = "compose-output";
    const PAGE: &'static str = PAGE;
    const CLASS: Class = Class::Local;
    const PUBLISHES_TASK_OUTPUT: bool = true;
    type Config = Config;

    fn check(config: &Config) -> Result<(), Error> {
        if config.outputs.is_empty() { Err(Error::config("at least one output is needed")) } else { Ok(()) }
    }

    async fn run(_: &mut StepContext<'_>, config: Config) -> Result<Answer, Error> {
        Ok(Answer::Done(Done::with(config.outputs)))
    }
}
