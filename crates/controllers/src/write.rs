//! Writing only what changed: the merge patch between two states of an object's part, and nothing where there is none.

use crate::frame::{Cache, Kind};
use kube::api::{Api, Patch, PatchParams};
use serde::Serialize;
use serde_json::{Map, Value, json};

/// The JSON merge patch that makes `new` of `old`; `None` if they are the same.
pub(crate) fn difference(old: &Value, new: &Value) -> Option<Value> {
    let (Value::Object(before), Value::Object(after)) = (old, new) else {
        return (old != new).then(|| new.clone());
    };
    let mut patch = Map::new();
    for (key, value) in after {
        match before.get(key) {
            None => {
                patch.insert(key.clone(), value.clone());
            }
            Some(was) => {
                if let Some(inner) = difference(was, value) {
                    patch.insert(key.clone(), inner);
                }
            }
        }
    }
    for key in before.keys().filter(|key| !after.contains_key(*key)) {
        patch.insert(key.clone(), Value::Null);
    }
    (!patch.is_empty()).then_some(Value::Object(patch))
}

/// Parameters of a write by this controller.
pub(crate) fn by(manager: &str) -> PatchParams {
    PatchParams { field_manager: Some(format!("seaway-{manager}")), ..PatchParams::default() }
}

/// Writes a status where it differs from what stands; `None` if it does not.
pub(crate) async fn status<K: Kind>(
    api: &Api<K>,
    manager: &str,
    name: &str,
    old: &impl Serialize,
    new: &impl Serialize,
) -> kube::Result<Option<K>> {
    let value = |part: Result<Value, serde_json::Error>| match part {
        Ok(Value::Null) => Ok(json!({})),
        other => other.map_err(kube::Error::SerdeError),
    };
    let (old, new) = (value(serde_json::to_value(old))?, value(serde_json::to_value(new))?);
    match difference(&old, &new) {
        None => Ok(None),
        Some(patch) => api.patch_status(name, &by(manager), &Patch::Merge(json!({ "status": patch }))).await.map(Some),
    }
}

/// The same, and the cache knows the new object at once; says whether it took a write.
pub(crate) async fn status_seen<K: Kind>(
    (api, cache): (&Api<K>, &Cache<K>),
    manager: &str,
    name: &str,
    old: &impl Serialize,
    new: &impl Serialize,
) -> kube::Result<bool> {
    let written = status(api, manager, name, old, new).await?;
    Ok(written.map(|object| cache.put(object)).is_some())
}

/// Did the API answer with this code?
pub(crate) fn is_code(err: &kube::Error, code: u16) -> bool {
    matches!(err, kube::Error::Api(status) if status.code == code)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(old: Value, new: Value, patch: Option<Value>) {
        assert_eq!(difference(&old, &new), patch);
    }

    #[test]
    fn a_patch_names_only_what_changed() {
        check(json!({"a": 1, "b": {"c": 2}}), json!({"b": {"c": 2}, "a": 1}), None);
        check(json!({"a": 1, "b": {"c": 2, "d": 3}}), json!({"b": {"c": 4}}), Some(json!({"b": {"c": 4, "d": null}, "a": null})));
        check(json!({}), json!({"l": [1]}), Some(json!({"l": [1]})));
        check(json!({"l": [1, 2]}), json!({"l": [1]}), Some(json!({"l": [1]})));
    }
}
