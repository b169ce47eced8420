//! Objects that cannot be read: of a newer release, or damaged. They stop nothing but themselves, and say so here.

use super::{Answer, State};
use crate::reason::Reason;
use jiff::Timestamp;

/// The answer about an object that is stored and that this release cannot read: its controller leaves it alone.
pub fn unreadable(kind: &'static str, name: &str, why: &str, since: Option<Timestamp>) -> Answer {
    let resource = kind.to_lowercase();
    Answer::new(kind, name, State::Blocked, Reason::Unreadable, format!("it is parked, as this release cannot read it: {why}"))
        .since(since)
        .waits_for(super::short::few_words(Reason::Unreadable, why))
        .hint(format!("kubectl get {resource} {name} -o yaml"))
}
