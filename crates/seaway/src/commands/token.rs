//! `seaway token`: API tokens of one's own, for scripts: with an end, and for less than everything where that is enough.

use crate::cli::Global;
use crate::exit::{Exit, Failure};
use crate::output::{self, Format, Table};
use crate::session::{Access, Session};
use crate::v1;
use http::Method;
use serde_json::{Value, json};
use std::time::Duration;

/// API tokens of your own, for scripts
#[derive(Debug, clap::Args)]
#[command(after_help = "A token is `Authorization: Bearer …` for every door. It may never more than you may.\n\
Example: seaway token create ci -p bank --verb get,list,watch,promote --expires 30d")]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Make a token and show it once; --project narrows it to a project (several with commas)
    Create {
        /// What it is for
        name: String,
        /// Only these verbs, as RBAC names them; may be given again
        #[arg(long, value_name = "VERB", value_delimiter = ',')]
        verb: Vec<String>,
        /// How long it is good
        #[arg(long, default_value = "30d", value_parser = lifetime)]
        expires: Duration,
        /// The form of the answer
        #[arg(short, long, value_name = "FORM")]
        output: Option<Format>,
    },
    /// List your tokens
    List {
        /// The form of the answer
        #[arg(short, long, value_name = "FORM")]
        output: Option<Format>,
    },
    /// End a token
    Revoke {
        /// Its id, as `list` shows it
        id: String,
    },
}

impl Args {
    pub(crate) async fn run(&self, global: &Global) -> Result<Exit, Failure> {
        match &self.command {
            Command::Create { name, verb, expires, output } => create(global, name, verb, *expires, *output).await?,
            Command::List { output } => list(global, *output).await?,
            Command::Revoke { id } => revoke(global, id).await?,
        }
        Ok(Exit::Done)
    }
}

/// `30d`, or as Kargo's documents write durations: `12h`.
fn lifetime(text: &str) -> Result<Duration, String> {
    let days = text.strip_suffix('d').and_then(|days| days.parse::<u32>().ok());
    let lifetime =
        days.map_or_else(|| super::promote::duration(text).ok(), |days| Some(Duration::from_secs(u64::from(days) * 86_400)));
    lifetime.filter(|lifetime| lifetime.as_secs() > 0).ok_or_else(|| "a duration such as 30d or 12h is wanted".to_owned())
}

/// What a token may do: an empty list is no limit.
fn scope(projects: Option<&str>, verbs: &[String]) -> Value {
    let projects: Vec<&str> = projects.into_iter().flat_map(|names| names.split(',')).filter(|name| !name.is_empty()).collect();
    json!({ "projects": projects, "verbs": verbs })
}

async fn create(global: &Global, name: &str, verbs: &[String], expires: Duration, format: Option<Format>) -> Result<(), Failure> {
    let session = Session::open(global, Access::Write).await?;
    let scope = scope(global.project.as_deref(), verbs);
    let body = json!({ "name": name, "scope": scope, "expiresIn": expires.as_secs() });
    let made = v1::ask(&session.client, &format!("make token {name}"), Method::POST, &["tokens"], Some(&body)).await?;
    match format {
        Some(format @ (Format::Json | Format::Yaml)) => output::print(output::document(&made, format)?),
        Some(Format::Name) => output::line(text(&made["token"])),
        Some(Format::Wide) | None => {
            output::line(text(&made["token"]));
            let until = v1::instant(&made["expiresAt"]);
            output::aside(format_args!(
                "shown this once, good until {until}; `seaway token revoke {}` ends it",
                text(&made["id"])
            ));
        }
    }
    Ok(())
}

async fn list(global: &Global, format: Option<Format>) -> Result<(), Failure> {
    let session = Session::open(global, Access::Read).await?;
    let answer = v1::ask(&session.client, "list tokens", Method::GET, &["tokens"], None).await?;
    let items = answer["items"].as_array().map_or(&[][..], Vec::as_slice);
    match format {
        Some(format @ (Format::Json | Format::Yaml)) => output::print(output::document(&json!({ "items": items }), format)?),
        Some(Format::Name) => items.iter().for_each(|token| output::line(text(&token["id"]))),
        Some(Format::Wide) | None => output::print(table(items).text(output::width(), true)),
    }
    Ok(())
}

async fn revoke(global: &Global, id: &str) -> Result<(), Failure> {
    let session = Session::open(global, Access::Write).await?;
    v1::ask(&session.client, &format!("revoke token {id}"), Method::DELETE, &["tokens", id], None).await?;
    output::line(format_args!("token {id} is ended"));
    Ok(())
}

fn table(items: &[Value]) -> Table {
    let mut table = Table::new(&["TOKEN", "FOR", "PROJECTS", "VERBS", "UNTIL", "LAST USED"]);
    for token in items {
        let limit = |name: &str| {
            let all: Vec<&str> = token["scope"][name].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
            if all.is_empty() { "all yours".to_owned() } else { all.join(", ") }
        };
        table.rows.push(vec![
            text(&token["id"]).into(),
            text(&token["name"]).into(),
            limit("projects").into(),
            limit("verbs").into(),
            v1::instant(&token["expiresAt"]).into(),
            v1::instant(&token["usedAt"]).into(),
        ]);
    }
    table
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lifetime_may_be_in_days() {
        assert_eq!(lifetime("30d"), Ok(Duration::from_secs(30 * 86_400)));
        assert_eq!(lifetime("12h"), Ok(Duration::from_secs(12 * 3_600)));
        for bad in ["", "d", "0d", "0s", "-1h", "soon", "99999999999d"] {
            assert!(lifetime(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_scope_is_what_was_named() {
        assert_eq!(scope(Some("bank,shop"), &["get".to_owned()]), json!({ "projects": ["bank", "shop"], "verbs": ["get"] }));
        assert_eq!(scope(None, &[]), json!({ "projects": [], "verbs": [] }));
    }

    #[test]
    fn tokens_are_a_table() {
        let items = [
            json!({ "id": "7f3a", "name": "ci", "scope": { "projects": ["bank"], "verbs": [] }, "expiresAt": "2026-12-21T00:00:00Z" }),
        ];
        insta::assert_snapshot!(table(&items).text(None, true), @r"
        TOKEN  FOR  PROJECTS  VERBS      UNTIL                 LAST USED
        7f3a   ci   bank      all yours  2026-12-21T00:00:00Z  –
        ");
    }
}
