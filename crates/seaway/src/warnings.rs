//! The control plane's warnings (`Warning` headers), told once each beside the answer, as kubectl does.

use crate::output;
use http::Response;
use http::header::WARNING;
use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

/// So many different ones are told; a command that meets more has told enough.
const N_MAX: usize = 64;

/// Tells the warnings of a response that were not told yet.
pub(crate) fn told<B>(response: Response<B>) -> Response<B> {
    static TOLD: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
    for header in response.headers().get_all(WARNING) {
        let Some(text) = std::str::from_utf8(header.as_bytes()).ok().and_then(text) else { continue };
        let mut told = TOLD.lock().unwrap_or_else(PoisonError::into_inner);
        if told.len() < N_MAX && told.insert(text.clone()) {
            output::aside(format_args!("Warning: {text}"));
        }
    }
    response
}

/// The text of `299 - "text"`.
fn text(header: &str) -> Option<String> {
    let quoted = header.split_once('"')?.1.rsplit_once('"')?.0;
    let mut text = String::new();
    let mut letters = quoted.chars();
    while let Some(letter) = letters.next() {
        let letter = if letter == '\\' { letters.next()? } else { letter };
        // What a terminal would obey is left out.
        text.extend(Some(letter).filter(|letter| !letter.is_control()));
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_warning_is_what_stands_in_quotes() {
        assert_eq!(text(r#"299 - "unknown field \"spec.x\"""#).as_deref(), Some(r#"unknown field "spec.x""#));
        assert_eq!(text("299 - nothing"), None);
    }
}
