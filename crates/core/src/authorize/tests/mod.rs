//! Decisions by example: Kubernetes' documentation, the demo's people, and the ways around that are closed.

mod escalation;

use super::*;
use serde_json::{Value, json};

/// A role; `rules` is a list of `verbs resources[.group] [names]`, commas between them.
fn role(kind: &str, place: &str, rules: &[&str]) -> Value {
    let (namespace, name) = place.split_once('/').unwrap_or(("", place));
    let texts = |text: &str| text.split(',').map(str::to_owned).collect::<Vec<_>>();
    let rule = |rule: &&str| {
        let words: Vec<&str> = rule.split(' ').collect();
        if words[1].starts_with('/') {
            return json!({ "verbs": texts(words[0]), "nonResourceURLs": texts(words[1]) });
        }
        let (resources, group) = words[1].split_once(':').unwrap_or((words[1], ""));
        let names = words.get(2).map(|names| texts(names)).unwrap_or_default();
        json!({ "verbs": texts(words[0]), "apiGroups": [group], "resources": texts(resources), "resourceNames": names })
    };
    let rules: Vec<Value> = rules.iter().map(rule).collect();
    let metadata = json!({ "name": name, "namespace": namespace });
    json!({ "apiVersion": "rbac.authorization.k8s.io/v1", "kind": kind, "metadata": metadata, "rules": rules })
}

/// A binding at `[namespace/]name` of `Kind/name` to subjects such as `User/jane` and `ServiceAccount/ns:name`.
pub(super) fn binding(place: &str, role: &str, subjects: &[&str]) -> Value {
    let (namespace, name) = place.split_once('/').unwrap_or(("", place));
    let (kind, role) = role.split_once('/').unwrap();
    let subject = |subject: &&str| {
        let (kind, name) = subject.split_once('/').unwrap();
        match name.split_once(':').filter(|_| kind == "ServiceAccount") {
            Some((namespace, name)) => json!({ "kind": kind, "namespace": namespace, "name": name }),
            None => json!({ "kind": kind, "name": name }),
        }
    };
    let subjects: Vec<Value> = subjects.iter().map(subject).collect();
    json!({
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": if namespace.is_empty() { "ClusterRoleBinding" } else { "RoleBinding" },
        "metadata": { "name": name, "namespace": namespace },
        "roleRef": { "apiGroup": RBAC, "kind": kind, "name": role }, "subjects": subjects,
    })
}

const STAGES: &str = "stages:kargo.akuity.io";

fn policy() -> Policy {
    let objects = [
        // Of Kubernetes' documentation.
        role("Role", "default/pod-reader", &["get,watch,list pods"]),
        binding("default/read-pods", "Role/pod-reader", &["User/jane"]),
        role("ClusterRole", "secret-reader", &["get,watch,list secrets"]),
        binding("development/read-secrets", "ClusterRole/secret-reader", &["User/dave"]),
        binding("read-secrets-global", "ClusterRole/secret-reader", &["Group/manager"]),
        role("Role", "default/configmap-updater", &["update,get configmaps my-configmap"]),
        binding("default/update", "Role/configmap-updater", &["User/jane"]),
        role("ClusterRole", "health", &["get,post /healthz,/healthz/*"]),
        binding("health", "ClusterRole/health", &["Group/system:authenticated"]),
        binding("default/health", "ClusterRole/health", &["User/anna"]),
        binding("qa/accounts", "ClusterRole/secret-reader", &["Group/system:serviceaccounts:qa"]),
        binding("kube-system/own", "ClusterRole/secret-reader", &["ServiceAccount/kube-system:default", "ServiceAccount/local"]),
        // The demo's.
        role("Role", "bank/lower", &[&format!("promote {STAGES} qa,e2e,staging"), &format!("get,list {STAGES}")]),
        binding("bank/alice", "Role/lower", &["User/user:alice"]),
        role("Role", "bank/promoter", &[&format!("promote,get,list {STAGES}")]),
        binding("bank/bob", "Role/promoter", &["User/user:bob"]),
        role("Role", "bank/viewer", &[&format!("get,list {STAGES}")]),
        binding("bank/eve", "Role/viewer", &["User/user:eve"]),
        binding("bank/gone", "Role/gone", &["User/user:carl"]),
    ];
    Policy::of(&objects)
}

fn groups(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// Asks `verb resource[:group][/part] [namespace]/[name]`, or `verb /path`, of `user+group+group`.
#[track_caller]
fn ask(policy: &Policy, who: &str, question: &str) -> Decision {
    let mut who = who.split('+');
    let (name, groups) = (who.next().unwrap(), who.map(str::to_owned).collect::<Vec<_>>());
    let who = Who::new(name, &groups);
    let words: Vec<&str> = question.split(' ').collect();
    if words[1].starts_with('/') {
        return policy.decide(&Attributes::path(who, words[0], words[1]));
    }
    let (resource, part) = words[1].split_once('/').unwrap_or((words[1], ""));
    let (resource, group) = resource.split_once(':').unwrap_or((resource, ""));
    let (namespace, name) = words.get(2).map(|place| place.split_once('/').unwrap()).unwrap_or_default();
    let asked = Attributes::resource(who, words[0], group, resource).within(namespace).named(name).part(part);
    let decision = policy.decide(&asked);
    assert_eq!(decision.is_allowed(), policy.allows(&asked));
    decision
}

#[track_caller]
fn check(who: &str, question: &str, reason: &str) {
    assert_eq!(ask(&policy(), who, question).reason(), reason);
}

fn confers(policy: &Policy, who: &str, object: &Value, old: Option<&Value>) -> String {
    let groups = groups(&["system:authenticated"]);
    policy.may_confer(&Who::new(who, &groups), object, old).map_or_else(|denied| denied.message, |()| "may".to_owned())
}

#[test]
fn a_role_grants_in_its_namespace() {
    check("jane", "get pods default/a", "allowed by RoleBinding default/read-pods of Role pod-reader");
    check("jane", "list pods default/", "allowed by RoleBinding default/read-pods of Role pod-reader");
    check(
        "Jane",
        "get pods default/a",
        "Jane may not get pods a in namespace default: no role gives Jane the verb get on pods (core)",
    );
    check(
        "jane",
        "get pods other/a",
        "jane may not get pods a in namespace other: no role gives jane the verb get on pods (core)",
    );
    check("jane", "list pods", "jane may not list pods cluster-wide: no role gives jane the verb list on pods (core)");
}

#[test]
fn a_cluster_role_grants_where_it_is_bound() {
    check("dave", "get secrets development/s", "allowed by RoleBinding development/read-secrets of ClusterRole secret-reader");
    check(
        "dave",
        "get secrets bank/s",
        "dave may not get secrets s in namespace bank: no role gives dave the verb get on secrets (core)",
    );
    check("mia+manager", "get secrets bank/s", "allowed by ClusterRoleBinding read-secrets-global of ClusterRole secret-reader");
    check("mia+manager", "list secrets", "allowed by ClusterRoleBinding read-secrets-global of ClusterRole secret-reader");
}

#[test]
fn subjects_are_users_groups_and_service_accounts() {
    let (policy, allowed) = (policy(), |decision: Decision| decision.is_allowed());
    let of = |namespace: &str, name: &str| {
        let account = ServiceAccount::new(namespace, name).unwrap();
        [vec![account.username()], account.groups().to_vec()].concat().join("+")
    };
    assert!(allowed(ask(&policy, &of("qa", "any"), "get secrets qa/s")));
    assert!(!allowed(ask(&policy, &of("qa2", "any"), "get secrets qa/s")));
    assert!(allowed(ask(&policy, &of("kube-system", "default"), "get secrets kube-system/s")));
    // Without a namespace it is an account of the binding's.
    assert!(allowed(ask(&policy, &of("kube-system", "local"), "get secrets kube-system/s")));
    assert!(!allowed(ask(&policy, &of("qa", "local"), "get secrets kube-system/s")));
    assert!(!allowed(ask(&policy, "default", "get secrets kube-system/s")));
    assert!(allowed(ask(&policy, "anyone+system:authenticated", "get /healthz/etcd")));
    assert!(!allowed(ask(&policy, "system:anonymous+system:unauthenticated", "get /healthz")));
    // A path has no namespace, so a binding in one grants none.
    assert!(!allowed(ask(&policy, "anna", "get /healthz")));
    assert!(allowed(ask(&policy, "x+system:masters", "escalate anything:at.all bank/x")));
    assert!(allowed(ask(&policy, "x+system:masters", "delete /anything")));
}

#[test]
fn a_denial_names_the_lacking_right() {
    let promote = "promote stages:kargo.akuity.io bank/prod-eu";
    check("user:bob", promote, "allowed by RoleBinding bank/bob of Role promoter");
    check(
        "user:eve",
        promote,
        "eve may not promote stages prod-eu in project bank: no role gives eve the verb promote on stages (kargo.akuity.io)",
    );
    check(
        "user:alice",
        promote,
        "alice may not promote stages prod-eu in project bank: alice has the verb promote on stages (kargo.akuity.io) for e2e, qa, staging alone",
    );
    check("user:alice", "promote stages:kargo.akuity.io bank/qa", "allowed by RoleBinding bank/alice of Role lower");
    check(
        "user:carl",
        "get stages:kargo.akuity.io bank/qa",
        "carl may not get stages qa in project bank: no role gives carl the verb get on stages (kargo.akuity.io); RoleBinding bank/gone grants Role gone, which is not there",
    );
    check("user:eve", "get /metrics", "eve may not get /metrics: no role gives eve the verb get on the path /metrics");
    check(
        "user:eve",
        "patch freights:kargo.akuity.io/status bank/f",
        "eve may not patch freights/status f in project bank: no role gives eve the verb patch on freights/status (kargo.akuity.io)",
    );
    check(
        "system:serviceaccount:bank:ci",
        "create projects:kargo.akuity.io",
        "service account bank/ci may not create projects cluster-wide: no role gives service account bank/ci the verb create on projects (kargo.akuity.io)",
    );
}

#[test]
fn names_do_not_match_what_has_none() {
    let policy = policy();
    for (question, allowed) in [
        ("get configmaps default/my-configmap", true),
        ("get configmaps default/other", false),
        ("list configmaps default/", false),
        ("create configmaps default/", false),
    ] {
        assert_eq!(ask(&policy, "jane", question).is_allowed(), allowed, "{question}");
    }
}

#[test]
fn aggregation_follows_labels_and_ignores_what_stands_in_the_role() {
    let labelled = |name: &str, label: &str, rules: &[&str]| {
        let mut role = role("ClusterRole", name, rules);
        role["metadata"]["labels"] = json!({ label: "true" });
        role
    };
    let gathering = |name: &str, selectors: Value| {
        let mut role = labelled(name, "to-outer", &["delete pods"]);
        role["aggregationRule"] = json!({ "clusterRoleSelectors": selectors });
        role
    };
    let mut policy = Policy::of(&[
        binding("b", "ClusterRole/monitoring", &["User/ann"]),
        binding("c", "ClusterRole/outer", &["User/olga"]),
        gathering("monitoring", json!([{ "matchLabels": { "to-monitoring": "true" } }])),
        gathering("outer", json!([{ "matchExpressions": [{ "key": "to-outer", "operator": "Exists" }] }])),
        gathering(
            "broken",
            json!([{ "matchExpressions": [{ "key": "to-monitoring", "operator": "Near" }] }, { "fieldSelector": "x" }]),
        ),
        binding("d", "ClusterRole/broken", &["User/bea"]),
    ]);
    let allowed = |policy: &Policy, who: &str, question: &str| ask(policy, who, question).is_allowed();
    assert!(!allowed(&policy, "ann", "get pods x/y"));
    assert!(policy.apply(&labelled("endpoints", "to-monitoring", &["get pods"])));
    assert!(allowed(&policy, "ann", "get pods x/y"));
    // Through the role that gathers it.
    assert!(allowed(&policy, "olga", "get pods x/y"));
    assert!(!allowed(&policy, "ann", "delete pods x/y"));
    assert!(!allowed(&policy, "bea", "get pods x/y"));
    assert!(policy.forget("ClusterRole", "", "endpoints"));
    assert!(!allowed(&policy, "ann", "get pods x/y"));
}

#[test]
fn what_cannot_be_read_grants_nothing_and_is_told() {
    let mut role = role("Role", "bank/r", &["get pods"]);
    role["rules"]
        .as_array_mut()
        .unwrap()
        .push(json!({ "verbs": ["*"], "apiGroups": ["*"], "resources": ["*"], "resourceNames": "a" }));
    let mut policy = Policy::of(&[role, binding("bank/b", "Role/r", &["User/ann"])]);
    assert!(ask(&policy, "ann", "get pods bank/a").is_allowed());
    let denied = ask(&policy, "ann", "get secrets bank/a").reason();
    assert_eq!(
        denied,
        "ann may not get secrets a in namespace bank: no role gives ann the verb get on secrets (core); what cannot be read grants nothing: a rule of Role r"
    );
    assert!(policy.review(&Who::new("ann", &[]), "bank").incomplete);
    // A binding that can no longer be read takes back what it granted.
    let mut broken = binding("bank/b", "Role/r", &["User/ann"]);
    broken["roleRef"]["kind"] = json!("Realm");
    assert!(policy.apply(&broken));
    assert!(!ask(&policy, "ann", "get pods bank/a").is_allowed());
}

#[test]
fn the_revision_moves_when_rights_may_have_changed() {
    let mut policy = policy();
    let before = policy.revision();
    let mut touched = role("Role", "default/pod-reader", &["get,watch,list pods"]);
    touched["metadata"]["resourceVersion"] = json!("7");
    assert!(!policy.apply(&touched));
    assert!(!policy.apply(&json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "a" } })));
    assert!(!policy.forget("RoleBinding", "default", "nobody"));
    assert_eq!(policy.revision(), before);
    assert!(policy.forget("RoleBinding", "default", "read-pods"));
    assert_eq!(policy.revision(), before + 1);
}

#[test]
fn a_token_of_a_controller_takes_every_right() {
    let policy =
        Policy::of(&[role("ClusterRole", "all", &["* *:*", "* /*"]), binding("root", "ClusterRole/all", &["User/root"])]);
    let secret = |namespace: &str, of: &str| {
        let metadata =
            json!({ "namespace": namespace, "name": "t", "annotations": { "kubernetes.io/service-account.name": of } });
        json!({ "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/service-account-token", "metadata": metadata })
    };
    assert_eq!(confers(&policy, "eve", &secret("bank", "stages"), None), "may");
    // Nobody else writes a Secret of any type where users, sessions and keys are kept.
    assert!(confers(&policy, "eve", &secret("seaway", "stages"), None).starts_with("eve may not write secret t"));
    // `/*` is every path there is, yet not every one there could be.
    let controller = ServiceAccount::new("seaway", "stages").unwrap();
    assert!(policy.may_become(&Who::new("root", &[]), &controller).unwrap_err().message.ends_with("does not have: * on *"));
    let groups = groups(&["system:masters"]);
    policy.may_become(&Who::new("x", &groups), &controller).unwrap();
}

#[test]
fn a_decision_costs_the_bindings_of_the_one_who_asks() {
    let mut policy = policy();
    for n in 0..2000 {
        policy.apply(&binding(&format!("bank/other-{n}"), "Role/viewer", &[&format!("User/other-{n}"), "Group/others"]));
        policy.apply(&binding(&format!("place-{n}/bob"), "Role/viewer", &["User/user:bob"]));
    }
    let groups = groups(&["system:authenticated"]);
    let looked_at = policy.bindings_of("user:bob", &groups, "bank").map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(looked_at, ["RoleBinding bank/bob", "ClusterRoleBinding health"]);
}

#[test]
fn a_review_lists_what_holds_in_a_namespace() {
    let groups = groups(&["system:authenticated"]);
    let review = policy().review(&Who::new("user:alice", &groups), "bank");
    assert_eq!(
        serde_json::to_value(&review).unwrap(),
        json!({
            "incomplete": false,
            "resourceRules": [
                { "verbs": ["get", "list"], "apiGroups": ["kargo.akuity.io"], "resources": ["stages"] },
                { "verbs": ["promote"], "apiGroups": ["kargo.akuity.io"], "resources": ["stages"], "resourceNames": ["qa", "e2e", "staging"] },
            ],
            "nonResourceRules": [{ "verbs": ["get", "post"], "nonResourceURLs": ["/healthz", "/healthz/*"] }],
        })
    );
    let carl = policy().review(&Who::new("user:carl", &[]), "bank");
    assert_eq!(carl.evaluation_error, "RoleBinding bank/gone grants Role gone, which is not there");
    assert_eq!(policy().review(&Who::new("user:alice", &[]), "shop").resource_rules, vec![]);
    let masters = self::groups(&["system:masters"]);
    assert_eq!(policy().review(&Who::new("x", &masters), "").resource_rules, vec![Rule::everything()]);
}

#[test]
fn a_gate_says_which_right_is_lacking_and_what_for() {
    let old = json!({ "metadata": { "name": "f" } });
    let new = json!({ "metadata": { "name": "f" }, "status": { "approvedFor": { "prod-eu": {} } } });
    let write = Write { kind: "Freight", namespace: "bank", name: "f", old: Some(&old), new: &new, control_plane: false };
    let passes = |who: &str| policy().passes(&Who::new(who, &[]), &write);
    assert!(passes("user:bob").is_ok_and(|gated| !gated.instead));
    assert_eq!(
        passes("user:eve").unwrap_err().message,
        "eve may not promote stages prod-eu in project bank: no role gives eve the verb promote on stages (kargo.akuity.io); it is needed to approve freight for a stage, or to take that back"
    );
    assert!(passes("user:alice").is_err());
}
