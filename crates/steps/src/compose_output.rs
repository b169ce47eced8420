//! `compose-output`: makes outputs out of other outputs; inside a task they become the task's own.

use crate::config;
use async_trait::async_trait;
use seaway_runs::{Answer, Class, Description, Done, Step, StepContext, StepError};
use serde_json::{Value, json};

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

/// The step `compose-output`. Its configuration is any object with at least one key.
#[derive(Debug)]
pub(crate) struct ComposeOutput;

#[async_trait]
impl Step for ComposeOutput {
    fn name(&self) -> &'static str {
        "compose-output"
    }

    fn page(&self) -> &'static str {
        PAGE
    }

    fn schema(&self) -> schemars::Schema {
        schemars::json_schema!({ "type": "object", "minProperties": 1, "additionalProperties": true })
    }

    fn check(&self, config: &Value) -> Result<(), StepError> {
        match config {
            Value::Object(map) if !map.is_empty() => Ok(()),
            _ => Err(config::invalid(self.name(), "at least one output is needed")),
        }
    }

    fn class(&self, _: &Value) -> Class {
        Class::Local
    }

    fn publishes_task_output(&self) -> bool {
        true
    }

    async fn run(&self, _: &mut StepContext<'_>, config: &Value) -> Result<Answer, StepError> {
        self.check(config)?;
        Ok(Answer::Done(Done::with(config.as_object().cloned().unwrap_or_default())))
    }

    async fn describe(&self, _: &mut StepContext<'_>, config: &Value) -> Result<Description, StepError> {
        Ok(Description { output: json!(config).as_object().cloned().unwrap_or_default(), ..Description::default() })
    }
}
