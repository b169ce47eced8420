//! Walks the tree within a budget; secrets and unknowns spread through what is made of them.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::ast::{Id, Node, Op, Pointer, Tree};
use crate::error::{CallError, Done, Error};
use crate::value::{Map, Value};
use crate::{Budget, Env, ops};

/// What one call has used of its budget.
pub(crate) struct Meter<'a> {
    pub(crate) budget: &'a Budget,
    steps: Cell<u64>,
    memory: Cell<u64>,
    regexes: RefCell<HashMap<String, regex::Regex>>,
}

impl<'a> Meter<'a> {
    pub(crate) fn new(budget: &'a Budget) -> Self {
        Meter { budget, steps: Cell::new(0), memory: Cell::new(0), regexes: RefCell::default() }
    }

    pub(crate) fn step(&self, steps: u64) -> Result<(), Error> {
        self.steps.set(self.steps.get().saturating_add(steps));
        if self.steps.get() > self.budget.steps { Err(Error::Budget { what: "step" }) } else { Ok(()) }
    }

    pub(crate) fn reserve(&self, bytes: u64) -> Result<(), Error> {
        self.memory.set(self.memory.get().saturating_add(bytes));
        if self.memory.get() > self.budget.memory { Err(Error::Budget { what: "memory" }) } else { Ok(()) }
    }

    pub(crate) fn length(&self, length: u64) -> Result<(), Error> {
        if length > self.budget.length { Err(Error::Budget { what: "memory" }) } else { Ok(()) }
    }

    /// Charges for a value that was made, and refuses one nested too deeply.
    pub(crate) fn made(&self, value: Value) -> Done {
        let bytes = match &value {
            Value::String(s) => s.len() as u64 + 16,
            Value::List(l) | Value::AnyMap(l) => 32 * l.len() as u64 + 64,
            Value::Map(m) => 64 * m.len() as u64 + 64,
            _ => 0,
        };
        self.step(bytes / 64)?;
        self.reserve(bytes)?;
        if value.depth() > self.budget.depth {
            return Err(Error::Budget { what: "depth" });
        }
        if value.weight() > self.budget.memory {
            return Err(Error::Budget { what: "memory" });
        }
        Ok(value)
    }

    pub(crate) fn regex(&self, pattern: &str, at: usize) -> Result<regex::Regex, Error> {
        if let Some(regex) = self.regexes.borrow().get(pattern) {
            return Ok(regex.clone());
        }
        self.step(2_000 + pattern.len() as u64 * 20)?;
        let regex = compile(pattern).map_err(|message| Error::run(at, message))?;
        let mut known = self.regexes.borrow_mut();
        if known.len() >= 100 {
            known.clear();
        }
        known.insert(pattern.to_string(), regex.clone());
        Ok(regex)
    }
}

pub(crate) fn compile(pattern: &str) -> Result<regex::Regex, String> {
    regex::RegexBuilder::new(pattern)
        .size_limit(1 << 20)
        .dfa_size_limit(1 << 20)
        .nest_limit(100)
        .build()
        .map_err(|e| format!("error parsing regexp: {e}"))
}

pub(crate) fn run(source: &str, env: &dyn Env, meter: &Meter<'_>) -> Done {
    let tree = crate::parse::parse(source, meter.budget)?;
    crate::check::check(&tree, env, meter.budget)?;
    Run { tree: &tree, env, meter, names: RefCell::default() }.eval(tree.root, &Scope::default())
}

/// Names bound by `let` and the pointers of the innermost predicate.
#[derive(Default, Clone)]
pub(crate) struct Scope<'a> {
    parent: Option<&'a Scope<'a>>,
    name: Option<(Arc<str>, Value)>,
    item: Option<(Value, i64, Option<Value>)>,
}

impl Scope<'_> {
    fn find(&self, name: &str) -> Option<&Value> {
        match &self.name {
            Some((n, v)) if &**n == name => Some(v),
            _ => self.parent.and_then(|p| p.find(name)),
        }
    }

    fn pointers(&self) -> Option<&(Value, i64, Option<Value>)> {
        self.item.as_ref().or_else(|| self.parent.and_then(Scope::pointers))
    }
}

/// A failure, or a chain cut short by `?.`.
enum Stop {
    Short,
    Error(Error),
}

impl From<Error> for Stop {
    fn from(e: Error) -> Self {
        Stop::Error(e)
    }
}

pub(crate) struct Run<'a> {
    pub(crate) tree: &'a Tree,
    pub(crate) env: &'a dyn Env,
    pub(crate) meter: &'a Meter<'a>,
    names: RefCell<HashMap<Arc<str>, Value>>,
}

impl Run<'_> {
    pub(crate) fn eval(&self, id: Id, scope: &Scope<'_>) -> Done {
        self.meter.step(1)?;
        match self.tree.node(id) {
            Node::Literal(value) => Ok(value.clone()),
            Node::Name(name) => self.name(name, id, scope),
            Node::Pointer(pointer) => self.pointer(*pointer, id, scope),
            Node::List(ids) => {
                let items = self.all(ids, scope)?;
                self.meter.made(Value::list(items))
            }
            Node::Map(pairs) => self.map(pairs, scope),
            Node::Unary(op, side) => {
                let side = self.eval(*side, scope)?;
                ops::unary(*op, &side, self.tree.at(id))
            }
            Node::Binary(..) => self.binary(id, scope),
            Node::Ternary(test, yes, no) => self.ternary([*test, *yes, *no], scope),
            Node::Member { .. } | Node::Slice { .. } | Node::Method(..) => match self.chain(id, scope) {
                Ok(value) => Ok(value),
                Err(Stop::Short) => Ok(Value::Null),
                Err(Stop::Error(e)) => Err(e),
            },
            Node::Chain(inner) => self.eval(*inner, scope),
            Node::Call(name, args) => self.call(name, args, id, scope),
            Node::Fold { name, over, predicate, extra } => self.fold(name, [Some(*over), *predicate, *extra], id, scope),
            Node::Let(name, value, rest) => {
                let value = self.eval(*value, scope)?;
                let inner = Scope { parent: Some(scope), name: Some((name.clone(), value)), item: None };
                self.eval(*rest, &inner)
            }
            Node::Sequence(ids) => {
                let mut last = Value::Null;
                for id in ids {
                    last = self.eval(*id, scope)?;
                }
                Ok(last)
            }
        }
    }

    #[inline(never)]
    fn all(&self, ids: &[Id], scope: &Scope<'_>) -> Result<Vec<Value>, Error> {
        ids.iter().map(|id| self.eval(*id, scope)).collect()
    }

    #[inline(never)]
    fn name(&self, name: &Arc<str>, id: Id, scope: &Scope<'_>) -> Done {
        if let Some(value) = scope.find(name) {
            return Ok(value.clone());
        }
        if let Some(value) = self.names.borrow().get(name) {
            return Ok(value.clone());
        }
        let value = if &**name == "$env" {
            Value::map(self.env.names().into_iter().filter_map(|n| self.env.variable(&n).map(|v| (n, v))))
        } else {
            match self.env.variable(name) {
                Some(value) => value,
                None if self.env.strict() => {
                    return Err(Error::run(self.tree.at(id), format!("there is no name {name:?}")));
                }
                None => Value::Null,
            }
        };
        self.names.borrow_mut().insert(name.clone(), value.clone());
        Ok(value)
    }

    #[inline(never)]
    fn pointer(&self, pointer: Pointer, id: Id, scope: &Scope<'_>) -> Done {
        let missing = || Error::run(self.tree.at(id), "there is no such pointer here");
        let (item, index, acc) = scope.pointers().ok_or_else(missing)?;
        match pointer {
            Pointer::Item => Ok(item.clone()),
            Pointer::Index => Ok(Value::Int(*index)),
            Pointer::Acc => acc.clone().ok_or_else(missing),
        }
    }

    #[inline(never)]
    fn map(&self, pairs: &[(Id, Id)], scope: &Scope<'_>) -> Done {
        let mut entries = BTreeMap::new();
        for (key, value) in pairs {
            let name = self.eval(*key, scope)?;
            if let Some(unknown) = name.unknown() {
                return Ok(Value::Unknown(unknown));
            }
            let Some(text) = name.as_str() else {
                let message = format!("a map key must be a string, not {}", name.go_type());
                return Err(Error::run(self.tree.at(*key), message));
            };
            entries.insert(Arc::from(text), self.eval(*value, scope)?);
        }
        self.meter.made(Value::Map(Arc::new(Map::new(entries))))
    }

    #[inline(never)]
    fn ternary(&self, [test, yes, no]: [Id; 3], scope: &Scope<'_>) -> Done {
        let value = self.eval(test, scope)?;
        match value.open().0 {
            Value::Bool(true) => self.eval(yes, scope),
            Value::Bool(false) => self.eval(no, scope),
            Value::Unknown(u) => Ok(Value::Unknown(u.clone())),
            other => Err(not_bool(other, self.tree.at(test))),
        }
    }

    #[inline(never)]
    fn binary(&self, id: Id, scope: &Scope<'_>) -> Done {
        let (first, chain) = self.tree.chain(id);
        let mut value = self.eval(first, scope)?;
        for (op, right, at) in chain {
            self.meter.step(1)?;
            value = self.operate(op, value, right, at, scope)?;
        }
        Ok(value)
    }

    fn operate(&self, op: Op, left: Value, right: Id, at: usize, scope: &Scope<'_>) -> Done {
        match op {
            Op::And | Op::Or => {
                let decided = op == Op::Or;
                let start = match left.open().0 {
                    Value::Bool(b) if *b == decided => return Ok(Value::Bool(decided)),
                    Value::Null if !decided => return Ok(Value::Null),
                    Value::Bool(_) | Value::Null => None,
                    Value::Unknown(u) => Some(u.clone()),
                    other => return Err(not_bool(other, at)),
                };
                let side = self.eval(right, scope)?;
                match (start, side.open().0) {
                    (Some(_), Value::Bool(b)) if *b == decided => Ok(Value::Bool(decided)),
                    (Some(unknown), _) => Ok(Value::Unknown(unknown)),
                    // The right side is taken as it is: only conditions ask for true or false.
                    (None, _) => Ok(side),
                }
            }
            Op::Coalesce => match left.open().0 {
                Value::Null | Value::NoList => self.eval(right, scope),
                _ => Ok(left),
            },
            _ => {
                let right = self.eval(right, scope)?;
                ops::binary(op, &left, &right, at, self.meter)
            }
        }
    }

    #[inline(never)]
    fn chain(&self, id: Id, scope: &Scope<'_>) -> Result<Value, Stop> {
        self.meter.step(1)?;
        let at = self.tree.at(id);
        match self.tree.node(id) {
            Node::Member { base, key, optional, dotted } => {
                let base = self.chain(*base, scope)?;
                if *optional && matches!(base.open().0, Value::Null) {
                    return Err(Stop::Short);
                }
                let key = self.eval(*key, scope)?;
                Ok(ops::member(&base, &key, *dotted, at)?)
            }
            Node::Slice { base, from, to } => {
                let base = self.chain(*base, scope)?;
                let from = from.map(|id| self.eval(id, scope)).transpose()?;
                let to = to.map(|id| self.eval(id, scope)).transpose()?;
                Ok(self.meter.made(ops::slice(&base, from.as_ref(), to.as_ref(), at)?)?)
            }
            Node::Method(callee, args) => {
                let callee = self.chain(*callee, scope)?;
                let args = self.all(args, scope)?;
                if let Some(unknown) = callee.unknown().or_else(|| args.iter().find_map(Value::unknown)) {
                    return Ok(Value::Unknown(unknown));
                }
                Ok(match callee.open().0 {
                    Value::Method(receiver, name) => crate::builtins::method(receiver, name, &args, at)?,
                    Value::Null => return Err(Error::run(at, "cannot call nil").into()),
                    other => return Err(Error::run(at, format!("cannot call a {}", other.go_type())).into()),
                })
            }
            _ => Ok(self.eval(id, scope)?),
        }
    }

    #[inline(never)]
    fn call(&self, name: &Arc<str>, ids: &[Id], id: Id, scope: &Scope<'_>) -> Done {
        let at = self.tree.at(id);
        let own = scope.find(name).is_none() && crate::builtins::arity(name).is_some();
        let args = self.all(ids, scope)?;
        let weight: u64 = args.iter().map(Value::weight).fold(0, u64::saturating_add);
        self.meter.step(weight / 64)?;
        if own || scope.find(name).is_some() || self.env.function(name).is_none() {
            if !own {
                let callee = self.name(name, id, scope)?;
                return match callee.open().0 {
                    Value::Method(receiver, name) => crate::builtins::method(receiver, name, &args, at),
                    Value::Unknown(u) => Ok(Value::Unknown(u.clone())),
                    other => Err(Error::run(at, format!("cannot call {}", other.go_type()))),
                };
            }
            if let Some(unknown) = args.iter().find_map(Value::unknown) {
                return Ok(Value::Unknown(unknown));
            }
            if &**name == "now" {
                let now = self.env.now().ok_or_else(|| Error::run(at, "now() is not available here"))?;
                return Ok(Value::Time(Box::new(crate::time::Time::utc(now))));
            }
            let spread = args.iter().any(Value::holds_secret)
                && !matches!(
                    &**name,
                    "len" | "type" | "first" | "last" | "get" | "take" | "values" | "reverse" | "concat" | "flatten"
                );
            let value = crate::builtins::call(name, &args, at, self.meter)?;
            let value = self.meter.made(value)?;
            return Ok(if spread { value.secret() } else { value });
        }
        self.ask(name, &args, at)
    }

    /// Calls a function of the environment.
    fn ask(&self, name: &str, args: &[Value], at: usize) -> Done {
        if let Some(unknown) = args.iter().find_map(Value::unknown) {
            return Ok(Value::Unknown(unknown));
        }
        if let Some(signature) = self.env.function(name) {
            crate::check::arguments(name, signature, args.len(), at)?;
            for (param, arg) in signature.params.iter().zip(args) {
                if *param == crate::Param::String && arg.as_str().is_none() {
                    return Err(Error::run(at, format!("{name} takes a string, got {}", arg.go_type())));
                }
            }
        }
        let secret = args.iter().any(Value::holds_secret);
        let value = if let Some(done) = crate::template::text_function(name, args, at, self.meter) {
            done?
        } else {
            self.env.call(name, args).map_err(|e| match e {
                CallError::Failed(message) => Error::run(at, message),
                CallError::Needs(need) => Error::Needs(need),
            })?
        };
        let value = self.meter.made(value)?;
        Ok(if secret { value.secret() } else { value })
    }

    #[inline(never)]
    fn fold(&self, name: &'static str, [over, predicate, extra]: [Option<Id>; 3], id: Id, scope: &Scope<'_>) -> Done {
        let at = self.tree.at(id);
        let Some(over) = over else { return Err(Error::run(at, "nothing to go over")) };
        let over = self.eval(over, scope)?;
        let (open, secret) = over.open();
        if let Value::Unknown(u) = open {
            return Ok(Value::Unknown(u.clone()));
        }
        let Some(items) = open.items() else {
            return Err(Error::run(at, format!("builtin {name} takes only a list (got {})", open.go_type())));
        };
        let extra = extra.map(|id| self.eval(id, scope)).transpose()?;
        let mut fold = crate::builtins::Fold::new(name, extra, at);
        let order: Box<dyn Iterator<Item = usize>> =
            if name.starts_with("findLast") { Box::new((0..items.len()).rev()) } else { Box::new(0..items.len()) };
        for index in order {
            self.meter.step(2)?;
            let item = if secret { items[index].clone().secret() } else { items[index].clone() };
            if fold.seed(&item) {
                continue;
            }
            let position = i64::try_from(index).unwrap_or(i64::MAX);
            let outcome = match predicate {
                None => item.clone(),
                Some(predicate) => {
                    let inner =
                        Scope { parent: Some(scope), name: None, item: Some((item.clone(), position, fold.accumulated())) };
                    self.eval(predicate, &inner)?
                }
            };
            if let (Value::Unknown(u), false) = (outcome.open().0, name == "map") {
                return Ok(Value::Unknown(u.clone()));
            }
            if fold.feed(item, position, outcome, self.meter)? {
                break;
            }
        }
        let value = fold.finish(self.meter)?;
        self.meter.made(value)
    }
}

fn not_bool(value: &Value, at: usize) -> Error {
    Error::run(at, format!("expected true or false, got {}", value.go_type()))
}
