//! A line a rule: a world, a write, and what becomes of it.

mod promotions;

use super::vector::Objects;
use super::*;
use serde_json::json;

const NOW: &str = "2026-03-01T12:00:00Z";

fn origin(name: &str) -> Value {
    json!({ "kind": "Warehouse", "name": name })
}

fn warehouse(subscriptions: Value) -> Value {
    json!({ "kind": "Warehouse", "metadata": { "name": "bank", "namespace": "bank" }, "spec": { "interval": "5m0s", "subscriptions": subscriptions } })
}

fn image(url: &str) -> Value {
    json!({ "image": { "repoURL": url } })
}

fn freight(name: &str, alias: &str, found: &str) -> Value {
    json!({
        "kind": "Freight", "metadata": { "name": name, "namespace": "bank" }, "alias": alias, "discoveredAt": found,
        "origin": origin("bank"), "images": [{ "repoURL": "ghcr.io/bank/fund-transfer", "tag": "1.5.0", "digest": "sha256:ab" }],
    })
}

fn stage(name: &str, sources: Value) -> Value {
    json!({
        "kind": "Stage", "metadata": { "name": name, "namespace": "bank", "uid": "u-1" },
        "spec": {
            "requestedFreight": [{ "origin": origin("bank"), "sources": sources }],
            "promotionTemplate": { "spec": { "steps": [{ "uses": "git-clone" }] } },
        },
    })
}

fn promotion(spec: Value) -> Value {
    json!({ "kind": "Promotion", "metadata": { "generateName": "x-", "namespace": "bank" }, "spec": spec })
}

/// The object with another value at a path of keys; missing maps are made.
fn with(mut object: Value, path: &str, value: Value) -> Value {
    let mut at = &mut object;
    for key in path.split('/') {
        at = match at {
            Value::Array(items) => &mut items[key.parse::<usize>().unwrap()],
            other => &mut other[key],
        };
    }
    *at = value;
    object
}

fn world(more: Vec<Value>) -> Objects {
    let mut all = vec![
        json!({ "kind": "Namespace", "metadata": { "name": "bank", "labels": { "kargo.akuity.io/project": "true" } } }),
        json!({ "kind": "Namespace", "metadata": { "name": "other" } }),
        warehouse(json!([image("ghcr.io/bank/fund-transfer")])),
        stage("qa", json!({ "direct": true })),
        stage("prod", json!({ "stages": ["qa"], "requiredSoakTime": "1h" })),
        freight("old", "calm-otter", "2026-02-01T00:00:00Z"),
        freight("new", "bold-heron", "2026-02-02T00:00:00Z"),
    ];
    all.extend(more);
    Objects(all.into_iter().map(Arc::new).collect())
}

fn ask<'a>(operation: Operation, old: Option<&'a Value>, new: Option<&'a Value>) -> Request<'a> {
    let object = new.or(old).unwrap();
    Request {
        operation,
        kind: object["kind"].as_str().unwrap(),
        subresource: None,
        namespace: object.pointer("/metadata/namespace").and_then(Value::as_str),
        new,
        old,
        actor: "kubernetes:alice",
        control_plane: false,
        cluster_admin: false,
        dry_run: false,
        now: NOW.parse().unwrap(),
        ulid: Ulid::from_parts(1_770_000_000_000, 1),
        random: 5,
    }
}

fn create(object: &Value, more: Vec<Value>) -> Result<Admitted, Denied> {
    admit(&ask(Operation::Create, None, Some(object)), &world(more))
}

fn update(old: &Value, new: &Value) -> Result<Admitted, Denied> {
    admit(&ask(Operation::Update, Some(old), Some(new)), &world(vec![]))
}

/// Creates the object; the answer is `ok`, or the code and words of the refusal.
#[track_caller]
fn check(object: &Value, expected: &str) {
    check_in(vec![], object, expected);
}

#[track_caller]
fn check_in(more: Vec<Value>, object: &Value, expected: &str) {
    said(create(object, more), expected);
}

#[track_caller]
fn check_update(old: &Value, new: &Value, expected: &str) {
    said(update(old, new), expected);
}

#[track_caller]
fn said(answer: Result<Admitted, Denied>, expected: &str) {
    let answer = answer.map_or_else(|d| format!("{} {}", d.code, d.message), |_| "ok".into());
    assert!(if expected == "ok" { answer == "ok" } else { answer.contains(expected) }, "{answer:?} is not {expected:?}");
}

#[test]
fn warehouses() {
    let with_subs = |subs: Value| warehouse(subs);
    check(&with_subs(json!([image("ghcr.io/bank/a"), image("ghcr.io/bank/b")])), "ok");
    check(
        &with_subs(json!([image("ghcr.io/bank/a"), image("GHCR.io/bank/a")])),
        "422 warehouse bank is invalid: spec.subscriptions[1].image.repoURL: ",
    );
    check(&with_subs(json!([{ "image": { "repoURL": "a/b" }, "git": { "repoURL": "https://a/b" } }])), "exactly one type");
    check(&with_subs(json!([{ "name": "x" }])), "add git, image or chart");
    check(
        &with_subs(json!([{ "image": { "repoURL": "a/b", "semverConstraint": "^1" } }])),
        "spec.subscriptions[0].image.semverConstraint: semverConstraint was removed; write constraint",
    );
    check(&with_subs(json!([{ "image": { "repoURL": "a/b", "konstraint": "^1" } }])), "did you mean constraint?");
    check(&with_subs(json!([{ "image": { "repoURL": "a/b", "constraint": "^^1" } }])), "is not a version constraint");
    check(&with_subs(json!([{ "image": { "repoURL": "a/b", "imageSelectionStrategy": "Digest" } }])), "follows one tag");
    check(
        &with_subs(json!([{ "image": { "repoURL": "a/b", "imageSelectionStrategy": "Digest", "constraint": "latest" } }])),
        "ok",
    );
    check(&with_subs(json!([{ "image": { "repoURL": "a/b", "imageSelectionStrategy": "Newest" } }])), "is none of");
    check(&with_subs(json!([{ "image": { "repoURL": "a/b", "discoveryLimit": 101 } }])), "write at most 100");
    check(&with_subs(json!([{ "image": { "repoURL": "https://a/b" } }])), "does not match");
    check(&with_subs(json!([{ "image": {} }])), "repoURL is missing");
    check(
        &with_subs(json!([{ "git": { "repoURL": "https://github.com/bank/bank.git", "branch": "main" }, "name": "Code" }])),
        "spec.subscriptions[0].name",
    );
    check(
        &with_subs(json!([{ "image": { "repoURL": "a/b" }, "name": "x" }, { "image": { "repoURL": "a/c" }, "name": "x" }])),
        "spec.subscriptions[0].name is x already",
    );
    check(&with_subs(json!([{ "chart": { "repoURL": "https://charts.example.com" } }])), "name one");
    check(&with_subs(json!([{ "chart": { "repoURL": "oci://ghcr.io/bank/chart", "name": "c" } }])), "take the name out");
    check(
        &with_subs(
            json!([{ "chart": { "repoURL": "https://a.example", "name": "c" } }, { "chart": { "repoURL": "https://a.example", "name": "d" } }]),
        ),
        "ok",
    );
    check(&with_subs(json!([{ "jira": { "query": "x" } }])), "needs a name");
    check(&with_subs(json!([{ "jira": { "query": "x" }, "name": "tickets" }])), "ok");
    check(&with(with_subs(json!([image("a/b")])), "metadata/namespace", json!("other")), "belongs to no project");
    check(&with(with_subs(json!([image("a/b")])), "metadata/namespace", json!("gone")), "404 namespace gone not found");
}

#[test]
fn a_warehouses_defaults_and_shard_are_written() {
    let object = with(warehouse(json!([image("a/b")])), "spec/shard", json!("eu"));
    let stored = create(&object, vec![]).unwrap().object.unwrap();
    assert_eq!(stored["metadata"]["labels"]["kargo.akuity.io/shard"], "eu");
    let body = &stored["spec"]["subscriptions"][0]["image"];
    assert_eq!(
        (&body["imageSelectionStrategy"], &body["discoveryLimit"], &body["strictSemvers"]),
        (&json!("SemVer"), &json!(20), &json!(true))
    );
    let without = with(stored.clone(), "spec/shard", Value::Null);
    let stored = update(&stored, &without).unwrap().object.unwrap();
    assert_eq!(stored["metadata"].get("labels"), None);
}

#[test]
fn old_tag_filters_are_warned_of() {
    let object = warehouse(json!([{ "image": { "repoURL": "a/b", "allowTags": "^1" } }]));
    let warnings = create(&object, vec![]).unwrap().warnings;
    assert!(
        warnings[0].contains("image.allowTags is not used any more and stops discovery; write allowTagsRegexes"),
        "{warnings:?}"
    );
}

#[test]
fn what_stands_is_not_judged_again() {
    let old = warehouse(json!([{ "image": { "repoURL": "a/b", "semverConstraint": "^1" } }]));
    check_update(&old, &with(old.clone(), "metadata/annotations", json!({ "a": "b" })), "ok");
    check_update(&old, &with(old.clone(), "spec/interval", json!("1m")), "was removed");
}

#[test]
fn freight_is_named_and_never_changed() {
    let fresh = with(freight("mine", "", ""), "discoveredAt", Value::Null);
    let fresh = with(fresh, "images/0/tag", json!("1.6.0"));
    let admitted = create(&fresh, vec![]).unwrap();
    let stored = admitted.object.unwrap();
    assert_eq!(json::name(&stored).len(), 40);
    assert_eq!(stored["discoveredAt"], NOW);
    let alias = stored["alias"].as_str().unwrap();
    assert!(alias.contains('-') && json::label(&stored, "kargo.akuity.io/alias") == alias);
    assert_eq!(admitted.unique[0].value, alias);

    check(&with(fresh.clone(), "alias", json!("bold-heron")), "409 freight");
    check(&with(fresh.clone(), "alias", json!("no good")), "422");
    check(&with(fresh.clone(), "images", json!([])), "at least one of");
    check(&with(fresh.clone(), "origin/name", json!("gone")), "there is no warehouse gone");
    check(
        &with(fresh.clone(), "images/0/repoURL", json!("ghcr.io/bank/other")),
        "does not subscribe to image repository ghcr.io/bank/other",
    );
    check(&with(fresh.clone(), "commits", json!([{ "repoURL": "https://a/b", "id": "1" }])), "take it out");
    let twice = json!([fresh["images"][0], fresh["images"][0]]);
    check(&with(fresh.clone(), "images", twice), "freight holds one of each");

    let old = freight("old", "calm-otter", NOW);
    check_update(&old, &with(old.clone(), "images/0/tag", json!("2")), "freight never changes");
    check_update(&old, &with(old.clone(), "commits", json!([])), "ok");
    check_update(&old, &with(old.clone(), "alias", json!("bold-heron")), "409");
    check_update(&old, &with(old.clone(), "alias", json!("brave-puffin")), "ok");
    let status = Request { subresource: Some("status"), ..ask(Operation::Update, Some(&old), Some(&old)) };
    assert_eq!(admit(&status, &world(vec![])).unwrap().unique[0].to_string(), "alias/bank/calm-otter");
    let unnamed = update(&old, &with(old.clone(), "alias", json!(""))).unwrap();
    assert_eq!(json::label(&unnamed.object.unwrap(), "kargo.akuity.io/alias"), "");
}

#[test]
fn freight_that_is_somewhere_stays() {
    let holder = with(
        stage("e2e", json!({ "direct": true })),
        "status",
        json!({ "freightHistory": [{ "items": { "Warehouse/bank": { "name": "old" } } }] }),
    );
    let old = freight("old", "calm-otter", NOW);
    let delete = ask(Operation::Delete, Some(&old), None);
    said(admit(&delete, &world(vec![holder])), "403 freight old: it is in stage e2e now");
    said(admit(&delete, &world(vec![])), "ok");
}

#[test]
fn stages() {
    let qa = stage("e2e", json!({ "direct": true }));
    let steps = |steps: Value| with(qa.clone(), "spec/promotionTemplate/spec/steps", steps);
    check(&qa, "ok");
    check(
        &steps(json!([{ "uses": "http", "as": "a" }, { "uses": "http", "as": "a" }])),
        "a is the alias of spec.promotionTemplate.spec.steps[0] already",
    );
    check(&steps(json!([{ "uses": "http", "as": " step-3 " }])), "reserved");
    check(&steps(json!([{ "uses": "http", "task": { "name": "t" } }])), "either uses or task");
    check(&steps(json!([{}])), "either uses or task");
    for key in ["if", "config", "retry"] {
        check(
            &steps(json!([{ "task": { "name": "t" }, key: { "a": 1 } }])),
            &format!("steps[0].{key}: a step that calls a task"),
        );
    }
    check(&steps(json!([{ "task": { "name": "t" }, "continueOnError": true }])), "cannot have continueOnError");
    check(&with(qa.clone(), "spec/vars", json!([{ "name": "bad name", "value": "" }])), "spec.vars[0].name");
    let request = &qa["spec"]["requestedFreight"][0];
    check(&with(qa.clone(), "spec/requestedFreight", json!([request, request])), "put the sources together");
    let follow = |sources: Value| {
        with(
            qa.clone(),
            "spec/requestedFreight/0/sources",
            with(sources, "autoPromotionOptions", json!({ "selectionPolicy": "MatchUpstream" })),
        )
    };
    check(&follow(json!({ "stages": ["qa"] })), "ok");
    check(&follow(json!({ "stages": ["qa", "prod"] })), "MatchUpstream follows one stage");
    check(&follow(json!({ "stages": ["qa"], "direct": true })), "MatchUpstream follows one stage");
    assert_eq!(create(&stage("lost", json!({})), vec![]).unwrap().warnings.len(), 1);
}

#[test]
fn a_project_comes_with_its_namespace_and_its_roles() {
    let project = |name: &str| json!({ "kind": "Project", "metadata": { "name": name } });
    let admitted = create(&project("treasury"), vec![]).unwrap();
    assert_eq!(json::label(&admitted.also[0], "kargo.akuity.io/project"), "true");
    assert_eq!(json::list(&admitted.also[0], &["metadata", "finalizers"]), [json!("kargo.akuity.io/finalizer")]);
    let made = |admitted: &Admitted| {
        admitted.also.iter().map(|it| format!("{}/{}", json::text(it, &["kind"]), json::name(it))).collect::<Vec<_>>()
    };
    let roles = made(&admitted).split_off(1);
    assert_eq!(roles.len(), 11, "{roles:?}");
    assert!(roles.contains(&"RoleBinding/kargo-promoter".to_owned()));
    let own = json!({ "kind": "Role", "metadata": { "name": "kargo-viewer", "namespace": "bank" } });
    let adopted = made(&create(&project("bank"), vec![own]).unwrap());
    assert!(adopted.len() == 10 && !adopted.contains(&"Role/kargo-viewer".to_owned()), "{adopted:?}");
    // Who adopts what is there reads its Secrets: they must have that right already.
    let right = create(&project("bank"), vec![]).unwrap().right.unwrap();
    assert_eq!((right.verb, right.group, right.resource, right.namespace.as_str()), ("update", "", "secrets", "bank"));
    assert_eq!(admitted.right, None);
    for reserved in ["default", "kube-system", "kube-public", "kube-node-lease"] {
        check(&project(reserved), "is a namespace of Seaway's own or of Kubernetes'; choose another name");
    }
    check(&project("seaway"), "422 project seaway is invalid: metadata.name: seaway is a namespace of Seaway's own");
    check(&project("kargo"), "422");
    check(&project("other"), "409 project other: a namespace of this name exists");
    let going = json!({ "kind": "Namespace", "metadata": { "name": "going", "deletionTimestamp": NOW, "labels": { "kargo.akuity.io/project": "true" } } });
    check_in(vec![going], &project("going"), "being deleted");
    let fresh = project("treasury");
    let dry = Request { dry_run: true, ..ask(Operation::Create, None, Some(&fresh)) };
    assert!(admit(&dry, &world(vec![])).unwrap().also.is_empty());
}

#[test]
fn configurations() {
    let config =
        |spec: Value| json!({ "kind": "ProjectConfig", "metadata": { "name": "bank", "namespace": "bank" }, "spec": spec });
    let policies = |policies: Value| config(json!({ "promotionPolicies": policies }));
    check(&policies(json!([{ "stage": "qa", "autoPromotionEnabled": true }])), "ok");
    check(&with(config(json!({})), "metadata/name", json!("x")), "call it bank");
    check(&policies(json!([{ "autoPromotionEnabled": true }])), "exactly one of stage and stageSelector");
    check(&policies(json!([{ "stage": "qa", "stageSelector": { "name": "qa" } }])), "exactly one of stage and stageSelector");
    check(&policies(json!([{ "stageSelector": { "name": "like:qa" } }])), "is no kind of pattern");
    check(&policies(json!([{ "stageSelector": { "name": "regex:(" } }])), "stageSelector.name");
    check(&policies(json!([{ "stage": "qa" }, { "stageSelector": { "name": "qa" } }])), "is for qa already");
    check(&policies(json!([{ "stage": "qa", "autoRollback": { "onVerification": ["Errored"] } }])), "write Failed or Error");
    let receivers = |receivers: Value| config(json!({ "webhookReceivers": receivers }));
    let secret = json!({ "secretRef": { "name": "s" } });
    check(&receivers(json!([{ "name": "a", "github": secret }, { "name": "a", "quay": secret }])), "has this name already");
    check(&receivers(json!([{ "name": "a", "github": secret, "harbor": secret }])), "exactly one type");
    check(
        &config(json!({ "promotionWindows": [{ "name": "w", "kind": "Deny", "projectSelector": {} }] })),
        "a ClusterConfig may select projects",
    );
    let cluster = |name: &str| json!({ "kind": "ClusterConfig", "metadata": { "name": name }, "spec": {} });
    check(&cluster("cluster"), "ok");
    check(&cluster("mine"), "call it cluster");
}

#[test]
fn tasks() {
    let task = |steps: Value| json!({ "kind": "PromotionTask", "metadata": { "name": "t", "namespace": "bank" }, "spec": { "steps": steps } });
    check(&task(json!([{ "uses": "http" }])), "ok");
    check(&task(json!([{ "task": { "name": "u" } }])), "a task cannot call a task");
    check(&task(json!([{ "uses": "http", "as": "task-1" }])), "reserved");
    check(&with(task(json!([{ "uses": "http" }])), "metadata/namespace", json!("other")), "belongs to no project");
}

#[test]
fn a_document_can_be_judged_without_a_world() {
    let fields = |object: Value| validate_document(&object).into_iter().map(|c| c.field).collect::<Vec<_>>();
    let object = json!({
        "apiVersion": "kargo.akuity.io/v1alpha1", "kind": "Warehouse", "metadata": { "name": "bank" },
        "spec": { "intervall": "5m", "subscriptions": [{ "image": { "repoURL": "a/b", "semverConstraint": "1" } }] },
    });
    assert_eq!(fields(object), ["spec.intervall", "spec.subscriptions[0].image.semverConstraint"]);
    assert_eq!(fields(json!({ "kind": "Stage", "metadata": {}, "spec": {} })), ["spec.requestedFreight"]);
    assert_eq!(fields(promotion(json!({ "stage": "qa", "freight": "x" }))), [] as [&str; 0]);
}

#[test]
fn inflation_answers_as_kargo_does() {
    let path = std::env::var("SEAWAY_VECTORS").map_or_else(
        |_| std::path::PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/vectors")),
        std::path::PathBuf::from,
    );
    let text = std::fs::read_to_string(path.join("promotion-inflation.jsonl")).unwrap();
    let failures: Vec<String> = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .filter_map(|case| check_case(&case).err().map(|e| format!("{}: {e}", case["id"])))
        .collect();
    assert!(
        failures.is_empty(),
        "{} of {} differ:
{}",
        failures.len(),
        text.lines().count(),
        failures.join(
            "
"
        )
    );
}

#[test]
fn each_step_of_a_task_keeps_its_own_variables() {
    let task = json!({
        "kind": "PromotionTask", "metadata": { "name": "t", "namespace": "bank" },
        "spec": {
            "vars": [{ "name": "a", "value": "1" }, { "name": "b", "value": "2" }, { "name": "c", "value": "3" }],
            "steps": [{ "uses": "http", "vars": [{ "name": "p", "value": "x" }] }, { "uses": "http", "vars": [{ "name": "q", "value": "y" }] }],
        },
    });
    let calls = with(
        stage("calls", json!({ "direct": true })),
        "spec/promotionTemplate/spec/steps",
        json!([{ "task": { "name": "t" } }]),
    );
    let (_, steps) = inflate(&calls, &world(vec![task])).unwrap();
    let names = |step: &Value| json::list(step, &["vars"]).iter().map(|v| json::text(v, &["name"])).collect::<String>();
    assert_eq!(steps.iter().map(names).collect::<Vec<_>>(), ["abcp", "abcq"]);
}
