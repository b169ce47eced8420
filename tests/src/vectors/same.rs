//! Comparing values: numbers by value, and `{{commit:LABEL}}` bound to whichever commit stands there first.

use serde_json::Value;
use std::collections::BTreeMap;

/// Labels of commits and their ids; a label that is new is bound by what is found in its place.
#[derive(Debug, Clone, Default)]
pub(crate) struct Labels(pub(crate) BTreeMap<String, String>);

impl Labels {
    /// Is this commit the one with that label? Binds a label that is new.
    pub(crate) fn is(&mut self, label: &str, id: &str) -> bool {
        self.0.entry(label.to_owned()).or_insert_with(|| id.to_owned()) == id
    }

    /// The text with the commits it names put in; those not known yet stay.
    pub(crate) fn fill(&self, text: &str) -> String {
        let mut filled = text.to_owned();
        for (label, id) in &self.0 {
            filled = filled.replace(&format!("{{{{commit:{label}}}}}"), id);
            filled = filled.replace(&format!("{{{{commit:{label}:short}}}}"), &id[..7.min(id.len())]);
        }
        filled
    }

    /// Is `ours` the text that `theirs` stands for?
    fn text(&mut self, ours: &str, theirs: &str) -> bool {
        let filled = self.fill(theirs);
        let Some((before, rest)) = filled.split_once("{{commit:") else { return ours == filled };
        let Some((label, after)) = rest.split_once("}}") else { return ours == filled };
        let Some(id) = ours.strip_prefix(before).and_then(|rest| rest.get(..40)) else { return false };
        if !id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return false;
        }
        let next = format!("{before}{id}{after}");
        self.is(label, id) && self.text(ours, &next)
    }

    /// Compares two values.
    pub(crate) fn same(&mut self, ours: &Value, theirs: &Value) -> bool {
        match (ours, theirs) {
            (Value::Number(a), Value::Number(b)) => a == b || a.as_f64() == b.as_f64(),
            (Value::String(a), Value::String(b)) => self.text(a, b),
            (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| self.same(a, b)),
            (Value::Object(a), Value::Object(b)) => {
                a.len() == b.len() && b.iter().all(|(key, b)| a.get(key).is_some_and(|a| self.same(a, b)))
            }
            (a, b) => a == b,
        }
    }
}

/// No output and an empty one are the same.
pub(crate) fn output(value: &Value) -> Value {
    if value.as_object().is_some_and(serde_json::Map::is_empty) { Value::Null } else { value.clone() }
}

/// Puts names in the place of placeholders, everywhere in a value.
pub(crate) fn replaced(value: &Value, with: &dyn Fn(&str) -> String) -> Value {
    match value {
        Value::String(text) => Value::String(with(text)),
        Value::Array(items) => Value::Array(items.iter().map(|item| replaced(item, with)).collect()),
        Value::Object(map) => Value::Object(map.iter().map(|(key, item)| (with(key), replaced(item, with))).collect()),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn numbers_by_value_and_labels_by_place() {
        let id = "a".repeat(40);
        let mut labels = Labels::default();
        assert!(labels.same(&json!({"n": 1.0, "c": id}), &json!({"c": "{{commit:new1}}", "n": 1})));
        assert!(labels.same(&json!(format!("x/{id}")), &json!("x/{{commit:new1}}")));
        assert!(!labels.same(&json!("b".repeat(40)), &json!("{{commit:new1}}")));
        assert!(!labels.same(&json!("1"), &json!(1)));
    }
}
