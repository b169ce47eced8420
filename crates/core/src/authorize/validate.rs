//! What is wrong with a role or binding that somebody writes, as Kubernetes would say it.

use super::objects::text;
use super::rule::Rule;
use super::{RBAC, ServiceAccount};
use crate::admission::Cause;
use serde_json::Value;

/// The causes to refuse a role or binding; none for other kinds. `old` is the object as it stands.
pub fn validate(new: &Value, old: Option<&Value>) -> Vec<Cause> {
    if text(new, "apiVersion").split_once('/').map(|(group, _)| group) != Some(RBAC) {
        return Vec::new();
    }
    let mut causes = Vec::new();
    match text(new, "kind") {
        "Role" => rules(new, false, &mut causes),
        "ClusterRole" => rules(new, true, &mut causes),
        "RoleBinding" => binding(new, old, &["Role", "ClusterRole"], &mut causes),
        "ClusterRoleBinding" => binding(new, old, &["ClusterRole"], &mut causes),
        _ => {}
    }
    causes
}

fn rules(role: &Value, cluster: bool, causes: &mut Vec<Cause>) {
    let list = match role.get("rules") {
        None | Some(Value::Null) => return,
        Some(Value::Array(list)) => list,
        Some(_) => return causes.push(Cause::invalid("rules", "rules are a list")),
    };
    for (i, value) in list.iter().enumerate() {
        let field = format!("rules[{i}]");
        let Some(rule) = Rule::read(value) else {
            let message = "a rule has lists of texts under verbs, apiGroups, resources, resourceNames and nonResourceURLs, and nothing else";
            causes.push(Cause::invalid(field, message));
            continue;
        };
        if rule.verbs.is_empty() {
            causes.push(Cause::required(format!("{field}.verbs"), "name at least one verb"));
        }
        if !rule.non_resource_urls.is_empty() {
            if !cluster {
                let message = "only a ClusterRole can be about paths, for they have no namespace";
                causes.push(Cause::invalid(format!("{field}.nonResourceURLs"), message));
            }
            if !(rule.api_groups.is_empty() && rule.resources.is_empty() && rule.resource_names.is_empty()) {
                let message = "a rule is about resources or about paths; make two of it";
                causes.push(Cause::invalid(format!("{field}.nonResourceURLs"), message));
            }
            continue;
        }
        for (list, name) in [(&rule.api_groups, "apiGroups"), (&rule.resources, "resources")] {
            if list.is_empty() {
                causes.push(Cause::required(
                    format!("{field}.{name}"),
                    "a rule about resources names their apiGroups and resources",
                ));
            }
        }
    }
}

fn binding(binding: &Value, old: Option<&Value>, kinds: &[&str], causes: &mut Vec<Cause>) {
    let role = binding.get("roleRef").unwrap_or(&Value::Null);
    if !matches!(text(role, "apiGroup"), "" | RBAC) {
        causes.push(Cause::not_supported("roleRef.apiGroup", format!("roles are of {RBAC}")));
    }
    if !kinds.contains(&text(role, "kind")) {
        causes.push(Cause::not_supported("roleRef.kind", format!("it grants a {}", kinds.join(" or a "))));
    }
    if text(role, "name").is_empty() {
        causes.push(Cause::required("roleRef.name", "name the role it grants"));
    }
    let named =
        |object: &Value| ["kind", "name"].map(|key| object.get("roleRef").map(|it| text(it, key).to_owned()).unwrap_or_default());
    if old.is_some_and(|old| named(old) != named(binding)) {
        causes.push(Cause::invalid(
            "roleRef",
            "a binding keeps its role, for its subjects were chosen for that one; delete it and make another",
        ));
    }
    let subjects = match binding.get("subjects") {
        None | Some(Value::Null) => return,
        Some(Value::Array(list)) => list,
        Some(_) => return causes.push(Cause::invalid("subjects", "subjects are a list")),
    };
    for (i, subject) in subjects.iter().enumerate() {
        let field = format!("subjects[{i}]");
        let (group, name) = (text(subject, "apiGroup"), text(subject, "name"));
        if name.is_empty() {
            causes.push(Cause::required(format!("{field}.name"), "name the subject"));
            continue;
        }
        match text(subject, "kind") {
            "User" | "Group" if matches!(group, "" | RBAC) => {}
            "User" | "Group" => {
                causes.push(Cause::not_supported(format!("{field}.apiGroup"), format!("users and groups are of {RBAC}")))
            }
            "ServiceAccount" if !group.is_empty() => {
                causes.push(Cause::not_supported(
                    format!("{field}.apiGroup"),
                    "service accounts are of the core group, which is empty",
                ));
            }
            "ServiceAccount" if text(subject, "namespace").is_empty() => {
                causes.push(Cause::required(format!("{field}.namespace"), "say whose namespace the service account is of"));
            }
            "ServiceAccount" => {
                if ServiceAccount::new(text(subject, "namespace"), name).is_none() {
                    causes.push(Cause::invalid(format!("{field}.name"), "a service account's name has no colon"));
                }
            }
            _ => causes.push(Cause::not_supported(format!("{field}.kind"), "a subject is a User, a Group or a ServiceAccount")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check(kind: &str, mut object: Value, expected: &[&str]) {
        object["apiVersion"] = json!(format!("{RBAC}/v1"));
        object["kind"] = json!(kind);
        let causes = validate(&object, None);
        assert_eq!(causes.iter().map(|cause| cause.field.as_str()).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn a_role_that_grants_nothing_by_mistake_is_refused() {
        let rule = |rule: Value| json!({ "rules": [rule] });
        check("Role", rule(json!({ "apiGroups": [""], "resources": ["pods"], "verbs": ["get"] })), &[]);
        check("Role", json!({}), &[]);
        check("Role", json!({ "rules": "all" }), &["rules"]);
        check("Role", rule(json!({ "apiGroups": [""], "resources": ["pods"] })), &["rules[0].verbs"]);
        check("Role", rule(json!({ "verbs": ["get"] })), &["rules[0].apiGroups", "rules[0].resources"]);
        check("Role", rule(json!({ "verbs": "get" })), &["rules[0]"]);
        check("Role", rule(json!({ "verbs": ["get"], "nonResourceURLs": ["/healthz"] })), &["rules[0].nonResourceURLs"]);
        check("ClusterRole", rule(json!({ "verbs": ["get"], "nonResourceURLs": ["/healthz"] })), &[]);
        let mixed = json!({ "verbs": ["get"], "nonResourceURLs": ["/healthz"], "apiGroups": [""], "resources": ["pods"] });
        check("ClusterRole", rule(mixed), &["rules[0].nonResourceURLs"]);
    }

    #[test]
    fn a_binding_names_a_role_and_subjects_that_can_be() {
        let of = |role: Value, subject: Value| json!({ "roleRef": role, "subjects": [subject] });
        let role = json!({ "apiGroup": RBAC, "kind": "Role", "name": "r" });
        check("RoleBinding", of(role.clone(), json!({ "kind": "User", "name": "jane" })), &[]);
        check("ClusterRoleBinding", of(role.clone(), json!({ "kind": "User", "name": "jane" })), &["roleRef.kind"]);
        check("RoleBinding", json!({ "roleRef": {} }), &["roleRef.kind", "roleRef.name"]);
        check("RoleBinding", of(role.clone(), json!({ "kind": "User" })), &["subjects[0].name"]);
        check("RoleBinding", of(role.clone(), json!({ "kind": "Robot", "name": "x" })), &["subjects[0].kind"]);
        check("RoleBinding", of(role.clone(), json!({ "kind": "ServiceAccount", "name": "ci" })), &["subjects[0].namespace"]);
        check(
            "RoleBinding",
            of(role.clone(), json!({ "kind": "ServiceAccount", "name": "a:b", "namespace": "bank" })),
            &["subjects[0].name"],
        );
        check("RoleBinding", of(role, json!({ "kind": "Group", "name": "g", "apiGroup": "v1" })), &["subjects[0].apiGroup"]);
    }

    #[test]
    fn a_binding_keeps_its_role() {
        let of = |name: &str| json!({ "apiVersion": format!("{RBAC}/v1"), "kind": "RoleBinding", "roleRef": { "kind": "Role", "name": name } });
        assert_eq!(validate(&of("a"), Some(&of("a"))), vec![]);
        assert_eq!(validate(&of("b"), Some(&of("a")))[0].field, "roleRef");
    }
}
