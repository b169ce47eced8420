//! The control plane as the demo's child: run as `seaway serve`, started again when it dies.

use anyhow::{Context as _, Result, bail};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, ChildStdin, Command};

/// A control plane must be ready by then.
const READY: Duration = Duration::from_secs(30);
/// It may take so long to stop: 20 s for an effect in hand, and a little.
const STOP: Duration = Duration::from_secs(25);

/// A running control plane.
#[derive(Debug)]
pub(super) struct ControlPlane {
    child: Child,
    /// Its standard input: closed when this process goes, however it goes, and then the child ends too.
    _lifeline: Option<ChildStdin>,
}

impl ControlPlane {
    /// Starts `seaway serve` on the folder and waits until it says `ready`.
    ///
    /// # Errors
    /// What it said on standard error, if it ended before.
    pub(super) async fn start(folder: &Path, listen: &str) -> Result<Self> {
        let me = std::env::current_exe().context("find the seaway program")?;
        let log = log_file(folder)?;
        let mut child = Command::new(me)
            .args(["serve", "--until-stdin-ends", "--project", super::bank::PROJECT, "--listen", listen, "--data"])
            .arg(folder)
            .env_remove("SEAWAY_CONFIG")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .context("start the control plane")?;
        let stdout = child.stdout.take().context("the control plane has no output")?;
        let lifeline = child.stdin.take();
        let mut lines = BufReader::new(stdout).lines();
        let ready = async {
            while let Ok(Some(line)) = lines.next_line().await {
                if line.starts_with("ready") {
                    return true;
                }
            }
            false
        };
        let said = || tail(&folder.join("serve.log"));
        match tokio::time::timeout(READY, ready).await {
            Ok(true) => {}
            Ok(false) => bail!("the control plane ended before it was ready:\n{}", said()),
            Err(_) => bail!("the control plane is not ready after {} s:\n{}", READY.as_secs(), said()),
        }
        // What it prints later must not fill the pipe.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Ok(Self { child, _lifeline: lifeline })
    }

    /// `kill -9`.
    pub(super) async fn kill(&mut self) -> Result<()> {
        self.child.kill().await.context("kill the control plane")
    }

    /// Waits until it ends by itself.
    pub(super) async fn ended(&mut self) -> Result<std::process::ExitStatus> {
        self.child.wait().await.context("wait for the control plane")
    }

    /// Asks it to end (SIGTERM), and waits.
    pub(super) async fn stop(&mut self) -> Result<()> {
        if let Some(pid) = self.child.id().and_then(|pid| i32::try_from(pid).ok()).and_then(rustix::process::Pid::from_raw) {
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        }
        if tokio::time::timeout(STOP, self.child.wait()).await.is_err() {
            self.kill().await?;
        }
        Ok(())
    }
}

fn log_file(folder: &Path) -> Result<std::fs::File> {
    let path: PathBuf = folder.join("serve.log");
    std::fs::OpenOptions::new().create(true).append(true).open(&path).with_context(|| format!("write {}", path.display()))
}

fn tail(path: &Path) -> String {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(12)..].join("\n")
}
