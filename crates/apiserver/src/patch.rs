//! The three kinds of patch of the Kubernetes API over plain JSON: merge, JSON patch and strategic merge.

mod strategic;

use json_patch::{PatchOperation, jsonptr::Pointer};
use serde_json::Value;

pub use strategic::strategic;

/// How many operations one JSON patch may have; kube-apiserver's own bound.
const OPERATIONS_MAX: usize = 10_000;

/// How much JSON one patch may copy and move, in bytes: without a bound a few lines double an object until memory is gone.
const MOVED_BYTES_MAX: usize = 8 << 20;
/// How deep an object may nest after a patch: what a body may, or the walks over it would exhaust the stack.
const DEPTH_MAX: usize = 128;

/// Why a patch could not be applied.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum PatchError {
    /// The patch itself cannot be read: the request is bad (400).
    #[error("read the patch: {0}")]
    Syntax(String),
    /// The patch is sound but does not fit the object (422).
    #[error("operation {index} of the patch (`{op}` at `{path}`): {reason}")]
    Operation {
        /// Position of the operation, from 0.
        index: usize,
        /// Its name.
        op: &'static str,
        /// Where it points.
        path: String,
        /// What stood in the way.
        reason: String,
    },
    /// A strategic directive that makes no sense where it stands (400).
    #[error("strategic patch at `{path}`: {reason}")]
    Directive {
        /// Dotted path of the directive.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Strategic merge is for built-in kinds (415).
    #[error("strategic merge is not served for kind `{0}`: use --type=merge or --type=json")]
    NotStrategic(String),
}

/// Applies a JSON merge patch (RFC 7396).
pub fn merge(target: &mut Value, patch: &Value) {
    json_patch::merge(target, patch);
}

/// Applies a JSON patch (RFC 6902); nothing is changed when an operation fails.
///
/// As kube-apiserver does, `test` of a missing path against `null` passes: kube-rs' `finalizer()` relies on it.
pub fn json(target: &mut Value, patch: &[u8]) -> Result<(), PatchError> {
    let operations: Vec<PatchOperation> = serde_json::from_slice(patch).map_err(|err| PatchError::Syntax(err.to_string()))?;
    if operations.len() > OPERATIONS_MAX {
        return Err(PatchError::Syntax(format!("{} operations, at most {OPERATIONS_MAX} are taken", operations.len())));
    }
    let mut work = target.clone();
    let mut budget = MOVED_BYTES_MAX;
    for (index, operation) in operations.iter().enumerate() {
        let refused =
            |reason: String| PatchError::Operation { index, op: name(operation), path: operation.path().to_string(), reason };
        if let PatchOperation::Test(test) = operation
            && test.value.is_null()
            && is_missing(&work, &test.path)
        {
            continue;
        }
        if let Some(value) = placed(&work, operation) {
            let depth = operation.path().tokens().count();
            weigh(value, depth, &mut budget).map_err(|reason| refused(reason.to_owned()))?;
        }
        json_patch::patch_unsafe(&mut work, std::slice::from_ref(operation)).map_err(|err| refused(err.kind.to_string()))?;
    }
    *target = work;
    Ok(())
}

fn is_missing(value: &Value, path: &Pointer) -> bool {
    value.pointer(path.as_str()).is_none()
}

/// The value that an operation puts somewhere.
fn placed<'a>(work: &'a Value, operation: &'a PatchOperation) -> Option<&'a Value> {
    match operation {
        PatchOperation::Add(add) => Some(&add.value),
        PatchOperation::Replace(replace) => Some(&replace.value),
        PatchOperation::Move(from) => work.pointer(from.from.as_str()),
        PatchOperation::Copy(from) => work.pointer(from.from.as_str()),
        PatchOperation::Remove(_) | PatchOperation::Test(_) => None,
    }
}

/// Takes a value's size from the budget and looks at how deep it would come to lie.
fn weigh(value: &Value, depth: usize, budget: &mut usize) -> Result<(), &'static str> {
    if depth > DEPTH_MAX {
        return Err("the object would nest too deep");
    }
    let own = match value {
        Value::String(text) => text.len() + 2,
        Value::Object(fields) => fields.keys().map(|key| key.len() + 4).sum::<usize>() + 2,
        _ => 8,
    };
    *budget = budget.checked_sub(own).ok_or("the patch places more JSON than one patch may")?;
    match value {
        Value::Object(fields) => fields.values().try_for_each(|inner| weigh(inner, depth + 1, budget)),
        Value::Array(items) => items.iter().try_for_each(|inner| weigh(inner, depth + 1, budget)),
        _ => Ok(()),
    }
}

fn name(operation: &PatchOperation) -> &'static str {
    match operation {
        PatchOperation::Add(_) => "add",
        PatchOperation::Remove(_) => "remove",
        PatchOperation::Replace(_) => "replace",
        PatchOperation::Move(_) => "move",
        PatchOperation::Copy(_) => "copy",
        PatchOperation::Test(_) => "test",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check_json(before: Value, patch: Value, after: Value) {
        let mut target = before;
        super::json(&mut target, patch.to_string().as_bytes()).expect("patch applies");
        assert_eq!(target, after);
    }

    fn check_refused(before: Value, patch: &str) -> PatchError {
        let mut target = before.clone();
        let err = super::json(&mut target, patch.as_bytes()).expect_err("patch is refused");
        assert_eq!(target, before, "a refused patch changes nothing");
        err
    }

    #[test]
    fn merge_sets_and_removes() {
        let mut target = json!({"a": 1, "b": {"c": 2, "d": 3}});
        merge(&mut target, &json!({"a": null, "b": {"c": 4}, "e": [1]}));
        assert_eq!(target, json!({"b": {"c": 4, "d": 3}, "e": [1]}));
    }

    #[test]
    fn operations_apply_in_order() {
        check_json(
            json!({"list": [1, 2]}),
            json!([{"op": "add", "path": "/list/-", "value": 3}, {"op": "remove", "path": "/list/0"}, {"op": "add", "path": "/x", "value": {}}]),
            json!({"list": [2, 3], "x": {}}),
        );
        check_json(json!({"a": {"b": 1}}), json!([{"op": "move", "from": "/a/b", "path": "/c"}]), json!({"a": {}, "c": 1}));
        check_json(
            json!({"a": 1}),
            json!([{"op": "copy", "from": "/a", "path": "/b"}, {"op": "replace", "path": "/a", "value": 2}]),
            json!({"a": 2, "b": 1}),
        );
        check_json(json!({"m": {"a/b": 1}}), json!([{"op": "remove", "path": "/m/a~1b"}]), json!({"m": {}}));
    }

    #[test]
    fn test_of_a_missing_path_against_null_passes() {
        check_json(
            json!({"metadata": {}}),
            json!([{"op": "test", "path": "/metadata/finalizers", "value": null}, {"op": "add", "path": "/metadata/finalizers", "value": ["a"]}]),
            json!({"metadata": {"finalizers": ["a"]}}),
        );
    }

    #[test]
    fn a_failed_test_names_operation_and_path() {
        let err =
            check_refused(json!({"a": 1}), r#"[{"op":"replace","path":"/a","value":3},{"op":"test","path":"/a","value":2}]"#);
        assert!(err.to_string().starts_with("operation 1 of the patch (`test` at `/a`)"), "{err}");
        check_refused(json!({"a": 1}), r#"[{"op":"test","path":"/b","value":2}]"#);
        check_refused(json!({"a": 1}), r#"[{"op":"remove","path":"/b"}]"#);
        check_refused(json!({"a": 1}), r#"[{"op":"add","path":"/b/c","value":1}]"#);
    }

    #[test]
    fn a_patch_that_is_no_patch_is_a_syntax_error() {
        assert!(matches!(check_refused(json!({}), r#"{"a":1}"#), PatchError::Syntax(_)));
        assert!(matches!(check_refused(json!({}), r#"[{"op":"mend","path":"/a"}]"#), PatchError::Syntax(_)));
    }

    #[test]
    fn a_patch_cannot_grow_without_end() {
        let doubling: Vec<Value> = (0..40).map(|n| json!({"op": "copy", "from": "", "path": format!("/a{n}")})).collect();
        let err = check_refused(json!({"x": "y".repeat(1000)}), &Value::from(doubling).to_string());
        assert!(err.to_string().contains("more JSON than one patch may"), "{err}");
        let mut nesting = Vec::new();
        for _ in 0..200 {
            nesting.push(json!({"op": "move", "from": "/a", "path": "/b"}));
            nesting.push(json!({"op": "add", "path": "/a", "value": {}}));
            nesting.push(json!({"op": "move", "from": "/b", "path": "/a/c"}));
        }
        let err = check_refused(json!({"a": {}}), &Value::from(nesting).to_string());
        assert!(err.to_string().contains("nest too deep"), "{err}");
    }
}
