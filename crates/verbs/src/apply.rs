//! `apply`: documents into the control plane. All are tried before the first is written.

use crate::VerbError;
use crate::document::{Document, Fault};
use kube::Client;
use kube::api::{Api, ApiResource, DynamicObject, Patch, PatchParams, ValidationDirective};
use kube::error::Error as KubeError;
use seaway_api::kargo::Freight;
use serde_json::Value;

/// The manager under which `seaway apply` owns fields.
pub const MANAGER: &str = "seaway";

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

/// What applying documents would do, if there are no faults.
#[derive(Debug, Default)]
pub struct Rehearsal {
    /// What each would do, in order.
    pub applied: Vec<Applied>,
    /// Everything the control plane refuses.
    pub faults: Vec<Fault>,
    /// What to do about the first of the faults.
    pub hint: String,
}

/// Applies the documents in order, server-side, as manager `seaway`. `project` is used where a document names none.
///
/// # Errors
/// The first that was refused, naming file, line and reason; those before it stay applied: [`rehearse`] first.
pub async fn apply(
    client: &Client,
    documents: &[Document],
    project: Option<&str>,
    force: bool,
) -> Result<Vec<Applied>, VerbError> {
    let mut applied = Vec::with_capacity(documents.len());
    for document in documents {
        let place = format!("{}:{}", document.source, document.line);
        let refused = |message: String, code: u16| VerbError::Refused { what: place.clone(), message, code };
        let target =
            Target::of(document, project).map_err(|fault| refused(format!("{}: {}", fault.field, fault.message), 422))?;
        let done = target.apply(client, document, false, force).await;
        applied.push(done.map_err(|err| told(&place, err, force))?);
    }
    Ok(applied)
}

/// Tries all documents, in order, without writing: everything the control plane refuses is told at once. What it cannot know, because
/// a document before it makes it, is no fault.
///
/// # Errors
/// [`VerbError::Unreachable`].
pub async fn rehearse(
    client: &Client,
    documents: &[Document],
    project: Option<&str>,
    force: bool,
) -> Result<Rehearsal, VerbError> {
    let mut rehearsal = Rehearsal::default();
    let mut to_come = ToCome::default();
    for document in documents {
        let target = match Target::of(document, project) {
            Ok(target) => target,
            Err(fault) => {
                rehearsal.faults.push(fault);
                continue;
            }
        };
        let created = |name: &str| Applied {
            name: shown(&target.resource, name),
            project: target.project.clone(),
            change: Change::Created,
        };
        let (applied, faults, hint) = if to_come.has("Namespace", "", &target.project) {
            // Its project comes with these documents: only what it names can be looked at.
            (created(document.name()), to_come.missing(document, &target.project), String::new())
        } else {
            match target.apply(client, document, true, force).await {
                Ok(applied) => (applied, Vec::new(), String::new()),
                Err(err @ (KubeError::Api(_) | KubeError::SerdeError(_))) => {
                    let mut faults = refusals(document, &err);
                    faults.retain(|fault| !to_come.excuses(document, &target.project, fault));
                    let hint = told("", err, force).hint();
                    (created(document.name()), faults, hint)
                }
                Err(err) => return Err(VerbError::api(format!("{}:{}", document.source, document.line), err)),
            }
        };
        if rehearsal.hint.is_empty() && !faults.is_empty() {
            rehearsal.hint = hint;
        }
        rehearsal.faults.extend(faults);
        to_come.add(document, &applied);
        rehearsal.applied.push(applied);
    }
    Ok(rehearsal)
}

/// What the documents tried so far make or change: kind, project and name.
#[derive(Default)]
struct ToCome(Vec<(String, String, String)>);

impl ToCome {
    fn add(&mut self, document: &Document, applied: &Applied) {
        if applied.change == Change::Unchanged {
            return;
        }
        let name = match document.kind() {
            "Project" | "Namespace" if applied.change == Change::Created => {
                return self.0.push(("Namespace".to_owned(), String::new(), document.name().to_owned()));
            }
            // Freight is called by its content, whatever its document says.
            "Freight" => match serde_json::from_value::<Freight>(document.value.clone()) {
                Ok(freight) => seaway_core::freight::name_of(&freight),
                Err(_) => return,
            },
            _ => document.name().to_owned(),
        };
        self.0.push((document.kind().to_owned(), applied.project.clone(), name));
    }

    fn has(&self, kind: &str, project: &str, name: &str) -> bool {
        !name.is_empty() && self.0.iter().any(|(a, b, c)| (a.as_str(), b.as_str(), c.as_str()) == (kind, project, name))
    }

    /// What a document in a project that is not there yet names and these documents do not make.
    fn missing(&self, document: &Document, project: &str) -> Vec<Fault> {
        references(document)
            .into_iter()
            .filter(|(kind, _, name)| !name.is_empty() && !self.has(kind, project, name))
            .map(|(kind, field, name)| {
                let kind = kind.to_lowercase();
                let message = format!("there is no {kind} {name} in project {project}, and these documents make none; add it");
                document.fault(field, &message)
            })
            .collect()
    }

    /// Whether a refusal is only of what a document before this one makes or changes.
    fn excuses(&self, document: &Document, project: &str, fault: &Fault) -> bool {
        let names = references(document);
        let named = |wanted: &str| names.iter().any(|(kind, _, name)| *kind == wanted && self.has(kind, project, name));
        match document.kind() {
            // What a warehouse subscribes to is judged against what stands.
            "Freight" => named("Warehouse") && !fault.field.starts_with("metadata"),
            "Promotion" => {
                named("Stage") && matches!(fault.field.as_str(), "spec.stage" | "spec.freight" | "spec.origin")
                    || named("Freight") && fault.field == "spec.freight"
                    || self.0.iter().any(|(kind, _, name)| {
                        kind.ends_with("PromotionTask")
                            && fault.message.starts_with(&format!("{} {name} not found;", kind.to_lowercase()))
                    })
            }
            _ => false,
        }
    }
}

/// What a document names that must be there when it is made: kind, field and name.
fn references(document: &Document) -> Vec<(&'static str, &'static str, &str)> {
    let text = |pointer: &str| document.value.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    match document.kind() {
        "Freight" => vec![("Warehouse", "origin.name", text("/origin/name"))],
        "Promotion" => vec![("Stage", "spec.stage", text("/spec/stage")), ("Freight", "spec.freight", text("/spec/freight"))],
        _ => Vec::new(),
    }
}

/// What the control plane said of a document: a fault for each field it names.
fn refusals(document: &Document, err: &KubeError) -> Vec<Fault> {
    let KubeError::Api(status) = err else { return vec![document.fault("", &seaway_base::chain(err))] };
    let causes = status.details.as_ref().map(|details| details.causes.as_slice()).unwrap_or_default();
    if causes.is_empty() || status.code == 409 {
        return vec![document.fault("", &status.message)];
    }
    causes.iter().map(|cause| document.fault(&cause.field, &cause.message)).collect()
}

fn told(place: &str, err: KubeError, force: bool) -> VerbError {
    match err {
        KubeError::Api(status) if status.code == 409 && !force => {
            VerbError::Conflict { what: place.to_owned(), message: status.message.clone() }
        }
        KubeError::SerdeError(err) => VerbError::Refused { what: place.to_owned(), message: err.to_string(), code: 422 },
        err => VerbError::api(place, err),
    }
}

/// `stage.kargo.akuity.io/qa`.
fn shown(resource: &ApiResource, name: &str) -> String {
    let kind = resource.kind.to_lowercase();
    if resource.group.is_empty() { format!("{kind}/{name}") } else { format!("{kind}.{}/{name}", resource.group) }
}

/// Where a document goes.
struct Target {
    resource: ApiResource,
    namespaced: bool,
    project: String,
}

impl Target {
    fn of(document: &Document, project: Option<&str>) -> Result<Self, Fault> {
        let (resource, namespaced) = document.resource().ok_or_else(|| document.fault("kind", "is not served here"))?;
        let project = if namespaced { document.namespace().or(project).unwrap_or_default() } else { "" };
        if namespaced && project.is_empty() {
            return Err(document.fault("metadata.namespace", "names no project; write it, or pass -p"));
        }
        Ok(Self { resource, namespaced, project: project.to_owned() })
    }

    async fn apply(&self, client: &Client, document: &Document, dry_run: bool, force: bool) -> Result<Applied, KubeError> {
        let mut value = document.value.clone();
        let api: Api<DynamicObject> = if self.namespaced {
            value["metadata"]["namespace"] = Value::String(self.project.clone());
            Api::namespaced_with(client.clone(), &self.project, &self.resource)
        } else {
            Api::all_with(client.clone(), &self.resource)
        };
        // What identical freight is called is known only afterwards.
        if document.is_named_when_made() {
            return self.create(&api, value, dry_run).await;
        }
        let before = api.get_opt(document.name()).await?;
        let params = PatchParams {
            dry_run,
            force,
            field_manager: Some(MANAGER.to_owned()),
            field_validation: Some(ValidationDirective::Strict),
        };
        let after = api.patch(document.name(), &params, &Patch::Apply(&value)).await?;
        let change = match before {
            None => Change::Created,
            Some(before) if same(&before, &after) => Change::Unchanged,
            Some(_) => Change::Configured,
        };
        Ok(self.done(document.name(), change))
    }

    async fn create(&self, api: &Api<DynamicObject>, mut value: Value, dry_run: bool) -> Result<Applied, KubeError> {
        if value["metadata"].get("name").is_none() && value["metadata"].get("generateName").is_none() {
            value["metadata"]["generateName"] = Value::String(format!("{}-", self.resource.kind.to_lowercase()));
        }
        let object: DynamicObject = serde_json::from_value(value).map_err(KubeError::SerdeError)?;
        let params = kube::api::PostParams { dry_run, field_manager: Some(MANAGER.to_owned()) };
        match api.create(&params, &object).await {
            Ok(made) => Ok(self.done(made.metadata.name.as_deref().unwrap_or_default(), Change::Created)),
            Err(KubeError::Api(status)) if status.code == 409 && status.reason == "AlreadyExists" => {
                let name = status.details.as_ref().map(|details| details.name.clone()).unwrap_or_default();
                Ok(self.done(&name, Change::Unchanged))
            }
            Err(err) => Err(err),
        }
    }

    fn done(&self, name: &str, change: Change) -> Applied {
        Applied { name: shown(&self.resource, name), project: self.project.clone(), change }
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
