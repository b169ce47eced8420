//! What operators stand between: literals, names, calls, folds, and what follows them by a dot or in brackets.

use std::sync::Arc;

use super::Parser;
use crate::ast::{Id, Node, Pointer, Unary};
use crate::builtins::FOLDS;
use crate::error::Error;
use crate::token::{Kind, Token};
use crate::value::Value;

impl Parser<'_> {
    pub(super) fn primary(&mut self) -> Result<Id, Error> {
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

    pub(super) fn call(&mut self, name: &Token, piped: Option<Id>) -> Result<Id, Error> {
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

    pub(super) fn postfix(&mut self, mut node: Id) -> Result<Id, Error> {
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
