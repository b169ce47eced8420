//! The few words of a table's column: what is waited for or what went wrong, never a whole sentence.

use super::{Answer, State};
use crate::reason::Reason;
use crate::unbuilt::Unbuilt;

/// A column holds so many characters; the sentence is in `seaway why`.
pub(crate) const WIDTH: usize = 36;

impl Answer {
    /// How it stands, for a column: what it waits for, else why it is so; empty where all is well and nothing waits.
    pub fn in_few_words(&self) -> String {
        match self.state {
            _ if !self.waits_for.is_empty() => self.waits_for.clone(),
            State::Succeeded | State::Unchecked | State::Verified | State::Ready => String::new(),
            _ => fit(&self.cause),
        }
    }
}

/// What is wrong, in few words: the reason's own, or the message's where that says more.
pub(crate) fn few_words(reason: Reason, message: &str) -> String {
    let words = match reason {
        Reason::NotAuthenticated => "the right credentials",
        Reason::NotAuthorised => "the right to it",
        Reason::Unreachable => "server not reached",
        Reason::RepositoryMissing => "repository not found",
        Reason::ReferenceMissing => "branch, tag or digest not found",
        Reason::NothingFound => "a version that matches",
        Reason::EgressRefused => "address refused by egress policy",
        Reason::BranchProtected => "branch is protected",
        Reason::SecretRefused => "a secret in the commit",
        Reason::PushConflict => "branch moved on",
        Reason::FileMissing => "file not found",
        Reason::PathRefused => "path leads out of the folder",
        Reason::ToolMissing => "tool not installed",
        Reason::UnknownStep => "unknown step",
        Reason::ExpressionFailed => "expression failed",
        Reason::CriteriaFailed => "criteria failed",
        Reason::CriteriaNotSatisfied => "versions that meet its criteria",
        Reason::LimitExceeded => "limit exceeded",
        Reason::InvalidSpec => "invalid configuration",
        Reason::DiscoveryFailed => "last look failed",
        Reason::PlanChanged => "a new plan",
        Reason::Bug => "a fault of Seaway",
        Reason::Unreadable => "cannot be read",
        Reason::JournalUnreadable => "its journal cannot be read",
        Reason::ControllerFails => "its controller fails",
        _ => return fit(message),
    };
    words.to_owned()
}

/// `not built: verification`.
pub(crate) fn not_built(parts: &[Unbuilt]) -> String {
    let first = parts.first().map_or("a part", |unbuilt| unbuilt.part.as_str());
    fit(&format!("not built: {first}"))
}

/// The message, if it fits; else its beginning, cut between words. Which step it was is told by `seaway why`.
pub(crate) fn fit(message: &str) -> String {
    let line = super::promotion::first_line(message);
    let line = line.strip_prefix('`').and_then(|rest| rest.split_once("`: ")).map_or(line.as_str(), |(_, rest)| rest);
    let line = line.strip_prefix("failed: ").unwrap_or(line);
    if line.chars().count() <= WIDTH {
        return line.to_owned();
    }
    let kept: String = line.chars().take(WIDTH - 1).collect();
    // A word that is longer than half a column is cut all the same.
    let whole = kept.rsplit_once(' ').map_or(kept.as_str(), |(whole, _)| whole);
    let kept = if whole.chars().count() * 2 > WIDTH { whole } else { &kept };
    format!("{}…", kept.trim_end_matches([' ', ',', ';', ':', '.']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_holds_words_and_no_sentence() {
        let check = |message: &str, wanted: &str| {
            let short = fit(message);
            assert_eq!(short, wanted);
            assert!(short.chars().count() <= WIDTH, "{short}");
        };
        check("smoke test answered 500", "smoke test answered 500");
        check("failed: smoke test answered 500", "smoke test answered 500");
        check("`smoke`: failed: smoke test answered 500", "smoke test answered 500");
        check("http: http://127.0.0.1:7480 answered 404 and said that", "http: http://127.0.0.1:7480…");
        check(&"x".repeat(80), &format!("{}…", "x".repeat(WIDTH - 1)));
        check("one line\nand another", "one line");
        assert_eq!(few_words(Reason::NotAuthenticated, "git-clone: fetch from …"), "the right credentials");
        assert_eq!(few_words(Reason::PromotionFailed, "`smoke`: smoke test answered 500"), "smoke test answered 500");
    }
}
