//! A project's creator becomes its admin (reference §10.3): by their claim, or by name where they have none.

use super::defaults::project_roles;
use super::{GLOBAL_NAMESPACE, RBAC, ServiceAccount};
use seaway_api::kargo::{GROUP, VERSION};
use serde_json::{Value, json};

const ADMIN: &str = "kargo-admin";

/// The roles of a new project, its admin's given to whoever made it, as the actor is recorded; to nobody if that is one of our parts.
///
/// Kargo puts the creator's claim on all three accounts; the admin's has every right of the others.
pub fn roles_of_new_project(project: &str, uid: &str, creator: Option<&str>) -> Vec<Value> {
    let mut roles = project_roles(project);
    for role in roles.iter_mut().filter(|role| role.pointer("/metadata/namespace").is_none()) {
        // What has no namespace to go with goes with the Project.
        let owner = json!({ "apiVersion": format!("{GROUP}/{VERSION}"), "kind": "Project", "name": project, "uid": uid });
        role["metadata"]["ownerReferences"] = json!([owner]);
    }
    match creator.map(Creator::of) {
        Some(Creator::Claim { claim, value }) => {
            let claims = json!({ claim: [value] }).to_string();
            for account in roles.iter_mut().filter(|it| it["kind"] == "ServiceAccount" && it["metadata"]["name"] == ADMIN) {
                account["metadata"]["annotations"]["rbac.kargo.akuity.io/claims"] = claims.as_str().into();
            }
        }
        Some(Creator::Subject(subject)) => {
            for role in roles.iter_mut().filter(|role| is_binding_of_admin(role)) {
                if let Some(subjects) = role["subjects"].as_array_mut() {
                    subjects.push(subject.clone());
                }
            }
        }
        None => {}
    }
    roles
}

fn is_binding_of_admin(role: &Value) -> bool {
    match role["kind"].as_str() {
        Some("RoleBinding") => role["roleRef"]["name"] == ADMIN,
        Some("ClusterRoleBinding") => true,
        _ => false,
    }
}

/// Whether a project may not bear this name: our own namespaces and Kubernetes' are none.
pub fn is_reserved_project(name: &str) -> bool {
    matches!(name, super::SYSTEM_NAMESPACE | GLOBAL_NAMESPACE | "default" | "kube-system" | "kube-public" | "kube-node-lease")
}

/// Who made it.
enum Creator<'a> {
    /// Whoever an identity provider gives this value of a claim.
    Claim { claim: &'a str, value: &'a str },
    /// One subject of a binding.
    Subject(Value),
}

impl<'a> Creator<'a> {
    fn of(actor: &'a str) -> Self {
        let user = |name: &str| Self::Subject(json!({ "apiGroup": RBAC, "kind": "User", "name": name }));
        match actor.split_once(':') {
            Some(("user" | "oidc", _)) | None => user(actor),
            Some(("kubernetes", username)) => match ServiceAccount::of_username(username) {
                Some(ServiceAccount { namespace, name }) => {
                    Self::Subject(json!({ "kind": "ServiceAccount", "namespace": namespace, "name": name }))
                }
                None => user(username),
            },
            Some(("subject", value)) => Self::Claim { claim: "sub", value },
            Some((claim, value)) => Self::Claim { claim, value },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Claims, Policy, Resource, Target, Who, validate};
    use super::*;
    use crate::authorize::Attributes;

    /// Whether somebody may then delete the Project and write its stages.
    #[track_caller]
    fn check(creator: Option<&str>, username: &str, claims: Value, admin: bool) {
        let roles = roles_of_new_project("bank", "u-1", creator);
        roles.iter().for_each(|role| assert_eq!(validate(role, None), vec![], "{role}"));
        let policy = Policy::of(&roles);
        let accounts = policy.accounts_of(&Claims::of_token(&claims));
        let who = Who::new(username, &[]).with_accounts(&accounts);
        let group = seaway_api::kargo::GROUP;
        let stage = Resource { group, resource: "stages", namespace: "bank", name: "qa", ..Resource::default() };
        let project = Resource { group, resource: "projects", name: "bank", ..Resource::default() };
        for (verb, resource) in [("update", stage), ("delete", project)] {
            let decision = policy.decide(&Attributes { who, verb, target: Target::Resource(resource) });
            assert_eq!(decision.is_allowed(), admin, "{}", decision.reason());
        }
    }

    #[test]
    fn whoever_makes_a_project_administers_it() {
        check(Some("user:bob"), "user:bob", json!({}), true);
        check(Some("user:bob"), "user:eve", json!({}), false);
        check(Some("email:carl@example.com"), "oidc:carl@example.com", json!({ "email": "carl@example.com" }), true);
        check(Some("subject:00u1"), "oidc:00u1", json!({ "sub": "00u1" }), true);
        check(Some("subject:00u1"), "oidc:00u2", json!({ "sub": "00u2" }), false);
        check(Some("oidc:carl"), "oidc:carl", json!({}), true);
        check(Some("kubernetes:system:serviceaccount:ci:maker"), "system:serviceaccount:ci:maker", json!({}), true);
        check(Some("kubernetes:ann"), "ann", json!({}), true);
        check(None, "ann", json!({}), false);
    }

    #[test]
    fn what_has_no_namespace_goes_with_the_project() {
        let owned = roles_of_new_project("bank", "u-1", None);
        let owned: Vec<&Value> = owned.iter().filter(|role| role["metadata"]["ownerReferences"][0]["uid"] == "u-1").collect();
        assert_eq!(owned.len(), 2);
    }
}
