//! What a step is: its class, what it may touch, what it answers. Every step of the table in `steps` implements [`Step`].

use async_trait::async_trait;
use seaway_base::http::HttpClient;
use seaway_base::{Next, SharedClock};
use seaway_git::{Credential, Mirrors, WorkFolder};
use serde_json::{Map, Value};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::facts::Facts;

/// One action of a promotion. It is given an evaluated configuration and a work folder, and never sees the control plane.
#[async_trait]
pub trait Step: Send + Sync + 'static {
    /// The name users write after `uses:`.
    fn name(&self) -> &'static str;

    /// The user's page: what it does, with an example (Markdown). `docs/steps/<name>.md` is made from it and the schema.
    fn page(&self) -> &'static str;

    /// JSON schema of the configuration; unknown fields are refused.
    fn schema(&self) -> schemars::Schema;

    /// Is this configuration well-formed? Called after evaluation and before [`Step::run`]; the error names the field.
    ///
    /// # Errors
    /// [`StepError`] with `Failed` and terminal, as Kargo's schema validation answers.
    fn check(&self, config: &Value) -> Result<(), StepError>;

    /// How this configuration behaves on resume, in a plan and when the branch moved (runs.md, *Classes of step*).
    fn class(&self, config: &Value) -> Class;

    /// Does it publish its output as the task's own too (`compose-output`)?
    fn publishes_task_output(&self) -> bool {
        false
    }

    /// Does it. Local and recorded steps run in a plan too; effects and waits are only described there.
    ///
    /// # Errors
    /// [`StepError`]; output published before the error stays recorded.
    async fn run(&self, cx: &mut StepContext<'_>, config: &Value) -> Result<Answer, StepError>;

    /// What an effect or wait would do, without doing it. Never called for local and recorded steps.
    ///
    /// # Errors
    /// [`StepError`] if the configuration cannot be described (it would fail before its effect).
    async fn describe(&self, cx: &mut StepContext<'_>, config: &Value) -> Result<Description, StepError>;
}

/// The four classes of runs.md.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    /// Same input, same result: run again on resume, in a plan and on a new tip.
    Local,
    /// A tool, a network or another object decides: the result is recorded and reused on resume.
    Recorded,
    /// Changes the world outside.
    Effect(Contract),
    /// Asks until the world has come round. It sees an empty work folder: a run that waits holds none.
    Wait,
}

/// What may be done again after an interruption.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Contract {
    /// The world can be asked whether it happened (a push by its trailer).
    Checkable,
    /// The receiver recognises a repetition, or a repetition does no harm (GET, PUT with a key).
    Keyed,
    /// Nobody can tell: interrupted means `Uncertain`.
    Unknowable,
}

/// Why a step is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// The promotion itself.
    Run,
    /// A plan: effects are described, nothing leaves the process but reads.
    Plan,
}

/// What a step may touch.
pub struct StepContext<'a> {
    /// The promotion, its stage and its freight.
    pub facts: &'a Facts,
    /// The step's full alias (`task::step` inside a task).
    pub alias: &'a str,
    /// The work folder; changes stay in memory.
    pub work: &'a mut WorkFolder,
    /// The world outside.
    pub ports: &'a Ports,
    /// What this step recorded before the last interruption, if it is a recorded step that had finished.
    pub record: Option<&'a Value>,
    /// Run or plan.
    pub purpose: Purpose,
    /// Who commits by default (ClusterConfig, else configuration, else `Seaway <no-reply@seaway.dev>`).
    pub identity: GitIdentity,
    /// Stable for this step of this promotion: what a keyed effect sends as its idempotency key.
    pub idempotency_key: String,
    /// When this step of this promotion was started first.
    pub started_at: jiff::Timestamp,
    /// What every commit of this step carries under its message: `Promotion-Id`, `Promotion-Step` (the push to come) and `Promoted-By`.
    /// `git-commit` passes them on as they are; exactly-once of the push rests on them.
    pub trailers: &'a [(String, String)],
}

/// The outside ports a step may use. One value a process; cheap to clone.
#[derive(Clone)]
pub struct Ports {
    /// Bare copies of repositories.
    pub git: Arc<Mirrors>,
    /// Who may read what: Secrets of the project (and shared ones), by URL.
    pub credentials: Arc<dyn Credentials>,
    /// The one HTTP client, with the egress policy.
    pub http: HttpClient,
    /// The clock.
    pub clock: SharedClock,
    /// Where tools may put temporary folders; removed after each use.
    pub scratch: PathBuf,
}

/// Finds the credential for a repository. Implemented over the control plane's Secrets by `controllers`.
#[async_trait]
pub trait Credentials: Send + Sync + 'static {
    /// The credential that `project` has for this URL; `None` if it has none (anonymous).
    ///
    /// # Errors
    /// [`StepError`] if Secrets cannot be read or the one found is malformed.
    async fn find(&self, project: &str, kind: RepoKind, url: &str) -> Result<Option<Credential>, StepError>;
}

/// The label `kargo.akuity.io/cred-type` of a credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RepoKind {
    /// `git`
    Git,
    /// `image`
    Image,
    /// `helm`
    Helm,
}

/// A name and an address for commits.
#[derive(Debug, Clone, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct GitIdentity {
    /// The name.
    pub name: String,
    /// The e-mail address.
    pub email: String,
}

impl Default for GitIdentity {
    fn default() -> Self {
        Self { name: "Seaway".into(), email: "no-reply@seaway.dev".into() }
    }
}

/// What a step answers when it did not fail.
#[derive(Debug)]
pub enum Answer {
    /// It is over.
    Done(Done),
    /// Not yet: ask again after `retry_after`. The output counts already.
    Waiting {
        /// What is known so far.
        output: Map<String, Value>,
        /// When to ask again.
        retry_after: Duration,
        /// What it waits for, for people.
        message: String,
    },
    /// `git-push` only asks; the engine journals, pins, pushes and re-runs on a moved branch.
    Push(PushAsk),
}

/// A step that is over.
#[derive(Debug, Default)]
pub struct Done {
    /// Nothing was to do; counts as success.
    pub skipped: bool,
    /// What later steps see as `outputs.<alias>`.
    pub output: Map<String, Value>,
    /// A remark for people.
    pub message: Option<String>,
    /// What a resume must reuse (recorded steps): small; blobs go by their git id.
    pub record: Option<Value>,
    /// Objects in mirrors that a resume needs: (repository URL, id), pinned by the engine.
    pub pins: Vec<(String, String)>,
    /// What a tool printed; kept for `logs`, oldest cut.
    pub tool_output: Option<String>,
}

impl Done {
    /// Success with this output.
    pub fn with(output: Map<String, Value>) -> Self {
        Self { output, ..Self::default() }
    }
}

/// What `git-push` wants pushed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PushAsk {
    /// The mount whose commits are pushed.
    pub mount: seaway_base::RelPath,
    /// Where to; `None`: the branch the mount was checked out from.
    pub target: PushTarget,
    /// Overwrite whatever is there (never folded).
    pub force: bool,
    /// How many rounds against other writers.
    pub max_attempts: u32,
    /// Code host, for the commit's URL; `None`: inferred from the host.
    pub provider: Option<String>,
}

/// The ref a push goes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PushTarget {
    /// The branch that the mount was checked out from.
    Current,
    /// This branch.
    Branch(String),
    /// `kargo/promotion/<promotion>`, made for this promotion alone; implies force.
    Generated,
    /// This tag.
    Tag(String),
}

/// What an effect or wait would do.
#[derive(Debug, Default)]
pub struct Description {
    /// One sentence for people: `push main of http://…/bank.git`.
    pub summary: String,
    /// The arguments that the digest covers; what is not known yet stands as the placeholder its expression gave.
    pub arguments: Map<String, Value>,
    /// Names of outputs that exist only afterwards; they become `Unknown`, *known after `alias`*.
    pub unknown_outputs: Vec<String>,
    /// Outputs known already.
    pub output: Map<String, Value>,
    /// For a wait: what it waits for. For a push: the ask itself.
    pub push: Option<PushAsk>,
}

/// Why a step did not succeed.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct StepError {
    /// `Failed` or `Errored`, in Kargo's words.
    pub status: FailureStatus,
    /// Never tried again, whatever `retry` says.
    pub terminal: bool,
    /// What comes next, for conditions and for `why`.
    pub next: Next,
    /// Reason for the catalogue, CamelCase: `MissingFile`, `WrongCredential`, …
    pub reason: &'static str,
    /// What, where, what to do; the causes are in it already (printed once by `base::chain`).
    pub message: String,
    /// Output that counts all the same (an `http` answer that met its failure criteria).
    pub output: Map<String, Value>,
}

/// Kargo's two ways of not succeeding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FailureStatus {
    /// The step ran and says no.
    Failed,
    /// The step could not run.
    Errored,
}

impl StepError {
    /// Over for good: a person decides (`FT` in Kargo's table).
    pub fn failed(reason: &'static str, message: impl Into<String>) -> Self {
        Self {
            status: FailureStatus::Failed,
            terminal: true,
            next: Next::Failed,
            reason,
            message: message.into(),
            output: Map::new(),
        }
    }

    /// Could not run, may be tried again within `retry.errorThreshold` (`E` in Kargo's table).
    pub fn errored(reason: &'static str, next: Next, message: impl Into<String>) -> Self {
        Self { status: FailureStatus::Errored, terminal: false, next, reason, message: message.into(), output: Map::new() }
    }

    /// The same, never tried again.
    #[must_use]
    pub fn terminal(mut self) -> Self {
        self.terminal = true;
        self
    }

    /// From an error of another room, with its causes.
    pub fn from_error(reason: &'static str, next: Next, err: &(dyn std::error::Error + 'static)) -> Self {
        Self::errored(reason, next, seaway_base::chain(err))
    }
}
