//! Sessions end when the provider no longer vouches for their people, and lose the groups that it took away.

use super::Oidc;
use crate::{Grant, Identities, Person};
use futures::{StreamExt as _, stream};
use jiff::SignedDuration;
use std::time::Duration;

/// So many people are asked about at one time.
const AT_ONCE: usize = 4;
/// It is looked this often who is due, at the most.
const LOOK_MIN: Duration = Duration::from_secs(1);
/// And this often at the least.
const LOOK_MAX: Duration = Duration::from_secs(60);

impl Oidc {
    /// Asks the provider about each session that it gave a refresh token for, once in `every`; it ends with its task.
    pub async fn recheck(self, identities: Identities, every: Duration) {
        let mut looks = tokio::time::interval(every.clamp(LOOK_MIN, LOOK_MAX));
        looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            looks.tick().await;
            self.recheck_due(&identities, every).await;
        }
    }

    /// Asks about those whom the provider was not asked about for so long.
    pub async fn recheck_due(&self, identities: &Identities, every: Duration) {
        let every = SignedDuration::try_from(every).unwrap_or(SignedDuration::MAX);
        let now = self.0.clock.now();
        let due = identities.grants().into_iter().filter(|(_, _, grant)| now.duration_since(grant.checked_at) >= every);
        stream::iter(due)
            .for_each_concurrent(AT_ONCE, |(id, person, grant)| self.recheck_one(identities, id, person, grant))
            .await;
    }

    async fn recheck_one(&self, identities: &Identities, id: String, person: Person, grant: Grant) {
        // A crash between the provider's answer and our writing it down may cost a session, for a refresh token can be good only once.
        let done = match self.again(&grant).await {
            Ok(vouched) if vouched.person.username == person.username => match vouched.grant {
                Some(grant) => identities.regrant(&id, vouched.person, grant).await,
                None => Ok(true),
            },
            Ok(vouched) => {
                tracing::info!(
                    session = id,
                    was = person.username,
                    now = vouched.person.username,
                    "the provider renamed somebody: the session ends"
                );
                identities.end_session(&id).await
            }
            Err(err) if err.is_outage() => {
                tracing::warn!(session = id, error = %err, "ask the identity provider again; the session goes on");
                Ok(true)
            }
            Err(err) => {
                tracing::info!(session = id, user = person.username, error = %err, "the provider vouches no longer: the session ends");
                identities.end_session(&id).await
            }
        };
        if let Err(err) = done {
            tracing::error!(session = id, error = seaway_base::chain(&err), "keep what the identity provider said");
        }
    }
}
