//! The roles that are there from the start: Kargo's names with Kargo's rights (reference §10.3), and Kubernetes' own few.

use super::{AUTHENTICATED, GLOBAL_NAMESPACE, MASTERS, RBAC, SYSTEM_NAMESPACE, UNAUTHENTICATED};
use seaway_api::kargo::names::label;
use serde_json::{Value, json};

/// API groups, resources, verbs.
type Grant = (&'static [&'static str], &'static [&'static str], &'static [&'static str]);

const CORE: &[&str] = &[""];
const KARGO: &[&str] = &["kargo.akuity.io"];
const OURS: &[&str] = &["seaway.dev"];
const ROLLOUTS: &[&str] = &["argoproj.io"];
const ROLES: &[&str] = &[RBAC];
const READ: &[&str] = &["get", "list", "watch"];
const ALL: &[&str] = &["*"];
/// All that the server does by itself. Not `*`: on roles that would be `bind` and `escalate`, on accounts `impersonate`.
const EDIT: &[&str] = &["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];
/// Kargo's kinds of a project that people write as they like.
const WRITTEN: &[&str] = &["freights", "projectconfigs", "promotiontasks", "stages", "targets", "warehouses"];
/// Kargo's kinds of a project.
const IN_PROJECT: &[&str] =
    &["freights", "projectconfigs", "promotionrequests", "promotions", "promotiontasks", "stages", "targets", "warehouses"];
const REFRESHED: &[&str] = &["projectconfigs", "promotions", "stages", "warehouses"];
/// What a viewer sees of the cluster.
const OF_CLUSTER: &[&str] = &["clusterconfigs", "clusterpromotiontasks", "projects"];
const PROMOTION: &[&str] = &["create", "delete", "get", "list", "patch", "watch"];
const RUNS: &[&str] = &["analysisruns"];

/// What the least of Seaway's users may see.
const USER: &[Grant] = &[(KARGO, OF_CLUSTER, READ), (ROLLOUTS, &["clusteranalysistemplates"], READ)];

/// Reading a project; no Secrets.
const VIEWER: &[Grant] = &[
    (CORE, &["configmaps", "events", "serviceaccounts"], READ),
    (ROLES, &["rolebindings", "roles"], READ),
    (KARGO, IN_PROJECT, READ),
    (OURS, &["plans", "promotionruns"], READ),
    (ROLLOUTS, &["analysisruns", "analysistemplates"], READ),
];

/// Beside reading: promoting, approving, and seeing first what it would do.
const PROMOTER: &[Grant] = &[
    (KARGO, &["stages"], &["promote"]),
    (KARGO, &["promotions"], &["create"]),
    (KARGO, &["freights/status"], &["patch"]),
    (KARGO, REFRESHED, &["refresh"]),
    (OURS, &["plans"], &["create", "delete"]),
];

/// Everything within a project.
const ADMIN: &[Grant] = &[
    (CORE, &["events"], READ),
    (CORE, &["configmaps", "secrets", "serviceaccounts"], EDIT),
    (CORE, &["serviceaccounts/token"], &["create"]),
    (ROLES, &["rolebindings", "roles"], EDIT),
    (KARGO, WRITTEN, ALL),
    (KARGO, &["promotionrequests", "promotions"], PROMOTION),
    (KARGO, &["promotions"], &["refresh"]),
    (KARGO, &["freights/status"], &["patch"]),
    (OURS, &["plans"], ALL),
    (OURS, &["promotionruns"], READ),
    (ROLLOUTS, RUNS, &["delete", "get", "list", "watch"]),
    (ROLLOUTS, &["analysistemplates"], ALL),
];

/// Everything of Kargo's in every project, but the Secrets, which each project gives by itself.
const SYSTEM_ADMIN: &[Grant] = &[
    (CORE, &["configmaps", "events", "namespaces", "serviceaccounts"], READ),
    (ROLES, &["clusterrolebindings", "clusterroles", "rolebindings", "roles"], READ),
    (KARGO, &["clusterconfigs", "clusterpromotiontasks", "projects"], ALL),
    (KARGO, WRITTEN, ALL),
    (KARGO, &["promotionrequests", "promotions"], PROMOTION),
    (KARGO, &["promotions"], &["refresh"]),
    (KARGO, &["freights/status"], &["patch"]),
    (OURS, &["plans"], ALL),
    (OURS, &["promotionruns"], READ),
    (ROLLOUTS, RUNS, &["delete", "get", "list", "watch"]),
    (ROLLOUTS, &["analysistemplates", "clusteranalysistemplates"], ALL),
];

/// What our own controllers do; nobody else has an account in their namespace.
const CONTROLLER: &[Grant] = &[
    (KARGO, ALL, ALL),
    (OURS, ALL, ALL),
    (ROLLOUTS, ALL, ALL),
    (
        CORE,
        &["configmaps", "events", "namespaces", "namespaces/finalize", "namespaces/status", "secrets", "serviceaccounts"],
        ALL,
    ),
    (&["events.k8s.io"], &["events"], ALL),
    (&["coordination.k8s.io"], &["leases"], ALL),
    (ROLES, ALL, ALL),
];

const NAMESPACES: &[Grant] = &[(CORE, &["namespaces"], READ)];
const CREATES: &[Grant] = &[(KARGO, &["projects"], &["create"])];
/// What a server asks that leaves authentication and authorization to this one.
const DELEGATOR: &[Grant] = &[
    (&["authentication.k8s.io"], &["tokenreviews"], &["create"]),
    (&["authorization.k8s.io"], &["subjectaccessreviews"], &["create"]),
];
/// What everybody may ask about themselves.
const ONESELF: &[Grant] = &[
    (&["authorization.k8s.io"], &["selfsubjectaccessreviews", "selfsubjectrulesreviews"], &["create"]),
    (&["authentication.k8s.io"], &["selfsubjectreviews"], &["create"]),
];

/// The ClusterRoles and their bindings that are there from the start. They name service accounts of [`system_accounts`].
pub fn cluster_roles() -> Vec<Value> {
    let paths = |paths: &[&str]| json!({ "nonResourceURLs": paths, "verbs": ["get"] });
    let everything = json!([
        { "apiGroups": ["*"], "resources": ["*"], "verbs": ["*"] }, { "nonResourceURLs": ["*"], "verbs": ["*"] },
    ]);
    let discovery = paths(&[
        "/api",
        "/api/*",
        "/apis",
        "/apis/*",
        "/openapi",
        "/openapi/*",
        "/healthz",
        "/livez",
        "/readyz",
        "/version",
        "/version/",
    ]);
    let public = paths(&["/healthz", "/livez", "/readyz", "/version", "/version/"]);
    let mut all = vec![
        cluster_role("cluster-admin", everything),
        cluster_role("kargo-admin", rules(&[SYSTEM_ADMIN])),
        cluster_role("kargo-viewer", rules(&[USER, NAMESPACES, VIEWER])),
        cluster_role("kargo-user", rules(&[USER])),
        cluster_role("kargo-project-creator", rules(&[USER, CREATES])),
        cluster_role("seaway-controller", rules(&[CONTROLLER])),
        cluster_role("system:auth-delegator", rules(&[DELEGATOR])),
        cluster_role("system:basic-user", rules(&[ONESELF])),
        cluster_role("system:discovery", Value::Array(vec![discovery])),
        cluster_role("system:public-info-viewer", Value::Array(vec![public])),
    ];
    let group = |name: &str| json!({ "apiGroup": RBAC, "kind": "Group", "name": name });
    all.push(cluster_binding("cluster-admin", &[group(MASTERS)]));
    all.push(cluster_binding("seaway-controller", &[group(&format!("system:serviceaccounts:{SYSTEM_NAMESPACE}"))]));
    all.extend(["system:basic-user", "system:discovery"].map(|role| cluster_binding(role, &[group(AUTHENTICATED)])));
    all.push(cluster_binding("system:public-info-viewer", &[group(AUTHENTICATED), group(UNAUTHENTICATED)]));
    for name in SYSTEM_ACCOUNTS {
        all.push(cluster_binding(name, &[json!({ "kind": "ServiceAccount", "namespace": GLOBAL_NAMESPACE, "name": name })]));
    }
    all
}

/// Kargo's roles of the system, each a ServiceAccount that claims may lead to.
const SYSTEM_ACCOUNTS: [&str; 4] = ["kargo-admin", "kargo-viewer", "kargo-user", "kargo-project-creator"];

/// The ServiceAccounts of Kargo's roles of the system, without claims. They stand in a namespace of their own: whoever has an account
/// in ours counts as a controller.
pub fn system_accounts() -> Vec<Value> {
    let account = |name: &str| {
        let labels = json!({ label::SYSTEM_ROLE: "true" });
        json!({ "apiVersion": "v1", "kind": "ServiceAccount", "metadata": { "name": name, "namespace": GLOBAL_NAMESPACE, "labels": labels } })
    };
    SYSTEM_ACCOUNTS.map(account).into()
}

/// The roles of a project: `kargo-admin`, `kargo-promoter` and `kargo-viewer`, each a ServiceAccount, a Role and a RoleBinding, and the
/// right of its admin to change and delete the Project itself.
pub fn project_roles(project: &str) -> Vec<Value> {
    let roles =
        [("kargo-admin", rules(&[ADMIN])), ("kargo-promoter", rules(&[VIEWER, PROMOTER])), ("kargo-viewer", rules(&[VIEWER]))];
    let mut all = Vec::new();
    for (name, rules) in roles {
        let metadata = json!({ "name": name, "namespace": project, "annotations": { "rbac.kargo.akuity.io/managed": "true" } });
        let subject = json!({ "kind": "ServiceAccount", "namespace": project, "name": name });
        all.push(json!({ "apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata }));
        all.push(json!({ "apiVersion": format!("{RBAC}/v1"), "kind": "Role", "metadata": metadata, "rules": rules }));
        all.push(json!({
            "apiVersion": format!("{RBAC}/v1"), "kind": "RoleBinding", "metadata": metadata,
            "roleRef": { "apiGroup": RBAC, "kind": "Role", "name": name }, "subjects": [subject],
        }));
    }
    let own = format!("kargo-project-admin-{project}");
    let rule = json!({ "apiGroups": KARGO, "resources": ["projects"], "resourceNames": [project], "verbs": ["delete", "get", "patch", "update"] });
    all.push(cluster_role(&own, Value::Array(vec![rule])));
    all.push(cluster_binding(&own, &[json!({ "kind": "ServiceAccount", "namespace": project, "name": "kargo-admin" })]));
    all
}

fn rules(lists: &[&[Grant]]) -> Value {
    let rule = |(groups, resources, verbs): &Grant| json!({ "apiGroups": groups, "resources": resources, "verbs": verbs });
    lists.iter().flat_map(|grants| grants.iter().map(rule)).collect()
}

fn cluster_role(name: &str, rules: Value) -> Value {
    json!({ "apiVersion": format!("{RBAC}/v1"), "kind": "ClusterRole", "metadata": { "name": name }, "rules": rules })
}

fn cluster_binding(name: &str, subjects: &[Value]) -> Value {
    json!({
        "apiVersion": format!("{RBAC}/v1"), "kind": "ClusterRoleBinding", "metadata": { "name": name },
        "roleRef": { "apiGroup": RBAC, "kind": "ClusterRole", "name": name }, "subjects": subjects,
    })
}

#[cfg(test)]
mod tests {
    use super::super::{Attributes, Policy, ServiceAccount, Who, validate};
    use super::*;

    /// Whether the role of the project `bank` (or of the system, as `/role`) may do `verb resource.group/name` there.
    #[track_caller]
    fn check(role: &str, verb: &str, what: &str, allowed: bool) {
        let objects = [cluster_roles(), system_accounts(), project_roles("bank")].concat();
        let policy = Policy::of(&objects);
        let account = match role.strip_prefix('/') {
            Some(name) => ServiceAccount::new(GLOBAL_NAMESPACE, name).unwrap(),
            None => ServiceAccount::new("bank", role).unwrap(),
        };
        let (what, name) = what.split_once(' ').unwrap_or((what, ""));
        let (resource, part) = what.split_once('/').unwrap_or((what, ""));
        let group = match resource {
            "secrets" | "events" | "serviceaccounts" | "namespaces" => "",
            "roles" | "rolebindings" => RBAC,
            "plans" => "seaway.dev",
            _ => "kargo.akuity.io",
        };
        let (groups, username) = (account.groups(), account.username());
        let namespace = if matches!(resource, "projects" | "namespaces" | "clusterconfigs") { "" } else { "bank" };
        let asked =
            Attributes::resource(Who::new(&username, &groups), verb, group, resource).within(namespace).named(name).part(part);
        let decision = policy.decide(&asked);
        assert_eq!(decision.is_allowed(), allowed, "{}", decision.reason());
    }

    #[test]
    fn the_roles_of_a_project_are_kargos() {
        check("kargo-viewer", "get", "stages qa", true);
        check("kargo-viewer", "get", "secrets s", false);
        check("kargo-viewer", "promote", "stages qa", false);
        check("kargo-viewer", "patch", "freights/status f", false);
        check("kargo-promoter", "promote", "stages qa", true);
        check("kargo-promoter", "create", "promotions", true);
        check("kargo-promoter", "patch", "freights/status f", true);
        check("kargo-promoter", "refresh", "warehouses w", true);
        check("kargo-promoter", "update", "stages qa", false);
        check("kargo-promoter", "get", "secrets s", false);
        check("kargo-admin", "update", "stages qa", true);
        check("kargo-admin", "promote", "stages qa", true);
        check("kargo-admin", "update", "promotions p", false);
        check("kargo-admin", "create", "rolebindings", true);
        check("kargo-admin", "get", "secrets s", true);
        check("kargo-admin", "delete", "projects bank", true);
        check("kargo-admin", "delete", "projects other", false);
        check("kargo-admin", "create", "projects", false);
    }

    #[test]
    fn the_roles_of_the_system_are_kargos() {
        check("/kargo-admin", "promote", "stages qa", true);
        check("/kargo-admin", "create", "projects", true);
        check("/kargo-admin", "get", "secrets s", false);
        check("/kargo-viewer", "list", "promotions", true);
        check("/kargo-viewer", "get", "secrets s", false);
        check("/kargo-viewer", "promote", "stages qa", false);
        check("/kargo-user", "list", "projects", true);
        check("/kargo-user", "list", "stages", false);
        check("/kargo-project-creator", "create", "projects", true);
        check("/kargo-project-creator", "delete", "projects bank", false);
    }

    #[test]
    fn they_are_sound_and_a_projects_admin_may_give_them_on() {
        let objects = [cluster_roles(), system_accounts(), project_roles("bank")].concat();
        let policy = Policy::of(&objects);
        for object in &objects {
            assert_eq!(validate(object, None), vec![], "{object}");
        }
        let admin = ServiceAccount::new("bank", "kargo-admin").unwrap();
        let (username, groups) = (admin.username(), admin.groups());
        for object in project_roles("bank").iter().filter(|object| object["kind"] == "RoleBinding") {
            policy.may_confer(&Who::new(&username, &groups), object, None).unwrap();
        }
        check("kargo-admin", "bind", "roles r", false);
        check("kargo-admin", "escalate", "roles r", false);
        check("kargo-admin", "impersonate", "serviceaccounts a", false);
    }
}
