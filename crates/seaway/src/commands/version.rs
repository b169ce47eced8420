//! `seaway version`: which release this is.

use crate::exit::{Exit, Failure};
use crate::output::{self, Format};
use serde_json::json;

/// Prints the version
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The form of the answer
    #[arg(short, long, value_name = "FORM")]
    output: Option<Format>,
}

impl Args {
    pub(crate) fn run(&self) -> Result<Exit, Failure> {
        let version = env!("CARGO_PKG_VERSION");
        match self.output {
            Some(format @ (Format::Json | Format::Yaml)) => {
                output::print(output::document(&json!({ "version": version }), format)?)
            }
            _ => output::line(format_args!("seaway {version}")),
        }
        Ok(Exit::Done)
    }
}
