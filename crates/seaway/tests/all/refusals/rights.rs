//! What the door refuses to who is let in: acting as another, names that are ours, and rights beyond one's own.

use super::{House, SESSION, TOKENS, refused};
use crate::bank::{Bank, KARGO};
use serde_json::{Value, json};

#[test]
fn acting_as_another_without_the_verb() {
    let house = House::start();
    let token = house.bank.token(&house.cookie).1;
    let whom = [
        [("Impersonate-User", "admin")],
        [("Impersonate-User", "user:bob")],
        [("Impersonate-User", "system:serviceaccount:seaway:identity")],
        [("Impersonate-Group", "system:masters")],
        [("Impersonate-Uid", "1")],
        [("Impersonate-Extra-Scopes", "all")],
        [("impersonate-user", "admin")],
    ];
    let bearer = format!("Bearer {token}");
    for header in whom {
        for own in [("Authorization", &*bearer), ("Cookie", &*house.cookie)] {
            let headers = [header[0], own];
            let answer = house.bank.door.ask("GET", "/api/v1/namespaces/seaway/secrets", &headers, "");
            assert_eq!(answer.status, 403, "{headers:?}: {}", answer.body);
            // The session is anybody's to see: only the lacking verb refuses it.
            let answer = house.bank.door.ask("GET", SESSION, &headers, "");
            refused(&answer, 403, "not-authorised");
            assert!(answer.body.contains("impersonate"), "{headers:?}: {}", answer.body);
        }
        let answer = house.bank.door.ask("GET", "/api/v1/namespaces/seaway/secrets", &header, "");
        assert_eq!(answer.status, 401, "{header:?}: {}", answer.body);
    }
    let masters = [("Impersonate-User", "user:bob"), ("Impersonate-Group", "system:masters"), ("Authorization", &*bearer)];
    assert_eq!(house.bank.door.ask("GET", "/api/v1/namespaces", &masters, "").status, 403);
}

#[test]
fn an_owner_who_acts_as_another_and_wants_more_than_theirs() {
    let bank = Bank::open();
    let bearer = format!("Bearer {}", bank.owner);
    let as_eve = [("Authorization", &*bearer), ("Impersonate-User", "user:eve")];
    let ask = |method: &str, path: &str, body: Value, word: &str| {
        let answer = bank.door.ask(method, path, &as_eve, &body.to_string());
        assert!(answer.status == 403 && answer.body.contains(word), "{method} {path}: {} {}", answer.status, answer.body);
    };
    let n_promotions = || bank.as_owner("GET", &format!("{KARGO}/promotions"), "").json()["items"].as_array().unwrap().len();
    let before = n_promotions();
    assert_eq!(bank.door.ask("GET", SESSION, &as_eve, "").json()["user"], "user:eve");
    ask("POST", "/seaway/v1/projects/bank/promotions", json!({"stage": "qa", "freight": "1.5.0"}), "eve may not");
    ask("GET", "/metrics", json!({}), "eve may not");
    ask("POST", "/seaway/v1/links", json!({}), "acts as another");
    ask("POST", TOKENS, json!({"name": "x"}), "acts as another");
    assert_eq!(n_promotions(), before);
    // So does a kubeconfig with `as:`.
    let path = bank.plane.data().join("kubeconfig");
    let text = std::fs::read_to_string(&path).unwrap();
    let mut kubeconfig: Value = serde_json::from_str(&text).unwrap();
    kubeconfig["users"][0]["user"]["as"] = "user:eve".into();
    let own = path.with_file_name("as-eve");
    std::fs::write(&own, kubeconfig.to_string()).unwrap();
    let own = own.to_str().unwrap();
    let said = bank.plane.run(&["--kubeconfig", own, "token", "create", "x", "--expires", "1d"]);
    assert!(said.code != 0 && said.out.is_empty() && said.err.contains("acts as another"), "{} {}", said.out, said.err);
    let listed = bank.as_owner("GET", TOKENS, "").json();
    assert_eq!(listed["items"], json!([]), "{listed}");
}

#[test]
fn a_user_or_group_that_is_called_as_ours_are() {
    let house = House::start();
    let add = |name: &str, groups: Value| {
        let body = json!({"name": name, "password": "a long enough password", "groups": groups}).to_string();
        house.bank.as_owner("POST", "/seaway/v1/users", &body)
    };
    for name in [
        "system:admin",
        "system:serviceaccount:seaway:identity",
        "user:bob",
        "oidc:bob",
        "",
        "a b",
        "bob/x",
        "../bob",
        "bob\u{200b}",
        "SYSTEM:x",
    ] {
        refused(&add(name, json!([])), 422, "invalid");
    }
    for group in ["system:masters", "system:authenticated", "system:", "oidc:devops", " system:masters", "", "a\nb"] {
        refused(&add("carl", json!([group])), 422, "invalid");
    }
    let said = house.bank.plane.run(&["user", "add", "carl", "--group", "system:masters", "--generate"]);
    assert!(said.code != 0 && said.err.contains("system:") && said.err.contains("hint: "), "{}", said.err);
    assert_eq!(house.bank.plane.ok(&["user", "list", "-o", "name"]), "bob\n");
}

#[test]
fn a_role_that_grants_more_than_its_writer_has() {
    let bank = Bank::open();
    let admin = bank.account("bank", "kargo-admin");
    let rbac = "/apis/rbac.authorization.k8s.io/v1";
    let (roles, bindings) = (format!("{rbac}/namespaces/bank/roles"), format!("{rbac}/namespaces/bank/rolebindings"));
    let role = |name: &str, group: &str, resource: &str, verb: &str| {
        json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": name},
            "rules": [{"apiGroups": [group], "resources": [resource], "verbs": [verb]}]})
        .to_string()
    };
    let bind = |kind: &str, to: &str| {
        json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": "more"},
            "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "user:bob"}],
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": to}})
        .to_string()
    };
    let ask = |token: &str, method: &str, path: &str, body: &str, code: u16, said: &str| {
        let answer = bank.door.as_bearer(token, method, path, body);
        assert!(answer.status == code && answer.body.contains(said), "{method} {path} {body}: {} {}", answer.status, answer.body);
    };
    ask(&admin, "POST", &roles, &role("own", "kargo.akuity.io", "stages", "promote"), 201, "own");
    ask(&admin, "POST", &roles, &role("more", "kargo.akuity.io", "promotions", "update"), 403, "update on promotions");
    ask(&admin, "POST", &roles, &role("all", "*", "*", "*"), 403, "grants rights");
    ask(&admin, "PUT", &format!("{roles}/own"), &role("own", "kargo.akuity.io", "promotions", "update"), 403, "grants rights");
    ask(&admin, "POST", &bindings, &bind("ClusterRole", "cluster-admin"), 403, "grants rights");
    ask(&admin, "POST", &bindings, &bind("ClusterRole", "seaway-controller"), 403, "grants rights");
    ask(&bank.owner, "POST", &roles, &role("more", "kargo.akuity.io", "promotions", "update"), 201, "more");
    ask(&admin, "POST", &bindings, &bind("Role", "more"), 403, "update on promotions");
}

#[test]
fn a_narrow_token_that_gives_rights_on() {
    let bank = Bank::open();
    let made = bank.plane.ok(&["token", "create", "narrow", "-p", "bank", "--expires", "1d", "-o", "json"]);
    let narrow = serde_json::from_str::<Value>(&made).unwrap()["token"].as_str().unwrap().to_owned();
    let role = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": "x"},
        "rules": [{"apiGroups": ["kargo.akuity.io"], "resources": ["stages"], "verbs": ["get"]}]});
    let ask_token = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}});
    for (path, body) in [
        ("/apis/rbac.authorization.k8s.io/v1/namespaces/bank/roles", role),
        (TOKENS, json!({"name": "x"})),
        ("/seaway/v1/links", json!({})),
        ("/seaway/v1/users", json!({"name": "x", "password": "a long enough password"})),
        ("/api/v1/namespaces/bank/serviceaccounts/kargo-admin/token", ask_token),
    ] {
        let answer = bank.door.as_bearer(&narrow, "POST", path, &body.to_string());
        assert!(answer.status == 403 && answer.body.contains("scope"), "{path}: {} {}", answer.status, answer.body);
    }
    assert_eq!(bank.door.as_bearer(&narrow, "GET", &format!("{KARGO}/stages/qa"), "").status, 200);
}
