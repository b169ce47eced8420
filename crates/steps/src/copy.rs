//! `copy`: copies a file or a folder within the work folder.

use crate::config;
use crate::error::Error;
use crate::typed::TypedStep;
use schemars::JsonSchema;
use seaway_runs::{Answer, Class, Done, StepContext};
use serde::Deserialize;

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
pub(crate) struct Config {
    /// File or folder to read, relative to the work folder.
    in_path: config::Path,
    /// Where it goes; parent folders are made.
    out_path: config::Path,
    /// Patterns, as in `.gitignore`, of what a copied folder leaves behind.
    #[serde(default)]
    ignore: Option<config::Text>,
}

/// The step `copy`.
pub(crate) struct Copy;

impl TypedStep for Copy {
    const NAME: &'static str = "copy";
    const PAGE: &'static str = PAGE;
    const CLASS: Class = Class::Local;
    type Config = Config;

    async fn run(cx: &mut StepContext<'_>, config: Config) -> Result<Answer, Error> {
        let (from, to) = (config.in_path.get()?, config.out_path.get()?);
        let copied = cx.work.copy(&from, &to, config.ignore.as_deref().unwrap_or_default())?;
        let links: Vec<String> = copied.skipped_links.iter().map(ToString::to_string).collect();
        let message = (!links.is_empty()).then(|| format!("links were left out: {}", links.join(", ")));
        Ok(Answer::Done(Done { message, ..Done::default() }))
    }
}
