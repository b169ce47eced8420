//! Get and list: bytes from memory, paged and selected, in the form that was asked for.

use crate::failure::Failure;
use crate::kind::{Kind, Mode};
use crate::request::{Call, Form};
use crate::selectors::{Fields, Labels};
use crate::{ApiServer, events, table};
use axum::body::Body;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::{HeaderValue, StatusCode, header};
use seaway_store::Object;
use serde_json::{Value, json};
use std::sync::Arc;

/// What a list, watch or deletion of many is limited to.
#[derive(Debug, Clone)]
pub(crate) struct Selection {
    labels: Labels,
    fields: Fields,
    pub(crate) namespace: Option<String>,
    mode: Mode,
}

impl Selection {
    pub(crate) fn of(call: &Call) -> Result<Self, Failure> {
        let bad = |err: crate::selectors::SelectorError| Failure::BadRequest(err.to_string());
        let labels = Labels::parse(&call.query.label_selector).map_err(bad)?;
        let fields = Fields::parse(&call.query.field_selector).map_err(bad)?;
        fields.check(&call.kind.kind, &[]).map_err(bad)?;
        let namespace = (!call.namespace.is_empty()).then(|| call.namespace.clone());
        Ok(Self { labels, fields, namespace, mode: call.kind.mode })
    }

    pub(crate) fn is_everything(&self) -> bool {
        self.labels.is_empty() && self.fields.is_empty()
    }

    pub(crate) fn matches(&self, object: &Object) -> bool {
        if self.namespace.as_deref().is_some_and(|namespace| namespace != &*object.key.namespace) {
            return false;
        }
        if self.fields.exact("metadata.name").is_some_and(|name| name != &*object.key.name) {
            return false;
        }
        if !self.labels.matches_with(|name| object.meta.labels.get(name).map(String::as_str)) {
            return false;
        }
        self.fields.is_empty() || object.value().is_ok_and(|value| self.fields.matches(&value))
    }

    /// The one name it is limited to, else empty.
    pub(crate) fn name(&self) -> &str {
        self.fields.exact("metadata.name").unwrap_or_default()
    }

    /// Is the kind shown otherwise than it is stored?
    pub(crate) fn is_view(&self) -> bool {
        self.mode == Mode::EventView
    }
}

/// The place a page ended, as the client carries it back.
fn continue_token(revision: u64, last: &Object) -> String {
    URL_SAFE_NO_PAD.encode(json!([revision, *last.key.namespace, *last.key.name]).to_string())
}

fn read_token(token: &str) -> Result<(u64, String, String), Failure> {
    let bytes = URL_SAFE_NO_PAD.decode(token).ok();
    bytes
        .and_then(|bytes| serde_json::from_slice(&bytes).ok())
        .ok_or_else(|| Failure::BadRequest("continue: this token was not given by this server".to_owned()))
}

impl ApiServer {
    pub(crate) fn get(&self, call: &Call) -> Result<Response, Failure> {
        self.answer(call, StatusCode::OK, &*self.live(call)?, &[])
    }

    pub(crate) fn list(&self, call: &Call) -> Result<Response, Failure> {
        let selection = Selection::of(call)?;
        let (first, after) = match call.query.continue_token.as_str() {
            "" => (None, None),
            token => {
                let (revision, namespace, name) = read_token(token)?;
                (Some(revision), Some((namespace, name)))
            }
        };
        let limit = if call.query.limit == 0 { usize::MAX } else { call.query.limit };
        let after = after.as_ref().map(|(namespace, name)| (namespace.as_str(), name.as_str()));
        let namespace = selection.namespace.as_deref();
        let (page, more, n_remaining, revision) = if selection.is_everything() {
            let listed = self.store.list(&call.kind.storage, namespace, after, limit);
            (listed.objects, listed.n_remaining > 0, Some(listed.n_remaining), listed.revision)
        } else {
            let listed = self.store.list(&call.kind.storage, namespace, after, usize::MAX);
            let mut matching = listed.objects.into_iter().filter(|object| selection.matches(object));
            let page: Vec<_> = matching.by_ref().take(limit).collect();
            (page, matching.next().is_some(), None, listed.revision)
        };
        if call.query.resource_version_match == "Exact" && call.query.resource_version != revision.to_string() {
            return Err(Failure::Expired("the requested resourceVersion is no longer kept: list without it".to_owned()));
        }
        // Every page repeats the first one's revision: a watch from there replays what changed while paging.
        let revision = first.unwrap_or(revision);
        let mut metadata = json!({"resourceVersion": revision.to_string()});
        if let (true, Some(last)) = (more, page.last()) {
            metadata["continue"] = continue_token(revision, last).into();
            if let Some(n) = n_remaining {
                metadata["remainingItemCount"] = n.into();
            }
        }
        Ok(json_response(StatusCode::OK, self.list_bytes(call, &metadata, &page)?, &[]))
    }

    fn list_bytes(&self, call: &Call, metadata: &Value, page: &[Arc<Object>]) -> Result<Bytes, Failure> {
        let kind = &call.kind;
        let (list_kind, api_version) = match call.form {
            Form::Table => {
                let objects: Vec<Value> = page.iter().map(|object| self.value(object)).collect::<Result<_, _>>()?;
                return Ok(self.table(call, &objects, metadata).to_string().into());
            }
            Form::Metadata => ("PartialObjectMetadataList".to_owned(), "meta.k8s.io/v1".to_owned()),
            Form::Whole => (format!("{}List", kind.kind), kind.api_version()),
        };
        let size = page.iter().map(|object| object.bytes.len() + 1).sum::<usize>() + 256;
        let mut out = Vec::with_capacity(size);
        let head = json!({"kind": list_kind, "apiVersion": api_version, "metadata": metadata}).to_string();
        out.extend_from_slice(head.trim_end_matches('}').as_bytes());
        out.extend_from_slice(br#"},"items":["#);
        for (n, object) in page.iter().enumerate() {
            if n > 0 {
                out.push(b',');
            }
            if call.form == Form::Whole && kind.mode != Mode::EventView {
                out.extend_from_slice(&object.bytes);
            } else {
                out.extend_from_slice(self.shown(call, self.value(object)?).to_string().as_bytes());
            }
        }
        out.extend_from_slice(b"]}");
        Ok(out.into())
    }

    /// A stored object in the form that was asked for.
    pub(crate) fn shown(&self, call: &Call, object: Value) -> Value {
        match call.form {
            Form::Table => {
                let metadata = json!({"resourceVersion": object.pointer("/metadata/resourceVersion")});
                self.table(call, std::slice::from_ref(&object), &metadata)
            }
            Form::Metadata => {
                json!({"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": object["metadata"]})
            }
            Form::Whole if call.kind.mode == Mode::EventView => events::to_view(object),
            Form::Whole => object,
        }
    }

    fn table(&self, call: &Call, objects: &[Value], metadata: &Value) -> Value {
        let options = table::Options { include: call.query.include_object, headers: true, metadata, now: self.clock.now() };
        table::render(&call.kind, objects, options)
    }
}

/// The answer to a deletion that is complete.
pub(crate) fn success(kind: &Kind, object: &Object) -> Value {
    json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success",
        "details": {"name": *object.key.name, "group": kind.group, "kind": kind.plural, "uid": object.meta.uid}})
}

/// A JSON answer, with warnings as kubectl prints them.
pub(crate) fn json_response(code: StatusCode, body: Bytes, warnings: &[String]) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = code;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    for warning in warnings.iter().take(16) {
        let text = warning.replace('\\', "\\\\").replace('"', "\\\"").replace(['\r', '\n'], " ");
        if let Ok(value) = HeaderValue::from_str(&format!("299 - \"{text}\"")) {
            headers.append(header::WARNING, value);
        }
    }
    response
}
