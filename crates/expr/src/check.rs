//! Refuses what cannot work before it runs; only literals and the language's own functions have known kinds.

use std::collections::HashMap;
use std::sync::Arc;

use crate::ast::{Id, Node, Op, Tree, Unary};
use crate::error::Error;
use crate::value::Value;
use crate::{Budget, Env, Param, Signature};

#[derive(Debug, Clone, PartialEq)]
enum Kind {
    Any,
    Nil,
    Bool,
    Int,
    Float,
    Text,
    Bytes,
    Time,
    Duration,
    Map,
    List(Box<Kind>),
    Version,
}

impl Kind {
    fn number(&self) -> bool {
        matches!(self, Kind::Int | Kind::Float)
    }

    fn name(&self) -> &'static str {
        match self {
            Kind::Any | Kind::Nil => "unknown",
            Kind::Bool => "bool",
            Kind::Int => "int",
            Kind::Float => "float64",
            Kind::Text => "string",
            Kind::Bytes => "[]uint8",
            Kind::Time => "time.Time",
            Kind::Duration => "time.Duration",
            Kind::Map => "map[string]interface {}",
            Kind::List(_) => "[]interface {}",
            Kind::Version => "semver.Version",
        }
    }
}

struct Check<'a> {
    tree: &'a Tree,
    env: &'a dyn Env,
    names: HashMap<Arc<str>, Vec<Kind>>,
    items: Vec<Kind>,
}

pub(crate) fn check(tree: &Tree, env: &dyn Env, _budget: &Budget) -> Result<(), Error> {
    Check { tree, env, names: HashMap::new(), items: Vec::new() }.kind(tree.root).map(drop)
}

pub(crate) fn arguments(name: &str, signature: Signature, given: usize, at: usize) -> Result<(), Error> {
    if given < signature.required {
        return Err(Error::kind(at, format!("not enough arguments to call {name}")));
    }
    if given > signature.params.len() {
        return Err(Error::kind(at, format!("too many arguments to call {name}")));
    }
    Ok(())
}

impl Check<'_> {
    fn kind(&mut self, id: Id) -> Result<Kind, Error> {
        let at = self.tree.at(id);
        Ok(match self.tree.node(id) {
            Node::Literal(value) => literal(value),
            Node::Name(name) => self.names.get(name).and_then(|s| s.last()).cloned().unwrap_or(Kind::Any),
            Node::Pointer(crate::ast::Pointer::Item) => self.items.last().cloned().unwrap_or(Kind::Any),
            Node::Pointer(crate::ast::Pointer::Index) => Kind::Int,
            Node::Pointer(crate::ast::Pointer::Acc) => Kind::Any,
            Node::List(ids) => self.list(ids)?,
            Node::Map(pairs) => {
                for (key, value) in pairs {
                    self.kind(*key)?;
                    self.kind(*value)?;
                }
                Kind::Map
            }
            Node::Unary(op, side) => self.unary(*op, *side, at)?,
            Node::Binary(..) => self.binary(id)?,
            Node::Ternary(test, yes, no) => self.ternary([*test, *yes, *no])?,
            Node::Member { base, key, dotted, .. } => self.member(*base, *key, *dotted, at)?,
            Node::Slice { base, from, to } => self.slice(*base, [*from, *to], at)?,
            Node::Chain(inner) => {
                self.kind(*inner)?;
                Kind::Any
            }
            Node::Call(name, args) => self.call(name, args, at)?,
            Node::Fold { name, over, predicate, extra } => self.fold(name, [Some(*over), *predicate, *extra], at)?,
            Node::Method(callee, args) => {
                self.kind(*callee)?;
                for arg in args {
                    self.kind(*arg)?;
                }
                Kind::Any
            }
            Node::Let(name, value, rest) => {
                if crate::builtins::arity(name).is_some() || crate::builtins::FOLDS.iter().any(|f| f.0 == &**name) {
                    return Err(Error::kind(at, format!("cannot redeclare builtin {name}")));
                }
                if self.env.function(name).is_some() || self.names.get(name).is_some_and(|s| !s.is_empty()) {
                    return Err(Error::kind(at, format!("cannot redeclare {name}")));
                }
                let kind = self.kind(*value)?;
                self.names.entry(name.clone()).or_default().push(kind);
                let rest = self.kind(*rest);
                self.names.entry(name.clone()).or_default().pop();
                rest?
            }
            Node::Sequence(ids) => {
                let mut last = Kind::Nil;
                for id in ids {
                    last = self.kind(*id)?;
                }
                last
            }
        })
    }

    #[inline(never)]
    fn list(&mut self, ids: &[Id]) -> Result<Kind, Error> {
        let mut item: Option<Kind> = None;
        for id in ids {
            let kind = self.kind(*id)?;
            item = Some(match item {
                None => kind,
                Some(before) if before == kind => kind,
                Some(_) => Kind::Any,
            });
        }
        let item = item.filter(|k| *k != Kind::Nil).unwrap_or(Kind::Any);
        Ok(Kind::List(Box::new(item)))
    }

    #[inline(never)]
    fn unary(&mut self, op: Unary, side: Id, at: usize) -> Result<Kind, Error> {
        let kind = self.kind(side)?;
        let fits = match op {
            Unary::Not => matches!(kind, Kind::Bool | Kind::Any),
            _ => kind.number() || matches!(kind, Kind::Any | Kind::Duration),
        };
        if fits { Ok(kind) } else { Err(Error::kind(at, format!("invalid operation: {op:?} on {}", kind.name()))) }
    }

    #[inline(never)]
    fn ternary(&mut self, [test, yes, no]: [Id; 3]) -> Result<Kind, Error> {
        let kind = self.kind(test)?;
        if !matches!(kind, Kind::Bool | Kind::Any) {
            return Err(Error::kind(self.tree.at(test), format!("a {} is no condition", kind.name())));
        }
        let (yes, no) = (self.kind(yes)?, self.kind(no)?);
        Ok(if yes == no { yes } else { Kind::Any })
    }

    #[inline(never)]
    fn binary(&mut self, id: Id) -> Result<Kind, Error> {
        let (first, chain) = self.tree.chain(id);
        let mut left = self.kind(first)?;
        for (op, right, at) in chain {
            let kind = self.kind(right)?;
            left = self.operate(op, &left, &kind, right, at)?;
        }
        Ok(left)
    }

    fn operate(&self, op: Op, left: &Kind, right: &Kind, right_id: Id, at: usize) -> Result<Kind, Error> {
        let bad = || Error::kind(at, format!("invalid operation: {} {} {}", left.name(), op.symbol(), right.name()));
        let constant = |id: Id| match self.tree.node(id) {
            Node::Literal(value) => Some(value.clone()),
            _ => None,
        };
        let any = *left == Kind::Any || *right == Kind::Any;
        // Both unknown, or one unknown and the other one of these.
        let or = |fits: &dyn Fn(&Kind) -> bool| any && (*left == Kind::Any || fits(left)) && (*right == Kind::Any || fits(right));
        let scalar = |k: &Kind| k.number() || matches!(k, Kind::Text | Kind::Time | Kind::Duration);
        let numbers = left.number() && right.number();
        let good = match op {
            Op::Eq | Op::Ne => comparable(left, right),
            Op::Or | Op::And => (any || left == right) && or2(left, right, &|k| *k == Kind::Bool),
            Op::Lt | Op::Gt | Op::Le | Op::Ge => numbers || (left == right && scalar(left)) || or(&scalar),
            Op::Add => {
                let times = matches!((left, right), (Kind::Time, Kind::Duration) | (Kind::Duration, Kind::Time | Kind::Duration));
                numbers || times || (*left == Kind::Text && left == right) || or(&scalar)
            }
            Op::Sub => {
                let times = matches!((left, right), (Kind::Time, Kind::Duration | Kind::Time) | (Kind::Duration, Kind::Duration));
                numbers || times || or(&|k| k.number() || matches!(k, Kind::Time | Kind::Duration))
            }
            Op::Mul => {
                let scaled = (*left == Kind::Duration && right.number()) || (left.number() && *right == Kind::Duration);
                numbers || scaled || or(&|k| k.number() || *k == Kind::Duration)
            }
            Op::Div => numbers || (*left == Kind::Duration && right.number()) || or(&|k| k.number() || *k == Kind::Duration),
            Op::Pow => numbers || or(&Kind::number),
            Op::Mod | Op::Range => (*left == Kind::Int && left == right) || or(&|k| *k == Kind::Int),
            Op::Contains | Op::StartsWith | Op::EndsWith | Op::Matches => or2(left, right, &|k| *k == Kind::Text),
            Op::In => match right {
                Kind::Any => true,
                Kind::Map => matches!(left, Kind::Any | Kind::Text | Kind::Nil),
                Kind::List(item) => comparable(left, item),
                _ => false,
            },
            Op::Coalesce => true,
        };
        if !good {
            return Err(bad());
        }
        match (op, constant(right_id)) {
            (Op::Mod, Some(Value::Int(0))) if *left == Kind::Int => return Err(Error::kind(at, "integer divide by zero")),
            (Op::Matches, Some(Value::String(pattern))) => {
                crate::eval::compile(&pattern).map_err(|message| Error::kind(at, message))?;
            }
            _ => {}
        }
        Ok(match op {
            Op::Add | Op::Sub | Op::Mul if any => Kind::Any,
            Op::Add | Op::Sub | Op::Mul if numbers && *left == Kind::Int && *right == Kind::Int => Kind::Int,
            Op::Add | Op::Sub | Op::Mul if numbers => Kind::Float,
            Op::Sub if *left == Kind::Time && left == right => Kind::Duration,
            Op::Mul => Kind::Any,
            Op::Add | Op::Sub if *left == Kind::Time || *right == Kind::Time => Kind::Time,
            Op::Add | Op::Sub => left.clone(),
            Op::Div | Op::Pow => Kind::Float,
            Op::Mod => Kind::Int,
            Op::Range => Kind::List(Box::new(Kind::Int)),
            Op::Coalesce if left == right => left.clone(),
            Op::Coalesce if *left == Kind::Nil => right.clone(),
            Op::Coalesce => Kind::Any,
            _ => Kind::Bool,
        })
    }

    #[inline(never)]
    fn member(&mut self, base: Id, key: Id, dotted: bool, at: usize) -> Result<Kind, Error> {
        let (base, index) = (self.kind(base)?, self.kind(key)?);
        let bad = || Error::kind(at, format!("a {} has no such member", base.name()));
        match &base {
            Kind::Any | Kind::Nil => Ok(Kind::Any),
            Kind::Map if dotted || matches!(index, Kind::Text | Kind::Any | Kind::Nil) => Ok(Kind::Any),
            Kind::List(item) if !dotted && matches!(index, Kind::Int | Kind::Any) => Ok((**item).clone()),
            Kind::Bytes if !dotted && matches!(index, Kind::Int | Kind::Any) => Ok(Kind::Int),
            Kind::Time | Kind::Duration | Kind::Version if dotted => Ok(Kind::Any),
            _ => Err(bad()),
        }
    }

    #[inline(never)]
    fn slice(&mut self, base: Id, edges: [Option<Id>; 2], at: usize) -> Result<Kind, Error> {
        let base = self.kind(base)?;
        if !matches!(base, Kind::Any | Kind::Text | Kind::Bytes | Kind::List(_)) {
            return Err(Error::kind(at, format!("cannot slice {}", base.name())));
        }
        for edge in edges.into_iter().flatten() {
            let kind = self.kind(edge)?;
            if !matches!(kind, Kind::Int | Kind::Any) {
                return Err(Error::kind(at, format!("cannot slice by {}", kind.name())));
            }
        }
        Ok(base)
    }

    #[inline(never)]
    fn call(&mut self, name: &Arc<str>, ids: &[Id], at: usize) -> Result<Kind, Error> {
        let kinds = ids.iter().map(|id| self.kind(*id)).collect::<Result<Vec<_>, _>>()?;
        if self.names.get(name).is_some_and(|s| !s.is_empty()) {
            return Ok(Kind::Any);
        }
        if let Some(signature) = self.env.function(name) {
            arguments(name, signature, kinds.len(), at)?;
            for (param, kind) in signature.params.iter().zip(&kinds) {
                if *param == Param::String && !matches!(kind, Kind::Any | Kind::Text | Kind::Nil) {
                    return Err(Error::kind(at, format!("cannot use {} as a string to call {name}", kind.name())));
                }
            }
            return Ok(if &**name == "semverParse" { Kind::Version } else { Kind::Any });
        }
        let Some((fewest, most)) = crate::builtins::arity(name) else { return Ok(Kind::Any) };
        if kinds.len() < fewest || kinds.len() > most {
            return Err(Error::kind(at, format!("wrong number of arguments to call {name}: {}", kinds.len())));
        }
        builtin(name, &kinds, at)
    }

    #[inline(never)]
    fn fold(&mut self, name: &str, [over, predicate, extra]: [Option<Id>; 3], at: usize) -> Result<Kind, Error> {
        let item = match over.map(|id| self.kind(id)).transpose()? {
            Some(Kind::List(item)) => *item,
            Some(Kind::Any) => Kind::Any,
            other => {
                let got = other.map_or("nothing", |k| k.name());
                return Err(Error::kind(at, format!("builtin {name} takes only a list (got {got})")));
            }
        };
        let result = match predicate {
            Some(predicate) => {
                self.items.push(item.clone());
                let result = self.kind(predicate);
                self.items.pop();
                result?
            }
            None => Kind::Any,
        };
        if let Some(extra) = extra {
            self.kind(extra)?;
        }
        let tests = !matches!(name, "map" | "sum" | "groupBy" | "sortBy" | "reduce");
        if tests && !matches!(result, Kind::Bool | Kind::Any) {
            return Err(Error::kind(at, format!("a predicate must give true or false (got {})", result.name())));
        }
        Ok(match name {
            "all" | "none" | "any" | "one" => Kind::Bool,
            "count" => Kind::Int,
            "filter" | "sortBy" => Kind::List(Box::new(item)),
            "map" => Kind::List(Box::new(if result == Kind::Nil { Kind::Any } else { result })),
            _ => Kind::Any,
        })
    }
}

fn or2(left: &Kind, right: &Kind, fits: &dyn Fn(&Kind) -> bool) -> bool {
    (*left == Kind::Any || fits(left)) && (*right == Kind::Any || fits(right))
}

fn comparable(left: &Kind, right: &Kind) -> bool {
    match (left, right) {
        (Kind::Any | Kind::Nil, _) | (_, Kind::Any | Kind::Nil) => true,
        (Kind::List(_), Kind::List(_)) => true,
        _ => left == right || (left.number() && right.number()),
    }
}

fn literal(value: &Value) -> Kind {
    match value {
        Value::Null => Kind::Nil,
        Value::Bool(_) => Kind::Bool,
        Value::Int(_) => Kind::Int,
        Value::Float(_) => Kind::Float,
        Value::String(_) => Kind::Text,
        Value::Bytes(_) => Kind::Bytes,
        _ => Kind::Any,
    }
}

fn builtin(name: &str, kinds: &[Kind], at: usize) -> Result<Kind, Error> {
    let first = kinds.first().cloned().unwrap_or(Kind::Any);
    let bad = |kind: &Kind| Error::kind(at, format!("invalid argument for {name} (type {})", kind.name()));
    let need = |fits: &dyn Fn(&Kind) -> bool| if first == Kind::Any || fits(&first) { Ok(()) } else { Err(bad(&first)) };
    let list = |k: &Kind| matches!(k, Kind::List(_));
    let list_of_any = || Kind::List(Box::new(Kind::Any));
    Ok(match name {
        "len" => {
            need(&|k| list(k) || matches!(k, Kind::Text | Kind::Map | Kind::Bytes))?;
            Kind::Int
        }
        "type" | "string" | "toJSON" => Kind::Text,
        "abs" | "ceil" | "floor" | "round" => {
            need(&Kind::number)?;
            if name == "abs" { first } else { Kind::Float }
        }
        "int" | "float" => {
            need(&|k| k.number() || matches!(k, Kind::Text) || (name == "int" && *k == Kind::Duration))?;
            if name == "int" { Kind::Int } else { Kind::Float }
        }
        "trim" | "trimPrefix" | "trimSuffix" | "upper" | "lower" | "toBase64" | "fromBase64" | "split" | "splitAfter"
        | "replace" | "repeat" | "join" | "indexOf" | "lastIndexOf" | "hasPrefix" | "hasSuffix" | "fromJSON" | "duration" => {
            return text_builtin(name, kinds, at);
        }
        "max" | "min" | "mean" | "median" => match kinds.iter().find(|k| !(k.number() || list(k) || **k == Kind::Any)) {
            Some(kind) => return Err(bad(kind)),
            None => Kind::Any,
        },
        "bitand" | "bitor" | "bitxor" | "bitnand" | "bitnot" | "bitshl" | "bitshr" | "bitushr" => {
            match kinds.iter().find(|k| !matches!(k, Kind::Int | Kind::Any)) {
                Some(kind) => return Err(bad(kind)),
                None => Kind::Int,
            }
        }
        "now" | "date" => Kind::Time,
        "first" | "last" => {
            need(&list)?;
            match first {
                Kind::List(item) => *item,
                _ => Kind::Any,
            }
        }
        "get" => {
            need(&|k| list(k) || *k == Kind::Map)?;
            Kind::Any
        }
        "take" | "reverse" | "uniq" | "sort" => {
            need(&list)?;
            if list(&first) { first } else { list_of_any() }
        }
        "flatten" | "fromPairs" => {
            need(&list)?;
            if name == "flatten" { list_of_any() } else { Kind::Any }
        }
        "keys" | "values" | "toPairs" => {
            need(&|k| *k == Kind::Map)?;
            list_of_any()
        }
        "concat" => match kinds.iter().find(|k| !(list(k) || **k == Kind::Any)) {
            Some(kind) => return Err(bad(kind)),
            None => list_of_any(),
        },
        _ => Kind::Any,
    })
}

/// Functions whose arguments are texts: how many of them are, and what comes out.
fn text_builtin(name: &str, kinds: &[Kind], at: usize) -> Result<Kind, Error> {
    let (count, result) = match name {
        "split" | "splitAfter" => (2, Kind::List(Box::new(Kind::Text))),
        "indexOf" | "lastIndexOf" => (2, Kind::Int),
        "hasPrefix" | "hasSuffix" => (2, Kind::Bool),
        "replace" => (3, Kind::Text),
        "repeat" | "toBase64" | "fromBase64" => (1, Kind::Text),
        "fromJSON" => (1, Kind::Any),
        "duration" => (1, Kind::Duration),
        _ => (2, Kind::Text),
    };
    for (i, kind) in kinds.iter().take(count).enumerate() {
        let list = name == "join" && i == 0;
        let fits =
            if list { matches!(kind, Kind::Any | Kind::List(_)) } else { matches!(kind, Kind::Any | Kind::Text | Kind::Nil) };
        if !fits {
            return Err(Error::kind(at, format!("invalid argument for {name} (type {})", kind.name())));
        }
    }
    Ok(result)
}
