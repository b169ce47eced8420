//! What was measured, as lines: ours, the baseline of the same run, their ratio, the goal, met or not.

use anyhow::{Context as _, Result};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// Measurements of one thing, in its unit.
#[derive(Debug, Clone)]
pub(crate) struct Sample {
    values: Vec<f64>,
    unit: Unit,
}

/// What a measurement is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    /// Seconds.
    Seconds,
    /// Promotions a second.
    PerSecond,
    /// Whole things.
    Count,
    /// Bytes of memory.
    Bytes,
}

impl Sample {
    pub(crate) const fn new(unit: Unit) -> Self {
        Self { values: Vec::new(), unit }
    }

    pub(crate) fn times(values: impl IntoIterator<Item = Duration>) -> Self {
        Self { values: values.into_iter().map(|value| value.as_secs_f64()).collect(), unit: Unit::Seconds }
    }

    pub(crate) fn add(&mut self, value: f64) {
        self.values.push(value);
    }

    pub(crate) fn add_time(&mut self, value: Duration) {
        self.values.push(value.as_secs_f64());
    }

    /// The median.
    pub(crate) fn p50(&self) -> f64 {
        let mut sorted = self.values.clone();
        sorted.sort_by(f64::total_cmp);
        sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
    }

    fn shown(&self) -> String {
        let p50 = self.p50();
        let value = match self.unit {
            Unit::Seconds if p50 < 1.0 => format!("{:.2} ms", p50 * 1e3),
            Unit::Seconds => format!("{p50:.2} s"),
            Unit::PerSecond => format!("{p50:.1}/s"),
            Unit::Count => format!("{p50:.1}"),
            Unit::Bytes => format!("{:.0} MiB", p50 / 1_048_576.0),
        };
        format!("{value} (n={})", self.values.len())
    }
}

/// What is wanted of a measurement.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Goal {
    /// Nothing; it is told.
    None,
    /// Baseline over ours, at least.
    Faster(f64),
    /// Ours over the baseline, at most.
    Growth(f64),
    /// Ours, at most.
    Most(f64),
}

/// The lines of one run.
pub(crate) struct Report {
    n_met: usize,
    n_missed: usize,
    n_failed: usize,
}

impl Report {
    /// Says what is measured, and on what.
    pub(crate) fn begin(binary: &Path) -> Result<Self> {
        let git = Command::new("git").arg("--version").output().context("start git")?;
        let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
        let n_cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
        println!("binary {}", binary.display());
        println!(
            "{}, {n_cores} cores, load {}",
            String::from_utf8_lossy(&git.stdout).trim(),
            load.split(' ').next().unwrap_or("?")
        );
        println!("{:<58} {:>18} {:>18} {:>7}  {:<8} met", "benchmark", "ours p50", "baseline p50", "ratio", "goal");
        Ok(Self { n_met: 0, n_missed: 0, n_failed: 0 })
    }

    /// Ours against a baseline of the same run.
    pub(crate) fn against(&mut self, name: &str, ours: &Sample, baseline: &Sample, goal: Goal) {
        self.line(name, ours, Some(baseline), goal);
    }

    /// Ours alone, against a number.
    pub(crate) fn alone(&mut self, name: &str, ours: &Sample, goal: Goal) {
        self.line(name, ours, None, goal);
    }

    /// Something worth knowing beside the figures.
    pub(crate) fn note(&self, text: &str) {
        println!("  {text}");
    }

    /// A benchmark that could not be taken.
    pub(crate) fn failed(&mut self, name: &str, err: &anyhow::Error) {
        self.n_failed += 1;
        println!("{name:<58} not measured: {err:#}");
    }

    /// Counts the goals; `true` if everything could be measured.
    pub(crate) fn end(&self) -> bool {
        println!("goals: {} met, {} missed; {} not measured", self.n_met, self.n_missed, self.n_failed);
        self.n_failed == 0
    }

    fn line(&mut self, name: &str, ours: &Sample, baseline: Option<&Sample>, goal: Goal) {
        let p50 = ours.p50();
        // Less is better but for rates: the ratio is how many times better we are, except where growth is asked for.
        let ratio = baseline.map(|baseline| match (goal, ours.unit) {
            (Goal::Growth(_), _) | (_, Unit::PerSecond | Unit::Bytes) => p50 / baseline.p50(),
            _ => baseline.p50() / p50,
        });
        let (wanted, met) = match goal {
            Goal::None => ("–".to_owned(), None),
            Goal::Faster(least) => (format!("≥ {least}×"), ratio.map(|ratio| ratio >= least)),
            Goal::Growth(most) => (format!("≤ {most}×"), ratio.map(|ratio| ratio <= most)),
            Goal::Most(most) if ours.unit == Unit::Seconds => (format!("≤ {most} s"), Some(p50 <= most)),
            Goal::Most(most) => (format!("≤ {most}"), Some(p50 <= most)),
        };
        match met {
            Some(true) => self.n_met += 1,
            Some(false) => self.n_missed += 1,
            None => {}
        }
        let ratio = ratio.map_or_else(|| "–".to_owned(), |ratio| format!("{ratio:.2}×"));
        let met = met.map_or("–", |met| if met { "yes" } else { "NO" });
        let baseline = baseline.map_or_else(|| "–".to_owned(), Sample::shown);
        println!("{name:<58} {:>18} {baseline:>18} {ratio:>7}  {wanted:<8} {met}", ours.shown());
    }
}
