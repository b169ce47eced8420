//! The rules of the main loop as pure functions: when a step is over, and how a run ends (Kargo reference §5.4, §5.5).

use jiff::{SignedDuration, Timestamp};
use std::time::Duration;

use crate::spec::StepSpec;
use crate::state::{Phase, StepState, StepStatus};
use crate::step::{FailureStatus, StepError};

/// The shortest interval at which a waiting step is asked.
const POLL_MIN: Duration = Duration::from_secs(10);

/// What follows from an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The step is over.
    Over { status: StepStatus, message: String },
    /// It is tried again, with backoff.
    Again { message: String },
    /// It is asked again at this instant.
    Ask { until: Timestamp },
}

/// What an attempt was.
#[derive(Debug)]
pub(crate) enum Attempt<'a> {
    /// It succeeded.
    Done { skipped: bool, message: Option<&'a str> },
    /// It waits.
    Waiting { retry_after: Duration },
    /// It did not succeed.
    Error(&'a StepError),
}

/// Judges an attempt; `error_count` is that of the step after this attempt.
pub(crate) fn judge(
    attempt: &Attempt<'_>,
    spec: &StepSpec,
    timeout: Option<Duration>,
    started_at: Timestamp,
    now: Timestamp,
    error_count: u32,
) -> Verdict {
    let over = |status, message: String| Verdict::Over { status, message };
    let verdict = match attempt {
        Attempt::Done { skipped, message } => {
            let status = if *skipped { StepStatus::Skipped } else { StepStatus::Succeeded };
            return over(status, message.unwrap_or_default().to_owned());
        }
        Attempt::Error(err) if err.terminal && err.status == FailureStatus::Failed => {
            return over(StepStatus::Failed, err.message.clone());
        }
        Attempt::Error(err) if err.terminal => {
            return over(StepStatus::Errored, format!("an unrecoverable error occurred: {}", err.message));
        }
        Attempt::Error(err) if error_count >= spec.error_threshold => {
            let status = if err.status == FailureStatus::Failed { StepStatus::Failed } else { StepStatus::Errored };
            return over(
                status,
                format!("step `{}` met error threshold of {}: {}", spec.alias, spec.error_threshold, err.message),
            );
        }
        Attempt::Error(err) => Verdict::Again { message: format!("{}; step will be retried", err.message) },
        Attempt::Waiting { retry_after } => Verdict::Ask { until: later(now, (*retry_after).max(POLL_MIN)) },
    };
    let Some(timeout) = timeout.filter(|timeout| !timeout.is_zero()) else { return verdict };
    let deadline = later(started_at, timeout);
    if now >= deadline {
        let last = match attempt {
            Attempt::Error(err) => format!(": {}", err.message),
            _ => String::new(),
        };
        return over(StepStatus::Errored, format!("step `{}` timed out after {}{last}", spec.alias, humane(timeout)));
    }
    match verdict {
        Verdict::Ask { until } => Verdict::Ask { until: until.min(deadline) },
        other => other,
    }
}

/// How a run ends: the worst status among the steps that count, and that step's message.
pub(crate) fn final_phase(steps: &[StepState]) -> (Phase, String, String) {
    let rank = |status: StepStatus| match status {
        StepStatus::Errored => 2,
        StepStatus::Failed => 1,
        _ => 0,
    };
    let mut worst: Option<(&StepState, StepStatus)> = None;
    for step in steps.iter().filter(|step| !step.continue_on_error) {
        let Some(status) = step.status else { continue };
        if rank(status) > worst.map_or(0, |(_, status)| rank(status)) {
            worst = Some((step, status));
        }
    }
    match worst {
        None => (Phase::Succeeded, String::new(), String::new()),
        Some((step, status)) => {
            let phase = if status == StepStatus::Failed { Phase::Failed } else { Phase::Errored };
            (phase, step.message.clone(), step.reason.clone())
        }
    }
}

/// Has any step before `index` failed, of those that count?
pub(crate) fn failed_before(steps: &[StepState], index: usize) -> bool {
    steps.iter().take(index).any(|step| !step.continue_on_error && step.status.is_some_and(StepStatus::is_bad))
}

/// An instant plus a span, at most the end of time.
pub(crate) fn later(at: Timestamp, span: Duration) -> Timestamp {
    at.saturating_add(SignedDuration::try_from(span).unwrap_or(SignedDuration::MAX)).unwrap_or(Timestamp::MAX)
}

/// `1m30s`, as Go prints a duration.
fn humane(span: Duration) -> String {
    let seconds = span.as_secs();
    let mut text = String::new();
    for (size, unit) in [(3600, 'h'), (60, 'm')] {
        if seconds >= size {
            text.push_str(&format!("{}{unit}", if unit == 'h' { seconds / size } else { seconds % 3600 / size }));
        }
    }
    text.push_str(&format!("{}s", seconds % 60));
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use seaway_base::Next;
    use serde_json::Value;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[track_caller]
    fn check(attempt: &Attempt<'_>, (threshold, timeout, elapsed, errors): (u32, u64, i64, u32), expected: &str) {
        let spec = StepSpec { error_threshold: threshold, ..StepSpec::new("s", "x", Value::Null) };
        let verdict = judge(attempt, &spec, Some(Duration::from_secs(timeout)), at(0), at(elapsed), errors);
        let shown = match verdict {
            Verdict::Over { status, message } => format!("{} {message}", status.as_str()),
            Verdict::Again { message } => format!("again {message}"),
            Verdict::Ask { until } => format!("ask at {}", until.as_second()),
        };
        assert_eq!(shown.trim_end(), expected);
    }

    #[test]
    fn an_attempt_is_judged_as_the_table_says() {
        let done = Attempt::Done { skipped: false, message: None };
        check(&done, (1, 0, 5, 0), "Succeeded");
        check(&done, (1, 1, 5, 0), "Succeeded");
        check(&Attempt::Done { skipped: true, message: Some("nothing to commit") }, (1, 0, 5, 0), "Skipped nothing to commit");
        let (failed, errored) = (StepError::failed("R", "no"), StepError::errored("R", Next::Retry, "net"));
        check(&Attempt::Error(&failed), (9, 0, 5, 1), "Failed no");
        let terminal = StepError::errored("R", Next::Retry, "net").terminal();
        check(&Attempt::Error(&terminal), (9, 0, 5, 1), "Errored an unrecoverable error occurred: net");
        check(&Attempt::Error(&errored), (1, 0, 5, 1), "Errored step `s` met error threshold of 1: net");
        check(&Attempt::Error(&errored), (2, 0, 5, 1), "again net; step will be retried");
        check(&Attempt::Error(&errored), (2, 3, 5, 1), "Errored step `s` timed out after 3s: net");
        let soft = StepError { terminal: false, ..StepError::failed("R", "no") };
        check(&Attempt::Error(&soft), (1, 0, 5, 1), "Failed step `s` met error threshold of 1: no");
        let waiting = |seconds| Attempt::Waiting { retry_after: Duration::from_secs(seconds) };
        check(&waiting(30), (1, 0, 5, 0), "ask at 35");
        check(&waiting(1), (1, 0, 5, 0), "ask at 15");
        check(&waiting(30), (1, 20, 5, 0), "ask at 20");
        check(&waiting(30), (1, 90, 90, 0), "Errored step `s` timed out after 1m30s");
    }

    #[test]
    fn the_worst_step_that_counts_decides() {
        let step = |status, counts: bool| StepState {
            status: Some(status),
            continue_on_error: !counts,
            message: format!("{status:?}"),
            ..StepState::default()
        };
        let phase = |steps: &[StepState]| final_phase(steps).0;
        assert_eq!(phase(&[step(StepStatus::Succeeded, true), step(StepStatus::Skipped, true)]), Phase::Succeeded);
        assert_eq!(phase(&[step(StepStatus::Failed, false)]), Phase::Succeeded);
        assert_eq!(final_phase(&[step(StepStatus::Failed, true), step(StepStatus::Errored, true)]).1, "Errored");
        assert_eq!(phase(&[step(StepStatus::Failed, true), step(StepStatus::Succeeded, true)]), Phase::Failed);
        assert!(failed_before(&[step(StepStatus::Failed, true)], 1) && !failed_before(&[step(StepStatus::Failed, true)], 0));
    }
}
