//! Turns tokens into a tree: a Pratt parser that counts nodes and depth.

use std::sync::Arc;

use crate::Budget;
use crate::ast::{Id, Node, Op, Pointer, TABLE, Tree, Unary};
use crate::builtins::FOLDS;
use crate::error::Error;
use crate::token::{Kind, Token, tokens};
use crate::value::Value;

const NEGATABLE: [&str; 5] = ["contains", "matches", "startsWith", "endsWith", "in"];

struct Parser<'a> {
    tokens: Vec<Token>,
    next: usize,
    tree: Tree,
    predicates: usize,
    level: usize,
    budget: &'a Budget,
}

pub(crate) fn parse(source: &str, budget: &Budget) -> Result<Tree, Error> {
    if source.len() > budget.source {
        return Err(Error::parse(0, "expression is too long"));
    }
    let tokens = tokens(source)?;
    let mut parser = Parser { tokens, next: 0, tree: Tree::default(), predicates: 0, level: 0, budget };
    let root = parser.sequence()?;
    if parser.token().kind != Kind::End {
        return Err(parser.unexpected());
    }
    parser.tree.root = root;
    Ok(parser.tree)
}

impl Parser<'_> {
    fn token(&self) -> &Token {
        &self.tokens[self.next.min(self.tokens.len() - 1)]
    }

    fn advance(&mut self) -> Token {
        let token = self.token().clone();
        self.next += 1;
        token
    }

    fn is(&self, text: &str) -> bool {
        let token = self.token();
        matches!(token.kind, Kind::Op | Kind::Bracket) && token.text == text
    }

    fn take(&mut self, text: &str) -> bool {
        let is = self.is(text);
        if is {
            self.next += 1;
        }
        is
    }

    fn expect(&mut self, text: &str) -> Result<(), Error> {
        if self.take(text) { Ok(()) } else { Err(self.unexpected()) }
    }

    fn name(&mut self) -> Result<Token, Error> {
        if self.token().kind == Kind::Name { Ok(self.advance()) } else { Err(self.unexpected()) }
    }

    fn unexpected(&self) -> Error {
        let token = self.token();
        let what = if token.kind == Kind::End { "end of expression".into() } else { format!("{:?}", token.text) };
        Error::parse(token.at, format!("unexpected {what}"))
    }

    fn add(&mut self, at: usize, node: Node) -> Result<Id, Error> {
        let depth_of = |id: &Id| self.tree.depth[*id as usize];
        let depth = match &node {
            Node::Literal(_) | Node::Name(_) | Node::Pointer(_) => 0,
            Node::List(ids) | Node::Call(_, ids) | Node::Sequence(ids) => ids.iter().map(depth_of).max().unwrap_or(0),
            Node::Map(pairs) => pairs.iter().map(|(k, v)| depth_of(k).max(depth_of(v))).max().unwrap_or(0),
            Node::Unary(_, id) | Node::Chain(id) => depth_of(id),
            // A chain that leans left is walked in a loop, so only its right sides count.
            Node::Binary(_, l, r) => {
                let left = depth_of(l);
                let left = if matches!(self.tree.node(*l), Node::Binary(..)) { left.saturating_sub(1) } else { left };
                left.max(depth_of(r))
            }
            Node::Ternary(a, b, c) => depth_of(a).max(depth_of(b)).max(depth_of(c)),
            Node::Member { base, key, .. } => depth_of(base).max(depth_of(key)),
            Node::Slice { base, from, to } => {
                let side = |id: &Option<Id>| id.as_ref().map_or(0, depth_of);
                depth_of(base).max(side(from)).max(side(to))
            }
            Node::Fold { over, predicate, extra, .. } => {
                let side = |id: &Option<Id>| id.as_ref().map_or(0, depth_of);
                depth_of(over).max(side(predicate)).max(side(extra))
            }
            Node::Method(base, ids) => ids.iter().map(depth_of).max().unwrap_or(0).max(depth_of(base)),
            Node::Let(_, value, rest) => depth_of(value).max(depth_of(rest)),
        } + 1;
        if depth > self.budget.depth {
            return Err(Error::parse(at, "expression is nested too deeply"));
        }
        if self.tree.nodes.len() >= self.budget.nodes {
            return Err(Error::parse(at, "expression has too many parts"));
        }
        self.tree.nodes.push(node);
        self.tree.at.push(at);
        self.tree.depth.push(depth);
        Ok(u32::try_from(self.tree.nodes.len() - 1).unwrap_or(u32::MAX))
    }

    fn sequence(&mut self) -> Result<Id, Error> {
        let at = self.token().at;
        let mut ids = vec![self.expression(0)?];
        while self.take(";") {
            if self.token().kind == Kind::End {
                break;
            }
            ids.push(self.expression(0)?);
        }
        if ids.len() == 1 { Ok(ids[0]) } else { self.add(at, Node::Sequence(ids)) }
    }

    fn expression(&mut self, floor: u32) -> Result<Id, Error> {
        self.level += 1;
        if self.level > self.budget.depth {
            return Err(Error::parse(self.token().at, "expression is nested too deeply"));
        }
        let result = self.expression_here(floor);
        self.level -= 1;
        result
    }

    fn expression_here(&mut self, floor: u32) -> Result<Id, Error> {
        if floor == 0 && self.is("let") {
            return self.declaration();
        }
        if floor == 0 && self.is("if") {
            return self.condition();
        }
        let mut left = self.primary()?;
        let mut previous = String::new();
        while self.token().kind == Kind::Op {
            let mut op = self.token().clone();
            let mut negate = None;
            if op.text == "not" {
                let after = &self.tokens[(self.next + 1).min(self.tokens.len() - 1)];
                if !(after.kind == Kind::Op && NEGATABLE.contains(&after.text.as_str())) {
                    self.next += 1;
                    return Err(self.unexpected());
                }
                if 20 < floor {
                    break;
                }
                negate = Some(op.at);
                op = after.clone();
                self.next += 1;
            }
            if op.text == "|" && floor == 0 {
                self.next += 1;
                let name = self.name()?;
                left = self.call(&name, Some(left))?;
                left = self.postfix(left)?;
                previous = op.text;
                continue;
            }
            let Some((_, meaning, precedence, right)) = TABLE.iter().copied().find(|row| row.0 == op.text) else { break };
            if precedence < floor {
                break;
            }
            self.next += 1;
            if previous == "??" && op.text != "??" {
                return Err(Error::parse(
                    op.at,
                    format!("operator {} and ?? cannot be mixed; wrap either in parentheses", op.text),
                ));
            }
            if matches!(meaning, Op::Lt | Op::Gt | Op::Le | Op::Ge) {
                left = self.comparison(left, meaning, op.at, precedence)?;
            } else {
                let side = self.expression(if right { precedence } else { precedence + 1 })?;
                left = self.add(op.at, Node::Binary(meaning, left, side))?;
            }
            if let Some(at) = negate {
                left = self.add(at, Node::Unary(Unary::Not, left))?;
            }
            previous = op.text;
        }
        if floor == 0 { self.ternary(left) } else { Ok(left) }
    }

    fn comparison(&mut self, mut left: Id, mut op: Op, mut at: usize, precedence: u32) -> Result<Id, Error> {
        let mut root = None;
        loop {
            let right = self.expression(precedence + 1)?;
            let here = self.add(at, Node::Binary(op, left, right))?;
            let all = match root {
                None => here,
                Some(root) => self.add(at, Node::Binary(Op::And, root, here))?,
            };
            root = Some(all);
            left = right;
            let token = self.token();
            let next = TABLE.iter().find(|row| token.kind == Kind::Op && row.0 == token.text).map(|row| row.1);
            match next {
                Some(next @ (Op::Lt | Op::Gt | Op::Le | Op::Ge)) => (op, at) = (next, token.at),
                _ => return Ok(all),
            }
            self.next += 1;
        }
    }

    fn ternary(&mut self, mut node: Id) -> Result<Id, Error> {
        while self.is("?") {
            let at = self.advance().at;
            let yes = if self.is(":") { node } else { self.expression(0)? };
            self.expect(":")?;
            let no = self.expression(0)?;
            node = self.add(at, Node::Ternary(node, yes, no))?;
        }
        Ok(node)
    }

    fn declaration(&mut self) -> Result<Id, Error> {
        let at = self.advance().at;
        let name = self.name()?;
        self.expect("=")?;
        let value = self.expression(0)?;
        self.expect(";")?;
        let rest = self.sequence()?;
        self.add(at, Node::Let(Arc::from(name.text.as_str()), value, rest))
    }

    fn condition(&mut self) -> Result<Id, Error> {
        let at = self.advance().at;
        let test = self.expression(0)?;
        self.expect("{")?;
        let yes = self.sequence()?;
        self.expect("}")?;
        self.expect("else")?;
        let no = if self.is("if") {
            self.expression(0)?
        } else {
            self.expect("{")?;
            let no = self.sequence()?;
            self.expect("}")?;
            no
        };
        self.add(at, Node::Ternary(test, yes, no))
    }

    fn primary(&mut self) -> Result<Id, Error> {
        let token = self.token().clone();
        let unary = match token.text.as_str() {
            _ if token.kind != Kind::Op => None,
            "not" | "!" => Some((Unary::Not, 50)),
            "-" => Some((Unary::Minus, 90)),
            "+" => Some((Unary::Plus, 90)),
            _ => None,
        };
        if let Some((op, precedence)) = unary {
            self.next += 1;
            let side = self.expression(precedence)?;
            let node = self.add(token.at, Node::Unary(op, side))?;
            return self.postfix(node);
        }
        if self.take("(") {
            let inner = self.sequence()?;
            self.expect(")")?;
            return self.postfix(inner);
        }
        if self.predicates > 0 && (self.is("#") || self.is(".")) {
            let mut pointer = Pointer::Item;
            if self.take("#") && self.token().kind == Kind::Name {
                let name = self.advance();
                pointer = match name.text.as_str() {
                    "index" => Pointer::Index,
                    "acc" => Pointer::Acc,
                    _ => return Err(Error::kind(name.at, format!("unknown pointer #{}", name.text))),
                };
            }
            let node = self.add(token.at, Node::Pointer(pointer))?;
            return self.postfix(node);
        }
        if self.take("::") {
            let name = self.advance();
            if name.kind != Kind::Name || !self.is("(") {
                self.next -= 1;
                return Err(self.unexpected());
            }
            let node = self.call(&name, None)?;
            return self.postfix(node);
        }
        self.operand(&token)
    }

    fn operand(&mut self, token: &Token) -> Result<Id, Error> {
        let node = match &token.kind {
            Kind::Name => {
                self.next += 1;
                match token.text.as_str() {
                    "true" | "false" => return self.add(token.at, Node::Literal(Value::Bool(token.text == "true"))),
                    "nil" => return self.add(token.at, Node::Literal(Value::Null)),
                    _ if self.is("(") => self.call(token, None)?,
                    name => self.add(token.at, Node::Name(Arc::from(name)))?,
                }
            }
            Kind::Number => {
                self.next += 1;
                let value = number(token)?;
                return self.add(token.at, Node::Literal(value));
            }
            Kind::Text(text) => {
                self.next += 1;
                self.add(token.at, Node::Literal(Value::text(text)))?
            }
            Kind::Bytes(bytes) => {
                self.next += 1;
                self.add(token.at, Node::Literal(Value::Bytes(Arc::from(bytes.as_slice()))))?
            }
            Kind::Bracket if token.text == "[" => {
                self.next += 1;
                let items = self.arguments("]")?;
                self.add(token.at, Node::List(items))?
            }
            Kind::Bracket if token.text == "{" => self.map(token.at)?,
            _ => return Err(self.unexpected()),
        };
        self.postfix(node)
    }

    fn arguments(&mut self, close: &str) -> Result<Vec<Id>, Error> {
        let mut out = Vec::new();
        while !self.take(close) {
            if !out.is_empty() {
                self.expect(",")?;
                if self.take(close) {
                    break;
                }
            }
            out.push(self.expression(0)?);
        }
        Ok(out)
    }

    fn map(&mut self, at: usize) -> Result<Id, Error> {
        self.next += 1;
        let mut pairs = Vec::new();
        while !self.take("}") {
            if !pairs.is_empty() {
                self.expect(",")?;
                if self.take("}") {
                    break;
                }
            }
            let token = self.token().clone();
            let key = match &token.kind {
                Kind::Text(text) => Some(text.clone()),
                Kind::Name | Kind::Number => Some(token.text.clone()),
                _ => None,
            };
            let key = match key {
                Some(key) => {
                    self.next += 1;
                    self.add(token.at, Node::Literal(Value::text(&key)))?
                }
                None if self.is("(") => self.expression(0)?,
                None => return Err(Error::parse(token.at, "a map key must be a string, a number, a name or in parentheses")),
            };
            self.expect(":")?;
            let value = self.expression(0)?;
            pairs.push((key, value));
        }
        self.add(at, Node::Map(pairs))
    }

    fn call(&mut self, name: &Token, piped: Option<Id>) -> Result<Id, Error> {
        self.expect("(")?;
        if let Some((fold, lone, more)) = FOLDS.iter().copied().find(|row| row.0 == name.text) {
            return self.fold(fold, lone, more, name.at, piped);
        }
        let mut args: Vec<Id> = piped.into_iter().collect();
        args.extend(self.arguments(")")?);
        self.add(name.at, Node::Call(Arc::from(name.text.as_str()), args))
    }

    fn fold(&mut self, name: &'static str, lone: bool, more: bool, at: usize, piped: Option<Id>) -> Result<Id, Error> {
        let over = match piped {
            Some(piped) => piped,
            None if self.is(")") => return Err(Error::parse(at, "expected at least 1 argument")),
            None => {
                let over = self.expression(0)?;
                if !self.is(")") {
                    self.expect(",")?;
                }
                over
            }
        };
        let (mut predicate, mut extra) = (None, None);
        if self.is(")") {
            let trailing = self.next > 0 && self.tokens[self.next - 1].text == ",";
            if !lone || trailing {
                return Err(if trailing { self.unexpected() } else { Error::parse(at, "expected at least 2 arguments") });
            }
        } else {
            let braces = self.take("{");
            self.predicates += 1;
            let body = if braces { self.sequence() } else { self.expression(0) };
            self.predicates -= 1;
            predicate = Some(body?);
            if braces {
                self.expect("}")?;
            }
            if self.take(",") && !self.is(")") {
                if !more {
                    return Err(self.unexpected());
                }
                extra = Some(self.expression(0)?);
                self.take(",");
            }
        }
        self.expect(")")?;
        self.add(at, Node::Fold { name, over, predicate, extra })
    }

    fn postfix(&mut self, mut node: Id) -> Result<Id, Error> {
        loop {
            let token = self.token().clone();
            let chained = match self.tree.node(node) {
                Node::Chain(inner) => Some(*inner),
                _ => None,
            };
            let base = chained.unwrap_or(node);
            let dot = token.kind == Kind::Op && (token.text == "." || token.text == "?.");
            let optional = token.text == "?.";
            if dot {
                self.next += 1;
            }
            let made = if dot && !(optional && self.is("[")) {
                let name = self.advance();
                let word = name.kind == Kind::Op && name.text.starts_with(char::is_alphabetic);
                if name.kind != Kind::Name && !word {
                    self.next -= 1;
                    return Err(self.unexpected());
                }
                let key = self.add(name.at, Node::Literal(Value::text(&name.text)))?;
                let member = self.add(name.at, Node::Member { base, key, optional, dotted: true })?;
                if self.take("(") {
                    let args = self.arguments(")")?;
                    self.add(name.at, Node::Method(member, args))?
                } else {
                    member
                }
            } else if self.take("[") {
                self.index(base, optional && dot, token.at)?
            } else {
                return Ok(node);
            };
            node = if chained.is_some() || (dot && optional) { self.add(token.at, Node::Chain(made))? } else { made };
        }
    }

    fn index(&mut self, base: Id, optional: bool, at: usize) -> Result<Id, Error> {
        let from = if self.is(":") { None } else { Some(self.expression(0)?) };
        if self.take(":") {
            let to = if self.is("]") { None } else { Some(self.expression(0)?) };
            self.expect("]")?;
            return self.add(at, Node::Slice { base, from, to });
        }
        self.expect("]")?;
        let key = from.ok_or_else(|| self.unexpected())?;
        self.add(at, Node::Member { base, key, optional, dotted: false })
    }
}

fn number(token: &Token) -> Result<Value, Error> {
    let text = token.text.replace('_', "");
    let lower = text.to_ascii_lowercase();
    let radix = [("0x", 16), ("0b", 2), ("0o", 8)].into_iter().find(|(prefix, _)| lower.starts_with(prefix));
    let bad = || Error::parse(token.at, format!("invalid number {:?}", token.text));
    if let Some((_, radix)) = radix {
        return i64::from_str_radix(&lower[2..], radix).map(Value::Int).map_err(|_| bad());
    }
    if lower.contains(['.', 'e']) {
        let value: f64 = lower.parse().map_err(|_| bad())?;
        return if value.is_finite() { Ok(Value::Float(value)) } else { Err(bad()) };
    }
    lower.parse().map(Value::Int).map_err(|_| bad())
}
