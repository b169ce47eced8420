//! The syntax tree, kept flat so that no input can nest it deeper than its budget.

use std::sync::Arc;

use crate::value::Value;

pub(crate) type Id = u32;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Op {
    Or,
    And,
    Eq,
    Ne,
    Lt,
    Gt,
    Le,
    Ge,
    In,
    Matches,
    Contains,
    StartsWith,
    EndsWith,
    Range,
    Add,
    Sub,
    Mul,
    Div,
    Mod,
    Pow,
    Coalesce,
}

impl Op {
    pub(crate) fn symbol(self) -> &'static str {
        TABLE.iter().find(|row| row.1 == self).map_or("?", |row| row.0)
    }
}

/// Every binary operator: spelling, meaning, precedence, whether it leans right.
pub(crate) const TABLE: [(&str, Op, u32, bool); 24] = [
    ("or", Op::Or, 10, false),
    ("||", Op::Or, 10, false),
    ("and", Op::And, 15, false),
    ("&&", Op::And, 15, false),
    ("==", Op::Eq, 20, false),
    ("!=", Op::Ne, 20, false),
    ("<", Op::Lt, 20, false),
    (">", Op::Gt, 20, false),
    (">=", Op::Ge, 20, false),
    ("<=", Op::Le, 20, false),
    ("in", Op::In, 20, false),
    ("matches", Op::Matches, 20, false),
    ("contains", Op::Contains, 20, false),
    ("startsWith", Op::StartsWith, 20, false),
    ("endsWith", Op::EndsWith, 20, false),
    ("..", Op::Range, 25, false),
    ("+", Op::Add, 30, false),
    ("-", Op::Sub, 30, false),
    ("*", Op::Mul, 60, false),
    ("/", Op::Div, 60, false),
    ("%", Op::Mod, 60, false),
    ("**", Op::Pow, 100, true),
    ("^", Op::Pow, 100, true),
    ("??", Op::Coalesce, 500, false),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unary {
    Not,
    Minus,
    Plus,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pointer {
    Item,
    Index,
    Acc,
}

#[derive(Debug, Clone)]
pub(crate) enum Node {
    Literal(Value),
    Name(Arc<str>),
    Pointer(Pointer),
    List(Vec<Id>),
    Map(Vec<(Id, Id)>),
    Unary(Unary, Id),
    Binary(Op, Id, Id),
    Ternary(Id, Id, Id),
    /// Base, key, whether `?.` short-circuits here, whether the key was a `.name`.
    Member {
        base: Id,
        key: Id,
        optional: bool,
        dotted: bool,
    },
    Slice {
        base: Id,
        from: Option<Id>,
        to: Option<Id>,
    },
    /// The end of a `?.` chain.
    Chain(Id),
    /// A function of the language or of the environment.
    Call(Arc<str>, Vec<Id>),
    /// A function over a collection with a predicate.
    Fold {
        name: &'static str,
        over: Id,
        predicate: Option<Id>,
        extra: Option<Id>,
    },
    /// A method or a function held by a value.
    Method(Id, Vec<Id>),
    Let(Arc<str>, Id, Id),
    Sequence(Vec<Id>),
}

#[derive(Debug, Default)]
pub(crate) struct Tree {
    pub(crate) nodes: Vec<Node>,
    pub(crate) at: Vec<usize>,
    pub(crate) depth: Vec<usize>,
    pub(crate) root: Id,
}

impl Tree {
    pub(crate) fn node(&self, id: Id) -> &Node {
        &self.nodes[id as usize]
    }

    pub(crate) fn at(&self, id: Id) -> usize {
        self.at[id as usize]
    }

    /// A chain of binary operators that leans left, taken apart: its innermost left side, then each operator with its right side and
    /// its place. It is walked in a loop, however long.
    pub(crate) fn chain(&self, id: Id) -> (Id, impl Iterator<Item = (Op, Id, usize)>) {
        let (mut spine, mut here) = (Vec::new(), id);
        while let Node::Binary(op, left, right) = self.node(here) {
            spine.push((*op, *right, self.at(here)));
            here = *left;
        }
        (here, spine.into_iter().rev())
    }
}
