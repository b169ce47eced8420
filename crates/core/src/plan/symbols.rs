//! Symbols: what differs between a plan and its run (the promotion's name, the time, the actor) is digested under one name.

use serde_json::Value;
use sha2::{Digest as _, Sha256};

/// Values of this run and the symbols they stand for.
#[derive(Debug, Clone, Default)]
pub struct Symbols(Vec<(String, String)>);

/// Brackets that no file uses by chance.
const BRACKETS: (&str, &str) = ("\u{27e6}", "\u{27e7}");
/// Anything shorter would be found by chance.
const VALUE_CHARS_MIN: usize = 4;

impl Symbols {
    /// The text that stands for the value of that name in a plan: `⟦promotion⟧`.
    pub fn symbol(name: &str) -> String {
        format!("{}{name}{}", BRACKETS.0, BRACKETS.1)
    }

    /// The same symbols and one more: `value` is what `name` is in this run. Values shorter than four characters are left alone.
    #[must_use]
    pub fn with(mut self, value: &str, name: &str) -> Self {
        if value.chars().count() >= VALUE_CHARS_MIN {
            self.0.push((value.to_owned(), Self::symbol(name)));
            // The longest first, so that a value inside of another does not break it.
            self.0.sort_by_key(|(value, _)| std::cmp::Reverse(value.len()));
        }
        self
    }

    /// A text with symbols in the place of values.
    pub fn in_text(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, (value, symbol)| text.replace(value, symbol))
    }

    /// A JSON value with symbols in all its strings; keys stay.
    pub fn in_value(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.in_text(text)),
            Value::Array(list) => list.iter().map(|v| self.in_value(v)).collect(),
            Value::Object(map) => map.iter().map(|(k, v)| (k.clone(), self.in_value(v))).collect(),
            other => other.clone(),
        }
    }

    /// The id a blob has in a digest: git's own, or a hash over the symbols if its content holds one.
    pub fn blob(&self, git_id: &str, content: &[u8]) -> String {
        let Ok(text) = std::str::from_utf8(content) else { return git_id.to_owned() };
        let replaced = self.in_text(text);
        let symbolic = replaced.contains(BRACKETS.0) && replaced.contains(BRACKETS.1);
        if symbolic { format!("symbols:{}", hex::encode(Sha256::digest(replaced))) } else { git_id.to_owned() }
    }
}
