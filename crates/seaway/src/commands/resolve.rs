//! `seaway resolve PROMOTION --repeat|--skip`: a person decides an effect that nobody can be sure of.

use crate::cli::Global;
use crate::exit::{Exit, Failure};
use crate::output;
use crate::session::{Access, Session, bare};
use seaway_verbs::Resolution;

/// Decides an uncertain effect: was it carried out or not?
#[derive(Debug, clap::Args)]
#[command(group(clap::ArgGroup::new("decision").required(true).args(["repeat", "skip"])))]
pub(crate) struct Args {
    /// The promotion
    promotion: String,
    /// It did not happen: send it again
    #[arg(long)]
    repeat: bool,
    /// It happened, or is not wanted: go on without it
    #[arg(long)]
    skip: bool,
}

impl Args {
    pub(crate) async fn run(&self, global: &Global) -> Result<Exit, Failure> {
        let name = bare(&self.promotion);
        let how = if self.repeat { Resolution::Repeat } else { Resolution::Skip };
        let verbs = Session::open(global, Access::Write).await?.verbs().await?;
        verbs.resolve(name, how).await?;
        output::line(format_args!("promotion {name} goes on: {}", how.as_str()));
        Ok(Exit::Done)
    }
}
