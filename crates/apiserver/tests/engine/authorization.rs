//! Who may do what, on the router itself: a line a case. Every refusal names the right that is lacking.

use crate::bank::{Bank, KARGO, RBAC, who};
use futures::StreamExt as _;
use kube::api::{Api, DynamicObject, WatchEvent, WatchParams};
use kube::core::{ApiResource, GroupVersionKind};
use seaway_apiserver::{Identity, Lease};
use seaway_core::authorize::{Claims, Scope};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::timeout;

fn refresh() -> Value {
    json!({"metadata": {"annotations": {"kargo.akuity.io/refresh": "now"}}})
}

fn promotion(stage: &str, freight: &str) -> Value {
    json!({"metadata": {"name": "any"}, "spec": {"stage": stage, "freight": freight}})
}

#[tokio::test]
async fn a_viewer_reads_and_nothing_else() {
    let bank = Bank::open().await;
    let (stages, none) = (format!("{KARGO}/stages"), Value::Null);
    bank.check("eve", "GET", &stages, none.clone(), 200, "prod").await;
    bank.check("eve", "GET", &format!("{stages}/qa"), none.clone(), 200, "qa").await;
    bank.check("eve", "GET", &format!("{stages}?fieldSelector=metadata.name%3Dqa"), none.clone(), 200, "qa").await;
    let lacking = "stages.kargo.akuity.io is forbidden: eve may not list stages cluster-wide: no role gives eve the verb list on stages (kargo.akuity.io)";
    bank.check("eve", "GET", "/apis/kargo.akuity.io/v1alpha1/stages", none.clone(), 403, lacking).await;
    let secrets =
        "secrets is forbidden: eve may not list secrets in namespace bank: no role gives eve the verb list on secrets (core)";
    bank.check("eve", "GET", "/api/v1/namespaces/bank/secrets", none.clone(), 403, secrets).await;
    bank.check("eve", "GET", "/api/v1/namespaces/bank/secrets/x", none.clone(), 403, "verb get on secrets (core)").await;
    bank.check("eve", "POST", &stages, json!({"metadata": {"name": "x"}}), 403, "the verb create on stages").await;
    bank.check("eve", "DELETE", &format!("{stages}/qa"), none.clone(), 403, "the verb delete on stages").await;
    bank.check("eve", "DELETE", &stages, none.clone(), 403, "the verb deletecollection on stages").await;
    bank.check("eve", "PUT", &format!("{stages}/qa"), json!({}), 403, "the verb update on stages").await;
    let spec = json!({"spec": {"shard": "x"}});
    bank.check("eve", "PATCH", &format!("{stages}/qa"), spec.clone(), 403, "the verb patch on stages").await;
    bank.check("eve", "PATCH", &format!("{stages}/nope"), spec.clone(), 403, "the verb patch on stages").await;
    bank.check("eve", "PATCH", &format!("{stages}/qa/status"), json!({"status": {}}), 403, "patch on stages/status").await;
    bank.check("eve", "PATCH", &format!("{stages}/qa?fieldManager=x"), json!({}), 403, "the verb patch on stages").await;
    // Somebody without a role does not even learn what is there.
    bank.check("mallory", "GET", &format!("{stages}/nope"), none.clone(), 403, "the verb get on stages").await;
    bank.check("mallory", "GET", "/apis", none.clone(), 200, "kargo.akuity.io").await;
    bank.check("mallory", "GET", "/openapi/v3", none.clone(), 200, "paths").await;
    bank.check("mallory", "GET", "/", none.clone(), 403, "the verb get on the path /").await;
    bank.check("admin", "GET", "/", none.clone(), 200, "paths").await;
    bank.check("admin", "GET", "/api/v1/namespaces/bank/finalize", none, 405, "").await;
}

#[tokio::test]
async fn a_promotion_needs_promote_on_its_stage() {
    let bank = Bank::open().await;
    let (promotions, freight) = (format!("{KARGO}/promotions"), bank.freight.as_str());
    bank.check("eve", "POST", &promotions, promotion("qa", freight), 403, "no role gives eve the verb create on promotions")
        .await;
    bank.check("alice", "POST", &promotions, promotion("qa", freight), 201, "user:alice").await;
    let approved = json!({"status": {"approvedFor": {"prod": {"approvedAt": "2026-03-01T12:00:00Z"}}}});
    let status = format!("{KARGO}/freights/{freight}/status");
    let lacking = "alice has the verb promote on stages (kargo.akuity.io) for qa alone; it is needed to approve freight";
    bank.check("alice", "PATCH", &status, approved.clone(), 403, lacking).await;
    bank.check("bob", "PATCH", &status, approved, 200, "prod").await;
    let lacking =
        "alice may not promote stages prod in project bank: alice has the verb promote on stages (kargo.akuity.io) for qa alone";
    bank.check("alice", "POST", &promotions, promotion("prod", freight), 403, lacking).await;
    bank.check("bob", "POST", &promotions, promotion("prod", freight), 201, "user:bob").await;
    let dry = format!("{promotions}?dryRun=All");
    bank.check("alice", "POST", &dry, promotion("prod", freight), 403, "promote").await;
}

#[tokio::test]
async fn marks_of_freight_belong_to_our_controllers() {
    let bank = Bank::open().await;
    let status = format!("{KARGO}/freights/{}/status", bank.freight);
    for field in ["verifiedIn", "currentlyIn", "metadata"] {
        let mark = json!({"status": {field: {"qa": {}}}});
        let said = format!("status.{field} of freight {} belongs to Seaway's controllers", bank.freight);
        bank.check("bob", "PATCH", &status, mark.clone(), 403, &said).await;
        bank.check("alice", "PATCH", &status, mark.clone(), 403, &said).await;
        bank.check("admin", "PATCH", &status, mark.clone(), 403, &said).await;
        bank.check("seaway/stages", "PATCH", &status, mark, 200, "qa").await;
    }
}

#[tokio::test]
async fn an_intent_needs_its_own_right_in_place_of_patch() {
    let bank = Bank::open().await;
    let warehouse = format!("{KARGO}/warehouses/w");
    let lacking = "eve may not refresh warehouses w in project bank: no role gives eve the verb refresh on warehouses (kargo.akuity.io); it is needed to refresh";
    bank.check("eve", "PATCH", &warehouse, refresh(), 403, lacking).await;
    bank.check("mallory", "PATCH", &warehouse, refresh(), 403, "the verb patch on warehouses").await;
    bank.check("bob", "PATCH", &warehouse, refresh(), 200, "now").await;
    let more = json!({"metadata": {"annotations": {"kargo.akuity.io/refresh": "again"}}, "spec": {"interval": "1h"}});
    bank.check("bob", "PATCH", &warehouse, more, 403, "the verb patch on warehouses").await;
    bank.check("bob", "PATCH", &warehouse, json!({}), 403, "the verb patch on warehouses").await;
    let promotion = bank.ask("bob", "POST", &format!("{KARGO}/promotions"), promotion("qa", &bank.freight)).await;
    let path = format!("{KARGO}/promotions/{}", promotion.body["metadata"]["name"].as_str().unwrap());
    let abort = json!({"metadata": {"annotations": {"kargo.akuity.io/abort": "terminate"}}});
    let lacking = "eve may not promote stages qa in project bank: no role gives eve the verb promote on stages (kargo.akuity.io); it is needed to abort";
    bank.check("eve", "PATCH", &path, abort.clone(), 403, lacking).await;
    bank.check("alice", "PATCH", &path, abort, 200, r#"\"actor\":\"user:alice\""#).await;
    bank.check("bob", "DELETE", &path, Value::Null, 403, "the verb delete on promotions").await;
}

#[tokio::test]
async fn nobody_gives_what_they_lack() {
    let bank = Bank::open().await;
    bank.bind("ann", "kargo-admin").await;
    let (roles, bindings) = (format!("{RBAC}/namespaces/bank/roles"), format!("{RBAC}/namespaces/bank/rolebindings"));
    let role = |name: &str, resource: &str, verb: &str| json!({"metadata": {"name": name}, "rules": [{"apiGroups": ["kargo.akuity.io"], "resources": [resource], "verbs": [verb]}]});
    bank.check("ann", "POST", &roles, role("mine", "stages", "promote"), 201, "mine").await;
    let lacking = "ann may not write role more in namespace bank: it grants rights that ann does not have: update on promotions";
    bank.check("ann", "POST", &roles, role("more", "promotions", "update"), 403, lacking).await;
    bank.check("ann", "PATCH", &format!("{roles}/mine"), role("mine", "promotions", "*"), 403, "it grants rights").await;
    bank.check("admin", "POST", &roles, role("more", "promotions", "update"), 201, "more").await;
    let bind = |role: &str, kind: &str| json!({"metadata": {"generateName": "b-"}, "subjects": [{"kind": "User", "name": "user:x"}], "roleRef": {"kind": kind, "name": role}});
    bank.check("ann", "POST", &bindings, bind("mine", "Role"), 201, "mine").await;
    bank.check("ann", "POST", &bindings, bind("more", "Role"), 403, "update on promotions").await;
    bank.check("ann", "POST", &bindings, bind("cluster-admin", "ClusterRole"), 403, "it grants rights").await;
    bank.check("ann", "POST", &bindings, bind("nope", "Role"), 403, "Role nope is not there").await;
    bank.check("ann", "POST", &format!("{RBAC}/clusterrolebindings"), bind("cluster-admin", "ClusterRole"), 403, "create on")
        .await;
    let account =
        |name: &str| json!({"metadata": {"name": name, "annotations": {"rbac.kargo.akuity.io/claims": r#"{"email":"x"}"#}}});
    let accounts = "/api/v1/namespaces/bank/serviceaccounts";
    bank.check("ann", "POST", accounts, account("free"), 201, "free").await;
    bank.make(
        &bindings,
        json!({"metadata": {"name": "s"}, "subjects": [{"kind": "ServiceAccount", "namespace": "bank", "name": "strong"}],
        "roleRef": {"kind": "Role", "name": "more"}}),
    )
    .await;
    bank.check("ann", "POST", accounts, account("strong"), 403, "lead claims to serviceaccount bank/strong").await;
    // What it says is checked too.
    bank.check("admin", "POST", &roles, json!({"metadata": {"name": "r"}, "rules": [{"verbs": ["get"]}]}), 422, "apiGroups")
        .await;
    let other = json!({"roleRef": {"kind": "Role", "name": "kargo-viewer"}});
    bank.check("admin", "PATCH", &format!("{bindings}/bob-kargo-promoter"), other, 422, "a binding keeps its role").await;
}

#[tokio::test]
async fn a_change_of_rights_is_in_force_for_the_next_request() {
    let bank = Bank::open().await;
    let secrets = "/api/v1/namespaces/bank/secrets";
    let (role, binding) = (format!("{RBAC}/namespaces/bank/roles/keys"), format!("{RBAC}/namespaces/bank/rolebindings/eve-keys"));
    let rules = |verb: &str| json!({"metadata": {"name": "keys"}, "rules": [{"apiGroups": [""], "resources": ["secrets"], "verbs": [verb]}]});
    bank.bind("eve", "keys").await;
    let said = "RoleBinding bank/eve-keys grants Role keys, which is not there";
    bank.check("eve", "GET", secrets, Value::Null, 403, said).await;
    for _ in 0..20 {
        bank.make(&format!("{RBAC}/namespaces/bank/roles"), rules("list")).await;
        bank.check("eve", "GET", secrets, Value::Null, 200, "items").await;
        bank.check("admin", "PATCH", &role, rules("get"), 200, "keys").await;
        bank.check("eve", "GET", secrets, Value::Null, 403, "the verb list on secrets").await;
        bank.check("admin", "DELETE", &role, Value::Null, 200, "").await;
    }
    bank.make(&format!("{RBAC}/namespaces/bank/roles"), rules("list")).await;
    bank.check("eve", "GET", secrets, Value::Null, 200, "items").await;
    bank.check("admin", "DELETE", &binding, Value::Null, 200, "").await;
    bank.check("eve", "GET", secrets, Value::Null, 403, "no role gives eve").await;
}

#[tokio::test]
async fn roles_that_gather_others_follow_them() {
    let bank = Bank::open().await;
    let cluster = format!("{RBAC}/clusterroles");
    let gathers = json!({"metadata": {"name": "all"}, "aggregationRule": {"clusterRoleSelectors": [{"matchLabels": {"to": "all"}}]}, "rules": []});
    bank.make(&cluster, gathers).await;
    let subjects = json!([{"kind": "Group", "name": "team"}]);
    bank.make(
        &format!("{RBAC}/clusterrolebindings"),
        json!({"metadata": {"name": "b"}, "subjects": subjects, "roleRef": {"kind": "ClusterRole", "name": "all"}}),
    )
    .await;
    let carl = || Identity::new("oidc:carl", &["team"]).unwrap();
    let get = async || bank.ask_as(carl(), "GET", "/apis/kargo.akuity.io/v1alpha1/stages", &[], Value::Null).await.code;
    assert_eq!(get().await, 403);
    let rule = json!({"apiGroups": ["kargo.akuity.io"], "resources": ["stages"], "verbs": ["list"]});
    bank.make(&cluster, json!({"metadata": {"name": "part", "labels": {"to": "all"}}, "rules": [rule]})).await;
    assert_eq!(get().await, 200);
}

#[tokio::test]
async fn claims_lead_to_accounts_and_a_scope_narrows() {
    let bank = Bank::open().await;
    let claims = Claims::of_token(&json!({"email": "carl@example.com", "groups": ["devops"]}));
    let carl = Identity::new("oidc:carl@example.com", &[]).unwrap().with_claims(claims, "email");
    let stage = format!("{KARGO}/stages/qa");
    assert_eq!(bank.ask_as(carl.clone(), "GET", &stage, &[], Value::Null).await.code, 403);
    let leads = json!({"metadata": {"annotations": {"rbac.kargo.akuity.io/claims": r#"{"groups":["devops"]}"#}}});
    bank.check("admin", "PATCH", "/api/v1/namespaces/bank/serviceaccounts/kargo-promoter", leads, 200, "").await;
    assert_eq!(bank.ask_as(carl.clone(), "GET", &stage, &[], Value::Null).await.code, 200);
    let made = bank.ask_as(carl.clone(), "POST", &format!("{KARGO}/promotions"), &[], promotion("qa", &bank.freight)).await;
    assert_eq!(made.body["metadata"]["annotations"]["kargo.akuity.io/create-actor"], "email:carl@example.com");
    let reads = Scope { projects: vec!["bank".to_owned()], verbs: vec!["get".to_owned()] };
    let narrowed = carl.with_scope(reads);
    assert_eq!(bank.ask_as(narrowed.clone(), "GET", &stage, &[], Value::Null).await.code, 200);
    let refused = bank.ask_as(narrowed.clone(), "GET", &format!("{KARGO}/stages"), &[], Value::Null).await;
    assert!(refused.message().contains("its scope has the verbs get alone"), "{}", refused.message());
    let master = who("admin").with_scope(Scope { projects: vec!["shop".to_owned()], verbs: vec![] });
    assert_eq!(bank.ask_as(master, "GET", &stage, &[], Value::Null).await.code, 403);
}

#[tokio::test]
async fn acting_as_another_needs_the_verb() {
    let bank = Bank::open().await;
    let stages = format!("{KARGO}/stages");
    let as_whom = async |name: &str, headers: &[(&str, &str)]| bank.ask_as(who(name), "GET", &stages, headers, Value::Null).await;
    assert_eq!(as_whom("admin", &[("Impersonate-User", "user:eve")]).await.code, 200);
    assert_eq!(as_whom("admin", &[("Impersonate-User", "user:mallory")]).await.code, 403);
    let refused = as_whom("bob", &[("Impersonate-User", "user:eve")]).await;
    assert!(refused.message().contains("the verb impersonate on users (core)"), "{}", refused.message());
    assert_eq!(as_whom("bob", &[("Impersonate-Group", "system:masters")]).await.code, 403);
    assert_eq!(as_whom("admin", &[("Impersonate-Group", "system:masters")]).await.code, 403);
    assert_eq!(as_whom("admin", &[("Impersonate-User", "")]).await.code, 403);
    assert_eq!(as_whom("admin", &[("Impersonate-Nobody", "x")]).await.code, 400);
    // Whoever may act as users is not yet a master or a controller.
    let rule = json!({"apiGroups": [""], "resources": ["users", "groups", "serviceaccounts"], "verbs": ["impersonate"]});
    bank.make(&format!("{RBAC}/clusterroles"), json!({"metadata": {"name": "act"}, "rules": [rule]})).await;
    let subjects = json!([{"kind": "User", "name": "user:bob"}]);
    bank.make(
        &format!("{RBAC}/clusterrolebindings"),
        json!({"metadata": {"name": "act"}, "subjects": subjects, "roleRef": {"kind": "ClusterRole", "name": "act"}}),
    )
    .await;
    assert_eq!(as_whom("bob", &[("Impersonate-User", "user:alice")]).await.code, 200);
    assert_eq!(as_whom("bob", &[("Impersonate-User", "x"), ("Impersonate-Group", "system:masters")]).await.code, 403);
    assert_eq!(as_whom("bob", &[("Impersonate-User", "system:serviceaccount:seaway:stages")]).await.code, 403);
}

fn stages(bank: &Bank, identity: Identity) -> Api<DynamicObject> {
    let gvk = GroupVersionKind::gvk("kargo.akuity.io", "v1alpha1", "Stage");
    Api::namespaced_with(bank.harbour.api.client(identity), "bank", &ApiResource::from_gvk_with_plural(&gvk, "stages"))
}

/// What a watch says after the first two stages, until it ends within the 5 s that it has.
async fn rest_of(
    mut watch: impl futures::Stream<Item = kube::Result<WatchEvent<DynamicObject>>> + Unpin,
    end: impl Future<Output = ()>,
) -> Vec<String> {
    for _ in 0..2 {
        let event = timeout(Duration::from_secs(5), watch.next()).await.unwrap().unwrap().unwrap();
        assert!(matches!(event, WatchEvent::Added(_)), "{event:?}");
    }
    end.await;
    let mut rest = Vec::new();
    while let Some(event) = timeout(Duration::from_secs(5), watch.next()).await.unwrap() {
        rest.push(match event {
            Ok(WatchEvent::Error(status)) => status.message,
            other => format!("{other:?}"),
        });
    }
    rest
}

#[tokio::test]
async fn a_watch_ends_with_its_lease_and_with_its_right() {
    let bank = Bank::open().await;
    let (holder, lease) = Lease::new();
    let eve = who("eve").with_lease(lease);
    let watch = stages(&bank, eve.clone()).watch(&WatchParams::default(), "0").await.unwrap().boxed();
    assert_eq!(rest_of(watch, async { holder.end() }).await, Vec::<String>::new());
    assert_eq!(bank.ask_as(eve, "GET", &format!("{KARGO}/stages"), &[], Value::Null).await.code, 401);
    let watch = stages(&bank, who("eve")).watch(&WatchParams::default(), "0").await.unwrap().boxed();
    let binding = format!("{RBAC}/namespaces/bank/rolebindings/eve-kargo-viewer");
    let said = rest_of(watch, bank.check("admin", "DELETE", &binding, Value::Null, 200, "")).await;
    assert!(said.len() == 1 && said[0].contains("no role gives eve the verb watch on stages"), "{said:?}");
    // A change that takes nothing away leaves it open.
    let mut watch = stages(&bank, who("bob")).watch(&WatchParams::default(), "0").await.unwrap().boxed();
    bank.bind("frank", "kargo-viewer").await;
    bank.check("admin", "PATCH", &format!("{KARGO}/stages/qa"), refresh(), 200, "").await;
    let seen = async {
        loop {
            if matches!(watch.next().await.unwrap().unwrap(), WatchEvent::Modified(_)) {
                break;
            }
        }
    };
    timeout(Duration::from_secs(5), seen).await.unwrap();
}

#[tokio::test]
async fn one_who_holds_too_many_watches_is_refused_and_another_is_not() {
    let bank = Bank::open().await;
    bank.bind("eve2", "kargo-viewer").await;
    let mut held = Vec::new();
    let refused = loop {
        match stages(&bank, who("eve")).watch(&WatchParams::default(), "0").await {
            Ok(watch) => held.push(watch.boxed()),
            Err(err) => break err,
        }
    };
    assert!(
        matches!(&refused, kube::Error::Api(status) if status.code == 429 && status.reason == "TooManyRequests"),
        "{refused}"
    );
    assert_eq!(held.len(), 256);
    let watch = async |as_whom: Identity| stages(&bank, as_whom).watch(&WatchParams::default(), "0").await.map(|_| ());
    watch(who("eve2")).await.unwrap();
    watch(Identity::controller("stages")).await.unwrap();
    held.pop();
    watch(who("eve")).await.unwrap();
}

#[tokio::test]
async fn who_last_changed_what_an_object_says_is_written_down() {
    let bank = Bank::open().await;
    bank.bind("ann", "kargo-admin").await;
    let stage = format!("{KARGO}/stages/qa");
    let signed = async || {
        bank.ask("admin", "GET", &stage, Value::Null).await.body["metadata"]["annotations"]["seaway.dev/changed-by"].clone()
    };
    assert_eq!(signed().await, "kubernetes:admin");
    bank.check("ann", "PATCH", &stage, json!({"spec": {"shard": "x"}}), 200, "").await;
    assert_eq!(signed().await, "user:ann");
    // Metadata too: a label, a look that is asked for.
    bank.check("admin", "PATCH", &stage, json!({"metadata": {"labels": {"a": "b"}}}), 200, "").await;
    assert_eq!(signed().await, "kubernetes:admin");
    bank.check("bob", "PATCH", &stage, refresh(), 200, "").await;
    assert_eq!(signed().await, "user:bob");
    bank.check("ann", "PATCH", &stage, json!({"metadata": {"annotations": null}}), 200, "").await;
    assert_eq!(signed().await, "user:ann");
    // Neither a status, nor one of our controllers, nor a lie changes it, nor a write that says nothing new.
    let lie = json!({"metadata": {"annotations": {"seaway.dev/changed-by": "user:eve"}}});
    bank.check("admin", "PATCH", &stage, lie, 200, "").await;
    bank.check("admin", "PATCH", &stage, json!({"metadata": {"annotations": null}}), 200, "").await;
    bank.check("admin", "PATCH", &stage, json!({"metadata": {"labels": {"a": "b"}}}), 200, "").await;
    bank.check("seaway/stages", "PATCH", &stage, json!({"spec": {"shard": "y"}}), 200, "").await;
    bank.check("seaway/stages", "PATCH", &format!("{stage}/status"), json!({"status": {"observedGeneration": 3}}), 200, "").await;
    assert_eq!(signed().await, "user:ann");
    let role = bank.ask("admin", "GET", &format!("{RBAC}/namespaces/bank/roles/early"), Value::Null).await;
    assert_eq!(role.body["metadata"]["annotations"]["seaway.dev/changed-by"], "kubernetes:admin");
}

#[tokio::test]
async fn what_people_make_change_and_delete_is_told_with_who_did_it() {
    let bank = Bank::open().await;
    bank.bind("ann", "kargo-admin").await;
    let told = async |by: &str, place: &str| {
        let path = format!("/api/v1/namespaces/{place}/events");
        let events = bank.ask("admin", "GET", &path, Value::Null).await.body["items"].as_array().unwrap().clone();
        let text = |event: &Value, pointer: &str| event.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
        let by = |event: &&Value| text(event, "/metadata/annotations/event.kargo.akuity.io~1actor") == by;
        let mut lines: Vec<String> =
            events.iter().filter(by).map(|event| format!("{} {}", text(event, "/reason"), text(event, "/message"))).collect();
        lines.sort();
        lines
    };
    let n_batches = || bank.harbour.api.store().stats().n_batches;
    let (core, roles) = ("/api/v1/namespaces/bank".to_owned(), format!("{RBAC}/namespaces/bank/roles"));
    let before = n_batches();
    bank.check(
        "ann",
        "POST",
        &format!("{core}/secrets"),
        json!({"metadata": {"name": "s"}, "stringData": {"a": "hush"}}),
        201,
        "",
    )
    .await;
    bank.check("ann", "PATCH", &format!("{core}/secrets/s"), json!({"stringData": {"a": "hushed"}}), 200, "").await;
    bank.check("ann", "DELETE", &format!("{core}/secrets/s"), Value::Null, 200, "").await;
    let claims = json!({"metadata": {"annotations": {"rbac.kargo.akuity.io/claims": r#"{"email":"x"}"#}}});
    bank.check("ann", "PATCH", &format!("{core}/serviceaccounts/kargo-viewer"), claims.clone(), 200, "user:ann").await;
    bank.check("ann", "PATCH", &format!("{roles}/early"), json!({"metadata": {"labels": {"a": "b"}}}), 200, "user:ann").await;
    bank.check("ann", "DELETE", &format!("{roles}/early"), Value::Null, 200, "").await;
    bank.check("ann", "PATCH", &format!("{KARGO}/stages/qa"), refresh(), 200, "").await;
    assert_eq!(n_batches(), before + 7, "each in the commit of what it tells of");
    let expected = [
        "Changed user:ann changed role early: labels",
        "Changed user:ann changed secret s: data",
        "Changed user:ann changed serviceaccount kargo-viewer: annotations",
        "Changed user:ann changed stage qa: annotations",
        "Created user:ann created secret s",
        "Deleted user:ann deleted role early",
        "Deleted user:ann deleted secret s",
    ];
    assert_eq!(told("user:ann", "bank").await, expected);
    // What says nothing new, a dry run, a status, and our controllers make none.
    bank.check("ann", "PATCH", &format!("{core}/serviceaccounts/kargo-viewer"), claims, 200, "").await;
    bank.check("ann", "DELETE", &format!("{KARGO}/warehouses/w?dryRun=All"), Value::Null, 200, "").await;
    let approved = json!({"status": {"approvedFor": {"qa": {"approvedAt": "2026-03-01T12:00:00Z"}}}});
    bank.check("seaway/stages", "PATCH", &format!("{KARGO}/freights/{}/status", bank.freight), approved, 200, "").await;
    bank.check("seaway/stages", "PATCH", &format!("{KARGO}/stages/qa"), json!({"metadata": {"labels": {"c": "d"}}}), 200, "")
        .await;
    assert_eq!(told("user:ann", "bank").await, expected);
    assert_eq!(told("controller:stages", "bank").await, Vec::<String>::new());
    // What has no namespace, or one that goes, is told in `default`.
    bank.check("admin", "DELETE", "/apis/kargo.akuity.io/v1alpha1/projects/bank", Value::Null, 200, "").await;
    let expected = ["Created kubernetes:admin created project bank", "Deleted kubernetes:admin deleted project bank"];
    assert_eq!(told("kubernetes:admin", "default").await, expected);
}

#[tokio::test]
async fn whoever_makes_a_project_is_its_admin() {
    let bank = Bank::open().await;
    let subjects = json!([{"kind": "User", "name": "user:dora"}]);
    bank.make(&format!("{RBAC}/clusterrolebindings"), json!({"metadata": {"name": "makers"}, "subjects": subjects, "roleRef": {"kind": "ClusterRole", "name": "kargo-project-creator"}})).await;
    let projects = "/apis/kargo.akuity.io/v1alpha1/projects";
    bank.check("eve", "POST", projects, json!({"metadata": {"name": "shop"}}), 403, "the verb create on projects").await;
    bank.check("dora", "POST", projects, json!({"metadata": {"name": "shop"}}), 201, "user:dora").await;
    bank.check("dora", "GET", "/apis/kargo.akuity.io/v1alpha1/namespaces/shop/stages", Value::Null, 200, "items").await;
    bank.check("dora", "GET", &format!("{KARGO}/stages"), Value::Null, 403, "").await;
    bank.check("dora", "DELETE", &format!("{projects}/bank"), Value::Null, 403, "").await;
    bank.check("dora", "PATCH", &format!("{projects}/shop"), json!({"metadata": {"labels": {"a": "b"}}}), 200, "").await;
    for reserved in ["kargo", "seaway", "default", "kube-system"] {
        bank.check("admin", "POST", projects, json!({"metadata": {"name": reserved}}), 422, "choose another name").await;
    }
    // What is there already is not theirs to take.
    let theirs = json!({"metadata": {"name": "vault", "labels": {"kargo.akuity.io/project": "true"}}});
    bank.make("/api/v1/namespaces", theirs).await;
    let vault = json!({"metadata": {"name": "vault"}});
    bank.check("dora", "POST", projects, vault.clone(), 403, "dora may not update secrets in").await;
    bank.check("dora", "GET", "/api/v1/namespaces/vault/secrets", Value::Null, 403, "").await;
    bank.check("admin", "POST", projects, vault, 201, "vault").await;
}

#[tokio::test]
async fn default_roles_come_back_at_the_next_start() {
    let bank = Bank::open().await;
    let api = &bank.harbour.api;
    let before = api.store().stats().n_batches;
    drop(api.start().await.unwrap());
    assert_eq!(api.store().stats().n_batches, before, "nothing was missing");
    let (role, extra) =
        (format!("{RBAC}/clusterroles/kargo-user"), json!({"apiGroups": ["x"], "resources": ["y"], "verbs": ["get"]}));
    bank.check("admin", "PATCH", &role, json!({"rules": [extra]}), 200, "").await;
    bank.check("admin", "DELETE", &format!("{RBAC}/clusterroles/kargo-viewer"), Value::Null, 200, "").await;
    drop(api.start().await.unwrap());
    bank.check("admin", "GET", &role, Value::Null, 200, "clusterpromotiontasks").await;
    bank.check("admin", "GET", &role, Value::Null, 200, r#""x""#).await;
    bank.check("admin", "GET", &format!("{RBAC}/clusterroles/kargo-viewer"), Value::Null, 200, "promotionruns").await;
}
