//! What happens by itself: what is over ends within a second, what was used is written down now and then, what is dead goes.

use crate::account::Accounts;
use crate::attempts::Attempts;
use crate::error::IdentityError;
use crate::kept::Kept;
use crate::session::Session;
use crate::settings::Settings;
use crate::token::Token;
use jiff::{SignedDuration, Timestamp};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{MissedTickBehavior, interval};

/// How often it is looked for what has ended.
const LOOK: Duration = Duration::from_secs(1);
/// How often use is written down and the dead go.
const SWEEP: Duration = Duration::from_secs(60);
/// The use of a session is written down after this part of the rest that it may have, and never more often than once a minute.
const USE_PARTS: u32 = 32;
/// The use of a token is written down to the hour.
const TOKEN_USE: SignedDuration = SignedDuration::from_hours(1);

/// Ends what is over, until it is dropped.
pub(crate) async fn end_what_is_over(kept: Arc<Kept>, accounts: Arc<Accounts>, settings: Settings) {
    let mut ticks = interval(LOOK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        ticks.tick().await;
        let now = kept.now();
        let mut book = kept.write();
        book.end_what_is_over(now, settings.session_idle);
        accounts.end(&book, now);
    }
}

/// Sweeps, until it is dropped.
pub(crate) async fn sweep_always(kept: Arc<Kept>, settings: Settings) {
    let mut ticks = interval(SWEEP);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        ticks.tick().await;
        if let Err(err) = sweep(&kept, &settings).await {
            tracing::warn!(error = seaway_base::chain(&err), "sweep the identities");
        }
    }
}

/// Writes down what was used, and removes what is dead.
pub(crate) async fn sweep(kept: &Kept, settings: &Settings) -> Result<(), IdentityError> {
    let remains = kept.write().take_remains();
    for (name, uid) in remains {
        kept.clear(&name, &uid).await?;
    }
    let now = kept.now();
    let counts: Vec<_> = {
        let book = kept.read();
        let over = book.attempts.iter().filter(|(_, entry)| entry.record.is_over(now));
        over.map(|(name, entry)| (name.clone(), entry.uid.clone())).collect()
    };
    for (name, uid) in counts {
        kept.remove::<Attempts>(&name, &uid).await?;
    }
    write_use(kept, settings).await
}

async fn write_use(kept: &Kept, settings: &Settings) -> Result<(), IdentityError> {
    let step = SignedDuration::try_from((settings.session_idle / USE_PARTS).max(SWEEP)).unwrap_or(SignedDuration::MAX);
    let is_due = |last: Timestamp, used_at: Timestamp, step| used_at.duration_since(last) >= step;
    let (sessions, tokens) = {
        let book = kept.read();
        let sessions = book.sessions.iter().filter_map(|(name, entry)| {
            let used_at = entry.used_at.filter(|used_at| is_due(entry.record.used_at, *used_at, step))?;
            Some((name.clone(), used_at))
        });
        let tokens = book.tokens.iter().filter_map(|(name, entry)| {
            let is_due = |used_at: &Timestamp| entry.record.used_at.is_none_or(|last| is_due(last, *used_at, TOKEN_USE));
            Some((name.clone(), entry.used_at.filter(is_due)?))
        });
        (sessions.collect::<Vec<_>>(), tokens.collect::<Vec<_>>())
    };
    for (name, used_at) in sessions {
        kept.change(&name, |session: &Session| Some(session.used(used_at))).await?;
    }
    for (name, used_at) in tokens {
        kept.change(&name, |token: &Token| Some(token.used(used_at))).await?;
    }
    Ok(())
}
