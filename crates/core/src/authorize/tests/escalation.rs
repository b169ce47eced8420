//! Nobody comes to more than they have: by roles, bindings, claims, or as another.

use super::*;

#[test]
fn nobody_writes_a_role_that_grants_more_than_they_have() {
    let policy = Policy::of(&[
        role("Role", "bank/owner", &["get,list secrets", "create roles:rbac.authorization.k8s.io"]),
        role("ClusterRole", "owner", &["get,list secrets"]),
        role("ClusterRole", "role-escalator", &["escalate roles:rbac.authorization.k8s.io free"]),
        binding("bank/owner", "Role/owner", &["User/ann"]),
        binding("bank/esc", "ClusterRole/role-escalator", &["User/ann"]),
    ]);
    assert_eq!(confers(&policy, "ann", &role("Role", "bank/r", &["get secrets"]), None), "may");
    assert_eq!(confers(&policy, "ann", &role("Role", "bank/r", &["get secrets a"]), None), "may");
    let refused =
        "ann may not write role r in namespace bank: it grants rights that ann does not have: delete, update on secrets (core)";
    assert_eq!(confers(&policy, "ann", &role("Role", "bank/r", &["get,delete,update secrets"]), None), refused);
    let refused = "ann may not write role r in namespace other: it grants rights that ann does not have: get on secrets (core)";
    assert_eq!(confers(&policy, "ann", &role("Role", "other/r", &["get secrets"]), None), refused);
    let refused = "ann may not write clusterrole r cluster-wide: it grants rights that ann does not have: get on secrets (core)";
    assert_eq!(confers(&policy, "ann", &role("ClusterRole", "r", &["get secrets"]), None), refused);
    // The verb `escalate`, for one role.
    assert_eq!(confers(&policy, "ann", &role("Role", "bank/free", &["* *:*"]), None), "may");
    // What garbage collection needs is nobody's escalation.
    let old = role("Role", "bank/r", &["delete secrets"]);
    let mut new = old.clone();
    new["metadata"]["finalizers"] = json!(["a/b"]);
    assert_eq!(confers(&policy, "ann", &new, Some(&old)), "may");
    let mut unreadable = role("Role", "bank/r", &["get secrets"]);
    unreadable["rules"][0]["until"] = json!("tomorrow");
    assert!(confers(&policy, "ann", &unreadable, None).contains("cannot be read"));
    let mut gathers = role("ClusterRole", "g", &[]);
    gathers["aggregationRule"] = json!({ "clusterRoleSelectors": [{ "matchLabels": { "a": "b" } }] });
    assert!(confers(&policy, "ann", &gathers, None).contains("* on * (*)"));
    assert!(confers(&policy, "ann", &role("ClusterRole", "g", &[]), Some(&gathers)).contains("* on * (*)"));
}

#[test]
fn nobody_binds_a_role_that_grants_more_than_they_have() {
    let policy = Policy::of(&[
        role(
            "ClusterRole",
            "role-grantor",
            &["create rolebindings:rbac.authorization.k8s.io", "bind clusterroles:rbac.authorization.k8s.io admin,edit,view"],
        ),
        binding("user-1-namespace/role-grantor", "ClusterRole/role-grantor", &["User/user-1"]),
        role("ClusterRole", "admin", &["* *:*", "get /metrics"]),
        role("ClusterRole", "cluster-admin", &["* *:*"]),
        role("ClusterRole", "paths", &["get /metrics"]),
        role("Role", "user-1-namespace/grant", &["create rolebindings:rbac.authorization.k8s.io"]),
        role("Role", "user-1-namespace/secrets", &["get secrets"]),
    ]);
    let bind = |place: &str, role: &str| confers(&policy, "user-1", &binding(place, role, &["User/bob"]), None);
    assert_eq!(bind("user-1-namespace/b", "ClusterRole/admin"), "may");
    assert!(bind("other/b", "ClusterRole/admin").starts_with("user-1 may not write rolebinding b in namespace other"));
    assert!(bind("b", "ClusterRole/admin").starts_with("user-1 may not write clusterrolebinding b cluster-wide"));
    assert_eq!(bind("user-1-namespace/b", "Role/grant"), "may");
    assert!(bind("user-1-namespace/b", "Role/secrets").ends_with("get on secrets (core)"));
    assert!(bind("user-1-namespace/b", "Role/nowhere").contains("Role nowhere is not there in namespace user-1-namespace"));
    // In a namespace, a rule about paths grants nothing.
    assert_eq!(bind("user-1-namespace/b", "ClusterRole/paths"), "may");
    assert!(bind("b", "ClusterRole/paths").ends_with("get on /metrics"));
    let masters = groups(&["system:masters"]);
    policy.may_confer(&Who::new("x", &masters), &binding("b", "ClusterRole/nowhere", &["User/bob"]), None).unwrap();
}

fn account(place: &str, claims: &Value) -> Value {
    let (namespace, name) = place.split_once('/').unwrap();
    let annotations = json!({ "rbac.kargo.akuity.io/claims": claims.to_string() });
    json!({ "apiVersion": "v1", "kind": "ServiceAccount", "metadata": { "namespace": namespace, "name": name, "annotations": annotations } })
}

#[test]
fn claims_lend_the_rights_of_accounts_where_these_count() {
    let promote = &[&*format!("promote {STAGES}")];
    let policy = Policy::of(&[
        account("bank/kargo-promoter", &json!({ "groups": ["payments"] })),
        account("kargo/kargo-admin", &json!({ "groups": ["platform"] })),
        role("ClusterRole", "promoter", promote),
        role("ClusterRole", "projects", &["delete projects:kargo.akuity.io bank"]),
        binding("bank/p", "ClusterRole/promoter", &["ServiceAccount/bank:kargo-promoter"]),
        // Bound elsewhere too, yet a project's account counts in its project alone.
        binding("shop/p", "ClusterRole/promoter", &["ServiceAccount/bank:kargo-promoter"]),
        binding("projects", "ClusterRole/projects", &["ServiceAccount/bank:kargo-promoter"]),
        binding("everywhere", "ClusterRole/promoter", &["ServiceAccount/kargo:kargo-admin"]),
    ]);
    let may = |group: &str, verb: &str, resource: &str, namespace: &str, name: &str| {
        let accounts = policy.accounts_of(&Claims::of_token(&json!({ "groups": [group] })));
        let who = Who::new("oidc:carl", &[]).with_accounts(&accounts);
        let asked = Attributes::resource(who, verb, "kargo.akuity.io", resource).within(namespace).named(name);
        assert_eq!(policy.allows(&asked), policy.decide(&asked).is_allowed());
        policy.decide(&asked)
    };
    assert_eq!(
        may("payments", "promote", "stages", "bank", "qa").reason(),
        "allowed by RoleBinding bank/p of ClusterRole promoter to service account bank/kargo-promoter, which the caller's claims lead to"
    );
    assert!(!may("payments", "promote", "stages", "shop", "qa").is_allowed());
    assert!(may("payments", "delete", "projects", "", "bank").is_allowed());
    assert!(!may("payments", "delete", "projects", "", "shop").is_allowed());
    assert!(may("platform", "promote", "stages", "shop", "qa").is_allowed());
    assert!(!may("strangers", "promote", "stages", "bank", "qa").is_allowed());
}

#[test]
fn nobody_leads_claims_to_an_account_that_has_more_than_they() {
    let policy = Policy::of(&[
        role("ClusterRole", "promoter", &[&format!("promote {STAGES}")]),
        binding("bank/ci", "ClusterRole/promoter", &["ServiceAccount/bank:ci"]),
        binding("bank/ann", "ClusterRole/promoter", &["User/ann"]),
        binding("shop/global", "ClusterRole/promoter", &["ServiceAccount/kargo:global"]),
    ]);
    let claims = json!({ "groups": ["all"] });
    assert_eq!(confers(&policy, "ann", &account("bank/ci", &claims), None), "may");
    let refused = "may not lead claims to serviceaccount bank/ci in namespace bank: it grants rights that eve does not have";
    assert!(confers(&policy, "eve", &account("bank/ci", &claims), None).contains(refused));
    assert!(confers(&policy, "ann", &account("kargo/global", &claims), None).contains("in namespace shop"));
    assert_eq!(confers(&policy, "eve", &account("bank/ci", &claims), Some(&account("bank/ci", &claims))), "may");
    assert_eq!(confers(&policy, "eve", &account("bank/ci", &json!({})), Some(&account("bank/ci", &claims))), "may");
}

#[test]
fn an_admin_by_claim_leads_others_to_what_they_are() {
    let leads = |group: &str| json!({ "groups": [group] });
    let projects = &["delete projects:kargo.akuity.io bank"];
    let policy = Policy::of(&[
        account("bank/admin", &leads("payments")),
        account("shop/admin", &leads("payments")),
        role("ClusterRole", "admin", &[&format!("promote {STAGES}")]),
        role("ClusterRole", "bank", projects),
        role("ClusterRole", "everywhere", &[&format!("promote {STAGES}"), "get secrets"]),
        binding("bank/admin", "ClusterRole/admin", &["ServiceAccount/bank:admin", "ServiceAccount/bank:strong"]),
        binding("bank", "ClusterRole/bank", &["ServiceAccount/bank:admin"]),
        binding("shop/admin", "ClusterRole/admin", &["ServiceAccount/shop:admin"]),
        binding("strong", "ClusterRole/everywhere", &["ServiceAccount/bank:strong", "ServiceAccount/kargo:global"]),
    ]);
    let accounts = policy.accounts_of(&Claims::of_token(&leads("payments")));
    let carl = Who::new("oidc:carl", &[]).with_accounts(&accounts);
    let lead = |place: &str| policy.may_confer(&carl, &account(place, &leads("all")), None).map_err(|denied| denied.message);
    assert_eq!(lead("bank/admin"), Ok(()));
    // Neither to one that has more, nor to one whose rights count everywhere.
    assert!(lead("bank/strong").unwrap_err().contains("get on secrets"));
    assert!(lead("kargo/global").unwrap_err().contains("promote on stages"));
    // What is theirs in one project is not in another.
    let shop = account("shop/other", &leads("all"));
    let mut policy = policy.clone();
    policy.apply(&binding("shop-other", "ClusterRole/bank", &["ServiceAccount/shop:other"]));
    assert!(policy.may_confer(&carl, &shop, None).is_err());
}

#[test]
fn acting_as_another_needs_the_verb_for_every_part() {
    let policy = Policy::of(&[
        role(
            "ClusterRole",
            "users",
            &[
                "impersonate users user:bob",
                "impersonate groups devs",
                "impersonate userextras/scopes:authentication.k8s.io view",
            ],
        ),
        role("ClusterRole", "all", &["impersonate users,groups,serviceaccounts"]),
        role("ClusterRole", "everything", &["* *:*"]),
        binding("a", "ClusterRole/users", &["User/ann"]),
        binding("b", "ClusterRole/all", &["User/zoe"]),
        binding("bank/c", "ClusterRole/all", &["User/max"]),
    ]);
    let acts = |who: &str, user: &str, groups: &[&str], extra: &[(&str, &str)]| {
        let extra = extra.iter().map(|(key, value)| ((*key).to_owned(), vec![(*value).to_owned()])).collect();
        let wish = Impersonation { user: user.into(), uid: String::new(), groups: self::groups(groups), extra };
        policy.impersonate(&Who::new(who, &[]), &wish).map_or_else(|denied| denied.message, |acting| acting.groups.join(" "))
    };
    assert_eq!(acts("ann", "user:bob", &[], &[]), "system:authenticated");
    assert_eq!(acts("ann", "user:bob", &["devs"], &[]), "devs system:authenticated");
    assert_eq!(acts("ann", "user:bob", &[], &[("scopes", "view")]), "system:authenticated");
    assert!(acts("ann", "user:bob", &[], &[("scopes", "edit")]).contains("for view alone"));
    assert_eq!(
        acts("ann", "user:eve", &[], &[]),
        "ann may not impersonate users user:eve: ann has the verb impersonate on users (core) for user:bob alone"
    );
    assert!(acts("ann", "user:bob", &["ops"], &[]).starts_with("ann may not impersonate groups ops"));
    assert!(acts("eve", "user:bob", &[], &[]).starts_with("eve may not impersonate users user:bob"));
    assert!(acts("ann", "", &["devs"], &[]).contains("without a user"));
    // An account is impersonated in its namespace, and is in its groups.
    assert_eq!(
        acts("max", "system:serviceaccount:bank:ci", &[], &[]),
        "system:serviceaccounts system:serviceaccounts:bank system:authenticated"
    );
    assert!(
        acts("max", "system:serviceaccount:shop:ci", &[], &[])
            .contains("may not impersonate serviceaccounts ci in namespace shop")
    );
    assert_eq!(acts("zoe", "system:anonymous", &[], &[]), "system:unauthenticated");
    // Nobody becomes what may do everything, or a controller of ours, by this verb.
    let refused =
        "zoe may not become a member of system:masters cluster-wide: it grants rights that zoe does not have: * on *; * on * (*)";
    assert_eq!(acts("zoe", "user:bob", &["system:masters"], &[]), refused);
    assert!(acts("zoe", "system:serviceaccount:seaway:stages", &[], &[]).contains("* on * (*)"));
}
