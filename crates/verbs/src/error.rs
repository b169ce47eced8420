//! Why a verb was not carried out, with what to do about it.

use kube::Error as KubeError;

/// So many names are listed of what there is.
const N_LISTED: usize = 8;

/// Why a verb was not carried out. [`VerbError::hint`] says what to do.
#[derive(Debug, thiserror::Error)]
pub enum VerbError {
    /// No object of that name.
    #[error("no {kind} `{name}`{}; there is {known}", if project.is_empty() { String::new() } else { format!(" in project `{project}`") })]
    NoSuch {
        /// The kind's word.
        kind: String,
        /// What was asked for.
        name: String,
        /// Where; empty for what lives in no project.
        project: String,
        /// What there is.
        known: String,
    },
    /// The freight that was meant is not clear, or not there.
    #[error(transparent)]
    Freight(#[from] seaway_core::freight::LookupError),
    /// The control plane refused.
    #[error("{what}: {message}")]
    Refused {
        /// What was tried.
        what: String,
        /// What the control plane said.
        message: String,
        /// The HTTP code.
        code: u16,
    },
    /// The stage may not have the freight.
    #[error("{what}: the stage may not have it: {why}; released by {releases}")]
    NotAvailable {
        /// What was tried.
        what: String,
        /// Why not, as `seaway why` says it.
        why: String,
        /// What would let it in.
        releases: String,
        /// What to type; empty if there is nothing to type.
        hint: String,
    },
    /// Others own fields that the document sets otherwise.
    #[error("{what}: {message}")]
    Conflict {
        /// Which document.
        what: String,
        /// Whose fields, and which.
        message: String,
    },
    /// The control plane was not reached.
    #[error("{what}: the control plane does not answer")]
    Unreachable {
        /// What was tried.
        what: String,
        /// The cause.
        #[source]
        err: Box<KubeError>,
    },
    /// The control plane answered, and the object is not one that this release can read.
    #[error("{what}: the object cannot be read: {message}")]
    Unreadable {
        /// What was tried.
        what: String,
        /// What is wrong with it.
        message: String,
        /// What to do about it.
        hint: String,
    },
    /// It took longer than it was given.
    #[error("{what}: not done after {seconds} s")]
    TimedOut {
        /// What was waited for.
        what: String,
        /// How long, in seconds.
        seconds: u64,
    },
    /// The object is not in a state in which the verb makes sense.
    #[error("{0}")]
    NotNow(String),
}

impl VerbError {
    /// From an error of the client.
    pub fn api(what: impl Into<String>, err: KubeError) -> Self {
        let what = what.into();
        match err {
            KubeError::Api(status) => Self::Refused { what, message: status.message.clone(), code: status.code },
            KubeError::SerdeError(err) => {
                let hint = "`seaway why` names it: correct it with `kubectl edit`, or `seaway delete KIND NAME`".to_owned();
                Self::Unreadable { what, message: err.to_string(), hint }
            }
            err => Self::Unreachable { what, err: Box::new(err) },
        }
    }

    /// Nothing of that kind goes by that name; `known` is what there is, the likeliest first, of which a few are listed.
    pub fn no_such(kind: impl Into<String>, name: &str, project: &str, known: impl Iterator<Item = String>) -> Self {
        let mut known: Vec<String> = known.take(N_LISTED + 1).collect();
        let more = known.len() > N_LISTED;
        known.truncate(N_LISTED);
        let mut listed = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        if more {
            listed.push_str(", …");
        }
        Self::NoSuch { kind: kind.into(), name: name.to_owned(), project: project.to_owned(), known: listed }
    }

    /// What to do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::NoSuch { kind, project, .. } => {
                let elsewhere = if project.is_empty() { "" } else { "; -p names another project" };
                // Freight has no plural, and what ends in s as well gets none.
                let kinds = if kind == "freight" || kind.ends_with('s') { kind.clone() } else { format!("{kind}s") };
                format!("`seaway get {kinds}` lists them all{elsewhere}")
            }
            Self::Freight(_) => "`seaway get freight` lists it".to_owned(),
            Self::NotAvailable { hint, .. } if hint.is_empty() => "`seaway get freight` lists what there is".to_owned(),
            Self::NotAvailable { hint, .. } => {
                format!("`{hint}` lets it in all the same; `seaway get stages` tells how the stages before it stand")
            }
            Self::Refused { code: 401, .. } => "the token is not known: use the kubeconfig in the data folder".to_owned(),
            Self::Unreadable { hint, .. } => hint.clone(),
            Self::Refused { code: 403, message, .. } if lacks_right(message) => {
                "you lack the right to it: somebody who has it must do it".to_owned()
            }
            Self::Refused { code: 404, .. } => "`seaway get KIND` lists what there is; -p names another project".to_owned(),
            Self::Refused { code: 409, .. } => "somebody else changed it meanwhile: look again and repeat".to_owned(),
            Self::Refused { .. } => "correct what it names, then repeat".to_owned(),
            Self::Conflict { .. } => "leave those fields to their owners, or take them over with --force-conflicts".to_owned(),
            Self::Unreachable { .. } => {
                "is it running? `seaway demo` or `seaway serve` starts one; --data or --kubeconfig names another".to_owned()
            }
            Self::TimedOut { .. } => {
                "it goes on by itself; `seaway why` tells what it waits for, --timeout waits longer".to_owned()
            }
            Self::NotNow(_) => "`seaway why` tells how it stands".to_owned(),
        }
    }
}

/// Whether a refusal is about who asked, not about what was asked for: those name the user and what they may not.
fn lacks_right(message: &str) -> bool {
    let may_not = message.split_once(" may not ").map_or("", |(_, rest)| rest);
    let whys = [": no role gives ", " alone", " by this token: ", " by a token with a scope: "];
    message.contains("User \"") || whys.iter().any(|why| may_not.contains(why))
}
