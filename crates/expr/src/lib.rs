//! The expression language of promotions, warehouses and webhooks: expr-lang's syntax, evaluated within budgets.
//!
//! Nothing here reads a clock, a file or the network: variables and functions come from an [`Env`], and a function that
//! lacks a datum answers [`CallError::Needs`], so that the caller can fetch it and evaluate again.

mod artifacts;
mod ast;
mod builtins;
mod check;
pub mod criteria;
mod error;
mod eval;
mod gotext;
mod ops;
mod parse;
pub mod promotion;
mod template;
mod time;
mod token;
mod value;
pub mod vectors;
mod version;
mod yaml;

pub use error::{CallError, Class, Error, Need};
pub use template::{Evaluated, json_template, template, text_signature, truth};
pub use time::Time;
pub use value::{List, Map, Struct, Unknown, Value};

/// How much an expression may use; the defaults fit everything a person writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Budget {
    /// Evaluation steps, over all expressions of one call.
    pub steps: u64,
    /// Bytes of values made, counted up and never down.
    pub memory: u64,
    /// Elements of one range, bytes of one `repeat`.
    pub length: u64,
    /// Nesting of expressions and values.
    pub depth: usize,
    /// Nodes of one expression.
    pub nodes: usize,
    /// Bytes of one expression or template.
    pub source: usize,
}

impl Default for Budget {
    fn default() -> Self {
        Budget { steps: 10_000_000, memory: 128 << 20, length: 1_000_000, depth: 100, nodes: 10_000, source: 1 << 20 }
    }
}

/// What an argument of an environment's function must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Param {
    /// Any value.
    Any,
    /// A string.
    String,
}

/// How a function of the environment is called, known before anything runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signature {
    /// How many of the parameters must be given.
    pub required: usize,
    /// The parameters in order.
    pub params: &'static [Param],
}

/// Where an expression gets its names from.
pub trait Env {
    /// The value of a top-level name; `None` is null.
    fn variable(&self, name: &str) -> Option<Value>;
    /// The names `$env` lists.
    fn names(&self) -> Vec<String> {
        Vec::new()
    }
    /// How a function is called, if there is one of that name.
    fn function(&self, name: &str) -> Option<Signature>;
    /// Calls a function.
    ///
    /// # Errors
    /// When the call failed, or a datum must be fetched first.
    fn call(&self, name: &str, args: &[Value]) -> Result<Value, CallError>;
    /// The present for `now()`; without one the call fails.
    fn now(&self) -> Option<jiff::Timestamp> {
        None
    }
    /// Whether unknown names are an error rather than null (freight criteria).
    fn strict(&self) -> bool {
        false
    }
}

/// Evaluates a raw expression.
///
/// # Errors
/// See [`Error`].
pub fn evaluate(source: &str, env: &dyn Env, budget: &Budget) -> Result<Value, Error> {
    let meter = eval::Meter::new(budget);
    eval::run(source, env, &meter)
}
