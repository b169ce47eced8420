//! The messages, by the field numbers of Kubernetes' `generated.proto` files.

use std::collections::BTreeMap;

use prost::Message;

#[derive(Clone, PartialEq, Message)]
pub(super) struct Unknown {
    #[prost(message, optional, tag = "1")]
    pub(super) type_meta: Option<TypeMeta>,
    #[prost(bytes = "vec", tag = "2")]
    pub(super) raw: Vec<u8>,
    #[prost(string, tag = "3")]
    pub(super) content_encoding: String,
    #[prost(string, tag = "4")]
    pub(super) content_type: String,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct TypeMeta {
    #[prost(string, tag = "1")]
    pub(super) api_version: String,
    #[prost(string, tag = "2")]
    pub(super) kind: String,
}

#[derive(Clone, Copy, PartialEq, Message)]
pub(super) struct Time {
    #[prost(int64, tag = "1")]
    pub(super) seconds: i64,
    #[prost(int32, tag = "2")]
    pub(super) nanos: i32,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct ObjectMeta {
    #[prost(string, tag = "1")]
    pub(super) name: String,
    #[prost(string, tag = "2")]
    pub(super) generate_name: String,
    #[prost(string, tag = "3")]
    pub(super) namespace: String,
    #[prost(string, tag = "5")]
    pub(super) uid: String,
    #[prost(string, tag = "6")]
    pub(super) resource_version: String,
    #[prost(int64, tag = "7")]
    pub(super) generation: i64,
    #[prost(message, optional, tag = "8")]
    pub(super) creation_timestamp: Option<Time>,
    #[prost(message, optional, tag = "9")]
    pub(super) deletion_timestamp: Option<Time>,
    #[prost(btree_map = "string, string", tag = "11")]
    pub(super) labels: BTreeMap<String, String>,
    #[prost(btree_map = "string, string", tag = "12")]
    pub(super) annotations: BTreeMap<String, String>,
    #[prost(message, repeated, tag = "13")]
    pub(super) owner_references: Vec<OwnerReference>,
    #[prost(string, repeated, tag = "14")]
    pub(super) finalizers: Vec<String>,
    #[prost(message, repeated, tag = "17")]
    pub(super) managed_fields: Vec<ManagedFieldsEntry>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct OwnerReference {
    #[prost(string, tag = "1")]
    pub(super) kind: String,
    #[prost(string, tag = "3")]
    pub(super) name: String,
    #[prost(string, tag = "4")]
    pub(super) uid: String,
    #[prost(string, tag = "5")]
    pub(super) api_version: String,
    #[prost(bool, optional, tag = "6")]
    pub(super) controller: Option<bool>,
    #[prost(bool, optional, tag = "7")]
    pub(super) block_owner_deletion: Option<bool>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct ManagedFieldsEntry {
    #[prost(string, tag = "1")]
    pub(super) manager: String,
    #[prost(string, tag = "2")]
    pub(super) operation: String,
    #[prost(string, tag = "3")]
    pub(super) api_version: String,
    #[prost(message, optional, tag = "4")]
    pub(super) time: Option<Time>,
    #[prost(string, tag = "6")]
    pub(super) fields_type: String,
    #[prost(message, optional, tag = "7")]
    pub(super) fields_v1: Option<FieldsV1>,
    #[prost(string, tag = "8")]
    pub(super) subresource: String,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct FieldsV1 {
    #[prost(bytes = "vec", tag = "1")]
    pub(super) raw: Vec<u8>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Namespace {
    #[prost(message, optional, tag = "1")]
    pub(super) metadata: Option<ObjectMeta>,
    #[prost(message, optional, tag = "2")]
    pub(super) spec: Option<NamespaceSpec>,
    #[prost(message, optional, tag = "3")]
    pub(super) status: Option<NamespaceStatus>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct NamespaceSpec {
    #[prost(string, repeated, tag = "1")]
    pub(super) finalizers: Vec<String>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct NamespaceStatus {
    #[prost(string, tag = "1")]
    pub(super) phase: String,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Secret {
    #[prost(message, optional, tag = "1")]
    pub(super) metadata: Option<ObjectMeta>,
    #[prost(btree_map = "string, bytes", tag = "2")]
    pub(super) data: BTreeMap<String, Vec<u8>>,
    #[prost(string, tag = "3")]
    pub(super) kind: String,
    #[prost(btree_map = "string, string", tag = "4")]
    pub(super) string_data: BTreeMap<String, String>,
    #[prost(bool, optional, tag = "5")]
    pub(super) immutable: Option<bool>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct ConfigMap {
    #[prost(message, optional, tag = "1")]
    pub(super) metadata: Option<ObjectMeta>,
    #[prost(btree_map = "string, string", tag = "2")]
    pub(super) data: BTreeMap<String, String>,
    #[prost(btree_map = "string, bytes", tag = "3")]
    pub(super) binary_data: BTreeMap<String, Vec<u8>>,
    #[prost(bool, optional, tag = "4")]
    pub(super) immutable: Option<bool>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct ServiceAccount {
    #[prost(message, optional, tag = "1")]
    pub(super) metadata: Option<ObjectMeta>,
    #[prost(message, repeated, tag = "2")]
    pub(super) secrets: Vec<ObjectReference>,
    #[prost(message, repeated, tag = "3")]
    pub(super) image_pull_secrets: Vec<LocalObjectReference>,
    #[prost(bool, optional, tag = "4")]
    pub(super) automount_token: Option<bool>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct ObjectReference {
    #[prost(string, tag = "1")]
    pub(super) kind: String,
    #[prost(string, tag = "2")]
    pub(super) namespace: String,
    #[prost(string, tag = "3")]
    pub(super) name: String,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct LocalObjectReference {
    #[prost(string, tag = "1")]
    pub(super) name: String,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct DeleteOptions {
    #[prost(int64, optional, tag = "1")]
    pub(super) grace_period_seconds: Option<i64>,
    #[prost(message, optional, tag = "2")]
    pub(super) preconditions: Option<Preconditions>,
    #[prost(bool, optional, tag = "3")]
    pub(super) orphan_dependents: Option<bool>,
    #[prost(string, optional, tag = "4")]
    pub(super) propagation_policy: Option<String>,
    #[prost(string, repeated, tag = "5")]
    pub(super) dry_run: Vec<String>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Preconditions {
    #[prost(string, optional, tag = "1")]
    pub(super) uid: Option<String>,
    #[prost(string, optional, tag = "2")]
    pub(super) resource_version: Option<String>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct TokenRequest {
    #[prost(message, optional, tag = "1")]
    pub(super) metadata: Option<ObjectMeta>,
    #[prost(message, optional, tag = "2")]
    pub(super) spec: Option<TokenRequestSpec>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct TokenRequestSpec {
    #[prost(string, repeated, tag = "1")]
    pub(super) audiences: Vec<String>,
    #[prost(message, optional, tag = "3")]
    pub(super) bound_object_ref: Option<BoundObjectReference>,
    #[prost(int64, optional, tag = "4")]
    pub(super) expiration_seconds: Option<i64>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct BoundObjectReference {
    #[prost(string, tag = "1")]
    pub(super) kind: String,
    #[prost(string, tag = "2")]
    pub(super) api_version: String,
    #[prost(string, tag = "3")]
    pub(super) name: String,
    #[prost(string, tag = "4")]
    pub(super) uid: String,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct SelfAccessReview {
    #[prost(message, optional, tag = "1")]
    pub(super) metadata: Option<ObjectMeta>,
    #[prost(message, optional, tag = "2")]
    pub(super) spec: Option<SelfAccessReviewSpec>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct SelfAccessReviewSpec {
    #[prost(message, optional, tag = "1")]
    pub(super) resource: Option<ResourceAttributes>,
    #[prost(message, optional, tag = "2")]
    pub(super) path: Option<PathAttributes>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct AccessReview {
    #[prost(message, optional, tag = "1")]
    pub(super) metadata: Option<ObjectMeta>,
    #[prost(message, optional, tag = "2")]
    pub(super) spec: Option<AccessReviewSpec>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct AccessReviewSpec {
    #[prost(message, optional, tag = "1")]
    pub(super) resource: Option<ResourceAttributes>,
    #[prost(message, optional, tag = "2")]
    pub(super) path: Option<PathAttributes>,
    #[prost(string, tag = "3")]
    pub(super) user: String,
    #[prost(string, repeated, tag = "4")]
    pub(super) groups: Vec<String>,
    #[prost(string, tag = "6")]
    pub(super) uid: String,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct ResourceAttributes {
    #[prost(string, tag = "1")]
    pub(super) namespace: String,
    #[prost(string, tag = "2")]
    pub(super) verb: String,
    #[prost(string, tag = "3")]
    pub(super) group: String,
    #[prost(string, tag = "4")]
    pub(super) version: String,
    #[prost(string, tag = "5")]
    pub(super) resource: String,
    #[prost(string, tag = "6")]
    pub(super) subresource: String,
    #[prost(string, tag = "7")]
    pub(super) name: String,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct PathAttributes {
    #[prost(string, tag = "1")]
    pub(super) path: String,
    #[prost(string, tag = "2")]
    pub(super) verb: String,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct RulesReview {
    #[prost(message, optional, tag = "2")]
    pub(super) spec: Option<RulesReviewSpec>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct RulesReviewSpec {
    #[prost(string, tag = "1")]
    pub(super) namespace: String,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct TokenReview {
    #[prost(message, optional, tag = "1")]
    pub(super) metadata: Option<ObjectMeta>,
    #[prost(message, optional, tag = "2")]
    pub(super) spec: Option<TokenReviewSpec>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct TokenReviewSpec {
    #[prost(string, tag = "1")]
    pub(super) token: String,
    #[prost(string, repeated, tag = "2")]
    pub(super) audiences: Vec<String>,
}
