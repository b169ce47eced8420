//! Turns tokens into a tree: a Pratt parser that counts nodes and depth.

mod operands;
mod operators;

use crate::Budget;
use crate::ast::{Id, Node, Tree};
use crate::error::Error;
use crate::token::{Kind, Token, tokens};

/// Reads an expression.
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

/// Where we are: the tokens and the next of them, the tree so far, how many predicates and levels we are in.
struct Parser<'a> {
    tokens: Vec<Token>,
    next: usize,
    tree: Tree,
    predicates: usize,
    level: usize,
    budget: &'a Budget,
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
}
