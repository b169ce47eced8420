//! `yaml-update`: sets values in a YAML file and keeps every other byte.

use crate::config::{self, Text};
use crate::work::folder_error;
use async_trait::async_trait;
use schemars::JsonSchema;
use seaway_base::Next;
use seaway_render::yaml::{Edit, set_scalars};
use seaway_runs::{Answer, Class, Description, Done, Step, StepContext, StepError};
use serde::Deserialize;
use serde_json::{Value, json};
use std::fmt::Write as _;

const PAGE: &str = "\
Sets values that exist in a YAML file. Exactly these values change: comments, quotes, order, line ends and other documents stay as
they are. A string that a reader would take for something else (`1.10`, `yes`, `0x10`) is quoted.

Keys are joined by dots; `\\.` is a dot in a key, a number counts items of a list from 0, `:1` is the key `1`. The file's first
document is meant.

Output: `commitMessage`.

```yaml
- uses: yaml-update
  as: update
  config:
    path: ./src/values.yaml
    updates:
    - key: images.0.tag
      value: ${{ imageFrom('registry.bank.example/fund-transfer').Tag }}
```
";

/// Which file, and what to set in it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Config {
    /// The file, relative to the work folder.
    path: config::Path,
    /// What to set, in this order.
    #[schemars(extend("minItems" = 1))]
    updates: Vec<Update>,
}

/// One value.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Update {
    /// Where it stands.
    key: Text,
    /// What it is to be.
    value: Value,
}

/// The step `yaml-update`.
#[derive(Debug)]
pub(crate) struct YamlUpdate;

impl YamlUpdate {
    fn read(config: &Value) -> Result<Config, StepError> {
        let read: Config = config::parse("yaml-update", config)?;
        if read.updates.is_empty() {
            return Err(config::invalid("yaml-update", "`updates` needs at least one entry"));
        }
        Ok(read)
    }
}

#[async_trait]
impl Step for YamlUpdate {
    fn name(&self) -> &'static str {
        "yaml-update"
    }

    fn page(&self) -> &'static str {
        PAGE
    }

    fn schema(&self) -> schemars::Schema {
        config::schema::<Config>()
    }

    fn check(&self, config: &Value) -> Result<(), StepError> {
        Self::read(config).map(drop)
    }

    fn class(&self, _: &Value) -> Class {
        Class::Local
    }

    async fn run(&self, cx: &mut StepContext<'_>, config: &Value) -> Result<Answer, StepError> {
        let config = Self::read(config)?;
        let path = config.path.get(self.name())?;
        let bytes = cx.work.read(&path).map_err(|err| folder_error(self.name(), &err))?;
        let bad = |why: String| StepError::errored("BadYaml", Next::Failed, format!("yaml-update: `{path}`: {why}"));
        let text = std::str::from_utf8(&bytes).map_err(|err| bad(format!("no UTF-8 from byte {} on", err.valid_up_to())))?;
        let keys: Vec<String> = config.updates.iter().map(|update| update.key.to_string()).collect();
        let edits: Vec<Edit> =
            config.updates.into_iter().map(|update| Edit { key: update.key.trim().to_owned(), value: update.value }).collect();
        let (next, written) = set_scalars(text, &edits).map_err(|err| bad(err.to_string()))?;
        if next != text {
            cx.work.write(&path, next.into_bytes(), None).map_err(|err| folder_error(self.name(), &err))?;
        }
        let mut message = format!("Updated {}\n", config.path);
        for (key, value) in keys.iter().zip(written) {
            let _ = write!(message, "\n- {key}: {value}");
        }
        Ok(Answer::Done(Done::with(json!({ "commitMessage": message }).as_object().cloned().unwrap_or_default())))
    }

    async fn describe(&self, _: &mut StepContext<'_>, _: &Value) -> Result<Description, StepError> {
        Ok(Description::default())
    }
}
