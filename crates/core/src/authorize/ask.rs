//! What is asked: who wants to do what to which object or path. Borrowed throughout, for it is asked at every request.

use super::claims::Accounts;
use super::scope::Scope;
use super::{AUTHENTICATED, MASTERS};
use crate::admission::Right;
use std::fmt;

/// Where the name of a service account begins.
const ACCOUNT: &str = "system:serviceaccount:";

/// Who asks.
#[derive(Debug, Clone, Copy)]
pub struct Who<'a> {
    /// The user's name, as the authenticator proved it.
    pub name: &'a str,
    /// The groups, `system:authenticated` among them.
    pub groups: &'a [String],
    /// The service accounts whose rights count as theirs too, by their claims (Kargo's mapping, reference §10.2).
    pub accounts: Option<&'a Accounts>,
    /// What the token they come by is narrowed to.
    pub scope: Option<&'a Scope>,
}

impl<'a> Who<'a> {
    /// A user with groups and no mapped accounts.
    pub const fn new(name: &'a str, groups: &'a [String]) -> Self {
        Self { name, groups, accounts: None, scope: None }
    }

    /// The same, with the accounts that their claims lead to.
    pub const fn with_accounts(self, accounts: &'a Accounts) -> Self {
        Self { accounts: Some(accounts), ..self }
    }

    /// The same, by a token of this scope.
    pub const fn with_scope(self, scope: &'a Scope) -> Self {
        Self { scope: Some(scope), ..self }
    }

    /// May they do everything, as far as the scope of their token lets them?
    pub fn is_master(&self) -> bool {
        self.groups.iter().any(|group| group == MASTERS)
    }
}

/// A service account by its place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServiceAccount {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

impl ServiceAccount {
    /// The account of that name; `None` if either half is empty or would make another account's username.
    pub fn new(namespace: &str, name: &str) -> Option<Self> {
        let sound = |part: &str| !part.is_empty() && !part.contains(':');
        (sound(namespace) && sound(name)).then(|| Self { namespace: namespace.to_owned(), name: name.to_owned() })
    }

    /// The account behind a username: `system:serviceaccount:<namespace>:<name>`.
    pub fn of_username(username: &str) -> Option<Self> {
        let (namespace, name) = username.strip_prefix(ACCOUNT)?.split_once(':')?;
        Self::new(namespace, name)
    }

    /// Its username.
    pub fn username(&self) -> String {
        format!("{ACCOUNT}{}:{}", self.namespace, self.name)
    }

    /// The groups every account is in.
    pub fn groups(&self) -> [String; 3] {
        ["system:serviceaccounts".to_owned(), format!("system:serviceaccounts:{}", self.namespace), AUTHENTICATED.to_owned()]
    }
}

impl fmt::Display for ServiceAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// An object, or a kind of objects, as RBAC names it. What is not there is empty.
///
/// A request for all objects of a namespaced kind has no namespace. A `create` or `deletecollection` has no name, for Kubernetes does not
/// look one up in the body; neither has a `list` or `watch`, unless its field selector asks for one `metadata.name`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Resource<'a> {
    /// The API group; the core's is empty.
    pub group: &'a str,
    /// The plural, lower-case.
    pub resource: &'a str,
    /// `status`, `token`, ….
    pub subresource: &'a str,
    /// The namespace.
    pub namespace: &'a str,
    /// The name.
    pub name: &'a str,
}

/// What it is done to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target<'a> {
    /// An object or a kind of objects.
    Resource(Resource<'a>),
    /// A path that is no resource: `/healthz`. The verb is the method in lower case.
    Path(&'a str),
}

/// A question to the policy.
#[derive(Debug, Clone, Copy)]
pub struct Attributes<'a> {
    /// Who asks.
    pub who: Who<'a>,
    /// The verb: `get`, `promote`, ….
    pub verb: &'a str,
    /// What it is done to.
    pub target: Target<'a>,
}

impl<'a> Attributes<'a> {
    /// Whether `who` may do `verb` to resources of a kind.
    pub const fn resource(who: Who<'a>, verb: &'a str, group: &'a str, resource: &'a str) -> Self {
        let target = Resource { group, resource, subresource: "", namespace: "", name: "" };
        Self { who, verb, target: Target::Resource(target) }
    }

    /// Whether `who` may do `verb` (a method in lower case) to a path that is no resource.
    pub const fn path(who: Who<'a>, verb: &'a str, path: &'a str) -> Self {
        Self { who, verb, target: Target::Path(path) }
    }

    /// Whether `who` has the right that admission asks for beside the one for the write itself.
    pub fn right(who: Who<'a>, right: &'a Right) -> Self {
        Self::resource(who, right.verb, right.group, right.resource).within(&right.namespace).named(&right.name)
    }

    /// In this namespace; an empty one means none or all.
    #[must_use]
    pub fn within(self, namespace: &'a str) -> Self {
        self.with(|resource| Resource { namespace, ..resource })
    }

    /// This object.
    #[must_use]
    pub fn named(self, name: &'a str) -> Self {
        self.with(|resource| Resource { name, ..resource })
    }

    /// This part of it: `status`, `token`, ….
    #[must_use]
    pub fn part(self, subresource: &'a str) -> Self {
        self.with(|resource| Resource { subresource, ..resource })
    }

    fn with(self, change: impl FnOnce(Resource<'a>) -> Resource<'a>) -> Self {
        match self.target {
            Target::Resource(resource) => Self { target: Target::Resource(change(resource)), ..self },
            Target::Path(_) => self,
        }
    }
}
