//! `kustomize-set-image`: sets images in a kustomization and leaves every other line as it was.

use crate::config::{self, Text};
use crate::error::Error;
use crate::typed::{TypedStep, done};
use crate::yaml_file;
use schemars::JsonSchema;
use seaway_api::kargo::Typed;
use seaway_base::{Next, RelPath};
use seaway_git::FileKind;
use seaway_render::kustomization::{FILE_NAMES, Field, ImageChange, images, set_images};
use seaway_runs::{Answer, Class, Facts, StepContext};
use serde::Deserialize;
use serde_json::json;
use std::collections::BTreeMap;

const PAGE: &str = "\
Sets images in the `kustomization.yaml` of a folder. Only the entries that are named change; comments, order and layout stay.
Without `images` every image of the freight is set, by tag and digest.

`tag` removes a `digest` that stands there, and the other way round. `*` keeps a value as it is; a `newName` that is neither given
nor `*` goes, as in Kargo.

Output: `commitMessage`.

```yaml
- uses: kustomize-set-image
  as: update
  config:
    path: ./src/overlays/${{ ctx.stage }}
    images:
    - image: registry.bank.example/fund-transfer
      tag: ${{ imageFrom('registry.bank.example/fund-transfer').Tag }}
```
";

/// Which kustomization, and which images.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Config {
    /// The folder of the kustomization, relative to the work folder.
    path: config::Path,
    /// The images; all of the freight's if there are none here.
    #[serde(default)]
    images: Option<Vec<Image>>,
}

/// One image.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Image {
    /// The image's repository.
    image: Text,
    /// The name in the kustomization, where it differs.
    #[serde(default)]
    name: Option<String>,
    /// The repository to use instead; `*` keeps what is there.
    #[serde(default)]
    new_name: Option<String>,
    /// The tag; `*` keeps what is there. Not with `digest`.
    #[serde(default, deserialize_with = "config::or_absent")]
    #[schemars(with = "Option<String>")]
    tag: Option<Text>,
    /// The digest; `*` keeps what is there. Not with `tag`.
    #[serde(default, deserialize_with = "config::or_absent")]
    #[schemars(with = "Option<String>")]
    digest: Option<Text>,
}

/// The step `kustomize-set-image`.
pub(crate) struct KustomizeSetImage;

impl TypedStep for KustomizeSetImage {
    const NAME: &'static str = "kustomize-set-image";
    const PAGE: &'static str = PAGE;
    const CLASS: Class = Class::Local;
    type Config = Config;

    fn check(config: &Config) -> Result<(), Error> {
        match config.images.iter().flatten().position(|image| image.tag.is_some() == image.digest.is_some()) {
            Some(index) => Err(Error::config(format!("`images[{index}]`: exactly one of `tag` and `digest`"))),
            None => Ok(()),
        }
    }

    async fn run(cx: &mut StepContext<'_>, config: Config) -> Result<Answer, Error> {
        let path = file_in(cx, &config.path.get()?)?;
        let changes = match &config.images {
            Some(images) => images.iter().map(Image::change).collect(),
            None => all_of(cx.facts)?,
        };
        let shown = yaml_file::edit(cx.work, &path, |text| {
            let next = set_images(text, &changes)?;
            images(&next).map(|shown| (next, shown))
        })?;
        if shown.is_empty() {
            return Ok(done([]));
        }
        let list: String = shown.iter().map(|image| format!("\n- {image}")).collect();
        let plural = if shown.len() == 1 { "" } else { "s" };
        let message = format!("Updated {} to use new image{plural}\n{list}", config.path);
        Ok(done([("commitMessage", json!(message))]))
    }
}

impl Image {
    fn change(&self) -> ImageChange {
        let field = |value: Option<&str>| match value {
            Some("*") => Field::Keep,
            Some(value) if !value.is_empty() => Field::Set(value.to_owned()),
            _ => Field::Drop,
        };
        let name = self.name.as_deref().filter(|name| !name.is_empty()).unwrap_or(&self.image);
        ImageChange {
            name: name.to_owned(),
            new_name: field(self.new_name.as_deref()),
            tag: field(self.tag.as_deref()),
            digest: field(self.digest.as_deref()),
        }
    }
}

/// The one kustomization of a folder.
fn file_in(cx: &StepContext<'_>, folder: &RelPath) -> Result<RelPath, Error> {
    let mut found = Vec::new();
    for name in FILE_NAMES {
        let path = folder.join(name).map_err(|err| Error::config(err.to_string()))?;
        if cx.work.metadata(&path).ok().flatten().is_some_and(|info| info.kind != FileKind::Folder) {
            found.push(path);
        }
    }
    match found.len() {
        1 => Ok(found.remove(0)),
        0 => {
            let message = format!("`{folder}` holds no kustomization ({})", FILE_NAMES.join(", "));
            Err(Error::errored("MissingFile", Next::Failed, message))
        }
        _ => {
            let names: Vec<String> = found.iter().map(ToString::to_string).collect();
            let message = format!("more than one kustomization: {}; remove all but one", names.join(", "));
            Err(Error::errored("AmbiguousFile", Next::Failed, message))
        }
    }
}

/// Every image of the freight. A repository that several of the requested warehouses watch is ambiguous: a person must say which.
fn all_of(facts: &Facts) -> Result<Vec<ImageChange>, Error> {
    let mut watched: BTreeMap<String, usize> = BTreeMap::new();
    for warehouse in &facts.warehouses {
        for subscription in &warehouse.spec.subscriptions {
            if let Some(Typed::Image(image)) = subscription.typed() {
                *watched.entry(image.repo_url.clone()).or_default() += 1;
            }
        }
    }
    let mut changes: Vec<ImageChange> = Vec::new();
    for image in facts.freight.iter().flat_map(|freight| &freight.images) {
        if watched.get(&image.repo_url).is_some_and(|n| *n > 1) {
            let message = format!("`{}` is watched more than once; name the image under `images`", image.repo_url);
            return Err(Error::errored("AmbiguousImage", Next::Blocked, message));
        }
        let field = |value: &str| if value.is_empty() { Field::Drop } else { Field::Set(value.to_owned()) };
        changes.push(ImageChange {
            name: image.repo_url.clone(),
            new_name: Field::Drop,
            tag: field(&image.tag),
            digest: field(&image.digest),
        });
    }
    changes.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(changes)
}
