//! Local users: a name, a password's hash, groups.

use crate::Identities;
use crate::book::{Book, Owner, Record, Shelf};
use crate::error::IdentityError;
use crate::password;
use crate::person::Person;
use crate::secrets::{digest, name_of};
use jiff::Timestamp;
use seaway_base::Secret;
use seaway_core::authorize::{AUTHENTICATED, NameError, ServiceAccount, local_user, outside};
use serde::{Deserialize, Serialize};

/// Groups one user may be in.
const N_GROUPS_MAX: usize = 64;
/// Where the usernames of local users begin.
const LOCAL: &str = "user:";
/// Where users and groups begin that an identity provider gives.
pub(crate) const OIDC: &str = "oidc:";

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct User {
    pub(crate) name: String,
    /// As argon2 writes it.
    pub(crate) hash: String,
    /// Passwords before this one.
    pub(crate) n_passwords: u64,
    pub(crate) groups: Vec<String>,
    pub(crate) created_at: Timestamp,
    pub(crate) password_since: Timestamp,
}

impl Record for User {
    const WORD: &'static str = "user";
    fn shelf(book: &mut Book) -> &mut Shelf<Self> {
        &mut book.users
    }
    fn of(&self) -> &str {
        &self.name
    }
}

/// A local user, without what is secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserRow {
    /// `bob`, who is `user:bob` to policy.
    pub name: String,
    /// The groups that were given.
    pub groups: Vec<String>,
    /// Since when.
    pub created_at: Timestamp,
    /// When the password was set.
    pub password_since: Timestamp,
}

impl From<&User> for UserRow {
    fn from(user: &User) -> Self {
        let (name, groups) = (user.name.clone(), user.groups.clone());
        Self { name, groups, created_at: user.created_at, password_since: user.password_since }
    }
}

/// The name of a user's Secret.
pub(crate) fn key(name: &str) -> String {
    format!("user-{}", name_of(&digest(name)))
}

impl Book {
    /// Who a local user is at present, and what their sessions stand and fall with.
    pub(crate) fn local(&self, name: &str) -> Option<(Person, Owner)> {
        let key = key(name);
        let entry = self.users.get(&key)?;
        let user = &entry.record;
        let person = Person {
            username: local_user(&user.name).ok()?,
            groups: groups_of(user),
            claims: None,
            claim: String::new(),
            name: user.name.clone(),
            scope: None,
        };
        Some((person, Owner::User { user: key, uid: entry.uid.clone(), n_passwords: user.n_passwords }))
    }

    /// The person as they are now: a local user's groups may have changed since.
    pub(crate) fn present(&self, person: &Person, owner: Option<&Owner>) -> Person {
        let user = match owner {
            Some(Owner::User { user, .. }) => self.users.get(user),
            _ => None,
        };
        let groups = user.map_or_else(|| person.groups.clone(), |user| groups_of(&user.record));
        Person { groups, ..person.clone() }
    }

    /// What a person's sessions, links and tokens end with; nothing, unless they are a local user or a service account.
    pub(crate) fn owner_of(&self, person: &Person) -> Result<Option<Owner>, IdentityError> {
        if let Some(name) = person.username.strip_prefix(LOCAL) {
            return self.local(name).map(|(_, owner)| Some(owner)).ok_or_else(|| no_such(name));
        }
        let Some(account) = ServiceAccount::of_username(&person.username) else { return Ok(None) };
        let gone = || IdentityError::NoSuch { kind: "service account", name: account.to_string() };
        let uid = self.account(&account).cloned().ok_or_else(gone)?;
        Ok(Some(Owner::Account { namespace: account.namespace, name: account.name, uid }))
    }
}

/// Those that were given, and the one of everybody who was proven. One that is not ours to give does not count.
fn groups_of(user: &User) -> Vec<String> {
    let given = user.groups.iter().filter(|group| fits(group).is_ok()).cloned();
    given.chain([AUTHENTICATED.to_owned()]).collect()
}

fn fits(group: &str) -> Result<(), IdentityError> {
    let group = outside("group", group)?;
    if group.starts_with(OIDC) {
        return Err(IdentityError::Refused(format!(
            "group `{group}`: groups that begin with `{OIDC}` come from the identity provider alone; choose another"
        )));
    }
    Ok(())
}

impl Identities {
    /// Makes a local user.
    ///
    /// # Errors
    /// The name, a group or the password cannot be, or the user is there.
    pub async fn add_user(&self, name: &str, password: &Secret<String>, groups: &[String]) -> Result<UserRow, IdentityError> {
        local_user(name)?;
        groups.iter().try_for_each(|group| fits(group))?;
        if groups.len() > N_GROUPS_MAX {
            return Err(IdentityError::Refused(format!("a user is in {N_GROUPS_MAX} groups at the most")));
        }
        password::check(name, password)?;
        let hash = self.passwords().hash(password).await?;
        let now = self.kept().now();
        let (name, groups) = (name.to_owned(), groups.to_vec());
        let user = User { name: name.clone(), hash, n_passwords: 0, groups, created_at: now, password_since: now };
        let row = UserRow::from(&user);
        if self.kept().create(&key(&name), user).await? { Ok(row) } else { Err(IdentityError::Exists { name }) }
    }

    /// Gives a local user another password. Their sessions, links and tokens end with the write.
    ///
    /// # Errors
    /// The password cannot be, or there is no such user.
    pub async fn set_password(&self, name: &str, password: &Secret<String>) -> Result<(), IdentityError> {
        self.known(name)?;
        password::check(name, password)?;
        let hash = self.passwords().hash(password).await?;
        let now = self.kept().now();
        let with = |user: &User| {
            let (name, groups) = (user.name.clone(), user.groups.clone());
            let n_passwords = user.n_passwords + 1;
            Some(User { name, hash: hash.clone(), n_passwords, groups, created_at: user.created_at, password_since: now })
        };
        if self.kept().change(&key(name), with).await? { Ok(()) } else { Err(no_such(name)) }
    }

    /// Removes a local user. Their sessions, links and tokens end with the write.
    ///
    /// # Errors
    /// There is no such user.
    pub async fn remove_user(&self, name: &str) -> Result<(), IdentityError> {
        let uid = self.kept().read().users.get(&key(name)).map(|entry| entry.uid.clone()).ok_or_else(|| no_such(name))?;
        if self.kept().remove::<User>(&key(name), &uid).await? { Ok(()) } else { Err(no_such(name)) }
    }

    /// Whether a local user of this name is there.
    pub fn has_user(&self, name: &str) -> bool {
        self.kept().read().local(name).is_some()
    }

    /// The local users, by name.
    pub fn users(&self) -> Vec<UserRow> {
        let mut users: Vec<_> = self.kept().read().users.values().map(|entry| UserRow::from(&*entry.record)).collect();
        users.sort_by(|a, b| a.name.cmp(&b.name));
        users
    }

    fn known(&self, name: &str) -> Result<(), IdentityError> {
        match local_user(name) {
            Ok(_) if self.kept().read().users.contains_key(&key(name)) => Ok(()),
            Ok(_) | Err(NameError::Local { .. }) => Err(no_such(name)),
            Err(err) => Err(err.into()),
        }
    }
}

fn no_such(name: &str) -> IdentityError {
    IdentityError::NoSuch { kind: "user", name: name.to_owned() }
}
