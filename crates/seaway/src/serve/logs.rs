//! Logs of the control plane: text or JSON on standard error, with project, stage, promotion and step as fields.

use crate::config::Config;
use std::io::IsTerminal as _;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt;

/// Begins to log as the settings say. Libraries are heard from `warn` on, or as loud as we are where we are quieter.
pub(crate) fn start(config: &Config) {
    let level = config.text("log.level").unwrap_or("info");
    let others = if level == "error" { "error" } else { "warn" };
    let filter = EnvFilter::new(format!("{others},seaway={level}"));
    let log = fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false);
    let begun = if config.text("log.format") == Some("json") {
        log.json().flatten_event(true).with_current_span(true).with_span_list(false).try_init()
    } else {
        log.with_ansi(std::io::stderr().is_terminal()).try_init()
    };
    // Somebody else in this process logs already: that is theirs to decide.
    drop(begun);
}
