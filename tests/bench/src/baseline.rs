//! What we are measured against: a person's script of stock git and kustomize, against the same server.

use crate::plane;
use anyhow::{Context as _, Result, bail};
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};
use tokio::process::Command;

/// No script takes longer.
const PATIENCE: Duration = Duration::from_mins(5);

/// How much the script clones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Clone {
    /// Everything.
    Full,
    /// One commit, no files but those it edits.
    Cheapest,
}

/// What the script does to the files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Edit {
    /// Sets one value of one file.
    Values,
    /// Sets the image of an overlay and renders it.
    Kustomize,
}

const FULL: &str = "git clone -q \"$URL\" w\ncd w\n";
const CHEAPEST: &str = "git clone -q --depth 1 --filter=blob:none --sparse \"$URL\" w\ncd w\n";
const VALUES: &str = "sed -i \"s/^  tag: .*/  tag: $TAG/\" \"stages/$STAGE/values.yaml\"\n";
const KUSTOMIZE: &str = "(cd \"overlays/$STAGE\" && \"$KUSTOMIZE\" edit set image \"$IMAGE:$TAG\")\n\
    \"$KUSTOMIZE\" build \"overlays/$STAGE\" > \"rendered/$STAGE/all.yaml\"\n";
const COMMIT: &str = "git commit -q -a -m \"$STAGE: $TAG\"\ngit push -q origin HEAD:main\n";

/// One promotion as a script does it.
#[derive(Debug)]
pub(crate) struct Script<'a> {
    pub(crate) clone: Clone,
    pub(crate) edit: Edit,
    pub(crate) url: &'a str,
    pub(crate) image: &'a str,
    pub(crate) stage: &'a str,
}

impl Script<'_> {
    fn text(&self) -> String {
        let sparse = match (self.clone, self.edit) {
            (Clone::Full, _) => "",
            (Clone::Cheapest, Edit::Values) => "git sparse-checkout set \"stages/$STAGE\"\n",
            (Clone::Cheapest, Edit::Kustomize) => "git sparse-checkout set base \"overlays/$STAGE\" \"rendered/$STAGE\"\n",
        };
        let clone = if self.clone == Clone::Full { FULL } else { CHEAPEST };
        let edit = if self.edit == Edit::Values { VALUES } else { KUSTOMIZE };
        format!("set -e\n{clone}{sparse}{edit}{COMMIT}")
    }

    /// Runs it in a new folder below `scratch`; clearing up afterwards does not count.
    pub(crate) async fn run(&self, scratch: &Path, tag: &str) -> Result<Duration> {
        let folder = tempfile::tempdir_in(scratch).context("make a folder")?;
        let mut command = Command::new("sh");
        command.arg("-c").arg(self.text()).current_dir(folder.path()).stdin(Stdio::null()).kill_on_drop(true);
        command.env("URL", self.url).env("IMAGE", self.image).env("STAGE", self.stage).env("TAG", tag);
        command.env("KUSTOMIZE", plane::kustomize()).env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_CONFIG_GLOBAL", "/dev/null");
        for role in ["AUTHOR", "COMMITTER"] {
            command.env(format!("GIT_{role}_NAME"), "Bench").env(format!("GIT_{role}_EMAIL"), "bench@seaway.invalid");
        }
        let begun = Instant::now();
        let output =
            tokio::time::timeout(PATIENCE, command.output()).await.context("the script does not end")?.context("start sh")?;
        let took = begun.elapsed();
        if !output.status.success() {
            bail!("the baseline's script: {}", String::from_utf8_lossy(&output.stderr).trim());
        }
        Ok(took)
    }
}
