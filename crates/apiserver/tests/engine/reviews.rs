//! Questions about rights and identities, and tokens of service accounts.

use crate::bank::{Bank, who};
use jiff::Timestamp;
use seaway_apiserver::{Identity, Issued, Later, TokenAsk, TokenRefused, Tokens};
use seaway_base::Secret;
use serde_json::{Value, json};
use std::sync::Arc;

const AUTHORIZATION: &str = "/apis/authorization.k8s.io/v1";
const AUTHENTICATION: &str = "/apis/authentication.k8s.io/v1";

fn on(verb: &str, resource: &str, name: &str) -> Value {
    json!({"verb": verb, "group": "kargo.akuity.io", "resource": resource, "namespace": "bank", "name": name})
}

#[tokio::test]
async fn everybody_may_ask_about_themselves() {
    let bank = Bank::open().await;
    let (may, rules) = (format!("{AUTHORIZATION}/selfsubjectaccessreviews"), format!("{AUTHORIZATION}/selfsubjectrulesreviews"));
    let ask = |verb: &str, name: &str| json!({"spec": {"resourceAttributes": on(verb, "stages", name)}});
    bank.check(
        "alice",
        "POST",
        &may,
        ask("promote", "qa"),
        201,
        r#""allowed":true,"reason":"allowed by RoleBinding bank/alice-early of Role early""#,
    )
    .await;
    bank.check("alice", "POST", &may, ask("promote", "prod"), 201, r#""allowed":false"#).await;
    let path = json!({"spec": {"nonResourceAttributes": {"verb": "get", "path": "/apis"}}});
    bank.check("mallory", "POST", &may, path, 201, r#""allowed":true"#).await;
    bank.check("eve", "POST", &may, json!({"spec": {}}), 400, "exactly one of").await;
    bank.check("alice", "POST", &rules, json!({"spec": {"namespace": "bank"}}), 201, r#""resourceNames":["qa"]"#).await;
    bank.check("alice", "POST", &rules, json!({"spec": {}}), 400, "spec.namespace").await;
    let me = format!("{AUTHENTICATION}/selfsubjectreviews");
    bank.check("alice", "POST", &me, json!({}), 201, r#"{"username":"user:alice","groups":["system:authenticated"]}"#).await;
    bank.check("alice", "GET", &me, Value::Null, 403, "").await;
    bank.check("admin", "GET", &me, Value::Null, 405, "").await;
}

#[tokio::test]
async fn asking_about_another_needs_a_right() {
    let bank = Bank::open().await;
    let (cluster, local) =
        (format!("{AUTHORIZATION}/subjectaccessreviews"), format!("{AUTHORIZATION}/namespaces/bank/localsubjectaccessreviews"));
    let ask = |user: &str, verb: &str| json!({"spec": {"user": user, "resourceAttributes": on(verb, "stages", "prod")}});
    bank.check("eve", "POST", &cluster, ask("user:bob", "promote"), 403, "create on subjectaccessreviews").await;
    bank.check("admin", "POST", &cluster, ask("user:bob", "promote"), 201, r#""allowed":true"#).await;
    bank.check("admin", "POST", &cluster, ask("user:eve", "promote"), 201, r#""allowed":false"#).await;
    bank.check("admin", "POST", &local, ask("user:bob", "promote"), 201, r#""allowed":true"#).await;
    bank.check("eve", "POST", &local, ask("user:bob", "promote"), 403, "localsubjectaccessreviews").await;
    let elsewhere =
        json!({"spec": {"user": "x", "resourceAttributes": {"verb": "get", "resource": "pods", "namespace": "shop"}}});
    bank.check("admin", "POST", &local, elsewhere, 400, "the review is of namespace `bank`").await;
}

/// Tokens that say whose they are.
struct Plain;

impl Tokens for Plain {
    fn issue(&self, ask: TokenAsk) -> Later<'_, Result<Issued, TokenRefused>> {
        let token = Secret::new(format!("token-of {} for {:?}", ask.account, ask.lasts));
        Box::pin(async move { Ok(Issued { token, expires_at: Timestamp::UNIX_EPOCH, audiences: ask.audiences }) })
    }

    fn review(&self, token: &str, audiences: &[String]) -> Option<Identity> {
        let account = token.strip_prefix("token-of ")?.split(' ').next()?;
        let (namespace, name) = account.split_once('/')?;
        audiences.is_empty().then(|| Identity::service_account(namespace, name))
    }
}

#[tokio::test]
async fn tokens_of_accounts_are_for_who_may_have_them() {
    let bank = Bank::open().await;
    bank.bind("ann", "kargo-admin").await;
    let path = "/api/v1/namespaces/bank/serviceaccounts/kargo-viewer/token";
    bank.check("ann", "POST", path, json!({}), 400, "makes no tokens").await;
    bank.harbour.api.serve_tokens(Arc::new(Plain));
    bank.check("bob", "POST", path, json!({}), 403, "the verb create on serviceaccounts/token").await;
    bank.check("ann", "POST", path, json!({}), 201, "token-of bank/kargo-viewer for 3600s").await;
    bank.check("ann", "POST", path, json!({"spec": {"expirationSeconds": 900}}), 201, "for 900s").await;
    bank.check("ann", "POST", path, json!({"spec": {"expirationSeconds": 9}}), 400, "from 600 to").await;
    bank.check(
        "ann",
        "POST",
        path,
        json!({"spec": {"boundObjectRef": {"kind": "Pod", "apiVersion": "v1", "name": "p"}}}),
        400,
        "Secret",
    )
    .await;
    bank.check(
        "ann",
        "POST",
        path,
        json!({"spec": {"boundObjectRef": {"kind": "Secret", "apiVersion": "v1", "name": "p"}}}),
        404,
        "p",
    )
    .await;
    bank.check("ann", "POST", "/api/v1/namespaces/bank/serviceaccounts/nope/token", json!({}), 404, "nope").await;
    bank.check("ann", "GET", path, Value::Null, 403, "").await;
    bank.check("admin", "GET", path, Value::Null, 405, "").await;
    // One of our controllers can do what no role grants: only who has every right becomes one.
    bank.make("/api/v1/namespaces/seaway/serviceaccounts", json!({"metadata": {"name": "stages"}})).await;
    let ours = "/api/v1/namespaces/seaway/serviceaccounts/stages/token";
    let rule = json!({"apiGroups": [""], "resources": ["serviceaccounts/token"], "verbs": ["create"]});
    bank.make("/apis/rbac.authorization.k8s.io/v1/namespaces/seaway/roles", json!({"metadata": {"name": "t"}, "rules": [rule]}))
        .await;
    let subjects = json!([{"kind": "User", "name": "user:ann"}]);
    bank.make(
        "/apis/rbac.authorization.k8s.io/v1/namespaces/seaway/rolebindings",
        json!({"metadata": {"name": "t"}, "subjects": subjects, "roleRef": {"kind": "Role", "name": "t"}}),
    )
    .await;
    bank.check("ann", "POST", ours, json!({}), 403, "become service account seaway/stages").await;
    bank.check("admin", "POST", ours, json!({}), 201, "token-of seaway/stages").await;
    // Users, sessions and keys are Secrets there: whoever writes one becomes anybody.
    let rule = json!({"apiGroups": [""], "resources": ["secrets"], "verbs": ["*"]});
    bank.make("/apis/rbac.authorization.k8s.io/v1/clusterroles", json!({"metadata": {"name": "keys"}, "rules": [rule]})).await;
    bank.make(
        "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
        json!({"metadata": {"name": "keys"}, "subjects": [{"kind": "User", "name": "user:ann"}],
        "roleRef": {"kind": "ClusterRole", "name": "keys"}}),
    )
    .await;
    let secret = || json!({"metadata": {"name": "forged", "labels": {"seaway.dev/identity": "session"}}});
    bank.check("ann", "POST", "/api/v1/namespaces/default/secrets", secret(), 201, "").await;
    bank.check("ann", "POST", "/api/v1/namespaces/seaway/secrets", secret(), 403, "ann may not write secret forged").await;
    bank.check("seaway/identity", "POST", "/api/v1/namespaces/seaway/secrets", secret(), 201, "").await;
    let review = format!("{AUTHENTICATION}/tokenreviews");
    let ask = |token: &str| json!({"spec": {"token": token}});
    bank.check("bob", "POST", &review, ask("x"), 403, "create on tokenreviews").await;
    bank.check(
        "admin",
        "POST",
        &review,
        ask("token-of bank/ci x"),
        201,
        r#""authenticated":true,"user":{"username":"system:serviceaccount:bank:ci""#,
    )
    .await;
    bank.check("admin", "POST", &review, ask("nonsense"), 201, r#""authenticated":false"#).await;
    assert_eq!(who("bank/ci"), Plain.review("token-of bank/ci x", &[]).unwrap());
}
