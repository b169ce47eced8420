//! Promotion runs: a promotion is a transaction over git, carried out step by step, journalled, resumable and planned before it writes.

mod answer;
mod cancel;
mod decide;
mod digest;
mod engine;
pub mod facts;
mod faults;
mod folder;
mod limits;
mod mask;
mod moved;
mod past;
mod plan;
mod planning;
mod ports;
mod projection;
mod push;
mod queue;
mod rebuild;
mod resolve;
mod run;
mod scope;
mod silence;
mod spec;
pub mod state;
pub mod step;
mod turn;

pub use cancel::{Ask, Cancel};
pub use digest::DIGEST_VERSION;
pub use engine::Engine;
pub use facts::Facts;
pub use faults::{Faults, NoFaults, Point, Side, Stop};
pub use limits::{RUN_OUTPUT_MAX, STEP_OUTPUT_MAX};
pub use mask::Masker;
pub use past::{Between, CommitBetween, Past, Untold, WrittenFiles};
pub use plan::{DIFF_MAX, Gates, PATHS_MAX, PlanError, PlanRequest, PlanResult};
pub use ports::{DataAsk, DataError, DataSource, Datum, JournalError, JournalSink, Lookup, Milestone, NoData, StepTable};
pub use projection::promotion_status;
pub use queue::{BranchQueues, QueueKey};
pub use rebuild::DISK_GONE;
pub use run::{AdvanceError, Expected, Outcome, Run};
pub use spec::{RunSpec, SpecError, StepSpec, Variable};
pub use state::{Choice, Event, Phase, PushIntent, Repository, RunState, StepState, StepStatus, Wait, WaitKind};
pub use step::{
    Answer, Class, Contract, Credentials, Description, Done, FailureStatus, GitIdentity, Ports, Purpose, PushAsk, PushTarget,
    RepoKind, Step, StepContext, StepError,
};
pub use turn::ANSWER_LOST;
