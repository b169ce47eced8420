//! `seaway approve FREIGHT --stage S`: a person lets one freight into one stage without its upstream.

use crate::cli::Global;
use crate::exit::{Exit, Failure};
use crate::output;
use crate::session::{Access, Session};
use crate::typed::typed;
use jiff::Timestamp;
use kube::ResourceExt as _;

/// Lets one freight into one stage without its upstream
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The freight: name, alias or version; `fund-transfer:1.5.1` narrows
    freight: String,
    /// The stage
    #[arg(short, long)]
    stage: String,
}

impl Args {
    pub(crate) async fn run(&self, global: &Global) -> Result<Exit, Failure> {
        let verbs = Session::open(global, Access::Write).await?.verbs().await?;
        let freight = verbs.freight(&self.freight).await?;
        let changed = verbs.approve(&freight, &self.stage, Timestamp::now()).await?;
        let word = if changed { "approved" } else { "was approved already" };
        output::line(format_args!("freight {} {word} for stage {}", freight.name_any(), self.stage));
        let next = format!("seaway promote {} --freight {}", self.stage, self.freight);
        output::line(format_args!("next: {}", typed(&next)));
        Ok(Exit::Done)
    }
}
