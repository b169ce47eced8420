//! Acting as somebody else: `Impersonate-*` headers are honoured under the verb `impersonate` and otherwise refused, never ignored.

use super::ask::{Attributes, ServiceAccount, Who};
use super::decision::Denied;
use super::names::shown;
use super::policy::Policy;
use super::rule::Rule;
use super::{AUTHENTICATED, MASTERS, SYSTEM_NAMESPACE, UNAUTHENTICATED};
use std::collections::BTreeMap;

/// The group of what is impersonated beside users and groups.
const AUTHENTICATION: &str = "authentication.k8s.io";
/// The user of requests without a proven identity.
const ANONYMOUS: &str = "system:anonymous";

/// Whom somebody wants to act as.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Impersonation {
    /// `Impersonate-User`.
    pub user: String,
    /// `Impersonate-Uid`, or empty.
    pub uid: String,
    /// `Impersonate-Group`, one or more.
    pub groups: Vec<String>,
    /// `Impersonate-Extra-<key>`; keys in lower case.
    pub extra: BTreeMap<String, Vec<String>>,
}

/// Whom a request then counts as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acting {
    /// The username.
    pub name: String,
    /// The groups, with those that follow from the name.
    pub groups: Vec<String>,
}

impl Policy {
    /// Lets somebody act as another, each part of whom needs the verb `impersonate`. Who would become one of our controllers, or a member
    /// of `system:masters`, must have every right already.
    ///
    /// # Errors
    /// [`Denied`], naming the first right that is lacking.
    pub fn impersonate(&self, who: &Who<'_>, as_whom: &Impersonation) -> Result<Acting, Denied> {
        if let Some(scope) = who.scope {
            scope.gives_nothing_on(who.name, "impersonate")?;
        }
        if as_whom.user.is_empty() {
            return Err(Denied::new(format!("{} may not impersonate groups without a user: name one too", shown(who.name))));
        }
        let account = ServiceAccount::of_username(&as_whom.user);
        let may = |group, resource| Attributes::resource(*who, "impersonate", group, resource);
        match &account {
            Some(account) => self.demand(&may("", "serviceaccounts").within(&account.namespace).named(&account.name))?,
            None => self.demand(&may("", "users").named(&as_whom.user))?,
        }
        for group in &as_whom.groups {
            self.demand(&may("", "groups").named(group))?;
        }
        if !as_whom.uid.is_empty() {
            self.demand(&may(AUTHENTICATION, "uids").named(&as_whom.uid))?;
        }
        for (key, value) in as_whom.extra.iter().flat_map(|(key, values)| values.iter().map(move |value| (key, value))) {
            self.demand(&may(AUTHENTICATION, "userextras").part(key).named(value))?;
        }
        if let Some(account) = &account {
            self.may_become(who, account)?;
        }
        if as_whom.groups.iter().any(|group| group == MASTERS) {
            self.has_everything(who, "become a member of system:masters")?;
        }
        Ok(Acting { name: as_whom.user.clone(), groups: groups(as_whom, account.as_ref()) })
    }

    /// Whether somebody may come to hold an account's identity, by a token of it or by impersonation, seen from what the account is: one
    /// of our controllers can do what no role grants, so it takes every right. To be asked beside the right to do it.
    ///
    /// # Errors
    /// [`Denied`].
    pub fn may_become(&self, who: &Who<'_>, account: &ServiceAccount) -> Result<(), Denied> {
        if let Some(scope) = who.scope {
            scope.gives_nothing_on(who.name, &format!("become service account {account}"))?;
        }
        if account.namespace != SYSTEM_NAMESPACE {
            return Ok(());
        }
        self.has_everything(who, &format!("become service account {account}"))
    }

    pub(super) fn has_everything(&self, who: &Who<'_>, what: &str) -> Result<(), Denied> {
        if who.is_master() {
            return Ok(());
        }
        self.has_all(who, "", what, &[Rule::everything(), Rule::every_path()])
    }

    fn demand(&self, asked: &Attributes<'_>) -> Result<(), Denied> {
        self.decide(asked).into_result().map(drop)
    }
}

/// The groups that were asked for, or else those of a service account, and the one that everybody is in.
fn groups(as_whom: &Impersonation, account: Option<&ServiceAccount>) -> Vec<String> {
    let mut groups = as_whom.groups.clone();
    if let Some(account) = account.filter(|_| groups.is_empty()) {
        groups.extend(account.groups());
    }
    if !groups.iter().any(|group| group == AUTHENTICATED || group == UNAUTHENTICATED) {
        groups.push(if as_whom.user == ANONYMOUS { UNAUTHENTICATED } else { AUTHENTICATED }.to_owned());
    }
    groups
}
