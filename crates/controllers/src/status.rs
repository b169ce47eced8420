//! Writing a status: only what differs is sent, and nothing if nothing does.

use crate::frame::{Cache, Key, Kind};
use kube::Client;
use kube::api::{Api, ApiResource, DynamicObject, Patch, PatchParams};
use serde::Serialize;
use serde_json::{Map, Value, json};

/// The objects of a kind in a project (empty for cluster-scoped kinds), untyped: what a newer version wrote survives.
pub(crate) fn api<K: Kind>(client: &Client, project: &str) -> Api<DynamicObject> {
    let resource = ApiResource::erase::<K>(&());
    if project.is_empty() {
        Api::all_with(client.clone(), &resource)
    } else {
        Api::namespaced_with(client.clone(), project, &resource)
    }
}

/// Makes the status `after` out of `before`; answers whether that took a write. The cache knows the new object at once.
pub(crate) async fn write<K: Kind>(
    client: &Client,
    cache: &Cache<K>,
    key: &Key,
    manager: &str,
    (before, after): (&impl Serialize, &impl Serialize),
) -> Result<bool, kube::Error> {
    let values = serde_json::to_value(before).and_then(|before| Ok((before, serde_json::to_value(after)?)));
    let (before, after) = values.map_err(kube::Error::SerdeError)?;
    let Some(difference) = difference(&before, &after) else { return Ok(false) };
    let patch = Patch::Merge(json!({ "status": difference }));
    let parameters = PatchParams { field_manager: Some(manager.to_owned()), ..PatchParams::default() };
    let written = api::<K>(client, &key.project).patch_status(&key.name, &parameters, &patch).await?;
    cache.put(written);
    Ok(true)
}

/// The JSON merge patch (RFC 7386) from one value to another; `None` if they are equal.
fn difference(before: &Value, after: &Value) -> Option<Value> {
    if before == after {
        return None;
    }
    let (Value::Object(old), Value::Object(new)) = (before, after) else { return Some(after.clone()) };
    let mut patch = Map::new();
    for key in old.keys().filter(|key| !new.contains_key(*key)) {
        patch.insert(key.clone(), Value::Null);
    }
    for (key, value) in new {
        match old.get(key) {
            Some(old) => patch.extend(difference(old, value).map(|part| (key.clone(), part))),
            None => {
                patch.insert(key.clone(), value.clone());
            }
        }
    }
    // Maps may hold the same in another order.
    (!patch.is_empty()).then_some(Value::Object(patch))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patch_says_what_changed_and_what_went() {
        let check = |before: Value, after: Value, expect: Option<Value>| assert_eq!(difference(&before, &after), expect);
        check(json!({ "a": 1, "b": { "c": [1] } }), json!({ "b": { "c": [1] }, "a": 1 }), None);
        check(json!({ "a": 1, "b": { "c": [1] } }), json!({ "b": { "c": [2] } }), Some(json!({ "a": null, "b": { "c": [2] } })));
        check(Value::Null, json!({ "a": 1 }), Some(json!({ "a": 1 })));
    }
}
