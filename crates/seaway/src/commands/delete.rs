//! `seaway delete`: objects by name, or those that documents name.

use crate::cli::Global;
use crate::exit::{Exit, Failure};
use crate::kinds::{self, Kind};
use crate::output;
use crate::session::{Access, Session};
use kube::api::DeleteParams;
use std::path::PathBuf;

/// Deletes objects
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples: seaway delete stage qa · seaway delete promotion/NAME · seaway delete -f bank.yaml")]
pub(crate) struct Args {
    /// The kind, or KIND/NAME
    #[arg(required_unless_present = "filename")]
    kind: Option<String>,
    /// The objects
    names: Vec<String>,
    /// What these documents name: a file, a folder, or -
    #[arg(short, long, value_name = "FILE|DIR|-", conflicts_with = "kind")]
    filename: Vec<PathBuf>,
    /// Folders below the folder, too
    #[arg(short = 'R', long)]
    recursive: bool,
    /// Ask what would happen, and change nothing
    #[arg(long)]
    dry_run: bool,
}

impl Args {
    pub(crate) async fn run(&self, global: &Global) -> Result<Exit, Failure> {
        let mut wanted: Vec<(Kind, String, Option<String>)> = Vec::new();
        if let Some(first) = &self.kind {
            let (kind, names) = kinds::parse(first, &self.names)?;
            if names.is_empty() {
                return Err(Failure::usage(format!("which {}?", kind.word()), format!("seaway delete {first} NAME")));
            }
            wanted.extend(names.into_iter().map(|name| (kind.clone(), name, None)));
        } else {
            let mut documents = super::apply::documents(&self.filename, self.recursive)?;
            seaway_verbs::order(&mut documents);
            for document in documents.iter().rev() {
                let text = |pointer: &str| document.value.pointer(pointer).and_then(|value| value.as_str()).map(str::to_owned);
                let kind = Kind::find(&text("/kind").unwrap_or_default())?;
                wanted.push((kind, text("/metadata/name").unwrap_or_default(), text("/metadata/namespace")));
            }
        }
        let session = Session::open(global, Access::Write).await?;
        for (kind, name, project) in wanted {
            let project = match project {
                Some(project) => project,
                None if kind.namespaced => session.project().await?,
                None => String::new(),
            };
            let params = DeleteParams { dry_run: self.dry_run, ..DeleteParams::default() };
            let answer = kind.api(&session.client, &project).delete(&name, &params).await;
            answer.map_err(|err| Failure::api(format!("delete {}", kind.shown(&name)), err))?;
            output::line(format_args!("{} deleted{}", kind.shown(&name), if self.dry_run { " (dry run)" } else { "" }));
        }
        Ok(Exit::Done)
    }
}
