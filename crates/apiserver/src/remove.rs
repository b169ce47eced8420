//! Delete and deletecollection: at once where nothing objects, else marked, so that finalizers can do their part.

use crate::ApiServer;
use crate::admit::{Operation, Reading};
use crate::failure::{About, Failure};
use crate::meta::{instant, is_deleting, metadata, texts};
use crate::read::{Selection, json_response, success};
use crate::request::Call;
use crate::write::{Proposal, is_finished};
use axum::response::Response;
use http::StatusCode;
use seaway_store::{Batch, Expect, Object, Op, StoreError};
use serde_json::{Value, json};
use std::sync::Arc;

/// The finalizer that holds an owner until its dependents are gone.
pub(crate) const FOREGROUND: &str = "foregroundDeletion";
/// The finalizer that holds an owner until its dependents no longer name it.
pub(crate) const ORPHAN: &str = "orphan";
/// Namespaces that are always there: requests without one go here.
const KEPT: &[&str] = &["default"];
/// How often a collection's deletion is planned anew.
const N_TRIES_MAX: usize = 64;

/// How a deletion is to go.
#[derive(Debug, Default, Clone)]
struct DeleteOptions {
    uid: Option<String>,
    resource_version: Option<String>,
    propagation: String,
    dry_run: bool,
}

impl DeleteOptions {
    fn read(call: &Call) -> Result<Self, Failure> {
        let mut options =
            Self { propagation: call.query.propagation_policy.clone(), dry_run: call.query.dry_run, ..Self::default() };
        if call.body.is_empty() {
            return Ok(options);
        }
        let body = call.body_as("DeleteOptions")?;
        let text = |pointer: &str| body.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        options.uid = text("/preconditions/uid");
        options.resource_version = text("/preconditions/resourceVersion");
        if let Some(policy) = text("/propagationPolicy") {
            options.propagation = policy;
        } else if body["orphanDependents"] == json!(true) {
            options.propagation = "Orphan".to_owned();
        }
        options.dry_run |= texts(&body, "/dryRun").iter().any(|value| value == "All");
        match options.propagation.as_str() {
            "" | "Background" | "Foreground" | "Orphan" => Ok(options),
            other => Err(Failure::BadRequest(format!("propagationPolicy: `{other}` is none of Background, Foreground, Orphan"))),
        }
    }
}

impl ApiServer {
    pub(crate) async fn delete(&self, call: &mut Call) -> Result<Response, Failure> {
        let options = DeleteOptions::read(call)?;
        call.query.dry_run = options.dry_run;
        let call = &*call;
        self.carry_out(call, || self.plan_delete(call, &self.live(call)?, &options)).await
    }

    pub(crate) async fn delete_collection(&self, call: &mut Call) -> Result<Response, Failure> {
        let options = DeleteOptions::read(call)?;
        call.query.dry_run = options.dry_run;
        let selection = Selection::of(call)?;
        for n_try in 1.. {
            let listed = self.store.list(&call.kind.storage, selection.namespace.as_deref(), None, usize::MAX);
            let (mut batch, mut items) = (Batch::default(), Vec::new());
            for object in listed.objects.iter().filter(|object| selection.matches(object)) {
                call.name = Some(object.key.name.to_string());
                call.namespace = object.key.namespace.to_string();
                let proposal = self.plan_delete(call, object, &options)?;
                items.push(self.shown(call, proposal.object));
                batch.reads.extend(proposal.reads);
                batch.ops.extend(proposal.ops);
            }
            let kind = &call.kind;
            let list = json!({"kind": format!("{}List", kind.kind), "apiVersion": kind.api_version(),
                "metadata": {"resourceVersion": listed.revision.to_string()}, "items": items});
            if !options.dry_run && !batch.ops.is_empty() {
                match self.commit(batch).await {
                    Ok(_) => {}
                    Err(StoreError::Changed { .. } | StoreError::Conflict { .. } | StoreError::NotFound { .. })
                        if n_try < N_TRIES_MAX =>
                    {
                        continue;
                    }
                    Err(err) => return Err(Failure::of_store(err, kind)),
                }
            }
            return Ok(json_response(StatusCode::OK, list.to_string().into(), &[]));
        }
        unreachable!("the last try returns")
    }

    fn plan_delete(&self, call: &Call, live: &Arc<Object>, options: &DeleteOptions) -> Result<Proposal, Failure> {
        let (kind, name) = (&call.kind, call.name());
        let conflict = |message: String| Failure::Conflict { about: About::new(kind, name), message };
        if let Some(uid) = options.uid.as_ref().filter(|uid| **uid != live.meta.uid) {
            let found = &live.meta.uid;
            return Err(conflict(format!("Precondition failed: UID in precondition: {uid}, UID in object meta: {found}")));
        }
        if let Some(version) = options.resource_version.as_ref().filter(|version| **version != live.revision.to_string()) {
            let found = live.revision;
            let message = format!(
                "Precondition failed: ResourceVersion in precondition: {version}, ResourceVersion in object meta: {found}"
            );
            return Err(conflict(message));
        }
        if &*kind.storage == "namespaces" && KEPT.contains(&name) {
            let message = "this namespace may not be deleted".to_owned();
            return Err(Failure::Forbidden { about: Some(About::new(kind, name)), message, causes: Vec::new() });
        }
        let old = self.value(live)?;
        let reading = Reading::new(self);
        let admitted = self.admit(call, Operation::Delete, name, old.clone(), Some(&old), &reading)?;
        let new = self.marked(&old, &options.propagation);
        let told = if old == new { None } else { self.told(call, Some(&old), None, &reading) };
        let companions = self.companions(admitted.also.into_iter().chain(told).collect(), &reading)?;
        let (reads, code, warnings) = (reading.into_reads(), StatusCode::OK, admitted.warnings);
        if old == new {
            return Ok(Proposal { reads, ops: Vec::new(), object: new, unchanged: Some(live.clone()), warnings, code });
        }
        let (key, expect) = (live.key.clone(), Expect::Revision(live.revision));
        let mut ops = vec![if is_finished(&new) {
            Op::Delete { key, expect, last: None }
        } else {
            Op::Put { key, document: self.document(&new)?, expect, unique: live.unique.to_vec() }
        }];
        ops.extend(companions);
        Ok(Proposal { reads, ops, object: new, unchanged: None, warnings, code })
    }

    /// The object with its deletion marked, and the finalizer that the propagation asks for.
    pub(crate) fn marked(&self, old: &Value, propagation: &str) -> Value {
        let mut new = old.clone();
        let mut finalizers = texts(old, "/metadata/finalizers");
        let wanted = match propagation {
            "Foreground" => Some(FOREGROUND),
            "Orphan" => Some(ORPHAN),
            _ => None,
        };
        if let Some(wanted) = wanted {
            finalizers.retain(|name| name != FOREGROUND && name != ORPHAN);
            finalizers.push(wanted.to_owned());
        }
        if finalizers != texts(old, "/metadata/finalizers") {
            metadata(&mut new).insert("finalizers".into(), finalizers.into());
        }
        if !is_deleting(old) {
            let generation = old.pointer("/metadata/generation").and_then(Value::as_i64);
            let metadata = metadata(&mut new);
            metadata.insert("deletionTimestamp".into(), instant(self.clock.now()).into());
            metadata.insert("deletionGracePeriodSeconds".into(), 0.into());
            if let Some(generation) = generation {
                metadata.insert("generation".into(), (generation + 1).into());
            }
            if old["kind"] == "Namespace" {
                new["status"] = json!({"phase": "Terminating"});
            }
        }
        new
    }

    pub(crate) fn answer_deleted(&self, call: &Call, object: &Object) -> Result<Response, Failure> {
        Ok(json_response(StatusCode::OK, success(&call.kind, object).to_string().into(), &[]))
    }
}
