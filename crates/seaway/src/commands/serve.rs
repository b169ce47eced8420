//! `seaway serve`: runs the control plane; the one place where all rooms are put together.

use crate::cli::Global;
use crate::config::Config;
use crate::data::Data;
use crate::exit::{Exit, Failure};
use crate::serve;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Runs the control plane
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Writes DIR/kubeconfig (0600) and DIR/server.json, prints `ready` once everything is in step, and stops on SIGTERM: \
effects in hand are finished within 20 s.\nTo restore a backup, put it into an empty folder as state.db, beside it the `key` of the old one."
)]
pub(crate) struct Args {
    #[command(flatten)]
    settings: Settings,
    /// End, as on SIGTERM, when standard input ends: a child that does not outlive its parent
    #[arg(long, hide = true)]
    until_stdin_ends: bool,
}

/// Settings that are flags, too; the rest is in the file and the environment.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct Settings {
    /// The settings' file, YAML [$SEAWAY_CONFIG]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Address and port of the API [default: 127.0.0.1:7443]
    #[arg(long, value_name = "ADDR")]
    listen: Option<String>,
    /// The URL by which others reach it; needed beyond loopback
    #[arg(long, value_name = "URL")]
    external_url: Option<String>,
    /// One more name for the certificate; may be given again
    #[arg(long, value_name = "NAME")]
    host: Vec<String>,
    /// What is logged: error, warn, info, debug, trace
    #[arg(long, value_name = "LEVEL")]
    log_level: Option<String>,
    /// How it is logged: text, json
    #[arg(long, value_name = "FORMAT")]
    log_format: Option<String>,
}

impl Settings {
    /// The settings, each with its origin.
    ///
    /// # Errors
    /// One cannot be used; the error names it and where it was set.
    pub(crate) fn load(&self, global: &Global) -> Result<Config, Failure> {
        let data = global.data.as_ref().map(|path| path.to_string_lossy().into_owned());
        let texts = [
            ("data", data),
            ("listen", self.listen.clone()),
            ("externalURL", self.external_url.clone()),
            ("log.level", self.log_level.clone()),
            ("log.format", self.log_format.clone()),
        ];
        let mut flags: BTreeMap<&'static str, Value> =
            texts.into_iter().filter_map(|(name, text)| Some((name, json!(text?)))).collect();
        if !self.host.is_empty() {
            flags.insert("hosts", json!(self.host));
        }
        Ok(Config::load(self.config.as_deref(), &flags, |name| std::env::var(name).ok())?)
    }
}

impl Args {
    pub(crate) async fn run(&self, global: &Global) -> Result<Exit, Failure> {
        let config = self.settings.load(global)?;
        let folder = config.data()?;
        let listen = serve::listen(&config)?;
        let data = Data::take(&folder)?;
        serve::logs::start(&config);
        if self.until_stdin_ends {
            // A thread of its own: the runtime would wait for a read that never returns.
            std::thread::spawn(|| {
                let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
                let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::TERM);
            });
        }
        serve::run(&config, &data, listen, global.project.as_deref()).await?;
        Ok(Exit::Done)
    }
}
