//! The page with 500 stages and 5,000 freight in Debian's Chromium: `ui/` measures, its answer is JSON.

use crate::report::{Goal, Report, Sample, Unit};
use anyhow::{Context as _, Result, bail};
use serde::Deserialize;
use std::path::Path;
use std::process::Stdio;
use tokio::process::Command;

/// What `npm run bench` prints as its last line.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Figures {
    /// From the board's arrival to the first paint that shows it.
    first_paint_ms: f64,
    /// Nodes of the graph rendered again by an update of one stage.
    renders_per_update: f64,
    /// The heap once the board stands, collected, in bytes.
    heap_before: f64,
    /// The same after 10,000 updates.
    heap_after: f64,
}

pub(super) async fn run(report: &mut Report) -> Result<()> {
    let ui = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../ui");
    let output = Command::new("npm")
        .args(["run", "--silent", "bench"])
        .current_dir(&ui)
        .stdin(Stdio::null())
        .output()
        .await
        .context("start npm")?;
    let text = String::from_utf8_lossy(&output.stdout);
    if !output.status.success() {
        bail!("npm run bench: {}: {}", output.status, String::from_utf8_lossy(&output.stderr).trim());
    }
    let last = text.lines().rev().find(|line| line.starts_with('{')).context("npm run bench printed no figures")?;
    let figures: Figures = serde_json::from_str(last).context("read the figures")?;
    let one = |unit, value| {
        let mut sample = Sample::new(unit);
        sample.add(value);
        sample
    };
    let paint = one(Unit::Seconds, figures.first_paint_ms / 1e3);
    report.alone("page: first paint after the data, 500 stages and 5,000 freight", &paint, Goal::Most(1.0));
    let renders = one(Unit::Count, figures.renders_per_update);
    report.alone("page: nodes rendered again by one stage's update", &renders, Goal::Most(1.0));
    let (after, before) = (one(Unit::Bytes, figures.heap_after), one(Unit::Bytes, figures.heap_before));
    report.against("page: heap after 10,000 updates / before", &after, &before, Goal::Growth(1.1));
    Ok(())
}
