//! What was measured, as lines: ours, the baseline of the same run, their ratio, the goal, met or not.

use crate::accepted::{Accepted, MISSES};
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
        self.quantile(0.5)
    }

    /// The value that so much of all stay below: 0.99 for the 99th percentile.
    pub(crate) fn quantile(&self, part: f64) -> f64 {
        let mut sorted = self.values.clone();
        sorted.sort_by(f64::total_cmp);
        #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "few values")]
        let index = (sorted.len() as f64 * part) as usize;
        sorted.get(index.min(sorted.len().saturating_sub(1))).copied().unwrap_or(f64::NAN)
    }

    fn shown(&self) -> String {
        let p50 = self.p50();
        let value = match self.unit {
            Unit::Seconds if p50 < 1.0 => format!("{:.2} ms", p50 * 1e3),
            Unit::Seconds => format!("{p50:.2} s"),
            Unit::PerSecond => format!("{p50:.1}/s"),
            Unit::Count => format!("{p50:.1}"),
            Unit::Bytes if p50 < 1_048_576.0 => format!("{:.1} KiB", p50 / 1024.0),
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

/// How a measurement stands to its goal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// It has none.
    Told,
    Met,
    /// Met, and still on the list of accepted misses.
    MetAgain,
    Missed,
    /// Missed, for this reason.
    Accepted(&'static str),
}

impl std::fmt::Display for Standing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Told => f.write_str("–"),
            Self::Met => f.write_str("yes"),
            Self::MetAgain => f.write_str("yes; take it off the list of accepted misses"),
            Self::Missed => f.write_str("NO"),
            Self::Accepted(why) => write!(f, "missed, accepted: {why}"),
        }
    }
}

/// The lines of one run.
pub(crate) struct Report {
    accepted: &'static [Accepted],
    n_met: usize,
    n_missed: usize,
    n_accepted: usize,
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
        Ok(Self::accepting(MISSES))
    }

    const fn accepting(accepted: &'static [Accepted]) -> Self {
        Self { accepted, n_met: 0, n_missed: 0, n_accepted: 0, n_failed: 0 }
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

    /// Counts the goals; `true` if everything could be measured and no goal was missed but those accepted.
    pub(crate) fn end(&self) -> bool {
        println!(
            "goals: {} met, {} missed, {} missed and accepted; {} not measured",
            self.n_met, self.n_missed, self.n_accepted, self.n_failed
        );
        self.n_failed == 0 && self.n_missed == 0
    }

    /// Counts one goal.
    fn stands(&mut self, name: &str, met: Option<bool>) -> Standing {
        let accepted = self.accepted.iter().find(|row| row.0 == name).map(|row| row.1);
        let (standing, count) = match (met, accepted) {
            (None, _) => return Standing::Told,
            (Some(true), None) => (Standing::Met, &mut self.n_met),
            (Some(true), Some(_)) => (Standing::MetAgain, &mut self.n_met),
            (Some(false), None) => (Standing::Missed, &mut self.n_missed),
            (Some(false), Some(why)) => (Standing::Accepted(why), &mut self.n_accepted),
        };
        *count += 1;
        standing
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
            Goal::Most(most) if ours.unit == Unit::Bytes => (format!("≤ {:.0} KiB", most / 1024.0), Some(p50 <= most)),
            Goal::Most(most) => (format!("≤ {most}"), Some(p50 <= most)),
        };
        let ratio = ratio.map_or_else(|| "–".to_owned(), |ratio| format!("{ratio:.2}×"));
        let met = self.stands(name, met);
        let baseline = baseline.map_or_else(|| "–".to_owned(), Sample::shown);
        println!("{name:<58} {:>18} {baseline:>18} {ratio:>7}  {wanted:<8} {met}", ours.shown());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Measures 10 s against these goals; says how many were missed and accepted, and whether the run is fine.
    #[track_caller]
    fn check(accepted: &'static [Accepted], goals: &[(&str, Goal)], expect: (usize, usize, bool)) {
        let mut report = Report::accepting(accepted);
        let ours = Sample::times([Duration::from_secs(10)]);
        for (name, goal) in goals {
            report.alone(name, &ours, *goal);
        }
        let fine = report.end();
        assert_eq!((report.n_missed, report.n_accepted, fine), expect);
    }

    #[test]
    fn a_missed_goal_fails_the_run_unless_it_is_accepted() {
        check(&[], &[("start-up", Goal::Most(10.0)), ("told", Goal::None)], (0, 0, true));
        check(&[], &[("start-up", Goal::Most(2.0))], (1, 0, false));
        check(&[("start-up", "a slow disk")], &[("start-up", Goal::Most(2.0))], (0, 1, true));
        check(&[("start-up", "a slow disk")], &[("start-up", Goal::Most(2.0)), ("stop", Goal::Most(2.0))], (1, 1, false));
    }

    #[test]
    fn an_accepted_miss_is_told_with_its_reason_and_asked_back_when_it_is_over() {
        let mut report = Report::accepting(&[("start-up", "a slow disk")]);
        assert_eq!(report.stands("start-up", Some(false)).to_string(), "missed, accepted: a slow disk");
        assert_eq!(report.stands("start-up", Some(true)).to_string(), "yes; take it off the list of accepted misses");
        assert_eq!(report.stands("stop", Some(false)).to_string(), "NO");
    }

    #[test]
    fn what_cannot_be_measured_fails_the_run() {
        let mut report = Report::accepting(&[]);
        report.failed("start-up", &anyhow::anyhow!("no binary"));
        assert!(!report.end());
    }
}
