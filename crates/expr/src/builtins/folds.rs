//! Functions that walk a collection with a predicate: `all`, `map`, `reduce` and the like.

use std::collections::BTreeMap;

use super::collections::{any_map, sort};
use crate::ast::Op;
use crate::error::{Done, Error};
use crate::eval::Meter;
use crate::gotext;
use crate::value::Value;

/// Functions that take a predicate: name, whether it may be left out, whether a further argument may follow.
pub(crate) const FOLDS: [(&str, bool, bool); 15] = [
    ("all", false, false),
    ("none", false, false),
    ("any", false, false),
    ("one", false, false),
    ("filter", false, false),
    ("map", false, false),
    ("find", false, false),
    ("findIndex", false, false),
    ("findLast", false, false),
    ("findLastIndex", false, false),
    ("count", true, false),
    ("sum", true, false),
    ("groupBy", false, false),
    ("sortBy", false, true),
    ("reduce", false, true),
];

/// A function over a collection, fed item by item.
pub(crate) struct Fold {
    name: &'static str,
    at: usize,
    extra: Option<Value>,
    acc: Option<Value>,
    matches: i64,
    found: Option<Value>,
    keyed: Vec<(Value, Value)>,
    groups: Vec<(Value, Vec<Value>)>,
    known: BTreeMap<String, usize>,
}

impl Fold {
    pub(crate) fn new(name: &'static str, extra: Option<Value>, at: usize) -> Self {
        let acc = if name == "reduce" { extra.clone() } else { None };
        Fold { name, at, extra, acc, matches: 0, found: None, keyed: Vec::new(), groups: Vec::new(), known: BTreeMap::new() }
    }

    /// Whether the item became the first accumulator of a `reduce` without one.
    pub(crate) fn seed(&mut self, item: &Value) -> bool {
        let seeds = self.name == "reduce" && self.acc.is_none();
        if seeds {
            self.acc = Some(item.clone());
        }
        seeds
    }

    pub(crate) fn accumulated(&self) -> Option<Value> {
        self.acc.clone()
    }

    fn truth(&self, outcome: &Value) -> Result<bool, Error> {
        match outcome.open().0 {
            Value::Bool(b) => Ok(*b),
            other => Err(Error::run(self.at, format!("a predicate must give true or false, got {}", other.go_type()))),
        }
    }

    /// Takes one outcome; `true` when the rest does not matter.
    pub(crate) fn feed(&mut self, item: Value, index: i64, outcome: Value, meter: &Meter<'_>) -> Result<bool, Error> {
        match self.name {
            "map" => {
                meter.reserve(outcome.weight().min(64))?;
                self.keyed.push((Value::Null, outcome));
            }
            "sum" => {
                let before = self.acc.take().unwrap_or(Value::Int(0));
                self.acc = Some(crate::ops::binary(Op::Add, &before, &outcome, self.at, meter)?);
            }
            "reduce" => self.acc = Some(outcome),
            "sortBy" => self.keyed.push((outcome.open().0.clone(), item)),
            "groupBy" => {
                let key = outcome.open().0.clone();
                if matches!(key, Value::List(_) | Value::Map(_) | Value::AnyMap(_)) {
                    return Err(Error::run(self.at, format!("cannot group by {}", key.go_type())));
                }
                let name = format!("{}:{}", key.go_type(), gotext::plain(&key));
                let slot = *self.known.entry(name).or_insert(self.groups.len());
                if slot == self.groups.len() {
                    self.groups.push((key, Vec::new()));
                }
                self.groups[slot].1.push(item);
            }
            "all" if !self.truth(&outcome)? => {
                self.matches = -1;
                return Ok(true);
            }
            "all" => {}
            _ if !self.truth(&outcome)? => {}
            "filter" => self.keyed.push((Value::Null, item)),
            "find" | "findLast" => {
                self.found = Some(item);
                return Ok(true);
            }
            "findIndex" | "findLastIndex" => {
                self.found = Some(Value::Int(index));
                return Ok(true);
            }
            _ => {
                self.matches += 1;
                return Ok(matches!(self.name, "any" | "none"));
            }
        }
        Ok(false)
    }

    pub(crate) fn finish(self, meter: &Meter<'_>) -> Done {
        Ok(match self.name {
            "map" | "filter" => Value::list(self.keyed.into_iter().map(|p| p.1).collect()),
            "sum" => self.acc.unwrap_or(Value::Int(0)),
            "reduce" => self.acc.ok_or_else(|| Error::run(self.at, "reduce of an empty list with no initial value"))?,
            "sortBy" => {
                let order = self.extra.unwrap_or_else(|| Value::text("asc"));
                let order = order.as_str().ok_or_else(|| Error::run(self.at, "unknown order, use asc or desc"))?;
                sort(self.keyed, order, self.at, meter)?
            }
            "groupBy" => any_map(self.groups.into_iter().map(|(k, v)| (k, Value::list(v))).collect()),
            "all" => Value::Bool(self.matches == 0),
            "none" => Value::Bool(self.matches == 0),
            "any" => Value::Bool(self.matches > 0),
            "one" => Value::Bool(self.matches == 1),
            "count" => Value::Int(self.matches),
            _ => self.found.unwrap_or(Value::Null),
        })
    }
}
