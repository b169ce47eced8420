//! Ending a run from outside: an abort by somebody, or the process going down.

use tokio::sync::watch;

/// What is asked of a run.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Ask {
    /// Nothing: go on.
    #[default]
    None,
    /// The process goes down: finish the effect in hand, journal, leave.
    Stop,
    /// The run ends now; by whom.
    Abort(String),
}

/// The hand that ends a run; cheap to clone.
#[derive(Debug, Clone)]
pub struct Cancel(watch::Sender<Ask>);

impl Default for Cancel {
    fn default() -> Self {
        Self(watch::Sender::new(Ask::None))
    }
}

impl Cancel {
    /// Ends the run as `Aborted`. An abort outdoes a stop.
    pub fn abort(&self, actor: &str) {
        self.0.send_replace(Ask::Abort(actor.to_owned()));
    }

    /// Asks the run to leave at the next safe place; it is resumed later.
    pub fn stop(&self) {
        self.0.send_if_modified(|ask| {
            let first = *ask == Ask::None;
            if first {
                *ask = Ask::Stop;
            }
            first
        });
    }

    /// What is asked now.
    pub fn asked(&self) -> Ask {
        self.0.borrow().clone()
    }

    /// Returns once something is asked.
    pub async fn wait(&self) -> Ask {
        let mut seen = self.0.subscribe();
        let asked = seen.wait_for(|ask| *ask != Ask::None).await.ok().map(|ask| ask.clone());
        match asked {
            Some(ask) => ask,
            None => std::future::pending().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_abort_outdoes_a_stop() {
        let cancel = Cancel::default();
        cancel.stop();
        assert_eq!(cancel.wait().await, Ask::Stop);
        cancel.abort("ann");
        cancel.stop();
        assert_eq!(cancel.asked(), Ask::Abort("ann".into()));
    }
}
