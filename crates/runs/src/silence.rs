//! A server that does not answer is spoken of while a step waits for it: a promotion never stands still without saying why.
//!
//! Only after a while, as each telling is a write; what is quick costs none.

use seaway_base::awaited::{Awaited, Server};
use std::pin::pin;
use std::time::Duration;

use crate::decide::later;
use crate::engine::Engine;
use crate::facts::Facts;
use crate::mask::Masker;
use crate::state::{Wait, WaitKind};

/// Who has not answered for so long is spoken of.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often it is looked whether somebody has not.
const LOOK: Duration = Duration::from_secs(1);
/// The reason of such a wait.
pub(crate) const SERVER_SILENT: &str = "ServerSilent";

impl Engine {
    /// Does the work of a step, and tells of the servers that keep it waiting.
    pub(crate) async fn telling<T>(&self, facts: &Facts, masker: &Masker, step: &str, work: impl Future<Output = T>) -> T {
        let awaited = Awaited::default();
        let mut work = pin!(awaited.over(work));
        let mut told: Option<Server> = None;
        loop {
            tokio::select! {
                biased;
                done = &mut work => {
                    if told.is_some() {
                        self.tell(facts, None).await;
                    }
                    return done;
                }
                () = tokio::time::sleep(LOOK) => {}
            }
            let silent = awaited.longest(PATIENCE);
            if silent != told {
                let wait = silent.as_ref().map(|server| self.silence(masker, step, server));
                self.tell(facts, wait.as_ref()).await;
                told = silent;
            }
        }
    }

    fn silence(&self, masker: &Masker, step: &str, server: &Server) -> Wait {
        let waited = server.since.elapsed();
        let now = self.clock().now();
        Wait {
            step: step.to_owned(),
            kind: WaitKind::World,
            message: masker.text(&server.to_string()),
            reason: SERVER_SILENT.to_owned(),
            since: now.checked_sub(jiff::SignedDuration::try_from(waited).unwrap_or_default()).unwrap_or(now),
            until: Some(later(now, server.at_most.saturating_sub(waited))),
        }
    }

    async fn tell(&self, facts: &Facts, wait: Option<&Wait>) {
        if let Err(err) = self.journal.tell(facts, wait).await {
            // The run does not rest on it: what matters is met again by the next save.
            tracing::debug!(promotion = facts.promotion, "tell of a wait: {err}");
        }
    }
}
