//! `seaway completion SHELL`: what a shell needs to complete the command line.

use crate::cli::Cli;
use crate::exit::{Exit, Failure};
use crate::output;
use clap::CommandFactory as _;
use clap_complete::Shell;

/// Prints a shell's completion script
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: source <(seaway completion bash)")]
pub(crate) struct Args {
    /// The shell
    shell: Shell,
}

impl Args {
    pub(crate) fn run(&self) -> Result<Exit, Failure> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "seaway", &mut script);
        output::print(String::from_utf8_lossy(&script));
        Ok(Exit::Done)
    }
}
