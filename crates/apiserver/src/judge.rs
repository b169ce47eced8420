//! What is asked of every object before it is stored: schema, metadata, admission, and who wrote which field.

use crate::admit::{Admitted, Denied, Operation, Reading, Request};
use crate::events::{self, Deed};
use crate::failure::{About, Failure};
use crate::kind::{Kind, stored_schema};
use crate::meta::{changed, instant, is_same, metadata, set, text};
use crate::request::Call;
use crate::{ApiServer, builtin, ssa, validate};
use seaway_api::kargo::names::annotation::CHANGED_BY;
use seaway_core::authorize::RBAC;
use seaway_store::{Document, Expect, Key, Op};
use serde_json::{Value, json};

impl ApiServer {
    /// Unknown fields by the request's choice, and defaults: before admission.
    pub(crate) fn conform(
        &self,
        call: &Call,
        old: Option<&Value>,
        object: &mut Value,
        warnings: &mut Vec<String>,
    ) -> Result<(), Failure> {
        let schema = stored_schema(&call.kind);
        if self.check_fields(call, old, object, warnings)? {
            validate::prune(schema, object);
        }
        validate::default(schema, object);
        Ok(())
    }

    /// The values against the schema, and the metadata: after admission, which fills in what a user may leave out.
    pub(crate) fn check(&self, call: &Call, old: Option<&Value>, object: &mut Value) -> Result<(), Failure> {
        let (kind, schema) = (&call.kind, stored_schema(&call.kind));
        validate::default(schema, object);
        let mut errors = validate::check(schema, object);
        if let (false, Some(old)) = (errors.is_empty(), old) {
            // What was wrong before is not this request's fault: an object from an older release stays writable.
            let before = validate::check(schema, old);
            errors.retain(|error| !before.contains(error));
        }
        errors.extend(builtin::check(kind, object));
        errors.extend(validate::check_metadata(&kind.kind, kind.namespaced, object));
        let causes = if errors.is_empty() { seaway_core::authorize::validate(object, old) } else { Vec::new() };
        if !causes.is_empty() {
            let name = text(object, "/metadata/name");
            let denied = Denied::invalid(&kind.kind, name, causes);
            return Err(Failure::Denied { about: About::new(kind, name), denied });
        }
        if errors.is_empty() { Ok(()) } else { Err(Failure::invalid(kind, text(object, "/metadata/name"), errors)) }
    }

    /// Tells of fields the schema does not know, unless they stood there before; answers whether they are to be dropped.
    pub(crate) fn check_fields(
        &self,
        call: &Call,
        old: Option<&Value>,
        object: &Value,
        warnings: &mut Vec<String>,
    ) -> Result<bool, Failure> {
        let schema = stored_schema(&call.kind);
        let mut unknown = validate::unknown_fields(schema, object);
        if unknown.is_empty() {
            return Ok(false);
        }
        if let Some(old) = old {
            let before = validate::unknown_fields(schema, old);
            unknown.retain(|path| !before.contains(path));
        }
        let told = unknown.iter().map(|path| format!("unknown field \"{path}\""));
        match call.query.field_validation.as_str() {
            _ if unknown.is_empty() => {}
            "Ignore" => {}
            "Strict" => {
                let (kind, version) = (&call.kind.kind, &call.kind.version);
                let told = told.collect::<Vec<_>>().join(", ");
                let message =
                    format!("{kind} in version \"{version}\" cannot be handled as a {kind}: strict decoding error: {told}");
                return Err(Failure::BadRequest(message));
            }
            _ => warnings.extend(told),
        }
        Ok(!unknown.is_empty())
    }

    /// Admission, and whether whoever asks has the rights that the result needs.
    pub(crate) fn admit(
        &self,
        call: &Call,
        operation: Operation,
        name: &str,
        object: Value,
        old: Option<&Value>,
        reading: &Reading<'_>,
    ) -> Result<Admitted, Failure> {
        let request = Request {
            operation,
            kind: &call.kind,
            namespace: &call.namespace,
            name,
            subresource: call.subresource.as_deref(),
            object,
            old,
            identity: &call.identity,
            now: self.clock.now(),
            random: &self.random,
            dry_run: call.query.dry_run,
        };
        let about = || About::new(&call.kind, name);
        let admitted = self.admission.admit(request, reading).map_err(|denied| Failure::Denied { about: about(), denied })?;
        if operation != Operation::Delete {
            self.permit(call, text(&admitted.object, "/metadata/name"), &admitted, old)?;
        }
        Ok(admitted)
    }

    /// The further objects of an admission, as operations of the same batch.
    pub(crate) fn companions(&self, also: Vec<Value>, reading: &Reading<'_>) -> Result<Vec<Op>, Failure> {
        let mut ops = Vec::new();
        for mut object in also {
            let kind = self.kinds.of(text(&object, "/apiVersion"), text(&object, "/kind"));
            let kind =
                kind.ok_or_else(|| Failure::Internal("admission made an object of a kind that is not served".to_owned()))?;
            let key = Key::new(&kind.storage, text(&object, "/metadata/namespace"), text(&object, "/metadata/name"));
            let live = reading.object(key.clone());
            let old = live.as_deref().map(|live| self.value(live)).transpose()?;
            let metadata = metadata(&mut object);
            for fixed in ["uid", "creationTimestamp", "generation", "deletionTimestamp", "managedFields"] {
                if let Some(value) = old.as_ref().and_then(|old| old["metadata"].get(fixed)) {
                    metadata.insert(fixed.to_owned(), value.clone());
                }
            }
            if live.is_none() {
                metadata.insert("uid".into(), self.random.uuid().into());
                metadata.insert("creationTimestamp".into(), instant(self.clock.now()).into());
                set(metadata, "generation", (!kind.builtin).then(|| 1.into()));
            }
            builtin::normalise(kind, &mut object);
            if old.as_ref().is_some_and(|old| is_same(old, &object)) {
                continue;
            }
            let (expect, unique) = match &live {
                Some(live) => (Expect::Revision(live.revision), live.unique.to_vec()),
                None => (Expect::Absent, Vec::new()),
            };
            ops.push(Op::Put { key, document: self.document(&object)?, expect, unique });
        }
        Ok(ops)
    }

    pub(crate) fn document(&self, object: &Value) -> Result<Document, Failure> {
        Document::new(object).map_err(|err| Failure::BadRequest(seaway_base::chain(&err)))
    }

    pub(crate) fn writer<'a>(&self, call: &'a Call) -> ssa::Writer<'a> {
        ssa::Writer {
            manager: call.manager(),
            api_version: &call.api_version,
            subresource: call.subresource.as_deref(),
            schema: stored_schema(&call.kind),
            now: self.clock.now(),
        }
    }

    /// Writes down who made an object, or last changed it, labels and annotations too; nobody can claim it was another.
    pub(crate) fn sign(&self, call: &Call, old: Option<&Value>, new: &mut Value) {
        if !is_witnessed(&call.kind) || call.subresource.is_some() {
            return;
        }
        let before = old.and_then(|old| old.pointer("/metadata/annotations")?.get(CHANGED_BY).cloned());
        let changed = !call.identity.is_control_plane() && old.is_none_or(|old| !changed(old, new).is_empty());
        let actor = if changed { Some(call.identity.actor().as_str().into()) } else { before };
        let metadata = metadata(new);
        match (actor, metadata.get_mut("annotations").and_then(Value::as_object_mut)) {
            (actor, Some(annotations)) => set(annotations, CHANGED_BY, actor),
            (Some(actor), None) => drop(metadata.insert("annotations".to_owned(), json!({ CHANGED_BY: actor }))),
            (None, None) => {}
        }
    }

    /// The event that tells who made, changed or deleted an object, to be stored with it: what our controllers do and what is told by an
    /// event of its own is not told again. Of what an object says, it names the fields alone.
    pub(crate) fn told(&self, call: &Call, old: Option<&Value>, new: Option<&Value>, reading: &Reading<'_>) -> Option<Value> {
        let kind = &call.kind;
        let told_elsewhere = kind.kind == "Plan" || (kind.kind == "Promotion" && old.is_none());
        if !is_witnessed(kind) || told_elsewhere || call.subresource.is_some() || call.identity.is_control_plane() {
            return None;
        }
        let (deed, fields) = match (old, new) {
            (None, _) => (Deed::Created, Vec::new()),
            (Some(_), None) => (Deed::Deleted, Vec::new()),
            (Some(old), Some(new)) => (Deed::Changed, changed(old, new)),
        };
        if deed == Deed::Changed && fields.is_empty() {
            return None;
        }
        // Nothing is made in a namespace that goes.
        let namespace = reading.object(Key::new("namespaces", "", &call.namespace));
        let stays = namespace.is_some_and(|namespace| namespace.meta.deletion_timestamp.is_none());
        let place = if stays { &call.namespace } else { "default" };
        let now = self.clock.now();
        let mark = self.random.ulid(now).to_string().to_lowercase();
        Some(events::of_deed(deed, new.or(old)?, &fields, call.identity.actor().as_str(), place, now, &mark))
    }

    /// Writes down in managedFields which manager wrote which field.
    pub(crate) fn track(&self, call: &Call, old: Option<&Value>, new: &mut Value) {
        if call.kind.tracks_managers() {
            ssa::track_update(old, new, self.writer(call));
        } else {
            metadata(new).shift_remove("managedFields");
        }
    }
}

/// Whether it is written down who makes, changes and deletes objects of this kind: Kargo's, ours, rights, and what rights and Secrets are.
fn is_witnessed(kind: &Kind) -> bool {
    match kind.group.as_str() {
        "" => matches!(kind.kind.as_str(), "ServiceAccount" | "Secret" | "ConfigMap"),
        group => [seaway_api::kargo::GROUP, seaway_api::seaway::GROUP, RBAC].contains(&group),
    }
}
