//! Tools that are not installed.

use crate::{Lines, bank};
use anyhow::{Result, ensure};
use seaway_core::why::State;
use seaway_scenarios::trouble::*;
use std::process::Command;

/// A tool that is not installed blocks, and the step goes on once it is. Programs are found by the process's environment, so this
/// test is run once more in a process that has git alone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_missing_tool_blocks() -> Result<()> {
    const BARE: &str = "SEAWAY_TEST_WITHOUT_TOOLS";
    if std::env::var_os(BARE).is_none() {
        let folder = tempfile::tempdir()?;
        let which = Command::new("sh").args(["-c", "command -v git"]).output()?;
        std::os::unix::fs::symlink(String::from_utf8(which.stdout)?.trim(), folder.path().join("git"))?;
        let mut child = Command::new(std::env::current_exe()?);
        child.args(["tools::a_missing_tool_blocks", "--exact", "--nocapture"]).env(BARE, "1").env("PATH", folder.path());
        let ran = child.env_remove("SEAWAY_KUSTOMIZE").env_remove("SEAWAY_KUBECTL").output()?;
        ensure!(ran.status.success(), "{}{}", String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
        return Ok(());
    }
    let (world, trouble) = bank().await?;
    let build = "{ uses: kustomize-build, as: build, config: { path: ./src/overlays/qa, outPath: ./out.yaml } }";
    world.apply("stage.yaml", &stage("auto-build", DIRECT, &[CLONE, build])).await?;
    let mut lines = Lines { world: &world, trouble: &trouble, lines: Vec::new() };
    lines.stage("auto-build", State::Blocked, &["kustomize", "kubectl", "released by installing it"]).await?;
    insta::assert_snapshot!(lines.text(), @"stage auto-build is blocked: fund-transfer 1.5.0: kustomize-build: neither `kustomize` (5.0 or later) nor `kubectl` was found; install one: `apt-get install kustomize`, or https://kubectl.docs.kubernetes.io, or name it in SEAWAY_KUSTOMIZE or SEAWAY_KUBECTL, since T; released by installing it");
    Ok(())
}
