//! `apply`: documents into the control plane. All are validated before the first is written.

use crate::VerbError;
use kube::Client;
use kube::api::{Api, ApiResource, DynamicObject, GroupVersionKind, Patch, PatchParams, ValidationDirective};
use kube::error::Error as KubeError;
use seaway_core::admission::validate_document;
use seaway_render::yaml::{self, Kind, Node};
use serde_json::Value;
use std::fmt;

/// The manager under which `seaway apply` owns fields.
pub const MANAGER: &str = "seaway";

/// One document and where it stands.
#[derive(Debug, Clone)]
pub struct Document {
    /// The file, `-` for standard input.
    pub source: String,
    /// Its first line, from 1.
    pub line: usize,
    /// What it says.
    pub value: Value,
    node: Node,
}

/// What is wrong with a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The file.
    pub source: String,
    /// The line, from 1.
    pub line: usize,
    /// The field; empty for the whole document.
    pub field: String,
    /// What, and what to do.
    pub message: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: ", self.source, self.line)?;
        if !self.field.is_empty() {
            write!(f, "{}: ", self.field)?;
        }
        f.write_str(&self.message)
    }
}

/// What applying a document did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It was not there.
    Created,
    /// It was different.
    Configured,
    /// It was so already.
    Unchanged,
}

impl Change {
    /// The word for people.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Configured => "configured",
            Self::Unchanged => "unchanged",
        }
    }
}

/// A document that was applied.
#[derive(Debug, Clone)]
pub struct Applied {
    /// `stage.kargo.akuity.io/qa`.
    pub name: String,
    /// Its project; empty for cluster-scoped kinds.
    pub project: String,
    /// What it did.
    pub change: Change,
}

impl Document {
    /// Reads the documents of a file; empty ones are left out.
    ///
    /// # Errors
    /// The place where it is no YAML.
    pub fn read(source: &str, text: &str) -> Result<Vec<Self>, Fault> {
        let fault = |err: yaml::YamlError| match err {
            yaml::YamlError::Syntax { line, message, .. } => {
                Fault { source: source.to_owned(), line, field: String::new(), message }
            }
            other => Fault { source: source.to_owned(), line: 1, field: String::new(), message: other.to_string() },
        };
        let nodes = yaml::documents(text).map_err(fault)?;
        let values = yaml::read_all(text).map_err(fault)?;
        let pairs = nodes.into_iter().zip(values).filter(|(_, value)| !value.is_null());
        Ok(pairs.map(|(node, value)| Self { source: source.to_owned(), line: node.line, value, node }).collect())
    }

    /// Everything that can be known to be wrong without asking the control plane.
    pub fn faults(&self) -> Vec<Fault> {
        let text = |field: &str| self.value.get(field).and_then(Value::as_str).unwrap_or_default();
        for field in ["apiVersion", "kind"] {
            if text(field).is_empty() {
                return vec![self.fault(field, "is missing: every document names its apiVersion and kind")];
            }
        }
        if resource(&self.value).is_none() {
            let message = format!("`{}` of `{}` is not served here", text("kind"), text("apiVersion"));
            return vec![self.fault("kind", &message)];
        }
        let causes = validate_document(&self.value);
        let mut faults: Vec<Fault> = causes.into_iter().map(|cause| self.fault(&cause.field, &cause.message)).collect();
        faults.sort_by_key(|fault| fault.line);
        faults
    }

    /// Whether it lives in a project and does not say in which.
    pub fn needs_project(&self) -> bool {
        self.namespace().is_none() && resource(&self.value).is_some_and(|(_, namespaced)| namespaced)
    }

    fn fault(&self, field: &str, message: &str) -> Fault {
        Fault {
            source: self.source.clone(),
            line: line_of(&self.node, field),
            field: field.to_owned(),
            message: message.to_owned(),
        }
    }

    fn name(&self) -> &str {
        self.value.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default()
    }

    fn namespace(&self) -> Option<&str> {
        self.value.pointer("/metadata/namespace").and_then(Value::as_str).filter(|namespace| !namespace.is_empty())
    }
}

/// The line of `spec.steps[1].uses`, or of whatever of it is there.
fn line_of(root: &Node, field: &str) -> usize {
    let mut node = root;
    let mut line = root.line;
    for part in field.replace('[', ".[").split('.').filter(|part| !part.is_empty()) {
        let next = match (&node.kind, part.strip_prefix('[').and_then(|index| index.strip_suffix(']'))) {
            (Kind::List { items, .. }, Some(index)) => {
                index.parse::<usize>().ok().and_then(|index| items.get(index)).map(|item| (item.line, item))
            }
            (Kind::Map { entries, .. }, _) => {
                let name = part.trim_matches(|c| matches!(c, '[' | ']' | '"' | '\''));
                entries.iter().find(|(key, _)| key.text() == Some(name)).map(|(key, value)| (key.line, value))
            }
            _ => None,
        };
        let Some((at, next)) = next else { break };
        (line, node) = (at, next);
    }
    line
}

/// Projects first, then configuration, then credentials, then the rest; within each as they were given.
pub fn order(documents: &mut [Document]) {
    documents.sort_by_key(|document| match document.value.get("kind").and_then(Value::as_str).unwrap_or_default() {
        "Namespace" => 0,
        "Project" => 1,
        "ProjectConfig" | "ClusterConfig" => 2,
        "Secret" => 3,
        "ConfigMap" | "ServiceAccount" => 4,
        "PromotionTask" | "ClusterPromotionTask" => 5,
        "Warehouse" => 6,
        "Freight" => 8,
        "Promotion" | "Plan" => 9,
        _ => 7,
    });
}

/// Applies the documents in order, server-side, as manager `seaway`. `project` is used where a document names none.
///
/// # Errors
/// The first that was refused, naming file, line and reason; those before it stay applied.
pub async fn apply(
    client: &Client,
    documents: &[Document],
    project: Option<&str>,
    dry_run: bool,
    force: bool,
) -> Result<Vec<Applied>, VerbError> {
    let to_come = if dry_run { projects_to_come(client, documents).await? } else { Vec::new() };
    let mut applied = Vec::with_capacity(documents.len());
    for document in documents {
        let into = document.namespace().or(project).unwrap_or_default();
        let done = match resource(&document.value) {
            // Its project comes with these documents: what can be known of it without a world was known before.
            Some((resource, true)) if to_come.iter().any(|name| name == into) => {
                Applied { name: shown(&resource, document.name()), project: into.to_owned(), change: Change::Created }
            }
            _ => apply_one(client, document, project, dry_run, force).await?,
        };
        applied.push(done);
    }
    Ok(applied)
}

/// The projects among the documents that are not there yet.
async fn projects_to_come(client: &Client, documents: &[Document]) -> Result<Vec<String>, VerbError> {
    let namespaces: Api<k8s_openapi::api::core::v1::Namespace> = Api::all(client.clone());
    let mut to_come = Vec::new();
    for document in documents.iter().filter(|document| document.value["kind"] == "Project") {
        let there = namespaces.get_opt(document.name()).await.map_err(|err| VerbError::api("read the project", err))?;
        if there.is_none() {
            to_come.push(document.name().to_owned());
        }
    }
    Ok(to_come)
}

/// `stage.kargo.akuity.io/qa`.
fn shown(resource: &ApiResource, name: &str) -> String {
    let kind = resource.kind.to_lowercase();
    if resource.group.is_empty() { format!("{kind}/{name}") } else { format!("{kind}.{}/{name}", resource.group) }
}

async fn apply_one(
    client: &Client,
    document: &Document,
    project: Option<&str>,
    dry_run: bool,
    force: bool,
) -> Result<Applied, VerbError> {
    let refused =
        |message: String, code: u16| VerbError::Refused { what: format!("{}:{}", document.source, document.line), message, code };
    let Some((resource, namespaced)) = resource(&document.value) else {
        return Err(refused("the kind is not served here".into(), 404));
    };
    let mut value = document.value.clone();
    let project = if namespaced { document.namespace().or(project).unwrap_or_default().to_owned() } else { String::new() };
    if namespaced && project.is_empty() {
        return Err(refused("metadata.namespace: names no project; write it, or pass -p".into(), 422));
    }
    if namespaced {
        value["metadata"]["namespace"] = Value::String(project.clone());
    }
    let api: Api<DynamicObject> = if namespaced {
        Api::namespaced_with(client.clone(), &project, &resource)
    } else {
        Api::all_with(client.clone(), &resource)
    };
    let failed = |err: KubeError| match err {
        KubeError::Api(status) if status.code == 409 && !force => {
            VerbError::Conflict { what: format!("{}:{}", document.source, document.line), message: status.message.clone() }
        }
        KubeError::Api(status) => refused(status.message.clone(), status.code),
        err => VerbError::api(format!("{}:{}", document.source, document.line), err),
    };
    let shown = |name: &str| shown(&resource, name);
    // Freight and promotions are named by the control plane: what identical freight is called is known only afterwards.
    if matches!(resource.kind.as_str(), "Freight" | "Promotion" | "Plan")
        && (document.name().is_empty() || resource.kind == "Freight")
    {
        return create(&api, &resource.kind, value, dry_run, failed, shown, project).await;
    }
    let before = api.get_opt(document.name()).await.map_err(failed)?;
    let params = PatchParams {
        dry_run,
        force,
        field_manager: Some(MANAGER.to_owned()),
        field_validation: Some(ValidationDirective::Strict),
    };
    let after = api.patch(document.name(), &params, &Patch::Apply(&value)).await.map_err(failed)?;
    let change = match before {
        None => Change::Created,
        Some(before) if same(&before, &after) => Change::Unchanged,
        Some(_) => Change::Configured,
    };
    Ok(Applied { name: shown(document.name()), project, change })
}

async fn create(
    api: &Api<DynamicObject>,
    kind: &str,
    mut value: Value,
    dry_run: bool,
    failed: impl Fn(KubeError) -> VerbError,
    shown: impl Fn(&str) -> String,
    project: String,
) -> Result<Applied, VerbError> {
    if value["metadata"].get("name").is_none() && value["metadata"].get("generateName").is_none() {
        value["metadata"]["generateName"] = Value::String(format!("{}-", kind.to_lowercase()));
    }
    let object: DynamicObject = serde_json::from_value(value.clone()).map_err(|err| failed(KubeError::SerdeError(err)))?;
    let params = kube::api::PostParams { dry_run, field_manager: Some(MANAGER.to_owned()) };
    match api.create(&params, &object).await {
        Ok(made) => {
            Ok(Applied { name: shown(made.metadata.name.as_deref().unwrap_or_default()), project, change: Change::Created })
        }
        Err(KubeError::Api(status)) if status.code == 409 && status.reason == "AlreadyExists" => {
            let name = status.details.as_ref().map(|details| details.name.clone()).unwrap_or_default();
            Ok(Applied { name: shown(&name), project, change: Change::Unchanged })
        }
        Err(err) => Err(failed(err)),
    }
}

/// The same but for what the control plane keeps for itself.
fn same(before: &DynamicObject, after: &DynamicObject) -> bool {
    let bare = |object: &DynamicObject| {
        let mut object = object.clone();
        object.metadata.managed_fields = None;
        object.metadata.resource_version = None;
        object.metadata.generation = None;
        if let Some(data) = object.data.as_object_mut() {
            data.remove("status");
        }
        object
    };
    bare(before) == bare(after)
}

/// The resource of a document, and whether it lives in a namespace.
fn resource(value: &Value) -> Option<(ApiResource, bool)> {
    let (version, kind) = (value.get("apiVersion")?.as_str()?, value.get("kind")?.as_str()?);
    if version == "v1" {
        let (plural, namespaced) = match kind {
            "Namespace" => ("namespaces", false),
            "Secret" => ("secrets", true),
            "ConfigMap" => ("configmaps", true),
            "ServiceAccount" => ("serviceaccounts", true),
            _ => return None,
        };
        return Some((ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk("", "v1", kind), plural), namespaced));
    }
    let (group, version) = version.split_once('/')?;
    let known =
        seaway_api::kinds().iter().find(|known| known.group == group && known.version == version && known.kind == kind)?;
    Some((ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk(group, version, kind), known.plural), known.namespaced))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_names_file_line_and_field() {
        let text = "apiVersion: kargo.akuity.io/v1alpha1\nkind: Project\nmetadata:\n  name: bank\n---\napiVersion: kargo.akuity.io/v1alpha1\nkind: Stag\nmetadata:\n  name: qa\n";
        let documents = Document::read("bank.yaml", text).unwrap();
        assert_eq!(documents.len(), 2);
        let faults: Vec<String> = documents.iter().flat_map(Document::faults).map(|fault| fault.to_string()).collect();
        assert_eq!(faults, ["bank.yaml:7: kind: `Stag` of `kargo.akuity.io/v1alpha1` is not served here"]);
        let broken = Document::read("x.yaml", "a: 1\nb: [1\n").unwrap_err();
        assert_eq!(broken.line, 2, "where the list begins that never ends");
    }

    #[test]
    fn projects_come_before_what_lives_in_them() {
        let read = |kind: &str| Document::read("-", &format!("apiVersion: x/v1\nkind: {kind}\n")).unwrap().remove(0);
        let mut documents =
            vec![read("Stage"), read("Secret"), read("Freight"), read("Project"), read("Warehouse"), read("ProjectConfig")];
        order(&mut documents);
        let kinds: Vec<&str> = documents.iter().filter_map(|document| document.value["kind"].as_str()).collect();
        assert_eq!(kinds, ["Project", "ProjectConfig", "Secret", "Warehouse", "Stage", "Freight"]);
    }
}
