//! What is kept, in memory: every look-up is answered from here.

use crate::account::Key;
use crate::attempts::Attempts;
use crate::link::Link;
use crate::person::Person;
use crate::session::{Session, later};
use crate::token::Token;
use crate::user::User;
use jiff::Timestamp;
use seaway_core::authorize::ServiceAccount;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// A link that has expired is known as such for a while.
const LINK_KNOWN: Duration = Duration::from_secs(3600);

/// Links of links that are followed back.
const CHAIN_MAX: usize = 64;

/// Something that is kept, each in a Secret of its own.
pub(crate) trait Record: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// Its word in the label, and where its Secret's name begins.
    const WORD: &'static str;
    /// Where it stands in memory.
    fn shelf(book: &mut Book) -> &mut Shelf<Self>;
    /// Whose it is, for those who look with kubectl.
    fn of(&self) -> &str;
    /// What it ends with.
    fn owner(&self) -> Option<&Owner> {
        None
    }
    /// The name of the session's or token's Secret that it was made by and ends with.
    fn maker(&self) -> Option<&str> {
        None
    }
    /// Whose groups and claims what is held open stands on.
    fn vouched(&self) -> Option<&Person> {
        None
    }
}

/// What something stands and falls with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub(crate) enum Owner {
    /// A local user and their password. One who is removed and made again is another.
    User {
        /// The name of the user's Secret.
        user: String,
        /// Its uid.
        uid: String,
        /// How many passwords the user had before.
        n_passwords: u64,
    },
    /// A service account.
    Account {
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
        /// Its uid.
        uid: String,
    },
}

/// One record, as last seen.
pub(crate) struct Entry<R> {
    pub(crate) uid: String,
    pub(crate) version: u64,
    pub(crate) record: Arc<R>,
    /// When it was last used, if it was since it is in memory; written down now and then.
    pub(crate) used_at: Option<Timestamp>,
    /// Dropped with the entry: whoever listens hears of it.
    ended: watch::Sender<bool>,
}

impl<R> Entry<R> {
    /// Ends with the entry, or when its person has other groups.
    pub(crate) fn ended(&self) -> watch::Receiver<bool> {
        self.ended.subscribe()
    }
}

/// The records of one sort, by the names of their Secrets.
pub(crate) type Shelf<R> = BTreeMap<String, Entry<R>>;

/// Everything that is kept.
#[derive(Default)]
pub(crate) struct Book {
    pub(crate) users: Shelf<User>,
    pub(crate) sessions: Shelf<Session>,
    pub(crate) links: Shelf<Link>,
    pub(crate) tokens: Shelf<Token>,
    pub(crate) attempts: Shelf<Attempts>,
    pub(crate) keys: Shelf<Key>,
    /// Service accounts and their uids; `None` until they were seen.
    accounts: Option<HashMap<ServiceAccount, String>>,
    /// Uids of what we deleted, until the watch says so too: an older event must not bring it back.
    forgotten: HashSet<String>,
    /// Uids seen since a list began; what is not among them at its end is gone.
    listed: Option<HashSet<String>>,
    is_whole: bool,
    /// Secrets of what has ended, by name and uid, until they are swept.
    remains: BTreeSet<(String, String)>,
}

impl Book {
    /// Puts a record in, unless a newer one is there.
    pub(crate) fn put<R: Record>(&mut self, name: &str, uid: String, version: u64, record: R) {
        if let Some(listed) = &mut self.listed {
            listed.insert(uid.clone());
        }
        if self.forgotten.contains(&uid) {
            return;
        }
        if self.is_whole && !self.stands(&record) {
            self.remains.insert((name.to_owned(), uid));
            return;
        }
        let shelf = R::shelf(self);
        let mut is_other = false;
        match shelf.get_mut(name).filter(|entry| entry.uid == uid) {
            Some(entry) if entry.version >= version => return,
            Some(entry) => {
                is_other = match (entry.record.vouched(), record.vouched()) {
                    (Some(before), Some(now)) => !before.may_the_same(now),
                    _ => false,
                };
                entry.version = version;
                entry.record = Arc::new(record);
            }
            None => {
                let ended = watch::Sender::new(false);
                let entry = Entry { uid, version, record: Arc::new(record), used_at: None, ended };
                shelf.insert(name.to_owned(), entry);
            }
        }
        if is_other {
            self.end_streams_of(name);
        }
        if R::WORD == User::WORD {
            self.end_what_lost_its_owner();
        }
    }

    /// Ends what is held open by a session and by those of its links: whoever comes again comes with the groups of now.
    fn end_streams_of(&mut self, name: &str) {
        let (mut seen, mut next) = (HashSet::new(), vec![name.to_owned()]);
        while let Some(name) = next.pop() {
            if let Some(entry) = self.sessions.get_mut(&name) {
                entry.ended = watch::Sender::new(false);
            }
            let below = self.sessions.iter().filter(|(_, entry)| entry.record.maker() == Some(&name));
            next.extend(below.map(|(below, _)| below.clone()).filter(|below| !seen.contains(below)));
            seen.insert(name);
        }
    }

    /// The session that one goes back to through links, itself if it does not: what its provider says counts for all of them.
    pub(crate) fn origin(&self, session: Arc<Session>) -> Arc<Session> {
        let maker = |session: &Arc<Session>| Some(Arc::clone(&self.sessions.get(session.maker()?)?.record));
        let chain = std::iter::successors(Some(Arc::clone(&session)), maker);
        chain.take(CHAIN_MAX).last().unwrap_or(session)
    }

    /// Takes out what we deleted ourselves.
    pub(crate) fn forget<R: Record>(&mut self, name: &str, uid: &str) {
        if self.take::<R>(name, uid) {
            self.forgotten.insert(uid.to_owned());
        }
    }

    /// Takes out what the watch says is gone.
    pub(crate) fn gone<R: Record>(&mut self, name: &str, uid: &str) {
        self.forgotten.remove(uid);
        self.take::<R>(name, uid);
    }

    fn take<R: Record>(&mut self, name: &str, uid: &str) -> bool {
        let shelf = R::shelf(self);
        let is_there = shelf.get(name).is_some_and(|entry| entry.uid == uid);
        if is_there {
            shelf.remove(name);
            if [User::WORD, Session::WORD, Token::WORD].contains(&R::WORD) {
                self.end_what_lost_its_owner();
            }
        }
        is_there
    }

    /// A list begins.
    pub(crate) fn list_begins(&mut self) {
        self.listed = Some(HashSet::new());
    }

    /// A list has ended: what it did not have is gone.
    pub(crate) fn list_ended(&mut self) {
        let Some(listed) = self.listed.take() else { return };
        self.users.retain(|_, entry| listed.contains(&entry.uid));
        self.sessions.retain(|_, entry| listed.contains(&entry.uid));
        self.links.retain(|_, entry| listed.contains(&entry.uid));
        self.tokens.retain(|_, entry| listed.contains(&entry.uid));
        self.attempts.retain(|_, entry| listed.contains(&entry.uid));
        self.keys.retain(|_, entry| listed.contains(&entry.uid));
        self.forgotten.retain(|uid| listed.contains(uid));
        self.is_whole = true;
        self.end_what_lost_its_owner();
    }

    /// The uid of a service account, if it is there.
    pub(crate) fn account(&self, account: &ServiceAccount) -> Option<&String> {
        self.accounts.as_ref()?.get(account)
    }

    /// These are all the service accounts.
    pub(crate) fn set_accounts(&mut self, accounts: HashMap<ServiceAccount, String>) {
        self.accounts = Some(accounts);
        self.end_what_lost_its_owner();
    }

    /// A service account is there with this uid, or no longer.
    pub(crate) fn set_account(&mut self, account: ServiceAccount, uid: Option<String>) {
        let Some(accounts) = &mut self.accounts else { return };
        let is_new = match uid {
            Some(uid) => accounts.insert(account, uid.clone()).is_none_or(|before| before == uid),
            None => accounts.remove(&account).is_none(),
        };
        if !is_new {
            self.end_what_lost_its_owner();
        }
    }

    /// Sessions, links and tokens end of users who are gone or have another password, of accounts that are gone, and those whose maker
    /// has ended. Before the first list is whole nobody knows.
    fn end_what_lost_its_owner(&mut self) {
        while self.is_whole {
            let sessions = self.fallen(&self.sessions);
            let links = self.fallen(&self.links);
            let tokens = self.fallen(&self.tokens);
            if sessions.is_empty() && links.is_empty() && tokens.is_empty() {
                return;
            }
            let Self { remains, .. } = self;
            end(&mut self.sessions, remains, |name, _| !sessions.contains(name));
            end(&mut self.links, remains, |name, _| !links.contains(name));
            end(&mut self.tokens, remains, |name, _| !tokens.contains(name));
        }
    }

    fn fallen<R: Record>(&self, shelf: &Shelf<R>) -> HashSet<String> {
        shelf.iter().filter(|(_, entry)| !self.stands(&*entry.record)).map(|(name, _)| name.clone()).collect()
    }

    /// Are its owner and its maker there as they were?
    fn stands<R: Record>(&self, record: &R) -> bool {
        let is_there = |maker: &str| self.sessions.contains_key(maker) || self.tokens.contains_key(maker);
        stands(&self.users, self.accounts.as_ref(), record.owner()) && record.maker().is_none_or(is_there)
    }

    /// Ends the sessions, links and tokens whose time is over.
    pub(crate) fn end_what_is_over(&mut self, now: Timestamp, idle: Duration) {
        let Self { sessions, links, tokens, remains, .. } = self;
        let n_before = sessions.len() + tokens.len();
        end(sessions, remains, |_, entry| entry.record.is_good(entry.used_at, now, idle));
        end(links, remains, |_, entry| now < later(entry.record.expires_at, LINK_KNOWN));
        end(tokens, remains, |_, entry| now < entry.record.expires_at);
        if sessions.len() + tokens.len() < n_before {
            self.end_what_lost_its_owner();
        }
    }

    /// The Secrets of what has ended, to be removed.
    pub(crate) fn take_remains(&mut self) -> BTreeSet<(String, String)> {
        std::mem::take(&mut self.remains)
    }
}

/// Takes out what is not good; who listens hears of it now, the Secrets go with the next sweep.
fn end<R>(shelf: &mut Shelf<R>, remains: &mut BTreeSet<(String, String)>, is_good: impl Fn(&str, &Entry<R>) -> bool) {
    shelf.retain(|name, entry| {
        let stays = is_good(name, entry);
        if !stays {
            remains.insert((name.clone(), entry.uid.clone()));
        }
        stays
    });
}

/// Is the owner there as they were? What belongs to none always stands, and so does what nobody can know yet.
fn stands(users: &Shelf<User>, accounts: Option<&HashMap<ServiceAccount, String>>, owner: Option<&Owner>) -> bool {
    match owner {
        None => true,
        Some(Owner::User { user, uid, n_passwords }) => {
            let user = users.get(user);
            user.is_some_and(|user| user.uid == *uid && user.record.n_passwords == *n_passwords)
        }
        Some(Owner::Account { namespace, name, uid }) => accounts.is_none_or(|accounts| {
            let account = ServiceAccount::new(namespace, name);
            account.is_some_and(|account| accounts.get(&account) == Some(uid))
        }),
    }
}
