//! What can go wrong with an expression, and where.

use crate::value::Value;

/// A datum that a function needs and the caller has not supplied yet: fetch it and evaluate again.
#[derive(Debug, Clone, PartialEq)]
pub struct Need {
    /// The function that was called.
    pub function: String,
    /// Its arguments as JSON.
    pub args: Vec<serde_json::Value>,
}

/// Why a function of the environment gave no value.
#[derive(Debug, Clone, PartialEq)]
pub enum CallError {
    /// It failed for good, saying why.
    Failed(String),
    /// It needs a datum first.
    Needs(Need),
}

/// The four classes of failure that users tell apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Not an expression.
    Parse,
    /// Refused before it ran.
    Type,
    /// Failed while it ran.
    Runtime,
    /// Everything else, such as a result that JSON cannot hold.
    Other,
}

/// An expression that could not be evaluated; `at` is the byte offset in the expression.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Error {
    /// The text is no expression.
    #[error("parse expression: {message} (at {at})")]
    Parse {
        /// What is wrong.
        message: String,
        /// Byte offset.
        at: usize,
    },
    /// The parts do not fit together.
    #[error("check expression: {message} (at {at})")]
    Type {
        /// What is wrong.
        message: String,
        /// Byte offset.
        at: usize,
    },
    /// It failed while it ran.
    #[error("evaluate expression: {message} (at {at})")]
    Runtime {
        /// What is wrong.
        message: String,
        /// Byte offset.
        at: usize,
    },
    /// It asked for more than the budget allows.
    #[error("evaluate expression: {what} budget exceeded; make the expression smaller")]
    Budget {
        /// Which budget.
        what: &'static str,
    },
    /// A datum must be fetched first.
    #[error("evaluate expression: {} needs a datum that is not here yet", .0.function)]
    Needs(Need),
    /// The result or the environment cannot be used.
    #[error("evaluate expression: {message}")]
    Other {
        /// What is wrong.
        message: String,
    },
}

impl Error {
    /// The class of the failure; an exceeded budget counts as run time.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Error::Parse { .. } => Class::Parse,
            Error::Type { .. } => Class::Type,
            Error::Runtime { .. } | Error::Budget { .. } | Error::Needs(_) => Class::Runtime,
            Error::Other { .. } => Class::Other,
        }
    }

    /// Where in the expression it failed, as a byte offset.
    #[must_use]
    pub fn position(&self) -> Option<usize> {
        match self {
            Error::Parse { at, .. } | Error::Type { at, .. } | Error::Runtime { at, .. } => Some(*at),
            _ => None,
        }
    }

    pub(crate) fn parse(at: usize, message: impl Into<String>) -> Self {
        Error::Parse { message: message.into(), at }
    }

    pub(crate) fn kind(at: usize, message: impl Into<String>) -> Self {
        Error::Type { message: message.into(), at }
    }

    pub(crate) fn run(at: usize, message: impl Into<String>) -> Self {
        Error::Runtime { message: message.into(), at }
    }

    pub(crate) fn other(message: impl Into<String>) -> Self {
        Error::Other { message: message.into() }
    }
}

pub(crate) type Done = Result<Value, Error>;
