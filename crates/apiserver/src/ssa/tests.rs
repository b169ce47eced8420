//! Ownership by example: each case tells who writes what, and looks at the object and its owners.

use super::*;
use serde_json::json;
use std::sync::LazyLock;

pub(super) static SCHEMA: LazyLock<Value> = LazyLock::new(|| {
    let text = json!({"type": "string"});
    json!({"type": "object", "properties": {
        "spec": {"type": "object", "properties": {
            "a": text, "b": text, "n": {"type": "integer"},
            "inner": {"type": "object", "properties": {"x": text, "y": text}},
            "steps": {"type": "array", "items": {"type": "object"}},
            "vars": {"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"],
                     "items": {"type": "object", "properties": {"name": text, "value": text, "note": text}}},
            "tags": {"type": "array", "x-kubernetes-list-type": "set", "items": text},
            "atom": {"type": "object", "x-kubernetes-map-type": "atomic", "properties": {"x": text}},
            "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}
        }},
        "status": {"type": "object", "properties": {
            "phase": text,
            "conditions": {"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"],
                           "items": {"type": "object", "properties": {"type": text, "status": text, "reason": text}}}
        }}
    }})
});

/// An object and a clock that ticks a second a write.
#[derive(Default)]
struct World {
    live: Option<Value>,
    second: i64,
}

impl World {
    fn writer<'a>(&mut self, manager: &'a str, subresource: Option<&'a str>) -> Writer<'a> {
        self.second += 1;
        let now = Timestamp::from_second(1_700_000_000 + self.second).expect("a time");
        Writer { manager, api_version: "seaway.dev/v1", subresource, schema: &SCHEMA, now }
    }

    fn object(fields: Value) -> Value {
        let mut object = json!({"apiVersion": "seaway.dev/v1", "kind": "Thing", "metadata": {"name": "t", "namespace": "n"}});
        merge(&mut object, fields);
        object
    }

    fn try_apply(&mut self, manager: &str, fields: Value, force: bool, subresource: Option<&str>) -> Result<(), Vec<String>> {
        let writer = self.writer(manager, subresource);
        match apply(self.live.as_ref(), &Self::object(fields), force, writer) {
            Ok(object) => {
                self.live = Some(object);
                Ok(())
            }
            Err(conflicts) => Err(conflicts.causes.iter().map(|cause| format!("{} {}", cause.manager, cause.field)).collect()),
        }
    }

    fn apply(&mut self, manager: &str, fields: Value) -> &mut Self {
        self.try_apply(manager, fields, false, None).expect("no conflict");
        self
    }

    fn force(&mut self, manager: &str, fields: Value) -> &mut Self {
        self.try_apply(manager, fields, true, None).expect("no conflict");
        self
    }

    fn status(&mut self, manager: &str, status: Value) -> &mut Self {
        self.try_apply(manager, json!({"status": status}), false, Some("status")).expect("no conflict");
        self
    }

    /// An update that merges these fields into the object (`null` removes).
    fn update(&mut self, manager: &str, fields: Value) -> &mut Self {
        let mut new = self.live.clone().unwrap_or_else(|| Self::object(json!({})));
        merge(&mut new, fields);
        let writer = self.writer(manager, None);
        track_update(self.live.as_ref(), &mut new, writer);
        self.live = Some(new);
        self
    }

    fn at(&self, pointer: &str) -> Value {
        self.live.as_ref().and_then(|live| live.pointer(pointer)).cloned().unwrap_or(Value::Null)
    }

    /// `manager operation[/subresource] fields`, a line each.
    fn owners(&self) -> String {
        let entries = self.at("/metadata/managedFields");
        let line = |entry: &Value| {
            let text = |name: &str| entry.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
            let door = if text("subresource").is_empty() { String::new() } else { format!("/{}", text("subresource")) };
            format!("{} {}{door} {}", text("manager"), text("operation"), entry["fieldsV1"])
        };
        entries.as_array().into_iter().flatten().map(line).collect::<Vec<_>>().join("\n")
    }
}

fn merge(object: &mut Value, fields: Value) {
    json_patch::merge(object, &fields);
}

#[test]
fn an_apply_creates_and_owns_what_it_names() {
    let mut w = World::default();
    w.apply("ci", json!({"metadata": {"labels": {"l": "1"}}, "spec": {"a": "1", "inner": {"x": "2"}}}));
    insta::assert_snapshot!(w.owners(), @r#"ci Apply {"f:metadata":{"f:labels":{"f:l":{}}},"f:spec":{"f:a":{},"f:inner":{"f:x":{}}}}"#);
    assert_eq!(w.at("/metadata/name"), "t");
    assert_eq!(w.at("/metadata/managedFields/0/time"), "2023-11-14T22:13:21Z");
    assert_eq!(w.at("/metadata/managedFields/0/apiVersion"), "seaway.dev/v1");
}

#[test]
fn a_create_owns_its_containers_too() {
    let mut w = World::default();
    w.update(
        "kubectl-create",
        json!({"metadata": {"labels": {"l": "1"}}, "spec": {"a": "1", "vars": [{"name": "v", "value": "1"}]}}),
    );
    insta::assert_snapshot!(w.owners(), @r#"kubectl-create Update {"f:metadata":{"f:labels":{".":{},"f:l":{}}},"f:spec":{".":{},"f:a":{},"f:vars":{".":{},"k:{\"name\":\"v\"}":{".":{},"f:name":{},"f:value":{}}}}}"#);
}

#[test]
fn applying_again_is_no_change() {
    let mut w = World::default();
    w.apply("ci", json!({"spec": {"a": "1"}}));
    let before = w.live.clone();
    w.apply("ci", json!({"spec": {"a": "1"}}));
    assert_eq!(w.live, before, "not even the time");
}

#[test]
fn a_second_manager_of_the_same_value_shares_it() {
    let mut w = World::default();
    w.apply("ci", json!({"spec": {"a": "1"}})).apply("ops", json!({"spec": {"a": "1"}}));
    insta::assert_snapshot!(w.owners(), @r#"
    ci Apply {"f:spec":{"f:a":{}}}
    ops Apply {"f:spec":{"f:a":{}}}
    "#);
}

#[test]
fn another_value_conflicts() {
    let mut w = World::default();
    w.apply("ci", json!({"spec": {"a": "1", "b": "1"}}));
    let before = w.live.clone();
    assert_eq!(w.try_apply("ops", json!({"spec": {"a": "2", "b": "1"}}), false, None), Err(vec!["ci .spec.a".to_owned()]));
    assert_eq!(w.live, before);
}

#[test]
fn force_takes_the_field_over() {
    let mut w = World::default();
    w.apply("ci", json!({"spec": {"a": "1", "b": "1"}})).force("ops", json!({"spec": {"a": "2"}}));
    assert_eq!(w.at("/spec"), json!({"a": "2", "b": "1"}));
    insta::assert_snapshot!(w.owners(), @r#"
    ci Apply {"f:spec":{"f:b":{}}}
    ops Apply {"f:spec":{"f:a":{}}}
    "#);
}

#[test]
fn a_dropped_field_goes() {
    let mut w = World::default();
    w.apply("ci", json!({"spec": {"a": "1", "b": "1"}})).apply("ci", json!({"spec": {"a": "1"}}));
    assert_eq!(w.at("/spec"), json!({"a": "1"}));
}

#[test]
fn a_dropped_field_that_another_shares_stays() {
    let mut w = World::default();
    w.apply("ci", json!({"spec": {"a": "1", "b": "1"}}))
        .apply("ops", json!({"spec": {"b": "1"}}))
        .apply("ci", json!({"spec": {"a": "1"}}));
    assert_eq!(w.at("/spec"), json!({"a": "1", "b": "1"}));
    insta::assert_snapshot!(w.owners(), @r#"
    ops Apply {"f:spec":{"f:b":{}}}
    ci Apply {"f:spec":{"f:a":{}}}
    "#);
}

#[test]
fn a_dropped_container_goes_with_what_nobody_else_owns() {
    let mut w = World::default();
    w.apply("ci", json!({"spec": {"a": "1", "inner": {"x": "1"}}})).apply("ci", json!({"spec": {"a": "1"}}));
    assert_eq!(w.at("/spec"), json!({"a": "1"}));
}

#[test]
fn a_dropped_container_keeps_what_another_owns() {
    let mut w = World::default();
    w.apply("ci", json!({"spec": {"inner": {"x": "1"}}}))
        .apply("ops", json!({"spec": {"inner": {"y": "1"}}}))
        .apply("ci", json!({"spec": {"a": "1"}}));
    assert_eq!(w.at("/spec"), json!({"a": "1", "inner": {"y": "1"}}));
}

#[test]
fn a_field_nobody_applied_survives() {
    let mut w = World::default();
    w.apply("ci", json!({"spec": {"a": "1"}}))
        .update("edit", json!({"spec": {"b": "9"}}))
        .apply("ci", json!({"spec": {"a": "1"}}));
    assert_eq!(w.at("/spec/b"), "9");
}

#[test]
fn an_update_takes_what_it_changes_from_the_applier() {
    let mut w = World::default();
    w.apply("ci", json!({"spec": {"a": "1", "b": "1"}})).update("edit", json!({"spec": {"a": "2"}}));
    insta::assert_snapshot!(w.owners(), @r#"
    ci Apply {"f:spec":{"f:b":{}}}
    edit Update {"f:spec":{"f:a":{}}}
    "#);
    assert_eq!(w.try_apply("ci", json!({"spec": {"a": "1", "b": "1"}}), false, None), Err(vec!["edit .spec.a".to_owned()]));
}

#[test]
fn an_update_that_removes_disowns_all() {
    let mut w = World::default();
    w.apply("ci", json!({"spec": {"a": "1", "inner": {"x": "1"}}})).update("edit", json!({"spec": {"inner": null}}));
    insta::assert_snapshot!(w.owners(), @r#"ci Apply {"f:spec":{"f:a":{}}}"#);
}

#[test]
fn an_update_of_nothing_records_nothing() {
    let mut w = World::default();
    w.update("one", json!({"spec": {"a": "1"}}));
    let before = w.live.clone();
    w.update("two", json!({}));
    assert_eq!(w.live, before);
    w.update("one", json!({"spec": {"a": "1"}}));
    assert_eq!(w.live, before);
}

#[test]
fn an_updaters_time_moves_with_its_fields_only() {
    let mut w = World::default();
    w.update("one", json!({"spec": {"a": "1"}}));
    let first = w.at("/metadata/managedFields/0/time");
    w.update("one", json!({"spec": {"a": "2"}}));
    assert_eq!(w.at("/metadata/managedFields/0/time"), first);
    w.update("one", json!({"spec": {"b": "2"}}));
    assert_ne!(w.at("/metadata/managedFields/0/time"), first);
}

#[test]
fn an_appliers_time_moves_when_the_object_does() {
    let mut w = World::default();
    w.apply("ci", json!({"spec": {"a": "1"}})).apply("ci", json!({"spec": {"a": "2"}}));
    assert_eq!(w.at("/metadata/managedFields/0/time"), "2023-11-14T22:13:22Z");
}

#[test]
fn two_managers_write_their_own_conditions() {
    let mut w = World::default();
    w.apply("ci", json!({"spec": {"a": "1"}}));
    w.status("health", json!({"conditions": [{"type": "Healthy", "status": "True"}]}));
    w.status("ready", json!({"conditions": [{"type": "Ready", "status": "False"}]}));
    w.status("health", json!({"conditions": [{"type": "Healthy", "status": "False"}]}));
    assert_eq!(w.at("/status/conditions"), json!([{"type": "Healthy", "status": "False"}, {"type": "Ready", "status": "False"}]));
    insta::assert_snapshot!(w.owners(), @r#"
    ci Apply {"f:spec":{"f:a":{}}}
    ready Apply/status {"f:status":{"f:conditions":{"k:{\"type\":\"Ready\"}":{".":{},"f:status":{},"f:type":{}}}}}
    health Apply/status {"f:status":{"f:conditions":{"k:{\"type\":\"Healthy\"}":{".":{},"f:status":{},"f:type":{}}}}}
    "#);
}

#[test]
fn a_condition_that_its_manager_drops_goes() {
    let mut w = World::default();
    w.status("health", json!({"conditions": [{"type": "Healthy", "status": "True"}, {"type": "Old", "status": "True"}]}));
    w.status("ready", json!({"conditions": [{"type": "Ready", "status": "False"}]}));
    w.status("health", json!({"conditions": [{"type": "Healthy", "status": "True"}]}));
    assert_eq!(w.at("/status/conditions"), json!([{"type": "Healthy", "status": "True"}, {"type": "Ready", "status": "False"}]));
}

#[test]
fn a_condition_of_another_conflicts_by_field() {
    let mut w = World::default();
    w.status("health", json!({"conditions": [{"type": "Healthy", "status": "True"}]}));
    let refused =
        w.try_apply("ready", json!({"status": {"conditions": [{"type": "Healthy", "status": "False"}]}}), false, Some("status"));
    assert_eq!(refused, Err(vec![r#"health .status.conditions[type="Healthy"].status"#.to_owned()]));
}

#[test]
fn a_shared_item_keeps_its_key() {
    let mut w = World::default();
    w.apply("ci", json!({"spec": {"vars": [{"name": "v", "value": "1"}]}}))
        .update("edit", json!({"spec": {"vars": [{"name": "v", "value": "1", "note": "n"}]}}));
    w.apply("ci", json!({"spec": {"a": "1"}}));
    assert_eq!(w.at("/spec"), json!({"a": "1", "vars": [{"name": "v", "note": "n"}]}));
}

#[test]
fn doors_are_apart() {
    let mut w = World::default();
    w.apply("ci", json!({"spec": {"a": "1"}, "status": {"phase": "Ready"}}));
    assert_eq!(w.at("/status"), Value::Null, "the main door ignores the status");
    w.try_apply(
        "ci",
        json!({"metadata": {"labels": {"l": "1"}}, "spec": {"a": "2"}, "status": {"phase": "Ready"}}),
        false,
        Some("status"),
    )
    .expect("no conflict");
    assert_eq!((w.at("/spec/a"), w.at("/metadata/labels"), w.at("/status/phase")), (json!("1"), Value::Null, json!("Ready")));
    w.apply("ci", json!({"spec": {"b": "1"}}));
    assert_eq!(w.at("/status/phase"), "Ready", "dropping is per door");
}

#[test]
fn finalizers_are_a_set() {
    let mut w = World::default();
    w.apply("one", json!({"metadata": {"finalizers": ["x/one"]}})).apply("two", json!({"metadata": {"finalizers": ["x/two"]}}));
    assert_eq!(w.at("/metadata/finalizers"), json!(["x/one", "x/two"]));
    insta::assert_snapshot!(w.owners(), @r#"
    one Apply {"f:metadata":{"f:finalizers":{"v:\"x/one\"":{}}}}
    two Apply {"f:metadata":{"f:finalizers":{"v:\"x/two\"":{}}}}
    "#);
    w.apply("one", json!({}));
    assert_eq!(w.at("/metadata/finalizers"), json!(["x/two"]));
    w.apply("two", json!({}));
    assert_eq!(w.at("/metadata/finalizers"), Value::Null);
}

#[test]
fn owner_references_merge_by_uid() {
    let owner = |uid: &str, name: &str| json!({"apiVersion": "v1", "kind": "K", "name": name, "uid": uid});
    let mut w = World::default();
    w.apply("one", json!({"metadata": {"ownerReferences": [owner("1", "a")]}}))
        .apply("two", json!({"metadata": {"ownerReferences": [owner("2", "b")]}}));
    assert_eq!(w.at("/metadata/ownerReferences").as_array().map(Vec::len), Some(2));
    insta::assert_snapshot!(w.owners(), @r#"
    one Apply {"f:metadata":{"f:ownerReferences":{"k:{\"uid\":\"1\"}":{}}}}
    two Apply {"f:metadata":{"f:ownerReferences":{"k:{\"uid\":\"2\"}":{}}}}
    "#);
    assert_eq!(
        w.try_apply("two", json!({"metadata": {"ownerReferences": [owner("1", "z"), owner("2", "b")]}}), false, None),
        Err(vec![r#"one .metadata.ownerReferences[uid="1"]"#.to_owned()])
    );
}

#[test]
fn a_set_keeps_others_items() {
    let mut w = World::default();
    w.apply("ci", json!({"spec": {"tags": ["a", "b"]}})).update("edit", json!({"spec": {"tags": ["a", "b", "c"]}}));
    w.apply("ci", json!({"spec": {"tags": ["b"]}}));
    assert_eq!(w.at("/spec/tags"), json!(["b", "c"]));
}

#[test]
fn an_atomic_list_is_one_field() {
    let mut w = World::default();
    w.apply("ci", json!({"spec": {"steps": [{"uses": "a"}, {"uses": "b"}]}}));
    insta::assert_snapshot!(w.owners(), @r#"ci Apply {"f:spec":{"f:steps":{}}}"#);
    assert_eq!(
        w.try_apply("ops", json!({"spec": {"steps": [{"uses": "a"}]}}), false, None),
        Err(vec!["ci .spec.steps".to_owned()])
    );
    w.apply("ci", json!({"spec": {"steps": []}}));
    assert_eq!(w.at("/spec/steps"), json!([]));
}

#[test]
fn an_atomic_map_is_one_field() {
    let mut w = World::default();
    w.apply("ci", json!({"spec": {"atom": {"x": "1", "y": "2"}}})).apply("ci", json!({"spec": {"atom": {"x": "1"}}}));
    assert_eq!(w.at("/spec/atom"), json!({"x": "1"}));
    insta::assert_snapshot!(w.owners(), @r#"ci Apply {"f:spec":{"f:atom":{}}}"#);
}

#[test]
fn unknown_shapes_are_deduced() {
    let mut w = World::default();
    w.apply("ci", json!({"spec": {"free": {"m": {"k": 1}, "l": [1]}}})).apply("ops", json!({"spec": {"free": {"m": {"j": 2}}}}));
    assert_eq!(w.at("/spec/free"), json!({"m": {"k": 1, "j": 2}, "l": [1]}));
    w.apply("ci", json!({"spec": {"free": {"l": [1]}}}));
    assert_eq!(w.at("/spec/free"), json!({"m": {"j": 2}, "l": [1]}));
}

#[test]
fn an_empty_map_is_a_field() {
    let mut w = World::default();
    w.apply("ci", json!({"spec": {"inner": {}}}));
    insta::assert_snapshot!(w.owners(), @r#"ci Apply {"f:spec":{"f:inner":{}}}"#);
}

#[test]
fn applied_order_holds() {
    let mut w = World::default();
    let names = |w: &World| {
        w.at("/spec/vars")
            .as_array()
            .into_iter()
            .flatten()
            .map(|var| var["name"].as_str().unwrap_or("").to_owned())
            .collect::<Vec<_>>()
            .join(" ")
    };
    w.apply("ci", json!({"spec": {"vars": [{"name": "a"}, {"name": "b"}]}}));
    w.update("edit", json!({"spec": {"vars": [{"name": "a"}, {"name": "x"}, {"name": "b"}]}}));
    w.apply("ci", json!({"spec": {"vars": [{"name": "b"}, {"name": "a"}, {"name": "c"}]}}));
    assert_eq!(names(&w), "b a x c");
}

#[test]
fn a_manager_conflicts_with_its_own_update() {
    let mut w = World::default();
    w.update("me", json!({"spec": {"a": "1"}}));
    assert_eq!(w.try_apply("me", json!({"spec": {"a": "2"}}), false, None), Err(vec!["me .spec.a".to_owned()]));
    w.force("me", json!({"spec": {"a": "2"}}));
    insta::assert_snapshot!(w.owners(), @r#"
    me Apply {"f:spec":{"f:a":{}}}
    me Update {"f:spec":{}}
    "#);
}

#[test]
fn an_object_from_before_is_owned_by_its_past() {
    let mut w = World { live: Some(World::object(json!({"spec": {"a": "1", "b": "1"}}))), second: 0 };
    assert_eq!(w.try_apply("ci", json!({"spec": {"a": "2"}}), false, None), Err(vec!["before-first-apply .spec.a".to_owned()]));
    w.force("ci", json!({"spec": {"a": "2"}}));
    insta::assert_snapshot!(w.owners(), @r#"
    ci Apply {"f:spec":{"f:a":{}}}
    before-first-apply Update {"f:spec":{"f:b":{}}}
    "#);
}

#[test]
fn kubectl_moves_from_client_side_apply() {
    let mut w = World::default();
    let last = r#"{"apiVersion":"seaway.dev/v1","kind":"Thing","metadata":{"name":"t","namespace":"n"},"spec":{"a":"1"}}"#;
    w.update("kubectl-client-side-apply", json!({"metadata": {"annotations": {LAST_APPLIED: last}}, "spec": {"a": "1"}}));
    w.update("edit", json!({"spec": {"b": "1"}}));
    assert!(w.try_apply("other", json!({"spec": {"a": "2"}}), false, None).is_err());
    assert!(w.try_apply("kubectl", json!({"spec": {"a": "2", "b": "2"}}), false, None).is_err(), "b was never in the annotation");
    w.apply("kubectl", json!({"spec": {"a": "2"}}));
    let annotation =
        w.at("/metadata/annotations").get(LAST_APPLIED).and_then(Value::as_str).map(str::to_owned).unwrap_or_default();
    assert!(annotation.contains(r#""a":"2""#), "the annotation follows: {annotation}");
}

#[test]
fn kubectls_own_migration_is_taken_over() {
    let mut w = World::default();
    w.update("kubectl-client-side-apply", json!({"spec": {"a": "1"}}));
    let mut entry = w.at("/metadata/managedFields/0");
    entry["manager"] = "kubectl".into();
    entry["operation"] = "Apply".into();
    w.update("kubectl", json!({"metadata": {"managedFields": [entry]}}));
    insta::assert_snapshot!(w.owners(), @r#"kubectl Apply {"f:spec":{".":{},"f:a":{}}}"#);
}

#[test]
fn managed_fields_can_be_forgotten() {
    let mut w = World::default();
    w.apply("ci", json!({"spec": {"a": "1"}})).update("edit", json!({"metadata": {"managedFields": [{}]}}));
    assert_eq!(w.owners(), "");
}

#[test]
fn entries_stand_in_kubernetes_order() {
    let mut w = World::default();
    w.update("z", json!({"spec": {"a": "1"}})).update("a", json!({"spec": {"b": "1"}})).apply("m", json!({"spec": {"n": 1}}));
    let managers: Vec<String> = w.owners().lines().map(|line| line.split(' ').take(2).collect::<Vec<_>>().join(" ")).collect();
    assert_eq!(managers, ["m Apply", "z Update", "a Update"]);
}

#[test]
fn old_updaters_are_folded() {
    let mut w = World::default();
    w.update("first", json!({"spec": {"free": {"k0": 1}}}));
    for n in 1..12 {
        w.update(&format!("m{n:02}"), json!({"spec": {"free": {format!("k{n}"): 1}}}));
    }
    assert_eq!(w.owners().lines().count(), 10);
    assert!(w.owners().starts_with("ancient-changes Update"), "{}", w.owners());
}

#[test]
fn conflicts_read_as_kubernetes_prints_them() {
    let mut w = World::default();
    w.update("edit", json!({"spec": {"a": "1"}}));
    let writer = w.writer("ci", None);
    let err = apply(w.live.as_ref(), &World::object(json!({"spec": {"a": "2"}})), false, writer).expect_err("conflict");
    insta::assert_snapshot!(err, @r#"Apply failed with 1 conflict: conflict with "edit" using seaway.dev/v1 at 2023-11-14T22:13:21Z: .spec.a"#);
}

#[test]
fn names_and_server_fields_are_nobodys() {
    let mut w = World::default();
    w.apply("ci", json!({"metadata": {"uid": "u", "resourceVersion": "1", "generation": 3}}));
    assert_eq!(w.owners(), "");
    assert_eq!(w.at("/metadata/resourceVersion"), Value::Null, "those are the server's to set");
}

#[test]
fn a_secrets_annotation_keeps_no_secret() {
    let mut secret = json!({"kind": "Secret", "metadata": {"annotations": {LAST_APPLIED: r#"{"kind":"Secret","data":{"k":"c2VjcmV0"},"stringData":{"p":"hunter2"}}"#, "x": "y"}}});
    redact_last_applied(&mut secret);
    insta::assert_snapshot!(secret["metadata"]["annotations"][LAST_APPLIED].as_str().unwrap_or_default(), @r#"{"kind":"Secret","data":{"k":"(redacted)"},"stringData":{"p":"(redacted)"}}"#);
    let mut broken = json!({"kind": "Secret", "metadata": {"annotations": {LAST_APPLIED: "hunter2"}}});
    redact_last_applied(&mut broken);
    assert_eq!(broken["metadata"]["annotations"], json!({}));
    let mut other = json!({"kind": "ConfigMap", "metadata": {"annotations": {LAST_APPLIED: "{}"}}});
    redact_last_applied(&mut other);
    assert_eq!(other["metadata"]["annotations"][LAST_APPLIED], "{}");
}
