//! `delete`: removes files or folders of the work folder.

use crate::config;
use crate::error::Error;
use crate::typed::{TypedStep, done};
use schemars::JsonSchema;
use seaway_base::{Next, RelPath};
use seaway_git::{FolderError, WorkFolder};
use seaway_runs::{Answer, Class, StepContext};
use serde::Deserialize;

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
pub(crate) struct Config {
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
pub(crate) struct Delete;

impl TypedStep for Delete {
    const NAME: &'static str = "delete";
    const PAGE: &'static str = PAGE;
    const CLASS: Class = Class::Local;
    type Config = Config;

    fn check(config: &Config) -> Result<(), Error> {
        config.wanted().map(drop)
    }

    async fn run(cx: &mut StepContext<'_>, config: Config) -> Result<Answer, Error> {
        let mut all = Vec::new();
        // All are looked for before the first is removed: one may lie in another, or be named twice.
        for wanted in config.wanted()? {
            // A pattern is a path too: it may not leave the folder, and may not be the folder.
            let path = not_all(wanted.get()?)?;
            let missing = |what: String| {
                let message = format!("{what}; without `strict` that is no error");
                Err(Error::errored("MissingFile", Next::Failed, message))
            };
            if config.paths_are_globs {
                let found = cx.work.glob(wanted).map_err(|err| Error::from(err).terminal())?;
                if config.strict && found.is_empty() {
                    return missing(format!("nothing matches `{wanted}`"));
                }
                all.extend(found);
            } else if config.strict && !is_there(cx.work, &path)? {
                return missing(format!("`{path}` is not there"));
            } else {
                all.push(path);
            }
        }
        for path in all {
            cx.work.remove(&path)?;
        }
        Ok(done([]))
    }
}

impl Config {
    /// What is to go: one path, or at least one in the list.
    fn wanted(&self) -> Result<&[config::Path], Error> {
        match (&self.path, &self.paths) {
            (Some(path), None) => Ok(std::slice::from_ref(path)),
            (None, Some(paths)) if !paths.is_empty() => Ok(paths),
            _ => Err(Error::config("exactly one of `path` and `paths` (at least one) is needed")),
        }
    }
}

/// Is something there, be it a link that leads nowhere?
fn is_there(work: &WorkFolder, path: &RelPath) -> Result<bool, Error> {
    let is_link = match work.link_target(path) {
        Ok(target) => target.is_some(),
        Err(FolderError::NotFound(_)) => false,
        Err(err) => return Err(err.into()),
    };
    Ok(is_link || work.metadata(path)?.is_some())
}

/// The work folder itself is never removed.
fn not_all(path: RelPath) -> Result<RelPath, Error> {
    if path.is_root() || path.as_str() == "**" {
        let message = "the work folder itself cannot be removed; name what is in it";
        return Err(Error::errored("PathLeaves", Next::Failed, message));
    }
    Ok(path)
}
