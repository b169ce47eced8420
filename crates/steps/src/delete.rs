//! `delete`: removes files or folders of the work folder.

use crate::config;
use crate::work::folder_error;
use async_trait::async_trait;
use schemars::JsonSchema;
use seaway_base::{Next, RelPath};
use seaway_git::{FolderError, WorkFolder};
use seaway_runs::{Answer, Class, Description, Done, Step, StepContext, StepError};
use serde::Deserialize;
use serde_json::{Map, Value};

const PAGE: &str = "\
Removes a file, a link (never what it leads to) or a folder with all that is in it. What is not there is no error unless `strict`.

```yaml
- uses: delete
  config:
    paths: [out/old, 'out/**/*.bak']
    pathsAreGlobs: true
```
";

/// What to remove: exactly one of `path` and `paths`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Config {
    /// One file or folder.
    #[serde(default)]
    path: Option<config::Path>,
    /// Several.
    #[serde(default)]
    paths: Option<Vec<config::Path>>,
    /// Read the paths as patterns: `*`, `**`, `?`, `[…]`, `{…}`.
    #[serde(default)]
    paths_are_globs: bool,
    /// Fail if something is not there.
    #[serde(default)]
    strict: bool,
}

/// The step `delete`.
#[derive(Debug)]
pub(crate) struct Delete;

impl Delete {
    fn read(config: &Value) -> Result<(Config, Vec<config::Path>), StepError> {
        let mut read: Config = config::parse("delete", config)?;
        let paths = match (read.path.take(), read.paths.take()) {
            (Some(path), None) => vec![path],
            (None, Some(paths)) if !paths.is_empty() => paths,
            _ => return Err(config::invalid("delete", "exactly one of `path` and `paths` (at least one) is needed")),
        };
        Ok((read, paths))
    }
}

#[async_trait]
impl Step for Delete {
    fn name(&self) -> &'static str {
        "delete"
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
        let (config, paths) = Self::read(config)?;
        let mut all = Vec::new();
        for path in paths {
            let mut named: Vec<RelPath> = if config.paths_are_globs {
                // A pattern is a path too: it may not leave the folder, and may not be the folder.
                path.get("delete").and_then(not_all)?;
                let found = cx.work.glob(path.as_str()).map_err(|err| folder_error("delete", &err).terminal())?;
                if found.is_empty() && config.strict {
                    return Err(StepError::errored(
                        "MissingFile",
                        Next::Failed,
                        format!("delete: nothing matches `{path}`; without `strict` that is no error"),
                    ));
                }
                found
            } else {
                vec![path.get("delete").and_then(not_all)?]
            };
            // All are looked for before the first is removed: one may lie in another, or be named twice.
            for path in named.iter().filter(|_| config.strict && !config.paths_are_globs) {
                if !is_there(cx.work, path)? {
                    return Err(StepError::errored(
                        "MissingFile",
                        Next::Failed,
                        format!("delete: `{path}` is not there; without `strict` that is no error"),
                    ));
                }
            }
            all.append(&mut named);
        }
        for path in all {
            cx.work.remove(&path).map_err(|err| folder_error("delete", &err))?;
        }
        Ok(Answer::Done(Done::with(Map::new())))
    }

    async fn describe(&self, _: &mut StepContext<'_>, _: &Value) -> Result<Description, StepError> {
        Ok(Description::default())
    }
}

/// Is something there, be it a link that leads nowhere?
fn is_there(work: &WorkFolder, path: &RelPath) -> Result<bool, StepError> {
    let entry = work.link_target(path).map(|target| target.is_some());
    let is_link = match entry {
        Ok(is_link) => is_link,
        Err(FolderError::NotFound(_)) => false,
        Err(err) => return Err(folder_error("delete", &err)),
    };
    Ok(is_link || work.metadata(path).map_err(|err| folder_error("delete", &err))?.is_some())
}

/// The work folder itself is never removed.
fn not_all(path: RelPath) -> Result<RelPath, StepError> {
    if path.is_root() || path.as_str() == "**" {
        return Err(StepError::errored(
            "PathLeaves",
            Next::Failed,
            "delete: the work folder itself cannot be removed; name what is in it",
        ));
    }
    Ok(path)
}
