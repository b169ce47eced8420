//! Create, update, patch and apply: from a request to one batch, decided anew when the world moved meanwhile.

use crate::admit::{Operation, Reading};
use crate::builtin;
use crate::failure::{About, Cause, Failure};
use crate::kind::Mode;
use crate::meta::{instant, is_deleting, is_new_generation, is_same, metadata, set, text, texts};
use crate::request::{Call, Form, parse_json, parse_yaml};
use crate::validate::{self, FieldError};
use crate::{ApiServer, events, patch, ssa};
use axum::response::Response;
use http::StatusCode;
use seaway_store::{Batch, Expect, Key, Object, Op, Outcome, Precondition, StoreError};
use serde_json::{Value, json};
use std::sync::Arc;

/// How often a request is decided anew because the world moved under it.
const N_TRIES_MAX: usize = 64;
/// The characters of a generated name's end: none that can be mistaken, no vowels.
const SUFFIX: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";

/// What a request comes to, before it is committed.
pub(crate) struct Proposal {
    pub(crate) reads: Vec<Precondition>,
    pub(crate) ops: Vec<Op>,
    /// The object as it would be: what a dry run answers.
    pub(crate) object: Value,
    /// Set where nothing would change.
    pub(crate) unchanged: Option<Arc<Object>>,
    pub(crate) warnings: Vec<String>,
    pub(crate) code: StatusCode,
}

impl ApiServer {
    pub(crate) async fn create(&self, call: &Call) -> Result<Response, Failure> {
        let posted = self.posted(call, call.body_as(&call.kind.kind)?)?;
        self.carry_out(call, || self.plan_create(call, posted.clone(), false)).await
    }

    pub(crate) async fn update(&self, call: &Call) -> Result<Response, Failure> {
        let posted = self.posted(call, call.body_as(&call.kind.kind)?)?;
        self.carry_out(call, || {
            let live = self.live(call)?;
            let old = self.value(&live)?;
            let unconditional = text(&posted, "/metadata/resourceVersion").is_empty();
            if unconditional && !call.kind.builtin {
                let rule = "must be specified for an update";
                let error = FieldError::invalid("metadata.resourceVersion", &json!(0), rule);
                return Err(Failure::invalid(&call.kind, call.name(), vec![error]));
            }
            self.plan_update(call, &live, &old, posted.clone(), false)
        })
        .await
    }

    pub(crate) async fn patch(&self, call: &Call) -> Result<Response, Failure> {
        if call.content_type == "application/apply-patch+yaml" {
            let applied = self.posted(call, parse_yaml(&call.body)?)?;
            return self.carry_out(call, || self.plan_apply(call, applied.clone())).await;
        }
        self.carry_out(call, || {
            let live = self.live(call)?;
            let old = self.value(&live)?;
            let mut new = if call.kind.mode == Mode::EventView { events::to_view(old.clone()) } else { old.clone() };
            let body = &call.body;
            match call.content_type.as_str() {
                "application/merge-patch+json" => patch::merge(&mut new, &parse_json(body)?),
                "application/json-patch+json" => patch::json(&mut new, body).map_err(|err| self.patch_failure(call, err))?,
                "application/strategic-merge-patch+json" => {
                    let kind = &call.kind.kind;
                    patch::strategic(kind, &mut new, &parse_json(body)?).map_err(|err| self.patch_failure(call, err))?;
                }
                other => return Err(Failure::MediaType(format!("`{other}` is no patch that is served"))),
            }
            let new = self.posted(call, new)?;
            self.plan_update(call, &live, &old, new, false)
        })
        .await
    }

    fn patch_failure(&self, call: &Call, err: patch::PatchError) -> Failure {
        let message = seaway_base::chain(&err);
        match err {
            patch::PatchError::NotStrategic(_) => Failure::MediaType(message),
            patch::PatchError::Operation { .. } => {
                let error = FieldError { path: "patch".to_owned(), kind: validate::ErrorKind::Invalid, message };
                Failure::invalid(&call.kind, call.name(), vec![error])
            }
            _ => Failure::BadRequest(message),
        }
    }

    /// Plans, commits and answers; where the commit meets a world that has moved, plans again.
    pub(crate) async fn carry_out(&self, call: &Call, plan: impl Fn() -> Result<Proposal, Failure>) -> Result<Response, Failure> {
        for n_try in 1.. {
            let proposal = plan()?;
            if let Some(object) = proposal.unchanged {
                return self.answer(call, proposal.code, &object, &proposal.warnings);
            }
            if call.query.dry_run {
                return self.answer_value(call, proposal.code, proposal.object, &proposal.warnings);
            }
            match self.commit(Batch { reads: proposal.reads, ops: proposal.ops }).await {
                Ok(done) => match done.outcomes.first() {
                    Some(Outcome::Deleted(object)) if call.method == http::Method::DELETE => {
                        return self.answer_deleted(call, object);
                    }
                    Some(outcome) => return self.answer(call, proposal.code, outcome.object(), &proposal.warnings),
                    None => return Err(Failure::Internal("a proposal without an operation".to_owned())),
                },
                Err(
                    StoreError::Changed { .. }
                    | StoreError::Conflict { .. }
                    | StoreError::Exists { .. }
                    | StoreError::NotFound { .. }
                    | StoreError::Taken { .. },
                ) if n_try < N_TRIES_MAX => {}
                Err(err) => return Err(Failure::of_store(err, &call.kind)),
            }
        }
        unreachable!("the last try returns")
    }

    /// The object a body holds, brought to the form it is stored in: type and place checked against the address.
    pub(crate) fn posted(&self, call: &Call, mut object: Value) -> Result<Value, Failure> {
        let kind = &call.kind;
        let map = object.as_object_mut().ok_or_else(|| Failure::BadRequest("the body is no object".to_owned()))?;
        for (field, expected) in [("apiVersion", kind.api_version()), ("kind", kind.kind.clone())] {
            match map.get(field).and_then(Value::as_str) {
                None | Some("") => drop(map.insert(field.to_owned(), expected.into())),
                Some(found) if found == expected => {}
                Some(found) => {
                    let message = format!("the {field} in the data ({found}) does not match the expected {field} ({expected})");
                    return Err(Failure::BadRequest(message));
                }
            }
        }
        if !map.get("metadata").is_none_or(|metadata| metadata.is_object() || metadata.is_null()) {
            return Err(Failure::BadRequest("metadata is no map".to_owned()));
        }
        let metadata = metadata(&mut object);
        let namespace = metadata.get("namespace").and_then(Value::as_str).unwrap_or_default();
        if !namespace.is_empty() && namespace != call.namespace {
            let message = "the namespace of the provided object does not match the namespace sent on the request";
            return Err(Failure::BadRequest(message.to_owned()));
        }
        set(metadata, "namespace", (!call.namespace.is_empty()).then(|| call.namespace.as_str().into()));
        set(metadata, "selfLink", None);
        if let Some(name) = &call.name {
            match metadata.get("name").and_then(Value::as_str) {
                None | Some("") => drop(metadata.insert("name".to_owned(), name.as_str().into())),
                Some(found) if found == name => {}
                Some(found) => {
                    let message = format!("the name of the object ({found}) does not match the name on the URL ({name})");
                    return Err(Failure::BadRequest(message));
                }
            }
        }
        Ok(if kind.mode == Mode::EventView { events::to_stored(object) } else { object })
    }

    pub(crate) fn live(&self, call: &Call) -> Result<Arc<Object>, Failure> {
        self.store.get(&call.key(call.name())).ok_or_else(|| Failure::NotFound(About::new(&call.kind, call.name())))
    }

    pub(crate) fn value(&self, object: &Object) -> Result<Value, Failure> {
        object.value().map_err(|err| Failure::Internal(format!("{} cannot be read: {err}", object.key)))
    }

    fn plan_create(&self, call: &Call, mut object: Value, tracked: bool) -> Result<Proposal, Failure> {
        let (kind, now) = (&call.kind, self.clock.now());
        if kind.namespaced && call.namespace.is_empty() {
            return Err(Failure::Method);
        }
        if !text(&object, "/metadata/resourceVersion").is_empty() {
            return Err(Failure::BadRequest("resourceVersion should not be set on objects to be created".to_owned()));
        }
        let generated = text(&object, "/metadata/generateName").to_owned();
        let mut name = text(&object, "/metadata/name").to_owned();
        let is_generated = name.is_empty() && !generated.is_empty();
        if is_generated {
            name = self.generated_name(&generated);
        }
        let asked = name.clone();
        let reading = Reading::new(self);
        let metadata = metadata(&mut object);
        metadata.insert("name".into(), name.as_str().into());
        metadata.insert("uid".into(), self.random.uuid().into());
        metadata.insert("creationTimestamp".into(), instant(now).into());
        set(metadata, "generation", (!kind.builtin).then(|| 1.into()));
        for given_by_us in ["resourceVersion", "deletionTimestamp", "deletionGracePeriodSeconds"] {
            metadata.shift_remove(given_by_us);
        }
        if kind.has_status
            && let Some(map) = object.as_object_mut()
        {
            map.shift_remove("status");
        }
        if kind.namespaced {
            self.check_namespace(call, &reading, &name)?;
        }
        let mut warnings = Vec::new();
        builtin::normalise(kind, &mut object);
        self.conform(call, None, &mut object, &mut warnings)?;
        let admitted = self.admit(call, Operation::Create, &name, object, None, &reading)?;
        warnings.extend(admitted.warnings);
        let mut object = admitted.object;
        // Admission names freight and promotions.
        let name = text(&object, "/metadata/name").to_owned();
        self.check(call, None, &mut object)?;
        let key = call.key(&name);
        // A generated name that is taken is drawn anew.
        if self.store.get(&key).is_some() && !(is_generated && name == asked) {
            return Err(Failure::Exists(About::new(kind, &name)));
        }
        if !tracked {
            self.track(call, None, &mut object);
        }
        self.sign(call, None, &mut object);
        let mut ops = vec![Op::Put { key, document: self.document(&object)?, expect: Expect::Absent, unique: admitted.unique }];
        let also = admitted.also.into_iter().chain(self.told(call, None, Some(&object), &reading)).collect();
        ops.extend(self.companions(also, &reading)?);
        let reads = reading.into_reads();
        Ok(Proposal { reads, ops, object, unchanged: None, warnings, code: StatusCode::CREATED })
    }

    /// A name of the client's choice: its beginning and five letters.
    fn generated_name(&self, base: &str) -> String {
        let mut number = self.random.next_u64();
        let mut name: String = base.chars().take(58).collect();
        for _ in 0..5 {
            let n_letters = SUFFIX.len() as u64;
            name.push(char::from(SUFFIX[usize::try_from(number % n_letters).unwrap_or(0)]));
            number /= n_letters;
        }
        name
    }

    /// A new object needs its namespace to be there and not on its way out; both stay true until the commit.
    fn check_namespace(&self, call: &Call, reading: &Reading<'_>, name: &str) -> Result<(), Failure> {
        let namespace = reading.object(Key::new("namespaces", "", &call.namespace)).ok_or_else(|| {
            let namespaces = self.kinds.at("", "v1", "namespaces").unwrap_or(&call.kind);
            Failure::NotFound(About::new(namespaces, &call.namespace))
        })?;
        if namespace.meta.deletion_timestamp.is_none() {
            return Ok(());
        }
        let namespace = &call.namespace;
        let message = format!("unable to create new content in namespace {namespace} because it is being terminated");
        let cause = Cause {
            reason: "NamespaceTerminating".to_owned(),
            message: format!("namespace {namespace} is being terminated"),
            field: "metadata.namespace".to_owned(),
        };
        Err(Failure::Forbidden { about: Some(About::new(&call.kind, name)), message, causes: vec![cause] })
    }

    fn plan_apply(&self, call: &Call, mut applied: Value) -> Result<Proposal, Failure> {
        if call.query.field_manager.is_empty() {
            return Err(Failure::BadRequest("fieldManager is required for apply patch".to_owned()));
        }
        if applied.pointer("/metadata/managedFields").and_then(Value::as_array).is_some_and(|fields| !fields.is_empty()) {
            return Err(Failure::BadRequest("metadata.managedFields must be nil".to_owned()));
        }
        builtin::normalise_applied(&call.kind, &mut applied);
        let live = self.store.get(&call.key(call.name()));
        let old = live.as_deref().map(|live| self.value(live)).transpose()?;
        if live.is_none() && call.subresource.is_some() {
            return Err(Failure::NotFound(About::new(&call.kind, call.name())));
        }
        let mut warnings = Vec::new();
        self.check_fields(call, old.as_ref(), &applied, &mut warnings)?;
        let new = ssa::apply(old.as_ref(), &applied, call.query.force, self.writer(call)).map_err(|conflicts| {
            let message = conflicts.to_string();
            let cause = |cause: ssa::Cause| Cause {
                reason: "FieldManagerConflict".to_owned(),
                message: cause.message,
                field: cause.field,
            };
            Failure::Applied {
                about: About::new(&call.kind, call.name()),
                message,
                causes: conflicts.causes.into_iter().map(cause).collect(),
            }
        })?;
        match (live, old) {
            (Some(live), Some(old)) => {
                let mut new = new;
                if text(&applied, "/metadata/resourceVersion").is_empty() {
                    metadata(&mut new).insert("resourceVersion".into(), live.revision.to_string().into());
                }
                self.plan_update(call, &live, &old, new, true)
            }
            _ => {
                self.authorize_create(call)?;
                self.plan_create(call, new, true)
            }
        }
    }

    /// A change of what stands; the batch expects it to stand still until the commit.
    pub(crate) fn plan_update(
        &self,
        call: &Call,
        live: &Arc<Object>,
        old: &Value,
        new: Value,
        tracked: bool,
    ) -> Result<Proposal, Failure> {
        let (kind, name) = (&call.kind, call.name());
        let version = text(&new, "/metadata/resourceVersion");
        let uid = text(&new, "/metadata/uid");
        if !version.is_empty() && version != live.revision.to_string() {
            return Err(Failure::conflict(kind, name));
        }
        if !uid.is_empty() && uid != live.meta.uid {
            let message = format!("Precondition failed: UID in precondition: {uid}, UID in object meta: {}", live.meta.uid);
            return Err(Failure::Conflict { about: About::new(kind, name), message });
        }
        let mut new = self.scoped(call, old, new);
        builtin::normalise(kind, &mut new);
        let mut errors = builtin::check_change(kind, old, &new);
        errors.extend(new_finalizers(old, &new));
        if !errors.is_empty() {
            return Err(Failure::invalid(kind, name, errors));
        }
        let mut warnings = Vec::new();
        self.conform(call, Some(old), &mut new, &mut warnings)?;
        let reading = Reading::new(self);
        let admitted = self.admit(call, Operation::Update, name, new, Some(old), &reading)?;
        warnings.extend(admitted.warnings);
        let mut new = admitted.object;
        self.check(call, Some(old), &mut new)?;
        if !kind.builtin && !call.is_status() && is_new_generation(old, &new) {
            let generation = old.pointer("/metadata/generation").and_then(Value::as_i64).unwrap_or(0) + 1;
            metadata(&mut new).insert("generation".into(), generation.into());
        }
        if !tracked {
            self.track(call, Some(old), &mut new);
        }
        self.sign(call, Some(old), &mut new);
        let code = StatusCode::OK;
        let same = *live.unique == *admitted.unique && is_same(old, &new) && !is_finished(&new);
        let told = if same { None } else { self.told(call, Some(old), Some(&new), &reading) };
        let companions = self.companions(admitted.also.into_iter().chain(told).collect(), &reading)?;
        let reads = reading.into_reads();
        if same && companions.is_empty() {
            let unchanged = Some(live.clone());
            return Ok(Proposal { reads, ops: Vec::new(), object: new, unchanged, warnings, code });
        }
        let (key, document, expect) = (live.key.clone(), self.document(&new)?, Expect::Revision(live.revision));
        let mut ops = vec![match is_finished(&new) {
            true => Op::Delete { key, expect, last: Some(document) },
            false => Op::Put { key, document, expect, unique: admitted.unique },
        }];
        ops.extend(companions);
        metadata(&mut new).insert("resourceVersion".into(), live.revision.to_string().into());
        Ok(Proposal { reads, ops, object: new, unchanged: None, warnings, code })
    }

    /// Keeps from `old` whatever this request may not write.
    fn scoped(&self, call: &Call, old: &Value, mut new: Value) -> Value {
        let fields = new.pointer("/metadata/managedFields").cloned();
        match call.subresource.as_deref() {
            Some("status") => {
                let status = new.get("status").cloned();
                new = old.clone();
                set(new.as_object_mut().unwrap_or(&mut serde_json::Map::new()), "status", status);
                set(metadata(&mut new), "managedFields", fields);
            }
            Some("finalize") => {
                let finalizers = new.pointer("/spec/finalizers").cloned().unwrap_or_else(|| json!([]));
                new = old.clone();
                new["spec"]["finalizers"] = finalizers;
            }
            _ => {
                if call.kind.has_status
                    && let Some(map) = new.as_object_mut()
                {
                    set(map, "status", old.get("status").cloned());
                }
            }
        }
        let before = old["metadata"].clone();
        let metadata = metadata(&mut new);
        for fixed in
            ["name", "namespace", "uid", "creationTimestamp", "generation", "deletionTimestamp", "deletionGracePeriodSeconds"]
        {
            set(metadata, fixed, before.get(fixed).cloned());
        }
        new
    }

    /// An object as an answer, in the form that was asked for.
    pub(crate) fn answer(
        &self,
        call: &Call,
        code: StatusCode,
        object: &Object,
        warnings: &[String],
    ) -> Result<Response, Failure> {
        if call.form == Form::Whole && call.kind.mode != Mode::EventView {
            return Ok(crate::read::json_response(code, object.bytes.clone(), warnings));
        }
        self.answer_value(call, code, self.value(object)?, warnings)
    }

    pub(crate) fn answer_value(
        &self,
        call: &Call,
        code: StatusCode,
        object: Value,
        warnings: &[String],
    ) -> Result<Response, Failure> {
        let shown = self.shown(call, object);
        Ok(crate::read::json_response(code, shown.to_string().into(), warnings))
    }
}

/// No new finalizers on what is being deleted.
fn new_finalizers(old: &Value, new: &Value) -> Option<FieldError> {
    if !is_deleting(old) {
        return None;
    }
    let before = texts(old, "/metadata/finalizers");
    let added: Vec<String> = texts(new, "/metadata/finalizers").into_iter().filter(|name| !before.contains(name)).collect();
    let rule = format!("no new finalizers can be added if the object is being deleted, found new finalizers {added:?}");
    (!added.is_empty()).then(|| FieldError::forbidden("metadata.finalizers", rule))
}

/// Being deleted with nothing left to wait for.
pub(crate) fn is_finished(object: &Value) -> bool {
    is_deleting(object) && texts(object, "/metadata/finalizers").is_empty() && texts(object, "/spec/finalizers").is_empty()
}
