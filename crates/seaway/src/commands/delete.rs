//! `seaway delete`: objects by name, or those that documents name.

use crate::cli::Global;
use crate::exit::{Exit, Failure};
use crate::kinds::{self, Kind};
use crate::output;
use crate::session::{Access, Session};
use kube::ResourceExt as _;
use kube::api::DeleteParams;
use seaway_api::kargo::Freight;
use std::path::PathBuf;

/// Deletes objects
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples: seaway delete stage qa · seaway delete freight 1.5.0 · seaway delete promotion/NAME · seaway delete -f bank.yaml\nFreight goes by name, alias or version; `fund-transfer:1.5.1` narrows. What documents name and is gone already is no error."
)]
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
        let wanted = self.wanted()?;
        let session = Session::open(global, Access::Write).await?;
        let suffix = if self.dry_run { " (dry run)" } else { "" };
        for Wanted { kind, name, project } in wanted {
            let project = match project {
                Some(project) => project,
                None if kind.namespaced => session.verbs().await?.project().to_owned(),
                None => String::new(),
            };
            let by_name = self.kind.is_some();
            // Documents name freight by what it will be called, so there it is no version.
            let name = if by_name && kind.resource.kind == "Freight" {
                session.verbs_of(project.as_str()).freight(&name).await?.name_any()
            } else {
                name
            };
            let params = DeleteParams { dry_run: self.dry_run, ..DeleteParams::default() };
            match kind.api(&session.client, &project).delete(&name, &params).await {
                Ok(_) => output::line(format_args!("{} deleted{suffix}", kind.shown(&name))),
                Err(kube::Error::Api(status)) if status.code == 404 && !by_name => {
                    output::line(format_args!("{} is not there{suffix}", kind.shown(&name)));
                }
                Err(err) => return Err(kind.failed(&session.client, &project, &name, "delete", err).await),
            }
        }
        Ok(Exit::Done)
    }

    /// What is to go, in the order in which it goes.
    fn wanted(&self) -> Result<Vec<Wanted>, Failure> {
        if let Some(first) = &self.kind {
            let (kind, names) = kinds::parse(first, &self.names)?;
            if names.is_empty() {
                return Err(Failure::usage(
                    format!("which {}?", kind.one()),
                    format!("seaway delete {first} NAME; `seaway get {}` lists them", kind.word()),
                ));
            }
            return Ok(names.into_iter().map(|name| Wanted { kind: kind.clone(), name, project: None }).collect());
        }
        let mut documents = super::apply::documents(&self.filename, self.recursive)?;
        seaway_verbs::order(&mut documents);
        let wanted = documents.iter().rev().map(|document| {
            let text = |pointer: &str| document.value.pointer(pointer).and_then(|value| value.as_str()).map(str::to_owned);
            let kind = Kind::find(&text("/kind").unwrap_or_default())?;
            let own = text("/metadata/name").unwrap_or_default();
            // Freight is called by its content, whatever its document says.
            let by_content =
                serde_json::from_value::<Freight>(document.value.clone()).ok().filter(|_| kind.resource.kind == "Freight");
            let name = by_content.map_or(own, |freight| seaway_core::freight::name_of(&freight));
            if name.is_empty() {
                let what = format!("{}:{}: the document has no name", document.source, document.line);
                return Err(Failure::new(
                    what,
                    format!("it was named when it was made: `seaway get {}` lists what there is", kind.word()),
                ));
            }
            Ok(Wanted { kind, name, project: text("/metadata/namespace") })
        });
        wanted.collect()
    }
}

/// An object that is to go.
struct Wanted {
    kind: Kind,
    name: String,
    /// `None`: the project that is meant otherwise.
    project: Option<String>,
}
