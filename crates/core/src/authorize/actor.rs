//! Actors: who did it, as objects, events and commits record it, in the strings that Kargo's clients know (reference §1.4).

use super::names::{local_name, oidc_name};
use super::{SYSTEM_NAMESPACE, ServiceAccount};
use seaway_base::Actor;

/// One row of the table in the documentation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ActorRow {
    /// Who it is.
    pub who: &'static str,
    /// An example of the identity behind the request.
    pub username: &'static str,
    /// The claim an identity provider's name came from, else empty.
    pub claim: &'static str,
    /// What is recorded for the example.
    pub actor: &'static str,
    /// Which of Kargo's strings that is.
    pub kargo: &'static str,
}

/// Who is recorded how. Kargo's `admin` and `unknown actor` are read, never written: Seaway has no account without a name.
pub const ACTORS: &[ActorRow] = &[
    ActorRow {
        who: "a controller of ours",
        username: "system:serviceaccount:seaway:stages",
        claim: "",
        actor: "controller:stages",
        kargo: "controller:<name>",
    },
    ActorRow { who: "a local user", username: "user:bob", claim: "", actor: "user:bob", kargo: "<claim>:<username>" },
    ActorRow {
        who: "somebody of an identity provider, by email",
        username: "oidc:carl@example.com",
        claim: "email",
        actor: "email:carl@example.com",
        kargo: "email:<v>",
    },
    ActorRow {
        who: "somebody of an identity provider, by subject",
        username: "oidc:00u1",
        claim: "sub",
        actor: "subject:00u1",
        kargo: "subject:<v>",
    },
    ActorRow {
        who: "somebody of an identity provider, by another claim",
        username: "oidc:carl",
        claim: "preferred_username",
        actor: "preferred_username:carl",
        kargo: "<claim>:<username>",
    },
    ActorRow {
        who: "a service account, by its token",
        username: "system:serviceaccount:bank:ci",
        claim: "",
        actor: "kubernetes:system:serviceaccount:bank:ci",
        kargo: "kubernetes:<username>",
    },
    ActorRow {
        who: "the data folder's own kubeconfig",
        username: "admin",
        claim: "",
        actor: "kubernetes:admin",
        kargo: "kubernetes:<username>",
    },
];

/// The actor behind a username; `claim` is the one an identity provider's name came from. `None` for an empty name, which is an error.
pub fn actor(username: &str, claim: &str) -> Option<Actor> {
    if username.trim().is_empty() {
        return None;
    }
    if let Some(account) = ServiceAccount::of_username(username).filter(|account| account.namespace == SYSTEM_NAMESPACE) {
        return Some(Actor::controller(&account.name));
    }
    let recorded = match (local_name(username), oidc_name(username)) {
        (Some(_), _) => username.to_owned(),
        (_, Some(name)) => match claim {
            "" => username.to_owned(),
            "sub" => format!("subject:{name}"),
            claim => format!("{claim}:{name}"),
        },
        _ => format!("kubernetes:{username}"),
    };
    Actor::new(recorded)
}

/// The name within an actor string, as Kargo's consumers read it: whatever follows the first colon, or all of it.
pub fn bare_actor(actor: &str) -> &str {
    actor.split_once(':').map_or(actor, |(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_of_the_table_is_what_is_recorded() {
        for row in ACTORS {
            assert_eq!(actor(row.username, row.claim).unwrap().as_str(), row.actor, "{}", row.who);
        }
        assert_eq!(actor("", "email"), None);
        assert_eq!(actor(" ", ""), None);
    }

    #[test]
    fn the_page_has_every_row() {
        let page = include_str!("../../../../docs/authorization.md");
        for ActorRow { who, username, actor, kargo, .. } in ACTORS {
            let row = format!("| {who} | `{username}` | `{actor}` | `{kargo}` |");
            assert!(page.contains(&row), "docs/authorization.md lacks {row}");
        }
        assert_eq!(page.matches("| `kubernetes:<username>` |").count(), 2);
    }

    #[test]
    fn the_bare_name_is_behind_the_first_colon() {
        for (recorded, bare) in
            [("email:a@b", "a@b"), ("admin", "admin"), ("kubernetes:system:x", "system:x"), ("unknown actor", "unknown actor")]
        {
            assert_eq!(bare_actor(recorded), bare);
        }
    }
}
