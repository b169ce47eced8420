//! `cargo xtask vectors [DIR] [--only FILE] [--verbose]`: what Kargo's own code answers, against ours.

use anyhow::{Context as _, Result, bail};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

const KUSTOMIZE: &str = "SEAWAY_KUSTOMIZE";

fn main() -> Result<ExitCode> {
    let (mut dir, mut only, mut verbose) = (None, None, false);
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--only" => only = Some(args.next().context("--only needs (a part of) a file's name")?),
            "--verbose" => verbose = true,
            arg if arg.starts_with('-') => bail!("unknown option `{arg}`; usage: vectors [DIR] [--only FILE] [--verbose]"),
            arg => dir = Some(PathBuf::from(arg)),
        }
    }
    if std::env::var_os(KUSTOMIZE).is_none()
        && let Some(kustomize) = built_kustomize()
    {
        // The tool is named by the environment, and a process may not change its own.
        let status =
            Command::new(std::env::current_exe()?).args(std::env::args_os().skip(1)).env(KUSTOMIZE, kustomize).status()?;
        return Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE });
    }
    let dir = dir.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors"));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(seaway_tests::vectors::run(&dir, only.as_deref(), verbose))?;
    Ok(ExitCode::SUCCESS)
}

/// The kustomize that `cargo xtask parts` has built.
fn built_kustomize() -> Option<PathBuf> {
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let cache = cache.or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache")))?;
    let parts = std::fs::read_dir(cache.join("seaway/parts")).ok()?;
    parts.flatten().map(|part| part.path().join("kustomize")).find(|path| path.is_file())
}
