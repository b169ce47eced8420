//! Refusals: what is wrong, where, and what to do, in Kubernetes' codes.

use std::fmt::Write as _;

/// One thing that is wrong with one field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    /// The path of the field: `spec.subscriptions[0].image.repoURL`.
    pub field: String,
    /// The reason, as Kubernetes names causes: `FieldValueInvalid`, `FieldValueRequired`, ….
    pub reason: &'static str,
    /// What is wrong and what to do.
    pub message: String,
}

impl Cause {
    fn of(reason: &'static str, field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { field: field.into(), reason, message: message.into() }
    }

    /// The value does not do.
    pub fn invalid(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::of("FieldValueInvalid", field, message)
    }

    /// The value is missing.
    pub fn required(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::of("FieldValueRequired", field, message)
    }

    /// The value is there already.
    pub fn duplicate(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::of("FieldValueDuplicate", field, message)
    }

    /// The value may not be there.
    pub fn forbidden(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::of("FieldValueForbidden", field, message)
    }

    /// The value is none of those that may be.
    pub fn not_supported(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::of("FieldValueNotSupported", field, message)
    }
}

/// A write that is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Denied {
    /// The HTTP status.
    pub code: u16,
    /// The reason, as Kubernetes names them: `Invalid`, `Conflict`, `Forbidden`, `NotFound`.
    pub reason: &'static str,
    /// What is wrong and what to do.
    pub message: String,
    /// The fields it is about.
    pub causes: Vec<Cause>,
}

impl Denied {
    /// The document is wrong (422).
    pub fn invalid(kind: &str, name: &str, causes: Vec<Cause>) -> Self {
        let mut message = format!("{} is invalid", called(kind, name));
        for (i, cause) in causes.iter().enumerate() {
            let _ = write!(message, "{} {}: {}", if i == 0 { ":" } else { ";" }, cause.field, cause.message);
        }
        Self { code: 422, reason: "Invalid", message, causes }
    }

    /// Another object stands in the way (409).
    pub fn conflict(kind: &str, name: &str, message: &str) -> Self {
        Self { code: 409, reason: "Conflict", message: format!("{}: {message}", called(kind, name)), causes: Vec::new() }
    }

    /// It may not be done (403).
    pub fn forbidden(kind: &str, name: &str, message: &str) -> Self {
        Self { code: 403, reason: "Forbidden", message: format!("{}: {message}", called(kind, name)), causes: Vec::new() }
    }

    /// Something it names is not there (404).
    pub fn not_found(kind: &str, name: &str, hint: &str) -> Self {
        Self { code: 404, reason: "NotFound", message: format!("{} not found; {hint}", called(kind, name)), causes: Vec::new() }
    }
}

fn called(kind: &str, name: &str) -> String {
    let kind = kind.to_ascii_lowercase();
    if name.is_empty() { kind } else { format!("{kind} {name}") }
}
