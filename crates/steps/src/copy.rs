//! `copy`: copies a file or a folder within the work folder.

use crate::config;
use crate::work::folder_error;
use async_trait::async_trait;
use schemars::JsonSchema;
use seaway_base::RelPath;
use seaway_runs::{Answer, Class, Description, Done, Step, StepContext, StepError};
use serde::Deserialize;
use serde_json::{Map, Value};

const PAGE: &str = "\
Copies a file, or merges a folder into another; parent folders are made. `.git` is never copied, links are left out, executable
bits are kept. Between two checkouts of one repository nothing is read: folders move by their ids.

```yaml
- uses: copy
  config:
    inPath: src/base
    outPath: out/base
    ignore: |
      *.md
```
";

/// What to copy, and where to.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Config {
    /// File or folder to read, relative to the work folder.
    in_path: config::Path,
    /// Where it goes; parent folders are made.
    out_path: config::Path,
    /// Patterns, as in `.gitignore`, of what a copied folder leaves behind.
    #[serde(default)]
    ignore: Option<config::Text>,
}

/// The step `copy`.
#[derive(Debug)]
pub(crate) struct Copy;

#[async_trait]
impl Step for Copy {
    fn name(&self) -> &'static str {
        "copy"
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
        let (from, to): (RelPath, RelPath) = (config.in_path.get(self.name())?, config.out_path.get(self.name())?);
        let copied = cx
            .work
            .copy(&from, &to, config.ignore.as_deref().unwrap_or_default())
            .map_err(|err| folder_error(self.name(), &err))?;
        let mut done = Done::with(Map::new());
        if !copied.skipped_links.is_empty() {
            let links: Vec<String> = copied.skipped_links.iter().map(ToString::to_string).collect();
            done.message = Some(format!("links were left out: {}", links.join(", ")));
        }
        Ok(Answer::Done(done))
    }

    async fn describe(&self, _: &mut StepContext<'_>, _: &Value) -> Result<Description, StepError> {
        Ok(Description::default())
    }
}
