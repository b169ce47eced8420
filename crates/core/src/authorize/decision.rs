//! A decision: allowed by this binding of that role, or denied, naming the right that is lacking.

use super::ask::{Attributes, Resource, ServiceAccount, Target};
use super::names::shown;
use super::objects::Binding;
use super::rule::group_word;
use std::collections::BTreeSet;
use std::fmt::{self, Write as _};
use std::sync::Arc;

/// Names that a denial lists.
const NAMES_MAX: usize = 5;

/// What the policy says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// It may be done.
    Allowed(Allowed),
    /// It may not.
    Denied(Denied),
}

impl Decision {
    /// Whether it may be done.
    pub const fn is_allowed(&self) -> bool {
        matches!(self, Self::Allowed(_))
    }

    /// The denial as an error.
    ///
    /// # Errors
    /// [`Denied`], if it may not be done.
    pub fn into_result(self) -> Result<Allowed, Denied> {
        match self {
            Self::Allowed(allowed) => Ok(allowed),
            Self::Denied(denied) => Err(denied),
        }
    }

    /// The reason in a sentence, for a SubjectAccessReview's `status.reason`.
    pub fn reason(&self) -> String {
        match self {
            Self::Allowed(allowed) => allowed.to_string(),
            Self::Denied(denied) => denied.message.clone(),
        }
    }
}

/// Why it may be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allowed {
    /// What grants it.
    pub by: By,
    /// The service account whose right it is, if it came by the caller's claims.
    pub account: Option<ServiceAccount>,
}

/// What grants a right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum By {
    /// Being in `system:masters`.
    Masters,
    /// A binding.
    Binding(Arc<Binding>),
}

impl fmt::Display for Allowed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.by {
            By::Masters => f.write_str("allowed to members of system:masters")?,
            By::Binding(binding) => write!(f, "allowed by {binding} of {}", binding.role)?,
        }
        match &self.account {
            Some(account) => write!(f, " to service account {account}, which the caller's claims lead to"),
            None => Ok(()),
        }
    }
}

/// It may not be done: a sentence that names the right that is lacking.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Denied {
    /// Who may not do what, and what they lack.
    pub message: String,
}

impl Denied {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into() }
    }
}

impl From<Denied> for crate::admission::Denied {
    fn from(denied: Denied) -> Self {
        Self { code: 403, reason: "Forbidden", message: denied.message, causes: Vec::new() }
    }
}

/// What a second look at a denied question found among the caller's own roles.
#[derive(Debug, Default)]
pub(super) struct Nearly {
    /// Names the right is held for.
    pub(super) names: BTreeSet<String>,
    /// Bindings whose role is not there.
    pub(super) dangling: BTreeSet<String>,
    /// Roles with a rule that cannot be read.
    pub(super) unreadable: BTreeSet<String>,
}

/// The sentence of a denial.
pub(super) fn denial(asked: &Attributes<'_>, nearly: &Nearly) -> Denied {
    let who = shown(asked.who.name);
    let mut message = format!("{who} may not {}: ", wish(asked));
    let right = match asked.target {
        Target::Path(path) => format!("the verb {} on the path {path}", asked.verb),
        Target::Resource(resource) => format!("the verb {} on {}", asked.verb, kind(&resource)),
    };
    match listed(&nearly.names) {
        names if names.is_empty() => {
            let _ = write!(message, "no role gives {who} {right}");
        }
        names => {
            let _ = write!(message, "{who} has {right} for {names} alone");
        }
    }
    if !nearly.dangling.is_empty() {
        let _ = write!(message, "; {}, which is not there", listed(&nearly.dangling));
    }
    if !nearly.unreadable.is_empty() {
        let _ = write!(message, "; what cannot be read grants nothing: a rule of {}", listed(&nearly.unreadable));
    }
    Denied { message }
}

/// What was asked for, in words: `promote stages prod-eu in project bank`.
fn wish(asked: &Attributes<'_>) -> String {
    let Target::Resource(resource) = asked.target else {
        let Target::Path(path) = asked.target else { return String::new() };
        return format!("{} {path}", asked.verb);
    };
    let verb = if asked.verb == "*" { "do everything to" } else { asked.verb };
    let thing = if resource.resource == "*" { "everything".to_owned() } else { plural(&resource) };
    let mut wish = format!("{verb} {thing}");
    if !resource.name.is_empty() {
        let _ = write!(wish, " {}", resource.name);
    }
    wish + &place(resource.group, resource.namespace, resource.name.is_empty())
}

/// Where, in words; nothing of an object of the cluster, which has no place.
pub(super) fn place(group: &str, namespace: &str, all: bool) -> String {
    match namespace {
        "" if all => " cluster-wide".to_owned(),
        "" => String::new(),
        project if group.ends_with("kargo.akuity.io") || group.ends_with("seaway.dev") => format!(" in project {project}"),
        namespace => format!(" in namespace {namespace}"),
    }
}

fn plural(resource: &Resource<'_>) -> String {
    match resource.subresource {
        "" => resource.resource.to_owned(),
        part => format!("{}/{part}", resource.resource),
    }
}

fn kind(resource: &Resource<'_>) -> String {
    format!("{} ({})", plural(resource), group_word(resource.group))
}

fn listed(names: &BTreeSet<String>) -> String {
    let mut text = names.iter().take(NAMES_MAX).cloned().collect::<Vec<_>>().join(", ");
    if names.len() > NAMES_MAX {
        let _ = write!(text, " and {} more", names.len() - NAMES_MAX);
    }
    text
}
