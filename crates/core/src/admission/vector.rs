//! Kargo's own answers on task inflation (`promotion-inflation.jsonl`), checked against ours.

use super::json::{list, name, text};
use super::{Denied, Operation, Request, World, admit, schema};
use serde_json::{Value, json};
use std::sync::Arc;
use ulid::Ulid;

/// Objects in memory: enough of a world for a case.
#[derive(Debug, Default)]
pub(super) struct Objects(pub(super) Vec<Arc<Value>>);

impl World for Objects {
    fn get(&self, kind: &str, namespace: Option<&str>, wanted: &str) -> Option<Arc<Value>> {
        self.list(kind, namespace).into_iter().find(|o| name(o) == wanted)
    }

    fn list(&self, kind: &str, namespace: Option<&str>) -> Vec<Arc<Value>> {
        let of =
            |o: &&Arc<Value>| text(o, &["kind"]) == kind && namespace.is_none_or(|ns| text(o, &["metadata", "namespace"]) == ns);
        self.0.iter().filter(of).cloned().collect()
    }
}

/// Checks one case; an error says how ours differs. The group `task-vars-shared` records a defect of Kargo's that we do
/// not copy (differences.md), so its steps are compared by their aliases alone.
///
/// # Errors
/// Ours answers otherwise.
pub fn check_case(case: &Value) -> Result<(), String> {
    let expected = text(case, &["rejected", "kind"]);
    match (played(case), expected) {
        (Ok(promotion), "") => compare(case, &promotion),
        (Ok(_), kind) => Err(format!("Kargo refuses the {kind} ({}), ours admits it", text(case, &["rejected", "message"]))),
        (Err((kind, denied)), _) if kind == expected => {
            if denied.message.is_empty() {
                Err("a refusal without a word".into())
            } else {
                Ok(())
            }
        }
        (Err((kind, denied)), _) => Err(format!("ours refuses the {kind}: {denied}")),
    }
}

type Refused = (String, Denied);

/// Creates the tasks, the stage and the promotion in turn.
fn played(case: &Value) -> Result<Value, Refused> {
    let freight = "a8ba37fe3b0a937c79eccabee0502ad859d84d0a";
    let namespace = text(case, &["stage", "metadata", "namespace"]);
    let mut world = Objects(vec![
        Arc::new(json!({"kind": "Namespace", "metadata": {"name": namespace, "labels": {"kargo.akuity.io/project": "true"}}})),
        Arc::new(json!({
            "kind": "Freight", "metadata": {"name": freight, "namespace": namespace},
            "origin": {"kind": "Warehouse", "name": "wh"}, "alias": "calm-otter",
        })),
    ]);
    for document in list(case, &["tasks"]).iter().chain([&case["stage"]]) {
        let stored = create(document, namespace, &world)?;
        world.0.push(Arc::new(stored));
    }
    create(&case["promotion"], namespace, &world)
}

fn create(document: &Value, namespace: &str, world: &Objects) -> Result<Value, Refused> {
    let kind = text(document, &["kind"]);
    let refused = |denied| (kind.to_owned(), denied);
    let request = Request {
        operation: Operation::Create,
        kind,
        subresource: None,
        namespace: (!kind.starts_with("Cluster")).then_some(namespace),
        new: Some(document),
        old: None,
        actor: "kubernetes:admin",
        control_plane: false,
        cluster_admin: false,
        dry_run: true,
        now: jiff::Timestamp::UNIX_EPOCH,
        ulid: Ulid::from_parts(1_700_000_000_000, 42),
        random: 7,
    };
    let object = admit(&request, world).map_err(refused)?.object.unwrap_or_default();
    let causes = seaway_api::kind(kind).map(|info| schema::check(&info.schema, &object)).unwrap_or_default();
    if causes.is_empty() { Ok(object) } else { Err(refused(Denied::invalid(kind, name(&object), causes))) }
}

fn compare(case: &Value, promotion: &Value) -> Result<(), String> {
    let result = &case["result"];
    let null = Value::Null;
    let shared = text(case, &["group"]) == "task-vars-shared";
    let pattern = crate::go_regex::compile(text(result, &["nameRegex"])).map_err(|e| e.to_string())?;
    if !pattern.is_match(name(promotion)) {
        return Err(format!("name: got {}, expected {pattern}", name(promotion)));
    }
    let mut owners = promotion.pointer("/metadata/ownerReferences").cloned().unwrap_or_default();
    for owner in owners.as_array_mut().into_iter().flatten() {
        super::json::as_map(owner).shift_remove("uid");
    }
    let aliases = |steps: &Value| -> Value { steps.as_array().into_iter().flatten().map(|s| s["as"].clone()).collect() };
    let spec = &promotion["spec"];
    let metadata = &promotion["metadata"];
    let (steps, expected) = (spec.get("steps").unwrap_or(&null), &result["steps"]);
    let steps_pair = if shared { (aliases(steps), aliases(expected)) } else { (steps.clone(), expected.clone()) };
    let pairs = [
        ("freight", spec.get("freight").cloned().unwrap_or_default(), result["freight"].clone()),
        ("vars", spec.get("vars").cloned().unwrap_or_default(), result["vars"].clone()),
        ("steps", steps_pair.0, steps_pair.1),
        ("labels", metadata["labels"].clone(), result["labels"].clone()),
        ("annotations", metadata["annotations"].clone(), result["annotations"].clone()),
        ("ownerReferences", owners, result["ownerReferences"].clone()),
    ];
    for (what, got, expected) in pairs {
        if got != expected {
            return Err(format!("{what}: got {got}, expected {expected}"));
        }
    }
    Ok(())
}
