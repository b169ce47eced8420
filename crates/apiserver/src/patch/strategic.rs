//! Strategic merge for the built-in kinds: lists merge by key or as sets where Kubernetes' types say so.

use serde_json::{Map, Value};

use super::PatchError;

const DIRECTIVE: &str = "$patch";
const ORDER: &str = "$setElementOrder/";
const DELETE: &str = "$deleteFromPrimitiveList/";
const RETAIN: &str = "$retainKeys";

/// How a list of a built-in kind merges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ListMerge {
    Replace,
    Set,
    ByKey(&'static str),
}

/// The kinds whose lists this file knows.
const KINDS: [&str; 10] = [
    "Namespace",
    "Secret",
    "ConfigMap",
    "Event",
    "ServiceAccount",
    "Lease",
    "Role",
    "RoleBinding",
    "ClusterRole",
    "ClusterRoleBinding",
];

fn list_merge(kind: &str, path: &str) -> ListMerge {
    match (kind, path) {
        (_, "metadata.ownerReferences") => ListMerge::ByKey("uid"),
        (_, "metadata.finalizers") => ListMerge::Set,
        ("Namespace", "status.conditions") => ListMerge::ByKey("type"),
        ("ServiceAccount", "secrets" | "imagePullSecrets") => ListMerge::ByKey("name"),
        _ => ListMerge::Replace,
    }
}

/// Applies a strategic merge patch to an object of a built-in kind; nothing is changed on an error.
pub fn strategic(kind: &str, target: &mut Value, patch: &Value) -> Result<(), PatchError> {
    if !KINDS.contains(&kind) {
        return Err(PatchError::NotStrategic(kind.to_owned()));
    }
    let Value::Object(patch) = patch else {
        return Err(PatchError::Syntax("a strategic patch is an object".to_owned()));
    };
    let mut work = target.clone();
    if !work.is_object() {
        work = Value::Object(Map::new());
    }
    if let Value::Object(fields) = &mut work {
        merge_map(kind, fields, patch, "")?;
    }
    *target = work;
    Ok(())
}

fn merge_map(kind: &str, target: &mut Map<String, Value>, patch: &Map<String, Value>, path: &str) -> Result<(), PatchError> {
    match directive(patch, path)? {
        Some("replace") => {
            target.clear();
            for (key, value) in patch.iter().filter(|(key, _)| *key != DIRECTIVE) {
                target.insert(key.clone(), value.clone());
            }
            return Ok(());
        }
        Some("delete") => {
            target.clear();
            return Ok(());
        }
        _ => {}
    }
    if let Some(keep) = patch.get(RETAIN).and_then(Value::as_array) {
        target.retain(|key, _| keep.iter().any(|kept| kept == key));
    }
    // An order or a deletion may come without the list itself: both are looked at once, whichever key names the list.
    let mut lists: Vec<&str> = Vec::new();
    for (key, value) in patch {
        if key == DIRECTIVE || key == RETAIN {
            continue;
        }
        let list = key.strip_prefix(ORDER).or_else(|| key.strip_prefix(DELETE));
        if list.is_some() || value.is_array() {
            let name = list.unwrap_or(key);
            if !lists.contains(&name) {
                lists.push(name);
            }
            continue;
        }
        merge_field(kind, target, key, value, &join(path, key))?;
    }
    for name in lists {
        merge_list(kind, target, patch, name, &join(path, name))?;
    }
    Ok(())
}

fn merge_field(kind: &str, target: &mut Map<String, Value>, key: &str, value: &Value, path: &str) -> Result<(), PatchError> {
    match value {
        Value::Null => {
            target.shift_remove(key);
        }
        Value::Object(inner) => {
            if directive(inner, path)? == Some("delete") {
                target.shift_remove(key);
                return Ok(());
            }
            let slot = target.entry(key.to_owned()).or_insert_with(|| Value::Object(Map::new()));
            if !slot.is_object() {
                *slot = Value::Object(Map::new());
            }
            if let Value::Object(fields) = slot {
                merge_map(kind, fields, inner, path)?;
            }
        }
        other => {
            target.insert(key.to_owned(), other.clone());
        }
    }
    Ok(())
}

fn merge_list(
    kind: &str,
    target: &mut Map<String, Value>,
    patch: &Map<String, Value>,
    name: &str,
    path: &str,
) -> Result<(), PatchError> {
    let how = list_merge(kind, path);
    let value = patch.get(name);
    let order = patch.get(&format!("{ORDER}{name}")).and_then(Value::as_array);
    let deletions = patch.get(&format!("{DELETE}{name}")).and_then(Value::as_array);
    if value.is_some_and(Value::is_null) {
        target.shift_remove(name);
        return Ok(());
    }
    let items = match value {
        Some(Value::Array(items)) => items.as_slice(),
        Some(_) => return Err(wrong(path, "a list is wanted")),
        None => &[],
    };
    let before: Vec<Value> = target.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
    let mut merged = match how {
        ListMerge::Replace => items.to_vec(),
        ListMerge::Set => {
            let mut merged: Vec<Value> =
                before.iter().filter(|item| !deletions.is_some_and(|gone| gone.contains(item))).cloned().collect();
            for item in items {
                if !merged.contains(item) {
                    merged.push(item.clone());
                }
            }
            merged
        }
        ListMerge::ByKey(key) => merge_by_key(kind, &before, items, key, path)?,
    };
    if let Some(order) = order {
        let same = |item: &Value, wanted: &Value| match how {
            ListMerge::ByKey(key) => item.get(key).is_some() && item.get(key) == wanted.get(key),
            _ => item == wanted,
        };
        merged = reorder(merged, &before, order, same);
    }
    if merged.is_empty() && value.is_none() && !target.contains_key(name) {
        return Ok(());
    }
    target.insert(name.to_owned(), Value::Array(merged));
    Ok(())
}

fn merge_by_key(kind: &str, before: &[Value], items: &[Value], key: &str, path: &str) -> Result<Vec<Value>, PatchError> {
    let mut merged = before.to_vec();
    let is_directive_only = |item: &Value| item.as_object().is_some_and(|map| map.len() == 1 && map.contains_key(DIRECTIVE));
    if items.iter().any(|item| is_directive_only(item) && item[DIRECTIVE] == "replace") {
        return Ok(items.iter().filter(|item| !is_directive_only(item)).cloned().collect());
    }
    for item in items {
        let Value::Object(fields) = item else { return Err(wrong(path, "items are objects")) };
        let Some(wanted) = fields.get(key) else {
            return Err(wrong(path, &format!("an item lacks its merge key `{key}`")));
        };
        let at = merged.iter().position(|have| have.get(key) == Some(wanted));
        let how = directive(fields, path)?;
        if how == Some("delete") {
            if let Some(at) = at {
                merged.remove(at);
            }
            continue;
        }
        let mut slot = match at {
            Some(at) => merged[at].take(),
            None => Value::Object(Map::new()),
        };
        if let Value::Object(have) = &mut slot {
            merge_map(kind, have, fields, path)?;
        }
        match at {
            Some(at) => merged[at] = slot,
            None => merged.push(slot),
        }
    }
    Ok(merged)
}

/// Puts the items that the client named in its order; the others keep their place relative to those that stood there before.
fn reorder(merged: Vec<Value>, before: &[Value], order: &[Value], same: impl Fn(&Value, &Value) -> bool) -> Vec<Value> {
    let rank = |item: &Value| order.iter().position(|wanted| same(item, wanted));
    let stood = |item: &Value| before.iter().position(|old| same(item, old));
    let (mut named, others): (Vec<Value>, Vec<Value>) = merged.into_iter().partition(|item| rank(item).is_some());
    named.sort_by_key(|item| rank(item));
    let mut result = Vec::with_capacity(named.len() + others.len());
    let mut others = others.into_iter().peekable();
    for item in named {
        while let (Some(other), Some(mine)) = (others.peek().and_then(&stood), stood(&item)) {
            if other > mine {
                break;
            }
            result.extend(others.next());
        }
        result.push(item);
    }
    result.extend(others);
    result
}

fn directive<'a>(patch: &'a Map<String, Value>, path: &str) -> Result<Option<&'a str>, PatchError> {
    match patch.get(DIRECTIVE) {
        None => Ok(None),
        Some(Value::String(name)) if ["replace", "delete", "merge"].contains(&name.as_str()) => Ok(Some(name)),
        Some(other) => Err(wrong(path, &format!("`{DIRECTIVE}` is replace, delete or merge, not {other}"))),
    }
}

fn wrong(path: &str, reason: &str) -> PatchError {
    PatchError::Directive { path: path.to_owned(), reason: reason.to_owned() }
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(kind: &str, before: Value, patch: Value, after: Value) {
        let mut target = before;
        strategic(kind, &mut target, &patch).expect("patch applies");
        assert_eq!(target, after);
    }

    #[test]
    fn maps_merge_and_null_removes() {
        check(
            "ConfigMap",
            json!({"data": {"a": "1", "b": "2"}}),
            json!({"data": {"a": null, "c": "3"}}),
            json!({"data": {"b": "2", "c": "3"}}),
        );
    }

    #[test]
    fn map_directives_replace_and_delete() {
        check(
            "ConfigMap",
            json!({"data": {"a": "1"}}),
            json!({"data": {"$patch": "replace", "b": "2"}}),
            json!({"data": {"b": "2"}}),
        );
        check("ConfigMap", json!({"data": {"a": "1"}}), json!({"data": {"$patch": "delete"}}), json!({}));
        check(
            "ConfigMap",
            json!({"data": {"a": "1", "b": "2"}}),
            json!({"data": {"$retainKeys": ["b"], "b": "3"}}),
            json!({"data": {"b": "3"}}),
        );
    }

    #[test]
    fn finalizers_are_a_set() {
        check(
            "Secret",
            json!({"metadata": {"finalizers": ["a", "b"]}}),
            json!({"metadata": {"finalizers": ["c"], "$deleteFromPrimitiveList/finalizers": ["a"]}}),
            json!({"metadata": {"finalizers": ["b", "c"]}}),
        );
        check(
            "Secret",
            json!({"metadata": {"finalizers": ["a", "b"]}}),
            json!({"metadata": {"$deleteFromPrimitiveList/finalizers": ["a"]}}),
            json!({"metadata": {"finalizers": ["b"]}}),
        );
    }

    #[test]
    fn element_order_is_kept() {
        check(
            "Secret",
            json!({"metadata": {"finalizers": ["a", "b"]}}),
            json!({"metadata": {"finalizers": ["c"], "$setElementOrder/finalizers": ["c", "b", "a"]}}),
            json!({"metadata": {"finalizers": ["c", "b", "a"]}}),
        );
        check(
            "ServiceAccount",
            json!({"secrets": [{"name": "server"}, {"name": "a"}]}),
            json!({"secrets": [{"name": "b"}], "$setElementOrder/secrets": [{"name": "b"}, {"name": "a"}]}),
            json!({"secrets": [{"name": "b"}, {"name": "server"}, {"name": "a"}]}),
        );
    }

    #[test]
    fn owner_references_merge_by_uid() {
        check(
            "ConfigMap",
            json!({"metadata": {"ownerReferences": [{"uid": "1", "name": "a"}, {"uid": "2", "name": "b"}]}}),
            json!({"metadata": {"ownerReferences": [{"uid": "2", "controller": true}, {"uid": "3", "name": "c"}, {"uid": "1", "$patch": "delete"}]}}),
            json!({"metadata": {"ownerReferences": [{"uid": "2", "name": "b", "controller": true}, {"uid": "3", "name": "c"}]}}),
        );
    }

    #[test]
    fn a_keyed_list_can_be_replaced() {
        check(
            "ServiceAccount",
            json!({"secrets": [{"name": "a"}]}),
            json!({"secrets": [{"$patch": "replace"}, {"name": "b"}]}),
            json!({"secrets": [{"name": "b"}]}),
        );
    }

    #[test]
    fn conditions_of_a_namespace_merge_by_type() {
        check(
            "Namespace",
            json!({"status": {"conditions": [{"type": "A", "status": "True"}]}}),
            json!({"status": {"conditions": [{"type": "A", "status": "False"}, {"type": "B", "status": "True"}]}}),
            json!({"status": {"conditions": [{"type": "A", "status": "False"}, {"type": "B", "status": "True"}]}}),
        );
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let refused = |kind: &str, patch: Value| strategic(kind, &mut json!({}), &patch).expect_err("refused").to_string();
        insta::assert_snapshot!(refused("Stage", json!({})), @"strategic merge is not served for kind `Stage`: use --type=merge or --type=json");
        insta::assert_snapshot!(refused("Secret", json!({"data": {"$patch": "mend"}})), @r#"strategic patch at `data`: `$patch` is replace, delete or merge, not "mend""#);
        insta::assert_snapshot!(refused("ServiceAccount", json!({"secrets": [{"kind": "x"}]})), @"strategic patch at `secrets`: an item lacks its merge key `name`");
    }
}
