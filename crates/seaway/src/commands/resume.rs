//! `seaway resume STAGE`: lifts a hold; the stage's automation goes on with the newest freight.

use crate::cli::Global;
use crate::exit::{Exit, Failure};
use crate::output;
use crate::session::{Access, Session, bare};
use jiff::Timestamp;

/// Lifts a stage's hold
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The stage
    stage: String,
}

impl Args {
    pub(crate) async fn run(&self, global: &Global) -> Result<Exit, Failure> {
        let stage = bare(&self.stage);
        let verbs = Session::open(global, Access::Write).await?.verbs().await?;
        verbs.resume(stage, Timestamp::now()).await?;
        output::line(format_args!("stage {stage} promotes by itself again"));
        Ok(Exit::Done)
    }
}
