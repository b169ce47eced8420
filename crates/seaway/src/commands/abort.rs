//! `seaway abort PROMOTION`: ends a promotion; what was pushed stays pushed.

use crate::cli::Global;
use crate::exit::{Exit, Failure};
use crate::output;
use crate::session::{Access, Session, bare};

/// Ends a promotion; what it pushed stays pushed
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The promotion
    promotion: String,
}

impl Args {
    pub(crate) async fn run(&self, global: &Global) -> Result<Exit, Failure> {
        let name = bare(&self.promotion);
        let verbs = Session::open(global, Access::Write).await?.verbs().await?;
        verbs.abort(name).await?;
        output::line(format_args!("promotion {name} asked to stop; an effect in hand is finished first, which takes up to 20 s"));
        Ok(Exit::Done)
    }
}
