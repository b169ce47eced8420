//! A promotion that is asked for under a key bears the request from its first moment on: after a restart, which forgets the answers, the
//! same request finds what it made.
//!
//! Anybody who may promote can write such marks on a promotion of their own. They count for whoever made the promotion, which nobody can
//! claim of another, and admission keeps them as they were.

use super::ask::Caller;
use crate::idempotency::{KEPT, used_for_something_else};
use crate::problem::Problem;
use jiff::Timestamp;
use kube::ResourceExt as _;
use kube::api::{Api, ListParams};
use seaway_api::kargo::Promotion;
use seaway_api::kargo::names::{annotation, label};
use seaway_apiserver::Identity;
use seaway_verbs::Request;
use sha2::{Digest as _, Sha256};

/// So much of a hash fits into a label.
const HEX_MAX: usize = 56;

/// A request that may be a repeated one; without a key it is none.
#[derive(Debug)]
pub(super) struct Repeat(Option<Request>);

impl Repeat {
    /// Of whoever asks, with their key, and a hash of all that is asked.
    pub(super) fn of(identity: &Identity, key: Option<&str>, asked: [u8; 32]) -> Self {
        Self(key.map(|key| {
            let mut hash = Sha256::new();
            hash.update((identity.username.len() as u64).to_be_bytes());
            hash.update(identity.username.as_bytes());
            hash.update(key);
            let mut hex = hex::encode(hash.finalize());
            hex.truncate(HEX_MAX);
            Request { key: hex, asked: hex::encode(asked) }
        }))
    }

    /// What a promotion that is made now bears.
    pub(super) fn request(&self) -> Option<&Request> {
        self.0.as_ref()
    }

    /// What the request has made already in the project, by stage.
    ///
    /// # Errors
    /// Under the key something else was asked for.
    pub(super) async fn made(&self, caller: &Caller, project: &str) -> Result<Vec<Promotion>, Problem> {
        let Some(request) = &self.0 else { return Ok(Vec::new()) };
        // In all projects, as keys are the caller's and no project's.
        let all: Api<Promotion> = Api::all(caller.state.api.client(Identity::controller("server")));
        let found = all.list(&ListParams::default().labels(&format!("{}={}", label::REQUEST_KEY, request.key))).await?;
        let (actor, old) = (caller.identity.actor(), caller.state.clock.now().checked_sub(KEPT).unwrap_or(Timestamp::MIN));
        let is_own = |made: &Promotion| {
            let maker = made.annotations().get(annotation::CREATE_ACTOR).map(String::as_str);
            maker == Some(actor.as_str()) && made.creation_timestamp().is_some_and(|at| at.0 > old)
        };
        let mut own: Vec<Promotion> = found.items.into_iter().filter(is_own).collect();
        if own.iter().any(|made| made.annotations().get(annotation::REQUEST) != Some(&request.asked)) {
            return Err(used_for_something_else());
        }
        // A copy made by hand bears the marks of the first, wherever it was made.
        own.retain(|made| made.namespace().as_deref() == Some(project));
        own.sort_by_cached_key(|made| (made.spec.stage.clone(), made.name_any()));
        own.dedup_by(|copy, first| copy.spec.stage == first.spec.stage);
        Ok(own)
    }
}
