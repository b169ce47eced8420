//! Where everything is kept: sealed Secrets of namespace `seaway`, a record each, followed by a watch.

use crate::account::Key;
use crate::attempts::Attempts;
use crate::book::{Book, Record};
use crate::error::IdentityError;
use crate::link::Link;
use crate::session::Session;
use crate::token::Token;
use crate::user::User;
use futures::StreamExt as _;
use jiff::Timestamp;
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::{Secret, ServiceAccount};
use kube::api::{DeleteParams, Preconditions};
use kube::runtime::WatchStreamExt as _;
use kube::runtime::watcher::{self, Event, watcher};
use kube::{Api, Client};
use parking_lot::{RwLock, RwLockReadGuard, RwLockWriteGuard};
use seaway_base::SharedClock;
use seaway_core::authorize::{SYSTEM_NAMESPACE, ServiceAccount as Account};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// The label that tells what a Secret keeps.
const LABEL: &str = "seaway.dev/identity";
/// Whose it is, for those who look with kubectl.
const OF: &str = "seaway.dev/of";
/// The key of the record in a Secret.
const FIELD: &str = "record";
/// The first look may take so long.
const SYNC: Duration = Duration::from_secs(30);
/// How often a change that others collide with is tried.
const N_TRIES_MAX: usize = 16;

/// What is kept, and the way to change it.
pub(crate) struct Kept {
    client: Client,
    api: Api<Secret>,
    pub(crate) clock: SharedClock,
    book: RwLock<Book>,
    secrets_seen: watch::Sender<bool>,
    accounts_seen: watch::Sender<bool>,
}

impl Kept {
    pub(crate) fn new(client: Client, clock: SharedClock) -> Self {
        let api = Api::namespaced(client.clone(), SYSTEM_NAMESPACE);
        let flag = || watch::Sender::new(false);
        Self { client, api, clock, book: RwLock::default(), secrets_seen: flag(), accounts_seen: flag() }
    }

    /// Waits until everything was seen once.
    pub(crate) async fn synced(&self) -> Result<(), IdentityError> {
        let (mut secrets, mut accounts) = (self.secrets_seen.subscribe(), self.accounts_seen.subscribe());
        let both = async { (secrets.wait_for(|seen| *seen).await.is_ok(), accounts.wait_for(|seen| *seen).await.is_ok()) };
        match tokio::time::timeout(SYNC, both).await {
            Ok(_) => Ok(()),
            Err(_) => Err(IdentityError::NotSynced { seconds: SYNC.as_secs() }),
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(crate) fn read(&self) -> RwLockReadGuard<'_, Book> {
        self.book.read()
    }

    pub(crate) fn write(&self) -> RwLockWriteGuard<'_, Book> {
        self.book.write()
    }

    /// Keeps a new record under `name`; `false` if there is one.
    pub(crate) async fn create<R: Record>(&self, name: &str, record: R) -> Result<bool, IdentityError> {
        let secret = secret(name, &record)?;
        match self.api.create(&Default::default(), &secret).await {
            Ok(made) => {
                self.put(&made, record);
                Ok(true)
            }
            Err(kube::Error::Api(status)) if status.code == 409 => Ok(false),
            Err(err) => Err(failed::<R>("keep", err)),
        }
    }

    /// Changes what is kept under `name`, again where somebody else was faster; `false` if nothing is there. `change` says no by `None`.
    pub(crate) async fn change<R: Record>(
        &self,
        name: &str,
        change: impl Fn(&R) -> Option<R> + Send,
    ) -> Result<bool, IdentityError> {
        for _ in 0..N_TRIES_MAX {
            let (record, changed) = {
                let mut book = self.write();
                let Some(entry) = R::shelf(&mut book).get(name) else { return Ok(false) };
                let Some(record) = change(&entry.record) else { return Ok(false) };
                let mut secret = secret(name, &record)?;
                secret.metadata.uid = Some(entry.uid.clone());
                secret.metadata.resource_version = Some(entry.version.to_string());
                (record, secret)
            };
            match self.api.replace(name, &Default::default(), &changed).await {
                Ok(written) => {
                    self.put(&written, record);
                    return Ok(true);
                }
                Err(kube::Error::Api(status)) if status.code == 404 => return Ok(false),
                Err(kube::Error::Api(status)) if status.code == 409 => self.look_again::<R>(name).await?,
                Err(err) => return Err(failed::<R>("change", err)),
            }
        }
        Err(IdentityError::Contended { what: format!("change a {}", R::WORD) })
    }

    /// Removes a record; `false` if it was gone: of two who remove it, one is told that they did.
    pub(crate) async fn remove<R: Record>(&self, name: &str, uid: &str) -> Result<bool, IdentityError> {
        let removed = match self.api.delete(name, &exactly(uid)).await {
            Ok(_) => true,
            Err(kube::Error::Api(status)) if matches!(status.code, 404 | 409) => false,
            Err(err) => return Err(failed::<R>("remove", err)),
        };
        self.write().forget::<R>(name, uid);
        Ok(removed)
    }

    /// Removes the Secret of something that has ended.
    pub(crate) async fn clear(&self, name: &str, uid: &str) -> Result<(), IdentityError> {
        match self.api.delete(name, &exactly(uid)).await {
            Ok(_) => Ok(()),
            Err(kube::Error::Api(status)) if matches!(status.code, 404 | 409) => Ok(()),
            Err(err) => Err(IdentityError::Kept { what: format!("remove Secret `{name}`"), err: Box::new(err) }),
        }
    }

    /// Brings what we know of a Secret up to date.
    async fn look_again<R: Record>(&self, name: &str) -> Result<(), IdentityError> {
        match self.api.get_opt(name).await.map_err(|err| failed::<R>("read", err))? {
            Some(secret) => self.hear(&secret),
            None => {
                let mut book = self.write();
                let uid = R::shelf(&mut book).get(name).map(|entry| entry.uid.clone());
                if let Some(uid) = uid {
                    book.gone::<R>(name, &uid);
                }
            }
        }
        Ok(())
    }

    fn put<R: Record>(&self, secret: &Secret, record: R) {
        let Some((name, uid, version)) = place(secret) else { return };
        self.write().put(name, uid.to_owned(), version, record);
    }

    /// Takes in what the watch tells.
    fn hear(&self, secret: &Secret) {
        match word(secret) {
            User::WORD => self.take_in::<User>(secret),
            Session::WORD => self.take_in::<Session>(secret),
            Link::WORD => self.take_in::<Link>(secret),
            Token::WORD => self.take_in::<Token>(secret),
            Attempts::WORD => self.take_in::<Attempts>(secret),
            Key::WORD => self.take_in::<Key>(secret),
            _ => {}
        }
    }

    fn take_in<R: Record>(&self, secret: &Secret) {
        let bytes = secret.data.as_ref().and_then(|data| data.get(FIELD));
        match bytes.and_then(|bytes| serde_json::from_slice::<R>(&bytes.0).ok()) {
            Some(record) => self.put(secret, record),
            // What it says may be secret: only where it stands is told.
            None => {
                tracing::warn!(secret = secret.metadata.name, sort = R::WORD, "this record of an identity cannot be read");
                self.lose::<R>(secret);
            }
        }
    }

    fn lose<R: Record>(&self, secret: &Secret) {
        if let Some((name, uid, _)) = place(secret) {
            self.write().gone::<R>(name, uid);
        }
    }

    fn hear_gone(&self, secret: &Secret) {
        match word(secret) {
            User::WORD => self.lose::<User>(secret),
            Session::WORD => self.lose::<Session>(secret),
            Link::WORD => self.lose::<Link>(secret),
            Token::WORD => self.lose::<Token>(secret),
            Attempts::WORD => self.lose::<Attempts>(secret),
            Key::WORD => self.lose::<Key>(secret),
            _ => {}
        }
    }

    /// Follows the Secrets until it is dropped.
    pub(crate) async fn follow_secrets(self: Arc<Self>) {
        let mut events = Box::pin(watcher(self.api.clone(), watcher::Config::default().labels(LABEL)).default_backoff());
        while let Some(event) = events.next().await {
            match event {
                Ok(Event::Init) => self.write().list_begins(),
                Ok(Event::InitApply(secret) | Event::Apply(secret)) => self.hear(&secret),
                Ok(Event::InitDone) => {
                    self.write().list_ended();
                    self.secrets_seen.send_replace(true);
                }
                Ok(Event::Delete(secret)) => self.hear_gone(&secret),
                Err(err) => tracing::warn!(error = %err, "follow the identities"),
            }
        }
    }

    /// Follows the service accounts until it is dropped.
    pub(crate) async fn follow_accounts(self: Arc<Self>) {
        let api: Api<ServiceAccount> = Api::all(self.client.clone());
        let mut events = Box::pin(watcher(api, watcher::Config::default()).default_backoff());
        let mut listed = std::collections::HashMap::new();
        while let Some(event) = events.next().await {
            match event {
                Ok(Event::Init) => listed.clear(),
                Ok(Event::InitApply(account)) => listed.extend(account_of(&account)),
                Ok(Event::InitDone) => {
                    self.write().set_accounts(std::mem::take(&mut listed));
                    self.accounts_seen.send_replace(true);
                }
                Ok(Event::Apply(account)) => {
                    if let Some((account, uid)) = account_of(&account) {
                        self.write().set_account(account, Some(uid));
                    }
                }
                Ok(Event::Delete(account)) => {
                    if let Some((account, _)) = account_of(&account) {
                        self.write().set_account(account, None);
                    }
                }
                Err(err) => tracing::warn!(error = %err, "follow the service accounts"),
            }
        }
    }
}

fn account_of(object: &ServiceAccount) -> Option<(Account, String)> {
    let meta = &object.metadata;
    let account = Account::new(meta.namespace.as_deref()?, meta.name.as_deref()?)?;
    Some((account, meta.uid.clone()?))
}

fn word(secret: &Secret) -> &str {
    secret.metadata.labels.as_ref().and_then(|labels| labels.get(LABEL)).map(String::as_str).unwrap_or_default()
}

fn place(secret: &Secret) -> Option<(&str, &str, u64)> {
    let meta = &secret.metadata;
    let version = meta.resource_version.as_deref()?.parse().ok()?;
    Some((meta.name.as_deref()?, meta.uid.as_deref()?, version))
}

fn secret<R: Record>(name: &str, record: &R) -> Result<Secret, IdentityError> {
    let text = serde_json::to_vec(record).map_err(|err| IdentityError::Refused(format!("write a {}: {err}", R::WORD)))?;
    let mut secret = Secret {
        data: Some(BTreeMap::from([(FIELD.to_owned(), ByteString(text))])),
        type_: Some(LABEL.to_owned()),
        ..Secret::default()
    };
    secret.metadata.name = Some(name.to_owned());
    secret.metadata.labels = Some(BTreeMap::from([(LABEL.to_owned(), R::WORD.to_owned())]));
    secret.metadata.annotations = Some(BTreeMap::from([(OF.to_owned(), record.of().to_owned())]));
    Ok(secret)
}

/// Only the object with this uid.
fn exactly(uid: &str) -> DeleteParams {
    let preconditions = Some(Preconditions { uid: Some(uid.to_owned()), resource_version: None });
    DeleteParams { preconditions, ..DeleteParams::default() }
}

fn failed<R: Record>(what: &str, err: kube::Error) -> IdentityError {
    IdentityError::Kept { what: format!("{what} a {}", R::WORD), err: Box::new(err) }
}
