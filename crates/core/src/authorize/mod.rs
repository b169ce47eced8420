//! Authorization: who may do what, and which right is lacking. Pure, and the one point that every door asks.
//!
//! Rights are Kubernetes' RBAC over `rbac.authorization.k8s.io/v1`: they only ever add up, and what cannot be read grants nothing.
//! A [`Policy`] is kept from the stored objects, one at a time ([`Policy::apply`], [`Policy::forget`]), and indexed by subject, so that a
//! decision costs the bindings of the one who asks and no more.
//!
//! Where a rule is Kubernetes', the documentation it comes from is its page *Using RBAC Authorization*; where it is Kargo's, the section of
//! our reference is named. Two things are stricter than Kubernetes: a rule with a field we do not know grants nothing (it may be one that
//! narrows), and nobody becomes one of our controllers or a member of `system:masters` by impersonation without having every right already.

mod access;
mod actor;
mod ask;
mod claims;
mod creator;
mod decision;
mod defaults;
mod escalate;
mod gate;
mod impersonate;
mod index;
mod names;
mod objects;
mod policy;
mod review;
mod rule;
mod scope;
mod validate;

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;

pub use access::{Access, AccessError};
pub use actor::{ACTORS, ActorRow, actor, bare_actor};
pub use ask::{Attributes, Resource, ServiceAccount, Target, Who};
pub use claims::{Accounts, Claims};
pub use creator::{is_reserved_project, roles_of_new_project};
pub use decision::{Allowed, By, Decision, Denied};
pub use defaults::{cluster_roles, project_roles, system_accounts};
pub use gate::{Field, Gated, Need, Write, gated};
pub use impersonate::{Acting, Impersonation};
pub use names::{NameError, local_user, oidc_group, oidc_user, outside, shown};
pub use objects::{Binding, RoleKind, RoleRef, Subject};
pub use policy::Policy;
pub use review::Review;
pub use rule::Rule;
pub use scope::Scope;
pub use validate::validate;

/// The API group of roles and bindings.
pub const RBAC: &str = "rbac.authorization.k8s.io";
/// The group whose members may do everything; only the data folder's own kubeconfig is in it.
pub const MASTERS: &str = "system:masters";
/// The group of everybody whose identity was proven.
pub const AUTHENTICATED: &str = "system:authenticated";
/// The group of everybody else.
pub const UNAUTHENTICATED: &str = "system:unauthenticated";
/// Our own namespace, the home of our controllers' accounts. Whoever has an account here counts as one of them.
pub const SYSTEM_NAMESPACE: &str = "seaway";
/// Kargo's own namespace: its service accounts count in every project, for those whose claims lead to them.
pub const GLOBAL_NAMESPACE: &str = "kargo";
/// What begins with this is ours to give.
pub const RESERVED: &str = "system:";
