//! `seaway refresh`: look now, not at the next interval.

use crate::cli::Global;
use crate::exit::{Exit, Failure};
use crate::output;
use crate::session::{Access, Session};
use jiff::Timestamp;
use seaway_verbs::Refreshable;
use std::time::Duration;

/// Looks now, not at the next interval
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples: seaway refresh warehouse images · seaway refresh stage/qa --wait")]
pub(crate) struct Args {
    /// `warehouse`, `stage` or `projectconfig` (or `warehouse/NAME`); a name alone is a warehouse
    kind: String,
    /// The object
    name: Option<String>,
    /// Wait until it was looked at
    #[arg(long)]
    wait: bool,
    /// How long to wait
    #[arg(long, default_value = "1m", value_parser = super::promote::duration)]
    timeout: Duration,
}

impl Args {
    pub(crate) async fn run(&self, global: &Global) -> Result<Exit, Failure> {
        let (kind, name) = match (self.kind.split_once('/'), self.name.as_deref()) {
            (Some((kind, name)), _) => (kind, name),
            (None, Some(name)) => (self.kind.as_str(), name),
            (None, None) => ("warehouse", self.kind.as_str()),
        };
        let what = match crate::kinds::Kind::find(kind)?.resource.kind.as_str() {
            "Warehouse" => Refreshable::Warehouse,
            "Stage" => Refreshable::Stage,
            "ProjectConfig" => Refreshable::ProjectConfig,
            other => {
                return Err(Failure::usage(
                    format!("a {other} has nothing to look at"),
                    "warehouse, stage and projectconfig have",
                ));
            }
        };
        let verbs = Session::open(global, Access::Write).await?.verbs().await?;
        verbs.refresh(what, name, Timestamp::now(), self.wait.then_some(self.timeout)).await?;
        output::line(format_args!("{kind} {name} {}", if self.wait { "refreshed" } else { "is being refreshed" }));
        Ok(Exit::Done)
    }
}
