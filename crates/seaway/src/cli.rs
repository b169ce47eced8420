//! The command line: a line a command; what each does is in `commands/`.

use crate::commands;
use crate::exit::{Exit, Failure};
use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;

/// Moves software from a pushed artifact to production, through stages, by git.
#[derive(Debug, Parser)]
#[command(name = "seaway", version, max_term_width = 100, disable_help_subcommand = true, propagate_version = false)]
#[command(
    after_help = "Exit codes: 0 done, 1 error, 64 usage; `plan --exit-code` and `promote --wait` have more, see their --help."
)]
pub(crate) struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

/// What every command takes.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Which control plane, which project")]
pub(crate) struct Global {
    /// The project; else the context's, else the only one
    #[arg(short, long, short_alias = 'n', alias = "namespace", global = true, value_name = "PROJECT")]
    pub(crate) project: Option<String>,
    /// The data folder of a control plane on this machine [$SEAWAY_DATA]
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// A kubeconfig; goes before --data and everything else
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) kubeconfig: Option<PathBuf>,
    /// The kubeconfig's context; needed where $KUBECONFIG was not written by Seaway
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) context: Option<String>,
}

/// What can be asked.
#[derive(Debug, Subcommand)]
enum Command {
    Serve(commands::serve::Args),
    Demo(commands::demo::Args),
    Apply(commands::apply::Args),
    Get(commands::get::Args),
    Describe(commands::describe::Args),
    Delete(commands::delete::Args),
    Plan(commands::plan::Args),
    Promote(commands::promote::Args),
    Approve(commands::approve::Args),
    Refresh(commands::refresh::Args),
    Abort(commands::abort::Args),
    Resolve(commands::resolve::Args),
    Resume(commands::resume::Args),
    Why(commands::why::Args),
    Logs(commands::logs::Args),
    Watch(commands::watch::Args),
    Login(commands::login::Args),
    Logout(commands::logout::Args),
    Open(commands::open::Args),
    User(commands::user::Args),
    Token(commands::token::Args),
    Whoami(commands::whoami::Args),
    Trust(commands::trust::Args),
    Config(commands::config::Args),
    Backup(commands::backup::Args),
    Completion(commands::completion::Args),
    Version(commands::version::Args),
}

impl Cli {
    /// Carries out the command.
    ///
    /// # Errors
    /// What went wrong, with what to do about it.
    pub(crate) fn run(self) -> Result<Exit, Failure> {
        crate::typed::named(&self.global);
        let threads = matches!(self.command, Command::Serve(_) | Command::Demo(_));
        let mut builder =
            if threads { tokio::runtime::Builder::new_multi_thread() } else { tokio::runtime::Builder::new_current_thread() };
        let runtime = builder.enable_all().build().map_err(|err| Failure::io("start", &err))?;
        let exit = runtime.block_on(self.command.run(&self.global));
        // What blocks still (a read of standard input) must not keep the process.
        runtime.shutdown_timeout(std::time::Duration::from_secs(1));
        exit
    }
}

impl Command {
    async fn run(self, global: &Global) -> Result<Exit, Failure> {
        match self {
            Self::Serve(args) => args.run(global).await,
            Self::Demo(args) => args.run(global).await,
            Self::Apply(args) => args.run(global).await,
            Self::Get(args) => args.run(global).await,
            Self::Describe(args) => args.run(global).await,
            Self::Delete(args) => args.run(global).await,
            Self::Plan(args) => args.run(global).await,
            Self::Promote(args) => args.run(global).await,
            Self::Approve(args) => args.run(global).await,
            Self::Refresh(args) => args.run(global).await,
            Self::Abort(args) => args.run(global).await,
            Self::Resolve(args) => args.run(global).await,
            Self::Resume(args) => args.run(global).await,
            Self::Why(args) => args.run(global).await,
            Self::Logs(args) => args.run(global).await,
            Self::Watch(args) => args.run(global).await,
            Self::Login(args) => args.run(global).await,
            Self::Logout(args) => args.run().await,
            Self::Open(args) => args.run(global).await,
            Self::User(args) => args.run(global).await,
            Self::Token(args) => args.run(global).await,
            Self::Whoami(args) => args.run(global).await,
            Self::Trust(args) => args.run(global).await,
            Self::Config(args) => args.run(global),
            Self::Backup(args) => args.run(global).await,
            Self::Completion(args) => args.run(),
            Self::Version(args) => args.run(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_holds_together() {
        Cli::command().debug_assert();
    }
}
