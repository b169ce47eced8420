//! A request, read: who asks, which kind and object, with which options and in which form the answer goes back.

use crate::failure::Failure;
use crate::identity::Identity;
use crate::kind::{Kind, Kinds};
use crate::table::Include;
use axum::extract::Query as AxumQuery;
use bytes::Bytes;
use http::{HeaderMap, Method, Uri, header};
use seaway_core::authorize::Denied;
use seaway_store::Key;
use serde_json::Value;
use std::sync::Arc;

/// The largest body that is read: an object may be 1 MiB.
pub(crate) const BODY_BYTES_MAX: usize = 1 << 20;

/// The query's parameters, by their Kubernetes names.
#[derive(Debug, Default, Clone)]
pub(crate) struct Query {
    pub(crate) label_selector: String,
    pub(crate) field_selector: String,
    pub(crate) limit: usize,
    pub(crate) continue_token: String,
    pub(crate) resource_version: String,
    pub(crate) resource_version_match: String,
    pub(crate) watch: bool,
    pub(crate) timeout_seconds: Option<u64>,
    pub(crate) bookmarks: bool,
    pub(crate) send_initial_events: bool,
    pub(crate) dry_run: bool,
    pub(crate) field_manager: String,
    pub(crate) field_validation: String,
    pub(crate) force: bool,
    pub(crate) propagation_policy: String,
    pub(crate) include_object: Include,
}

impl Query {
    pub(crate) fn read(uri: &Uri) -> Result<Self, Failure> {
        let AxumQuery(pairs) = AxumQuery::<Vec<(String, String)>>::try_from_uri(uri)
            .map_err(|err| Failure::BadRequest(format!("read the query: {err}")))?;
        let mut query = Self::default();
        for (name, value) in pairs {
            let yes = matches!(value.as_str(), "true" | "1" | "True" | "");
            match name.as_str() {
                "labelSelector" => query.label_selector = value,
                "fieldSelector" => query.field_selector = value,
                "limit" => query.limit = number(&name, &value)?,
                "continue" => query.continue_token = value,
                "resourceVersion" => query.resource_version = value,
                "resourceVersionMatch" => query.resource_version_match = value,
                "watch" => query.watch = yes,
                "timeoutSeconds" => query.timeout_seconds = Some(number(&name, &value)?),
                "allowWatchBookmarks" => query.bookmarks = yes,
                "sendInitialEvents" => query.send_initial_events = yes,
                "dryRun" if value == "All" => query.dry_run = true,
                "dryRun" => return Err(Failure::BadRequest(format!("dryRun: `{value}` is not supported; use `All`"))),
                "fieldManager" => query.field_manager = value,
                "fieldValidation" if !matches!(value.as_str(), "" | "Strict" | "Warn" | "Ignore") => {
                    return Err(Failure::BadRequest(format!("fieldValidation: `{value}` is none of Strict, Warn, Ignore")));
                }
                "fieldValidation" => query.field_validation = value,
                "force" => query.force = yes,
                "propagationPolicy" => query.propagation_policy = value,
                "includeObject" => {
                    let bad = || Failure::BadRequest(format!("includeObject: `{value}` is none of None, Metadata, Object"));
                    query.include_object = Include::parse(Some(&value)).ok_or_else(bad)?;
                }
                "orphanDependents" if yes => query.propagation_policy = "Orphan".to_owned(),
                _ => {}
            }
        }
        Ok(query)
    }
}

fn number<T: std::str::FromStr>(name: &str, value: &str) -> Result<T, Failure> {
    value.parse().map_err(|_| Failure::BadRequest(format!("{name}: `{value}` is not a number")))
}

/// In which form objects go back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Whole,
    Table,
    Metadata,
}

/// The first form of the `Accept` header that is served.
pub(crate) fn form(headers: &HeaderMap) -> Result<Form, Failure> {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or("*/*");
    for part in accept.split(',') {
        let mut params = part.split(';').map(str::trim);
        let media = params.next().unwrap_or_default();
        let as_ = params.find_map(|param| param.strip_prefix("as=")).unwrap_or_default();
        match (media, as_) {
            ("application/json" | "*/*" | "application/*" | "application/yaml" | "", "") => return Ok(Form::Whole),
            ("application/json", "Table") if part.contains("v=v1") && !part.contains("v=v1beta1") => return Ok(Form::Table),
            ("application/json", "PartialObjectMetadata" | "PartialObjectMetadataList") => return Ok(Form::Metadata),
            _ => {}
        }
    }
    Err(Failure::NotAcceptable(format!("only application/json is served, not `{accept}`")))
}

/// A request for an object or a collection of a kind.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) identity: Identity,
    /// What stands against it unless its content needs another right instead.
    pub(crate) denied: Option<Denied>,
    pub(crate) method: Method,
    pub(crate) kind: Arc<Kind>,
    pub(crate) api_version: String,
    /// Empty for cluster scope, and for a collection over all namespaces.
    pub(crate) namespace: String,
    pub(crate) name: Option<String>,
    pub(crate) subresource: Option<String>,
    pub(crate) query: Query,
    pub(crate) form: Form,
    pub(crate) content_type: String,
    pub(crate) user_agent: String,
    pub(crate) body: Bytes,
}

impl Call {
    /// The key of the object of that name.
    pub(crate) fn key(&self, name: &str) -> Key {
        Key { resource: self.kind.storage.clone(), namespace: self.namespace.as_str().into(), name: name.into() }
    }

    pub(crate) fn name(&self) -> &str {
        self.name.as_deref().unwrap_or_default()
    }

    /// Does it write the status alone?
    pub(crate) fn is_status(&self) -> bool {
        self.subresource.as_deref() == Some("status")
    }

    /// Who writes the fields: the parameter, else the first word of the user agent.
    pub(crate) fn manager(&self) -> &str {
        match self.query.field_manager.as_str() {
            "" => {
                Some(self.user_agent.split('/').next().unwrap_or_default()).filter(|name| !name.is_empty()).unwrap_or("unknown")
            }
            manager => manager,
        }
    }

    /// The body as JSON, whatever it came as; `kind` is what it should hold.
    pub(crate) fn body_as(&self, kind: &str) -> Result<Value, Failure> {
        match self.content_type.as_str() {
            "application/vnd.kubernetes.protobuf" => crate::proto::decode(&self.body, kind).map_err(|err| match err {
                crate::proto::ProtoError::Kind { .. } => Failure::MediaType(seaway_base::chain(&err)),
                err => Failure::BadRequest(seaway_base::chain(&err)),
            }),
            "application/yaml" => parse_yaml(&self.body),
            "application/json" | "" => parse_json(&self.body),
            // A form or plain text is what a foreign web page can make a browser send.
            other => Err(Failure::MediaType(format!("a body of type `{other}` is not read: send application/json"))),
        }
    }
}

pub(crate) fn parse_json(body: &[u8]) -> Result<Value, Failure> {
    serde_json::from_slice(body).map_err(|err| Failure::BadRequest(format!("read the body as JSON: {err}")))
}

/// YAML; JSON is tried first, since most clients send that under YAML's name.
pub(crate) fn parse_yaml(body: &[u8]) -> Result<Value, Failure> {
    if let Ok(value) = serde_json::from_slice(body) {
        return Ok(value);
    }
    let text = std::str::from_utf8(body).map_err(|_| Failure::BadRequest("the body is not UTF-8".to_owned()))?;
    serde_saphyr::from_str(text).map_err(|err| Failure::BadRequest(format!("read the body as YAML: {err}")))
}

/// Where a path leads.
#[derive(Debug)]
pub(crate) enum Place {
    Resource { kind: Arc<Kind>, namespace: String, name: Option<String>, subresource: Option<String> },
    Other(Vec<String>),
}

/// Reads a path: a resource of a served kind, or something else for the caller to know.
pub(crate) fn place(path: &str, kinds: &Kinds) -> Result<Place, Failure> {
    let parts: Vec<String> = path.split('/').filter(|part| !part.is_empty()).map(decode).collect::<Result<_, _>>()?;
    let texts: Vec<&str> = parts.iter().map(String::as_str).collect();
    let (group, version, rest) = match texts.as_slice() {
        ["api", "v1", rest @ ..] if !rest.is_empty() => ("", "v1", rest),
        ["apis", group, version, rest @ ..] if !rest.is_empty() => (*group, *version, rest),
        _ => return Ok(Place::Other(parts)),
    };
    let (namespace, rest) = match rest {
        ["namespaces", _, "status" | "finalize"] if group.is_empty() => ("", rest),
        ["namespaces", namespace, inner @ ..] if !inner.is_empty() => (*namespace, inner),
        _ => ("", rest),
    };
    let kind = kinds.at(group, version, rest[0]).ok_or(Failure::NoResource)?;
    let (name, subresource) = match rest[1..] {
        [] => (None, None),
        [name] => (Some(name), None),
        [name, subresource] => (Some(name), Some(subresource)),
        _ => return Err(Failure::NoResource),
    };
    let known = match subresource {
        None => true,
        Some("status") => kind.has_status,
        Some("finalize") => &*kind.storage == "namespaces",
        Some("token") => &*kind.storage == "serviceaccounts",
        Some(_) => false,
    };
    let placed = if kind.namespaced { !namespace.is_empty() || name.is_none() } else { namespace.is_empty() };
    if !known || !placed {
        return Err(Failure::NoResource);
    }
    let owned = |text: Option<&str>| text.map(str::to_owned);
    Ok(Place::Resource {
        kind: kind.clone(),
        namespace: namespace.to_owned(),
        name: owned(name),
        subresource: owned(subresource),
    })
}

/// Undoes percent-encoding of one part, which is one still.
fn decode(part: &str) -> Result<String, Failure> {
    let text = percent_decoded(part)?;
    let parted = text.contains(['/', '\0']) || text == "." || text == "..";
    if parted { Err(Failure::BadRequest(format!("`{part}` is badly encoded"))) } else { Ok(text) }
}

/// Undoes percent-encoding.
pub(crate) fn percent_decoded(part: &str) -> Result<String, Failure> {
    let bad = || Failure::BadRequest(format!("`{part}` is badly encoded"));
    let (mut out, mut bytes) = (Vec::with_capacity(part.len()), part.bytes());
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            out.push(byte);
            continue;
        }
        let mut digit = || bytes.next().and_then(|byte| char::from(byte).to_digit(16)).ok_or_else(bad);
        let (high, low) = (digit()?, digit()?);
        out.push(u8::try_from(high * 16 + low).map_err(|_| bad())?);
    }
    String::from_utf8(out).map_err(|_| bad())
}
