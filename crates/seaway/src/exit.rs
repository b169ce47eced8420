//! How commands end: exit codes, and errors with what to do about them. The catalogue in the docs is made from this file.

use crate::config::ConfigError;
use crate::data::DataError;
use crate::target::TargetError;
use seaway_core::freight::LookupError;
use seaway_verbs::VerbError;
use std::error::Error;
use std::io;
use std::process::ExitCode;

/// So many pieces of freight are listed of which one is meant.
const N_LISTED: usize = 8;

macro_rules! exits {
    ($( $name:ident = $code:literal, $when:literal; )+) => {
        /// How a command ends.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Exit { $( #[doc = $when] $name, )+ }

        impl Exit {
            /// Each way to end: its code, and when.
            #[cfg_attr(not(test), expect(dead_code, reason = "the docs' catalogue is made from it"))]
            pub(crate) const ALL: &[(u8, &str)] = &[ $( ($code, $when), )+ ];

            /// The code.
            pub(crate) const fn code(self) -> u8 {
                match self { $( Self::$name => $code, )+ }
            }
        }
    };
}

exits! {
    Done = 0, "done";
    Error = 1, "an error";
    Changed = 2, "`plan --exit-code`: the promotion would change something";
    Failed = 3, "`promote --wait`: the promotion Failed or Errored";
    Aborted = 4, "`promote --wait`: the promotion was Aborted";
    Stuck = 5, "`promote --wait`: an effect is Uncertain, or the promotion is Blocked, or the one before it in the stage's queue is";
    TimedOut = 6, "`promote --wait`: not over within --timeout";
    Usage = 64, "the command line is not understood";
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// A command that did not do what it was asked to.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    /// What went wrong, and where.
    pub(crate) message: String,
    /// What to do about it; never empty.
    pub(crate) hint: String,
}

impl Failure {
    /// An error, with what to do about it.
    pub(crate) fn new(message: impl Into<String>, hint: impl Into<String>) -> Self {
        let failure = Self { exit: Exit::Error, message: message.into(), hint: hint.into() };
        debug_assert!(!failure.hint.is_empty(), "an error says what to do: {}", failure.message);
        failure
    }

    /// What should never happen, and is nobody's fault but ours.
    pub(crate) fn bug(what: impl std::fmt::Display) -> Self {
        Self::new(what.to_string(), "this is a fault of Seaway: please report it, with `seaway version`")
    }

    /// A command line that is not understood.
    pub(crate) fn usage(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { exit: Exit::Usage, ..Self::new(message, hint) }
    }

    /// An error of the file system.
    pub(crate) fn io(what: impl std::fmt::Display, err: &io::Error) -> Self {
        let hint = match err.kind() {
            io::ErrorKind::NotFound => {
                let here = std::env::current_dir().map(|dir| format!("; it is looked for from {}", dir.display()));
                format!("check the path{}", here.unwrap_or_default())
            }
            io::ErrorKind::PermissionDenied => "you may not: `ls -ld` on it tells who may".to_owned(),
            io::ErrorKind::InvalidData => "documents are text in UTF-8: `file -i` on it tells what it is".to_owned(),
            io::ErrorKind::IsADirectory | io::ErrorKind::NotADirectory => {
                "it is a folder where a file is wanted, or the other way round".to_owned()
            }
            io::ErrorKind::StorageFull => "the disk is full: make room, then repeat".to_owned(),
            _ => "the system gave that answer; mend it, then repeat".to_owned(),
        };
        Self::new(format!("{what}: {err}"), hint)
    }

    /// An error of the client.
    pub(crate) fn api(what: impl Into<String>, err: kube::Error) -> Self {
        VerbError::api(what, err).into()
    }

    fn of(err: &(dyn Error + 'static), hint: impl Into<String>) -> Self {
        Self::new(seaway_base::chain(err), hint)
    }
}

impl From<VerbError> for Failure {
    fn from(err: VerbError) -> Self {
        let hint = err.hint();
        if let VerbError::Freight(LookupError::Several { query, names }) = &err
            && let Some((listed, more)) = names.split_at_checked(N_LISTED)
            && !more.is_empty()
        {
            let (n, listed, n_more) = (names.len(), listed.join(", "), more.len());
            let narrow = "name one of them, or narrow it as in `fund-transfer:1.5.1`";
            return Self::new(format!("`{query}` is {n} pieces of freight: {listed} and {n_more} more; {narrow}"), hint);
        }
        Self::of(&err, hint)
    }
}

impl From<TargetError> for Failure {
    fn from(err: TargetError) -> Self {
        let hint = err.hint();
        Self::of(&err, hint)
    }
}

impl From<DataError> for Failure {
    fn from(err: DataError) -> Self {
        let hint = match &err {
            DataError::Held { pid, .. } => format!("kill {pid} stops it; `seaway get stages` asks it"),
            DataError::File { .. } => "choose another folder with --data".to_owned(),
            DataError::NoHome => "export SEAWAY_DATA=DIR".to_owned(),
        };
        Self::of(&err, hint)
    }
}

impl From<ConfigError> for Failure {
    fn from(err: ConfigError) -> Self {
        let hint = match &err {
            ConfigError::NoExternalUrl { .. } => "seaway serve --external-url https://NAME:PORT",
            ConfigError::HalfTls => "set both, or neither",
            _ => "`seaway config` lists the settings, what they are and where they come from",
        };
        Self::of(&err, hint)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_many_pieces_of_freight_a_few_are_listed() {
        let several = |n: usize| {
            let names = (1..=n).map(|it| format!("f{it}")).collect();
            Failure::from(VerbError::Freight(LookupError::Several { query: "1".to_owned(), names })).message
        };
        assert!(several(8).contains(": f1, f2, f3, f4, f5, f6, f7, f8; name one"), "{}", several(8));
        assert!(several(28).starts_with("`1` is 28 pieces of freight: f1, f2, f3, f4, f5, f6, f7, f8 and 20 more; name one"));
    }

    #[test]
    fn hints_are_about_what_went_wrong() {
        let hint = |code: u16, message: &str| {
            let status = kube::core::Status { message: message.to_owned(), code, ..Default::default() };
            Failure::api("promote", kube::Error::Api(Box::new(status))).hint
        };
        let right = hint(403, "promotions is forbidden: User \"ci\" cannot create resource \"promotions\"");
        assert_eq!(right, "you lack the right to it: somebody who has it must do it");
        let ours =
            "eve may not promote stages qa in project bank: no role gives eve the verb promote on stages (kargo.akuity.io)";
        assert_eq!(hint(403, ours), right);
        let rule = hint(403, "it is in stage e2e now; promote something else there first");
        assert_eq!(rule, "correct what it names, then repeat");
        let unreadable = serde_json::from_str::<u8>("-1").unwrap_err();
        let failure = Failure::api("read the promotion", kube::Error::SerdeError(unreadable));
        assert!(failure.message.contains("cannot be read") && failure.hint.contains("seaway delete"), "{failure:?}");
    }

    #[test]
    fn codes_are_what_scripts_rely_on() {
        let codes: Vec<u8> = Exit::ALL.iter().map(|(code, _)| *code).collect();
        assert_eq!(codes, [0, 1, 2, 3, 4, 5, 6, 64]);
    }
}
