//! `expressionFilter`: a raw expression over one commit or tag that says whether it counts.

use super::DiscoveryError;
use jiff::Timestamp;
use seaway_expr::{Budget, CallError, Env, Signature, Time, Value};

/// The names a filter can use.
pub(super) struct Names(Vec<(&'static str, Value)>);

impl Names {
    pub(super) fn texts<const N: usize>(texts: [(&'static str, &str); N]) -> Self {
        Self(texts.into_iter().map(|(name, text)| (name, Value::text(text))).collect())
    }

    pub(super) fn instant(mut self, name: &'static str, at: Option<Timestamp>) -> Self {
        self.0.push((name, at.map_or(Value::Null, |at| Value::Time(Box::new(Time::utc(at))))));
        self
    }
}

impl Env for Names {
    fn variable(&self, name: &str) -> Option<Value> {
        self.0.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone())
    }

    fn names(&self) -> Vec<String> {
        self.0.iter().map(|(name, _)| (*name).to_owned()).collect()
    }

    fn function(&self, _: &str) -> Option<Signature> {
        None
    }

    fn call(&self, name: &str, _: &[Value]) -> Result<Value, CallError> {
        Err(CallError::Failed(format!("there is no function `{name}` in a filter")))
    }
}

/// Whether the filter takes what the names describe. An empty filter takes all.
pub(super) fn takes(expression: &str, names: &Names) -> Result<bool, DiscoveryError> {
    if expression.is_empty() {
        return Ok(true);
    }
    seaway_expr::evaluate(expression, names, &Budget::default())
        .and_then(|value| seaway_expr::truth(&value))
        .map_err(|err| DiscoveryError::Expression { expression: expression.to_owned(), err })
}
