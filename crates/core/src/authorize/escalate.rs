//! Nobody gives what they lack: who writes a role, a binding or an account that claims lead to must have every right it confers.
//!
//! The ways out are Kubernetes': being in `system:masters`, the verb `escalate` on the role, the verb `bind` on the role a binding names.

use super::ask::{Attributes, ServiceAccount, Who};
use super::claims::Claims;
use super::decision::{Denied, place};
use super::names::shown;
use super::objects::{RoleKind, RoleRef, Rules, text};
use super::policy::Policy;
use super::rule::{Rule, lacking};
use super::{RBAC, SYSTEM_NAMESPACE};
use serde_json::Value;

/// The type of a Secret that is filled with a token of a service account, and the annotation that names it.
const TOKEN: &str = "kubernetes.io/service-account-token";
const TOKEN_OF: &str = "kubernetes.io/service-account.name";
/// Rights that a refusal lists.
const LISTED_MAX: usize = 10;

impl Policy {
    /// Whether somebody may write this object, seen from the rights it confers. To be asked of every create and update (of an object as
    /// it would be stored), beside the right to write it; kinds that confer nothing pass.
    ///
    /// # Errors
    /// [`Denied`], listing the rights that the writer lacks.
    pub fn may_confer(&self, who: &Who<'_>, new: &Value, old: Option<&Value>) -> Result<(), Denied> {
        let metadata = |key: &str| new.pointer("/metadata").map(|it| text(it, key)).unwrap_or_default();
        let (namespace, name) = (metadata("namespace"), metadata("name"));
        let group = text(new, "apiVersion").split_once('/').map_or("", |(group, _)| group);
        let kind = text(new, "kind");
        if !gives_rights(group, new, old) || old.is_some_and(|old| same_but_for_collection(old, new)) {
            return Ok(());
        }
        if let Some(scope) = who.scope {
            scope.gives_nothing_on(who.name, &format!("write {} {name}", kind.to_lowercase()))?;
        }
        if who.is_master() {
            return Ok(());
        }
        match (group, kind) {
            (RBAC, "Role") => self.may_write_role(who, RoleKind::Role, namespace, name, new, old),
            (RBAC, "ClusterRole") => self.may_write_role(who, RoleKind::ClusterRole, "", name, new, old),
            (RBAC, "RoleBinding") => self.may_bind(who, namespace, &format!("rolebinding {name}"), new),
            (RBAC, "ClusterRoleBinding") => self.may_bind(who, "", &format!("clusterrolebinding {name}"), new),
            ("", "ServiceAccount") => self.may_map(who, namespace, name, new, old),
            ("", "Secret") if namespace == SYSTEM_NAMESPACE => {
                let ours = ServiceAccount::of_username(who.name).is_some_and(|account| account.namespace == SYSTEM_NAMESPACE);
                // Users, sessions and keys are kept there: whoever writes one becomes anybody.
                if ours { Ok(()) } else { self.has_everything(who, &format!("write secret {name}")) }
            }
            ("", "Secret") if text(new, "type") == TOKEN => {
                let of = new.pointer("/metadata/annotations").map(|it| text(it, TOKEN_OF)).unwrap_or_default();
                ServiceAccount::new(namespace, of).map_or(Ok(()), |account| self.may_become(who, &account))
            }
            _ => Ok(()),
        }
    }

    fn may_write_role(
        &self,
        who: &Who<'_>,
        kind: RoleKind,
        namespace: &str,
        name: &str,
        new: &Value,
        old: Option<&Value>,
    ) -> Result<(), Denied> {
        if self.allows(&Attributes::resource(*who, "escalate", RBAC, kind.resource()).within(namespace).named(name)) {
            return Ok(());
        }
        let what = format!("write {} {name}", kind.as_str().to_lowercase());
        let gathers = |role: &Value| role.pointer("/aggregationRule/clusterRoleSelectors").is_some_and(|it| !it.is_null());
        if kind == RoleKind::ClusterRole && (gathers(new) || old.is_some_and(gathers)) {
            // It may come to grant anything, and taking the rule away leaves what it gathered.
            self.has_all(who, namespace, &what, &[Rule::everything()])?;
        }
        let rules = Rules::read(new);
        if rules.unreadable > 0 {
            let who = shown(who.name);
            let count = rules.unreadable;
            return Err(Denied::new(format!(
                "{who} may not {what}: {count} of its rules cannot be read, so nobody can tell what it grants"
            )));
        }
        self.has_all(who, namespace, &what, &rules.known)
    }

    fn may_bind(&self, who: &Who<'_>, namespace: &str, what: &str, new: &Value) -> Result<(), Denied> {
        let refused = |why: String| Denied::new(format!("{} may not write {what}: {why}", shown(who.name)));
        let role = new.get("roleRef").and_then(|it| RoleRef::read(it, namespace));
        let role = role.ok_or_else(|| refused("its roleRef names no role that it could grant".to_owned()))?;
        let bind = Attributes::resource(*who, "bind", RBAC, role.kind.resource()).within(namespace).named(&role.name);
        if self.allows(&bind) {
            return Ok(());
        }
        let Some(rules) = self.rules_by(&role, namespace) else {
            let why = format!(
                "{role} is not there{}, so nobody can tell what it grants; create it first",
                place(RBAC, namespace, false)
            );
            return Err(refused(why));
        };
        if rules.unreadable > 0 {
            return Err(refused(format!("{role} has a rule that cannot be read, so nobody can tell what it grants")));
        }
        // In a namespace, rules about paths grant nothing.
        let conferred: Vec<Rule> =
            rules.known.iter().filter(|rule| namespace.is_empty() || rule.non_resource_urls.is_empty()).cloned().collect();
        self.has_all(who, namespace, &format!("write {what}"), &conferred)
    }

    /// Whoever leads claims to an account gives away what it has, wherever it has it.
    fn may_map(&self, who: &Who<'_>, namespace: &str, name: &str, new: &Value, old: Option<&Value>) -> Result<(), Denied> {
        let claims = Claims::granted(new);
        if claims.is_empty() || old.is_some_and(|old| Claims::granted(old) == claims) {
            return Ok(());
        }
        let Some(account) = ServiceAccount::new(namespace, name) else { return Ok(()) };
        let (username, groups) = (account.username(), account.groups());
        let own = Who::new(&username, &groups);
        let what = format!("lead claims to serviceaccount {account}");
        for place in self.namespaces_of(&account) {
            let rules: Vec<Rule> = self.rules_of(&own, &place).into_iter().cloned().collect();
            let mut held = self.rules_of(who, &place);
            if place.is_empty() {
                // By claims, what it may cluster-wide counts in its project alone: so does what claims give to whoever asks.
                held.extend(self.rules_by_claim(who, namespace));
            }
            holds(who, &place, &what, &held, &rules)?;
        }
        Ok(())
    }

    /// Whether somebody has all of these rights in a namespace, or cluster-wide.
    pub(super) fn has_all(&self, who: &Who<'_>, namespace: &str, what: &str, rules: &[Rule]) -> Result<(), Denied> {
        holds(who, namespace, what, &self.rules_of(who, namespace), rules)
    }
}

/// Whether what somebody holds covers all of these rights.
fn holds(who: &Who<'_>, namespace: &str, what: &str, held: &[&Rule], rules: &[Rule]) -> Result<(), Denied> {
    let missing = lacking(held, rules, LISTED_MAX);
    if missing.is_empty() {
        return Ok(());
    }
    let listed = missing.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
    let who = shown(who.name);
    let place = place(RBAC, namespace, true);
    Err(Denied::new(format!("{who} may not {what}{place}: it grants rights that {who} does not have: {listed}")))
}

/// Whether an object gives rights to somebody: a role, a binding, an account that other claims lead to than before, a Secret for a token.
fn gives_rights(group: &str, new: &Value, old: Option<&Value>) -> bool {
    match (group, text(new, "kind")) {
        (RBAC, _) => true,
        ("", "ServiceAccount") => Claims::granted(new) != old.map(Claims::granted).unwrap_or_default(),
        ("", "Secret") => {
            let namespace = new.pointer("/metadata").map(|it| text(it, "namespace")).unwrap_or_default();
            text(new, "type") == TOKEN || namespace == SYSTEM_NAMESPACE
        }
        _ => false,
    }
}

/// Whether nothing differs but what garbage collection needs, and what the server keeps.
fn same_but_for_collection(old: &Value, new: &Value) -> bool {
    let stripped = |object: &Value| {
        let mut object = object.clone();
        if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
            for field in ["ownerReferences", "finalizers", "managedFields", "resourceVersion", "generation"] {
                metadata.shift_remove(field);
            }
        }
        object
    };
    stripped(old) == stripped(new)
}
