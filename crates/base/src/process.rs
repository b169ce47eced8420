//! Child processes with scrubbed environment and limits on time, memory and output.

mod capture;

pub use capture::Captured;

use crate::Next;
use bytes::Bytes;
use rustix::process::{Pid, Signal, kill_process_group};
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWriteExt as _};
use tokio::process::{Child, Command};
use tokio::sync::OnceCell;

/// How long a child's pipes may stay open once it is gone.
const DRAIN: Duration = Duration::from_secs(2);
/// How much of the end of stderr an error carries.
const TAIL_BYTES: usize = 2000;

/// What a child may use.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Wall-clock time; then it and all it started are killed.
    pub time: Duration,
    /// Address space of each process (Linux only).
    pub memory_bytes: Option<u64>,
    /// What is kept of stdout; the oldest is cut.
    pub stdout_bytes: usize,
    /// What is kept of stderr; the oldest is cut.
    pub stderr_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { time: Duration::from_secs(60), memory_bytes: None, stdout_bytes: 32 << 20, stderr_bytes: 64 << 10 }
    }
}

/// What a child reads.
#[derive(Default)]
pub enum Stdin {
    /// Nothing.
    #[default]
    Empty,
    /// These bytes.
    Bytes(Bytes),
    /// Whatever comes.
    Stream(Box<dyn AsyncRead + Send + Unpin>),
}

/// May a child speak with the network?
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Network {
    /// As we do.
    #[default]
    Keep,
    /// No, where the kernel lets us take it away; see [`Output::offline`].
    TakeIfPossible,
    /// No; without [`isolation_available`] it is not started.
    Take,
}

/// A child to be run once.
#[derive(Default)]
pub struct Job {
    /// A path, or a name looked up in `PATH`.
    pub program: OsString,
    /// Its arguments.
    pub args: Vec<OsString>,
    /// Its environment besides `PATH`, `HOME`, `TMPDIR` and `LANG`, which it may override.
    pub env: Vec<(OsString, OsString)>,
    /// Where it starts; its own temporary home by default.
    pub dir: Option<PathBuf>,
    /// What it reads.
    pub stdin: Stdin,
    /// What it may use.
    pub limits: Limits,
    /// May it speak with the network?
    pub network: Network,
    /// Exit codes besides 0 that are no failure.
    pub ok_codes: Vec<i32>,
    /// What to do when the program is missing, for the error message.
    pub hint: String,
}

impl Job {
    /// Runs `program` without arguments.
    pub fn new(program: impl Into<OsString>) -> Self {
        Self { program: program.into(), ..Self::default() }
    }

    /// With one more argument.
    #[must_use]
    pub fn arg(mut self, arg: impl Into<OsString>) -> Self {
        self.args.push(arg.into());
        self
    }

    /// With more arguments.
    #[must_use]
    pub fn args<T: Into<OsString>>(mut self, args: impl IntoIterator<Item = T>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// With one more variable.
    #[must_use]
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.env.push((name.into(), value.into()));
        self
    }

    /// Started in this folder.
    #[must_use]
    pub fn dir(mut self, dir: impl Into<PathBuf>) -> Self {
        self.dir = Some(dir.into());
        self
    }

    /// Reading these bytes.
    #[must_use]
    pub fn stdin(mut self, bytes: impl Into<Bytes>) -> Self {
        self.stdin = Stdin::Bytes(bytes.into());
        self
    }
}

/// What a child left behind.
#[derive(Debug)]
pub struct Output {
    /// The exit code: 0 or one of [`Job::ok_codes`].
    pub code: i32,
    /// What it printed.
    pub stdout: Captured,
    /// What it complained about.
    pub stderr: Captured,
    /// Was the network taken away from it?
    pub offline: bool,
}

/// Why a child did not do its work.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    /// The program is not there.
    #[error("`{tool}` was not found{}", if hint.is_empty() { String::new() } else { format!(": {hint}") })]
    NotFound {
        /// The program.
        tool: String,
        /// What to do about it.
        hint: String,
    },
    /// The network was to be taken away and cannot be.
    #[error("`{tool}` was not started: the kernel does not let us take its network away (user namespaces are off)")]
    NoIsolation {
        /// The program.
        tool: String,
    },
    /// It took too long and was killed.
    #[error("`{tool}` was stopped after {limit:?}{}", said(stderr))]
    TimedOut {
        /// The program.
        tool: String,
        /// The time it had.
        limit: Duration,
        /// The end of its stderr.
        stderr: String,
    },
    /// A signal ended it: out of memory, or somebody's `kill`.
    #[error("`{tool}` was killed by signal {signal}{}", said(stderr))]
    Killed {
        /// The program.
        tool: String,
        /// The signal's number.
        signal: i32,
        /// The end of its stderr.
        stderr: String,
    },
    /// It ended with an exit code that means failure.
    #[error("`{tool}` failed with exit code {code}{}", said(stderr))]
    Failed {
        /// The program.
        tool: String,
        /// The exit code.
        code: i32,
        /// The end of its stderr.
        stderr: String,
    },
    /// The system did not let us.
    #[error("{what} for `{tool}`")]
    Io {
        /// The program.
        tool: String,
        /// What was tried.
        what: &'static str,
        /// The cause.
        #[source]
        source: io::Error,
    },
}

fn said(stderr: &str) -> String {
    if stderr.trim().is_empty() { String::new() } else { format!(": {}", stderr.trim()) }
}

impl ProcessError {
    /// What should happen next.
    pub const fn next(&self) -> Next {
        match self {
            Self::NotFound { .. } | Self::NoIsolation { .. } => Next::Blocked,
            Self::TimedOut { .. } | Self::Killed { .. } | Self::Io { .. } => Next::Retry,
            Self::Failed { .. } => Next::Failed,
        }
    }
}

/// Kills a process group when it goes out of scope: nothing a child started outlives the run.
struct Group(Option<Pid>);

impl Group {
    fn kill(&self) {
        if let Some(pid) = self.0 {
            let _ = kill_process_group(pid, Signal::KILL);
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Runs a child to its end. Dropping the future kills the child and all of its process group.
///
/// # Errors
/// [`ProcessError`]; an exit code other than 0 and [`Job::ok_codes`] is one.
pub async fn run(mut job: Job) -> Result<Output, ProcessError> {
    let tool = tool_name(&job.program);
    let io = |what: &'static str| {
        let tool = tool.clone();
        move |source| ProcessError::Io { tool, what, source }
    };
    let offline = match job.network {
        Network::Keep => false,
        Network::TakeIfPossible => isolation_available().await,
        Network::Take if isolation_available().await => true,
        Network::Take => return Err(ProcessError::NoIsolation { tool }),
    };
    let home = tempfile::Builder::new().prefix("seaway-child-").tempdir().map_err(io("make a home"))?;
    let mut child = command(&job, home.path(), offline)?.spawn().map_err(io("start a process"))?;
    let group = Group(child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?)));
    limit_memory(group.0, job.limits.memory_bytes).map_err(io("limit the memory"))?;

    let feeding = tokio::spawn(feed(child.stdin.take(), std::mem::take(&mut job.stdin)));
    let stdout = capture::collect(child.stdout.take(), job.limits.stdout_bytes);
    let stderr = capture::collect(child.stderr.take(), job.limits.stderr_bytes);
    let waited = tokio::time::timeout(job.limits.time, child.wait()).await;
    group.kill();
    feeding.abort();
    let status = match waited {
        Ok(status) => Some(status.map_err(io("wait"))?),
        Err(_) => {
            reap(&mut child).await;
            None
        }
    };
    let (stdout, stderr) = tokio::join!(stdout.end(DRAIN), stderr.end(DRAIN));
    verdict(tool, &job, status, Output { code: 0, stdout, stderr, offline })
}

fn verdict(tool: String, job: &Job, status: Option<ExitStatus>, output: Output) -> Result<Output, ProcessError> {
    let tail = output.stderr.tail(TAIL_BYTES);
    let Some(status) = status else {
        return Err(ProcessError::TimedOut { tool, limit: job.limits.time, stderr: tail });
    };
    match (status.code(), status.signal()) {
        (Some(code), _) if code == 0 || job.ok_codes.contains(&code) => Ok(Output { code, ..output }),
        (Some(code), _) => Err(ProcessError::Failed { tool, code, stderr: tail }),
        (None, signal) => Err(ProcessError::Killed { tool, signal: signal.unwrap_or_default(), stderr: tail }),
    }
}

fn command(job: &Job, home: &Path, offline: bool) -> Result<Command, ProcessError> {
    let path = job.env.iter().rev().find(|(name, _)| name == "PATH").map(|(_, value)| value.clone()).unwrap_or_else(search_path);
    let missing = || ProcessError::NotFound { tool: tool_name(&job.program), hint: job.hint.clone() };
    let program = find(&job.program, &path).ok_or_else(missing)?;
    let mut command = if offline {
        let mut command = Command::new(find(OsStr::new("unshare"), &search_path()).ok_or_else(missing)?);
        command.args(["-rn", "--"]).arg(program);
        command
    } else {
        Command::new(program)
    };
    command
        .args(&job.args)
        .env_clear()
        .env("PATH", path)
        .env("HOME", home)
        .env("TMPDIR", home)
        .env("LANG", "C.UTF-8")
        .envs(job.env.iter().map(|(name, value)| (name, value)))
        .current_dir(job.dir.as_deref().unwrap_or(home))
        .stdin(if matches!(job.stdin, Stdin::Empty) { Stdio::null() } else { Stdio::piped() })
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true);
    Ok(command)
}

async fn feed(pipe: Option<tokio::process::ChildStdin>, stdin: Stdin) {
    let Some(mut pipe) = pipe else { return };
    // A child that stops reading is no error of ours: its exit code tells what it thinks of the input.
    let _ = match stdin {
        Stdin::Empty => Ok(()),
        Stdin::Bytes(bytes) => pipe.write_all(&bytes).await,
        Stdin::Stream(mut stream) => tokio::io::copy(&mut stream, &mut pipe).await.map(|_| ()),
    };
    let _ = pipe.shutdown().await;
}

async fn reap(child: &mut Child) {
    let _ = tokio::time::timeout(DRAIN, child.wait()).await;
}

#[cfg(target_os = "linux")]
fn limit_memory(pid: Option<Pid>, bytes: Option<u64>) -> io::Result<()> {
    use rustix::process::{Resource, Rlimit, prlimit};
    let (Some(pid), Some(bytes)) = (pid, bytes) else { return Ok(()) };
    match prlimit(Some(pid), Resource::As, Rlimit { current: Some(bytes), maximum: Some(bytes) }) {
        // It has already ended.
        Err(rustix::io::Errno::SRCH) => Ok(()),
        result => result.map(|_| ()).map_err(Into::into),
    }
}

#[cfg(not(target_os = "linux"))]
fn limit_memory(_: Option<Pid>, _: Option<u64>) -> io::Result<()> {
    Ok(())
}

/// Does the kernel let us take the network away from a child? Tried once, then remembered.
pub async fn isolation_available() -> bool {
    static KNOWN: OnceCell<bool> = OnceCell::const_new();
    let probe = || async {
        let limits = Limits { time: Duration::from_secs(5), ..Limits::default() };
        let job = Job { limits, ..Job::new("unshare").args(["-rn", "--", "true"]) };
        Box::pin(run(job)).await.is_ok()
    };
    *KNOWN.get_or_init(probe).await
}

/// Where a program is: the name itself if it is a path, else the first hit in `PATH`.
pub fn which(program: impl AsRef<OsStr>) -> Option<PathBuf> {
    find(program.as_ref(), &search_path())
}

fn search_path() -> OsString {
    std::env::var_os("PATH").unwrap_or_else(|| "/usr/local/bin:/usr/bin:/bin".into())
}

fn find(program: &OsStr, path: &OsStr) -> Option<PathBuf> {
    let runs = |file: &Path| file.is_file() && rustix::fs::access(file, rustix::fs::Access::EXEC_OK).is_ok();
    let given = Path::new(program);
    if given.components().count() > 1 {
        return runs(given).then(|| given.to_path_buf());
    }
    std::env::split_paths(path).filter(|dir| dir.is_absolute()).map(|dir| dir.join(given)).find(|file| runs(file))
}

fn tool_name(program: &OsStr) -> String {
    Path::new(program).file_name().unwrap_or(program).to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests;
