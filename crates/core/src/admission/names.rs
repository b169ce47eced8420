//! Names: what may be one, how a promotion is called, and how a long one fits a label.

use regex::Regex;
use sha2::{Digest as _, Sha256};
use std::sync::LazyLock;
use ulid::Ulid;

static LABEL: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$").expect("a constant pattern"));
static LABEL_VALUE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$").expect("a constant pattern"));

/// Whether a text can name a subscription (RFC 1123 label).
pub(super) fn is_label(text: &str) -> bool {
    text.len() <= 63 && LABEL.is_match(text)
}

/// Whether a text can be the value of a label.
pub(super) fn is_label_value(text: &str) -> bool {
    text.len() <= 63 && LABEL_VALUE.is_match(text)
}

/// The longest name Kubernetes takes.
const LONGEST_NAME: usize = 253;

/// A promotion's name: `<stage>[.<target>].<ulid>.<first seven of the freight>`; names of one stage sort as they were made.
///
/// A stage's name that is too long is cut, never the rest.
pub fn promotion_name(stage: &str, target: &str, ulid: Ulid, freight: &str) -> String {
    let prefix = if target.is_empty() { stage.to_owned() } else { format!("{stage}.{target}") };
    let freight: String = freight.chars().take(7).collect();
    let rest = format!(".{}.{freight}", ulid.to_string().to_ascii_lowercase());
    let room = LONGEST_NAME.saturating_sub(rest.len());
    let prefix: String = prefix.chars().take(room).collect();
    format!("{prefix}{rest}").to_ascii_lowercase()
}

/// A name as the value of a label: whole if it fits into 63 characters, else its beginning and a hash of all of it.
pub fn shorten_label(name: &str) -> String {
    if name.len() <= 63 {
        return name.to_owned();
    }
    let hash = hex::encode(Sha256::digest(name));
    let start: String = name.chars().take(54).collect();
    format!("{start}-{}", &hash[..8])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_promotions_name_fits_and_sorts() {
        let name = |ms| promotion_name(&"s".repeat(250), "", Ulid::from_parts(ms, 7), "a8ba37fe");
        assert_eq!(name(1).len(), 253);
        assert!(name(1) < name(2));
        assert!(name(1).ends_with(".a8ba37f"));
        assert!(promotion_name("qa", "eu", Ulid::from_parts(1, 1), "abc").starts_with("qa.eu.0"));
    }

    #[test]
    fn a_long_name_is_shortened_for_a_label() {
        assert_eq!(shorten_label("qa"), "qa");
        assert_eq!(shorten_label(&"x".repeat(63)).len(), 63);
        let long = shorten_label(&"x".repeat(64));
        assert!(long.len() == 63 && long.starts_with("xxx") && is_label(&long), "{long}");
    }
}
