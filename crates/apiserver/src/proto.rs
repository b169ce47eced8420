//! Protobuf request bodies: kubectl sends built-in objects this way; they become the JSON that everything here works on.
//!
//! The envelope is four bytes, `k8s` and a zero, then `runtime.Unknown`. Field numbers are those of Kubernetes' published
//! `generated.proto` files; fields that are not named here are left out of the JSON. Answers are always JSON.

mod messages;
mod rbac;

use prost::Message;
use serde_json::{Map, Value, json};

use messages as m;

const MAGIC: &[u8] = b"k8s\0";
/// The content type of such bodies.
pub const CONTENT_TYPE: &str = "application/vnd.kubernetes.protobuf";

/// Why a body cannot be decoded.
#[derive(Debug, thiserror::Error)]
pub enum ProtoError {
    /// It does not begin as Kubernetes' protobuf does (400).
    #[error("the body lacks the envelope of Kubernetes' protobuf: send JSON")]
    Envelope,
    /// It is broken (400).
    #[error("decode the protobuf of {what}")]
    Decode {
        /// The envelope, or the kind within.
        what: String,
        /// Where it breaks.
        #[source]
        source: prost::DecodeError,
    },
    /// A kind that is only taken as JSON (415).
    #[error("protobuf of {api_version} {kind} is not read here: send JSON")]
    Kind {
        /// Its version.
        api_version: String,
        /// Its name.
        kind: String,
    },
}

/// Decodes a body into the object's JSON, with `apiVersion` and `kind`; `expected` is the kind when the envelope names none.
pub fn decode(body: &[u8], expected: &str) -> Result<Value, ProtoError> {
    let unknown = body.strip_prefix(MAGIC).ok_or(ProtoError::Envelope)?;
    let unknown: m::Unknown = message("the envelope", unknown)?;
    let m::TypeMeta { api_version, kind } = unknown.type_meta.unwrap_or_default();
    let (api_version, kind) = if kind.is_empty() { ("v1".to_owned(), expected.to_owned()) } else { (api_version, kind) };
    let raw = unknown.raw.as_slice();
    let fields = match (api_version.as_str(), kind.as_str()) {
        ("v1", "Namespace") => namespace(message(&kind, raw)?),
        ("v1", "Secret") => secret(message(&kind, raw)?),
        ("v1", "ConfigMap") => config_map(message(&kind, raw)?),
        ("v1", "ServiceAccount") => service_account(message(&kind, raw)?),
        (_, "DeleteOptions") => delete_options(message(&kind, raw)?),
        ("authentication.k8s.io/v1", "TokenRequest") => token_request(message(&kind, raw)?),
        ("authentication.k8s.io/v1", "SelfSubjectReview") => json!({}),
        ("authentication.k8s.io/v1", "TokenReview") => token_review(message(&kind, raw)?),
        ("rbac.authorization.k8s.io/v1", "Role") => rbac::role(message(&kind, raw)?),
        ("rbac.authorization.k8s.io/v1", "ClusterRole") => rbac::cluster_role(message(&kind, raw)?),
        ("rbac.authorization.k8s.io/v1", "RoleBinding" | "ClusterRoleBinding") => rbac::binding(message(&kind, raw)?),
        ("authorization.k8s.io/v1", "SelfSubjectAccessReview" | "SubjectAccessReview" | "LocalSubjectAccessReview") => {
            access_review(&kind, raw)?
        }
        ("authorization.k8s.io/v1", "SelfSubjectRulesReview") => {
            let review: m::RulesReview = message(&kind, raw)?;
            json!({"spec": {"namespace": review.spec.unwrap_or_default().namespace}})
        }
        _ => return Err(ProtoError::Kind { api_version, kind }),
    };
    let mut object = Map::new();
    object.insert("apiVersion".to_owned(), api_version.into());
    object.insert("kind".to_owned(), kind.into());
    if let Value::Object(fields) = fields {
        object.extend(fields);
    }
    Ok(Value::Object(object))
}

fn message<M: Message + Default>(what: &str, bytes: &[u8]) -> Result<M, ProtoError> {
    M::decode(bytes).map_err(|source| ProtoError::Decode { what: what.to_owned(), source })
}

/// Collects the fields that are there, as JSON with `omitempty` does.
#[derive(Default)]
struct Fields(Map<String, Value>);

impl Fields {
    fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        let value = value.into();
        let is_empty = match &value {
            Value::Null => true,
            Value::String(text) => text.is_empty(),
            Value::Array(items) => items.is_empty(),
            Value::Object(fields) => fields.is_empty(),
            _ => false,
        };
        if !is_empty {
            self.0.insert(name.to_owned(), value);
        }
        self
    }

    fn done(self) -> Value {
        Value::Object(self.0)
    }
}

fn texts(map: std::collections::BTreeMap<String, String>) -> Value {
    map.into_iter().map(|(key, value)| (key, Value::from(value))).collect::<Map<_, _>>().into()
}

fn bytes(map: std::collections::BTreeMap<String, Vec<u8>>) -> Value {
    use base64::Engine as _;
    map.into_iter()
        .map(|(key, value)| (key, Value::from(base64::engine::general_purpose::STANDARD.encode(value))))
        .collect::<Map<_, _>>()
        .into()
}

fn time(time: Option<m::Time>) -> Value {
    let time = time.filter(|time| time.seconds != 0).and_then(|time| jiff::Timestamp::from_second(time.seconds).ok());
    time.map_or(Value::Null, |time| time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string().into())
}

fn metadata(meta: Option<m::ObjectMeta>) -> Value {
    let meta = meta.unwrap_or_default();
    let owner = |owner: m::OwnerReference| {
        Fields::default()
            .with("apiVersion", owner.api_version)
            .with("kind", owner.kind)
            .with("name", owner.name)
            .with("uid", owner.uid)
            .with("controller", owner.controller)
            .with("blockOwnerDeletion", owner.block_owner_deletion)
            .done()
    };
    let managed = |entry: m::ManagedFieldsEntry| {
        let fields = entry.fields_v1.and_then(|fields| serde_json::from_slice::<Value>(&fields.raw).ok()).unwrap_or_default();
        Fields::default()
            .with("manager", entry.manager)
            .with("operation", entry.operation)
            .with("apiVersion", entry.api_version)
            .with("time", time(entry.time))
            .with("fieldsType", entry.fields_type)
            .with("fieldsV1", fields)
            .with("subresource", entry.subresource)
            .done()
    };
    Fields::default()
        .with("name", meta.name)
        .with("generateName", meta.generate_name)
        .with("namespace", meta.namespace)
        .with("uid", meta.uid)
        .with("resourceVersion", meta.resource_version)
        .with("generation", Some(meta.generation).filter(|generation| *generation != 0))
        .with("creationTimestamp", time(meta.creation_timestamp))
        .with("deletionTimestamp", time(meta.deletion_timestamp))
        .with("labels", texts(meta.labels))
        .with("annotations", texts(meta.annotations))
        .with("ownerReferences", meta.owner_references.into_iter().map(owner).collect::<Vec<_>>())
        .with("finalizers", meta.finalizers)
        .with("managedFields", meta.managed_fields.into_iter().map(managed).collect::<Vec<_>>())
        .done()
}

fn namespace(message: m::Namespace) -> Value {
    let spec = Fields::default().with("finalizers", message.spec.unwrap_or_default().finalizers).done();
    let status = Fields::default().with("phase", message.status.unwrap_or_default().phase).done();
    Fields::default().with("metadata", metadata(message.metadata)).with("spec", spec).with("status", status).done()
}

fn secret(message: m::Secret) -> Value {
    Fields::default()
        .with("metadata", metadata(message.metadata))
        .with("data", bytes(message.data))
        .with("stringData", texts(message.string_data))
        .with("type", message.kind)
        .with("immutable", message.immutable)
        .done()
}

fn config_map(message: m::ConfigMap) -> Value {
    Fields::default()
        .with("metadata", metadata(message.metadata))
        .with("data", texts(message.data))
        .with("binaryData", bytes(message.binary_data))
        .with("immutable", message.immutable)
        .done()
}

fn service_account(message: m::ServiceAccount) -> Value {
    let name = |reference: m::LocalObjectReference| json!({"name": reference.name});
    let object = |reference: m::ObjectReference| {
        Fields::default().with("kind", reference.kind).with("namespace", reference.namespace).with("name", reference.name).done()
    };
    Fields::default()
        .with("metadata", metadata(message.metadata))
        .with("secrets", message.secrets.into_iter().map(object).collect::<Vec<_>>())
        .with("imagePullSecrets", message.image_pull_secrets.into_iter().map(name).collect::<Vec<_>>())
        .with("automountServiceAccountToken", message.automount_token)
        .done()
}

fn delete_options(message: m::DeleteOptions) -> Value {
    let preconditions = message.preconditions.unwrap_or_default();
    let preconditions =
        Fields::default().with("uid", preconditions.uid).with("resourceVersion", preconditions.resource_version).done();
    Fields::default()
        .with("gracePeriodSeconds", message.grace_period_seconds)
        .with("preconditions", preconditions)
        .with("orphanDependents", message.orphan_dependents)
        .with("propagationPolicy", message.propagation_policy)
        .with("dryRun", message.dry_run)
        .done()
}

fn token_request(message: m::TokenRequest) -> Value {
    let spec = message.spec.unwrap_or_default();
    let bound = spec.bound_object_ref.unwrap_or_default();
    let bound = Fields::default()
        .with("kind", bound.kind)
        .with("apiVersion", bound.api_version)
        .with("name", bound.name)
        .with("uid", bound.uid)
        .done();
    let spec = Fields::default()
        .with("audiences", spec.audiences)
        .with("expirationSeconds", spec.expiration_seconds)
        .with("boundObjectRef", bound)
        .done();
    Fields::default().with("metadata", metadata(message.metadata)).with("spec", spec).done()
}

fn token_review(message: m::TokenReview) -> Value {
    let spec = message.spec.unwrap_or_default();
    let spec = Fields::default().with("token", spec.token).with("audiences", spec.audiences).done();
    Fields::default().with("metadata", metadata(message.metadata)).with("spec", spec).done()
}

fn access_review(kind: &str, raw: &[u8]) -> Result<Value, ProtoError> {
    let (meta, resource, path, who) = if kind == "SelfSubjectAccessReview" {
        let review: m::SelfAccessReview = message(kind, raw)?;
        let spec = review.spec.unwrap_or_default();
        (review.metadata, spec.resource, spec.path, Fields::default())
    } else {
        let review: m::AccessReview = message(kind, raw)?;
        let spec = review.spec.unwrap_or_default();
        (
            review.metadata,
            spec.resource,
            spec.path,
            Fields::default().with("user", spec.user).with("groups", spec.groups).with("uid", spec.uid),
        )
    };
    let resource = resource.map_or(Value::Null, |of| {
        Fields::default()
            .with("namespace", of.namespace)
            .with("verb", of.verb)
            .with("group", of.group)
            .with("version", of.version)
            .with("resource", of.resource)
            .with("subresource", of.subresource)
            .with("name", of.name)
            .done()
    });
    let path = path.map_or(Value::Null, |of| Fields::default().with("path", of.path).with("verb", of.verb).done());
    let spec = who.with("resourceAttributes", resource).with("nonResourceAttributes", path).done();
    Ok(Fields::default().with("metadata", metadata(meta)).with("spec", spec).done())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn check(api_version: &str, kind: &str, message: &impl Message, expected: Value) {
        let type_meta = m::TypeMeta { api_version: api_version.to_owned(), kind: kind.to_owned() };
        let unknown = m::Unknown { type_meta: Some(type_meta), raw: message.encode_to_vec(), ..m::Unknown::default() };
        let mut body = MAGIC.to_vec();
        body.extend(unknown.encode_to_vec());
        assert_eq!(decode(&body, "").expect("decodes"), expected);
    }

    fn named(name: &str) -> Option<m::ObjectMeta> {
        Some(m::ObjectMeta {
            name: name.to_owned(),
            labels: BTreeMap::from([("a".to_owned(), "b".to_owned())]),
            ..m::ObjectMeta::default()
        })
    }

    #[test]
    fn objects_become_json() {
        check(
            "v1",
            "Namespace",
            &m::Namespace { metadata: named("n"), ..m::Namespace::default() },
            json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "n", "labels": {"a": "b"}}}),
        );
        let secret = m::Secret {
            metadata: named("s"),
            data: BTreeMap::from([("k".to_owned(), b"v".to_vec())]),
            kind: "Opaque".to_owned(),
            ..m::Secret::default()
        };
        check(
            "v1",
            "Secret",
            &secret,
            json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "labels": {"a": "b"}}, "data": {"k": "dg=="}, "type": "Opaque"}),
        );
        let config = m::ConfigMap {
            metadata: named("c"),
            data: BTreeMap::from([("k".to_owned(), "v".to_owned())]),
            immutable: Some(true),
            ..m::ConfigMap::default()
        };
        check(
            "v1",
            "ConfigMap",
            &config,
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", "labels": {"a": "b"}}, "data": {"k": "v"}, "immutable": true}),
        );
    }

    #[test]
    fn options_and_reviews_become_json() {
        let options = m::DeleteOptions {
            propagation_policy: Some("Foreground".to_owned()),
            dry_run: vec!["All".to_owned()],
            grace_period_seconds: Some(0),
            ..m::DeleteOptions::default()
        };
        check(
            "v1",
            "DeleteOptions",
            &options,
            json!({"apiVersion": "v1", "kind": "DeleteOptions", "gracePeriodSeconds": 0, "propagationPolicy": "Foreground", "dryRun": ["All"]}),
        );
        let resource =
            m::ResourceAttributes { verb: "get".to_owned(), resource: "stages".to_owned(), ..m::ResourceAttributes::default() };
        let review =
            m::SelfAccessReview { metadata: None, spec: Some(m::SelfAccessReviewSpec { resource: Some(resource), path: None }) };
        check(
            "authorization.k8s.io/v1",
            "SelfSubjectAccessReview",
            &review,
            json!({"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview", "spec": {"resourceAttributes": {"verb": "get", "resource": "stages"}}}),
        );
    }

    #[test]
    fn bytes_as_a_client_sends_them() {
        // Written out by hand after the field numbers: TypeMeta{v1, Namespace}, then raw = {metadata{name: "x"}}.
        let mut body = MAGIC.to_vec();
        body.extend([10, 15, 10, 2, b'v', b'1', 18, 9]);
        body.extend(b"Namespace");
        body.extend([18, 5, 10, 3, 10, 1, b'x']);
        assert_eq!(
            decode(&body, "").expect("decodes"),
            json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "x"}})
        );
    }

    #[test]
    fn what_cannot_be_read_says_so() {
        assert!(matches!(decode(b"{}", ""), Err(ProtoError::Envelope)));
        assert!(matches!(decode(b"k8s\0\xff", ""), Err(ProtoError::Decode { .. })));
        let mut body = MAGIC.to_vec();
        body.extend([10, 9, 10, 2, b'v', b'1', 18, 3, b'P', b'o', b'd']);
        insta::assert_snapshot!(decode(&body, "").expect_err("refused"), @"protobuf of v1 Pod is not read here: send JSON");
    }
}
