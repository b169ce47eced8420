//! `yaml-update`: sets values in a YAML file and keeps every other byte.

use crate::config::{self, Text};
use crate::error::Error;
use crate::typed::{TypedStep, done};
use crate::yaml_file;
use schemars::JsonSchema;
use seaway_render::yaml::{Edit, set_scalars};
use seaway_runs::{Answer, Class, StepContext};
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
pub(crate) struct Config {
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
pub(crate) struct YamlUpdate;

impl TypedStep for YamlUpdate {
    const NAME: &'static str = "yaml-update";
    const PAGE: &'static str = PAGE;
    const CLASS: Class = Class::Local;
    type Config = Config;

    fn check(config: &Config) -> Result<(), Error> {
        if config.updates.is_empty() { Err(Error::config("`updates` needs at least one entry")) } else { Ok(()) }
    }

    async fn run(cx: &mut StepContext<'_>, config: Config) -> Result<Answer, Error> {
        let keys: Vec<String> = config.updates.iter().map(|update| update.key.to_string()).collect();
        let edits: Vec<Edit> =
            config.updates.into_iter().map(|update| Edit { key: update.key.trim().to_owned(), value: update.value }).collect();
        let written = yaml_file::edit(cx.work, &config.path.get()?, |text| set_scalars(text, &edits))?;
        let mut message = format!("Updated {}\n", config.path);
        for (key, value) in keys.iter().zip(written) {
            let _ = write!(message, "\n- {key}: {value}");
        }
        Ok(done([("commitMessage", json!(message))]))
    }
}
