//! `kustomize-build`: renders a kustomization into the work folder.

use crate::config;
use crate::error::Error;
use crate::typed::TypedStep;
use schemars::JsonSchema;
use seaway_base::{Next, RelPath};
use seaway_git::{FileKind, WorkFolder};
use seaway_render::kustomize::{self, Tool};
use seaway_render::yaml::read_all;
use seaway_runs::{Answer, Class, Done, StepContext};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

const PAGE: &str = "\
Renders a kustomization with `kustomize` (5.0 or later), else with `kubectl kustomize`; the run's record names the tool and its
version. An `outPath` that ends in `.yaml` or `.yml` is one file, any other a folder with one file a resource, named
`[namespace-]kind-name.yaml` (`outputFormat: kustomize`: `[namespace_]group_version_kind_name.yaml`). Files of the folder that are not
rendered any more are left; `git-clear` first if they should go.

The tool sees the work folder alone, without network and credentials. Two resources that would be written to one file are an error
that names both.

```yaml
- uses: kustomize-build
  config:
    path: ./src/overlays/${{ ctx.stage }}
    outPath: ./out
```
";

/// What to render, and where to.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Config {
    /// The folder of the kustomization, relative to the work folder.
    path: config::Path,
    /// A file (`.yaml`, `.yml`) or a folder.
    out_path: config::Path,
    /// How files of a folder are named.
    #[serde(default)]
    output_format: Format,
    /// Settings for Helm charts in the kustomization.
    #[serde(default)]
    plugin: Option<Plugin>,
}

/// How files are named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Format {
    #[default]
    Kargo,
    Kustomize,
}

/// Settings of plugins.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Plugin {
    /// Of Helm.
    #[serde(default)]
    helm: Option<Helm>,
}

/// Settings of Helm.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Helm {
    /// API versions that charts may ask for.
    #[serde(default)]
    api_versions: Vec<String>,
    /// The Kubernetes version that charts may ask for.
    #[serde(default)]
    kube_version: Option<String>,
}

/// The step `kustomize-build`.
pub(crate) struct KustomizeBuild;

impl TypedStep for KustomizeBuild {
    const NAME: &'static str = "kustomize-build";
    const PAGE: &'static str = PAGE;
    const CLASS: Class = Class::Recorded;
    type Config = Config;

    fn check(config: &Config) -> Result<(), Error> {
        match config.plugin.as_ref().and_then(|plugin| plugin.helm.as_ref()) {
            Some(helm) if !helm.api_versions.is_empty() || helm.kube_version.is_some() => {
                Err(Error::not_built("`plugin.helm` is not built yet; leave it out"))
            }
            _ => Ok(()),
        }
    }

    async fn run(cx: &mut StepContext<'_>, config: Config) -> Result<Answer, Error> {
        let (path, out) = (config.path.get()?, config.out_path.get()?);
        let (text, tool) =
            match cx.record.and_then(|record| Some((record.get("text")?.as_str()?.to_owned(), record.get("tool")?.clone()))) {
                // What a tool answered once is used again: another version of it may answer differently.
                Some(known) => known,
                None => {
                    let (text, tool) = render(cx, &path).await?;
                    (text, json!(tool))
                }
            };
        if config.out_path.ends_with(".yaml") || config.out_path.ends_with(".yml") {
            cx.work.write(&out, text.clone().into_bytes(), None)?;
        } else {
            for (name, content) in split(&text, config.output_format)? {
                let file = out.join(&name).map_err(|err| Error::config(err.to_string()))?;
                cx.work.write(&file, content.into_bytes(), None)?;
            }
            cx.work.make_folder(&out)?;
        }
        let said = |field: &str| tool[field].as_str().unwrap_or_default().to_owned();
        let message = format!("rendered with {} {}", said("name"), said("version"));
        Ok(Answer::Done(Done { message: Some(message), record: record(&text, &tool), ..Done::default() }))
    }
}

/// A rendering up to this size is kept in the journal; a larger one is rendered again on resume.
const RECORD_BYTES_MAX: usize = 64 << 10;

fn record(text: &str, tool: &Value) -> Option<Value> {
    Some(if text.len() <= RECORD_BYTES_MAX { json!({ "tool": tool, "text": text }) } else { json!({ "tool": tool }) })
}

/// Exports what the kustomization refers to, widening until nothing is missing, and renders it.
async fn render(cx: &StepContext<'_>, path: &RelPath) -> Result<(String, Tool), Error> {
    let tool = kustomize::find().await.map_err(|err| Error::errored("MissingTool", err.next(), err.to_string()))?;
    if cx.work.metadata(path)?.is_none() {
        return Err(Error::errored("MissingFile", Next::Failed, format!("`{path}` is not there")));
    }
    let scratch = &cx.ports.scratch;
    let io = |err: std::io::Error| {
        Error::errored("Disk", Next::Retry, format!("a temporary folder in `{}`: {err}", scratch.display()))
    };
    std::fs::create_dir_all(scratch).map_err(io)?;
    let (wanted, helm) = closure(cx.work, path);
    let narrow = temporary(scratch).map_err(io)?;
    cx.work.export(&wanted, narrow.path())?;
    match kustomize::build(&tool, narrow.path(), path.as_str(), helm).await {
        Ok(text) => Ok((text, tool)),
        // Something that was not foreseen is missing, or the error is the user's: the whole folder decides.
        Err(_) => {
            let whole = temporary(scratch).map_err(io)?;
            cx.work.export(&[RelPath::root()], whole.path())?;
            let text = kustomize::build(&tool, whole.path(), path.as_str(), helm).await;
            let text = text.map_err(|err| Error::errored("KustomizeFailed", err.next(), seaway_base::chain(&err)))?;
            Ok((text, tool))
        }
    }
}

fn temporary(scratch: &std::path::Path) -> std::io::Result<tempfile::TempDir> {
    tempfile::Builder::new().prefix("kustomize-").tempdir_in(scratch)
}

/// How many folders a kustomization may lead to before the whole checkout is exported instead.
const FOLDERS_MAX: usize = 500;

/// The folders and files that a kustomization refers to, and whether any of them wants Helm.
fn closure(work: &WorkFolder, path: &RelPath) -> (Vec<RelPath>, bool) {
    let (mut seen, mut todo, mut files, mut helm) = (BTreeSet::new(), vec![path.clone()], BTreeSet::new(), false);
    while let Some(folder) = todo.pop() {
        if !seen.insert(folder.clone()) || seen.len() > FOLDERS_MAX {
            continue;
        }
        for name in seaway_render::kustomization::FILE_NAMES {
            let Ok(file) = folder.join(name) else { continue };
            let Ok(bytes) = work.read(&file) else { continue };
            for document in read_all(&String::from_utf8_lossy(&bytes)).unwrap_or_default() {
                helm |= document.get("helmCharts").is_some() || document.get("helmChartInflationGenerator").is_some();
                mentions(&document, &mut |text| {
                    let text = text.split_once('=').map_or(text, |(_, file)| file);
                    let Ok(target) = folder.join(text) else { return };
                    match work.metadata(&target).ok().flatten().map(|info| info.kind) {
                        Some(FileKind::Folder) => todo.push(target),
                        Some(_) => drop(files.insert(target)),
                        None => {}
                    }
                });
            }
        }
    }
    if seen.len() > FOLDERS_MAX {
        return (vec![RelPath::root()], helm);
    }
    // A folder that was entered is exported whole: files beside the kustomization are what it mostly means.
    let wanted = seen.into_iter().filter(|folder| !folder.is_root()).chain(files).collect::<Vec<_>>();
    if path.is_root() { (vec![RelPath::root()], helm) } else { (wanted, helm) }
}

/// Every text in a document: any of them may be a path.
fn mentions(value: &Value, found: &mut dyn FnMut(&str)) {
    match value {
        Value::String(text) if text.len() < 1024 && !text.contains('\n') => found(text),
        Value::Array(items) => items.iter().for_each(|item| mentions(item, found)),
        Value::Object(map) => map.values().for_each(|item| mentions(item, found)),
        _ => {}
    }
}

/// One file a resource, named as asked; names are lower case.
fn split(text: &str, format: Format) -> Result<BTreeMap<String, String>, Error> {
    let mut resources: Vec<(Map<String, Value>, String)> = Vec::new();
    for document in documents(text) {
        let value = read_all(&document).ok().and_then(|values| values.into_iter().next());
        if let Some(Value::Object(map)) = value {
            resources.push((map, document));
        }
    }
    let field = |map: &Map<String, Value>, pointer: &str| {
        Value::Object(map.clone()).pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    let namespaces: BTreeSet<String> = resources.iter().map(|(map, _)| field(map, "/metadata/namespace")).collect();
    let mut files: BTreeMap<String, (String, String)> = BTreeMap::new();
    for (map, document) in resources {
        let (namespace, kind, name) = (field(&map, "/metadata/namespace"), field(&map, "/kind"), field(&map, "/metadata/name"));
        let api_version = field(&map, "/apiVersion");
        let file = match format {
            Format::Kargo if namespace.is_empty() => format!("{kind}-{name}.yaml"),
            Format::Kargo => format!("{namespace}-{kind}-{name}.yaml"),
            Format::Kustomize => {
                let group_version = api_version.replace('/', "_");
                let lead = if namespaces.len() > 1 && !namespace.is_empty() { format!("{namespace}_") } else { String::new() };
                format!("{lead}{group_version}_{kind}_{name}.yaml")
            }
        };
        let file = file.to_lowercase();
        let shown = format!("{api_version} {kind} {name}");
        if file.contains(['/', '\\']) {
            let message = format!("`{shown}` has a name that is no name for a file; rename it, or render into a single file");
            return Err(Error::errored("InvalidSpec", Next::Failed, message));
        }
        if let Some((other, _)) = files.insert(file.clone(), (shown.clone(), document)) {
            let message = format!(
                "`{other}` and `{shown}` would both be written to `{file}`; use `outputFormat: kustomize`, or a single file"
            );
            return Err(Error::failed("FileTwice", message));
        }
    }
    Ok(files.into_iter().map(|(file, (_, document))| (file, document)).collect())
}

/// The documents of a rendered stream, as they are written.
fn documents(text: &str) -> Vec<String> {
    let mut documents = vec![String::new()];
    for line in text.split_inclusive('\n') {
        if line.trim_end() == "---" {
            documents.push(String::new());
        } else if let Some(last) = documents.last_mut() {
            last.push_str(line);
        }
    }
    documents.retain(|document| !document.trim().is_empty());
    documents
}
