//! Names of users and groups: those from outside get a prefix of their own, and none may begin with `system:`.

use super::RESERVED;
use super::ask::ServiceAccount;

/// Where the names of local users begin.
const LOCAL: &str = "user:";
/// Where the names and groups of an identity provider begin.
const OIDC: &str = "oidc:";
/// Bytes of a name from outside.
const NAME_MAX: usize = 256;

/// A name from outside that is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// There is none.
    #[error("{what} has no name; an identity is never empty")]
    Empty {
        /// What it would name.
        what: &'static str,
    },
    /// It begins with `system:`.
    #[error("{what} `{name}`: names that begin with `system:` are Seaway's own; choose another")]
    Reserved {
        /// What it would name.
        what: &'static str,
        /// The name.
        name: String,
    },
    /// It has characters that nobody sees, or too many.
    #[error("{what} {name:?}: a name is at most 256 bytes without control characters or spaces around it")]
    Malformed {
        /// What it would name.
        what: &'static str,
        /// The name, shortened.
        name: String,
    },
    /// A local user's name has other characters than letters, digits and `._@+-`.
    #[error("user {name:?}: a local user's name is of letters, digits and `._@+-`")]
    Local {
        /// The name.
        name: String,
    },
}

/// Lets a name from outside pass: of a user, a group or a claim's value.
///
/// # Errors
/// [`NameError`], if it is empty, malformed, or begins with `system:` in whatever case.
pub fn outside<'a>(what: &'static str, name: &'a str) -> Result<&'a str, NameError> {
    let shortened = || name.chars().take(NAME_MAX).collect();
    let begins = |prefix: &str| name.trim_start().get(..prefix.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(prefix));
    if name.trim().is_empty() {
        Err(NameError::Empty { what })
    } else if begins(RESERVED) {
        Err(NameError::Reserved { what, name: shortened() })
    } else if name.len() > NAME_MAX || name.trim() != name || name.chars().any(char::is_control) {
        Err(NameError::Malformed { what, name: shortened() })
    } else {
        Ok(name)
    }
}

/// The username of a local user: `user:<name>`.
///
/// # Errors
/// [`NameError`].
pub fn local_user(name: &str) -> Result<String, NameError> {
    let name = outside("user", name)?;
    let plain = |c: char| c.is_alphanumeric() || "._@+-".contains(c);
    if name.chars().all(plain) { Ok(format!("{LOCAL}{name}")) } else { Err(NameError::Local { name: name.to_owned() }) }
}

/// The username of somebody whom an identity provider vouches for: `oidc:<value of the username claim>`.
///
/// # Errors
/// [`NameError`].
pub fn oidc_user(claim: &str) -> Result<String, NameError> {
    outside("user", claim).map(|name| format!("{OIDC}{name}"))
}

/// A group that an identity provider puts somebody in: `oidc:<group>`.
///
/// # Errors
/// [`NameError`].
pub fn oidc_group(group: &str) -> Result<String, NameError> {
    outside("group", group).map(|name| format!("{OIDC}{name}"))
}

/// A username as a sentence shows it: `eve`, `carl@example.com`, `service account bank/ci`.
pub fn shown(username: &str) -> String {
    match ServiceAccount::of_username(username) {
        Some(account) => format!("service account {account}"),
        None => username.strip_prefix(LOCAL).or_else(|| username.strip_prefix(OIDC)).unwrap_or(username).to_owned(),
    }
}

/// The halves of a username from outside: which prefix, and the name behind it.
pub(super) fn local_name(username: &str) -> Option<&str> {
    username.strip_prefix(LOCAL)
}

pub(super) fn oidc_name(username: &str) -> Option<&str> {
    username.strip_prefix(OIDC)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_ours_are_refused() {
        for name in ["system:masters", "System:Masters", "system:", "system:serviceaccount:seaway:stages", " system:x"] {
            for refused in [local_user(name), oidc_user(name), oidc_group(name)] {
                assert!(matches!(refused, Err(NameError::Reserved { .. })), "{name}: {refused:?}");
            }
        }
        for name in ["", " ", "\u{0}", " eve", "eve\n", "e\u{7}ve"] {
            assert!(oidc_user(name).is_err(), "{name:?}");
        }
        assert!(oidc_user(&"x".repeat(257)).is_err());
        assert!(local_user("a:b").is_err());
        assert!(local_user("a b").is_err());
    }

    #[test]
    fn names_from_outside_get_a_prefix_of_their_own() {
        assert_eq!(local_user("eve").unwrap(), "user:eve");
        assert_eq!(oidc_user("carl@example.com").unwrap(), "oidc:carl@example.com");
        assert_eq!(oidc_group("My Team").unwrap(), "oidc:My Team");
        // A provider cannot make somebody a local user.
        assert_eq!(oidc_user("user:eve").unwrap(), "oidc:user:eve");
    }

    #[test]
    fn sentences_show_the_name_people_know() {
        assert_eq!(shown("user:eve"), "eve");
        assert_eq!(shown("oidc:carl@example.com"), "carl@example.com");
        assert_eq!(shown("system:serviceaccount:bank:ci"), "service account bank/ci");
        assert_eq!(shown("admin"), "admin");
    }
}
