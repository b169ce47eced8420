//! Errors that know what comes next, and the one place that prints a chain of causes.

use std::error::Error;
use std::fmt::Write as _;

/// What should happen after an error: the frame of a controller turns it into conditions and requeue, the CLI into an exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Next {
    /// The world may be better in a moment: try again with backoff.
    Retry,
    /// Nothing changes until an input does (a spec, a credential, a setting).
    Blocked,
    /// It is over; a person decides what comes next.
    Failed,
    /// Seaway's own fault.
    Bug,
}

/// Prints an error and its causes once each, outermost first: `copy: read `a.yaml`: No such file or directory`.
///
/// A cause whose text the outer message already ends with is not repeated.
pub fn chain(err: &(dyn Error + 'static)) -> String {
    let mut text = err.to_string();
    let mut cause = err.source();
    while let Some(err) = cause {
        let next = err.to_string();
        if !text.ends_with(&next) {
            let _ = write!(text, ": {next}");
        }
        cause = err.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("read `a.yaml`")]
    struct Read(#[source] std::io::Error);

    #[test]
    fn a_chain_names_each_cause_once() {
        let err = Read(std::io::Error::new(std::io::ErrorKind::NotFound, "no such file"));
        assert_eq!(chain(&err), "read `a.yaml`: no such file");
    }
}
