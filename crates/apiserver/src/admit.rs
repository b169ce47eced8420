//! The seam to admission: a pure decision over a request and the world, whose result is committed in one batch.

use crate::identity::Identity;
use crate::kind::Kind;
use crate::validate::FieldError;
use jiff::Timestamp;
use parking_lot::Mutex;
use seaway_base::Random;
use seaway_store::{Key, Precondition, Store};
use serde_json::Value;

/// What a request wants to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// A new object.
    Create,
    /// A change, by whatever verb.
    Update,
    /// A deletion; also when finalizers will delay it.
    Delete,
}

/// A request as admission sees it.
#[derive(Debug)]
pub struct Request<'a> {
    /// What it wants to do.
    pub operation: Operation,
    /// Of which kind.
    pub kind: &'a Kind,
    /// The namespace, or empty.
    pub namespace: &'a str,
    /// The object's name.
    pub name: &'a str,
    /// `status`, for a write to the status alone.
    pub subresource: Option<&'a str>,
    /// The object as it would be stored, defaults filled in; for a deletion, as it stands.
    pub object: Value,
    /// The object as it stands.
    pub old: Option<&'a Value>,
    /// Who asks.
    pub identity: &'a Identity,
    /// The instant of the request.
    pub now: Timestamp,
    /// For names and aliases.
    pub random: &'a Random,
    /// Nothing will be stored.
    pub dry_run: bool,
}

/// What admission made of a request.
#[derive(Debug, Clone, Default)]
pub struct Admitted {
    /// The object to store; ignored for a deletion.
    pub object: Value,
    /// Further objects of served kinds, created or replaced in the same commit (a Project's Namespace).
    pub also: Vec<Value>,
    /// Keys that no other object may hold (`alias/<project>/<alias>`).
    pub unique: Vec<String>,
    /// Shown to the user by kubectl.
    pub warnings: Vec<String>,
}

/// Why admission refused.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Denied {
    /// Not allowed: 403.
    #[error("{0}")]
    Forbidden(String),
    /// Fields that are wrong: 422.
    #[error("invalid fields")]
    Invalid(Vec<FieldError>),
    /// The request makes no sense: 400.
    #[error("{0}")]
    BadRequest(String),
    /// It stands in the way of what is there: 409.
    #[error("{0}")]
    Conflict(String),
}

/// What admission may look at. Whatever `get` answered is a precondition of the commit.
pub trait World {
    /// The object under a storage name such as `projects.kargo.akuity.io`.
    fn get(&self, resource: &str, namespace: &str, name: &str) -> Option<Value>;
    /// All objects of a resource, in a namespace or everywhere. Not a precondition.
    fn list(&self, resource: &str, namespace: Option<&str>) -> Vec<Value>;
}

/// Decides what becomes of a request. Pure: the same request and world give the same answer.
pub trait Admission: Send + Sync + 'static {
    /// Admits, perhaps changed, or refuses.
    ///
    /// # Errors
    /// [`Denied`], as the client shall read it.
    fn admit(&self, request: Request<'_>, world: &dyn World) -> Result<Admitted, Denied>;
}

/// Admits everything as it is: for tests, and for kinds without rules.
#[derive(Debug, Clone, Copy, Default)]
pub struct AdmitAll;

impl Admission for AdmitAll {
    fn admit(&self, request: Request<'_>, _: &dyn World) -> Result<Admitted, Denied> {
        Ok(Admitted { object: request.object, ..Admitted::default() })
    }
}

/// The store as admission's world; writes down what was read.
pub(crate) struct Reading<'a> {
    store: &'a dyn Store,
    reads: Mutex<Vec<Precondition>>,
}

impl<'a> Reading<'a> {
    pub(crate) fn new(store: &'a dyn Store) -> Self {
        Self { store, reads: Mutex::new(Vec::new()) }
    }

    /// Reads a key and remembers its revision.
    pub(crate) fn object(&self, key: Key) -> Option<std::sync::Arc<seaway_store::Object>> {
        let found = self.store.get(&key);
        let read = match &found {
            Some(object) => Precondition::Revision(key, object.revision),
            None => Precondition::Absent(key),
        };
        let mut reads = self.reads.lock();
        if !reads.contains(&read) {
            reads.push(read);
        }
        found
    }

    pub(crate) fn into_reads(self) -> Vec<Precondition> {
        self.reads.into_inner()
    }
}

impl World for Reading<'_> {
    fn get(&self, resource: &str, namespace: &str, name: &str) -> Option<Value> {
        self.object(Key::new(resource, namespace, name))?.value().ok()
    }

    fn list(&self, resource: &str, namespace: Option<&str>) -> Vec<Value> {
        let listed = self.store.list(resource, namespace, None, usize::MAX);
        listed.objects.iter().filter_map(|object| object.value().ok()).collect()
    }
}
