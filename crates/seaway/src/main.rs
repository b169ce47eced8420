//! `seaway`: the control plane, and every command that speaks to one.

mod cli;
mod commands;
mod config;
mod data;
mod exit;
mod kinds;
mod output;
mod password;
mod serve;
mod session;
mod target;
mod typed;
mod v1;
mod warnings;
mod world;

use clap::{CommandFactory as _, Parser as _};
use exit::Exit;
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = match cli::Cli::try_parse() {
        Ok(cli) => cli,
        Err(err) => {
            let asked = !err.use_stderr();
            let _ = err.print();
            if !asked {
                output::aside(format_args!("hint: {}", usage_hint()));
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

/// Where the command line is told of that was not understood: the command's own page, if it is one.
fn usage_hint() -> String {
    let command = std::env::args().skip(1).find(|word| !word.starts_with('-'));
    match command.filter(|word| cli::Cli::command().find_subcommand(word).is_some()) {
        Some(command) => format!("`seaway {command} --help` tells what it takes"),
        None => "`seaway --help` lists the commands, `seaway COMMAND --help` what one takes".to_owned(),
    }
}
