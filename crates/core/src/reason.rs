//! The catalogue of reasons: why something does not move, in one stable word each, with what it means and what releases it.
//!
//! Conditions carry the word, `seaway why` prints the sentence, the documentation's catalogue is generated from this file.

use serde::Serialize;
use std::fmt;

macro_rules! reasons {
    ($( $name:ident { $meaning:literal, released: $releases:literal $(, hint: $hint:literal)? $(,)? } )+) => {
        /// Why something does not move.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
        pub enum Reason { $( #[doc = $meaning] $name, )+ }

        impl Reason {
            /// All of them, in the order of the catalogue.
            pub const ALL: &[Reason] = &[ $( Self::$name, )+ ];

            /// The stable word.
            pub fn as_str(self) -> &'static str {
                match self { $( Self::$name => stringify!($name), )+ }
            }

            /// What it means, in a sentence.
            pub fn meaning(self) -> &'static str {
                match self { $( Self::$name => $meaning, )+ }
            }

            /// What releases it.
            pub fn releases(self) -> &'static str {
                match self { $( Self::$name => $releases, )+ }
            }

            /// What to type or look at; empty if there is nothing to do.
            pub fn hint(self) -> &'static str {
                match self { $( Self::$name => reasons!(@hint $($hint)?), )+ }
            }

            /// The reason of that word, or of a step's or tool's own word for it.
            pub fn parse(word: &str) -> Option<Self> {
                match word { $( stringify!($name) => Some(Self::$name), )+ _ => of_step(word) }
            }
        }
    };
    (@hint) => { "" };
    (@hint $hint:literal) => { $hint };
}

/// Steps have finer words than the catalogue; each belongs to one of its reasons.
fn of_step(word: &str) -> Option<Reason> {
    Some(match word {
        "MissingFile" => Reason::FileMissing,
        "MissingTool" | "NoIsolation" | "NoNetworkIsolation" => Reason::ToolMissing,
        "PathLeaves" | "LinkLeaves" => Reason::PathRefused,
        "TooLarge" | "OutputTooLarge" => Reason::LimitExceeded,
        "HttpUnreachable" | "ApiError" | "DataUnavailable" | "PushUnanswered" => Reason::Unreachable,
        "NoBranch" => Reason::ReferenceMissing,
        "PushDeclined" => Reason::BranchProtected,
        "BranchMoves" | "Conflict" => Reason::PushConflict,
        "SecretInCommit" => Reason::SecretRefused,
        "InvalidConfig" | "BadYaml" | "NoCheckout" | "AmbiguousFile" | "AmbiguousImage" | "FileTwice" | "NothingToPush"
        | "TagExists" => Reason::InvalidSpec,
        "Expression" | "HttpExpression" => Reason::ExpressionFailed,
        "FailStep" | "HttpStatus" | "HttpCriteria" | "HttpBody" | "KustomizeFailed" => Reason::PromotionFailed,
        "Uncertain" | "AnswerLost" | "NotRepeatable" => Reason::EffectUncertain,
        _ => return None,
    })
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

reasons! {
    // What is as it should be.
    Empty { "nothing was ever promoted here", released: "freight that becomes available and is promoted" }
    Unchecked { "the last promotion succeeded and nothing verifies this stage", released: "nothing waits" }
    Verified { "what is in the stage is verified", released: "nothing waits" }
    ControlFlow { "the stage passes on whatever is available to it", released: "nothing waits" }
    Discovered { "the last look found what was asked for", released: "nothing waits" }
    Promoting { "a promotion runs", released: "its last step" }
    Succeeded { "the promotion ended well", released: "nothing waits" }
    Current { "the freight is in the stage", released: "nothing waits" }
    Available { "the freight may go into the stage", released: "a promotion" }

    // What a person or time releases.
    ManualPromotion {
        "no policy lets the stage promote by itself",
        released: "a person who may promote to the stage",
        hint: "seaway promote STAGE --freight FREIGHT",
    }
    Soaking { "the freight has not been upstream long enough", released: "time, as long as it stays there" }
    Queued { "earlier promotions of the stage come first", released: "the end of the promotion before it" }
    Held {
        "a person chose other freight than the newest, so automation keeps off",
        released: "promoting the newest freight, or lifting the hold",
        hint: "seaway resume STAGE",
    }
    AwaitingUpstream { "the freight is not verified upstream", released: "its verification in an upstream stage, or an approval" , hint: "seaway approve FREIGHT --stage STAGE" }
    SoakCutShort {
        "the freight was taken out of its upstream stage before it had soaked long enough",
        released: "its return to that stage, or an approval",
        hint: "seaway approve FREIGHT --stage STAGE",
    }
    UpstreamChanging { "upstream is changing from one piece of freight to another", released: "the end of that promotion" }
    VerificationPending { "what is in the stage is being verified", released: "the end of the verification" }
    StepWaiting { "a step waits for something outside", released: "what the step asks for" }
    ServerSilent { "a server was asked and has not answered", released: "its answer" }
    ManualFreight {
        "the warehouse makes no freight by itself",
        released: "a person who creates freight from what was found",
    }
    CriteriaNotSatisfied { "what was found does not meet freightCreationCriteria", released: "other versions" }
    Retrying { "a step met an error and is tried again", released: "the next attempt" }

    // What an input has to change for.
    NotBuilt { "it uses a part that Seaway knows and has not built yet", released: "a later release, or leaving that part out" }
    WarehouseMissing { "a requested warehouse is not there", released: "creating it, or requesting another" }
    UpstreamMissing { "a stage that freight should come from is not there", released: "creating it, or naming another" }
    StageMissing { "the promotion's stage is not there", released: "creating the stage" }
    FreightMissing { "the freight is not there", released: "freight of that name" }
    FreightNotAvailable { "the freight may not go into the stage", released: "its verification upstream, or an approval", hint: "seaway approve FREIGHT --stage STAGE" }
    OtherOrigin { "the stage requests no freight of that origin", released: "a request for it in the stage's spec" }
    NothingFound { "no version matches what a subscription asks for", released: "a version that matches, or a wider subscription" }
    RepositoryMissing { "the repository is not there, or is not shown to these credentials", released: "the repository, or credentials that see it" }
    ReferenceMissing { "a branch, tag, commit or digest is not there", released: "its return, or another name" }
    Unreachable { "a server could not be reached", released: "the server's return" }
    NotAuthenticated {
        "a server did not accept the credentials",
        released: "a Secret of the project with the right credentials",
        hint: "kubectl create secret generic NAME --from-literal=repoURL=… --from-literal=username=… --from-literal=password=…",
    }
    NotAuthorised { "the one who asked may not do this", released: "somebody who may, or the right to it" }
    EgressRefused {
        "the egress policy refuses the address",
        released: "another address, or the setting that the message names",
        hint: "seaway config",
    }
    BranchProtected { "the server refuses pushes to the branch", released: "a rule on the server that lets this account push" }
    SecretRefused {
        "a commit would hold a value that came from secret()",
        released: "keeping the secret out of the file or message that is named",
    }
    PushConflict { "the branch changed where the promotion writes", released: "another promotion, from the branch as it is then" }
    FileMissing { "a step reads a file that is not there", released: "the file, or another path in the step" }
    PathRefused { "a path leads out of the work folder", released: "a path that stays inside" }
    ToolMissing { "a tool that a step runs is not installed", released: "installing it" }
    UnknownStep { "no step goes by that name", released: "the name of a step that there is" }
    ExpressionFailed { "an expression could not be evaluated", released: "a corrected expression" }
    CriteriaFailed { "freightCreationCriteria could not be evaluated", released: "a corrected expression" }
    LimitExceeded { "something grew past its limit", released: "less of it" }
    InvalidSpec { "a field holds what cannot be used", released: "a corrected spec" }
    DiscoveryFailed { "the last look for new versions failed", released: "the next look, once the cause is gone", hint: "seaway refresh warehouse NAME" }
    PlanChanged { "what would be written is not what was planned", released: "a new plan" , hint: "seaway plan STAGE --freight FREIGHT" }
    Unhealthy { "the stage's checks found it ill", released: "what the checks look at" }

    // What needs a person.
    PromotionFailed { "the last promotion failed", released: "another promotion, of this freight or other", hint: "seaway promote STAGE --freight FREIGHT" }
    PromotionErrored { "the last promotion broke off with an error", released: "another promotion, once the cause is gone", hint: "seaway promote STAGE --freight FREIGHT" }
    PromotionAborted { "somebody stopped the last promotion", released: "another promotion", hint: "seaway promote STAGE --freight FREIGHT" }
    VerificationFailed { "the verification found fault", released: "other freight, or another verification" }
    EffectUncertain {
        "a message was sent and its answer never came, so nobody knows whether it arrived",
        released: "a person who knows",
        hint: "seaway resolve PROMOTION --repeat|--skip",
    }
    Bug { "Seaway met an error of its own", released: "a corrected release; please report it" }

    // What a controller gave up on, or fails on again and again.
    ControllerFails { "its controller fails again and again, and goes on trying", released: "the end of what the message names; it tries again by itself" }
    JournalUnreadable {
        "what the promotion did so far cannot be read, so nothing more of it is carried out",
        released: "a release that reads its journal, or a person who ends it",
        hint: "seaway abort PROMOTION",
    }
    Unreadable { "it is stored in a form that this release cannot read, and is left alone", released: "a corrected object, or a release that reads it" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_word_reads_back_and_says_what_releases_it() {
        for reason in Reason::ALL {
            assert_eq!(Reason::parse(reason.as_str()), Some(*reason));
            assert!(!reason.meaning().is_empty() && !reason.releases().is_empty());
        }
    }
}
