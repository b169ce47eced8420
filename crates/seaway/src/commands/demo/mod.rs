//! `seaway demo`: a bank on this machine: a git server, a registry and a control plane, and what can happen to them.

/// Prints a line as every command does: who reads may stop reading.
macro_rules! say {
    ($($text:tt)*) => { crate::output::line(format_args!($($text)*)) };
}

mod acts;
mod bank;
mod child;
mod control;
mod crash;
mod people;
mod push;
mod supervisor;

use crate::cli::Global;
use crate::data;
use crate::exit::{Exit, Failure};
use anyhow::{Context as _, Result, bail};
use clap::Subcommand;
use std::path::{Path, PathBuf};

/// Runs the bank on this machine: a git server, a registry and a control plane
#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Its folder is --data, else $SEAWAY_DATA, else ~/.local/state/seaway/demo; its ports are 7443, 7480 and 7450."
)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    /// Play the four acts in a temporary folder on free ports, check each against git, and exit 0 only if all hold
    #[arg(long)]
    once: bool,
    /// With --once: instead of the acts, kill -9 the control plane so many times while versions flow, and check git after each
    #[arg(long, requires = "once", value_name = "N")]
    kills: Option<u32>,
    /// Free ports, and a soak of seconds: for tests
    #[arg(long, hide = true, conflicts_with = "once")]
    quick: bool,
}

/// An error of the demo that knows what to do about it.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
struct Hinted {
    message: String,
    hint: String,
}

impl Hinted {
    fn new(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { message: message.into(), hint: hint.into() }
    }

    /// Nothing answers on the folder.
    fn no_demo(folder: &Path) -> Self {
        Self::new(format!("no demo runs on {}", data::shown(folder)), "`seaway demo` starts it")
    }
}

/// A flag that means another control plane or project than the demo's own.
fn foreign_flag(global: &Global) -> Option<&'static str> {
    let given = [
        ("--kubeconfig", global.kubeconfig.is_some()),
        ("--context", global.context.is_some()),
        ("--project", global.project.is_some()),
    ];
    given.into_iter().find_map(|(flag, is_given)| is_given.then_some(flag))
}

/// Refuses a folder that holds something, and no demo: what it holds is somebody's.
fn is_ours(folder: &Path) -> Result<()> {
    let made_here = crate::target::is_demo(folder);
    let empty = std::fs::read_dir(folder).map_or(true, |mut entries| entries.next().is_none());
    if made_here || empty {
        return Ok(());
    }
    let what = format!("{} is not empty, and no demo made it", data::shown(folder));
    bail!(Hinted::new(what, "name a folder of the demo's own with --data or SEAWAY_DATA, or neither for the usual one"))
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Push an image to the demo's registry, as `fund-transfer:1.5.1`; no docker needed
    Push {
        /// Service and version
        image: String,
        /// One whose smoke test fails in e2e
        #[arg(long)]
        bad: bool,
    },
    /// kill -9 the control plane in the middle of a push, start it again, and look at git log
    Crash,
    /// Forget everything: remove the demo's folder
    Reset,
}

impl Args {
    /// Runs it.
    ///
    /// # Errors
    /// Whatever did not hold, with what to do.
    pub(crate) async fn run(self, global: &Global) -> Result<Exit, Failure> {
        let set = std::env::var_os("SEAWAY_DATA").filter(|path| !path.is_empty()).map(PathBuf::from);
        let folder = match global.data.clone().or(set) {
            Some(folder) => folder,
            None => data::home()?.join("demo"),
        };
        if let Some(flag) = foreign_flag(global) {
            return Err(Failure::usage(
                format!("the demo takes no {flag}: it is a control plane of its own"),
                "--data names its folder",
            ));
        }
        let log = format!("{} tells more", data::shown(&folder.join("serve.log")));
        self.play(&folder).await.map_err(|err| match err.downcast_ref::<Hinted>() {
            Some(hinted) => Failure::new(format!("{err:#}"), hinted.hint.clone()),
            None => Failure::new(format!("{err:#}"), log),
        })?;
        Ok(Exit::Done)
    }

    async fn play(self, folder: &Path) -> Result<()> {
        match self.command {
            Some(Command::Push { image, bad }) => push::run(folder, &image, bad).await,
            Some(Command::Crash) => control::ask(folder, "crash").await,
            Some(Command::Reset) => reset(folder),
            None if self.once => acts::once(self.kills).await,
            None => supervisor::run(folder, self.quick).await,
        }
    }
}

fn reset(folder: &Path) -> Result<()> {
    let pid = control::read(folder).ok().map(|up| up.pid).or_else(|| data::running(folder).map(|server| server.pid));
    if let Some(pid) = pid {
        let running = format!("the demo is running on {} (process {pid})", data::shown(folder));
        bail!(Hinted::new(running, format!("stop it first: Ctrl-C where it runs, or kill {pid}")));
    }
    is_ours(folder)?;
    match std::fs::remove_dir_all(folder) {
        Ok(()) => say!("removed {}", data::shown(folder)),
        Err(err) if err.kind() == std::io::ErrorKind::NotFound => say!("nothing to remove in {}", data::shown(folder)),
        Err(err) => return Err(err).with_context(|| format!("remove {}", folder.display())),
    }
    Ok(())
}
