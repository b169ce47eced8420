//! `seaway get`: what there is, in tables for people or documents for scripts; Secrets never show their values.

mod rows;

use crate::cli::Global;
use crate::exit::{Exit, Failure};
use crate::kinds::{self, Kind};
use crate::output::{self, Format, Table};
use crate::session::{Access, Session};
use crate::typed::typed;
use futures::{StreamExt as _, TryStreamExt as _};
use kube::api::{Api, DynamicObject, ListParams};
use kube::runtime::{WatchStreamExt as _, watcher};
use serde_json::{Value, json};
use std::collections::HashSet;
use std::time::Duration;

/// Changes that come together are shown together.
const TOGETHER: Duration = Duration::from_millis(100);

/// Columns that change as time passes.
const AGES: &[&str] = &["AGE", "SINCE", "FOUND", "LAST SEEN"];

/// Shows what there is
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples: seaway get stages · seaway get freight · seaway get stage/qa -o yaml · seaway get promotions -w\nKinds: projects, stages, freight, warehouses, promotions, runs, plans, secrets, events and the rest; singular and short names too."
)]
pub(crate) struct Args {
    /// The kind, or KIND/NAME
    kind: String,
    /// Only these objects
    names: Vec<String>,
    /// The form of the answer
    #[arg(short, long, value_name = "FORM")]
    output: Option<Format>,
    /// All projects
    #[arg(short = 'A', long)]
    all: bool,
    /// Go on showing what changes
    #[arg(short, long)]
    watch: bool,
}

/// What is looked at.
pub(crate) struct Look {
    pub(crate) kind: Kind,
    pub(crate) names: Vec<String>,
    pub(crate) projects: Vec<String>,
    pub(crate) all: bool,
    pub(crate) wide: bool,
}

impl Args {
    pub(crate) async fn run(&self, global: &Global) -> Result<Exit, Failure> {
        let (kind, names) = kinds::parse(&self.kind, &self.names)?;
        let session = Session::open(global, Access::Read).await?;
        let projects = if kind.namespaced { session.scope(self.all).await? } else { vec![String::new()] };
        let all = self.all && kind.namespaced;
        if all && !names.is_empty() {
            return Err(Failure::usage("a name and all projects do not go together", "name its project with -p"));
        }
        let mut look = Look { all, wide: self.output == Some(Format::Wide), kind, names, projects };
        look.name_freight(&session).await?;
        match self.output {
            Some(format @ (Format::Json | Format::Yaml | Format::Name)) => {
                look.documents(&session, format).await?;
                if self.watch {
                    look.follow_documents(&session, format).await?;
                }
            }
            Some(Format::Wide) | None => look.table(&session, self.watch).await?,
        }
        Ok(Exit::Done)
    }
}

impl Look {
    async fn table(&self, session: &Session, follow: bool) -> Result<(), Failure> {
        let (table, next) = rows::read(self, session).await?;
        if table.rows.is_empty() {
            self.say_none();
        } else {
            output::print(table.text(self.width(), true));
            if let Some(next) = next {
                output::line(format_args!("next: {}", typed(&next)));
            }
        }
        if follow {
            self.follow(session, table).await?;
        }
        Ok(())
    }

    /// Prints the rows that changed, whenever something does.
    async fn follow(&self, session: &Session, first: Table) -> Result<(), Failure> {
        // That time passes is no change.
        let ages: Vec<bool> = first.head.iter().map(|name| AGES.contains(&name.as_str())).collect();
        let key = |row: &Vec<output::Cell>| {
            let cells = row.iter().zip(&ages).filter(|(_, age)| !**age);
            cells.map(|(cell, _)| timeless(&cell.text).to_owned()).collect::<Vec<_>>()
        };
        let mut shown: HashSet<Vec<String>> = first.rows.iter().map(key).collect();
        let mut changes = self.changes(session);
        while changes.next().await.is_some() {
            let _ = tokio::time::timeout(TOGETHER, async { while changes.next().await.is_some() {} }).await;
            let (table, _) = rows::read(self, session).await?;
            let keys: Vec<Vec<String>> = table.rows.iter().map(key).collect();
            // The whole table is laid out, so that the columns stay where they are.
            let text = table.text(self.width(), false);
            for (line, _) in text.lines().zip(&keys).filter(|(_, key)| !shown.contains(*key)) {
                output::line(line);
            }
            shown = keys.into_iter().collect();
        }
        Ok(())
    }

    /// Rings when something changes that the table is made of.
    fn changes(&self, session: &Session) -> futures::stream::BoxStream<'static, ()> {
        let also: &[&str] = match self.kind.resource.kind.as_str() {
            "Stage" | "Warehouse" | "Promotion" | "Freight" => &["stages", "warehouses", "freight", "promotions", "runs"],
            _ => &[],
        };
        let mut kinds: Vec<Kind> = also.iter().filter_map(|name| Kind::find(name).ok()).collect();
        if kinds.is_empty() {
            kinds.push(self.kind.clone());
        }
        let streams =
            kinds.into_iter().flat_map(|kind| self.apis(session, &kind).into_iter().map(move |api| (api, kind.resource.clone())));
        let streams = streams.map(|(api, _)| {
            watcher(api, watcher::Config::default())
                .default_backoff()
                .filter_map(|event| async move { event.ok().map(drop) })
                .boxed()
        });
        futures::stream::select_all(streams).boxed()
    }

    fn apis(&self, session: &Session, kind: &Kind) -> Vec<Api<DynamicObject>> {
        if self.all {
            return vec![Api::all_with(session.client.clone(), &kind.resource)];
        }
        self.projects.iter().map(|project| kind.api(&session.client, project)).collect()
    }

    /// The objects themselves.
    pub(crate) async fn objects(&self, session: &Session) -> Result<Vec<Value>, Failure> {
        let mut objects = Vec::new();
        for api in self.apis(session, &self.kind) {
            if self.names.is_empty() {
                let list = api
                    .list(&ListParams::default())
                    .await
                    .map_err(|err| Failure::api(format!("list {}", self.kind.word()), err))?;
                objects.extend(list.items);
                continue;
            }
            for name in &self.names {
                match api.get(name).await {
                    Ok(object) => objects.push(object),
                    Err(err) => return Err(self.kind.failed(&session.client, self.project(), name, "get", err).await),
                }
            }
        }
        objects.into_iter().map(|object| self.document(object)).collect()
    }

    /// The project, where there is one.
    fn project(&self) -> &str {
        self.projects.first().map_or("", String::as_str)
    }

    /// Freight goes by its version and alias, too: from here on by its name.
    pub(crate) async fn name_freight(&mut self, session: &Session) -> Result<(), Failure> {
        if self.kind.resource.kind != "Freight" || self.names.is_empty() {
            return Ok(());
        }
        let verbs = session.verbs_of(self.project());
        for name in &mut self.names {
            *name = verbs.freight(name).await?.metadata.name.unwrap_or_default();
        }
        Ok(())
    }

    fn document(&self, mut object: DynamicObject) -> Result<Value, Failure> {
        object.metadata.managed_fields = None;
        if object.types.is_none() {
            object.types = Some(kube::core::TypeMeta {
                api_version: self.kind.resource.api_version.clone(),
                kind: self.kind.resource.kind.clone(),
            });
        }
        let mut value = serde_json::to_value(&object).map_err(|err| Failure::bug(format_args!("read an object: {err}")))?;
        if self.kind.resource.kind == "Secret" {
            hide(&mut value);
        }
        Ok(value)
    }

    async fn documents(&self, session: &Session, format: Format) -> Result<(), Failure> {
        let objects = self.objects(session).await?;
        match (format, objects.as_slice(), self.names.len()) {
            (Format::Name, ..) => {
                for object in &objects {
                    output::line(self.kind.shown(object["metadata"]["name"].as_str().unwrap_or_default()));
                }
            }
            (_, [one], 1) => output::print(output::document(one, format)?),
            _ => output::print(output::document(&json!({ "apiVersion": "v1", "kind": "List", "items": objects }), format)?),
        }
        if objects.is_empty() {
            self.say_none();
        }
        Ok(())
    }

    async fn follow_documents(&self, session: &Session, format: Format) -> Result<(), Failure> {
        let streams = self
            .apis(session, &self.kind)
            .into_iter()
            .map(|api| watcher(api, watcher::Config::default()).default_backoff().boxed());
        let mut events = futures::stream::select_all(streams);
        while let Some(event) = events.try_next().await.unwrap_or(Some(watcher::Event::Init)) {
            let watcher::Event::Apply(object) = event else { continue };
            if !self.names.is_empty() && !self.names.iter().any(|name| Some(name) == object.metadata.name.as_ref()) {
                continue;
            }
            let value = self.document(object)?;
            match format {
                Format::Name => output::line(self.kind.shown(value["metadata"]["name"].as_str().unwrap_or_default())),
                Format::Yaml => output::print(format_args!("---\n{}", output::document(&value, format)?)),
                _ => output::print(output::document(&value, format)?),
            }
        }
        Ok(())
    }

    fn width(&self) -> Option<usize> {
        output::width().filter(|_| !self.wide)
    }

    fn say_none(&self) {
        let word = self.kind.word();
        let place = if self.all {
            " in any project".to_owned()
        } else if self.kind.namespaced {
            format!(" in project {}", self.projects.join(", "))
        } else {
            String::new()
        };
        output::aside(format_args!("no {word}{place}"));
        let how = match self.kind.resource.kind.as_str() {
            "Freight" => "a warehouse makes it of what it finds: `seaway get warehouses`, `seaway refresh warehouse NAME`",
            "Promotion" | "PromotionRun" => "seaway promote STAGE --freight FREIGHT",
            "Plan" => "seaway plan STAGE --freight FREIGHT",
            "Secret" | "ConfigMap" => "seaway apply -f FILE",
            "Event" => "they come as things happen: `seaway watch`",
            _ => "seaway apply -f FILE; `seaway demo` comes with a pipeline to look at",
        };
        output::aside(format_args!("hint: {}", typed(how)));
    }
}

/// A cell without the time that is left: `soak in prod-eu: 58s` is what it was a second ago.
fn timeless(text: &str) -> &str {
    text.split_once(": ").map_or(text, |(what, _)| if what.starts_with("soak in ") { what } else { text })
}

/// A Secret shows its keys, never its values.
pub(crate) fn hide(secret: &mut Value) {
    for part in ["data", "stringData"] {
        for value in secret.get_mut(part).and_then(Value::as_object_mut).into_iter().flat_map(|map| map.values_mut()) {
            *value = json!("***");
        }
    }
    if let Some(annotations) = secret.pointer_mut("/metadata/annotations").and_then(Value::as_object_mut) {
        annotations.remove("kubectl.kubernetes.io/last-applied-configuration");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn that_time_passes_is_no_change() {
        assert_eq!(timeless("soak in prod-eu: 58s"), timeless("soak in prod-eu: 57s"));
        assert_eq!(timeless("you: manual promotion"), "you: manual promotion");
    }

    #[test]
    fn a_secret_shows_its_keys_and_never_its_values() {
        let mut secret = json!({ "kind": "Secret", "data": { "password": "c2VjcmV0" }, "metadata": { "name": "git" } });
        hide(&mut secret);
        assert_eq!(secret.to_string(), r#"{"kind":"Secret","data":{"password":"***"},"metadata":{"name":"git"}}"#);
    }
}
