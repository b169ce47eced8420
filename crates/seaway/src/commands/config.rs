//! `seaway config`: every setting, its value and where that came from.

use crate::cli::Global;
use crate::commands::serve::Settings;
use crate::config::as_json;
use crate::exit::{Exit, Failure};
use crate::output::{self, Format, Table};

/// Prints the settings `serve` would use, each with its origin
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    settings: Settings,
    /// The form of the answer
    #[arg(short, long, value_name = "FORM")]
    output: Option<Format>,
}

impl Args {
    pub(crate) fn run(&self, global: &Global) -> Result<Exit, Failure> {
        let config = self.settings.load(global)?;
        match self.output {
            Some(format @ (Format::Json | Format::Yaml)) => output::print(output::document(&as_json(&config), format)?),
            Some(Format::Name) => {
                for (name, ..) in config.rows() {
                    output::line(name);
                }
            }
            wide => {
                let mut table = Table::new(if wide.is_some() {
                    &["SETTING", "VALUE", "ORIGIN", "MEANING"]
                } else {
                    &["SETTING", "VALUE", "ORIGIN"]
                });
                for ((name, value, origin), setting) in config.rows().into_iter().zip(crate::config::SETTINGS) {
                    let mut row = vec![name.into(), value.into(), origin.into()];
                    if wide.is_some() {
                        row.push(setting.meaning.into());
                    }
                    table.rows.push(row);
                }
                output::print(table.text(output::width().filter(|_| wide.is_none()), true));
            }
        }
        Ok(Exit::Done)
    }
}
