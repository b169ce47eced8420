//! The values of the language; lists and maps know their depth, weight and whether they hold secrets or unknowns.

use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::Arc;

use serde_json::Value as Json;

use crate::time::Time;

/// Something that only a run will know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unknown {
    /// When it will be known, such as "known after `build`".
    pub reason: String,
}

/// A value of an expression.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// `nil`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A whole number written in an expression or counted by it.
    Int(i64),
    /// A number out of JSON, or a fraction.
    Float(f64),
    /// Text.
    String(Arc<str>),
    /// Bytes, `b'…'`.
    Bytes(Arc<[u8]>),
    /// A list.
    List(Arc<List>),
    /// A list that was never made (Go's nil slice): null in JSON, empty otherwise.
    NoList,
    /// A map with text keys.
    Map(Arc<Map>),
    /// A map whose keys are any values (`groupBy`, `fromPairs`); JSON cannot hold it.
    AnyMap(Arc<List>),
    /// A record with a fixed set of fields.
    Struct(Arc<Struct>),
    /// A moment.
    Time(Box<Time>),
    /// Nanoseconds.
    Duration(i64),
    /// A month, 1 to 12.
    Month(i8),
    /// A day of the week, 0 (Sunday) to 6.
    Weekday(i8),
    /// A time zone.
    Zone(jiff::tz::TimeZone),
    /// A semantic version, and the text it was read from (none for one that was derived).
    Version(Arc<semver::Version>, Option<Arc<str>>),
    /// A method not called yet.
    Method(Box<Value>, Arc<str>),
    /// A value that must not be shown.
    Secret(Box<Value>),
    /// A value that is not known yet.
    Unknown(Arc<Unknown>),
}

#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Shape {
    pub(crate) depth: usize,
    pub(crate) weight: u64,
    pub(crate) secret: bool,
    pub(crate) unknown: Option<Arc<Unknown>>,
}

impl Shape {
    fn of<'a>(items: impl Iterator<Item = &'a Value>) -> Self {
        let mut shape = Shape { weight: 1, ..Shape::default() };
        for item in items {
            shape.weight = shape.weight.saturating_add(item.weight());
            shape.depth = shape.depth.max(item.depth());
            shape.secret |= item.holds_secret();
            if shape.unknown.is_none() {
                shape.unknown = item.unknown();
            }
        }
        shape.depth += 1;
        shape
    }
}

/// The items of a list.
#[derive(Debug, Clone, PartialEq)]
pub struct List {
    items: Vec<Value>,
    pub(crate) shape: Shape,
}

impl List {
    /// A list of these items.
    #[must_use]
    pub fn new(items: Vec<Value>) -> Self {
        let shape = Shape::of(items.iter());
        List { items, shape }
    }
}

impl Deref for List {
    type Target = [Value];

    fn deref(&self) -> &[Value] {
        &self.items
    }
}

/// The entries of a map, in the order of their keys.
#[derive(Debug, Clone, PartialEq)]
pub struct Map {
    entries: BTreeMap<Arc<str>, Value>,
    pub(crate) shape: Shape,
    pub(crate) absent_is_empty: bool,
}

impl Map {
    /// A map of these entries.
    #[must_use]
    pub fn new(entries: BTreeMap<Arc<str>, Value>) -> Self {
        let shape = Shape::of(entries.values());
        Map { entries, shape, absent_is_empty: false }
    }

    /// A map of texts, in which an absent key reads as the empty text.
    #[must_use]
    pub fn of_texts(entries: BTreeMap<Arc<str>, Value>) -> Self {
        Map { absent_is_empty: true, ..Map::new(entries) }
    }
}

impl Deref for Map {
    type Target = BTreeMap<Arc<str>, Value>;

    fn deref(&self) -> &Self::Target {
        &self.entries
    }
}

/// A record: reading a field it does not have is an error.
#[derive(Debug, Clone, PartialEq)]
pub struct Struct {
    /// What it is called in messages and by `type()`.
    pub name: &'static str,
    /// Name in expressions, name in JSON, whether JSON leaves it out when empty, value.
    pub fields: Vec<(&'static str, &'static str, bool, Value)>,
}

impl Value {
    /// A string.
    #[must_use]
    pub fn text(text: &str) -> Self {
        Value::String(Arc::from(text))
    }

    /// A list.
    #[must_use]
    pub fn list(items: Vec<Value>) -> Self {
        Value::List(Arc::new(List::new(items)))
    }

    /// A map.
    #[must_use]
    pub fn map(entries: impl IntoIterator<Item = (String, Value)>) -> Self {
        Value::Map(Arc::new(Map::new(entries.into_iter().map(|(k, v)| (Arc::from(k.as_str()), v)).collect())))
    }

    /// A value that is not known yet, and why.
    #[must_use]
    pub fn unknown_because(reason: &str) -> Self {
        Value::Unknown(Arc::new(Unknown { reason: reason.to_string() }))
    }

    /// The value as a secret; what says nothing by itself (a truth value, null) stays open.
    #[must_use]
    pub fn secret(self) -> Self {
        match self {
            Value::Bool(_) | Value::Null | Value::Secret(_) | Value::Unknown(_) => self,
            other => Value::Secret(Box::new(other)),
        }
    }

    /// Reads JSON as Go does: every number is a float.
    #[must_use]
    pub fn from_json(json: &Json) -> Self {
        match json {
            Json::Null => Value::Null,
            Json::Bool(b) => Value::Bool(*b),
            Json::Number(n) => Value::Float(n.as_f64().unwrap_or(f64::NAN)),
            Json::String(s) => Value::text(s),
            Json::Array(items) => Value::list(items.iter().map(Value::from_json).collect()),
            Json::Object(entries) => Value::map(entries.iter().map(|(k, v)| (k.clone(), Value::from_json(v)))),
        }
    }

    /// The value under any `Secret`, and whether there was one.
    #[must_use]
    pub fn open(&self) -> (&Value, bool) {
        match self {
            Value::Secret(inner) => (inner.open().0, true),
            other => (other, false),
        }
    }

    /// Whether it is a secret or holds one.
    #[must_use]
    pub fn holds_secret(&self) -> bool {
        match self {
            Value::Secret(_) => true,
            Value::List(l) | Value::AnyMap(l) => l.shape.secret,
            Value::Map(m) => m.shape.secret,
            Value::Struct(s) => s.fields.iter().any(|f| f.3.holds_secret()),
            Value::Method(v, _) => v.holds_secret(),
            _ => false,
        }
    }

    /// The unknown it is or holds.
    #[must_use]
    pub fn unknown(&self) -> Option<Arc<Unknown>> {
        match self {
            Value::Unknown(u) => Some(u.clone()),
            Value::Secret(v) | Value::Method(v, _) => v.unknown(),
            Value::List(l) | Value::AnyMap(l) => l.shape.unknown.clone(),
            Value::Map(m) => m.shape.unknown.clone(),
            Value::Struct(s) => s.fields.iter().find_map(|f| f.3.unknown()),
            _ => None,
        }
    }

    pub(crate) fn depth(&self) -> usize {
        match self {
            Value::List(l) | Value::AnyMap(l) => l.shape.depth,
            Value::Map(m) => m.shape.depth,
            Value::Secret(v) | Value::Method(v, _) => v.depth(),
            Value::Struct(s) => s.fields.iter().map(|f| f.3.depth()).max().unwrap_or(0) + 1,
            _ => 0,
        }
    }

    pub(crate) fn weight(&self) -> u64 {
        match self {
            Value::String(s) => 32 + s.len() as u64,
            Value::Bytes(b) => 32 + b.len() as u64,
            Value::List(l) | Value::AnyMap(l) => l.shape.weight,
            Value::Map(m) => m.shape.weight,
            Value::Secret(v) => v.weight(),
            Value::Struct(s) => s.fields.iter().map(|f| f.3.weight()).sum(),
            _ => 24,
        }
    }

    /// The text, if it is text (a secret's too).
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self.open().0 {
            Value::String(s) => Some(s),
            _ => None,
        }
    }

    pub(crate) fn number(&self) -> Option<f64> {
        match self {
            #[expect(clippy::cast_precision_loss, reason = "as Go converts")]
            Value::Int(i) => Some(*i as f64),
            Value::Float(f) => Some(*f),
            _ => None,
        }
    }

    /// The items of a list, also of one never made.
    pub(crate) fn items(&self) -> Option<&[Value]> {
        match self {
            Value::List(l) => Some(l),
            Value::NoList => Some(&[]),
            _ => None,
        }
    }

    /// What Go calls its type.
    pub(crate) fn go_type(&self) -> &'static str {
        match self {
            Value::Null => "<nil>",
            Value::Bool(_) => "bool",
            Value::Int(_) => "int",
            Value::Float(_) => "float64",
            Value::String(_) => "string",
            Value::Bytes(_) => "[]uint8",
            Value::List(_) | Value::NoList => "[]interface {}",
            Value::Map(_) => "map[string]interface {}",
            Value::AnyMap(_) => "map[interface {}]interface {}",
            Value::Struct(s) => s.name,
            Value::Time(_) => "time.Time",
            Value::Duration(_) => "time.Duration",
            Value::Month(_) => "time.Month",
            Value::Weekday(_) => "time.Weekday",
            Value::Zone(_) => "time.Location",
            Value::Version(..) => "semver.Version",
            Value::Method(..) => "func",
            Value::Secret(v) => v.go_type(),
            Value::Unknown(_) => "unknown",
        }
    }
}
