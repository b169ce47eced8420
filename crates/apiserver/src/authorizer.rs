//! Who may do what, asked at every request: the policy in memory, in step with what is stored.

use crate::identity::Identity;
use parking_lot::RwLock;
use seaway_core::authorize::{Attributes, Decision, Policy, Resource, Target, Who};
use seaway_store::{Event, EventKind, Object, Store};
use std::fmt;
use std::sync::Arc;
use tokio::sync::watch;

/// What rights come from: where it is stored, and its kind.
const SOURCES: [(&str, &str); 5] = [
    ("clusterroles.rbac.authorization.k8s.io", "ClusterRole"),
    ("clusterrolebindings.rbac.authorization.k8s.io", "ClusterRoleBinding"),
    ("roles.rbac.authorization.k8s.io", "Role"),
    ("rolebindings.rbac.authorization.k8s.io", "RoleBinding"),
    ("serviceaccounts", "ServiceAccount"),
];
/// Changes taken from the log at a time.
const N_PULLED_MAX: usize = 1024;

/// The one point that decides, for every door: cheap to clone, all clones are one.
///
/// A committed change of a role, a binding or an account is in force for whatever is asked after its answer.
#[derive(Clone)]
pub struct Authorizer(Arc<Inner>);

struct Inner {
    store: Arc<dyn Store>,
    kept: RwLock<Kept>,
    moved: watch::Sender<u64>,
}

struct Kept {
    policy: Policy,
    logs: Vec<Log>,
}

/// How far one source has been read.
struct Log {
    resource: &'static str,
    kind: &'static str,
    bell: watch::Receiver<u64>,
    cursor: u64,
}

impl fmt::Debug for Authorizer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Authorizer").field(&*self.0.moved.borrow()).finish()
    }
}

impl Authorizer {
    /// The policy as it is stored now; from then on it follows.
    pub(crate) fn new(store: Arc<dyn Store>) -> Self {
        let kept = RwLock::new(Kept::load(&*store));
        Self(Arc::new(Inner { store, kept, moved: watch::Sender::new(0) }))
    }

    /// Decides whether somebody may do something to an object or a kind of objects, and says why.
    pub fn decide(&self, identity: &Identity, verb: &str, resource: Resource<'_>) -> Decision {
        self.ask(identity, |policy, who| policy.decide(&Attributes { who, verb, target: Target::Resource(resource) }))
    }

    /// The same without a word.
    pub fn allows(&self, identity: &Identity, verb: &str, resource: Resource<'_>) -> bool {
        self.ask(identity, |policy, who| policy.allows(&Attributes { who, verb, target: Target::Resource(resource) }))
    }

    /// Decides about a path that is no resource, such as `/metrics`; the verb is the method in lower case.
    pub fn decide_path(&self, identity: &Identity, verb: &str, path: &str) -> Decision {
        self.ask(identity, |policy, who| policy.decide(&Attributes::path(who, verb, path)))
    }

    /// Moves whenever a right may have changed: who holds a stream open asks again then.
    pub fn revision(&self) -> watch::Receiver<u64> {
        self.0.moved.subscribe()
    }

    /// Puts any question to the policy as it is now.
    pub(crate) fn ask<T>(&self, identity: &Identity, question: impl FnOnce(&Policy, Who<'_>) -> T) -> T {
        self.catch_up();
        let kept = self.0.kept.read();
        let who = Who::new(&identity.username, &identity.groups);
        let who = match &identity.scope {
            Some(scope) => who.with_scope(scope),
            None => who,
        };
        match &identity.claims {
            Some(claims) => {
                let accounts = kept.policy.accounts_of(claims);
                question(&kept.policy, who.with_accounts(&accounts))
            }
            None => question(&kept.policy, who),
        }
    }

    /// Takes in what was committed meanwhile. Called after every commit too, so that [`Authorizer::revision`] moves without a question.
    pub(crate) fn catch_up(&self) {
        // The store rings before it answers a commit, so that whoever has the answer sees the bell.
        if !self.0.kept.read().is_behind() {
            return;
        }
        if self.0.kept.write().catch_up(&*self.0.store) {
            self.0.moved.send_modify(|revision| *revision += 1);
        }
    }
}

impl Kept {
    fn load(store: &dyn Store) -> Self {
        let (mut policy, mut logs) = (Policy::default(), Vec::new());
        for (resource, kind) in SOURCES {
            let mut bell = store.doorbell(Some(resource));
            bell.borrow_and_update();
            let listed = store.list(resource, None, None, usize::MAX);
            for object in &listed.objects {
                take_in(&mut policy, kind, object);
            }
            logs.push(Log { resource, kind, bell, cursor: listed.revision });
        }
        Self { policy, logs }
    }

    fn is_behind(&self) -> bool {
        self.logs.iter().any(|log| log.bell.has_changed().unwrap_or(false))
    }

    /// Returns whether any right may have changed.
    fn catch_up(&mut self, store: &dyn Store) -> bool {
        let mut any = false;
        for log in self.logs.iter_mut().filter(|log| log.bell.has_changed().unwrap_or(false)) {
            // The bell is answered before the log is read, so that what comes in between rings again.
            log.bell.borrow_and_update();
            loop {
                let Ok(pulled) = store.events(log.resource, log.cursor, N_PULLED_MAX) else {
                    *self = Self::load(store);
                    return true;
                };
                log.cursor = pulled.cursor;
                if pulled.events.is_empty() {
                    break;
                }
                for event in &pulled.events {
                    any |= follow(&mut self.policy, log.kind, event);
                }
            }
        }
        any
    }
}

fn follow(policy: &mut Policy, kind: &str, event: &Event) -> bool {
    match event.kind {
        EventKind::Deleted => policy.forget(kind, &event.object.key.namespace, &event.object.key.name),
        _ => take_in(policy, kind, &event.object),
    }
}

/// What cannot be read grants nothing.
fn take_in(policy: &mut Policy, kind: &str, object: &Object) -> bool {
    match object.value() {
        Ok(value) => policy.apply(&value),
        Err(_) => policy.forget(kind, &object.key.namespace, &object.key.name),
    }
}
