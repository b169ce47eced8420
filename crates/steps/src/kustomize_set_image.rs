//! `kustomize-set-image`: sets images in a kustomization and leaves every other line as it was.

use crate::config::{self, Text};
use crate::work::folder_error;
use async_trait::async_trait;
use schemars::JsonSchema;
use seaway_api::kargo::Typed;
use seaway_base::{Next, RelPath};
use seaway_git::FileKind;
use seaway_render::kustomization::{FILE_NAMES, Field, ImageChange, images, set_images};
use seaway_runs::{Answer, Class, Description, Done, Facts, Step, StepContext, StepError};
use serde::Deserialize;
use serde_json::{Value, json};
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
struct Config {
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
#[derive(Debug)]
pub(crate) struct KustomizeSetImage;

impl KustomizeSetImage {
    fn read(config: &Value) -> Result<Config, StepError> {
        let read: Config = config::parse("kustomize-set-image", config)?;
        for (index, image) in read.images.iter().flatten().enumerate() {
            if image.tag.is_some() == image.digest.is_some() {
                return Err(config::invalid(
                    "kustomize-set-image",
                    &format!("`images[{index}]`: exactly one of `tag` and `digest`"),
                ));
            }
        }
        Ok(read)
    }
}

#[async_trait]
impl Step for KustomizeSetImage {
    fn name(&self) -> &'static str {
        "kustomize-set-image"
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
        let folder = config.path.get(self.name())?;
        let path = file_in(cx, &folder)?;
        let changes = match &config.images {
            Some(images) => images.iter().map(Image::change).collect(),
            None => all_of(cx.facts)?,
        };
        let bad = |why: String| StepError::errored("BadYaml", Next::Failed, format!("kustomize-set-image: `{path}`: {why}"));
        let bytes = cx.work.read(&path).map_err(|err| folder_error(self.name(), &err))?;
        let text = std::str::from_utf8(&bytes).map_err(|err| bad(format!("no UTF-8 from byte {} on", err.valid_up_to())))?;
        let next = set_images(text, &changes).map_err(|err| bad(err.to_string()))?;
        let shown = images(&next).map_err(|err| bad(err.to_string()))?;
        if next != text {
            cx.work.write(&path, next.into_bytes(), None).map_err(|err| folder_error(self.name(), &err))?;
        }
        let output = match shown.len() {
            0 => json!({}),
            n => {
                let list: String = shown.iter().map(|image| format!("\n- {image}")).collect();
                json!({ "commitMessage": format!("Updated {} to use new image{}\n{list}", config.path, if n == 1 { "" } else { "s" }) })
            }
        };
        Ok(Answer::Done(Done::with(output.as_object().cloned().unwrap_or_default())))
    }

    async fn describe(&self, _: &mut StepContext<'_>, _: &Value) -> Result<Description, StepError> {
        Ok(Description::default())
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
fn file_in(cx: &StepContext<'_>, folder: &RelPath) -> Result<RelPath, StepError> {
    let mut found = Vec::new();
    for name in FILE_NAMES {
        let path = folder.join(name).map_err(|err| config::invalid("kustomize-set-image", &err.to_string()))?;
        if cx.work.metadata(&path).ok().flatten().is_some_and(|info| info.kind != FileKind::Folder) {
            found.push(path);
        }
    }
    match found.len() {
        1 => Ok(found.remove(0)),
        0 => {
            let message = format!("kustomize-set-image: `{folder}` holds no kustomization ({})", FILE_NAMES.join(", "));
            Err(StepError::errored("MissingFile", Next::Failed, message))
        }
        _ => {
            let names: Vec<String> = found.iter().map(ToString::to_string).collect();
            let message = format!("kustomize-set-image: more than one kustomization: {}; remove all but one", names.join(", "));
            Err(StepError::errored("AmbiguousFile", Next::Failed, message))
        }
    }
}

/// Every image of the freight. A repository that several of the requested warehouses watch is ambiguous: a person must say which.
fn all_of(facts: &Facts) -> Result<Vec<ImageChange>, StepError> {
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
            let message =
                format!("kustomize-set-image: `{}` is watched more than once; name the image under `images`", image.repo_url);
            return Err(StepError::errored("AmbiguousImage", Next::Blocked, message));
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
