//! `seaway`: the control plane, and every command that speaks to one.

mod cli;
mod commands;
mod config;
mod data;
mod exit;
mod kinds;
mod output;
mod serve;
mod session;
mod target;
mod world;

use clap::Parser as _;
use exit::Exit;
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = match cli::Cli::try_parse() {
        Ok(cli) => cli,
        Err(err) => {
            let asked = !err.use_stderr();
            let _ = err.print();
            if !asked {
                output::aside("hint: `seaway --help` lists the commands, `seaway COMMAND --help` what one takes");
            }
            return if asked { Exit::Done.into() } else { Exit::Usage.into() };
        }
    };
    match cli.run() {
        Ok(exit) => exit.into(),
        Err(failure) => {
            output::failure(&failure);
            failure.exit.into()
        }
    }
}
