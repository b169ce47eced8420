//! Runs a child command and says which one failed.

use anyhow::{Context as _, Result, bail};
use std::ffi::OsStr;
use std::process::Command;

/// Runs cargo with these arguments.
pub(crate) fn cargo<S: AsRef<OsStr>>(args: &[S]) -> Result<()> {
    status(&mut cargo_command(args))
}

/// The same, not run yet.
pub(crate) fn cargo_command<S: AsRef<OsStr>>(args: &[S]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(args);
    command
}

/// Runs a command to its end; an error names it.
pub(crate) fn status(command: &mut Command) -> Result<()> {
    let shown = format!("{command:?}").replace('"', "");
    let status = command.status().with_context(|| format!("start {shown}"))?;
    if !status.success() {
        bail!("{shown}: {status}");
    }
    Ok(())
}

/// The first line a command prints, if it can be run.
pub(crate) fn first_line(program: &str, args: &[&str]) -> Option<String> {
    let out = Command::new(program).args(args).output().ok()?;
    if !out.status.success() {
        return None;
    }
    String::from_utf8_lossy(&out.stdout).lines().next().map(str::to_owned)
}
