//! `seaway watch`: what happens, as it happens.

use crate::cli::Global;
use crate::exit::{Exit, Failure};
use crate::output::{self, Format};
use crate::session::{Access, Session};
use anstyle::{AnsiColor, Style};
use futures::StreamExt as _;
use k8s_openapi::api::core::v1::Event;
use kube::api::Api;
use kube::runtime::{WatchStreamExt as _, watcher};
use seaway_core::why::plainly;

/// Shows what happens, as it happens
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// All projects
    #[arg(short = 'A', long)]
    all: bool,
    /// The form of the answer
    #[arg(short, long, value_name = "FORM")]
    output: Option<Format>,
}

impl Args {
    pub(crate) async fn run(&self, global: &Global) -> Result<Exit, Failure> {
        let session = Session::open(global, Access::Read).await?;
        let (api, place): (Api<Event>, String) = if self.all {
            (Api::all(session.client.clone()), "all projects".to_owned())
        } else {
            let project = session.verbs().await?.project().to_owned();
            (Api::namespaced(session.client.clone(), &project), format!("project {project}"))
        };
        let mut begun = false;
        let mut events = std::pin::pin!(watcher(api, watcher::Config::default()).default_backoff());
        while let Some(event) = events.next().await {
            match event {
                Ok(watcher::Event::InitDone) if !begun => {
                    begun = true;
                    output::aside(format_args!("watching {place}; Ctrl-C ends it"));
                }
                Ok(watcher::Event::Apply(event)) => self.show(&event)?,
                Ok(_) => {}
                Err(err) if !begun => {
                    return Err(Failure::new(
                        format!("watch events: {err}"),
                        "is the control plane running? `seaway get projects` asks it",
                    ));
                }
                Err(err) => tracing::debug!(error = %err, "watch events"),
            }
        }
        Ok(Exit::Done)
    }

    fn show(&self, event: &Event) -> Result<(), Failure> {
        if let Some(format @ (Format::Json | Format::Yaml)) = self.output {
            let value = serde_json::to_value(event).map_err(|err| Failure::bug(format_args!("read an event: {err}")))?;
            output::print(output::document(&value, format)?);
            return Ok(());
        }
        let object = &event.involved_object;
        let kind = object.kind.as_deref().unwrap_or_default().to_lowercase();
        let at = event.last_timestamp.as_ref().map(|time| time.0).or(event.event_time.as_ref().map(|time| time.0));
        let at = at.map(|at| at.strftime("%H:%M:%S").to_string()).unwrap_or_default();
        let project = if self.all { format!("{} ", object.namespace.as_deref().unwrap_or_default()) } else { String::new() };
        let style = if event.type_.as_deref() == Some("Warning") { AnsiColor::Yellow.on_default() } else { Style::new() };
        output::line(format_args!(
            "{at:8}  {project}{kind}/{}  {style}{}{style:#}  {}",
            object.name.as_deref().unwrap_or_default(),
            event.reason.as_deref().unwrap_or_default(),
            plainly(event.message.as_deref().unwrap_or_default().trim())
        ));
        Ok(())
    }
}
