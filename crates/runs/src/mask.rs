//! Keeps secret strings out of everything that is written down.

use serde_json::{Map, Value};

/// What stands in a secret's place.
pub(crate) const MASK: &str = "***";
/// Shorter secrets are masked only where they are the whole text: they would blot out innocent text otherwise.
const WITHIN_MIN: usize = 4;

/// The secret strings that this run has met, longest first.
#[derive(Clone, Default)]
pub struct Masker(Vec<String>);

impl std::fmt::Debug for Masker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Masker({} secrets)", self.0.len())
    }
}

impl Masker {
    /// Learns secrets; the lines of one with several are secrets too.
    pub fn learn<I: IntoIterator<Item = S>, S: Into<String>>(&mut self, secrets: I) {
        let before = self.0.len();
        for secret in secrets {
            let secret = secret.into();
            let lines: Vec<String> =
                secret.lines().map(str::trim).filter(|line| line.len() >= 8 && *line != secret).map(ToOwned::to_owned).collect();
            for part in std::iter::once(secret).chain(lines) {
                if !part.trim().is_empty() && !self.0.contains(&part) {
                    self.0.push(part);
                }
            }
        }
        if self.0.len() != before {
            self.0.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        }
    }

    /// Does it know none?
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The text with every secret as `***`.
    pub fn text(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for secret in &self.0 {
            if text == *secret {
                return MASK.to_owned();
            }
            if secret.len() >= WITHIN_MIN && text.contains(secret.as_str()) {
                text = text.replace(secret.as_str(), MASK);
            }
        }
        text
    }

    /// The value with every secret as `***`, in keys and numbers too.
    pub fn value(&self, value: &Value) -> Value {
        if self.is_empty() {
            return value.clone();
        }
        match value {
            Value::String(text) => Value::String(self.text(text)),
            Value::Array(items) => Value::Array(items.iter().map(|item| self.value(item)).collect()),
            Value::Object(map) => Value::Object(self.map(map)),
            Value::Number(number) if self.0.iter().any(|secret| *secret == number.to_string()) => Value::String(MASK.to_owned()),
            other => other.clone(),
        }
    }

    /// The map with every secret as `***`.
    pub fn map(&self, map: &Map<String, Value>) -> Map<String, Value> {
        map.iter().map(|(key, value)| (self.text(key), self.value(value))).collect()
    }

    /// Is one of the secrets in these bytes? Secrets too short to be told from innocent text do not count.
    pub fn finds(&self, bytes: &[u8]) -> bool {
        self.0.iter().filter(|secret| secret.len() >= WITHIN_MIN).any(|secret| contains(bytes, secret.as_bytes()))
    }
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    let Some((&first, _)) = needle.split_first() else { return false };
    let mut from = 0;
    while let Some(at) = haystack.get(from..).and_then(|rest| rest.iter().position(|&byte| byte == first)) {
        if haystack[from + at..].starts_with(needle) {
            return true;
        }
        from += at + 1;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_secret_is_masked_wherever_it_stands() {
        let mut masker = Masker::default();
        masker.learn(["hunter2", "hunter2-longer", "42", "line one of it\nline two of it"]);
        assert_eq!(
            masker.value(
                &json!({"a": "x hunter2 y", "hunter2": [42, "42", "1420"], "b": "hunter2-longer", "c": "at line two of it!"})
            ),
            json!({"a": "x *** y", "***": ["***", "***", "1420"], "b": "***", "c": "at ***!"})
        );
        assert!(masker.finds(b"a hunhunter2") && !masker.finds(b"hunter") && !masker.finds(b"42"));
        assert_eq!(format!("{masker:?}"), "Masker(6 secrets)");
    }
}
