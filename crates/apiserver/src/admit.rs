//! The seam to admission: a pure decision over a request and the world, whose result is committed in one batch.

use crate::ApiServer;
use crate::identity::Identity;
use crate::kind::{Kind, Kinds};
use jiff::Timestamp;
use parking_lot::Mutex;
use seaway_base::Random;
use seaway_core::admission;
use seaway_store::{Key, Object, Precondition, Store};
use serde_json::Value;
use std::sync::Arc;

pub use seaway_core::admission::{Denied, Operation, Right, World};

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
    /// A right that is needed beside the one for the write itself.
    pub right: Option<Right>,
}

/// Decides what becomes of a request. Pure: the same request and world give the same answer. Whatever `World::get` answered
/// is a precondition of the commit; lists are not.
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

/// The rules of Seaway's kinds: [`seaway_core::admission`], committed at once.
#[derive(Debug, Clone, Copy, Default)]
pub struct Rules;

impl Admission for Rules {
    fn admit(&self, request: Request<'_>, world: &dyn World) -> Result<Admitted, Denied> {
        let deletes = request.operation == Operation::Delete;
        let actor = request.identity.actor();
        let asked = admission::Request {
            operation: request.operation,
            kind: &request.kind.kind,
            subresource: request.subresource,
            namespace: (!request.namespace.is_empty()).then_some(request.namespace),
            new: (!deletes).then_some(&request.object),
            old: request.old,
            actor: actor.as_str(),
            control_plane: request.identity.is_control_plane(),
            cluster_admin: request.identity.is_cluster_admin(),
            dry_run: request.dry_run,
            now: request.now,
            ulid: request.random.ulid(request.now),
            random: request.random.next_u64(),
        };
        let admitted = admission::admit(&asked, world)?;
        Ok(Admitted {
            object: admitted.object.unwrap_or(request.object),
            also: admitted.also,
            unique: admitted.unique.iter().map(ToString::to_string).collect(),
            warnings: admitted.warnings,
            right: admitted.right,
        })
    }
}

/// The store as admission's world; writes down what was read, so that the commit can insist on it.
pub(crate) struct Reading<'a> {
    store: &'a dyn Store,
    kinds: &'a Kinds,
    reads: Mutex<Vec<Precondition>>,
}

impl<'a> Reading<'a> {
    pub(crate) fn new(api: &'a ApiServer) -> Self {
        Self { store: &*api.store, kinds: &api.kinds, reads: Mutex::new(Vec::new()) }
    }

    /// Reads a key and remembers its revision.
    pub(crate) fn object(&self, key: Key) -> Option<Arc<Object>> {
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
    fn get(&self, kind: &str, namespace: Option<&str>, name: &str) -> Option<Arc<Value>> {
        let kind = self.kinds.stored().find(|known| known.kind == kind)?;
        let key = Key::new(&kind.storage, namespace.unwrap_or_default(), name);
        self.object(key)?.value().ok().map(Arc::new)
    }

    fn list(&self, kind: &str, namespace: Option<&str>) -> Vec<Arc<Value>> {
        let Some(kind) = self.kinds.stored().find(|known| known.kind == kind) else { return Vec::new() };
        let listed = self.store.list(&kind.storage, namespace, None, usize::MAX);
        listed.objects.iter().filter_map(|object| object.value().ok()).map(Arc::new).collect()
    }

    fn mentioning(&self, kind: &str, namespace: &str, text: &str) -> Vec<Arc<Value>> {
        let Some(kind) = self.kinds.stored().find(|known| known.kind == kind) else { return Vec::new() };
        let quoted = Value::from(text).to_string();
        let listed = self.store.list(&kind.storage, Some(namespace), None, usize::MAX);
        let mentions = |object: &&Arc<Object>| std::str::from_utf8(&object.bytes).is_ok_and(|bytes| bytes.contains(&quoted));
        listed.objects.iter().filter(mentions).filter_map(|object| object.value().ok()).map(Arc::new).collect()
    }

    fn holder(&self, key: &admission::UniqueKey) -> Option<String> {
        self.store.holder(&key.to_string()).map(|key| key.name.to_string())
    }
}
