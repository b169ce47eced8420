//! Admission: what a document becomes before it is stored, or why it is refused.
//!
//! Pure: the clock, the ULID and the randomness are handed in, and the world is only read. On the embedded engine the
//! store commits an [`Admitted`] at once; in a cluster the same function sits behind a webhook.

mod alias;
mod available;
mod config;
mod denied;
mod freight;
mod inflate;
mod json;
mod names;
mod project;
mod promotion;
mod replicated;
pub mod schema;
mod stage;
mod steps;
mod tell;
mod vector;
mod warehouse;

#[cfg(test)]
mod hostile;
#[cfg(test)]
mod tests;

pub use available::{candidate, is_available};
pub use denied::{Cause, Denied};
pub use inflate::{InflateError, inflate};
pub use names::{promotion_name, shorten_label};
pub use vector::check_case;

use jiff::Timestamp;
use serde_json::Value;
use std::sync::Arc;
use std::sync::Mutex;
use ulid::Ulid;

/// What is done to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// It is made.
    Create,
    /// It is changed.
    Update,
    /// It is taken away.
    Delete,
}

/// A write that asks to be let in.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// What is done.
    pub operation: Operation,
    /// The kind; those we have no rules for pass as they are.
    pub kind: &'a str,
    /// The subresource; writes to one pass as they are.
    pub subresource: Option<&'a str>,
    /// The namespace of the address.
    pub namespace: Option<&'a str>,
    /// The object as it is to be; `None` for a delete.
    pub new: Option<&'a Value>,
    /// The object as it is; `None` for a create.
    pub old: Option<&'a Value>,
    /// Who asks, as actors are written: `kubernetes:admin`.
    pub actor: &'a str,
    /// Whether one of our own parts asks.
    pub control_plane: bool,
    /// Whether the one who asks may do everything (`system:masters`).
    pub cluster_admin: bool,
    /// Whether nothing will be stored.
    pub dry_run: bool,
    /// The time.
    pub now: Timestamp,
    /// The ULID a new promotion is named by.
    pub ulid: Ulid,
    /// The number a new alias is drawn by.
    pub random: u64,
}

/// What admission may look at.
pub trait World {
    /// One object; `namespace` is `None` for kinds without.
    fn get(&self, kind: &str, namespace: Option<&str>, name: &str) -> Option<Arc<Value>>;
    /// All objects of a kind, in one namespace or in all.
    fn list(&self, kind: &str, namespace: Option<&str>) -> Vec<Arc<Value>>;
    /// At least the objects of a kind in one namespace in which `text` stands as a whole string somewhere. A world that keeps them as text
    /// leaves most of the others unread.
    fn mentioning(&self, kind: &str, namespace: &str, text: &str) -> Vec<Arc<Value>> {
        let _ = text;
        self.list(kind, Some(namespace))
    }
    /// The name of the object that holds a key. A world with an index answers from it: this one looks at every object.
    fn holder(&self, key: &UniqueKey) -> Option<String> {
        let all = self.list(key.kind, Some(&key.namespace));
        all.iter().find(|object| json::text(object, &[key.field]) == key.value).map(|object| json::name(object).to_owned())
    }
}

/// What is to be stored, in one commit.
#[derive(Debug, Clone, PartialEq)]
pub struct Admitted {
    /// The object; `None` for a delete. Its name may differ from the one asked for.
    pub object: Option<Value>,
    /// Other objects that are made with it.
    pub also: Vec<Value>,
    /// Keys that no other object may hold; the writer checks them.
    pub unique: Vec<UniqueKey>,
    /// Things the writer of the document should know.
    pub warnings: Vec<String>,
    /// What was read; if any of it has changed by the commit, admission is asked again.
    pub reads: Vec<Read>,
    /// A right the actor must have beside the one for the write itself.
    pub right: Option<Right>,
}

/// A key that only one object of a kind may hold in a namespace.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct UniqueKey {
    /// The kind.
    pub kind: &'static str,
    /// The namespace.
    pub namespace: String,
    /// What the key is, such as `alias`.
    pub field: &'static str,
    /// The key.
    pub value: String,
}

impl std::fmt::Display for UniqueKey {
    /// As the store keeps it: `alias/bank/calm-otter`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}/{}", self.field, self.namespace, self.value)
    }
}

/// An object that was looked at, and how it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Read {
    /// The kind.
    pub kind: String,
    /// The namespace, if the kind has them.
    pub namespace: Option<String>,
    /// The name.
    pub name: String,
    /// Its uid; `None` if it was not there.
    pub uid: Option<String>,
    /// Its generation: admission reads specs, so a change of status need not repeat it.
    pub generation: Option<i64>,
}

/// A right, as RBAC names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Right {
    /// The verb.
    pub verb: &'static str,
    /// The API group.
    pub group: &'static str,
    /// The resource.
    pub resource: &'static str,
    /// The namespace.
    pub namespace: String,
    /// The name.
    pub name: String,
}

/// Lets a write in, or says why not.
///
/// # Errors
/// [`Denied`] says what is wrong, where, and what to do; its code and reason are Kubernetes'.
pub fn admit(request: &Request<'_>, world: &dyn World) -> Result<Admitted, Denied> {
    let seen = Seen { world, reads: Mutex::default() };
    let mut admission = Admission::new(*request, &seen);
    if request.subresource.is_none() {
        match request.kind {
            "Project" => project::admit(&mut admission)?,
            "ProjectConfig" => config::admit_project(&mut admission)?,
            "ClusterConfig" => config::admit_cluster(&mut admission)?,
            "Warehouse" => warehouse::admit(&mut admission)?,
            "Freight" => freight::admit(&mut admission)?,
            "Stage" => stage::admit(&mut admission)?,
            "Promotion" => promotion::admit(&mut admission)?,
            "PromotionTask" | "ClusterPromotionTask" => steps::admit_task(&mut admission)?,
            "Secret" | "ConfigMap" => replicated::admit(&admission)?,
            _ => {}
        }
    }
    if request.kind == "Freight" && !admission.deletes() {
        freight::hold_alias(&mut admission);
    }
    if request.kind == "Promotion" && request.subresource == Some("status") {
        promotion::mark_ended(&mut admission);
    }
    tell::tell(&mut admission);
    let mut admitted = admission.admitted;
    admitted.reads = seen.reads.into_inner().unwrap_or_default();
    Ok(admitted)
}

/// What can be said of a document without a world: unknown fields, the schema, and the rules of its kind.
pub fn validate_document(document: &Value) -> Vec<Cause> {
    let kind = json::text(document, &["kind"]);
    let mut causes = Vec::new();
    let mut known = document.clone();
    if let Some(info) = seaway_api::kind(kind) {
        // A promotion's steps are written by admission, so a document need not have them.
        schema::apply_defaults(&info.schema, &mut known);
        causes.extend(schema::unknown_fields(&info.schema, document));
        causes.extend(
            schema::check(&info.schema, &known).into_iter().filter(|cause| !(kind == "Promotion" && cause.field == "spec.steps")),
        );
    }
    if kind == "Warehouse" {
        warehouse::default_all(&mut known);
    }
    causes.extend(rules(kind, &known));
    causes
}

/// The rules of a kind that need no world.
pub(crate) fn rules(kind: &str, object: &Value) -> Vec<Cause> {
    match kind {
        "ProjectConfig" => config::rules_project(object),
        "ClusterConfig" => config::rules_cluster(object),
        "Warehouse" => warehouse::rules(object),
        "Freight" => freight::rules(object),
        "Stage" => stage::rules(object),
        "Promotion" => promotion::rules(object),
        "PromotionTask" | "ClusterPromotionTask" => steps::rules_task(object),
        _ => Vec::new(),
    }
}

/// The world, remembering what was asked of it.
struct Seen<'a> {
    world: &'a dyn World,
    reads: Mutex<Vec<Read>>,
}

impl World for Seen<'_> {
    fn get(&self, kind: &str, namespace: Option<&str>, name: &str) -> Option<Arc<Value>> {
        let found = self.world.get(kind, namespace, name);
        let read = Read {
            kind: kind.to_owned(),
            namespace: namespace.map(str::to_owned),
            name: name.to_owned(),
            uid: found.as_deref().map(|o| json::text(o, &["metadata", "uid"]).to_owned()),
            generation: found.as_deref().and_then(|o| o.pointer("/metadata/generation")).and_then(Value::as_i64),
        };
        if let Ok(mut reads) = self.reads.lock()
            && !reads.contains(&read)
        {
            reads.push(read);
        }
        found
    }

    fn list(&self, kind: &str, namespace: Option<&str>) -> Vec<Arc<Value>> {
        self.world.list(kind, namespace)
    }

    fn holder(&self, key: &UniqueKey) -> Option<String> {
        self.world.holder(key)
    }
}

/// One admission under way.
struct Admission<'a> {
    request: Request<'a>,
    world: &'a dyn World,
    admitted: Admitted,
}

impl<'a> Admission<'a> {
    fn new(request: Request<'a>, world: &'a dyn World) -> Self {
        let object = request.new.filter(|_| request.operation != Operation::Delete).cloned();
        let admitted =
            Admitted { object, also: Vec::new(), unique: Vec::new(), warnings: Vec::new(), reads: Vec::new(), right: None };
        Self { request, world, admitted }
    }

    /// The object that will be stored; a null one for a delete, which no rule writes to.
    fn object(&mut self) -> &mut Value {
        self.admitted.object.get_or_insert(Value::Null)
    }

    /// The object's name.
    fn name(&self) -> String {
        let object = self.admitted.object.as_ref().or(self.request.old);
        object.map(|o| json::text(o, &["metadata", "name"]).to_owned()).unwrap_or_default()
    }

    fn namespace(&self) -> String {
        let object = self.admitted.object.as_ref().or(self.request.old);
        let own = object.map(|o| json::text(o, &["metadata", "namespace"])).unwrap_or_default();
        self.request.namespace.unwrap_or(own).to_owned()
    }

    fn creates(&self) -> bool {
        self.request.operation == Operation::Create
    }

    fn deletes(&self) -> bool {
        self.request.operation == Operation::Delete
    }

    /// Whether the spec is new or was changed; what stands is not judged again.
    fn spec_changed(&self) -> bool {
        let spec = |object: Option<&Value>| object.and_then(|o| o.get("spec")).cloned();
        self.creates() || spec(self.admitted.object.as_ref()) != spec(self.request.old)
    }

    /// Refuses with everything that is wrong, if anything is.
    fn invalid(&self, causes: Vec<Cause>) -> Result<(), Denied> {
        if causes.is_empty() { Ok(()) } else { Err(Denied::invalid(self.request.kind, &self.name(), causes)) }
    }

    /// The rules of the kind that need no world.
    fn check_rules(&self) -> Result<(), Denied> {
        match self.admitted.object.as_ref() {
            Some(object) if self.spec_changed() => self.invalid(rules(self.request.kind, object)),
            _ => Ok(()),
        }
    }

    /// A project's things live in a project's namespace.
    fn check_project(&self) -> Result<(), Denied> {
        if !self.creates() {
            return Ok(());
        }
        let namespace = self.namespace();
        match self.world.get("Namespace", None, &namespace) {
            Some(found) if json::label(&found, seaway_api::kargo::names::label::PROJECT) == "true" => Ok(()),
            Some(_) => Err(Denied::invalid(
                self.request.kind,
                &self.name(),
                vec![Cause::invalid(
                    "metadata.namespace",
                    format!("namespace {namespace} belongs to no project; create the Project {namespace} first"),
                )],
            )),
            None => Err(Denied::not_found("Namespace", &namespace, "create the project first: its namespace comes with it")),
        }
    }

    /// Keeps a label in step with a field: set if there is a value, absent if not.
    fn sync_label(&mut self, label: &str, value: &str) {
        json::set_map_entry(self.object(), "labels", label, (!value.is_empty()).then_some(value));
    }

    /// Keeps the shard's label in step with `spec.shard`.
    fn sync_shard(&mut self) {
        let shard = json::text(self.object(), &["spec", "shard"]).to_owned();
        self.sync_label(seaway_api::kargo::names::label::SHARD, &shard);
    }

    /// Puts the one who asks into a request that is carried by an annotation, unless our own parts wrote it.
    ///
    /// `key` is what the plain form of the value stands for (`id`, `action`).
    fn enrich(&mut self, annotation: &str, key: &str) {
        let given = json::annotation(self.object(), annotation).to_owned();
        let before = self.request.old.map(|o| json::annotation(o, annotation)).unwrap_or_default();
        if given.is_empty() || given == before {
            return;
        }
        let mut request = match serde_json::from_str::<Value>(&given) {
            Ok(Value::Object(map)) => map,
            _ => serde_json::Map::from_iter([(key.to_owned(), Value::from(given))]),
        };
        if self.request.control_plane {
            request.insert("controlPlane".into(), Value::Bool(true));
        } else {
            request.insert("actor".into(), Value::from(self.request.actor));
            request.shift_remove("controlPlane");
        }
        let text = Value::Object(request).to_string();
        json::set_map_entry(self.object(), "annotations", annotation, Some(&text));
    }

    /// Writes down who made it; nobody can claim to be another, and the mark survives updates.
    fn stamp_actor(&mut self) {
        use seaway_api::kargo::names::annotation::CREATE_ACTOR;
        let given = json::annotation(self.object(), CREATE_ACTOR).to_owned();
        let actor = match self.request.old {
            Some(old) => json::annotation(old, CREATE_ACTOR).to_owned(),
            None if self.request.control_plane && !given.is_empty() => given,
            None => self.request.actor.to_owned(),
        };
        json::set_map_entry(self.object(), "annotations", CREATE_ACTOR, (!actor.is_empty()).then_some(actor.as_str()));
    }
}
