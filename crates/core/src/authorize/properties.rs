//! What holds of every policy: rights only add up, covering is sound, and what is kept up to date equals what is built anew.

use super::rule::lacking;
use super::*;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use serde_json::{Value, json};

const VERBS: &[&str] = &["*", "get", "list", "promote", "bind"];
const GROUPS: &[&str] = &["*", "", "kargo.akuity.io"];
const RESOURCES: &[&str] = &["*", "pods", "stages", "pods/log", "*/log", "pods/*", "stages/log"];
const NAMES: &[&str] = &["", "a", "b"];
const PATHS: &[&str] = &["*", "/", "/a", "/a*", "/a/*", "/a/b", "/ab"];
const NAMESPACES: &[&str] = &["", "n", "m"];
const SUBJECTS: &[&str] = &["User/u", "User/v", "Group/g", "ServiceAccount/n:s", "User/system:serviceaccount:n:s"];

fn some(of: &'static [&'static str]) -> impl Strategy<Value = Vec<String>> {
    subsequence(of, 0..=2.min(of.len())).prop_map(|list| list.into_iter().map(str::to_owned).collect())
}

fn rule() -> impl Strategy<Value = Rule> {
    let resources = (some(VERBS), some(GROUPS), some(RESOURCES), prop_oneof![2 => Just(vec![]), 1 => some(NAMES)]);
    let resources = resources.prop_map(|(verbs, api_groups, resources, resource_names)| Rule {
        verbs,
        api_groups,
        resources,
        resource_names,
        non_resource_urls: vec![],
    });
    let paths =
        (some(VERBS), some(PATHS)).prop_map(|(verbs, non_resource_urls)| Rule { verbs, non_resource_urls, ..Rule::default() });
    prop_oneof![3 => resources, 1 => paths]
}

/// Everything that could be asked about in this small world.
fn targets() -> Vec<(&'static str, Target<'static>)> {
    let mut all = Vec::new();
    for verb in VERBS {
        for path in PATHS {
            all.push((*verb, Target::Path(path)));
        }
        for group in GROUPS {
            for resource in ["*", "pods", "stages", "other"] {
                for subresource in ["", "log", "*"] {
                    for name in ["", "a", "b", "c"] {
                        all.push((*verb, Target::Resource(Resource { group, resource, subresource, namespace: "", name })));
                    }
                }
            }
        }
    }
    all
}

/// An object that is put, or a place that is cleared.
#[derive(Debug, Clone)]
struct Change {
    gone: bool,
    object: Value,
}

fn change() -> impl Strategy<Value = Change> {
    let role = (select(NAMESPACES), select(&["r", "s"][..]), vec(rule(), 0..3), some(&["x", "y"]), 0..4_u8).prop_map(
        |(namespace, name, rules, labels, gathers)| {
            let kind = if namespace.is_empty() { "ClusterRole" } else { "Role" };
            let labels: serde_json::Map<String, Value> = labels.into_iter().map(|label| (label, json!("true"))).collect();
            let metadata = json!({ "namespace": namespace, "name": name, "labels": labels });
            let mut role =
                json!({ "apiVersion": "rbac.authorization.k8s.io/v1", "kind": kind, "metadata": metadata, "rules": rules });
            if gathers == 0 {
                role["aggregationRule"] = json!({ "clusterRoleSelectors": [{ "matchLabels": { "x": "true" } }] });
            }
            role
        },
    );
    let roles = &["Role/r", "Role/s", "ClusterRole/r", "ClusterRole/s"][..];
    let binding = (select(NAMESPACES), select(&["b", "c"][..]), select(roles), some(SUBJECTS)).prop_map(
        |(namespace, name, role, subjects)| {
            let subjects: Vec<&str> = subjects.iter().map(String::as_str).collect();
            tests::binding(&if namespace.is_empty() { name.to_owned() } else { format!("{namespace}/{name}") }, role, &subjects)
        },
    );
    (any::<bool>(), prop_oneof![role, binding]).prop_map(|(gone, object)| Change { gone, object })
}

fn place(object: &Value) -> (&str, &str, &str) {
    let of = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    (of("/kind"), of("/metadata/namespace"), of("/metadata/name"))
}

fn put(policy: &mut Policy, change: &Change) {
    let (kind, namespace, name) = place(&change.object);
    if change.gone {
        policy.forget(kind, namespace, name)
    } else {
        policy.apply(&change.object)
    };
}

/// Every answer of a policy, to everybody about everything.
fn answers(policy: &Policy) -> Vec<bool> {
    let groups = ["g".to_owned()];
    let people = [Who::new("u", &groups), Who::new("v", &[]), Who::new("system:serviceaccount:n:s", &[])];
    let mut all = Vec::new();
    for who in people {
        for (verb, target) in targets() {
            for namespace in NAMESPACES {
                all.push(policy.allows(&Attributes { who, verb, target }.within(namespace)));
            }
        }
    }
    all
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_covered_grants_nothing_more(own in vec(rule(), 0..4), inner in rule()) {
        let own: Vec<&Rule> = own.iter().collect();
        if lacking(&own, [&inner], 10).is_empty() {
            for (verb, target) in targets() {
                if inner.allows(verb, &target) {
                    prop_assert!(own.iter().any(|own| own.allows(verb, &target)), "{verb} {target:?}");
                }
            }
        }
    }

    #[test]
    fn everybody_covers_what_they_have(own in vec(rule(), 0..4)) {
        let all: Vec<&Rule> = own.iter().collect();
        prop_assert_eq!(lacking(&all, &own, 10), vec![]);
    }

    #[test]
    fn what_is_lacking_is_not_granted(own in vec(rule(), 0..3), inner in rule()) {
        let own: Vec<&Rule> = own.iter().collect();
        for missing in lacking(&own, [&inner], 100) {
            prop_assert!(!lacking(&own, [&missing], 1).is_empty());
            prop_assert!(lacking(&[&inner], [&missing], 1).is_empty());
        }
    }

    #[test]
    fn a_rule_is_read_as_it_is_written(rule in rule()) {
        prop_assert_eq!(Rule::read(&serde_json::to_value(&rule).unwrap()), Some(rule));
    }

    #[test]
    fn another_binding_never_takes_a_right_away(changes in vec(change(), 0..8), more in change()) {
        let mut policy = Policy::default();
        changes.iter().for_each(|change| put(&mut policy, change));
        let (kind, namespace, _) = place(&more.object);
        prop_assume!(kind.ends_with("Binding"));
        let before = answers(&policy);
        let mut more = more.object.clone();
        more["metadata"] = json!({ "namespace": namespace, "name": "one-more" });
        policy.apply(&more);
        prop_assert!(before.iter().zip(answers(&policy)).all(|(before, after)| !before || after));
    }

    #[test]
    fn kept_up_to_date_is_as_good_as_built_anew(changes in vec(change(), 0..12)) {
        let mut kept = Policy::default();
        let mut stored: std::collections::BTreeMap<String, Value> = std::collections::BTreeMap::new();
        for change in &changes {
            put(&mut kept, change);
            let key = format!("{:?}", place(&change.object));
            if change.gone { stored.remove(&key); } else { stored.insert(key, change.object.clone()); }
        }
        prop_assert_eq!(answers(&kept), answers(&Policy::of(stored.values())));
    }

    #[test]
    fn whoever_may_confer_a_role_had_its_rights(changes in vec(change(), 0..8), new in change()) {
        let mut policy = Policy::default();
        changes.iter().for_each(|change| put(&mut policy, change));
        let (kind, namespace, _) = place(&new.object);
        prop_assume!(kind == "Role" && new.object.get("aggregationRule").is_none());
        let groups = ["g".to_owned()];
        let who = Who::new("u", &groups);
        let escalates = policy.allows(&Attributes::resource(who, "escalate", RBAC, "roles").within(namespace).named("r"));
        prop_assume!(!escalates && policy.may_confer(&who, &new.object, None).is_ok());
        let (mut role, mut granted) = (new.object.clone(), Policy::default());
        role["metadata"] = json!({ "namespace": namespace, "name": "new" });
        granted.apply(&role);
        granted.apply(&tests::binding(&format!("{namespace}/new"), "Role/new", &["User/other"]));
        for (verb, target) in targets() {
            let asked = |name| Attributes { who: Who::new(name, &groups), verb, target }.within(namespace);
            prop_assert!(!granted.allows(&asked("other")) || policy.allows(&asked("u")), "{verb} {target:?}");
        }
    }
}
