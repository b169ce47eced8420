//! Roles and bindings, by the field numbers of `k8s.io/api/rbac/v1/generated.proto`.

use super::messages::ObjectMeta;
use super::{Fields, metadata, texts};
use prost::Message;
use serde_json::Value;
use std::collections::BTreeMap;

#[derive(Clone, PartialEq, Message)]
pub(super) struct Role {
    #[prost(message, optional, tag = "1")]
    metadata: Option<ObjectMeta>,
    #[prost(message, repeated, tag = "2")]
    rules: Vec<PolicyRule>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct ClusterRole {
    #[prost(message, optional, tag = "1")]
    metadata: Option<ObjectMeta>,
    #[prost(message, repeated, tag = "2")]
    rules: Vec<PolicyRule>,
    #[prost(message, optional, tag = "3")]
    aggregation_rule: Option<AggregationRule>,
}

#[derive(Clone, PartialEq, Message)]
struct PolicyRule {
    #[prost(string, repeated, tag = "1")]
    verbs: Vec<String>,
    #[prost(string, repeated, tag = "2")]
    api_groups: Vec<String>,
    #[prost(string, repeated, tag = "3")]
    resources: Vec<String>,
    #[prost(string, repeated, tag = "4")]
    resource_names: Vec<String>,
    #[prost(string, repeated, tag = "5")]
    non_resource_urls: Vec<String>,
}

#[derive(Clone, PartialEq, Message)]
struct AggregationRule {
    #[prost(message, repeated, tag = "1")]
    selectors: Vec<LabelSelector>,
}

#[derive(Clone, PartialEq, Message)]
struct LabelSelector {
    #[prost(btree_map = "string, string", tag = "1")]
    match_labels: BTreeMap<String, String>,
    #[prost(message, repeated, tag = "2")]
    match_expressions: Vec<Requirement>,
}

#[derive(Clone, PartialEq, Message)]
struct Requirement {
    #[prost(string, tag = "1")]
    key: String,
    #[prost(string, tag = "2")]
    operator: String,
    #[prost(string, repeated, tag = "3")]
    values: Vec<String>,
}

/// A RoleBinding or a ClusterRoleBinding.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Binding {
    #[prost(message, optional, tag = "1")]
    metadata: Option<ObjectMeta>,
    #[prost(message, repeated, tag = "2")]
    subjects: Vec<Subject>,
    #[prost(message, optional, tag = "3")]
    role_ref: Option<RoleRef>,
}

#[derive(Clone, PartialEq, Message)]
struct Subject {
    #[prost(string, tag = "1")]
    kind: String,
    #[prost(string, tag = "2")]
    api_group: String,
    #[prost(string, tag = "3")]
    name: String,
    #[prost(string, tag = "4")]
    namespace: String,
}

#[derive(Clone, PartialEq, Message)]
struct RoleRef {
    #[prost(string, tag = "1")]
    api_group: String,
    #[prost(string, tag = "2")]
    kind: String,
    #[prost(string, tag = "3")]
    name: String,
}

pub(super) fn role(message: Role) -> Value {
    Fields::default().with("metadata", metadata(message.metadata)).with("rules", rules(message.rules)).done()
}

pub(super) fn cluster_role(message: ClusterRole) -> Value {
    let requirement =
        |it: Requirement| Fields::default().with("key", it.key).with("operator", it.operator).with("values", it.values).done();
    let selector = |it: LabelSelector| {
        let expressions: Vec<Value> = it.match_expressions.into_iter().map(requirement).collect();
        Fields::default().with("matchLabels", texts(it.match_labels)).with("matchExpressions", expressions).done()
    };
    let gathers = message.aggregation_rule.map_or(Value::Null, |rule| {
        let selectors: Vec<Value> = rule.selectors.into_iter().map(selector).collect();
        serde_json::json!({ "clusterRoleSelectors": selectors })
    });
    let fields = Fields::default().with("metadata", metadata(message.metadata)).with("rules", rules(message.rules));
    fields.with("aggregationRule", gathers).done()
}

pub(super) fn binding(message: Binding) -> Value {
    let subject = |it: Subject| {
        let fields = Fields::default().with("kind", it.kind).with("apiGroup", it.api_group);
        fields.with("name", it.name).with("namespace", it.namespace).done()
    };
    let role = message.role_ref.unwrap_or_default();
    let role = Fields::default().with("apiGroup", role.api_group).with("kind", role.kind).with("name", role.name).done();
    let fields = Fields::default().with("metadata", metadata(message.metadata));
    fields.with("subjects", message.subjects.into_iter().map(subject).collect::<Vec<_>>()).with("roleRef", role).done()
}

fn rules(rules: Vec<PolicyRule>) -> Vec<Value> {
    let rule = |it: PolicyRule| {
        // An apiGroup may be empty: it is the core's.
        let fields = Fields::default().with("verbs", it.verbs).with("apiGroups", it.api_groups).with("resources", it.resources);
        fields.with("resourceNames", it.resource_names).with("nonResourceURLs", it.non_resource_urls).done()
    };
    rules.into_iter().map(rule).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn texts(list: &[&str]) -> Vec<String> {
        list.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn roles_and_bindings_become_json() {
        let rule = PolicyRule {
            verbs: texts(&["promote"]),
            api_groups: texts(&["kargo.akuity.io"]),
            resources: texts(&["stages"]),
            resource_names: texts(&["qa"]),
            ..PolicyRule::default()
        };
        let expected = json!({"metadata": {}, "rules": [
            {"verbs": ["promote"], "apiGroups": ["kargo.akuity.io"], "resources": ["stages"], "resourceNames": ["qa"]}]});
        let mut found = role(Role { metadata: None, rules: vec![rule] });
        found["metadata"] = json!({});
        assert_eq!(found, expected);
        let selector =
            LabelSelector { match_labels: BTreeMap::from([("a".to_owned(), "b".to_owned())]), ..LabelSelector::default() };
        let gathers =
            ClusterRole { aggregation_rule: Some(AggregationRule { selectors: vec![selector] }), ..ClusterRole::default() };
        assert_eq!(cluster_role(gathers), json!({"aggregationRule": {"clusterRoleSelectors": [{"matchLabels": {"a": "b"}}]}}));
        let subject = Subject { kind: "User".to_owned(), name: "user:bob".to_owned(), ..Subject::default() };
        let role_ref = RoleRef { kind: "Role".to_owned(), name: "r".to_owned(), ..RoleRef::default() };
        assert_eq!(
            binding(Binding { metadata: None, subjects: vec![subject], role_ref: Some(role_ref) }),
            json!({"subjects": [{"kind": "User", "name": "user:bob"}], "roleRef": {"kind": "Role", "name": "r"}})
        );
    }
}
