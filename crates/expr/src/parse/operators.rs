//! Expressions: operators by precedence, conditions, declarations and sequences.

use std::sync::Arc;

use super::Parser;
use crate::ast::{Id, Node, Op, TABLE, Unary};
use crate::error::Error;
use crate::token::Kind;

/// What `not` may stand before.
const NEGATABLE: [&str; 5] = ["contains", "matches", "startsWith", "endsWith", "in"];

impl Parser<'_> {
    pub(super) fn sequence(&mut self) -> Result<Id, Error> {
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

    pub(super) fn expression(&mut self, floor: u32) -> Result<Id, Error> {
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
}
